//! Favourites: content that a user has bookmarked.

use serde::{Deserialize, Serialize};

use crate::looker::call::Call;
use crate::looker::client::{Client, Removal};
use crate::looker::error::LookerError;
use crate::looker::fields;

/// The fields of a [`Favorite`]; the full response includes the content.
const FIELDS: &str =
    "id,user_id,content_metadata_id,dashboard_id,look_id,board_id,dashboard(title),look(title)";

/// A favourite.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(from = "Shown")]
pub struct Favorite {
    /// The favourite's id.
    pub id: String,
    /// Whose favourite it is.
    pub user_id: Option<String>,
    /// The id that the API uses for the content.
    pub content_metadata_id: Option<String>,
    /// The dashboard, if it is one.
    pub dashboard_id: Option<String>,
    /// The look, if it is one.
    pub look_id: Option<String>,
    /// The board, if it is one.
    pub board_id: Option<String>,
    /// The title of the dashboard or look; boards have none here.
    pub title: Option<String>,
}

/// A favourite as Looker shows it.
#[derive(Deserialize)]
struct Shown {
    #[serde(deserialize_with = "fields::id")]
    id: String,
    #[serde(default, deserialize_with = "fields::optional")]
    user_id: Option<String>,
    #[serde(default, deserialize_with = "fields::optional")]
    content_metadata_id: Option<String>,
    #[serde(default, deserialize_with = "fields::optional")]
    dashboard_id: Option<String>,
    #[serde(default, deserialize_with = "fields::optional")]
    look_id: Option<String>,
    #[serde(default, deserialize_with = "fields::optional")]
    board_id: Option<String>,
    #[serde(default)]
    dashboard: Option<Titled>,
    #[serde(default)]
    look: Option<Titled>,
}

#[derive(Deserialize)]
struct Titled {
    #[serde(default, deserialize_with = "fields::optional")]
    title: Option<String>,
}

impl From<Shown> for Favorite {
    fn from(shown: Shown) -> Self {
        let marked = shown.dashboard.or(shown.look);
        Self {
            id: shown.id,
            user_id: shown.user_id,
            content_metadata_id: shown.content_metadata_id,
            dashboard_id: shown.dashboard_id,
            look_id: shown.look_id,
            board_id: shown.board_id,
            title: marked.and_then(|content| content.title),
        }
    }
}

impl Client {
    /// The favourites of a user.
    pub async fn favorites(&self, user_id: &str) -> Result<Vec<Favorite>, LookerError> {
        let template = "/content_favorite/search";
        let call = Call::get("search_content_favorites", template, &[])?
            .query("user_id", user_id)
            .query("sorts", "id")
            .query("fields", FIELDS);
        self.pages(call).await
    }

    /// Add content to the favourites of a user, or of this identity; `None` if it is already one of them.
    pub async fn create_favorite(
        &self,
        user_id: Option<&str>,
        content_metadata_id: &str,
    ) -> Result<Option<Favorite>, LookerError> {
        #[derive(Serialize)]
        struct Body<'a> {
            #[serde(skip_serializing_if = "Option::is_none")]
            user_id: Option<&'a str>,
            content_metadata_id: &'a str,
        }

        let body = Body {
            user_id,
            content_metadata_id,
        };
        let call = Call::post("create_content_favorite", "/content_favorite", &[])?;
        // Safe to repeat: a second favourite is answered 409, which is read as "already there" below.
        match self.json(call.repeatable().json(&body)).await {
            Ok(favorite) => Ok(Some(favorite)),
            // belief: favorite-twice-is-409
            Err(LookerError::Status { status: 409, .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Take a favourite away.
    pub async fn delete_favorite(&self, id: &str) -> Result<Removal, LookerError> {
        let template = "/content_favorite/{content_favorite_id}";
        self.remove(Call::delete("delete_content_favorite", template, &[id])?)
            .await
    }
}
