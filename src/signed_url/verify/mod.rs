//! Checks a signed embed URL as Looker does: over the raw text that arrived, which is what was signed.
//!
//! Independent of the builder and sharing no code with it, so that one mistake cannot hide in both. The lines of the string to
//! sign have no labels, so a matching signature alone proves little: two parameters could be merged into one and a
//! restriction lost. Hence each value must also be exactly one JSON document of its type.

mod path;
mod query;
mod rejection;
mod signature;
mod values;

use crate::secret::SecretString;
use crate::signed_url::{Algorithm, Login, MAX_PATH_BYTES, MAX_QUERY_BYTES};

pub(super) use path::embed_path;
pub use query::Query;
pub(crate) use query::{names, required};
pub use rejection::Rejection;
pub use signature::string_to_sign;
pub(super) use signature::{SIGNED, check as check_signature};
pub(super) use values::{check_nonce, check_session_length, type_errors};

/// How far a URL's time may differ from Looker's, in seconds; from the text of Looker's embed URI validator.
pub const TIME_WINDOW: u64 = 5 * 60;

/// The content of a genuine URL.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct VerifiedLogin {
    /// The user and its grants. The names, `user_timezone` and `force_logout_login` are not signed: they must not be trusted for
    /// any permission.
    pub login: Login,
    /// The decoded nonce, equal for all spellings of one URL. The caller must check whether it was used before.
    pub nonce: SecretString,
    /// When the URL was signed, in Unix seconds.
    pub time: i64,
    /// The page to open, decoded, with its own query.
    pub embed_path: String,
    /// The algorithm of the secret that signed it.
    pub algorithm: Algorithm,
}

/// Check a URL that arrived at `host`, with the raw path and query of the request, against every active secret.
pub fn verify(
    raw_path: &str,
    raw_query: &str,
    host: &str,
    secrets: &[(SecretString, Algorithm)],
    now: i64,
) -> Result<VerifiedLogin, Rejection> {
    // In the order of Looker's own checks, as far as it is known: the first failure decides what the user is told.
    check_size(raw_path, raw_query)?;
    let embed_path = embed_path(raw_path)?;
    let query = Query::parse(raw_query)?;
    query.check_names()?;
    let values = values::read(&query)?;
    let algorithm = check_signature(raw_path, &query, host, secrets)?;
    check_time(values.time, now)?;
    check_nonce(&values.nonce)?;
    check_session_length(values.session_length)?;
    Ok(VerifiedLogin {
        nonce: SecretString::from(values.nonce.as_str()),
        time: values.time,
        login: values.into_login(),
        embed_path,
        algorithm,
    })
}

/// Longer URLs never reach Looker's application: its web server answers with an error.
pub(super) fn check_size(raw_path: &str, raw_query: &str) -> Result<(), Rejection> {
    if raw_path.len() > MAX_PATH_BYTES {
        return Err(Rejection::PathTooLong(raw_path.len()));
    }
    if raw_query.len() > MAX_QUERY_BYTES {
        return Err(Rejection::QueryTooLong(raw_query.len()));
    }
    Ok(())
}

pub(super) fn check_time(time: i64, now: i64) -> Result<(), Rejection> {
    match time.abs_diff(now) {
        0..=TIME_WINDOW => Ok(()),
        _ => Err(Rejection::Time { time, now }),
    }
}
