//! Folders.

use serde::{Deserialize, Serialize};

use crate::looker::call::Call;
use crate::looker::client::Client;
use crate::looker::error::LookerError;
use crate::looker::fields;

/// The fields of a [`Folder`]; the full response includes its content.
const FIELDS: &str = "id,name,parent_id,creator_id,content_metadata_id,is_personal";

/// A folder.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq)]
pub struct Folder {
    /// The folder's id.
    #[serde(deserialize_with = "fields::id")]
    pub id: String,
    /// The folder's name, unique within its parent.
    #[serde(default, deserialize_with = "fields::text")]
    pub name: String,
    /// The parent folder; root folders have none.
    #[serde(default, deserialize_with = "fields::optional")]
    pub parent_id: Option<String>,
    /// The user who created it, which cannot be changed.
    #[serde(default, deserialize_with = "fields::optional")]
    pub creator_id: Option<String>,
    /// The id that content access refers to.
    #[serde(default, deserialize_with = "fields::optional")]
    pub content_metadata_id: Option<String>,
    /// Whether it is a user's personal folder; sub-folders of one are not.
    #[serde(default, deserialize_with = "fields::flag")]
    pub is_personal: bool,
}

/// Changes of a folder; `None` leaves a field as it is.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
pub struct FolderChanges {
    /// The name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The folder it is in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent_id: Option<String>,
}

impl Client {
    /// All folders that this identity can see.
    pub async fn folders(&self) -> Result<Vec<Folder>, LookerError> {
        let call = Call::get("all_folders", "/folders", &[])?;
        self.json(call.query("fields", FIELDS)).await
    }

    /// The folder `id`.
    pub async fn folder(&self, id: &str) -> Result<Folder, LookerError> {
        let call = Call::get("folder", "/folders/{folder_id}", &[id])?;
        self.json(call.query("fields", FIELDS)).await
    }

    /// The direct sub-folders of a folder.
    pub async fn folder_children(&self, id: &str) -> Result<Vec<Folder>, LookerError> {
        let call = Call::get("folder_children", "/folders/{folder_id}/children", &[id])?
            .query("sorts", "id")
            .query("fields", FIELDS);
        self.pages(call).await
    }

    /// Rename a folder, or move it with everything in it.
    pub async fn update_folder(
        &self,
        id: &str,
        changes: &FolderChanges,
    ) -> Result<Folder, LookerError> {
        let call = Call::patch("update_folder", "/folders/{folder_id}", &[id])?;
        self.json(call.json(changes)).await
    }
}
