//! What a LookML model has: explores, with the rows behind them and the filters that users cannot take away, and
//! dashboards that are written in LookML.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::emulator::world::World;
use crate::emulator::world::table::Id;

/// An explore.
#[derive(Clone, Debug, Default)]
pub(crate) struct Explore {
    pub(crate) name: String,
    pub(crate) access_filters: Vec<AccessFilter>,
    /// The rows behind it; made-up ones if `None`.
    pub(crate) rows: Option<Vec<Map<String, Value>>>,
    /// What the database says to every query of it.
    pub(crate) error: Option<String>,
}

/// A user sees only the rows in which a field has the user's own value for an attribute.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AccessFilter {
    pub(crate) field: String,
    pub(crate) user_attribute: String,
}

/// A dashboard that is written in LookML: it has no owner, and whoever may see those of its model sees it.
#[derive(Clone, Debug)]
pub(crate) struct LookmlDashboard {
    pub(crate) name: String,
    pub(crate) title: String,
    /// The titles of its tiles, and what they show.
    pub(crate) elements: Vec<(String, Id)>,
}

/// Why an explore gives no rows at all.
#[derive(Debug)]
pub(crate) enum Unread {
    /// The database says so.
    Database(String),
    /// The user has no value for an attribute that an access filter needs.
    Unset(String),
}

impl Explore {
    /// An explore with nothing but a name.
    pub(crate) fn named(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            ..Self::default()
        }
    }
}

impl World {
    /// The rows that a user may see of an explore; `None` if they are made up.
    pub(crate) fn rows_for(
        &self,
        user: Id,
        explore: &Explore,
    ) -> Result<Option<Vec<Map<String, Value>>>, Unread> {
        if let Some(error) = &explore.error {
            return Err(Unread::Database(error.clone()));
        }
        let Some(mut rows) = explore.rows.clone() else {
            return Ok(None);
        };
        for filter in &explore.access_filters {
            let value = self.value_of(user, &filter.user_attribute);
            if value.is_empty() && !self.rules.switches.unset_access_filter_is_empty {
                return Err(Unread::Unset(filter.user_attribute.clone()));
            }
            // Without a value, no row is the user's.
            rows.retain(|row| !value.is_empty() && passes(&value, row.get(&filter.field)));
        }
        Ok(Some(rows))
    }

    fn value_of(&self, user: Id, attribute: &str) -> String {
        let known = self.attributes.by_name(attribute);
        let value = known.and_then(|(id, attribute)| {
            let user = (user, self.users.at(user)?);
            Some(self.attribute_of(user, id, attribute).value)
        });
        value.unwrap_or_default()
    }
}

/// Whether a value passes a filter: one of the values that the filter lists, or any at all. Of Looker's filter expressions,
/// no more is understood here.
pub(crate) fn passes(filter: &str, value: Option<&Value>) -> bool {
    let value = match value {
        Some(Value::String(text)) => text.clone(),
        Some(value) => value.to_string(),
        None => return true,
    };
    let mut wanted = filter.split(',').map(str::trim);
    filter.is_empty() || wanted.any(|wanted| wanted == "%" || wanted == value)
}
