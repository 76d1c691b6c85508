//! An API key: what an identity logs in with.

use crate::secret::SecretString;

/// An API key: what an identity logs in with.
#[derive(Clone, Debug)]
pub struct ApiKey {
    /// The public half.
    pub client_id: String,
    /// The secret half.
    pub client_secret: SecretString,
}
