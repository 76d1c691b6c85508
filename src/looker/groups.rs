//! Groups and their members.

use serde::{Deserialize, Serialize};

use crate::looker::call::Call;
use crate::looker::client::{Client, Removal};
use crate::looker::error::LookerError;
use crate::looker::fields;

/// A group.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq)]
pub struct Group {
    /// The group's id.
    #[serde(deserialize_with = "fields::id")]
    pub id: String,
    /// The group's name.
    #[serde(default, deserialize_with = "fields::text")]
    pub name: String,
    /// The id used in embed logins; only external groups have one.
    #[serde(default, deserialize_with = "fields::optional")]
    pub external_group_id: Option<String>,
    // belief: all-users-is-by-default
    /// Whether every user is a member.
    #[serde(default, deserialize_with = "fields::flag")]
    pub include_by_default: bool,
    /// How many members it has.
    #[serde(default)]
    pub user_count: Option<u64>,
}

impl Group {
    /// Whether a login names it for a user of the external group `external`: not that group itself, which the login joins
    /// anyway, and not one that includes everyone.
    pub fn is_named_by_login(&self, external: Option<&str>) -> bool {
        let is_external =
            self.external_group_id.is_some() && self.external_group_id.as_deref() == external;
        !is_external && !self.include_by_default
    }
}

impl Client {
    /// All groups.
    pub async fn groups(&self) -> Result<Vec<Group>, LookerError> {
        let call = Call::get("all_groups", "/groups", &[])?;
        self.json(call.query(
            "fields",
            "id,name,external_group_id,include_by_default,user_count",
        ))
        .await
    }

    /// Add a user to a group.
    pub async fn add_group_user(&self, group_id: &str, user_id: &str) -> Result<(), LookerError> {
        #[derive(Serialize)]
        struct Body<'a> {
            user_id: &'a str,
        }

        // belief: group-user-by-body
        let call = Call::post("add_group_user", "/groups/{group_id}/users", &[group_id])?;
        self.done(call.json(&Body { user_id })).await
    }

    /// Remove a user from a group.
    pub async fn delete_group_user(
        &self,
        group_id: &str,
        user_id: &str,
    ) -> Result<Removal, LookerError> {
        let template = "/groups/{group_id}/users/{user_id}";
        let ids = [group_id, user_id];
        self.remove(Call::delete("delete_group_user", template, &ids)?)
            .await
    }
}
