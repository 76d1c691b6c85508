//! `embedctl rotate-id --from`: many people at once, all or, before anything is done, none.

use serde_json::{Value, json};

use crate::rotation::{
    Move, apart, api, id_of, moved, newest, operations, state, thing, undo, unmarked, writes,
};
use crate::support::{Outcome, Sandbox};

const MAPPING: &str = "old,new,attr.api_token\n\
    acme-42,u-1,only-acme-knows\n\
    acme-43,u-2,only-acme-knows\n\
    acme-421,u-3,\n";

/// The world, where `acme-43` may see the dashboard whose alert it follows.
async fn rotation() -> Sandbox {
    let sandbox = crate::rotation::rotation().await;
    let meta = api(&sandbox, &["/dashboards/100"]).await["content_metadata_id"].clone();
    let meta = format!("content_metadata_id={}", meta.as_str().unwrap());
    let call = [
        "POST",
        "/content_metadata_access",
        "-f",
        &meta,
        "-f",
        "user_id=43",
    ];
    api(
        &sandbox,
        &[&call[..], &["-f", "permission_type=view"]].concat(),
    )
    .await;
    sandbox
}

#[tokio::test]
async fn three_people_with_things_in_common_move_at_once_and_back() {
    let sandbox = rotation().await;
    let before = state(sandbox.emulator());

    let lines = from(&sandbox, MAPPING, &["-o", "jsonl"])
        .await
        .done()
        .json_lines();

    let (summary, results) = lines.split_last().unwrap();
    assert_eq!(results.len(), 3, "{lines:#?}");
    assert_eq!(summary["type"], "summary");
    assert_eq!(summary["total"], 3);
    assert_eq!(summary["failed"], 0);
    assert_eq!(summary["keys_delivered"], 2, "one had no key");
    assert_eq!(summary["keys_revoked"], 3);
    let mut moves = Vec::new();
    let (mut expected, mut people) = (before.clone(), vec![42, 43, 421]);
    for (old, home, new) in [
        (42, 500, "u-1"),
        (43, home_of(&sandbox, 43).await, "u-2"),
        (421, 600, "u-3"),
    ] {
        let to = id_of(&sandbox, new).await;
        let of_new = Move::to(&sandbox, to).await;
        let whose = Move {
            from: old,
            from_home: home,
            ..of_new
        };
        expected = moved(&expected, whose);
        people.push(to);
        moves.push(whose);
    }
    let (found, users) = apart(state(sandbox.emulator()), &people);
    assert_eq!(
        unmarked(found, &people),
        unmarked(apart(expected, &people).0, &people)
    );
    assert_eq!(
        users
            .iter()
            .filter(|user| user["is_disabled"] == true)
            .count(),
        3
    );
    let folders = &sandbox.emulator().state();
    assert_eq!(thing(folders, "folders", 601)["parent"], moves[2].to_home);

    let _undone = undo(&sandbox, &newest(&sandbox).await).await.done();
    let people = [42, 43, 421];
    let mut before = before;
    for user in before["users"].as_array_mut().unwrap() {
        if people.iter().any(|id| user["id"] == *id) {
            user.as_object_mut().unwrap().remove("keys");
            user.as_object_mut().unwrap().remove("sessions");
        }
    }
    assert_eq!(
        unmarked(state(sandbox.emulator()), &people),
        unmarked(before, &people)
    );
    sandbox.finish().await;
}

#[tokio::test]
async fn one_who_cannot_move_as_a_whole_is_named_and_the_others_move() {
    let sandbox = crate::rotation::rotation().await;

    let lines = from(&sandbox, MAPPING, &["-o", "jsonl"])
        .await
        .exits(3)
        .json_lines();

    let of = |id: &str| {
        lines
            .iter()
            .find(|line| line.to_string().contains(id))
            .unwrap()
    };
    assert_eq!(of("acme-42")["old"], "disabled");
    assert_eq!(of("acme-421")["old"], "disabled");
    let failed = lines
        .iter()
        .find(|line| line["outcome"] == "failed")
        .unwrap();
    assert_eq!(failed["external_user_id"], "u-2");
    let said = failed["error"]["message"].to_string();
    for part in [
        "not everything of `acme-43` reached `u-2`",
        "followed alert 100",
    ] {
        assert!(said.contains(part), "{part} is not in {said}");
    }
    let state = sandbox.emulator().state();
    assert_eq!(thing(&state, "users", 43).get("is_disabled"), None);
    sandbox.finish().await;
}

#[tokio::test]
async fn a_second_run_of_the_same_mapping_has_nothing_to_do() {
    let sandbox = rotation().await;
    let table = from(&sandbox, MAPPING, &[]).await.done();
    for part in [
        "acme-42",
        "u-1",
        "9 dashboards",
        "acme-421",
        "u-3",
        "3 dashboards",
    ] {
        assert!(table.out.contains(part), "{part} is not in\n{}", table.out);
    }
    let before = sandbox.emulator().requests().len();

    let again = from(&sandbox, MAPPING, &[]).await.done();

    assert!(again.err.contains("Nothing to do"), "{}", again.err);
    assert_eq!(writes(sandbox.emulator(), before), [""; 0]);
    // One who was not in it moves, and nobody else.
    let longer = format!("{MAPPING}acme-4,u-4,\n");
    let lines = from(&sandbox, &longer, &["-o", "jsonl"])
        .await
        .done()
        .json_lines();
    assert_eq!(lines.len(), 2, "{lines:#?}");
    assert_eq!(lines[0]["from"]["external_user_id"], "acme-4");
    sandbox.finish().await;
}

#[tokio::test]
async fn chains_and_swaps_are_refused_by_line_before_looker_is_asked_anything() {
    let sandbox = crate::rotation::rotation().await;
    for (mapping, told) in [
        ("old,new\nacme-4,acme-43\nacme-43,u-1\n", "mapping.csv:2"),
        ("old,new\nacme-43,u-1\nacme-4,acme-43\n", "mapping.csv:3"),
        (
            "old,new\nacme-4,acme-43\nacme-43,acme-4\n",
            "swap ids with line 3",
        ),
        (
            "old,new\nacme-4,u-1\nacme-43,u-1\n",
            "two people would be merged into one",
        ),
        ("old,new\nacme-4,u-1\nacme-4,u-2\n", "mapping.csv:3"),
        ("old,new\nacme-4,\n", "mapping.csv:2"),
        ("old,neu\nacme-4,u-1\n", "`old,new`"),
        ("", "`old,new`"),
    ] {
        let refused = from(&sandbox, mapping, &[]).await.exits(2);

        assert!(refused.err.contains(told), "{mapping}: {}", refused.err);
        assert!(refused.err.contains("nothing was done"), "{}", refused.err);
    }
    assert_eq!(operations(sandbox.emulator(), 0), [""; 0]);
    sandbox.finish().await;
}

#[tokio::test]
async fn a_problem_of_one_person_stops_all_and_names_the_line() {
    for (line, told) in [
        ("nobody,u-2,", "there is no embed user `nobody`"),
        ("acme-43,acme-421,", "`acme-421` already"),
        ("acme-42,u-2,", "`api_token`"),
    ] {
        let sandbox = rotation().await;
        let before = sandbox.emulator().requests().len();
        let mapping = format!("old,new,attr.api_token\nacme-4,u-1,\n{line}\n");

        let refused = from(&sandbox, &mapping, &[]).await.exits(2);

        for part in [
            "line 3",
            told,
            "1 of 2 people cannot move, so nothing was done",
        ] {
            assert!(
                refused.err.contains(part),
                "{part} is not in\n{}",
                refused.err
            );
        }
        assert_eq!(writes(sandbox.emulator(), before), [""; 0]);
        assert_eq!(refused.out, "");
        sandbox.finish().await;
    }
}

#[tokio::test]
async fn a_dry_run_shows_every_person() {
    let sandbox = rotation().await;
    let before = sandbox.emulator().state();

    let trees = from(&sandbox, MAPPING, &["--dry-run"]).await.done();
    let plans = from(&sandbox, MAPPING, &["--dry-run", "-o", "jsonl"])
        .await
        .done();

    for head in ["acme-42 -> u-1", "acme-43 -> u-2", "acme-421 -> u-3"] {
        assert!(trees.out.contains(head), "{head} is not in\n{}", trees.out);
    }
    assert!(trees.err.contains("3 people would move"), "{}", trees.err);
    let plans = plans.json_lines();
    let olds: Vec<&Value> = plans
        .iter()
        .map(|it| &it["from"]["external_user_id"])
        .collect();
    assert_eq!(olds, ["acme-42", "acme-43", "acme-421"]);
    assert_eq!(sandbox.emulator().state(), before);
    sandbox.finish().await;
}

#[tokio::test]
async fn keys_of_many_come_on_standard_output_one_a_line() {
    let sandbox = rotation().await;
    sandbox.file("mapping.csv", MAPPING);
    let args = [
        "rotate-id",
        "--yes",
        "--from",
        "mapping.csv",
        "--keys-to",
        "stdout",
        "-o",
    ];

    let refused = sandbox.run(&[&args[..], &["json"]].concat()).await.exits(2);
    let lines = sandbox.run(&[&args[..], &["jsonl"]].concat()).await.done();

    assert!(refused.error()["hint"].to_string().contains("jsonl"));
    let lines = lines.json_lines();
    let keys: Vec<&Value> = lines.iter().filter(|line| line["type"] == "key").collect();
    assert_eq!(keys.len(), 2, "{lines:#?}");
    assert!(
        keys.iter()
            .all(|line| line["key"]["client_secret"].is_string())
    );
    let rest = lines.iter().filter(|line| line["type"] != "key");
    assert!(
        rest.clone()
            .all(|line| !line.to_string().contains("client_secret\":\""))
    );
    assert_eq!(rest.count(), 4);
    sandbox.finish().await;
}

#[tokio::test]
async fn an_error_of_the_file_itself_is_bad_input() {
    let sandbox = rotation().await;

    let missing = sandbox
        .run(&["rotate-id", "--yes", "--from", "nowhere.csv"])
        .await
        .exits(2);
    let both = [
        "rotate-id",
        "--yes",
        "acme-4",
        "u-1",
        "--from",
        "mapping.csv",
    ];
    let both = sandbox.run(&both).await.exits(2);
    let unknown = from(
        &sandbox,
        "old,new,attr.regoin\nacme-4,u-1,x\n",
        &["-o", "json"],
    )
    .await;

    assert!(missing.err.contains("`nowhere.csv`"), "{}", missing.err);
    assert!(both.err.contains("--from"), "{}", both.err);
    let error = unknown.exits(2).error();
    assert_eq!(error["hint"], json!("did you mean `region`?"));
    sandbox.finish().await;
}

/// `rotate-id --from` with this mapping and its keys in a file.
async fn from(sandbox: &Sandbox, mapping: &str, more: &[&str]) -> Outcome {
    sandbox.file("mapping.csv", mapping);
    let args = [
        "rotate-id",
        "--yes",
        "--from",
        "mapping.csv",
        "--keys-to",
        "file:keys.jsonl",
    ];
    sandbox.run(&[&args, more].concat()).await
}

/// The personal folder of a user.
async fn home_of(sandbox: &Sandbox, user: i64) -> i64 {
    Move::to(sandbox, user).await.to_home
}
