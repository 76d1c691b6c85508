//! What the ledger costs a whole run: users made, proved and given a key at a local Looker without latency, 64 at a
//! time, recorded on the disk and in memory.
//!
//! Looker runs in the same process, so that what it takes of the processor counts as work of the run. Give a folder as
//! the argument to measure the disk it is on, and a second one, a number, for other than 2,000 users.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a bench that fails should stop at once, and it prints its figures"
)]

use std::env;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use embedctl::emulator::{Emulator, Options};
use embedctl::ledger::sqlite::{SqliteLedger, SqliteOptions};
use embedctl::ledger::{NewJob, NewRun, RunId};
use embedctl::looker::{ApiKey, Client, Http, HttpOptions};
use embedctl::signed_url::{Grants, Signer};
use embedctl::sink::Stdout;
use embedctl::system::{Clock, Interrupt, Random};
use embedctl::workflow::{
    self, Context, Finder, Found, JobSpec, KeyAccess, KeySpec, Newest, Observer, RunOptions, Step,
    UserSpec, Via,
};
use serde_json::{Value, json};
use uuid::Uuid;

const CONCURRENCY: usize = 64;

#[tokio::main]
async fn main() {
    let args: Vec<String> = env::args()
        .skip(1)
        .filter(|arg| !arg.starts_with("--"))
        .collect();
    let parent = args.first().map_or_else(env::temp_dir, PathBuf::from);
    let users = args.get(1).map_or(2000, |users| users.parse().unwrap());
    let folder = tempfile::tempdir_in(parent).unwrap();
    let options = SqliteOptions::new(Clock::os());

    for round in 0..3 {
        let path = folder.path().join(format!("{round}.ledger"));
        let (memory, work) = run(SqliteLedger::in_memory(&options).unwrap(), users).await;
        let (disk, disk_work) = run(SqliteLedger::open(path, &options).unwrap(), users).await;
        let cost = disk.as_secs_f64() / memory.as_secs_f64() - 1.0;
        println!(
            "{:?} a user on the disk, {:?} in memory: {:+.1} %; {:?} and {:?} of processor time",
            disk / users,
            memory / users,
            cost * 100.0,
            disk_work / users,
            work / users,
        );
    }
}

/// The processor time of this process so far, as proc(5) counts it in hundredths of a second; nothing elsewhere.
fn processor_time() -> Duration {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat
        .rsplit(')')
        .next()
        .unwrap_or_default()
        .split_ascii_whitespace();
    let ticks = fields
        .skip(11)
        .take(2)
        .map(|ticks| ticks.parse::<u64>().unwrap());
    Duration::from_millis(10 * ticks.sum::<u64>())
}

/// Make the users, and give the time and the processor time it took.
async fn run(ledger: SqliteLedger, users: u32) -> (Duration, Duration) {
    let emulator = Emulator::start(Options::default()).await.unwrap();
    let cx = Arc::new(context(&emulator, ledger));
    let run = begin(&cx, users).await;
    let options = RunOptions {
        concurrency: CONCURRENCY,
        resumed: false,
    };

    let (start, work) = (cx.clock.elapsed(), processor_time());
    let totals = workflow::run_jobs(&cx, run, options, |finished| finished.result.map(drop)).await;
    let elapsed = (cx.clock.elapsed() - start, processor_time() - work);

    totals.unwrap();
    assert_eq!(
        cx.ledger.run(run).await.unwrap().unwrap().done,
        u64::from(users)
    );
    cx.admin.logout().await.unwrap();
    emulator.stop().await;
    elapsed
}

fn context(emulator: &Emulator, ledger: SqliteLedger) -> Context {
    let http = Http::new(HttpOptions {
        concurrency: CONCURRENCY,
        ..HttpOptions::default()
    })
    .unwrap();
    let key = ApiKey {
        client_id: emulator.client_id().to_owned(),
        client_secret: emulator.client_secret(),
    };
    let admin = Client::new(http.clone(), emulator.base_url().parse().unwrap(), key);
    let secret = emulator.embed_secret();
    let signer = Signer::new(emulator.host(), &secret, emulator.algorithm()).unwrap();
    Context {
        http,
        finder: Finder::new(admin.clone()),
        newest: Some(Newest::new(admin.clone(), Clock::os(), 2 * CONCURRENCY)),
        keys: KeyAccess::new(admin.clone()),
        sole_minter: false,
        admin,
        signer: Some(signer.with_scheme("http")),
        other_signer: None,
        sink: Some(Arc::new(Stdout::new(|_, _| Ok(())))),
        ledger: Arc::new(ledger),
        clock: Clock::os(),
        random: Random::os(),
        interrupt: Interrupt::never(),
        observer: Arc::new(Silent),
        width: 1,
        timeout: Duration::from_secs(60),
        grace: Duration::from_secs(30),
    }
}

async fn begin(cx: &Context, users: u32) -> RunId {
    let run = NewRun {
        id: RunId(Uuid::now_v7()),
        command: "bench".to_owned(),
        request: Value::Null,
        created_at: cx.clock.now(),
    };
    let job = |number| {
        let subject = format!("user-{number}");
        let spec = json!(spec(&subject));
        NewJob {
            subject,
            also: None,
            spec,
        }
    };
    cx.ledger
        .begin(run, (0..users).map(job).collect())
        .await
        .unwrap()
}

fn spec(user: &str) -> JobSpec {
    JobSpec::CreateUser(UserSpec {
        external_user_id: user.to_owned(),
        grants: Grants {
            permissions: Some(vec!["access_data".to_owned()]),
            models: Some(vec!["demo".to_owned()]),
            session_length: Some(300),
            ..Grants::default()
        },
        via: Via::SignedUrl,
        target: "/embed/dashboards/1".to_owned(),
        update: false,
        verify: true,
        key: Some(KeySpec::default()),
        planned: Box::default(),
    })
}

#[derive(Debug)]
struct Silent;

impl Observer for Silent {
    fn step(&self, _: &str, _: Step, _: &Found, _: Duration) {}
}
