//! What `doctor --probe` found out about a Looker is used by the commands that come after it.

use std::fs;

use embedctl::emulator::{Mode, Options};
use serde_json::{Value, json};

use crate::rotation::{rotate, rotation_with};
use crate::support::Sandbox;

const MINT: &str = "create_user_credentials_api3";

async fn probe(sandbox: &Sandbox) {
    let _probed = sandbox.run(&["doctor", "--probe"]).await.done();
}

/// The statuses of all requests for a key after the first `from` requests, and who made them.
fn mints(sandbox: &Sandbox, from: usize) -> Vec<u16> {
    let requests = sandbox.emulator().requests();
    let mints = requests[from..].iter().filter(|it| it.operation == MINT);
    mints.map(|it| it.status).collect()
}

async fn keys_by(sandbox: &Sandbox) -> Value {
    let args = ["create-user", "acme-7", "--dry-run", "-o", "json"];
    sandbox.run(&args).await.done().json()["keys_by"].clone()
}

#[tokio::test]
async fn a_source_that_the_probe_saw_for_an_own_value_counts_as_own() {
    let sandbox = rotation_with(|options| {
        let switches = &mut options.switches;
        switches.set("source_of_user", "Own Value").unwrap();
    })
    .await;
    let refused = rotate(&sandbox, &["--dry-run"]).await.exits(2);
    assert!(refused.err.contains("--take-unknown"), "{}", refused.err);

    probe(&sandbox).await;

    let _moved = rotate(&sandbox, &[]).await.done();
    sandbox.finish().await;
}

#[tokio::test]
async fn who_may_create_keys_is_named_and_asked_first_once_the_probe_knows_it() {
    let sandbox = Sandbox::with(Options {
        mode: Mode::Core,
        ..Options::default()
    })
    .await;
    assert_eq!(keys_by(&sandbox).await, Value::Null);
    let args = ["create-user", "acme-7", "--dry-run"];
    let said = sandbox.run(&args).await.done().out;
    assert!(said.contains("found out with the first one"), "{said}");

    probe(&sandbox).await;

    assert_eq!(keys_by(&sandbox).await, "user");
    let said = sandbox.run(&args).await.done().out;
    assert!(said.contains("created by each user itself"), "{said}");
    let from = sandbox.emulator().requests().len();
    let args = ["create-user", "acme-7", "--keys-to", "file:keys.jsonl"];
    let _made = sandbox.run(&args).await.done();
    let by_admin = sandbox.emulator().requests()[from..]
        .iter()
        .any(|it| it.operation == MINT && it.as_user.as_deref() == Some("1"));
    assert!(!by_admin);
    assert_eq!(mints(&sandbox, from).last(), Some(&200));
    sandbox.finish().await;
}

#[tokio::test]
async fn a_kept_answer_that_is_out_of_date_costs_a_refusal_and_nothing_else() {
    for (kept, says) in [("user", "user"), ("nobody", "nobody"), ("admin", "admin")] {
        let sandbox = Sandbox::new().await;
        probe(&sandbox).await;
        let files = sandbox.files().into_iter();
        let mut answers =
            files.filter(|(path, _)| path.extension().is_some_and(|it| it == "answers"));
        let (path, text) = answers.next().unwrap();
        let mut text: Value = serde_json::from_slice(&text).unwrap();
        text["key_authority"] = json!(kept);
        fs::write(path, text.to_string()).unwrap();

        assert_eq!(keys_by(&sandbox).await, says);
        let args = ["create-user", "acme-7", "--keys-to", "file:keys.jsonl"];
        let _made = sandbox.run(&args).await.done();

        assert_eq!(sandbox.read("keys.jsonl").lines().count(), 1);
        let state = sandbox.emulator().state().to_string();
        assert!(!state.contains("\"can_manage_api3_creds\":true"), "{kept}");
        sandbox.finish().await;
    }
}

#[tokio::test]
async fn a_plan_says_who_will_create_the_keys() {
    let sandbox = Sandbox::new().await;
    sandbox.file("users.csv", "external_user_id,key\nacme-1,ensure\n");
    let args = ["plan", "users.csv"];

    let said = sandbox.run(&args).await.done().out;
    assert!(said.contains("found out with the first one"), "{said}");

    probe(&sandbox).await;
    let said = sandbox.run(&args).await.done().out;
    assert!(said.contains("Keys are created by the admin"), "{said}");
    let json = [&args[..], &["-o", "json"]].concat();
    assert_eq!(sandbox.run(&json).await.done().json()["keys_by"], "admin");
    sandbox.finish().await;
}
