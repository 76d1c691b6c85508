//! That each rule notices what it is for.

use crate::tidy::source::{File, code_of};
use crate::tidy::{
    effects, first_line, flaky, forgotten, functions, imports, length, module_order, reexports,
    secrets,
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
    let product = "fn f() {}\n".repeat(crate::tidy::LONGEST_FILE);
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
fn a_long_function_is_refused() {
    let function = |lines: usize| format!("fn f() {{\n{}}}\n", "let a = 1;\n".repeat(lines - 2));
    let refused = |lines| functions(&File::new("src/a.rs", &function(lines))).len();

    assert_eq!(refused(crate::tidy::LONGEST_FUNCTION), 0);
    assert_eq!(refused(crate::tidy::LONGEST_FUNCTION + 1), 1);
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
    let code = |text: &str| code_of(text).trim_end().to_owned();

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
