//! Folders, dashboards and looks of the local Looker, over HTTP.

use embedctl::emulator::Options;
use embedctl::signed_url::Login;
use serde_json::{Value, json};

use crate::emulator::{Answer, Api};

/// A user that may save content, send it and watch it, and a token of it.
pub(crate) struct Person {
    pub(crate) id: String,
    pub(crate) token: String,
    pub(crate) folder: String,
}

impl Api {
    /// A new embed user that may do what an embed user may do with content.
    pub(crate) async fn person(&self, external_user_id: &str) -> Person {
        let permissions = [
            "access_data",
            "see_looks",
            "see_user_dashboards",
            "save_content",
            "schedule_look_emails",
            "create_alerts",
        ];
        let login = Login {
            permissions: Some(permissions.map(ToOwned::to_owned).to_vec()),
            models: Some(vec!["demo".to_owned()]),
            external_group_id: Some("acme".to_owned()),
            ..Login::new(external_user_id)
        };
        let id = self.embed_login(&login).await;
        let sudo = self.call("POST", &format!("/login/{id}"), None).await;
        let user = self.get(&format!("/users/{id}")).await;
        Person {
            id,
            token: sudo.text_of("access_token"),
            folder: user.text_of("personal_folder_id"),
        }
    }

    /// Call the API as a person.
    pub(crate) async fn as_person(
        &self,
        person: &Person,
        method: &str,
        path: &str,
        body: Option<Value>,
    ) -> Answer {
        self.call_as(Some(&person.token), method, path, body).await
    }

    /// Make something as a person; gives its id.
    pub(crate) async fn make(&self, person: &Person, path: &str, body: Value) -> String {
        let made = self.as_person(person, "POST", path, Some(body)).await;
        assert_eq!(made.status, 200, "{}", made.text);
        made.text_of("id")
    }

    /// Make a dashboard in the personal folder of a person.
    pub(crate) async fn dashboard(&self, person: &Person, title: &str) -> String {
        let body = json!({ "title": title, "folder_id": person.folder });
        self.make(person, "/dashboards", body).await
    }
}

/// The values of a field in a list.
pub(crate) fn texts(answer: &Answer, field: &str) -> Vec<String> {
    let items = answer.json.as_array();
    let items = items.unwrap_or_else(|| panic!("no list: {answer:?}"));
    items
        .iter()
        .map(|item| item[field].as_str().unwrap_or("null").to_owned())
        .collect()
}

const NOTHING: [String; 0] = [];

#[tokio::test]
async fn an_embed_user_has_a_personal_folder_and_its_external_group_a_shared_one() {
    let api = Api::start(Options::default()).await;
    let ada = api.person("acme-42").await;

    let own = api.get(&format!("/folders/{}", ada.folder)).await;
    let root = api.get(&format!("/folders/{}/parent", ada.folder)).await;
    let user = api.get(&format!("/users/{}", ada.id)).await;
    let group = user.text_of("embed_group_folder_id");
    let group = api.get(&format!("/folders/{group}")).await;

    assert_eq!(own.text_of("name"), "acme-42");
    assert_eq!(own.json["creator_id"], ada.id.as_str());
    assert_eq!(own.json["is_personal"], true);
    assert_eq!(own.json["is_embed"], true);
    assert_eq!(root.json["is_embed_users_root"], true);
    assert_eq!(group.json["external_id"], "acme");
    assert_eq!(group.json["is_personal"], false);
    assert_eq!(api.emulator.violations(), []);
}

#[tokio::test]
async fn folders_nest_and_have_one_name_each_below_their_parent() {
    let api = Api::start(Options::default()).await;
    let ada = api.person("acme-42").await;
    let body = json!({ "name": "Sales", "parent_id": ada.folder });
    let sales = api.make(&ada, "/folders", body.clone()).await;
    let inner = json!({ "name": "2024", "parent_id": sales });
    let year = api.make(&ada, "/folders", inner).await;

    let twice = api.as_person(&ada, "POST", "/folders", Some(body)).await;
    let renamed = json!({ "name": "Sales" });
    let elsewhere = api
        .as_person(&ada, "PATCH", &format!("/folders/{year}"), Some(renamed))
        .await;
    let around = json!({ "parent_id": year });
    let around = api
        .as_person(&ada, "PATCH", &format!("/folders/{sales}"), Some(around))
        .await;
    let above = api.get(&format!("/folders/{year}/ancestors")).await;
    let below = api.get(&format!("/folders/{sales}/children")).await;

    assert_eq!(twice.status, 422);
    assert_eq!(twice.json["errors"][0]["field"], "name");
    assert_eq!(elsewhere.text_of("name"), "Sales");
    assert_eq!(elsewhere.json["is_personal_descendant"], true);
    assert_eq!(around.status, 422);
    assert_eq!(texts(&above, "name"), ["Embed Users", "acme-42", "Sales"]);
    assert_eq!(texts(&below, "id"), [year]);
    assert_eq!(api.emulator.violations(), []);
}

#[tokio::test]
async fn roots_and_personal_folders_stay_as_they_are() {
    let api = Api::start(Options::default()).await;
    let ada = api.person("acme-42").await;

    for folder in ["1", "4", &ada.folder] {
        let path = format!("/folders/{folder}");
        let renamed = api
            .call("PATCH", &path, Some(json!({ "name": "Mine" })))
            .await;
        let deleted = api.call("DELETE", &path, None).await;

        assert_eq!(
            (renamed.status.as_u16(), deleted.status.as_u16()),
            (422, 422)
        );
    }
    let body = json!({ "name": "Nobody's", "parent_id": "4" });
    let made = api.call("POST", "/folders", Some(body)).await;
    assert_eq!(made.status, 404);
}

#[tokio::test]
async fn deleting_a_folder_puts_all_it_holds_in_the_trash() {
    let api = Api::start(Options::default()).await;
    let ada = api.person("acme-42").await;
    let body = json!({ "name": "Sales", "parent_id": ada.folder });
    let sales = api.make(&ada, "/folders", body).await;
    let body = json!({ "name": "2024", "parent_id": sales });
    let year = api.make(&ada, "/folders", body).await;
    let body = json!({ "title": "Deep", "folder_id": year });
    let deep = api.make(&ada, "/dashboards", body).await;

    let path = format!("/folders/{sales}");
    let deleted = api.as_person(&ada, "DELETE", &path, None).await;
    let gone = api.get(&format!("/folders/{year}")).await;
    let live = api
        .get(&format!("/dashboards/search?user_id={}", ada.id))
        .await;
    let trash = format!("/dashboards/search?user_id={}&deleted=true", ada.id);
    let trash = api.get(&trash).await;

    assert_eq!(deleted.status, 204);
    assert_eq!(gone.status, 404);
    assert_eq!(texts(&live, "id"), NOTHING);
    assert_eq!(texts(&trash, "id"), [deep]);
    assert_eq!(trash.json[0]["folder_id"], Value::Null);
    assert_eq!(trash.json[0]["deleter_id"], ada.id.as_str());
}

#[tokio::test]
async fn folders_are_found_by_name_parent_and_creator() {
    let api = Api::start(Options::default()).await;
    let ada = api.person("acme-42").await;
    api.person("acme-421").await;
    for name in ["Sales", "Salaries"] {
        let body = json!({ "name": name, "parent_id": ada.folder });
        api.make(&ada, "/folders", body).await;
    }

    let by_name = api.get("/folders/search?name=sal%25&sorts=-name").await;
    let by_creator = format!("/folders/search?creator_id={}&sorts=name", ada.id);
    let by_creator = api.get(&by_creator).await;
    let by_parent = format!("/folders/search?parent_id={}&limit=1&offset=1", ada.folder);
    let by_parent = api.get(&by_parent).await;
    let either = format!(
        "/folders/search?name=shared&parent_id={}&filter_or=true",
        ada.folder
    );
    let either = api.get(&either).await;
    let as_user = api
        .as_person(&ada, "GET", "/folders/search?name=acme%25", None)
        .await;

    assert_eq!(texts(&by_name, "name"), ["Sales", "Salaries"]);
    assert_eq!(texts(&by_creator, "name"), ["Salaries", "Sales", "acme-42"]);
    assert_eq!(texts(&by_parent, "name"), ["Salaries"]);
    assert_eq!(either.json.as_array().unwrap().len(), 3);
    assert_eq!(texts(&as_user, "name"), ["acme-42", "acme"]);
}

#[tokio::test]
async fn all_folders_leaves_out_empty_personal_folders_of_others() {
    let api = Api::start(Options::default()).await;
    let ada = api.person("acme-42").await;
    api.person("acme-421").await;

    let empty = api.get("/folders?fields=name").await;
    api.dashboard(&ada, "First").await;
    let filled = api.get("/folders?fields=name").await;

    assert!(!texts(&empty, "name").contains(&"acme-42".to_owned()));
    assert!(texts(&filled, "name").contains(&"acme-42".to_owned()));
    assert!(!texts(&filled, "name").contains(&"acme-421".to_owned()));
}

#[tokio::test]
async fn a_user_sees_its_own_and_shared_content_and_404_for_the_rest() {
    let api = Api::start(Options::default()).await;
    let ada = api.person("acme-42").await;
    let bob = api.person("acme-421").await;
    let mine = api.dashboard(&ada, "Mine").await;

    let blank = api.as_person(&bob, "GET", "/dashboards/1", None).await;
    let path = format!("/dashboards/{mine}");
    let own = api.as_person(&ada, "GET", &path, None).await;
    let others = api.as_person(&bob, "GET", &path, None).await;
    let change = json!({ "title": "Ours" });
    let changed = api
        .as_person(&bob, "PATCH", "/dashboards/1", Some(change))
        .await;
    let folder = format!("/folders/{}", ada.folder);
    let folder = api.as_person(&bob, "GET", &folder, None).await;
    let found = api
        .as_person(&bob, "GET", "/dashboards/search?title=mine", None)
        .await;

    assert_eq!(blank.status, 200);
    assert_eq!(own.status, 200);
    assert_eq!(
        [&others, &changed, &folder].map(|answer| answer.status.as_u16()),
        [404, 404, 404]
    );
    assert_eq!(texts(&found, "id"), NOTHING);
    assert_eq!(api.emulator.violations(), []);
}

#[tokio::test]
async fn a_dashboard_keeps_what_is_written_and_refuses_what_is_not_writable() {
    let api = Api::start(Options::default()).await;
    let ada = api.person("acme-42").await;
    let id = api.dashboard(&ada, "Orders").await;
    let path = format!("/dashboards/{id}");

    let change = json!({ "description": "All orders", "slug": "orders", "refresh_interval": "1 hour", "title": "All" });
    let changed = api.as_person(&ada, "PATCH", &path, Some(change)).await;
    let read_only = json!({ "view_count": 7 });
    let read_only = api.call("PATCH", &path, Some(read_only)).await;
    let wrong = api
        .call("PATCH", &path, Some(json!({ "user_id": 7 })))
        .await;
    let untitled = api.call("PATCH", &path, Some(json!({ "title": "" }))).await;

    assert_eq!(changed.text_of("description"), "All orders");
    assert_eq!(changed.text_of("slug"), "orders");
    assert_eq!(changed.text_of("title"), "All");
    assert_eq!(changed.json["folder"]["id"], ada.folder.as_str());
    assert_eq!(changed.json["user_id"], ada.id.as_str());
    assert_eq!(
        [&read_only, &wrong, &untitled].map(|answer| answer.status.as_u16()),
        [422, 422, 422]
    );
    assert_eq!(api.emulator.violations().len(), 2);
}

#[tokio::test]
async fn titles_are_unique_in_a_folder_and_slugs_everywhere() {
    let api = Api::start(Options::default()).await;
    let ada = api.person("acme-42").await;
    let first = api.dashboard(&ada, "Orders").await;
    let second = api.dashboard(&ada, "Returns").await;
    let slug = json!({ "slug": "orders" });
    api.call("PATCH", &format!("/dashboards/{first}"), Some(slug.clone()))
        .await;

    let body = json!({ "title": "Orders", "folder_id": ada.folder });
    let again = api.call("POST", "/dashboards", Some(body.clone())).await;
    let path = format!("/dashboards/{second}");
    let taken = api.call("PATCH", &path, Some(slug)).await;
    let trashed = json!({ "deleted": true });
    api.call("PATCH", &format!("/dashboards/{first}"), Some(trashed))
        .await;
    let freed = api.call("POST", "/dashboards", Some(body)).await;

    // Recorded: Ruby's print of a list.
    assert_eq!(again.json["errors"][0]["field"], "[:title, :space_id]");
    assert_eq!(taken.json["errors"][0]["field"], "slug");
    assert_eq!(freed.status, 200);
}

#[tokio::test]
async fn a_dashboard_moves_to_another_folder_only() {
    let api = Api::start(Options::default()).await;
    let ada = api.person("acme-42").await;
    let bob = api.person("acme-421").await;
    let id = api.dashboard(&ada, "Orders").await;
    let to = |folder: &str| format!("/dashboards/{id}/move?folder_id={folder}");

    let same = api.call("PATCH", &to(&ada.folder), None).await;
    let nowhere = api.call("PATCH", &to("999"), None).await;
    let by_user = api.as_person(&ada, "PATCH", &to(&bob.folder), None).await;
    let moved = api.call("PATCH", &to(&bob.folder), None).await;
    let held = api
        .get(&format!("/folders/{}/dashboards?fields=id", bob.folder))
        .await;

    assert_eq!(same.status, 422);
    assert_eq!([nowhere.status, by_user.status], [422, 404]);
    assert_eq!(nowhere.json["errors"][0]["code"], "missing");
    assert_eq!(moved.json["folder_id"], bob.folder.as_str());
    assert_eq!(moved.json["user_id"], ada.id.as_str());
    assert_eq!(held.json, json!([{ "id": id }]));
}

#[tokio::test]
async fn only_an_administrator_gives_content_to_others() {
    let api = Api::start(Options::default()).await;
    let ada = api.person("acme-42").await;
    let bob = api.person("acme-421").await;
    let path = format!("/dashboards/{}", api.dashboard(&ada, "Orders").await);
    let to_bob = json!({ "user_id": bob.id });

    let by_user = api
        .as_person(&ada, "PATCH", &path, Some(to_bob.clone()))
        .await;
    let by_admin = api.call("PATCH", &path, Some(to_bob)).await;
    let nobody = api
        .call("PATCH", &path, Some(json!({ "user_id": "999" })))
        .await;

    assert_eq!([by_user.status, nobody.status], [404, 404]);
    assert_eq!(by_admin.json["user_id"], bob.id.as_str());
}

#[tokio::test]
async fn a_switch_makes_a_new_owner_pass_unheard() {
    let mut options = Options::default();
    options.switches.owner_can_be_set = false;
    let api = Api::start(options).await;
    let ada = api.person("acme-42").await;
    let bob = api.person("acme-421").await;
    let path = format!("/dashboards/{}", api.dashboard(&ada, "Orders").await);

    let changed = api
        .call("PATCH", &path, Some(json!({ "user_id": bob.id })))
        .await;

    assert_eq!(changed.status, 200);
    assert_eq!(changed.json["user_id"], ada.id.as_str());
}

#[tokio::test]
async fn the_trash_is_seen_only_by_those_who_ask_and_content_comes_back_from_it() {
    let api = Api::start(Options::default()).await;
    let ada = api.person("acme-42").await;
    let id = api.dashboard(&ada, "Orders").await;
    let path = format!("/dashboards/{id}");
    let deleted = json!({ "deleted": true });

    let trashed = api.as_person(&ada, "PATCH", &path, Some(deleted)).await;
    let live = api
        .get(&format!("/dashboards/search?folder_id={}", ada.folder))
        .await;
    let trash = format!("/dashboards/search?deleted=true&folder_id={}", ada.folder);
    let trash = api.get(&trash).await;
    let held = api
        .get(&format!("/folders/{}/dashboards", ada.folder))
        .await;
    let back = api
        .call("PATCH", &path, Some(json!({ "deleted": false })))
        .await;
    let removed = api.call("DELETE", &path, None).await;
    let gone = api.get(&path).await;

    assert_eq!(trashed.json["deleted"], true);
    assert!(trashed.json["deleted_at"].is_string());
    assert_eq!((texts(&live, "id"), texts(&held, "id")), (vec![], vec![]));
    assert_eq!(texts(&trash, "id"), [id]);
    assert_eq!(
        (&back.json["deleted"], &back.json["deleted_at"]),
        (&json!(false), &Value::Null)
    );
    assert_eq!((removed.status.as_u16(), gone.status.as_u16()), (204, 404));
}

#[tokio::test]
async fn dashboards_are_found_by_owner_title_and_pattern() {
    let api = Api::start(Options::default()).await;
    let ada = api.person("acme-42").await;
    let bob = api.person("acme-421").await;
    for title in ["Orders", "Order details", "Returns"] {
        api.dashboard(&ada, title).await;
    }
    api.dashboard(&bob, "Orders").await;

    let search = |query: &str| format!("/dashboards/search?fields=title&{query}");
    let by_owner = api
        .get(&search(&format!("user_id={}&sorts=title", ada.id)))
        .await;
    let pattern = format!("user_id={}&title=order_", ada.id);
    let pattern = api.get(&search(&pattern)).await;
    let not_mine = format!("user_id={}&not_owned_by=true&title=o%25", ada.id);
    let not_mine = api.get(&search(&not_mine)).await;
    let two = format!("user_id={},{}&title=orders", ada.id, bob.id);
    let two = api.get(&search(&two)).await;
    let curated = api.get(&search("title=orders&curate=true")).await;

    assert_eq!(
        texts(&by_owner, "title"),
        ["Order details", "Orders", "Returns"]
    );
    assert_eq!(texts(&pattern, "title"), ["Orders"]);
    // The demo world has one, too.
    assert_eq!(texts(&not_mine, "title"), ["Orders", "Orders"]);
    assert_eq!(texts(&two, "title"), ["Orders", "Orders"]);
    assert_eq!(texts(&curated, "title"), ["Orders"]);
}

#[tokio::test]
async fn a_copy_gets_another_title_where_its_own_is_taken() {
    let api = Api::start(Options::default()).await;
    let ada = api.person("acme-42").await;
    let copy = |folder: &str| format!("/dashboards/2/copy{folder}");
    let here = format!("?folder_id={}", ada.folder);

    let first = api.as_person(&ada, "POST", &copy(&here), None).await;
    let second = api.as_person(&ada, "POST", &copy(&here), None).await;
    let third = api.as_person(&ada, "POST", &copy(&here), None).await;
    let beside = api.as_person(&ada, "POST", &copy(""), None).await;

    assert_eq!(first.text_of("title"), "Orders");
    assert_eq!(first.json["user_id"], ada.id.as_str());
    assert_eq!(
        first.json["dashboard_elements"][0]["title"],
        "Orders by month"
    );
    assert_eq!(second.text_of("title"), "Orders (copy)");
    assert_eq!(third.text_of("title"), "Orders (copy 2)");
    // Everybody may look at the shared folder, and not everybody may put something there.
    assert_eq!(beside.status, 404);
}

#[tokio::test]
async fn a_look_shows_a_query_and_takes_one_along() {
    let api = Api::start(Options::default()).await;
    let ada = api.person("acme-42").await;
    let query = json!({ "model": "demo", "view": "orders", "fields": ["orders.count"] });
    let saved = api.make(&ada, "/queries", query.clone()).await;
    let again = api.make(&ada, "/queries", query.clone()).await;
    let look = json!({ "title": "Count", "folder_id": ada.folder, "query_id": saved });
    let look = api.make(&ada, "/looks", look).await;
    let inline = json!({ "title": "Same", "folder_id": ada.folder, "query": query });
    let inline = api.as_person(&ada, "POST", "/looks", Some(inline)).await;
    let without = json!({ "title": "Nothing", "folder_id": ada.folder });
    let without = api.as_person(&ada, "POST", "/looks", Some(without)).await;

    let shown = api.get(&format!("/looks/{look}")).await;
    let found = api
        .get(&format!(
            "/looks/search?query_id={saved}&user_id={}",
            ada.id
        ))
        .await;
    let held = api
        .get(&format!("/folders/{}/looks?fields=title", ada.folder))
        .await;
    let path = format!("/looks/{look}/move?folder_id=1");
    let moved = api.call("PATCH", &path, None).await;

    assert_eq!(saved, again);
    assert_eq!(shown.json["query"]["fields"], json!(["orders.count"]));
    assert_eq!(shown.json["model"]["id"], "demo");
    assert_eq!(inline.json["query_id"], saved.as_str());
    assert_eq!(without.json["errors"][0]["field"], "query_id");
    assert_eq!(texts(&found, "title"), ["Count", "Same"]);
    assert_eq!(
        held.json,
        json!([{ "title": "Count" }, { "title": "Same" }])
    );
    assert_eq!(moved.json["folder_id"], "1");
    assert_eq!(api.emulator.violations(), []);
}

#[tokio::test]
async fn nobody_saves_content_without_the_permission() {
    let api = Api::start(Options::default()).await;
    let id = api.embed_login(&crate::emulator::login("acme-42")).await;
    let sudo = api.call("POST", &format!("/login/{id}"), None).await;
    let token = sudo.text_of("access_token");
    let user = api.get(&format!("/users/{id}")).await;

    let body = json!({ "title": "Orders", "folder_id": user.text_of("personal_folder_id") });
    let made = api
        .call_as(Some(&token), "POST", "/dashboards", Some(body))
        .await;

    assert_eq!(made.status, 404);
}

#[tokio::test]
async fn queries_answer_whoever_may_use_their_model_and_nobody_else() {
    let api = Api::start(Options::default()).await;
    let ada = api.person("acme-42").await;
    let made = json!({ "external_user_id": "nobody" });
    let nobody = api.call("POST", "/users/embed_user", Some(made)).await;
    let sudo = format!("/login/{}", nobody.text_of("id"));
    let sudo = api.call("POST", &sudo, None).await.text_of("access_token");
    let fields = json!(["orders.created_month", "orders.count"]);
    let query = json!({ "model": "demo", "view": "orders", "fields": fields });
    let elsewhere = json!({ "model": "demo", "view": "nothing" });
    let saved = api.make(&ada, "/queries", query.clone()).await;

    let run = "/queries/run/json";
    let rows = api.as_person(&ada, "POST", run, Some(query.clone())).await;
    let csv = format!("/queries/{saved}/run/csv?limit=1");
    let csv = api.as_person(&ada, "GET", &csv, None).await;
    let sql = api
        .as_person(&ada, "GET", &format!("/queries/{saved}/run/sql"), None)
        .await;
    let refused = api.call_as(Some(&sudo), "POST", run, Some(query)).await;
    let nothing = api.as_person(&ada, "POST", run, Some(elsewhere)).await;
    let sheet = api
        .as_person(&ada, "GET", &format!("/queries/{saved}/run/xlsx"), None)
        .await;

    assert_eq!(
        rows.json[1],
        json!({ "orders.created_month": "2024-02", "orders.count": 200 })
    );
    assert_eq!(csv.text, "Orders Created Month,Orders Count\n2024-01,100\n");
    assert!(sql.text.starts_with("SELECT orders.created_month"));
    assert_eq!([refused.status, nothing.status], [404, 404]);
    assert!(
        refused.json["documentation_url"]
            .as_str()
            .unwrap()
            .ends_with("/404/post/queries/run/:result_format")
    );
    assert_eq!(sheet.status, 422);
    assert_eq!(api.emulator.violations(), []);
}
