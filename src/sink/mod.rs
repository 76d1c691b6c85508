//! Where the secret of a key goes: the only way a secret leaves the process.

mod dir;
mod dotenv;
mod error;
mod exec;
mod expected;
mod file;
mod index;
mod record;
mod spec;
mod stdout;

use std::fmt;
use std::pin::Pin;

use jiff::Timestamp;

use crate::secret::SecretString;

pub use self::error::SinkError;
pub use self::exec::name as exec_name;
pub use self::spec::{FORMS, open, place};
pub use self::stdout::{Stdout, show};

/// What a sink's method gives, later.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, SinkError>> + Send + 'a>>;

/// A place that keeps keys.
pub trait Sink: fmt::Debug + Send + Sync {
    /// What reports call it, as in `file:/run/keys.jsonl`; holds no secret.
    fn name(&self) -> String;

    /// Find out, before the first key is minted, whether it could keep one.
    fn probe(&self) -> Answer<'_, ()>;

    /// The key that it holds for a user at a Looker, if it holds one for each and can tell. From now on a key that
    /// another process puts there in the meantime stays: [`Sink::deliver`] refuses to replace it.
    fn held<'a>(&'a self, base_url: &'a str, external_user_id: &'a str)
    -> Answer<'a, Option<Held>>;

    /// Keep a key, and give the one whose place it took. When it returns, the key survives a power cut, or the sink's
    /// command has said so. Giving the same key twice leaves one.
    fn deliver<'a>(&'a self, key: &'a Key) -> Answer<'a, Option<Held>>;

    /// Whether every machine that mints keys puts them there, so that its "no" says something of keys that others minted.
    fn is_shared(&self) -> bool {
        false
    }

    /// Whether it keeps the key; `None` where it cannot tell.
    fn holds<'a>(&'a self, key: &'a KeyName) -> Answer<'a, Option<bool>>;
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
    /// The public half.
    pub client_id: String,
    /// The tag it carries at Looker.
    pub purpose: String,
    /// When it was minted.
    pub created_at: Timestamp,
}

/// A key that a sink holds, or held until another took its place: its secret is nowhere else.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Held {
    /// Looker's id of the key.
    pub key_id: String,
    /// The public half.
    pub client_id: String,
}

/// A key to be kept.
#[derive(Debug)]
pub struct Key {
    /// All that may be shown of it.
    pub name: KeyName,
    /// The secret half.
    pub client_secret: SecretString,
}

/// The answer of a sink that replaces nothing, or cannot tell.
fn nothing<'a, T: Send + 'a>() -> Answer<'a, Option<T>> {
    Box::pin(async { Ok(None) })
}

/// Do work that waits for the disk, away from the threads that serve the network.
fn blocking<'a, T: Send + 'static>(
    work: impl FnOnce() -> Result<T, SinkError> + Send + 'static,
) -> Answer<'a, T> {
    Box::pin(async {
        let done = tokio::task::spawn_blocking(work).await;
        done.unwrap_or_else(|error| Err(SinkError::new("the write was not finished").caused(error)))
    })
}
