//! `embedctl keys`: which keys come into being, which go, and which are never touched.

use std::collections::BTreeSet;
use std::time::Duration;

use embedctl::emulator::{Effect, ErrorBody, Fault, Options};
use embedctl::system::{Clock, Input};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::clients::{foreign_key, kept, key_ids, keys, login};
use crate::support::Sandbox;

const DAY: Duration = Duration::from_secs(86_400);
const DELETE: &str = "delete_user_credentials_api3";
const MINT: &str = "create_user_credentials_api3";

/// A sandbox in which time stands still, and its clock.
async fn frozen(users: usize) -> (Sandbox, Clock) {
    let clock = Clock::manual(Timestamp::from_second(1_700_000_000).unwrap());
    let options = Options {
        clock: clock.clone(),
        users,
        ..Options::default()
    };
    let mut sandbox = Sandbox::with(options).await;
    sandbox.clock(clock.clone());
    (sandbox, clock)
}

async fn json_of(sandbox: &Sandbox, args: &[&str]) -> Value {
    let args = [args, &["-o", "json"]].concat();
    sandbox.run(&args).await.done().json()
}

/// Mint a key, and give its result.
async fn mint(sandbox: &Sandbox, user: &str) -> Value {
    json_of(sandbox, &["keys", "mint", user]).await
}

fn set(ids: &[&Value]) -> BTreeSet<String> {
    let ids = ids.iter().map(|id| id.as_str().unwrap().to_owned());
    ids.collect()
}

fn calls(sandbox: &Sandbox, operation: &str) -> usize {
    let requests = sandbox.emulator().requests();
    let of = requests
        .iter()
        .filter(|request| request.operation == operation);
    of.count()
}

#[tokio::test]
async fn a_minted_key_logs_in_and_stands_beside_the_others() {
    let (sandbox, _) = frozen(1).await;
    let foreign = foreign_key(sandbox.emulator(), "user-1").await;

    let minted = json_of(&sandbox, &["keys", "mint", "user-1", "--key-purpose", "CI"]).await;

    assert_eq!(minted["outcome"], "minted");
    let key = &minted["key"];
    let purpose = key["purpose"].as_str().unwrap();
    assert!(
        purpose.starts_with("embedctl: delivered, run ") && purpose.ends_with("; CI"),
        "{purpose}"
    );
    let user = login(sandbox.emulator().base_url(), key).await;
    assert_eq!(user.as_deref(), minted["looker_user_id"].as_str());
    let alive = key_ids(sandbox.emulator(), "user-1").await;
    assert_eq!(alive, set(&[&json!(foreign), &key["id"]]));
    sandbox.finish().await;
}

#[tokio::test]
async fn a_user_may_be_named_by_lookers_id() {
    let (sandbox, _) = frozen(1).await;
    let by_ours = mint(&sandbox, "user-1").await;
    let id = by_ours["looker_user_id"].as_str().unwrap();

    let by_lookers = json_of(&sandbox, &["keys", "mint", "--looker-user-id", id]).await;

    assert_eq!(by_lookers["external_user_id"], "user-1");
    let neither = sandbox.run(&["keys", "mint"]).await.exits(2);
    assert!(neither.err.contains("--looker-user-id"), "{}", neither.err);
    let nobody = sandbox.run(&["keys", "mint", "nobody"]).await.exits(5);
    assert!(
        nobody.err.contains("there is no embed user `nobody`"),
        "{}",
        nobody.err
    );
    sandbox.finish().await;
}

#[tokio::test]
async fn a_list_says_whose_each_key_is_how_old_and_when_it_is_due() {
    let (sandbox, clock) = frozen(1).await;
    let foreign = foreign_key(sandbox.emulator(), "user-1").await;
    let old = mint(&sandbox, "user-1").await;
    clock.sleep(3 * DAY).await;
    let rotate = ["keys", "rotate", "user-1", "--yes", "--overlap", "24h"];
    let new = json_of(&sandbox, &rotate).await;

    let list = json_of(&sandbox, &["keys", "list", "user-1"]).await;

    let row = |id: &Value| {
        let mut rows = list.as_array().unwrap().iter();
        rows.find(|row| row["id"] == *id).unwrap()
    };
    assert_eq!(row(&json!(foreign))["owner"], "foreign");
    assert_eq!(row(&json!(foreign))["delivered"], Value::Null);
    let old = row(&old["key"]["id"]);
    assert_eq!(
        (&old["owner"], &old["age_seconds"]),
        (&json!("ours"), &json!(3 * 86_400))
    );
    let due = (clock.now() + DAY).to_string();
    assert_eq!(old["revoke_at"], json!(due));
    let new = row(&new["key"]["id"]);
    assert_eq!(
        (&new["owner"], &new["delivered"]),
        (&json!("ours"), &json!(true))
    );
    assert_eq!(new["revoke_at"], Value::Null);

    let table = sandbox
        .run(&["keys", "list", "--all", "--match", "user-*"])
        .await
        .done();
    assert_eq!(table.out.lines().count(), 4, "{}", table.out);
    assert!(table.out.contains("3d"), "{}", table.out);
    sandbox.finish().await;
}

#[tokio::test]
async fn a_rotation_revokes_the_old_keys_of_ours_and_leaves_the_others() {
    let (sandbox, _) = frozen(1).await;
    let foreign = foreign_key(sandbox.emulator(), "user-1").await;
    let first = mint(&sandbox, "user-1").await;
    let second = mint(&sandbox, "user-1").await;

    let rotated = json_of(&sandbox, &["keys", "rotate", "user-1", "--yes"]).await;

    assert_eq!(rotated["outcome"], "rotated");
    let replaced = [&first["key"]["id"], &second["key"]["id"]];
    assert_eq!(rotated["replaced"], json!(replaced));
    let alive = key_ids(sandbox.emulator(), "user-1").await;
    assert_eq!(alive, set(&[&json!(foreign), &rotated["key"]["id"]]));
    sandbox.finish().await;
}

#[tokio::test]
async fn one_key_of_several_is_rotated_by_its_id_or_its_client_id() {
    let (sandbox, _) = frozen(1).await;
    let first = mint(&sandbox, "user-1").await;
    let second = mint(&sandbox, "user-1").await;
    let client_id = first["key"]["client_id"].as_str().unwrap();

    let rotate = ["keys", "rotate", "user-1", "--yes", "--key", client_id];
    let rotated = json_of(&sandbox, &rotate).await;

    assert_eq!(rotated["replaced"], json!([first["key"]["id"]]));
    let alive = key_ids(sandbox.emulator(), "user-1").await;
    assert_eq!(alive, set(&[&second["key"]["id"], &rotated["key"]["id"]]));
    sandbox.finish().await;
}

#[tokio::test]
async fn a_rotation_that_stops_keys_at_once_asks_first() {
    let (sandbox, _) = frozen(1).await;
    let old = mint(&sandbox, "user-1").await;
    let rotate = ["keys", "rotate", "user-1"];

    let unasked = sandbox.run(&rotate).await.exits(2);
    assert!(unasked.err.contains("--yes"), "{}", unasked.err);
    let person = |answer: &'static str| Input::new(answer.as_bytes(), true);
    let no = sandbox.run_with(&rotate, person("\n")).await.exits(2);
    assert!(
        no.err.contains("This revokes working keys of `user-1`."),
        "{}",
        no.err
    );
    assert!(no.err.contains("nothing was done"), "{}", no.err);
    let alive = key_ids(sandbox.emulator(), "user-1").await;
    assert_eq!(alive, set(&[&old["key"]["id"]]));

    let _yes = sandbox.run_with(&rotate, person("y\n")).await.done();
    assert!(
        key_ids(sandbox.emulator(), "user-1")
            .await
            .is_disjoint(&alive)
    );
    sandbox.finish().await;
}

#[tokio::test]
async fn a_user_without_a_key_of_ours_has_none_to_rotate() {
    let (sandbox, _) = frozen(1).await;
    let _foreign = foreign_key(sandbox.emulator(), "user-1").await;

    let outcome = sandbox
        .run(&["keys", "rotate", "user-1", "--yes"])
        .await
        .exits(5);

    assert!(
        outcome.err.contains("`embedctl keys mint`"),
        "{}",
        outcome.err
    );
    assert_eq!(calls(&sandbox, MINT), 1);
    sandbox.finish().await;
}

#[tokio::test]
async fn a_foreign_key_is_neither_rotated_nor_revoked_unasked() {
    let (sandbox, _) = frozen(1).await;
    let foreign = foreign_key(sandbox.emulator(), "user-1").await;
    let _ours = mint(&sandbox, "user-1").await;

    let rotate = ["keys", "rotate", "user-1", "--yes", "--key", &foreign];
    let rotated = sandbox.run(&rotate).await.exits(4);
    let revoke = ["keys", "revoke", "user-1", &foreign, "--yes"];
    let revoked = sandbox.run(&revoke).await.exits(4);

    for outcome in [rotated, revoked] {
        assert!(
            outcome.err.contains("was not created by embedctl"),
            "{}",
            outcome.err
        );
    }
    assert_eq!(calls(&sandbox, DELETE), 0);
    let _meant = sandbox
        .run(&[&revoke[..], &["--foreign"]].concat())
        .await
        .done();
    assert!(
        !key_ids(sandbox.emulator(), "user-1")
            .await
            .contains(&foreign)
    );
    sandbox.finish().await;
}

#[tokio::test]
async fn a_key_is_revoked_once_and_again_without_harm() {
    let (sandbox, _) = frozen(1).await;
    let key = mint(&sandbox, "user-1").await;
    let (id, looker_user_id) = (&key["key"]["id"], &key["looker_user_id"]);
    let looker_user_id = looker_user_id.as_str().unwrap();
    let revoke = [
        "keys",
        "revoke",
        "--looker-user-id",
        looker_user_id,
        id.as_str().unwrap(),
        "--yes",
    ];

    let dry = json_of(&sandbox, &[&revoke[..], &["--dry-run"]].concat()).await;
    assert_eq!(dry["dry_run"], true);
    assert_eq!(calls(&sandbox, DELETE), 0);
    let first = json_of(&sandbox, &revoke).await;
    let second = json_of(&sandbox, &revoke).await;

    assert_eq!(first["revoked"][0]["id"], *id);
    assert_eq!(first, second);
    assert!(keys(sandbox.emulator(), "user-1").await.is_empty());
    let unknown = ["keys", "revoke", "user-1", "12345", "--yes"];
    let _unknown = sandbox.run(&unknown).await.exits(5);
    sandbox.finish().await;
}

#[tokio::test]
async fn the_key_that_embedctl_logs_in_with_is_not_revoked() {
    let (sandbox, _) = frozen(0).await;
    let own = sandbox.emulator().client_id().to_owned();

    let revoke = [
        "keys",
        "revoke",
        "--looker-user-id",
        "1",
        &own,
        "--foreign",
        "--yes",
    ];
    let outcome = sandbox.run(&revoke).await.exits(2);

    assert!(outcome.err.contains("logs in with"), "{}", outcome.err);
    sandbox.finish().await;
}

#[tokio::test]
async fn an_overlap_keeps_the_old_key_until_reap_revokes_it_once() {
    let (sandbox, clock) = frozen(1).await;
    let old = mint(&sandbox, "user-1").await;
    let rotate = ["keys", "rotate", "user-1", "--yes", "--overlap", "24h"];
    let new = json_of(&sandbox, &rotate).await;
    let both = set(&[&old["key"]["id"], &new["key"]["id"]]);
    assert_eq!(key_ids(sandbox.emulator(), "user-1").await, both);

    let early = json_of(&sandbox, &["keys", "reap"]).await;
    assert_eq!(early["keys"], json!([]));
    clock.sleep(DAY).await;
    let dry = json_of(&sandbox, &["keys", "reap", "--dry-run"]).await;
    assert_eq!(dry["keys"][0]["id"], old["key"]["id"]);
    let due = json_of(&sandbox, &["keys", "reap"]).await;
    let again = json_of(&sandbox, &["keys", "reap"]).await;

    assert_eq!((&due["revoked"], &due["failed"]), (&json!(1), &json!(0)));
    assert_eq!(again["keys"], json!([]));
    let alive = key_ids(sandbox.emulator(), "user-1").await;
    assert_eq!(alive, set(&[&new["key"]["id"]]));
    sandbox.finish().await;
}

#[tokio::test]
async fn a_second_rotation_does_not_put_off_the_day_that_was_set() {
    let (sandbox, clock) = frozen(1).await;
    let first = mint(&sandbox, "user-1").await;
    let rotate = ["keys", "rotate", "user-1", "--yes", "--overlap", "2d"];
    let _second = json_of(&sandbox, &rotate).await;
    let due = clock.now() + 2 * DAY;
    clock.sleep(DAY).await;

    let third = json_of(&sandbox, &rotate).await;

    assert_eq!(third["replaced"][0], first["key"]["id"]);
    let list = json_of(&sandbox, &["keys", "list", "user-1"]).await;
    let days: Vec<_> = list
        .as_array()
        .unwrap()
        .iter()
        .map(|key| &key["revoke_at"])
        .collect();
    let later = (due + DAY).to_string();
    assert_eq!(days, [&json!(due.to_string()), &json!(later), &Value::Null]);
    sandbox.finish().await;
}

#[tokio::test]
async fn only_keys_above_the_age_are_rotated_and_each_once() {
    let (sandbox, clock) = frozen(2).await;
    let _first = mint(&sandbox, "user-1").await;
    clock.sleep(60 * DAY).await;
    let _second = mint(&sandbox, "user-2").await;
    clock.sleep(31 * DAY).await;
    let sink = format!("file:{}", sandbox.path("keys.jsonl").display());
    let rotate = [
        "keys",
        "rotate",
        "--all",
        "--max-age",
        "90d",
        "--yes",
        "--overlap",
        "7d",
        "--keys-to",
        &sink,
    ];

    let due = json_of(&sandbox, &rotate).await;
    clock.sleep(DAY).await;
    let next_day = json_of(&sandbox, &rotate).await;

    assert_eq!((&due["rotated"], &due["unchanged"]), (&json!(1), &json!(1)));
    assert_eq!(next_day["unchanged"], 2);
    assert_eq!(next_day["keys_delivered"], 0);
    sandbox.finish().await;
}

#[tokio::test]
async fn a_key_that_cannot_be_revoked_is_tried_again_by_the_next_reap() {
    let (sandbox, clock) = frozen(2).await;
    for user in ["user-1", "user-2"] {
        let _old = mint(&sandbox, user).await;
        let _new = json_of(
            &sandbox,
            &["keys", "rotate", user, "--yes", "--overlap", "1h"],
        )
        .await;
    }
    clock.sleep(DAY).await;
    let refusal = Effect::Status {
        code: 400,
        body: ErrorBody::Json,
        retry_after: None,
    };
    sandbox.emulator().inject(Fault::new(refusal).on(DELETE));

    let first = sandbox.run(&["keys", "reap", "-o", "jsonl"]).await.exits(3);
    let second = sandbox.run(&["keys", "reap", "-o", "jsonl"]).await.done();

    let outcomes = |lines: &[Value]| -> Vec<String> {
        let of = lines.iter().filter(|line| line["type"] != "summary");
        of.map(|line| line["outcome"].as_str().unwrap().to_owned())
            .collect()
    };
    let mut seen = outcomes(&first.json_lines());
    seen.sort();
    assert_eq!(seen, ["failed", "revoked"]);
    assert_eq!(outcomes(&second.json_lines()), ["revoked"]);
    sandbox.finish().await;
}

#[tokio::test]
async fn reap_believes_only_an_admin_that_a_key_is_gone() {
    let (mut sandbox, clock) = frozen(2).await;
    let plain = mint(&sandbox, "user-2").await;
    let _old = mint(&sandbox, "user-1").await;
    let _new = json_of(
        &sandbox,
        &["keys", "rotate", "user-1", "--yes", "--overlap", "1h"],
    )
    .await;
    clock.sleep(DAY).await;
    let admin = ["LOOKERSDK_CLIENT_ID", "LOOKERSDK_CLIENT_SECRET"]
        .map(|name| (name, sandbox.value(name).to_owned()));
    let text = |name: &str| plain["key"][name].as_str().unwrap().to_owned();
    sandbox.var("LOOKERSDK_CLIENT_ID", text("client_id"));
    sandbox.var("LOOKERSDK_CLIENT_SECRET", text("client_secret"));

    let _refused = sandbox.run(&["keys", "reap"]).await.exits(4);
    for (name, value) in admin {
        sandbox.var(name, value);
    }
    let due = json_of(&sandbox, &["keys", "reap"]).await;

    assert_eq!(due["revoked"], 1);
    sandbox.finish().await;
}

#[tokio::test]
async fn many_users_are_one_run_and_each_key_is_a_line() {
    let (sandbox, _) = frozen(4).await;
    let made = ["create-user", "other", "--no-key"];
    let _other = sandbox.run(&made).await.done();

    let mint = ["keys", "mint", "--all", "--match", "user-*", "-o", "jsonl"];
    let minted = sandbox.run(&mint).await.done().json_lines();

    let (summary, minted) = minted.split_last().unwrap();
    assert_eq!(
        (&summary["type"], &summary["minted"]),
        (&json!("summary"), &json!(4))
    );
    let users: BTreeSet<_> = minted
        .iter()
        .map(|line| &line["external_user_id"])
        .map(Value::to_string)
        .collect();
    assert_eq!(users.len(), 4);
    for line in minted {
        assert_eq!(line["key"]["delivered_to"], "stdout");
        let user = login(sandbox.emulator().base_url(), &line["key"]).await;
        assert_eq!(user.as_deref(), line["looker_user_id"].as_str());
    }
    let table = sandbox.run(&["keys", "mint", "--all"]).await.exits(2);
    assert!(table.err.contains("-o jsonl"), "{}", table.err);
    sandbox.finish().await;
}

#[tokio::test]
async fn one_that_fails_does_not_stop_the_others() {
    let (sandbox, _) = frozen(3).await;
    let refusal = Effect::Status {
        code: 422,
        body: ErrorBody::Json,
        retry_after: None,
    };
    sandbox.emulator().inject(Fault::new(refusal).on(MINT));
    let sink = format!("file:{}", sandbox.path("keys.jsonl").display());

    let mint = ["keys", "mint", "--all", "--keys-to", &sink, "-o", "jsonl"];
    let outcome = sandbox.run(&mint).await.exits(3);

    let lines = outcome.json_lines();
    let failed: Vec<_> = lines
        .iter()
        .filter(|line| line["outcome"] == "failed")
        .collect();
    assert_eq!(failed.len(), 1);
    assert_eq!(failed[0]["error"]["http_status"], 422);
    let summary = lines.last().unwrap();
    assert_eq!(
        (&summary["minted"], &summary["failed"]),
        (&json!(2), &json!(1))
    );
    let hint = outcome.error()["hint"].as_str().unwrap().to_owned();
    assert!(hint.contains(summary["run_id"].as_str().unwrap()), "{hint}");
    assert_eq!(kept(&sandbox.path("keys.jsonl")).len(), 2);
    sandbox.finish().await;
}

#[tokio::test]
async fn a_dry_run_says_what_would_be_done_and_does_nothing() {
    let (sandbox, _) = frozen(1).await;
    let old = mint(&sandbox, "user-1").await;
    let before = calls(&sandbox, MINT);

    let mint = json_of(&sandbox, &["keys", "mint", "user-1", "--dry-run"]).await;
    let rotate = ["keys", "rotate", "user-1", "--dry-run"];
    let json = json_of(&sandbox, &rotate).await;
    let text = sandbox.run(&rotate).await.done().out;

    assert_eq!(
        (&mint["dry_run"], &mint["mints_key"]),
        (&json!(true), &json!(true))
    );
    let id = old["key"]["id"].as_str().unwrap();
    assert_eq!(json["replaces"], json!([id]));
    assert_eq!(
        text,
        format!("Would mint a key for embed user `user-1`, then revoke {id}.\n")
    );
    assert_eq!(
        (calls(&sandbox, MINT), calls(&sandbox, DELETE)),
        (before, 0)
    );
    sandbox.finish().await;
}

#[tokio::test]
async fn a_rotated_key_is_ready_for_a_ci_job_as_variables() {
    let (sandbox, _) = frozen(1).await;
    let _old = mint(&sandbox, "user-1").await;

    let rotate = ["keys", "rotate", "user-1", "--yes", "-o", "env"];
    let lines = sandbox.run(&rotate).await.done().out;

    assert!(lines.contains("LOOKERSDK_CLIENT_SECRET="), "{lines}");
    sandbox.finish().await;
}

#[tokio::test]
async fn a_delivered_key_whose_tag_is_refused_for_a_moment_is_tagged_at_the_end_of_the_run() {
    const TAG: &str = "update_user_credentials_api3";
    let (sandbox, _clock) = frozen(2).await;
    let once = Fault::status(500).on(TAG).times(1);
    sandbox.emulator().inject(once);
    let args = ["keys", "mint", "--all", "--keys-to", "file:keys.jsonl"];

    let _minted = sandbox.run(&args).await.done();

    let listed = json_of(&sandbox, &["keys", "list", "--all"]).await;
    let listed = listed.as_array().unwrap();
    assert_eq!(listed.len(), 2);
    assert!(
        listed
            .iter()
            .all(|key| key["purpose"].as_str().unwrap().contains("delivered")),
        "{listed:?}"
    );
    sandbox.finish().await;
}

#[tokio::test]
async fn a_delivered_key_that_cannot_be_tagged_is_named_and_no_success_and_a_resume_tags_it() {
    const TAG: &str = "update_user_credentials_api3";
    let (sandbox, _clock) = frozen(1).await;
    sandbox
        .emulator()
        .inject(Fault::status(500).on(TAG).times(0));
    let args = ["keys", "mint", "user-1", "--keys-to", "file:keys.jsonl"];

    let failed = sandbox.run(&args).await.exits(3);

    let keys = json_of(&sandbox, &["keys", "list", "user-1"]).await;
    let id = keys[0]["id"].as_str().unwrap();
    let named = format!("key {id} of `user-1` was delivered");
    assert!(failed.err.contains(&named), "{}", failed.err);
    sandbox.emulator().clear_faults();
    let run = sandbox
        .run(&["runs", "list", "-o", "json"])
        .await
        .done()
        .json();
    let run = run[0]["id"].as_str().unwrap().to_owned();
    let _resumed = sandbox.run(&["runs", "resume", &run]).await.done();
    let keys = json_of(&sandbox, &["keys", "list", "user-1"]).await;
    let keys = keys.as_array().unwrap();
    assert_eq!(keys.len(), 1, "{keys:?}");
    assert!(
        keys[0]["purpose"].as_str().unwrap().contains("delivered"),
        "{keys:?}"
    );
    assert_eq!(sandbox.read("keys.jsonl").lines().count(), 1);
    sandbox.finish().await;
}

/// A key that takes another one's place in the sink logs in first, also where nothing is to be revoked.
#[tokio::test]
async fn a_key_that_does_not_log_in_takes_no_place_in_a_sink() {
    for sink in ["dir:keys", "env:key.env"] {
        let sandbox = Sandbox::new().await;
        std::fs::create_dir(sandbox.path("keys")).unwrap();
        let file = if sink.starts_with("dir") {
            "keys/acme-42.json"
        } else {
            "key.env"
        };
        let created = ["create-user", "acme-42", "--keys-to", sink];
        let _done = sandbox.run(&created).await.done();
        let before = sandbox.read(file);
        // The admin logs in first, then the key.
        sandbox
            .emulator()
            .inject(Fault::status(404).on("login").after(1));

        let mint = ["keys", "mint", "acme-42", "--keys-to", sink];
        let refused = sandbox.run(&mint).await.exits(3);

        assert!(
            refused.err.contains("does not log in, so it was revoked"),
            "{}",
            refused.err
        );
        assert_eq!(sandbox.read(file), before);
        assert_eq!(key_ids(sandbox.emulator(), "acme-42").await.len(), 1);
        sandbox.finish().await;
    }
}
