//! The rows of a query: always the same few, in the format that is asked for.

use serde_json::{Map, Value, json};

use crate::emulator::http::answer::Refusal;
use crate::emulator::text::html;
use crate::emulator::world::queries::Query;

/// How many rows there are.
const ROWS: u32 = 3;

/// The content type and the text of a query's rows, `limit` of them at most.
pub(super) fn text(
    query: &Query,
    limit: usize,
    format: &str,
) -> Result<(&'static str, String), Refusal> {
    let names = names(query);
    let rows = rows(&names, limit);
    Ok(match format {
        "json" => (
            "application/json",
            Value::from_iter(objects(&names, &rows)).to_string(),
        ),
        "json_detail" | "json_bi" => ("application/json", detail(query, &names, &rows).to_string()),
        "csv" => ("text/csv;charset=utf-8", separated(&names, &rows, ",")),
        "txt" => ("text/plain;charset=utf-8", separated(&names, &rows, "\t")),
        "md" => ("text/markdown;charset=utf-8", markdown(&names, &rows)),
        "html" => ("text/html;charset=utf-8", table(&names, &rows)),
        "sql" => ("text/plain;charset=utf-8", sql(query, &names, limit)),
        // These need a renderer; a wrong file would be worse than a refusal.
        "xlsx" | "png" | "jpg" => {
            let message = format!("'result_format' cannot be `{format}` in this local Looker.");
            return Err(Refusal::invalid("result_format", "invalid", message));
        }
        other => {
            return Err(Refusal::new(400, "Bad Request: unknown 'result_format'")
                .violation(format!("an unknown result format `{other}`")));
        }
    })
}

fn names(query: &Query) -> Vec<String> {
    let fields = query.rest.get("fields").and_then(Value::as_array);
    let names = fields.into_iter().flatten().filter_map(Value::as_str);
    names.map(ToOwned::to_owned).collect()
}

fn rows(names: &[String], limit: usize) -> Vec<Vec<Value>> {
    let numbers = (1..=ROWS).take(limit);
    numbers
        .map(|number| names.iter().map(|name| value(name, number)).collect())
        .collect()
}

/// Numbers for what is named like a measure, months for what is named like one, words for the rest.
fn value(name: &str, row: u32) -> Value {
    let last = name.rsplit('.').next().unwrap_or(name);
    let is_measure = ["count", "total", "sum", "average", "id"]
        .iter()
        .any(|word| last.contains(word));
    match (is_measure, last.contains("month")) {
        (true, _) => json!(row * 100),
        (false, true) => json!(format!("2024-{row:02}")),
        (false, false) => json!(format!("{last} {row}")),
    }
}

fn objects(names: &[String], rows: &[Vec<Value>]) -> Vec<Value> {
    let object = |row: &Vec<Value>| {
        let pairs = names.iter().cloned().zip(row.iter().cloned());
        Value::Object(Map::from_iter(pairs))
    };
    rows.iter().map(object).collect()
}

fn detail(query: &Query, names: &[String], rows: &[Vec<Value>]) -> Value {
    let data = objects(names, rows).into_iter().map(|row| {
        let cells = row.as_object().cloned().unwrap_or_default().into_iter();
        let cells = cells.map(|(name, value)| (name, json!({ "value": value })));
        Value::Object(cells.collect())
    });
    let fields: Vec<Value> = names.iter().map(|name| json!({ "name": name })).collect();
    json!({
        "id": query.slug,
        "fields": { "dimensions": fields, "measures": [], "table_calculations": [], "pivots": [] },
        "data": data.collect::<Vec<_>>(),
        "errors": [],
        "truncated": false,
        "sql": sql(query, names, rows.len()),
    })
}

fn separated(names: &[String], rows: &[Vec<Value>], separator: &str) -> String {
    let mut text = names.join(separator) + "\n";
    for row in rows {
        let cells: Vec<String> = row.iter().map(cell).collect();
        text.push_str(&cells.join(separator));
        text.push('\n');
    }
    text
}

fn markdown(names: &[String], rows: &[Vec<Value>]) -> String {
    let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
    let ruler = names.iter().map(|_name| "---".to_owned()).collect();
    let mut text = line(names.to_vec()) + &line(ruler);
    for row in rows {
        text.push_str(&line(row.iter().map(cell).collect()));
    }
    text
}

fn table(names: &[String], rows: &[Vec<Value>]) -> String {
    let cells = |tag: &str, texts: Vec<String>| -> String {
        let cells = texts.iter();
        cells
            .map(|text| format!("<{tag}>{}</{tag}>", html(text)))
            .collect()
    };
    let head = cells("th", names.to_vec());
    let body: String = rows
        .iter()
        .map(|row| format!("<tr>{}</tr>", cells("td", row.iter().map(cell).collect())))
        .collect();
    format!("<table><tr>{head}</tr>{body}</table>")
}

fn sql(query: &Query, names: &[String], limit: usize) -> String {
    let names = names.join(", ");
    format!("SELECT {names} FROM {} LIMIT {limit}", query.view)
}

fn cell(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), ToOwned::to_owned)
}
