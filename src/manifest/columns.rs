//! The columns of a manifest: their names, and what was probably meant by others.

use std::fmt;

use crate::manifest::Known;
use crate::manifest::spelling::{bare, squashed};
use crate::report::nearest;

/// A column of CSV, or a key of a user in JSON and YAML.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Column {
    ExternalUserId,
    FirstName,
    LastName,
    Models,
    Permissions,
    GroupIds,
    ExternalGroupId,
    UserTimezone,
    UserAttributes,
    Key,
    State,
    /// Why a row failed; ignored on reading.
    Reason,
    /// `attr.NAME`, in CSV only.
    Attribute(String),
}

/// Their names, in the order of writing.
pub(super) const NAMES: [(&str, Column); 12] = [
    ("external_user_id", Column::ExternalUserId),
    ("first_name", Column::FirstName),
    ("last_name", Column::LastName),
    ("models", Column::Models),
    ("permissions", Column::Permissions),
    ("group_ids", Column::GroupIds),
    ("external_group_id", Column::ExternalGroupId),
    ("user_timezone", Column::UserTimezone),
    ("user_attributes", Column::UserAttributes),
    ("key", Column::Key),
    ("state", Column::State),
    ("reason", Column::Reason),
];

/// The prefix of an attribute's column in CSV.
pub(super) const ATTRIBUTE: &str = "attr.";

/// The column that every manifest has.
pub(super) const ID: &str = NAMES[0].0;

/// What people call an e-mail address, which often is the id of a user.
const ADDRESSES: [&str; 3] = ["email", "mail", "emailaddress"];

/// What people call columns, without the characters that [`squashed`] drops.
const SYNONYMS: [(&str, &[&str]); 10] = [
    (
        "external_user_id",
        &[
            "id",
            "userid",
            "uid",
            "user",
            "externalid",
            "username",
            "login",
        ],
    ),
    ("first_name", &["givenname", "forename"]),
    ("last_name", &["surname", "familyname"]),
    ("models", &["model", "modelset"]),
    (
        "permissions",
        &["permission", "permissionset", "role", "roles"],
    ),
    (
        "group_ids",
        &["group", "groups", "groupid", "groupname", "groupnames"],
    ),
    (
        "external_group_id",
        &["externalgroup", "tenant", "tenantid", "company"],
    ),
    ("user_timezone", &["timezone", "tz"]),
    ("key", &["keys", "apikey"]),
    (
        "state",
        &["status", "active", "enabled", "disabled", "isdisabled"],
    ),
];

/// Why a name is no column.
#[derive(Debug)]
pub(super) struct UnknownColumn {
    pub(super) message: String,
    /// Whether the user's id was probably meant.
    pub(super) means_id: bool,
}

impl Column {
    /// The column of CSV called `name`, in any case and with spaces; attributes are spelled as `known` does.
    pub(super) fn of_cell(name: &str, known: Option<&Known>) -> Option<Self> {
        let wanted = squashed(name);
        let named = NAMES.iter().find(|(known, _)| squashed(known) == wanted);
        match named {
            // A cell cannot hold an object.
            Some((_, Self::UserAttributes)) => None,
            Some((_, column)) => Some(column.clone()),
            None => {
                let attribute = attribute(name)?;
                let spelled = known.and_then(|known| known.spelling(attribute));
                Some(Self::Attribute(spelled.unwrap_or(attribute).to_owned()))
            }
        }
    }

    /// The member of a user called `name` in JSON and YAML.
    pub(super) fn of_key(name: &str, known: Option<&Known>) -> Result<Self, String> {
        let named = NAMES.iter().find(|(known, _)| *known == name);
        let column = named.map(|(_, column)| column.clone());
        column.ok_or_else(|| unknown_key(name, known))
    }

    /// Whether a value is a list.
    pub(super) const fn is_list(&self) -> bool {
        matches!(self, Self::Models | Self::Permissions | Self::GroupIds)
    }
}

impl fmt::Display for Column {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Self::Attribute(attribute) = self {
            return write!(f, "{ATTRIBUTE}{attribute}");
        }
        let known = NAMES.iter().find(|(_, known)| known == self);
        f.write_str(known.map(|(name, _)| *name).unwrap_or_default())
    }
}

/// The attribute in `name`, if that starts with `attr.`, in any case.
pub(super) fn attribute(name: &str) -> Option<&str> {
    let (prefix, attribute) = name.split_at_checked(ATTRIBUTE.len())?;
    let attribute = bare(attribute);
    (prefix.eq_ignore_ascii_case(ATTRIBUTE) && !attribute.is_empty()).then_some(attribute)
}

/// Why there is no column `name` in CSV, and what it should be; `has_id` says whether another one is the user's id.
pub(super) fn unknown_column(name: &str, known: Option<&Known>, has_id: bool) -> UnknownColumn {
    let squashed = squashed(name);
    let meant = meant(&squashed, name);
    let is_id = meant == Some(ID) || ADDRESSES.contains(&squashed.as_str());
    let spelled = || known.and_then(|known| known.spelling(name));
    let hint = match squashed.as_str() {
        "userattributes" => {
            "in CSV each user attribute has its own column, called `attr.NAME`".to_owned()
        }
        "name" | "fullname" | "displayname" => {
            "a user has a `first_name` and a `last_name`".to_owned()
        }
        "lookeruserid" | "lookerid" => {
            format!("users are named by your own id, `{ID}`, and not by Looker's")
        }
        address if ADDRESSES.contains(&address) => match has_id {
            true => "an embed user has no e-mail address: leave the column out".to_owned(),
            false => format!(
                "an embed user has no e-mail address: call the column `{ID}` if it is your id of the user"
            ),
        },
        squashed if squashed.contains("externaluserid") && name.contains(['|', '\t']) => {
            "separate columns by `,`, `;` or tab".to_owned()
        }
        _ if is_id && has_id => format!("the id of the user is `{ID}`: leave this column out"),
        _ if is_id => format!("did you mean `{ID}`, your own id of the user?"),
        // What is there at Looker is more likely than what looks alike.
        _ => match (spelled(), meant) {
            (Some(attribute), _) => format!("did you mean `{ATTRIBUTE}{attribute}`?"),
            (None, Some(meant)) => format!("did you mean `{meant}`?"),
            (None, None) => format!("the column of a user attribute is called `{ATTRIBUTE}NAME`"),
        },
    };
    UnknownColumn {
        message: format!("there is no column `{name}`; {hint}"),
        means_id: is_id || squashed.contains("externaluserid") || squashed.starts_with("looker"),
    }
}

fn unknown_key(name: &str, known: Option<&Known>) -> String {
    let bare = attribute(name).unwrap_or(name);
    let attribute = known.and_then(|known| known.spelling(bare));
    let hint = match (meant(&squashed(name), name), attribute) {
        (Some(ID), _) => format!("; did you mean `{ID}`?"),
        (_, Some(attribute)) => format!("; did you mean `user_attributes: {{{attribute}: …}}`?"),
        (Some(meant), None) => format!("; did you mean `{meant}`?"),
        (None, None) => String::new(),
    };
    format!("there is no key `{name}`{hint}")
}

/// The column that was probably meant.
fn meant(squashed: &str, name: &str) -> Option<&'static str> {
    let synonym = SYNONYMS.iter().find(|(_, names)| names.contains(&squashed));
    synonym
        .map(|(meant, _)| *meant)
        .or_else(|| nearest(name, NAMES.iter().map(|(name, _)| *name)))
}
