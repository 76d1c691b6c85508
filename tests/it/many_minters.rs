//! Several create keys for the same users at once, an admin, a runner, another machine, and none touches another's keys.

use std::collections::BTreeSet;

use embedctl::emulator::{Effect, Fault, Options};
use serde_json::Value;

use crate::clients::{admin, embed_users, kept, key_ids, login};
use crate::support::{Outcome, Sandbox};

const MINT: &str = "create_user_credentials_api3";
const DELETE: &str = "delete_user_credentials_api3";
const USERS: usize = 4;
const MINT_ALL: [&str; 9] = [
    "keys",
    "mint",
    "--all",
    "--keys-to",
    "file:keys.jsonl",
    "--concurrency",
    "2",
    "-o",
    "json",
];

async fn looker() -> Sandbox {
    let options = Options {
        users: USERS,
        ..Options::default()
    };
    Sandbox::with(options).await
}

/// Another machine: another folder, another ledger, the same Looker.
fn another_machine(first: &Sandbox) -> Sandbox {
    let mut sandbox = Sandbox::offline();
    sandbox.points_at(first.emulator());
    sandbox
}

fn user(number: usize) -> String {
    format!("user-{number}")
}

/// The keys of all users, by Looker's id.
async fn all_keys(sandbox: &Sandbox) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    for number in 1..=USERS {
        all.extend(key_ids(sandbox.emulator(), &user(number)).await);
    }
    all
}

fn deletions(sandbox: &Sandbox) -> usize {
    let requests = sandbox.emulator().requests();
    requests.iter().filter(|it| it.operation == DELETE).count()
}

/// The ids of the keys in the sink, each of which must log in.
async fn delivered(looker: &Sandbox, machine: &Sandbox) -> BTreeSet<String> {
    let mut ids = BTreeSet::new();
    for key in kept(&machine.path("keys.jsonl")) {
        let user = login(looker.emulator().base_url(), &key).await;
        assert_eq!(user.as_deref(), key["looker_user_id"].as_str(), "{key}");
        ids.insert(key["key_id"].as_str().unwrap().to_owned());
    }
    ids
}

/// Go on until the run is done; everything that was said on the way.
async fn to_the_end(machine: &Sandbox, first: Outcome) -> String {
    let mut told = first.err.clone();
    if first.exit == 0 {
        return told;
    }
    let _incomplete = first.exits(3);
    for _ in 0..3 {
        let list = ["runs", "list", "--limit", "1", "-o", "json"];
        let run = machine.run(&list).await.done().json();
        let resume = ["runs", "resume", run[0]["id"].as_str().unwrap()];
        let outcome = machine.run(&resume).await;
        told.push_str(&outcome.err);
        if outcome.exit == 0 {
            return told;
        }
        let _incomplete = outcome.exits(3);
    }
    panic!("the run has no end: {told}");
}

#[tokio::test]
async fn another_admin_who_creates_a_key_at_every_mint_loses_none() {
    let sandbox = looker().await;
    // The keys of the other admin come into being one after the other while the run goes on.
    let other = admin(sandbox.emulator());
    for (at, (_, id)) in (0..).zip(embed_users(&other).await) {
        let late = Fault::new(Effect::Late(12 + 3 * at)).on(MINT);
        sandbox.emulator().inject(late);
        let _lost = other.create_api3_key(&id).await.unwrap_err();
    }
    let lost = Fault::new(Effect::ResetAfter).on(MINT).times(3);
    sandbox.emulator().inject(lost);

    let first = sandbox.run(&MINT_ALL).await;
    let told = to_the_end(&sandbox, first).await;

    other.logout().await.unwrap();
    let delivered = delivered(&sandbox, &sandbox).await;
    let (users, alive) = (USERS, all_keys(&sandbox).await);
    assert_eq!(delivered.len(), users, "{told}");
    // One of the other admin for each user, and one for each answer that was lost.
    assert_eq!(alive.len(), users + users + 3, "{told}");
    assert_eq!(deletions(&sandbox), 0, "{told}");
    let left: Vec<_> = alive.difference(&delivered).collect();
    let named = left
        .iter()
        .filter(|key| told.contains(&format!("key {key} ")) || told.contains(&format!("{key},")));
    assert!(named.count() >= 3, "of {left:?} was told: {told}");
    let orphans = ["keys", "orphans", "-o", "json"];
    let orphans = sandbox.run(&orphans).await.done().json();
    let listed = orphans.as_array().unwrap().iter();
    let listed: BTreeSet<_> = listed.map(|key| key["key_id"].as_str().unwrap()).collect();
    assert_eq!(listed, left.into_iter().map(String::as_str).collect());
    sandbox.finish().await;
}

#[tokio::test]
async fn two_runners_with_a_ledger_each_leave_each_other_their_keys() {
    let sandbox = looker().await;
    let other = another_machine(&sandbox);
    let lost = Fault::new(Effect::ResetAfter).on(MINT).after(1).times(2);
    sandbox.emulator().inject(lost);

    let (first, second) = tokio::join!(sandbox.run(&MINT_ALL), other.run(&MINT_ALL));
    let told = to_the_end(&sandbox, first).await + &to_the_end(&other, second).await;

    let (ours, theirs) = (
        delivered(&sandbox, &sandbox).await,
        delivered(&sandbox, &other).await,
    );
    let (users, alive) = (USERS, all_keys(&sandbox).await);
    assert_eq!((ours.len(), theirs.len()), (users, users), "{told}");
    assert!(ours.is_disjoint(&theirs), "{told}");
    assert_eq!(alive.len(), users + users + 2, "{told}");
    assert_eq!(deletions(&sandbox), 0, "{told}");
    for orphan in alive
        .iter()
        .filter(|key| !ours.contains(*key) && !theirs.contains(*key))
    {
        assert!(told.contains(orphan.as_str()), "key {orphan}: {told}");
    }
    sandbox.finish().await;
}

#[tokio::test]
async fn a_file_of_another_machine_is_not_believed_to_lack_a_key_and_a_store_only_if_it_is_trusted()
{
    let sandbox = looker().await;
    let mint = ["keys", "mint", "user-1", "--keys-to", "file:keys.jsonl"];
    let _delivered = sandbox.run(&mint).await.done();
    let other = another_machine(&sandbox);
    let orphans = ["keys", "orphans", "-o", "json"];
    let with = |more: &[&'static str]| [&orphans[..], more].concat();
    // It has no key.
    let store = "exec:case $(cat) in *probe*) exit 0;; *) exit 1;; esac";

    let file = with(&["--keys-to", "file:keys.jsonl"]);
    let by_file = other.run(&file).await.done().json();
    let trusted_file = other
        .run(&[&file[..], &["--trust-sink"]].concat())
        .await
        .exits(2);
    let by_store = with(&["--keys-to", store]);
    let listed = other.run(&by_store).await.done().json();
    let trusting = [&by_store[..], &["--trust-sink"]].concat();
    let trusted = other.run(&trusting).await.done().json();

    assert_eq!(by_file, Value::Array(Vec::new()));
    assert!(
        trusted_file.err.contains("shared store"),
        "{}",
        trusted_file.err
    );
    assert_eq!(listed, Value::Array(Vec::new()));
    let key = key_ids(sandbox.emulator(), "user-1").await;
    assert_eq!(
        trusted[0]["key_id"].as_str(),
        key.first().map(String::as_str)
    );
    assert_eq!(deletions(&sandbox), 0);
    sandbox.finish().await;
}
