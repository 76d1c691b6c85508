//! The person's user attributes: values with their sources, empty ones, and hidden ones without their values.

use serde_json::{Value, json};

use crate::commands::users::explain::findings::Findings;
use crate::commands::users::explain::person::Person;
use crate::looker::AttributeValue;

/// What is known of a person's value for an attribute.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Standing<'a> {
    Value(&'a str),
    Empty,
    /// Looker shows neither the value nor whether there is one.
    Hidden,
}

impl Person {
    /// The person's value for an attribute; `None` if the attributes cannot be read.
    pub(super) fn attribute(&self, name: &str) -> Option<Standing<'_>> {
        let rows = self.attributes.as_ref().ok()?;
        let row = rows.iter().find(|row| row.name == name);
        // belief: unset-values-have-rows
        Some(row.map_or(Standing::Empty, standing))
    }

    /// The attributes that were made on this instance.
    fn made_here(&self) -> impl Iterator<Item = &AttributeValue> {
        let rows = self.attributes.iter().flatten();
        rows.filter(|row| !self.built_in.contains(&row.name))
    }

    /// Say which attributes the person has; whether they are right only its queries can tell.
    pub(super) fn judge_attributes(&self, findings: &mut Findings) {
        if let Err(why) = &self.attributes {
            return findings.unclear("attributes", why);
        }
        let rows: Vec<String> = self.made_here().map(in_words).collect();
        findings.pass(
            "attributes",
            match rows.is_empty() {
                true => "none".to_owned(),
                false => rows.join("; "),
            },
        );
    }

    /// The attributes for programs.
    pub(super) fn attributes_json(&self) -> Value {
        let rows = self.made_here().map(|row| {
            let value = match standing(row) {
                Standing::Value(value) => Some(value),
                Standing::Empty | Standing::Hidden => None,
            };
            json!({ "name": row.name, "value": value, "hidden": row.value_is_hidden, "source": row.source })
        });
        match self.attributes {
            Ok(_) => rows.collect(),
            Err(_) => Value::Null,
        }
    }
}

fn standing(row: &AttributeValue) -> Standing<'_> {
    match row.shown() {
        Some("") => Standing::Empty,
        Some(value) => Standing::Value(value),
        // Recorded: the source of an attribute without a value says so, whether it is hidden or not.
        None if row.source.as_deref() == Some("No Value") => Standing::Empty,
        None => Standing::Hidden,
    }
}

fn in_words(row: &AttributeValue) -> String {
    let source = row.source.as_deref().unwrap_or("no source");
    match standing(row) {
        Standing::Value(value) => format!("{} = {value} ({source})", row.name),
        Standing::Empty => format!("{} is empty ({source})", row.name),
        Standing::Hidden => format!("{} is hidden ({source})", row.name),
    }
}
