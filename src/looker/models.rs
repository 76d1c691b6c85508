//! LookML models.

use serde::Deserialize;

use crate::looker::call::Call;
use crate::looker::client::Client;
use crate::looker::error::LookerError;
use crate::looker::fields;

/// A LookML model.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq)]
pub struct LookmlModel {
    /// The model's name, as used in grants.
    #[serde(deserialize_with = "fields::id")]
    pub name: String,
    /// The display name.
    #[serde(default, deserialize_with = "fields::optional")]
    pub label: Option<String>,
    /// The project it belongs to.
    #[serde(default, deserialize_with = "fields::optional")]
    pub project_name: Option<String>,
    /// The explores that can be queried.
    #[serde(default, deserialize_with = "fields::list")]
    pub explores: Vec<Explore>,
}

/// An explore of a model.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq)]
pub struct Explore {
    /// The explore's name.
    #[serde(default, deserialize_with = "fields::text")]
    pub name: String,
    /// Whether menus leave it out.
    #[serde(default, deserialize_with = "fields::flag")]
    pub hidden: bool,
}

impl Client {
    /// The models that this identity can see.
    pub async fn lookml_models(&self) -> Result<Vec<LookmlModel>, LookerError> {
        // belief: models-are-those-listed
        let call = Call::get("all_lookml_models", "/lookml_models", &[])?;
        self.json(call.query("fields", "name,label,project_name,explores"))
            .await
    }
}
