//! One call in twenty goes wrong, and in a second run embedctl is killed five times besides: every user is made once.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::job::{Applied, Job};
use crate::looker::Looker;

const USERS: u32 = 10_000;

const WIDTH: u32 = 64;

/// The calls that are made for each user.
const CALLS: [&str; 4] = [
    "login_embed",
    "user_for_credential",
    "create_user_credentials_api3",
    "update_user_credentials_api3",
];

const KILLS: u32 = 5;

/// How often it is looked whether it is time to kill.
const RHYTHM: Duration = Duration::from_millis(5);

pub(crate) fn run(test: bool) {
    let users = if test { 60 } else { USERS };
    for (seed, kills) in [(1, 0), (2, 0), (3, KILLS)] {
        let looker = Looker::start(u32::from(test && kills > 0));
        looker.inject(&faults(seed, users));
        println!("{users} users (seed {seed})");
        let job = Job::new(users, "ensure");
        for _ in 0..kills {
            kill(&job, &looker, users / (kills + 2));
        }
        let first = job.apply(&looker, WIDTH);
        print("applied", &first);
        if first.count("failed") > 0 {
            let resumed = job.apply(&looker, WIDTH);
            print("applied again", &resumed);
            assert_eq!(resumed.count("failed"), 0, "{}", resumed.ended.err);
        }
        assert_made_once(&job, &looker, users);
    }
}

/// Apply the job, and kill the process once it has minted so many keys.
fn kill(job: &Job, looker: &Looker, keys: u32) {
    let minted = || looker.calls().get(CALLS[2]).copied().unwrap_or_default();
    let before = minted();
    let began = Instant::now();
    let mut program = job.start(looker, WIDTH);
    while program.runs() && minted() < before + keys {
        std::thread::park_timeout(RHYTHM);
    }
    let what = match program.kill() {
        true => "killed",
        false => "ended by itself",
    };
    let (seconds, keys) = (began.elapsed().as_secs_f64(), minted() - before);
    println!("  {what} after {seconds:.1} s, with {keys} keys minted");
}

fn print(what: &str, done: &Applied) {
    println!(
        "  {what}: exit code {}, {:.1} s, created {}, keys delivered {} and revoked {}, failed {}",
        done.ended.status.code().unwrap_or_default(),
        done.ended.elapsed.as_secs_f64(),
        done.count("created"),
        done.count("keys_delivered"),
        done.count("keys_revoked"),
        done.count("failed"),
    );
}

/// Let one in twenty of the calls go wrong that a run without faults would make for `users`; `seed` chooses them.
fn faults(seed: u64, users: u32) -> Value {
    let (mut dice, effects) = (Dice(seed), effects());
    let mut faults = Vec::new();
    for operation in CALLS {
        // A fault counts calls from where the one before it has struck.
        let mut passed = 0;
        for _ in 0..users {
            if dice.roll(20) == 0 {
                let effect = &effects[dice.roll(effects.len())];
                faults.push(json!({ "operation": operation, "skip": passed, "effect": effect }));
                passed = 0;
            } else {
                passed += 1;
            }
        }
    }
    Value::Array(faults)
}

/// Everything that the local Looker can do wrong.
fn effects() -> [Value; 13] {
    [
        json!({ "status": { "code": 500 } }),
        json!({ "status": { "code": 502, "body": "empty" } }),
        json!({ "status": { "code": 503, "body": "html" } }),
        json!({ "status": { "code": 429, "retry_after": "0" } }),
        json!("reset_before"),
        json!("reset_after"),
        json!("truncate"),
        json!("garbage"),
        json!({ "huge": 1 << 26 }),
        json!({ "redirect": "/elsewhere" }),
        json!({ "slow_headers": "20ms" }),
        json!({ "slow_body": "20ms" }),
        json!({ "delay": "20ms" }),
    ]
}

/// Numbers that look random and are the same in every run with the same seed: those of Knuth's MMIX generator.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        let product = self.0.wrapping_mul(6_364_136_223_846_793_005);
        self.0 = product.wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % sides
    }
}

/// Every user is there once, with one key, which was delivered and with which it can log in.
fn assert_made_once(job: &Job, looker: &Looker, users: u32) {
    looker.assert_understood();
    let mut delivered = BTreeMap::new();
    for key in job.keys() {
        let text = |member: &str| key[member].as_str().unwrap().to_owned();
        let owner = (text("external_user_id"), text("client_secret"));
        delivered.insert(text("client_id"), owner);
    }
    let mut seen = BTreeSet::new();
    for user in looker.embed_users() {
        let id = user["external_user_id"].as_str().unwrap();
        let keys = user["keys"].as_array().map_or(&[][..], Vec::as_slice);
        assert_eq!(keys.len(), 1, "{id} has other than one key");
        let client_id = keys[0]["client_id"].as_str().unwrap();
        let key = delivered.remove(client_id);
        let (owner, secret) = key.unwrap_or_else(|| panic!("{client_id} of {id} was lost"));
        assert_eq!(owner, id);
        assert!(looker.knows_key(client_id, &secret), "{client_id} of {id}");
        assert!(seen.insert(id.to_owned()), "{id} was made twice");
    }
    assert_eq!(seen.len(), usize::try_from(users).unwrap());
    println!(
        "  {} calls went wrong; {users} users, each once and with one key, which logs in; {} more keys were delivered and revoked",
        looker.struck(),
        delivered.len()
    );
}
