//! Lookers that say that something was done and do not do it, or that keep something from lists: no command believes them.

use embedctl::emulator::{Fault, Mode, Options};
use serde_json::{Value, json};

use crate::support::{Outcome, Sandbox};

const HEADER: &str = "external_user_id,first_name,models,permissions,state,attr.region,attr.locale";

/// A Looker with one switch turned, on which a user was made; a login does not depend on the switches that are turned here.
async fn applied(name: &str, value: &str) -> Sandbox {
    let mut options = Options::default();
    options.switches.set(name, value).unwrap();
    let sandbox = Sandbox::with(options).await;
    let _made = apply(&sandbox, "Ada,demo,access_data,present,west,de", &[])
        .await
        .done();
    sandbox
}

/// Apply a manifest of one user.
async fn apply(sandbox: &Sandbox, row: &str, more: &[&str]) -> Outcome {
    sandbox.file("users.csv", &format!("{HEADER}\nacme-1,{row}\n"));
    let args = ["apply", "users.csv", "--key", "none", "--yes", "-o", "json"];
    sandbox.run(&[&args, more].concat()).await
}

fn said(outcome: &Outcome) -> String {
    format!("{}{}", outcome.out, outcome.err)
}

fn calls(sandbox: &Sandbox, operation: &str) -> usize {
    let requests = sandbox.emulator().requests();
    let of = requests.iter().filter(|it| it.operation == operation);
    of.count()
}

#[tokio::test]
async fn an_edit_that_looker_accepts_and_does_not_make_fails_its_row_by_name() {
    for (switch, row, named) in [
        (
            "attribute_write_is_ignored",
            "Ada,demo,access_data,present,east,de",
            "its value for `region` is different",
        ),
        (
            "attribute_write_is_ignored",
            "Ada,demo,access_data,present,west,",
            "it still has a value of its own for `locale`",
        ),
        (
            "disable_is_ignored",
            "Ada,demo,access_data,disabled,west,de",
            "it is not disabled",
        ),
    ] {
        let sandbox = applied(switch, "true").await;

        let outcome = apply(&sandbox, row, &[]).await.exits(3);

        let summary = outcome.json();
        assert_eq!(
            (&summary["updated"], &summary["failed"]),
            (&json!(0), &json!(1)),
            "{switch} {row}"
        );
        let said = said(&outcome);
        assert!(said.contains(named), "{switch} {row}: {said}");
        sandbox.finish().await;
    }
}

#[tokio::test]
async fn what_was_written_is_read_again_once_and_nothing_else_is() {
    let sandbox = applied("release", "26.12").await;
    let before = (
        calls(&sandbox, "user"),
        calls(&sandbox, "user_attribute_user_values"),
    );

    let renamed = apply(&sandbox, "Grace,demo,access_data,present,west,de", &[]).await;
    let _renamed = renamed.done();
    let after = (
        calls(&sandbox, "user"),
        calls(&sandbox, "user_attribute_user_values"),
    );
    assert_eq!(after, (before.0 + 1, before.1));

    let moved = apply(
        &sandbox,
        "Grace,demo,access_data,present,east,de",
        &["--verify", "none"],
    );
    let _moved = moved.await.done();
    let last = (
        calls(&sandbox, "user"),
        calls(&sandbox, "user_attribute_user_values"),
    );
    assert_eq!(last, (after.0, after.1 + 1));
    sandbox.finish().await;
}

#[tokio::test]
async fn a_value_of_unknown_origin_is_taken_away_only_if_somebody_says_that_it_is_the_users() {
    let sandbox = applied("source_of_user", "Own Value").await;
    let row = "Ada,demo,access_data,present,,de";

    let stopped = apply(&sandbox, row, &[]).await.exits(3);
    let deleted = calls(&sandbox, "delete_user_attribute_user_value");
    let _done = apply(&sandbox, row, &["--take-unknown"]).await.done();

    let said = said(&stopped);
    for named in ["`region`", "Own Value", "--take-unknown"] {
        assert!(said.contains(named), "{named}: {said}");
    }
    assert_eq!(deleted, 0);
    assert_eq!(calls(&sandbox, "delete_user_attribute_user_value"), 1);
    sandbox.finish().await;
}

#[tokio::test]
async fn a_login_that_does_not_give_what_it_asked_for_creates_nothing_that_is_called_created() {
    // A Looker that does not say what there is, so that nothing can be refused before.
    for (args, unlisted, named) in [
        (
            ["--group", "999"],
            "all_groups",
            "not a member of group 999",
        ),
        (
            ["--attr", "nosuch=1"],
            "all_user_attributes",
            "it has no value for `nosuch`",
        ),
    ] {
        let mut options = Options::default();
        options
            .switches
            .set("unknown_group_fails", "false")
            .unwrap();
        let sandbox = Sandbox::with(options).await;
        sandbox.emulator().inject(Fault::status(403).on(unlisted));
        let create = [
            "create-user",
            "acme-1",
            "--keys-to",
            "file:keys",
            "-o",
            "json",
        ];

        let outcome = sandbox.run(&[&create[..], &args].concat()).await.exits(3);

        assert!(outcome.error().to_string().contains(named), "{named}");
        assert_eq!(calls(&sandbox, "create_user_credentials_api3"), 0);
        sandbox.finish().await;
    }
}

/// A Looker that keeps disabled users from lists, with one such user among a few, and one more switch turned.
async fn with_a_hidden_user(mode: Mode, switch: &str, value: &str) -> Sandbox {
    let mut options = Options {
        mode,
        users: 3,
        ..Options::default()
    };
    options
        .switches
        .set("disabled_users_hidden", "true")
        .unwrap();
    options.switches.set(switch, value).unwrap();
    let sandbox = Sandbox::with(options).await;
    let disable = ["users", "disable", "user-2", "--yes"];
    let _disabled = sandbox.run(&disable).await.done();
    sandbox
}

#[tokio::test]
async fn a_disabled_user_that_lists_leave_out_is_there_all_the_same() {
    let sandbox = with_a_hidden_user(Mode::Original, "release", "26.12").await;
    let rows: String = (0..12)
        .map(|number| format!("acme-{number},present\n"))
        .collect();
    sandbox.file("users.csv", &format!("external_user_id,state\n{rows}"));
    let _made = sandbox
        .run(&["apply", "users.csv", "--key", "none"])
        .await
        .done();
    let disable = ["users", "disable", "acme-7", "--yes"];
    let _disabled = sandbox.run(&disable).await.done();

    let plan = ["plan", "users.csv", "--key", "none", "-o", "json"];
    let plan = sandbox.run(&plan).await.done().json();
    let listed = sandbox
        .run(&["users", "list", "-o", "json"])
        .await
        .done()
        .json();

    let changes = plan["changes"].as_array().unwrap().iter();
    let actions: Vec<&Value> = changes.map(|change| &change["action"]).collect();
    assert_eq!(actions, [&json!("enable")], "{plan}");
    for id in ["user-2", "acme-7"] {
        assert!(listed.to_string().contains(id), "{id}: {listed}");
    }
    sandbox.finish().await;
}

#[tokio::test]
async fn a_disabled_user_is_found_where_only_the_list_tells_who_is_there() {
    let sandbox = with_a_hidden_user(Mode::Core, "core_finds_by_credential", "false").await;

    let _enabled = sandbox
        .run(&["users", "enable", "user-2", "--yes"])
        .await
        .done();

    sandbox.finish().await;
}
