//! Signed logins on the local Looker: what opens, what is refused and how, what a login changes.

use std::collections::BTreeMap;

use embedctl::emulator::{Mode, Options, State, Switches};
use embedctl::secret::ExposeSecret as _;
use embedctl::signed_url::Login;
use embedctl::system::Clock;
use reqwest::Method;
use serde_json::{Value, json};

use crate::emulator::{Api, login};

/// The answer to a signed URL whose text was changed on the way.
async fn open(api: &Api, login: &Login, change: impl Fn(&str) -> String) -> (u16, String) {
    let url = change(api.signed_url(login).expose_secret());
    let answer = api.web(&url, "").await;
    (answer.status.as_u16(), answer.header("location").to_owned())
}

fn same(url: &str) -> String {
    url.to_owned()
}

#[tokio::test]
async fn a_url_opens_once() {
    let api = Api::start(Options::default()).await;
    let url = api.signed_url(&login("acme-42"));

    let first = api.web(url.expose_secret(), "").await;
    let second = api.web(url.expose_secret(), "").await;

    assert_eq!(first.status, 302);
    assert_eq!(first.header("location"), "/embed/dashboards/1");
    assert_eq!(second.header("location"), "/login");
    assert!(api.emulator.refused_logins()[0].contains("already used this hour"));
}

#[tokio::test]
async fn a_changed_url_leads_to_the_login_page_and_makes_nobody() {
    let api = Api::start(Options::default()).await;
    let user = login("acme-42");

    for change in [
        |url: &str| url.replace("acme-42", "acme-43"),
        |url: &str| url.replace("access_filters=%7B%7D&", ""),
        |url: &str| url.replace("&access_filters=%7B%7D", ""),
        |url: &str| format!("{url}&embed_domain=x"),
        |url: &str| url.replace("session_length=300", "session_length=3000000"),
    ] {
        let (status, location) = open(&api, &user, change).await;
        assert_eq!((status, location.as_str()), (302, "/login"));
    }

    let found = api.get("/users/credential/embed/acme-42").await;
    assert_eq!(found.status, 404);
}

#[tokio::test]
async fn a_signed_login_never_leads_to_another_host() {
    let api = Api::start(Options::default()).await;
    for path in [
        "//evil.example/x",
        "///evil.example",
        "/\\evil.example",
        "/\t/evil.example",
        "\\\\evil.example",
    ] {
        let url = api.signed_url_to(path, &login("acme-42"));

        let answer = api.web(url.expose_secret(), "").await;

        let base = format!("{}/", api.emulator.base_url());
        let base = reqwest::Url::parse(&base).unwrap();
        let led = base.join(answer.header("location")).unwrap();
        assert_eq!(led.origin(), base.origin(), "{path:?}: {led}");
        assert_eq!(
            (answer.status.as_u16(), led.path().contains("evil")),
            (302, true)
        );
    }
}

#[tokio::test]
async fn a_clock_that_is_off_refuses_the_url() {
    let api = Api::start(Options::default()).await;
    for (offset, location) in [
        (295, "/embed/dashboards/1"),
        (-295, "/embed/dashboards/1"),
        (600, "/login"),
        (-600, "/login"),
    ] {
        api.emulator.set_clock_offset(offset);
        assert_eq!(open(&api, &login("acme-42"), same).await.1, location);
    }
}

#[tokio::test]
async fn lower_case_hex_is_not_found_and_too_long_is_an_error() {
    let api = Api::start(Options::default()).await;
    let user = login("acme-42");

    let lower = open(&api, &user, |url| url.replace("%2F", "%2f")).await;
    let long = open(&api, &user, |url| format!("{url}&x={}", "a".repeat(10_300))).await;
    let deep = open(&api, &user, |url| {
        url.replace("dashboards", &"d".repeat(2100))
    })
    .await;

    assert_eq!((lower.0, long.0, deep.0), (404, 500, 500));
}

#[tokio::test]
async fn a_value_an_attribute_cannot_have_is_an_error() {
    let api = Api::start(Options::default()).await;
    let with = |value: &str| Login {
        user_attributes: Some(BTreeMap::from([(
            "customer_id".to_owned(),
            value.to_owned(),
        )])),
        ..login("acme-42")
    };

    assert_eq!(open(&api, &with("seven"), same).await.0, 500);
    assert_eq!(open(&api, &with("7"), same).await.0, 302);
}

#[tokio::test]
async fn what_cannot_be_granted_is_refused_unless_a_switch_says_otherwise() {
    let permission = Login {
        permissions: Some(vec!["administer".to_owned()]),
        ..login("acme-42")
    };
    let group = Login {
        group_ids: Some(vec!["999".to_owned()]),
        ..login("acme-42")
    };
    let nothing = Login::new("acme-42");
    let timezone = Login {
        user_timezone: Some("Europe/Berlin".to_owned()),
        ..login("acme-42")
    };
    let strict = Api::start(Options {
        switches: Switches {
            null_grants_pass: false,
            ..Switches::default()
        },
        ..Options::default()
    })
    .await;
    let lax = Api::start(Options {
        switches: Switches {
            forbidden_permission_fails: false,
            unknown_group_fails: false,
            ..Switches::default()
        },
        ..Options::default()
    })
    .await;
    let zones = json!({ "allow_user_timezones": true });
    assert_eq!(lax.call("PATCH", "/setting", Some(zones)).await.status, 200);

    for user in [permission, group, nothing, timezone] {
        assert_eq!(open(&strict, &user, same).await.1, "/login", "{user:?}");
        assert_ne!(open(&lax, &user, same).await.1, "/login", "{user:?}");
    }
}

#[tokio::test]
async fn a_refusal_can_be_a_401_with_a_page() {
    let api = Api::start(Options {
        switches: Switches {
            refused_login_redirects: false,
            ..Switches::default()
        },
        ..Options::default()
    })
    .await;

    let url = api.signed_url(&login("acme-42"));
    let url = url.expose_secret().replace("acme-42", "acme-43");
    let answer = api.web(&url, "").await;

    assert_eq!(answer.status, 401);
    assert!(answer.text.contains("Single sign on failure"));
}

#[tokio::test]
async fn a_looker_without_embedding_makes_no_embed_user() {
    let api = Api::start(Options {
        mode: Mode::NoEmbed,
        ..Options::default()
    })
    .await;
    let body = || Some(json!({ "external_user_id": "acme-42" }));
    let target = Some(json!({ "target_url": "https://x/dashboards/1" }));

    let acquire = "/embed/cookieless_session/acquire";
    assert_eq!(open(&api, &login("acme-42"), same).await.1, "/login");
    assert_eq!(
        api.call("POST", "/users/embed_user", body()).await.status,
        403
    );
    assert_eq!(api.call("POST", "/embed/sso_url", target).await.status, 403);
    assert_eq!(api.call("POST", acquire, body()).await.status, 404);
}

#[tokio::test]
async fn the_embedded_page_says_who_is_logged_in_and_refuses_without_a_session() {
    // A clock that stands still: the page counts down the seconds that are left.
    let api = Api::start(Options {
        clock: Clock::manual(Clock::os().now()),
        ..Options::default()
    })
    .await;
    let url = api.signed_url(&login("acme-42"));

    let welcome = api.web(url.expose_secret(), "").await;
    let cookie = welcome.header("set-cookie").split(';').next().unwrap();
    let page = api.web("/embed/dashboards/1", cookie).await;
    let alone = api.web("/embed/dashboards/1", "").await;
    api.emulator.set_clock_offset(301);
    let late = api.web("/embed/dashboards/1", cookie).await;

    assert!(page.text.contains("Logged in as acme-42"));
    assert!(page.text.contains("access_data, see_looks"));
    assert!(page.text.contains("300 seconds"));
    assert_eq!((alone.status.as_u16(), late.status.as_u16()), (401, 401));
}

#[tokio::test]
async fn an_embedded_page_is_there_for_who_may_see_its_content_only() {
    let state = "models: [{ name: sales, explores: [orders], dashboards: [{ name: all, title: All, elements: [] }] }]";
    let api = Api::start(Options {
        state: State::parse(state).unwrap(),
        ..Options::default()
    })
    .await;
    let person = Login {
        permissions: Some(vec![
            "access_data".to_owned(),
            "see_lookml_dashboards".to_owned(),
        ]),
        models: Some(vec!["sales".to_owned()]),
        ..Login::new("reader")
    };
    for (login, lookml) in [(person, 200), (login("acme-42"), 404)] {
        let url = api.signed_url(&login);
        let welcome = api.web(url.expose_secret(), "").await;
        let cookie = welcome.header("set-cookie").split(';').next().unwrap();
        for (path, status) in [
            ("/embed/dashboards/1", 200),
            ("/embed/dashboards/sales::all", lookml),
            ("/embed/dashboards/sales%3A%3Aall", lookml),
            ("/embed/dashboards/sales::none", 404),
            ("/embed/dashboards/999", 404),
            ("/embed/looks/999", 404),
            ("/embed/looks/sales::all", 404),
            ("/embed/explore/sales/orders", 200),
        ] {
            let page = api.web(path, cookie).await;
            assert_eq!(page.status.as_u16(), status, "{path}: {}", page.text);
        }
    }
}

#[tokio::test]
async fn a_new_login_replaces_grants_ends_sessions_and_keeps_names() {
    let api = Api::start(Options::default()).await;
    let first = Login {
        first_name: Some("Ada".to_owned()),
        last_name: Some("Lovelace".to_owned()),
        group_ids: Some(vec!["2".to_owned()]),
        external_group_id: Some("acme".to_owned()),
        user_attributes: Some(BTreeMap::from([("region".to_owned(), "EU".to_owned())])),
        ..login("acme-42")
    };

    let id = api.embed_login(&first).await;
    let before = api.get(&format!("/users/{id}")).await;
    let region =
        format!("/users/{id}/attribute_values?user_attribute_ids=14&fields=name,value,source");
    let value = api.get(&region).await;
    api.embed_login(&Login::new("acme-42")).await;
    let after = api.get(&format!("/users/{id}")).await;
    let sessions = api.get(&format!("/users/{id}/sessions")).await;

    assert_eq!(
        before.json["credentials_embed"][0]["external_group_id"],
        "acme"
    );
    assert_eq!(before.json["group_ids"], json!(["1", "2", "3"]));
    assert!(before.json["embed_group_folder_id"].is_string());
    assert_eq!(
        value.json,
        json!([{ "name": "region", "value": "EU", "source": "User Setting" }])
    );
    assert_eq!(after.json["display_name"], "Ada Lovelace");
    assert_eq!(after.json["group_ids"], json!(["1"]));
    assert_eq!(after.json["role_ids"], json!([]));
    assert_eq!(
        api.get(&region).await.json,
        json!([{ "name": "region", "value": "", "source": "No Value" }])
    );
    assert_eq!(sessions.json.as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_url_made_by_the_api_opens_and_validates() {
    let api = Api::start(Options::default()).await;
    let body = json!({
        "target_url": format!("{}/dashboards/7?Region=EU", api.emulator.base_url()),
        "external_user_id": "ü-1", "first_name": "Ada", "permissions": ["access_data", "administer"],
        "models": ["demo"], "group_ids": ["2"], "user_attributes": { "customer_id": 7 }, "session_length": 60,
        "embed_domain": "https://app.example.com",
    });

    let made = api.call("POST", "/embed/sso_url", Some(body)).await;
    let url = made.text_of("url");
    let encoded: String = url::form_urlencoded::byte_serialize(url.as_bytes()).collect();
    let check = format!("/embed/sso/validate?url={encoded}");
    let valid = api.get(&check).await;
    let opened = api.web(&url, "").await;
    let used = api.get(&check).await;

    assert_eq!(valid.status, 200);
    assert_eq!(
        opened.header("location"),
        "/embed/dashboards/7?Region=EU&embed_domain=https://app.example.com"
    );
    assert_eq!(used.status, 422);
    assert!(used.text.contains("already used this hour"));
    assert_eq!(api.emulator.violations(), []);
}

/// Whoever acquires the session names the browser that it is for.
#[tokio::test]
async fn the_tokens_of_a_cookieless_login_serve_the_browser_only_that_they_were_made_for() {
    for (binds, elsewhere) in [(true, (false, 400)), (false, (true, 200))] {
        let api = Api::start(Options {
            switches: Switches {
                cookieless_binds_browser: binds,
                ..Switches::default()
            },
            ..Options::default()
        })
        .await;
        let base = api.emulator.base_url();
        let acquired = || async {
            let url = format!("{base}/api/4.0/embed/cookieless_session/acquire");
            let body = json!({ "external_user_id": "acme-42", "models": ["demo"], "permissions": ["access_data"] });
            let request = api
                .request(Method::POST, &url)
                .header("user-agent", "Browser");
            let session: Value = request
                .json(&body)
                .send()
                .await
                .unwrap()
                .json()
                .await
                .unwrap();
            session
        };
        let open = |session: &Value, browser: &'static str| {
            let token = session["authentication_token"].as_str().unwrap();
            let url = format!(
                "{base}/login/embed/%2Fembed%2Fdashboards%2F1?embed_authentication_token={token}"
            );
            let request = api.request(Method::GET, &url).header("user-agent", browser);
            async move {
                let answer = request.send().await.unwrap();
                answer.headers()["location"]
                    .to_str()
                    .unwrap()
                    .starts_with("/embed/")
            }
        };

        let own = open(&acquired().await, "Browser").await;
        let session = acquired().await;
        let other = open(&session, "Another").await;
        let url = format!("{base}/api/4.0/embed/cookieless_session/generate_tokens");
        let body = json!({ "session_reference_token": session["session_reference_token"] });
        let request = api
            .request(Method::PUT, &url)
            .header("user-agent", "Another");
        let renewed = request.json(&body).send().await.unwrap().status().as_u16();

        assert!(own);
        assert_eq!((other, renewed), elsewhere, "{binds}");
    }
}

#[tokio::test]
async fn a_url_for_oneself_opens_once() {
    let api = Api::start(Options::default()).await;
    let body = json!({ "target_url": "https://x/embed/dashboards/1" });

    let made = api.call("POST", "/embed/token_url/me", Some(body)).await;
    let url = made.text_of("url");
    let first = api.web(&url, "").await;
    let second = api.web(&url, "").await;

    assert_eq!(first.header("location"), "/embed/dashboards/1");
    assert_eq!(second.header("location"), "/login");
}

#[tokio::test]
async fn a_second_secret_signs_too_and_a_deleted_one_does_not() {
    let api = Api::start(Options::default()).await;
    let target = || {
        Some(
            json!({ "target_url": "https://x/dashboards/1", "external_user_id": "a", "permissions": [], "models": [] }),
        )
    };

    let made = api
        .call("POST", "/embed_config/secrets", Some(json!({})))
        .await;
    let new = api
        .call("POST", "/embed/sso_url", target())
        .await
        .text_of("url");
    let gone = format!("/embed_config/secrets/{}", made.text_of("id"));
    let opened = api.web(&new, "").await;
    let last = api
        .call("POST", "/embed/sso_url", target())
        .await
        .text_of("url");
    assert_eq!(api.call("DELETE", &gone, None).await.status, 204);
    let refused = api.web(&last, "").await;

    assert_eq!(made.text_of("algorithm"), "hmac/sha-256");
    assert_eq!(opened.header("location"), "/embed/dashboards/1");
    assert_eq!(refused.header("location"), "/login");
}

#[tokio::test]
async fn a_cookieless_session_opens_in_its_own_browser_and_once() {
    let api = Api::start(Options::default()).await;
    let body = json!({ "external_user_id": "acme-42", "session_length": 60 });

    let acquire = "/embed/cookieless_session/acquire";
    let session = api.call("POST", acquire, Some(body)).await;
    let token = session.text_of("authentication_token");
    let url = format!("/login/embed/%2Fembed%2Fdashboards%2F1?embed_authentication_token={token}");
    let first = api.web(&url, "").await;
    let second = api.web(&url, "").await;
    let reference = session.text_of("session_reference_token");
    let body = json!({ "session_reference_token": reference });
    let tokens = "/embed/cookieless_session/generate_tokens";
    let more = api.call("PUT", tokens, Some(body.clone())).await;
    let end = format!("/embed/cookieless_session/{reference}");
    let ended = api.call("DELETE", &end, None).await;
    let over = api.call("PUT", tokens, Some(body)).await;

    assert_eq!(first.header("location"), "/embed/dashboards/1");
    assert_eq!(second.header("location"), "/login");
    assert_eq!(more.json["api_token_ttl"], 600);
    assert_eq!((ended.status.as_u16(), over.status.as_u16()), (204, 400));
}
