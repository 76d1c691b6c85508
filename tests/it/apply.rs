//! `embedctl apply` against the local Looker: every user once, few calls, and nothing done twice.

use std::fmt::Write as _;
use std::time::Duration;

use embedctl::emulator::{Effect, ErrorBody, Fault, Latency, Mode, Options};
use embedctl::looker::User;
use embedctl::system::Input;
use serde_json::{Value, json};

use crate::manifest::writes;
use crate::support::{Outcome, Sandbox, in_time};

const HEADER: &str =
    "external_user_id,first_name,models,permissions,external_group_id,attr.region,key\n";

/// A manifest of `count` users as CSV.
fn csv(count: usize) -> String {
    let row = |number| {
        format!("acme-{number},Ada {number},demo,access_data;see_looks,acme,west,ensure\n")
    };
    HEADER.to_owned() + &(0..count).map(row).collect::<String>()
}

async fn apply(sandbox: &Sandbox, file: &str) -> Outcome {
    let args = [
        "apply",
        file,
        "--yes",
        "--keys-to",
        "file:keys.jsonl",
        "-o",
        "json",
    ];
    sandbox.run(&args).await
}

fn calls(sandbox: &Sandbox, operation: &str) -> usize {
    let requests = sandbox.emulator().requests();
    let of = |request: &&embedctl::emulator::RequestRecord| request.operation == operation;
    requests.iter().filter(of).count()
}

async fn user(sandbox: &Sandbox, id: &str) -> Option<User> {
    let admin = sandbox.admin();
    let user = admin.user_for_credential_embed(id).await.unwrap();
    admin.logout().await.unwrap();
    user
}

/// The keys in the file, as (external user id, client id).
fn keys(sandbox: &Sandbox) -> Vec<(String, String)> {
    let text = sandbox.read("keys.jsonl");
    let key = |line: &str| {
        let key: Value = serde_json::from_str(line).unwrap();
        let text = |name: &str| key[name].as_str().unwrap().to_owned();
        (text("external_user_id"), text("client_id"))
    };
    text.lines().map(key).collect()
}

#[tokio::test]
async fn makes_every_user_and_key_with_three_api_calls_each_at_most_and_one_login() {
    let sandbox = Sandbox::new().await;
    sandbox.file("users.csv", &csv(30));

    let args = [
        "apply",
        "users.csv",
        "--keys-to",
        "file:keys.jsonl",
        "--verify",
        "none",
        "-o",
        "json",
    ];
    let summary = sandbox.run(&args).await.done().json();

    assert_eq!(summary["total"], 30);
    assert_eq!(summary["created"], 30);
    assert_eq!(summary["failed"], 0);
    assert_eq!(summary["keys_delivered"], 30);
    assert!(summary["run_id"].is_string());
    for (operation, count) in [
        ("login", 1),
        ("login_embed", 30),
        ("create_user_credentials_api3", 30),
        ("update_user_credentials_api3", 30),
        ("all_user_credentials_api3s", 0),
        ("login_user", 0),
    ] {
        assert_eq!(calls(&sandbox, operation), count, "{operation}");
    }
    let looked_up = calls(&sandbox, "user_for_credential") + calls(&sandbox, "search_users");
    assert!(looked_up <= 30, "{looked_up}");
    assert_eq!(keys(&sandbox).len(), 30);
    let user = user(&sandbox, "acme-7").await.unwrap();
    assert_eq!(user.first_name.as_deref(), Some("Ada 7"));
    assert_eq!(user.external_group_id(), Some("acme"));
    sandbox.finish().await;
}

#[tokio::test]
async fn a_second_apply_makes_no_write_and_says_unchanged() {
    let sandbox = Sandbox::new().await;
    sandbox.file("users.csv", &csv(15));
    let _first = apply(&sandbox, "users.csv").await.done();
    let before = writes(&sandbox);

    let summary = apply(&sandbox, "users.csv").await.done().json();

    assert_eq!(summary["unchanged"], 15);
    assert_eq!(summary["created"], 0);
    assert_eq!(summary["run_id"], Value::Null);
    assert_eq!(writes(&sandbox), before);
    assert_eq!(keys(&sandbox).len(), 15);
    sandbox.finish().await;
}

#[tokio::test]
async fn sudo_is_proved_for_a_sample_unless_told_otherwise() {
    for (verify, proved) in [("all", 12), ("sample", 1), ("none", 0)] {
        let sandbox = Sandbox::new().await;
        sandbox.file("users.csv", &csv(12));

        let args = [
            "apply",
            "users.csv",
            "--key",
            "none",
            "--verify",
            verify,
            "-o",
            "json",
        ];
        let _done = sandbox.run(&args).await;

        // The rows want keys, for which no sink was named.
        assert_eq!(calls(&sandbox, "login_user"), 0, "{verify}");
        let args = [
            "apply",
            "users.csv",
            "--keys-to",
            "file:k",
            "--verify",
            verify,
            "-o",
            "json",
        ];
        let _done = sandbox.run(&args).await.done();
        assert_eq!(calls(&sandbox, "login_user"), proved, "{verify}");
        sandbox.finish().await;
    }
}

#[tokio::test]
async fn keys_of_many_go_to_standard_output_a_line_each_or_not_at_all() {
    let sandbox = Sandbox::new().await;
    sandbox.file("users.csv", &csv(3));

    let refused = sandbox.run(&["apply", "users.csv"]).await.exits(2);
    let lines = sandbox
        .run(&["apply", "users.csv", "-o", "jsonl"])
        .await
        .done()
        .json_lines();

    assert!(refused.err.contains("--keys-to"), "{}", refused.err);
    assert_eq!(lines.len(), 4);
    for line in &lines[..3] {
        assert_eq!(line["outcome"], "created");
        assert!(line["key"]["client_secret"].is_string(), "{line}");
    }
    assert_eq!(lines[3]["type"], "summary");
    sandbox.finish().await;
}

#[tokio::test]
async fn a_change_of_attributes_and_names_leaves_sessions_alone() {
    let sandbox = Sandbox::new().await;
    sandbox.file("users.csv", &csv(2));
    let _first = apply(&sandbox, "users.csv").await.done();
    let logins = calls(&sandbox, "login_embed");
    let changed = csv(2)
        .replace("acme-1,Ada 1", "acme-1,Grace")
        .replace("acme,west", "acme,east");
    sandbox.file("users.csv", &changed);

    let summary = apply(&sandbox, "users.csv").await.done().json();

    assert_eq!(summary["updated"], 2);
    assert_eq!(calls(&sandbox, "login_embed"), logins);
    assert_eq!(calls(&sandbox, "set_user_attribute_user_value"), 2);
    let changed = user(&sandbox, "acme-1").await.unwrap();
    assert_eq!(changed.first_name.as_deref(), Some("Grace"));
    let again = apply(&sandbox, "users.csv").await.done().json();
    assert_eq!(again["unchanged"], 2);
    sandbox.finish().await;
}

#[tokio::test]
async fn a_change_of_permissions_takes_one_login_of_that_user() {
    let sandbox = Sandbox::new().await;
    sandbox.file("users.csv", &csv(3));
    let _first = apply(&sandbox, "users.csv").await.done();
    let changed = csv(3).replace(
        "acme-1,Ada 1,demo,access_data;see_looks",
        "acme-1,Ada 1,demo,access_data",
    );
    sandbox.file("users.csv", &changed);

    let plan = sandbox.run(&["plan", "users.csv"]).await.done().out;
    let summary = apply(&sandbox, "users.csv").await.done().json();

    assert!(plan.contains("~ update acme-1"), "{plan}");
    assert!(plan.contains("ends open sessions"), "{plan}");
    assert!(plan.contains("permissions: -see_looks"), "{plan}");
    assert_eq!(
        (&summary["updated"], &summary["unchanged"]),
        (&json!(1), &json!(2))
    );
    assert_eq!(calls(&sandbox, "login_embed"), 4);
    let again = apply(&sandbox, "users.csv").await.done().json();
    assert_eq!(again["unchanged"], 3);
    sandbox.finish().await;
}

#[tokio::test]
async fn users_are_disabled_and_let_in_again() {
    let sandbox = Sandbox::new().await;
    let rows = |state: &str| {
        format!("external_user_id,models,permissions,state\na,demo,access_data,{state}\n")
    };
    sandbox.file("on.csv", &rows("present"));
    sandbox.file("off.csv", &rows("disabled"));
    let _made = sandbox.run(&["apply", "on.csv"]).await.done();

    let off = sandbox
        .run(&["apply", "off.csv", "--yes", "-o", "json"])
        .await
        .done()
        .json();
    assert!(user(&sandbox, "a").await.unwrap().is_disabled);
    let still = sandbox
        .run(&["apply", "off.csv", "-o", "json"])
        .await
        .done()
        .json();
    let on = sandbox
        .run(&["apply", "on.csv", "-o", "json"])
        .await
        .done()
        .json();

    assert_eq!(
        (&off["disabled"], &still["unchanged"], &on["updated"]),
        (&json!(1), &json!(1), &json!(1))
    );
    assert!(!user(&sandbox, "a").await.unwrap().is_disabled);
    assert_eq!(calls(&sandbox, "login_embed"), 1);
    sandbox.finish().await;
}

#[tokio::test]
async fn rotated_keys_replace_ours_every_time() {
    let sandbox = Sandbox::new().await;
    sandbox.file("users.csv", &csv(2));
    let _first = apply(&sandbox, "users.csv").await.done();
    sandbox.file("users.csv", &csv(2).replace("ensure", "rotate"));

    let summary = apply(&sandbox, "users.csv").await.done().json();

    assert_eq!(summary["keys_delivered"], 2);
    assert_eq!(summary["keys_revoked"], 2);
    assert_eq!(summary["unchanged"], 2);
    assert_eq!(keys(&sandbox).len(), 4);
    let user = user(&sandbox, "acme-0").await.unwrap();
    assert_eq!(user.credentials_api3.unwrap().len(), 1);
    sandbox.finish().await;
}

#[tokio::test]
async fn rows_that_fail_do_not_stop_the_others_and_are_a_manifest_again() {
    let sandbox = Sandbox::new().await;
    sandbox.file("users.csv", &csv(12));
    let refusal = Effect::Status {
        code: 422,
        body: ErrorBody::Json,
        retry_after: None,
    };
    sandbox.emulator().inject(
        Fault::new(refusal)
            .on("create_user_credentials_api3")
            .times(2),
    );

    let args = [
        "apply",
        "users.csv",
        "--keys-to",
        "file:keys.jsonl",
        "--failed-to",
        "failed.csv",
        "-o",
        "json",
    ];
    let outcome = sandbox.run(&args).await.exits(3);

    let summary = outcome.json();
    assert_eq!(
        (&summary["created"], &summary["failed"]),
        (&json!(10), &json!(2))
    );
    assert_eq!(outcome.error()["kind"], "incomplete");
    assert_eq!(sandbox.read("failed.csv").lines().count(), 3);
    let rest = apply(&sandbox, "failed.csv").await.done().json();
    assert_eq!(
        (&rest["total"], &rest["keys_delivered"]),
        (&json!(2), &json!(2))
    );
    let all = apply(&sandbox, "users.csv").await.done().json();
    assert_eq!(all["unchanged"], 12);
    assert_eq!(keys(&sandbox).len(), 12);
    sandbox.finish().await;
}

#[tokio::test]
async fn what_looks_like_a_formula_is_text_in_a_list_and_itself_in_a_manifest_of_failed_rows() {
    let sandbox = Sandbox::new().await;
    let names = [
        "=1+1",
        "+1",
        "-1",
        "@x",
        "=cmd|' /C calc'!A0",
        "'=1",
        "=a,\"b\"",
    ];
    let mut rows = String::from("external_user_id,first_name,models,permissions\n");
    for (at, name) in names.iter().enumerate() {
        let name = name.replace('"', "\"\"");
        let permission = ["access_data", "see_looks"][at % 2];
        writeln!(rows, "\"{name}\",\"{name}\",demo,{permission}").unwrap();
    }
    sandbox.file("users.csv", &rows);
    let refusal = Effect::Status {
        code: 422,
        body: ErrorBody::Json,
        retry_after: None,
    };
    let fault = Fault::new(refusal).on("create_user_credentials_api3");
    sandbox
        .emulator()
        .inject(fault.times(u32::try_from(names.len()).unwrap()));
    let args = [
        "apply",
        "users.csv",
        "--keys-to",
        "file:k",
        "--failed-to",
        "failed.csv",
    ];
    assert_eq!(sandbox.run(&args).await.exit, 3);

    // They are applied as they were meant, not as a spreadsheet would have them.
    let again = ["apply", "failed.csv", "--keys-to", "file:k", "-o", "json"];
    let again = sandbox.run(&again).await.done().json();
    assert_eq!(
        (&again["total"], &again["created"]),
        (&json!(names.len()), &json!(0))
    );
    let listed = sandbox.run(&["users", "list", "--csv"]).await.done();
    let mut read = std::collections::BTreeSet::new();
    for row in listed.out.lines().skip(1) {
        let quoted = row
            .strip_prefix('"')
            .map(|row| row.split("\",").next().unwrap());
        let id = quoted.unwrap_or_else(|| row.split(',').next().unwrap());
        assert!(!id.starts_with(['=', '+', '-', '@']), "{row}");
        let text = id.replace("\"\"", "\"");
        read.insert(text.strip_prefix('\'').unwrap().to_owned());
    }
    assert_eq!(read, names.map(str::to_owned).into(), "{}", listed.out);
    sandbox.finish().await;
}

#[tokio::test]
async fn an_interrupted_apply_goes_on_where_it_stopped() {
    let sandbox = Sandbox::with(Options {
        latency: Latency::Fixed(Duration::from_millis(5)),
        ..Options::default()
    })
    .await;
    sandbox.file("users.csv", &csv(60));

    let stopped = interrupted(&sandbox).await;

    assert!(
        stopped.error()["hint"]
            .as_str()
            .unwrap()
            .contains("runs resume"),
        "{}",
        stopped.err
    );
    assert!(keys(&sandbox).len() < 60);
    let rest = apply(&sandbox, "users.csv").await.done();
    assert_eq!(rest.json()["failed"], 0);
    let mut users: Vec<_> = keys(&sandbox).into_iter().map(|(user, _)| user).collect();
    users.sort();
    users.dedup();
    assert_eq!(users.len(), 60);
    assert_eq!(keys(&sandbox).len(), 60, "nobody has two keys");
    assert_eq!(calls(&sandbox, "create_user_credentials_api3"), 60);
    let again = apply(&sandbox, "users.csv").await.done().json();
    assert_eq!(again["unchanged"], 60);
    sandbox.finish().await;
}

#[tokio::test]
async fn a_row_that_failed_in_an_earlier_run_and_is_made_now_has_not_failed() {
    let sandbox = Sandbox::with(Options {
        latency: Latency::Fixed(Duration::from_millis(5)),
        ..Options::default()
    })
    .await;
    sandbox.file("users.csv", &csv(60));
    let _interrupted = interrupted(&sandbox).await;
    let refusal = "create_user_credentials_api3:422".parse().unwrap();
    sandbox.emulator().inject(refusal);

    let rest = apply(&sandbox, "users.csv").await.done();

    assert_eq!(rest.json()["failed"], 0, "{}", rest.err);
    assert!(rest.err.contains("422"), "{}", rest.err);
    assert_eq!(keys(&sandbox).len(), 60);
    sandbox.finish().await;
}

/// Apply `users.csv`, and interrupt that when some users have been made.
async fn interrupted(sandbox: &Sandbox) -> Outcome {
    let args = [
        "embedctl",
        "apply",
        "users.csv",
        "--keys-to",
        "file:keys.jsonl",
        "-o",
        "json",
    ];
    let (mut system, captured) = sandbox.system(Input::empty());
    let interrupt = system.interrupt.clone();
    let stop = async {
        while calls(sandbox, "login_embed") < 15 {
            tokio::task::yield_now().await;
        }
        interrupt.trigger();
    };

    let (exit, ()) = in_time(async { tokio::join!(embedctl::run(args, &mut system), stop) }).await;

    captured.outcome(exit.code()).exits(130)
}

#[tokio::test]
async fn users_that_the_manifest_does_not_name_are_disabled_only_where_they_are_ours_to_prune() {
    let sandbox = Sandbox::with(Options {
        users: 3,
        ..Options::default()
    })
    .await;
    sandbox.file("users.csv", &csv(2));
    let _first = apply(&sandbox, "users.csv").await.done();
    sandbox.file("users.csv", &csv(1));

    let plain = apply(&sandbox, "users.csv").await.done().json();
    assert_eq!(plain["updated"], 0);
    let args = [
        "apply",
        "users.csv",
        "--keys-to",
        "file:keys.jsonl",
        "--prune",
        "disable",
        "--match",
        "acme-*",
        "--yes",
        "-o",
        "json",
    ];
    let pruned = sandbox.run(&args).await.done().json();

    assert_eq!(
        (&pruned["updated"], &pruned["disabled"]),
        (&json!(0), &json!(1))
    );
    assert!(user(&sandbox, "acme-1").await.unwrap().is_disabled);
    assert!(!user(&sandbox, "user-1").await.unwrap().is_disabled);
    let refused = sandbox
        .run(&["apply", "users.csv", "--prune", "disable"])
        .await
        .exits(2);
    assert!(refused.err.contains("--match"), "{}", refused.err);
    sandbox.finish().await;
}

#[tokio::test]
async fn ids_that_try_everything_are_made_once_each() {
    let sandbox = Sandbox::new().await;
    let ids = [
        "a/b", "50%", "a b", "ünï", "Acme", "acme", "007", "\"q\"", "a,b", "x+y@z.de", "#1",
    ];
    let line = |id: &&str| {
        let row =
            json!({ "external_user_id": id, "models": ["demo"], "permissions": ["access_data"] });
        format!("{row}\n")
    };
    sandbox.file("users.jsonl", &ids.iter().map(line).collect::<String>());

    let apply = [
        "apply",
        "users.jsonl",
        "--allow-case-variants",
        "-o",
        "json",
    ];
    let outcome = sandbox.run(&apply).await.done();
    let again = sandbox.run(&apply).await.done().json();

    assert_eq!(outcome.json()["created"], ids.len());
    assert_eq!(outcome.err, "", "they are meant");
    assert_eq!(again["unchanged"], ids.len());
    for id in ids {
        assert!(user(&sandbox, id).await.is_some(), "{id}");
    }
    sandbox.finish().await;
}

#[tokio::test]
async fn progress_is_told_in_events_where_programs_ask_for_it() {
    let sandbox = Sandbox::new().await;
    sandbox.file("users.csv", &csv(11));

    let args = [
        "apply",
        "users.csv",
        "--keys-to",
        "file:k",
        "--progress",
        "json",
        "-o",
        "json",
    ];
    let outcome = sandbox.run(&args).await.done();

    let last: Value = serde_json::from_str(outcome.err.lines().last().unwrap()).unwrap();
    assert_eq!(
        (&last["event"], &last["what"]),
        (&json!("progress"), &json!("users"))
    );
    assert_eq!((&last["done"], &last["total"]), (&json!(11), &json!(11)));
    assert!(last["elapsed_ms"].is_u64(), "{last}");
    sandbox.finish().await;
}

#[tokio::test]
async fn one_signal_finishes_the_users_in_flight_and_says_how_to_go_on() {
    let sandbox = Sandbox::with(Options {
        latency: Latency::Fixed(Duration::from_millis(20)),
        ..Options::default()
    })
    .await;
    sandbox.file("users.csv", &csv(200));
    let args = ["apply", "users.csv", "--keys-to", "file:keys.jsonl"];
    let mut command = tokio::process::Command::from(sandbox.process(&args));
    command
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped());
    let child = command.kill_on_drop(true).spawn().unwrap();
    let id = child.id().unwrap().to_string();
    let signal = async {
        while calls(&sandbox, "create_user_credentials_api3") < 5 {
            tokio::task::yield_now().await;
        }
        let mut kill = sandbox.program("kill");
        kill.args(["-INT", &id]);
        let _sent = crate::support::output(kill).await.done();
    };

    let (output, ()) = in_time(async { tokio::join!(child.wait_with_output(), signal) }).await;

    let output = output.unwrap();
    let err = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(130), "{err}");
    assert!(err.contains("error: interrupted\n"), "{err}");
    assert!(err.contains("embedctl runs resume"), "{err}");
    let minted = calls(&sandbox, "create_user_credentials_api3");
    assert_eq!(
        keys(&sandbox).len(),
        minted,
        "a key that was minted is delivered"
    );
    sandbox.finish().await;
}

#[tokio::test]
async fn works_on_core_where_users_are_not_found_by_credential_and_make_their_own_keys() {
    let sandbox = Sandbox::with(Options {
        mode: Mode::Core,
        users: 600,
        ..Options::default()
    })
    .await;
    sandbox.file("users.csv", &csv(12));

    let summary = apply(&sandbox, "users.csv").await.done().json();
    let searches = calls(&sandbox, "search_users");
    let again = apply(&sandbox, "users.csv").await.done().json();

    assert_eq!(
        (&summary["created"], &summary["keys_delivered"]),
        (&json!(12), &json!(12))
    );
    assert_eq!(again["unchanged"], 12);
    // Two pages to look first, and one for each user that was made.
    assert!(searches <= 15, "{searches}");
    sandbox.finish().await;
}
