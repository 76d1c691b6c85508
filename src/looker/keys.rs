//! API keys of a user.

use serde::{Deserialize, Serialize};

use crate::looker::call::Call;
use crate::looker::client::{Client, Removal};
use crate::looker::error::LookerError;
use crate::looker::fields;
use crate::looker::timestamp::When;
use crate::secret::SecretString;

/// An API key without its secret.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq)]
pub struct Api3Key {
    /// Looker's id of the key.
    #[serde(deserialize_with = "fields::id")]
    pub id: String,
    /// The public half.
    #[serde(default, deserialize_with = "fields::text")]
    pub client_id: String,
    /// When it was minted.
    #[serde(default, deserialize_with = "fields::when")]
    pub created_at: When,
    /// Its purpose, as free text.
    #[serde(default, deserialize_with = "fields::optional")]
    pub purpose: Option<String>,
    /// Whether it cannot be used.
    #[serde(default, deserialize_with = "fields::flag")]
    pub is_disabled: bool,
}

/// A newly minted API key: the only time its secret is shown.
#[derive(Debug, Deserialize)]
pub struct NewApi3Key {
    /// Everything about it that is not secret.
    #[serde(flatten)]
    pub key: Api3Key,
    // belief: key-secret-shown-once
    /// The secret half.
    #[serde(deserialize_with = "fields::secret")]
    pub client_secret: SecretString,
}

impl Client {
    /// The API keys of a user.
    pub async fn api3_keys(&self, user_id: &str) -> Result<Vec<Api3Key>, LookerError> {
        let template = "/users/{user_id}/credentials_api3";
        // belief: key-admin-may-list
        self.json(Call::get(
            // belief: key-list-is-whole
            "all_user_credentials_api3s",
            template,
            &[user_id],
        )?)
        .await
    }

    /// Mint an API key. If the answer is lost, the key may exist with a secret that was never received.
    pub async fn create_api3_key(&self, user_id: &str) -> Result<NewApi3Key, LookerError> {
        let template = "/users/{user_id}/credentials_api3";
        // belief: key-admin-may-mint
        let call = Call::post("create_user_credentials_api3", template, &[user_id])?;
        // Never sent twice: each request that takes effect mints another key.
        self.json(call.once()).await
    }

    /// Write a key's purpose.
    pub async fn tag_api3_key(
        &self,
        user_id: &str,
        key_id: &str,
        purpose: &str,
    ) -> Result<Api3Key, LookerError> {
        #[derive(Serialize)]
        struct Body<'a> {
            purpose: &'a str,
        }

        let template = "/users/{user_id}/credentials_api3/{credentials_api3_id}";
        let ids = [user_id, key_id];
        let call = Call::patch("update_user_credentials_api3", template, &ids)?;
        // belief: key-purpose-is-kept, key-admin-may-tag
        self.json(call.json(&Body { purpose })).await
    }

    /// Revoke a key.
    pub async fn delete_api3_key(
        &self,
        user_id: &str,
        key_id: &str,
    ) -> Result<Removal, LookerError> {
        let template = "/users/{user_id}/credentials_api3/{credentials_api3_id}";
        let ids = [user_id, key_id];
        self.remove(Call::delete(
            // belief: key-delete-revokes, key-admin-may-revoke
            "delete_user_credentials_api3",
            template,
            &ids,
        )?)
        .await
    }
}
