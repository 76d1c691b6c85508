//! Every switch of the local Looker, off and on: what changes is the one thing it names.

use embedctl::emulator::{Mode, Options, Switches};
use embedctl::secret::ExposeSecret as _;
use embedctl::signed_url::Login;
use serde_json::{Value, json};

use crate::emulator::{Api, login};

/// An emulator with one switch set.
async fn with(name: &str, value: &str) -> Api {
    start(Mode::Original, name, value).await
}

async fn start(mode: Mode, name: &str, value: &str) -> Api {
    let mut switches = Switches::default();
    switches.set(name, value).unwrap();
    Api::start(Options {
        mode,
        switches,
        ..Options::default()
    })
    .await
}

async fn disable(api: &Api, id: &str) {
    let body = json!({ "is_disabled": true });
    let path = format!("/users/{id}");
    assert_eq!(api.call("PATCH", &path, Some(body)).await.status, 200);
}

async fn post(api: &Api, path: &str, body: Option<Value>) -> u16 {
    api.call("POST", path, body).await.status.as_u16()
}

#[tokio::test]
async fn duplicate_embed_user_passes() {
    let body = || Some(json!({ "external_user_id": "acme-42" }));
    for (value, status) in [("true", 200), ("false", 422)] {
        let api = with("duplicate_embed_user_passes", value).await;
        let first = api.call("POST", "/users/embed_user", body()).await;
        let second = api.call("POST", "/users/embed_user", body()).await;

        assert_eq!(second.status, status);
        assert!(status != 200 || first.json == second.json);
    }
}

#[tokio::test]
async fn default_last_name_is_user() {
    for (value, name) in [("true", "Embed User"), ("false", "Embed Embed")] {
        let api = with("default_last_name_is_user", value).await;
        let id = api.embed_login(&login("acme-42")).await;

        let user = api.get(&format!("/users/{id}")).await;

        assert_eq!(user.text_of("display_name"), name);
    }
}

#[tokio::test]
async fn core_admin_makes_keys() {
    for (value, status) in [("true", 200), ("false", 403)] {
        let api = start(Mode::Core, "core_admin_makes_keys", value).await;
        let id = api.embed_login(&login("acme-42")).await;

        assert_eq!(
            post(&api, &format!("/users/{id}/credentials_api3"), None).await,
            status
        );
    }
}

#[tokio::test]
async fn core_finds_by_credential() {
    for (value, status) in [("true", 404), ("false", 403)] {
        let api = start(Mode::Core, "core_finds_by_credential", value).await;

        assert_eq!(api.get("/users/credential/embed/x").await.status, status);
    }
}

#[tokio::test]
async fn disabled_key_logs_in() {
    for value in ["true", "false"] {
        let api = with("disabled_key_logs_in", value).await;
        let id = api.embed_login(&login("acme-42")).await;
        let key = api
            .call("POST", &format!("/users/{id}/credentials_api3"), None)
            .await;
        disable(&api, &id).await;

        let (id, secret) = (key.text_of("client_id"), key.text_of("client_secret"));
        let token = api.log_in(&id, &secret).await;

        assert_eq!(token.is_some().to_string(), value);
    }
}

#[tokio::test]
async fn disabled_sudo() {
    for (value, status) in [("true", 200), ("false", 404)] {
        let api = with("disabled_sudo", value).await;
        let id = api.embed_login(&login("acme-42")).await;
        disable(&api, &id).await;

        assert_eq!(post(&api, &format!("/login/{id}"), None).await, status);
    }
}

#[tokio::test]
async fn disabled_login_enables() {
    for value in ["true", "false"] {
        let api = with("disabled_login_enables", value).await;
        let id = api.embed_login(&login("acme-42")).await;
        disable(&api, &id).await;

        let url = api.signed_url(&login("acme-42"));
        let answer = api.web(url.expose_secret(), "").await;
        let user = api.get(&format!("/users/{id}")).await;

        let enabled = answer.header("location") != "/login";
        assert_eq!(enabled.to_string(), value);
        assert_eq!(user.json["is_disabled"], !enabled);
    }
}

#[tokio::test]
async fn nested_sudo() {
    for (value, status) in [("true", 200), ("false", 404)] {
        let api = with("nested_sudo", value).await;
        let sudo = api.call("POST", "/login/1", None).await;
        let token = sudo.text_of("access_token");

        let again = api.call_as(Some(&token), "POST", "/login/1", None).await;

        assert_eq!(again.status, status);
    }
}

#[tokio::test]
async fn deleted_key_ends_tokens() {
    for (value, status) in [("true", 401), ("false", 200)] {
        let api = with("deleted_key_ends_tokens", value).await;
        let id = api.embed_login(&login("acme-42")).await;
        let keys = format!("/users/{id}/credentials_api3");
        let key = api.call("POST", &keys, None).await;
        let (client, secret) = (key.text_of("client_id"), key.text_of("client_secret"));
        let token = api.log_in(&client, &secret).await;

        let path = format!("{keys}/{}", key.text_of("id"));
        assert_eq!(api.call("DELETE", &path, None).await.status, 204);
        let me = api.call_as(token.as_deref(), "GET", "/user", None).await;

        assert_eq!(me.status, status);
    }
}

#[tokio::test]
async fn owner_can_be_set() {
    for (value, owner) in [("true", true), ("false", false)] {
        let api = with("owner_can_be_set", value).await;
        let id = api.embed_login(&login("acme-42")).await;

        let body = json!({ "user_id": id });
        let path = "/dashboards/1?fields=user_id";
        let answer = api.call("PATCH", "/dashboards/1", Some(body)).await;
        let after = api.get(path).await;

        assert_eq!(after.json["user_id"] == json!(id), owner, "{answer:?}");
    }
}

#[tokio::test]
async fn favorites_for_others() {
    for (value, passes) in [("true", true), ("false", false)] {
        let api = with("favorites_for_others", value).await;
        let id = api.embed_login(&login("acme-42")).await;
        let dashboard = api.get("/dashboards/1").await;

        let body = json!({
            "user_id": id,
            "content_metadata_id": dashboard.text_of("content_metadata_id"),
        });
        let status = post(&api, "/content_favorite", Some(body)).await;

        assert_eq!(status == 200, passes, "{status}");
    }
}

#[tokio::test]
async fn validate_takes_nonce() {
    for (value, second) in [("true", 422), ("false", 200)] {
        let api = with("validate_takes_nonce", value).await;
        let url = api.signed_url(&Login::new("acme-42"));
        let url: String =
            url::form_urlencoded::byte_serialize(url.expose_secret().as_bytes()).collect();
        let path = format!("/embed/sso/validate?url={url}");

        assert_eq!(api.get(&path).await.status, 200);
        assert_eq!(api.get(&path).await.status, second);
    }
}

#[tokio::test]
async fn max_tokens() {
    let api = with("max_tokens", "2").await;
    let (id, secret) = (api.emulator.client_id(), api.emulator.client_secret());

    let second = api.log_in(id, secret.expose_secret()).await;
    let third = api.log_in(id, secret.expose_secret()).await;

    assert!(second.is_some());
    assert_eq!(third, None);
}
