//! What else an embed user owns in the local Looker: schedules, alerts, boards, favourites, access; and what becomes of
//! it all when the user is deleted.

use embedctl::emulator::Options;
use serde_json::{Value, json};

use crate::emulator::{Answer, Api};
use crate::emulator_content::{Person, texts};

const NOTHING: [String; 0] = [];

impl Api {
    async fn schedule(&self, person: &Person, dashboard: &str) -> String {
        let body = json!({
            "name": "Mondays",
            "dashboard_id": dashboard,
            "crontab": "0 6 * * 1",
            "scheduled_plan_destination": [
                { "type": "email", "address": "a@example.com", "format": "wysiwyg_pdf" },
                { "type": "webhook", "address": "https://example.com", "format": "json", "secret_parameters": "{}" },
            ],
        });
        self.make(person, "/scheduled_plans", body).await
    }

    async fn alert(&self, person: &Person, is_public: bool) -> String {
        self.make(person, "/alerts", alert(is_public)).await
    }
}

fn alert(is_public: bool) -> Value {
    json!({
        "comparison_type": "LESS_THAN",
        "threshold": 10,
        "cron": "0 5 * * *",
        "field": { "title": "Orders", "name": "orders.count" },
        "destinations": [{ "destination_type": "EMAIL", "email_address": "a@example.com" }],
        "dashboard_element_id": "1",
        "is_public": is_public,
    })
}

fn statuses<const N: usize>(answers: [&Answer; N]) -> [u16; N] {
    answers.map(|answer| answer.status.as_u16())
}

#[tokio::test]
async fn a_schedule_needs_a_name_content_a_time_and_a_destination() {
    let api = Api::start(Options::default()).await;
    let ada = api.person("acme-42").await;
    let whole = json!({
        "name": "Mondays", "look_id": "1", "crontab": "0 6 * * 1",
        "require_results": true, "require_no_results": false, "require_change": false,
        "scheduled_plan_destination": [{ "type": "email", "address": "a@example.com", "format": "csv" }],
    });

    for missing in [
        "name",
        "look_id",
        "crontab",
        "require_change",
        "scheduled_plan_destination",
    ] {
        let mut body = whole.clone();
        body.as_object_mut().unwrap().remove(missing);
        let refused = api
            .as_person(&ada, "POST", "/scheduled_plans", Some(body))
            .await;
        assert_eq!(refused.status, 422, "{missing}");
    }
    let made = api
        .as_person(&ada, "POST", "/scheduled_plans", Some(whole))
        .await;

    assert_eq!(made.text_of("title"), "Orders by month");
    assert_eq!(made.json["user_id"], ada.id.as_str());
    assert_eq!(made.json["enabled"], true);
    assert_eq!(api.emulator.violations(), []);
}

#[tokio::test]
async fn a_schedule_keeps_its_destinations_unless_new_ones_are_given() {
    let api = Api::start(Options::default()).await;
    let ada = api.person("acme-42").await;
    let bob = api.person("acme-421").await;
    let plan = format!("/scheduled_plans/{}", api.schedule(&ada, "1").await);

    let moved = api
        .call("PATCH", &plan, Some(json!({ "user_id": bob.id })))
        .await;
    let none = json!({ "scheduled_plan_destination": [] });
    let none = api.call("PATCH", &plan, Some(none)).await;
    let null = json!({ "scheduled_plan_destination": null });
    let null = api.call("PATCH", &plan, Some(null)).await;
    let one = json!({ "scheduled_plan_destination": [{ "type": "email", "address": "b@example.com" }], "enabled": false });
    let replaced = api.call("PATCH", &plan, Some(one)).await;

    let destinations = |answer: &Answer| answer.json["scheduled_plan_destination"].clone();
    assert_eq!(moved.json["user_id"], bob.id.as_str());
    assert_eq!(destinations(&moved)[1]["type"], "webhook");
    assert_eq!(destinations(&moved)[1]["secret_parameters"], Value::Null);
    assert_eq!(statuses([&none, &null]), [422, 422]);
    assert_eq!(destinations(&replaced).as_array().unwrap().len(), 1);
    assert_eq!(replaced.json["enabled"], false);
}

#[tokio::test]
async fn schedules_of_others_are_for_those_who_may_see_schedules() {
    let api = Api::start(Options::default()).await;
    let ada = api.person("acme-42").await;
    let bob = api.person("acme-421").await;
    let plan = api.schedule(&ada, "1").await;
    let path = format!("/scheduled_plans/{plan}");
    let of_ada = format!("/scheduled_plans?user_id={}", ada.id);

    let own = api.as_person(&ada, "GET", "/scheduled_plans", None).await;
    let others = api.as_person(&bob, "GET", "/scheduled_plans", None).await;
    let by_bob = api.as_person(&bob, "GET", &of_ada, None).await;
    let all_by_bob = api
        .as_person(&bob, "GET", "/scheduled_plans?all_users=true", None)
        .await;
    let taken = json!({ "user_id": bob.id });
    let taken = api.as_person(&bob, "PATCH", &path, Some(taken)).await;
    let given = json!({ "user_id": bob.id });
    let given = api.as_person(&ada, "PATCH", &path, Some(given)).await;
    let by_admin = api.get(&of_ada).await;
    let admins = api.get("/scheduled_plans").await;
    let all = api.get("/scheduled_plans?all_users=true").await;

    assert_eq!(texts(&own, "id"), [plan.as_str()]);
    assert_eq!(texts(&others, "id"), NOTHING);
    assert_eq!(statuses([&by_bob, &all_by_bob, &taken, &given]), [404; 4]);
    assert_eq!(texts(&by_admin, "id"), [plan.as_str()]);
    assert_eq!(texts(&admins, "id"), NOTHING);
    assert_eq!(texts(&all, "id"), [plan]);
}

#[tokio::test]
async fn schedules_are_found_by_what_they_send_and_to_whom() {
    let api = Api::start(Options::default()).await;
    let ada = api.person("acme-42").await;
    let plan = api.schedule(&ada, "2").await;
    let search = |query: &str| format!("/scheduled_plans/search?all_users=true&{query}");

    for query in [
        "name=mon%25",
        "dashboard_id=2",
        "recipient=a@%25",
        "user_last_name=user",
    ] {
        let found = api.get(&search(query)).await;
        assert_eq!(texts(&found, "id"), [plan.as_str()], "{query}");
    }
    let none = api.get(&search("dashboard_id=1")).await;
    let deleted = api
        .as_person(&ada, "DELETE", &format!("/scheduled_plans/{plan}"), None)
        .await;
    let gone = api.get(&format!("/scheduled_plans/{plan}")).await;

    assert_eq!(texts(&none, "id"), NOTHING);
    assert_eq!(statuses([&deleted, &gone]), [204, 404]);
    assert_eq!(api.emulator.violations(), []);
}

#[tokio::test]
async fn an_alert_changes_field_by_field_or_whole() {
    let api = Api::start(Options::default()).await;
    let ada = api.person("acme-42").await;
    let bob = api.person("acme-421").await;
    let path = format!("/alerts/{}", api.alert(&ada, false).await);

    let quiet = json!({ "is_disabled": true, "disabled_reason": "Too many", "threshold": 7.5 });
    let quiet = api.as_person(&ada, "PATCH", &path, Some(quiet)).await;
    let to_bob = json!({ "owner_id": bob.id });
    let by_owner = api
        .as_person(&ada, "PATCH", &path, Some(to_bob.clone()))
        .await;
    let by_admin = api.call("PATCH", &path, Some(to_bob)).await;
    let partial = api.call("PUT", &path, Some(alert(true))).await;
    let mut whole = alert(true);
    whole["owner_id"] = json!(bob.id);
    let whole = api.call("PUT", &path, Some(whole)).await;
    let unknown = api
        .call("PATCH", &path, Some(json!({ "cron": "0 6 * * *" })))
        .await;

    assert_eq!(quiet.json["is_disabled"], true);
    assert_eq!(quiet.json["threshold"], 7.5);
    assert_eq!(by_owner.status, 404);
    assert_eq!(by_admin.json["owner_id"], bob.id.as_str());
    assert_eq!(by_admin.json["disabled_reason"], "Too many");
    assert_eq!(partial.json["errors"][0]["field"], "owner_id");
    assert_eq!(whole.json["is_disabled"], false);
    assert_eq!(unknown.status, 422);
    assert_eq!(api.emulator.violations().len(), 1);
}

#[tokio::test]
async fn everybody_follows_for_itself_and_only_what_it_sees() {
    let api = Api::start(Options::default()).await;
    let ada = api.person("acme-42").await;
    let bob = api.person("acme-421").await;
    let open = format!("/alerts/{}", api.alert(&ada, true).await);
    let hidden = format!("/alerts/{}", api.alert(&ada, false).await);
    let follow = |path: &str| format!("{path}/follow");

    let followed = api.as_person(&bob, "POST", &follow(&open), None).await;
    let refused = api.as_person(&bob, "POST", &follow(&hidden), None).await;
    let by_bob = api.as_person(&bob, "GET", &open, None).await;
    let by_ada = api.as_person(&ada, "GET", &open, None).await;
    let bobs = api.as_person(&bob, "GET", "/alerts/search", None).await;
    let all = api.get("/alerts/search?all_owners=true").await;
    let all_by_bob = api
        .as_person(&bob, "GET", "/alerts/search?all_owners=true", None)
        .await;
    let unfollowed = api.as_person(&bob, "DELETE", &follow(&open), None).await;
    let none = api.as_person(&bob, "GET", "/alerts/search", None).await;

    assert_eq!(
        statuses([&followed, &refused, &unfollowed]),
        [204, 404, 204]
    );
    assert_eq!(by_bob.json["followed"], true);
    assert_eq!(
        (&by_ada.json["followed"], &by_ada.json["followable"]),
        (&json!(false), &json!(false))
    );
    assert_eq!(bobs.json.as_array().unwrap().len(), 1);
    assert_eq!(all.json.as_array().unwrap().len(), 2);
    assert_eq!(all_by_bob.status, 403);
    assert_eq!(none.json, json!([]));
}

#[tokio::test]
async fn a_board_changes_hands_and_is_seen_by_those_it_is_shared_with() {
    let api = Api::start(Options::default()).await;
    let ada = api.person("acme-42").await;
    let bob = api.person("acme-421").await;
    let id = api.make(&ada, "/boards", json!({ "title": "Sales" })).await;
    let path = format!("/boards/{id}");
    let board = api.as_person(&ada, "GET", &path, None).await;

    let hidden = api.as_person(&bob, "GET", &path, None).await;
    let access = json!({
        "content_metadata_id": board.json["content_metadata_id"], "permission_type": "view", "user_id": bob.id,
    });
    let shared = api
        .as_person(&ada, "POST", "/content_metadata_access", Some(access))
        .await;
    let seen = api.as_person(&bob, "GET", &path, None).await;
    let changed = json!({ "title": "Ours" });
    let changed = api.as_person(&bob, "PATCH", &path, Some(changed)).await;
    let updatable = api
        .as_person(&bob, "GET", "/boards/search?permission=update", None)
        .await;
    let moved = api
        .call("PATCH", &path, Some(json!({ "user_id": bob.id })))
        .await;
    let by_creator = api
        .get(&format!("/boards/search?creator_id={}", bob.id))
        .await;
    let deleted = json!({ "deleted_at": "2024-05-01T10:00:00Z" });
    let deleted = api.as_person(&bob, "PATCH", &path, Some(deleted)).await;
    let listed = api.get("/boards").await;

    assert_eq!(
        statuses([&hidden, &shared, &seen, &changed]),
        [404, 200, 200, 404]
    );
    assert_eq!(updatable.json, json!([]));
    assert_eq!(moved.json["user_id"], bob.id.as_str());
    assert_eq!(texts(&by_creator, "id"), [id]);
    assert_eq!(
        deleted.text_of("deleted_at"),
        "2024-05-01T10:00:00.000+00:00"
    );
    assert_eq!(listed.json, json!([]));
    assert_eq!(api.emulator.violations(), []);
}

#[tokio::test]
async fn favourites_are_found_by_user_and_made_once() {
    let api = Api::start(Options::default()).await;
    let ada = api.person("acme-42").await;
    let blank = api.get("/dashboards/1").await;
    let body =
        json!({ "content_metadata_id": blank.json["content_metadata_id"], "user_id": ada.id });

    let made = api
        .call("POST", "/content_favorite", Some(body.clone()))
        .await;
    let again = api
        .as_person(&ada, "POST", "/content_favorite", Some(body))
        .await;
    let search = format!("/content_favorite/search?user_id={}", ada.id);
    let found = api.get(&search).await;
    let admins = api.get("/content_favorite/search?user_id=1").await;
    let shown = api.as_person(&ada, "GET", "/dashboards/1", None).await;
    let path = format!("/content_favorite/{}", made.text_of("id"));
    let removed = api.as_person(&ada, "DELETE", &path, None).await;
    let gone = api.as_person(&ada, "GET", &path, None).await;

    assert_eq!(made.json["user_id"], ada.id.as_str());
    assert_eq!(again.status, 409);
    assert_eq!(texts(&found, "dashboard_id"), ["1"]);
    assert_eq!(found.json[0]["dashboard"]["title"], "Blank");
    assert_eq!(admins.json, json!([]));
    assert_eq!(shown.json["content_favorite_id"], made.json["id"]);
    assert_eq!(shown.json["favorite_count"], 1);
    assert_eq!(statuses([&removed, &gone]), [204, 404]);
}

#[tokio::test]
async fn a_switch_leaves_favourites_to_those_whose_they_are() {
    let mut options = Options::default();
    options.switches.favorites_for_others = false;
    let api = Api::start(options).await;
    let ada = api.person("acme-42").await;
    let body = json!({ "content_metadata_id": "1", "user_id": ada.id });

    let by_admin = api
        .call("POST", "/content_favorite", Some(body.clone()))
        .await;
    let by_ada = api
        .as_person(&ada, "POST", "/content_favorite", Some(body))
        .await;
    let path = format!("/content_favorite/{}", by_ada.text_of("id"));
    let removed = api.call("DELETE", &path, None).await;

    assert_eq!(statuses([&by_admin, &by_ada, &removed]), [404, 200, 404]);
}

#[tokio::test]
async fn access_is_given_changed_and_taken_for_a_user_or_a_group() {
    let api = Api::start(Options::default()).await;
    let ada = api.person("acme-42").await;
    let bob = api.person("acme-421").await;
    let dashboard = api.dashboard(&ada, "Orders").await;
    let path = format!("/dashboards/{dashboard}");
    let meta = api.get(&path).await.text_of("content_metadata_id");
    let shared = |more: Value| {
        let mut body = json!({ "content_metadata_id": meta, "permission_type": "view" });
        body.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        Some(body)
    };
    let accesses = "/content_metadata_access";

    let both = api
        .call(
            "POST",
            accesses,
            shared(json!({ "user_id": bob.id, "group_id": "2" })),
        )
        .await;
    let neither = api.call("POST", accesses, shared(json!({}))).await;
    let by_bob = api
        .as_person(&bob, "POST", accesses, shared(json!({ "user_id": bob.id })))
        .await;
    let made = api
        .call("POST", accesses, shared(json!({ "user_id": bob.id })))
        .await;
    let twice = api
        .call("POST", accesses, shared(json!({ "user_id": bob.id })))
        .await;
    let group = api
        .call("POST", accesses, shared(json!({ "group_id": "2" })))
        .await;
    let seen = api.as_person(&bob, "GET", &path, None).await;
    let one = format!("{accesses}/{}", made.text_of("id"));
    let other = json!({ "permission_type": "edit", "user_id": ada.id });
    let other = api.call("PUT", &one, Some(other)).await;
    let edit = api
        .call("PUT", &one, Some(json!({ "permission_type": "edit" })))
        .await;
    let renamed = api
        .as_person(&bob, "PATCH", &path, Some(json!({ "title": "Ours" })))
        .await;
    let listed = api
        .get(&format!("{accesses}?content_metadata_id={meta}"))
        .await;
    let removed = api.call("DELETE", &one, None).await;
    let hidden = api.as_person(&bob, "GET", &path, None).await;
    let described = api.get(&format!("/content_metadata/{meta}")).await;

    assert_eq!(
        statuses([&both, &neither, &by_bob, &made, &twice]),
        [422, 422, 404, 200, 409]
    );
    assert_eq!(
        statuses([&group, &seen, &other, &renamed]),
        [200, 200, 422, 200]
    );
    assert_eq!(edit.text_of("permission_type"), "edit");
    assert_eq!(texts(&listed, "permission_type"), ["edit", "view"]);
    assert_eq!(statuses([&removed, &hidden]), [204, 404]);
    assert_eq!(described.text_of("content_type"), "dashboard");
    assert_eq!(described.json["inherits"], true);
    assert_eq!(described.json["inheriting_id"], described.json["parent_id"]);
}

#[tokio::test]
async fn access_to_a_folder_is_access_to_what_is_in_it() {
    let api = Api::start(Options::default()).await;
    let ada = api.person("acme-42").await;
    let bob = api.person("acme-421").await;
    let body = json!({ "name": "Sales", "parent_id": ada.folder });
    let folder = api.as_person(&ada, "POST", "/folders", Some(body)).await;
    let body = json!({ "title": "Orders", "folder_id": folder.text_of("id") });
    let dashboard = api.make(&ada, "/dashboards", body).await;
    let body = json!({
        "content_metadata_id": folder.json["content_metadata_id"], "permission_type": "edit", "user_id": bob.id,
    });
    api.make(&ada, "/content_metadata_access", body).await;

    let path = format!("/dashboards/{dashboard}");
    let seen = api.as_person(&bob, "GET", &path, None).await;
    let body = json!({ "title": "Returns", "folder_id": folder.text_of("id") });
    let made = api.as_person(&bob, "POST", "/dashboards", Some(body)).await;
    let above = format!("/folders/{}/ancestors", folder.text_of("id"));
    let above = api.as_person(&bob, "GET", &above, None).await;

    assert_eq!(statuses([&seen, &made]), [200, 200]);
    // The personal folder that it is in is not shared.
    assert_eq!(above.json, json!([]));
}

#[tokio::test]
async fn deleting_a_user_trashes_its_content_and_ends_what_hangs_on_it() {
    let api = Api::start(Options::default()).await;
    let ada = api.person("acme-42").await;
    let bob = api.person("acme-421").await;
    let own = api.dashboard(&ada, "Orders").await;
    let moved = api.dashboard(&ada, "Returns").await;
    api.call(
        "PATCH",
        &format!("/dashboards/{moved}/move?folder_id=1"),
        None,
    )
    .await;
    let by_bob = api.schedule(&bob, &moved).await;
    let of_bob = api.schedule(&bob, "1").await;
    api.schedule(&ada, "1").await;
    let alert = api.alert(&ada, true).await;
    let board = api.make(&ada, "/boards", json!({ "title": "Sales" })).await;

    let deleted = api
        .call("DELETE", &format!("/users/{}", ada.id), None)
        .await;
    let trash = format!("/dashboards/search?deleted=true&user_id={}", ada.id);
    let trash = api.get(&trash).await;
    let folder = api.get(&format!("/folders/{}", ada.folder)).await;
    let plans = api.get("/scheduled_plans?all_users=true").await;
    let unseen = api.get(&format!("/alerts/{alert}")).await;
    let alerts = api.get("/alerts/search?all_owners=true").await;
    let board = api.get(&format!("/boards/{board}")).await;
    let state = api.emulator.state();

    assert_eq!(statuses([&deleted, &folder, &unseen]), [204, 404, 404]);
    assert_eq!(texts(&trash, "id"), [own, moved]);
    assert_eq!(texts(&trash, "folder_id"), ["null", "1"]);
    assert_eq!(texts(&plans, "id"), [of_bob]);
    assert!(!texts(&plans, "id").contains(&by_bob));
    assert_eq!(alerts.json, json!([]));
    assert_eq!(state["alerts"].as_array().map_or(0, Vec::len), 0);
    assert_eq!(board.text_of("title"), "Sales");
}
