//! One way to sign a URL, right or wrong.

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

/// All that decides a signature, so that a mistake is a change of one of these.
#[derive(Clone)]
pub(super) struct Attempt {
    pub(super) secret: Zeroizing<Vec<u8>>,
    pub(super) algorithm: Algorithm,
    pub(super) host: String,
    pub(super) path: String,
    pub(super) parameters: Vec<Line>,
    /// What stands between two lines.
    pub(super) joint: &'static str,
    /// What stands behind the last.
    pub(super) end: &'static str,
    /// How the digest is written.
    pub(super) form: fn(&[u8]) -> String,
}

impl Attempt {
    /// Signed as Looker wants it.
    pub(super) fn right(host: &str, path: &str, parameters: Vec<Line>) -> Self {
        Self {
            secret: Zeroizing::default(),
            algorithm: Algorithm::default(),
            host: host.to_owned(),
            path: path.to_owned(),
            parameters,
            joint: "\n",
            end: "",
            form: |digest| STANDARD.encode(digest),
        }
    }

    /// The lines that are signed.
    pub(super) fn lines(&self) -> Vec<String> {
        let parameters = self.parameters.iter().map(|line| &line.text);
        [&self.host, &self.path]
            .into_iter()
            .chain(parameters)
            .cloned()
            .collect()
    }

    /// The signature it makes.
    pub(super) fn signature(&self) -> String {
        let text = self.lines().join(self.joint) + self.end;
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
