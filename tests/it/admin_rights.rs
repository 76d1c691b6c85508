//! A key without admin rights is named, whatever is asked with it: to its user, Looker shows lists that are too short, and
//! answers 404 about users that are there.

use embedctl::emulator::{Options, RequestRecord};

use crate::support::Sandbox;

/// What is refused, since nothing can be concluded from what such a key is shown.
const REFUSED: &[&[&str]] = &[
    &["users", "list", "--match", "user-*"],
    &["users", "show", "user-1"],
    &["users", "show", "no-such-user"],
    &["users", "disable", "user-1", "--yes"],
    &["users", "disable", "--match", "user-*", "--yes"],
    &["users", "enable", "user-1"],
    &["users", "enable", "--match", "user-*", "--yes"],
    &["users", "delete", "user-1", "--yes"],
    &["users", "delete", "--match", "user-*", "--yes"],
    &["keys", "list", "user-1"],
    &["keys", "list", "--all"],
    &["keys", "mint", "user-1"],
    &["keys", "mint", "user-1", "--dry-run"],
    &["keys", "rotate", "user-1", "--yes"],
    &["keys", "rotate", "--all", "--yes", "-o", "jsonl"],
    &["keys", "rotate", "user-1", "--dry-run"],
    &["keys", "revoke", "user-1", "7", "--yes"],
    &["keys", "reap"],
    &["keys", "orphans"],
    &["create-user", "user-1"],
    &["create-user", "new"],
    &["create-user", "new", "--dry-run"],
    &["plan", "m.csv"],
    &["apply", "m.csv", "--yes"],
    &[
        "apply", "m.csv", "--prune", "disable", "--match", "user-*", "--yes",
    ],
    &["rotate-id", "user-1", "new", "--yes"],
    &["rotate-id", "user-1", "new", "--dry-run"],
    &["export"],
    &[
        "url",
        "open",
        "user-1",
        "/embed/dashboards/1",
        "--print",
        "--yes",
    ],
    &["token", "user-1"],
    &["token", "no-such-user"],
    &["api", "GET", "/user", "--as", "user-1"],
    &["doctor"],
];

/// What prints what there is, and says that there may be more.
const WARNED: &[(&[&str], u8)] = &[
    (&["users", "list"], 0),
    (&["users", "list", "--csv"], 0),
    (&["users", "list", "-o", "json"], 0),
    (&["api", "GET", "/users/4"], 5),
    (&["api", "search_users", "--query", "first_name=none"], 0),
    (
        &[
            "api",
            "search_users",
            "--query",
            "first_name=none",
            "--paginate",
        ],
        0,
    ),
];

/// A sandbox whose key belongs to an embed user, who sees itself only.
async fn without_rights() -> Sandbox {
    let mut sandbox = Sandbox::with(Options {
        users: 3,
        ..Options::default()
    })
    .await;
    let made = sandbox
        .run(&["create-user", "plain", "-o", "json"])
        .await
        .done()
        .json();
    let text = |name: &str| made["key"][name].as_str().unwrap().to_owned();
    sandbox.var("LOOKERSDK_CLIENT_ID", text("client_id"));
    sandbox.var("LOOKERSDK_CLIENT_SECRET", text("client_secret"));
    sandbox.file(
        "m.csv",
        "external_user_id,models,permissions\nuser-1,demo,access_data\nnew,demo,access_data\n",
    );
    sandbox
}

fn changes(sandbox: &Sandbox) -> Vec<RequestRecord> {
    let requests = sandbox.emulator().requests().into_iter();
    let changes =
        requests.filter(|it| it.method != "GET" && !["login", "logout"].contains(&it.operation));
    changes.collect()
}

#[tokio::test]
async fn every_command_names_a_key_without_admin_rights_and_concludes_nothing() {
    let sandbox = without_rights().await;
    let before = changes(&sandbox);
    for command in REFUSED {
        let outcome = sandbox.run(command).await;

        let said = format!("{}{}", outcome.out, outcome.err);
        assert_eq!(outcome.exit, 4, "{command:?}: {said}");
        assert!(said.contains("is not an admin"), "{command:?}: {said}");
        assert!(
            !said.contains("No embed users") && !said.contains("there is no embed user"),
            "{command:?}: {said}"
        );
    }
    for (command, exit) in WARNED {
        let outcome = sandbox.run(command).await.exits(*exit);

        assert!(
            outcome.err.contains("who is not an admin"),
            "{command:?}: {}",
            outcome.err
        );
    }
    // What was tried was refused.
    let tried = changes(&sandbox).split_off(before.len());
    assert!(tried.iter().all(|it| it.status >= 400), "{tried:?}");
    sandbox.leave().await;
}

#[tokio::test]
async fn a_ledger_is_not_called_another_lookers_because_a_key_sees_no_users() {
    let first = Sandbox::new().await;
    let ledger = first.path("shared.ledger").display().to_string();
    drop(
        first
            .run(&["create-user", "acme-42", "--ledger", &ledger])
            .await
            .done(),
    );
    let second = without_rights().await;

    let rebound = second
        .run(&["ledger", "rebind", "--dry-run", "--ledger", &ledger])
        .await;

    assert!(rebound.exits(4).err.contains("who is not an admin"));
    first.finish().await;
    second.leave().await;
}
