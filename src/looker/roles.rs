//! Roles: a permission set on a model set.

use serde::Deserialize;

use crate::looker::call::Call;
use crate::looker::client::Client;
use crate::looker::error::LookerError;
use crate::looker::fields;

/// A role.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq)]
pub struct Role {
    /// The role's id.
    #[serde(deserialize_with = "fields::id")]
    pub id: String,
    /// The role's name.
    #[serde(default, deserialize_with = "fields::text")]
    pub name: String,
    /// Its permission set.
    #[serde(default)]
    pub permission_set: Option<PermissionSet>,
    /// Its model set.
    #[serde(default)]
    pub model_set: Option<ModelSet>,
}

/// A permission set.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq)]
pub struct PermissionSet {
    /// The set's id.
    #[serde(default, deserialize_with = "fields::optional")]
    pub id: Option<String>,
    /// The set's name.
    #[serde(default, deserialize_with = "fields::text")]
    pub name: String,
    /// The permissions.
    #[serde(default, deserialize_with = "fields::list")]
    pub permissions: Vec<String>,
    /// Whether it contains all permissions.
    #[serde(default, deserialize_with = "fields::flag")]
    pub all_access: bool,
}

/// A model set.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq)]
pub struct ModelSet {
    /// The set's id.
    #[serde(default, deserialize_with = "fields::optional")]
    pub id: Option<String>,
    /// The set's name.
    #[serde(default, deserialize_with = "fields::text")]
    pub name: String,
    /// The models' names.
    #[serde(default, deserialize_with = "fields::list")]
    pub models: Vec<String>,
    /// Whether it contains all models.
    #[serde(default, deserialize_with = "fields::flag")]
    pub all_access: bool,
}

impl Client {
    /// All roles.
    pub async fn roles(&self) -> Result<Vec<Role>, LookerError> {
        self.json(Call::get("all_roles", "/roles", &[])?).await
    }

    /// The roles of a user; with `direct`, without those that come from a group.
    pub async fn user_roles(&self, user_id: &str, direct: bool) -> Result<Vec<Role>, LookerError> {
        let call = Call::get("user_roles", "/users/{user_id}/roles", &[user_id])?;
        self.json(call.query_some("direct_association_only", direct.then_some(true)))
            .await
    }

    /// Replace the direct roles of a user.
    pub async fn set_user_roles(
        &self,
        user_id: &str,
        role_ids: &[String],
    ) -> Result<Vec<Role>, LookerError> {
        let ids = [user_id];
        let method = reqwest::Method::PUT;
        // belief: set-roles-replaces
        let call = Call::new(method, "set_user_roles", "/users/{user_id}/roles", &ids)?;
        self.json(call.json(&role_ids)).await
    }
}
