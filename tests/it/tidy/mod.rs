//! The rules of the house that the compiler does not know: which module may import which, effects behind seams,
//! secrets read in few places, short files, no forgotten or flaky test.
//!
//! The reading order of modules is taken from `src/lib.rs`. Every rule is a function from one file to what is wrong
//! with it, so that a test can show that it notices.

mod circles;
mod rules;
mod source;
mod words;

use std::collections::BTreeSet;
use std::fs;

use proc_macro2::LineColumn;
use syn::visit::{self, Visit};

use crate::tidy::circles::circles;
use crate::tidy::source::{File, code_of, files, read, root};

/// Modules that stand at the same place in the order, and so may not import each other.
const SIBLINGS: [&str; 3] = ["looker", "signed_url", "sink"];

/// What the emulator may import; it shares nothing else with the product, so that one mistake cannot hide in both.
const EMULATOR_IMPORTS: [&str; 5] = [
    "signed_url::verify",
    "signed_url::Algorithm",
    "error",
    "secret",
    "system",
];

/// Modules that may import the emulator.
const EMULATOR_USERS: [&str; 1] = ["commands"];

/// Effects, and the only places that may have them.
const SEAMS: [(&[&str], &[&str], &str); 6] = [
    (
        &[
            "env::var",
            "env::set_var",
            "env::current_dir",
            "env::home_dir",
        ],
        &["src/system/"],
        "read variables and folders from `System`",
    ),
    (
        &[
            "SystemTime::now",
            "Instant::now",
            "Timestamp::now",
            "Zoned::now",
            "Uuid::now_v7",
        ],
        &["src/system/"],
        "take the time from `System`'s clock",
    ),
    (
        &["thread::sleep", "time::sleep"],
        &["src/system/"],
        "sleep on `System`'s clock, which a test can move",
    ),
    (
        &["getrandom::", "Uuid::new_v4", "rand::"],
        &["src/system/"],
        "take random bytes from `System`",
    ),
    (
        &[
            "println!",
            "print!",
            "eprintln!",
            "eprint!",
            "io::stdin",
            "io::stdout",
            "io::stderr",
        ],
        &["src/system/"],
        "write to the streams of `System`, through `report::Ui`",
    ),
    (
        &["process::exit", "process::abort"],
        &[],
        "return an `Exit`; a process that exits cleans nothing up",
    ),
];

/// The only places that may look at a secret: where one comes in, where one is sent, and where one goes out.
const SECRET_READERS: [&str; 9] = [
    "src/commands/emulator.rs",
    "src/config/",
    "src/emulator/",
    "src/ledger/postgres/connect.rs",
    "src/looker/embed.rs",
    "src/looker/path.rs",
    "src/looker/request.rs",
    "src/signed_url/",
    "src/sink/",
];

/// The longest a product file may be, its tests not counted.
const LONGEST_FILE: usize = 500;

/// The longest a function of the product may be, from its name to its last brace.
const LONGEST_FUNCTION: usize = 60;

#[test]
fn the_source_keeps_to_the_rules() {
    let order = module_order(&read("src/lib.rs"));
    let mut problems = Vec::new();
    for file in files("src") {
        problems.extend(imports(&file, &order));
        problems.extend(effects(&file));
        problems.extend(secrets(&file));
        problems.extend(first_line(&file));
        problems.extend(length(&file));
        problems.extend(functions(&file));
        problems.extend(flaky(&file));
        if file.path == "src/lib.rs" {
            problems.extend(reexports(&file));
        }
    }
    for file in files("tests").iter().chain(&files("examples")) {
        problems.extend(first_line(file));
        problems.extend(flaky(file));
    }
    problems.extend(forgotten(&read("tests/it/main.rs"), &test_modules()));
    let circles = circles(&files("src"));
    problems.extend(
        circles
            .iter()
            .map(|circle| format!("a circle of imports: {circle}")),
    );
    assert!(problems.is_empty(), "\n{}\n", problems.join("\n"));
}

/// The modules of the crate, topmost first, as `lib.rs` lists them.
fn module_order(lib: &str) -> Vec<String> {
    let module = |line: &str| {
        let line = line
            .strip_prefix("pub")
            .map_or(line, |rest| rest.trim_start_matches("(crate)").trim_start());
        Some(line.strip_prefix("mod ")?.strip_suffix(';')?.to_owned())
    };
    code_of(lib).lines().filter_map(module).collect()
}

/// Imports point down the order only.
fn imports(file: &File, order: &[String]) -> Vec<String> {
    let from = file.module();
    if matches!(from, "lib" | "main") {
        return Vec::new();
    }
    let mut problems = Vec::new();
    for (line, code) in file.product() {
        for path in paths(code, "crate::") {
            if let Err(what) = import(from, &path, order) {
                problems.push(file.problem(line, &what));
            }
        }
        if reaches_root(&file.path, code) {
            problems.push(file.problem(
                line,
                "`super` reaches the crate's root; write the path from `crate::`",
            ));
        }
    }
    for (line, code) in file.tests() {
        for path in paths(code, "crate::") {
            // A unit test may try its module on the local Looker.
            let to = path.split("::").next().unwrap_or_default();
            if to != "emulator"
                && let Err(what) = import(from, &path, order)
            {
                problems.push(file.problem(line, &what));
            }
        }
    }
    problems
}

fn import(from: &str, path: &str, order: &[String]) -> Result<(), String> {
    let place = |module: &str| {
        let module = if SIBLINGS.contains(&module) {
            SIBLINGS[0]
        } else {
            module
        };
        order.iter().position(|name| name == module)
    };
    let to = path.split("::").next().unwrap_or_default();
    let (Some(here), Some(there)) = (place(from), place(to)) else {
        return Err(format!(
            "`crate::{path}` names no module of `lib.rs`; import one module at a time, from where it is"
        ));
    };
    if from == to {
        return Ok(());
    }
    if from == "emulator" {
        let allowed = |allowed: &str| path == allowed || path.starts_with(&format!("{allowed}::"));
        return if EMULATOR_IMPORTS.iter().any(|name| allowed(name)) {
            Ok(())
        } else {
            Err(format!(
                "the emulator may import only {}; not `crate::{path}`",
                EMULATOR_IMPORTS.join(", ")
            ))
        };
    }
    if to == "emulator" {
        return if EMULATOR_USERS.contains(&from) {
            Ok(())
        } else {
            Err(format!(
                "`{from}` must not know the emulator; pass what it needs from {}",
                EMULATOR_USERS.join(", ")
            ))
        };
    }
    if SIBLINGS.contains(&from) && SIBLINGS.contains(&to) {
        return Err(format!(
            "`{from}` and `{to}` stand side by side; let the module above both bring them together"
        ));
    }
    if there < here {
        return Err(format!(
            "`{from}` stands below `{to}` in `lib.rs`; pass the value down as an argument instead"
        ));
    }
    Ok(())
}

/// The paths in a line of code that begin with `prefix`, which is left out.
fn paths(code: &str, prefix: &str) -> Vec<String> {
    let in_word = |character: char| character.is_alphanumeric() || matches!(character, '_' | ':');
    code.match_indices(prefix)
        .filter(|(at, _)| {
            !code[..*at].ends_with(|before: char| before.is_alphanumeric() || before == '_')
        })
        .map(|(at, _)| {
            code[at + prefix.len()..]
                .chars()
                .take_while(|next| in_word(*next))
                .collect()
        })
        .collect()
}

/// Whether a line climbs from the file at `path` to the root of the crate by `super::`.
fn reaches_root(path: &str, code: &str) -> bool {
    let depth = path.trim_end_matches("/mod.rs").matches('/').count();
    code.contains(&"super::".repeat(depth))
}

/// Nothing of the crate is reachable by two paths.
fn reexports(file: &File) -> Vec<String> {
    let what = "a re-export at the crate's root hides which module is imported; name the module where it is used";
    file.lines()
        .filter(|(_, code)| {
            code.trim_start().starts_with("pub use")
                || code.trim_start().starts_with("pub(crate) use")
        })
        .map(|(line, _)| file.problem(line, what))
        .collect()
}

/// Time, randomness, environment and streams come in through `System`.
fn effects(file: &File) -> Vec<String> {
    let mut problems = Vec::new();
    for (words, places, advice) in SEAMS {
        for (line, code) in file.product().filter(|_| !file.is_one_of(places)) {
            for word in words.iter().filter(|word| !paths(code, word).is_empty()) {
                problems.push(file.problem(line, &format!("`{word}` is an effect; {advice}")));
            }
        }
    }
    problems
}

/// Secrets are looked at in few places.
fn secrets(file: &File) -> Vec<String> {
    if file.is_one_of(&SECRET_READERS) {
        return Vec::new();
    }
    let what = format!(
        "a secret is looked at only in {}; pass the `SecretString` on",
        SECRET_READERS.join(", ")
    );
    file.product()
        .filter(|(_, code)| code.contains("expose_secret"))
        .map(|(line, _)| file.problem(line, &what))
        .collect()
}

/// The first thing a file says is what it is for, in one sentence.
fn first_line(file: &File) -> Option<String> {
    let doc = |line: &str| line.strip_prefix("//!").map(|text| text.trim().to_owned());
    let sentence: Vec<String> = file
        .text
        .lines()
        .map_while(doc)
        .take_while(|line| !line.is_empty())
        .collect();
    let sentence = sentence.join(" ");
    let one = sentence.ends_with('.') && !sentence.contains(". ");
    (!one).then(|| {
        file.problem(
            1,
            "begin the file with `//! ` and one sentence that says what it is for",
        )
    })
}

/// Files stay short.
fn length(file: &File) -> Option<String> {
    let lines = file.product_lines;
    let what = format!(
        "{lines} lines before its tests, {LONGEST_FILE} at most; split the file by what its parts are for"
    );
    (lines > LONGEST_FILE).then(|| file.problem(lines, &what))
}

/// Functions stay short.
fn functions(file: &File) -> Vec<String> {
    struct Functions(Vec<(LineColumn, usize, String)>);

    impl Functions {
        fn add(&mut self, signature: &syn::Signature, block: &syn::Block) {
            let first = signature.ident.span().start();
            let lines = block.brace_token.span.close().end().line - first.line + 1;
            self.0.push((first, lines, signature.ident.to_string()));
        }
    }

    impl<'ast> Visit<'ast> for Functions {
        fn visit_item_mod(&mut self, module: &'ast syn::ItemMod) {
            if module.ident != "tests" {
                visit::visit_item_mod(self, module);
            }
        }

        fn visit_item_fn(&mut self, function: &'ast syn::ItemFn) {
            self.add(&function.sig, &function.block);
            visit::visit_item_fn(self, function);
        }

        fn visit_impl_item_fn(&mut self, function: &'ast syn::ImplItemFn) {
            self.add(&function.sig, &function.block);
            visit::visit_impl_item_fn(self, function);
        }
    }

    if file.product_lines == 0 {
        return Vec::new();
    }
    let mut found = Functions(Vec::new());
    found.visit_file(&syn::parse_file(&file.text).expect("Rust"));
    let long = found
        .0
        .into_iter()
        .filter(|(_, lines, _)| *lines > LONGEST_FUNCTION);
    long.map(|(first, lines, name)| {
        let what =
            format!("`{name}` has {lines} lines, {LONGEST_FUNCTION} at most; name its parts");
        file.problem(first.line, &what)
    })
    .collect()
}

/// A test runs every time, and waits for what it needs instead of a while.
fn flaky(file: &File) -> Vec<String> {
    let mut problems = Vec::new();
    for (line, code) in file.lines() {
        if code.contains("#[ignore") {
            problems.push(file.problem(
                line,
                "an ignored test proves nothing; make it run or delete it",
            ));
        }
    }
    for (line, code) in file.tests() {
        let waits = ["thread::sleep(", "time::sleep("]
            .iter()
            .any(|word| code.contains(word));
        if waits || code.trim_start().starts_with("sleep(") {
            problems.push(file.problem(
                line,
                "a test that sleeps is slow or flaky; wait for the thing, or move the clock",
            ));
        }
    }
    problems
}

/// Every file of tests is part of the test binary, and the list is in order.
fn forgotten(main: &str, present: &BTreeSet<String>) -> Vec<String> {
    let listed = module_order(main);
    let mut problems: Vec<String> = present
        .iter()
        .filter(|name| !listed.contains(name))
        .map(|name| format!("tests/it/main.rs:1: `{name}` is not in the list, so its tests never run; add `mod {name};`"))
        .collect();
    if !listed.is_sorted() {
        problems
            .push("tests/it/main.rs:1: keep the list of modules sorted, one on a line".to_owned());
    }
    problems
}

fn test_modules() -> BTreeSet<String> {
    let modules = fs::read_dir(root().join("tests/it")).unwrap();
    modules
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .map(|name| name.trim_end_matches(".rs").to_owned())
        .filter(|name| name != "main" && !name.starts_with('.') && name != "snapshots")
        .collect()
}
