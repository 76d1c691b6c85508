//! What belongs to a local Looker as a whole: themes, colours, datagroups, forms of settings, lists of places.

use embedctl::emulator::Options;
use serde_json::{Value, json};

use crate::emulator::Api;

const NULL: Value = Value::Null;

#[tokio::test]
async fn themes_are_made_checked_used_and_deleted() {
    let api = Api::start(Options::default()).await;
    let bad_font = json!({ "settings": { "font_family": "Arial;" } });
    api.play(&[
        ("first", "GET /themes/default", NULL, 200, json!({ "name": "Looker", "settings": { "show_title": true } })),
        ("acme", "POST /themes", json!({ "name": "acme", "settings": { "show_title": false } }), 200, json!({ "name": "acme", "settings": { "show_title": false, "font_family": "*" } })),
        ("", "POST /themes", json!({ "name": "acme" }), 422, json!({ "errors": [{ "code": "already_exists" }] })),
        ("", "POST /themes", json!({ "name": "not plain" }), 422, json!({ "errors": [{ "field": "name", "code": "invalid" }] })),
        ("", "POST /themes/validate", json!({ "name": "fine" }), 204, NULL),
        ("", "POST /themes/validate", bad_font, 422, json!({ "errors": [{ "code": "missing_field" }, { "field": "name" }, { "field": "font_family" }] })),
        ("old", "POST /themes", json!({ "name": "old", "begin_at": "2020-01-01T00:00:00Z", "end_at": "2020-02-01T00:00:00Z" }), 200, json!({ "end_at": "2020-02-01T00:00:00.000+00:00" })),
        ("", "GET /themes?fields=id", NULL, 200, json!([{ "id": "$first" }, { "id": "$acme" }, { "id": "$old" }])),
        ("", "GET /themes/active?fields=id", NULL, 200, json!([{ "id": "$first" }, { "id": "$acme" }])),
        ("", "GET /themes/active?ts=2020-01-15T00:00:00Z&name=old", NULL, 200, json!([{ "id": "$old" }])),
        ("", "GET /themes/search?name=a%25&fields=id", NULL, 200, json!([{ "id": "$acme" }])),
        ("", "GET /themes/theme_or_default?name=old", NULL, 200, json!({ "id": "$first" })),
        ("", "PUT /themes/default?name=old", NULL, 404, NULL),
        ("", "PUT /themes/default?name=acme", NULL, 200, json!({ "id": "$acme" })),
        ("", "GET /themes/default_theme", NULL, 200, json!({ "id": "$acme" })),
        ("", "PATCH /themes/$acme", json!({ "settings": { "show_header": null } }), 422, NULL),
        ("", "PATCH /themes/$acme", json!({ "settings": { "tile_shadow": true } }), 200, json!({ "settings": { "tile_shadow": true, "show_title": false } })),
        ("", "DELETE /themes/$acme", NULL, 405, NULL),
        ("", "DELETE /themes/$old", NULL, 204, NULL),
        ("", "GET /themes/$old", NULL, 404, NULL),
    ])
    .await;
}

#[tokio::test]
async fn colours_caches_and_forms_of_settings_are_kept() {
    let api = Api::start(Options::default()).await;
    api.play(&[
        ("", "GET /color_collections?fields=id", NULL, 200, json!([{ "id": "legacy" }, { "id": "looker" }])),
        ("own", "POST /color_collections", json!({ "label": "Acme", "categoricalPalettes": [{ "label": "A", "type": "Categorical", "colors": ["#fff"] }] }), 200, json!({ "label": "Acme", "divergingPalettes": [] })),
        ("", "PUT /color_collections/default?collection_id=$own", NULL, 200, json!({ "id": "$own" })),
        ("", "GET /color_collections/default", NULL, 200, json!({ "id": "$own" })),
        ("", "DELETE /color_collections/$own", NULL, 405, NULL),
        ("", "PATCH /color_collections/looker", json!({ "label": "x" }), 405, NULL),
        ("", "PUT /color_collections/default?collection_id=looker", NULL, 200, NULL),
        ("", "DELETE /color_collections/$own", NULL, 204, NULL),
        ("", "GET /color_collections/custom", NULL, 200, json!([])),
        ("", "GET /datagroups", NULL, 200, json!([{ "id": "1", "model_name": "demo" }])),
        ("", "PATCH /datagroups/1", json!({ "stale_before": 1_700_000_000 }), 200, json!({ "stale_before": 1_700_000_000, "triggered_at": null })),
        ("", "GET /datagroups/9", NULL, 404, NULL),
        ("", "PATCH /password_config", json!({ "min_length": 12 }), 200, json!({ "min_length": 12, "require_numeric": false })),
        ("", "GET /password_config", NULL, 200, json!({ "min_length": 12 })),
        ("", "GET /session_config", NULL, 200, json!({ "session_minutes": "*" })),
        ("", "GET /whitelabel_configuration", NULL, 200, json!({ "id": "1" })),
        ("", "POST /user_attributes", json!({ "name": "git_username", "label": "Git Username", "type": "string", "hidden_value_domain_whitelist": "" }), 422, json!({ "errors": [{ "message": "hidden_value_domain_whitelist must be a comma-separated list of urls with optional wildcards" }] })),
        ("", "GET /integration_hubs", NULL, 200, json!([])),
        ("", "GET /running_queries", NULL, 200, json!([])),
        ("", "DELETE /running_queries/39366360553f6fa876da01956bd1fed0", NULL, 404, json!({ "message": "Not found" })),
    ])
    .await;
    for (path, field, value) in [
        ("/timezones", "value", "Europe/Berlin"),
        ("/locales", "code", "en"),
    ] {
        let list = api.get(path).await;
        let list = list.json.as_array().unwrap();
        assert!(list.iter().any(|one| one[field] == value), "{path}");
    }
    assert_eq!(api.emulator.violations(), []);

    let ada = api.person("acme-42").await;
    for (method, path) in [
        ("GET", "/password_config"),
        ("GET", "/datagroups"),
        ("PUT", "/color_collections/default?collection_id=legacy"),
        ("GET", "/ssh_servers"),
    ] {
        assert_eq!(
            api.as_person(&ada, method, path, None).await.status,
            404,
            "{path}"
        );
    }
    assert_eq!(
        api.as_person(&ada, "GET", "/themes/default", None)
            .await
            .status,
        200
    );
}
