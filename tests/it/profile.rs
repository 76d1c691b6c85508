//! `embedctl profile`: says where settings come from, and shows no secret.

use std::fs;

use serde_json::json;

use crate::support::{Outcome, Sandbox};

fn sandbox() -> Sandbox {
    let sandbox = Sandbox::offline();
    let folder = sandbox.root().join("home/.config/embedctl");
    fs::create_dir_all(&folder).unwrap();
    fs::write(
        folder.join("config.toml"),
        r#"
            default_profile = "prod"
            [profiles.prod]
            base_url = "acme.looker.com:19999"
            client_id = "abc"
            client_secret = { env = "ACME_SECRET" }
            embed_secret = { command = ["pass", "show", "hunter2"] }
            embed_algorithm = "sha256"
            blank_dashboard = "/embed/dashboards/12"
            keys_to = "dir:/run/keys"
            rps = 7.5
            [profiles.prod.grants]
            permissions = ["access_data", "see_looks"]
            group_ids = [3]
            user_attributes = { region = "eu" }
            [profiles.dev]
            base_url = "https://dev.looker.com"
        "#,
    )
    .unwrap();
    sandbox.file(
        "looker.ini",
        "[Looker]\nbase_url = https://old.looker.com\nclient_secret = hunter2\n",
    );
    sandbox
}

/// What was printed, with the sandbox's own folder taken out.
fn shown(outcome: &Outcome, sandbox: &Sandbox) -> String {
    let root = sandbox.root().display().to_string();
    let text = outcome.out.replace(&root, "ROOT");
    // The columns are as wide as the folder's name.
    let lines = text
        .lines()
        .map(|line| line.split("  ").filter(|part| !part.is_empty()));
    let lines = lines.map(|parts| parts.map(str::trim).collect::<Vec<_>>().join(" | "));
    lines.collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn show_names_the_source_of_every_setting() {
    let mut sandbox = sandbox();
    sandbox.var("ACME_SECRET", "hunter2");
    sandbox.var("LOOKERSDK_TIMEOUT", "30");

    let outcome = sandbox
        .run(&["profile", "show", "--retries", "1"])
        .await
        .done();

    insta::assert_snapshot!(shown(&outcome, &sandbox), @r"
    SETTING | VALUE | SOURCE
    profile | prod | from `default_profile`
    base_url | https://acme.looker.com:19999 | profile `prod` in `ROOT/home/.config/embedctl/config.toml`
    client_id | abc | profile `prod` in `ROOT/home/.config/embedctl/config.toml`
    client_secret | in the variable `ACME_SECRET` | profile `prod` in `ROOT/home/.config/embedctl/config.toml`
    embed_secret | from the command `pass` | profile `prod` in `ROOT/home/.config/embedctl/config.toml`
    embed_host | acme.looker.com | from the base URL
    embed_algorithm | sha256 | profile `prod` in `ROOT/home/.config/embedctl/config.toml`
    blank_dashboard | /embed/dashboards/12 | profile `prod` in `ROOT/home/.config/embedctl/config.toml`
    keys_to | dir:/run/keys | profile `prod` in `ROOT/home/.config/embedctl/config.toml`
    ledger | ROOT/home/.local/state/embedctl/acme.looker.com_3a19999.ledger | from the base URL
    timeout | 30s | variable `LOOKERSDK_TIMEOUT`
    retries | 1 | flag `--retries`
    concurrency | 10 | default
    rps | 7.5 | profile `prod` in `ROOT/home/.config/embedctl/config.toml`
    verify_ssl | true | default
    proxy | -
    no_proxy | -
    grants.permissions | access_data, see_looks | profile `prod` in `ROOT/home/.config/embedctl/config.toml`
    grants.group_ids | 3 | profile `prod` in `ROOT/home/.config/embedctl/config.toml`
    grants.user_attributes | region=eu | profile `prod` in `ROOT/home/.config/embedctl/config.toml`
    ");
    assert!(!format!("{outcome:?}").contains("hunter2"), "{outcome:?}");
}

#[tokio::test]
async fn show_says_that_a_secret_is_not_set() {
    let sandbox = sandbox();

    let outcome = sandbox
        .run(&["profile", "show", "-o", "jsonl"])
        .await
        .done();

    let lines = outcome.json_lines();
    let line = lines
        .iter()
        .find(|line| line["name"] == "client_secret")
        .unwrap();
    assert_eq!(line["value"], "not set: there is no variable `ACME_SECRET`");
}

#[tokio::test]
async fn show_is_json_where_asked() {
    let sandbox = sandbox();

    let outcome = sandbox
        .run(&["profile", "show", "-o", "json", "--base-url", "https://x"])
        .await
        .done();

    let settings = outcome.json();
    let base_url = settings
        .as_array()
        .unwrap()
        .iter()
        .find(|entry| entry["name"] == "base_url");
    assert_eq!(
        base_url,
        Some(&json!({ "name": "base_url", "value": "https://x", "source": "flag `--base-url`" }))
    );
}

#[tokio::test]
async fn list_marks_the_profile_in_use() {
    let sandbox = sandbox();

    let default = sandbox.run(&["profile", "list"]).await.done();
    let named = sandbox
        .run(&["--profile", "Looker", "profile", "list", "-o", "json"])
        .await
        .done();

    insta::assert_snapshot!(shown(&default, &sandbox), @r"
    NAME | BASE URL | FILE
    dev | https://dev.looker.com | ROOT/home/.config/embedctl/config.toml
    * | prod | acme.looker.com:19999 | ROOT/home/.config/embedctl/config.toml
    Looker | https://old.looker.com | ROOT/work/looker.ini
    ");
    let chosen: Vec<_> = named
        .json()
        .as_array()
        .unwrap()
        .iter()
        .filter(|profile| profile["chosen"] == true)
        .map(|profile| profile["name"].clone())
        .collect();
    assert_eq!(chosen, ["Looker"]);
}

#[tokio::test]
async fn list_without_profiles_says_where_they_would_be() {
    let sandbox = Sandbox::offline();

    let outcome = sandbox.run(&["profile", "list"]).await.done();

    assert_eq!(outcome.out, "");
    assert!(
        outcome.err.contains("embedctl profile path"),
        "{}",
        outcome.err
    );
}

#[tokio::test]
async fn path_tells_which_files_are_there() {
    let sandbox = sandbox();

    let outcome = sandbox.run(&["profile", "path"]).await.done();

    insta::assert_snapshot!(shown(&outcome, &sandbox), @r"
    WHAT | PATH | THERE
    config.toml | ROOT/home/.config/embedctl/config.toml | yes
    looker.ini | ROOT/work/looker.ini | yes
    netrc | ROOT/home/.netrc | no
    ledgers | ROOT/home/.local/state/embedctl | no
    ");
}

#[tokio::test]
async fn profiles_are_no_variables() {
    let sandbox = sandbox();

    let outcome = sandbox
        .run(&["profile", "show", "-o", "env"])
        .await
        .exits(2);

    assert_eq!(
        outcome.err,
        "error: this command has no result to print as variables\nhint: use `-o json`\n"
    );
}

#[tokio::test]
async fn a_mistake_in_the_file_is_shown_with_its_place() {
    let sandbox = sandbox();
    let file = sandbox.root().join("home/.config/embedctl/config.toml");
    fs::write(&file, "[profiles.prod]\nclient_secret = \"hunter2\"\n").unwrap();

    let outcome = sandbox.run(&["profile", "show"]).await.exits(2);

    let err = outcome
        .err
        .replace(&sandbox.root().display().to_string(), "ROOT");
    insta::assert_snapshot!(err, @r#"
    error: cannot read `ROOT/home/.config/embedctl/config.toml`, line 2, column 17
    caused by: a secret cannot stand in this file: write `{ env = "NAME" }`, `{ file = "PATH" }` or `{ command = ["PROGRAM", "ARGUMENT"] }`
    "#);
}
