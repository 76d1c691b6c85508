//! Changes as text for people.

use std::fmt;

use serde_json::Value;

use crate::plan::change::{Action, Change, KeyChange};
use crate::plan::field::{Carried, Difference};

impl fmt::Display for Change {
    /// A line for the user, and one for each difference.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.heading(&self.named()), self.details())
    }
}

impl Change {
    /// The user, by both ids.
    pub(crate) fn named(&self) -> String {
        let id = &self.external_user_id;
        match &self.looker_user_id {
            Some(looker) => format!("{id} (Looker user {looker})"),
            None => id.clone(),
        }
    }

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
        self.detail_parts()
            .into_iter()
            .map(|(_, text)| text)
            .collect()
    }

    /// The same in parts, each with what it does.
    pub(crate) fn detail_parts(&self) -> Vec<(Sign, String)> {
        let mut parts = Vec::new();
        if let Some(refused) = &self.refused {
            parts.push((Sign::Minus, format!(": {}", refused.reason)));
            if let Some(advice) = &refused.advice {
                parts.push((Sign::None, format!("\n    {advice}")));
            }
        }
        for difference in &self.differences {
            parts.push((Sign::None, "\n    ".to_owned()));
            parts.extend(difference.parts());
        }
        if self.ends_sessions && self.login.is_some() {
            let fields: Vec<_> = self.login_fields().map(ToString::to_string).collect();
            let repeats = match self.carried.is_empty() {
                true => "",
                false => " and repeats",
            };
            let fields = fields.join(", ");
            let login = format!("needs a login for {fields}, which ends open sessions{repeats}");
            parts.extend([(Sign::None, "\n    ".to_owned()), (Sign::Tilde, login)]);
            for Carried { field, value } in &self.carried {
                parts.push((Sign::None, format!("\n      {field}: {}", word(value))));
            }
        }
        let key = match self.key {
            KeyChange::None => return parts,
            KeyChange::Mint => (Sign::Plus, "key: minted"),
            KeyChange::Rotate => (Sign::Tilde, "key: minted, replacing the present ones"),
        };
        parts.extend([(Sign::None, "\n    ".to_owned()), (key.0, key.1.to_owned())]);
        parts
    }
}

/// What a part of a change does.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Sign {
    /// It adds something.
    Plus,
    /// It changes something, or ends sessions.
    Tilde,
    /// It removes something.
    Minus,
    /// Nothing.
    None,
}

impl Difference {
    /// Its text in parts, each with what it does.
    fn parts(&self) -> Vec<(Sign, String)> {
        let Self { field, from, to } = self;
        match (from, to) {
            (Value::Array(from), Value::Array(to)) => {
                let gone = from.iter().filter(|item| !to.contains(item));
                let gone = gone.map(|item| (Sign::Minus, format!(" -{}", word(item))));
                let new = to.iter().filter(|item| !from.contains(item));
                let new = new.map(|item| (Sign::Plus, format!(" +{}", word(item))));
                let field = (Sign::None, format!("{field}:"));
                std::iter::once(field).chain(gone).chain(new).collect()
            }
            (Value::Null, to) => vec![(Sign::Plus, format!("{field}: {}", word(to)))],
            (from, to) => {
                let sign = match to {
                    Value::Null => Sign::Minus,
                    _ => Sign::Tilde,
                };
                vec![(sign, format!("{field}: {} -> {}", word(from), word(to)))]
            }
        }
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = self.parts().into_iter();
        parts.try_for_each(|(_, text)| f.write_str(&text))
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
