//! One way to sign a URL, correct or not.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::signed_url::Algorithm;

/// A signed parameter.
#[derive(Clone, Eq, PartialEq)]
pub(super) struct Line {
    pub(super) name: &'static str,
    pub(super) text: String,
}

/// Everything that determines a signature, so that a mistake is a change of one of these.
#[derive(Clone)]
pub(super) struct Attempt {
    pub(super) secret: Zeroizing<Vec<u8>>,
    pub(super) algorithm: Algorithm,
    pub(super) host: String,
    pub(super) path: String,
    pub(super) parameters: Vec<Line>,
    /// What is signed in place of the lines.
    pub(super) text: Option<String>,
    /// The separator between two lines.
    pub(super) joint: &'static str,
    /// The text after the last line.
    pub(super) end: &'static str,
    /// The encoding of the digest.
    pub(super) form: fn(&[u8]) -> String,
}

impl Attempt {
    /// Signed as Looker expects.
    pub(super) fn right(host: &str, path: &str, parameters: Vec<Line>) -> Self {
        Self {
            // The caller sets the secret and the algorithm.
            secret: Zeroizing::default(),
            algorithm: Algorithm::default(),
            host: host.to_owned(),
            path: path.to_owned(),
            parameters,
            text: None,
            joint: "\n",
            end: "",
            form: |digest| STANDARD.encode(digest),
        }
    }

    /// The lines to sign.
    pub(super) fn lines(&self) -> Vec<String> {
        let parameters = self.parameters.iter().map(|line| &line.text);
        [&self.host, &self.path]
            .into_iter()
            .chain(parameters)
            .cloned()
            .collect()
    }

    /// The resulting signature.
    pub(super) fn signature(&self) -> String {
        let text = match &self.text {
            Some(text) => text.clone(),
            None => self.lines().join(self.joint) + self.end,
        };
        match self.algorithm {
            Algorithm::Sha1 => (self.form)(&digest::<Hmac<Sha1>>(&self.secret, &text)),
            Algorithm::Sha256 => (self.form)(&digest::<Hmac<Sha256>>(&self.secret, &text)),
        }
    }
}

fn digest<M: Mac + KeyInit>(secret: &[u8], text: &str) -> Vec<u8> {
    <M as KeyInit>::new_from_slice(secret)
        .expect("HMAC takes a key of any length")
        .chain_update(text)
        .finalize()
        .into_bytes()
        .to_vec()
}
