//! Where the secret of a key goes: the only way a secret leaves the process.

mod address;
mod aws;
mod dir;
mod dotenv;
mod error;
mod exec;
mod expected;
mod file;
mod gcp;
mod index;
mod many;
mod record;
mod spec;
mod stdout;
mod store;
mod value;
mod vault;
mod web;

use std::fmt;
use std::pin::Pin;

use jiff::Timestamp;

use crate::secret::SecretString;

pub use self::error::SinkError;
pub use self::exec::name as exec_name;
pub use self::spec::{FORMS, Opening, check, open, place, secret_variables};
pub(crate) use self::stdout::STDOUT;
pub use self::stdout::{Stdout, show};
pub use self::web::WebOptions;

/// The future result of a sink method.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, SinkError>> + Send + 'a>>;

/// A place that stores keys.
pub trait Sink: fmt::Debug + Send + Sync {
    /// How reports call it, such as `file:/run/keys.jsonl`; contains no secret.
    fn name(&self) -> String;

    /// The same of each place that a key goes to.
    fn names(&self) -> Vec<String> {
        vec![self.name()]
    }

    /// Whether it has room for the key of one user only.
    fn is_for_one_user(&self) -> bool {
        false
    }

    /// Find out, before the first key is minted, whether it could store one.
    fn probe(&self) -> Answer<'_, ()>;

    /// The key it holds for a user at a Looker, if it holds one per user and can tell. From now on a key that another process
    /// puts there stays: [`Sink::deliver`] refuses to replace it.
    fn held<'a>(&'a self, base_url: &'a str, external_user_id: &'a str)
    -> Answer<'a, Option<Held>>;

    /// Store a key, and return the key it replaced. On return the key would survive a power cut, or the sink's command has
    /// promised that. Delivering the same key twice leaves one.
    fn deliver<'a>(&'a self, key: &'a Key) -> Answer<'a, Option<Held>>;

    /// Whether all machines that mint keys use it, so that a "no" also counts for keys minted elsewhere.
    fn is_shared(&self) -> bool {
        false
    }

    /// Whether it holds the key; `None` if it cannot tell.
    fn holds<'a>(&'a self, key: &'a KeyName) -> Answer<'a, Option<bool>>;

    /// Destroy what it still has of a key that was replaced and is revoked: an earlier version, if it keeps such.
    fn forget<'a>(&'a self, _key: &'a KeyName) -> Answer<'a, ()> {
        Box::pin(async { Ok(()) })
    }

    /// End what was begun with it, such as a login.
    fn close(&self) -> Answer<'_, ()> {
        Box::pin(async { Ok(()) })
    }
}

/// A key without its secret.
#[derive(Clone, Debug)]
pub struct KeyName {
    /// The base URL of the Looker it is for.
    pub base_url: String,
    /// The company's id of the user.
    pub external_user_id: String,
    /// Looker's id of the user.
    pub looker_user_id: String,
    /// Looker's id of the key.
    pub id: String,
    /// The client id.
    pub client_id: String,
    /// Its `purpose` at Looker.
    pub purpose: String,
    /// When it was minted.
    pub created_at: Timestamp,
    /// The run and the job that minted it, as in tags; empty if that is not known.
    pub job: String,
}

/// A key that a sink holds, or held until another replaced it: its secret is nowhere else.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Held {
    /// Looker's id of the key.
    pub key_id: String,
    /// The client id.
    pub client_id: String,
}

/// A key to store.
#[derive(Debug)]
pub struct Key {
    /// Everything about it that is not secret.
    pub name: KeyName,
    /// The secret.
    pub client_secret: SecretString,
}

/// The answer of a sink that replaces nothing, or cannot tell.
fn nothing<'a, T: Send + 'a>() -> Answer<'a, Option<T>> {
    Box::pin(async { Ok(None) })
}

/// Run work that waits for the disk on a thread that serves no network traffic.
fn blocking<'a, T: Send + 'static>(
    work: impl FnOnce() -> Result<T, SinkError> + Send + 'static,
) -> Answer<'a, T> {
    Box::pin(async {
        let done = tokio::task::spawn_blocking(work).await;
        done.unwrap_or_else(|error| Err(SinkError::new("the write was not finished").caused(error)))
    })
}
