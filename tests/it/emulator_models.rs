//! Models, connections and projects of the local Looker, as those who set one up look at them.

use embedctl::emulator::Options;
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
