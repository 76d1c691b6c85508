//! Browser sessions.

use serde::Deserialize;

use crate::looker::call::Call;
use crate::looker::client::{Client, Removal};
use crate::looker::error::LookerError;
use crate::looker::fields;
use crate::looker::timestamp::When;

/// A browser session; API access tokens have none.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq)]
pub struct Session {
    /// The session's id.
    #[serde(deserialize_with = "fields::id")]
    pub id: String,
    /// The type of credential used to log in, such as `embed`.
    #[serde(default, deserialize_with = "fields::optional")]
    pub credentials_type: Option<String>,
    /// When it started.
    #[serde(default, deserialize_with = "fields::when")]
    pub created_at: When,
    /// When it ends.
    #[serde(default, deserialize_with = "fields::when")]
    pub expires_at: When,
    /// The admin who became this user, if any.
    #[serde(default, deserialize_with = "fields::optional")]
    pub sudo_user_id: Option<String>,
}

impl Client {
    /// The sessions of a user.
    pub async fn sessions(&self, user_id: &str) -> Result<Vec<Session>, LookerError> {
        let template = "/users/{user_id}/sessions";
        // belief: sessions-are-listed
        self.json(Call::get("all_user_sessions", template, &[user_id])?)
            .await
    }

    /// End a session.
    pub async fn delete_session(
        &self,
        user_id: &str,
        session_id: &str,
    ) -> Result<Removal, LookerError> {
        let template = "/users/{user_id}/sessions/{session_id}";
        let ids = [user_id, session_id];
        // belief: session-delete-ends
        self.remove(Call::delete("delete_user_session", template, &ids)?)
            .await
    }
}
