//! Signed embed URLs: building and signing them, and checking one as Looker does.
//!
//! What Looker expects is taken from the signers it publishes (`looker_embed_sso_examples`, the Embed SDK) and from the
//! URLs its own API makes. Everything here is pure: the secret, the nonce and the time are arguments.

mod algorithm;
mod encode;
mod error;
mod grants;
pub mod inspect;
mod login;
mod nonce;
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
/// The longest session Looker grants: 30 days, from Looker's OpenAPI description of `EmbedSsoParams`.
pub const MAX_SESSION_LENGTH: u32 = 2_592_000;

// belief: url-size-limits
/// The longest path, in bytes, that Looker's web server takes, by Looker's own troubleshooting page.
pub const MAX_PATH_BYTES: usize = 2048;

/// The longest query, in bytes, that Looker's web server takes, by the same page.
pub const MAX_QUERY_BYTES: usize = 10 * 1024;

/// A nonce has fewer characters than this, by Looker's documentation.
pub const NONCE_LIMIT: usize = 255;

/// Why `id` cannot be an id of a user: every door that ids come in by asks here. Characters that a terminal obeys, or that
/// turn text round, make one id look like another.
pub fn refuse_id(id: &str) -> Result<(), &'static str> {
    let turns = |c: char| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{2028}' | '\u{2029}');
    match id {
        id if id.trim().is_empty() => Err("is empty"),
        id if id.contains(char::is_control) => Err("holds a control character"),
        id if id.contains(turns) => Err("holds a character that turns text round"),
        _ => Ok(()),
    }
}
