//! Users, groups, roles and attributes of the local Looker, as administrators and as others see them.

use embedctl::emulator::Options;
use serde_json::{Value, json};

use crate::emulator::{Answer, Api, login};

fn ids(answer: &Answer) -> Vec<&str> {
    let items = answer.json.as_array().unwrap().iter();
    items.map(|item| item["id"].as_str().unwrap()).collect()
}

async fn people() -> Api {
    let api = Api::start(Options::default()).await;
    for (first, last, email) in [
        ("Ada", "Lovelace", "ada@example.com"),
        ("Grace", "Hopper", "grace@example.com"),
        ("Alan", "Turing", "alan@example.com"),
    ] {
        let body = json!({
            "first_name": first, "last_name": last, "credentials_email": { "email": email },
        });
        assert_eq!(api.call("POST", "/users", Some(body)).await.status, 200);
    }
    api
}

#[tokio::test]
async fn a_search_has_wildcards_alternatives_sorts_and_pages() {
    let api = people().await;

    for (query, found) in [
        ("first_name=a%25&id=2,3,4", vec!["2", "4"]),
        ("first_name=a_a&last_name=love%25", vec!["2"]),
        ("first_name=grace&last_name=turing", vec![]),
        (
            "first_name=grace&last_name=turing&filter_or=true",
            vec!["3", "4"],
        ),
        ("id=2,3,4&sorts=last_name", vec!["3", "2", "4"]),
        ("id=2,3,4&sorts=-id&limit=2", vec!["4", "3"]),
        ("id=2,3,4&limit=1&offset=1", vec!["3"]),
        ("id=2,3,4&page=2&per_page=2", vec!["4"]),
        ("embed_user=true", vec![]),
        ("email=alan@%25", vec!["4"]),
    ] {
        let answer = api.get(&format!("/users/search?{query}")).await;
        assert_eq!(ids(&answer), found, "{query}");
    }
    assert_eq!(api.emulator.violations(), []);
}

#[tokio::test]
async fn a_group_member_has_the_group_s_role_until_it_leaves() {
    let api = people().await;
    let group = api
        .call("POST", "/groups", Some(json!({ "name": "Readers" })))
        .await
        .text_of("id");
    let members = format!("/groups/{group}/users");

    let joined = api
        .call("POST", &members, Some(json!({ "user_id": "2" })))
        .await;
    let listed = api.get(&members).await;
    let left = api.call("DELETE", &format!("{members}/2"), None).await;
    let again = api.call("DELETE", &format!("{members}/2"), None).await;
    let viewer = api
        .call("POST", "/groups/2/users", Some(json!({ "user_id": "2" })))
        .await;

    assert_eq!(joined.json["group_ids"], json!(["1", group]));
    assert_eq!(ids(&listed), ["2"]);
    assert_eq!((left.status.as_u16(), again.status.as_u16()), (204, 404));
    assert_eq!(viewer.json["role_ids"], json!(["3"]));
    let direct = api.get("/users/2/roles?direct_association_only=true").await;
    assert_eq!(direct.json, json!([]));
}

#[tokio::test]
async fn direct_roles_are_replaced_and_the_login_s_role_stays() {
    let api = Api::start(Options::default()).await;
    let id = api.embed_login(&login("acme-42")).await;
    let path = format!("/users/{id}/roles");

    let set = api.call("PUT", &path, Some(json!(["3", "1"]))).await;
    let changed = api.call("PUT", &path, Some(json!(["3"]))).await;
    let wrong = api.call("PUT", &path, Some(json!(["99"]))).await;

    let names = |answer: &Answer| -> Vec<String> {
        let roles = answer.json.as_array().unwrap().iter();
        roles
            .map(|role| role["name"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(names(&set), ["User", "Viewer", "Embedded Role"]);
    assert_eq!(names(&changed), ["Viewer", "Embedded Role"]);
    assert_eq!(wrong.status, 404);
    let listed = api.get("/roles?fields=name").await;
    assert!(!listed.text.contains("Embedded"));
}

#[tokio::test]
async fn a_hidden_value_is_kept_and_not_shown() {
    let api = people().await;
    let attributes = api.get("/user_attributes?fields=id,name").await;
    let id = |name: &str| {
        let all = attributes.json.as_array().unwrap().iter();
        let mut found = all.filter(|attribute| attribute["name"] == name);
        found.next().unwrap()["id"].as_str().unwrap().to_owned()
    };
    let hidden = format!("/users/2/attribute_values/{}", id("api_token"));
    let number = format!("/users/2/attribute_values/{}", id("customer_id"));

    let set = api
        .call("PATCH", &hidden, Some(json!({ "value": "s3cret" })))
        .await;
    let wrong = api
        .call("PATCH", &number, Some(json!({ "value": "seven" })))
        .await;
    let deleted = api.call("DELETE", &hidden, None).await;
    let again = api.call("DELETE", &hidden, None).await;

    assert_eq!(
        (&set.json["value"], &set.json["source"]),
        (&json!(""), &json!("User Setting"))
    );
    assert_eq!(set.json["value_is_hidden"], true);
    assert_eq!(wrong.status, 422);
    assert_eq!((deleted.status.as_u16(), again.status.as_u16()), (204, 404));
}

#[tokio::test]
async fn a_deleted_user_takes_its_keys_tokens_and_credential_along() {
    let api = Api::start(Options::default()).await;
    let id = api.embed_login(&login("acme-42")).await;
    let key = api
        .call("POST", &format!("/users/{id}/credentials_api3"), None)
        .await;
    let (client, secret) = (key.text_of("client_id"), key.text_of("client_secret"));
    let token = api.log_in(&client, &secret).await;

    let deleted = api.call("DELETE", &format!("/users/{id}"), None).await;
    let me = api.call_as(token.as_deref(), "GET", "/user", None).await;
    let login_again = api.log_in(&client, &secret).await;
    let found = api.get("/users/credential/embed/acme-42").await;
    let own = api.call("DELETE", "/users/1", None).await;
    let new = api.embed_login(&login("acme-42")).await;

    assert_eq!(deleted.status, 204);
    assert_eq!((me.status.as_u16(), found.status.as_u16()), (401, 404));
    assert_eq!(login_again, None);
    assert_eq!(own.status, 403);
    assert_ne!(new, id);
}

#[tokio::test]
async fn a_user_without_its_embed_credential_is_no_embed_user_any_more() {
    let api = Api::start(Options::default()).await;
    let id = api.embed_login(&login("acme-42")).await;
    let credentials = format!("/users/{id}/credentials_embed");
    let credential = api.get(&credentials).await.json[0]["id"].clone();
    let one = format!("{credentials}/{}", credential.as_str().unwrap());

    assert_eq!(api.get(&one).await.text_of("external_user_id"), "acme-42");
    assert_eq!(api.call("DELETE", &one, None).await.status, 204);

    assert_eq!(api.get(&credentials).await.json, json!([]));
    assert_eq!(
        api.get("/users/search?embed_user=true").await.json,
        json!([])
    );
    assert_ne!(api.embed_login(&login("acme-42")).await, id);
}

#[tokio::test]
async fn others_than_administrators_see_themselves_and_little_else() {
    let api = people().await;
    let id = api.embed_login(&login("acme-42")).await;
    let sudo = api.call("POST", &format!("/login/{id}"), None).await;
    let token = sudo.text_of("access_token");
    let get = async |path: &str| api.call_as(Some(&token), "GET", path, None).await;

    for path in [
        "/users/1",
        "/users/1/credentials_api3",
        "/users/credential/embed/acme-42",
        "/roles",
        "/permissions",
        "/setting",
        "/groups/2",
    ] {
        assert_eq!(get(path).await.status, 404, "{path}");
    }
    assert_eq!(get(&format!("/users/{id}")).await.status, 200);
    assert_eq!(
        get(&format!("/users/{id}/credentials_api3")).await.status,
        200
    );
    assert_eq!(ids(&get("/users").await), [id.as_str()]);
    assert_eq!(ids(&get("/users/search").await), [id.as_str()]);
    assert_eq!(ids(&get("/groups").await), ["1"]);
    assert_eq!(
        get("/lookml_models?fields=name").await.json,
        json!([{ "name": "demo" }])
    );
    let session = get("/session").await;
    assert_eq!(session.json["sudo_user_id"], "1");
    let made = format!("/users/{id}/credentials_api3");
    let made = api.call_as(Some(&token), "POST", &made, None).await;
    assert_eq!(made.status, 404);
}

#[tokio::test]
async fn errors_have_looker_s_bodies() {
    let api = Api::start(Options {
        documentation_url: Some("https://cloud.google.com/looker/docs/r/err".to_owned()),
        ..Options::default()
    })
    .await;

    let missing = api.get("/users/999").await;
    let nobody = api.call_as(None, "GET", "/user", None).await;
    let wrong = api
        .call("POST", "/user_attributes", Some(json!({ "name": "x" })))
        .await;

    assert_eq!(
        missing.json,
        json!({
            "message": "Not found",
            "documentation_url": "https://cloud.google.com/looker/docs/r/err/4.0/404/get/users/:user_id",
        })
    );
    assert_eq!(nobody.status, 401);
    assert_eq!(nobody.text_of("message"), "Requires authentication.");
    assert_eq!(wrong.status, 422);
    assert_eq!(wrong.json["errors"][0]["field"], Value::from("label"));
    assert_eq!(wrong.json["errors"][0]["code"], "missing_field");
}

#[tokio::test]
async fn a_member_of_a_group_that_is_in_another_has_the_roles_of_both() {
    let api = people().await;
    let mut groups = Vec::new();
    for name in ["Outer", "Middle", "Inner"] {
        let body = json!({ "name": name });
        groups.push(api.call("POST", "/groups", Some(body)).await.text_of("id"));
    }
    let put = async |outer: usize, inner: usize| {
        let path = format!("/groups/{}/groups", groups[outer]);
        let body = json!({ "group_id": groups[inner] });
        api.call("POST", &path, Some(body)).await.status.as_u16()
    };
    assert_eq!((put(0, 1).await, put(1, 2).await), (200, 200));
    assert_eq!((put(2, 0).await, put(1, 1).await), (422, 422));
    let state = api.emulator.state();
    let mut kept = state["groups"].as_array().unwrap().iter();
    let outer = kept.find(|group| group["name"] == "Outer").unwrap();
    assert_eq!(outer["groups"], json!([groups[1].parse::<u32>().unwrap()]));
    let role = "3";
    let holders = json!([groups[0]]);
    api.call("PUT", &format!("/roles/{role}/groups"), Some(holders))
        .await;
    let member = json!({ "user_id": "2" });
    api.call(
        "POST",
        &format!("/groups/{}/users", groups[2]),
        Some(member),
    )
    .await;

    let has = async || {
        let roles = api.get("/users/2/roles").await;
        ids(&roles).contains(&role)
    };
    assert!(has().await);
    let out = format!("/groups/{}/groups/{}", groups[0], groups[1]);
    assert_eq!(api.call("DELETE", &out, None).await.status, 204);
    assert_eq!(api.call("DELETE", &out, None).await.status, 404);
    assert!(!has().await);

    let inner = format!("/groups/{}/groups", groups[1]);
    assert_eq!(ids(&api.get(&inner).await), [groups[2].as_str()]);
    api.call("DELETE", &format!("/groups/{}", groups[2]), None)
        .await;
    assert_eq!(ids(&api.get(&inner).await), Vec::<&str>::new());
}

#[tokio::test]
async fn users_are_found_by_any_of_their_names_and_by_what_else_is_asked() {
    let api = people().await;
    for (path, found) in [
        ("gr%25", vec!["3"]),
        ("%25example.com", vec!["1", "2", "3", "4"]),
        ("hopper", vec!["3"]),
        ("%25example.com?last_name=turing", vec!["4"]),
        ("hopper?is_disabled=true", vec![]),
    ] {
        let answer = api.get(&format!("/users/search/names/{path}")).await;
        assert_eq!(ids(&answer), found, "{path}");
    }
}

#[tokio::test]
async fn service_accounts_are_made_changed_and_deleted_apart_from_people() {
    let api = people().await;
    let body = |name: &str| Some(json!({ "service_account_name": name }));
    let made = api
        .call("POST", "/users/service_accounts", body("Nightly"))
        .await;
    let id = made.text_of("id");
    let one = format!("/users/service_accounts/{id}");

    let listed = api.get("/users/search?is_service_account=true").await;
    assert_eq!(ids(&listed), [id.as_str()]);
    assert_eq!(made.text_of("service_account_name"), "Nightly");
    let fields: Vec<&String> = made.json.as_object().unwrap().keys().collect();
    let described = [
        "can",
        "created_at",
        "credentials_api3",
        "group_ids",
        "id",
        "is_disabled",
        "is_service_account",
        "role_ids",
        "service_account_name",
        "url",
    ];
    assert_eq!(fields, described);
    let renamed = api.call("PATCH", &one, body("Hourly")).await;
    assert_eq!(renamed.text_of("service_account_name"), "Hourly");
    let person = "/users/service_accounts/2";
    assert_eq!(api.call("PATCH", person, body("x")).await.status, 404);
    assert_eq!(api.call("DELETE", person, None).await.status, 404);
    assert_eq!(api.call("DELETE", &one, None).await.status, 204);
    assert_eq!(api.get(&format!("/users/{id}")).await.status, 404);
}

#[tokio::test]
async fn searches_tell_what_groups_and_roles_hold_and_which_addresses_are_taken() {
    let api = people().await;
    let anything = Value::Null;
    api.play(&[
        ("", "PUT /roles/4/users", json!(["2", "3"]), 200, anything.clone()),
        (
            "",
            "GET /roles/search/with_user_count?id=4",
            anything.clone(),
            200,
            json!([{ "name": "Developer", "user_count": 2, "permission_set": { "name": "Developer" } }]),
        ),
        (
            "",
            "GET /groups/search/with_roles?name=demo",
            anything.clone(),
            200,
            json!([{ "id": "2", "roles": [{ "id": "3", "name": "Viewer" }] }]),
        ),
        (
            "",
            "GET /credentials_email/search?email=a%25",
            anything.clone(),
            200,
            json!([{ "user_id": "1" }, { "user_id": "2" }, { "user_id": "4", "email": "alan@example.com" }]),
        ),
        (
            "",
            "GET /credentials_email/search?emails=grace@example.com,x@example.com",
            anything.clone(),
            200,
            json!([{ "user_id": "3" }]),
        ),
        (
            "",
            "POST /users/2/credentials_email/password_reset?expires=true",
            anything.clone(),
            200,
            json!({ "password_reset_url": "*", "account_setup_url": "*" }),
        ),
        ("", "POST /users/99/credentials_email/password_reset", anything.clone(), 404, anything.clone()),
        ("", "GET /users/2/credentials_saml", anything.clone(), 404, anything.clone()),
        ("", "DELETE /users/2/credentials_totp", anything.clone(), 404, anything),
    ])
    .await;
    let id = api.embed_login(&login("acme-42")).await;
    let sudo = api.call("POST", &format!("/login/{id}"), None).await;
    let token = sudo.text_of("access_token");
    for path in [
        "/credentials_email/search",
        "/groups/search/with_roles",
        "/roles/search/with_user_count",
    ] {
        assert_eq!(
            api.call_as(Some(&token), "GET", path, None).await.status,
            404,
            "{path}"
        );
    }
}
