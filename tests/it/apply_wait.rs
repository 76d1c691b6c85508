//! `apply --wait`: users that another run works on are waited for and then decided on anew, or refused with the run's owner.

use embedctl::ledger::sqlite::{Process, SqliteLedger, SqliteOptions};
use embedctl::ledger::{JobEnd, JobId, JobState, Ledger as _, NewJob, NewRun, RunId};
use embedctl::system::{Clock, Input};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::clients::key_ids;
use crate::support::{Captured, Sandbox, in_time};

/// The ledger of both runs, and a run of another command that this process has just begun in it for `acme-2`.
async fn locked(sandbox: &Sandbox) -> (SqliteLedger, RunId) {
    let options = SqliteOptions::new(Clock::os());
    let ledger = SqliteLedger::open(sandbox.path("shared.ledger"), &options).unwrap();
    let run = NewRun {
        id: RunId(Uuid::now_v7()),
        command: "create-user".to_owned(),
        request: Value::Null,
        created_at: Clock::os().now(),
    };
    let job = NewJob {
        subject: "acme-2".to_owned(),
        also: None,
        spec: json!({}),
    };
    let run = ledger.begin(run, vec![job]).await.unwrap();
    (ledger, run)
}

const APPLY: [&str; 6] = [
    "apply",
    "users.csv",
    "--ledger",
    "shared.ledger",
    "--wait",
    "1h",
];

/// Until `captured` says that it waits.
async fn says_that_it_waits(captured: &Captured) {
    while !captured.err.text().contains("waiting up to") {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_second_apply_waits_for_the_first_and_mints_no_second_key() {
    let sandbox = Sandbox::new().await;
    sandbox.file("users.csv", "external_user_id\nacme-1\n");
    // The first holds its user until somebody writes to the pipe.
    let made = sandbox.program("mkfifo").arg("go").status().unwrap();
    assert!(made.success());
    let holds = "exec:grep -q probe || { touch started; exec 3<go; cat <&3; }";
    let (mut first, of_first) = sandbox.system(Input::empty());
    let (mut second, of_second) = sandbox.system(Input::empty());
    let first = async {
        let args = [
            "embedctl",
            "apply",
            "users.csv",
            "--ledger",
            "shared.ledger",
        ];
        let args = args.into_iter().chain(["--keys-to", holds]);
        embedctl::run(args, &mut first).await
    };
    let second = async {
        while !sandbox.path("started").exists() {
            tokio::task::yield_now().await;
        }
        let args = ["embedctl"].into_iter().chain(APPLY);
        let args = args.chain(["--keys-to", "file:keys.jsonl", "-o", "jsonl"]);
        embedctl::run(args, &mut second).await
    };
    let go = async {
        says_that_it_waits(&of_second).await;
        std::fs::write(sandbox.path("go"), "").unwrap();
    };

    let (first, second) = (Box::pin(first), Box::pin(second));
    let (first, second, ()) = in_time(async { tokio::join!(first, second, go) }).await;

    let _first = of_first.outcome(first.code()).done();
    let second = of_second.outcome(second.code()).done();
    let lines = second.json_lines();
    assert_eq!(lines[0]["outcome"], "unchanged", "{}", second.out);
    assert_eq!(lines[1]["keys_delivered"], 0);
    assert_eq!(key_ids(sandbox.emulator(), "acme-1").await.len(), 1);
    let me = Process::current();
    let owner = format!("is locked by process {} on {}", me.pid, me.host);
    assert!(second.err.contains(&owner), "{}", second.err);
    assert_eq!(second.err.matches("waiting").count(), 1, "{}", second.err);
    sandbox.finish().await;
}

#[tokio::test]
async fn a_user_that_another_command_creates_in_the_meantime_is_decided_on_anew() {
    let sandbox = Sandbox::new().await;
    sandbox.file(
        "users.csv",
        "external_user_id,first_name\nacme-1,Ada\nacme-2,Bob\n",
    );
    let (ledger, run) = locked(&sandbox).await;
    let (mut system, captured) = sandbox.system(Input::empty());
    let args = ["embedctl"].into_iter().chain(APPLY);
    let apply = Box::pin(embedctl::run(args.chain(["-o", "jsonl"]), &mut system));
    let create = async {
        says_that_it_waits(&captured).await;
        let create = ["create-user", "acme-2", "--first-name", "Bob"];
        let args = [&create[..], &["--no-key", "--ledger", "other.ledger"]].concat();
        let _created = sandbox.run(&args).await.done();
        let end = JobEnd {
            state: JobState::Done,
            outcome: Value::Null,
        };
        let job = JobId { run, number: 0 };
        ledger.settle(job, Vec::new(), None, end).await.unwrap();
    };

    let (exit, ()) = in_time(async { tokio::join!(apply, create) }).await;

    let applied = captured.outcome(exit.code()).done();
    let mut lines = applied.json_lines();
    lines.sort_by_key(|line| line["external_user_id"].to_string());
    let outcomes: Vec<_> = lines
        .iter()
        .map(|line| (&line["external_user_id"], &line["outcome"]))
        .collect();
    assert_eq!(
        outcomes[..2],
        [
            (&json!("acme-1"), &json!("created")),
            (&json!("acme-2"), &json!("unchanged"))
        ]
    );
    assert_eq!(lines.len(), 3, "{}", applied.out);
    sandbox.finish().await;
}

#[tokio::test]
async fn when_the_time_is_up_it_exits_with_6_and_has_done_nothing() {
    let sandbox = Sandbox::at("2026-01-02T03:04:05Z".parse().unwrap()).await;
    sandbox.file("users.csv", "external_user_id\nacme-1\nacme-2\n");
    let (ledger, run) = locked(&sandbox).await;
    let apply = [&APPLY[..], &["-o", "json"]].concat();

    let refused = sandbox.run(&apply).await.exits(6);

    let me = Process::current();
    let message = refused.error()["message"].to_string();
    assert!(
        message.contains("gave up after waiting for 1h"),
        "{message}"
    );
    assert!(
        refused
            .err
            .contains(&format!("process {} on {}", me.pid, me.host))
    );
    let waits = format!(
        "`acme-2` is locked by process {} on {} (run {run}); waiting up to 1h",
        me.pid, me.host
    );
    assert!(refused.err.contains(&waits), "{}", refused.err);

    // Without an owner it says how to finish the run.
    ledger.release(run).await.unwrap();
    let refused = sandbox.run(&apply).await.exits(6);

    let resume = format!(
        "no process works on it; waiting up to 1h until it is finished: `embedctl runs resume {run}`"
    );
    assert!(refused.err.contains(&resume), "{}", refused.err);
    let written = sandbox.emulator().requests();
    let written = written
        .iter()
        .filter(|request| request.method != "GET" && !request.path.contains("/log"));
    assert_eq!(written.count(), 0);
    assert_eq!(
        ledger.runs(9).await.unwrap().len(),
        1,
        "nothing was recorded"
    );
    sandbox.finish().await;
}

#[tokio::test]
async fn ctrl_c_ends_the_wait_at_once() {
    let sandbox = Sandbox::new().await;
    sandbox.file("users.csv", "external_user_id\nacme-2\n");
    let (_ledger, _run) = locked(&sandbox).await;
    let (mut system, captured) = sandbox.system(Input::empty());
    let interrupt = system.interrupt.clone();
    let apply = Box::pin(embedctl::run(
        ["embedctl"].into_iter().chain(APPLY),
        &mut system,
    ));
    let stop = async {
        says_that_it_waits(&captured).await;
        interrupt.trigger();
    };

    let (exit, ()) = in_time(async { tokio::join!(apply, stop) }).await;

    assert_eq!(exit.code(), 130);
    sandbox.finish().await;
}
