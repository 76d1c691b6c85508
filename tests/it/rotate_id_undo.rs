//! A change of ids that stopped half-way, goes on, or is taken back.

use embedctl::ledger::sqlite::{SqliteLedger, SqliteOptions};
use embedctl::ledger::{JobEnd, JobId, JobState, Ledger as _};
use embedctl::system::Clock;
use serde_json::{Value, json};

use crate::rotation::{
    HIDDEN, Move, NEW, OLD, apart, api, id_of, kept, later, moved, newest, number, operations,
    rotate, rotation, state, stopped_at, thing, thing_mut, undo, unmarked, writes,
};
use crate::support::Sandbox;

/// An operation in the middle: folders, content, access, schedules and alerts have moved by then.
const HALF_WAY: &str = "update_board";

#[tokio::test]
async fn an_undo_puts_everything_back_and_says_what_is_gone() {
    let sandbox = rotation().await;
    let before = state(sandbox.emulator());
    let _done = rotate(&sandbox, &[]).await.done();
    let key = kept(&sandbox);
    let run = newest(&sandbox).await;

    let undone = undo(&sandbox, &run).await.done();

    let expected = without_keys(before);
    assert_eq!(
        unmarked(state(sandbox.emulator()), &[42]),
        unmarked(expected, &[42])
    );
    let result = undone.json();
    assert_eq!(result["left"], 0);
    assert_eq!(result["results"][0]["moved_back"], 31);
    let lost = result["results"][0]["lost"].to_string();
    assert!(lost.contains("keys of `acme-42` are revoked"), "{lost}");
    key.login().await.unwrap_err();
    let _old = sandbox.run(&["token", OLD]).await.done();
    sandbox.emulator().end_tokens();
    sandbox.finish().await;
}

#[tokio::test]
async fn an_undo_of_a_move_that_kept_the_old_user_leaves_no_trace() {
    let sandbox = rotation().await;
    let before = state(sandbox.emulator());
    let _done = rotate(&sandbox, &["--old", "keep"]).await.done();

    let undone = undo(&sandbox, &newest(&sandbox).await).await.done();

    assert_eq!(
        unmarked(state(sandbox.emulator()), &[42]),
        unmarked(before, &[42])
    );
    assert_eq!(undone.json()["results"][0]["lost"], json!([]));
    sandbox.finish().await;
}

/// Everything the new user was given is gone for somebody by then: what is left goes back all the same.
#[tokio::test]
async fn what_has_been_deleted_or_given_away_since_is_no_hindrance() {
    let sandbox = rotation().await;
    let _done = rotate(&sandbox, &[]).await.done();
    let run = newest(&sandbox).await;
    api(&sandbox, &["DELETE", "/dashboards/102"]).await;
    api(&sandbox, &["DELETE", "/scheduled_plans/101"]).await;
    api(&sandbox, &["PATCH", "/dashboards/105", "-f", "user_id=421"]).await;

    let undone = undo(&sandbox, &run).await.exits(3).json();

    let left = undone["results"][0]["left"].to_string();
    assert!(left.contains("dashboard 105 `Team overview`"), "{left}");
    let after = state(sandbox.emulator());
    assert_eq!(thing(&after, "dashboards", 105)["owner"], 421);
    for (list, id) in [
        ("dashboards", 100),
        ("looks", 101),
        ("boards", 100),
        ("scheduled_plans", 100),
    ] {
        assert_eq!(thing(&after, list, id)["owner"], 42, "{list} {id}");
    }
    assert_eq!(thing(&after, "users", 42).get("is_disabled"), None);
    sandbox.finish().await;
}

#[tokio::test]
async fn an_undo_is_done_once_and_can_be_followed_by_another_move() {
    let sandbox = rotation().await;
    let _done = rotate(&sandbox, &[]).await.done();
    let run = newest(&sandbox).await;
    let _undone = undo(&sandbox, &run).await.done();
    let undone = state(sandbox.emulator());
    let before = sandbox.emulator().requests().len();

    let again = undo(&sandbox, &run).await.done().json();
    let said = sandbox.run(&["runs", "undo", &run, "--yes"]).await.done();

    assert_eq!(again["results"], json!([]));
    assert!(said.err.contains("Nothing to undo"), "{}", said.err);
    assert_eq!(operations(sandbox.emulator(), before), [""; 0]);
    let result = rotate(&sandbox, &[]).await.done().json();
    let new = number(&result["to"]["looker_user_id"]);
    let whose = Move::to(&sandbox, new).await;
    let people = [42, new];
    assert_eq!(
        unmarked(apart(state(sandbox.emulator()), &people).0, &people),
        unmarked(apart(moved(&undone, whose), &people).0, &people)
    );
    sandbox.finish().await;
}

#[tokio::test]
async fn a_dry_run_of_an_undo_says_what_it_would_do_and_does_nothing() {
    let sandbox = rotation().await;
    let _done = rotate(&sandbox, &[]).await.done();
    let run = newest(&sandbox).await;
    let before = sandbox.emulator().state();

    let said = sandbox
        .run(&["runs", "undo", &run, "--dry-run"])
        .await
        .done();

    for part in ["9 dashboards", "4 favorites", "revoked", OLD, NEW] {
        assert!(said.out.contains(part), "{part} is not in\n{}", said.out);
    }
    assert_eq!(sandbox.emulator().state(), before);
    sandbox.finish().await;
}

#[tokio::test]
async fn a_new_user_that_has_logged_in_since_stays_and_that_is_said() {
    let sandbox = rotation().await;
    let _done = rotate(&sandbox, &[]).await.done();
    later(&sandbox).await;
    // A login may replace the value that Looker hides, so it has to be given again.
    let grants = [
        "--permission",
        "access_data",
        "--model",
        "demo",
        "--attr",
        "api_token=x",
    ];
    let login = [
        &["create-user", NEW, "--update", "--no-key", "--yes"],
        &grants[..],
    ]
    .concat();
    let _in = sandbox.run(&login).await.done();
    let run = &run_of(&sandbox, "rotate-id").await;

    let undone = undo(&sandbox, run).await.exits(3);

    let left = undone.json()["results"][0]["left"].to_string();
    assert!(left.contains("logged in at"), "{left}");
    let after = state(sandbox.emulator());
    assert_eq!(thing(&after, "dashboards", 100)["owner"], 42);
    assert_eq!(thing(&after, "users", 42).get("is_disabled"), None);
    let _new = id_of(&sandbox, NEW).await;
    sandbox.finish().await;
}

#[tokio::test]
async fn a_new_user_that_has_made_something_stays_with_it_and_that_is_said() {
    let sandbox = rotation().await;
    let before = state(sandbox.emulator());
    let result = rotate(&sandbox, &[]).await.done().json();
    let new = number(&result["to"]["looker_user_id"]);
    let home = Move::to(&sandbox, new).await.to_home;
    let fresh = dashboard(&sandbox, NEW, "Fresh", home).await;

    let undone = undo(&sandbox, &newest(&sandbox).await).await.exits(3);

    let left = undone.json()["results"][0]["left"].to_string();
    assert!(
        left.contains("the dashboard `Fresh` would be deleted with it"),
        "{left}"
    );
    let after = state(sandbox.emulator());
    assert_eq!(thing(&after, "dashboards", fresh)["owner"], new);
    assert_eq!(thing(&after, "dashboards", fresh)["folder"], home);
    for (list, id) in [
        ("dashboards", 100),
        ("looks", 101),
        ("boards", 100),
        ("alerts", 102),
    ] {
        assert_eq!(thing(&after, list, id)["owner"], 42, "{list} {id}");
    }
    assert_eq!(after["favorites"], before["favorites"]);
    sandbox.finish().await;
}

#[tokio::test]
async fn a_move_that_stopped_half_way_keeps_both_ids_for_itself() {
    let sandbox = rotation().await;
    let run = stopped_at(&sandbox, HALF_WAY).await;
    let before = sandbox.emulator().requests().len();

    for ids in [
        [OLD, NEW],
        [OLD, "another"],
        ["acme-43", NEW],
        [NEW, "another"],
    ] {
        let given = ["--attr", HIDDEN, "-o", "json"];
        let refused = sandbox
            .run(&[&["rotate-id", "--yes"], &ids[..], &given].concat())
            .await;

        let error = refused.exits(6).error();
        let hint = error["hint"].as_str().unwrap();
        assert!(
            hint.contains(&format!("runs resume {run}")),
            "{ids:?}: {hint}"
        );
        assert!(
            hint.contains(&format!("runs undo {run}")),
            "{ids:?}: {hint}"
        );
    }
    let nothing: [String; 0] = [];
    assert_eq!(writes(sandbox.emulator(), before), nothing);
    // Somebody else is free to move.
    let _other = sandbox
        .run(&["rotate-id", "--yes", "acme-43", "another", "--no-key"])
        .await;
    sandbox.finish().await;
}

#[tokio::test]
async fn a_move_that_stopped_goes_on_to_the_same_end() {
    for operation in [
        "login_embed",
        "update_folder",
        "update_dashboard",
        HALF_WAY,
        "delete_user_session",
    ] {
        let sandbox = rotation().await;
        let before = state(sandbox.emulator());
        let run = stopped_at(&sandbox, operation).await;

        let resumed = sandbox.run(&["runs", "resume", &run, "-o", "json"]).await;

        let result = resumed.done().json();
        assert_eq!(result["moved"]["dashboards"], 9, "{operation}: {result}");
        assert_eq!(result["old"], "disabled", "{operation}");
        let new = number(&result["to"]["looker_user_id"]);
        let whose = Move::to(&sandbox, new).await;
        let people = [42, new];
        let (found, users) = apart(state(sandbox.emulator()), &people);
        let (expected, _) = apart(moved(&before, whose), &people);
        assert_eq!(
            unmarked(found, &people),
            unmarked(expected, &people),
            "{operation}"
        );
        assert_eq!(users[1]["keys"].as_array().unwrap().len(), 1, "{operation}");
        let key = kept(&sandbox);
        assert_eq!(key.me().await.unwrap().external_user_id(), Some(NEW));
        key.logout().await.unwrap();
        sandbox.finish().await;
    }
}

#[tokio::test]
async fn a_move_that_stopped_can_be_taken_back() {
    for operation in [
        "login_embed",
        "update_folder",
        HALF_WAY,
        "delete_user_session",
    ] {
        let sandbox = rotation().await;
        let before = state(sandbox.emulator());
        let run = stopped_at(&sandbox, operation).await;

        let _undone = undo(&sandbox, &run).await.done();

        let mut after = state(sandbox.emulator());
        let mut expected = before;
        if operation == "delete_user_session" {
            expected = without_keys(expected);
            thing_mut(&mut after, "users", 42).remove("sessions");
        }
        assert_eq!(
            unmarked(after, &[42]),
            unmarked(expected, &[42]),
            "{operation}"
        );
        let _again = rotate(&sandbox, &[]).await.done();
        sandbox.finish().await;
    }
}

/// Without it, the run would stay `done`, and every further undo would say that there is nothing to undo.
#[tokio::test]
async fn an_undo_that_was_killed_before_it_recorded_its_end_records_it_the_next_time() {
    let mut sandbox = rotation().await;
    let ledger = sandbox.path("runs.ledger");
    sandbox.var("EMBEDCTL_LEDGER", ledger.to_str().unwrap());
    let _done = rotate(&sandbox, &[]).await.done();
    let run = newest(&sandbox).await;
    let _undone = undo(&sandbox, &run).await.done();
    let ledger = SqliteLedger::open(&ledger, &SqliteOptions::new(Clock::os())).unwrap();
    let id = ledger.runs(1).await.unwrap()[0].id;
    let end = JobEnd {
        state: JobState::Done,
        outcome: Value::Null,
    };
    let job = JobId { run: id, number: 0 };
    ledger.claim(id).await.unwrap();
    ledger.settle(job, Vec::new(), None, end).await.unwrap();
    ledger.release(id).await.unwrap();
    drop(ledger);

    let again = undo(&sandbox, &run).await.done();

    assert_eq!(again.json()["left"], 0);
    let runs = sandbox.run(&["runs", "list", "-o", "json"]).await.done();
    assert_eq!(runs.json()[0]["state"], "undone");
    sandbox.finish().await;
}

#[tokio::test]
async fn what_the_old_user_makes_on_the_way_moves_too_and_goes_back() {
    let sandbox = rotation().await;
    let run = stopped_at(&sandbox, HALF_WAY).await;
    let late = dashboard(&sandbox, OLD, "Late", 500).await;
    let call = [
        "POST",
        "/folders",
        "--as",
        OLD,
        "-f",
        "name=Late",
        "-f",
        "parent_id=500",
    ];
    let folder = number(&api(&sandbox, &call).await["id"]);
    let inside = dashboard(&sandbox, OLD, "Inside", folder).await;
    let call = ["POST", "/boards", "--as", OLD, "-f", "title=Late"];
    let board = number(&api(&sandbox, &call).await["id"]);

    let resumed = sandbox.run(&["runs", "resume", &run, "-o", "json"]).await;

    let result = resumed.done().json();
    let new = number(&result["to"]["looker_user_id"]);
    let home = Move::to(&sandbox, new).await.to_home;
    let owned_by = |owner: i64, home: i64| {
        let state = state(sandbox.emulator());
        assert_eq!(thing(&state, "dashboards", late)["owner"], owner);
        assert_eq!(thing(&state, "dashboards", late)["folder"], home);
        assert_eq!(thing(&state, "folders", folder)["parent"], home);
        assert_eq!(thing(&state, "dashboards", inside)["owner"], owner);
        assert_eq!(thing(&state, "dashboards", inside)["folder"], folder);
        assert_eq!(thing(&state, "boards", board)["owner"], owner);
    };
    owned_by(new, home);
    assert_eq!(result["moved"]["dashboards"], 11);
    assert_eq!(result["moved"]["boards"], 2);
    let _undone = undo(&sandbox, &run).await.done();
    owned_by(42, 500);
    sandbox.finish().await;
}

/// What was there before, as an undo leaves it: keys and sessions do not come back.
fn without_keys(mut state: Value) -> Value {
    let old = thing_mut(&mut state, "users", 42);
    old.remove("keys");
    old.remove("sessions");
    state
}

/// Make a dashboard as somebody.
async fn dashboard(sandbox: &Sandbox, owner: &str, title: &str, folder: i64) -> i64 {
    let (title, folder) = (format!("title={title}"), format!("folder_id={folder}"));
    let call = [
        "POST",
        "/dashboards",
        "--as",
        owner,
        "-f",
        &title,
        "-f",
        &folder,
    ];
    number(&api(sandbox, &call).await["id"])
}

/// The newest run of a command.
async fn run_of(sandbox: &Sandbox, command: &str) -> String {
    let runs = sandbox
        .run(&["runs", "list", "-o", "json"])
        .await
        .done()
        .json();
    let runs = runs.as_array().unwrap().iter();
    let mut of = runs.filter(|run| run["command"] == json!(command));
    of.next().unwrap()["id"].as_str().unwrap().to_owned()
}
