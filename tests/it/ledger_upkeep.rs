//! What a ledger tells of itself, and what is pruned of it: events of runs that ended, and nothing else.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;
use std::time::Duration;

use embedctl::emulator::{Effect, ErrorBody, Fault, Options};
use embedctl::ledger::postgres::LeaseTimes;
use embedctl::ledger::sqlite::{Process, SqliteLedger, SqliteOptions};
use embedctl::ledger::{
    Ended, Event, JobEnd, JobId, JobState, Ledger, NewJob, NewRun, RunId, Upkeep as _, What,
};
use embedctl::system::Clock;
use jiff::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::database::Database;
use crate::support::{Sandbox, in_time, print};

const START: &str = "2026-03-01T12:00:00Z";
const LATER: &str = "2026-06-01T12:00:00Z";
const MANIFEST: &str =
    "external_user_id,models,permissions\nacme-1,demo,access_data\nacme-2,demo,access_data\n";
pub(crate) const APPLY: [&str; 5] = ["apply", "m.csv", "--yes", "--keys-to", "file:k.jsonl"];

/// A Looker, and a ledger in PostgreSQL if there is a database, else in a file.
pub(crate) async fn sandbox(database: Option<&Database>) -> (Sandbox, Clock) {
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

pub(crate) async fn json_of(sandbox: &Sandbox, args: &[&str]) -> Value {
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

/// A run that ended and one that failed, begun 100 days ago, and one that has just ended; their ids but the last's.
pub(crate) async fn three_runs(sandbox: &Sandbox, clock: &Clock) -> (String, String) {
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
    let runs = json_of(sandbox, &["runs", "list"]).await;
    let id = |at: usize| runs[at]["id"].as_str().unwrap().to_owned();
    clock.sleep(Duration::from_secs(100 * 86_400)).await;
    let young = ["create-user", "acme-3", "--no-key"];
    assert_eq!(sandbox.run(&young).await.exit, 0);
    (id(1), id(0))
}

const PRUNE: [&str; 4] = ["ledger", "prune", "--older-than", "90d"];

pub(crate) async fn prune_with(sandbox: &Sandbox, flag: &str) -> Value {
    json_of(sandbox, &[&PRUNE[..], &[flag]].concat()).await
}

async fn prunes(database: Option<Database>) {
    let (sandbox, clock) = sandbox(database.as_ref()).await;
    let (ended, failed) = three_runs(&sandbox, &clock).await;
    let before = json_of(&sandbox, &["ledger", "show"]).await;
    let stays = what_stays(&sandbox).await;
    let events_of_failed = json_of(&sandbox, &["runs", "show", &failed]).await["jobs"].clone();
    is_careful(&sandbox, &before).await;
    let dry = prune_with(&sandbox, "--dry-run").await;

    let pruned = prune_with(&sandbox, "--yes").await;

    let after = json_of(&sandbox, &["ledger", "show"]).await;
    let gone = before["events"].as_u64().unwrap() - after["events"].as_u64().unwrap();
    for (told, dry_run) in [(&dry, true), (&pruned, false)] {
        let told = (&told["runs"], &told["events"], &told["dry_run"]);
        assert_eq!(told, (&json!(1), &json!(gone), &json!(dry_run)));
    }
    assert_eq!([&after["runs"], &after["keys"]], [&json!(3), &json!(2)]);
    assert_eq!(what_stays(&sandbox).await, stays);
    let shown = json_of(&sandbox, &["runs", "show", &failed]).await;
    assert_eq!(
        (&shown["jobs"], shown.get("events_pruned_at")),
        (&events_of_failed, None)
    );
    is_over(&sandbox, &ended).await;
    let resumed = sandbox.run(&["runs", "resume", &failed]).await;
    assert_eq!(resumed.exit, 0, "{}", resumed.err);
    sandbox.finish().await;
}

/// Nothing is pruned that is too young, or without a yes.
async fn is_careful(sandbox: &Sandbox, before: &Value) {
    assert!(before["bytes"].as_u64() > Some(4096), "{before}");
    let young = ["ledger", "prune", "--older-than", "101d", "--yes"];
    let young = json_of(sandbox, &young).await;
    assert_eq!([&young["runs"], &young["events"]], [0, 0]);
    let asked = sandbox.run(&PRUNE).await.exits(2);
    assert!(asked.err.contains("--yes"), "{}", asked.err);
    assert_eq!(
        json_of(sandbox, &["ledger", "show"]).await["events"],
        before["events"]
    );
}

/// The run has been pruned: it says so, keeps its two users, and is not undone.
pub(crate) async fn is_over(sandbox: &Sandbox, run: &str) {
    let shown = json_of(sandbox, &["runs", "show", run]).await;
    assert!(shown["events_pruned_at"].is_string(), "{shown}");
    assert_eq!(shown["jobs"].as_array().unwrap().len(), 2);
    let undo = sandbox.run(&["runs", "undo", run, "--yes"]).await.exits(6);
    assert!(undo.err.contains("were pruned at"), "{}", undo.err);
    assert_eq!(prune_with(sandbox, "--yes").await["runs"], 0);
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
pub(crate) async fn begin(ledger: &dyn Ledger, subject: &str) -> JobId {
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

pub(crate) fn event(what: What) -> Event {
    Event {
        step: "mint".to_owned(),
        what,
        at: START.parse().unwrap(),
        data: Value::Null,
    }
}

async fn spares(ledger: Arc<dyn Ledger>) {
    let held = begin(&*ledger, "acme-1").await;
    let half_undone = begin(&*ledger, "acme-2").await;
    let undoing = vec![event(What::UndoStarted)];
    ledger.record(half_undone, undoing, None).await.unwrap();
    ledger.release(half_undone.run).await.unwrap();
    let free = begin(&*ledger, "acme-3").await;
    ledger.release(free.run).await.unwrap();
    // In a file the lease counts by this clock.
    let soon: Timestamp = "2026-03-01T12:00:01Z".parse().unwrap();

    let found = ledger.ended(soon, soon).await.unwrap();

    let events = 2;
    let expected = Ended {
        run: free.run,
        events,
    };
    assert_eq!(found, [expected]);
    assert!(!ledger.mark_pruned(held.run, soon).await.unwrap());
    assert!(!ledger.mark_pruned(half_undone.run, soon).await.unwrap());
    is_pruned_in_two_steps(&*ledger, expected, soon).await;
    assert_eq!(ledger.contents().await.unwrap().events, 5);
}

async fn is_pruned_in_two_steps(ledger: &dyn Ledger, ended: Ended, soon: Timestamp) {
    let run = ended.run;
    let later: Timestamp = LATER.parse().unwrap();
    // Only what is marked is deleted.
    assert_eq!(ledger.delete_events(run).await.unwrap(), 0);
    assert_eq!(ledger.pruned_at(run).await.unwrap(), None);
    assert!(ledger.mark_pruned(run, soon).await.unwrap());
    // An interrupted pruning is found again, and its time stays.
    assert_eq!(ledger.ended(soon, soon).await.unwrap(), [ended]);
    assert!(ledger.mark_pruned(run, later).await.unwrap());
    assert_eq!(ledger.pruned_at(run).await.unwrap(), Some(soon));
    assert_eq!(ledger.delete_events(run).await.unwrap(), ended.events);
    assert_eq!(ledger.ended(soon, soon).await.unwrap(), []);
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

#[tokio::test]
async fn the_plan_of_a_large_run_says_how_much_room_its_record_takes() {
    let (sandbox, _) = sandbox(None).await;
    let mut manifest = "external_user_id\n".to_owned();
    for number in 0..100_000 {
        writeln!(manifest, "acme-{number}").unwrap();
    }
    sandbox.file("many.csv", &manifest);

    let planned = sandbox.run(&["plan", "many.csv", "--summary"]).await.done();
    let small = sandbox.run(&["plan", "m.csv"]).await.done();

    assert!(
        planned.out.contains("\nLedger: about 85.0 MB.\n"),
        "{}",
        planned.out
    );
    assert!(!small.out.contains("Ledger"), "{}", small.out);
    sandbox.finish().await;
}

/// The bytes that each of many users takes in the ledger with a key.
async fn bytes_of_a_user(database: Option<Database>) -> u64 {
    const USERS: u64 = 400;
    let (sandbox, _) = sandbox(database.as_ref()).await;
    let mut manifest = "external_user_id,first_name,last_name,models,permissions\n".to_owned();
    for number in 0..USERS {
        writeln!(manifest, "acme-user-{number},First,Last,demo,access_data").unwrap();
    }
    sandbox.file("m.csv", &manifest);
    let bytes = async || {
        json_of(&sandbox, &["ledger", "show"]).await["bytes"]
            .as_u64()
            .unwrap()
    };
    let before = bytes().await;
    assert_eq!(sandbox.run(&APPLY).await.exit, 0);
    let after = bytes().await;
    sandbox.finish().await;
    (after - before) / USERS
}

#[tokio::test]
async fn a_user_takes_as_much_room_as_a_plan_says() {
    let in_file = bytes_of_a_user(None).await;
    assert!((1_200..2_800).contains(&in_file), "{in_file}");
    if let Some(database) = Database::fresh().await {
        let in_postgres = bytes_of_a_user(Some(database)).await;
        assert!((2_200..5_000).contains(&in_postgres), "{in_postgres}");
    }
}

/// How many jobs the run has whose pruning is killed: far more than are pruned at once.
const MANY: u64 = 40_000;

/// Another 39,999 jobs like the first one, in the words of either store.
fn many_more(schema: &str, numbers: &str, fence: &str) -> String {
    let (fence, zero) = match fence {
        "" => ("", ""),
        fence => (fence, "0, "),
    };
    format!(
        "INSERT INTO {schema}job (run, number, subject, state)
            SELECT 1, n, 'acme-' || n, 1 FROM {numbers};
         INSERT INTO {schema}event (run, job, number, {fence}step, what, at)
            SELECT 1, n, 0, {zero}'mint', 1, 0 FROM {numbers};
         UPDATE {schema}progress SET done = {MANY}"
    )
}

/// A kill in the middle of pruning has left a run that is not undone any more; the next pruning ends it.
async fn is_ended_by_the_next(sandbox: &Sandbox, job: JobId) {
    let run = job.run.to_string();
    let shown = json_of(sandbox, &["runs", "show", &run, "--limit", "1"]).await;
    assert!(shown["events_pruned_at"].is_string(), "{shown}");
    let undo = sandbox.run(&["runs", "undo", &run, "--yes"]).await.exits(6);
    assert!(undo.err.contains("were pruned at"), "{}", undo.err);
    let left = json_of(sandbox, &["ledger", "show"]).await["events"].clone();
    let pruned = prune_with(sandbox, "--yes").await;
    assert_eq!(pruned["events"], left);
    let after = json_of(sandbox, &["ledger", "show"]).await;
    assert_eq!([&after["events"], &after["runs"]], [&json!(0), &json!(1)]);
}

#[tokio::test]
async fn a_pruning_that_is_killed_is_ended_by_the_next() {
    let (mut sandbox, clock) = sandbox(None).await;
    let path = sandbox.path("l.ledger");
    let ledger = SqliteLedger::open(&path, &SqliteOptions::new(clock.clone())).unwrap();
    let job = begin(&ledger, "acme-0").await;
    ledger.release(job.run).await.unwrap();
    drop(ledger);
    let db = rusqlite::Connection::open(&path).unwrap();
    let numbers = format!(
        "(WITH RECURSIVE it (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM it WHERE n < {}) SELECT n FROM it)",
        MANY - 1
    );
    db.execute_batch(&many_more("", &numbers, "")).unwrap();
    let events = || -> u64 {
        let sql = "SELECT count(*) FROM event WHERE job >= 0";
        db.query_row(sql, [], |row| row.get(0)).unwrap()
    };
    let all = events();
    let mut process = crate::postgres::start(&sandbox, &[&PRUNE[..], &["--yes"]].concat());
    in_time(async {
        let mut ticks = tokio::time::interval(Duration::from_millis(1));
        while events() == all {
            ticks.tick().await;
        }
    })
    .await;

    process.kill().await.unwrap();

    print(&format!("{} of {all} events were left", events()));
    // By the clock of processes, which the rest is judged by too.
    sandbox.clock(Clock::os());
    is_ended_by_the_next(&sandbox, job).await;
    sandbox.finish().await;
}

#[tokio::test]
async fn a_pruning_that_is_killed_is_ended_by_the_next_in_postgres_too() {
    let Some(database) = Database::fresh().await else {
        return;
    };
    let (mut sandbox, _) = sandbox(Some(&database)).await;
    let minute = Duration::from_secs(60);
    let times = LeaseTimes::new(minute, minute, minute);
    let ledger = database.ledger(times, &Process::current()).await;
    let job = begin(&ledger, "acme-0").await;
    ledger.release(job.run).await.unwrap();
    drop(ledger);
    let (db, lock) = (database.client().await, database.client().await);
    let numbers = format!("generate_series(1, {}) AS n", MANY - 1);
    let more = many_more("embedctl.", &numbers, "fence, ");
    db.batch_execute(&more).await.unwrap();
    // The pruning waits here, with the first half done.
    let half = MANY / 2;
    let held = format!("BEGIN; SELECT 1 FROM embedctl.event WHERE job = {half} FOR UPDATE");
    lock.batch_execute(&held).await.unwrap();
    let mut process = crate::postgres::start(&sandbox, &[&PRUNE[..], &["--yes"]].concat());
    let waits = "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()";
    in_time(async {
        let mut ticks = tokio::time::interval(Duration::from_millis(10));
        while db.query(waits, &[]).await.unwrap().is_empty() {
            ticks.tick().await;
        }
    })
    .await;

    process.kill().await.unwrap();
    lock.batch_execute("COMMIT").await.unwrap();

    let left = json_of(&sandbox, &["ledger", "show"]).await["events"].clone();
    assert!(
        left.as_u64() > Some(0) && left.as_u64() <= Some(half),
        "{left}"
    );
    sandbox.clock(Clock::os());
    is_ended_by_the_next(&sandbox, job).await;
    sandbox.finish().await;
}
