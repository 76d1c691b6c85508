//! Changes as text for people.

use std::fmt;

use serde_json::Value;

use crate::plan::change::{Action, Change, KeyChange};
use crate::plan::field::{Carried, Difference};

impl fmt::Display for Change {
    /// A line for the user, and one for each difference.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = match self.action {
            Action::Create => '+',
            Action::Update => '~',
            Action::Key => '*',
            Action::Disable => '-',
            Action::Enable => '~',
            Action::Unchanged => '=',
            Action::Refused => '!',
        };
        write!(f, "{sign} {} {}", self.action.word(), self.external_user_id)?;
        if let Some(id) = &self.looker_user_id {
            write!(f, " (Looker user {id})")?;
        }
        if self.ends_sessions && self.login.is_none() {
            f.write_str(", ends its sessions")?;
        }
        if let Some(refused) = &self.refused {
            write!(f, ": {}", refused.reason)?;
            if let Some(advice) = &refused.advice {
                write!(f, "\n    {advice}")?;
            }
        }
        for difference in &self.differences {
            write!(f, "\n    {difference}")?;
        }
        if self.ends_sessions && self.login.is_some() {
            let fields: Vec<_> = self.login_fields().map(ToString::to_string).collect();
            let fields = fields.join(", ");
            let repeats = match self.carried.is_empty() {
                true => "",
                false => " and repeats",
            };
            write!(
                f,
                "\n    needs a login for {fields}, which ends its sessions{repeats}"
            )?;
            for Carried { field, value } in &self.carried {
                write!(f, "\n      {field}: {}", word(value))?;
            }
        }
        match self.key {
            KeyChange::None => Ok(()),
            KeyChange::Mint => f.write_str("\n    key: minted"),
            KeyChange::Rotate => f.write_str("\n    key: minted, replacing the present ones"),
        }
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
