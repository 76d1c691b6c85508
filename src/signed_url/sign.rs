//! Building and signing embed URLs.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac};
use sha1::Sha1;
use sha2::Sha256;
use zeroize::Zeroize as _;

use crate::secret::{ExposeSecret as _, SecretString};
use crate::signed_url::encode::{Writer, percent_encode};
use crate::signed_url::{
    Algorithm, Login, MAX_PATH_BYTES, MAX_QUERY_BYTES, MAX_SESSION_LENGTH, NONCE_LIMIT, UrlError,
};

/// The length of the longest digest in base64.
const SIGNATURE_BYTES: usize = 44;

/// Signs embed URLs for one host with one secret.
#[derive(Clone)]
pub struct Signer {
    /// `https://HOST/login/embed/`.
    url_start: String,
    /// `HOST`, a line break, `/login/embed/`.
    signed_start: String,
    key: Key,
}

/// The HMAC state after the secret. Cloning it per URL spares hashing the secret again.
#[derive(Clone)]
enum Key {
    Sha1(Hmac<Sha1>),
    Sha256(Hmac<Sha256>),
}

/// Buffers for writing a URL, reused so that signing many URLs allocates nothing.
#[derive(Default)]
pub struct UrlBuffer {
    /// The URL; up to the signature until that is known.
    url: Vec<u8>,
    /// The parameters after the signature.
    tail: Vec<u8>,
    /// The string to sign.
    signed: Vec<u8>,
}

impl Signer {
    /// A signer for `host` as browsers send it, with its port if it has one.
    pub fn new(host: &str, secret: &SecretString, algorithm: Algorithm) -> Result<Self, UrlError> {
        // Checked once here, so that signing has nothing left to check about them.
        check_host(host)?;
        let secret = secret.expose_secret().as_bytes();
        if secret.is_empty() {
            return Err(UrlError::EmptySecret);
        }
        Ok(Self {
            url_start: format!("https://{host}/login/embed/"),
            signed_start: format!("{host}\n/login/embed/"),
            key: Key::new(secret, algorithm),
        })
    }

    /// The same signer for a Looker served over `scheme`, such as `http` on this machine. The scheme is not signed.
    #[must_use]
    pub fn with_scheme(mut self, scheme: &str) -> Self {
        let (_https, rest) = self.url_start.split_once(':').unwrap_or_default();
        self.url_start = format!("{scheme}:{rest}");
        self
    }

    /// The algorithm of the secret.
    pub const fn algorithm(&self) -> Algorithm {
        match self.key {
            Key::Sha1(_) => Algorithm::Sha1,
            Key::Sha256(_) => Algorithm::Sha256,
        }
    }

    // belief: url-string-to-sign
    /// A URL that logs `login` in and opens the embed path `path`; valid once, within five minutes of `time`.
    pub fn sign(
        &self,
        path: &str,
        login: &Login,
        nonce: &str,
        time: i64,
    ) -> Result<SecretString, UrlError> {
        let mut buffer = UrlBuffer::default();
        let url = self.sign_into(&mut buffer, path, login, nonce, time)?;
        Ok(SecretString::from(url))
    }

    /// The same, written into `buffer`: the fast way to sign many URLs.
    pub fn sign_into<'a>(
        &self,
        buffer: &'a mut UrlBuffer,
        path: &str,
        login: &Login,
        nonce: &str,
        time: i64,
    ) -> Result<&'a str, UrlError> {
        // All limits are checked before anything is written, except for those of the finished lengths.
        check(path, login, nonce)?;
        let path_end = self.write_path(buffer, path)?;
        write_parameters(buffer, login, nonce, time);
        self.write_signature(buffer);
        // The parameters that belong behind the signature were kept apart until now.
        buffer.url.append(&mut buffer.tail);
        let query = buffer.url.len() - path_end - 1;
        if query > MAX_QUERY_BYTES {
            return Err(UrlError::QueryTooLong(query));
        }
        Ok(buffer.text())
    }

    /// The signature of a string to sign, as base64.
    pub fn signature(&self, string_to_sign: &str) -> SecretString {
        let mut text = [0; SIGNATURE_BYTES];
        let text = self.key.sign(string_to_sign.as_bytes(), &mut text);
        SecretString::from(text)
    }

    /// Start the URL and the string to sign; returns the length of the URL so far.
    fn write_path(&self, buffer: &mut UrlBuffer, path: &str) -> Result<usize, UrlError> {
        let UrlBuffer { url, tail, signed } = buffer;
        // Cleared, not replaced: a batch signs millions of URLs without allocating.
        url.clear();
        tail.clear();
        signed.clear();
        url.extend_from_slice(self.url_start.as_bytes());
        let encoded = url.len();
        percent_encode(url, path);
        signed.extend_from_slice(self.signed_start.as_bytes());
        // The path is signed as it is sent, which is percent-encoded.
        signed.extend_from_slice(url.get(encoded..).unwrap_or_default());

        let bytes = "/login/embed/".len() + url.len() - encoded;
        if bytes > MAX_PATH_BYTES {
            return Err(UrlError::PathTooLong(bytes));
        }
        Ok(url.len())
    }

    fn write_signature(&self, buffer: &mut UrlBuffer) {
        let mut text = [0; SIGNATURE_BYTES];
        let text = self.key.sign(&buffer.signed, &mut text);
        buffer.url.extend_from_slice(b"&signature=");
        percent_encode(&mut buffer.url, text);
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signer")
            .field("url_start", &self.url_start)
            .finish_non_exhaustive()
    }
}

impl UrlBuffer {
    fn text(&self) -> &str {
        str::from_utf8(&self.url).expect("a host and what is percent-encoded are text")
    }
}

impl Key {
    fn new(secret: &[u8], algorithm: Algorithm) -> Self {
        let any_length = "HMAC takes a key of any length";
        match algorithm {
            Algorithm::Sha1 => Self::Sha1(Hmac::new_from_slice(secret).expect(any_length)),
            Algorithm::Sha256 => Self::Sha256(Hmac::new_from_slice(secret).expect(any_length)),
        }
    }

    /// Sign `text` into `out`; returns the used part of `out`.
    fn sign<'a>(&self, text: &[u8], out: &'a mut [u8; SIGNATURE_BYTES]) -> &'a str {
        let room = "the signature fits its buffer";
        let length = match self {
            Self::Sha1(key) => STANDARD.encode_slice(digest(key, text), out),
            Self::Sha256(key) => STANDARD.encode_slice(digest(key, text), out),
        };
        let text = out.get(..length.expect(room)).expect(room);
        str::from_utf8(text).expect("base64 is ASCII")
    }
}

fn digest<K: Mac + Clone>(key: &K, text: &[u8]) -> hmac::digest::Output<K> {
    key.clone().chain_update(text).finalize().into_bytes()
}

impl fmt::Debug for UrlBuffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UrlBuffer").finish_non_exhaustive()
    }
}

impl Drop for UrlBuffer {
    fn drop(&mut self) {
        self.url.zeroize();
        self.tail.zeroize();
        self.signed.zeroize();
    }
}

/// Write the parameters in the order used by Looker's API, which places the signature between `models` and `nonce`, and the
/// lines of the string to sign in the order of Looker's published signers.
fn write_parameters(buffer: &mut UrlBuffer, login: &Login, nonce: &str, time: i64) {
    // The order of the lines to sign differs from that of the parameters, so both are written at once.
    let UrlBuffer { url, tail, signed } = buffer;

    let mut behind = Writer { signed, url: tail };
    behind.parameter("&nonce=");
    behind.string(nonce);
    behind.parameter("&time=");
    behind.integer(time);
    behind.parameter("&session_length=");
    behind.integer(login.session_length.into());
    behind.parameter("&external_user_id=");
    behind.string(&login.external_user_id);

    let mut before = Writer { signed, url };
    before.parameter("?permissions=");
    before.strings(login.permissions.as_deref());
    before.parameter("&models=");
    before.strings(login.models.as_deref());

    // Looker requires `access_filters`, although it no longer means anything.
    tail.extend_from_slice(b"&access_filters=%7B%7D");
    write_unsigned(signed, tail, "&first_name=", login.first_name.as_deref());
    write_unsigned(signed, tail, "&last_name=", login.last_name.as_deref());
    write_unsigned(
        signed,
        tail,
        "&user_timezone=",
        login.user_timezone.as_deref(),
    );

    let mut behind = Writer { signed, url: tail };
    if let Some(group_ids) = &login.group_ids {
        behind.parameter("&group_ids=");
        behind.strings(Some(group_ids));
    }
    if let Some(external_group_id) = &login.external_group_id {
        behind.parameter("&external_group_id=");
        behind.string(external_group_id);
    }
    if let Some(user_attributes) = &login.user_attributes {
        behind.parameter("&user_attributes=");
        behind.object(user_attributes);
    }
    signed.extend_from_slice(b"\n{}");
    tail.extend_from_slice(if login.force_logout_login {
        b"&force_logout_login=true"
    } else {
        b"&force_logout_login=false".as_slice()
    });
}

/// Write a parameter that is not part of the string to sign.
fn write_unsigned(signed: &mut Vec<u8>, url: &mut Vec<u8>, name: &str, value: Option<&str>) {
    let Some(value) = value else { return };
    // Names and the time zone are sent but not signed.
    let length = signed.len();
    let mut writer = Writer { signed, url };
    writer.parameter(name);
    writer.string(value);
    signed.truncate(length);
}

fn check_host(host: &str) -> Result<(), UrlError> {
    if host.is_empty() {
        return Err(UrlError::Host("is empty"));
    }
    if host.contains(|character: char| character.is_control() || character.is_whitespace()) {
        return Err(UrlError::Host("has a space or a control character"));
    }
    // A path or a user name in the host would move the signature's boundaries.
    if host.contains(['/', '?', '#', '@', '\\']) {
        return Err(UrlError::Host("is not just a name and a port"));
    }
    Ok(())
}

fn check(path: &str, login: &Login, nonce: &str) -> Result<(), UrlError> {
    if path.is_empty() {
        return Err(UrlError::EmptyPath);
    }
    // The published signers sign any non-empty id; stricter checks are made where ids are entered.
    if login.external_user_id.is_empty() {
        return Err(UrlError::UserId("is empty"));
    }
    if login.session_length > MAX_SESSION_LENGTH {
        return Err(UrlError::SessionLength(login.session_length));
    }
    if nonce.is_empty() {
        return Err(UrlError::EmptyNonce);
    }
    // Counting characters takes time; a text with fewer bytes cannot have too many characters.
    if nonce.len() >= NONCE_LIMIT && nonce.chars().count() >= NONCE_LIMIT {
        return Err(UrlError::NonceTooLong(nonce.chars().count()));
    }
    Ok(())
}
