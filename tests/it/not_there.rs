//! Not there, gone, done: what embedctl concludes from what Looker does not show, and from answers that are not Looker's.

use std::sync::Arc;

use embedctl::emulator::{Effect, ErrorBody, Fault, Options, Switches};
use embedctl::error::Kind;
use embedctl::looker::{Client, LookerError, UserSearch};
use embedctl::system::Clock;
use embedctl::workflow::{Finder, UserRef};
use serde_json::{Value, json};

use crate::client::{client_with, options};
use crate::loopback::{Asked, Loopback, Reply, answer, json as reply};
use crate::support::{Outcome, Sandbox};

/// The page that was recorded of real Lookers that were away.
const PAGE: &str = "<html><title>Looker Not Found (404)</title></html>";

const NOT_FOUND: &str = r#"{"message":"Not found","documentation_url":"https://x"}"#;

const ADMIN: &str =
    r#"[{"id":"2","name":"Boss","permission_set":{"permissions":["administer"]},"model_set":{}}]"#;

/// The fault that something else than Looker answers with `code`.
fn foreign(code: u16, body: ErrorBody) -> Fault {
    Fault::new(Effect::Status {
        code,
        body,
        retry_after: None,
    })
}

/// A sandbox in which the embed user `acme-42` is there.
async fn with_user(switches: Switches) -> Sandbox {
    let sandbox = Sandbox::with(Options {
        switches,
        ..Options::default()
    })
    .await;
    let args = [
        "create-user",
        "acme-42",
        "--model",
        "demo",
        "--permission",
        "access_data",
        "--no-key",
    ];
    drop(sandbox.run(&args).await.done());
    sandbox
}

/// How often a user was logged in for its grants.
fn logins(sandbox: &Sandbox) -> usize {
    let requests = sandbox.emulator().requests();
    requests
        .iter()
        .filter(|it| it.operation == "login_embed")
        .count()
}

#[tokio::test]
async fn an_outage_of_the_look_up_never_makes_a_user_absent() {
    let commands: [&[&str]; 8] = [
        &["create-user", "acme-42", "--no-key"],
        &["create-user", "acme-42", "--no-key", "--dry-run"],
        &["create-user", "new", "--no-key"],
        &["token", "acme-42"],
        &["api", "GET", "/user", "--as", "acme-42"],
        &["users", "show", "acme-42"],
        &["users", "disable", "acme-42", "--yes"],
        &["keys", "list", "acme-42"],
    ];
    for (code, body) in [
        (404, ErrorBody::Outage),
        (404, ErrorBody::Star),
        (404, ErrorBody::Empty),
        (403, ErrorBody::Empty),
    ] {
        let sandbox = with_user(Switches::default()).await;
        sandbox
            .emulator()
            .inject(foreign(code, body).on("user_for_credential").times(0));
        for args in commands {
            let args = [args, &["--retries", "0", "-o", "json"]].concat();
            let outcome = sandbox.run(&args).await.exits(8);

            assert_eq!(outcome.error()["kind"], "unavailable", "{args:?}");
            assert_eq!(logins(&sandbox), 1, "{args:?} {code}");
        }
        sandbox.finish().await;
    }
}

#[tokio::test]
async fn an_outage_that_passes_is_waited_out() {
    let sandbox = with_user(Switches::default()).await;
    sandbox
        .emulator()
        .inject(foreign(404, ErrorBody::Outage).on("user_for_credential"));

    let outcome = sandbox
        .run(&["create-user", "acme-42", "--no-key", "-o", "json"])
        .await
        .done();

    assert_eq!(outcome.json()["outcome"], "unchanged");
    assert_eq!(logins(&sandbox), 1);
    sandbox.finish().await;
}

/// A client of a Looker that answers by `behaviour`, and logs the client in.
async fn looker(behaviour: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> (Loopback, Client) {
    let server = Loopback::new(move |asked, _| match asked.line().as_str() {
        "POST /login" => reply(200, r#"{"access_token":"t","expires_in":3600}"#),
        "DELETE /logout" => answer(204, ("x-end", "1"), ""),
        _ => behaviour(asked),
    })
    .await;
    let client = client_with(options(), &server.url());
    (server, client)
}

/// Embed users as a list gives them, Looker's id first.
fn users(rows: &[(&str, &str)]) -> String {
    let rows = rows.iter().map(|(id, external)| {
        json!({ "id": id, "credentials_embed": [{ "external_user_id": external }] })
    });
    rows.collect::<Value>().to_string()
}

/// The page of `list` that was asked for, of which Looker gives at most `cap` items.
fn page(asked: &Asked, list: &str, cap: usize) -> Reply {
    let rows: Vec<Value> = serde_json::from_str(list).unwrap();
    let number = |name: &str| {
        let query = asked.target.split('?').nth(1).unwrap_or_default();
        let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        pairs
            .find(|(key, _)| *key == name)
            .map(|(_, value)| value.parse::<usize>().unwrap())
    };
    let limit = number("limit").unwrap_or(usize::MAX).min(cap);
    let page = rows
        .into_iter()
        .skip(number("offset").unwrap_or(0))
        .take(limit);
    reply(200, &page.collect::<Value>().to_string())
}

#[tokio::test]
async fn not_there_is_believed_of_a_look_up_that_finds_whom_it_must_find() {
    let (server, client) = looker(|asked| match asked.line().as_str() {
        "GET /users/search" => page(asked, &users(&[("8", "known")]), 500),
        "GET /users/credential/embed/known" => reply(
            200,
            r#"{"id":"8","credentials_embed":[{"external_user_id":"known"}]}"#,
        ),
        _ => reply(404, NOT_FOUND),
    })
    .await;
    let finder = Finder::new(client);

    for id in ["new", "newer", "newest"] {
        assert_eq!(finder.find(UserRef::External(id)).await.unwrap(), None);
    }

    // The proof is asked for once.
    assert_eq!(
        server.lines(),
        [
            "POST /login",
            "GET /users/credential/embed/new",
            "GET /users/search",
            "GET /users/credential/embed/known",
            "GET /users/credential/embed/newer",
            "GET /users/credential/embed/newest",
        ]
    );
}

#[tokio::test]
async fn the_list_decides_for_a_look_up_that_does_not_find_whom_it_must_find() {
    let wrong = r#"{"id":"9","credentials_embed":[{"external_user_id":"other"}]}"#;
    for (status, body) in [(404, NOT_FOUND), (200, wrong), (403, NOT_FOUND)] {
        let list = users(&[("8", "known"), ("7", "acme-42"), ("6", "Acme-43")]);
        let (_server, client) = looker(move |asked| match asked.line().as_str() {
            "GET /users/search" => page(asked, &list, 2),
            "GET /users/credential/embed/known" => reply(status, body),
            _ => reply(404, NOT_FOUND),
        })
        .await;
        let finder = Finder::new(client);

        let found = finder.find(UserRef::External("acme-42")).await.unwrap();
        assert_eq!(found.unwrap().id, "7", "{status}");
        let found = finder.find(UserRef::External("acme-43")).await.unwrap();
        assert_eq!(found, None, "{status}");
    }
}

#[tokio::test]
async fn without_any_embed_user_the_callers_own_rights_decide() {
    let viewer = r#"[{"id":"2","name":"Admin","permission_set":{"permissions":["see_users"]}}]"#;
    let dark = r#"[{"id":"2","name":"Admin"}]"#;
    for (status, roles, may) in [
        (200, ADMIN, true),
        (200, viewer, false),
        (200, dark, false),
        (200, "[]", false),
        (404, NOT_FOUND, false),
    ] {
        let (_server, client) = looker(move |asked| match asked.line().as_str() {
            "GET /users/search" => reply(200, "[]"),
            "GET /user" => reply(200, r#"{"id":"1","display_name":"Robot"}"#),
            "GET /users/1/roles" => reply(status, roles),
            _ => reply(404, NOT_FOUND),
        })
        .await;

        let found = Finder::new(client).find(UserRef::External("new")).await;

        match found {
            Ok(found) => assert!(may && found.is_none()),
            Err(error) => {
                assert!(!may, "{error}");
                assert_eq!(error.kind(), Kind::NotAllowed);
                assert!(
                    error.to_string().contains("Looker user 1 `Robot`"),
                    "{error}"
                );
            }
        }
    }
}

#[tokio::test]
async fn embed_users_whose_ids_are_not_shown_prove_nothing() {
    let (_server, client) = looker(|asked| match asked.line().as_str() {
        "GET /users/search" => page(
            asked,
            r#"[{"id":"7"},{"id":"8","credentials_embed":[]}]"#,
            500,
        ),
        _ => reply(404, NOT_FOUND),
    })
    .await;

    let error = Finder::new(client)
        .find(UserRef::External("new"))
        .await
        .unwrap_err();

    assert_eq!(error.kind(), Kind::NotAllowed);
}

/// `args` at a Looker.
async fn at(server: &Loopback, args: &[&str]) -> Outcome {
    let mut sandbox = Sandbox::offline();
    sandbox
        .var("LOOKERSDK_BASE_URL", server.url())
        .var("LOOKERSDK_CLIENT_ID", "id")
        .var("LOOKERSDK_CLIENT_SECRET", "secret")
        .clock(Clock::manual("2026-06-01T00:00:00Z".parse().unwrap()));
    sandbox.run(args).await
}

#[tokio::test]
async fn an_answer_about_another_id_is_an_error_that_names_both_in_every_command() {
    let (server, _client) = looker(|asked| match asked.line().as_str() {
        "GET /users/credential/embed/Acme" => reply(
            200,
            r#"{"id":"7","credentials_embed":[{"external_user_id":"acme"},{"external_user_id":"x"}]}"#,
        ),
        "GET /user" => reply(200, r#"{"id":"1"}"#),
        "GET /users/1/roles" | "GET /roles" => reply(200, ADMIN),
        _ => reply(404, NOT_FOUND),
    })
    .await;
    let commands: [&[&str]; 9] = [
        &["create-user", "Acme", "--no-key", "--via", "embed-user"],
        &[
            "create-user",
            "Acme",
            "--no-key",
            "--dry-run",
            "--via",
            "embed-user",
        ],
        &["token", "Acme"],
        &["api", "GET", "/user", "--as", "Acme"],
        &["users", "show", "Acme"],
        &["users", "disable", "Acme", "--yes"],
        &["users", "delete", "Acme", "--yes"],
        &["keys", "list", "Acme"],
        &["keys", "mint", "Acme", "--keys-to", "file:keys.jsonl"],
    ];
    for args in commands {
        let args = [args, &["-o", "json"]].concat();

        let outcome = at(&server, &args).await;

        assert_eq!(outcome.exit, 6, "{args:?} {}", outcome.err);
        for id in ["`Acme`", "`acme`"] {
            assert!(outcome.err.contains(id), "{args:?} {}", outcome.err);
        }
        assert_eq!(outcome.out, "", "{args:?}");
    }
    let changes = |line: &String| !line.starts_with("GET ") && !line.contains("/log");
    assert!(!server.lines().iter().any(changes), "{:?}", server.lines());
}

#[tokio::test]
async fn a_token_of_somebody_else_is_logged_out_and_not_used() {
    let (server, _client) = looker(|asked| match asked.line().as_str() {
        "GET /users/credential/embed/acme" => reply(
            200,
            r#"{"id":"7","credentials_embed":[{"external_user_id":"acme"}]}"#,
        ),
        "POST /login/7" => reply(200, r#"{"access_token":"theirs","expires_in":3600}"#),
        "GET /user" if asked.header("authorization") == Some("Bearer theirs") => {
            reply(200, r#"{"id":"8"}"#)
        }
        _ => reply(404, NOT_FOUND),
    })
    .await;
    for args in [
        &["token", "acme"][..],
        &["api", "GET", "/folders", "--as", "acme"],
    ] {
        let before = server.asked().len();

        let outcome = at(&server, args).await;

        assert_eq!(outcome.exit, 7, "{}", outcome.err);
        assert_eq!(outcome.out, "");
        let said = "`login_user` was asked about Looker user 7 and answered about Looker user 8";
        assert!(outcome.err.contains(said), "{}", outcome.err);
        let asked = &server.asked()[before..];
        let ended = |asked: &Asked| {
            asked.line() == "DELETE /logout"
                && asked.header("authorization") == Some("Bearer theirs")
        };
        assert!(asked.iter().any(ended));
        assert!(!asked.iter().any(|asked| asked.line() == "GET /folders"));
    }
}

#[tokio::test]
async fn a_user_asked_for_by_lookers_id_has_that_id() {
    let (_server, client) = looker(|_| reply(200, r#"{"id":"70"}"#)).await;

    for error in [
        client.user("7").await.unwrap_err(),
        client
            .update_user("7", &Default::default())
            .await
            .unwrap_err(),
    ] {
        assert!(matches!(error, LookerError::Another { .. }), "{error}");
        assert!(error.to_string().contains("Looker user 70"), "{error}");
    }
}

fn everybody() -> UserSearch {
    UserSearch {
        embed_user: Some(true),
        ..UserSearch::default()
    }
}

#[tokio::test]
async fn a_list_ends_with_an_empty_page_however_short_the_others_are() {
    let list = Arc::new(users(&[
        ("1", "a"),
        ("2", "b"),
        ("3", "c"),
        ("4", "d"),
        ("5", "e"),
    ]));
    for cap in [1, 2, 3, 5, 500] {
        let list = Arc::clone(&list);
        let (server, client) = looker(move |asked| page(asked, &list, cap)).await;

        let mut pages = client.users(everybody());
        let mut ids = Vec::new();
        while let Some(users) = pages.next().await.unwrap() {
            ids.extend(users.into_iter().map(|user| user.id));
        }

        assert_eq!(ids, ["1", "2", "3", "4", "5"]);
        let folders = client.folder_children("1").await.unwrap();
        assert_eq!(folders.len(), 5, "{cap}");
        // Folders, users, and users once more since none of them is disabled: as many pages as it takes, and the empty one.
        assert_eq!(server.lines().len(), 1 + 3 * (5_usize.div_ceil(cap) + 1));
    }
}

#[tokio::test]
async fn a_list_that_starts_again_is_found_out() {
    let (server, client) = looker(|_| reply(200, &users(&[("1", "a"), ("2", "b")]))).await;

    let mut pages = client.users(everybody());
    assert_eq!(pages.next().await.unwrap().unwrap().len(), 2);
    let error = pages.next().await.unwrap_err();
    assert!(matches!(error, LookerError::Endless { .. }), "{error}");
    let error = client.folder_children("1").await.unwrap_err();
    assert!(matches!(error, LookerError::Endless { .. }), "{error}");
    let outcome = at(&server, &["users", "list"]).await;
    assert_eq!(outcome.exit, 7, "{}", outcome.err);
    let outcome = at(&server, &["users", "disable", "--match", "*", "--yes"]).await;
    assert_eq!(outcome.exit, 7, "{}", outcome.err);
}

#[tokio::test]
async fn nobody_is_changed_that_looker_only_says_it_changed() {
    let lies: [(Switches, &str); 3] = [
        (
            Switches {
                delete_user_is_ignored: true,
                ..Switches::default()
            },
            "delete",
        ),
        (
            Switches {
                delete_user_disables: true,
                ..Switches::default()
            },
            "delete",
        ),
        (
            Switches {
                disable_is_ignored: true,
                ..Switches::default()
            },
            "disable",
        ),
    ];
    for (switches, action) in lies {
        let sandbox = with_user(switches).await;

        let args = ["users", action, "acme-42", "--yes", "-o", "json"];
        let outcome = sandbox.run(&args).await.exits(3);

        let told = outcome.json();
        assert_eq!(told["failed"], 1, "{told}");
        assert_eq!(told["users"][0]["outcome"], "failed");
        let reason = told["users"][0]["reason"].as_str().unwrap();
        assert!(
            reason.contains("the user is still") || reason.contains("it is not disabled"),
            "{reason}"
        );
        sandbox.finish().await;
    }
}

#[tokio::test]
async fn every_request_without_a_body_says_so() {
    let (server, client) = looker(|asked| match asked.method.as_str() {
        "POST" => reply(
            200,
            r#"{"access_token":"u","expires_in":60,"id":"3","client_id":"c","client_secret":"s"}"#,
        ),
        "GET" => reply(200, r#"{"id":"7"}"#),
        _ => answer(204, ("x-end", "1"), ""),
    })
    .await;

    client
        .login_user("7")
        .await
        .unwrap()
        .logout()
        .await
        .unwrap();
    client.create_api3_key("7").await.unwrap();
    client.delete_api3_key("7", "3").await.unwrap();
    client.follow_alert("4").await.unwrap();
    for method in ["PUT", "PATCH", "POST"] {
        let method = method.parse().unwrap();
        client
            .call("api", method, "/alerts/1", &[], None)
            .await
            .unwrap();
    }
    client.logout().await.unwrap();

    for asked in server.asked() {
        let length = asked.header("content-length");
        match asked.method.as_str() {
            "GET" => assert_eq!(length, None),
            _ if asked.line() == "POST /login" => assert_ne!(length, Some("0")),
            _ => assert_eq!(length, Some("0"), "{}", asked.line()),
        }
        assert_eq!(asked.header("transfer-encoding"), None);
    }
}

/// A Looker with users that were last seen at all sorts of times.
async fn seen() -> Loopback {
    let user = |id: &str, seen: &str, keys: Value| {
        json!({ "id": id, "credentials_api3": keys, "is_disabled": false, "role_ids": [], "credentials_embed": [
            { "external_user_id": format!("user-{id}"), "logged_in_at": seen } ] })
    };
    let list = json!([
        user("1", "2026-01-01T00:00:00.000+00:00", json!([])),
        user("2", "2026-05-31T00:00:00.000+00:00", json!([])),
        user(
            "3",
            "2026-01-01T00:00:00.000+00:00",
            json!([{ "id": "30" }])
        ),
        user("4", "01/01/2026", json!([])),
        user("5", "", json!([])),
        user(
            "6",
            "2026-01-01T00:00:00.000+00:00",
            json!([{ "id": "60", "is_disabled": true }])
        ),
    ]);
    let (server, _client) = looker(move |asked| match asked.line().as_str() {
        "GET /users/search" => page(asked, &list.to_string(), 500),
        "GET /user" => reply(200, r#"{"id":"99"}"#),
        "GET /users/99/roles" => reply(200, ADMIN),
        _ => reply(404, NOT_FOUND),
    })
    .await;
    server
}

#[tokio::test]
async fn a_time_that_cannot_be_read_selects_nobody() {
    let server = seen().await;
    for (more, expected) in [
        (&[][..], &["user-1", "user-6"][..]),
        (&["--even-with-keys"], &["user-1", "user-3", "user-6"]),
    ] {
        let args = [
            &["users", "list", "--not-seen-for", "90d", "-o", "jsonl"],
            more,
        ]
        .concat();

        let outcome = at(&server, &args).await.done();

        let listed = outcome.json_lines();
        let listed: Vec<_> = listed
            .iter()
            .map(|row| row["external_user_id"].as_str().unwrap())
            .collect();
        assert_eq!(listed, expected);
        assert!(
            outcome.err.contains("left out `user-4`, `user-5`"),
            "{}",
            outcome.err
        );
        assert_eq!(
            outcome.err.contains("left out `user-3`"),
            more.is_empty(),
            "{}",
            outcome.err
        );
    }
}

#[tokio::test]
async fn a_list_for_somebody_who_is_no_admin_says_so() {
    for (list, exit) in [("[]".to_owned(), 4), (users(&[("7", "acme")]), 0)] {
        let (server, _client) = looker(move |asked| match asked.line().as_str() {
            "GET /users/search" => page(asked, &list, 500),
            "GET /user" => reply(200, r#"{"id":"1","display_name":"Robot"}"#),
            "GET /users/1/roles" => reply(200, "[]"),
            _ => reply(404, NOT_FOUND),
        })
        .await;

        let outcome = at(&server, &["users", "list"]).await;

        assert_eq!(outcome.exit, exit, "{}", outcome.err);
        assert!(
            outcome.err.contains("who is not an admin"),
            "{}",
            outcome.err
        );
        assert!(!outcome.err.contains("No embed users"), "{}", outcome.err);
    }
}

#[tokio::test]
async fn a_page_with_status_200_is_no_success() {
    let (_server, client) =
        looker(|_| answer(200, ("content-type", "text/html; charset=utf-8"), PAGE)).await;

    let error = client.delete_user("7").await.unwrap_err();

    assert!(
        matches!(error, LookerError::Unavailable { status: 200, .. }),
        "{error}"
    );
    assert!(error.took_effect_unknown());
}
