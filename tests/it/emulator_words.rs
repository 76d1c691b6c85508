//! The words in which the local Looker says where an attribute value comes from, and the switches that turn them round.

// The words are those that real Lookers were recorded to say, in 2023; a group's word is a guess.

use embedctl::emulator::{Options, Switches};
use embedctl::signed_url::Login;
use serde_json::{Value, json};

use crate::emulator::{Api, login};

async fn with(switches: &[(&str, &str)]) -> Api {
    let mut chosen = Switches::default();
    for (name, value) in switches {
        chosen.set(name, value).unwrap();
    }
    Api::start(Options {
        switches: chosen,
        ..Options::default()
    })
    .await
}

/// An embed user with an own value, a hidden one, and the values of the instance.
async fn person(api: &Api) -> String {
    let attributes = [("customer_id", "7"), ("api_token", "s3cret")];
    let attributes = attributes.map(|(name, value)| (name.to_owned(), value.to_owned()));
    api.embed_login(&Login {
        user_attributes: Some(attributes.into()),
        ..login("acme-42")
    })
    .await
}

async fn rows(api: &Api, user: &str, query: &str) -> Vec<Value> {
    let path = format!("/users/{user}/attribute_values?{query}");
    api.get(&path).await.json.as_array().unwrap().clone()
}

fn row<'a>(rows: &'a [Value], name: &str) -> &'a Value {
    rows.iter().find(|row| row["name"] == name).unwrap()
}

/// Recorded: all 13 attributes of the instance stand first, ten of them known to Looker itself.
#[tokio::test]
async fn every_attribute_is_listed_with_the_word_for_where_its_value_comes_from() {
    let api = with(&[]).await;
    let user = person(&api).await;

    let rows = rows(&api, &user, "").await;

    let told: Vec<(&str, &str, &str, i64)> = rows
        .iter()
        .map(|row| {
            (
                row["name"].as_str().unwrap(),
                row["value"].as_str().unwrap(),
                row["source"].as_str().unwrap(),
                row["rank"].as_i64().unwrap(),
            )
        })
        .collect();
    let system = "System Setting";
    assert_eq!(
        told,
        [
            ("first_name", "Embed", system, 1),
            ("last_name", "User", system, 1),
            ("email", "", system, 1),
            ("name", "Embed User", system, 1),
            ("timezone", "", system, 1),
            ("id", user.as_str(), system, 1),
            ("ldap_user_id", "", system, 1),
            ("saml_user_id", "", system, 1),
            ("google_user_id", "", system, 1),
            ("oidc_user_id", "", system, 1),
            ("locale", "en", "Default", 1),
            ("number_format", "1,234.56", "Default", 1),
            ("landing_page", "/browse", "Default", 1),
            ("region", "", "No Value", 1),
            ("customer_id", "7", "User Setting", -1),
            ("api_token", "", "User Setting", -1),
        ]
    );
    let ids: Vec<&Value> = rows.iter().map(|row| &row["user_attribute_id"]).collect();
    let expected: Vec<Value> = (1..=16).map(|id: u32| json!(id.to_string())).collect();
    assert_eq!(ids, expected.iter().collect::<Vec<_>>());
    assert_eq!(row(&rows, "customer_id")["can"], json!({ "show": true }));
    assert_eq!(row(&rows, "locale")["can"], json!({}));
}

#[tokio::test]
async fn each_word_for_a_source_can_be_turned_round() {
    for (switch, attribute) in [
        ("source_of_user", "customer_id"),
        ("source_of_default", "landing_page"),
        ("source_of_system", "name"),
        ("source_of_nothing", "region"),
        ("source_of_hidden", "api_token"),
    ] {
        let api = with(&[(switch, "Another Word")]).await;
        let user = person(&api).await;

        let rows = rows(&api, &user, "").await;

        assert_eq!(row(&rows, attribute)["source"], "Another Word", "{switch}");
        let others = rows.iter().filter(|row| row["source"] == "Another Word");
        let named = others.filter(|row| row["name"] != attribute).count();
        assert_eq!(
            named == 0,
            !matches!(
                switch,
                "source_of_user" | "source_of_default" | "source_of_system"
            )
        );
    }
}

#[tokio::test]
async fn a_group_s_word_holds_the_name_of_the_group() {
    for (word, expected) in [(None, "Group: Sales"), (Some("Team NAME"), "Team Sales")] {
        let switches = word.map(|word| ("source_of_group", word));
        let api = with(switches.as_slice()).await;
        let group = api
            .call("POST", "/groups", Some(json!({ "name": "Sales" })))
            .await;
        let values = json!([{ "group_id": group.text_of("id"), "value": "EU" }]);
        let path = "/user_attributes/14/group_values";
        assert_eq!(api.call("POST", path, Some(values)).await.status, 200);
        let user = api
            .embed_login(&Login {
                group_ids: Some(vec![group.text_of("id")]),
                ..login("acme-42")
            })
            .await;

        let rows = rows(&api, &user, "").await;

        let region = row(&rows, "region");
        assert_eq!(
            (&region["source"], &region["rank"]),
            (&json!(expected), &json!(1))
        );
        assert_eq!(region["value"], "EU");
    }
}

#[tokio::test]
async fn what_is_not_there_and_what_is_hidden_can_be_null_or_left_out() {
    let nulls = with(&[
        ("unset_value_is_null", "true"),
        ("hidden_value_is_null", "true"),
    ])
    .await;
    let user = person(&nulls).await;
    let shown = rows(&nulls, &user, "").await;
    assert_eq!(row(&shown, "region")["value"], Value::Null);
    assert_eq!(row(&shown, "api_token")["value"], Value::Null);
    assert_eq!(row(&shown, "email")["value"], "");

    let short = with(&[("unset_rows", "false")]).await;
    let user = person(&short).await;
    let shown = rows(&short, &user, "").await;
    assert!(shown.iter().all(|row| row["name"] != "region"));
    let shown = rows(&short, &user, "include_unset=true").await;
    assert_eq!(row(&shown, "region")["source"], "No Value");
}

/// Recorded: the Go SDK's `"732"`, in quotation marks, brought every row.
#[tokio::test]
async fn a_list_of_ids_in_quotation_marks_filters_nothing() {
    let api = with(&[]).await;
    let user = person(&api).await;

    assert_eq!(rows(&api, &user, "user_attribute_ids=14,15").await.len(), 2);
    assert_eq!(
        rows(&api, &user, "user_attribute_ids=%2214%22").await.len(),
        16
    );
}

/// Nobody but Looker itself can say what it knows of a user; the locale of a user is the same by either way to it.
#[tokio::test]
async fn what_looker_knows_itself_is_not_set_and_a_locale_is_one_thing() {
    let api = with(&[]).await;
    let user = person(&api).await;
    let path = |attribute: u32| format!("/users/{user}/attribute_values/{attribute}");
    let locale = async || {
        let shown = api.get(&format!("/users/{user}")).await.text_of("locale");
        let rows = rows(&api, &user, "user_attribute_ids=11").await;
        (shown, rows[0]["value"].clone(), rows[0]["source"].clone())
    };

    let body = Some(json!({ "value": "x" }));
    let refused = api.call("PATCH", &path(3), body).await;
    assert_eq!(refused.status, 405);
    assert_eq!(
        refused.text_of("message"),
        "This resource cannot be modified"
    );

    let body = Some(json!({ "locale": "de" }));
    assert_eq!(
        api.call("PATCH", &format!("/users/{user}"), body)
            .await
            .status,
        200
    );
    assert_eq!(
        locale().await,
        ("de".to_owned(), json!("de"), json!("User Setting"))
    );
    let body = Some(json!({ "value": "fr" }));
    assert_eq!(api.call("PATCH", &path(11), body).await.status, 200);
    assert_eq!(
        locale().await,
        ("fr".to_owned(), json!("fr"), json!("User Setting"))
    );
    assert_eq!(api.call("DELETE", &path(11), None).await.status, 204);
    assert_eq!(
        locale().await,
        ("en".to_owned(), json!("en"), json!("Default"))
    );
}

/// Recorded: `2023-03-07T12:28:32.000+00:00` since 2021; the other forms are those of older recordings, or of none.
#[tokio::test]
async fn times_have_the_form_that_is_chosen() {
    for (form, pattern) in [
        ("utc", "0000-00-00T00:00:00.000+00:00"),
        ("millis", "0000-00-00T00:00:00.000+00:00"),
        ("offset", "0000-00-00T00:00:00.000-00:00"),
        ("zulu", "0000-00-00T00:00:00Z"),
        ("garbage", "0000/00/00 00:00"),
    ] {
        let api = with(&[("timestamps", form)]).await;
        let user = person(&api).await;
        let keys = format!("/users/{user}/credentials_api3");
        let key = api.call("POST", &keys, None).await.text_of("created_at");
        let session = api.get(&format!("/users/{user}/sessions")).await;
        let session = session.json[0]["expires_at"].as_str().unwrap().to_owned();
        let dashboard = api.get("/dashboards/1").await.text_of("created_at");

        for time in [key, session, dashboard] {
            let digits = |letter: char| if letter.is_ascii_digit() { '0' } else { letter };
            let shape: String = time.chars().map(digits).collect();
            assert_eq!(shape, pattern, "{form}");
            assert_eq!(time.contains(".000"), form == "utc", "{form}");
        }
    }
}

#[tokio::test]
async fn a_look_up_can_ignore_upper_and_lower_case() {
    for (value, status) in [("false", 404), ("true", 200)] {
        let api = with(&[("lookup_ignores_case", value)]).await;
        let user = person(&api).await;

        let found = api.get("/users/credential/embed/ACME-42").await;
        let exact = api.get("/users/credential/embed/acme-42").await;

        assert_eq!(found.status, status);
        assert_eq!(exact.text_of("id"), user);
        if status == 200 {
            let credential = &found.json["credentials_embed"][0];
            assert_eq!(credential["external_user_id"], "acme-42");
        }
    }
}

/// Recorded of one disabled user.
#[tokio::test]
async fn a_disabled_user_shows_no_groups_unless_told() {
    for (value, groups) in [("false", json!([])), ("true", json!(["1", "2"]))] {
        let api = with(&[("disabled_keeps_groups", value)]).await;
        let user = person(&api).await;
        let member = Some(json!({ "user_id": user }));
        api.call("POST", "/groups/2/users", member).await;
        let path = format!("/users/{user}");
        let disable = |disabled: bool| Some(json!({ "is_disabled": disabled }));

        let disabled = api.call("PATCH", &path, disable(true)).await;
        let enabled = api.call("PATCH", &path, disable(false)).await;

        assert_eq!(disabled.json["group_ids"], groups);
        assert_eq!(disabled.json["can"]["sudo"], false);
        assert_eq!(enabled.json["group_ids"], json!(["1", "2"]));
        assert_eq!(enabled.json["can"]["sudo"], true);
    }
}

#[tokio::test]
async fn the_role_of_an_embed_login_has_its_name_and_its_places() {
    let names = |answer: &crate::emulator::Answer| -> Vec<String> {
        let roles = answer.json.as_array().unwrap().iter();
        roles
            .map(|role| role["name"].as_str().unwrap().to_owned())
            .collect()
    };
    for (switch, value, told) in [
        (
            "embed_role_name",
            "Embedded Role",
            [true, true, true, false],
        ),
        (
            "embed_role_name",
            "Something Else",
            [true, true, true, false],
        ),
        ("embed_role_listed", "false", [false, false, true, false]),
        ("embed_role_direct", "false", [true, false, true, false]),
        (
            "embed_role_in_role_ids",
            "false",
            [true, true, false, false],
        ),
        ("embed_role_in_all_roles", "true", [true, true, true, true]),
    ] {
        let api = with(&[(switch, value)]).await;
        let user = person(&api).await;
        let name = if switch == "embed_role_name" {
            value
        } else {
            "Embedded Role"
        };
        let path = format!("/users/{user}/roles");

        let listed = names(&api.get(&path).await);
        let direct = names(
            &api.get(&format!("{path}?direct_association_only=true"))
                .await,
        );
        let shown = api.get(&format!("/users/{user}")).await;
        let all = names(&api.get("/roles").await);

        let has = |names: &[String]| names.iter().any(|known| known == name);
        let in_ids = !shown.json["role_ids"].as_array().unwrap().is_empty();
        assert_eq!(
            [has(&listed), has(&direct), in_ids, has(&all)],
            told,
            "{switch}={value}"
        );
    }
}

/// Recorded: `All Users` is group 1, `Admin` role 2, with every permission and model listed.
#[tokio::test]
async fn every_instance_has_its_group_of_all_and_its_role_of_administrators() {
    let api = with(&[]).await;
    person(&api).await;

    let group = api.get("/groups/1").await;
    let members = api.get("/groups/1/users?fields=id").await;
    let role = api.get("/roles/2").await;
    let refused = api.call("DELETE", "/groups/1", None).await;

    assert_eq!(group.text_of("name"), "All Users");
    assert_eq!(group.json["user_count"], 2);
    assert_eq!(members.json, json!([{ "id": "1" }, { "id": "2" }]));
    assert_eq!(role.text_of("name"), "Admin");
    assert_eq!(role.json["permission_set"]["id"], "1");
    assert_eq!(role.json["permission_set"]["permissions"][0], "access_data");
    assert_eq!(
        role.json["model_set"]["models"],
        json!(["extension-api-explorer", "demo"])
    );
    assert_eq!(refused.status, 403);
}

#[tokio::test]
async fn an_attribute_takes_its_values_along_and_a_group_its_members() {
    let api = with(&[]).await;
    let user = person(&api).await;
    let group = api
        .call("POST", "/groups", Some(json!({ "name": "Sales" })))
        .await
        .text_of("id");
    let member = Some(json!({ "user_id": user }));
    api.call("POST", &format!("/groups/{group}/users"), member)
        .await;

    let renamed = json!({ "name": "Marketing" });
    let renamed = api
        .call("PATCH", &format!("/groups/{group}"), Some(renamed))
        .await;
    let gone = api.call("DELETE", &format!("/groups/{group}"), None).await;
    let attribute = api.call("DELETE", "/user_attributes/15", None).await;
    let system = api.call("DELETE", "/user_attributes/1", None).await;
    let left = api.get(&format!("/users/{user}?fields=group_ids")).await;
    let rows = rows(&api, &user, "").await;

    assert_eq!(renamed.text_of("name"), "Marketing");
    assert_eq!(
        (gone.status.as_u16(), attribute.status.as_u16()),
        (204, 204)
    );
    assert_eq!(system.status, 405);
    assert_eq!(left.json, json!({ "group_ids": ["1"] }));
    assert!(rows.iter().all(|row| row["name"] != "customer_id"));
}
