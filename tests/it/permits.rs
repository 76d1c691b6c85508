//! Users who are let to manage their own keys for a moment: nothing of it stays, even if embedctl is killed.

use std::process::Stdio;
use std::time::Duration;

use embedctl::emulator::{Effect, Fault, Options};
use embedctl::ledger::sqlite::{Process, SqliteLedger, SqliteOptions};
use embedctl::ledger::{Ledger as _, Permit};
use embedctl::looker::UserChanges;
use embedctl::system::Clock;

use crate::clients::{foreign_key, key_ids};
use crate::support::{Sandbox, in_time};

const DELETE: &str = "delete_user_credentials_api3";
const LIST: [&str; 3] = ["keys", "list", "user-1"];
const TOLD: &str = "a command that was killed had let users manage their own API keys";

/// A Looker with a user, where `rights` may revoke keys.
async fn looker(rights: &str) -> Sandbox {
    let mut options = Options {
        users: 1,
        ..Options::default()
    };
    let set = options.switches.set("key_revoke_rights", rights);
    assert!(set.is_ok());
    options.switches.key_refusal_status = 403;
    let mut sandbox = Sandbox::with(options).await;
    let path = sandbox.path("runs.ledger").display().to_string();
    sandbox.var("EMBEDCTL_LEDGER", path);
    sandbox
}

/// Looker's id of a user, and whether it may manage its own keys.
async fn user(sandbox: &Sandbox, external_user_id: &str) -> (String, bool) {
    let admin = sandbox.admin();
    let found = admin.user_for_credential_embed(external_user_id).await;
    admin.logout().await.unwrap();
    let user = found.unwrap().unwrap();
    (user.id, user.can_manage_api3_creds == Some(true))
}

/// Let a user manage its own keys, as an administrator does.
async fn allow(sandbox: &Sandbox, external_user_id: &str) -> String {
    let (id, _) = user(sandbox, external_user_id).await;
    let admin = sandbox.admin();
    let changes = UserChanges {
        can_manage_api3_creds: Some(true),
        ..UserChanges::default()
    };
    let changed = admin.update_user(&id, &changes).await;
    admin.logout().await.unwrap();
    changed.unwrap().id
}

fn ledger(sandbox: &Sandbox, owner: Process, clock: Clock) -> SqliteLedger {
    let options = SqliteOptions {
        owner,
        ..SqliteOptions::new(clock)
    };
    SqliteLedger::open(sandbox.path("runs.ledger"), &options).unwrap()
}

/// Note users on behalf of a process that has ended.
async fn noted_by_the_dead(sandbox: &Sandbox, users: &[&str]) {
    let dead = Process {
        started: Some(0),
        ..Process::current()
    };
    let ledger = ledger(sandbox, dead, Clock::os());
    for user in users {
        let _noted = ledger.note_permit(user).await.unwrap();
    }
}

/// The users that are noted, as another machine finds them after everybody's lease.
async fn noted(sandbox: &Sandbox) -> Vec<String> {
    let elsewhere = Process {
        space: "elsewhere".to_owned(),
        ..Process::current()
    };
    let later = Clock::manual(Clock::os().now() + Duration::from_secs(120));
    let notes = ledger(sandbox, elsewhere, later).claim_permits().await;
    let user = |permit: Permit| permit.looker_user_id;
    notes.unwrap().into_iter().map(user).collect()
}

#[tokio::test]
async fn what_a_killed_command_left_is_set_back_by_the_next_one_which_says_so() {
    let sandbox = looker("self").await;
    let mint = ["keys", "mint", "user-1"];
    let _minted = sandbox.run(&mint).await.done();
    let key = key_ids(sandbox.emulator(), "user-1").await.pop_first();
    // The admin and the user are refused; then the user may, and the third deletion takes for ever.
    let hangs = Fault::new(Effect::Delay(Duration::from_secs(1_000))).on(DELETE);
    sandbox.emulator().inject(hangs.after(2));
    let mut revoke = sandbox.process(&["keys", "revoke", "user-1", &key.unwrap(), "--yes"]);
    revoke.stdin(Stdio::null()).stderr(Stdio::null());
    let mut revoke = tokio::process::Command::from(revoke).spawn().unwrap();
    in_time(async {
        let deletions = || {
            let requests = sandbox.emulator().requests();
            requests.iter().filter(|it| it.operation == DELETE).count()
        };
        while deletions() < 2 || !user(&sandbox, "user-1").await.1 {
            tokio::task::yield_now().await;
        }
    })
    .await;

    revoke.kill().await.unwrap();
    let next = sandbox.run(&LIST).await.done();
    let later = sandbox.run(&LIST).await.done();

    let (id, may) = user(&sandbox, "user-1").await;
    assert!(!may);
    let told = format!("{TOLD}; set back now, by Looker's id: {id}\n");
    assert!(next.err.contains(&told), "{}", next.err);
    assert!(!later.err.contains(TOLD), "{}", later.err);
    sandbox.leave().await;
}

#[tokio::test]
async fn a_user_whom_a_living_command_lets_manage_its_keys_is_left_alone() {
    let sandbox = looker("self").await;
    let id = allow(&sandbox, "user-1").await;
    noted_by_the_dead(&sandbox, &[&id]).await;
    let living = ledger(&sandbox, Process::current(), Clock::os());
    let note = living.note_permit(&id).await.unwrap();

    let beside = sandbox.run(&LIST).await.done();
    let meanwhile = user(&sandbox, "user-1").await.1;
    living.forget_permit(note).await.unwrap();
    let after = sandbox.run(&LIST).await.done();

    assert!(meanwhile && !beside.err.contains(TOLD), "{}", beside.err);
    assert!(after.err.contains(TOLD), "{}", after.err);
    assert!(!user(&sandbox, "user-1").await.1);
    sandbox.finish().await;
}

#[tokio::test]
async fn of_users_who_are_gone_or_set_back_already_nothing_is_said() {
    let sandbox = looker("self").await;
    let (id, _) = user(&sandbox, "user-1").await;
    noted_by_the_dead(&sandbox, &[&id, "987654321"]).await;

    let listed = sandbox.run(&LIST).await.done();

    assert!(!listed.err.contains("warning"), "{}", listed.err);
    assert!(noted(&sandbox).await.is_empty());
    sandbox.finish().await;
}

#[tokio::test]
async fn what_cannot_be_set_back_is_named_and_stays_noted() {
    let sandbox = looker("self").await;
    let id = allow(&sandbox, "user-1").await;
    noted_by_the_dead(&sandbox, &[&id]).await;
    sandbox
        .emulator()
        .inject(Fault::status(403).on("update_user"));

    let listed = sandbox.run(&LIST).await.done();

    let told = format!("Looker user {id} may still manage its own API keys");
    assert!(listed.err.contains(&told), "{}", listed.err);
    assert_eq!(noted(&sandbox).await, [id]);
    sandbox.finish().await;
}

#[tokio::test]
async fn commands_forget_their_notes_when_they_have_set_a_user_back_and_only_then() {
    let sandbox = looker("self").await;
    let key = key_of(&sandbox).await;
    let revoke = ["keys", "revoke", "user-1", &key, "--yes"];
    let set_back_fails = Fault::status(403).on("update_user").after(1);
    sandbox.emulator().inject(set_back_fails);

    let refused = sandbox.run(&revoke).await.exits(4);
    let (id, may) = user(&sandbox, "user-1").await;
    let left = noted(&sandbox).await;
    let ended = sandbox.run(&revoke).await.done();

    assert!(may, "{}", refused.err);
    assert_eq!(left, [id], "{}", refused.err);
    // The other machine that has taken the note over is at it still.
    assert!(!ended.err.contains(TOLD), "{}", ended.err);
    assert!(key_ids(sandbox.emulator(), "user-1").await.is_empty());
    sandbox.finish().await;
}

/// A key of `user-1` that embedctl created.
async fn key_of(sandbox: &Sandbox) -> String {
    let _minted = sandbox.run(&["keys", "mint", "user-1"]).await.done();
    let keys = key_ids(sandbox.emulator(), "user-1").await;
    keys.into_iter().next().unwrap()
}

#[tokio::test]
async fn what_a_user_may_already_is_not_taken_from_it() {
    let sandbox = looker("self").await;
    let key = key_of(&sandbox).await;
    let _id = allow(&sandbox, "user-1").await;
    let revoke = ["keys", "revoke", "user-1", &key, "--yes"];

    let _revoked = sandbox.run(&revoke).await.done();

    assert!(user(&sandbox, "user-1").await.1);
    sandbox.finish().await;

    let sandbox = looker("nobody").await;
    let key = foreign_key(sandbox.emulator(), "user-1").await;
    let _id = allow(&sandbox, "user-1").await;

    let revoke = ["keys", "revoke", "user-1", &key, "--foreign", "--yes"];
    let refused = sandbox.run(&revoke).await.exits(4);

    assert!(refused.err.contains("lets neither"), "{}", refused.err);
    assert!(user(&sandbox, "user-1").await.1);
    sandbox.finish().await;
}
