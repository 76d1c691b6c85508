//! `embedctl rotate-id --from` where one call in twenty goes wrong, and where it is killed: everybody moves once, with
//! everything, and nobody else's things are touched.
//!
//! `EMBEDCTL_TEST_PEOPLE=1250 cargo test --release --test it -- rotate_id_faults --nocapture` does the same with 1,000 who
//! move, and tells what it took.

use std::process::Stdio;
use std::time::{Duration, Instant};

use embedctl::emulator::{Latency, Options};
use embedctl::system::Clock;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::apply_faults::some_of;
use crate::rotate_id_people::{Before, People, new};
use crate::support::{Outcome, Sandbox, in_time, print};

const PEOPLE: usize = 30;

const ARGS: [&str; 8] = [
    "rotate-id",
    "--yes",
    "--from",
    "mapping.csv",
    "--keys-to",
    "file:keys.jsonl",
    "-o",
    "jsonl",
];

/// How many commands it may take, the last without faults.
const COMMANDS: usize = 6;

/// How many people somebody who runs this by hand wants.
fn wanted() -> Option<usize> {
    let wanted = std::env::var("EMBEDCTL_TEST_PEOPLE").ok();
    wanted.and_then(|wanted| wanted.parse().ok())
}

async fn sandbox(people: People, options: Options) -> Sandbox {
    let sandbox = Sandbox::with(Options {
        state: people.state(),
        ..options
    })
    .await;
    sandbox.file("mapping.csv", &people.mapping());
    sandbox
}

/// Run embedctl in this process, or as one of its own where there are so many people that it takes its time.
async fn run(sandbox: &Sandbox, args: &[&str]) -> Outcome {
    if wanted().is_none() {
        return sandbox.run(args).await;
    }
    let mut command = tokio::process::Command::from(sandbox.process(args));
    let output = command
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .unwrap();
    Outcome {
        exit: u8::try_from(output.status.code().unwrap()).unwrap(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

/// Those of the lines that say that somebody has moved.
fn moved(outcome: &Outcome) -> Vec<Value> {
    let mut lines = outcome.json_lines();
    lines.retain(|line| line["moved"].is_object() && line["error"].is_null());
    lines
}

/// The id of the newest run; `None` where nothing was begun yet.
async fn newest_run(sandbox: &Sandbox) -> Option<String> {
    let runs = sandbox.run(&["runs", "list", "-o", "json"]).await;
    Some(runs.done().json().get(0)?["id"].as_str()?.to_owned())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everybody_moves_once_with_everything_though_one_call_in_twenty_goes_wrong() {
    let people = People(wanted().unwrap_or(PEOPLE));
    // Where time moves only when somebody waits, nobody does.
    let clock = match wanted() {
        Some(_) => Clock::os(),
        None => Clock::manual(Timestamp::now()),
    };
    let mut sandbox = sandbox(
        people,
        Options {
            clock: clock.clone(),
            ..Options::default()
        },
    )
    .await;
    sandbox.clock(clock);
    let before = Before::of(sandbox.emulator());
    for fault in some_of(people.0 * 150, 5) {
        sandbox.emulator().inject(fault);
    }

    let began = Instant::now();
    let (mut lines, mut commands, mut first) = (Vec::new(), 0, 0);
    loop {
        commands += 1;
        assert!(commands <= COMMANDS, "not done after {COMMANDS} commands");
        if commands == COMMANDS {
            sandbox.emulator().clear_faults();
        }
        let outcome = match newest_run(&sandbox).await {
            Some(begun) => run(&sandbox, &["runs", "resume", &begun, "-o", "jsonl"]).await,
            None => run(&sandbox, &ARGS).await,
        };
        lines.extend(moved(&outcome));
        first = if first == 0 { lines.len() } else { first };
        if outcome.exit == 0 {
            break;
        }
    }
    let faults = people.0 * 150 / 20 - sandbox.emulator().unconsumed_faults().len();
    sandbox.emulator().clear_faults();

    print(&format!(
        "{} moved in {:.1?} with {} calls, {commands} commands, {faults} faults; the first of them moved {first}",
        lines.len(),
        began.elapsed(),
        sandbox.emulator().requests().len(),
    ));
    assert_eq!(lines.len(), people.moving().count());
    for line in lines {
        let expected = json!({ "dashboards": 4, "looks": 2, "folders": 2, "schedules": 1, "alerts": 1,
            "followed_alerts": 1, "boards": 1, "favorites": 2, "content_access": 1, "roles": 1, "groups": 1, "attributes": 1 });
        assert_eq!(line["moved"], expected, "{line}");
        assert_eq!(line["old"], "disabled", "{line}");
    }
    // A key whose answer was lost says nothing of itself: it is named once, and left for a person to revoke.
    revoke_nameless(&sandbox, people).await;
    before.assert_all_moved(people, sandbox.emulator(), &sandbox.read("keys.jsonl"));
    // A login whose answer was lost left a token that nobody knows.
    sandbox.emulator().end_tokens();
    sandbox.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_four_times_on_the_way_everybody_moves_once_all_the_same() {
    let people = People(30);
    let sandbox = sandbox(
        people,
        Options {
            latency: Latency::Fixed(Duration::from_millis(1)),
            ..Options::default()
        },
    )
    .await;
    let before = Before::of(sandbox.emulator());
    let minted = || {
        let requests = sandbox.emulator().requests();
        requests
            .iter()
            .filter(|request| request.operation == "create_user_credentials_api3")
            .count()
    };
    let mut begun = None::<String>;
    for kill in 1..=4 {
        let resume = ["runs", "resume", begun.as_deref().unwrap_or_default()];
        let args = if begun.is_some() {
            &resume[..]
        } else {
            &ARGS[..]
        };
        let mut process = tokio::process::Command::from(sandbox.process(args));
        process
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let mut child = process.kill_on_drop(true).spawn().unwrap();
        in_time(async {
            while minted() < kill * 3 {
                tokio::task::yield_now().await;
            }
        })
        .await;
        child.kill().await.unwrap();
        begun = newest_run(&sandbox).await;
    }

    let begun = begun.unwrap();
    let mut resumed = sandbox.run(&["runs", "resume", &begun]).await;
    // Nobody but a person knows whose the keys are that were asked for when it was killed. Each is named once, perhaps by
    // a process that was killed then.
    revoke_nameless(&sandbox, people).await;
    if resumed.exit == 3 {
        let causes = resumed.err.lines();
        let mut causes = causes.filter(|line| line.starts_with("caused by: "));
        let unclear = "was created around a request whose answer was lost";
        assert!(causes.all(|it| it.contains(unclear)), "{}", resumed.err);
        resumed = sandbox.run(&["runs", "resume", &begun]).await;
    }
    assert_eq!(resumed.exit, 0, "{}", resumed.err);

    before.assert_all_moved(people, sandbox.emulator(), &sandbox.read("keys.jsonl"));
    let again = run(&sandbox, &ARGS).await.done();
    assert_eq!(again.out, "", "there is nothing left to do");
    // Those that were killed could not log out.
    sandbox.emulator().end_tokens();
    sandbox.finish().await;
}

/// Revoke the keys of those who have moved that carry no purpose.
async fn revoke_nameless(sandbox: &Sandbox, people: People) {
    let admin = sandbox.admin();
    let delivered = sandbox.read("keys.jsonl");
    for id in people.moving().map(new) {
        let Some(user) = admin.user_for_credential_embed(&id).await.unwrap() else {
            continue;
        };
        for key in admin.api3_keys(&user.id).await.unwrap() {
            // A delivered key says nothing either if its tag met a fault.
            let nameless = key.purpose.as_deref().unwrap_or_default().is_empty();
            if nameless && !delivered.contains(&key.client_id) {
                let _gone = admin.delete_api3_key(&user.id, &key.id).await.unwrap();
            }
        }
    }
    admin.logout().await.unwrap();
}
