//! A user that cannot be read or compared is refused by name, and the others of the manifest go on.

use embedctl::emulator::{Fault, Options};
use serde_json::{Value, json};

use crate::support::{Outcome, Sandbox};

/// Three users: the first has a value of its own, of which this Looker says in a word nobody knows whose it is.
async fn sandbox() -> Sandbox {
    let mut options = Options::default();
    options.switches.set("source_of_user", "Own Value").unwrap();
    let sandbox = Sandbox::with(options).await;
    sandbox.file("users.jsonl", &rows("Ada", "west"));
    let args = ["apply", "users.jsonl", "--key", "none"];
    let _made = sandbox.run(&args).await.done();
    sandbox.file("users.jsonl", &rows("Grace", "east"));
    sandbox
}

fn rows(name: &str, region: &str) -> String {
    let row = |id: &str, more: Value| {
        let mut row = json!({
            "external_user_id": id, "first_name": name, "models": ["demo"], "permissions": ["access_data"],
        });
        if !more.is_null() {
            row["user_attributes"] = more;
        }
        format!("{row}\n")
    };
    let first = row("acme-1", json!({ "region": region }));
    first + &row("acme-2", Value::Null) + &row("acme-3", Value::Null)
}

/// On another machine, whose ledger knows nothing.
async fn elsewhere(sandbox: &Sandbox, args: &[&str]) -> Outcome {
    let common = ["--ledger", "other.ledger", "--concurrency", "1"];
    sandbox.run(&[args, &common].concat()).await
}

#[tokio::test]
async fn a_plan_lists_a_user_whose_value_nobody_can_judge_and_compares_the_others() {
    let sandbox = sandbox().await;

    let plan = elsewhere(&sandbox, &["plan", "users.jsonl", "-o", "json"]).await;

    let plan = plan.exits(3).json();
    assert_eq!(
        (&plan["refused"], &plan["update"], &plan["total"]),
        (&json!(1), &json!(2), &json!(3)),
        "{plan}"
    );
    let changes = plan["changes"].as_array().unwrap();
    let refused = changes.iter().find(|it| it["action"] == "refused").unwrap();
    assert_eq!(refused["external_user_id"], "acme-1");
    let why = refused["refused"]["reason"].as_str().unwrap();
    assert!(
        why.contains("`region`") && why.contains("Own Value"),
        "{why}"
    );
    let said = elsewhere(&sandbox, &["plan", "users.jsonl"]).await.exits(3);
    assert!(said.out.contains("! refused acme-1"), "{}", said.out);
    assert!(said.out.contains("--take-unknown"), "{}", said.out);
    sandbox.finish().await;
}

#[tokio::test]
async fn apply_fails_the_row_by_name_keeps_it_and_does_the_others() {
    let sandbox = sandbox().await;
    let args = [
        "apply",
        "users.jsonl",
        "--key",
        "none",
        "--yes",
        "-o",
        "json",
    ];
    let args = [&args[..], &["--failed-to", "failed.jsonl"]].concat();

    let applied = elsewhere(&sandbox, &args).await.exits(3);

    let sum = applied.json();
    assert_eq!(
        (&sum["updated"], &sum["failed"]),
        (&json!(2), &json!(1)),
        "{sum}"
    );
    assert!(applied.err.contains("acme-1"), "{}", applied.err);
    let failed = sandbox.read("failed.jsonl");
    assert!(
        failed.contains("acme-1") && !failed.contains("acme-2"),
        "{failed}"
    );
    let again = elsewhere(&sandbox, &[&args[..], &["--take-unknown"]].concat()).await;
    assert_eq!(again.done().json()["updated"], 1);
    sandbox.finish().await;
}

#[tokio::test]
async fn a_kept_plan_refuses_the_same_row() {
    let sandbox = sandbox().await;
    let _kept = elsewhere(&sandbox, &["plan", "users.jsonl", "--out", "kept.plan"])
        .await
        .exits(3);

    let applied = elsewhere(&sandbox, &["apply", "kept.plan", "-o", "json"]).await;

    let sum = applied.exits(3).json();
    assert_eq!(
        (&sum["updated"], &sum["failed"]),
        (&json!(2), &json!(1)),
        "{sum}"
    );
    sandbox.finish().await;
}

#[tokio::test]
async fn a_user_that_looker_does_not_show_stops_nobody_else() {
    for (operation, status) in [
        ("user_for_credential", 422),
        ("user_attribute_user_values", 403),
    ] {
        let sandbox = sandbox().await;
        let fault = Fault::status(status).on(operation).times(1);
        sandbox.emulator().inject(fault);

        let plan = elsewhere(
            &sandbox,
            &["plan", "users.jsonl", "--take-unknown", "-o", "json"],
        )
        .await;

        let plan = plan.exits(3).json();
        assert_eq!(
            (&plan["refused"], &plan["update"]),
            (&json!(1), &json!(2)),
            "{operation}: {plan}"
        );
        sandbox.finish().await;
    }
}
