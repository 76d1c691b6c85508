//! `embedctl runs`, and what Ctrl-C leaves for it: what happened, going on from there, and going back.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use embedctl::emulator::{Effect, ErrorBody, Fault, Options};
use embedctl::system::{Clock, Input, Interrupt, Stream};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::clients::{admin, embed_users, foreign_key, kept, key_ids, keys, login};
use crate::support::{Sandbox, in_time, output};

const DELETE: &str = "delete_user_credentials_api3";
const MINT: &str = "create_user_credentials_api3";

/// A sandbox in which time stands still, and its clock.
async fn frozen(users: usize) -> (Sandbox, Clock) {
    let clock = Clock::manual(Timestamp::from_second(1_700_000_000).unwrap());
    let options = Options {
        clock: clock.clone(),
        users,
        ..Options::default()
    };
    let mut sandbox = Sandbox::with(options).await;
    sandbox
        .clock(clock.clone())
        .var("EMBEDCTL_SOLE_MINTER", "true");
    (sandbox, clock)
}

async fn json_of(sandbox: &Sandbox, args: &[&str]) -> Value {
    let args = [args, &["-o", "json"]].concat();
    sandbox.run(&args).await.done().json()
}

/// The newest run.
async fn newest(sandbox: &Sandbox) -> Value {
    json_of(sandbox, &["runs", "list"]).await[0].clone()
}

fn refusal(code: u16) -> Fault {
    Fault::new(Effect::Status {
        code,
        body: ErrorBody::Json,
        retry_after: None,
    })
}

/// Let `operation` take effect, lose its answer, and let nothing through from then on.
fn cut_off(sandbox: &Sandbox, operation: &str) {
    let emulator = sandbox.emulator();
    emulator.inject(Fault::new(Effect::ResetAfter).on(operation));
    emulator.inject(
        Fault::new(Effect::ResetBefore)
            .on("all_user_credentials_api3s")
            .after(1)
            .times(0),
    );
}

/// Mint a key for `user-1` into `keys.jsonl` with its answer lost, and give the run, which its error names.
async fn stopped_mint(sandbox: &Sandbox) -> String {
    cut_off(sandbox, MINT);
    let mint = [
        "keys",
        "mint",
        "user-1",
        "--keys-to",
        "file:keys.jsonl",
        "--retries",
        "0",
    ];
    let stopped = sandbox.run(&mint).await.exits(3);
    sandbox.emulator().clear_faults();
    let id = newest(sandbox).await["id"].as_str().unwrap().to_owned();
    assert!(stopped.err.contains(&id), "{}", stopped.err);
    id
}

#[tokio::test]
async fn a_run_is_listed_and_shown_step_by_step_with_its_times() {
    let (sandbox, _) = frozen(0).await;
    let empty = sandbox.run(&["runs", "list"]).await.done();
    assert_eq!(
        (empty.out.as_str(), empty.err.as_str()),
        ("", "There are no runs.\n")
    );
    let create = ["create-user", "acme-42", "--keys-to", "file:keys.jsonl"];
    let _made = sandbox.run(&create).await.done();

    let run = newest(&sandbox).await;
    let id = run["id"].as_str().unwrap();
    let shown = json_of(&sandbox, &["runs", "show", &id[..13]]).await;
    let table = sandbox.run(&["runs", "show", id]).await.done().out;

    assert_eq!(
        (&run["command"], &run["state"]),
        (&json!("create-user"), &json!("done"))
    );
    assert_eq!((&run["done"], &run["owner"]), (&json!(1), &Value::Null));
    let steps = shown["jobs"][0]["steps"].as_array().unwrap();
    let words = |step: &Value| {
        format!(
            "{} {}",
            step["step"].as_str().unwrap(),
            step["what"].as_str().unwrap()
        )
    };
    let words: Vec<_> = steps.iter().map(words).collect();
    for step in [
        "create started",
        "create done",
        "mint started",
        "mint done",
        "deliver done",
    ] {
        assert!(
            words.iter().any(|word| word == step),
            "{step} is not in {words:?}"
        );
    }
    assert!(steps.iter().all(|step| step["at"].is_string()));
    for part in ["create-user", "acme-42", "begun", "key ", "  0s  "] {
        assert!(table.contains(part), "{part} is not in\n{table}");
    }
    sandbox.finish().await;
}

#[tokio::test]
async fn the_beginning_of_an_id_is_enough_where_it_is_unique() {
    let (sandbox, _) = frozen(1).await;
    for _ in 0..2 {
        let _made = json_of(&sandbox, &["keys", "mint", "user-1"]).await;
    }

    // The beginning of an id is its time, which stands still here.
    let several = sandbox.run(&["runs", "show", "018"]).await.exits(2);
    let none = sandbox.run(&["runs", "show", "ffff"]).await.exits(5);
    let unknown = ["runs", "resume", "00000000-0000-7000-8000-000000000000"];
    let unknown = sandbox.run(&unknown).await.exits(5);

    assert!(several.err.contains("2 runs"), "{}", several.err);
    for outcome in [none, unknown] {
        assert!(outcome.err.contains("runs list"), "{}", outcome.err);
    }
    sandbox.finish().await;
}

#[tokio::test]
async fn a_run_that_was_cut_off_is_resumed_with_the_sink_it_had() {
    let (sandbox, _) = frozen(1).await;
    let id = stopped_mint(&sandbox).await;

    let resumed = json_of(&sandbox, &["runs", "resume", &id]).await;
    let again = sandbox.run(&["runs", "resume", &id]).await.done();

    assert_eq!(
        resumed["key"]["delivered_to"]
            .as_str()
            .unwrap()
            .split(':')
            .next(),
        Some("file")
    );
    let kept = kept(&sandbox.path("keys.jsonl"));
    let ids: Vec<_> = kept
        .iter()
        .map(|key| key["key_id"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(
        ids,
        Vec::from_iter(key_ids(sandbox.emulator(), "user-1").await)
    );
    assert!(again.err.contains("nothing to resume"), "{}", again.err);
    assert_eq!(again.out, "");
    sandbox.finish().await;
}

#[tokio::test]
async fn what_failed_is_tried_again_by_a_resume_and_the_rest_is_left() {
    let (sandbox, _) = frozen(3).await;
    sandbox.emulator().inject(refusal(422).on(MINT).times(2));
    let mint = [
        "keys",
        "mint",
        "--all",
        "--keys-to",
        "file:keys.jsonl",
        "-o",
        "json",
    ];
    let first = sandbox.run(&mint).await.exits(3).json();
    let id = first["run_id"].as_str().unwrap();

    let second = json_of(&sandbox, &["runs", "resume", id]).await;

    assert_eq!(
        (&second["minted"], &second["total"]),
        (&json!(2), &json!(2))
    );
    assert_eq!(newest(&sandbox).await["done"], 3);
    assert_eq!(kept(&sandbox.path("keys.jsonl")).len(), 3);
    sandbox.finish().await;
}

#[tokio::test]
async fn the_same_command_again_goes_on_with_the_run_of_many_that_stopped() {
    let (sandbox, _) = frozen(3).await;
    cut_off(&sandbox, MINT);
    let mint = [
        "keys",
        "mint",
        "--all",
        "--keys-to",
        "file:keys.jsonl",
        "--retries",
        "0",
        "--concurrency",
        "1",
    ];
    let _stopped = sandbox.run(&mint).await.exits(3);
    sandbox.emulator().clear_faults();

    let elsewhere = mint.map(|arg| match arg {
        "file:keys.jsonl" => "file:other.jsonl",
        _ => arg,
    });
    let other = sandbox.run(&elsewhere).await.exits(6);
    let resumed = sandbox.run(&mint).await.done();

    assert!(
        other.err.contains("asked for something else"),
        "{}",
        other.err
    );
    assert!(resumed.err.contains("going on with run"), "{}", resumed.err);
    assert_eq!(kept(&sandbox.path("keys.jsonl")).len(), 3);
    for user in ["user-1", "user-2", "user-3"] {
        assert_eq!(keys(sandbox.emulator(), user).await.len(), 1);
    }
    sandbox.finish().await;
}

/// Standard output that asks to stop as soon as something is written to it.
struct Stopper<W> {
    out: W,
    interrupt: Interrupt,
}

impl<W: Write> Write for Stopper<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.interrupt.count() == 0 {
            self.interrupt.trigger();
        }
        self.out.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

#[tokio::test]
async fn ctrl_c_finishes_what_is_in_flight_and_says_how_to_go_on() {
    let (sandbox, _) = frozen(3).await;
    let (mut system, captured) = sandbox.system(Input::empty());
    let interrupt = system.interrupt.clone();
    let out = captured.out.clone();
    system.out = Stream::new(Stopper { out, interrupt }, false);

    let mint = [
        "embedctl",
        "keys",
        "mint",
        "--all",
        "-o",
        "jsonl",
        "--concurrency",
        "1",
    ];
    let exit = in_time(embedctl::run(mint, &mut system)).await;

    let stopped = captured.outcome(exit.code()).exits(130);
    let [first] = &stopped.json_lines()[..] else {
        panic!("more than the key in flight: {}", stopped.out);
    };
    assert!(
        login(sandbox.emulator().base_url(), &first["key"])
            .await
            .is_some()
    );
    let run = newest(&sandbox).await;
    assert_eq!((&run["done"], &run["open"]), (&json!(1), &json!(2)));
    let resume = format!("embedctl runs resume {}", run["id"].as_str().unwrap());
    let hint = stopped.error()["hint"].as_str().unwrap().to_owned();
    assert!(hint.contains(&resume), "{hint}");

    let id = run["id"].as_str().unwrap();
    let rest = sandbox
        .run(&["runs", "resume", id, "-o", "jsonl"])
        .await
        .done();
    assert_eq!(rest.json_lines().len(), 3, "{}", rest.out);
    for user in ["user-1", "user-2", "user-3"] {
        assert_eq!(keys(sandbox.emulator(), user).await.len(), 1);
    }
    sandbox.finish().await;
}

#[tokio::test]
async fn ctrl_c_after_the_last_key_takes_nothing_away() {
    let (sandbox, _) = frozen(1).await;
    let (mut system, captured) = sandbox.system(Input::empty());
    let interrupt = system.interrupt.clone();
    let out = captured.out.clone();
    system.out = Stream::new(Stopper { out, interrupt }, false);

    let exit = in_time(embedctl::run(
        ["embedctl", "keys", "mint", "user-1"],
        &mut system,
    ))
    .await;

    let _done = captured.outcome(exit.code()).done();
    assert_eq!(newest(&sandbox).await["state"], "done");
    sandbox.finish().await;
}

#[tokio::test]
async fn ctrl_c_twice_stops_at_once_and_can_still_be_resumed() {
    let options = Options {
        users: 1,
        ..Options::default()
    };
    let mut sandbox = Sandbox::with(options).await;
    sandbox.var("EMBEDCTL_SOLE_MINTER", "true");
    let forever = Effect::SlowHeaders(Duration::from_secs(100));
    sandbox.emulator().inject(Fault::new(forever).on(MINT));
    let (mut system, captured) = sandbox.system(Input::empty());
    let interrupt = system.interrupt.clone();
    let is_minting = || {
        let requests = sandbox.emulator().requests();
        requests.iter().any(|request| request.operation == MINT)
    };
    let twice = async {
        while !is_minting() {
            tokio::task::yield_now().await;
        }
        interrupt.trigger();
        interrupt.trigger();
    };

    let mint = [
        "embedctl",
        "keys",
        "mint",
        "user-1",
        "--keys-to",
        "file:keys.jsonl",
    ];
    let (exit, ()) = in_time(async { tokio::join!(embedctl::run(mint, &mut system), twice) }).await;

    let stopped = captured.outcome(exit.code()).exits(130);
    assert!(stopped.err.contains("runs resume"), "{}", stopped.err);
    let id = newest(&sandbox).await["id"].as_str().unwrap().to_owned();
    let _resumed = json_of(&sandbox, &["runs", "resume", &id]).await;
    let kept = kept(&sandbox.path("keys.jsonl"));
    let alive = key_ids(sandbox.emulator(), "user-1").await;
    let ids: Vec<_> = kept
        .iter()
        .map(|key| key["key_id"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(ids, Vec::from_iter(alive));
    sandbox.finish().await;
}

#[tokio::test]
async fn a_process_that_gets_sigint_finishes_its_key_and_can_be_resumed() {
    let sandbox = Sandbox::with(Options {
        users: 3,
        ..Options::default()
    })
    .await;
    // Between embedctl and the command stands a guard, which is the command's parent.
    let sink = "exec:key=$(cat); case $key in *probe*) exit;; esac; echo \"$key\" >> keys.jsonl; [ -e sent ] || { touch sent; read -r _ _ _ parent _ < /proc/$PPID/stat; kill -INT $parent; }";
    let mint = [
        "keys",
        "mint",
        "--all",
        "--keys-to",
        sink,
        "--concurrency",
        "1",
        "-o",
        "json",
    ];

    let stopped = output(sandbox.process(&mint)).await.exits(130);

    let keys_kept = || kept(&sandbox.path("keys.jsonl")).len();
    assert_eq!(keys_kept(), 1);
    let hint = stopped.error()["hint"].as_str().unwrap().to_owned();
    let id = hint
        .split_whitespace()
        .find(|word| word.contains('-'))
        .unwrap();
    // The ledger does not keep the arguments of a command.
    let resume = [
        "runs",
        "resume",
        id.trim_end_matches('`'),
        "--keys-to",
        sink,
    ];
    let _resumed = output(sandbox.process(&resume)).await.done();
    assert_eq!(keys_kept(), 3);
    for user in ["user-1", "user-2", "user-3"] {
        assert_eq!(keys(sandbox.emulator(), user).await.len(), 1);
    }
    sandbox.finish().await;
}

async fn users(sandbox: &Sandbox) -> usize {
    let admin = admin(sandbox.emulator());
    let users = embed_users(&admin).await.len();
    admin.logout().await.unwrap();
    users
}

/// Create `acme-42` with a key, and give the id of the run.
async fn created(sandbox: &Sandbox) -> String {
    let create = [
        "create-user",
        "acme-42",
        "--model",
        "demo",
        "--first-name",
        "Ada",
        "--keys-to",
        "file:keys.jsonl",
    ];
    let _made = sandbox.run(&create).await.done();
    newest(sandbox).await["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn an_undone_run_leaves_neither_its_key_nor_its_user() {
    let (sandbox, _) = frozen(0).await;
    let id = created(&sandbox).await;
    let undo = ["runs", "undo", &id];

    let unasked = sandbox.run(&undo).await.exits(2);
    assert!(unasked.err.contains("--yes"), "{}", unasked.err);
    let dry = sandbox
        .run(&["runs", "undo", &id, "--dry-run"])
        .await
        .done()
        .out;
    assert!(
        dry.contains("Would revoke key") && dry.contains("Would delete"),
        "{dry}"
    );
    assert_eq!(users(&sandbox).await, 1);
    let done = json_of(&sandbox, &["runs", "undo", &id, "--yes"]).await;

    assert_eq!(done["results"][0]["revoked"].as_array().unwrap().len(), 1);
    assert_eq!(users(&sandbox).await, 0);
    assert_eq!(newest(&sandbox).await["state"], "undone");
    let again = sandbox.run(&["runs", "undo", &id, "--yes"]).await.done();
    assert!(again.err.contains("Nothing to undo"), "{}", again.err);
    sandbox.finish().await;
}

#[tokio::test]
async fn a_user_that_somebody_uses_or_changed_is_not_deleted_with_the_run() {
    for touched in ["key", "login", "name"] {
        let (sandbox, clock) = frozen(0).await;
        let id = created(&sandbox).await;
        clock.sleep(Duration::from_secs(60)).await;
        match touched {
            "key" => drop(foreign_key(sandbox.emulator(), "acme-42").await),
            "login" => {
                let login = [
                    "create-user",
                    "acme-42",
                    "--no-key",
                    "--update",
                    "--merge",
                    "--yes",
                ];
                let grants = ["--permission", "see_looks", "--model", "demo"];
                let _login = sandbox.run(&[&login[..], &grants].concat()).await.done();
            }
            _ => {
                let admin = admin(sandbox.emulator());
                let users = embed_users(&admin).await;
                let changes = embedctl::looker::UserChanges {
                    first_name: Some("Grace".to_owned()),
                    ..Default::default()
                };
                let _changed = admin.update_user(&users[0].1, &changes).await.unwrap();
                admin.logout().await.unwrap();
            }
        }

        let outcome = sandbox.run(&["runs", "undo", &id, "--yes"]).await.exits(3);

        assert!(
            outcome.err.contains("embed user `acme-42` stays, since"),
            "{}",
            outcome.err
        );
        assert_eq!(users(&sandbox).await, 1, "{touched}");
        assert_eq!(kept(&sandbox.path("keys.jsonl")).len(), 1);
        let alive = keys(sandbox.emulator(), "acme-42").await.len();
        assert_eq!(alive, usize::from(touched == "key"));
        sandbox.finish().await;
    }
}

#[tokio::test]
async fn users_are_kept_where_that_is_asked_for() {
    let (sandbox, _) = frozen(0).await;
    let id = created(&sandbox).await;

    let _done = sandbox
        .run(&["runs", "undo", &id, "--yes", "--keep-users"])
        .await
        .done();

    assert_eq!(users(&sandbox).await, 1);
    assert!(keys(sandbox.emulator(), "acme-42").await.is_empty());
    sandbox.finish().await;
}

#[tokio::test]
async fn a_rotation_is_taken_back_only_while_the_old_key_lives() {
    let (sandbox, clock) = frozen(1).await;
    let old = json_of(&sandbox, &["keys", "mint", "user-1"]).await;
    let old = old["key"]["id"].as_str().unwrap();
    let rotate = ["keys", "rotate", "user-1", "--yes", "--overlap", "24h"];
    let _rotated = json_of(&sandbox, &rotate).await;
    let id = newest(&sandbox).await["id"].as_str().unwrap().to_owned();
    let _undone = json_of(&sandbox, &["runs", "undo", &id, "--yes"]).await;
    clock.sleep(Duration::from_secs(100_000)).await;
    let reaped = json_of(&sandbox, &["keys", "reap"]).await;
    assert_eq!(reaped["keys"], json!([]));
    assert_eq!(
        Vec::from_iter(key_ids(sandbox.emulator(), "user-1").await),
        [old]
    );

    let rotated = json_of(&sandbox, &["keys", "rotate", "user-1", "--yes"]).await;
    let id = newest(&sandbox).await["id"].as_str().unwrap().to_owned();
    let deletions = || {
        let requests = sandbox.emulator().requests();
        requests
            .iter()
            .filter(|request| request.operation == DELETE)
            .count()
    };
    let before = deletions();
    let outcome = sandbox.run(&["runs", "undo", &id, "--yes"]).await.done();

    assert!(
        outcome.err.contains("Cannot be undone: key"),
        "{}",
        outcome.err
    );
    assert_eq!(deletions(), before);
    let new = rotated["key"]["id"].as_str().unwrap();
    assert_eq!(
        Vec::from_iter(key_ids(sandbox.emulator(), "user-1").await),
        [new]
    );
    sandbox.finish().await;
}

#[tokio::test]
async fn an_undo_that_was_cut_short_goes_on_when_it_is_run_again() {
    let (sandbox, _) = frozen(3).await;
    let mint = [
        "keys",
        "mint",
        "--all",
        "--keys-to",
        "file:keys.jsonl",
        "-o",
        "json",
    ];
    let run = sandbox.run(&mint).await.done().json();
    let undo = [
        "runs",
        "undo",
        run["run_id"].as_str().unwrap(),
        "--yes",
        "-o",
        "jsonl",
    ];
    sandbox.emulator().inject(refusal(400).on(DELETE));

    let first = sandbox.run(&undo).await.exits(3);
    let second = sandbox.run(&undo).await.done();

    assert_eq!(first.json_lines().len(), 4);
    let lines = second.json_lines();
    assert_eq!((lines.len(), &lines[1]["jobs"]), (2, &json!(1)));
    for user in ["user-1", "user-2", "user-3"] {
        assert!(keys(sandbox.emulator(), user).await.is_empty());
    }
    sandbox.finish().await;
}

#[tokio::test]
async fn a_run_that_has_not_come_to_its_end_is_not_undone() {
    let (sandbox, _) = frozen(1).await;
    let run = stopped_mint(&sandbox).await;

    let outcome = sandbox.run(&["runs", "undo", &run, "--yes"]).await.exits(6);

    assert_eq!(newest(&sandbox).await["state"], "unfinished");
    assert!(outcome.err.contains("runs resume"), "{}", outcome.err);
    sandbox.finish().await;
}

#[tokio::test]
async fn an_update_that_stopped_while_it_created_the_user_goes_on_when_it_is_run_again() {
    let (sandbox, _) = frozen(0).await;
    let update = [
        "create-user",
        "acme-42",
        "--update",
        "--model",
        "demo",
        "--keys-to",
        "file:keys.jsonl",
        "--retries",
        "0",
    ];
    cut_off(&sandbox, MINT);
    let stopped = sandbox.run(&update).await;
    assert_ne!(stopped.exit, 0, "{}", stopped.err);
    sandbox.emulator().clear_faults();

    let again = sandbox.run(&update).await.done();

    assert!(again.err.contains("going on with run"), "{}", again.err);
    assert_eq!(kept(&sandbox.path("keys.jsonl")).len(), 1);
    sandbox.finish().await;
}

#[tokio::test]
async fn a_user_that_was_created_with_empty_cells_counts_as_unchanged_when_its_run_is_undone() {
    let (sandbox, _) = frozen(0).await;
    let manifest =
        "external_user_id,first_name,last_name,models,external_group_id\nacme-42,,,demo,\n";
    sandbox.file("users.csv", manifest);
    let _made = sandbox
        .run(&["apply", "users.csv", "--key", "none"])
        .await
        .done();
    let id = newest(&sandbox).await["id"].as_str().unwrap().to_owned();

    let _undone = sandbox.run(&["runs", "undo", &id, "--yes"]).await.done();

    assert_eq!(users(&sandbox).await, 0);
    sandbox.finish().await;
}

#[tokio::test]
async fn runs_say_what_they_are_about_and_are_found_by_user_and_by_either_end_of_their_id() {
    let (sandbox, _) = frozen(0).await;
    sandbox.file("users.csv", "external_user_id\nacme-1\nacme-2\n");
    let _one = sandbox
        .run(&["create-user", "acme-42", "--no-key"])
        .await
        .done();
    let _many = sandbox
        .run(&["apply", "users.csv", "--key=none"])
        .await
        .done();

    let all = json_of(&sandbox, &["runs", "list"]).await;
    let of_one = json_of(&sandbox, &["runs", "list", "--user", "acme-2"]).await;
    let table = sandbox.run(&["runs", "list"]).await.done().out;

    assert_eq!(
        (&all[0]["about"], &all[1]["about"]),
        (&json!("users.csv"), &json!("acme-42"))
    );
    assert_eq!(
        (&of_one[0]["id"], &of_one[1]),
        (&all[0]["id"], &Value::Null)
    );
    // Both runs begin alike on a clock that stands still; their last parts are random.
    for run in [&all[0], &all[1]] {
        let id = run["id"].as_str().unwrap();
        let (_, end) = id.rsplit_once('-').unwrap();
        assert!(table.contains(end) && !table.contains(id), "{table}");
        let shown = json_of(&sandbox, &["runs", "show", &end[..8]]).await;
        assert_eq!(shown["id"], run["id"]);
    }
    sandbox.finish().await;
}

#[tokio::test]
async fn a_user_that_got_its_key_from_a_later_run_gets_no_second_one_when_the_first_is_resumed() {
    let (sandbox, _) = frozen(1).await;
    let store = sandbox.file(
        "store",
        "#!/bin/sh\ncat > /dev/null\n[ -e probed ] || exec touch probed\nexit 1\n",
    );
    fs::set_permissions(&store, fs::Permissions::from_mode(0o755)).unwrap();
    let sink = format!("exec:{}", store.display());
    let _failed = sandbox
        .run(&["keys", "mint", "user-1", "--keys-to", &sink])
        .await
        .exits(1);
    let run = newest(&sandbox).await["id"].as_str().unwrap().to_owned();
    let by_hand = ["keys", "mint", "user-1", "--keys-to", "file:keys.jsonl"];
    let _minted = sandbox.run(&by_hand).await.done();
    let before = key_ids(sandbox.emulator(), "user-1").await;

    fs::remove_file(sandbox.path("probed")).unwrap();
    let resume = ["runs", "resume", &run, "--keys-to", &sink];
    let resumed = sandbox.run(&resume).await.done();

    assert!(
        resumed.err.contains("`user-1` got its key from run"),
        "{}",
        resumed.err
    );
    assert_eq!(key_ids(sandbox.emulator(), "user-1").await, before);
    let shown = json_of(&sandbox, &["runs", "show", &run]).await;
    assert_eq!(
        (&shown["state"], &shown["failed"]),
        (&json!("done"), &json!(0))
    );
    sandbox.finish().await;
}

#[tokio::test]
async fn a_run_is_resumed_from_another_folder_with_the_same_sink() {
    let (sandbox, _) = frozen(1).await;
    let run = stopped_mint(&sandbox).await;
    let elsewhere = sandbox.path("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    let (mut system, captured) = sandbox.system_in(&elsewhere, Input::empty());

    let args = ["embedctl", "runs", "resume", &run];
    let exit = Box::pin(embedctl::run(args, &mut system)).await;

    let _done = captured.outcome(exit.code()).done();
    assert_eq!(sandbox.read("keys.jsonl").lines().count(), 1);
    assert!(!elsewhere.join("keys.jsonl").exists());
    sandbox.finish().await;
}
