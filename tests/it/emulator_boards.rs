//! Boards and alerts of the local Looker, and content that is found, shared, copied or written as LookML.

use embedctl::emulator::{Options, State};
use serde_json::{Value, json};

use crate::emulator::Api;

const NULL: Value = Value::Null;

#[tokio::test]
async fn a_board_is_put_together_from_sections_and_links_and_deleted_with_them() {
    let api = Api::start(Options::default()).await;
    let ada = api.person("acme-42").await;
    let ids = api
        .play(&[
            ("board", "POST /boards", json!({ "title": "Start" }), 200, NULL),
            ("first", "POST /board_sections", json!({ "board_id": "$board", "title": "First", "description": "Text" }), 200, json!({ "title": "First", "description": "Text" })),
            ("second", "POST /board_sections", json!({ "board_id": "$board", "title": "Second" }), 200, NULL),
            ("", "POST /board_sections", json!({ "title": "Nowhere" }), 422, NULL),
            ("", "POST /board_sections", json!({ "board_id": "99" }), 404, NULL),
            ("orders", "POST /board_items", json!({ "board_section_id": "$first", "dashboard_id": "2" }), 200, json!({ "title": "Orders", "url": "/dashboards/2", "order": 0 })),
            ("look", "POST /board_items", json!({ "board_section_id": "$first", "look_id": "1", "custom_title": "Mine", "use_custom_title": true }), 200, json!({ "title": "Mine", "order": 1 })),
            ("", "POST /board_items", json!({ "board_section_id": "$first" }), 422, NULL),
            ("", "POST /board_items", json!({ "board_section_id": "$first", "look_id": "99" }), 404, NULL),
            ("", "PATCH /board_items/$look", json!({ "order": 0 }), 200, json!({ "order": 0, "board_section_id": "$first" })),
            ("", "GET /board_sections/$first", NULL, 200, json!({ "item_order": ["$look", "$orders"] })),
            ("", "PATCH /board_sections/$first", json!({ "item_order": ["$orders", "$look"] }), 200, json!({ "board_items": [{ "id": "$orders" }, { "id": "$look" }] })),
            ("", "PATCH /board_items/$look", json!({ "board_section_id": "$second" }), 200, NULL),
            ("", "GET /board_items?board_section_id=$second", NULL, 200, json!([{ "id": "$look" }])),
            ("", "GET /board_sections?fields=id", NULL, 200, json!([{ "id": "$first" }, { "id": "$second" }])),
            ("", "DELETE /board_items/$orders", NULL, 204, NULL),
            ("", "DELETE /board_sections/$first", NULL, 204, NULL),
            ("", "GET /boards/$board", NULL, 200, json!({ "board_sections": [{ "id": "$second" }], "section_order": ["$second"] })),
        ])
        .await;
    let board = format!("/boards/{}", ids["board"]);
    for (method, path) in [
        ("DELETE", board.clone()),
        ("DELETE", format!("/board_sections/{}", ids["second"])),
    ] {
        assert_eq!(
            api.as_person(&ada, method, &path, None).await.status,
            404,
            "{path}"
        );
    }
    api.play_with(
        &[
            ("", "DELETE /boards/$board", NULL, 204, NULL),
            ("", "DELETE /boards/$board", NULL, 404, NULL),
            ("", "GET /board_sections/$second", NULL, 404, NULL),
            ("", "GET /board_items/$look", NULL, 404, NULL),
        ],
        ids,
    )
    .await;
    assert_eq!(api.emulator.violations(), []);
}

#[tokio::test]
async fn an_alert_is_deleted_by_its_owner_or_an_administrator() {
    let api = Api::start(Options {
        state: State::named("rotation").unwrap(),
        ..Options::default()
    })
    .await;
    let ada = api.person("acme-43").await;
    let alerts = api
        .get("/alerts/search?all_owners=true&fields=id,owner_id")
        .await;
    let hers = alerts
        .json
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["owner_id"] == "42")
        .unwrap();
    let path = format!("/alerts/{}", hers["id"].as_str().unwrap());

    let refused = api.as_person(&ada, "DELETE", &path, None).await;
    let asked = api
        .call("POST", &format!("{path}/enqueue?force=true"), None)
        .await;
    let gone = api.call("DELETE", &path, None).await;
    let again = api.call("DELETE", &path, None).await;

    let statuses = [refused, asked, gone, again].map(|answer| answer.status.as_u16());
    assert_eq!(statuses, [404, 204, 204, 404]);
    assert_eq!(api.get("/alert_notifications").await.json, json!([]));
}

#[tokio::test]
async fn content_is_found_by_words_shared_by_its_metadata_and_copied() {
    let api = Api::start(Options::default()).await;
    api.play(&[
        ("", "GET /content/orders%20month", NULL, 200, json!([{ "type": "look", "title": "Orders by month", "folder_name": "Shared", "model": "demo" }])),
        ("", "GET /content/orders?types=dashboard&fields=content_id", NULL, 200, json!([{ "content_id": "2" }])),
        ("", "GET /content_validation", NULL, 200, json!({ "content_with_errors": [], "total_looks_validated": 1 })),
        ("sub", "POST /folders", json!({ "name": "Sub", "parent_id": "1" }), 200, NULL),
        ("meta", "GET /content_metadata?parent_id=1", NULL, 200, json!([{ "name": "Sub", "folder_id": "$sub" }, { "name": "Blank" }, { "name": "Orders" }, { "content_type": "look" }])),
        ("", "PATCH /content_metadata/$meta", json!({ "inherits": false }), 200, json!({ "inherits": false })),
        ("", "GET /folders/1/children/search?name=s%25", NULL, 200, json!([{ "id": "$sub" }])),
        ("copy", "POST /looks/1/copy?folder_id=$sub", NULL, 200, json!({ "title": "Orders by month", "folder_id": "$sub", "query": { "model": "demo" } })),
        ("", "POST /looks/1/copy?folder_id=$sub", NULL, 422, json!({ "errors": [{ "code": "already_exists" }] })),
        ("", "POST /looks/1/copy?folder_id=1", NULL, 422, json!({ "errors": [{ "message": "folder_id and the folder id of the existing look must be different" }] })),
        ("", "POST /looks/1/copy", NULL, 422, NULL),
        ("", "GET /folders/lookml", NULL, 200, json!({ "id": "lookml", "name": "LookML Dashboards", "dashboards": [] })),
        ("", "GET /folders/lookml/dashboards", NULL, 200, json!([])),
        ("", "GET /folders/lookml/children", NULL, 200, json!([])),
        ("", "GET /dashboards/lookml/search?folder_id=lookml", NULL, 200, json!([])),
        ("", "GET /dashboards/lookml/2", NULL, 200, json!({ "dashboard_id": "2", "folder_id": "1" })),
    ])
    .await;
    let text = api.get("/dashboards/lookml/2").await.text_of("lookml");
    assert!(
        text.starts_with("- dashboard: orders\n  title: \"Orders\"\n"),
        "{text}"
    );
    assert_eq!(api.emulator.violations(), []);
}
