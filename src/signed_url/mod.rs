//! Signed embed URLs: building, signing, and checking them as Looker does.
//!
//! Looker's expectations are taken from the signers it publishes (`looker_embed_sso_examples`, the Embed SDK) and from URLs
//! created by its API. Everything here is pure: the secret, the nonce and the time are arguments.

mod algorithm;
mod encode;
mod error;
mod grants;
pub mod inspect;
mod login;
mod nonce;
pub mod paste;
mod path;
mod sign;
pub mod verify;

pub use algorithm::Algorithm;
pub use error::UrlError;
pub use grants::Grants;
pub use login::Login;
pub use nonce::{nonce, nonces};
pub use path::with_embed_domain;
pub use sign::{Signer, UrlBuffer};

// belief: url-session-length
/// The longest session Looker allows: 30 days, from `EmbedSsoParams` in Looker's OpenAPI description.
pub const MAX_SESSION_LENGTH: u32 = 2_592_000;

// belief: url-size-limits
/// The longest path, in bytes, that Looker's web server accepts, according to Looker's troubleshooting page.
pub const MAX_PATH_BYTES: usize = 2048;

/// The longest query, in bytes, that Looker's web server accepts, according to the same page.
pub const MAX_QUERY_BYTES: usize = 10 * 1024;

/// A nonce must be shorter than this, in characters, according to Looker's documentation.
pub const NONCE_LIMIT: usize = 255;

/// Why `id` cannot be a user's id; every input of ids is checked here. Control characters, and characters that reverse the
/// direction of text, make one id look like another.
pub fn refuse_id(id: &str) -> Result<(), &'static str> {
    let turns = |c: char| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{2028}' | '\u{2029}');
    match id {
        id if id.trim().is_empty() => Err("is empty"),
        id if id.contains(char::is_control) => Err("contains a control character"),
        id if id.contains(turns) => Err("contains a character that changes the text direction"),
        _ => Ok(()),
    }
}
