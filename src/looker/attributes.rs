//! User attributes and their values.

use serde::{Deserialize, Serialize};

use crate::looker::call::Call;
use crate::looker::client::{Client, Removal};
use crate::looker::error::LookerError;
use crate::looker::fields;

/// A user attribute.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq)]
pub struct UserAttribute {
    /// The attribute's id.
    #[serde(deserialize_with = "fields::id")]
    pub id: String,
    /// The name that grants name it by.
    #[serde(default, deserialize_with = "fields::text")]
    pub name: String,
    /// The name to show.
    #[serde(default, deserialize_with = "fields::optional")]
    pub label: Option<String>,
    /// Its type, as in `string`, `number` or `advanced_filter_string`.
    #[serde(default, rename = "type", deserialize_with = "fields::optional")]
    pub kind: Option<String>,
    /// Whether Looker hides its values from everyone.
    #[serde(default, deserialize_with = "fields::flag")]
    pub value_is_hidden: bool,
    /// Whether it is built in.
    #[serde(default, deserialize_with = "fields::flag")]
    pub is_system: bool,
}

/// A user's value for an attribute. Row-level security may depend on it, so `Debug` leaves it out.
#[derive(Clone, Default, Deserialize, Eq, PartialEq)]
pub struct AttributeValue {
    /// The attribute's id.
    #[serde(deserialize_with = "fields::id")]
    pub user_attribute_id: String,
    /// The attribute's name.
    #[serde(default, deserialize_with = "fields::text")]
    pub name: String,
    /// The value as Looker returns it: `""` for an empty value, for no value, and for a hidden one.
    #[serde(default, deserialize_with = "fields::exact")]
    pub value: Option<String>,
    /// Whether Looker hides the value.
    #[serde(default, deserialize_with = "fields::flag")]
    pub value_is_hidden: bool,
    /// Looker's word for where the value comes from.
    #[serde(default, deserialize_with = "fields::optional")]
    pub source: Option<String>,
    /// Its precedence among the places a value can come from; the lowest wins.
    #[serde(default)]
    pub rank: Option<i64>,
    /// Whether `source` is the word that a probe saw on this instance for a user's own value.
    #[serde(skip)]
    pub is_own_word: bool,
}

impl AttributeValue {
    /// The value unless Looker hides it; `""` if there is none.
    pub fn shown(&self) -> Option<&str> {
        (!self.value_is_hidden).then(|| self.value.as_deref().unwrap_or_default())
    }
}

impl std::fmt::Debug for AttributeValue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AttributeValue")
            .field("user_attribute_id", &self.user_attribute_id)
            .field("name", &self.name)
            .field("source", &self.source)
            .field("rank", &self.rank)
            .finish_non_exhaustive()
    }
}

/// The value that a group gives its users.
#[derive(Clone, Default, Deserialize, Eq, PartialEq)]
pub struct GroupValue {
    /// The group.
    #[serde(default, deserialize_with = "fields::text")]
    pub group_id: String,
    /// The value.
    #[serde(default, deserialize_with = "fields::exact")]
    pub value: Option<String>,
    /// Whether the value is not shown.
    #[serde(default, deserialize_with = "fields::flag")]
    pub value_is_hidden: bool,
}

impl std::fmt::Debug for GroupValue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("GroupValue")
            .field("group_id", &self.group_id)
            .finish_non_exhaustive()
    }
}

impl Client {
    /// All user attributes.
    pub async fn user_attributes(&self) -> Result<Vec<UserAttribute>, LookerError> {
        let call = Call::get("all_user_attributes", "/user_attributes", &[])?;
        self.json(call).await
    }

    /// The values a user has, those from groups and defaults included.
    pub async fn attribute_values(
        &self,
        user_id: &str,
    ) -> Result<Vec<AttributeValue>, LookerError> {
        let template = "/users/{user_id}/attribute_values";
        let operation = "user_attribute_user_values";
        let call = Call::get(operation, template, &[user_id])?;
        let mut values: Vec<AttributeValue> = self.json(call).await?;
        // Marked here, because only the client knows what a probe learned about this instance.
        for value in &mut values {
            value.is_own_word =
                value.source.is_some() && value.source.as_deref() == self.own_source();
        }
        Ok(values)
    }

    /// The values that groups give for an attribute.
    pub async fn group_values(&self, attribute_id: &str) -> Result<Vec<GroupValue>, LookerError> {
        let template = "/user_attributes/{user_attribute_id}/group_values";
        // belief: group-values-are-listed
        let operation = "all_user_attribute_group_values";
        self.json(Call::get(operation, template, &[attribute_id])?)
            .await
    }

    /// Set a user's own value.
    pub async fn set_attribute_value(
        &self,
        user_id: &str,
        attribute_id: &str,
        value: &str,
    ) -> Result<AttributeValue, LookerError> {
        #[derive(Serialize)]
        struct Body<'a> {
            value: &'a str,
        }

        let template = "/users/{user_id}/attribute_values/{user_attribute_id}";
        let ids = [user_id, attribute_id];
        // belief: attribute-set-by-patch
        let call = Call::patch("set_user_attribute_user_value", template, &ids)?;
        self.json(call.json(&Body { value })).await
    }

    /// Delete a user's own value, which brings back the value of a group or the default.
    pub async fn delete_attribute_value(
        &self,
        user_id: &str,
        attribute_id: &str,
    ) -> Result<Removal, LookerError> {
        let template = "/users/{user_id}/attribute_values/{user_attribute_id}";
        let ids = [user_id, attribute_id];
        self.remove(Call::delete(
            // belief: attribute-delete-is-own
            "delete_user_attribute_user_value",
            template,
            &ids,
        )?)
        .await
    }
}
