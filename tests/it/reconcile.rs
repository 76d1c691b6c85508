//! What becomes of a key whose answer is lost, comes late, or is refused: nothing is revoked on a guess, nothing is left untold.

use std::os::unix::fs::DirBuilderExt as _;
use std::time::Duration;

use embedctl::emulator::{Effect, ErrorBody, Fault, Options};
use embedctl::system::Clock;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::clients::{foreign_key, kept, key_ids, keys, login};
use crate::support::{Outcome, Sandbox};

const MINT: &str = "create_user_credentials_api3";
const DELETE: &str = "delete_user_credentials_api3";
const ARGS: [&str; 4] = ["keys", "mint", "user-1", "-o"];

/// A Looker with two users whose own clock is `ahead` seconds of what its answers say, in which time stands still.
async fn looker(ahead: i64) -> Sandbox {
    let clock = Clock::manual(Timestamp::from_second(1_700_000_000).unwrap());
    let mut options = Options {
        clock: clock.clone(),
        users: 2,
        ..Options::default()
    };
    options.switches.created_at_offset = ahead;
    let mut sandbox = Sandbox::with(options).await;
    sandbox.clock(clock);
    sandbox
}

async fn mint(sandbox: &Sandbox, more: &[&str]) -> Outcome {
    sandbox.run(&[&ARGS[..], &["json"], more].concat()).await
}

fn deletions(sandbox: &Sandbox) -> usize {
    let requests = sandbox.emulator().requests();
    requests.iter().filter(|it| it.operation == DELETE).count()
}

/// A machine that has never seen the ledger of another one.
fn move_to_another_machine(sandbox: &mut Sandbox) {
    let ledger = sandbox.path("another.sqlite").display().to_string();
    sandbox.var("EMBEDCTL_LEDGER", ledger);
}

async fn logs_in(sandbox: &Sandbox, outcome: &Outcome) {
    let key = &outcome.json()["key"];
    let user = login(sandbox.emulator().base_url(), key).await;
    assert!(user.is_some(), "{key}");
}

#[tokio::test]
async fn a_nameless_key_after_a_lost_answer_is_named_once_and_left_and_the_rerun_mints_another() {
    for ahead in [-10, 0, 10] {
        let sandbox = looker(ahead).await;
        sandbox
            .emulator()
            .inject(Fault::new(Effect::ResetAfter).on(MINT));

        let first = mint(&sandbox, &[]).await.exits(3);
        let orphan = keys(sandbox.emulator(), "user-1").await[0].id.clone();
        let told = first.error()["message"].as_str().unwrap().to_owned();
        assert!(told.contains(&format!("key {orphan} of")), "{told}");
        let second = mint(&sandbox, &[]).await.done();

        logs_in(&sandbox, &second).await;
        let said = format!("key {orphan} was left");
        assert!(second.err.contains(&said), "{}", second.err);
        let reconciled = &second.json()["reconciled"][0];
        assert_eq!(
            (&reconciled["key_id"], &reconciled["revoked"]),
            (&json!(orphan), &json!(false))
        );
        assert_eq!(deletions(&sandbox), 0);
        let run = sandbox
            .run(&["runs", "list", "-o", "json"])
            .await
            .done()
            .json();
        let shown = sandbox
            .run(&["runs", "show", run[0]["id"].as_str().unwrap()])
            .await
            .done();
        assert!(shown.out.contains(&said), "{}", shown.out);
        sandbox.finish().await;
    }
}

#[tokio::test]
async fn where_nothing_else_creates_keys_the_orphan_is_revoked_whatever_lookers_clock_says() {
    for ahead in [-10, 0, 10] {
        let sandbox = looker(ahead).await;
        sandbox
            .emulator()
            .inject(Fault::new(Effect::ResetAfter).on(MINT));

        let file = ["--sole-minter", "--keys-to", "file:keys.jsonl"];
        let outcome = mint(&sandbox, &file).await.done();

        let kept = kept(&sandbox.path("keys.jsonl"));
        let user = login(sandbox.emulator().base_url(), &kept[0]).await;
        assert!(user.is_some() && kept.len() == 1, "{kept:?}");
        assert_eq!(outcome.json()["reconciled"][0]["revoked"], true);
        assert!(outcome.err.contains("was revoked"), "{}", outcome.err);
        assert_eq!(keys(sandbox.emulator(), "user-1").await.len(), 1, "{ahead}");
        sandbox.finish().await;
    }
}

#[tokio::test]
async fn somebody_elses_key_is_not_touched_when_a_mint_fails_before_its_effect() {
    let sandbox = looker(0).await;
    let fault = Fault::new(Effect::ResetBefore).on(MINT).times(3);
    sandbox.emulator().inject(fault);
    let _failed = mint(&sandbox, &["--retries", "0"]).await.exits(3);
    let foreign = foreign_key(sandbox.emulator(), "user-1").await;

    let named = mint(&sandbox, &[]).await.exits(3);
    let minted = mint(&sandbox, &[]).await.done();

    assert!(
        named.err.contains(&format!("key {foreign} of")),
        "{}",
        named.err
    );
    logs_in(&sandbox, &minted).await;
    assert!(
        key_ids(sandbox.emulator(), "user-1")
            .await
            .contains(&foreign)
    );
    assert_eq!(deletions(&sandbox), 0);
    sandbox.finish().await;
}

#[tokio::test]
async fn two_nameless_keys_are_named_even_where_nothing_else_is_said_to_create_keys() {
    let sandbox = looker(0).await;
    let fault = Fault::new(Effect::ResetAfter).on(MINT).times(3);
    sandbox.emulator().inject(fault);
    // Without a key that was answered, Looker's clock is not known, and nothing is concluded from times.
    let first = mint(&sandbox, &["--sole-minter"]).await.exits(3);

    assert_eq!(deletions(&sandbox), 0);
    for key in keys(sandbox.emulator(), "user-1").await {
        assert!(first.err.contains(&key.id), "{}", first.err);
    }
    sandbox.finish().await;
}

#[tokio::test]
async fn a_key_that_comes_late_is_found_at_the_end_of_the_run() {
    for sole_minter in [false, true] {
        let sandbox = looker(0).await;
        let late = format!("{MINT}:late=3").parse().unwrap();
        sandbox.emulator().inject(late);
        let more: &[&str] = if sole_minter { &["--sole-minter"] } else { &[] };

        let outcome = mint(&sandbox, more).await;

        let alive = keys(sandbox.emulator(), "user-1").await;
        if sole_minter {
            assert_eq!((outcome.exit, alive.len()), (0, 1), "{}", outcome.err);
            assert!(outcome.err.contains("was revoked"), "{}", outcome.err);
        } else {
            assert_eq!((outcome.exit, alive.len()), (3, 2), "{}", outcome.err);
            let orphan = alive.iter().find(|key| key.purpose.is_none()).unwrap();
            assert!(
                outcome.err.contains(&format!("key {} of", orphan.id)),
                "{}",
                outcome.err
            );
            let _rerun = mint(&sandbox, &[]).await.done();
        }
        sandbox.finish().await;
    }
}

#[tokio::test]
async fn a_key_that_looker_does_not_delete_is_named() {
    let mut options = Options {
        users: 1,
        ..Options::default()
    };
    options.switches.revoke_is_ignored = true;
    let sandbox = Sandbox::with(options).await;
    let minted = mint(&sandbox, &[]).await.done().json();
    let id = minted["key"]["id"].as_str().unwrap();

    let revoke = ["keys", "revoke", "user-1", id, "--yes"];
    let outcome = sandbox.run(&revoke).await.exits(3);

    assert!(
        outcome.err.contains(&format!("still lists key {id}")),
        "{}",
        outcome.err
    );
    assert!(!outcome.err.contains("Revoked key"), "{}", outcome.err);
    sandbox.finish().await;
}

#[tokio::test]
async fn orphans_lists_what_nobody_received_and_revokes_nobody_elses() {
    let sandbox = looker(0).await;
    let _delivered = mint(&sandbox, &[]).await.done();
    let foreign = foreign_key(sandbox.emulator(), "user-1").await;
    let orphans = ["keys", "orphans", "--match", "user-*", "-o", "json"];
    let with = |more: &[&'static str]| [&orphans[..], more].concat();

    let listed = sandbox.run(&orphans).await.done().json();
    let left = sandbox
        .run(&with(&["--revoke", "--yes"]))
        .await
        .done()
        .json();
    let before = key_ids(sandbox.emulator(), "user-1").await;
    let asked = sandbox
        .run(&with(&["--revoke", "--sole-minter"]))
        .await
        .exits(2);
    let revoke = ["--revoke", "--sole-minter", "--yes"];
    let revoked = sandbox.run(&with(&revoke)).await.done().json();

    assert_eq!(listed[0]["key_id"], foreign);
    assert_eq!(
        (&listed[0]["state"], &listed[0]["owner"]),
        (&json!("nameless"), &json!("foreign"))
    );
    assert_eq!(listed.as_array().unwrap().len(), 1);
    assert!(
        left[0]["outcome"].as_str().unwrap().starts_with("left"),
        "{left}"
    );
    assert!(before.contains(&foreign), "{before:?}");
    assert!(asked.err.contains("--yes"), "{}", asked.err);
    assert_eq!(revoked[0]["outcome"], "revoked");
    assert_eq!(keys(sandbox.emulator(), "user-1").await.len(), 1);
    sandbox.finish().await;
}

#[tokio::test]
async fn reap_and_rotate_go_by_the_tags_on_a_machine_without_the_ledger() {
    let mut sandbox = looker(0).await;
    let limited = mint(&sandbox, &["--ttl", "1h", "--key-purpose", "a trial"])
        .await
        .done()
        .json();
    let _other = sandbox.run(&["keys", "mint", "user-2"]).await.done();
    let rotate = [
        "keys",
        "rotate",
        "user-2",
        "--yes",
        "--overlap",
        "1h",
        "-o",
        "json",
    ];
    move_to_another_machine(&mut sandbox);
    let rotated = sandbox.run(&rotate).await.done().json();
    let ledger = sandbox.path("a-third.sqlite").display().to_string();
    sandbox.var("EMBEDCTL_LEDGER", ledger);

    let early = sandbox
        .run(&["keys", "reap", "-o", "json"])
        .await
        .done()
        .json();
    let (system, _) = sandbox.system(embedctl::system::Input::empty());
    system.clock.sleep(Duration::from_secs(3_600)).await;
    let due = sandbox
        .run(&["keys", "reap", "-o", "json"])
        .await
        .done()
        .json();

    assert_eq!(early["revoked"], 0);
    let of = |user: &str| -> Value {
        let mut keys = due["keys"].as_array().unwrap().iter();
        keys.find(|key| key["external_user_id"] == user).unwrap()["id"].clone()
    };
    assert_eq!(due["revoked"], 2);
    assert_eq!(
        (of("user-1"), of("user-2")),
        (limited["key"]["id"].clone(), rotated["replaced"][0].clone())
    );
    sandbox.finish().await;
}

#[tokio::test]
async fn who_may_manage_keys_is_found_out_and_said_where_nobody_may() {
    for status in [403, 404] {
        let mut options = Options {
            users: 1,
            ..Options::default()
        };
        options.switches.key_refusal_status = status;
        options.switches.key_rights = "self".parse().unwrap();
        let itself = Sandbox::with(options.clone()).await;
        let minted = mint(&itself, &[]).await.done();
        logs_in(&itself, &minted).await;
        let admin = itself.admin();
        let user = admin
            .user_for_credential_embed("user-1")
            .await
            .unwrap()
            .unwrap();
        admin.logout().await.unwrap();
        assert_ne!(user.can_manage_api3_creds, Some(true), "set back");
        itself.finish().await;

        options.switches.key_rights = "nobody".parse().unwrap();
        let nobody = Sandbox::with(options).await;
        let refused = mint(&nobody, &[]).await.exits(4);
        let hint = refused.error()["hint"].as_str().unwrap().to_owned();
        assert!(hint.contains("api --as"), "{hint}");
        nobody.finish().await;
    }
}

/// How many calls a mint makes before the one that tags the key.
async fn calls_before_the_tag(sandbox: &Sandbox, user: &str) -> u32 {
    let before = sandbox.emulator().requests().len();
    let _minted = sandbox.run(&["keys", "mint", user]).await.done();
    let requests = sandbox.emulator().requests();
    let mut operations = requests[before..].iter().map(|it| it.operation);
    let tag = operations.position(|operation| operation == "update_user_credentials_api3");
    tag.unwrap().try_into().unwrap()
}

#[tokio::test]
async fn a_key_that_somebody_revokes_before_it_is_tagged_is_replaced() {
    let sandbox = looker(0).await;
    let calls = calls_before_the_tag(&sandbox, "user-2").await;
    let newest = keys(sandbox.emulator(), "user-2").await[0].id.clone();
    let next = (newest.parse::<u64>().unwrap() + 1).to_string();
    // Somebody's deletion of the key that will be created, which takes effect right before it is tagged.
    let admin = sandbox.admin();
    let user = admin.user_for_credential_embed("user-1").await;
    let user = user.unwrap().unwrap().id;
    let late = Fault::new(Effect::Late(calls + 1)).on(DELETE);
    sandbox.emulator().inject(late);
    let _lost = admin.delete_api3_key(&user, &next).await.unwrap_err();
    admin.logout().await.unwrap();

    let to = ["--keys-to", "file:keys.jsonl"];
    let outcome = mint(&sandbox, &to).await.done();

    let delivered = outcome.json()["key"]["id"].clone();
    let kept = kept(&sandbox.path("keys.jsonl"));
    let kept = kept.iter().find(|key| key["key_id"] == delivered);
    let logged_in = login(sandbox.emulator().base_url(), kept.unwrap()).await;
    assert_eq!(logged_in.as_ref(), Some(&user));
    let said = format!("key {next} was revoked by someone else");
    assert!(outcome.err.contains(&said), "{}", outcome.err);
    let alive = key_ids(sandbox.emulator(), "user-1").await;
    assert_eq!(alive.len(), 1, "{alive:?}");
    assert!(!alive.contains(&next), "{alive:?}");
    sandbox.finish().await;
}

#[tokio::test]
async fn an_answer_that_names_a_key_that_was_there_stops_by_name_and_revokes_nothing() {
    let mut options = Options {
        users: 1,
        ..Options::default()
    };
    options.switches.mint_shows_old_key = true;
    let sandbox = Sandbox::with(options).await;
    let foreign = foreign_key(sandbox.emulator(), "user-1").await;

    let first = mint(&sandbox, &[]).await.exits(3);
    let created = keys(sandbox.emulator(), "user-1").await[1].id.clone();
    let second = mint(&sandbox, &[]).await.exits(3);

    let said = format!("with key {foreign}, which already existed");
    assert!(first.err.contains(&said), "{}", first.err);
    // What was created then says nothing of itself.
    for told in [first.err, second.err] {
        assert!(told.contains(&format!("key {created} of")), "{told}");
    }
    assert_eq!(deletions(&sandbox), 0);
    sandbox.finish().await;
}

#[tokio::test]
async fn a_token_that_is_refused_after_the_effect_is_a_lost_answer() {
    for sole_minter in [false, true] {
        let sandbox = looker(0).await;
        let body = ErrorBody::Json;
        let refused = Effect::StatusAfter { code: 401, body };
        sandbox.emulator().inject(Fault::new(refused).on(MINT));
        let more: &[&str] = if sole_minter { &["--sole-minter"] } else { &[] };

        let outcome = mint(&sandbox, more).await;

        let alive = keys(sandbox.emulator(), "user-1").await;
        if sole_minter {
            assert_eq!((outcome.exit, alive.len()), (0, 1), "{}", outcome.err);
        } else {
            assert_eq!((outcome.exit, alive.len()), (3, 1), "{}", outcome.err);
            let said = format!("key {} of", alive[0].id);
            assert!(outcome.err.contains(&said), "{}", outcome.err);
            let rerun = mint(&sandbox, &[]).await.done();
            logs_in(&sandbox, &rerun).await;
            assert_eq!(deletions(&sandbox), 0);
        }
        sandbox.finish().await;
    }
}

#[tokio::test]
async fn a_limit_on_keys_is_told_with_the_key_that_can_make_room() {
    let mut options = Options {
        users: 1,
        ..Options::default()
    };
    options.switches.max_keys = 1;
    let sandbox = Sandbox::with(options).await;
    let foreign = foreign_key(sandbox.emulator(), "user-1").await;

    let refused = mint(&sandbox, &[]).await;

    assert_ne!(refused.exit, 0);
    let error = refused.error();
    let told = error["message"].as_str().unwrap();
    assert!(told.contains("no more than the 1 key it has"), "{told}");
    let hint = error["hint"].as_str().unwrap();
    let command = format!("keys revoke user-1 {foreign} --foreign`");
    assert!(hint.contains(&command), "{hint}");
    assert_eq!(deletions(&sandbox), 0);
    sandbox.finish().await;
}

#[tokio::test]
async fn a_key_whose_only_copy_is_overwritten_is_named() {
    for sink in ["dir:keys", "env:keys.env"] {
        let sandbox = looker(0).await;
        std::fs::DirBuilder::new()
            .mode(0o700)
            .create(sandbox.path("keys"))
            .unwrap();
        let to = ["--keys-to", sink];
        let first = mint(&sandbox, &to).await.done().json();
        let replaced = first["key"]["id"].as_str().unwrap();

        let second = mint(&sandbox, &to).await.done();

        let said = format!("key {replaced} still works");
        assert!(second.err.contains(&said), "{sink}: {}", second.err);
        let revoke = format!("keys revoke user-1 {replaced}");
        assert!(second.err.contains(&revoke), "{sink}: {}", second.err);
        assert_eq!(keys(sandbox.emulator(), "user-1").await.len(), 2);
        sandbox.finish().await;
    }
}

#[tokio::test]
async fn what_the_ledger_knows_is_reaped_where_nobody_may_list_the_keys_of_all() {
    let mut options = Options {
        users: 2,
        clock: Clock::manual(Timestamp::from_second(1_700_000_000).unwrap()),
        ..Options::default()
    };
    options.switches.set("key_list_rights", "self").unwrap();
    let clock = options.clock.clone();
    let mut sandbox = Sandbox::with(options).await;
    sandbox.clock(clock.clone());
    let limited = mint(&sandbox, &["--ttl", "1h"]).await.done().json();
    clock.sleep(Duration::from_secs(3_600)).await;

    let outcome = sandbox.run(&["keys", "reap", "-o", "json"]).await.exits(3);

    assert_eq!(outcome.json()["revoked"], 1, "{}", outcome.err);
    assert!(outcome.err.contains("other machines"), "{}", outcome.err);
    let minted = limited["key"].clone();
    let user = login(sandbox.emulator().base_url(), &minted).await;
    assert_eq!((user, deletions(&sandbox)), (None, 1));
    sandbox.finish().await;
}
