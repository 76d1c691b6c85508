//! Every switch of the local Looker, off and on: what changes is the one thing it names.

use embedctl::emulator::{Mode, Options, State, Switches};
use embedctl::secret::ExposeSecret as _;
use embedctl::signed_url::Login;
use embedctl::system::Clock;
use serde_json::{Value, json};

use crate::emulator::{Answer, Api, login};
use crate::emulator_content::texts;

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
    for (value, status, then) in [
        ("refused", 404, None),
        ("token", 200, Some(401)),
        ("works", 200, Some(200)),
    ] {
        let api = with("disabled_sudo", value).await;
        let id = api.embed_login(&login("acme-42")).await;
        disable(&api, &id).await;

        let sudo = api.call("POST", &format!("/login/{id}"), None).await;

        assert_eq!(sudo.status, status, "{value}");
        if let Some(then) = then {
            let token = sudo.text_of("access_token");
            let me = api.call_as(Some(&token), "GET", "/user", None).await;
            assert_eq!(me.status, then, "{value}");
        }
    }
}

#[tokio::test]
async fn sudo_gives_caller() {
    for (value, caller) in [("true", true), ("false", false)] {
        let api = with("sudo_gives_caller", value).await;
        let id = api.embed_login(&login("acme-42")).await;

        let sudo = api.call("POST", &format!("/login/{id}"), None).await;
        let token = sudo.text_of("access_token");
        let me = api.call_as(Some(&token), "GET", "/user", None).await;

        assert_eq!(me.text_of("id") == "1", caller, "{value}");
    }
}

#[tokio::test]
async fn login_values_are_own_and_login_changes_values() {
    for (switch, value, shown) in [
        ("login_values_are_own", "true", "west"),
        ("login_values_are_own", "false", ""),
        ("login_changes_values", "true", "WEST"),
    ] {
        let api = with(switch, value).await;
        let mut with_value = login("acme-42");
        with_value.user_attributes = Some([("region".to_owned(), "west".into())].into());
        let id = api.embed_login(&with_value).await;

        let rows = api.get(&format!("/users/{id}/attribute_values")).await;
        let mut rows = rows.json.as_array().unwrap().iter();
        let region = rows.find(|row| row["name"] == "region").unwrap();

        assert_eq!(region["value"], shown, "{switch}={value}");
    }
}

#[tokio::test]
async fn login_makes_folder() {
    for value in ["true", "false"] {
        let api = with("login_makes_folder", value).await;
        let id = api.embed_login(&login("acme-42")).await;

        let user = api.get(&format!("/users/{id}")).await;

        let has_folder = user.json["personal_folder_id"].is_string();
        assert_eq!(has_folder.to_string(), value);
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
        let head = "POST /api/4.0/login/1 HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n";

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
async fn mint_shows_old_key() {
    for (value, repeats) in [("false", false), ("true", true)] {
        let api = with("mint_shows_old_key", value).await;
        let id = api.embed_login(&login("acme-42")).await;
        let keys = format!("/users/{id}/credentials_api3");

        let first = api.call("POST", &keys, None).await.text_of("id");
        let second = api.call("POST", &keys, None).await.text_of("id");

        assert_eq!(first == second, repeats);
        assert_eq!(api.get(&keys).await.json.as_array().unwrap().len(), 2);
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

/// An emulator whose user 42, `acme-42`, has everything one can own, with these switches.
async fn rich(switches: &[(&str, &str)]) -> Api {
    let mut options = Options {
        state: State::named("rotation").unwrap(),
        ..Options::default()
    };
    for (name, value) in switches {
        options.switches.set(name, value).unwrap();
    }
    Api::start(options).await
}

/// How many items a list has.
fn count(answer: &Answer) -> usize {
    let items = answer.json.as_array();
    items.unwrap_or_else(|| panic!("no list: {answer:?}")).len()
}

/// A token of user 42.
async fn as_42(api: &Api) -> String {
    let sudo = api.call("POST", "/login/42", None).await;
    sudo.text_of("access_token")
}

#[tokio::test]
async fn lookup_gives_another_and_lookup_ignores_case() {
    for (switch, asked, found) in [
        (None, "acme-42", Some(true)),
        (None, "ACME-42", None),
        (Some("lookup_gives_another"), "acme-42", Some(false)),
        (Some("lookup_ignores_case"), "ACME-42", Some(true)),
    ] {
        let switches = switch.map(|name| (name, "true"));
        let api = rich(switches.as_slice()).await;

        let answer = api.get(&format!("/users/credential/embed/{asked}")).await;

        let same = (answer.status == 200).then(|| answer.text_of("id") == "42");
        assert_eq!(same, found, "{switch:?} {asked}");
    }
}

#[tokio::test]
async fn page_cap_ignores_offset_and_ignores_sort() {
    let path = "/users/search?limit=3&offset=1&sorts=id%20desc&fields=id";
    for (switch, value, sorted, rows) in [
        ("page_cap", "0", "none", 3),
        ("page_cap", "2", "none", 2),
        ("ignores_offset", "true", "first", 3),
        ("ignores_sort", "true", "ids", 3),
    ] {
        let all = rich(&[]).await.get("/users?fields=id").await;
        let ids = texts(&all, "id");
        let api = rich(&[(switch, value)]).await;

        let page = texts(&api.get(path).await, "id");

        let last = ids.len() - 1;
        let first = match sorted {
            "none" => &ids[last - 1],
            "first" => &ids[last],
            _ => &ids[1],
        };
        assert_eq!((page.len(), &page[0]), (rows, first), "{switch}={value}");
    }
}

#[tokio::test]
async fn ignores_embed_filter_and_disabled_users_hidden() {
    for (switch, value, admin, disabled) in [
        ("ignores_embed_filter", "false", false, true),
        ("ignores_embed_filter", "true", true, true),
        ("disabled_users_hidden", "true", false, false),
    ] {
        let api = with(switch, value).await;
        let id = api.embed_login(&login("acme-42")).await;
        disable(&api, &id).await;

        let found = api.get("/users/search?embed_user=true&fields=id").await;
        let asked = api.get("/users/search?is_disabled=true&fields=id").await;

        let found = texts(&found, "id");
        assert_eq!(found.contains(&"1".to_owned()), admin, "{switch}={value}");
        assert_eq!(found.contains(&id), disabled, "{switch}={value}");
        assert_eq!(texts(&asked, "id"), [id]);
    }
}

#[tokio::test]
async fn keys_in_user_list() {
    for (value, shown) in [("listed", Some(1)), ("absent", None), ("empty", Some(0))] {
        let api = with("keys_in_user_list", value).await;
        let id = api.embed_login(&login("acme-42")).await;
        post(&api, &format!("/users/{id}/credentials_api3"), None).await;

        let listed = api.get("/users/search?embed_user=true").await;
        let user = api.get(&format!("/users/{id}")).await;

        let keys = listed.json[0].get("credentials_api3");
        assert_eq!(keys.map(|keys| keys.as_array().unwrap().len()), shown);
        assert_eq!(user.json["credentials_api3"].as_array().unwrap().len(), 1);
    }
}

#[tokio::test]
async fn boards_swap_paging() {
    for (value, skipped) in [("false", 1), ("true", 2)] {
        let api = rich(&[("boards_swap_paging", value)]).await;
        for title in ["One", "Two", "Three"] {
            post(&api, "/boards", Some(json!({ "title": title }))).await;
        }
        let all = texts(&api.get("/boards/search").await, "id");

        let page = api.get("/boards/search?limit=2&offset=1").await;

        let expected: Vec<String> = all.into_iter().skip(skipped).take(3 - skipped).collect();
        assert_eq!(texts(&page, "id"), expected);
    }
}

#[tokio::test]
async fn search_lists_nothing_though_another_way_does() {
    for (value, search, other_way) in [
        ("boards", "/boards/search?creator_id=42", "/boards"),
        (
            "favorites",
            "/content_favorite/search?user_id=42",
            "AS /content_favorite/search?user_id=42",
        ),
        (
            "schedules",
            "/scheduled_plans?user_id=42",
            "/scheduled_plans?all_users=true",
        ),
        (
            "alerts",
            "/alerts/search?all_owners=true",
            "AS /alerts/search",
        ),
    ] {
        for (value, blind) in [(value, true), ("none", false)] {
            let api = rich(&[("search_lists_nothing", value)]).await;
            let token = as_42(&api).await;

            let found = api.get(search).await;
            let other = match other_way.strip_prefix("AS ") {
                Some(path) => api.call_as(Some(&token), "GET", path, None).await,
                None => api.get(other_way).await,
            };

            assert_eq!(count(&found) == 0, blind, "{value} {search}");
            assert!(count(&other) > 0, "{value} {other_way}");
        }
    }
}

#[tokio::test]
async fn disabled_plans_hidden() {
    for value in ["true", "false"] {
        let api = rich(&[("disabled_plans_hidden", value)]).await;
        let plans = api.get("/scheduled_plans?user_id=42").await;
        let id = texts(&plans, "id").remove(0);
        let body = json!({ "enabled": false });
        api.call("PATCH", &format!("/scheduled_plans/{id}"), Some(body))
            .await;

        let listed = api.get("/scheduled_plans?user_id=42").await;
        let all = api
            .get("/scheduled_plans/search?user_id=42&all_states=true")
            .await;

        assert_eq!((!texts(&listed, "id").contains(&id)).to_string(), value);
        assert!(texts(&all, "id").contains(&id));
    }
}

#[tokio::test]
async fn followed_alerts_are_found_and_knows_followed() {
    for (switch, value, found, told) in [
        ("followed_alerts_are_found", "true", true, true),
        ("followed_alerts_are_found", "false", false, true),
        ("knows_followed", "false", true, false),
    ] {
        let api = rich(&[(switch, value)]).await;
        let alerts = api.get("/alerts/search?all_owners=true").await;
        let token = as_42(&api).await;
        let alerts = alerts.json.as_array().unwrap().clone();
        let others = alerts
            .iter()
            .find(|alert| alert["owner_id"] != "42")
            .unwrap();
        let id = others["id"].as_str().unwrap();
        let admin = api
            .call("POST", "/login/1", None)
            .await
            .text_of("access_token");
        let owner = others["owner_id"].as_str().unwrap();
        let follow = format!("/alerts/{id}/follow");
        let token = match owner == "1" {
            true => token,
            false => admin,
        };
        api.call_as(Some(&token), "POST", &follow, None).await;

        let own = api
            .call_as(Some(&token), "GET", "/alerts/search", None)
            .await;

        assert_eq!(
            texts(&own, "id").contains(&id.to_owned()),
            found,
            "{switch}"
        );
        assert_eq!(alerts[0].get("followed").is_some(), told, "{switch}");
    }
}

#[tokio::test]
async fn models_hide_internal() {
    for (value, query, shown) in [
        ("true", "", false),
        ("true", "?include_internal=true", true),
        ("false", "", true),
    ] {
        let api = with("models_hide_internal", value).await;
        let models = api.get(&format!("/lookml_models{query}")).await;

        let names = texts(&models, "name");
        assert_eq!(names.contains(&"extension-api-explorer".to_owned()), shown);
    }
}

/// The state of user `acme-42` after two logins, the second of which names less, under a switch.
async fn logged_in_twice(name: &str, value: &str) -> (Api, String) {
    let api = with(name, value).await;
    let first = Login {
        first_name: Some("Ada".to_owned()),
        user_attributes: Some([("region".to_owned(), "north".to_owned())].into()),
        ..login("acme-42")
    };
    let id = api.embed_login(&first).await;
    let second = Login {
        permissions: Some(vec!["explore".to_owned()]),
        models: Some(vec!["demo".to_owned()]),
        ..Login::new("acme-42")
    };
    api.embed_login(&second).await;
    (api, id)
}

#[tokio::test]
async fn what_an_embed_login_does_to_what_was_there() {
    for (name, usual) in [
        ("login_ends_sessions", true),
        ("login_replaces_grants", true),
        ("login_keeps_other_attributes", false),
        ("login_keeps_names", true),
    ] {
        for value in ["true", "false"] {
            let (api, id) = logged_in_twice(name, value).await;
            let turned = value != usual.to_string();

            let sessions = api.get(&format!("/users/{id}/sessions")).await;
            let roles = api
                .get(&format!("/users/{id}/roles?direct_association_only=true"))
                .await;
            let values = api.get(&format!("/users/{id}/attribute_values")).await;
            let user = api.get(&format!("/users/{id}")).await;

            let permissions = roles.text.contains("\"see_looks\"");
            let kept = values.text.contains("\"north\"");
            let state = [
                count(&sessions) > 1,
                permissions,
                kept,
                user.text_of("first_name") != "Ada",
            ];
            let changed = [
                "login_ends_sessions",
                "login_replaces_grants",
                "login_keeps_other_attributes",
                "login_keeps_names",
            ]
            .map(|switch| turned && switch == name);
            assert_eq!(state, changed, "{name}={value}");
        }
    }
}

#[tokio::test]
async fn disabling_stops_schedules_and_enabling_may_start_them() {
    for (switch, value, disabled, enabled) in [
        ("disable_stops_schedules", "true", false, false),
        ("disable_stops_schedules", "false", true, true),
        ("enable_starts_schedules", "true", false, true),
    ] {
        let api = rich(&[(switch, value)]).await;
        let plans = async || {
            let plans = api.get("/scheduled_plans?user_id=42").await;
            plans
                .json
                .as_array()
                .unwrap()
                .iter()
                .any(|plan| plan["enabled"] == true)
        };
        assert!(plans().await);

        disable(&api, "42").await;
        let after = plans().await;
        let body = json!({ "is_disabled": false });
        api.call("PATCH", "/users/42", Some(body)).await;

        assert_eq!(
            (after, plans().await),
            (disabled, enabled),
            "{switch}={value}"
        );
    }
}

#[tokio::test]
async fn delete_user_deletes_schedules() {
    for value in ["true", "false"] {
        let api = rich(&[("delete_user_deletes_schedules", value)]).await;
        let before = api.get("/scheduled_plans?user_id=42").await;
        api.call("DELETE", "/users/42", None).await;

        let after = api.get("/scheduled_plans?all_users=true").await;

        let id = texts(&before, "id").remove(0);
        assert_eq!((!texts(&after, "id").contains(&id)).to_string(), value);
    }
}

#[tokio::test]
async fn delete_user_revokes_keys() {
    for value in ["true", "false"] {
        let api = with("delete_user_revokes_keys", value).await;
        let id = api.embed_login(&login("acme-42")).await;
        let key = api
            .call("POST", &format!("/users/{id}/credentials_api3"), None)
            .await;
        api.call("DELETE", &format!("/users/{id}"), None).await;

        let (id, secret) = (key.text_of("client_id"), key.text_of("client_secret"));
        let token = api.log_in(&id, &secret).await;

        assert_eq!(token.is_none().to_string(), value);
        let me = api.call_as(token.as_deref(), "GET", "/user", None).await;
        assert_eq!(me.status, 401);
    }
}

#[tokio::test]
async fn key_login_counts_as_seen() {
    for value in ["true", "false"] {
        let api = with("key_login_counts_as_seen", value).await;
        let body = json!({ "external_user_id": "acme-42" });
        let made = api.call("POST", "/users/embed_user", Some(body)).await;
        let path = format!("/users/{}", made.text_of("id"));
        let key = api
            .call("POST", &format!("{path}/credentials_api3"), None)
            .await;
        let (id, secret) = (key.text_of("client_id"), key.text_of("client_secret"));
        api.log_in(&id, &secret).await;

        let user = api.get(&path).await;

        let seen = user.json["credentials_embed"][0]["logged_in_at"] != "";
        assert_eq!(seen.to_string(), value);
    }
}

#[tokio::test]
async fn created_at_offset() {
    for seconds in [0, 10, -10] {
        let mut options = Options {
            clock: Clock::manual("2026-11-24T12:00:00Z".parse().unwrap()),
            ..Options::default()
        };
        options.switches.created_at_offset = seconds;
        let api = Api::start(options).await;

        let key = api.call("POST", "/users/1/credentials_api3", None).await;

        let expected = 43200 + seconds;
        let (minute, second) = (expected / 60 % 60, expected % 60);
        let expected = format!(
            "2026-11-24T{:02}:{minute:02}:{second:02}.000+00:00",
            expected / 3600
        );
        assert_eq!(key.text_of("created_at"), expected);
        assert_eq!(key.header("date"), "Tue, 24 Nov 2026 12:00:00 GMT");
    }
}

#[tokio::test]
async fn taken_title_field_and_taken_title_has_message() {
    let message = "Dashboard with this title already exists.";
    for (switch, value, field, said) in [
        (
            "taken_title_has_message",
            "true",
            "[:title, :space_id]",
            json!(message),
        ),
        (
            "taken_title_has_message",
            "false",
            "[:title, :space_id]",
            Value::Null,
        ),
        ("taken_title_field", "title", "title", json!(message)),
    ] {
        let api = with(switch, value).await;
        let title = api.get("/dashboards/1").await;
        let body = json!({
            "title": title.text_of("title"),
            "folder_id": title.json["folder"]["id"],
        });

        let refused = api.call("POST", "/dashboards", Some(body)).await;

        let error = &refused.json["errors"][0];
        assert_eq!(refused.status, 422);
        assert_eq!(
            (&error["field"], &error["code"]),
            (&json!(field), &json!("already_exists"))
        );
        assert_eq!(error["message"], said);
    }
}
