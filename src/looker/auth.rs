//! Credentials of an identity: its API key and its access tokens.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::Deserialize;
use tokio::sync::Mutex;

use crate::looker::api_key::ApiKey;
use crate::looker::fields;
use crate::secret::SecretString;
use crate::system::Clock;

/// How long before expiry a token is replaced, capped at a quarter of its lifetime.
const SLACK: Duration = Duration::from_secs(30);

/// An access token, for a command that prints one.
#[derive(Clone, Debug)]
pub struct AccessToken {
    /// The token.
    pub token: SecretString,
    /// When it expires; `None` if the token was supplied by the caller.
    pub expires_at: Option<Timestamp>,
}

/// The credentials of an identity.
pub(super) struct Auth {
    /// `None` if the identity has only a token.
    pub(super) key: Option<ApiKey>,
    pub(super) slot: Mutex<Slot>,
}

/// The tokens of an identity.
#[derive(Default)]
pub(super) struct Slot {
    pub(super) current: Option<Arc<Token>>,
    /// Tokens that were replaced and may still be valid; logout ends them too.
    pub(super) replaced: Vec<Arc<Token>>,
}

/// A token and its lifetime, on the monotonic clock.
pub(super) struct Token {
    pub(super) secret: SecretString,
    pub(super) expires_at: Option<Timestamp>,
    /// When to replace it, on the monotonic clock.
    pub(super) renew: Duration,
    pub(super) end: Duration,
}

impl Auth {
    pub(super) fn key(key: ApiKey) -> Self {
        Self {
            key: Some(key),
            slot: Mutex::default(),
        }
    }

    pub(super) fn token(token: Token) -> Self {
        let slot = Slot {
            current: Some(Arc::new(token)),
            replaced: Vec::new(),
        };
        Self {
            key: None,
            slot: Mutex::new(slot),
        }
    }

    pub(super) const fn renewable(&self) -> bool {
        self.key.is_some()
    }
}

impl Token {
    /// A token supplied by the caller, of unknown age.
    pub(super) const fn foreign(secret: SecretString) -> Self {
        Self {
            secret,
            expires_at: None,
            renew: Duration::MAX,
            end: Duration::MAX,
        }
    }
}

/// The answer of `login` and `login_user`.
#[derive(Deserialize)]
pub(super) struct IssuedToken {
    #[serde(deserialize_with = "fields::secret")]
    access_token: SecretString,
    expires_in: u64,
}

impl IssuedToken {
    /// The token. Its lifetime is counted from `asked`, before the request, so that it never looks longer than it is.
    pub(super) fn token(self, asked: Duration, clock: &Clock) -> Token {
        // belief: token-tells-its-life
        let life = Duration::from_secs(self.expires_in);
        let end = asked.saturating_add(life);
        let left = end.saturating_sub(clock.elapsed());
        Token {
            secret: self.access_token,
            expires_at: clock.now().checked_add(left).ok(),
            renew: end.saturating_sub(SLACK.min(life / 4)),
            end,
        }
    }
}
