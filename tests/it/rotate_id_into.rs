//! `embedctl rotate-id --into-existing`: two users become one, and can be told apart again.

use serde_json::{Value, json};

use crate::rotation::{
    HIDDEN, Move, OLD, apart, api, moved, newest, rotation, state, thing, thing_mut, undo,
    unmarked, writes,
};
use crate::support::{Outcome, Sandbox};

/// The user that is there already: it has a folder, a dashboard and a look by the same names, likes and follows the same
/// things, and was let into the same folder, but not as far.
const THERE: &str = "acme-421";

#[tokio::test]
async fn what_clashes_is_renamed_and_what_was_there_stays_as_it_is() {
    let sandbox = rotation().await;
    let before = state(sandbox.emulator());

    let result = rotate(&sandbox, &["--yes", "-o", "json"])
        .await
        .done()
        .json();

    let after = state(sandbox.emulator());
    let (expected, users) = apart(joined(&before), &[42, 421]);
    let (found, users_now) = apart(after, &[42, 421]);
    assert_eq!(unmarked(found, &[421]), unmarked(expected, &[421]));
    let (mut there, mut there_now) = (users[1].clone(), users_now[1].clone());
    let keys = there["keys"].take();
    let keys_now = there_now["keys"].take();
    assert_eq!(there_now, there, "names, grants and sessions as they were");
    assert_eq!(keys_now.as_array().unwrap().len(), 2);
    assert_eq!(keys_now[0], keys[0], "its own key still works");
    assert_eq!(users_now[0]["is_disabled"], true);
    assert_eq!(result["to"]["looker_user_id"], "421");
    assert_eq!(renamed(&result), RENAMED.map(in_words));
    sandbox.finish().await;
}

#[tokio::test]
async fn a_dry_run_says_what_is_there_and_what_gets_another_name() {
    let sandbox = rotation().await;
    let before = sandbox.emulator().state();

    let tree = rotate(&sandbox, &["--dry-run"]).await.done();
    let plan = rotate(&sandbox, &["--dry-run", "-o", "json"])
        .await
        .done()
        .json();

    for (kind, id, from, to) in RENAMED {
        let line = format!("{kind} {id} `{from}`, becomes `{to}`, since its name is taken there");
        assert!(tree.out.contains(&line), "{line} is not in\n{}", tree.out);
    }
    let there = "Embed user `acme-421`, Looker user 421, has 1 folder, 3 dashboards, 1 look";
    assert!(tree.out.contains(there), "{}", tree.out);
    assert!(tree.out.contains("keeps its grants"), "{}", tree.out);
    assert_eq!(renamed(&plan), RENAMED.map(in_words));
    assert_eq!(plan["to"]["looker_user_id"], "421");
    assert_eq!(sandbox.emulator().state(), before);
    sandbox.finish().await;
}

#[tokio::test]
async fn nobody_becomes_somebody_else_without_a_yes() {
    let sandbox = rotation().await;

    let refused = rotate(&sandbox, &[]).await.exits(2);

    assert!(refused.err.contains("--yes"), "{}", refused.err);
    assert!(refused.err.contains("keeps its grants"), "{}", refused.err);
    let nothing: [String; 0] = [];
    assert_eq!(writes(sandbox.emulator(), 0), nothing);
    sandbox.finish().await;
}

#[tokio::test]
async fn an_undo_takes_nothing_from_the_user_that_was_there() {
    let sandbox = rotation().await;
    let before = state(sandbox.emulator());
    let _done = rotate(&sandbox, &["--yes"]).await.done();

    let _undone = undo(&sandbox, &newest(&sandbox).await).await.done();

    let mut expected = before;
    thing_mut(&mut expected, "users", 42).remove("keys");
    thing_mut(&mut expected, "users", 42).remove("sessions");
    let people = [42, 421];
    assert_eq!(
        unmarked(state(sandbox.emulator()), &people),
        unmarked(expected, &people)
    );
    sandbox.finish().await;
}

#[tokio::test]
async fn roles_and_groups_are_added_and_taken_back() {
    let sandbox = rotation().await;
    let before = state(sandbox.emulator());
    let args = [
        "rotate-id",
        OLD,
        "acme-4",
        "--into-existing",
        "--yes",
        "--no-key",
    ];

    let _done = sandbox.run(&args).await.done();

    let after = state(sandbox.emulator());
    let there = thing(&after, "users", 4);
    assert_eq!(there["roles"], json!([20]));
    assert_eq!(there["groups"], json!([21]));
    assert_eq!(there["login"], thing(&before, "users", 4)["login"]);
    let _undone = undo(&sandbox, &newest(&sandbox).await).await.done();
    let undone = state(sandbox.emulator());
    assert_eq!(thing(&undone, "users", 4), thing(&before, "users", 4));
    sandbox.finish().await;
}

/// The user that is there owns the alert that the old one follows, and follows the one that the old one owns.
#[tokio::test]
async fn an_owner_need_not_follow_its_own_alert() {
    let sandbox = rotation().await;
    let before = state(sandbox.emulator());
    let args = [
        "rotate-id",
        OLD,
        "acme-43",
        "--into-existing",
        "--yes",
        "--no-key",
    ];

    let _done = sandbox.run(&args).await.done();

    let after = state(sandbox.emulator());
    assert_eq!(thing(&after, "alerts", 100)["owner"], 43);
    assert_eq!(thing(&after, "alerts", 101)["owner"], 43);
    let followers = &thing(&after, "alerts", 101)["followers"];
    assert!(!followers.as_array().unwrap().contains(&json!(42)));
    assert!(followers.as_array().unwrap().contains(&json!(421)));
    let _undone = undo(&sandbox, &newest(&sandbox).await).await.done();
    let undone = state(sandbox.emulator());
    assert_eq!(undone["alerts"], before["alerts"]);
    assert_eq!(
        unmarked(apart(undone, &[42]).0, &[43, 42]),
        unmarked(apart(before, &[42]).0, &[43, 42])
    );
    sandbox.finish().await;
}

#[tokio::test]
async fn a_name_that_was_given_is_not_given_twice() {
    let sandbox = rotation().await;
    let body = ["title=Revenue (acme-42)", "folder_id=600"];
    let call = [
        "POST",
        "/dashboards",
        "--as",
        THERE,
        "-f",
        body[0],
        "-f",
        body[1],
    ];
    api(&sandbox, &call).await;

    let plan = rotate(&sandbox, &["--dry-run", "-o", "json"])
        .await
        .done()
        .json();
    let result = rotate(&sandbox, &["--yes", "-o", "json"])
        .await
        .done()
        .json();

    let after = sandbox.emulator().state();
    let title = &thing(&after, "dashboards", 100)["title"];
    assert_eq!(*title, "Revenue (acme-42 2)");
    assert_eq!(renamed(&plan), renamed(&result));
    let _undone = undo(&sandbox, &newest(&sandbox).await).await.done();
    let undone = sandbox.emulator().state();
    assert_eq!(thing(&undone, "dashboards", 100)["title"], "Revenue");
    sandbox.finish().await;
}

const RENAMED: [(&str, i64, &str, &str); 3] = [
    ("dashboard", 100, "Revenue", "Revenue (acme-42)"),
    ("folder", 501, "Sales", "Sales (acme-42)"),
    ("look", 100, "Orders by month", "Orders by month (acme-42)"),
];

fn in_words((kind, id, from, to): (&str, i64, &str, &str)) -> String {
    format!("{kind} {id}: {from} -> {to}")
}

fn renamed(result: &Value) -> Vec<String> {
    let renamed = result["renamed"].as_array().unwrap().iter();
    let mut renamed: Vec<String> = renamed
        .map(|it| {
            let text = |name: &str| it[name].as_str().unwrap();
            let id = text("id").parse().unwrap();
            in_words((text("kind"), id, text("from"), text("to")))
        })
        .collect();
    renamed.sort_unstable();
    renamed
}

/// What `before` should be once all of `acme-42` is that of the user that is there.
fn joined(before: &Value) -> Value {
    let whose = Move {
        from: 42,
        from_home: 500,
        to: 421,
        to_home: 600,
    };
    let mut state = before.clone();
    // `edit` takes the place of the `view` that it had.
    let accesses = state["content_access"].as_array_mut().unwrap();
    accesses.retain(|it| it["of"]["folder"] != 530 || it["with"]["user"] != 421);
    for (kind, id, _, to) in RENAMED {
        let (list, field) = match kind {
            "folder" => ("folders", "name"),
            "look" => ("looks", "title"),
            _ => ("dashboards", "title"),
        };
        thing_mut(&mut state, list, id).insert(field.to_owned(), json!(to));
    }
    moved(&state, whose)
}

/// `rotate-id acme-42 acme-421 --into-existing` with a key in a file.
async fn rotate(sandbox: &Sandbox, more: &[&str]) -> Outcome {
    let args = [
        "rotate-id",
        OLD,
        THERE,
        "--into-existing",
        "--attr",
        HIDDEN,
        "--keys-to",
        "file:keys.jsonl",
    ];
    sandbox.run(&[&args, more].concat()).await
}

#[tokio::test]
async fn what_the_user_that_was_there_has_otherwise_is_said_and_is_no_loss() {
    let sandbox = rotation().await;
    let all = api(&sandbox, &["/user_attributes"]).await;
    let region = all.as_array().unwrap().iter();
    let mut region = region.filter(|it| it["name"] == "region");
    let region = region.next().unwrap()["id"].as_str().unwrap().to_owned();
    let path = format!("/users/421/attribute_values/{region}");
    let _set = api(&sandbox, &["PATCH", &path, "-F", "value=elsewhere"]).await;

    let result = rotate(&sandbox, &["--yes", "-o", "json"])
        .await
        .done()
        .json();

    let not_moved = result["not_moved"].as_array().unwrap();
    let named = not_moved
        .iter()
        .find(|it| it["kind"] == "attribute" && it["id"] == "region");
    let reason = named.expect("the value is named")["reason"]
        .as_str()
        .unwrap();
    assert!(reason.contains("keeps its own"), "{reason}");
    assert_eq!(result["old"], "disabled");
    sandbox.finish().await;
}
