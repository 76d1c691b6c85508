//! Which Looker it is.

use serde::Deserialize;

use crate::looker::call::Call;
use crate::looker::client::Client;
use crate::looker::error::LookerError;
use crate::looker::fields;

/// Which Looker it is, and where its two halves are.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq)]
pub struct Versions {
    /// The release, as in `26.12.3`.
    #[serde(default, deserialize_with = "fields::optional")]
    pub looker_release_version: Option<String>,
    /// Where the API is.
    #[serde(default, deserialize_with = "fields::optional")]
    pub api_server_url: Option<String>,
    /// Where the web part is: the host of signed URLs.
    #[serde(default, deserialize_with = "fields::optional")]
    pub web_server_url: Option<String>,
}

impl Client {
    /// Which Looker it is.
    pub async fn versions(&self) -> Result<Versions, LookerError> {
        self.json(Call::get("versions", "/versions", &[])?).await
    }
}
