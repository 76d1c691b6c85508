//! The rules of the house that the compiler does not know: which module may import which, effects behind seams,
//! secrets read in few places, short files, no forgotten or flaky test.
//!
//! The reading order of modules is taken from `src/lib.rs`. Every rule is a function from one file to what is wrong
//! with it, so that a test can show that it notices.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

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
const SECRET_READERS: [&str; 8] = [
    "src/commands/emulator.rs",
    "src/config/",
    "src/emulator/",
    "src/looker/embed.rs",
    "src/looker/path.rs",
    "src/looker/request.rs",
    "src/signed_url/",
    "src/sink/",
];

/// The longest a product file may be, its tests not counted.
const LONGEST_FILE: usize = 500;

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
        problems.extend(flaky(&file));
        if file.path == "src/lib.rs" {
            problems.extend(reexports(&file));
        }
    }
    for file in files("tests")
        .iter()
        .chain(&files("benches"))
        .chain(&files("examples"))
    {
        problems.extend(first_line(file));
        problems.extend(flaky(file));
    }
    problems.extend(forgotten(&read("tests/it/main.rs"), &test_modules()));
    assert!(problems.is_empty(), "\n{}\n", problems.join("\n"));
}

/// One source file.
struct File {
    path: String,
    text: String,
    /// The text with comments and literals blanked out.
    code: String,
    /// The number of lines before the file's own tests.
    product_lines: usize,
}

impl File {
    fn new(path: &str, text: &str) -> Self {
        let code = blank(text);
        let total = text.lines().count();
        let lines: Vec<&str> = code.lines().collect();
        let own_tests = lines
            .windows(2)
            .position(|pair| pair[0].trim() == "#[cfg(test)]" && pair[1].contains("mod tests {"));
        let all_tests =
            path.starts_with("tests/") || path.ends_with("/tests.rs") || path.contains("/tests/");
        Self {
            path: path.to_owned(),
            text: text.to_owned(),
            code,
            product_lines: if all_tests {
                0
            } else {
                own_tests.unwrap_or(total)
            },
        }
    }

    /// The module right below the crate's root that the file belongs to.
    fn module(&self) -> &str {
        let below = self.path.strip_prefix("src/").unwrap_or(&self.path);
        below
            .split_once('/')
            .map_or_else(|| below.trim_end_matches(".rs"), |(folder, _)| folder)
    }

    /// The lines of code before the file's own tests, with their numbers.
    fn product(&self) -> impl Iterator<Item = (usize, &str)> {
        self.lines().take(self.product_lines)
    }

    /// The lines of the file's tests, with their numbers.
    fn tests(&self) -> impl Iterator<Item = (usize, &str)> {
        self.lines().skip(self.product_lines)
    }

    fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.code
            .lines()
            .enumerate()
            .map(|(at, line)| (at + 1, line))
    }

    fn problem(&self, line: usize, what: &str) -> String {
        format!("{}:{line}: {what}", self.path)
    }

    fn is_one_of(&self, places: &[&str]) -> bool {
        places.iter().any(|place| self.path.starts_with(place))
    }
}

/// The modules of the crate, topmost first, as `lib.rs` lists them.
fn module_order(lib: &str) -> Vec<String> {
    let module = |line: &str| {
        let line = line
            .strip_prefix("pub")
            .map_or(line, |rest| rest.trim_start_matches("(crate)").trim_start());
        Some(line.strip_prefix("mod ")?.strip_suffix(';')?.to_owned())
    };
    blank(lib).lines().filter_map(module).collect()
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

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap()
}

/// The Rust files in and below the folder `path`; none where there is no such folder.
fn files(path: &str) -> Vec<File> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(path)];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = fs::read_dir(&folder) else {
            continue;
        };
        for entry in entries {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(File::new(
                    &relative(&path),
                    &fs::read_to_string(&path).unwrap(),
                ));
            }
        }
    }
    found
}

fn relative(path: &Path) -> String {
    path.strip_prefix(root())
        .unwrap()
        .to_str()
        .unwrap()
        .replace('\\', "/")
}

/// `text` with the content of comments and literals replaced by spaces; lines stay where they are.
fn blank(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let in_word = code.ends_with(|before: char| before.is_alphanumeric() || before == '_');
        let length = if in_word { 0 } else { hidden(rest) };
        if length == 0 {
            code.push(first);
            rest = &rest[first.len_utf8()..];
        } else {
            code.extend(
                rest[..length]
                    .chars()
                    .map(|hidden| if hidden == '\n' { '\n' } else { ' ' }),
            );
            rest = &rest[length..];
        }
    }
    code
}

/// The length of the comment or literal that `rest` begins with; 0 where it begins with code.
fn hidden(rest: &str) -> usize {
    let up_to = |end: &str, from: usize| {
        rest[from..]
            .find(end)
            .map_or(rest.len(), |at| from + at + end.len())
    };
    if rest.starts_with("//") {
        return rest.find('\n').unwrap_or(rest.len());
    }
    if rest.starts_with("/*") {
        return up_to("*/", 2);
    }
    let prefix = rest.len() - rest.trim_start_matches(['b', 'c']).len();
    let literal = if prefix > 1 { rest } else { &rest[prefix..] };
    if let Some(raw) = literal.strip_prefix('r') {
        let hashes = raw.len() - raw.trim_start_matches('#').len();
        return match raw[hashes..].strip_prefix('"') {
            Some(_) => up_to(&format!("\"{}", "#".repeat(hashes)), prefix + hashes + 2),
            None => 0,
        };
    }
    if literal.starts_with('"') {
        return prefix + quoted(literal, '"');
    }
    let mut characters = literal.chars();
    match (characters.next(), characters.next(), characters.next()) {
        (Some('\''), Some('\\'), _) | (Some('\''), Some(_), Some('\'')) => {
            prefix + quoted(literal, '\'')
        }
        _ => 0,
    }
}

/// The length of the literal between two `quote`s at the start of `text`.
fn quoted(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, character) in text.char_indices().skip(1) {
        if character == quote && !escaped {
            return at + 1;
        }
        escaped = character == '\\' && !escaped;
    }
    text.len()
}

mod rules {
    use super::{
        File, blank, effects, first_line, flaky, forgotten, imports, length, module_order,
        reexports, secrets,
    };

    const LIB: &str = "pub mod cli;\nmod commands;\npub mod config;\npub mod workflow;\npub mod ledger;\n\
        pub mod looker;\npub mod emulator;\npub mod signed_url;\npub mod sink;\npub(crate) mod report;\n\
        pub mod error;\npub mod secret;\npub mod system;\n";

    #[test]
    fn the_order_of_modules_is_that_of_the_list() {
        let order =
            module_order("// mod gone;\npub mod a;\n\npub(crate) mod b;\nmod c;\nfn mod_d() {}\n");

        assert_eq!(order, ["a", "b", "c"]);
    }

    #[test]
    fn an_import_may_point_down_only() {
        accepts("src/commands/plan.rs", "use crate::config::Settings;");
        accepts(
            "src/ledger/mod.rs",
            "use crate::ledger::sqlite::SqliteLedger;",
        );
        accepts(
            "src/looker/error.rs",
            "impl From<LookerError> for crate::error::Error {}",
        );
        accepts(
            "src/looker/error.rs",
            "// as crate::config does\nlet text = \"crate::config\";",
        );
        refuses(
            "src/looker/http.rs",
            "use crate::config::Settings;",
            "stands below `config`",
        );
        refuses(
            "src/error.rs",
            "impl From<crate::looker::LookerError> for Error {}",
            "stands below `looker`",
        );
        refuses(
            "src/system/mod.rs",
            "use crate::secret::SecretString;",
            "stands below `secret`",
        );
    }

    #[test]
    fn the_unit_tests_of_a_module_keep_to_the_order_too_but_may_use_the_emulator() {
        accepts(
            "src/looker/mod.rs",
            "#[cfg(test)]\nmod tests {\nuse crate::emulator::Emulator;\n}",
        );
        refuses(
            "src/looker/mod.rs",
            "#[cfg(test)]\nmod tests {\nuse crate::config::Settings;\n}",
            "stands below",
        );
    }

    #[test]
    fn siblings_do_not_import_each_other() {
        refuses(
            "src/looker/mod.rs",
            "use crate::sink::Sink;",
            "side by side",
        );
        refuses(
            "src/sink/mod.rs",
            "use crate::signed_url::Signer;",
            "side by side",
        );
        refuses(
            "src/signed_url/mod.rs",
            "use crate::looker::Client;",
            "side by side",
        );
    }

    #[test]
    fn the_emulator_shares_only_the_verifier_with_the_product() {
        accepts("src/emulator/web.rs", "use crate::signed_url::verify;");
        accepts(
            "src/emulator/web.rs",
            "use crate::signed_url::verify::Rejection;",
        );
        accepts("src/emulator/web.rs", "use crate::emulator::world::World;");
        refuses(
            "src/emulator/web.rs",
            "use crate::signed_url::Signer;",
            "the emulator may import only",
        );
        refuses(
            "src/emulator/web.rs",
            "use crate::signed_url::verifying;",
            "the emulator may import only",
        );
        refuses(
            "src/emulator/users.rs",
            "use crate::looker::User;",
            "the emulator may import only",
        );
    }

    #[test]
    fn the_emulator_is_known_to_commands_only() {
        accepts("src/commands/emulator.rs", "use crate::emulator::Emulator;");
        refuses(
            "src/config/mod.rs",
            "use crate::emulator::Emulator;",
            "must not know the emulator",
        );
    }

    #[test]
    fn an_import_names_its_module() {
        refuses(
            "src/looker/mod.rs",
            "use crate::{error, system};",
            "names no module",
        );
        refuses("src/looker/mod.rs", "use crate::*;", "names no module");
        refuses("src/looker/mod.rs", "use crate::run;", "names no module");
        refuses(
            "src/looker/mod.rs",
            "use super::config::Settings;",
            "`super` reaches",
        );
        refuses(
            "src/looker/http/pool.rs",
            "use super::super::super::config::Settings;",
            "`super` reaches",
        );
        accepts("src/looker/http/pool.rs", "use super::super::LookerError;");
        assert_eq!(
            reexports(&File::new("src/lib.rs", "pub use error::Error;\n")).len(),
            1
        );
        assert_eq!(
            reexports(&File::new("src/lib.rs", "use crate::error::Error;\n")).len(),
            0
        );
    }

    #[test]
    fn effects_stay_behind_the_seam() {
        for effect in [
            "std::env::var(\"HOME\")",
            "env::vars_os()",
            "SystemTime::now()",
            "Instant::now()",
            "Timestamp::now()",
            "tokio::time::sleep(second)",
            "getrandom::fill(&mut bytes)",
            "println!(\"hello\")",
            "io::stdout()",
            "Uuid::new_v4()",
        ] {
            let code = format!("fn f() {{\n    {effect};\n}}\n");
            let found = effects(&File::new("src/looker/mod.rs", &code));
            assert_eq!(found.len(), 1, "{effect}: {found:?}");
            assert!(found[0].starts_with("src/looker/mod.rs:2: "), "{found:?}");
            assert!(
                effects(&File::new("src/system/clock.rs", &code)).is_empty(),
                "{effect}"
            );
        }
        assert!(
            effects(&File::new(
                "src/looker/mod.rs",
                "// println!\nlet text = \"Instant::now\";"
            ))
            .is_empty()
        );
        assert_eq!(
            effects(&File::new("src/system/mod.rs", "process::exit(1)")).len(),
            1
        );
    }

    #[test]
    fn secrets_are_looked_at_in_few_places() {
        let code = "let text = secret.expose_secret();\n";

        assert_eq!(secrets(&File::new("src/commands/token.rs", code)).len(), 1);
        assert_eq!(secrets(&File::new("src/ledger/mod.rs", code)).len(), 1);
        assert!(secrets(&File::new("src/sink/file.rs", code)).is_empty());
    }

    #[test]
    fn a_file_says_first_what_it_is_for() {
        let refused = |text: &str| first_line(&File::new("src/a.rs", text)).is_some();

        assert!(!refused("//! What it is for.\n"));
        assert!(!refused(
            "//! What it is for, on two\n//! lines.\n//!\n//! More. Yet more.\n"
        ));
        assert!(refused("use std::fmt;\n"));
        assert!(refused("// What it is for.\n"));
        assert!(refused("//! What it is for\n"));
        assert!(refused("//! What it is for. And more.\n"));
    }

    #[test]
    fn a_long_file_is_refused_but_its_tests_do_not_count() {
        let product = "fn f() {}\n".repeat(super::LONGEST_FILE);
        let tests = format!("{product}#[cfg(test)]\nmod tests {{\n{product}}}\n");

        assert!(length(&File::new("src/a.rs", &product)).is_none());
        assert!(length(&File::new("src/a.rs", &tests)).is_none());
        assert!(length(&File::new("src/a.rs", &format!("{product}fn g() {{}}\n"))).is_some());
        assert!(
            length(&File::new(
                "tests/it/a.rs",
                &format!("{product}fn g() {{}}\n")
            ))
            .is_none()
        );
    }

    #[test]
    fn tests_neither_sleep_nor_hide() {
        let found = |code: &str| flaky(&File::new("tests/it/a.rs", code)).len();

        assert_eq!(found("#[test]\n#[ignore = \"slow\"]\nfn f() {}\n"), 1);
        assert_eq!(found("thread::sleep(Duration::from_secs(1));\n"), 1);
        assert_eq!(found("    sleep(Duration::from_secs(1)).await;\n"), 1);
        assert_eq!(found("clock.sleep(Duration::from_secs(1)).await;\n"), 0);
        assert_eq!(found("fn nobody_sleeps_here() {}\n"), 0);
    }

    #[test]
    fn no_file_of_tests_is_forgotten() {
        let present = ["crash", "tidy"].map(str::to_owned).into();

        assert!(forgotten("mod crash;\nmod tidy;\n", &present).is_empty());
        assert_eq!(forgotten("mod tidy;\n// mod crash;\n", &present).len(), 1);
        assert_eq!(forgotten("mod tidy;\nmod crash;\n", &present).len(), 1);
    }

    #[test]
    fn comments_and_literals_are_not_code() {
        let code = |text: &str| blank(text).trim_end().to_owned();

        assert_eq!(code("a // b"), "a");
        assert_eq!(code("a /* b\n */ c"), "a     \n    c");
        assert_eq!(code(r#"f("a \" b", c)"#), r"f(        , c)");
        assert_eq!(code("f(r#\"a \" b\"#, c)"), "f(          , c)");
        assert_eq!(code(r"f('\'', b'x', c)"), "f(    ,     , c)");
        assert_eq!(code("f('\"', c, '\"')"), "f(   , c,    )");
        assert_eq!(code("fn f<'a>(b: &'a str)"), "fn f<'a>(b: &'a str)");
        assert_eq!(code("r#type + br#\"x\"# + abr"), "r#type +         + abr");
    }

    fn accepts(path: &str, code: &str) {
        let found = imports(&File::new(path, code), &module_order(LIB));
        assert!(found.is_empty(), "{code}: {found:?}");
    }

    fn refuses(path: &str, code: &str, why: &str) {
        let found = imports(&File::new(path, code), &module_order(LIB));
        assert_eq!(found.len(), 1, "{code}: {found:?}");
        assert!(
            found[0].starts_with(&format!("{path}:")) && found[0].contains(why),
            "{code}: {found:?}"
        );
    }
}
