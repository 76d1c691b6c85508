//! Signing embed URLs as Looker's own API does: over the text that the verifier will read.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use serde::Serialize;
use sha1::Sha1;
use sha2::Sha256;

use crate::emulator::world::embed::Login;
use crate::secret::{ExposeSecret as _, SecretString};
use crate::signed_url::Algorithm;
use crate::signed_url::verify::{Query, string_to_sign};

/// What stands in a signed URL besides the login.
#[derive(Debug)]
pub(crate) struct Ticket<'a> {
    pub(crate) scheme_and_host: (&'a str, &'a str),
    /// The embed path, decoded, with its own query.
    pub(crate) embed_path: &'a str,
    pub(crate) nonce: &'a str,
    pub(crate) time: i64,
    pub(crate) session_length: i64,
    pub(crate) force_logout_login: bool,
}

/// A signed URL, its parameters in the order that URLs made by Looker's API have.
pub(crate) fn signed_url(
    ticket: &Ticket<'_>,
    login: &Login,
    secret: &SecretString,
    algorithm: Algorithm,
) -> String {
    let (scheme, host) = ticket.scheme_and_host;
    let path = format!("/login/embed/{}", encode(ticket.embed_path));
    let before = [
        ("permissions", json(&login.permissions)),
        ("models", json(&login.models)),
    ];
    let mut after = vec![
        ("nonce", json(ticket.nonce)),
        ("time", ticket.time.to_string()),
        ("session_length", ticket.session_length.to_string()),
        ("external_user_id", json(&login.external_user_id)),
        ("access_filters", "{}".to_owned()),
    ];
    let optional = [
        ("first_name", login.first_name.as_ref().map(json)),
        ("last_name", login.last_name.as_ref().map(json)),
        ("group_ids", login.group_ids.as_ref().map(json)),
        (
            "external_group_id",
            login.external_group_id.as_ref().map(json),
        ),
        ("user_attributes", login.user_attributes.as_ref().map(json)),
        ("user_timezone", login.user_timezone.as_ref().map(json)),
    ];
    after.extend(
        optional
            .into_iter()
            .filter_map(|(name, value)| Some((name, value?))),
    );
    after.push(("force_logout_login", ticket.force_logout_login.to_string()));
    let (before, after) = (query(&before), query(&after));
    // Parsed back from the query, so that what is signed is what the checker reads.
    let signed = Query::parse(&format!("{before}&{after}"))
        .map(|query| string_to_sign(host, &path, &query))
        .unwrap_or_default();
    let signature = encode(&sign(&signed, secret, algorithm));
    format!("{scheme}://{host}{path}?{before}&signature={signature}&{after}")
}

fn json<T: Serialize + ?Sized>(value: &T) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

fn query(pairs: &[(&str, String)]) -> String {
    let pairs: Vec<String> = pairs
        .iter()
        .map(|(name, value)| format!("{name}={}", encode(value)))
        .collect();
    pairs.join("&")
}

/// Percent-encode everything except RFC 3986's unreserved characters.
fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                encoded.push(char::from(byte));
            }
            other => encoded.extend(format!("%{other:02X}").chars()),
        }
    }
    encoded
}

fn sign(text: &str, secret: &SecretString, algorithm: Algorithm) -> String {
    let secret = secret.expose_secret().as_bytes();
    match algorithm {
        Algorithm::Sha1 => sign_with::<Hmac<Sha1>>(secret, text),
        Algorithm::Sha256 => sign_with::<Hmac<Sha256>>(secret, text),
    }
}

fn sign_with<M: Mac + KeyInit>(secret: &[u8], text: &str) -> String {
    let mac = <M as KeyInit>::new_from_slice(secret).expect("HMAC takes a key of any length");
    STANDARD.encode(mac.chain_update(text).finalize().into_bytes())
}
