//! Models, connections and projects of the local Looker, as those who set one up look at them.

use embedctl::emulator::{Options, State};
use serde_json::{Value, json};

use crate::emulator::Api;

const NULL: Value = Value::Null;

#[tokio::test]
async fn models_connections_and_projects_are_set_up_and_looked_at() {
    let api = Api::start(Options::default()).await;
    let connection = json!({ "name": "dwh", "host": "db.example.com", "dialect_name": "postgres", "password": "secret" });
    let model =
        json!({ "name": "sales", "project_name": "sales", "allowed_db_connection_names": ["dwh"] });
    api.play(&[
        ("", "GET /connections?fields=name", NULL, 200, json!([{ "name": "demo" }])),
        ("", "POST /connections", connection.clone(), 200, json!({ "name": "dwh", "has_password": true, "dialect": { "name": "postgres" } })),
        ("", "POST /connections", connection, 422, json!({ "errors": [{ "code": "already_exists" }] })),
        ("", "POST /connections", json!({}), 422, NULL),
        ("", "PATCH /connections/dwh", json!({ "port": "5432" }), 200, json!({ "port": "5432", "host": "db.example.com", "password": null })),
        ("", "GET /connections/dwh", NULL, 200, json!({ "port": "5432" })),
        ("", "PUT /connections/dwh/test?tests=connect,what", NULL, 200, json!([{ "name": "connect", "status": "success" }])),
        ("", "PUT /connections/nothing/test", NULL, 404, NULL),
        ("", "POST /lookml_models", model.clone(), 200, json!({ "name": "sales", "explores": [], "has_content": false, "allowed_db_connection_names": ["dwh"] })),
        ("", "POST /lookml_models", model, 422, NULL),
        ("", "PATCH /lookml_models/sales", json!({ "unlimited_db_connections": true }), 200, json!({ "unlimited_db_connections": true, "project_name": "sales" })),
        ("", "GET /lookml_models/demo/explores/orders", NULL, 200, json!({ "id": "demo::orders", "connection_name": "demo", "fields": { "dimensions": [] } })),
        ("", "GET /lookml_models/demo/explores/nothing", NULL, 404, NULL),
        ("", "GET /projects?fields=id", NULL, 200, json!([{ "id": "demo" }, { "id": "sales" }])),
        ("", "POST /projects", json!({ "name": "fresh" }), 422, NULL),
        ("", "PATCH /session", json!({ "workspace_id": "dev" }), 200, NULL),
        ("", "POST /projects", json!({ "name": "fresh" }), 200, json!({ "id": "fresh", "uses_git": false })),
        ("", "POST /projects", json!({ "name": "demo" }), 422, NULL),
        ("", "PATCH /projects/fresh", json!({ "git_remote_url": "git@example.com:x.git" }), 200, json!({ "uses_git": true })),
        ("", "GET /projects/nothing", NULL, 404, NULL),
        ("", "GET /projects/fresh/files", NULL, 200, json!([])),
        ("file", "GET /projects/demo/files?fields=id,type", NULL, 200, json!([{ "id": "demo.model.lkml", "type": "model" }, { "id": "views/orders.view.lkml", "type": "view" }])),
        ("", "GET /projects/demo/files/file?file_id=views/orders.view.lkml", NULL, 200, json!({ "title": "orders", "extension": ".view.lkml" })),
        ("", "GET /projects/demo/files/file?file_id=x", NULL, 404, NULL),
        ("", "GET /projects/nothing/files", NULL, 404, NULL),
        ("", "GET /workspaces", NULL, 200, json!([{ "id": "production" }, { "id": "dev" }])),
        ("", "GET /workspaces/dev", NULL, 200, json!({ "projects": [{}, {}, {}] })),
        ("", "DELETE /lookml_models/sales", NULL, 204, NULL),
        ("", "DELETE /lookml_models/extension-api-explorer", NULL, 404, NULL),
        ("", "DELETE /connections/dwh", NULL, 204, NULL),
        ("", "GET /connections/dwh", NULL, 404, NULL),
    ])
    .await;
    assert_eq!(api.emulator.violations(), []);

    let ada = api.person("acme-42").await;
    for (method, path, body) in [
        ("GET", "/connections", NULL),
        ("PUT", "/connections/demo/test", NULL),
        ("GET", "/projects", NULL),
        ("GET", "/workspaces", NULL),
        ("DELETE", "/lookml_models/demo", NULL),
        ("POST", "/lookml_models", json!({ "name": "hers" })),
        ("GET", "/lookml_models/system__activity", NULL),
    ] {
        let body = (!body.is_null()).then_some(body);
        let answer = api.as_person(&ada, method, path, body).await;
        assert_eq!(answer.status, 404, "{method} {path}");
    }
}

#[tokio::test]
async fn explores_have_rows_access_filters_and_errors_and_models_have_dashboards() {
    let state = State::parse(include_str!("../data/explain.yaml")).unwrap();
    let options = || Options {
        state: state.clone(),
        ..Options::default()
    };
    let api = Api::start(options()).await;
    let query = |view: &str, filters: Value| json!({ "model": "sales", "view": view, "fields": ["orders.region", "orders.count"], "filters": filters });
    api.play(&[
        ("", "GET /lookml_models/sales/explores/orders?fields=access_filters", NULL, 200, json!({ "access_filters": [{ "field": "orders.region", "user_attribute": "region" }] })),
        // No row is the administrator's, who has no region.
        ("", "POST /queries/run/json", query("orders", NULL), 200, json!([])),
        ("", "PATCH /users/1/attribute_values/14", json!({ "value": "%" }), 200, NULL),
        ("", "POST /queries/run/json", query("orders", NULL), 200, json!([{ "orders.count": 4 }, { "orders.count": 2 }])),
        ("", "POST /queries/run/json", query("orders", json!({ "orders.region": "APAC" })), 200, json!([{ "orders.region": "APAC" }])),
        ("", "POST /queries/run/csv?limit=1", query("nothing", NULL), 200, NULL),
        ("", "POST /queries/run/json", query("broken", NULL), 200, json!([{ "looker_error": "SQL ERROR: table orders_v2 does not exist" }])),
        ("", "POST /queries/run/json_detail", query("broken", NULL), 200, json!({ "data": [], "errors": [{}] })),
        ("", "GET /dashboards/sales::overview", NULL, 200, json!({ "model": { "id": "sales" }, "folder": { "id": "lookml" }, "dashboard_elements": [{ "title": "Orders", "query": { "view": "orders" } }] })),
        ("", "GET /dashboards/sales::nothing", NULL, 404, NULL),
        ("", "GET /dashboards/nothing::overview", NULL, 404, NULL),
    ])
    .await;
    assert_eq!(api.emulator.violations(), []);

    // The document that the world is written out as makes the same world again.
    let written = api.emulator.state();
    let again = State::parse(&written.to_string()).unwrap();
    let again = Api::start(Options {
        state: again,
        ..Options::default()
    })
    .await;
    let models = |world: &Value| world["models"].clone();
    assert_eq!(models(&again.emulator.state()), models(&written));
    assert_eq!(
        models(&written)[1]["explores"][2]["error"],
        "SQL ERROR: table orders_v2 does not exist"
    );
}
