//! What dashboards of the local Looker are made of, and the schedules that send content.

use embedctl::emulator::{Options, State};
use serde_json::{Value, json};

use crate::emulator::Api;

const NULL: Value = Value::Null;

#[tokio::test]
async fn a_dashboard_is_put_together_from_tiles_filters_and_layouts() {
    let api = Api::start(Options::default()).await;
    let query = json!({ "model": "demo", "view": "orders", "fields": ["orders.count"] });
    let filter = json!({ "dashboard_id": "$sales", "name": "Region", "title": "Region", "type": "field_filter", "default_value": "EMEA" });
    api.play(&[
        ("sales", "POST /dashboards", json!({ "title": "Sales", "folder_id": "1" }), 200, json!({ "dashboard_layouts": [{ "active": true }] })),
        ("query", "POST /queries", query.clone(), 200, NULL),
        ("tile", "POST /dashboard_elements", json!({ "dashboard_id": "$sales", "query_id": "$query", "title": "Count", "type": "vis" }), 200, json!({ "dashboard_id": "$sales", "title": "Count", "query": { "id": "$query" }, "look": null })),
        ("text", "POST /dashboard_elements", json!({ "dashboard_id": "$sales", "title_text": "Hello", "body_text": "World" }), 200, json!({ "type": "text", "body_text": "World" })),
        ("linked", "POST /dashboard_elements", json!({ "dashboard_id": "$sales", "look_id": "1" }), 200, json!({ "look_id": "1", "look": { "title": "Orders by month" } })),
        ("", "POST /dashboard_elements", json!({ "dashboard_id": "$sales", "query": query }), 200, json!({ "query_id": "$query" })),
        ("", "POST /dashboard_elements", json!({ "title": "Nowhere" }), 422, NULL),
        ("", "POST /dashboard_elements", json!({ "dashboard_id": "99" }), 404, NULL),
        ("", "PATCH /dashboard_elements/$tile", json!({ "title": "All", "note_text": "Note" }), 200, json!({ "title": "All", "note_text": "Note", "query_id": "$query" })),
        ("", "GET /dashboard_elements/$tile", NULL, 200, json!({ "title": "All" })),
        ("", "GET /dashboard_elements/search?look_id=1", NULL, 200, json!([{ "id": "$linked" }])),
        ("", "GET /dashboards/$sales/dashboard_elements?fields=id", NULL, 200, json!([{ "id": "$tile" }, { "id": "$text" }, { "id": "$linked" }, { "id": "*" }])),
        ("filter", "POST /dashboard_filters", filter.clone(), 200, json!({ "dashboard_id": "$sales", "name": "Region", "required": false })),
        ("", "POST /dashboard_filters", filter, 422, json!({ "errors": [{ "code": "already_exists", "message": "Filter with this title already exists." }] })),
        ("", "POST /dashboard_filters", json!({ "dashboard_id": "$sales", "name": "x" }), 422, NULL),
        ("", "PATCH /dashboard_filters/$filter", json!({ "required": true }), 200, json!({ "required": true, "title": "Region" })),
        ("", "GET /dashboards/$sales/dashboard_filters", NULL, 200, json!([{ "id": "$filter" }])),
        ("layout", "GET /dashboards/$sales/dashboard_layouts", NULL, 200, json!([{ "dashboard_title": "Sales" }])),
        ("place", "GET /dashboard_layouts/$layout/dashboard_layout_components", NULL, 200, json!([{ "dashboard_element_id": "$tile", "column": 0, "element_title": "All" }, { "column": 8 }, { "column": 16 }, { "row": 6 }])),
        ("", "PATCH /dashboard_layout_components/$place", json!({ "width": 24 }), 200, json!({ "width": 24, "row": 0 })),
        ("other", "POST /dashboard_layouts", json!({ "dashboard_id": "$sales", "type": "grid", "active": true }), 200, json!({ "type": "grid", "active": true })),
        ("", "GET /dashboard_layouts/$layout", NULL, 200, json!({ "active": false })),
        ("", "PATCH /dashboard_layouts/$layout", json!({ "active": true }), 200, json!({ "active": true })),
        ("", "DELETE /dashboard_layouts/$other", NULL, 204, NULL),
        ("", "DELETE /dashboard_elements/$text", NULL, 204, NULL),
        ("", "DELETE /dashboard_elements/$text", NULL, 404, NULL),
        ("copy", "POST /dashboards/$sales/copy", NULL, 200, json!({ "title": "Sales (copy)", "dashboard_filters": [{ "name": "Region" }], "dashboard_elements": [{ "title": "All", "note_text": "Note" }, { "look_id": "1" }, {}] })),
        ("", "DELETE /dashboard_filters/$filter", NULL, 204, NULL),
        ("", "GET /dashboards/$sales", NULL, 200, json!({ "dashboard_filters": [], "dashboard_layouts": [{ "dashboard_layout_components": [{}, {}, {}] }] })),
    ])
    .await;
    assert_eq!(api.emulator.violations(), []);
}

#[tokio::test]
async fn nobody_changes_the_parts_of_a_dashboard_that_only_can_be_seen() {
    let api = Api::start(Options::default()).await;
    let ada = api.person("acme-42").await;
    let shared = [
        ("GET", "/dashboard_elements/1", NULL, 200),
        (
            "PATCH",
            "/dashboard_elements/1",
            json!({ "title": "Mine" }),
            404,
        ),
        ("DELETE", "/dashboard_elements/1", NULL, 404),
        (
            "POST",
            "/dashboard_elements",
            json!({ "dashboard_id": "2" }),
            404,
        ),
        (
            "POST",
            "/dashboard_layouts",
            json!({ "dashboard_id": "2" }),
            404,
        ),
        ("GET", "/dashboard_layouts/2", NULL, 200),
    ];
    for (method, path, body, status) in shared {
        let body = (!body.is_null()).then_some(body);
        let answer = api.as_person(&ada, method, path, body).await;
        assert_eq!(answer.status, status, "{method} {path}");
    }
}

#[tokio::test]
async fn tiles_and_filters_survive_a_state() {
    let state = "dashboards: [{ id: 9, title: Sales, folder: 1, owner: 1, elements: [{ title: Text, fields: { type: text, body_text: Hi } }], \
        filters: [{ name: Region, title: Region, type: field_filter }] }]";
    let first = Api::start(Options {
        state: State::parse(state).unwrap(),
        ..Options::default()
    })
    .await;
    let dump = first.web("/__emulator/state", "").await;

    let second = Api::start(Options {
        state: State::parse(&dump.text).unwrap(),
        ..Options::default()
    })
    .await;

    let shown = json!({ "dashboard_elements": [{ "type": "text", "body_text": "Hi" }], "dashboard_filters": [{ "name": "Region" }] });
    second
        .play(&[("", "GET /dashboards/9", NULL, 200, shown)])
        .await;
}

/// What `dashboard_lookml` gives makes the same dashboard, over the old one if it is still there.
#[tokio::test]
async fn dashboards_are_made_of_lookml() {
    let api = Api::start(Options::default()).await;
    let query = json!({ "model": "demo", "view": "orders", "fields": ["orders.count"], "filters": { "orders.status": "paid" }, "limit": "7", "vis_config": { "type": "looker_column", "title": "x" } });
    let tile = json!({ "dashboard_id": "$dashboard", "title": "Paid: \"all\"", "type": "vis", "query": query });
    let text =
        json!({ "dashboard_id": "$dashboard", "type": "text", "body_text": "one\n  two: three" });
    let filter = json!({ "dashboard_id": "$dashboard", "name": "Status", "title": "Status", "type": "field_filter", "dimension": "orders.status", "default_value": "paid,new", "required": true });
    let shown = json!({
        "title": "Sales & more",
        "dashboard_elements": [
            { "title": "Paid: \"all\"", "type": "vis", "query": { "filters": { "orders.status": "paid" }, "limit": "7", "vis_config": { "type": "looker_column" } } },
            { "type": "text", "body_text": "one\n  two: three" },
        ],
        "dashboard_filters": [{ "title": "Status", "dimension": "orders.status", "default_value": "paid,new", "required": true }],
    });
    let ids = api
        .play(&[
            (
                "dashboard",
                "POST /dashboards",
                json!({ "title": "Sales & more", "folder_id": "1" }),
                200,
                NULL,
            ),
            ("", "POST /dashboard_elements", tile, 200, NULL),
            ("", "POST /dashboard_elements", text, 200, NULL),
            ("", "POST /dashboard_filters", filter, 200, NULL),
        ])
        .await;
    let id = &ids["dashboard"];
    let lookml = api.get(&format!("/dashboards/lookml/{id}")).await;
    let lookml = lookml.text_of("lookml");

    let import = |text: &str| json!({ "lookml": text });
    let renamed = lookml.replace("title: \"Sales & more\"", "title: \"Sales\"");
    api.play_with(
        &[
            (
                "",
                "POST /dashboards/lookml",
                import(&renamed),
                200,
                json!({ "id": "$dashboard", "title": "Sales", "folder": { "id": "1" } }),
            ),
            (
                "",
                "PATCH /dashboards/$dashboard",
                json!({ "deleted": true }),
                200,
                NULL,
            ),
            (
                "",
                "POST /dashboards/lookml",
                import(&lookml),
                200,
                json!({ "id": "$dashboard", "deleted": false }),
            ),
            ("", "GET /dashboards/$dashboard", NULL, 200, shown.clone()),
            ("", "DELETE /dashboards/$dashboard", NULL, 204, NULL),
            (
                "new",
                "POST /dashboards/from_lookml",
                import(&lookml),
                200,
                shown,
            ),
            (
                "",
                "POST /dashboards/lookml",
                import("- dashboard: x\n  title: [}"),
                422,
                json!({ "errors": [{ "field": "lookml", "code": "invalid" }] }),
            ),
            ("", "POST /dashboards/lookml", import("title: x"), 422, NULL),
            (
                "",
                "POST /dashboards/lookml",
                import("- dashboard: x"),
                422,
                json!({ "errors": [{ "field": "title", "code": "missing_field" }] }),
            ),
            (
                "",
                "POST /dashboards/lookml",
                json!({ "folder_id": "1" }),
                422,
                json!({ "errors": [{ "field": "lookml" }] }),
            ),
        ],
        ids,
    )
    .await;
    let ada = api.person("acme-42").await;
    let refused = api.as_person(&ada, "POST", "/dashboards/lookml", Some(import(&lookml)));
    assert_eq!(refused.await.status, 404);
}

#[tokio::test]
async fn schedules_are_listed_by_what_they_send_and_run_once() {
    let api = Api::start(Options::default()).await;
    let ada = api.person("acme-42").await;
    let to = json!([{ "type": "email", "address": "x@example.com", "format": "csv" }]);
    let plan = |more: Value| {
        let mut plan =
            json!({ "name": "Daily", "scheduled_plan_destination": to, "dashboard_id": "2" });
        plan.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        plan
    };
    let own = plan(json!({ "crontab": "0 8 * * *" }));
    let hers = api.make(&ada, "/scheduled_plans", own.clone()).await;
    let ids = [("hers".to_owned(), hers)].into();
    api.play_with(
        &[
            ("mine", "POST /scheduled_plans", own, 200, NULL),
            ("", "GET /scheduled_plans/dashboard/2", NULL, 200, json!([{ "id": "$mine" }])),
            ("", "GET /scheduled_plans/dashboard/2?all_users=true", NULL, 200, json!([{ "id": "$hers" }, { "id": "$mine" }])),
            ("", "GET /scheduled_plans/look/1?all_users=true", NULL, 200, json!([])),
            ("", "GET /scheduled_plans/look/99", NULL, 404, NULL),
            ("", "GET /scheduled_plans/lookml_dashboard/demo::orders", NULL, 200, json!([])),
            ("once", "POST /scheduled_plans/run_once", plan(json!({})), 200, json!({ "run_once": true, "dashboard_id": "2" })),
            ("", "POST /scheduled_plans/$hers/run_once", json!({ "name": "Again" }), 200, json!({ "run_once": true, "name": "Again", "dashboard_id": "2", "scheduled_plan_destination": [{ "address": "x@example.com" }] })),
            ("", "GET /scheduled_plans/$hers", NULL, 200, json!({ "run_once": false, "name": "Daily" })),
            ("", "POST /scheduled_plans/99/run_once", json!({}), 404, NULL),
        ],
        ids,
    )
    .await;
    let all = "/scheduled_plans/dashboard/2?all_users=true";
    assert_eq!(api.as_person(&ada, "GET", all, None).await.status, 404);
}
