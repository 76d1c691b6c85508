//! `embedctl profile`: says where settings come from, and shows no secret.

use std::fs;
use std::io::Cursor;
use std::os::unix::fs::PermissionsExt as _;

use embedctl::secret::ExposeSecret as _;
use embedctl::system::Input;
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
    SETTING | VALUE | FAMILY | SOURCE
    profile | prod | from `default_profile`
    base_url | https://acme.looker.com:19999 | profile | profile `prod` in `ROOT/home/.config/embedctl/config.toml`
    client_id | abc | profile | profile `prod` in `ROOT/home/.config/embedctl/config.toml`
    client_secret | in the variable `ACME_SECRET` | profile | profile `prod` in `ROOT/home/.config/embedctl/config.toml`
    embed_secret | from the command `pass` | profile | profile `prod` in `ROOT/home/.config/embedctl/config.toml`
    embed_host | acme.looker.com | from the base URL
    embed_algorithm | sha256 | profile | profile `prod` in `ROOT/home/.config/embedctl/config.toml`
    blank_dashboard | /embed/dashboards/12 | profile | profile `prod` in `ROOT/home/.config/embedctl/config.toml`
    keys_to | dir:/run/keys | profile | profile `prod` in `ROOT/home/.config/embedctl/config.toml`
    ledger | ROOT/home/.local/state/embedctl/acme.looker.com_3a19999.ledger | from the base URL
    timeout | 30s | sdk | variable `LOOKERSDK_TIMEOUT`
    retries | 1 | embedctl | flag `--retries`
    concurrency | 10 | default
    rps | 7.5 | profile | profile `prod` in `ROOT/home/.config/embedctl/config.toml`
    sole_minter | false | default
    verify_ssl | true | default
    proxy | -
    no_proxy | -
    grants.permissions | access_data, see_looks | profile | profile `prod` in `ROOT/home/.config/embedctl/config.toml`
    grants.group_ids | 3 | profile | profile `prod` in `ROOT/home/.config/embedctl/config.toml`
    grants.user_attributes | region=eu | profile | profile `prod` in `ROOT/home/.config/embedctl/config.toml`
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
    assert_eq!(
        line["value"],
        "not set: the variable `ACME_SECRET` is missing"
    );
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
        Some(&json!({
            "name": "base_url",
            "value": "https://x",
            "family": "embedctl",
            "source": "flag `--base-url`",
        }))
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
        "error: the result of this command cannot be printed as variables\nhint: use `-o json`\n"
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
    caused by: a secret must not be written in this file: write `{ env = "NAME" }`, `{ file = "PATH" }` or `{ command = ["PROGRAM", "ARGUMENT"] }`
    "#);
}

const CONFIG: &str = "home/.config/embedctl/config.toml";

/// Run `profile add` with somebody at the terminal who types `answers`.
async fn add(sandbox: &Sandbox, args: &[&str], answers: &str) -> Outcome {
    let input = Input::new(Cursor::new(answers.to_owned()), true);
    let args = [&["profile", "add"], args].concat();
    sandbox.run_with(&args, input).await
}

#[tokio::test]
async fn add_asks_logs_in_and_keeps_secrets_where_only_the_owner_reads_them() {
    let sandbox = Sandbox::new().await;
    let emulator = sandbox.emulator();
    let [secret, embed_secret] = [emulator.client_secret(), emulator.embed_secret()];
    let answers = format!(
        "{}\n{}\n{}\n{}\n",
        emulator.base_url(),
        emulator.client_id(),
        secret.expose_secret(),
        embed_secret.expose_secret()
    );

    let outcome = add(
        &sandbox,
        &["prod", "--blank-dashboard", "/embed/dashboards/1"],
        &answers,
    )
    .await
    .done();

    assert!(
        !outcome.err.contains(secret.expose_secret()),
        "{}",
        outcome.err
    );
    let mode = |name: &str| {
        let path = sandbox.root().join("home/.config/embedctl").join(name);
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    };
    assert_eq!(
        [
            mode("prod.client_secret"),
            mode("prod.embed_secret"),
            mode("config.toml")
        ],
        [0o600; 3]
    );
    let text = fs::read_to_string(sandbox.root().join(CONFIG)).unwrap();
    let text = text
        .replace(emulator.base_url(), "URL")
        .replace(emulator.client_id(), "ID");
    insta::assert_snapshot!(text, @r#"
    default_profile = "prod"

    [profiles.prod]
    base_url = "URL"
    client_id = "ID"
    client_secret = { file = "prod.client_secret" }
    embed_secret = { file = "prod.embed_secret" }
    blank_dashboard = "/embed/dashboards/1"
    "#);
    sandbox.finish().await;
}

#[tokio::test]
async fn a_profile_that_was_added_works() {
    let mut sandbox = Sandbox::new().await;
    let emulator = sandbox.emulator();
    let answers = format!(
        "{}\n{}\n",
        emulator.client_secret().expose_secret(),
        emulator.embed_secret().expose_secret()
    );
    let (url, id) = (
        emulator.base_url().to_owned(),
        emulator.client_id().to_owned(),
    );
    let args = ["prod", "--base-url", &url, "--client-id", &id];

    drop(add(&sandbox, &args, &answers).await.done());
    for name in ["BASE_URL", "CLIENT_ID", "CLIENT_SECRET", "EMBED_SECRET"] {
        sandbox.unset(&format!("LOOKERSDK_{name}"));
    }
    let outcome = sandbox
        .run(&["create-user", "acme-1", "--no-key"])
        .await
        .done();

    assert!(outcome.out.contains("created"), "{outcome:?}");
    sandbox.finish().await;
}

#[tokio::test]
async fn add_writes_nothing_where_the_login_fails() {
    let sandbox = Sandbox::new().await;
    let url = sandbox.emulator().base_url().to_owned();

    let outcome = add(
        &sandbox,
        &["prod", "--base-url", &url, "--client-id", "no"],
        "hunter2\n\n",
    )
    .await
    .exits(4);

    assert!(
        outcome.err.contains("the profile was not written"),
        "{}",
        outcome.err
    );
    assert!(!outcome.err.contains("hunter2"), "{}", outcome.err);
    assert!(!sandbox.root().join(CONFIG).exists());
    sandbox.finish().await;
}

#[tokio::test]
async fn add_needs_no_terminal_where_everything_is_given() {
    let sandbox = sandbox();
    let before = fs::read_to_string(sandbox.root().join(CONFIG)).unwrap();
    let args = [
        "profile",
        "add",
        "new",
        "--base-url",
        "https://new.looker.com/api/4.0",
        "--client-id",
        "a \"b\"",
    ];
    let secret = [
        "--client-secret-from",
        "command:pass show looker",
        "--no-check",
        "--embed-algorithm",
        "sha256",
    ];

    let outcome = sandbox.run(&[&args[..], &secret].concat()).await.done();

    let after = fs::read_to_string(sandbox.root().join(CONFIG)).unwrap();
    assert!(outcome.err.contains("config.toml"), "{}", outcome.err);
    insta::assert_snapshot!(after.strip_prefix(&before).unwrap().trim_start(), @r#"
    [profiles.new]
    base_url = "https://new.looker.com"
    embed_algorithm = "sha256"
    client_id = 'a "b"'
    client_secret = { command = ["pass", "show", "looker"] }
    "#);
    let shown = sandbox
        .run(&["profile", "show", "--profile", "new", "-o", "json"])
        .await
        .done();
    assert!(shown.out.contains("a \\\"b\\\""), "{}", shown.out);
}

#[tokio::test]
async fn add_says_which_flag_gives_what_nobody_can_be_asked_for() {
    let sandbox = Sandbox::offline();

    let nobody = sandbox.run(&["profile", "add", "new"]).await.exits(2);
    let refused = add(
        &sandbox,
        &["new", "--no-input", "--base-url", "https://x"],
        "",
    )
    .await
    .exits(2);
    let left = add(&sandbox, &["new"], "").await.exits(130);

    assert!(
        nobody.err.contains("hint: give it with `--base-url`"),
        "{}",
        nobody.err
    );
    assert!(
        refused.err.contains("hint: give it with `--client-id`"),
        "{}",
        refused.err
    );
    assert!(left.err.contains("no answer"), "{}", left.err);
}

#[tokio::test]
async fn add_refuses_what_is_there_already_and_what_is_no_place() {
    let sandbox = sandbox();
    let full = [
        "--base-url",
        "https://x",
        "--client-id",
        "id",
        "--no-check",
        "--client-secret-from",
    ];

    let taken = sandbox.run(&["profile", "add", "prod"]).await.exits(6);
    let odd = sandbox.run(&["profile", "add", "a b"]).await.exits(2);
    let place = sandbox
        .run(&[&["profile", "add", "new"], &full[..], &["hunter2"]].concat())
        .await
        .exits(2);
    let default = sandbox
        .run(
            &[
                &["profile", "add", "new", "--default"],
                &full[..],
                &["env:X"],
            ]
            .concat(),
        )
        .await
        .exits(6);

    assert!(
        taken.err.contains("profile `prod` already exists"),
        "{}",
        taken.err
    );
    assert!(odd.err.contains("letters, digits"), "{}", odd.err);
    assert!(
        place.err.contains("env:NAME") && !place.err.contains("hunter2"),
        "{}",
        place.err
    );
    assert!(
        default.err.contains("already names a default profile"),
        "{}",
        default.err
    );
}

#[tokio::test]
async fn add_does_not_send_a_secret_in_the_clear() {
    let sandbox = Sandbox::offline();

    let outcome = add(
        &sandbox,
        &["new", "--client-id", "id"],
        "http://looker.internal\nhunter2\n\n",
    )
    .await
    .exits(2);

    assert!(outcome.err.contains("unencrypted"), "{}", outcome.err);
}
