//! Every example on a page of help is run in a shell, against a local Looker.

use std::fs;

use embedctl::emulator::{Options, State};
use serde_json::Value;

use crate::support::{Outcome, Sandbox, output};

/// What `embedctl --help` and its like show.
const EXAMPLES: &str = include_str!("../../src/cli/examples.txt");

/// Examples that are only parsed, and why.
const PARSED: [(&str, &str); 7] = [
    ("embedctl emulator", "it serves until it is stopped"),
    (
        "embedctl work",
        "it takes a ledger in PostgreSQL, see `workers.rs`",
    ),
    (
        "embedctl ledger copy",
        "it takes a ledger in PostgreSQL, see `ledger_copy.rs`",
    ),
    (
        "embedctl profile add",
        "it asks for secrets, see `profile.rs`",
    ),
    (
        "embedctl url open acme-42 /embed/dashboards/1 --model demo --permission access_data\n",
        "it opens a browser",
    ),
    (
        "embedctl doctor\n",
        "its exit code is that of the worst it finds, see `doctor.rs`",
    ),
    ("embedctl doctor --probe", "the same"),
];

/// Examples that end with another exit code than 0, since they have found what they look for.
const FINDS: [(&str, i32); 2] = [("embedctl url inspect", 1), ("embedctl users explain", 3)];

/// The pages, each with its examples.
fn pages() -> Vec<(&'static str, Vec<&'static str>)> {
    let pages = EXAMPLES.split("\n\n").skip(1);
    let page = |page: &'static str| {
        let mut lines = page.lines();
        let name = lines.next().unwrap();
        let commands = lines.map(str::trim_start).filter(|line| is_command(line));
        (name, commands.collect())
    };
    pages.map(page).collect()
}

fn is_command(line: &str) -> bool {
    line.starts_with("embedctl ")
}

/// A Looker with the user `acme-42`, who owns one of everything and has a key, a run, and the files that the examples name.
async fn prepared() -> (Sandbox, [(&'static str, String); 2]) {
    let mut sandbox = Sandbox::with(Options {
        state: State::named("rotation").unwrap(),
        ..Options::default()
    })
    .await;
    sandbox.has_embedctl_on_path();
    let config = sandbox.root().join("home/.config/embedctl");
    fs::create_dir_all(&config).unwrap();
    let staging =
        "[profiles.staging]\nbase_url = \"https://staging.example.com\"\nclient_id = \"x\"\n";
    fs::write(config.join("config.toml"), staging).unwrap();
    let url = "https://acme.looker.com/login/embed/%2Fembed%2Fdashboards%2F1?nonce=%22a%22";
    for (name, text) in [
        (
            "users.csv",
            "external_user_id,models,permissions\nacme-7,demo,access_data\n",
        ),
        ("mapping.csv", "old,new\ngrace@acme.example,7d2e11\n"),
        ("refused-url.txt", url),
        ("mail.txt", &format!("It says 401:\n> {url}\n")),
        (
            "requests.jsonl",
            "{\"path\":\"/embed/dashboards/1\",\"external_user_id\":\"a\",\"permissions\":[\"access_data\"],\"models\":[\"demo\"]}\n",
        ),
    ] {
        sandbox.file(name, text);
    }
    for id in ["ada@acme.example", "grace@acme.example"] {
        let grants = ["--model", "demo", "--permission", "access_data"];
        let create = [&["create-user", id, "--no-key"][..], &grants].concat();
        let _done = sandbox.run(&create).await.done();
    }
    let mint = [
        "keys",
        "mint",
        "acme-42",
        "--keys-to",
        "file:keys.jsonl",
        "-o",
        "json",
    ];
    let _minted = sandbox.run(&mint).await.done();
    let runs = sandbox
        .run(&["runs", "list", "-o", "json"])
        .await
        .done()
        .json();
    let key: Value = serde_json::from_str(sandbox.read("keys.jsonl").trim()).unwrap();
    let word = |value: &Value| value.as_str().unwrap().to_owned();
    let names = [("RUN", word(&runs[0]["id"])), ("KEY", word(&key["key_id"]))];
    (sandbox, names)
}

async fn shell(sandbox: &Sandbox, line: &str) -> Outcome {
    let mut shell = sandbox.program("sh");
    shell.args(["-c", line]);
    output(shell).await
}

/// Run the examples of these pages, each page in a sandbox of its own, one after the other.
async fn run(of: impl Fn(&str) -> bool) {
    for (page, commands) in pages().into_iter().filter(|(page, _)| of(page)) {
        let (sandbox, names) = prepared().await;
        for command in commands {
            let mut line = command.to_owned();
            for (placeholder, name) in &names {
                line = line.replace(placeholder, name);
            }
            if PARSED
                .iter()
                .any(|(start, _)| format!("{line}\n").starts_with(start))
            {
                line = format!("{line} --help");
            }
            let found = FINDS.iter().find(|(start, _)| line.starts_with(start));
            let outcome = shell(&sandbox, &line).await;
            let allowed =
                outcome.exit == 0 || found.is_some_and(|(_, exit)| outcome.exit == *exit as u8);
            assert!(allowed, "{page}: {line}\n{} {}", outcome.out, outcome.err);
        }
        sandbox.leave().await;
    }
}

#[tokio::test]
async fn the_examples_of_users_run() {
    run(|page| page.starts_with("users") || page == "embedctl").await;
}

#[tokio::test]
async fn the_examples_of_keys_and_runs_run() {
    run(|page| page.starts_with("keys") || page.starts_with("runs")).await;
}

#[tokio::test]
async fn the_examples_of_settings_and_the_ledger_run() {
    run(|page| page.starts_with("profile") || page.starts_with("ledger")).await;
}

#[tokio::test]
async fn the_other_examples_run() {
    let done = ["users", "embedctl", "keys", "runs", "profile", "ledger"];
    run(|page| !done.iter().any(|done| page.starts_with(done))).await;
}

#[tokio::test]
async fn each_page_of_help_has_examples() {
    let sandbox = Sandbox::offline();
    let reference = include_str!("../../examples/commands.md");
    let pages = pages();
    for title in reference
        .lines()
        .filter_map(|line| line.strip_prefix("## embedctl"))
    {
        let title = title.trim();
        let name = if title.is_empty() { "embedctl" } else { title };
        let page = pages.iter().find(|(page, _)| *page == name);
        let (_, commands) = page.unwrap_or_else(|| panic!("no examples for `{name}`"));
        let args: Vec<&str> = title.split_whitespace().chain(["--help"]).collect();
        let shown = sandbox.run(&args).await.done().out;
        for command in commands {
            // At 100 columns no example is folded.
            assert!(
                shown.contains(&format!("\n  {command}\n")),
                "{name}: {command}\n{shown}"
            );
        }
    }
}
