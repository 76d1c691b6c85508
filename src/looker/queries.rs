//! Queries: what tiles and looks ask, and their results.

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::looker::call::Call;
use crate::looker::client::Client;
use crate::looker::error::LookerError;
use crate::looker::fields;

/// The fields of a saved query that decide which rows come; the others are about how they look, or are Looker's own.
const ASKED: [&str; 11] = [
    "model",
    "view",
    "fields",
    "pivots",
    "filters",
    "filter_expression",
    "sorts",
    "column_limit",
    "dynamic_fields",
    "query_timezone",
    "subtotals",
];

/// What is asked of an explore.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
pub struct Query {
    /// The saved query's id.
    #[serde(default, deserialize_with = "fields::optional")]
    pub id: Option<String>,
    /// The model.
    #[serde(default, deserialize_with = "fields::text")]
    pub model: String,
    /// The explore.
    #[serde(default, deserialize_with = "fields::text")]
    pub view: String,
    /// The filters, by field.
    #[serde(default)]
    pub filters: Option<Map<String, Value>>,
    /// The other fields, as Looker shows them.
    #[serde(flatten)]
    rest: Map<String, Value>,
}

impl Query {
    /// The same question with these filters instead of its own.
    #[must_use]
    pub fn with_filters(&self, filters: Map<String, Value>) -> Self {
        Self {
            // It is another query now.
            id: None,
            filters: Some(filters),
            ..self.clone()
        }
    }

    /// The body that asks the same, for a limited number of rows.
    fn body(&self, limit: u32) -> Value {
        let mut body = self.rest.clone();
        body.insert("model".to_owned(), self.model.clone().into());
        body.insert("view".to_owned(), self.view.clone().into());
        body.insert("filters".to_owned(), self.filters.clone().into());
        body.retain(|name, value| ASKED.contains(&name.as_str()) && !value.is_null());
        body.insert("limit".to_owned(), limit.to_string().into());
        Value::Object(body)
    }
}

/// The result of running a query.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Ran {
    /// At least one row with something in it.
    Rows,
    /// No row, or a single one without a value, as a count or a sum of nothing gives it.
    Nothing,
    /// The database or the model refuses it, in Looker's words.
    Failed(String),
}

impl Ran {
    /// What rows as JSON mean; `None` if they are not what Looker is known to give.
    fn of(answer: &Value) -> Option<Self> {
        let rows = answer.as_array()?;
        let Some(first) = rows.first() else {
            return Some(Self::Nothing);
        };
        let first = first.as_object()?;
        // belief: query-error-is-a-row
        if let Some(error) = first.get("looker_error") {
            let text = error.as_str().unwrap_or("no reason given");
            return Some(Self::Failed(one_line(text)));
        }
        let empty = |value: &Value| match value {
            Value::Null => true,
            Value::Number(number) => number.as_f64() == Some(0.0),
            Value::String(text) => text.is_empty(),
            // Pivoted values lie one level deeper; an empty one is an empty object.
            Value::Object(values) => values.is_empty(),
            Value::Bool(_) | Value::Array(_) => false,
        };
        Some(match rows.len() == 1 && first.values().all(empty) {
            true => Self::Nothing,
            false => Self::Rows,
        })
    }
}

/// An explore's filter on a field by a user attribute.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq)]
pub struct AccessFilter {
    /// The field.
    #[serde(default, deserialize_with = "fields::text")]
    pub field: String,
    /// The user attribute.
    #[serde(default, deserialize_with = "fields::text")]
    pub user_attribute: String,
}

impl Client {
    /// Run a query for one row, as this identity.
    pub async fn run_for_one_row(&self, query: &Query) -> Result<Ran, LookerError> {
        let call = match &query.id {
            Some(id) => {
                let template = "/queries/{query_id}/run/{result_format}";
                Call::get("run_query", template, &[id, "json"])?.query("limit", "1")
            }
            // Running a question twice is the same as running it once.
            None => Call::post(
                "run_inline_query",
                "/queries/run/{result_format}",
                &["json"],
            )?
            .json(&query.body(1))
            .repeatable(),
        };
        let operation = call.operation;
        let answer: Value = match self.json(call).await {
            Ok(answer) => answer,
            // belief: query-error-is-a-row
            Err(LookerError::Status {
                status: 400,
                message,
                ..
            }) => return Ok(Ran::Failed(message)),
            Err(LookerError::Validation { message, .. }) => return Ok(Ran::Failed(message)),
            Err(error) => return Err(error),
        };
        Ran::of(&answer).ok_or_else(|| LookerError::Decode {
            operation,
            problem: "it is no list of rows".to_owned(),
        })
    }

    /// The filters by user attributes that an explore puts into every query.
    pub async fn access_filters(
        &self,
        model: &str,
        explore: &str,
    ) -> Result<Vec<AccessFilter>, LookerError> {
        #[derive(Deserialize)]
        struct Shown {
            #[serde(default, deserialize_with = "fields::list")]
            access_filters: Vec<AccessFilter>,
        }

        let template = "/lookml_models/{lookml_model_name}/explores/{explore_name}";
        let call = Call::get("lookml_model_explore", template, &[model, explore])?;
        let shown: Shown = self.json(call.query("fields", "access_filters")).await?;
        Ok(shown.access_filters)
    }
}

/// A database's text as one line of bounded length.
fn one_line(text: &str) -> String {
    const LONGEST: usize = 300;
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ").chars().take(LONGEST).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Query, Ran};

    #[test]
    fn a_row_without_a_value_is_nothing_and_an_error_is_no_row() {
        let failed = |text: &str| Some(Ran::Failed(text.to_owned()));
        for (answer, means) in [
            (json!([]), Some(Ran::Nothing)),
            (json!([{ "orders.count": 0 }]), Some(Ran::Nothing)),
            (
                json!([{ "orders.count": null, "orders.total": null }]),
                Some(Ran::Nothing),
            ),
            (
                json!([{ "orders.status": "new", "orders.count": 0 }]),
                Some(Ran::Rows),
            ),
            (
                json!([{ "looker_error": "SQL ERROR:\n no table" }]),
                failed("SQL ERROR: no table"),
            ),
            (json!({ "data": [] }), None),
            (json!(["x"]), None),
        ] {
            assert_eq!(Ran::of(&answer), means, "{answer}");
        }
    }

    #[test]
    fn the_body_has_what_decides_the_rows_and_nothing_that_is_lookers_own() {
        let shown = json!({
            "id": "7", "model": "m", "view": "v", "fields": ["v.a"], "filters": { "v.a": "1" }, "limit": "500",
            "can": {}, "slug": "x", "vis_config": {}, "filter_config": {}, "pivots": null,
        });
        let query: Query = serde_json::from_value(shown).unwrap();

        assert_eq!(query.id.as_deref(), Some("7"));
        assert_eq!(
            query.with_filters(serde_json::Map::new()).body(1),
            json!({ "model": "m", "view": "v", "fields": ["v.a"], "filters": {}, "limit": "1" }),
        );
        assert_eq!(query.with_filters(serde_json::Map::new()).id, None);
    }
}
