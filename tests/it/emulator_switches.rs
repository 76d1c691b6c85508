//! Every switch of the local Looker, off and on: what changes is the one thing it names.

use std::fs;
use std::path::Path;

use embedctl::emulator::{Mode, Options, Switches};
use embedctl::secret::ExposeSecret as _;
use embedctl::signed_url::Login;
use serde_json::{Value, json};

use crate::emulator::{Answer, Api, login};

/// The table of README has a row for each switch; `EMBEDCTL_UPDATE_REFERENCE=1` writes it anew.
#[test]
fn readme_lists_every_switch_with_its_default_and_what_it_says() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let readme = fs::read_to_string(&path).unwrap();
    let head = "| switch | default | what it says |\n|---|---|---|\n";
    let (before, rest) = readme.split_once(head).unwrap();
    let kept = rest
        .split_inclusive('\n')
        .take_while(|line| line.starts_with('|'));
    let kept: String = kept.collect();
    let rows = Switches::all().iter().map(|switch| {
        let usual = match switch.default_value() {
            nothing if nothing.is_empty() => "empty".to_owned(),
            usual => format!("`{usual}`"),
        };
        format!("| `{}` | {usual} | {} |\n", switch.name, switch.doc)
    });
    let rows: String = rows.collect();
    if std::env::var_os("EMBEDCTL_UPDATE_REFERENCE").is_some() {
        let after = rest.strip_prefix(kept.as_str()).unwrap();
        fs::write(&path, [before, head, rows.as_str(), after].concat()).unwrap();
    } else {
        assert_eq!(
            kept, rows,
            "write it with `EMBEDCTL_UPDATE_REFERENCE=1 cargo test --locked readme_lists`"
        );
    }
}

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

/// An emulator with these switches.
async fn switched(switches: &[(&str, &str)]) -> Api {
    let mut options = Options::default();
    for (name, value) in switches {
        options.switches.set(name, value).unwrap();
    }
    Api::start(options).await
}

/// Who tries something with a user's keys, and what becomes of listing, creating, tagging and revoking.
async fn key_statuses(api: &Api, token: Option<&str>, user: &str) -> [u16; 4] {
    let keys = format!("/users/{user}/credentials_api3");
    let created = api.call_as(token, "POST", &keys, None).await;
    let one = match created.status.as_u16() {
        200 => format!("{keys}/{}", created.text_of("id")),
        _ => format!("{keys}/999"),
    };
    let tag = json!({ "purpose": "for tests" });
    let statuses = [
        api.call_as(token, "GET", &keys, None).await,
        created,
        api.call_as(token, "PATCH", &one, Some(tag)).await,
        api.call_as(token, "DELETE", &one, None).await,
    ];
    statuses.map(|answer: Answer| answer.status.as_u16())
}

#[tokio::test]
async fn key_rights_say_who_lists_creates_tags_and_revokes() {
    const YES: [u16; 4] = [200, 200, 200, 204];
    const NO: [u16; 4] = [404; 4];
    for (rights, admin, itself) in [
        ("admin", YES, YES),
        ("self", NO, YES),
        ("service_account", NO, NO),
        ("nobody", NO, NO),
    ] {
        let api = with("key_rights", rights).await;
        let id = api.embed_login(&login("acme-42")).await;
        let allow = json!({ "can_manage_api3_creds": true });
        api.call("PATCH", &format!("/users/{id}"), Some(allow))
            .await;
        let sudo = api.call("POST", &format!("/login/{id}"), None).await;
        let token = sudo.text_of("access_token");

        assert_eq!(
            key_statuses(&api, Some(&token), &id).await,
            itself,
            "{rights}"
        );
        let admin_token = api.call("POST", "/login/1", None).await;
        let admin_token = admin_token.text_of("access_token");
        assert_eq!(
            key_statuses(&api, Some(&admin_token), &id).await,
            admin,
            "{rights}"
        );
    }
}

#[tokio::test]
async fn rights_to_list_tag_and_revoke_may_differ_from_those_to_create() {
    for (name, place) in [
        ("key_list_rights", 0),
        ("key_tag_rights", 2),
        ("key_revoke_rights", 3),
    ] {
        let api = switched(&[(name, "nobody"), ("key_refusal_status", "403")]).await;
        let id = api.embed_login(&login("acme-42")).await;
        let token = api.call("POST", "/login/1", None).await;
        let token = token.text_of("access_token");

        let statuses = key_statuses(&api, Some(&token), &id).await;

        let mut expected = [200, 200, 200, 204];
        expected[place] = 403;
        assert_eq!(statuses, expected, "{name}");
    }
}

#[tokio::test]
async fn key_refusal_status() {
    for (status, message) in [
        ("404", "Not found"),
        (
            "403",
            "You do not have access.  Please contact an administrator",
        ),
    ] {
        let api = switched(&[("key_rights", "nobody"), ("key_refusal_status", status)]).await;
        let id = api.embed_login(&login("acme-42")).await;

        let refused = api.get(&format!("/users/{id}/credentials_api3")).await;

        assert_eq!(refused.status.as_str(), status);
        assert_eq!(refused.text_of("message"), message);
    }
}

#[tokio::test]
async fn key_purpose_known_and_unknown_operation_status() {
    for (known, unknown, status) in [
        ("true", "404", 200),
        ("false", "404", 404),
        ("false", "405", 405),
    ] {
        let api = switched(&[
            ("key_purpose_known", known),
            ("unknown_operation_status", unknown),
        ])
        .await;
        let id = api.embed_login(&login("acme-42")).await;
        let keys = format!("/users/{id}/credentials_api3");
        let key = api.call("POST", &keys, None).await;
        let one = format!("{keys}/{}", key.text_of("id"));

        let tag = json!({ "purpose": "for tests" });
        let tagged = api.call("PATCH", &one, Some(tag)).await;
        let read = api.get(&one).await;

        assert_eq!(tagged.status, status);
        assert_eq!(read.json.get("purpose").is_some(), status == 200);
        assert_eq!(tagged.header("content-type") == "text/html", status == 404);
    }
}

#[tokio::test]
async fn wants_content_length() {
    for (value, status) in [("true", 411), ("false", 401)] {
        let api = with("wants_content_length", value).await;
        let head = "POST /api/4.0/login/1 HTTP/1.1\r\nhost: x\r\nconnection: close\r\n";

        let (without, _end) = crate::emulator_faults::raw(&api, &format!("{head}\r\n")).await;
        let (with, _end) =
            crate::emulator_faults::raw(&api, &format!("{head}content-length: 0\r\n\r\n")).await;

        assert!(
            without.starts_with(&format!("HTTP/1.1 {status} ")),
            "{without}"
        );
        assert!(with.starts_with("HTTP/1.1 401 "), "{with}");
    }
}

#[tokio::test]
async fn what_is_ignored_is_answered_as_done_and_changes_nothing() {
    for (name, method, path, body, kind) in [
        (
            "revoke_is_ignored",
            "DELETE",
            "/users/USER/credentials_api3/KEY",
            Value::Null,
            "keys",
        ),
        (
            "purpose_is_ignored",
            "PATCH",
            "/users/USER/credentials_api3/KEY",
            json!({ "purpose": "x" }),
            "keys",
        ),
        (
            "end_session_is_ignored",
            "DELETE",
            "/users/USER/sessions/SESSION",
            Value::Null,
            "sessions",
        ),
        (
            "delete_user_is_ignored",
            "DELETE",
            "/users/USER",
            Value::Null,
            "user",
        ),
        (
            "disable_is_ignored",
            "PATCH",
            "/users/USER",
            json!({ "is_disabled": true }),
            "user",
        ),
        (
            "group_change_is_ignored",
            "POST",
            "/groups/2/users",
            json!({ "user_id": "USER" }),
            "user",
        ),
        (
            "attribute_write_is_ignored",
            "PATCH",
            "/users/USER/attribute_values/REGION",
            json!({ "value": "north" }),
            "attributes",
        ),
        (
            "role_change_is_ignored",
            "PUT",
            "/users/USER/roles",
            json!(["3"]),
            "user",
        ),
        (
            "owner_write_is_ignored",
            "PATCH",
            "/dashboards/1",
            json!({ "user_id": "USER" }),
            "dashboard",
        ),
    ] {
        for value in ["true", "false"] {
            let api = with(name, value).await;
            let world = Ids::of(&api).await;
            let before = world.read(&api, kind).await;

            let body = (!body.is_null())
                .then(|| serde_json::from_str(&world.put_in(&body.to_string())).unwrap());
            let answer = api.call(method, &world.put_in(path), body).await;
            let after = world.read(&api, kind).await;

            assert!(answer.status.is_success(), "{name}: {answer:?}");
            assert_eq!((before == after).to_string(), value, "{name}: {after}");
        }
    }
}

#[tokio::test]
async fn delete_user_disables() {
    for (value, status) in [("true", 200), ("false", 404)] {
        let api = with("delete_user_disables", value).await;
        let id = api.embed_login(&login("acme-42")).await;
        let path = format!("/users/{id}");

        assert_eq!(api.call("DELETE", &path, None).await.status, 204);
        let user = api.get(&path).await;

        assert_eq!(user.status, status);
        assert_eq!(
            user.json["is_disabled"],
            json!((status == 200).then_some(true))
        );
    }
}

#[tokio::test]
async fn mint_is_late() {
    for (value, seen) in [("0", [1, 1, 1]), ("2", [0, 0, 1])] {
        let api = with("mint_is_late", value).await;
        let id = api.embed_login(&login("acme-42")).await;
        let keys = format!("/users/{id}/credentials_api3");
        let key = api.call("POST", &keys, None).await;

        let mut listed = [0; 3];
        for count in &mut listed {
            *count = api.get(&keys).await.json.as_array().unwrap().len();
        }

        assert_eq!(listed, seen);
        let (client, secret) = (key.text_of("client_id"), key.text_of("client_secret"));
        assert!(api.log_in(&client, &secret).await.is_some());
    }
}

#[tokio::test]
async fn user_appears_late() {
    for (value, seen) in [("0", [200, 200, 200]), ("2", [404, 404, 200])] {
        let api = with("user_appears_late", value).await;
        let url = api.signed_url(&login("acme-42"));
        api.web(url.expose_secret(), "").await;

        let mut statuses = [0; 3];
        for status in &mut statuses {
            *status = api
                .get("/users/credential/embed/acme-42")
                .await
                .status
                .as_u16();
        }

        assert_eq!(statuses, seen);
    }
}

#[tokio::test]
async fn what_differs_by_release_follows_it_and_its_own_switch() {
    for (switches, told) in [
        (&[("release", "26.22")][..], true),
        (&[("release", "26.12")][..], false),
        (
            &[("release", "26.12"), ("is_embed_user_is_told", "true")][..],
            true,
        ),
        (&[("is_embed_user_is_told", "false")][..], false),
    ] {
        let api = switched(switches).await;
        let user = api.get("/users/1").await;

        assert_eq!(
            user.json.get("is_embed_user").is_some(),
            told,
            "{switches:?}"
        );
    }
    for (release, full) in [
        ("26.6", "26.6.1"),
        ("26.12", "26.12.3"),
        ("26.22", "26.22.1"),
    ] {
        let api = with("release", release).await;
        let versions = api.get("/versions").await;

        assert_eq!(versions.text_of("looker_release_version"), full);
        assert_eq!(
            versions.json["current_version"]["full_version"],
            format!("4.0.{release}")
        );
    }
}

#[tokio::test]
async fn dashboards_and_boards_take_an_owner_in_newer_releases() {
    for (name, path) in [
        ("dashboards_take_owner", "/dashboards/1"),
        ("boards_take_owner", "/boards/1"),
    ] {
        for value in ["true", "false"] {
            let api = with(name, value).await;
            let id = api.embed_login(&login("acme-42")).await;
            api.call("POST", "/boards", Some(json!({ "title": "Sales" })))
                .await;

            let body = json!({ "user_id": id });
            let answer = api.call("PATCH", path, Some(body)).await;
            let after = api.get(path).await;

            assert_eq!(answer.status, 200);
            assert_eq!(
                (after.text_of("user_id") == id).to_string(),
                value,
                "{name}"
            );
        }
    }
}

#[tokio::test]
async fn permissions_are_told() {
    for (value, told) in [("true", true), ("false", false)] {
        let api = with("permissions_are_told", value).await;
        let setting = api.get("/setting?fields=embed_config").await;

        assert_eq!(
            setting.json["embed_config"].get("permissions").is_some(),
            told
        );
    }
}

#[tokio::test]
async fn login_refuses_query() {
    for (value, status) in [("true", 404), ("false", 200)] {
        let api = with("login_refuses_query", value).await;
        let (id, secret) = (api.emulator.client_id(), api.emulator.client_secret());
        let path = format!(
            "/login?client_id={id}&client_secret={}",
            secret.expose_secret()
        );

        assert_eq!(post(&api, &path, None).await, status);
    }
}

/// The ids of an embed user that has something of everything.
struct Ids {
    user: String,
    key: String,
    session: String,
    region: String,
}

impl Ids {
    async fn of(api: &Api) -> Self {
        let user = api.embed_login(&login("acme-42")).await;
        let key = api
            .call("POST", &format!("/users/{user}/credentials_api3"), None)
            .await;
        let sessions = api.get(&format!("/users/{user}/sessions")).await;
        let attributes = api.get("/user_attributes").await;
        let attributes = attributes.json.as_array().unwrap().clone();
        let region = attributes
            .iter()
            .find(|attribute| attribute["name"] == "region")
            .unwrap();
        Self {
            key: key.text_of("id"),
            session: sessions.json[0]["id"].as_str().unwrap().to_owned(),
            region: region["id"].as_str().unwrap().to_owned(),
            user,
        }
    }

    /// `text` with the ids in the place of their words.
    fn put_in(&self, text: &str) -> String {
        let text = text.replace("USER", &self.user).replace("KEY", &self.key);
        text.replace("SESSION", &self.session)
            .replace("REGION", &self.region)
    }

    /// What a change of this kind would change.
    async fn read(&self, api: &Api, kind: &str) -> String {
        let path = match kind {
            "keys" => "/users/USER/credentials_api3",
            "sessions" => "/users/USER/sessions",
            "attributes" => "/users/USER/attribute_values",
            "dashboard" => "/dashboards/1?fields=user_id",
            _ => "/users/USER?fields=id,is_disabled,group_ids,role_ids",
        };
        api.get(&self.put_in(path)).await.text
    }
}
