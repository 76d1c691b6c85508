//! `embedctl create-user` against the local Looker: what it brings about, and what it says when it cannot.

use embedctl::emulator::{Effect, Emulator, ErrorBody, Fault, Mode, Options};
use embedctl::looker::{ApiKey, Client, Http, HttpOptions};
use embedctl::signed_url::Algorithm;
use embedctl::system::Clock;
use jiff::Timestamp;
use serde_json::{Value, json};
use std::time::Duration;

use crate::support::{Outcome, Sandbox};

fn noon() -> Timestamp {
    Timestamp::from_second(1_700_000_000).unwrap()
}

fn client(emulator: &Emulator, client_id: &str, client_secret: &str) -> Client {
    let http = Http::new(HttpOptions {
        timeout: Duration::from_secs(20),
        retries: 0,
        clock: Clock::os(),
        ..HttpOptions::default()
    });
    let key = ApiKey {
        client_id: client_id.to_owned(),
        client_secret: client_secret.to_owned().into(),
    };
    Client::new(http.unwrap(), emulator.base_url().parse().unwrap(), key)
}

/// Log in with the key of `result` and give the id of the user it is.
async fn user_of_key(emulator: &Emulator, key: &Value) -> String {
    let text = |name: &str| key[name].as_str().unwrap();
    let client = client(emulator, text("client_id"), text("client_secret"));
    let me = client.me().await.unwrap();
    client.logout().await.unwrap();
    me.id
}

/// How often an operation was called.
fn calls(emulator: &Emulator, operation: &str) -> usize {
    let requests = emulator.requests();
    requests
        .iter()
        .filter(|request| request.operation == operation)
        .count()
}

#[track_caller]
fn assert_refused(outcome: &Outcome, exit: u8, message: &str, hint: &str) {
    assert_eq!(outcome.exit, exit, "{}", outcome.err);
    for part in [message, hint] {
        assert!(
            outcome.err.contains(part),
            "`{part}` is not in\n{}",
            outcome.err
        );
    }
}

#[tokio::test]
async fn makes_the_user_proves_sudo_and_delivers_a_key_that_logs_in() {
    let sandbox = Sandbox::new().await;

    let result = sandbox
        .run(&[
            "create-user",
            "acme-42",
            "--model",
            "demo",
            "--permission",
            "access_data",
            "-o",
            "json",
        ])
        .await
        .done()
        .json();

    assert_eq!(result["external_user_id"], "acme-42");
    assert_eq!(result["outcome"], "created");
    assert_eq!(result["via"], "signed-url");
    assert_eq!(result["sudo_verified"], true);
    assert_eq!(result["warnings"], json!([]));
    assert_eq!(result["key"]["delivered_to"], "stdout");
    let user = user_of_key(sandbox.emulator(), &result["key"]).await;
    assert_eq!(result["looker_user_id"], user);
    sandbox.finish().await;
}

#[tokio::test]
async fn runs_on_a_looker_of_its_own_with_nothing_set_up() {
    let sandbox = Sandbox::offline();

    let result = sandbox
        .run(&["create-user", "acme-42", "--emulator", "-o", "json"])
        .await
        .done()
        .json();

    assert_eq!(result["outcome"], "created");
    assert!(result["key"]["client_secret"].is_string());
    assert_eq!(result["warnings"], json!([]));
}

#[tokio::test]
async fn every_way_of_creating_ends_with_the_same_user_and_a_key() {
    for via in ["signed-url", "cookieless", "embed-user"] {
        let sandbox = Sandbox::new().await;

        let result = sandbox
            .run(&[
                "create-user",
                "acme-42",
                "--via",
                via,
                "--model",
                "demo",
                "--permission",
                "access_data",
                "-o",
                "json",
            ])
            .await
            .done()
            .json();

        assert_eq!(result["via"], via);
        assert_eq!(result["outcome"], "created");
        let no_model = result["warnings"].to_string().contains("no model");
        assert_eq!(no_model, via == "embed-user", "{}", result["warnings"]);
        user_of_key(sandbox.emulator(), &result["key"]).await;
        sandbox.finish().await;
    }
}

#[tokio::test]
async fn leaves_the_grants_of_a_user_alone_unless_told_to_update() {
    let sandbox = Sandbox::new().await;
    let create = [
        "create-user",
        "acme-42",
        "--no-key",
        "-o",
        "json",
        "--model",
        "demo",
        "--permission",
        "access_data",
    ];
    let _first = sandbox.run(&create).await.done();
    let logins = calls(sandbox.emulator(), "login_embed");

    let again = sandbox.run(&create).await.done().json();
    assert_eq!(again["outcome"], "unchanged");
    assert_eq!(again["key"], Value::Null);
    assert_eq!(calls(sandbox.emulator(), "login_embed"), logins);

    let renamed = [
        "create-user",
        "acme-42",
        "--no-key",
        "-o",
        "json",
        "--update",
        "--first-name",
        "Ada",
    ];
    let renamed = sandbox.run(&renamed).await.done().json();
    assert_eq!(renamed["outcome"], "updated");
    assert_eq!(
        calls(sandbox.emulator(), "login_embed"),
        logins,
        "a name takes no login"
    );

    let update = [
        "create-user",
        "acme-42",
        "--no-key",
        "-o",
        "json",
        "--yes",
        "--update",
        "--permission",
        "see_looks",
    ];
    let updated = sandbox
        .run(&[&update[..], &["--merge"]].concat())
        .await
        .done()
        .json();
    assert_eq!(updated["outcome"], "updated");
    let state = sandbox.emulator().state();
    let users = state["users"].as_array().unwrap();
    let user = users
        .iter()
        .find(|it| it["external_user_id"] == "acme-42")
        .unwrap();
    assert_eq!(user["first_name"], "Ada", "what is not named is kept");
    assert_eq!(user["login"]["models"], json!(["demo"]), "{user}");
    assert_eq!(
        user["login"]["permissions"],
        json!(["access_data", "see_looks"]),
        "{user}"
    );
    assert!(
        updated["warnings"]
            .to_string()
            .contains("ended its live session"),
        "{updated}"
    );
    sandbox.finish().await;
}

#[tokio::test]
async fn a_dry_run_changes_nothing() {
    let sandbox = Sandbox::new().await;

    let result = sandbox
        .run(&["create-user", "acme-42", "--dry-run", "-o", "json"])
        .await
        .done()
        .json();

    assert_eq!(result["dry_run"], true);
    assert_eq!(result["outcome"], "created");
    assert_eq!(calls(sandbox.emulator(), "login_embed"), 0);
    sandbox.finish().await;
}

#[tokio::test]
async fn the_output_for_ci_is_the_variables_that_the_sdks_read() {
    let sandbox = Sandbox::new().await;

    let outcome = sandbox
        .run(&["create-user", "acme-42", "-o", "env"])
        .await
        .done();

    let lines: Vec<_> = outcome.out.lines().collect();
    let base_url = format!("LOOKERSDK_BASE_URL={}", sandbox.emulator().base_url());
    // The SDKs put a slash behind it themselves.
    assert_eq!(lines[0], base_url);
    let names: Vec<_> = lines
        .iter()
        .map(|line| line.split('=').next().unwrap())
        .collect();
    assert_eq!(
        names,
        [
            "LOOKERSDK_BASE_URL",
            "LOOKERSDK_CLIENT_ID",
            "LOOKERSDK_CLIENT_SECRET"
        ]
    );
    sandbox.finish().await;
}

#[tokio::test]
async fn ids_with_every_awkward_character_are_one_user_each() {
    let sandbox = Sandbox::new().await;
    for id in ["a/b", "a%20b", "a+b", "a b", "a?b#c", "ü€😀", "A", "a"] {
        let made = sandbox
            .run(&["create-user", id, "--no-key", "-o", "json"])
            .await
            .done()
            .json();
        assert_eq!(made["external_user_id"], id);
        assert_eq!(made["outcome"], "created", "{id}");
    }
    sandbox.finish().await;
}

#[tokio::test]
async fn on_google_cloud_core_the_user_is_allowed_keys_and_makes_its_own() {
    let sandbox = Sandbox::with(Options {
        mode: Mode::Core,
        ..Options::default()
    })
    .await;

    let result = sandbox
        .run(&["create-user", "acme-42", "-o", "json"])
        .await
        .done()
        .json();

    user_of_key(sandbox.emulator(), &result["key"]).await;
    // Refused to the admin, then to the user, and allowed to the user, which is set back at the end.
    assert_eq!(calls(sandbox.emulator(), "create_user_credentials_api3"), 3);
    assert_eq!(calls(sandbox.emulator(), "update_user"), 2);
    sandbox.finish().await;
}

#[tokio::test]
async fn a_lost_answer_to_the_mint_leaves_one_key_where_nothing_else_creates_keys() {
    let sandbox = Sandbox::at(noon()).await;
    let mint = "create_user_credentials_api3";
    sandbox
        .emulator()
        .inject(Fault::new(Effect::ResetAfter).on(mint));

    let create = ["create-user", "acme-42", "--sole-minter", "-o", "json"];
    let outcome = sandbox.run(&create).await.done();
    let result = outcome.json();

    assert_eq!(calls(sandbox.emulator(), mint), 2);
    assert_eq!(calls(sandbox.emulator(), "delete_user_credentials_api3"), 1);
    // The result was printed with the secret, before the run looked again.
    assert!(outcome.err.contains("was revoked"), "{}", outcome.err);
    user_of_key(sandbox.emulator(), &result["key"]).await;
    sandbox.finish().await;
}

#[tokio::test]
async fn wrong_credentials_are_named_as_such_though_looker_says_not_found() {
    let mut sandbox = Sandbox::new().await;
    sandbox.var("LOOKERSDK_CLIENT_SECRET", "wrong");

    let outcome = sandbox.run(&["create-user", "acme-42"]).await;

    assert_refused(
        &outcome,
        4,
        "does not accept this API key",
        "check the client id and secret",
    );
    sandbox.finish().await;
}

#[tokio::test]
async fn a_wrong_embed_secret_is_told_from_a_wrong_algorithm() {
    let mut sandbox = Sandbox::new().await;
    sandbox.var("LOOKERSDK_EMBED_SECRET", "wrong");
    let outcome = sandbox.run(&["create-user", "acme-42"]).await;
    assert_refused(
        &outcome,
        4,
        "Looker refused the signed URL for `acme-42`",
        "check the embed secret",
    );
    sandbox.finish().await;

    let sandbox = Sandbox::with(Options {
        algorithm: Algorithm::Sha256,
        ..Options::default()
    })
    .await;
    let outcome = sandbox.run(&["create-user", "acme-42"]).await;
    assert_refused(
        &outcome,
        4,
        "Looker refused the signed URL",
        "pass `--embed-algorithm sha256`",
    );
    let outcome = sandbox
        .run(&[
            "create-user",
            "acme-42",
            "--embed-algorithm",
            "sha256",
            "-o",
            "json",
        ])
        .await;
    assert_eq!(outcome.done().json()["outcome"], "created");
    sandbox.finish().await;
}

#[tokio::test]
async fn a_clock_ten_minutes_off_is_named_with_the_difference() {
    let sandbox = Sandbox::new().await;
    sandbox.emulator().set_clock_offset(600);

    let outcome = sandbox.run(&["create-user", "acme-42"]).await;

    assert_refused(&outcome, 4, "clock differs", "set the clock");
    sandbox.finish().await;
}

#[tokio::test]
async fn a_looker_that_is_down_is_unreachable() {
    let mut sandbox = Sandbox::offline();
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = closed.local_addr().unwrap().port();
    drop(closed);
    sandbox
        .var("LOOKERSDK_BASE_URL", format!("http://127.0.0.1:{port}"))
        .var("LOOKERSDK_CLIENT_ID", "id")
        .var("LOOKERSDK_CLIENT_SECRET", "secret")
        .var("LOOKERSDK_EMBED_SECRET", "secret");

    let outcome = sandbox
        .run(&["create-user", "acme-42", "--retries", "0"])
        .await;

    assert_refused(&outcome, 8, "cannot connect to", "hint: ");
}

#[tokio::test]
async fn a_looker_that_throttles_every_try_is_unreachable() {
    let sandbox = Sandbox::at(noon()).await;
    let throttle = Effect::Status {
        code: 429,
        body: ErrorBody::Json,
        retry_after: Some("2".to_owned()),
    };
    sandbox
        .emulator()
        .inject(Fault::new(throttle).on("user_for_credential").times(0));

    let outcome = sandbox
        .run(&["create-user", "acme-42", "--retries", "2"])
        .await;

    assert_refused(&outcome, 8, "throttled", "--rps");
    assert_eq!(calls(sandbox.emulator(), "user_for_credential"), 3);
    sandbox.emulator().clear_faults();
    sandbox.finish().await;
}

#[tokio::test]
async fn somebody_who_is_no_admin_is_told_so() {
    let mut sandbox = Sandbox::new().await;
    let made = sandbox
        .run(&["create-user", "plain", "-o", "json"])
        .await
        .done()
        .json();
    let text = |name: &str| made["key"][name].as_str().unwrap().to_owned();
    sandbox.var("LOOKERSDK_CLIENT_ID", text("client_id"));
    sandbox.var("LOOKERSDK_CLIENT_SECRET", text("client_secret"));

    let outcome = sandbox.run(&["create-user", "acme-42"]).await;

    assert_refused(&outcome, 4, "not an admin", "Admin role");
    sandbox.finish().await;
}

#[tokio::test]
async fn embedding_that_is_off_is_named() {
    let sandbox = Sandbox::with(Options {
        mode: Mode::NoEmbed,
        ..Options::default()
    })
    .await;

    let outcome = sandbox.run(&["create-user", "acme-42"]).await;

    assert_refused(
        &outcome,
        4,
        "signed embedding is switched off",
        "Admin > Embed",
    );
    sandbox.finish().await;
}

#[tokio::test]
async fn a_sink_that_cannot_be_written_is_found_out_before_anything_is_done() {
    let sandbox = Sandbox::new().await;

    let outcome = sandbox
        .run(&[
            "create-user",
            "acme-42",
            "--keys-to",
            "file:missing/keys.jsonl",
        ])
        .await;

    assert_eq!(outcome.exit, 2, "{}", outcome.err);
    assert_eq!(sandbox.emulator().requests().len(), 0);
    sandbox.finish().await;
}

#[tokio::test]
async fn a_key_that_the_sink_refuses_is_revoked() {
    let sandbox = Sandbox::new().await;
    // It says yes to the probe and no to the key.
    let command = "exec:grep -q probe";

    let outcome = sandbox
        .run(&["create-user", "acme-42", "--keys-to", command])
        .await;

    assert_refused(
        &outcome,
        1,
        "could not be delivered, so it was revoked",
        "hint: ",
    );
    assert_eq!(calls(sandbox.emulator(), "create_user_credentials_api3"), 1);
    assert_eq!(calls(sandbox.emulator(), "delete_user_credentials_api3"), 1);
    sandbox.finish().await;
}

#[tokio::test]
async fn all_that_is_missing_is_named_in_one_error() {
    let sandbox = Sandbox::offline();

    let outcome = sandbox.run(&["create-user", "acme-42"]).await;

    for name in [
        "LOOKERSDK_BASE_URL",
        "LOOKERSDK_CLIENT_ID",
        "LOOKERSDK_CLIENT_SECRET",
        "LOOKERSDK_EMBED_SECRET",
    ] {
        assert_refused(&outcome, 2, name, "");
    }
}

#[tokio::test]
async fn permissions_that_the_instance_does_not_have_for_embed_users_are_refused() {
    let sandbox = Sandbox::new().await;

    let outcome = sandbox
        .run(&[
            "create-user",
            "acme-42",
            "--permission",
            "develop",
            "--model",
            "demo",
            "--no-key",
        ])
        .await
        .exits(2);

    assert!(
        outcome.err.contains("unknown embed permission `develop`"),
        "{}",
        outcome.err
    );
    let requests = sandbox.emulator().requests();
    assert!(
        requests
            .iter()
            .all(|request| request.operation != "signed_url")
    );
    sandbox.finish().await;
}

#[tokio::test]
async fn on_account_of_the_built_in_list_permissions_are_only_warned_about() {
    let sandbox = Sandbox::new().await;
    for operation in ["get_setting", "all_permissions"] {
        let denied = Fault::status(403).on(operation).times(0);
        sandbox.emulator().inject(denied);
    }
    let create = async |id: &str, permission: &str| {
        let args = [
            "create-user",
            id,
            "--no-key",
            "--model",
            "demo",
            "--permission",
        ];
        sandbox.run(&[&args[..], &[permission]].concat()).await
    };

    let known = create("acme-1", "access_data").await.done();
    let typo = create("acme-2", "acess_data").await;
    let lacking = create("acme-3", "explore").await.done();

    assert_eq!(known.err.matches("permission").count(), 0, "{}", known.err);
    assert!(
        typo.err.contains(
            "warning: unknown embed permission `acess_data`; did you mean `access_data`?"
        ),
        "{}",
        typo.err
    );
    assert!(
        lacking
            .err
            .contains("warning: the permission `explore` has no effect without `see_looks`"),
        "{}",
        lacking.err
    );
    sandbox.emulator().clear_faults();
    sandbox.finish().await;
}

#[tokio::test]
async fn progress_is_told_in_the_form_that_was_asked_for() {
    let sandbox = Sandbox::new().await;
    let run = async |progress: &str, id: &str| {
        let args = ["create-user", id, "--progress", progress, "--no-key"];
        let grants = ["--model", "demo", "--permission", "access_data"];
        sandbox.run(&[&args[..], &grants].concat()).await.done().err
    };

    let events = run("json", "a").await;
    let last = events.lines().last().unwrap();
    assert_eq!(
        serde_json::from_str::<Value>(last).unwrap()["event"],
        "step"
    );
    assert!(run("plain", "b").await.contains("created `b`"));
    assert_eq!(run("none", "c").await, "");
    sandbox.finish().await;
}

#[tokio::test]
async fn the_value_of_an_attribute_can_come_from_a_file() {
    let sandbox = Sandbox::new().await;
    sandbox.file("region", "far west\n");
    let create = ["create-user", "acme-1", "--no-key", "--attr"];
    let _file = sandbox
        .run(&[&create[..], &["region=@region"]].concat())
        .await
        .done();
    let value = || sandbox.emulator().state()["users"].to_string();
    assert!(value().contains("\"far west\""), "{}", value());

    let update = [&create[..], &["region=@@home", "--update", "--yes"]].concat();
    let _text = sandbox.run(&update).await.done();
    assert!(value().contains("\"@home\""), "{}", value());

    let missing = sandbox
        .run(&[&create[..], &["region=@nowhere"]].concat())
        .await
        .exits(2);
    assert!(
        missing.err.contains("cannot read `nowhere`"),
        "{}",
        missing.err
    );
    sandbox.finish().await;
}
