//! What the ledger costs: for each job, with one job at a time and with 64; and on a finished run of a million jobs.
//!
//! A job writes what `create-user` writes: four times something that must be durable before it goes on. Give a folder
//! as the argument to measure the disk it is on, and a second one, a number, for other than a million jobs.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a bench that fails should stop at once, and it prints its figures"
)]

use std::env;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use embedctl::ledger::sqlite::{SqliteLedger, SqliteOptions};
use embedctl::ledger::{
    Event, JobEnd, JobId, JobState, KeyRecord, KeyState, Ledger as _, NewJob, NewRun, RunId, What,
};
use embedctl::system::Clock;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use uuid::Uuid;

/// How many jobs are added or settled at a time in the big run.
const PAGE: u64 = 10_000;

#[tokio::main]
async fn main() {
    let args: Vec<String> = env::args()
        .skip(1)
        .filter(|arg| !arg.starts_with("--"))
        .collect();
    let parent = args.first().map_or_else(env::temp_dir, PathBuf::from);
    let jobs = args.get(1).map_or(1_000_000, |jobs| jobs.parse().unwrap());
    let folder = tempfile::tempdir_in(parent).unwrap();

    for (concurrency, jobs) in [(1, 500), (64, 20_000)] {
        per_job(folder.path(), concurrency, jobs).await;
    }
    finished_run(folder.path(), jobs).await;
}

async fn per_job(folder: &Path, concurrency: u64, jobs: u64) {
    let clock = Clock::os();
    let ledger = Arc::new(open(&folder.join(format!("{concurrency}.ledger"))));
    let run = ledger.begin(new_run(), new_jobs(0, jobs)).await.unwrap();

    let start = clock.elapsed();
    let mut lanes = JoinSet::new();
    for lane in 0..concurrency {
        let ledger = Arc::clone(&ledger);
        lanes.spawn(async move {
            for number in (lane..jobs).step_by(usize::try_from(concurrency).unwrap()) {
                work(&ledger, JobId { run, number }).await;
            }
        });
    }
    lanes.join_all().await;
    let each = (clock.elapsed() - start) / u32::try_from(jobs).unwrap();
    println!("{concurrency:>2} at a time: {each:?} of wall time for each job, {jobs} jobs");
}

/// What one job writes, and waits for.
async fn work(ledger: &SqliteLedger, job: JobId) {
    let created = vec![event("observe", What::Done), event("create", What::Started)];
    ledger.record(job, created, None).await.unwrap();
    let mut intent: Vec<_> = ["create", "confirm", "sudo"]
        .map(|step| event(step, What::Done))
        .into();
    intent.push(event("mint", What::Started));
    ledger.record(job, intent, None).await.unwrap();
    let minted = vec![event("mint", What::Done), event("deliver", What::Started)];
    ledger
        .record(job, minted, Some(key(job, KeyState::Minted)))
        .await
        .unwrap();
    let last = vec![event("deliver", What::Done)];
    let delivered = Some(key(job, KeyState::Delivered));
    ledger.settle(job, last, delivered, end()).await.unwrap();
}

async fn finished_run(folder: &Path, jobs: u64) {
    let path = folder.join("big.ledger");
    let clock = Clock::os();
    let mut last = clock.elapsed();
    let mut lap = |what: &str| {
        let now = clock.elapsed();
        println!(
            "{what}: {:?}, {jobs} jobs",
            now - std::mem::replace(&mut last, now)
        );
    };

    let ledger = open(&path);
    let run = ledger.begin(new_run(), vec![]).await.unwrap();
    for first in (0..jobs).step_by(usize::try_from(PAGE).unwrap()) {
        ledger
            .add_jobs(run, new_jobs(first, PAGE.min(jobs - first)))
            .await
            .unwrap();
    }
    lap("add");
    for first in (0..jobs).step_by(usize::try_from(PAGE).unwrap()) {
        let settle = |number| ledger.settle(JobId { run, number }, vec![], None, end());
        let page: Vec<_> = (first..jobs.min(first + PAGE)).map(settle).collect();
        all(page).await;
    }
    lap("settle");
    drop(ledger);
    lap("close");

    let ledger = open(&path);
    let found = ledger.claim(run).await.unwrap();
    assert_eq!((found.open, found.done), (0, jobs));
    assert!(
        ledger
            .jobs(run, Some(JobState::Open), 0, 1000)
            .await
            .unwrap()
            .is_empty()
    );
    assert!(
        ledger
            .jobs(run, Some(JobState::Failed), 0, 1000)
            .await
            .unwrap()
            .is_empty()
    );
    lap("open, claim, and find nothing left to do");
    assert!(ledger.pending("user-7").await.unwrap().is_none());
    assert_eq!(ledger.runs(20).await.unwrap().len(), 1);
    lap("look for a user, list the runs");
    let mut seen = 0;
    while let page @ 1.. = ledger.jobs(run, None, seen, 1000).await.unwrap().len() {
        seen += page as u64;
    }
    assert_eq!(seen, jobs);
    lap("read every job");
    ledger.begin(new_run(), new_jobs(0, PAGE)).await.unwrap();
    lap("begin another run with 10,000 of the same users");
    println!(
        "{} MB of file",
        std::fs::metadata(&path).unwrap().len() / 1_000_000
    );
}

/// Wait for all at once, each polled from the start, so that they share a sync.
async fn all<F: Future>(futures: Vec<F>) {
    let mut futures: Vec<_> = futures.into_iter().map(Box::pin).collect();
    std::future::poll_fn(|context| {
        futures.retain_mut(|future| future.as_mut().poll(context).is_pending());
        match futures.is_empty() {
            true => std::task::Poll::Ready(()),
            false => std::task::Poll::Pending,
        }
    })
    .await;
}

fn open(path: &Path) -> SqliteLedger {
    SqliteLedger::open(path, &SqliteOptions::new(Clock::os())).unwrap()
}

fn new_run() -> NewRun {
    NewRun {
        id: RunId(Uuid::now_v7()),
        command: "apply".to_owned(),
        request: json!({"manifest": "users.csv"}),
        created_at: Clock::os().now(),
    }
}

fn new_jobs(first: u64, count: u64) -> Vec<NewJob> {
    let job = |number| NewJob {
        subject: format!("user-{number}"),
        also: None,
        spec: json!({"external_user_id": format!("user-{number}"), "models": ["sales"], "key": "ensure"}),
    };
    (first..first + count).map(job).collect()
}

fn event(step: &str, what: What) -> Event {
    Event {
        step: step.to_owned(),
        what,
        at: Clock::os().now(),
        data: Value::Null,
    }
}

fn key(job: JobId, state: KeyState) -> KeyRecord {
    KeyRecord {
        looker_user_id: job.number.to_string(),
        external_user_id: format!("user-{}", job.number),
        key_id: job.number.to_string(),
        client_id: format!("client-{}", job.number),
        purpose: format!("embedctl:{}:{}", job.run, job.number),
        state,
        minted_at: Clock::os().now(),
        revoke_at: None,
    }
}

fn end() -> JobEnd {
    JobEnd {
        state: JobState::Done,
        outcome: json!({"outcome": "created"}),
    }
}
