//! `embedctl doctor`: names what is wrong and how to fix it, changes nothing, and goes as far as it can.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use embedctl::emulator::{Effect, ErrorBody, Fault, Mode, Options};
use embedctl::signed_url::Algorithm;
use serde_json::Value;

use crate::support::{Outcome, Sandbox};

/// The finding of a check in the JSON form, which holds exactly one of it.
#[track_caller]
pub(crate) fn finding(outcome: &Outcome, check: &str) -> Value {
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
pub(crate) fn expect(outcome: &Outcome, check: &str, status: &str, words: &str) {
    let finding = finding(outcome, check);
    let text = format!("{} {}", finding["detail"], finding["fix"]);
    assert_eq!(finding["status"], status, "{finding:#}");
    assert!(text.contains(words), "no `{words}` in {finding:#}");
}

pub(crate) async fn doctor(sandbox: &Sandbox, more: &[&str]) -> Outcome {
    let args = [&["doctor", "-o", "json"], more].concat();
    sandbox.run(&args).await
}

async fn make_user(sandbox: &Sandbox) {
    let args = ["create-user", "acme-1", "--model", "demo", "--no-key"];
    drop(sandbox.run(&args).await.done());
}

pub(crate) fn write_profile(sandbox: &mut Sandbox, text: &str) {
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
    assert_eq!(outcome.json()["counts"]["fail"], 1);
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
async fn whatever_else_is_wrong_nobody_is_told_to_copy_a_good_secret_again() {
    for (algorithm, grants) in [
        (Algorithm::Sha1, ""),
        (Algorithm::Sha1, "permissions = []"),
        (Algorithm::Sha1, "permissions = [\"see_lookz\"]"),
        (Algorithm::Sha256, ""),
        (Algorithm::Sha256, "permissions = [\"see_lookz\"]"),
        (Algorithm::Sha256, "models = [\"thelok\"]"),
    ] {
        let options = Options {
            algorithm,
            ..Options::default()
        };
        let mut sandbox = Sandbox::with(options).await;
        write_profile(&mut sandbox, &format!("[profiles.p.grants]\n{grants}\n"));

        let outcome = doctor(&sandbox, &[]).await;

        assert!(
            !outcome.out.contains("copy the embed secret"),
            "{algorithm} {grants}: {}",
            outcome.out
        );
        let (status, words) = match algorithm {
            Algorithm::Sha1 => ("pass", "sha1"),
            Algorithm::Sha256 => ("fail", "--embed-algorithm sha256"),
        };
        expect(&outcome, "embed_secret", status, words);
        if grants.contains("lookz") {
            expect(&outcome, "permissions", "fail", "see_looks");
        }
        sandbox.finish().await;
    }
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

    // One line for one cause.
    expect(&outcome, "web", "fail", "bi.acme.invalid");
    expect(&outcome, "web", "fail", "--embed-host");
    expect(&outcome, "embed_host", "skip", "see `web`");
    expect(&outcome, "embed_secret", "skip", "see `web`");
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
    // One line for one cause.
    expect(&ten, "embed_secret", "skip", "see `clock`");
    assert_eq!(ten.json()["counts"]["fail"], 1);
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
    // What it is refused for that reason is not told as failures of their own.
    for check in ["sudo", "embedding", "embed_secret"] {
        expect(&outcome, check, "skip", "see `admin`");
    }
    assert_eq!(outcome.json()["counts"]["fail"], 1);
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

/// The answers that `doctor --probe` has kept, and the permissions of the file.
fn kept(sandbox: &Sandbox) -> (Value, u32) {
    let files = sandbox.files().into_iter();
    let mut answers = files.filter(|(path, _)| path.extension().is_some_and(|it| it == "answers"));
    let (path, text) = answers.next().expect("answers are kept");
    assert!(answers.next().is_none());
    let mode = fs::metadata(path).unwrap().permissions().mode() & 0o777;
    (serde_json::from_slice(&text).unwrap(), mode)
}

fn probe_users(sandbox: &Sandbox) -> usize {
    let state = sandbox.emulator().state().to_string();
    state.matches("\"embedctl-doctor-").count()
}

async fn probe_with(switches: &[(&str, &str)]) -> (Sandbox, Outcome) {
    let mut options = Options::default();
    for (name, value) in switches {
        options.switches.set(name, value).unwrap();
    }
    let sandbox = Sandbox::with(options).await;
    let outcome = doctor(&sandbox, &["--probe"]).await.done();
    assert_eq!(probe_users(&sandbox), 0);
    (sandbox, outcome)
}

#[tokio::test]
async fn the_probe_answers_every_belief_that_it_can_tell_of_and_keeps_the_answers() {
    let sandbox = Sandbox::new().await;
    make_user(&sandbox).await;

    let probed = doctor(&sandbox, &["--probe"]).await.done();

    let (answers, mode) = kept(&sandbox);
    assert_eq!(mode, 0o600);
    assert_eq!(answers["looker"], sandbox.emulator().base_url());
    assert_eq!(answers["left_over"], Value::Null);
    assert_eq!(answers["key_authority"], "admin");
    // Only where an admin may not is there a refusal to look at, or another way to try.
    let untried = ["key-403-is-a-refusal", "key-user-mints-with-leave"];
    for belief in embedctl::beliefs::all().filter(|belief| belief.probe.is_some()) {
        let answer = &answers["beliefs"][belief.id];
        let tried = !untried.contains(&belief.id);
        assert_eq!(
            answer["holds"].is_boolean(),
            tried,
            "{}: {answer}",
            belief.id
        );
    }
    for id in answers["beliefs"].as_object().unwrap().keys() {
        let belief = embedctl::beliefs::find(id).unwrap();
        assert!(
            belief.probe.is_some(),
            "`{id}` is answered and names no probe"
        );
    }
    expect(&probed, "cleanup", "pass", "deleted");
    let later = doctor(&sandbox, &[]).await.done();
    assert_eq!(
        finding(&later, "beliefs")["detail"],
        finding(&probed, "beliefs")["detail"]
    );
    sandbox.finish().await;
}

#[tokio::test]
async fn a_belief_that_does_not_hold_is_a_warning_with_what_embedctl_does_about_it() {
    for (switch, value, belief) in [
        ("disabled_key_logs_in", "true", "key-of-disabled-is-refused"),
        (
            "disabled_login_enables",
            "true",
            "disabled-embed-login-fails",
        ),
    ] {
        let (sandbox, outcome) = probe_with(&[(switch, value)]).await;

        let check = format!("belief {belief}");
        expect(&outcome, &check, "warn", "embedctl deals with it");
        let (answers, _) = kept(&sandbox);
        assert_eq!(answers["beliefs"][belief]["holds"], false);
        expect(&doctor(&sandbox, &[]).await.done(), &check, "warn", "");
        sandbox.finish().await;
    }
}

#[tokio::test]
async fn where_an_admin_may_not_mint_the_user_is_found_to() {
    let sandbox = Sandbox::with(Options {
        mode: Mode::Core,
        ..Options::default()
    })
    .await;

    let outcome = doctor(&sandbox, &["--probe"]).await.done();

    expect(&outcome, "belief key-admin-may-mint", "warn", "403");
    let (answers, _) = kept(&sandbox);
    assert_eq!(answers["key_authority"], "user");
    assert_eq!(
        answers["beliefs"]["key-user-mints-with-leave"]["holds"],
        true
    );
    assert_eq!(answers["beliefs"]["key-403-is-a-refusal"]["holds"], true);
    sandbox.finish().await;
}

#[tokio::test]
async fn whoever_may_manage_keys_is_found_out() {
    for (rights, exit, authority) in [("self", 0, "user"), ("nobody", 5, "nobody")] {
        let mut options = Options::default();
        options.switches.set("key_rights", rights).unwrap();
        let sandbox = Sandbox::with(options).await;

        let outcome = doctor(&sandbox, &["--probe"]).await.exits(exit);

        let (answers, _) = kept(&sandbox);
        assert_eq!(answers["key_authority"], authority);
        assert_eq!(answers["beliefs"]["key-admin-may-mint"]["holds"], false);
        expect(&outcome, "cleanup", "pass", "deleted");
        match rights {
            "self" => expect(&outcome, "keys", "pass", "minted by the user"),
            _ => expect(&outcome, "keys", "fail", "embedctl token"),
        }
        sandbox.finish().await;
    }
}

#[tokio::test]
async fn what_looker_says_it_did_and_did_not_is_noticed() {
    for (switch, value, belief) in [
        ("source_of_user", "Own Value", "source-own-word"),
        ("source_of_nothing", "Not Set", "source-other-words"),
        ("unset_value_is_null", "true", "unset-value-is-empty"),
        ("revoke_is_ignored", "true", "key-delete-revokes"),
        ("purpose_is_ignored", "true", "key-purpose-is-kept"),
        ("disable_is_ignored", "true", "disable-by-patch"),
        (
            "attribute_write_is_ignored",
            "true",
            "attribute-set-by-patch",
        ),
    ] {
        let (sandbox, outcome) = probe_with(&[(switch, value)]).await;

        expect(
            &outcome,
            &format!("belief {belief}"),
            "warn",
            "embedctl deals with it",
        );
        sandbox.finish().await;
    }
    let mut options = Options::default();
    options
        .switches
        .set("delete_user_is_ignored", "true")
        .unwrap();
    let sandbox = Sandbox::with(options).await;
    let outcome = doctor(&sandbox, &["--probe"]).await.exits(7);
    expect(&outcome, "cleanup", "fail", "still listed");
    let (answers, _) = kept(&sandbox);
    assert!(
        answers["left_over"].is_string(),
        "the next probe looks for it"
    );
    sandbox.finish().await;
}

#[tokio::test]
async fn a_probe_that_fails_keeps_neither_the_others_nor_the_removal_from_being_done() {
    for operation in [
        "user_roles",
        "user_attribute_user_values",
        "all_user_sessions",
        "update_user",
    ] {
        let sandbox = Sandbox::new().await;
        sandbox
            .emulator()
            .inject(Fault::status(500).on(operation).times(0));

        let outcome = doctor(&sandbox, &["--probe", "--retries", "0"]).await;

        expect(&outcome, "keys", "pass", "");
        expect(&outcome, "cleanup", "pass", "deleted");
        assert!(
            outcome.out.contains("stays unknown"),
            "{operation}: {}",
            outcome.out
        );
        assert_eq!(probe_users(&sandbox), 0, "{operation}");
        sandbox.emulator().clear_faults();
        sandbox.finish().await;
    }
}

#[tokio::test]
async fn an_interrupted_probe_removes_its_user() {
    let sandbox = Sandbox::new().await;
    let args = ["embedctl", "doctor", "--probe"];
    let (mut system, captured) = sandbox.system(embedctl::system::Input::empty());
    let interrupt = system.interrupt.clone();
    // Asked for before the first probe: nothing of it may depend on when.
    interrupt.trigger();

    let exit = embedctl::run(args, &mut system).await;

    let outcome = captured.outcome(exit.code()).exits(130);
    assert_eq!(probe_users(&sandbox), 0, "{}", outcome.out);
    sandbox.finish().await;
}

#[tokio::test]
async fn what_a_crashed_probe_left_is_removed_by_the_next_and_nothing_else() {
    let sandbox = Sandbox::new().await;
    // The deletion fails, as if the program had died before it.
    sandbox
        .emulator()
        .inject(Fault::status(500).on("delete_user").times(0));
    let crashed = doctor(&sandbox, &["--probe", "--retries", "0"])
        .await
        .exits(7);
    expect(&crashed, "cleanup", "fail", "Admin > Users");
    assert_ne!(probe_users(&sandbox), 0);
    sandbox.emulator().clear_faults();
    let left = kept(&sandbox).0["left_over"].clone();
    assert!(left.as_str().unwrap().starts_with("embedctl-doctor-"));
    // Users that are alike: no doctor gives such ids.
    for id in [
        "embedctl-doctor-of-acme",
        "embedctl-doctor-",
        "embedctl-doctors-0123456789ab",
    ] {
        let args = ["create-user", id, "--model", "demo", "--no-key"];
        let names = [
            "--first-name",
            "embedctl",
            "--last-name",
            "doctor (may be deleted)",
        ];
        drop(sandbox.run(&[&args[..], &names].concat()).await.done());
    }
    let theirs = sandbox
        .emulator()
        .state()
        .to_string()
        .matches("embedctl-doctor")
        .count();

    let next = doctor(&sandbox, &["--probe"]).await.done();

    expect(&next, "left_over", "pass", left.as_str().unwrap());
    let state = sandbox.emulator().state().to_string();
    assert!(!state.contains(left.as_str().unwrap()));
    for id in ["embedctl-doctor-of-acme", "embedctl-doctors-0123456789ab"] {
        assert!(state.contains(id), "{id} of {theirs}");
    }
    assert_eq!(kept(&sandbox).0["left_over"], Value::Null);
    sandbox.finish().await;
}

#[tokio::test]
async fn answers_that_cannot_be_read_are_a_warning() {
    let (sandbox, _) = probe_with(&[]).await;
    let files = sandbox.files().into_iter();
    let mut answers = files.filter(|(path, _)| path.extension().is_some_and(|it| it == "answers"));
    let (path, _) = answers.next().unwrap();
    fs::write(path, "{").unwrap();

    let outcome = doctor(&sandbox, &[]).await.done();

    expect(&outcome, "beliefs", "warn", "doctor --probe");
    sandbox.finish().await;
}

/// Such a command may ask a person to unlock a store.
#[tokio::test]
async fn the_command_that_gives_the_embed_secret_is_run_once() {
    let mut sandbox = Sandbox::new().await;
    let secret = sandbox.value("LOOKERSDK_EMBED_SECRET").to_owned();
    let runs = sandbox.path("runs");
    let folder = sandbox.root().join("home/.config/embedctl");
    fs::create_dir_all(&folder).unwrap();
    let command = format!("echo ran >> {}; echo {secret}", runs.display());
    let base_url = sandbox.emulator().base_url();
    let config = format!(
        "[profiles.acme]\nbase_url = \"{base_url}\"\nembed_secret = {{ command = [\"sh\", \"-c\", \"{command}\"] }}\n"
    );
    fs::write(folder.join("config.toml"), config).unwrap();
    sandbox.unset("LOOKERSDK_EMBED_SECRET");

    let outcome = sandbox.run(&["doctor", "--profile", "acme"]).await;

    assert!(
        outcome.out.contains("pass  embed_secret"),
        "{}",
        outcome.out
    );
    assert_eq!(sandbox.read("runs"), "ran\n");
    sandbox.finish().await;
}
