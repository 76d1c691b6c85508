//! `embedctl plan` against the local Looker: what it says is what `apply` does, and it changes nothing.

use embedctl::emulator::Options;
use serde_json::{Value, json};

use crate::manifest::writes;
use crate::support::Sandbox;

fn csv(count: usize) -> String {
    let row = |number| format!("acme-{number},Ada {number},demo,access_data;see_looks,west\n");
    let rows: String = (0..count).map(row).collect();
    format!("external_user_id,first_name,models,permissions,attr.region\n{rows}")
}

#[tokio::test]
async fn says_what_would_be_done_and_does_nothing() {
    let sandbox = Sandbox::new().await;
    sandbox.file("users.csv", &csv(2));

    let plan = sandbox
        .run(&["plan", "users.csv", "--quota", "1000"])
        .await
        .done()
        .out;

    insta::assert_snapshot!(plan, @r"
    + create acme-0
        permissions: access_data, see_looks
        models: demo
        first_name: `Ada 0`
        attr.region: west
    + create acme-1
        permissions: access_data, see_looks
        models: demo
        first_name: `Ada 1`
        attr.region: west
    Plan: 2 to create, 0 unchanged.
    API calls to apply it: at most 19, 12 of them to look first; and 2 embed logins.
    That is 1.9 % of a quota of 1000 calls.
    ");
    assert_eq!(writes(&sandbox), Vec::<String>::new());
    sandbox.finish().await;
}

#[tokio::test]
async fn the_calls_it_tells_are_those_that_apply_makes() {
    for (rows, key, verify) in [
        (3, "ensure", "all"),
        (25, "ensure", "none"),
        (25, "none", "sample"),
    ] {
        let sandbox = Sandbox::with(Options {
            users: 20,
            ..Options::default()
        })
        .await;
        sandbox.file("users.csv", &csv(rows));
        for keys_to in ["file:a", "file:b"] {
            // The second time the users are there, and others are added.
            let options = [
                "--keys-to",
                keys_to,
                "--key",
                key,
                "--verify",
                verify,
                "-o",
                "json",
            ];

            let plan = sandbox
                .run(&[&["plan", "users.csv"], &options[..]].concat())
                .await
                .done()
                .json();
            let done = sandbox
                .run(
                    &[
                        &["apply", "users.csv", "--yes", "--concurrency", "1"],
                        &options[..],
                    ]
                    .concat(),
                )
                .await
                .done()
                .json();

            assert_eq!(
                plan["api_calls"], done["api_calls"],
                "{rows} {key} {verify} {keys_to}"
            );
            let changed = csv(rows + 2)
                .replace("acme-1,Ada 1", "acme-1,Grace")
                .replace("acme-2,Ada 2,demo,access_data;", "acme-2,Ada 2,demo,");
            sandbox.file("users.csv", &changed);
        }
        sandbox.finish().await;
    }
}

#[tokio::test]
async fn the_exit_code_tells_whether_there_is_something_to_do() {
    let sandbox = Sandbox::new().await;
    sandbox.file("users.csv", &csv(2));

    let _changes = sandbox
        .run(&["plan", "users.csv", "--detailed-exitcode"])
        .await
        .exits(9);
    let _plain = sandbox.run(&["plan", "users.csv"]).await.done();
    let _applied = sandbox.run(&["apply", "users.csv"]).await.done();
    let none = sandbox
        .run(&["plan", "users.csv", "--detailed-exitcode"])
        .await
        .done();

    assert!(none.out.contains("Plan: 2 unchanged."), "{}", none.out);
    sandbox.finish().await;
}

#[tokio::test]
async fn users_of_whom_the_ledger_knows_nothing_are_compared_by_their_roles_and_values() {
    let sandbox = Sandbox::new().await;
    sandbox.file("users.csv", &csv(12));
    let _made = sandbox.run(&["apply", "users.csv"]).await.done();
    let elsewhere = ["--ledger", "other.ledger", "-o", "json"];

    let same = sandbox
        .run(&[&["plan", "users.csv"], &elsewhere[..]].concat())
        .await
        .done()
        .json();
    sandbox.file(
        "users.csv",
        &csv(12).replace(
            "acme-3,Ada 3,demo,access_data;see_looks,west",
            "acme-3,Ada 3,demo,access_data,east",
        ),
    );
    let other = sandbox
        .run(&[&["plan", "users.csv"], &elsewhere[..]].concat())
        .await
        .done()
        .json();

    assert_eq!(same["unchanged"], 12, "{same}");
    assert_eq!(
        (&other["update"], &other["unchanged"]),
        (&json!(1), &json!(11))
    );
    let fields: Vec<_> = other["changes"][0]["changes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|difference| difference["field"].clone())
        .collect();
    assert_eq!(fields, ["permissions", "attr.region"]);
    sandbox.finish().await;
}

#[tokio::test]
async fn a_plan_in_a_file_is_applied_as_it_is() {
    let sandbox = Sandbox::new().await;
    sandbox.file("users.csv", &csv(12));
    let _first = sandbox.run(&["apply", "users.csv"]).await.done();
    sandbox.file(
        "users.csv",
        &csv(14).replace("acme-1,Ada 1", "acme-1,Grace"),
    );

    let plan = sandbox
        .run(&["plan", "users.csv", "--out", "the.plan", "-o", "json"])
        .await
        .done()
        .json();
    sandbox.file("users.csv", "");
    let done = sandbox
        .run(&["apply", "the.plan", "-o", "json"])
        .await
        .done()
        .json();

    assert_eq!((&plan["create"], &plan["update"]), (&json!(2), &json!(1)));
    assert_eq!(
        (&done["created"], &done["updated"], &done["total"]),
        (&json!(2), &json!(1), &json!(14))
    );
    sandbox.finish().await;
}

#[tokio::test]
async fn a_plan_is_refused_once_looker_has_changed() {
    let sandbox = Sandbox::new().await;
    sandbox.file("users.csv", &csv(3));
    let _plan = sandbox
        .run(&["plan", "users.csv", "--out", "the.plan"])
        .await
        .done();
    let _made = sandbox
        .run(&["create-user", "acme-1", "--no-key"])
        .await
        .done();
    let before = writes(&sandbox);

    let outcome = sandbox.run(&["apply", "the.plan"]).await.exits(6);

    assert!(
        outcome.err.contains("`acme-1` is different now"),
        "{}",
        outcome.err
    );
    // To read what a user has, embedctl may act as that user; that is all it did.
    let mut after = writes(&sandbox);
    after.retain(|write| write != "POST /api/4.0/login/2" || before.contains(write));
    after.dedup();
    assert_eq!(after, before);
    let refused = sandbox
        .run(&["apply", "the.plan", "--key", "none"])
        .await
        .exits(2);
    assert!(refused.err.contains("`--key` was fixed"), "{}", refused.err);
    sandbox.finish().await;
}

#[tokio::test]
async fn all_embed_users_are_read_in_pages_also_where_looker_gives_fewer_than_asked_for() {
    let sandbox = Sandbox::with(Options {
        users: 1_203,
        ..Options::default()
    })
    .await;
    let rows: String = (1..=1_203)
        .map(|number| format!("user-{number}\n"))
        .collect();
    sandbox.file("users.csv", &format!("external_user_id\n{rows}new\n"));

    let plan: Value = sandbox
        .run(&["plan", "users.csv", "-o", "json"])
        .await
        .done()
        .json();

    assert_eq!(
        (&plan["total"], &plan["create"], &plan["unchanged"]),
        (&json!(1204), &json!(1), &json!(1203))
    );
    let searches = sandbox.emulator().requests();
    let searches = searches
        .iter()
        .filter(|request| request.operation == "search_users")
        .count();
    assert!(searches < 20, "{searches}");
    sandbox.finish().await;
}

#[tokio::test]
async fn what_a_disabled_user_s_row_names_is_not_taken_for_done_once_the_user_is_enabled() {
    let sandbox = Sandbox::new().await;
    let row = |state: &str, name: &str, permissions: &str| {
        let header = "external_user_id,first_name,models,permissions,state";
        sandbox.file(
            "users.csv",
            &format!("{header}\nacme-1,{name},demo,{permissions},{state}\n"),
        );
    };
    let apply = ["apply", "users.csv", "--key", "none", "--yes"];
    row("present", "Ada", "access_data");
    let _made = sandbox.run(&apply).await.done();
    row("disabled", "Ada", "access_data;see_looks");
    let _disabled = sandbox.run(&apply).await.done();
    row("disabled", "Grace", "access_data;see_looks");
    let _renamed = sandbox.run(&apply).await.done();

    row("present", "Grace", "access_data;see_looks");
    let plan = sandbox
        .run(&["plan", "users.csv", "--key", "none", "-o", "json"])
        .await;

    let plan = plan.done().json();
    let changes = plan["changes"][0]["changes"].as_array().unwrap().iter();
    let fields: Vec<_> = changes.map(|change| change["field"].clone()).collect();
    assert_eq!(fields, ["state", "permissions"], "{plan}");
    sandbox.finish().await;
}

#[tokio::test]
async fn a_summary_names_users_of_whom_the_same_changes_together() {
    let sandbox = Sandbox::new().await;
    let users = |models: &str| {
        let rows = (1..=5).map(|number| format!("acme-{number},{models},access_data\n"));
        format!(
            "external_user_id,models,permissions\n{}",
            rows.collect::<String>()
        )
    };
    sandbox.file("users.csv", &users("demo"));
    let summary = ["plan", "users.csv", "--key=none", "--summary"];

    let created = sandbox.run(&summary).await.done().out;
    let _made = sandbox
        .run(&["apply", "users.csv", "--key=none"])
        .await
        .done();
    sandbox.file("users.csv", &users("").replace("acme-5,,", "acme-5,demo,"));
    let changed = sandbox
        .run(&[&summary[..], &["-o", "jsonl"]].concat())
        .await
        .done();
    let colored = [&summary[..], &["--color=always"]].concat();
    let colored = sandbox.run(&colored).await.done().out;

    let heading = "+ create 5 users (acme-1, acme-2, acme-3 and 2 more)\n";
    assert!(created.starts_with(heading), "{created}");
    assert_eq!(created.matches("models: demo").count(), 1, "{created}");
    let groups = changed.json_lines();
    assert_eq!(groups.len(), 2, "a group and the totals");
    assert_eq!(
        (&groups[0]["action"], &groups[0]["users"]),
        (&json!("update"), &json!(4))
    );
    assert_eq!(groups[0]["changes"][0]["field"], "models");
    assert!(
        colored.starts_with("\u{1b}[33m~ update 4 users"),
        "{colored:?}"
    );
    sandbox.finish().await;
}

#[tokio::test]
async fn each_line_of_a_change_has_the_color_of_what_it_does() {
    let sandbox = Sandbox::new().await;
    sandbox.file(
        "old.csv",
        "external_user_id,first_name,models,permissions,attr.region\nacme-1,Ada,demo,access_data;explore,west\n",
    );
    sandbox.file(
        "new.csv",
        "external_user_id,first_name,permissions,attr.region,attr.customer_id\nacme-1,Eve,access_data;see_looks,,7\n",
    );
    let _applied = sandbox.run(&["apply", "old.csv"]).await.done();

    let plan = ["plan", "new.csv", "--color=always"];
    let planned = sandbox.run(&plan).await.done().out;

    for part in [
        "\u{1b}[33m~ update acme-1 (Looker user 2)\u{1b}[0m",
        "permissions:\u{1b}[31m -explore\u{1b}[0m\u{1b}[32m +see_looks\u{1b}[0m",
        "\u{1b}[33mfirst_name: Ada -> Eve\u{1b}[0m",
        "\u{1b}[31mattr.region: west -> none\u{1b}[0m",
        "\u{1b}[32mattr.customer_id: 7\u{1b}[0m",
        "ends open sessions",
    ] {
        assert!(planned.contains(part), "{part:?}: {planned:?}");
    }
    sandbox.finish().await;
}
