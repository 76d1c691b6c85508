//! Creates an embed user and a key with the library, on a local Looker.

#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use std::sync::Arc;
use std::time::Duration;

use embedctl::emulator::{Emulator, Options};
use embedctl::ledger::sqlite::{SqliteLedger, SqliteOptions};
use embedctl::ledger::{Ledger as _, NewJob, NewRun, RunId};
use embedctl::looker::{ApiKey, Client, Http, HttpOptions};
use embedctl::signed_url::{Grants, Signer};
use embedctl::sink::Stdout;
use embedctl::system::{Clock, Interrupt, Random};
use embedctl::workflow::{
    Context, Finder, Found, JobSpec, KeyAccess, KeySpec, Observer, RunOptions, Step, UserSpec, Via,
    run_jobs,
};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let emulator = Emulator::start(Options::default()).await?;
    let http = Http::new(HttpOptions::default())?;
    let key = ApiKey {
        client_id: emulator.client_id().to_owned(),
        client_secret: emulator.client_secret(),
    };
    let admin = Client::new(http.clone(), emulator.base_url().parse()?, key);
    let signer = Signer::new(
        emulator.host(),
        &emulator.embed_secret(),
        emulator.algorithm(),
    )?;
    let clock = Clock::os();
    // A file in place of memory lets another process go on where this one died.
    let ledger = Arc::new(SqliteLedger::in_memory(&SqliteOptions::new(clock.clone()))?);

    let spec = JobSpec::CreateUser(UserSpec {
        external_user_id: "acme-42".to_owned(),
        grants: Grants {
            models: Some(vec!["demo".to_owned()]),
            permissions: Some(vec!["access_data".to_owned()]),
            session_length: Some(300),
            ..Grants::default()
        },
        via: Via::SignedUrl,
        target: emulator.blank_dashboard().to_owned(),
        update: false,
        verify: true,
        key: Some(KeySpec::default()),
        planned: Box::default(),
    });
    let job = NewJob {
        subject: "acme-42".to_owned(),
        also: None,
        spec: serde_json::to_value(&spec)?,
    };
    let run = NewRun {
        id: RunId(uuid::Uuid::now_v7()),
        command: "example".to_owned(),
        request: serde_json::Value::Null,
        created_at: clock.now(),
    };
    let run = ledger.begin(run, vec![job]).await?;

    let context = Arc::new(Context {
        http,
        finder: Finder::new(admin.clone()),
        keys: KeyAccess::new(admin.clone()),
        sole_minter: false,
        admin: admin.clone(),
        signer: Some(signer.with_scheme("http")),
        other_signer: None,
        sink: Some(Arc::new(Stdout::new(|key, _secret| {
            println!("the secret of key {} is yours to keep now", key.client_id);
            Ok(())
        }))),
        ledger,
        clock,
        random: Random::os(),
        interrupt: Interrupt::never(),
        observer: Arc::new(Printer),
        width: 1,
        timeout: Duration::from_secs(30),
        grace: Duration::from_secs(30),
    });
    let options = RunOptions {
        concurrency: 1,
        resumed: false,
    };
    let totals = run_jobs(&context, run, options, |finished| {
        finished.result.map(|found| println!("{found:?}"))
    })
    .await?;
    println!("{totals:?}");

    admin.logout().await?;
    emulator.stop().await;
    Ok(())
}

/// Prints each step as it is done.
#[derive(Debug)]
struct Printer;

impl Observer for Printer {
    fn step(&self, subject: &str, step: Step, _found: &Found, elapsed: Duration) {
        println!("{subject}: {} in {elapsed:?}", step.name());
    }
}
