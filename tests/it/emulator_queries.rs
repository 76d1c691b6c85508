//! Queries of the local Looker: saved, found, run in every format, run later, drawn; and System Activity.

use embedctl::emulator::Options;
use serde_json::{Value, json};

use crate::emulator::Api;

const NULL: Value = Value::Null;

#[tokio::test]
async fn a_query_is_found_by_its_slug_and_run_in_every_format() {
    let api = Api::start(Options::default()).await;
    let query = json!({ "model": "demo", "view": "orders", "fields": ["orders.status", "orders.count"], "limit": "2" });
    let made = api.call("POST", "/queries", Some(query)).await;
    let (id, slug) = (made.text_of("id"), made.text_of("slug"));

    let found = api.get(&format!("/queries/slug/{slug}")).await;
    assert_eq!(found.json, made.json);
    assert_eq!(api.get("/queries/slug/nothing").await.status, 404);
    let look = json!({ "title": "Count", "folder_id": "1", "query_id": id });
    let look = api.call("POST", "/looks", Some(look)).await.text_of("id");
    for (format, kind, begins) in [
        (
            "json",
            "application/json",
            r#"[{"orders.count":100,"orders.status":"status 1"},{"#,
        ),
        (
            "json_label",
            "application/json",
            r#"[{"Orders Count":100,"Orders Status":"status 1"},{"#,
        ),
        (
            "json_detail",
            "application/json",
            r#"{"data":[{"orders.count":{"value":100}"#,
        ),
        (
            "csv",
            "text/csv;charset=utf-8",
            "Orders Status,Orders Count\nstatus 1,100\nstatus 2,200\n",
        ),
        (
            "txt",
            "text/plain;charset=utf-8",
            "Orders Status\tOrders Count\n",
        ),
        (
            "md",
            "text/markdown;charset=utf-8",
            "| Orders Status | Orders Count |\n",
        ),
        (
            "html",
            "text/html;charset=utf-8",
            "<table><tr><th>Orders Status</th>",
        ),
        (
            "sql",
            "text/plain;charset=utf-8",
            "SELECT orders.status, orders.count FROM orders LIMIT 2",
        ),
    ] {
        for run in [
            format!("/queries/{id}/run/{format}"),
            format!("/looks/{look}/run/{format}"),
        ] {
            let answer = api.get(&run).await;
            assert_eq!(answer.header("content-type"), kind, "{answer:?}");
            assert!(answer.text.starts_with(begins), "{run}: {}", answer.text);
        }
    }
    for (format, kind) in [("png", "image/png"), ("jpg", "image/jpeg")] {
        let answer = api
            .get(&format!(
                "/looks/{look}/run/{format}?image_width=10&image_height=10"
            ))
            .await;
        assert_eq!(answer.header("content-type"), kind);
    }
    let sheet = api.get(&format!("/queries/{id}/run/xlsx")).await;
    assert_eq!(sheet.status, 422);
    assert_eq!(api.emulator.violations(), []);
}

#[tokio::test]
async fn a_query_task_is_done_at_once_and_belongs_to_who_asked() {
    let api = Api::start(Options::default()).await;
    let ada = api.person("acme-42").await;
    let query = json!({ "model": "demo", "view": "orders", "fields": ["orders.count"] });
    let query = api
        .call("POST", "/queries", Some(query))
        .await
        .text_of("id");
    let body = json!({ "query_id": query, "result_format": "json", "source": "test" });

    let ids = api
        .play(&[
            (
                "task",
                "POST /query_tasks?limit=1",
                body,
                200,
                json!({ "query_id": query, "status": "complete", "result_format": "json", "source": "test", "query": { "model": "demo" } }),
            ),
            ("", "GET /query_tasks/$task", NULL, 200, json!({ "id": "$task" })),
            ("", "GET /query_tasks/$task/results", NULL, 200, json!([{ "orders.count": 100 }])),
            (
                "",
                "GET /query_tasks/multi_results?query_task_ids=$task,gone",
                NULL,
                200,
                json!({ "$task": [{ "orders.count": 100 }], "gone": { "status": "missing" } }),
            ),
            ("", "GET /query_tasks/gone", NULL, 404, NULL),
            ("", "POST /query_tasks", json!({ "query_id": "99", "result_format": "csv" }), 404, NULL),
            ("", "POST /query_tasks", json!({ "query_id": query }), 422, NULL),
        ])
        .await;
    let other = format!("/query_tasks/{}/results", ids["task"]);
    assert_eq!(api.as_person(&ada, "GET", &other, None).await.status, 404);
}

#[tokio::test]
async fn content_is_drawn_as_a_file_of_the_kind_that_is_asked_for() {
    let api = Api::start(Options::default()).await;
    let filters = json!({ "dashboard_filters": "Region=EMEA", "dashboard_style": "tiled" });
    for (path, body, begins) in [
        ("dashboards/2/pdf", filters.clone(), "%PDF-1.4"),
        ("dashboards/2/png", filters, "\u{fffd}PNG"),
        ("looks/1/png", NULL, "\u{fffd}PNG"),
        ("queries/1/jpg", NULL, "\u{fffd}\u{fffd}"),
        ("dashboard_elements/1/png", NULL, "\u{fffd}PNG"),
    ] {
        let shown = json!({ "status": "success", "width": 40, "height": 30, "user_id": "1" });
        let create = format!("POST /render_tasks/{path}?width=40&height=30");
        let ids = api
            .play(&[
                ("task", &create, body, 200, shown.clone()),
                ("", "GET /render_tasks/$task", NULL, 200, shown),
            ])
            .await;
        let file = api
            .get(&format!("/render_tasks/{}/results", ids["task"]))
            .await;
        assert!(file.text.starts_with(begins), "{path}: {file:?}");
    }
    for (path, status) in [
        ("/render_tasks/looks/1/pdf?width=1&height=1", 422),
        ("/render_tasks/looks/1/png", 422),
        ("/render_tasks/looks/99/png?width=1&height=1", 404),
    ] {
        assert_eq!(api.call("POST", path, None).await.status, status, "{path}");
    }
    let small = api.get("/content_thumbnail/dashboard/2").await;
    assert!(small.text.starts_with("<?xml"), "{small:?}");
    let small = api.get("/content_thumbnail/look/1?format=png").await;
    assert_eq!(small.header("content-type"), "image/png");
    assert_eq!(api.get("/content_thumbnail/look/99").await.status, 404);
}

#[tokio::test]
async fn system_activity_tells_of_users_dashboards_and_what_was_run() {
    let api = Api::start(Options {
        users: 3,
        ..Options::default()
    })
    .await;
    let ada = api.person("acme-42").await;
    assert_eq!(api.get("/looks/1/run/json").await.status, 200);

    let ask = |view: &str, fields: Value, filters: Value| json!({ "model": "system__activity", "view": view, "fields": fields, "filters": filters });
    let run = "POST /queries/run/json";
    api.play(&[
        (
            "",
            run,
            ask("user", json!(["user.id", "credentials_embed.external_user_id"]), json!({ "credentials_embed.external_user_id": "user-%,-user-2" })),
            200,
            json!([
                { "user.id": 2, "credentials_embed.external_user_id": "user-1" },
                { "user.id": 4, "credentials_embed.external_user_id": "user-3" },
            ]),
        ),
        (
            "",
            run,
            ask("user", json!(["user.is_disabled", "user.count"]), json!({ "user.created_date": "1 day" })),
            200,
            json!([{ "user.is_disabled": "No", "user.count": 5 }]),
        ),
        (
            "",
            run,
            ask("dashboard", json!(["dashboard.title", "user.name", "folder.name"]), json!({ "dashboard.id": ">1" })),
            200,
            json!([{ "dashboard.title": "Orders", "user.name": "Ada Admin", "folder.name": "Shared" }]),
        ),
        ("", run, ask("dashboard", json!(["dashboard.id"]), json!({ "dashboard.id": "-1" })), 200, json!([])),
        (
            "",
            run,
            ask("history", json!(["look.title", "query.model", "history.query_run_count"]), json!({ "query.model": "-system^_^_activity,-system__activity" })),
            200,
            json!([{ "look.title": "Orders by month", "query.model": "demo", "history.query_run_count": 1 }]),
        ),
        // Recorded.
        ("", run, ask("history", json!(["history.id"]), json!({ "history.workspace_id": "1" })), 400, json!({ "message": "Invalid filter: history.workspace_id" })),
        ("", run, ask("nothing", json!(["history.id"]), NULL), 404, NULL),
        (
            "",
            run,
            ask("history", json!(["history.connection_name", "query.model", "query.count"]), json!({ "query.model": "-system^_^_activity", "user.dev_branch_name": "NULL", "history.dashboard_session": "NULL" })),
            200,
            json!([{ "history.connection_name": "demo", "query.model": "demo", "query.count": 1 }]),
        ),
        ("plan", "POST /scheduled_plans", json!({ "name": "Daily", "crontab": "0 8 * * *", "look_id": "1", "require_results": false, "require_no_results": false, "require_change": false, "send_all_results": false, "scheduled_plan_destination": [{ "type": "email", "address": "x@example.com", "format": "csv" }] }), 200, NULL),
        (
            "",
            run,
            ask("scheduled_plan", json!(["scheduled_plan.name", "look.title", "user.name", "scheduled_job.count"]), NULL),
            200,
            json!([{ "scheduled_plan.name": "Daily", "look.title": "Orders by month", "user.name": "Ada Admin", "scheduled_job.count": 0 }]),
        ),
        ("", run, ask("scheduled_plan", json!(["scheduled_job.name"]), json!({ "scheduled_job.status": "failure" })), 200, json!([])),
        ("", "GET /lookml_models/demo/explores/orders", NULL, 200, json!({ "scopes": ["orders"] })),
        ("", "GET /lookml_models/system__activity/explores/dashboard", NULL, 200, json!({ "scopes": ["dashboard", "user", "folder"] })),
        ("", "GET /lookml_models/system__activity", NULL, 200, json!({ "name": "system__activity", "explores": [{ "name": "dashboard" }, { "name": "history" }, { "name": "scheduled_plan" }, { "name": "user" }] })),
    ])
    .await;
    assert_eq!(api.emulator.violations(), []);

    let explore = api
        .get("/lookml_models/system__activity/explores/user")
        .await;
    let dimensions = explore.json["fields"]["dimensions"].as_array().unwrap();
    assert!(
        dimensions
            .iter()
            .any(|field| field["name"] == "user.id" && field["label"] == "User ID")
    );
    let hidden = ask("user", json!(["user.id"]), NULL);
    let hidden = api
        .as_person(&ada, "POST", "/queries/run/json", Some(hidden))
        .await;
    assert_eq!(hidden.status, 404);
    // What is not known here is told, and not answered wrongly.
    let unknown = ask("user", json!(["user.shoe_size"]), NULL);
    let unknown = api.call("POST", "/queries/run/json", Some(unknown)).await;
    assert_eq!(unknown.status, 501);
    assert_eq!(api.emulator.violations().len(), 1);
}
