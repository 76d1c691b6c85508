//! `embedctl users`: who is found, what is said of them, and who is changed or left alone.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use embedctl::emulator::{Fault, Options};
use embedctl::system::{Clock, Input};
use jiff::Timestamp;
use serde_json::Value;

use crate::loopback::{Loopback, json};
use crate::support::{Outcome, Sandbox};

const NOON: &str = "2026-01-01T12:00:00Z";

/// A sandbox with the embed users `acme-1` (a key, the model), `acme-2` (no key, an external group) and `zoe`.
async fn with_users() -> Sandbox {
    let sandbox = Sandbox::at(NOON.parse().unwrap()).await;
    let model = ["--model", "demo", "--permission", "access_data"];
    let users: [&[&str]; 3] = [
        &[
            "acme-1",
            "--keys-to",
            "file:keys.jsonl",
            "--first-name",
            "Ada",
        ],
        &["acme-2", "--no-key", "--external-group-id", "acme"],
        &["zoe", "--no-key", "--first-name", "Zoë, \"Z\""],
    ];
    for user in users {
        let args = [&["create-user"], user, &model].concat();
        let made = sandbox.run(&args).await;
        assert_eq!(made.exit, 0, "{}", made.err);
    }
    sandbox
}

fn ids(listed: &Outcome) -> Vec<String> {
    let lines = listed.out.lines();
    lines
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .map(|user| user["external_user_id"].as_str().unwrap().to_owned())
        .collect()
}

async fn list(sandbox: &Sandbox, filters: &[&str]) -> Vec<String> {
    let args = [&["users", "list", "-o", "jsonl"], filters].concat();
    ids(&sandbox.run(&args).await.done())
}

fn person(text: &str) -> Input {
    let mut input = Input::text(text);
    input.terminal = true;
    input
}

#[tokio::test]
async fn lists_the_users_that_every_filter_lets_through() {
    let sandbox = with_users().await;

    assert_eq!(list(&sandbox, &[]).await, ["acme-1", "acme-2", "zoe"]);
    assert_eq!(
        list(&sandbox, &["--match", "acme-?"]).await,
        ["acme-1", "acme-2"]
    );
    assert_eq!(list(&sandbox, &["--no-keys"]).await, ["acme-2", "zoe"]);
    let both = ["--no-keys", "--match", "acme-*"];
    assert_eq!(list(&sandbox, &both).await, ["acme-2"]);
    assert_eq!(
        list(&sandbox, &["--external-group", "acme"]).await,
        ["acme-2"]
    );
    assert!(list(&sandbox, &["--no-models"]).await.is_empty());
    assert!(list(&sandbox, &["--disabled"]).await.is_empty());
    assert_eq!(list(&sandbox, &["--enabled"]).await.len(), 3);
    sandbox.finish().await;
}

#[tokio::test]
async fn users_not_seen_for_a_while_are_found() {
    let clock = Clock::manual(NOON.parse::<Timestamp>().unwrap());
    let mut sandbox = Sandbox::with(Options {
        clock: clock.clone(),
        ..Options::default()
    })
    .await;
    sandbox.clock(clock.clone());
    for user in ["old", "new"] {
        let made = sandbox.run(&["create-user", user, "--no-key"]).await;
        assert_eq!(made.exit, 0, "{}", made.err);
        clock.sleep(Duration::from_hours(40 * 24)).await;
    }

    assert_eq!(list(&sandbox, &["--not-seen-for", "60d"]).await, ["old"]);
    assert_eq!(
        list(&sandbox, &["--not-seen-for", "30d"]).await,
        ["old", "new"]
    );
    let refused = sandbox
        .run(&["users", "list", "--not-seen-for", "soon"])
        .await;
    assert_eq!(refused.exit, 2);
    assert!(refused.err.contains("`90d`"), "{}", refused.err);
    sandbox.finish().await;
}

#[tokio::test]
async fn a_list_is_a_table_csv_or_json() {
    let sandbox = with_users().await;

    let table = sandbox.run(&["users", "list"]).await.done();
    assert_eq!(table.out.lines().count(), 4, "{}", table.out);
    let csv = sandbox
        .run(&["users", "list", "--csv", "--match", "zoe"])
        .await
        .done();
    let row = csv.out.lines().nth(1).unwrap();
    assert!(row.starts_with("zoe,"), "{row}");
    assert!(row.contains("\"Zoë, \"\"Z\"\"\""), "{row}");
    let listed = sandbox.run(&["users", "list", "-o", "json"]).await.done();
    let users: Vec<Value> = serde_json::from_str(&listed.out).unwrap();
    assert_eq!(users.len(), 3);
    assert_eq!(users[0]["keys"], 1);
    assert_eq!(users[0]["created_at"], NOON);
    let none = sandbox
        .run(&["users", "list", "-o", "json", "--disabled"])
        .await
        .done();
    assert_eq!(none.out, "[]\n");
    sandbox.finish().await;
}

#[tokio::test]
async fn many_users_come_page_by_page() {
    let sandbox = Sandbox::with(Options {
        users: 1234,
        ..Options::default()
    })
    .await;

    let listed = sandbox.run(&["users", "list", "-o", "json"]).await.done();

    let users: Vec<Value> = serde_json::from_str(&listed.out).unwrap();
    assert_eq!(users.len(), 1234);
    let requests = sandbox.emulator().requests();
    let pages = requests
        .iter()
        .filter(|it| it.path.ends_with("/users/search"));
    // Only an empty page is the end of a list, and a list without disabled users is asked for them.
    assert_eq!(pages.count(), 5);

    // Few of many are one table.
    let few = sandbox
        .run(&["users", "list", "--match", "*99"])
        .await
        .done();
    assert_eq!(
        few.out.matches("EXTERNAL USER ID").count(),
        1,
        "{}",
        few.out
    );
    assert_eq!(few.out.lines().count(), 13);
    sandbox.finish().await;
}

#[tokio::test]
async fn show_says_what_the_user_can_reach_and_where_it_comes_from() {
    let sandbox = with_users().await;

    let shown = sandbox
        .run(&["users", "show", "acme-1", "-o", "json"])
        .await
        .done();

    let user: Value = serde_json::from_str(&shown.out).unwrap();
    assert_eq!(user["external_user_id"], "acme-1");
    assert_eq!(user["models"], serde_json::json!(["demo"]));
    assert_eq!(user["permissions"], serde_json::json!(["access_data"]));
    assert_eq!(user["keys"].as_array().unwrap().len(), 1);
    assert_eq!(user["problems"], serde_json::json!([]));
    assert_eq!(user["roles"][0]["from"], "direct");

    let text = sandbox.run(&["users", "show", "acme-1"]).await.done();
    assert!(
        text.out.contains("can query") && text.out.contains("demo"),
        "{}",
        text.out
    );
    sandbox.finish().await;
}

#[tokio::test]
async fn show_says_why_a_user_can_reach_nothing() {
    let sandbox = with_users().await;
    let made = sandbox
        .run(&["create-user", "bare", "--no-key", "--via", "embed-user"])
        .await;
    assert_eq!(made.exit, 0, "{}", made.err);
    let disabled = sandbox.run(&["users", "disable", "bare", "--yes"]).await;
    assert_eq!(disabled.exit, 0, "{}", disabled.err);

    let shown = sandbox.run(&["users", "show", "bare"]).await.done();

    assert!(shown.err.contains("the user is disabled"), "{}", shown.err);
    assert!(
        shown.err.contains("every call as it is answered with 404"),
        "{}",
        shown.err
    );
    sandbox.finish().await;
}

#[tokio::test]
async fn a_user_is_disabled_and_enabled_again() {
    let sandbox = with_users().await;

    let disabled = sandbox
        .run(&["users", "disable", "zoe", "--yes", "-o", "json"])
        .await
        .done();
    let again = sandbox
        .run(&["users", "disable", "zoe", "-o", "json"])
        .await
        .done();
    assert_eq!(list(&sandbox, &["--disabled"]).await, ["zoe"]);
    let enabled = sandbox.run(&["users", "enable", "zoe"]).await.done();

    let disabled: Value = serde_json::from_str(&disabled.out).unwrap();
    assert_eq!(disabled["disabled"], 1);
    assert_eq!(disabled["users"][0]["outcome"], "disabled");
    let again: Value = serde_json::from_str(&again.out).unwrap();
    assert_eq!(again["unchanged"], 1);
    assert!(
        enabled.err.contains("Enabled 1 of 1 users"),
        "{}",
        enabled.err
    );
    assert!(list(&sandbox, &["--disabled"]).await.is_empty());
    sandbox.finish().await;
}

#[tokio::test]
async fn users_are_disabled_only_once_a_person_has_said_yes() {
    let sandbox = with_users().await;
    let disable = ["users", "disable", "--match", "acme-*"];

    let nobody = sandbox.run(&disable).await;
    assert_eq!(nobody.exit, 2);
    assert!(nobody.err.contains("`--yes`"), "{}", nobody.err);
    let no = sandbox.run_with(&disable, person("no\n")).await;
    assert_eq!(no.exit, 2);
    assert!(no.err.contains("nothing was done"), "{}", no.err);
    let dry = sandbox
        .run(&[&disable[..], &["--dry-run"]].concat())
        .await
        .done();
    assert!(dry.out.contains("Would disable acme-1"), "{}", dry.out);
    assert!(list(&sandbox, &["--disabled"]).await.is_empty());

    let yes = sandbox.run_with(&disable, person("y\n")).await.done();
    let question = "This disables 2 users (`acme-1`, `acme-2`).";
    assert!(yes.err.contains(question), "{}", yes.err);
    assert_eq!(list(&sandbox, &["--disabled"]).await, ["acme-1", "acme-2"]);

    let enabled = sandbox
        .run(&["users", "enable", "--disabled", "--yes"])
        .await
        .done();
    assert!(enabled.err.contains("Enabled 2 of 2"), "{}", enabled.err);
    sandbox.finish().await;
}

#[tokio::test]
async fn whom_to_change_must_be_said_one_way() {
    let sandbox = Sandbox::offline();

    let nobody = sandbox.run(&["users", "delete"]).await;
    let both = sandbox
        .run(&["users", "delete", "zoe", "--match", "a*"])
        .await;

    assert_eq!((nobody.exit, both.exit), (2, 2));
    assert!(
        nobody.err.contains("no users to delete were named"),
        "{}",
        nobody.err
    );
}

#[tokio::test]
async fn a_user_is_deleted_only_once_its_id_has_been_typed() {
    let sandbox = with_users().await;
    let delete = ["users", "delete", "zoe", "--with-schedules"];

    let no = sandbox.run_with(&delete, person("acme-1\n")).await;
    assert_eq!(no.exit, 2, "{}", no.err);
    assert_eq!(list(&sandbox, &["--match", "zoe"]).await, ["zoe"]);
    let yes = sandbox.run_with(&delete, person("zoe\n")).await.done();

    assert!(yes.err.contains("Deleted 1 of 1 users"), "{}", yes.err);
    assert!(list(&sandbox, &["--match", "zoe"]).await.is_empty());
    let gone = sandbox.run(&delete).await;
    assert_eq!(gone.exit, 5);
    sandbox.finish().await;
}

#[tokio::test]
async fn one_that_fails_does_not_stop_the_others() {
    let sandbox = with_users().await;
    sandbox
        .emulator()
        .inject(Fault::status(500).on("update_user"));

    let args = [
        "users",
        "disable",
        "--match",
        "*",
        "--yes",
        "--concurrency",
        "1",
        "-o",
        "json",
    ];
    let outcome = sandbox.run(&args).await;

    assert_eq!(outcome.exit, 3);
    let result: Value = serde_json::from_str(&outcome.out).unwrap();
    assert_eq!(
        (&result["disabled"], &result["failed"]),
        (&2.into(), &1.into())
    );
    assert_eq!(list(&sandbox, &["--disabled"]).await, ["acme-2", "zoe"]);
    sandbox.finish().await;
}

/// What the one user of a Looker is and owns.
#[derive(Clone, Copy)]
struct One {
    /// The permission of its role.
    may: &'static str,
    /// The user of the API key.
    me: &'static str,
    schedules: &'static str,
    alerts: &'static str,
}

const ONE: One = One {
    may: "access_data",
    me: "1",
    schedules: "[]",
    alerts: "[]",
};

/// A Looker with one user.
async fn looker(one: One) -> Loopback {
    let user = r#"{"id":"7","role_ids":["2"],"credentials_embed":[{"external_user_id":"acme-7"}]}"#;
    let deleted = AtomicBool::new(false);
    Loopback::new(move |asked, _| match asked.line().as_str() {
        "POST /login" => json(200, r#"{"access_token":"t","expires_in":3600}"#),
        "GET /user" => json(200, &format!(r#"{{"id":"{}"}}"#, one.me)),
        "GET /users/credential/embed/acme-7" => json(200, user),
        "GET /users/7" if deleted.load(Ordering::Relaxed) => {
            json(404, r#"{"message":"Not found"}"#)
        }
        "GET /users/7" => json(200, user),
        "GET /users/search" => json(200, "[]"),
        "GET /roles" => {
            let allowed = format!(r#"{{"permissions":["{}"]}}"#, one.may);
            json(
                200,
                &format!(
                    r#"[{{"id":"2","name":"r","permission_set":{allowed},"model_set":{{}}}}]"#
                ),
            )
        }
        "GET /scheduled_plans" => json(200, one.schedules),
        "GET /alerts/search" if asked.target.contains("offset=0") => json(200, one.alerts),
        "GET /alerts/search" => json(200, "[]"),
        "DELETE /users/7" => {
            deleted.store(true, Ordering::Relaxed);
            json(204, "")
        }
        "DELETE /logout" => json(204, ""),
        other => json(500, &format!(r#"{{"message":"unexpected {other}"}}"#)),
    })
    .await
}

async fn delete_at(looker: &Loopback, more: &[&str]) -> Outcome {
    let mut sandbox = Sandbox::offline();
    sandbox
        .var("LOOKERSDK_BASE_URL", looker.url())
        .var("LOOKERSDK_CLIENT_ID", "id")
        .var("LOOKERSDK_CLIENT_SECRET", "secret");
    let args = [&["users", "delete", "acme-7", "--yes"], more].concat();
    sandbox.run(&args).await
}

#[tokio::test]
async fn admins_oneself_and_owners_of_schedules_and_alerts_are_left_alone() {
    let schedules = r#"[{"id":1},{"id":2}]"#;
    // Somebody else's alert is no obstacle.
    let alerts = r#"[{"id":3,"owner_id":7},{"id":4,"owner_id":8}]"#;
    for (one, reason) in [
        (
            One {
                may: "administer",
                ..ONE
            },
            "it is an admin",
        ),
        (One { me: "7", ..ONE }, "it is the user of this API key"),
        (
            One { schedules, ..ONE },
            "it owns 2 schedules, which would be deleted with it",
        ),
        (
            One { alerts, ..ONE },
            "it owns one alert, which would be deleted with it",
        ),
    ] {
        let looker = looker(one).await;

        let outcome = delete_at(&looker, &[]).await;

        assert_eq!(outcome.exit, 3, "{}", outcome.err);
        assert!(outcome.err.contains(reason), "{}", outcome.err);
        assert!(!looker.lines().contains(&"DELETE /users/7".to_owned()));
    }
    for (one, more) in [
        (ONE, &[][..]),
        (One { schedules, ..ONE }, &["--with-schedules"]),
        (One { alerts, ..ONE }, &["--with-alerts"]),
    ] {
        let looker = looker(one).await;

        let outcome = delete_at(&looker, more).await.done();

        assert!(outcome.err.contains("Deleted 1 of 1"), "{}", outcome.err);
        assert!(looker.lines().contains(&"DELETE /users/7".to_owned()));
    }
}

#[tokio::test]
async fn show_says_what_somebody_else_changed_since_embedctl_applied_it() {
    let sandbox = with_users().await;
    let show = ["users", "show", "acme-1"];
    let json_of = async || {
        let shown = sandbox.run(&[&show[..], &["-o", "json"]].concat()).await;
        shown.done().json()["differs"].clone()
    };
    assert_eq!(json_of().await, serde_json::json!([]));
    let as_applied = sandbox.run(&show).await.done();
    assert!(
        as_applied.out.contains("changed since embedctl  nothing"),
        "{}",
        as_applied.out
    );

    // Someone on another machine, whose ledger is another one.
    let update = ["create-user", "acme-1", "--update", "--yes", "--no-key"];
    let more = ["--first-name", "Eve", "--permission", "access_data"];
    let last = ["--permission", "see_looks", "--ledger", "other.ledger"];
    let _updated = sandbox
        .run(&[&update[..], &more, &last].concat())
        .await
        .done();

    let differs = json_of().await;
    assert_eq!(
        differs,
        serde_json::json!([
            { "field": "permissions", "from": ["access_data"], "to": ["access_data", "see_looks"] },
            { "field": "first_name", "from": "Ada", "to": "Eve" },
        ])
    );
    let shown = sandbox.run(&show).await.done();
    let text = "permissions: +see_looks; first_name: Ada -> Eve";
    assert!(shown.out.contains(text), "{}", shown.out);
    let unknown = [
        "users",
        "show",
        "acme-1",
        "-o",
        "json",
        "--ledger",
        "new.ledger",
    ];
    let unknown = sandbox.run(&unknown).await.done().json();
    assert_eq!(unknown["differs"], Value::Null);
    sandbox.finish().await;
}
