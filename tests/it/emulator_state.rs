//! State in and out of the local Looker.

use std::collections::BTreeMap;

use embedctl::emulator::{Emulator, Options, State};
use embedctl::signed_url::Login;
use serde_json::{Value, json};

use crate::emulator::{Api, login};
use crate::support::Sandbox;

const YAML: &str = "
settings:
  allow_user_timezones: true
models:
  - { name: thelook, explores: [orders, users] }
user_attributes:
  - { name: plan, type: string, default_value: free }
roles:
  - { id: 9, name: Reader, permissions: [access_data], models: [thelook] }
groups:
  - { id: 7, name: Readers, roles: [9], user_attributes: { plan: gold } }
users:
  - external_user_id: acme-1
    first_name: Ada
    groups: [7]
    keys:
      - { client_id: abcdefghijabcdefghij, client_secret: abcdefghijklabcdefghijkl, purpose: seeded }
  - id: 50
    email: eve@example.com
    user_attributes: { plan: silver }
";

async fn seeded(yaml: &str) -> Api {
    let state = State::parse(yaml).unwrap();
    Api::start(Options {
        state,
        ..Options::default()
    })
    .await
}

#[tokio::test]
async fn a_document_makes_users_with_groups_roles_attributes_and_keys() {
    let api = seeded(YAML).await;

    let user = api.get("/users/credential/embed/acme-1").await;
    let token = api
        .log_in("abcdefghijabcdefghij", "abcdefghijklabcdefghijkl")
        .await
        .unwrap();
    let models = api
        .call_as(Some(&token), "GET", "/lookml_models?fields=name", None)
        .await;
    let values = format!(
        "/users/{}/attribute_values?fields=name,value,source",
        user.text_of("id")
    );
    let values = api.get(&values).await;
    let eve = api.get("/users/50").await;

    assert_eq!(user.text_of("first_name"), "Ada");
    assert_eq!(user.json["group_ids"], json!(["1", "7"]));
    assert_eq!(user.json["role_ids"], json!(["9"]));
    assert_eq!(models.json, json!([{ "name": "thelook" }]));
    let plan = json!({ "name": "plan", "value": "gold", "source": "Group: Readers" });
    assert!(
        values.json.as_array().unwrap().contains(&plan),
        "{values:?}"
    );
    assert_eq!(eve.text_of("email"), "eve@example.com");
    let zones = api.get("/setting?fields=allow_user_timezones").await;
    assert_eq!(zones.json, json!({ "allow_user_timezones": true }));
}

#[tokio::test]
async fn what_one_emulator_gives_out_another_takes_in() {
    let api = seeded(YAML).await;
    let with_grants = Login {
        external_group_id: Some("acme".to_owned()),
        group_ids: Some(vec!["2".to_owned()]),
        user_attributes: Some(BTreeMap::from([("region".to_owned(), "EU".to_owned())])),
        ..login("acme-2")
    };
    api.embed_login(&with_grants).await;
    let gone = json!({ "external_user_id": "gone" });
    let gone = api.call("POST", "/users/embed_user", Some(gone)).await;
    let gone = format!("/users/{}", gone.text_of("id"));
    assert_eq!(api.call("DELETE", &gone, None).await.status, 204);
    api.embed_login(&login("acme-3")).await;

    let before = api.emulator.state();
    let again = seeded(&before.to_string()).await;
    let after = again.emulator.state();

    // The administrator has its fresh key besides the one of the document.
    let others = |state: &Value| {
        let mut state = state.clone();
        state["users"][0]["keys"].take();
        state
    };
    assert_eq!(others(&before), others(&after));
}

#[tokio::test]
async fn a_document_gives_no_secret_away() {
    let api = seeded(YAML).await;
    let url = format!("{}/__emulator/state", api.emulator.base_url());

    let answer = api.web(&url, "").await;

    assert!(answer.text.contains("abcdefghijabcdefghij"));
    assert!(!answer.text.contains("secret"), "{}", answer.text);
}

#[tokio::test]
async fn a_document_with_a_mistake_is_refused_with_its_place() {
    for (text, says) in [
        ("users: [{ name: x }]", "name"),
        ("{\"users\": [{\"id\": 1, \"x\": 2}]}", "line 1"),
        ("users: [{ id: 99999999 }]", "99999999"),
        (
            "users: [{ user_attributes: { no: x } }]",
            "no user attribute `no`",
        ),
        (
            "user_attributes: [{ name: x, type: y }]",
            "unknown type `y`",
        ),
    ] {
        let refused = match State::parse(text) {
            Err(error) => error.to_string(),
            Ok(state) => {
                let options = Options {
                    state,
                    ..Options::default()
                };
                Emulator::start(options).await.unwrap_err().to_string()
            }
        };
        assert!(refused.contains(says), "{text}: {refused}");
    }
}

#[tokio::test]
async fn a_reset_brings_the_document_back() {
    let api = seeded(YAML).await;
    let id = api.embed_login(&login("acme-1")).await;
    let reset = format!("{}/__emulator/reset", api.emulator.base_url());
    let http = reqwest::Client::builder().no_proxy().build().unwrap();

    assert_eq!(
        api.call("DELETE", &format!("/users/{id}"), None)
            .await
            .status,
        204
    );
    http.post(reset).send().await.unwrap();
    let state = api.emulator.state();

    let users = state["users"].as_array().unwrap();
    assert!(
        users
            .iter()
            .any(|user| user["external_user_id"] == "acme-1")
    );
}

#[tokio::test]
async fn so_many_users_are_there_from_the_start() {
    let api = Api::start(Options {
        users: 250,
        ..Options::default()
    })
    .await;

    let found = api.get("/users/credential/embed/user-250?fields=id").await;
    let page = "/users/search?embed_user=true&fields=credentials_embed(external_user_id)&limit=2&offset=248";
    let last = api.get(page).await;

    assert_eq!(found.status, 200);
    assert_eq!(
        last.json,
        json!([
            { "credentials_embed": [{ "external_user_id": "user-249" }] },
            { "credentials_embed": [{ "external_user_id": "user-250" }] },
        ])
    );
}

#[tokio::test]
async fn a_file_that_cannot_be_used_ends_the_command_before_it_listens() {
    let sandbox = Sandbox::offline();
    sandbox.file("state.yaml", "users: [{ name: x }]");
    sandbox.file("emulator.toml", "mood = 'core'");

    let state = sandbox
        .run(&["emulator", "--state", "state.yaml", "--config", "none.toml"])
        .await
        .exits(2);
    let config = sandbox.run(&["emulator"]).await.exits(2);

    assert!(state.err.contains("state.yaml"), "{}", state.err);
    assert!(config.err.contains("mood"), "{}", config.err);
}
