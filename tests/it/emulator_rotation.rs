//! The world that is known as `rotation`, and content in and out of a document.

use embedctl::emulator::{Options, State};
use serde_json::{Value, json};

use crate::emulator::Api;
use crate::emulator_content::texts;
use crate::support::Sandbox;

async fn rotation() -> Api {
    Api::start(Options {
        state: State::named("rotation").unwrap(),
        ..Options::default()
    })
    .await
}

#[tokio::test]
async fn the_old_user_has_everything_one_can_own() {
    let api = rotation().await;
    let user = api.get("/users/credential/embed/acme-42").await;
    let sudo = api.call("POST", "/login/42", None).await;
    let token = sudo.text_of("access_token");

    let dashboards = api.get("/dashboards/search?user_id=42&sorts=id").await;
    let trash = api.get("/dashboards/search?user_id=42&deleted=true").await;
    let looks = api.get("/looks/search?user_id=42").await;
    let folders = api.get("/folders/search?creator_id=42").await;
    let plans = api.get("/scheduled_plans?user_id=42").await;
    let alerts = api
        .call_as(Some(&token), "GET", "/alerts/search", None)
        .await;
    let boards = api.get("/boards/search?creator_id=42").await;
    let favorites = api.get("/content_favorite/search?user_id=42").await;
    let roles = api
        .get("/users/42/roles?direct_association_only=true")
        .await;
    let values = api
        .get("/users/42/attribute_values?fields=name,value,value_is_hidden,source")
        .await;
    let keys = api.get("/users/42/credentials_api3").await;
    let sessions = api.get("/users/42/sessions").await;

    assert_eq!(user.text_of("id"), "42");
    assert_eq!(user.text_of("personal_folder_id"), "500");
    assert_eq!(user.text_of("embed_group_folder_id"), "520");
    assert_eq!(
        texts(&dashboards, "id"),
        ["100", "101", "102", "105", "106"]
    );
    assert_eq!(texts(&trash, "id"), ["103", "104", "107", "114"]);
    assert_eq!(texts(&looks, "id"), ["100", "101", "103"]);
    assert_eq!(texts(&folders, "id"), ["500", "501", "502", "503", "504"]);
    assert_eq!(texts(&plans, "id"), ["100", "101", "102"]);
    assert_eq!(texts(&alerts, "id"), ["100", "101", "102"]);
    assert_eq!(texts(&boards, "id"), ["100"]);
    assert_eq!(
        texts(&favorites, "dashboard_id"),
        ["100", "109", "null", "null"]
    );
    assert_eq!(texts(&roles, "name"), ["Acme Analyst", "Embedded Role"]);
    assert!(
        values
            .json
            .as_array()
            .unwrap()
            .iter()
            .any(|row| row["name"] == "api_token")
    );
    assert_eq!(keys.json.as_array().unwrap().len(), 2);
    assert_eq!(sessions.json.as_array().unwrap().len(), 2);
    assert_eq!(api.emulator.violations(), []);
}

#[tokio::test]
async fn the_world_can_be_read_from_what_it_was_written_to() {
    let api = rotation().await;
    let written = api.emulator.state();

    let again = Api::start(Options {
        state: State::parse(&written.to_string()).unwrap(),
        ..Options::default()
    })
    .await;

    // The administrator's key belongs to each emulator alone.
    let others = |mut state: Value| {
        state["users"][0]["keys"].take();
        state
    };
    assert_eq!(others(written), others(again.emulator.state()));
}

#[tokio::test]
async fn what_a_document_says_of_content_must_be_there() {
    for (text, named) in [
        ("folders: [{ name: Lost, parent: 999 }]", "Lost"),
        ("dashboards: [{ title: Lost, folder: 999 }]", "Lost"),
        ("folders: [{ kind: personal, creator: 999 }]", "personal"),
        ("folders: [{ kind: group, external_id: nobody }]", "nobody"),
        ("favorites: [{ user: 1, of: { look: 999 } }]", "Look(999)"),
        ("alerts: [{ owner: 1, element: 999, fields: {} }]", "999"),
        ("folders: [{ kind: users_root, name: Mine }]", "root"),
    ] {
        let options = Options {
            state: State::parse(text).unwrap(),
            ..Options::default()
        };
        let error = embedctl::emulator::Emulator::start(options).await;
        let error = error.unwrap_err().to_string();
        assert!(error.contains(named), "{text}: {error}");
    }
}

#[tokio::test]
async fn a_folder_of_the_document_gets_its_id_and_what_had_it_another() {
    let text = "users: [{ id: 2, external_user_id: acme-42 }]\n\
        folders: [{ id: 6, name: Sales, parent: 1 }, { id: 9, kind: personal, creator: 2 }]";
    let api = Api::start(Options {
        state: State::parse(text).unwrap(),
        ..Options::default()
    })
    .await;

    let sales = api.get("/folders/6").await;
    let user = api.get("/users/2").await;
    let own = api.get("/folders/9").await;

    assert_eq!(sales.text_of("name"), "Sales");
    assert_eq!(user.text_of("personal_folder_id"), "9");
    assert_eq!(own.text_of("name"), "acme-42");
    assert_eq!(own.json["parent_id"], json!("4"));
}

#[tokio::test]
async fn a_world_that_nobody_knows_is_bad_input() {
    let sandbox = Sandbox::offline();

    let refused = sandbox.run(&["emulator", "--seed", "revolution"]).await;

    let refused = refused.exits(2);
    assert!(refused.err.contains("rotation"), "{}", refused.err);
}
