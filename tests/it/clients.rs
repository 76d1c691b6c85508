//! Looker as tests look at it beside a run: through the client, as the admin or with any key.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use embedctl::emulator::Emulator;
use embedctl::looker::{Api3Key, ApiKey, Client, Http, HttpOptions, NoTrace, UserSearch};
use embedctl::secret::SecretString;
use embedctl::system::{Clock, Random};
use serde_json::Value;

/// A client of the Looker at `base_url`.
pub(crate) fn client(base_url: &str, client_id: &str, client_secret: SecretString) -> Client {
    let http = Http::new(HttpOptions {
        timeout: Duration::from_secs(20),
        retries: 0,
        ca_files: Vec::new(),
        verify_tls: true,
        proxy: None,
        no_proxy: None,
        concurrency: 64,
        rps: None,
        silence: Duration::from_secs(3),
        trace: Arc::new(NoTrace),
        clock: Clock::os(),
        random: Random::os(),
    });
    let key = ApiKey {
        client_id: client_id.to_owned(),
        client_secret,
    };
    Client::new(http.unwrap(), base_url.parse().unwrap(), key)
}

/// The admin.
pub(crate) fn admin(emulator: &Emulator) -> Client {
    let secret = emulator.client_secret();
    client(emulator.base_url(), emulator.client_id(), secret)
}

/// The keys of an embed user.
pub(crate) async fn keys(emulator: &Emulator, external_user_id: &str) -> Vec<Api3Key> {
    let admin = admin(emulator);
    let user = admin.user_for_credential_embed(external_user_id).await;
    let keys = match user.unwrap() {
        Some(user) => admin.api3_keys(&user.id).await.unwrap(),
        None => Vec::new(),
    };
    admin.logout().await.unwrap();
    keys
}

/// The ids of the keys of an embed user.
pub(crate) async fn key_ids(emulator: &Emulator, external_user_id: &str) -> BTreeSet<String> {
    let keys = keys(emulator, external_user_id).await;
    keys.into_iter().map(|key| key.id).collect()
}

/// Make a key for an embed user, as somebody without embedctl does; gives its id.
pub(crate) async fn foreign_key(emulator: &Emulator, external_user_id: &str) -> String {
    let admin = admin(emulator);
    let user = admin.user_for_credential_embed(external_user_id).await;
    let key = admin.create_api3_key(&user.unwrap().unwrap().id).await;
    admin.logout().await.unwrap();
    key.unwrap().key.id
}

/// All embed users, as `admin` sees them: both ids of each.
pub(crate) async fn embed_users(admin: &Client) -> Vec<(String, String)> {
    let search = UserSearch {
        embed_user: Some(true),
        limit: Some(5_000),
        ..UserSearch::default()
    };
    let users = admin.search_users(&search).await.unwrap();
    let ids = users.iter().map(|user| {
        let external = user.external_user_id().unwrap();
        (external.to_owned(), user.id.clone())
    });
    ids.collect()
}

/// The id of the user that the key `{client_id, client_secret}` logs in as; `None` where it does not.
pub(crate) async fn login(base_url: &str, key: &Value) -> Option<String> {
    let text = |name: &str| key[name].as_str().unwrap();
    let client = client(base_url, text("client_id"), text("client_secret").into());
    let me = client.me().await.ok()?;
    client.logout().await.unwrap();
    Some(me.id)
}

/// The keys in the file of a `file:` sink.
pub(crate) fn kept(path: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let line = |line| serde_json::from_str(line).unwrap();
    text.lines().map(line).collect()
}
