//! `embedctl users explain`: each cause made in the local Looker, and each named.

use embedctl::emulator::{Options, State};
use serde_json::{Value, json};

use crate::support::{Outcome, Sandbox};

const WORLD: &str = include_str!("../data/explain.yaml");

/// The id of the attribute `region`, the first after those of every instance.
const REGION: &str = "14";

/// The company of `explain.yaml`, whose admin sees every region.
async fn company(change: impl FnOnce(&mut Options)) -> Sandbox {
    let mut options = Options {
        state: State::parse(WORLD).unwrap(),
        ..Options::default()
    };
    change(&mut options);
    let sandbox = Sandbox::with(options).await;
    let admin = sandbox.admin();
    let value = admin.set_attribute_value("1", REGION, "%").await.unwrap();
    assert_eq!(value.name, "region");
    admin.logout().await.unwrap();
    sandbox
}

async fn explain(sandbox: &Sandbox, args: &[&str]) -> Outcome {
    let args = [&["users", "explain", "-o", "json"], args].concat();
    sandbox.run(&args).await
}

/// Check that the person is told this cause, in these words.
async fn assert_cause(sandbox: &Sandbox, args: &[&str], kind: &str, words: &[&str]) {
    let outcome = explain(sandbox, args).await.exits(3);
    let cause = &outcome.json()["cause"];
    assert_eq!(cause["kind"], kind, "{args:?}: {}", outcome.out);
    let told = cause.to_string();
    for word in words {
        assert!(told.contains(word), "{args:?}: no `{word}` in {told}");
    }
}

#[tokio::test]
async fn each_cause_is_named_with_what_to_do() {
    let sandbox = company(|_| {}).await;
    let status = "/embed/dashboards/12?Status=lost";
    let table: &[(&[&str], &str, &[&str])] = &[
        (
            &["disabled", "--dashboard", "12"],
            "disabled",
            &["users enable disabled"],
        ),
        (
            &["fine", "--dashboard", "13"],
            "no_access",
            &["`Board only` (51)", "Manage Access"],
        ),
        (
            &["other-group", "--dashboard", "12"],
            "wrong_group",
            &["`Sales`", "`Support`", "--group 'Sales'"],
        ),
        (
            &["no-model", "--dashboard", "12"],
            "model_missing",
            &["`sales`", "--model sales"],
        ),
        (
            &["no-permission", "--dashboard", "12"],
            "permission_missing",
            &["--permission see_user_dashboards"],
        ),
        (
            &["no-permission", "--dashboard", "finance::invoices"],
            "lookml_permission_missing",
            &["see_lookml_dashboards"],
        ),
        (
            &["no-region", "--dashboard", "12"],
            "attribute_empty",
            &["`region`", "--attr region=VALUE"],
        ),
        (
            &["wrong-region", "--dashboard", "12"],
            "attribute_leaves_nothing",
            &["`region` = `Mars`", "`orders.region`"],
        ),
        (
            &["wrong-region", "--look", "7"],
            "attribute_leaves_nothing",
            &["`region` = `Mars`"],
        ),
        (
            &["fine", "--path", status],
            "filter_leaves_nothing",
            &["dashboard filter `Status`", "`lost`"],
        ),
        (
            &["fine", "--dashboard", "14"],
            "content_deleted",
            &["trash"],
        ),
        (
            &["fine", "--dashboard", "99"],
            "content_not_found",
            &["dashboard 99"],
        ),
        (
            &["fine", "--dashboard", "15"],
            "query_error",
            &["for the admin too", "orders_v2 does not exist"],
        ),
        (
            &["fine", "--dashboard", "16"],
            "no_data",
            &["the user is not the reason"],
        ),
        (&["fine", "--dashboard", "17"], "no_tiles", &["no tile"]),
        (
            &["fine", "--dashboard", "18"],
            "query_error",
            &["no explore `returns`"],
        ),
        (
            &["fine", "--dashboard", "19"],
            "model_unknown",
            &["no model `retired`"],
        ),
        (
            &["gone", "--dashboard", "12"],
            "session_expired",
            &["signed URL"],
        ),
        (&["no-role"], "no_role", &["no role"]),
    ];
    for (args, kind, words) in table {
        assert_cause(&sandbox, args, kind, words).await;
    }
    sandbox.finish().await;
}

#[tokio::test]
async fn what_a_cause_advises_takes_it_away() {
    let sandbox = company(|_| {}).await;
    for (id, flags) in [
        ("other-group", ["--group", "Sales"]),
        ("no-model", ["--model", "sales"]),
        ("no-permission", ["--permission", "see_user_dashboards"]),
        ("no-region", ["--attr", "region=EMEA"]),
        ("wrong-region", ["--attr", "region=EMEA"]),
    ] {
        let args = [
            &[
                "create-user",
                id,
                "--update",
                "--merge",
                "--no-key",
                "--yes",
            ][..],
            &flags,
        ]
        .concat();
        let _done = sandbox.run(&args).await.done();

        let outcome = explain(&sandbox, &[id, "--dashboard", "12"]).await;

        let kind = &outcome.json()["cause"]["kind"];
        // The session of a login that only grants is short.
        assert!(
            kind.is_null() || kind == "session_expired",
            "{id}: {}",
            outcome.out
        );
    }
    let _enabled = sandbox.run(&["users", "enable", "disabled"]).await.done();
    assert_cause(
        &sandbox,
        &["disabled", "--dashboard", "12"],
        "session_expired",
        &[],
    )
    .await;
    sandbox.finish().await;
}

#[tokio::test]
async fn what_works_ends_with_0_and_without_a_cause() {
    let sandbox = company(|_| {}).await;

    for args in [
        &["fine"][..],
        &["fine", "--dashboard", "12"],
        &["fine", "--path", "/embed/dashboards/12?Status=new"],
        &["fine", "--dashboard", "finance::invoices"],
        &["fine", "--dashboard", "sales::overview"],
        &["fine", "--look", "7"],
        &["gone"],
    ] {
        let outcome = explain(&sandbox, args).await.done();
        let told = outcome.json();
        assert_eq!(told["cause"], Value::Null, "{args:?}: {}", outcome.out);
        let checks = told["checks"].as_array().unwrap();
        assert!(
            checks.iter().all(|check| check["ok"] == true),
            "{}",
            outcome.out
        );
    }
    let told = explain(&sandbox, &["fine", "--dashboard", "12"])
        .await
        .json();
    assert_eq!(told["external_user_id"], "fine");
    assert_eq!(told["looker_user_id"], "100");
    assert_eq!(
        told["content"],
        json!({ "kind": "dashboard", "id": "12", "title": "Orders", "folder_id": "50", "models": ["sales"] }),
    );
    sandbox.finish().await;
}

#[tokio::test]
async fn people_read_the_checks_and_then_the_cause() {
    let sandbox = company(|_| {}).await;

    let text = sandbox
        .run(&["users", "explain", "wrong-region", "--dashboard", "12"])
        .await
        .exits(3)
        .out;

    let last: Vec<&str> = text.lines().rev().take(2).collect();
    assert!(last[1].starts_with("=>    cause: "), "{text}");
    assert!(
        last[0].starts_with(
            "      fix: `embedctl create-user wrong-region --update --merge --attr region=VALUE`"
        ),
        "{text}"
    );
    assert!(
        text.contains("pass  access: Looker shows dashboard 12 to the user"),
        "{text}"
    );
    assert!(
        text.contains(
            "fail  query: `Orders by status` (sales/orders): no row, though rows come to the admin"
        ),
        "{text}"
    );
    sandbox.finish().await;
}

#[tokio::test]
async fn a_hidden_value_and_the_values_of_rows_are_never_shown() {
    let sandbox = company(|_| {}).await;

    for format in ["json", "table"] {
        let args = [
            "users",
            "explain",
            "wrong-region",
            "--dashboard",
            "12",
            "-vvv",
            "-o",
            format,
        ];
        let outcome = sandbox.run(&args).await.exits(3);
        for secret in ["only-acme-knows", "EMEA", "APAC"] {
            assert!(
                !outcome.out.contains(secret) && !outcome.err.contains(secret),
                "{outcome:?}"
            );
        }
        assert!(outcome.out.contains("api_token"), "{}", outcome.out);
    }
    sandbox.finish().await;
}

#[tokio::test]
async fn nothing_is_written_to_looker() {
    let sandbox = company(|_| {}).await;
    let before = sandbox.emulator().requests().len();

    let _told = explain(
        &sandbox,
        &["fine", "--path", "/embed/dashboards/12?Status=lost"],
    )
    .await
    .exits(3);

    let requests = sandbox.emulator().requests().split_off(before);
    for request in &requests {
        let harmless = request.method == "GET"
            || request.path.contains("/login")
            || request.path.ends_with("/logout")
            || request.path.contains("/queries/run/");
        assert!(harmless, "{} {}", request.method, request.path);
    }
    sandbox.finish().await;
}

#[tokio::test]
async fn an_unknown_user_is_5_and_a_path_of_something_else_is_2() {
    let sandbox = company(|_| {}).await;

    let unknown = explain(&sandbox, &["nobody"]).await.exits(5);
    assert_eq!(unknown.error()["kind"], "not_found");
    let path = explain(&sandbox, &["fine", "--path", "/embed/explore/sales/orders"])
        .await
        .exits(2);
    assert!(
        path.err.contains("--path /embed/dashboards/12"),
        "{}",
        path.err
    );
    let both = explain(&sandbox, &["fine", "--look", "7", "--dashboard", "12"]).await;
    assert_eq!(both.exit, 2);
    sandbox.finish().await;
}

#[tokio::test]
async fn what_is_not_understood_is_no_cause() {
    for (fault, args, check) in [
        // The outage page says nothing of the person.
        (
            "dashboard:outage:skip=1:times=0",
            &["fine", "--dashboard", "12"][..],
            "access",
        ),
        (
            "run_query:outage:times=0",
            &["fine", "--dashboard", "12"],
            "query",
        ),
        ("login_user:403", &["fine", "--dashboard", "12"], "sudo"),
        ("user_roles:500:times=0", &["fine"], "permissions"),
        ("all_user_sessions:404", &["fine"], "session"),
    ] {
        let fault = fault
            .parse()
            .unwrap_or_else(|why| panic!("{fault}: {why:?}"));
        let mut sandbox = company(|options| options.faults = vec![fault]).await;
        sandbox.var("EMBEDCTL_RETRIES", "0");

        let told = explain(&sandbox, args).await.exits(3).json();

        assert_eq!(told["cause"], Value::Null, "{told}");
        let unclear = |one: &&Value| one["name"] == check && one["ok"].is_null();
        assert!(
            told["checks"]
                .as_array()
                .unwrap()
                .iter()
                .any(|one| unclear(&one)),
            "{told}"
        );
        sandbox.leave().await;
    }
}

#[tokio::test]
async fn a_tile_that_is_not_run_is_said() {
    let sandbox = company(|_| {}).await;

    let told = explain(&sandbox, &["fine", "--dashboard", "20"])
        .await
        .exits(3)
        .json();

    assert_eq!(told["cause"], Value::Null);
    assert!(told.to_string().contains("`Merged` is not run"), "{told}");
    sandbox.finish().await;
}

#[tokio::test]
async fn an_admin_with_attributes_of_its_own_proves_nothing() {
    let sandbox = company(|_| {}).await;
    let admin = sandbox.admin();
    let _gone = admin.delete_attribute_value("1", REGION).await.unwrap();
    admin.logout().await.unwrap();

    let told = explain(&sandbox, &["wrong-region", "--dashboard", "12"])
        .await
        .exits(3)
        .json();

    assert_eq!(told["cause"], Value::Null, "{told}");
    assert!(
        told.to_string().contains("give the API key's user values"),
        "{told}"
    );
    sandbox.finish().await;
}

#[tokio::test]
async fn the_cause_is_the_same_or_none_on_a_looker_that_answers_otherwise() {
    let empty: (&[&str], _) = (&["no-region", "--dashboard", "12"], Some("attribute_empty"));
    let error: (&[&str], _) = (&["fine", "--dashboard", "15"], Some("query_error"));
    let permission: (&[&str], Option<&str>) = (&["no-permission", "--dashboard", "12"], None);
    let hidden: (&[&str], Option<&str>) = (&["fine", "--dashboard", "12"], None);
    for (switch, value, (args, kind)) in [
        ("unset_access_filter_is_empty", "false", empty),
        ("query_error_is_a_row", "false", error),
        ("content_takes_permission", "false", permission),
        ("embed_role_listed", "false", hidden),
        ("embed_role_in_role_ids", "false", hidden),
        ("source_of_nothing", "Not Set", empty),
        ("unset_rows", "false", empty),
        ("unset_value_is_null", "true", empty),
    ] {
        let sandbox = company(|options| options.switches.set(switch, value).unwrap()).await;

        let outcome = explain(&sandbox, args).await;

        let told = outcome.json();
        match kind {
            Some(kind) => assert_eq!(told["cause"]["kind"], kind, "{switch}: {told}"),
            None => assert_eq!(told["cause"], Value::Null, "{switch}: {told}"),
        }
        sandbox.finish().await;
    }
}
