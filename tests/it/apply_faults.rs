//! `embedctl apply` where one call in twenty goes wrong: every user is made once, with one key that works.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use embedctl::emulator::{Effect, ErrorBody, Fault};
use embedctl::looker::UserSearch;
use serde_json::Value;

use crate::support::Sandbox;

const USERS: usize = 300;

/// The calls that an apply makes for each user.
const CALLS: [&str; 4] = [
    "login_embed",
    "user_for_credential",
    "create_user_credentials_api3",
    "update_user_credentials_api3",
];

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
        for call in 0..USERS {
            if dice.roll(20) == 0 {
                let effect = effects[dice.roll(effects.len())].clone();
                faults.push(
                    Fault::new(effect)
                        .on(operation)
                        .after(u32::try_from(call).unwrap()),
                );
            }
        }
    }
    faults
}

async fn apply(sandbox: &Sandbox) -> (u8, Value) {
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
    let outcome = sandbox.run(&args).await;
    assert!(matches!(outcome.exit, 0 | 3), "{}", outcome.err);
    (outcome.exit, outcome.json())
}

#[tokio::test]
async fn every_user_is_made_once_with_one_key_after_one_resume_at_most() {
    for seed in [1, 7] {
        let sandbox = Sandbox::new().await;
        let rows: String = (0..USERS)
            .map(|number| format!("acme-{number},demo,access_data,ensure\n"))
            .collect();
        sandbox.file(
            "users.csv",
            &format!("external_user_id,models,permissions,key\n{rows}"),
        );
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
        let text = sandbox.read("keys.jsonl");
        let mut delivered = BTreeMap::<String, BTreeSet<String>>::new();
        for line in text.lines() {
            let key: Value = serde_json::from_str(line).unwrap();
            let text = |name: &str| key[name].as_str().unwrap().to_owned();
            delivered
                .entry(text("external_user_id"))
                .or_default()
                .insert(text("client_id"));
        }
        let admin = sandbox.admin();
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
        sandbox.finish().await;
    }
}
