//! Boards: collections of links to content.

use serde::{Deserialize, Serialize};

use crate::looker::call::Call;
use crate::looker::client::Client;
use crate::looker::error::LookerError;
use crate::looker::fields;

/// The fields of a [`Board`]; the full response includes sections and their links.
const FIELDS: &str = "id,title,user_id,content_metadata_id";

/// A board.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq)]
pub struct Board {
    /// The board's id.
    #[serde(deserialize_with = "fields::id")]
    pub id: String,
    /// The board's title.
    #[serde(default, deserialize_with = "fields::text")]
    pub title: String,
    /// The user who owns it.
    #[serde(default, deserialize_with = "fields::optional")]
    pub user_id: Option<String>,
    /// The id that favourites and access name it by.
    #[serde(default, deserialize_with = "fields::optional")]
    pub content_metadata_id: Option<String>,
}

impl Client {
    /// All boards that this identity can see.
    pub async fn boards(&self) -> Result<Vec<Board>, LookerError> {
        let call = Call::get("all_boards", "/boards", &[])?;
        self.json(call.query("fields", FIELDS)).await
    }

    /// The boards a user created, who need not own them any more. Looker's API description swaps the meanings of `limit`
    /// and `offset`, so neither is sent.
    pub async fn boards_of(&self, user_id: &str) -> Result<Vec<Board>, LookerError> {
        // belief: boards-by-creator, boards-come-whole
        let call = Call::get("search_boards", "/boards/search", &[])?
            .query("creator_id", user_id)
            .query("sorts", "id")
            .query("fields", FIELDS);
        self.json(call).await
    }

    /// The board `id`.
    pub async fn board(&self, id: &str) -> Result<Board, LookerError> {
        let call = Call::get("board", "/boards/{board_id}", &[id])?;
        self.json(call.query("fields", FIELDS)).await
    }

    /// Give a board to another user.
    pub async fn give_board(&self, id: &str, user_id: &str) -> Result<Board, LookerError> {
        #[derive(Serialize)]
        struct Body<'a> {
            user_id: &'a str,
        }

        // belief: board-owner-can-be-written
        let call = Call::patch("update_board", "/boards/{board_id}", &[id])?;
        self.json(call.query("fields", FIELDS).json(&Body { user_id }))
            .await
    }
}
