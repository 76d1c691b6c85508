//! What an identity proves itself with: its key, and the access tokens it has.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::Deserialize;
use tokio::sync::Mutex;

use crate::looker::api_key::ApiKey;
use crate::looker::fields;
use crate::secret::SecretString;
use crate::system::Clock;

/// How long before its end a token is replaced, but never more than a quarter of its life.
const SLACK: Duration = Duration::from_secs(30);

/// An access token, for a command that prints one.
#[derive(Clone, Debug)]
pub struct AccessToken {
    /// The token.
    pub token: SecretString,
    /// When it expires; `None` for one that came from elsewhere.
    pub expires_at: Option<Timestamp>,
}

/// What an identity has to prove itself with.
pub(super) struct Auth {
    /// `None` for an identity that has nothing but a token.
    pub(super) key: Option<ApiKey>,
    pub(super) slot: Mutex<Slot>,
}

/// The tokens of an identity.
#[derive(Default)]
pub(super) struct Slot {
    pub(super) current: Option<Arc<Token>>,
    /// Tokens that were replaced and may still be alive.
    pub(super) replaced: Vec<Arc<Token>>,
}

/// A token and its life, by the clock that only moves forward.
pub(super) struct Token {
    pub(super) secret: SecretString,
    pub(super) expires_at: Option<Timestamp>,
    /// When it is replaced, by the clock that only moves forward.
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
    /// A token that somebody handed over, of unknown age.
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
    /// The token, whose life began no later than `asked`.
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
