//! Dashboards and looks: what a user owns and what folders hold.

use serde::{Deserialize, Serialize};

use crate::looker::call::Call;
use crate::looker::client::Client;
use crate::looker::error::LookerError;
use crate::looker::fields;

/// The fields of a [`Content`]; a full dashboard includes its tiles and is large.
const FIELDS: &str = "id,title,user_id,folder_id,deleted,content_metadata_id,content_favorite_id";

/// The same for the short form of a dashboard, which nests the folder's id.
const BASE_FIELDS: &str = "id,title,user_id,folder(id),content_metadata_id,content_favorite_id";

/// What kind of content something is.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ContentKind {
    /// A dashboard.
    Dashboard,
    /// A look.
    Look,
}

/// A dashboard or a look.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(from = "Shown")]
pub struct Content {
    /// Its id, among those of its kind.
    pub id: String,
    /// Its title.
    pub title: String,
    /// The user who owns it.
    pub user_id: Option<String>,
    /// The folder it is in; `None` if the folder was deleted.
    pub folder_id: Option<String>,
    /// Whether it is in the trash.
    pub deleted: bool,
    /// The id that favourites and access name it by.
    pub content_metadata_id: Option<String>,
    /// The calling user's favourite of it, if any.
    pub content_favorite_id: Option<String>,
}

/// Changes of a dashboard or look; what is `None` stays.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
pub struct ContentChanges {
    /// The title.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The user who owns it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_id: Option<String>,
    /// The folder it is in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub folder_id: Option<String>,
}

/// A dashboard or look as Looker shows it.
#[derive(Deserialize)]
struct Shown {
    #[serde(deserialize_with = "fields::id")]
    id: String,
    #[serde(default, deserialize_with = "fields::text")]
    title: String,
    #[serde(default, deserialize_with = "fields::optional")]
    user_id: Option<String>,
    #[serde(default, deserialize_with = "fields::optional")]
    folder_id: Option<String>,
    #[serde(default)]
    folder: Option<Place>,
    #[serde(default, deserialize_with = "fields::flag")]
    deleted: bool,
    #[serde(default, deserialize_with = "fields::optional")]
    content_metadata_id: Option<String>,
    #[serde(default, deserialize_with = "fields::optional")]
    content_favorite_id: Option<String>,
}

#[derive(Deserialize)]
struct Place {
    #[serde(default, deserialize_with = "fields::optional")]
    id: Option<String>,
}

impl From<Shown> for Content {
    fn from(shown: Shown) -> Self {
        let place = shown.folder.and_then(|folder| folder.id);
        Self {
            id: shown.id,
            title: shown.title,
            user_id: shown.user_id,
            folder_id: shown.folder_id.or(place),
            deleted: shown.deleted,
            content_metadata_id: shown.content_metadata_id,
            content_favorite_id: shown.content_favorite_id,
        }
    }
}

impl Client {
    /// The dashboards or looks that a user owns, either in the trash or outside it.
    pub async fn content_of(
        &self,
        kind: ContentKind,
        user_id: &str,
        deleted: bool,
    ) -> Result<Vec<Content>, LookerError> {
        let (operation, template) = match kind {
            ContentKind::Dashboard => ("search_dashboards", "/dashboards/search"),
            ContentKind::Look => ("search_looks", "/looks/search"),
        };
        let call = Call::get(operation, template, &[])?
            // belief: owner-is-user-id
            .query("user_id", user_id)
            // belief: trash-needs-deleted
            .query("deleted", deleted.to_string())
            .query("sorts", "id")
            .query("fields", FIELDS);
        self.pages(call).await
    }

    /// All dashboards or looks that this identity can see, without the trash.
    pub async fn all_content(&self, kind: ContentKind) -> Result<Vec<Content>, LookerError> {
        let (operation, template, fields) = match kind {
            ContentKind::Dashboard => ("all_dashboards", "/dashboards", BASE_FIELDS),
            ContentKind::Look => ("all_looks", "/looks", FIELDS),
        };
        let call = Call::get(operation, template, &[])?;
        self.json(call.query("fields", fields)).await
    }

    /// A dashboard or look, in the trash or not.
    pub async fn content(&self, kind: ContentKind, id: &str) -> Result<Content, LookerError> {
        let (operation, template) = match kind {
            ContentKind::Dashboard => ("dashboard", "/dashboards/{dashboard_id}"),
            ContentKind::Look => ("look", "/looks/{look_id}"),
        };
        let call = Call::get(operation, template, &[id])?;
        self.json(call.query("fields", FIELDS)).await
    }

    /// The dashboards or looks in a folder.
    pub async fn content_in(
        &self,
        kind: ContentKind,
        folder_id: &str,
    ) -> Result<Vec<Content>, LookerError> {
        let (operation, template) = match kind {
            ContentKind::Dashboard => ("folder_dashboards", "/folders/{folder_id}/dashboards"),
            ContentKind::Look => ("folder_looks", "/folders/{folder_id}/looks"),
        };
        let call = Call::get(operation, template, &[folder_id])?;
        self.json(call.query("fields", FIELDS)).await
    }

    /// Change a dashboard or look and return its new state: Looker silently ignores fields that may not be changed.
    pub async fn change_content(
        &self,
        kind: ContentKind,
        id: &str,
        changes: &ContentChanges,
    ) -> Result<Content, LookerError> {
        let call = match kind {
            // `update_dashboard` has no `fields` parameter: the answer is always the whole dashboard.
            ContentKind::Dashboard => {
                Call::patch("update_dashboard", "/dashboards/{dashboard_id}", &[id])?
            }
            // belief: look-owner-can-be-written
            ContentKind::Look => {
                Call::patch("update_look", "/looks/{look_id}", &[id])?.query("fields", FIELDS)
            }
        };
        self.json(call.json(changes)).await
    }
}
