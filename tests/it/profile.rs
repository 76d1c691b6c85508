//! `embedctl profile`: says where settings come from, and shows no secret.

use std::fs;
use std::io::Cursor;
use std::os::unix::fs::PermissionsExt as _;

use embedctl::emulator::Options;
use embedctl::secret::ExposeSecret as _;
use embedctl::signed_url::Algorithm;
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
    ledger_password | -
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
async fn add_asks_for_another_base_url_than_one_in_the_clear() {
    let sandbox = Sandbox::offline();

    let outcome = add(
        &sandbox,
        &["new", "--client-id", "id", "--no-check"],
        "http://looker.internal\nhttps://acme/browse\nhttps://looker.internal\nhunter2\n\n",
    )
    .await
    .done();
    let flag = add(
        &sandbox,
        &[
            "other",
            "--client-id",
            "id",
            "--base-url",
            "http://looker.internal",
        ],
        "hunter2\n\n",
    )
    .await
    .exits(2);

    assert!(
        outcome.err.contains("unencrypted") && outcome.err.contains("has a path"),
        "{}",
        outcome.err
    );
    assert!(config(&sandbox).contains("base_url = \"https://looker.internal\""));
    assert!(flag.err.contains("unencrypted"), "{}", flag.err);
}

fn config(sandbox: &Sandbox) -> String {
    fs::read_to_string(sandbox.root().join(CONFIG)).unwrap()
}

/// The values that the emulator of the sandbox expects.
fn right(sandbox: &Sandbox) -> [String; 4] {
    let emulator = sandbox.emulator();
    [
        emulator.base_url().to_owned(),
        emulator.client_id().to_owned(),
        emulator.client_secret().expose_secret().to_owned(),
        emulator.embed_secret().expose_secret().to_owned(),
    ]
}

#[tokio::test]
async fn add_asks_again_only_for_what_was_wrong_and_loses_nothing_else() {
    let sandbox = Sandbox::new().await;
    let [url, id, secret, embed] = right(&sandbox);
    // The base URL, the client secret and the embed secret are mistyped at first.
    let answers =
        format!("http://127.0.0.1:1\n{id}\nwrong\nmistyped\n{url}\n\n{secret}\n{embed}\n");

    let outcome = add(&sandbox, &["prod", "--retries", "0"], &answers)
        .await
        .done();

    assert!(
        outcome.err.contains("accepts what the embed secret signs"),
        "{}",
        outcome.err
    );
    let folder = sandbox.root().join("home/.config/embedctl");
    let kept = |name: &str| fs::read_to_string(folder.join(name)).unwrap();
    assert_eq!(kept("prod.client_secret"), format!("{secret}\n"));
    assert_eq!(kept("prod.embed_secret"), format!("{embed}\n"));
    assert!(config(&sandbox).contains(&format!("base_url = \"{url}\"")));
    for secret in [&secret, &embed] {
        assert!(!outcome.err.contains(secret.as_str()), "{}", outcome.err);
    }
    sandbox.finish().await;
}

#[tokio::test]
async fn add_keeps_what_was_typed_if_the_operator_wants_to() {
    let sandbox = Sandbox::new().await;
    let [url, id, ..] = right(&sandbox);
    let args = ["prod", "--base-url", &url, "--client-id", &id];

    let no = add(&sandbox, &args, "wrong\n\n\nn\n").await.exits(4);
    let gone = sandbox.root().join(CONFIG).exists();
    let yes = add(&sandbox, &args, "wrong\n\n\ny\n").await.done();

    assert!(no.err.contains("the profile was not written"), "{}", no.err);
    assert!(!gone);
    assert!(
        yes.err.contains("write the profile as it is?"),
        "{}",
        yes.err
    );
    assert!(config(&sandbox).contains("[profiles.prod]"));
    sandbox.finish().await;
}

#[tokio::test]
async fn add_finds_out_the_algorithm_of_the_embed_secret() {
    let sandbox = Sandbox::with(Options {
        algorithm: Algorithm::Sha256,
        ..Options::default()
    })
    .await;
    let [url, id, secret, embed] = right(&sandbox);
    let args = ["prod", "--base-url", &url, "--client-id", &id];

    let outcome = add(&sandbox, &args, &format!("{secret}\n{embed}\n"))
        .await
        .done();

    assert!(outcome.err.contains("with sha256"), "{}", outcome.err);
    assert!(config(&sandbox).contains("embed_algorithm = \"sha256\""));
    sandbox.finish().await;
}

#[tokio::test]
async fn add_without_a_terminal_refuses_a_wrong_secret_of_either_kind() {
    let mut sandbox = Sandbox::new().await;
    let [url, id, secret, embed] = right(&sandbox);
    sandbox
        .var("KEY", secret)
        .var("EMBED", embed)
        .var("WRONG", "hunter2");
    let run = async |key: &str, embed: &str| {
        let places = [format!("env:{key}"), format!("env:{embed}")];
        let args = [
            "profile",
            "add",
            "new",
            "--base-url",
            &url,
            "--client-id",
            &id,
        ];
        let secrets = [
            "--client-secret-from",
            &places[0],
            "--embed-secret-from",
            &places[1],
        ];
        sandbox.run(&[&args[..], &secrets].concat()).await
    };

    let no_key = run("WRONG", "EMBED").await.exits(4);
    let no_embed = run("KEY", "WRONG").await.exits(4);
    let written = sandbox.root().join(CONFIG).exists();
    let both = run("KEY", "EMBED").await.done();

    assert!(no_embed.err.contains("embed secret"), "{}", no_embed.err);
    assert!(!format!("{no_key:?}{no_embed:?}{both:?}").contains("hunter2"));
    assert!(!written);
    sandbox.finish().await;
}

#[tokio::test]
async fn a_path_that_was_typed_leads_to_the_same_file_from_the_settings() {
    let mut sandbox = Sandbox::offline();
    let folder = sandbox.root().join("home/.config/embedctl");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("beside.txt"), "hunter2").unwrap();
    sandbox.file("here.txt", "hunter2");
    let here = sandbox.path("here.txt").display().to_string();
    for (typed, written, said) in [
        (
            "beside.txt",
            "beside.txt".to_owned(),
            "is relative to the folder of `config.toml`",
        ),
        ("here.txt", here.clone(), "becomes `"),
        ("later.txt", "later.txt".to_owned(), "does not exist yet"),
        (&here, here.clone(), ""),
        ("~/x", "~/x".to_owned(), ""),
    ] {
        sandbox.var(
            "EMBEDCTL_CONFIG",
            folder.join("config.toml").display().to_string(),
        );
        let place = format!("file:{typed}");
        let args = [
            "profile",
            "add",
            "new",
            "--base-url",
            "https://x",
            "--client-id",
            "id",
        ];
        let more = ["--no-check", "--client-secret-from", &place];

        let added = sandbox.run(&[&args[..], &more].concat()).await.done();
        let set = sandbox
            .run(&["profile", "set", "new", &format!("ca_file={typed}")])
            .await
            .done();

        let text = config(&sandbox);
        assert!(
            text.contains(&format!("client_secret = {{ file = \"{written}\" }}")),
            "{text}"
        );
        assert!(text.contains(&format!("ca_file = \"{written}\"")), "{text}");
        assert!(
            added.err.contains(said) && set.err.contains(said),
            "{}{}",
            added.err,
            set.err
        );
        fs::remove_file(folder.join("config.toml")).unwrap();
    }
}

const COMMENTED: &str = r#"# Who looks after this: the platform team.
default_profile = "prod" # not staging

# Production.
[profiles.prod]
base_url = "https://acme.looker.com"   # behind the VPN
client_id = "abc"
# From the vault.
client_secret = { env = "ACME_SECRET" }
timeout = 30

[profiles.prod.grants]
models = ["thelook"] # the only one

# Staging, until spring.
[profiles.staging]
base_url = "https://staging.looker.com"
client_secret = { file = "staging.client_secret" }

# The end.
"#;

/// A sandbox with such a file.
fn commented() -> Sandbox {
    let sandbox = Sandbox::offline();
    let folder = sandbox.root().join("home/.config/embedctl");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("config.toml"), COMMENTED).unwrap();
    fs::write(folder.join("staging.client_secret"), "hunter2\n").unwrap();
    sandbox
}

/// The lines that differ from the file as it was, with `-` and `+`.
fn difference(sandbox: &Sandbox) -> String {
    let after = config(sandbox);
    let lines = |text: &'_ str| text.lines().map(str::to_owned).collect::<Vec<_>>();
    let (before, after) = (lines(COMMENTED), lines(&after));
    let gone = before
        .iter()
        .filter(|line| !after.contains(line))
        .map(|line| format!("-{line}"));
    let new = after
        .iter()
        .filter(|line| !before.contains(line))
        .map(|line| format!("+{line}"));
    gone.chain(new).collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn use_chooses_the_default_profile_and_keeps_the_rest_of_the_file() {
    let sandbox = commented();

    let look = sandbox
        .run(&["profile", "use", "staging", "--dry-run"])
        .await
        .done();
    let untouched = difference(&sandbox);
    let used = sandbox.run(&["profile", "use", "staging"]).await.done();
    let again = sandbox.run(&["profile", "use", "staging"]).await.done();
    let unknown = sandbox.run(&["profile", "use", "stagign"]).await.exits(5);

    assert_eq!(untouched, "");
    assert!(
        look.err.contains("would be `staging`, no longer `prod`"),
        "{}",
        look.err
    );
    assert!(
        used.err.contains("is `staging`, no longer `prod`"),
        "{}",
        used.err
    );
    assert!(again.err.contains("already"), "{}", again.err);
    assert!(
        unknown.err.contains("did you mean `staging`?"),
        "{}",
        unknown.err
    );
    insta::assert_snapshot!(difference(&sandbox), @r#"
    -default_profile = "prod" # not staging
    +default_profile = "staging" # not staging
    "#);
}

#[tokio::test]
async fn set_changes_values_of_every_form_and_keeps_comments_and_order() {
    let sandbox = commented();
    let set = [
        "base_url=acme.looker.com:19999",
        "client_secret=command:pass show looker",
        "rps=7.5",
        "retries=2",
        "verify_ssl=yes",
        "timeout=",
        "grants.models=thelook, finance",
        "grants.session_length=1h",
        "grants.user_attributes.region=eu",
        "keys_to=dir:keys",
    ];

    let outcome = sandbox
        .run(&[&["profile", "set", "prod"], &set[..]].concat())
        .await
        .done();
    let shown = sandbox
        .run(&["profile", "show", "--profile", "prod"])
        .await
        .done();

    assert!(
        outcome.err.contains("Left out `timeout` of profile `prod`"),
        "{}",
        outcome.err
    );
    assert!(
        shown.out.contains("region=eu") && shown.out.contains("thelook, finance"),
        "{}",
        shown.out
    );
    insta::assert_snapshot!(difference(&sandbox), @r#"
    -base_url = "https://acme.looker.com"   # behind the VPN
    -client_secret = { env = "ACME_SECRET" }
    -timeout = 30
    -models = ["thelook"] # the only one
    +base_url = "https://acme.looker.com:19999"   # behind the VPN
    +client_secret = { command = ["pass", "show", "looker"] }
    +rps = 7.5
    +retries = 2
    +verify_ssl = true
    +keys_to = "dir:keys"
    +models = ["thelook", "finance"] # the only one
    +session_length = 3600
    +[profiles.prod.grants.user_attributes]
    +region = "eu"
    "#);
    let said = "`dir:keys` is relative to the folder in which embedctl is run";
    assert!(outcome.err.contains(said), "{}", outcome.err);
}

#[tokio::test]
async fn set_refuses_what_the_profile_could_not_be_used_with_and_changes_nothing() {
    let sandbox = commented();
    for (given, said) in [
        ("retrys=3", "did you mean `retries`?"),
        ("retries=many", "whole number"),
        ("base_url=https://acme/browse", "has a path"),
        ("base_url=http://acme.looker.com", "unencrypted"),
        ("timeout=soon", "`soon` is not a valid value"),
        ("embed_algorithm=md5", "sha256"),
        ("concurrency=0", "at least 1"),
        ("keys_to=vault", "keys go to"),
        ("keys_to=nowhere:x", "keys go to"),
        ("ledger=postgres://me:hunter2@db", "contains a password"),
        ("client_secret=hunter2", "env:NAME"),
        ("hunter2", "no such setting"),
        ("base_url", "gets no value"),
        ("verify_ssl=maybe", "`true` or `false`"),
    ] {
        let outcome = sandbox
            .run(&["profile", "set", "prod", "rps=1", given])
            .await
            .exits(2);

        assert!(outcome.err.contains(said), "{given}: {}", outcome.err);
        assert!(!outcome.err.contains("hunter2"), "{}", outcome.err);
        assert_eq!(difference(&sandbox), "", "{given}");
    }
}

#[tokio::test]
async fn set_mends_a_profile_that_no_command_can_use() {
    let sandbox = commented();
    let path = sandbox.root().join(CONFIG);
    fs::write(
        &path,
        COMMENTED.replace("timeout = 30", "timeout = \"soon\"\nconcurrency = 0"),
    )
    .unwrap();

    let broken = sandbox.run(&["profile", "show"]).await.exits(2);
    let half = sandbox
        .run(&["profile", "set", "prod", "timeout=30s"])
        .await
        .done();
    let whole = sandbox
        .run(&["profile", "set", "prod", "concurrency=5"])
        .await
        .done();
    let shown = sandbox.run(&["profile", "show"]).await.done();

    assert!(broken.err.contains("soon"), "{}", broken.err);
    assert!(half.err.contains("cannot be used yet"), "{}", half.err);
    assert!(!whole.err.contains("cannot be used yet"), "{}", whole.err);
    assert!(shown.out.contains("30s"), "{}", shown.out);
}

#[tokio::test]
async fn set_asks_for_a_secret_that_only_its_key_names() {
    let sandbox = commented();
    let input = Input::new(Cursor::new("\"hunter3\"\n".to_owned()), true);

    let nobody = sandbox
        .run(&["profile", "set", "prod", "client_secret"])
        .await
        .exits(2);
    let outcome = sandbox
        .run_with(&["profile", "set", "prod", "client_secret"], input)
        .await
        .done();

    let file = sandbox
        .root()
        .join("home/.config/embedctl/prod.client_secret");
    assert!(
        nobody.err.contains("client_secret=file:PATH"),
        "{}",
        nobody.err
    );
    assert!(!outcome.err.contains("hunter3"), "{}", outcome.err);
    assert_eq!(fs::read_to_string(&file).unwrap(), "hunter3\n");
    assert_eq!(
        fs::metadata(&file).unwrap().permissions().mode() & 0o777,
        0o600
    );
    insta::assert_snapshot!(difference(&sandbox), @r#"
    -client_secret = { env = "ACME_SECRET" }
    +client_secret = { file = "prod.client_secret" }
    "#);
}

#[tokio::test]
async fn remove_asks_and_takes_the_secrets_along_that_were_typed_for_it() {
    let sandbox = commented();
    let secret = sandbox
        .root()
        .join("home/.config/embedctl/staging.client_secret");
    let ask = async |answer: &str| {
        let input = Input::new(Cursor::new(answer.to_owned()), true);
        sandbox
            .run_with(&["profile", "remove", "staging"], input)
            .await
    };

    let look = sandbox
        .run(&["profile", "remove", "staging", "--dry-run"])
        .await
        .done();
    let nobody = sandbox
        .run(&["profile", "remove", "staging"])
        .await
        .exits(2);
    let no = ask("n\n").await.exits(2);
    assert!(secret.exists() && difference(&sandbox).is_empty());
    let yes = ask("y\n").await.done();

    assert!(
        look.err.contains("Would remove profile `staging` and `"),
        "{}",
        look.err
    );
    assert!(nobody.err.contains("--yes") && no.err.contains("not confirmed"));
    assert!(yes.err.contains("Removed profile `staging`"), "{}", yes.err);
    assert!(!secret.exists());
    insta::assert_snapshot!(difference(&sandbox), @r#"
    -# Staging, until spring.
    -[profiles.staging]
    -base_url = "https://staging.looker.com"
    -client_secret = { file = "staging.client_secret" }
    "#);
}

#[tokio::test]
async fn remove_of_the_default_profile_leaves_none() {
    let sandbox = commented();

    let outcome = sandbox
        .run(&["profile", "remove", "prod", "--yes"])
        .await
        .done();
    let shown = sandbox.run(&["profile", "show"]).await.done();
    let unknown = sandbox
        .run(&["profile", "remove", "prod", "--yes"])
        .await
        .exits(5);

    assert!(outcome.err.contains("the default one"), "{}", outcome.err);
    assert!(!shown.out.contains("acme.looker.com"), "{}", shown.out);
    assert!(
        unknown.err.contains("there is no profile `prod`"),
        "{}",
        unknown.err
    );
    assert!(!config(&sandbox).contains("default_profile"));
}

#[tokio::test]
async fn add_puts_a_profile_behind_all_that_the_file_has() {
    let sandbox = commented();
    let args = [
        "profile",
        "add",
        "new",
        "--base-url",
        "https://x",
        "--client-id",
        "id",
    ];
    let more = ["--no-check", "--client-secret-from", "env:X"];

    drop(sandbox.run(&[&args[..], &more].concat()).await.done());

    let text = config(&sandbox);
    insta::assert_snapshot!(text.strip_prefix(COMMENTED).unwrap(), @r#"

    [profiles.new]
    base_url = "https://x"
    client_id = "id"
    client_secret = { env = "X" }
    "#);
}

#[tokio::test]
async fn set_knows_profiles_that_are_written_in_one_line() {
    let sandbox = commented();
    let path = sandbox.root().join(CONFIG);
    let one_line =
        "profiles.prod = { base_url = \"https://x\", grants = { models = [\"a\"] } } # short\n";
    fs::write(&path, one_line).unwrap();

    drop(
        sandbox
            .run(&[
                "profile",
                "set",
                "prod",
                "rps=2",
                "grants.user_attributes.region=eu",
                "grants.models=",
            ])
            .await
            .done(),
    );

    let text = fs::read_to_string(&path).unwrap();
    insta::assert_snapshot!(text, @r#"profiles.prod = { base_url = "https://x", grants = { user_attributes = { region = "eu" } } , rps = 2 } # short"#);
}
