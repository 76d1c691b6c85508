//! Changes as text for people.

use std::fmt;

use serde_json::Value;

use crate::plan::change::{Action, Change, KeyChange};
use crate::plan::field::{Carried, Difference};

impl fmt::Display for Change {
    /// A line for the user, and one for each difference.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let id = &self.external_user_id;
        let user = match &self.looker_user_id {
            Some(looker) => format!("{id} (Looker user {looker})"),
            None => id.clone(),
        };
        write!(f, "{}{}", self.heading(&user), self.details())
    }
}

impl Change {
    /// The first line, about `users`.
    pub(crate) fn heading(&self, users: &str) -> String {
        let sign = match self.action {
            Action::Create => '+',
            Action::Update | Action::Enable => '~',
            Action::Key => '*',
            Action::Disable => '-',
            Action::Unchanged => '=',
            Action::Refused => '!',
        };
        let ends = match self.ends_sessions && self.login.is_none() {
            true => ", ends open sessions",
            false => "",
        };
        format!("{sign} {} {users}{ends}", self.action.word())
    }

    /// All that follows the first line: the same text for users of whom the same changes.
    pub(crate) fn details(&self) -> String {
        let mut text = String::new();
        if let Some(refused) = &self.refused {
            text.extend([": ", &refused.reason]);
            if let Some(advice) = &refused.advice {
                text.extend(["\n    ", advice]);
            }
        }
        for difference in &self.differences {
            text.extend(["\n    ", &difference.to_string()]);
        }
        if self.ends_sessions && self.login.is_some() {
            let fields: Vec<_> = self.login_fields().map(ToString::to_string).collect();
            let repeats = match self.carried.is_empty() {
                true => "",
                false => " and repeats",
            };
            let fields = fields.join(", ");
            let ends = "which ends open sessions";
            text.extend(["\n    needs a login for ", &fields, ", ", ends, repeats]);
            for Carried { field, value } in &self.carried {
                text.extend(["\n      ", &field.to_string(), ": ", &word(value)]);
            }
        }
        text.push_str(match self.key {
            KeyChange::None => "",
            KeyChange::Mint => "\n    key: minted",
            KeyChange::Rotate => "\n    key: minted, replacing the present ones",
        });
        text
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { field, from, to } = self;
        match (from, to) {
            (Value::Array(from), Value::Array(to)) => {
                write!(f, "{field}:")?;
                for gone in from.iter().filter(|item| !to.contains(item)) {
                    write!(f, " -{}", word(gone))?;
                }
                for new in to.iter().filter(|item| !from.contains(item)) {
                    write!(f, " +{}", word(new))?;
                }
                Ok(())
            }
            (Value::Null, to) => write!(f, "{field}: {}", word(to)),
            (from, to) => write!(f, "{field}: {} -> {}", word(from), word(to)),
        }
    }
}

/// A value without JSON syntax; text with spaces in quotes, so that they show.
fn word(value: &Value) -> String {
    match value {
        Value::Null => "none".to_owned(),
        Value::String(text) if text.contains(char::is_whitespace) || text.is_empty() => {
            format!("`{text}`")
        }
        Value::String(text) => text.clone(),
        Value::Array(items) => {
            let items: Vec<_> = items.iter().map(word).collect();
            items.join(", ")
        }
        other => other.to_string(),
    }
}
