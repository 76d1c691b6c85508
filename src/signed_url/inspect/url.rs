//! A URL, parsed as far as possible.

use serde::de::DeserializeOwned;

use crate::secret::{ExposeSecret as _, SecretString};
use crate::signed_url::Algorithm;
use crate::signed_url::inspect::attempt::{Attempt, Line};
use crate::signed_url::inspect::parts::Parts;
use crate::signed_url::verify::{self, Query, Rejection, SIGNED};

/// A URL, parsed as far as possible.
pub(super) struct Url<'a> {
    pub(super) parts: Parts<'a>,
    pub(super) embed_path: Result<String, Rejection>,
    pub(super) query: Result<Query, Rejection>,
}

impl<'a> Url<'a> {
    pub(super) fn new(parts: Parts<'a>) -> Self {
        Self {
            parts,
            embed_path: verify::embed_path(parts.path),
            query: Query::parse(parts.query),
        }
    }

    pub(super) fn query(&self) -> Option<&Query> {
        self.query.as_ref().ok()
    }

    /// The decoded text of a parameter; empty if it was not sent.
    pub(super) fn text(&self, name: &str) -> &str {
        self.query()
            .and_then(|query| query.value(name))
            .unwrap_or_default()
    }

    /// The value of a parameter, if it was sent and has this type.
    pub(super) fn value<T: DeserializeOwned>(&self, name: &str) -> Option<T> {
        serde_json::from_str(self.text(name)).ok()
    }

    /// Whether it is the login of a cookieless session, which has a token in place of a signature.
    pub(super) fn is_cookieless(&self) -> bool {
        self.query()
            .is_some_and(|query| query.value("embed_authentication_token").is_some())
    }

    /// What a genuine signer would have signed, without a secret.
    pub(super) fn attempt(&self) -> Attempt {
        let line = |name: &&'static str| {
            let text = self.query()?.value(name)?.to_owned();
            Some(Line { name, text })
        };
        let lines = SIGNED.iter().filter_map(line).collect();
        Attempt::right(self.parts.host, self.parts.path, lines)
    }

    /// The same with a secret.
    pub(super) fn attempt_with(&self, secret: &SecretString, algorithm: Algorithm) -> Attempt {
        Attempt {
            secret: secret.expose_secret().as_bytes().to_vec().into(),
            algorithm,
            ..self.attempt()
        }
    }

    /// Whether the signature is correct.
    pub(super) fn is_signed(&self, secret: &SecretString, algorithm: Algorithm) -> bool {
        let secrets = [(secret.clone(), algorithm)];
        self.query().is_some_and(|query| {
            verify::check_signature(self.parts.path, query, self.parts.host, &secrets).is_ok()
        })
    }
}
