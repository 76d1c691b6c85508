//! What a ledger tells of itself, and what is pruned of it: events of runs that ended, and nothing else.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;
use std::time::Duration;

use embedctl::emulator::{Effect, ErrorBody, Fault, Options};
use embedctl::ledger::postgres::LeaseTimes;
use embedctl::ledger::sqlite::{Process, SqliteLedger, SqliteOptions};
use embedctl::ledger::{
    Event, JobEnd, JobId, JobState, Ledger, NewJob, NewRun, RunId, Upkeep as _, What,
};
use embedctl::system::Clock;
use jiff::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::database::Database;
use crate::support::Sandbox;

const START: &str = "2026-03-01T12:00:00Z";
const LATER: &str = "2026-06-01T12:00:00Z";
const MANIFEST: &str =
    "external_user_id,models,permissions\nacme-1,demo,access_data\nacme-2,demo,access_data\n";
const APPLY: [&str; 5] = ["apply", "m.csv", "--yes", "--keys-to", "file:k.jsonl"];

/// A Looker, and a ledger in PostgreSQL if there is a database, else in a file.
async fn sandbox(database: Option<&Database>) -> (Sandbox, Clock) {
    let clock = Clock::manual(START.parse().unwrap());
    let mut sandbox = Sandbox::with(Options {
        clock: clock.clone(),
        ..Options::default()
    })
    .await;
    sandbox.clock(clock.clone());
    match database {
        Some(database) => database.used_by(&mut sandbox),
        None => {
            let path = sandbox.path("l.ledger");
            sandbox.var("EMBEDCTL_LEDGER", path.to_str().unwrap());
        }
    }
    sandbox.file("m.csv", MANIFEST);
    (sandbox, clock)
}

async fn json_of(sandbox: &Sandbox, args: &[&str]) -> Value {
    let args = [args, &["-o", "json"]].concat();
    sandbox.run(&args).await.done().json()
}

/// All that stays, as the commands show it.
async fn what_stays(sandbox: &Sandbox) -> Vec<Value> {
    let mut shown = Vec::new();
    for args in [
        &["runs", "list"][..],
        &["keys", "list", "acme-1"],
        &["plan", "m.csv"],
    ] {
        shown.push(json_of(sandbox, args).await);
    }
    shown
}

async fn prunes(database: Option<Database>) {
    let (sandbox, clock) = sandbox(database.as_ref()).await;
    assert_eq!(sandbox.run(&APPLY).await.exit, 0);
    let refusal = Effect::Status {
        code: 400,
        body: ErrorBody::Json,
        retry_after: None,
    };
    let mint = Fault::new(refusal).on("create_user_credentials_api3");
    sandbox.emulator().inject(mint);
    let fails = ["create-user", "acme-9", "--keys-to", "file:k.jsonl"];
    assert_ne!(sandbox.run(&fails).await.exit, 0);
    let runs = json_of(&sandbox, &["runs", "list"]).await;
    let id = |at: usize| runs[at]["id"].as_str().unwrap().to_owned();
    let (failed, applied) = (id(0), id(1));
    clock.sleep(Duration::from_secs(100 * 86_400)).await;
    let young = ["create-user", "acme-3", "--no-key"];
    assert_eq!(sandbox.run(&young).await.exit, 0);
    let before = json_of(&sandbox, &["ledger", "show"]).await;
    assert_eq!(before["keys"], 2, "{before}");
    assert!(before["events"].as_u64() > Some(6), "{before}");
    assert!(before["bytes"].as_u64() > Some(4096), "{before}");
    let stays = what_stays(&sandbox).await;
    let events_of_failed = json_of(&sandbox, &["runs", "show", &failed]).await["jobs"].clone();

    let young = json_of(
        &sandbox,
        &["ledger", "prune", "--older-than", "101d", "--yes"],
    )
    .await;
    assert_eq!((&young["runs"], &young["events"]), (&json!(0), &json!(0)));
    let prune = ["ledger", "prune", "--older-than", "90d"];
    let asked = sandbox.run(&prune).await.exits(2);
    assert!(asked.err.contains("--yes"), "{}", asked.err);
    let dry = json_of(&sandbox, &[&prune[..], &["--dry-run"]].concat()).await;
    assert_eq!(
        json_of(&sandbox, &["ledger", "show"]).await["events"],
        before["events"]
    );

    let pruned = json_of(&sandbox, &[&prune[..], &["--yes"]].concat()).await;

    assert_eq!(
        (&pruned["runs"], &pruned["dry_run"]),
        (&json!(1), &json!(false))
    );
    assert_eq!(
        (&dry["runs"], &dry["events"]),
        (&json!(1), &pruned["events"])
    );
    let after = json_of(&sandbox, &["ledger", "show"]).await;
    let gone = before["events"].as_u64().unwrap() - after["events"].as_u64().unwrap();
    assert_eq!(pruned["events"], gone);
    assert_eq!(
        (&after["runs"], &after["keys"]),
        (&before["runs"], &before["keys"])
    );
    assert_eq!(what_stays(&sandbox).await, stays);
    let shown = json_of(&sandbox, &["runs", "show", &failed]).await;
    assert_eq!(shown["jobs"], events_of_failed);
    assert_eq!(shown.get("events_pruned_at"), None);
    let shown = json_of(&sandbox, &["runs", "show", &applied]).await;
    assert!(shown["events_pruned_at"].is_string(), "{shown}");
    assert_eq!(shown["jobs"].as_array().unwrap().len(), 2);

    let undo = sandbox
        .run(&["runs", "undo", &applied, "--yes"])
        .await
        .exits(6);
    assert!(undo.err.contains("were pruned at"), "{}", undo.err);
    let again = json_of(&sandbox, &[&prune[..], &["--yes"]].concat()).await;
    assert_eq!(again["runs"], 0);
    let resumed = sandbox.run(&["runs", "resume", &failed]).await;
    assert_eq!(resumed.exit, 0, "{}", resumed.err);
    sandbox.finish().await;
}

#[tokio::test]
async fn only_events_of_runs_that_ended_are_pruned_and_such_a_run_is_not_undone() {
    Box::pin(prunes(None)).await;
}

#[tokio::test]
async fn only_events_of_runs_that_ended_are_pruned_in_postgres_too() {
    if let Some(database) = Database::fresh().await {
        Box::pin(prunes(Some(database))).await;
    }
}

/// A run with one job, which is done; it is held by this process.
async fn begin(ledger: &dyn Ledger, subject: &str) -> JobId {
    let run = NewRun {
        id: RunId(Uuid::now_v7()),
        command: "apply".to_owned(),
        request: json!({}),
        created_at: START.parse().unwrap(),
    };
    let job = NewJob {
        subject: subject.to_owned(),
        also: None,
        spec: json!({}),
    };
    let run = ledger.begin(run, vec![job]).await.unwrap();
    let job = JobId { run, number: 0 };
    let end = JobEnd {
        state: JobState::Done,
        outcome: json!({}),
    };
    let events = vec![event(What::Started), event(What::Done)];
    ledger.settle(job, events, None, end).await.unwrap();
    job
}

fn event(what: What) -> Event {
    Event {
        step: "mint".to_owned(),
        what,
        at: START.parse().unwrap(),
        data: Value::Null,
    }
}

async fn spares(ledger: Arc<dyn Ledger>) {
    let now: Timestamp = LATER.parse().unwrap();
    let held = begin(&*ledger, "acme-1").await;
    let half_undone = begin(&*ledger, "acme-2").await;
    let undoing = vec![event(What::UndoStarted)];
    ledger.record(half_undone, undoing, None).await.unwrap();
    ledger.release(half_undone.run).await.unwrap();
    let free = begin(&*ledger, "acme-3").await;
    ledger.release(free.run).await.unwrap();

    let ended = |now| {
        let ledger = Arc::clone(&ledger);
        async move { ledger.ended(now, now).await.unwrap() }
    };
    // For the file, the lease counts by this clock.
    let soon: Timestamp = "2026-03-01T12:00:01Z".parse().unwrap();
    let found: Vec<_> = ended(soon)
        .await
        .iter()
        .map(|it| (it.run, it.events))
        .collect();

    assert_eq!(found, [(free.run, 2)]);
    assert!(!ledger.mark_pruned(held.run, soon).await.unwrap());
    assert!(!ledger.mark_pruned(half_undone.run, now).await.unwrap());
    // Only what is marked is deleted.
    assert_eq!(ledger.delete_events(free.run).await.unwrap(), 0);
    assert_eq!(ledger.pruned_at(free.run).await.unwrap(), None);
    assert!(ledger.mark_pruned(free.run, soon).await.unwrap());
    // An interrupted pruning is found again, and its time stays.
    assert_eq!(ended(soon).await.len(), 1);
    assert!(ledger.mark_pruned(free.run, now).await.unwrap());
    assert_eq!(ledger.pruned_at(free.run).await.unwrap(), Some(soon));
    assert_eq!(ledger.delete_events(free.run).await.unwrap(), 2);
    assert_eq!(ended(soon).await, []);
    assert_eq!(ledger.events(held).await.unwrap().len(), 2);
    assert_eq!(ledger.contents().await.unwrap().events, 5);
}

#[tokio::test]
async fn a_run_that_is_held_or_half_undone_keeps_its_events() {
    let folder = tempfile::tempdir().unwrap();
    let options = SqliteOptions::new(Clock::manual(START.parse().unwrap()));
    let ledger = SqliteLedger::open(folder.path().join("l.ledger"), &options).unwrap();
    let ledger = Arc::new(ledger);

    spares(Arc::clone(&ledger) as Arc<dyn Ledger>).await;

    // A file that is in use is not locked for as long as it takes to rewrite it.
    assert!(!ledger.compact().await.unwrap());
}

#[tokio::test]
async fn a_run_that_is_held_or_half_undone_keeps_its_events_in_postgres_too() {
    if let Some(database) = Database::fresh().await {
        let minute = Duration::from_secs(60);
        let times = LeaseTimes::new(minute, minute, minute);
        let ledger = database.ledger(times, &Process::current()).await;
        spares(Arc::new(ledger)).await;
    }
}

#[tokio::test]
async fn pruning_makes_the_file_smaller() {
    let (sandbox, clock) = sandbox(None).await;
    let path = sandbox.path("l.ledger");
    let options = SqliteOptions::new(clock.clone());
    let ledger = SqliteLedger::open(&path, &options).unwrap();
    let job = begin(&ledger, "acme-1").await;
    let events = vec![event(What::Done); 5_000];
    ledger.record(job, events, None).await.unwrap();
    ledger.release(job.run).await.unwrap();
    drop(ledger);
    let was = fs::metadata(&path).unwrap().len();
    clock.sleep(Duration::from_secs(86_400)).await;

    let pruned = json_of(
        &sandbox,
        &["ledger", "prune", "--older-than", "1h", "--yes"],
    )
    .await;

    let is = fs::metadata(&path).unwrap().len();
    assert!(is < was / 2, "{is} of {was} bytes");
    assert_eq!(
        (&pruned["bytes"], &pruned["events"]),
        (&json!(is), &json!(5_002))
    );
    sandbox.finish().await;
}

#[tokio::test]
async fn migrate_says_from_which_version_to_which() {
    let mut sandbox = Sandbox::offline();
    let path = sandbox.path("old.ledger");
    sandbox.var("EMBEDCTL_LEDGER", path.to_str().unwrap());
    let old = rusqlite::Connection::open(&path).unwrap();
    old.execute_batch(include_str!("../data/ledger-5.sql"))
        .unwrap();
    drop(old);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();

    let first = json_of(&sandbox, &["ledger", "migrate"]).await;
    let second = json_of(&sandbox, &["ledger", "migrate"]).await;

    assert_eq!(first, json!({"from": 5, "to": 7}));
    assert_eq!(second, json!({"from": 7, "to": 7}));
    fs::remove_file(&path).unwrap();
    let third = sandbox.run(&["ledger", "migrate"]).await.done();
    assert!(
        third.err.contains("A new ledger was created"),
        "{}",
        third.err
    );
}
