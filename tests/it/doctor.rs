//! `embedctl doctor`: names what is wrong and how to fix it, changes nothing, and goes as far as it can.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use embedctl::emulator::{Effect, ErrorBody, Fault, Mode, Options};
use embedctl::signed_url::Algorithm;
use serde_json::Value;

use crate::support::{Outcome, Sandbox};

/// The finding of a check in the JSON form, which holds exactly one of it.
#[track_caller]
fn finding(outcome: &Outcome, check: &str) -> Value {
    let report = outcome.json();
    let checks = report["checks"].as_array().unwrap();
    let mut found = checks.iter().filter(|finding| finding["check"] == check);
    let finding = found
        .next()
        .unwrap_or_else(|| panic!("no `{check}` in {report:#}"));
    assert!(found.next().is_none(), "two of `{check}` in {report:#}");
    finding.clone()
}

/// Assert that a check came out as `status`, and that its detail and fix together say `words`.
#[track_caller]
fn expect(outcome: &Outcome, check: &str, status: &str, words: &str) {
    let finding = finding(outcome, check);
    let text = format!("{} {}", finding["detail"], finding["fix"]);
    assert_eq!(finding["status"], status, "{finding:#}");
    assert!(text.contains(words), "no `{words}` in {finding:#}");
}

async fn doctor(sandbox: &Sandbox, more: &[&str]) -> Outcome {
    let args = [&["doctor", "-o", "json"], more].concat();
    sandbox.run(&args).await
}

async fn make_user(sandbox: &Sandbox) {
    let args = ["create-user", "acme-1", "--model", "demo", "--no-key"];
    drop(sandbox.run(&args).await.done());
}

fn write_profile(sandbox: &mut Sandbox, text: &str) {
    let folder = sandbox.root().join("home/.config/embedctl");
    fs::create_dir_all(&folder).unwrap();
    fs::write(
        folder.join("config.toml"),
        format!("default_profile = \"p\"\n[profiles.p]\n{text}"),
    )
    .unwrap();
}

#[tokio::test]
async fn a_healthy_looker_passes_every_check() {
    let sandbox = Sandbox::new().await;
    make_user(&sandbox).await;

    let outcome = doctor(&sandbox, &[]).await.done();

    let report = outcome.json();
    assert_eq!(report["ok"], true);
    for check in [
        "reachable",
        "clock",
        "settings",
        "login",
        "version",
        "embed_host",
        "admin",
        "sudo",
    ] {
        expect(&outcome, check, "pass", "");
    }
    for check in ["embedding", "embed_secret", "rate_limit", "ledger", "sink"] {
        expect(&outcome, check, "pass", "");
    }
    expect(&outcome, "reach", "warn", "--model");
    sandbox.finish().await;
}

#[tokio::test]
async fn people_get_a_line_for_each_check_and_the_fix_below_it() {
    let mut sandbox = Sandbox::new().await;
    sandbox.var("LOOKERSDK_CLIENT_SECRET", "wrong");

    let outcome = sandbox.run(&["doctor"]).await.exits(4);

    let lines: Vec<_> = outcome.out.lines().collect();
    let login = lines
        .iter()
        .position(|line| line.starts_with("fail  login: "))
        .unwrap();
    assert!(
        lines[login + 1].starts_with("      fix: "),
        "{}",
        outcome.out
    );
    assert!(
        lines.iter().any(|line| line.starts_with("pass  ledger: ")),
        "{}",
        outcome.out
    );
    sandbox.finish().await;
}

#[tokio::test]
async fn the_probe_does_the_whole_job_and_leaves_nothing() {
    let sandbox = Sandbox::new().await;
    let before = sandbox.emulator().state();

    let outcome = doctor(&sandbox, &["--probe"]).await.done();

    expect(&outcome, "probe", "pass", "embedctl-doctor-");
    expect(&outcome, "sudo", "pass", "act as");
    expect(&outcome, "keys", "pass", "minted by the admin");
    expect(&outcome, "cleanup", "pass", "deleted");
    assert_eq!(sandbox.emulator().state()["users"], before["users"]);
    sandbox.finish().await;
}

#[tokio::test]
async fn nothing_is_written_at_looker_without_the_probe() {
    let sandbox = Sandbox::new().await;
    make_user(&sandbox).await;
    let before = sandbox.emulator().requests().len();

    drop(doctor(&sandbox, &[]).await.done());

    for request in sandbox.emulator().requests().iter().skip(before) {
        let is_login = ["login", "login_user", "logout"].contains(&request.operation);
        assert!(request.method == "GET" || is_login, "{request:?}");
    }
    sandbox.finish().await;
}

#[tokio::test]
async fn on_looker_core_the_user_mints_the_key() {
    let sandbox = Sandbox::with(Options {
        mode: Mode::Core,
        ..Options::default()
    })
    .await;

    let outcome = doctor(&sandbox, &["--probe"]).await.done();

    expect(&outcome, "keys", "pass", "minted by the user");
    sandbox.finish().await;
}

#[tokio::test]
async fn embedding_that_is_off_is_named() {
    let sandbox = Sandbox::with(Options {
        mode: Mode::NoEmbed,
        ..Options::default()
    })
    .await;

    let outcome = doctor(&sandbox, &[]).await.exits(7);

    expect(&outcome, "embedding", "fail", "Admin > Platform > Embed");
    expect(&outcome, "login", "pass", "");
    sandbox.finish().await;
}

#[tokio::test]
async fn a_wrong_embed_secret_is_named() {
    let mut sandbox = Sandbox::new().await;
    sandbox.var("LOOKERSDK_EMBED_SECRET", "wrong");

    let checked = doctor(&sandbox, &[]).await.exits(7);
    let probed = doctor(&sandbox, &["--probe"]).await.exits(7);

    expect(
        &checked,
        "embed_secret",
        "fail",
        "copy the embed secret again",
    );
    expect(&probed, "probe", "fail", "embed secret");
    sandbox.finish().await;
}

#[tokio::test]
async fn a_wrong_algorithm_is_told_from_a_wrong_secret() {
    let sandbox = Sandbox::with(Options {
        algorithm: Algorithm::Sha256,
        ..Options::default()
    })
    .await;

    let checked = doctor(&sandbox, &[]).await.exits(7);
    let probed = doctor(&sandbox, &["--probe"]).await.exits(7);
    let right = doctor(&sandbox, &["--embed-algorithm", "sha256"])
        .await
        .done();

    expect(&checked, "embed_secret", "fail", "--embed-algorithm sha256");
    expect(&probed, "probe", "fail", "--embed-algorithm sha256");
    expect(&probed, "cleanup", "pass", "");
    expect(&right, "embed_secret", "pass", "sha256");
    sandbox.finish().await;
}

#[tokio::test]
async fn a_wrong_embed_host_is_named() {
    let sandbox = Sandbox::new().await;

    let outcome = doctor(&sandbox, &["--embed-host", "bi.acme.invalid"]).await;

    expect(&outcome, "embed_host", "warn", "--embed-host");
    expect(&outcome, "embed_secret", "fail", "--embed-host");
    expect(&outcome, "web", "fail", "bi.acme.invalid");
    sandbox.finish().await;
}

#[tokio::test]
async fn a_clock_that_is_off_is_named_with_how_far() {
    let sandbox = Sandbox::new().await;

    sandbox.emulator().set_clock_offset(-60);
    let minute = doctor(&sandbox, &[]).await.done();
    sandbox.emulator().set_clock_offset(600);
    let ten = doctor(&sandbox, &[]).await.exits(7);

    expect(&minute, "clock", "warn", "ahead of Looker's");
    expect(&ten, "clock", "fail", "behind Looker's");
    expect(&ten, "embed_secret", "fail", "clock");
    sandbox.finish().await;
}

#[tokio::test]
async fn a_key_that_is_no_admins_is_named() {
    let mut sandbox = Sandbox::new().await;
    let made = sandbox
        .run(&["create-user", "acme-1", "--model", "demo", "-o", "json"])
        .await
        .done()
        .json();
    for (name, key) in [
        ("LOOKERSDK_CLIENT_ID", "client_id"),
        ("LOOKERSDK_CLIENT_SECRET", "client_secret"),
    ] {
        sandbox.var(name, made["key"][key].as_str().unwrap());
    }

    let outcome = doctor(&sandbox, &[]).await.exits(4);

    expect(&outcome, "login", "pass", "");
    expect(&outcome, "admin", "fail", "");
    expect(&outcome, "ledger", "pass", "");
    sandbox.finish().await;
}

#[tokio::test]
async fn a_looker_that_is_down_does_not_keep_the_rest_from_being_checked() {
    let mut sandbox = Sandbox::offline();
    sandbox.var("LOOKERSDK_BASE_URL", "http://127.0.0.1:1");
    sandbox
        .var("LOOKERSDK_CLIENT_ID", "id")
        .var("LOOKERSDK_CLIENT_SECRET", "secret");
    sandbox
        .var("LOOKERSDK_EMBED_SECRET", "secret")
        .var("EMBEDCTL_RETRIES", "0");

    let outcome = doctor(&sandbox, &[]).await.exits(8);

    expect(&outcome, "reachable", "fail", "127.0.0.1:1");
    expect(&outcome, "login", "skip", "not reached");
    expect(&outcome, "embed_secret", "skip", "");
    expect(&outcome, "ledger", "pass", "");
}

#[tokio::test]
async fn settings_that_are_missing_are_one_finding() {
    let sandbox = Sandbox::offline();

    let outcome = doctor(&sandbox, &[]).await.exits(2);

    expect(&outcome, "settings", "fail", "LOOKERSDK_EMBED_SECRET");
    expect(&outcome, "sink", "pass", "");
}

#[tokio::test]
async fn throttling_is_noticed() {
    let sandbox = Sandbox::new().await;
    let throttled = Effect::Status {
        code: 429,
        body: ErrorBody::Json,
        retry_after: Some("0".to_owned()),
    };
    sandbox
        .emulator()
        .inject(Fault::new(throttled).on("versions"));

    let outcome = doctor(&sandbox, &[]).await.done();

    expect(&outcome, "rate_limit", "warn", "rps");
    sandbox.finish().await;
}

#[tokio::test]
async fn every_check_that_looker_breaks_is_named() {
    for (operation, check) in [
        ("login", "login"),
        ("me", "admin"),
        ("search_users", "sudo"),
        ("validate_embed_url", "embed_secret"),
    ] {
        let sandbox = Sandbox::new().await;
        sandbox
            .emulator()
            .inject(Fault::status(500).on(operation).times(0));

        let outcome = doctor(&sandbox, &["--retries", "0"]).await.exits(7);

        expect(&outcome, check, "fail", "500");
        expect(&outcome, "ledger", "pass", "");
        sandbox.emulator().clear_faults();
        sandbox.finish().await;
    }
}

#[tokio::test]
async fn grants_of_the_profile_that_looker_does_not_know_are_named() {
    let mut sandbox = Sandbox::new().await;
    write_profile(
        &mut sandbox,
        "grants = { models = [\"demo\", \"dmeo\"], permissions = [\"access_data\", \"acess_data\"], group_ids = [99] }\n",
    );

    let outcome = doctor(&sandbox, &[]).await.exits(7);

    expect(&outcome, "models", "fail", "does not know `dmeo`");
    expect(&outcome, "permissions", "fail", "`acess_data`");
    expect(&outcome, "groups", "fail", "grants.group_ids");
    sandbox.finish().await;
}

#[tokio::test]
async fn a_blank_dashboard_that_is_not_there_is_named() {
    let mut sandbox = Sandbox::new().await;

    let none = doctor(&sandbox, &[]).await.done();
    sandbox.var("EMBEDCTL_BLANK_DASHBOARD", "/embed/dashboards/1?x=1");
    let there = doctor(&sandbox, &[]).await.done();
    sandbox.var("EMBEDCTL_BLANK_DASHBOARD", "/embed/dashboards/4711");
    let missing = doctor(&sandbox, &[]).await.exits(5);

    expect(&none, "blank_dashboard", "pass", "/alive");
    expect(&there, "blank_dashboard", "pass", "dashboard `1`");
    expect(&missing, "blank_dashboard", "fail", "no dashboard `4711`");
    sandbox.finish().await;
}

#[tokio::test]
async fn a_sink_and_a_ledger_that_cannot_be_written_are_named() {
    let mut sandbox = Sandbox::new().await;
    let readable = sandbox.file("keys.jsonl", "");
    fs::set_permissions(&readable, fs::Permissions::from_mode(0o644)).unwrap();
    write_profile(&mut sandbox, "keys_to = \"file:keys.jsonl\"\n");

    let outcome = doctor(&sandbox, &["--ledger", "keys.jsonl/no/such.ledger"]).await;

    assert_ne!(outcome.exit, 0);
    expect(&outcome, "sink", "fail", "chmod 600");
    expect(&outcome, "ledger", "fail", "no/such.ledger");
    sandbox.finish().await;
}

#[tokio::test]
async fn findings_come_line_by_line_where_asked() {
    let sandbox = Sandbox::new().await;

    let outcome = sandbox.run(&["doctor", "-o", "jsonl"]).await.done();

    let lines = outcome.json_lines();
    assert_eq!(lines[0]["check"], "reachable");
    assert!(
        lines.iter().all(|line| line["status"].is_string()),
        "{lines:?}"
    );
    sandbox.finish().await;
}

#[tokio::test]
async fn no_secret_is_shown_however_much_is_said() {
    let sandbox = Sandbox::new().await;
    let secrets = [
        sandbox.emulator().client_secret(),
        sandbox.emulator().embed_secret(),
    ];

    let outcome = sandbox.run(&["doctor", "--probe", "-vvv"]).await.done();

    for secret in secrets {
        let secret = embedctl::secret::ExposeSecret::expose_secret(&secret).to_owned();
        assert!(!outcome.out.contains(&secret) && !outcome.err.contains(&secret));
    }
    assert!(!outcome.err.contains("signature="), "{}", outcome.err);
    sandbox.finish().await;
}
