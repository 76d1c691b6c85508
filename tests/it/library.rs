//! What a program does with the library: a user and its key in one call, and nothing lost between two calls.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use embedctl::error::Kind;
use embedctl::ledger::sqlite::{SqliteLedger, SqliteOptions};
use embedctl::looker::Client;
use embedctl::secret::ExposeSecret as _;
use embedctl::signed_url::{Grants, Signer};
use embedctl::sink::{Answer, Held, Key, KeyName, Sink};
use embedctl::system::Clock;
use embedctl::workflow::{KeySpec, Outcome, Provisioner};
use tokio::sync::Notify;

use crate::support::Sandbox;

/// A sink of a program: a map from users to their newest key. Or one that never comes back.
#[derive(Debug, Default)]
struct Map {
    keys: Mutex<BTreeMap<String, (String, String)>>,
    hangs: bool,
    began: Notify,
}

impl Map {
    fn key(&self, user: &str) -> (String, String) {
        self.keys.lock().unwrap()[user].clone()
    }
}

impl Sink for Map {
    fn name(&self) -> String {
        "map".to_owned()
    }

    fn probe(&self) -> Answer<'_, ()> {
        Box::pin(async { Ok(()) })
    }

    fn held<'a>(&'a self, _: &'a str, _: &'a str) -> Answer<'a, Option<Held>> {
        Box::pin(async { Ok(None) })
    }

    fn deliver<'a>(&'a self, key: &'a Key) -> Answer<'a, Option<Held>> {
        Box::pin(async move {
            if self.hangs {
                self.began.notify_one();
                std::future::pending::<()>().await;
            }
            let secret = key.client_secret.expose_secret().to_owned();
            let pair = (key.name.client_id.clone(), secret);
            let user = key.name.external_user_id.clone();
            self.keys.lock().unwrap().insert(user, pair);
            Ok(None)
        })
    }

    fn holds<'a>(&'a self, key: &'a KeyName) -> Answer<'a, Option<bool>> {
        let keys = self.keys.lock().unwrap();
        let held = keys.get(&key.external_user_id);
        let held = held.is_some_and(|(client_id, _)| *client_id == key.client_id);
        Box::pin(async move { Ok(Some(held)) })
    }
}

fn grants() -> Grants {
    Grants {
        models: Some(vec!["demo".to_owned()]),
        permissions: Some(vec!["access_data".to_owned()]),
        session_length: Some(300),
        ..Grants::default()
    }
}

fn provisioner(sandbox: &Sandbox, admin: &Client, sink: &Arc<Map>) -> Provisioner {
    let looker = sandbox.emulator();
    let signer = Signer::new(looker.host(), &looker.embed_secret(), looker.algorithm());
    let options = SqliteOptions::new(Clock::os());
    let ledger = SqliteLedger::open(sandbox.path("ledger.db"), &options).unwrap();
    Provisioner::new(
        admin.clone(),
        signer.unwrap().with_scheme("http"),
        Arc::new(ledger),
        Arc::<Map>::clone(sink),
    )
}

/// The client ids of the user's keys, as Looker has them.
async fn keys(admin: &Client, user: &str) -> Vec<String> {
    let found = admin.user_for_credential_embed(user).await.unwrap();
    let keys = found.unwrap().credentials_api3.unwrap();
    keys.into_iter().map(|key| key.client_id).collect()
}

#[tokio::test]
async fn one_call_makes_a_user_with_a_key_and_one_more_replaces_the_key() {
    let sandbox = Sandbox::new().await;
    let (admin, sink) = (sandbox.admin(), Arc::new(Map::default()));
    let provisioner = provisioner(&sandbox, &admin, &sink);

    let made = provisioner
        .create_user("acme-42", grants(), Some(KeySpec::default()))
        .await
        .unwrap();

    assert_eq!(made.outcome, Some(Outcome::Created));
    assert!(made.sudo_verified);
    let (first, secret) = sink.key("acme-42");
    assert_eq!(keys(&admin, "acme-42").await, [first.as_str()]);
    let as_user = sandbox.client(&first, secret.into());
    assert_eq!(as_user.me().await.unwrap().id, made.looker_user_id.unwrap());
    as_user.logout().await.unwrap();

    let rotated = provisioner.rotate_keys("acme-42", None).await.unwrap();

    let (second, _) = sink.key("acme-42");
    assert_ne!(first, second);
    assert_eq!(rotated.key.unwrap().client_id, second);
    assert_eq!(keys(&admin, "acme-42").await, [second]);
    let again = provisioner.create_user("acme-42", grants(), None).await;
    assert_eq!(again.unwrap().outcome, Some(Outcome::Unchanged));
    admin.logout().await.unwrap();
    sandbox.finish().await;
}

#[tokio::test]
async fn a_call_that_was_broken_off_is_finished_by_the_same_call_and_by_no_other() {
    let sandbox = Sandbox::new().await;
    let admin = sandbox.admin();
    let stuck = Arc::new(Map {
        hangs: true,
        ..Map::default()
    });
    {
        let broken = provisioner(&sandbox, &admin, &stuck);
        tokio::select! {
            _ = broken.create_user("acme-42", grants(), Some(KeySpec::default())) => unreachable!(),
            () = stuck.began.notified() => {}
        }
    }
    let sink = Arc::new(Map::default());
    let provisioner = provisioner(&sandbox, &admin, &sink);

    let other = provisioner.mint_key("acme-42", None).await.unwrap_err();
    assert_eq!(other.kind(), Kind::Conflict);
    let made = provisioner
        .create_user("acme-42", grants(), Some(KeySpec::default()))
        .await
        .unwrap();

    // The key that nobody received is revoked.
    let (client_id, _) = sink.key("acme-42");
    assert_eq!(keys(&admin, "acme-42").await, [client_id]);
    assert_eq!(made.revoked.len(), 1);
    admin.logout().await.unwrap();
    sandbox.leave().await;
}
