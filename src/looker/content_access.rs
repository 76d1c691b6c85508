//! Access: who a folder, dashboard, look or board is shared with.

use serde::{Deserialize, Serialize};

use crate::looker::call::Call;
use crate::looker::client::{Client, Removal};
use crate::looker::error::LookerError;
use crate::looker::fields;

/// The fields of a [`ContentAccess`].
const FIELDS: &str = "id,content_metadata_id,permission_type,user_id,group_id";

/// What a user or a group may do with a folder, dashboard, look or board.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq)]
pub struct ContentAccess {
    /// The access's id.
    #[serde(deserialize_with = "fields::id")]
    pub id: String,
    /// The id that the API uses for the content.
    #[serde(default, deserialize_with = "fields::optional")]
    pub content_metadata_id: Option<String>,
    /// What may be done with it: `view` or `edit`.
    #[serde(default, deserialize_with = "fields::text")]
    pub permission_type: String,
    /// The user who may.
    #[serde(default, deserialize_with = "fields::optional")]
    pub user_id: Option<String>,
    /// The group whose users may.
    #[serde(default, deserialize_with = "fields::optional")]
    pub group_id: Option<String>,
}

/// A folder, dashboard, look or board as access knows it.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq)]
pub struct ContentMeta {
    /// The id that access names it by.
    #[serde(deserialize_with = "fields::id")]
    pub id: String,
    /// Its name or title.
    #[serde(default, deserialize_with = "fields::text")]
    pub name: String,
    /// What it is in, by the id that access names that by.
    #[serde(default, deserialize_with = "fields::optional")]
    pub parent_id: Option<String>,
    /// Whether those who can reach what it is in can reach it.
    #[serde(default, deserialize_with = "fields::flag")]
    pub inherits: bool,
}

/// A user's access. Looker's OpenAPI description marks every field as read-only, yet they make up the body.
#[derive(Serialize)]
struct Body<'a> {
    content_metadata_id: &'a str,
    permission_type: &'a str,
    user_id: &'a str,
}

impl Client {
    /// Who something is shared with. The API has no list by user.
    pub async fn content_accesses(
        &self,
        content_metadata_id: &str,
    ) -> Result<Vec<ContentAccess>, LookerError> {
        let template = "/content_metadata_access";
        // belief: access-by-thing
        let call = Call::get("all_content_metadata_accesses", template, &[])?
            .query("content_metadata_id", content_metadata_id)
            .query("fields", FIELDS);
        self.json(call).await
    }

    /// What access knows of something.
    pub async fn content_metadata(&self, id: &str) -> Result<ContentMeta, LookerError> {
        let template = "/content_metadata/{content_metadata_id}";
        let call = Call::get("content_metadata", template, &[id])?;
        let fields = "id,name,parent_id,inherits";
        self.json(call.query("fields", fields)).await
    }

    /// Share something with a user.
    pub async fn create_content_access(
        &self,
        content_metadata_id: &str,
        permission_type: &str,
        user_id: &str,
    ) -> Result<ContentAccess, LookerError> {
        let body = Body {
            content_metadata_id,
            permission_type,
            user_id,
        };
        let template = "/content_metadata_access";
        // belief: access-body-is-read-only
        let call = Call::post("create_content_metadata_access", template, &[])?;
        self.json(call.json(&body)).await
    }

    /// Change what a user may do with something shared with that user; the other fields must stay the same.
    pub async fn set_content_access(
        &self,
        id: &str,
        content_metadata_id: &str,
        permission_type: &str,
        user_id: &str,
    ) -> Result<ContentAccess, LookerError> {
        let body = Body {
            content_metadata_id,
            permission_type,
            user_id,
        };
        let template = "/content_metadata_access/{content_metadata_access_id}";
        let method = reqwest::Method::PUT;
        let call = Call::new(method, "update_content_metadata_access", template, &[id])?;
        self.json(call.json(&body)).await
    }

    /// Stop sharing something.
    pub async fn delete_content_access(&self, id: &str) -> Result<Removal, LookerError> {
        let template = "/content_metadata_access/{content_metadata_access_id}";
        let call = Call::delete("delete_content_metadata_access", template, &[id])?;
        self.remove(call).await
    }
}
