//! Which attribute values are a user's own: decided only by words that were recorded from real Lookers.
//!
//! A user's own value must be carried over when the user moves; a value from a group or a default must not be copied.
//! Looker distinguishes the two by a word, and the full list of words is published nowhere. So a word that was never
//! recorded is unknown, and code that would act on it stops and names it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use tokio::sync::OnceCell;

use crate::looker::attributes::{AttributeValue, GroupValue};
use crate::looker::client::Client;
use crate::looker::error::LookerError;

/// The attributes that Looker fills in from the user's account (recorded: ids 1 to 10 of an instance, all with the source
/// `System Setting`). A login sets them through other parameters, or they cannot be set.
const ACCOUNT: [&str; 10] = [
    "first_name",
    "last_name",
    "email",
    "name",
    "timezone",
    "id",
    "ldap_user_id",
    "saml_user_id",
    "google_user_id",
    "oidc_user_id",
];

/// The built-in attributes for which a user can have its own value (recorded: ids 11 to 13 of an instance, with the source
/// `Default`; Looker's help has embed logins set the first two).
const SETTABLE: [&str; 3] = ["locale", "number_format", "landing_page"];

/// The rank of a user's own value (recorded with the source `User Setting`, and with no other).
const OWN_RANK: i64 = -1;

/// Where a value comes from.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Origin {
    /// The user's own.
    Own,
    /// It comes from elsewhere, or there is no value.
    Elsewhere,
    /// Looker's word was never recorded, or contradicts the rest of the row.
    Unknown,
}

impl AttributeValue {
    /// Where the value comes from. The words are the recorded ones, and for an own value also the word that `doctor --probe`
    /// saw on this instance; the word for a group's value was never recorded.
    pub fn origin(&self) -> Origin {
        // belief: source-own-word, source-default-word, source-system-word, source-other-words, source-rank
        let has_own_rank = self.rank.map(|rank| rank == OWN_RANK);
        match (self.source.as_deref(), has_own_rank) {
            (Some("User Setting"), Some(true) | None) => Origin::Own,
            (Some("System Setting" | "Default" | "No Value"), None) if self.is_own_word => {
                Origin::Unknown
            }
            (Some("System Setting" | "Default"), Some(false) | None) => Origin::Elsewhere,
            (Some("No Value"), Some(false) | None)
                if self.value.as_deref().unwrap_or_default().is_empty() =>
            {
                Origin::Elsewhere
            }
            // A word recorded for values from elsewhere becomes ambiguous if this instance uses it for own values.
            (Some("System Setting" | "Default" | "No Value"), _) => Origin::Unknown,
            (Some(_), Some(true) | None) if self.is_own_word => Origin::Own,
            _ => Origin::Unknown,
        }
    }

    /// Whether Looker says that a group gives the value. The word was never recorded, so it needs evidence.
    fn names_group(&self) -> bool {
        let word = self.source.as_deref().unwrap_or_default();
        let names = word
            .get(..5)
            .is_some_and(|start| start.eq_ignore_ascii_case("group"));
        names && self.rank != Some(OWN_RANK)
    }
}

/// The time zone among a user's values, if it has one that Looker shows.
pub fn shown_timezone(rows: &[AttributeValue]) -> Option<&str> {
    let row = rows.iter().find(|row| row.name == "timezone")?;
    row.shown().filter(|zone| !zone.is_empty())
}

/// A user's own values, and those whose origin is unknown.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OwnValues {
    /// The user's own values, by the name of the attribute; `None` if Looker hides the value.
    pub values: BTreeMap<String, Option<String>>,
    /// The values whose origin is unknown.
    pub unknown: Vec<UnknownValue>,
}

/// A value whose origin is unknown.
#[derive(Clone, Default, Deserialize, PartialEq, Serialize)]
pub struct UnknownValue {
    /// The attribute.
    pub name: String,
    /// Looker's word for where the value comes from.
    pub source: Option<String>,
    /// The rank that Looker gives it.
    pub rank: Option<i64>,
    /// The value; `None` if Looker hides it.
    pub value: Option<String>,
}

impl From<AttributeValue> for UnknownValue {
    fn from(row: AttributeValue) -> Self {
        let value = row.shown().map(str::to_owned);
        Self {
            name: match row.name.is_empty() {
                true => format!("attribute {}", row.user_attribute_id),
                false => row.name,
            },
            source: row.source,
            rank: row.rank,
            value,
        }
    }
}

impl fmt::Debug for UnknownValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for UnknownValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            name, source, rank, ..
        } = self;
        match (source, rank) {
            (None, _) => write!(f, "`{name}` (no source)"),
            (Some(word), Some(rank)) => write!(f, "`{name}` (source `{word}`, rank {rank})"),
            (Some(word), None) => write!(f, "`{name}` (source `{word}`)"),
        }
    }
}

impl OwnValues {
    /// The same, with the unknown values counted as the user's own.
    #[must_use]
    pub fn with_unknown(mut self) -> Self {
        let unknown = self.unknown.drain(..);
        let unknown = unknown.map(|unknown| (unknown.name, unknown.value));
        self.values.extend(unknown);
        self
    }
}

/// Reads users' own values, and keeps what is the same for all users of the instance.
#[derive(Clone, Debug)]
pub struct OwnValueReader {
    client: Client,
    learnt: Arc<Learnt>,
}

#[derive(Debug, Default)]
struct Learnt {
    /// The names of the built-in attributes.
    system: OnceCell<BTreeSet<String>>,
    /// The values that groups give, by attribute id.
    groups: Mutex<HashMap<String, Arc<[GroupValue]>>>,
}

impl OwnValueReader {
    /// Read through `client`, an admin.
    pub fn new(client: Client) -> Self {
        Self {
            client,
            learnt: Arc::default(),
        }
    }

    /// The user's own values among `rows`, which are all that Looker shows for a user in the groups `group_ids`.
    pub async fn own(
        &self,
        rows: &[AttributeValue],
        group_ids: &[String],
    ) -> Result<OwnValues, LookerError> {
        let mut own = OwnValues::default();
        for row in rows {
            if self.is_left_out(row).await? {
                continue;
            }
            match row.origin() {
                Origin::Elsewhere => {}
                Origin::Own => {
                    let value = row.shown().map(str::to_owned);
                    own.values.insert(row.name.clone(), value);
                }
                Origin::Unknown if self.comes_from_group(row, group_ids).await? => {}
                Origin::Unknown => own.unknown.push(row.clone().into()),
            }
        }
        Ok(own)
    }

    /// Whether the attribute is built in and never carried over.
    async fn is_left_out(&self, row: &AttributeValue) -> Result<bool, LookerError> {
        let name = row.name.as_str();
        if ACCOUNT.contains(&name) {
            return Ok(true);
        }
        // If the word already decides, the list of attributes need not be fetched.
        if SETTABLE.contains(&name) || row.origin() == Origin::Elsewhere {
            return Ok(false);
        }
        let ask = || async {
            let all = self.client.user_attributes().await?;
            // belief: system-attributes
            let system = all.into_iter().filter(|attribute| attribute.is_system);
            Ok::<_, LookerError>(system.map(|attribute| attribute.name).collect())
        };
        let system = self.learnt.system.get_or_try_init(ask).await?;
        Ok(system.contains(name))
    }

    /// Whether one of the user's groups gives exactly this value: every member of that group has it anyway.
    async fn comes_from_group(
        &self,
        row: &AttributeValue,
        group_ids: &[String],
    ) -> Result<bool, LookerError> {
        // belief: hidden-value-is-blank
        if !row.names_group() || row.value_is_hidden {
            return Ok(false);
        }
        let values = self.group_values(&row.user_attribute_id).await?;
        Ok(values.iter().any(|given| {
            !given.value_is_hidden
                && given.value == row.value
                && group_ids.contains(&given.group_id)
        }))
    }

    async fn group_values(&self, attribute_id: &str) -> Result<Arc<[GroupValue]>, LookerError> {
        let known = || {
            let known = self.learnt.groups.lock();
            let known = known.unwrap_or_else(PoisonError::into_inner);
            known.get(attribute_id).cloned()
        };
        if let Some(known) = known() {
            return Ok(known);
        }
        let read: Arc<[GroupValue]> = match self.client.group_values(attribute_id).await {
            Ok(read) => read.into(),
            // Without evidence the origin stays unknown.
            Err(error) if matches!(error.http_status(), Some(403..=405)) => Arc::default(),
            Err(error) => return Err(error),
        };
        let learnt = self.learnt.groups.lock();
        let mut learnt = learnt.unwrap_or_else(PoisonError::into_inner);
        learnt.insert(attribute_id.to_owned(), Arc::clone(&read));
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::{AttributeValue, Origin};

    fn row(json: &str) -> AttributeValue {
        serde_json::from_str(json).unwrap()
    }

    fn origin(source: &str, rank: i64, value: &str) -> Origin {
        AttributeValue {
            user_attribute_id: "1".to_owned(),
            value: Some(value.to_owned()),
            source: Some(source.to_owned()),
            rank: Some(rank),
            ..AttributeValue::default()
        }
        .origin()
    }

    /// The rows are those of a recorded answer (resolutionlife/terraform-provider-looker, 2023-03-07).
    #[test]
    fn recorded_rows_are_told_apart() {
        for (json, expected) in [
            (
                r#"{"name":"x","rank":-1,"value":"25","value_is_hidden":false,"user_attribute_id":"732","source":"User Setting"}"#,
                Origin::Own,
            ),
            (
                r#"{"name":"locale","rank":1,"value":"en","value_is_hidden":false,"user_attribute_id":"11","source":"Default"}"#,
                Origin::Elsewhere,
            ),
            (
                r#"{"name":"attr_c","rank":1,"value":"","value_is_hidden":true,"user_attribute_id":"720","source":"No Value"}"#,
                Origin::Elsewhere,
            ),
            (
                r#"{"name":"timezone","rank":1,"value":"","value_is_hidden":false,"user_attribute_id":"5","source":"System Setting"}"#,
                Origin::Elsewhere,
            ),
        ] {
            assert_eq!(row(json).origin(), expected, "{json}");
        }
    }

    #[test]
    fn a_word_that_was_never_recorded_is_unknown() {
        for word in [
            "user",
            "user setting",
            "User",
            "Group: Sales",
            "default",
            "Set for user",
        ] {
            assert_eq!(origin(word, 1, "x"), Origin::Unknown, "{word}");
            assert_eq!(origin(word, -1, "x"), Origin::Unknown, "{word}");
        }
        for json in [
            r#"{"user_attribute_id":"1","value":"x"}"#,
            r#"{"user_attribute_id":"1","value":"x","source":null,"rank":-1}"#,
            r#"{"user_attribute_id":"1","value":"x","source":""}"#,
        ] {
            assert_eq!(row(json).origin(), Origin::Unknown, "{json}");
        }
    }

    #[test]
    fn the_word_that_a_probe_saw_for_an_own_value_is_believed_unless_it_is_a_known_one_for_others()
    {
        let origin = |source: &str, rank: Option<i64>| {
            AttributeValue {
                source: Some(source.to_owned()),
                rank,
                is_own_word: true,
                ..AttributeValue::default()
            }
            .origin()
        };
        assert_eq!(origin("Set for user", Some(-1)), Origin::Own);
        assert_eq!(origin("Set for user", None), Origin::Own);
        assert_eq!(origin("Set for user", Some(1)), Origin::Unknown);
        assert_eq!(origin("Default", Some(-1)), Origin::Unknown);
        assert_eq!(origin("Default", Some(1)), Origin::Elsewhere);
        assert_eq!(origin("Default", None), Origin::Unknown);
    }

    #[test]
    fn a_word_that_contradicts_the_rest_of_the_row_is_unknown() {
        assert_eq!(origin("User Setting", 1, "x"), Origin::Unknown);
        assert_eq!(origin("Default", -1, "x"), Origin::Unknown);
        assert_eq!(origin("No Value", -1, ""), Origin::Unknown);
        assert_eq!(origin("No Value", 1, "x"), Origin::Unknown);
    }

    #[test]
    fn an_empty_value_is_one_if_it_is_the_users_own() {
        let own = row(
            r#"{"name":"x","user_attribute_id":"1","value":"","source":"User Setting","rank":-1}"#,
        );
        assert_eq!((own.origin(), own.shown()), (Origin::Own, Some("")));
    }
}
