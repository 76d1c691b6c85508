//! A ledger and a plan belong to one Looker: at another they are refused, before anything is done there.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use embedctl::emulator::{Effect, ErrorBody, Fault, Options};
use embedctl::ledger::sqlite::{SqliteLedger, SqliteOptions};
use embedctl::ledger::{Instance, Ledger as _};
use embedctl::system::Clock;
use serde_json::Value;

use crate::clients::{key_ids, keys};
use crate::support::{Outcome, Sandbox};

const MANIFEST: &str = "external_user_id,models,permissions\nacme-1,demo,access_data\n";

/// Two Lookers that one ledger is used with.
async fn two() -> (Sandbox, Sandbox) {
    let mut first = Sandbox::new().await;
    let path = first.path("shared.ledger");
    let path = path.to_str().unwrap().to_owned();
    first.var("EMBEDCTL_LEDGER", &path);
    let mut second = Sandbox::new().await;
    second.var("EMBEDCTL_LEDGER", &path);
    (first, second)
}

#[tokio::test]
async fn a_ledger_of_another_looker_is_refused_by_every_command_that_acts() {
    let (first, second) = two().await;
    let args = ["create-user", "acme-1", "--keys-to", "file:k.jsonl"];
    assert_eq!(first.run(&args).await.exit, 0);
    let runs = first.run(&["runs", "list", "-o", "jsonl"]).await.out;
    let run: Value = serde_json::from_str(runs.lines().next().unwrap()).unwrap();
    let run = run["run_id"]
        .as_str()
        .or_else(|| run["id"].as_str())
        .unwrap()
        .to_owned();
    second.file("m.csv", MANIFEST);

    for args in [
        &["create-user", "acme-1", "--keys-to", "file:k.jsonl"][..],
        &["apply", "m.csv", "--yes"],
        &["plan", "m.csv"],
        &[
            "keys",
            "rotate",
            "acme-1",
            "--yes",
            "--keys-to",
            "file:k.jsonl",
        ],
        &["keys", "mint", "acme-1", "--keys-to", "file:k.jsonl"],
        &["keys", "list", "acme-1"],
        &["keys", "reap"],
        &["rotate-id", "acme-1", "acme-2", "--yes", "--no-key"],
        &["runs", "undo", &run, "--yes"],
    ] {
        let refused = second.run(args).await;

        assert_eq!(refused.exit, 6, "{args:?}: {} {}", refused.out, refused.err);
        for looker in [first.emulator().base_url(), second.emulator().base_url()] {
            assert!(refused.err.contains(looker), "{args:?}: {}", refused.err);
        }
    }
    let requests = second.emulator().requests();
    let wrote = |request: &&embedctl::emulator::RequestRecord| {
        request.method != "GET" && !matches!(request.operation, "login" | "logout")
    };
    assert_eq!(requests.iter().filter(wrote).count(), 0);

    // After a move it follows, once somebody has said so.
    assert_eq!(second.run(&["ledger", "rebind"]).await.exit, 2);
    let rebound = second.run(&["ledger", "rebind", "--yes"]).await;
    assert_eq!(rebound.exit, 0, "{}", rebound.err);
    assert_eq!(second.run(&["keys", "reap"]).await.exit, 0);
    assert_eq!(first.run(&["keys", "reap"]).await.exit, 6);
    let shown = second.run(&["ledger", "show", "-o", "json"]).await;
    assert!(
        shown.out.contains(second.emulator().base_url()),
        "{}",
        shown.out
    );
    first.finish().await;
    second.finish().await;
}

#[tokio::test]
async fn two_lookers_behind_one_address_are_told_apart_by_what_they_say_themselves() {
    let mut sandbox = Sandbox::new().await;
    let path = sandbox.path("l.ledger");
    let ledger = SqliteLedger::open(&path, &SqliteOptions::new(Clock::os())).unwrap();
    let there = Instance {
        origin: sandbox.emulator().base_url().to_owned(),
        web_url: Some("https://other.looker.com".to_owned()),
    };
    ledger.bind(there.clone()).await.unwrap();
    assert_eq!(ledger.instance().await.unwrap(), Some(there));
    drop(ledger);
    sandbox.var("EMBEDCTL_LEDGER", path.to_str().unwrap());

    let refused = sandbox.run(&["keys", "reap"]).await;

    assert_eq!(refused.exit, 6, "{}", refused.err);
    assert!(
        refused.err.contains("https://other.looker.com"),
        "{}",
        refused.err
    );
    sandbox.finish().await;
}

#[tokio::test]
async fn a_plan_for_another_looker_is_refused() {
    let (first, second) = (Sandbox::new().await, Sandbox::new().await);
    first.file("m.csv", MANIFEST);
    let planned = first.run(&["plan", "m.csv", "--out", "p.jsonl"]).await;
    assert_eq!(planned.exit, 0, "{}", planned.err);
    second.file("p.jsonl", &first.read("p.jsonl"));

    let refused = second.run(&["apply", "p.jsonl", "--yes"]).await;

    assert_eq!(refused.exit, 6, "{}", refused.err);
    for looker in [first.emulator().base_url(), second.emulator().base_url()] {
        assert!(refused.err.contains(looker), "{}", refused.err);
    }
    first.finish().await;
    second.finish().await;
}

const START: &str = "2026-03-01T12:00:00Z";
const MINT: &str = "create_user_credentials_api3";

/// Two Lookers at which the time is the same, of which the first has used the ledger: it has a key that is due, and a run
/// that failed. Numbers of users and keys are the same at both.
async fn two_with_things() -> (Sandbox, Sandbox) {
    let clock = Clock::manual(START.parse().unwrap());
    let options = || Options {
        clock: clock.clone(),
        ..Options::default()
    };
    let mut first = Sandbox::with(options()).await;
    let mut second = Sandbox::with(options()).await;
    let ledger = first.path("shared.ledger");
    first.var("EMBEDCTL_LEDGER", ledger.to_str().unwrap());
    for sandbox in [&mut first, &mut second] {
        sandbox.clock(clock.clone());
        let args = ["create-user", "acme-1", "--keys-to", "file:k.jsonl"];
        assert_eq!(sandbox.run(&args).await.exit, 0);
    }
    second.var("EMBEDCTL_LEDGER", ledger.to_str().unwrap());
    let rotate = [
        "keys",
        "rotate",
        "acme-1",
        "--yes",
        "--overlap",
        "1h",
        "--keys-to",
    ];
    let rotated = first.run(&[&rotate[..], &["file:k.jsonl"]].concat()).await;
    assert_eq!(rotated.exit, 0, "{}", rotated.err);
    let refusal = Effect::Status {
        code: 400,
        body: ErrorBody::Json,
        retry_after: None,
    };
    first.emulator().inject(Fault::new(refusal).on(MINT));
    let args = ["create-user", "acme-2", "--keys-to", "file:k.jsonl"];
    assert_ne!(first.run(&args).await.exit, 0);
    clock.sleep(Duration::from_secs(86_400)).await;
    (first, second)
}

/// The id of the newest run of a command.
async fn run_of(sandbox: &Sandbox, command: &str) -> String {
    let listed = sandbox.run(&["runs", "list", "-o", "jsonl"]).await;
    let mut runs = listed.json_lines().into_iter();
    let run = runs.find(|run| run["command"] == command).unwrap();
    run["id"].as_str().unwrap().to_owned()
}

async fn living(sandbox: &Sandbox) -> BTreeSet<String> {
    let keys = keys(sandbox.emulator(), "acme-1").await;
    keys.into_iter().map(|key| key.client_id).collect()
}

#[track_caller]
fn is_refused(outcome: &Outcome, lookers: [&Sandbox; 2]) {
    assert_eq!(outcome.exit, 6, "{} {}", outcome.out, outcome.err);
    for looker in lookers {
        let url = looker.emulator().base_url();
        assert!(outcome.err.contains(url), "{}", outcome.err);
    }
}

#[tokio::test]
async fn runs_and_keys_of_a_looker_that_the_ledger_has_left_are_refused_and_wait_for_it() {
    let (first, second) = two_with_things().await;
    let (here, there) = (living(&second).await, living(&first).await);
    let failed = run_of(&first, "create-user").await;
    let rotation = run_of(&first, "keys rotate").await;

    let rebound = second.run(&["ledger", "rebind", "--yes"]).await;
    assert_eq!(rebound.exit, 0, "{}", rebound.err);
    assert!(rebound.err.contains("knows no key"), "{}", rebound.err);

    for args in [
        &["runs", "resume", &failed][..],
        &["runs", "undo", &rotation, "--yes"],
        &["keys", "reap"],
        &["keys", "reap", "--dry-run"],
        &["keys", "revoke", "acme-1", there.first().unwrap(), "--yes"],
    ] {
        is_refused(&second.run(args).await, [&first, &second]);
    }
    // The same person's id is another person there: nothing stands in the way, and nothing is gone on with.
    let args = ["create-user", "acme-2", "--keys-to", "file:k.jsonl"];
    let created = second.run(&args).await;
    assert_eq!(created.exit, 0, "{}", created.err);
    assert!(!created.err.contains(&failed), "{}", created.err);
    assert_eq!((living(&second).await, living(&first).await), (here, there));

    let back = first.run(&["ledger", "rebind", "--yes"]).await;
    assert_eq!(back.exit, 0, "{}", back.err);
    let resumed = first.run(&["runs", "resume", &failed]).await;
    assert_eq!(resumed.exit, 0, "{}", resumed.err);
    let reaped = first.run(&["keys", "reap", "-o", "json"]).await;
    assert_eq!(reaped.json()["revoked"], 1, "{}", reaped.err);
    first.finish().await;
    second.finish().await;
}

#[tokio::test]
async fn with_a_looker_that_has_moved_go_its_runs_and_keys() {
    let mut sandbox = Sandbox::new().await;
    let path = sandbox.path("l.ledger");
    sandbox.var("EMBEDCTL_LEDGER", path.to_str().unwrap());
    let args = ["create-user", "acme-1", "--keys-to", "file:k.jsonl"];
    assert_eq!(sandbox.run(&args).await.exit, 0);
    let run = run_of(&sandbox, "create-user").await;
    let before = Instance {
        origin: "https://before.example.com".to_owned(),
        web_url: None,
    };
    let ledger = SqliteLedger::open(&path, &SqliteOptions::new(Clock::os())).unwrap();
    ledger.follow(before).await.unwrap();
    drop(ledger);
    let undo = ["runs", "undo", &run, "--yes"];
    assert_eq!(sandbox.run(&undo).await.exit, 6);

    let rebound = sandbox.run(&["ledger", "rebind", "--yes"]).await;

    assert_eq!(rebound.exit, 0, "{}", rebound.err);
    let undone = sandbox.run(&undo).await;
    assert_eq!(undone.exit, 0, "{}", undone.err);
    assert!(living(&sandbox).await.is_empty());
    sandbox.finish().await;
}

/// Change what a ledger says, as no embedctl would.
fn forge(sandbox: &Sandbox, sql: &str, params: [&str; 2]) {
    let ledger = rusqlite::Connection::open(sandbox.path("l.ledger")).unwrap();
    assert!(ledger.execute(sql, params).unwrap() > 0, "{sql}");
}

#[tokio::test]
async fn a_key_is_not_taken_for_another_that_had_its_number() {
    let mut sandbox = Sandbox::new().await;
    let path = sandbox.path("l.ledger");
    sandbox.var("EMBEDCTL_LEDGER", path.to_str().unwrap());
    let args = [
        "create-user",
        "acme-1",
        "--keys-to",
        "file:k.jsonl",
        "-o",
        "json",
    ];
    let created = sandbox.run(&args).await.json();
    let client_id = created["key"]["client_id"].as_str().unwrap();
    let run = run_of(&sandbox, "create-user").await;
    // The ledger knows a key of this number that is gone.
    forge(
        &sandbox,
        "UPDATE key SET client_id = ?2 WHERE client_id = ?1",
        [client_id, "gone"],
    );
    let sql = "UPDATE event SET data = replace(data, ?1, ?2) WHERE data LIKE '%client_id%'";
    forge(&sandbox, sql, [client_id, "gone"]);

    let revoked = sandbox
        .run(&["keys", "revoke", "acme-1", "gone", "--yes"])
        .await;
    assert_eq!(revoked.exit, 0, "{}", revoked.err);
    let undone = sandbox.run(&["runs", "undo", &run, "--yes"]).await;
    assert_eq!(undone.exit, 3, "{}", undone.err);

    assert!(
        undone.err.contains("not the key that the run created"),
        "{}",
        undone.err
    );
    assert_eq!(
        living(&sandbox).await,
        BTreeSet::from([client_id.to_owned()])
    );
    sandbox.finish().await;
}

/// A ledger of the first version, from before ledgers said to whom they belong; it knows key 8 of user 12.
fn old_ledger(sandbox: &Sandbox, key: &Value) {
    let path = sandbox.path("l.ledger");
    let old = rusqlite::Connection::open(&path).unwrap();
    old.execute_batch(include_str!("../data/ledger-1.sql"))
        .unwrap();
    let text = |name: &str| key[name].as_str().unwrap();
    let params = [text("looker_user_id"), text("key_id"), text("client_id")];
    let sql = "UPDATE key SET looker_user_id = ?1, key_id = ?2, client_id = ?3 WHERE key_id = '8'";
    assert_eq!(old.execute(sql, params).unwrap(), 1);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
}

#[tokio::test]
async fn an_old_ledger_is_adopted_by_the_looker_that_knows_its_keys_and_by_no_other() {
    let (mut first, mut second) = (Sandbox::new().await, Sandbox::new().await);
    let args = ["create-user", "acme-2", "--keys-to", "file:k.jsonl"];
    assert_eq!(first.run(&args).await.exit, 0);
    assert_eq!(second.run(&args).await.exit, 0);
    let key: Value = serde_json::from_str(first.read("k.jsonl").trim()).unwrap();
    old_ledger(&first, &key);
    let path = first.path("l.ledger");
    for sandbox in [&mut first, &mut second] {
        sandbox.var("EMBEDCTL_LEDGER", path.to_str().unwrap());
    }

    // Both have a user and a key of these numbers.
    let stranger = second.run(&["keys", "list", "acme-2"]).await;
    assert_eq!(stranger.exit, 6, "{}", stranger.err);
    let url = second.emulator().base_url();
    assert!(stranger.err.contains(url) && stranger.err.contains("does not know its keys"));
    let own = first.run(&["keys", "list", "acme-2"]).await;
    assert_eq!(own.exit, 0, "{}", own.err);
    is_refused(
        &second.run(&["keys", "list", "acme-2"]).await,
        [&first, &second],
    );

    let run = first
        .run(&["runs", "list", "-o", "jsonl"])
        .await
        .json_lines()
        .remove(0);
    assert_eq!(run["base_url"], first.emulator().base_url());
    assert_eq!(key_ids(second.emulator(), "acme-2").await.len(), 1);
    first.finish().await;
    second.finish().await;
}
