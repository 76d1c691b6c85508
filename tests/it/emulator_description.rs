//! The description that the local Looker gives of its API, from which some clients make their methods.

use std::collections::BTreeSet;

use embedctl::emulator::Options;
use reqwest::Method;
use serde_json::{Value, json};

use crate::emulator::Api;

/// The path of each operation, by its id.
fn operations(description: &Value) -> Vec<(&str, &str, &str, &Value)> {
    let paths = description["paths"].as_object().unwrap().iter();
    let operations = paths.flat_map(|(path, methods)| {
        let methods = methods.as_object().unwrap().iter();
        methods.map(move |(method, it)| {
            let id = it["operationId"].as_str().unwrap();
            (id, method.as_str(), path.as_str(), it)
        })
    });
    operations.collect()
}

/// What all `$ref` in `value` name.
fn references<'v>(value: &'v Value, found: &mut BTreeSet<&'v str>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| references(item, found)),
        Value::Object(fields) => {
            found.extend(fields.get("$ref").and_then(Value::as_str));
            fields.values().for_each(|field| references(field, found));
        }
        _ => {}
    }
}

#[tokio::test]
async fn every_operation_is_described_with_types_that_are_there_too() {
    let api = Api::start(Options::default()).await;
    let versions = api.get("/versions").await;
    let swagger = &versions.json["supported_versions"][0]["swagger_url"];
    let base = format!("{}/api/4.0", api.emulator.base_url());
    assert_eq!(swagger, &json!(format!("{base}/swagger.json")));

    for (path, types, count) in [
        ("/swagger.json", "/definitions", 484),
        ("/api_spec/4.0/swagger.json", "/definitions", 484),
        ("/api_spec/4.0/openapi.json", "/components/schemas", 484),
    ] {
        // Nobody has logged in when a client asks for it.
        let description = api.call_as(None, "GET", path, None).await.json;
        let operations = operations(&description);
        assert!(operations.len() >= count, "{}", operations.len());
        let ids: BTreeSet<&str> = operations.iter().map(|(id, ..)| *id).collect();
        assert_eq!(ids.len(), operations.len(), "an id stands twice");

        let known = description.pointer(types).unwrap().as_object().unwrap();
        let mut named = BTreeSet::new();
        references(&description, &mut named);
        for name in named {
            let name = name.trim_start_matches('#').trim_start_matches(types);
            assert!(known.contains_key(&name[1..]), "{path}: {name}");
        }
    }
}

#[tokio::test]
async fn every_operation_is_listed_with_whether_it_is_served() {
    let api = Api::start(Options::default()).await;
    let url = format!("{}/__emulator/operations", api.emulator.base_url());
    let listed = api.request(Method::GET, &url).send().await.unwrap();
    let listed: Vec<Value> = listed.json().await.unwrap();

    let description = api.get("/swagger.json").await.json;
    let mut described = Vec::new();
    for (id, method, path, _) in operations(&description) {
        described.push((id.to_owned(), method.to_ascii_uppercase(), path.to_owned()));
    }
    let text = |one: &Value, name: &str| one[name].as_str().unwrap().to_owned();
    let call = |one: &Value| (text(one, "id"), text(one, "method"), text(one, "path"));
    let mut known: Vec<_> = listed.iter().map(call).collect();
    described.sort();
    known.sort();
    assert_eq!(known, described);

    for one in listed.iter().filter(|one| one["method"] == "GET") {
        let (_, _, path) = call(one);
        let status = api.get(&path).await.status;
        assert_eq!(one["served"] == true, status != 501, "{one}");
    }
}

/// As the Ruby SDK does: find the operation by its id, put the arguments where its parameters say, and call.
#[tokio::test]
async fn a_client_that_makes_its_methods_from_the_description_works() {
    let api = Api::start(Options::default()).await;
    let description = api.get("/swagger.json").await.json;
    let base = format!(
        "{}://{}{}",
        description["schemes"][0].as_str().unwrap(),
        description["host"].as_str().unwrap(),
        description["basePath"].as_str().unwrap(),
    );
    let call = |id: &'static str, arguments: Value| {
        let operations = operations(&description);
        let (_, method, path, it) = operations.into_iter().find(|it| it.0 == id).unwrap();
        let (mut path, mut query, mut body) = (path.to_owned(), Vec::new(), None);
        for parameter in it["parameters"].as_array().unwrap() {
            let name = parameter["name"].as_str().unwrap();
            let value = &arguments[name];
            match parameter["in"].as_str().unwrap() {
                "path" => path = path.replace(&format!("{{{name}}}"), value.as_str().unwrap()),
                "query" if !value.is_null() => query.push((name, value.as_str().unwrap())),
                "body" => body = Some(value.clone()),
                _ => {}
            }
        }
        let method = Method::from_bytes(method.to_ascii_uppercase().as_bytes()).unwrap();
        let mut request = api.request(method, &format!("{base}{path}")).query(&query);
        if let Some(body) = body {
            request = request.json(&body);
        }
        async move { request.send().await.unwrap().json::<Value>().await.unwrap() }
    };

    let user = json!({ "first_name": "Ada" });
    let made = call("create_user", json!({ "body": user, "fields": "id" })).await;
    let id = made["id"].as_str().unwrap();
    let seen = call("user", json!({ "user_id": id, "fields": "first_name" })).await;

    assert_eq!(seen, json!({ "first_name": "Ada" }));
    assert_eq!(api.emulator.violations(), []);
}
