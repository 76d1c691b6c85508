//! The rows of a query in the format that is asked for.

use serde_json::{Value, json};

use crate::emulator::api::images;
use crate::emulator::api::query_rows::{Column, Rows, names};
use crate::emulator::http::answer::{Body, Refusal};
use crate::emulator::text::html;
use crate::emulator::world::queries::Query;

/// How large a picture is in pixels, if the caller does not say.
const SIZE: (usize, usize) = (800, 600);

/// How an answer is written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Form<'a> {
    pub(super) format: &'a str,
    /// Width and height of a picture.
    pub(super) size: (Option<usize>, Option<usize>),
}

/// What a query gives, in a format.
pub(super) fn body(query: &Query, found: &Rows, form: Form<'_>) -> Result<Body, Refusal> {
    let (width, height) = (form.size.0.unwrap_or(SIZE.0), form.size.1.unwrap_or(SIZE.1));
    let labels = || found.columns.iter().map(|column| column.label.clone());
    let json = |value: Value| Body::Text("application/json", value.to_string());
    Ok(match form.format {
        "json" => json(found.objects(false).into()),
        "json_label" => json(found.objects(true).into()),
        "json_detail" | "json_bi" | "json_fe" => json(detail(query, found)),
        "inline_json" => json(inline(query, found)),
        "csv" => Body::Text("text/csv;charset=utf-8", separated(labels(), found, b',')),
        "txt" => Body::Text(
            "text/plain;charset=utf-8",
            separated(labels(), found, b'\t'),
        ),
        "md" => Body::Text("text/markdown;charset=utf-8", markdown(labels(), found)),
        "html" => Body::Text("text/html;charset=utf-8", table(labels(), found)),
        "sql" => Body::Text("text/plain;charset=utf-8", sql(query)),
        "png" => Body::Bytes("image/png", images::png(width, height)),
        "jpg" => Body::Bytes("image/jpeg", images::JPEG.to_vec()),
        // A wrong file would be worse than a refusal.
        "xlsx" | "gsxml" | "odc" => {
            let message = format!(
                "'result_format' cannot be `{}` in this local Looker.",
                form.format
            );
            return Err(Refusal::invalid("result_format", "invalid", message));
        }
        other => {
            return Err(Refusal::new(400, "Bad Request: unknown 'result_format'")
                .violation(format!("an unknown result format `{other}`")));
        }
    })
}

/// What a query gives that the database refuses: a success, with the error where the rows would be. Told of the forms in JSON
/// by those who test LookML with them; of the others, no one tells.
pub(super) fn failure(query: &Query, error: &str, form: Form<'_>) -> Result<Body, Refusal> {
    let value = match form.format {
        "json" | "json_label" => json!([{ "looker_error": error }]),
        "json_detail" | "json_bi" | "json_fe" => json!({
            "id": query.slug,
            "fields": { "dimensions": [], "measures": [] },
            "data": [],
            "errors": [{ "title": "The query failed.", "message": error }],
            "truncated": false,
        }),
        _ => return Ok(Body::Text("text/plain;charset=utf-8", error.to_owned())),
    };
    Ok(Body::Text("application/json", value.to_string()))
}

fn described(columns: &[Column], measures: bool) -> Vec<Value> {
    let columns = columns
        .iter()
        .filter(|column| column.is_measure == measures);
    columns
        .map(|column| {
            let short = column.name.rsplit('.').next().unwrap_or(&column.name);
            json!({
                "name": column.name,
                "label": column.label,
                "label_short": short,
                "view": column.name.split('.').next(),
                "type": if column.is_number { "number" } else { "string" },
                "is_numeric": column.is_number,
                "category": if measures { "measure" } else { "dimension" },
                "measure": measures,
                "sortable": true,
                "hidden": false,
            })
        })
        .collect()
}

fn detail(query: &Query, found: &Rows) -> Value {
    let data = found.objects(false).into_iter().map(|row| {
        let cells = row.as_object().cloned().unwrap_or_default().into_iter();
        let cells = cells.map(|(name, value)| (name, json!({ "value": value })));
        Value::Object(cells.collect())
    });
    json!({
        "id": query.slug,
        "fields": {
            "dimensions": described(&found.columns, false),
            "measures": described(&found.columns, true),
            "table_calculations": [],
            "pivots": [],
        },
        "data": data.collect::<Vec<_>>(),
        "errors": [],
        "truncated": found.truncated,
        "sql": sql(query),
    })
}

/// Like the plain rows, which are JSON in a text here, with some words about the query.
fn inline(query: &Query, found: &Rows) -> Value {
    json!({
        "data": Value::from(found.objects(false)).to_string(),
        "fields": {
            "dimensions": described(&found.columns, false),
            "measures": described(&found.columns, true),
        },
        "model": query.model,
        "explore": query.view,
    })
}

fn separated(labels: impl Iterator<Item = String>, found: &Rows, delimiter: u8) -> String {
    let mut writer = csv::WriterBuilder::new()
        .delimiter(delimiter)
        .from_writer(Vec::new());
    let head = labels.collect();
    let rows = found.rows.iter().map(|row| row.iter().map(cell).collect());
    for line in std::iter::once(head).chain(rows) {
        let line: Vec<String> = line;
        // Writing into memory cannot fail.
        drop(writer.write_record(line));
    }
    let bytes = writer.into_inner().unwrap_or_default();
    String::from_utf8(bytes).unwrap_or_default()
}

fn markdown(labels: impl Iterator<Item = String>, found: &Rows) -> String {
    let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
    let ruler = found
        .columns
        .iter()
        .map(|_column| "---".to_owned())
        .collect();
    let mut text = line(labels.collect()) + &line(ruler);
    for row in &found.rows {
        text.push_str(&line(row.iter().map(cell).collect()));
    }
    text
}

fn table(labels: impl Iterator<Item = String>, found: &Rows) -> String {
    let cells = |tag: &str, texts: Vec<String>| -> String {
        let cells = texts.iter();
        cells
            .map(|text| format!("<{tag}>{}</{tag}>", html(text)))
            .collect()
    };
    let head = cells("th", labels.collect());
    let body: String = found
        .rows
        .iter()
        .map(|row| format!("<tr>{}</tr>", cells("td", row.iter().map(cell).collect())))
        .collect();
    format!("<table><tr>{head}</tr>{body}</table>")
}

/// A statement that asks for the same.
pub(super) fn sql(query: &Query) -> String {
    let names = names(query).join(", ");
    let limit = query.rest.get("limit").and_then(Value::as_str);
    format!(
        "SELECT {names} FROM {} LIMIT {}",
        query.view,
        limit.unwrap_or("500")
    )
}

fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
