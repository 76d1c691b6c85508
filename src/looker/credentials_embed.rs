//! Embed credentials: what makes a user an embed user; all their fields are read-only.

use serde::Deserialize;

use crate::looker::call::Call;
use crate::looker::client::Client;
use crate::looker::error::LookerError;
use crate::looker::fields;
use crate::looker::timestamp::When;

/// The embed credential of a user.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq)]
pub struct CredentialsEmbed {
    /// The credential's id.
    #[serde(default, deserialize_with = "fields::optional")]
    pub id: Option<String>,
    /// The company's id of the user.
    #[serde(default, deserialize_with = "fields::optional")]
    pub external_user_id: Option<String>,
    /// The external group of the latest login.
    #[serde(default, deserialize_with = "fields::optional")]
    pub external_group_id: Option<String>,
    /// When the credential was created.
    #[serde(default, deserialize_with = "fields::when")]
    pub created_at: When,
    /// When it was last used to log in.
    #[serde(default, deserialize_with = "fields::when")]
    pub logged_in_at: When,
    /// Whether it cannot be used.
    #[serde(default, deserialize_with = "fields::flag")]
    pub is_disabled: bool,
}

impl Client {
    /// The embed credentials of a user.
    pub async fn credentials_embed(
        &self,
        user_id: &str,
    ) -> Result<Vec<CredentialsEmbed>, LookerError> {
        let template = "/users/{user_id}/credentials_embed";
        let call = Call::get("all_user_credentials_embeds", template, &[user_id])?;
        self.json(call).await
    }
}
