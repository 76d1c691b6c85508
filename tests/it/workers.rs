//! Several processes on one run: its users are shared among them, and each is done once.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use embedctl::emulator::{Latency, Options};
use embedctl::ledger::Ledger as _;
use embedctl::ledger::postgres::LeaseTimes;
use embedctl::ledger::sqlite::Process;
use serde_json::Value;

use crate::database::{Cluster, Database};
use crate::postgres::{APPLY, World, delivered, start};
use crate::support::{Outcome, Sandbox, in_time, output, print};

/// Enough that no process is done before another has begun.
const USERS: usize = 240;

async fn world(cluster: &Cluster) -> World {
    let latency = Latency::Fixed(Duration::from_millis(30));
    World::of(cluster, USERS, latency, Vec::new()).await
}

/// How a process that was started ended.
async fn ended(process: tokio::process::Child) -> (i32, String, String) {
    let ended = in_time(process.wait_with_output()).await.unwrap();
    (
        ended.status.code().unwrap(),
        String::from_utf8(ended.stdout).unwrap(),
        String::from_utf8(ended.stderr).unwrap(),
    )
}

async fn newest(machine: &Sandbox) -> Value {
    let list = output(machine.process(&["runs", "list", "-o", "json"])).await;
    list.done().json()[0].clone()
}

async fn newest_id(machine: &Sandbox) -> String {
    newest(machine).await["id"].as_str().unwrap().to_owned()
}

async fn show(machine: &Sandbox) -> Outcome {
    let run = newest_id(machine).await;
    output(machine.process(&["runs", "show", &run, "-o", "json", "--limit", "1"])).await
}

#[tokio::test]
async fn a_process_that_joins_without_the_file_shares_the_users_with_the_one_that_began() {
    let Some(cluster) = Cluster::shared() else {
        return;
    };
    let world = world(cluster).await;
    let first = start(&world.machine, &[&APPLY[..], &["-o", "json"]].concat());
    delivered(&world.machine, 5).await;
    let other = world.fresh_machine();
    std::fs::remove_file(other.path("users.csv")).unwrap();

    let joined = output(other.process(&["work", "--concurrency=4", "-o", "json"])).await;
    let (exit, out, err) = ended(first).await;

    let joined = joined.done().json();
    let summary: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(exit, 0, "{err}");
    let (by_first, by_other) = (
        summary["created"].as_u64().unwrap(),
        summary["by_other_processes"].as_u64().unwrap(),
    );
    assert_eq!(by_first + by_other, USERS as u64, "{summary}");
    assert!(by_other > 0 && by_first > 0, "{summary}");
    assert_eq!(joined["total"].as_u64(), Some(by_other), "{joined}");
    // Where the first process was started, not where this one was.
    assert!(!other.path("keys.jsonl").exists());
    world.judge(&[&world.machine]).await;
    world.machine.finish().await;
}

#[tokio::test]
async fn the_same_command_elsewhere_joins_and_another_manifest_waits_its_turn() {
    let Some(cluster) = Cluster::shared() else {
        return;
    };
    let world = world(cluster).await;
    let first = start(&world.machine, &APPLY);
    delivered(&world.machine, 5).await;
    let (same, another) = (world.fresh_machine(), world.fresh_machine());
    another.file("others.csv", "external_user_id\nglobex-1\n");

    let args = ["apply", "others.csv", "--yes"];
    let (joined, refused) =
        tokio::join!(output(same.process(&APPLY)), output(another.process(&args)));
    let (exit, _, err) = ended(first).await;

    assert!(joined.err.contains("joining it"), "{}", joined.err);
    let _joined = joined.done();
    let refused = refused.exits(6);
    assert!(
        refused.err.contains("users.csv") || refused.err.contains("process"),
        "{}",
        refused.err
    );
    assert_eq!(exit, 0, "{err}");
    world.judge(&[&world.machine, &same]).await;
    world.machine.finish().await;
}

#[tokio::test]
async fn who_works_on_a_run_is_shown_with_its_lease_and_its_speed() {
    let Some(cluster) = Cluster::shared() else {
        return;
    };
    let world = world(cluster).await;
    let first = start(&world.machine, &APPLY);
    delivered(&world.machine, 5).await;

    let shown = show(&world.machine).await.done().json();
    let run = shown["id"].as_str().unwrap();
    let table = output(
        world
            .machine
            .process(&["runs", "show", run, "--limit", "1"]),
    )
    .await;
    let (exit, _, err) = ended(first).await;

    let worker = &shown["workers"][0];
    assert!(worker["held_for_seconds"].as_u64().unwrap() >= 1, "{shown}");
    assert!(worker["done"].as_u64().unwrap() >= 1, "{shown}");
    assert!(worker["per_second"].as_f64().unwrap() > 0.0, "{shown}");
    assert!(worker["in_hand"].as_u64().is_some(), "{shown}");
    let table = table.done().out;
    assert!(
        table.contains("IN HAND") && table.contains("process"),
        "{table}"
    );
    assert_eq!(exit, 0, "{err}");
    assert_eq!(
        show(&world.machine).await.done().json()["workers"],
        serde_json::json!([])
    );
    world.machine.finish().await;
}

/// Wait until each of two processes has done so many users.
async fn both_have_done(machine: &Sandbox, users: u64) {
    let mut ticks = tokio::time::interval(Duration::from_millis(20));
    in_time(async {
        loop {
            ticks.tick().await;
            let shown = show(machine).await.done().json();
            let workers = shown["workers"].as_array().unwrap();
            let done = workers
                .iter()
                .filter(|it| it["done"].as_u64() >= Some(users));
            if done.count() >= 2 {
                return;
            }
        }
    })
    .await;
}

#[tokio::test]
async fn a_run_that_is_stopped_is_left_by_all_who_work_on_it_and_can_be_resumed() {
    let Some(cluster) = Cluster::shared() else {
        return;
    };
    let world = world(cluster).await;
    let first = start(&world.machine, &APPLY);
    delivered(&world.machine, 5).await;
    let other = world.fresh_machine();
    let second = start(&other, &["work", "--concurrency=4"]);
    both_have_done(&world.machine, 40).await;
    let run = newest_id(&world.machine).await;

    let stop = output(world.machine.process(&["runs", "stop", &run]))
        .await
        .done();
    let (by_first, by_second) = (ended(first).await, ended(second).await);
    let again = output(world.machine.process(&["runs", "stop", &run]))
        .await
        .done();

    assert!(stop.err.contains("Asked to stop"), "{}", stop.err);
    for (exit, _, err) in [&by_first, &by_second] {
        assert!(*exit == 130 && err.contains("runs stop"), "{exit}: {err}");
    }
    assert!(again.err.contains("nothing to stop"), "{}", again.err);
    let left = newest(&world.machine).await;
    assert!(left["open"].as_u64().unwrap() > 0, "{left}");
    assert_eq!(left["failed"], 0, "{left}");
    // Of all that was done by then: what the others have in hand is done later.
    let all = left["done"].as_u64().unwrap();
    let told = (80..=all).any(|done| {
        let left = USERS as u64 - done;
        let line = format!("Done: {done} users; 0 failed; {left} are left.");
        by_first.2.contains(&line)
    });
    assert!(told, "{all}: {}", by_first.2);
    let resumed = output(other.process(&["runs", "resume", &run])).await;
    let _resumed = resumed.done();
    world.judge(&[&world.machine, &other]).await;
    world.machine.finish().await;
}

#[tokio::test]
async fn what_a_killed_process_had_in_hand_is_done_by_the_others_before_they_end() {
    let Some(cluster) = Cluster::shared() else {
        return;
    };
    let world = world(cluster).await;
    let first = start(&world.machine, &APPLY);
    delivered(&world.machine, 5).await;
    let other = world.fresh_machine();
    let mut killed = start(&other, &["work", "--concurrency=4"]);
    delivered(&world.machine, 30).await;

    killed.kill().await.unwrap();
    let (exit, _, err) = ended(first).await;

    assert_eq!(exit, 0, "{err}");
    assert_eq!(newest(&world.machine).await["state"], "done");
    world.judge(&[&world.machine, &other]).await;
    world.machine.leave().await;
}

#[tokio::test]
async fn a_run_that_begins_again_is_undone_or_claimed_only_once_nobody_works_on_it() {
    let Some(cluster) = Cluster::shared() else {
        return;
    };
    let world = world(cluster).await;
    let first = start(&world.machine, &APPLY);
    delivered(&world.machine, 5).await;
    let run = newest_id(&world.machine).await;

    for command in [
        &["runs", "undo", &run, "--yes"][..],
        &["runs", "resume", &run],
    ] {
        let refused = output(world.machine.process(command)).await.exits(6);
        let told = refused.err;
        assert!(
            told.contains("process") || told.contains("unfinished"),
            "{told}"
        );
    }

    let (exit, _, err) = ended(first).await;
    assert_eq!(exit, 0, "{err}");
    world.machine.finish().await;
}

#[tokio::test]
async fn processes_that_share_a_run_keep_to_one_rate_together() {
    let Some(cluster) = Cluster::shared() else {
        return;
    };
    let world = World::of(cluster, 60, Latency::Fixed(Duration::ZERO), Vec::new()).await;
    let rate = ["--rps", "50"];
    let first = start(&world.machine, &[&APPLY[..], &rate].concat());
    delivered(&world.machine, 1).await;
    let others = [world.fresh_machine(), world.fresh_machine()];
    let work = [&["work", "--concurrency=4"][..], &rate].concat();
    let others: Vec<_> = others.iter().map(|it| start(it, &work)).collect();

    for process in others.into_iter().chain([first]) {
        let (exit, _, err) = ended(process).await;
        assert_eq!(exit, 0, "{err}");
    }

    let mut seconds = BTreeMap::<i64, usize>::new();
    let requests = world.machine.emulator().requests();
    // Logins through signed URLs are no calls, and have no rate.
    for call in requests.iter().filter(|it| it.path.starts_with("/api/")) {
        *seconds.entry(call.at).or_default() += 1;
    }
    let busiest = *seconds.values().max().unwrap();
    print(&format!(
        "three processes at 50 calls a second: {busiest} in the busiest second"
    ));
    // Each alone would make 50; a machine that stalls bunches what is due.
    assert!(busiest <= 75, "{seconds:?}");
    world.judge(&[&world.machine]).await;
    world.machine.finish().await;
}

/// How many calls the emulator has got.
fn calls(world: &World) -> u64 {
    let requests = world.machine.emulator().requests();
    let calls = requests.iter().filter(|it| it.path.starts_with("/api/"));
    calls.count() as u64
}

async fn calls_this_month(machine: &Sandbox) -> u64 {
    let shown = output(machine.process(&["ledger", "show", "-o", "json"])).await;
    shown.done().json()["calls_this_month"].as_u64().unwrap()
}

#[tokio::test]
async fn the_calls_of_a_month_are_counted_over_all_processes_and_a_plan_reckons_with_them() {
    let Some(cluster) = Cluster::shared() else {
        return;
    };
    let latency = Latency::Fixed(Duration::from_millis(10));
    let world = World::of(cluster, 40, latency, Vec::new()).await;
    let first = start(&world.machine, &APPLY);
    delivered(&world.machine, 1).await;
    let work = ["work", "--concurrency=4"];
    let _joined = output(world.fresh_machine().process(&work)).await.done();
    let (exit, _, err) = ended(first).await;
    assert_eq!(exit, 0, "{err}");

    let made = calls_this_month(&world.machine).await;

    assert_eq!(made, calls(&world), "as Looker counts them");
    let other = world.fresh_machine();
    other.file("users.csv", "external_user_id\nglobex-1\n");
    let plan = ["plan", "users.csv", "--quota", "300", "-o", "json"];
    let planned = output(other.process(&plan)).await.done().json();
    let quota = &planned["quota"];
    assert_eq!(quota["made_this_month"].as_u64(), Some(made), "{quota}");
    let (alone, all) = (&quota["percent"], &quota["percent_this_month"]);
    assert!(
        alone.as_f64() < Some(20.0) && all.as_f64() > Some(30.0),
        "{quota}"
    );
    let text = output(other.process(&plan[..4])).await.done().out;
    assert!(
        text.contains("that were made with this ledger this month"),
        "{text}"
    );
    // Another month begins with none.
    let rows = world.database.client().await;
    let past = "UPDATE embedctl.pace SET month = month - interval '1 month'";
    assert_eq!(rows.execute(past, &[]).await.unwrap(), 1);
    assert_eq!(calls_this_month(&world.machine).await, 0);
    let before = calls(&world);
    let _planned = output(other.process(&plan)).await.done();
    assert_eq!(
        calls_this_month(&world.machine).await,
        calls(&world) - before
    );
    world.machine.finish().await;
}

#[tokio::test]
async fn turns_are_given_out_once_and_a_hold_is_for_everyone() {
    let Some(database) = Database::fresh().await else {
        return;
    };
    let second = Duration::from_secs(1);
    let times = LeaseTimes::new(second, second, second * 5);
    let one = database.ledger(times, &Process::current()).await;
    let two = database.ledger(times, &Process::current()).await;
    let (one, two) = (one.turns().unwrap(), two.turns().unwrap());
    let gap = Duration::from_millis(100);

    let began = Instant::now();
    let first = one.take(5, gap).await.unwrap();
    let next = two.take(1, gap).await.unwrap();
    let next_is = began.elapsed() + next;

    // By the database's clock, the second process's turn is after the five of the first.
    assert!(next_is >= first + gap * 5, "{next_is:?}");
    // Turns are given out for a second ahead at most, so what a killed process had is over soon.
    for _ in 0..3 {
        let far = one.take(5, gap).await.unwrap();
        assert!(far <= second, "{far:?}");
    }
    let held = Instant::now();
    one.hold(second * 3);
    let mut wait = two.take(1, gap).await.unwrap();
    // The hold is told in the background.
    while wait + held.elapsed() < second * 2 {
        wait = two.take(1, gap).await.unwrap();
    }
    assert!(wait <= second * 3, "{wait:?}");
}

#[tokio::test]
async fn a_run_in_a_file_is_stopped_too() {
    let options = Options {
        latency: Latency::Fixed(Duration::from_millis(20)),
        ..Options::default()
    };
    let sandbox = Sandbox::with(options).await;
    let users: Vec<_> = (0..USERS)
        .map(|user| format!("acme-{user},ensure"))
        .collect();
    sandbox.file(
        "users.csv",
        &format!("external_user_id,key\n{}\n", users.join("\n")),
    );
    let apply = start(&sandbox, &APPLY);
    delivered(&sandbox, 5).await;
    let run = newest_id(&sandbox).await;

    let _stop = sandbox.run(&["runs", "stop", &run]).await.done();
    let (exit, _, err) = ended(apply).await;

    assert!(exit == 130 && err.contains("runs stop"), "{exit}: {err}");
    let resumed = output(sandbox.process(&["runs", "resume", &run])).await;
    let _resumed = resumed.done();
    assert_eq!(newest(&sandbox).await["state"], "done");
    sandbox.finish().await;
}

#[tokio::test]
async fn with_a_ledger_in_a_file_there_is_nothing_to_join() {
    let sandbox = Sandbox::new().await;

    let refused = sandbox.run(&["work"]).await.exits(2);

    assert!(refused.err.contains("postgres://"), "{}", refused.err);
    sandbox.finish().await;
}

#[tokio::test]
async fn without_an_unfinished_run_there_is_nothing_to_work_on() {
    let Some(cluster) = Cluster::shared() else {
        return;
    };
    let world = world(cluster).await;

    let idle = output(world.machine.process(&["work"])).await.done();

    assert!(idle.err.contains("nothing to work on"), "{}", idle.err);
    world.machine.finish().await;
}
