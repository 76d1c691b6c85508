//! A ledger is copied into another one whole or not at all, and the copy is used as the original was.

use std::time::Duration;

use embedctl::emulator::Latency;
use embedctl::ledger::sqlite::{SqliteLedger, SqliteOptions};
use embedctl::ledger::{Event, JobId, KeyRecord, KeyState, Ledger as _, What};
use embedctl::system::Clock;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::cable::Cable;
use crate::database::{Cluster, Database, PASSWORD};
use crate::ledger_upkeep::{begin, is_over, json_of, prune_with, sandbox, three_runs};
use crate::postgres::{APPLY, World, delivered, start};
use crate::support::{Outcome, Sandbox, in_time, output};

async fn copy(sandbox: &Sandbox, from: &str, to: &str) -> Outcome {
    sandbox.run(&["ledger", "copy", from, to]).await
}

/// All that the commands show of the ledger in use.
async fn shown(sandbox: &Sandbox) -> Vec<Value> {
    let mut shown = vec![
        json_of(sandbox, &["runs", "list"]).await,
        json_of(sandbox, &["keys", "list", "acme-1"]).await,
        json_of(sandbox, &["plan", "m.csv"]).await,
    ];
    for run in shown[0].clone().as_array().unwrap() {
        let id = run["id"].as_str().unwrap();
        shown.push(json_of(sandbox, &["runs", "show", id]).await);
    }
    let contents = json_of(sandbox, &["ledger", "show"]).await;
    for what in ["base_url", "web_url", "runs", "keys", "events"] {
        shown.push(contents[what].clone());
    }
    shown
}

/// What is left to do is done from the copy, and what was done is undone.
async fn is_usable(sandbox: &Sandbox, ended: &str, failed: &str) {
    let resumed = sandbox.run(&["runs", "resume", failed]).await;
    assert_eq!(resumed.exit, 0, "{}", resumed.err);
    let again = sandbox.run(&["create-user", "acme-9", "--no-key"]).await;
    assert_eq!(again.exit, 0, "{}", again.err);
    let reaped = sandbox.run(&["keys", "reap", "--yes"]).await;
    assert_eq!(reaped.exit, 0, "{}", reaped.err);
    let undone = sandbox.run(&["runs", "undo", ended, "--yes"]).await;
    assert_eq!(undone.exit, 0, "{}", undone.err);
    let gone = sandbox.run(&["keys", "list", "acme-1"]).await.exits(5);
    assert!(gone.err.contains("no embed user"), "{}", gone.err);
}

#[tokio::test]
async fn a_copy_from_a_file_into_postgres_is_used_as_the_file_was() {
    let Some(database) = Database::fresh().await else {
        return;
    };
    let (mut sandbox, clock) = sandbox(None).await;
    let (ended, failed) = three_runs(&sandbox, &clock).await;
    let before = shown(&sandbox).await;
    sandbox.var("PGPASSWORD", PASSWORD);

    let told = copy(&sandbox, "l.ledger", &database.url).await.done();

    assert!(told.err.contains("Copied 3 runs"), "{}", told.err);
    assert_eq!(shown(&sandbox).await, before, "the old one stays");
    database.used_by(&mut sandbox);
    assert_eq!(shown(&sandbox).await, before);
    is_usable(&sandbox, &ended, &failed).await;
    sandbox.finish().await;
}

#[tokio::test]
async fn a_copy_from_postgres_into_a_file_is_used_as_the_database_was() {
    let Some(database) = Database::fresh().await else {
        return;
    };
    let (mut sandbox, clock) = sandbox(Some(&database)).await;
    let (ended, failed) = three_runs(&sandbox, &clock).await;
    let before = shown(&sandbox).await;

    let told = json_of(
        &sandbox,
        &["ledger", "copy", &database.url, "sqlite:copy.ledger"],
    )
    .await;

    assert_eq!(
        (&told["runs"], &told["keys"], &told["to"]),
        (&json!(3), &json!(2), &json!("copy.ledger"))
    );
    sandbox.var("EMBEDCTL_LEDGER", "copy.ledger");
    assert_eq!(shown(&sandbox).await, before);
    is_usable(&sandbox, &ended, &failed).await;
    sandbox.finish().await;
}

#[tokio::test]
async fn copies_of_copies_are_equal_and_runs_whose_events_were_pruned_stay_so() {
    let Some(cluster) = Cluster::shared() else {
        return;
    };
    let (one, two) = (cluster.database().await, cluster.database().await);
    let (mut sandbox, clock) = sandbox(None).await;
    let (ended, _) = three_runs(&sandbox, &clock).await;
    assert_eq!(prune_with(&sandbox, "--yes").await["runs"], 1);
    sandbox.var("PGPASSWORD", PASSWORD);
    let before = shown(&sandbox).await;

    let mut from = "l.ledger".to_owned();
    for to in ["second.ledger", &one.url, &two.url, "third.ledger"] {
        let _copied = copy(&sandbox, &from, to).await.done();
        sandbox.var("EMBEDCTL_LEDGER", to);
        assert_eq!(shown(&sandbox).await, before, "{to}");
        is_over(&sandbox, &ended).await;
        to.clone_into(&mut from);
    }
    sandbox.finish().await;
}

#[tokio::test]
async fn what_cannot_be_copied_is_refused_and_nothing_is_changed() {
    let Some(database) = Database::fresh().await else {
        return;
    };
    let (mut sandbox, clock) = sandbox(Some(&database)).await;
    let _runs = three_runs(&sandbox, &clock).await;
    let before = shown(&sandbox).await;
    sandbox.var("EMBEDCTL_LEDGER", "other.ledger");
    let one = ["create-user", "acme-7", "--no-key"];
    assert_eq!(sandbox.run(&one).await.exit, 0);
    let other = json_of(&sandbox, &["runs", "list"]).await;
    let with_password = database.url.replace("runner@", "runner:hunter2@");

    for (from, to, exit, words) in [
        ("missing.ledger", "new.ledger", 5, "there is no ledger"),
        ("other.ledger", &*database.url, 6, "is not empty"),
        (&*database.url, "other.ledger", 6, "is not empty"),
        ("other.ledger", "sqlite:other.ledger", 2, "into itself"),
        ("other.ledger", &*with_password, 2, "contains a password"),
        ("other.ledger", "mysql://db/x", 2, "`mysql:`"),
    ] {
        let refused = copy(&sandbox, from, to).await;
        assert_eq!(refused.exit, exit, "{from} {to}: {}", refused.err);
        assert!(refused.err.contains(words), "{}", refused.err);
        assert!(!refused.err.contains("hunter2"), "{}", refused.err);
    }

    assert!(!sandbox.path("missing.ledger").exists());
    assert!(!sandbox.path("new.ledger").exists());
    assert_eq!(json_of(&sandbox, &["runs", "list"]).await, other);
    database.used_by(&mut sandbox);
    assert_eq!(shown(&sandbox).await, before);
    sandbox.finish().await;
}

/// Copy once the processes that worked with the ledger count as dead; before, it is refused by the name of one.
async fn copy_when_free(sandbox: &Sandbox, from: &str, to: &str) {
    let mut ticks = tokio::time::interval(Duration::from_millis(100));
    in_time(async {
        loop {
            ticks.tick().await;
            let copied = copy(sandbox, from, to).await;
            if copied.exit == 0 {
                return;
            }
            let told = copied.exits(6).err;
            assert!(told.contains("is locked by process"), "{told}");
        }
    })
    .await;
}

/// A run that was killed in one ledger goes on from a copy in another, and each user ends with one delivered key.
async fn goes_on_elsewhere(into_postgres: bool) {
    let Some(cluster) = Cluster::shared() else {
        return;
    };
    let latency = Latency::Fixed(Duration::from_millis(30));
    let mut world = World::of(cluster, 150, latency, Vec::new()).await;
    let (database, file) = (world.database.url.clone(), "here.ledger".to_owned());
    let (from, to) = match into_postgres {
        true => (file, database),
        false => (database, file),
    };
    world.machine.var("EMBEDCTL_LEDGER", &from);
    let mut killed = start(&world.machine, &APPLY);
    delivered(&world.machine, 5).await;
    let refused = copy(&world.machine, &from, &to).await.exits(6);
    assert!(refused.err.contains("is locked by"), "{}", refused.err);
    killed.kill().await.unwrap();

    copy_when_free(&world.machine, &from, &to).await;

    world.machine.var("EMBEDCTL_LEDGER", &to);
    let list = json_of(&world.machine, &["runs", "list"]).await;
    let run = list[0]["id"].as_str().unwrap();
    let resumed = output(world.machine.process(&["runs", "resume", run])).await;
    let _resumed = resumed.done();
    world.judge(&[&world.machine]).await;
    world.machine.leave().await;
}

#[tokio::test]
async fn a_run_that_was_killed_with_a_file_goes_on_in_postgres() {
    Box::pin(goes_on_elsewhere(true)).await;
}

#[tokio::test]
async fn a_run_that_was_killed_with_postgres_goes_on_in_a_file() {
    Box::pin(goes_on_elsewhere(false)).await;
}

/// A ledger whose copy takes many parts.
async fn large(sandbox: &Sandbox) {
    let options = SqliteOptions::new(Clock::manual("2026-03-01T12:00:00Z".parse().unwrap()));
    let ledger = SqliteLedger::open(sandbox.path("large.ledger"), &options).unwrap();
    let job = begin(&ledger, "acme-1").await;
    let at: Timestamp = "2026-03-01T12:00:00Z".parse().unwrap();
    let event = |what| Event {
        step: "mint".to_owned(),
        what,
        at,
        data: json!({"note": "x".repeat(100)}),
    };
    let events = vec![event(What::Done); 20_000];
    ledger
        .record(job, events, Some(key(job, at)))
        .await
        .unwrap();
    ledger.release(job.run).await.unwrap();
}

fn key(job: JobId, at: Timestamp) -> KeyRecord {
    KeyRecord {
        looker_user_id: "7".to_owned(),
        external_user_id: "acme-1".to_owned(),
        key_id: "9".to_owned(),
        client_id: "id-9".to_owned(),
        purpose: format!("embedctl {}", job.run),
        state: KeyState::Delivered,
        minted_at: at,
        revoke_at: Some(at),
    }
}

/// The address of a database at the other end of a cable.
fn through(cable: &Cable, database: &Database) -> String {
    let port = format!(":{}/", database.port);
    let near = format!(":{}/", cable.port());
    database.url.replace(&port, &near)
}

/// Nothing is in the ledger, although a copy had begun.
async fn is_empty(sandbox: &mut Sandbox, ledger: &str) {
    sandbox.var("EMBEDCTL_LEDGER", ledger);
    let contents = json_of(sandbox, &["ledger", "show"]).await;
    let found = ["runs", "keys", "events"].map(|what| &contents[what]);
    assert_eq!(found, [0, 0, 0], "{contents}");
}

/// A copy whose connection goes dead in the middle is killed, or loses the connection altogether; then it is done once more.
async fn is_whole_or_nothing(from_postgres: bool, killed: bool) {
    let Some(database) = Database::fresh().await else {
        return;
    };
    let mut sandbox = Sandbox::offline();
    sandbox
        .var("PGPASSWORD", PASSWORD)
        .var("LOOKERSDK_BASE_URL", "http://127.0.0.1:1");
    large(&sandbox).await;
    if from_postgres {
        let _copied = copy(&sandbox, "large.ledger", &database.url).await.done();
    }
    let cable = Cable::to(database.port).await;
    let near = through(&cable, &database);
    let (from, to, direct_from, direct_to) = match from_postgres {
        true => (&*near, "copy.ledger", &*database.url, "copy.ledger"),
        false => ("large.ledger", &*near, "large.ledger", &*database.url),
    };
    cable.deafen_after(1_000_000);
    let mut process = start(&sandbox, &["ledger", "copy", from, to]);
    in_time(cable.is_deaf()).await;

    if killed {
        process.kill().await.unwrap();
        cable.cut();
    } else {
        cable.cut();
        let ended = in_time(process.wait_with_output()).await.unwrap();
        let told = String::from_utf8(ended.stderr).unwrap();
        assert_eq!(ended.status.code(), Some(1), "{told}");
        assert!(told.contains("cannot reach the ledger"), "{told}");
    }

    is_empty(&mut sandbox, direct_to).await;
    let _copied = copy(&sandbox, direct_from, direct_to).await.done();
    let contents = json_of(&sandbox, &["ledger", "show"]).await;
    let found = ["runs", "keys", "events"].map(|what| &contents[what]);
    assert_eq!(found, [1, 1, 20_002], "{contents}");
}

#[tokio::test]
async fn a_copy_into_postgres_that_is_killed_in_the_middle_leaves_nothing() {
    is_whole_or_nothing(false, true).await;
}

#[tokio::test]
async fn a_copy_into_a_file_that_is_killed_in_the_middle_leaves_nothing() {
    is_whole_or_nothing(true, true).await;
}

#[tokio::test]
async fn a_copy_that_loses_its_connection_in_the_middle_leaves_nothing_and_says_so() {
    is_whole_or_nothing(false, false).await;
    is_whole_or_nothing(true, false).await;
}
