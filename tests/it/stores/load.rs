//! What holds with every store when much is asked of it, when processes are killed, and of what they leave behind.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Stdio;
use std::time::{Duration, Instant};

use embedctl::emulator::{Latency, Options};
use embedctl::secret::ExposeSecret as _;

use crate::kill::Dice;
use crate::stores::proxy::Effect;
use crate::stores::rules::one_key_everywhere;
use crate::stores::{EACH, Shop, every_store};
use crate::support::{Sandbox, output};

every_store! {
    five_hundred_users_have_a_key_each_that_is_theirs
    processes_killed_at_random_instants_leave_one_key_a_user_and_it_is_the_one_in_the_store
    no_secret_of_the_store_or_of_a_key_is_anywhere_else
}

async fn five_hundred_users_have_a_key_each_that_is_theirs<S: Shop>(shop: S) {
    const USERS: usize = 500;
    let mut sandbox = Sandbox::with(Options::default()).await;
    shop.enter(&mut sandbox);
    let rows: String = (0..USERS).map(|n| format!("acme-{n}\n")).collect();
    sandbox.file("m.csv", &format!("external_user_id\n{rows}"));
    let spec = shop.spec(EACH);

    let args = ["apply", "m.csv", "--keys-to", &spec, "--yes", "-o", "json"];
    let summary = sandbox.run(&args).await.done().json();

    assert_eq!(summary["keys_delivered"], USERS, "{summary}");
    let admin = sandbox.admin();
    let mut client_ids = BTreeSet::new();
    for n in (0..USERS).step_by(25) {
        let value = one_key_everywhere(&shop, &sandbox, &format!("acme-{n}")).await;
        client_ids.insert(value["client_id"].as_str().unwrap().to_owned());
    }
    assert_eq!(client_ids.len(), USERS / 25);
    admin.logout().await.unwrap();
    let before = shop.proxy().passed().len();
    let again = sandbox.run(&args).await.done().json();
    assert_eq!(again["keys_delivered"], 0, "{again}");
    let lines = shop.proxy().passed().split_off(before);
    assert!(!lines.iter().any(|it| it.line.contains(shop.writes())));
    sandbox.finish().await;
}

/// How many processes are killed.
const KILLS: usize = 12;

async fn processes_killed_at_random_instants_leave_one_key_a_user_and_it_is_the_one_in_the_store<
    S: Shop,
>(
    shop: S,
) {
    let options = Options {
        latency: Latency::Fixed(Duration::from_millis(2)),
        ..Options::default()
    };
    let mut sandbox = Sandbox::with(options).await;
    shop.enter(&mut sandbox);
    sandbox
        .var("EMBEDCTL_SOLE_MINTER", "true")
        .var("EMBEDCTL_TIMEOUT", "2s")
        .var("EMBEDCTL_TEST_SERVER_GRACE_MS", "100");
    let users: Vec<_> = (0..4).map(|n| format!("acme-{n}")).collect();
    sandbox.file(
        "m.csv",
        &format!("external_user_id\n{}\n", users.join("\n")),
    );
    let spec = shop.spec(EACH);
    let apply = ["apply", "m.csv", "--keys-to", &spec, "--yes"];
    let rotate = ["keys", "rotate", "--all", "--keys-to", &spec, "--yes"];
    let mut dice = Dice(20_261_130);
    let began = Instant::now();
    let _done = output(sandbox.process(&apply)).await.done();
    let mut usual = began.elapsed();
    let mut killed = 0;
    while killed < KILLS {
        let micros = u64::try_from(usual.as_micros()).unwrap();
        let after = Duration::from_micros(dice.roll() % micros);
        let mut process = tokio::process::Command::from(sandbox.process(&rotate));
        process
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let began = Instant::now();
        let mut child = process.kill_on_drop(true).spawn().unwrap();
        match tokio::time::timeout(after, child.wait()).await {
            Ok(_) => usual = began.elapsed(),
            Err(_) => {
                child.kill().await.unwrap();
                killed += 1;
            }
        }
    }
    // What is unfinished is finished, and then everything is rotated once more without a kill.
    let list = ["runs", "list", "--limit", "50", "-o", "json"];
    let runs = output(sandbox.process(&list)).await.done().json();
    for run in runs
        .as_array()
        .unwrap()
        .iter()
        .rev()
        .filter(|run| run["state"] != "done")
    {
        let resume = ["runs", "resume", run["id"].as_str().unwrap()];
        let _done = output(sandbox.process(&resume)).await.done();
    }
    for user in &users {
        one_key_everywhere(&shop, &sandbox, user).await;
    }
    let _done = output(sandbox.process(&rotate)).await.done();

    for user in &users {
        one_key_everywhere(&shop, &sandbox, user).await;
    }
    // The killed ones could log nobody out.
    sandbox.emulator().end_tokens();
    sandbox.finish().await;
}

async fn no_secret_of_the_store_or_of_a_key_is_anywhere_else<S: Shop>(shop: S) {
    let mut sandbox = Sandbox::with(Options::default()).await;
    shop.enter(&mut sandbox);
    let spec = shop.spec(EACH);
    let keep = sandbox.file(
        "keep.sh",
        "#!/bin/sh\nenv >>seen.txt; cat /proc/$PPID/cmdline >>seen.txt; exec cat >/dev/null\n",
    );
    std::fs::set_permissions(keep, std::fs::Permissions::from_mode(0o755)).unwrap();
    let mut texts = Vec::new();
    let mut delivered = Vec::new();
    let (status, text) = shop.refusal();
    for (round, args) in [
        &["create-user", "acme-42"][..],
        &["keys", "rotate", "acme-42", "--overlap", "1h"],
        &["keys", "rotate", "acme-42"],
        &["keys", "rotate", "acme-42"],
        &["doctor"],
    ]
    .into_iter()
    .enumerate()
    {
        // Also when something goes wrong, in every way there is.
        match round {
            2 => shop
                .proxy()
                .trouble(shop.writes(), 9, Effect::Answer(status, text)),
            3 => shop.proxy().trouble(shop.writes(), 9, Effect::LoseAnswer),
            _ => {}
        }
        let loud = ["-vvv", "--retries", "0", "--keys-to", &spec];
        let more = ["--yes", "--keys-to", "exec:./keep.sh"];
        let args = [args, &loud, if args == ["doctor"] { &[] } else { &more }].concat();
        let outcome = output(sandbox.process(&args)).await;
        shop.proxy().calm();
        texts.extend([outcome.out, outcome.err]);
        if let Some(value) = shop.value("acme-42").await {
            delivered.push(value["client_secret"].as_str().unwrap().to_owned());
        }
    }

    let seen = sandbox.read("seen.txt");
    assert!(seen.contains("PATH=") && seen.contains("keep.sh"), "{seen}");
    let requests = format!("{texts:?}");
    assert!(
        requests.contains("[redacted]"),
        "the search saw the loudest level"
    );
    let admin = sandbox.emulator().client_secret();
    let secrets = shop
        .secrets()
        .into_iter()
        .chain(delivered)
        .chain([admin.expose_secret().to_owned()]);
    let files = sandbox.files().into_iter();
    let files = files.map(|(path, content)| {
        (
            path.display().to_string(),
            String::from_utf8_lossy(&content).into_owned(),
        )
    });
    let streams = texts.into_iter().map(|text| ("a stream".to_owned(), text));
    let places: Vec<_> = files.chain(streams).collect();
    for secret in secrets {
        for (place, content) in &places {
            assert!(
                !content.contains(&secret),
                "{place} holds {secret}:\n{content}"
            );
        }
    }
    sandbox.finish().await;
}
