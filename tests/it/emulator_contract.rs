//! The emulator's digest of Looker's API, held against Looker's own description and its newest SDK.
//!
//! `EMBEDCTL_UPDATE_REFERENCE=1 cargo test --locked emulator_contract` writes the digest anew.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use crate::support::{Sandbox, output, skip};

/// What the lines of the newest SDK begin with.
const NEWER: &str = "+ ";

/// What lines begin with that are written by hand.
const BY_HAND: &str = "~ ";

#[test]
fn the_contract_is_what_the_description_says() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/looker/openapi-4.0.json");
    let Ok(text) = fs::read_to_string(&path) else {
        // The description is Looker's and no part of this project, so that a stranger's clone has none.
        skip(&format!(
            "there is no OpenAPI description in {}",
            path.display()
        ));
        return;
    };
    hold(&described(&serde_json::from_str(&text).unwrap()), |line| {
        !line.starts_with(NEWER) && !line.starts_with(BY_HAND)
    });
}

#[tokio::test]
async fn the_contract_has_what_the_newest_sdk_adds() {
    let Some(sdk) = crate::sdk::Sdk::python() else {
        return;
    };
    let sandbox = Sandbox::offline();
    let mut command = sandbox.program(&sdk.interpreter);
    command.arg(sdk.scripts.join("surface.py"));
    let surface = output(command).await.done().json();

    let (_header, lines) = contract();
    let known = lines.iter().map(String::as_str);
    let known = known.filter(|line| !line.starts_with(NEWER) && !line.starts_with(BY_HAND));
    hold(&added(&surface, &known.collect::<Vec<_>>()), |line| {
        line.starts_with(NEWER)
    });
}

/// The lines that belong to a source are `expected`; they are written if that is asked for.
fn hold(expected: &[String], belongs: impl Fn(&str) -> bool) {
    let (header, mut lines) = contract();
    if std::env::var_os("EMBEDCTL_UPDATE_REFERENCE").is_some() {
        lines.retain(|line| !belongs(line));
        lines.extend(expected.iter().cloned());
        lines.sort_by_key(|line| {
            let marked = line.starts_with(NEWER) || line.starts_with(BY_HAND);
            (marked, !is_operation(line))
        });
        fs::write(contract_path(), header + &lines.join("\n") + "\n").unwrap();
        return;
    }
    let there: BTreeSet<&String> = lines.iter().filter(|line| belongs(line)).collect();
    let wanted: BTreeSet<&String> = expected.iter().collect();
    let missing: Vec<_> = wanted.difference(&there).collect();
    let unfounded: Vec<_> = there.difference(&wanted).collect();
    assert!(
        missing.is_empty() && unfounded.is_empty(),
        "the contract lacks {missing:#?}, and has {unfounded:#?}"
    );
}

fn contract_path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/emulator/contract.txt")
}

/// The comment at the head of the contract, and its lines.
fn contract() -> (String, Vec<String>) {
    let text = fs::read_to_string(contract_path()).unwrap();
    let (header, lines): (Vec<&str>, Vec<&str>) =
        text.lines().partition(|line| line.starts_with('#'));
    let header: String = header.iter().map(|line| format!("{line}\n")).collect();
    (header, lines.into_iter().map(str::to_owned).collect())
}

fn is_operation(line: &str) -> bool {
    line.contains(" /")
}

/// The lines of a description: its operations, and the types that their bodies are made of.
fn described(description: &Value) -> Vec<String> {
    let schemas = description["components"]["schemas"].as_object().unwrap();
    let mut types = BTreeSet::new();
    let mut lines = Vec::new();
    for (path, operations) in description["paths"].as_object().unwrap() {
        for (verb, operation) in operations.as_object().unwrap() {
            let content = operation["requestBody"]["content"].as_object();
            let body = content.and_then(|content| content.iter().next());
            let body = body.map(|(kind, content)| match kind.as_str() {
                "application/json" => kind_of(&content["schema"], None),
                "text/plain" => "text".to_owned(),
                _ => "form".to_owned(),
            });
            if let Some(body) = &body {
                gather(body, schemas, &mut types);
            }
            let parameters = operation["parameters"].as_array();
            lines.push(operation_line(
                &verb.to_uppercase(),
                &typed_path(path, parameters),
                operation["operationId"].as_str().unwrap(),
                parameters.into_iter().flatten().filter_map(query_word),
                body.as_deref(),
            ));
        }
    }
    for name in &types {
        let fields = properties(&schemas[name]);
        let words = fields.iter().map(|(name, field)| {
            // Beside a reference, OpenAPI cannot say that a field may be null.
            let nullable = field["nullable"] == true || field["$ref"].is_string();
            let marks = [(nullable, "?"), (field["readOnly"] == true, "!")];
            let marks = marks.map(|(is, mark)| if is { mark } else { "" });
            word(name, &kind_of(field, Some(&types)), &marks.concat())
        });
        lines.push(type_line(name, words));
    }
    lines
}

/// What the newest SDK has beyond the `known` lines: operations, parameters, fields, and the types that those are of.
fn added(surface: &Value, known: &[&str]) -> Vec<String> {
    let known: BTreeMap<&str, BTreeSet<&str>> = known.iter().copied().map(named).collect();
    let none = BTreeSet::new();
    let models = surface["models"].as_object().unwrap();
    let mut types: BTreeSet<String> = BTreeSet::new();
    let mut lines = Vec::new();
    for (id, operation) in surface["operations"].as_object().unwrap() {
        let there = known.get(id.as_str());
        let query = operation["query"].as_object().unwrap().iter();
        let query: Vec<String> = query
            .filter(|(name, _)| !there.unwrap_or(&none).contains(name.as_str()))
            .map(|(name, one)| {
                let mark = if one["required"] == true { "*" } else { "" };
                word(name, one["type"].as_str().unwrap(), mark)
            })
            .collect();
        if there.is_some() && query.is_empty() {
            continue;
        }
        let body = operation["body"].as_str().filter(|_| there.is_none());
        let (verb, path) = (&operation["verb"], &operation["path"]);
        let (verb, path) = (verb.as_str().unwrap(), path.as_str().unwrap());
        lines.push(operation_line(verb, path, id, query.into_iter(), body));
        types.extend(body.into_iter().flat_map(names_in));
    }
    types.extend(
        known
            .keys()
            .filter(|name| models.contains_key(**name))
            .map(|name| (*name).to_owned()),
    );
    let mut todo: Vec<String> = types.iter().cloned().collect();
    let mut found = BTreeMap::new();
    while let Some(name) = todo.pop() {
        let there = known.get(name.as_str()).unwrap_or(&none);
        let fields = models[&name].as_object().unwrap().iter();
        // The SDK calls a field that is a word of Python's otherwise, and says of none whether it may be null.
        let fields = fields.map(|(field, one)| (field.trim_end_matches('_'), one));
        let words: Vec<String> = fields
            .filter(|(field, _)| !there.contains(field))
            .map(|(field, one)| {
                let read_only = one["read_only"] == true;
                let kind = one["type"].as_str().unwrap();
                if !read_only {
                    todo.extend(names_in(kind).filter(|name| types.insert(name.clone())));
                }
                word(field, kind, if read_only { "?!" } else { "?" })
            })
            .collect();
        found.insert(name, words);
    }
    let known_types = |kind: &str| names_in(kind).all(|name| types.contains(&name));
    for (name, words) in found.iter().filter(|(_, words)| !words.is_empty()) {
        let words = words.iter().map(|text| match text.split_once(':') {
            Some((field, kind)) if !known_types(kind) => format!("{field}:any"),
            _ => text.clone(),
        });
        lines.push(type_line(name, words));
    }
    lines.iter().map(|line| format!("{NEWER}{line}")).collect()
}

/// What a line is of, and the words that it has.
fn named(line: &str) -> (&str, BTreeSet<&str>) {
    let mut words = line.split(' ');
    let name = match is_operation(line) {
        true => words.nth(2),
        false => words.next(),
    };
    let words = words.map(|word| word.split([':', '?', '!', '*']).next().unwrap());
    (name.unwrap(), words.collect())
}

fn operation_line(
    verb: &str,
    path: &str,
    id: &str,
    query: impl Iterator<Item = String>,
    body: Option<&str>,
) -> String {
    let words = [verb, path, id].map(str::to_owned).into_iter().chain(query);
    let body = body.map(|body| format!("<{body}"));
    words.chain(body).collect::<Vec<_>>().join(" ")
}

fn type_line(name: &str, words: impl Iterator<Item = String>) -> String {
    let words = [name.to_owned()].into_iter().chain(words);
    words.collect::<Vec<_>>().join(" ")
}

/// A field or a parameter; that it is text goes without saying.
fn word(name: &str, kind: &str, marks: &str) -> String {
    match kind {
        "str" => format!("{name}{marks}"),
        kind => format!("{name}{marks}:{kind}"),
    }
}

fn query_word(parameter: &Value) -> Option<String> {
    (parameter["in"] == "query").then(|| {
        let mark = if parameter["required"] == true {
            "*"
        } else {
            ""
        };
        let kind = kind_of(&parameter["schema"], None);
        word(parameter["name"].as_str().unwrap(), &kind, mark)
    })
}

/// The path, in which parameters that are no texts say so.
fn typed_path(path: &str, parameters: Option<&Vec<Value>>) -> String {
    let in_path = parameters.into_iter().flatten();
    let in_path = in_path.filter(|parameter| parameter["in"] == "path");
    in_path.fold(path.to_owned(), |path, parameter| {
        let name = parameter["name"].as_str().unwrap();
        let typed = word(name, &kind_of(&parameter["schema"], None), "");
        path.replace(&format!("{{{name}}}"), &format!("{{{typed}}}"))
    })
}

/// The type of a schema; a name that is not among `types`, if those are said, is any object.
fn kind_of(schema: &Value, types: Option<&BTreeSet<String>>) -> String {
    if let Some(name) = schema["$ref"].as_str() {
        let name = name.rsplit('/').next().unwrap();
        let known = types.is_none_or(|types| types.contains(name));
        return if known { name } else { "obj" }.to_owned();
    }
    let choice = schema["enum"].as_array().map(|words| {
        let words: Vec<&str> = words.iter().filter_map(Value::as_str).collect();
        format!("({})", words.join("|"))
    });
    match (schema["type"].as_str().unwrap(), choice) {
        ("array", Some(choice)) => format!("[{choice}]"),
        ("array", None) => format!("[{}]", kind_of(&schema["items"], types)),
        ("object", _) => match &schema["additionalProperties"] {
            Value::Null => "obj".to_owned(),
            value => format!("{{{}}}", kind_of(value, types)),
        },
        (_, Some(choice)) => choice,
        ("integer", _) => "int".to_owned(),
        ("number", _) => "num".to_owned(),
        ("boolean", _) => "bool".to_owned(),
        ("any", _) => "any".to_owned(),
        _ => match schema["format"].as_str() {
            Some("date-time") => "time".to_owned(),
            _ => "str".to_owned(),
        },
    }
}

/// Note the types that a written value of this kind is made of.
fn gather(kind: &str, schemas: &Map<String, Value>, types: &mut BTreeSet<String>) {
    for name in names_in(kind) {
        if schemas.contains_key(&name) && types.insert(name.clone()) {
            let fields = properties(&schemas[&name]).values();
            for field in fields.filter(|field| field["readOnly"] != true) {
                gather(&kind_of(field, None), schemas, types);
            }
        }
    }
}

/// The types that a kind names: their names alone begin with a capital.
fn names_in(kind: &str) -> impl Iterator<Item = String> {
    let choice = kind.contains('(');
    let words = kind.split(['[', ']', '{', '}']);
    let names =
        words.filter(move |word| !choice && word.starts_with(|c: char| c.is_ascii_uppercase()));
    names.map(str::to_owned).collect::<Vec<_>>().into_iter()
}

fn properties(schema: &Value) -> &Map<String, Value> {
    schema["properties"].as_object().unwrap()
}
