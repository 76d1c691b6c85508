//! The signature of a signed URL, over the text that was sent.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use sha2::Sha256;

use crate::secret::{ExposeSecret as _, SecretString};
use crate::signed_url::Algorithm;
use crate::signed_url::verify::{Query, Rejection};

/// The signed parameters, in the order of Looker's published signers.
pub(in crate::signed_url) const SIGNED: [&str; 10] = [
    "nonce",
    "time",
    "session_length",
    "external_user_id",
    "permissions",
    "models",
    "group_ids",
    "external_group_id",
    "user_attributes",
    "access_filters",
];

/// The text that was signed if the URL is genuine: one line each for the host, the path, and each signed parameter sent.
pub fn string_to_sign(host: &str, raw_path: &str, query: &Query) -> String {
    let mut text = format!("{host}\n{raw_path}");
    for value in SIGNED.iter().filter_map(|name| query.value(name)) {
        text.push('\n');
        text.push_str(value);
    }
    text
}

/// Find the secret that made the signature, and return its algorithm.
pub(in crate::signed_url) fn check(
    raw_path: &str,
    query: &Query,
    host: &str,
    secrets: &[(SecretString, Algorithm)],
) -> Result<Algorithm, Rejection> {
    let sent = query.value("signature").unwrap_or_default();
    // Strict base64: the alphabet with `+` and `/`, padded, without spare bits.
    let sent = STANDARD.decode(sent).map_err(|_| Rejection::Signature)?;
    let text = string_to_sign(host, raw_path, query);
    secrets
        .iter()
        .find(|(secret, algorithm)| matches(secret, *algorithm, &text, &sent))
        .map(|(_, algorithm)| *algorithm)
        .ok_or(Rejection::Signature)
}

fn matches(secret: &SecretString, algorithm: Algorithm, text: &str, sent: &[u8]) -> bool {
    let secret = secret.expose_secret().as_bytes();
    match algorithm {
        Algorithm::Sha1 => matches_with::<Hmac<Sha1>>(secret, text, sent),
        Algorithm::Sha256 => matches_with::<Hmac<Sha256>>(secret, text, sent),
    }
}

/// Compare in constant time.
fn matches_with<M: Mac + KeyInit>(secret: &[u8], text: &str, sent: &[u8]) -> bool {
    <M as KeyInit>::new_from_slice(secret)
        .is_ok_and(|mac| mac.chain_update(text).verify_slice(sent).is_ok())
}
