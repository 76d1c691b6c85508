//! A ledger and a plan belong to one Looker: at another they are refused, before anything is done there.

use embedctl::ledger::sqlite::{SqliteLedger, SqliteOptions};
use embedctl::ledger::{Instance, Ledger as _};
use embedctl::system::Clock;

use crate::support::Sandbox;

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
    let run: serde_json::Value = serde_json::from_str(runs.lines().next().unwrap()).unwrap();
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
