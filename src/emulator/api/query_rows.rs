//! The rows that a query gives: of System Activity from the world, of other models always the same few.

use serde_json::{Map, Value, json};

use crate::emulator::http::answer::Refusal;
use crate::emulator::world::activity::{self, Unanswered};
use crate::emulator::world::explores::{Unread, passes};
use crate::emulator::world::queries::Query;
use crate::emulator::world::{Id, World};

/// How many rows there are of a model that has no data.
const ROWS: u32 = 3;

/// A column of an answer.
#[derive(Debug)]
pub(super) struct Column {
    /// Such as `orders.count`.
    pub(super) name: String,
    /// Such as `Orders Count`.
    pub(super) label: String,
    pub(super) is_measure: bool,
    pub(super) is_number: bool,
}

/// What a query gives.
#[derive(Debug)]
pub(super) struct Rows {
    pub(super) columns: Vec<Column>,
    pub(super) rows: Vec<Vec<Value>>,
    /// There are more than were asked for.
    pub(super) truncated: bool,
}

impl Rows {
    /// Each row as an object, by names or by labels.
    pub(super) fn objects(&self, by_label: bool) -> Vec<Value> {
        let key = |column: &Column| match by_label {
            true => column.label.clone(),
            false => column.name.clone(),
        };
        let object = |row: &Vec<Value>| {
            let pairs = self.columns.iter().map(key).zip(row.iter().cloned());
            Value::Object(Map::from_iter(pairs))
        };
        self.rows.iter().map(object).collect()
    }
}

/// The first `limit` rows of a query of a user, or what the database says is wrong with it.
pub(super) fn rows(
    world: &World,
    user: Id,
    query: &Query,
    limit: usize,
) -> Result<Result<Rows, String>, Refusal> {
    let names = names(query);
    let (mut rows, known) = match query.model == activity::NAME {
        true => (
            activity::rows(world, query, &names).map_err(refusal)?,
            activity::fields(&query.view),
        ),
        false => {
            check_filters(query)?;
            match of_model(world, user, query, &names) {
                Ok(rows) => (rows, Vec::new()),
                Err(error) if world.rules.switches.query_error_is_a_row => return Ok(Err(error)),
                Err(error) => return Err(Refusal::new(400, error)),
            }
        }
    };
    let truncated = rows.len() > limit;
    rows.truncate(limit);
    let columns = names.into_iter().map(|name| {
        let field = known.iter().find(|field| field.name == name);
        let guess = looks_like_a_measure(&name);
        Column {
            label: label(&name),
            is_measure: field.map_or(guess, |field| field.is_measure),
            is_number: field.map_or(guess, |field| field.is_number),
            name,
        }
    });
    Ok(Ok(Rows {
        columns: columns.collect(),
        rows,
        truncated,
    }))
}

/// The rows of an explore, those that the user may see and that pass the filters of the query; or what went wrong.
fn of_model(
    world: &World,
    user: Id,
    query: &Query,
    names: &[String],
) -> Result<Vec<Vec<Value>>, String> {
    let mut models = world.roles.models.iter();
    let model = models.find(|model| model.name == query.model);
    let explore = model.and_then(|model| model.explore(&query.view));
    let seen = explore.map(|explore| world.rows_for(user, explore));
    let rows = match seen.transpose() {
        Ok(rows) => rows.flatten(),
        Err(Unread::Database(error)) => return Err(error),
        Err(Unread::Unset(attribute)) => {
            return Err(format!("The user attribute {attribute} has no value."));
        }
    };
    let Some(rows) = rows else {
        return Ok(made_up(names));
    };
    let filters = query.rest.get("filters").and_then(Value::as_object);
    let passes = |row: &Map<String, Value>| {
        let mut filters = filters.into_iter().flatten();
        filters.all(|(name, filter)| passes(filter.as_str().unwrap_or_default(), row.get(name)))
    };
    let rows = rows.into_iter().filter(passes);
    let cells = |row: Map<String, Value>| {
        let cells = names.iter().map(|name| row.get(name).cloned());
        cells.map(Option::unwrap_or_default).collect()
    };
    Ok(rows.map(cells).collect())
}

/// The names of the fields that a query asks for.
pub(super) fn names(query: &Query) -> Vec<String> {
    let fields = query.rest.get("fields").and_then(Value::as_array);
    let names = fields.into_iter().flatten().filter_map(Value::as_str);
    names.map(ToOwned::to_owned).collect()
}

/// What people read for the name of a field: its view and its own words.
pub(super) fn label(name: &str) -> String {
    let words = name.split(['.', '_']).filter(|word| !word.is_empty());
    let words: Vec<String> = words.map(capital).collect();
    words.join(" ")
}

fn capital(word: &str) -> String {
    if word == "id" {
        return "ID".to_owned();
    }
    let mut letters = word.chars();
    let first = letters.next().map(|first| first.to_uppercase().to_string());
    first.unwrap_or_default() + letters.as_str()
}

fn refusal(unanswered: Unanswered) -> Refusal {
    match unanswered {
        Unanswered::Explore => Refusal::not_found(),
        Unanswered::Filter(name) => Refusal::new(400, format!("Invalid filter: {name}")),
        // An answer without it would hide the gap.
        Unanswered::Unknown(what) => {
            let what = format!("the emulator does not know {what} of System Activity");
            Refusal::unserved(&what)
        }
    }
}

/// Recorded: what is no field of a view cannot be filtered by.
fn check_filters(query: &Query) -> Result<(), Refusal> {
    let filters = query.rest.get("filters").and_then(Value::as_object);
    let mut names = filters.into_iter().flat_map(Map::keys);
    match names.find(|name| !name.contains('.')) {
        Some(name) => {
            let message = format!("The filter \"{name}\" is not allowed.");
            Err(Refusal::new(400, message))
        }
        None => Ok(()),
    }
}

fn made_up(names: &[String]) -> Vec<Vec<Value>> {
    let row = |number| names.iter().map(|name| value(name, number)).collect();
    (1..=ROWS).map(row).collect()
}

fn looks_like_a_measure(name: &str) -> bool {
    let last = name.rsplit('.').next().unwrap_or(name);
    let words = ["count", "total", "sum", "average", "id"];
    words.iter().any(|word| last.contains(word))
}

/// Numbers for what is named like a measure, months for what is named like one, words for the rest.
fn value(name: &str, row: u32) -> Value {
    let last = name.rsplit('.').next().unwrap_or(name);
    match (looks_like_a_measure(name), last.contains("month")) {
        (true, _) => json!(row * 100),
        (false, true) => json!(format!("2024-{row:02}")),
        (false, false) => json!(format!("{last} {row}")),
    }
}

#[cfg(test)]
mod tests {
    use super::label;

    #[test]
    fn a_label_is_the_view_and_the_words_of_the_field() {
        assert_eq!(label("orders.created_month"), "Orders Created Month");
        assert_eq!(label("dashboard.id"), "Dashboard ID");
    }
}
