//! The main jobs under every switch of the emulator, turned round one at a time: right, or loud.
//!
//! Nobody knows how Looker behaves where there is a switch, so a command must never say what is not so on either side
//! of it. New switches are covered as soon as there are any.

use std::time::Instant;

use embedctl::emulator::Switches;
use serde_json::json;

use crate::jobs::{JOBS, Twist, job, run, took};
use crate::judge::{Scene, Verdict, judge};

/// Pairs of a job and a switch that are known to be wrong; they must become fewer: a pair that is right fails the test.
const KNOWN_WRONG: &[(&str, &str)] = &[];

/// The name for a Looker with every switch as it is by default.
const USUAL: &str = "as usual";

/// Do a job with no switch turned, then with each, and tell of all that went wrong.
async fn under_every_switch(name: &str) {
    let (job, start) = (job(name), Instant::now());
    let usual = run(job, &Twist::default()).await;
    let mut ended = vec![(USUAL.to_owned(), usual)];
    for (switch, value) in Switches::opposites() {
        let called = format!("{switch}={value}");
        let twist = Twist {
            switch: Some((switch, value)),
            ..Twist::default()
        };
        ended.push((called, run(job, &twist).await));
    }
    took(&format!("{name} under every switch"), ended.len(), start);

    let mut wrong = Vec::new();
    let mut report = Vec::new();
    for (switch, ended) in &ended {
        let (word, finding) = match &ended.result {
            Ok(Verdict::Right) => ("right".to_owned(), None),
            // With nothing turned round it has to succeed.
            Ok(Verdict::Loud) if switch == USUAL => ("LOUD".to_owned(), Some(String::new())),
            Ok(Verdict::Loud) => (format!("loud at step {}", ended.step), None),
            Err(findings) => ("WRONG".to_owned(), Some(findings.join("\n  "))),
        };
        report.push(format!("  {switch:36} {word}"));
        let known = KNOWN_WRONG.contains(&(name, switch.as_str()));
        match finding {
            None if known => wrong.push(format!("{switch} is right now: take it from the list")),
            Some(finding) if !known => {
                wrong.push(format!("{switch}: {finding}\n{}", ended.said()));
            }
            _ => {}
        }
    }
    assert!(
        wrong.is_empty(),
        "{name}: {} findings\n{}\n\n{}",
        wrong.len(),
        report.join("\n"),
        wrong.join("\n\n")
    );
}

macro_rules! matrix {
    ($($test:ident: $job:literal;)*) => {
        $(
            #[tokio::test]
            async fn $test() {
                under_every_switch($job).await;
            }
        )*

        #[test]
        fn every_job_is_in_the_matrix() {
            let jobs: Vec<&str> = JOBS.iter().map(|job| job.name).collect();
            assert_eq!(jobs, [$($job),*]);
        }
    };
}

matrix! {
    create_user: "create-user";
    create_user_that_is_there: "create-user that is there";
    create_user_with_update: "create-user --update";
    apply_twice: "apply twice";
    apply_on_another_machine: "apply on another machine";
    plan: "plan";
    plan_after_apply: "plan after apply";
    keys_mint: "keys mint";
    keys_rotate: "keys rotate";
    keys_revoke: "keys revoke";
    keys_reap: "keys reap";
    keys_orphans: "keys orphans";
    keys_list: "keys list";
    users_list: "users list";
    users_disable: "users disable";
    users_enable: "users enable";
    users_delete: "users delete";
    rotate_id_and_undo: "rotate-id and undo";
}

/// The judge must see what is wrong: each lie and each damage is put into what was right.
#[tokio::test]
async fn the_judge_finds_every_lie_and_every_damage() {
    for job in JOBS {
        let right = run(job, &Twist::default()).await.scene;
        let check = |what: &str, scene: &Scene| {
            assert!(judge(scene).is_err(), "{}: {what} is not found", job.name);
        };
        let has_changed = right.before.state != right.after.state;
        if has_changed {
            let mut lie = right.clone();
            lie.after = lie.before.clone();
            check("that nothing happened", &lie);
            let mut lie = right.clone();
            lie.said.err.push_str("error: nothing was done\n");
            check("that something happened", &lie);
        }
        let mut lie = right.clone();
        (lie.said.exit, lie.said.err) = (3, String::new());
        lie.said.out = String::new();
        check("a failure without words", &lie);

        let mut damage = right.clone();
        damage.after.works.remove(neighbours_key(&right));
        check("somebody else's key that stopped working", &damage);
        let mut damage = right.clone();
        let users = damage.after.state["users"].as_array_mut().unwrap();
        let neighbour = users
            .iter_mut()
            .find(|user| user["id"] == 21 || user["id"] == 421);
        neighbour.unwrap()["login"]["models"] = json!([]);
        check("grants of somebody else that are gone", &damage);
        let mut damage = right.clone();
        let users = damage.after.state["users"].as_array_mut().unwrap();
        users.push(json!({ "id": 9_999, "external_user_id": "acme-99" }));
        check("a user that nobody asked for", &damage);
        let mut damage = right.clone();
        let users = damage.after.state["users"].as_array_mut().unwrap();
        let about = users
            .iter_mut()
            .find(|user| user["external_user_id"] == right.asked.about[0]);
        if let Some(user) = about {
            user["keys"] = json!([{ "id": 9_999, "client_id": "nobodyholdsthissecret" }]);
            check("a key that nobody holds", &damage);
        }
    }
}

/// A key of somebody whom no job is about.
fn neighbours_key(scene: &Scene) -> &'static str {
    let keys = ["neighbourkeyneighbou", "acme421keyacme421key"];
    let works = |key: &&str| scene.before.works.contains_key(*key);
    keys.into_iter().find(works).unwrap()
}

/// What a result claims, and what it says once that is turned round.
const LIES: &[(&str, &str, &str)] = &[
    (
        "create-user",
        r#""outcome":"created""#,
        r#""outcome":"unchanged""#,
    ),
    (
        "create-user",
        r#""outcome":"created""#,
        r#""outcome":"updated""#,
    ),
    (
        "create-user",
        r#""looker_user_id":""#,
        r#""looker_user_id":"9"#,
    ),
    ("create-user", r#""client_id":""#, r#""client_id":"x"#),
    (
        "create-user that is there",
        r#""outcome":"unchanged""#,
        r#""outcome":"created""#,
    ),
    ("apply twice", r#""created":0"#, r#""created":1"#),
    (
        "apply twice",
        r#""keys_delivered":0"#,
        r#""keys_delivered":1"#,
    ),
    (
        "users disable",
        r#""outcome":"disabled""#,
        r#""outcome":"deleted""#,
    ),
    ("users disable", r#""disabled":1"#, r#""disabled":0"#),
    (
        "users delete",
        r#""outcome":"deleted""#,
        r#""outcome":"unchanged""#,
    ),
    ("users delete", r#""deleted":1"#, r#""deleted":2"#),
    (
        "keys rotate",
        r#""outcome":"rotated""#,
        r#""outcome":"created""#,
    ),
    ("keys reap", r#""revoked":1"#, r#""revoked":2"#),
];

#[tokio::test]
async fn the_judge_finds_a_claim_that_is_turned_round() {
    for (name, claim, lie) in LIES {
        let mut scene = run(job(name), &Twist::default()).await.scene;
        assert!(scene.said.out.contains(claim), "{name}: {}", scene.said.out);
        scene.said.out = scene.said.out.replace(claim, lie);
        assert!(judge(&scene).is_err(), "{name}: {lie} is not found");
    }
    let mut scene = run(job("create-user"), &Twist::default()).await.scene;
    scene
        .requests
        .retain(|request| request.operation != "login_user");
    assert!(
        judge(&scene).is_err(),
        "a sudo that nobody proved is not found"
    );
}
