//! Probes of attribute values: Looker's words for the origin of a value.

use serde_json::Value;

use crate::commands::doctor::probe::{Seen, Trial, seen};
use crate::error::Error;

/// The user's own value to set.
pub(super) const VALUE: &str = "embedctl-doctor";

/// The recorded sources of values that are not the user's own.
const OTHERS: [&str; 3] = ["Default", "System Setting", "No Value"];

/// A value as Looker's API returns it.
pub(super) struct Row(Value);

impl Row {
    pub(super) fn is_of(&self, attribute: &str) -> bool {
        match self.0.get("user_attribute_id") {
            Some(Value::String(id)) => id == attribute,
            Some(Value::Number(id)) => id.to_string() == attribute,
            _ => false,
        }
    }

    pub(super) fn source(&self) -> &str {
        self.0
            .get("source")
            .and_then(Value::as_str)
            .unwrap_or_default()
    }

    pub(super) fn has_value(&self, value: &str) -> bool {
        self.0.get("value").is_some_and(|is| is == value)
    }
}

/// All values of the user.
pub(super) async fn rows(trial: &Trial<'_>) -> Result<Vec<Row>, Error> {
    let path = format!("/users/{}/attribute_values", trial.user.id);
    let operation = "user_attribute_user_values";
    let values = trial.read(trial.admin, operation, &path).await?;
    let values = values.as_array().cloned().unwrap_or_default();
    Ok(values.into_iter().map(Row).collect())
}

/// Attributes suitable for a trial: text, neither hidden nor built in, and settable for the user.
pub(super) async fn free(trial: &Trial<'_>) -> Result<Vec<(String, String)>, Error> {
    let all = trial.admin.user_attributes().await?.into_iter();
    let free = all.filter(|attribute| {
        !attribute.value_is_hidden
            && !attribute.is_system
            && attribute.kind.as_deref() == Some("string")
    });
    Ok(free
        .map(|attribute| (attribute.id, attribute.name))
        .collect())
}

/// The words for the origin of values, one of which is the user's own.
pub(super) async fn words(trial: &Trial<'_>) -> Result<Vec<Seen>, Error> {
    let before = rows(trial).await?;
    let mut said = Vec::new();
    let mut strange: Vec<&str> = before.iter().map(Row::source).collect();
    strange.retain(|source| !OTHERS.contains(source));
    strange.sort_unstable();
    strange.dedup();
    said.push(seen(
        "source-other-words",
        strange.is_empty(),
        "the sources are among those recorded",
        || format!("there are the sources `{}`", strange.join("`, `")),
    ));
    let unset = before.iter().filter(|row| row.source() == "No Value");
    let mut unset = unset.peekable();
    if unset.peek().is_some() {
        said.push(seen(
            "unset-value-is-empty",
            unset.all(|row| row.has_value("")),
            "values that are not set are empty texts",
            || "values that are not set are not empty texts".to_owned(),
        ));
    }
    let Some((attribute, _)) = free(trial).await?.into_iter().next() else {
        return Ok(said);
    };
    trial
        .admin
        .set_attribute_value(&trial.user.id, &attribute, VALUE)
        .await?;
    let now = rows(trial).await?;
    let own = now.iter().find(|row| row.is_of(&attribute));
    said.push(seen(
        "attribute-set-by-patch",
        own.is_some_and(|row| row.has_value(VALUE)),
        "a value that was set reads back",
        || "a value that was set does not read back".to_owned(),
    ));
    if let Some(own) = own.filter(|row| row.has_value(VALUE)) {
        let source = own.source().to_owned();
        said.push(seen(
            "source-own-word",
            source == "User Setting",
            "the source of an own value is `User Setting`",
            || format!("the source of an own value is `{source}`"),
        ));
        let rank = own
            .0
            .get("rank")
            .map_or_else(|| "missing".to_owned(), Value::to_string);
        said.push(seen(
            "source-rank",
            rank == "-1",
            "the rank of an own value is -1",
            || format!("the rank of an own value is {rank}"),
        ));
        trial.note(|answers| answers.own_source = Some(source));
    }
    Ok(said)
}
