//! The fields of an embed user that a manifest can name.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A field, as named in manifests and plans.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(from = "String", into = "String")]
pub(crate) enum Field {
    State,
    FirstName,
    LastName,
    Permissions,
    Models,
    GroupIds,
    ExternalGroupId,
    UserTimezone,
    /// The value of a user attribute.
    Attribute(String),
}

/// The fields with a fixed name.
const NAMES: [(&str, Field); 8] = [
    ("state", Field::State),
    ("first_name", Field::FirstName),
    ("last_name", Field::LastName),
    ("permissions", Field::Permissions),
    ("models", Field::Models),
    ("group_ids", Field::GroupIds),
    ("external_group_id", Field::ExternalGroupId),
    ("user_timezone", Field::UserTimezone),
];

/// A field that changes.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub(crate) struct Difference {
    /// The field.
    pub(crate) field: Field,
    /// Its present value; null for none.
    pub(crate) from: Value,
    /// Its new value; null to remove it.
    pub(crate) to: Value,
}

/// A grant that a login repeats.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub(crate) struct Carried {
    /// The field.
    pub(crate) field: Field,
    /// Its value.
    pub(crate) value: Value,
}

impl Field {
    /// Whether only an embed login can change it for an existing user.
    pub(crate) const fn takes_login(&self) -> bool {
        matches!(
            self,
            Self::Permissions | Self::Models | Self::ExternalGroupId | Self::UserTimezone
        )
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Self::Attribute(name) = self {
            return write!(f, "attr.{name}");
        }
        let named = NAMES.iter().find(|(_, field)| field == self);
        f.write_str(named.map(|(name, _)| *name).unwrap_or_default())
    }
}

impl From<Field> for String {
    fn from(field: Field) -> Self {
        field.to_string()
    }
}

impl From<String> for Field {
    fn from(name: String) -> Self {
        let named = NAMES.iter().find(|(known, _)| *known == name);
        named.map_or_else(
            || Self::Attribute(name.strip_prefix("attr.").unwrap_or(&name).to_owned()),
            |(_, field)| field.clone(),
        )
    }
}
