//! The contract in the two forms in which Looker describes its API: Swagger 2 and OpenAPI 3.
//!
//! The Ruby SDK and `looker-cli` make their methods and commands from it.

use serde_json::{Map, Value, json};

use crate::emulator::contract;
use crate::emulator::http::answer::add;
use crate::emulator::http::operation::{API, FORM, Operation, Word};

/// The form of a description.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Dialect {
    Swagger,
    OpenApi,
}

/// Every operation and type of the contract, for a Looker at `scheme` and `host`; without `info`.
pub(crate) fn description(dialect: Dialect, scheme: &str, host: &str) -> Value {
    let mut paths: Map<String, Value> = Map::new();
    for operation in contract::operations() {
        let path = paths.entry(operation.path).or_insert_with(|| json!({}));
        add(path, operation.verb.word(), dialect.operation(operation));
    }
    let types = contract::types().map(|(name, fields)| (name.to_owned(), dialect.object(fields)));
    let types: Map<String, Value> = types.collect();
    match dialect {
        Dialect::Swagger => json!({
            "swagger": "2.0",
            "host": host,
            "basePath": API,
            "schemes": [scheme],
            "consumes": ["application/json"],
            "produces": ["application/json"],
            "paths": paths,
            "definitions": types,
        }),
        Dialect::OpenApi => json!({
            "openapi": "3.0.0",
            "servers": [{ "url": format!("{scheme}://{host}{API}") }],
            "paths": paths,
            "components": { "schemas": types },
        }),
    }
}

impl Dialect {
    fn operation(self, operation: &Operation) -> Value {
        let in_path = operation.path_parameters();
        let in_path = in_path.map(|name| self.parameter("path", name, true, "str"));
        let in_query = operation.parameters();
        let in_query =
            in_query.map(|word| self.parameter("query", word.name, word.is_required(), word.kind));
        let mut parameters: Vec<Value> = in_path.chain(in_query).collect();
        let mut described = json!({
            "operationId": operation.id,
            "responses": { "default": { "description": "" } },
        });
        if let Some(kind) = operation.body {
            let (content_type, schema) = match kind {
                FORM => ("application/x-www-form-urlencoded", json!({})),
                kind => ("application/json", self.kind(kind)),
            };
            match self {
                Self::Swagger if kind == FORM => {
                    add(&mut described, "consumes", vec![content_type]);
                }
                Self::Swagger => parameters.push(json!({
                    "name": "body", "in": "body", "required": true, "schema": schema,
                })),
                Self::OpenApi => {
                    let content = json!({ "content": { content_type: { "schema": schema } } });
                    add(&mut described, "requestBody", content);
                }
            }
        }
        add(&mut described, "parameters", parameters);
        described
    }

    fn parameter(self, place: &str, name: &str, required: bool, kind: &str) -> Value {
        let mut parameter = json!({ "name": name, "in": place, "required": required });
        let schema = self.kind(kind);
        match (self, schema) {
            // Swagger 2 has the type of a parameter beside its name.
            (Self::Swagger, Value::Object(schema)) => {
                let parameter = parameter.as_object_mut();
                parameter
                    .into_iter()
                    .for_each(|it| it.extend(schema.clone()));
            }
            (_, schema) => add(&mut parameter, "schema", schema),
        }
        parameter
    }

    fn object(self, fields: &[&str]) -> Value {
        let described = fields.iter().map(|field| {
            let word = Word::of(field);
            let mut schema = self.kind(word.kind);
            if word.is_nullable() {
                let name = match self {
                    Self::Swagger => "x-looker-nullable",
                    Self::OpenApi => "nullable",
                };
                add(&mut schema, name, true);
            }
            if word.is_read_only() {
                add(&mut schema, "readOnly", true);
            }
            (word.name.to_owned(), schema)
        });
        let described: Map<String, Value> = described.collect();
        json!({ "type": "object", "properties": described })
    }

    fn kind(self, kind: &str) -> Value {
        if let Some(kind) = contract::within(kind, '[', ']') {
            return json!({ "type": "array", "items": self.kind(kind) });
        }
        if let Some(kind) = contract::within(kind, '{', '}') {
            return json!({ "type": "object", "additionalProperties": self.kind(kind) });
        }
        if let Some(words) = contract::within(kind, '(', ')') {
            return json!({ "type": "string", "enum": words.split('|').collect::<Vec<_>>() });
        }
        match kind {
            "any" => json!({}),
            "str" => json!({ "type": "string" }),
            "time" => json!({ "type": "string", "format": "date-time" }),
            "bool" => json!({ "type": "boolean" }),
            "int" => json!({ "type": "integer", "format": "int64" }),
            "num" => json!({ "type": "number", "format": "double" }),
            // A type without fields is an object of any.
            name if !contract::is_type(name) => json!({ "type": "object" }),
            name => {
                let place = match self {
                    Self::Swagger => "definitions",
                    Self::OpenApi => "components/schemas",
                };
                json!({ "$ref": format!("#/{place}/{name}") })
            }
        }
    }
}
