//! Creates an embed user and a key with the library, on a local Looker.

#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use std::sync::Arc;

use embedctl::emulator::{Emulator, Options};
use embedctl::ledger::sqlite::{SqliteLedger, SqliteOptions};
use embedctl::looker::{ApiKey, Client, Http, HttpOptions};
use embedctl::signed_url::{Grants, Signer};
use embedctl::sink::Stdout;
use embedctl::system::Clock;
use embedctl::workflow::{KeySpec, Provisioner};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let looker = Emulator::start(Options::default()).await?;
    let key = ApiKey {
        client_id: looker.client_id().to_owned(),
        client_secret: looker.client_secret(),
    };
    let http = Http::new(HttpOptions::default())?;
    let admin = Client::new(http, looker.base_url().parse()?, key);
    let signer = Signer::new(looker.host(), &looker.embed_secret(), looker.algorithm())?;
    // `SqliteLedger::open` with a file lets the next process go on where this one died.
    let ledger = SqliteLedger::in_memory(&SqliteOptions::new(Clock::os()))?;
    let sink = Stdout::new(|key, _secret| {
        println!("the secret of key {} is yours to keep now", key.client_id);
        Ok(())
    });

    // A real Looker has HTTPS, which is what a signer writes unless it is told otherwise.
    let signer = signer.with_scheme("http");
    let provisioner = Provisioner::new(admin.clone(), signer, Arc::new(ledger), Arc::new(sink));
    let grants = Grants {
        models: Some(vec!["demo".to_owned()]),
        permissions: Some(vec!["access_data".to_owned()]),
        session_length: Some(300),
        ..Grants::default()
    };
    let user = provisioner
        .create_user("acme-42", grants, Some(KeySpec::default()))
        .await?;
    println!("{user:?}");

    admin.logout().await?;
    looker.stop().await;
    Ok(())
}
