//! The command line's contract: every help text, kept in `examples/commands.md`, and what describes it to shells and `man`.

use std::fs;
use std::path::Path;

use embedctl::error::Kind;
use serde_json::Value;

use crate::support::{Sandbox, assert_parses, output};

const REFERENCE: &str = "examples/commands.md";
const SHARED: &str = "Shared options";

#[tokio::test]
async fn the_command_reference_is_what_the_program_says() {
    let mut sandbox = Sandbox::offline();
    sandbox.var("COLUMNS", "100");

    let reference = reference(&sandbox).await;

    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(REFERENCE);
    if std::env::var_os("EMBEDCTL_UPDATE_REFERENCE").is_some() {
        fs::write(&path, &reference).unwrap();
    }
    let kept = fs::read_to_string(&path).unwrap_or_default();
    let differs = kept
        .lines()
        .zip(reference.lines())
        .find(|(kept, now)| kept != now);
    assert!(
        kept == reference,
        "{REFERENCE} is not what the program says: {differs:?}\n\
         look at the change, and write it with `EMBEDCTL_UPDATE_REFERENCE=1 cargo test --locked reference`"
    );
}

/// The help of the whole tree, as a Markdown page. The shared options are shown once.
async fn reference(sandbox: &Sandbox) -> String {
    let mut page = "# Every command of embedctl\n\nGenerated from `embedctl --help` and the help of every command below it; \
                    a test keeps it true.\nThe shared options of the first page belong to every command.\n"
        .to_owned();
    let mut waiting = vec![Vec::<String>::new()];
    while let Some(command) = waiting.pop() {
        let mut args: Vec<&str> = command.iter().map(String::as_str).collect();
        args.push("--help");
        let help = sandbox.run(&args).await.done().out;
        let own = match help.split_once(SHARED) {
            Some((own, _)) if !command.is_empty() => own.trim_end(),
            _ => help.trim_end(),
        };
        let title = ["embedctl"]
            .into_iter()
            .chain(command.iter().map(String::as_str));
        let title = title.collect::<Vec<_>>().join(" ");
        page.extend(["\n## ", &title, "\n\n```text\n", own, "\n```\n"]);
        // Below the first page, `help` is what every command has.
        let below = subcommands(&help).into_iter();
        for name in below
            .rev()
            .filter(|name| command.is_empty() || name != "help")
        {
            waiting.push(command.iter().cloned().chain([name]).collect());
        }
    }
    page
}

/// The names of commands in a help text, on the first page in groups.
fn subcommands(help: &str) -> Vec<String> {
    let (first, _) = help.split_once(SHARED).unwrap_or((help, ""));
    let all = match first.split_once("\nCommands:\n") {
        Some((_, below)) => below.split("\n\n").next().unwrap_or_default(),
        None if first.contains("\nSetup:\n") => first,
        None => return Vec::new(),
    };
    let names = all
        .lines()
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    let names = names.filter_map(|line| line.split_whitespace().next());
    names.map(str::to_owned).collect()
}

#[tokio::test]
async fn help_lists_the_commands_and_the_topics() {
    let sandbox = Sandbox::offline();

    let list = sandbox.run(&["help"]).await.done().out;
    let value = sandbox.run(&["help", "-o", "json"]).await.done().json();

    for name in ["create-user", "rotate-id", "exit-codes", "looker"] {
        let begins = |line: &str| line.trim_start().starts_with(&format!("{name} "));
        assert!(list.lines().any(begins), "no `{name}` in {list}");
    }
    let topics = value["topics"].as_array().unwrap();
    assert!(topics.iter().any(|topic| topic["name"] == "exit-codes"));
}

#[tokio::test]
async fn help_of_a_command_is_what_its_flag_says() {
    let sandbox = Sandbox::offline();

    for path in [&["create-user"][..], &["keys", "mint"], &["help"]] {
        let asked = sandbox.run(&[&["help"], path].concat()).await.done();
        let flag = sandbox.run(&[path, &["--help"]].concat()).await.done();

        assert_eq!(asked.out, flag.out, "{path:?}");
    }
}

#[tokio::test]
async fn help_on_what_is_not_there_names_the_nearest() {
    let sandbox = Sandbox::offline();

    for (path, words) in [
        (&["lookr"][..], "did you mean `looker`?"),
        (&["exit-code"], "did you mean `exit-codes`?"),
        (&["creat-user"], "did you mean `create-user`?"),
        (&["keys", "mnit"], "did you mean `mint`?"),
        (&["keys", "looker"], "`embedctl help` lists"),
        (&["zzz"], "`embedctl help` lists"),
    ] {
        let outcome = sandbox.run(&[&["help"], path].concat()).await.exits(2);

        assert!(outcome.err.contains(words), "{path:?}: {}", outcome.err);
    }
}

#[tokio::test]
async fn the_exit_codes_of_help_are_those_of_the_code() {
    let sandbox = Sandbox::offline();

    let outcome = sandbox
        .run(&["help", "exit-codes", "-o", "json"])
        .await
        .done();

    let value = outcome.json();
    let rows = value["exit_codes"].as_array().unwrap();
    for kind in Kind::ALL {
        let has_kind = |row: &&Value| {
            let kinds = row["kinds"].as_array().unwrap();
            row["code"] == kind.exit_code() && kinds.contains(&kind.word().into())
        };
        assert_eq!(rows.iter().filter(has_kind).count(), 1, "{kind:?}");
    }
}

/// The topics that are guides.
const GUIDES: [&str; 7] = [
    "settings",
    "manifests",
    "sinks",
    "moving-users",
    "ci",
    "troubleshooting",
    "local-looker",
];

/// `--help` behind them stops them from doing anything; what stands in front of it is parsed all the same.
#[tokio::test]
async fn every_command_in_a_guide_is_one_that_embedctl_takes() {
    let sandbox = Sandbox::offline();
    let mut count = 0;
    for guide in GUIDES {
        let text = sandbox.run(&["help", guide]).await.done().out;
        let commands = text
            .lines()
            .filter_map(|line| line.strip_prefix("    embedctl "));
        for command in commands {
            count += 1;
            assert_parses(&sandbox, command).await;
        }
    }
    assert!(count >= 20, "{count} commands");
}

#[tokio::test]
async fn a_guide_is_at_most_80_columns_wide_and_has_sections_for_programs() {
    let sandbox = Sandbox::offline();
    for guide in GUIDES {
        let text = sandbox.run(&["help", guide]).await.done().out;
        let longest = text.lines().map(|line| line.chars().count()).max();
        assert!(longest.unwrap() <= 80, "{guide}");

        let json = sandbox.run(&["help", guide, "-o", "json"]).await.done();
        let sections = json.json()["sections"].as_array().unwrap().clone();
        assert!(sections.len() > 1, "{guide}");
        assert!(
            sections.iter().all(|section| section["text"] != ""),
            "{guide}"
        );
    }
}

#[tokio::test]
async fn help_fits_a_narrow_terminal() {
    let mut sandbox = Sandbox::offline();
    sandbox.var("COLUMNS", "60");

    for args in [
        &["--help"][..],
        &["-h"],
        &["create-user", "--help"],
        &["url", "sign", "--help"],
    ] {
        let help = sandbox.run(args).await.done().out;

        for line in help.lines() {
            assert!(line.chars().count() <= 60, "{args:?}: {line}");
        }
    }
}

#[tokio::test]
async fn every_shared_flag_names_its_variable() {
    let sandbox = Sandbox::offline();

    let help = sandbox.run(&["--help"]).await.done().out;

    let (_, shared) = help.split_once(SHARED).unwrap();
    let flags = shared
        .lines()
        .filter_map(|line| line.trim().split_once("--"));
    let flags = flags.filter(|(before, _)| before.is_empty() || before.starts_with('-'));
    for (_, flag) in flags.filter(|(_, flag)| !["help", "version"].contains(flag)) {
        let name = flag
            .split([' ', '.'])
            .next()
            .unwrap()
            .to_uppercase()
            .replace('-', "_");

        assert!(shared.contains(&format!("[EMBEDCTL_{name}]")), "{name}");
    }
}

#[tokio::test]
async fn man_pages_are_written_for_every_command() {
    let sandbox = Sandbox::offline();

    let outcome = sandbox.run(&["man", "pages/man1"]).await.done();

    assert_eq!(outcome.err, "Wrote manual pages into pages/man1\n");
    let page = sandbox.read("pages/man1/embedctl-create-user.1");
    assert!(page.starts_with(".ie") || page.contains(".TH"), "{page}");
    assert!(page.contains("EMBEDCTL_PROFILE"), "{page}");
    let sections = page.lines().filter_map(|line| line.strip_prefix(".SH "));
    let sections: Vec<_> = sections.collect();
    let expected = [
        "NAME",
        "SYNOPSIS",
        "DESCRIPTION",
        "OPTIONS",
        "ENVIRONMENT",
        "FILES",
        "\"EXIT STATUS\"",
        "EXAMPLES",
    ];
    for section in expected {
        assert!(
            sections.contains(&section.trim_matches('"')),
            "{section} in {sections:?}"
        );
    }
    assert!(
        page.contains("embedctl create\\-user acme\\-42 \\-\\-emulator"),
        "{page}"
    );
    assert!(sandbox.path("pages/man1/embedctl.1").exists());
    assert!(sandbox.path("pages/man1/embedctl-profile-show.1").exists());
    // Whole or not at all, also over a page that is there, for everybody to read, with nothing left beside.
    let _again = sandbox.run(&["man", "pages/man1"]).await.done();
    for file in fs::read_dir(sandbox.path("pages/man1")).unwrap() {
        let file = file.unwrap();
        let mode = std::os::unix::fs::MetadataExt::mode(&file.metadata().unwrap());
        assert_eq!(mode & 0o777, 0o644, "{}", file.path().display());
        assert!(file.file_name().to_str().unwrap().ends_with(".1"));
    }
}

/// What bash offers for the last of `words`.
async fn complete(sandbox: &Sandbox, words: &[&str]) -> Vec<String> {
    let mut command = sandbox.process(&["--"]);
    command
        .args(words)
        .env("EMBEDCTL_COMPLETE", "bash")
        .env("_CLAP_COMPLETE_INDEX", (words.len() - 1).to_string())
        .env("_CLAP_IFS", "\n");
    let answer = output(command).await.done();
    answer.out.lines().map(str::to_owned).collect()
}

#[tokio::test]
async fn a_shell_completes_commands_flags_values_and_profiles() {
    let sandbox = Sandbox::offline();
    sandbox.file("looker.ini", "[prod]\nbase_url = https://acme\n[dev]\n");

    assert_eq!(
        complete(&sandbox, &["embedctl", "profile", "sh"]).await,
        ["show"]
    );
    assert_eq!(
        complete(&sandbox, &["embedctl", "create-user", "--out"]).await,
        ["--output"]
    );
    assert_eq!(
        complete(&sandbox, &["embedctl", "-o", "j"]).await,
        ["json", "jsonl"]
    );
    assert_eq!(
        complete(&sandbox, &["embedctl", "--profile", ""]).await,
        ["prod", "dev"]
    );
}

#[tokio::test]
async fn models_and_groups_are_those_of_the_looker_in_the_settings() {
    let sandbox = Sandbox::new().await;

    let models = complete(
        &sandbox,
        &["embedctl", "create-user", "acme-1", "--model", "d"],
    )
    .await;
    let groups = complete(
        &sandbox,
        &["embedctl", "url", "sign", "/x", "--group-id", ""],
    )
    .await;
    let joined = complete(
        &sandbox,
        &["embedctl", "create-user", "acme-1", "--model=d"],
    )
    .await;
    let permissions = complete(
        &sandbox,
        &["embedctl", "create-user", "--permission", "see_l"],
    )
    .await;

    assert_eq!(models, ["demo"]);
    assert!(!groups.is_empty());
    assert_eq!(joined, ["--model=demo"]);
    assert_eq!(permissions, ["see_lookml_dashboards", "see_looks"]);
    sandbox.finish().await;
}

#[tokio::test]
async fn no_secret_command_is_run_while_a_line_is_typed() {
    let sandbox = Sandbox::offline();
    let folder = sandbox.root().join("home/.config/embedctl");
    fs::create_dir_all(&folder).unwrap();
    let text = "default_profile = \"p\"\n[profiles.p]\nbase_url = \"http://127.0.0.1:1\"\nclient_id = \"id\"\n\
                client_secret = { command = [\"touch\", \"asked\"] }\n";
    fs::write(folder.join("config.toml"), text).unwrap();

    let models = complete(
        &sandbox,
        &["embedctl", "create-user", "acme-1", "--model", ""],
    )
    .await;

    assert!(models.is_empty(), "{models:?}");
    assert!(!sandbox.path("asked").exists());
}

#[tokio::test]
async fn completion_stays_silent_where_settings_are_broken() {
    let sandbox = Sandbox::offline();
    sandbox.file("looker.ini", "broken");

    assert_eq!(complete(&sandbox, &["embedctl", "prof"]).await, ["profile"]);
}

#[tokio::test]
async fn every_shell_has_a_script() {
    let sandbox = Sandbox::offline();

    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = sandbox.run(&["completions", shell]).await.done().out;

        assert!(script.contains("EMBEDCTL_COMPLETE"), "{shell}: {script}");
    }
}
