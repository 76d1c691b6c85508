//! `embedctl apply` where one call in twenty goes wrong: every user is made once, with one key that works.

use std::process::Stdio;
use std::time::Duration;

use embedctl::emulator::{Effect, Emulator, ErrorBody, Fault, Latency, Options};
use embedctl::looker::UserSearch;
use serde_json::Value;

use crate::clients::client;
use crate::support::{Sandbox, delivered_keys, in_time};

const USERS: usize = 300;

/// The calls that an apply makes for each user.
const CALLS: [&str; 4] = [
    "login_embed",
    "user_for_credential",
    "create_user_credentials_api3",
    "update_user_credentials_api3",
];

const ARGS: [&str; 8] = [
    "apply",
    "users.csv",
    "--keys-to",
    "file:keys.jsonl",
    "--verify",
    "none",
    "-o",
    "json",
];

fn csv() -> String {
    let row = |number| format!("acme-{number},demo,access_data,ensure\n");
    let rows: String = (0..USERS).map(row).collect();
    format!("external_user_id,models,permissions,key\n{rows}")
}

/// Numbers that look random and are the same in every run with the same seed: those of Knuth's MMIX generator.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % sides
    }
}

fn effects() -> Vec<Effect> {
    let status = |code, body| Effect::Status {
        code,
        body,
        retry_after: None,
    };
    vec![
        status(500, ErrorBody::Json),
        status(503, ErrorBody::Html),
        status(502, ErrorBody::Empty),
        Effect::Status {
            code: 429,
            body: ErrorBody::Json,
            retry_after: Some("0".to_owned()),
        },
        Effect::ResetBefore,
        Effect::ResetAfter,
        Effect::Truncate,
        Effect::Garbage,
        Effect::SlowBody(Duration::from_millis(20)),
    ]
}

fn faults(seed: u64) -> Vec<Fault> {
    let mut dice = Dice(seed);
    let effects = effects();
    let mut faults = Vec::new();
    for operation in CALLS {
        // A fault counts calls from where the one before it has struck.
        let mut passed = 0;
        for _ in 0..USERS {
            if dice.roll(20) == 0 {
                let effect = effects[dice.roll(effects.len())].clone();
                faults.push(Fault::new(effect).on(operation).after(passed));
                passed = 0;
            } else {
                passed += 1;
            }
        }
    }
    faults
}

/// Faults of every kind for about one in twenty of so many calls, whatever they are.
pub(crate) fn some_of(calls: usize, seed: u64) -> Vec<Fault> {
    let mut dice = Dice(seed);
    let effects = effects();
    let fault = |_| {
        let passed = u32::try_from(dice.roll(39)).unwrap();
        Fault::new(effects[dice.roll(effects.len())].clone()).after(passed)
    };
    (0..calls / 20).map(fault).collect()
}

async fn apply(sandbox: &Sandbox) -> (u8, Value) {
    let outcome = sandbox.run(&ARGS).await;
    assert!(matches!(outcome.exit, 0 | 3), "{}", outcome.err);
    (outcome.exit, outcome.json())
}

#[tokio::test]
async fn every_user_is_made_once_with_one_key_after_one_resume_at_most() {
    for seed in [1, 7] {
        let mut sandbox = Sandbox::new().await;
        sandbox.var("EMBEDCTL_SOLE_MINTER", "true");
        sandbox.file("users.csv", &csv());
        let faults = faults(seed);
        assert!(faults.len() > USERS / 8, "{}", faults.len());
        for fault in faults {
            sandbox.emulator().inject(fault);
        }

        let (exit, summary) = apply(&sandbox).await;
        sandbox.emulator().clear_faults();
        if exit == 3 {
            let (exit, again) = apply(&sandbox).await;
            assert_eq!(exit, 0, "{again}");
        }

        assert!(summary["created"].as_u64().unwrap() > 250, "{summary}");
        assert_made_once(&sandbox, sandbox.emulator()).await;
        sandbox.finish().await;
    }
}

#[tokio::test]
async fn killed_five_times_on_the_way_every_user_is_made_once_all_the_same() {
    let emulator = Emulator::start(Options {
        latency: Latency::Fixed(Duration::from_millis(2)),
        strict: true,
        ..Options::default()
    })
    .await
    .unwrap();
    let mut sandbox = Sandbox::offline();
    sandbox.points_at(&emulator);
    sandbox
        .var("EMBEDCTL_SOLE_MINTER", "true")
        .var("EMBEDCTL_TIMEOUT", "5s")
        .var("EMBEDCTL_TEST_SERVER_GRACE_MS", "100");
    sandbox.file("users.csv", &csv());
    let minted = || {
        let requests = emulator.requests();
        let of = |request: &&embedctl::emulator::RequestRecord| request.operation == CALLS[2];
        requests.iter().filter(of).count()
    };
    for kill in 1..=5 {
        let mut process = tokio::process::Command::from(sandbox.process(&ARGS));
        process.stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = process.kill_on_drop(true).spawn().unwrap();
        in_time(async {
            while minted() < kill * 40 {
                tokio::task::yield_now().await;
            }
        })
        .await;
        child.kill().await.unwrap();
    }

    let (exit, summary) = apply(&sandbox).await;

    assert_eq!(exit, 0, "{summary}");
    assert_made_once(&sandbox, &emulator).await;
    assert_eq!(emulator.violations(), []);
    let (_, again) = apply(&sandbox).await;
    assert_eq!(again["unchanged"], USERS);
    emulator.stop().await;
}

/// Every user is there once, with one key, whose secret is in the file.
async fn assert_made_once(sandbox: &Sandbox, emulator: &Emulator) {
    let text = sandbox.read("keys.jsonl");
    let delivered = delivered_keys(&text);
    let admin = client(
        emulator.base_url(),
        emulator.client_id(),
        emulator.client_secret(),
    );
    let search = UserSearch {
        embed_user: Some(true),
        ..UserSearch::default()
    };
    let users = admin.search_users(&search).await.unwrap();
    admin.logout().await.unwrap();
    assert_eq!(users.len(), USERS);
    for user in users {
        let keys = user.credentials_api3.clone().unwrap();
        let id = user.external_user_id().unwrap();
        assert_eq!(keys.len(), 1, "{id}: {keys:?}");
        assert!(delivered[id].contains(&keys[0].client_id), "{id}");
    }
}
