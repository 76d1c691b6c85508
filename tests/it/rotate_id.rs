//! `embedctl rotate-id`: everything of one person moves to a new id, and nothing of anybody else.

use embedctl::emulator::Mode;
use embedctl::looker::{ContentKind, UserChanges};
use embedctl::secret::{ExposeSecret as _, SecretString};
use embedctl::system::Input;
use serde_json::{Value, json};

use crate::rotation::{
    HIDDEN, Move, NEW, OLD, apart, api, id_of, kept, moved, number, operations, rotate, rotation,
    rotation_with, state, thing, undo, unmarked, writes,
};
use crate::support::{Outcome, Sandbox};

#[tokio::test]
async fn everything_of_the_old_user_becomes_the_new_users_and_nothing_else_changes() {
    let sandbox = rotation().await;
    let emulator = sandbox.emulator();
    let home = UserChanges {
        home_folder_id: Some("520".to_owned()),
        ..UserChanges::default()
    };
    let admin = sandbox.admin();
    admin.update_user("42", &home).await.unwrap();
    let before = state(emulator);

    let result = rotate(&sandbox, &[]).await.done().json();

    let after = state(emulator);
    let new = number(&result["to"]["looker_user_id"]);
    assert_eq!(new, id_of(&sandbox, NEW).await);
    let user = admin.user(&new.to_string()).await.unwrap();
    let whose = Move::to(&sandbox, new).await;
    let people = [42, new];
    // All ids, slugs, parents, destinations and followers as they were; of others, the times too.
    let (expected, old_before) = apart(moved(&before, whose), &people);
    let (found, users) = apart(after, &people);
    assert_eq!(
        unmarked(found, &people),
        unmarked(expected, &people),
        "what belongs to whom"
    );
    let [old, user_now] = &users[..] else {
        panic!("{users:?}")
    };
    let mut was = old_before[0].clone();
    was.as_object_mut().unwrap().remove("keys");
    was.as_object_mut().unwrap().remove("sessions");
    was["is_disabled"] = json!(true);
    assert_eq!(*old, was, "the old user has lost its keys and sessions");
    for same in ["first_name", "last_name", "ui_state", "roles"] {
        assert_eq!(user_now[same], was[same], "{same}");
        assert!(!user_now[same].is_null(), "{same}");
    }
    // Looker keeps it as an attribute, so that the login carries it.
    assert_eq!(user.locale.as_deref(), was["locale"].as_str());
    let login = &user_now["login"];
    let sorted = |list: &Value| {
        let mut names: Vec<String> = serde_json::from_value(list.clone()).unwrap();
        names.sort();
        names
    };
    assert_eq!(
        sorted(&login["permissions"]),
        sorted(&was["login"]["permissions"])
    );
    assert_eq!(login["models"], json!(["demo"]));
    assert_eq!(login["groups"], json!([20, 21]));
    assert_eq!(login["external_group_id"], "acme");
    let attributes = json!({
        "api_token": "only-acme-knows", "customer_id": "42", "locale": "de", "note": "", "plan": "gold",
        "region": "apac",
    });
    assert_eq!(login["user_attributes"], attributes);
    assert_eq!(user.home_folder_id.as_deref(), Some("520"));
    admin.logout().await.unwrap();
    sandbox.finish().await;
}

#[tokio::test]
async fn the_new_key_sees_the_dashboards_and_the_old_user_can_do_nothing() {
    let sandbox = rotation().await;
    let admin = sandbox.admin();
    let old = admin.create_api3_key("42").await.unwrap();
    let old_key = || sandbox.client(&old.key.client_id, old.client_secret.clone());
    let live = old_key();
    live.login().await.unwrap();
    live.logout().await.unwrap();

    let _done = rotate(&sandbox, &[]).await.done();

    let new = kept(&sandbox);
    let me = new.me().await.unwrap();
    assert_eq!(me.external_user_id(), Some(NEW));
    for id in ["100", "101", "102", "105", "106", "108", "109"] {
        let dashboard = new.content(ContentKind::Dashboard, id).await.unwrap();
        assert_eq!(dashboard.id, id);
    }
    assert_eq!(new.alerts(false).await.unwrap().len(), 3);
    new.logout().await.unwrap();
    old_key().login().await.unwrap_err();
    admin.login_user("42").await.unwrap_err();
    let old = admin.user("42").await.unwrap();
    assert!(old.is_disabled);
    assert!(admin.api3_keys("42").await.unwrap().is_empty());
    assert!(admin.sessions("42").await.unwrap().is_empty());
    admin.logout().await.unwrap();
    sandbox.finish().await;
}

#[tokio::test]
async fn the_result_says_what_has_moved_and_what_has_not() {
    let sandbox = rotation().await;

    let result = rotate(&sandbox, &[]).await.done().json();

    let counts = json!({
        "dashboards": 9, "looks": 4, "folders": 4, "schedules": 3, "alerts": 2, "followed_alerts": 1, "boards": 1,
        "favorites": 4, "content_access": 3, "groups": 2, "roles": 1, "attributes": 6,
    });
    assert_eq!(result["moved"], counts);
    let from = json!({ "external_user_id": OLD, "looker_user_id": "42" });
    assert_eq!(result["from"], from);
    assert_eq!(result["to"]["external_user_id"], NEW);
    assert_eq!(result["old"], "disabled");
    assert_eq!(result["revoked_keys"].as_array().unwrap().len(), 2);
    let stays = result["not_moved"].as_array().unwrap();
    let kinds: Vec<&Value> = stays.iter().map(|it| &it["kind"]).collect();
    assert_eq!(kinds, ["query history", "boards in the trash"]);
    assert!(stays.iter().all(|it| it["reason"].is_string()));
    assert!(result["run_id"].is_string());
    let key: Value = serde_json::from_str(sandbox.read("keys.jsonl").trim()).unwrap();
    assert_eq!(result["key"]["client_id"], key["client_id"]);
    assert_eq!(result["key"]["client_secret"], Value::Null);
    assert_eq!(result["warnings"], json!([]));
    sandbox.finish().await;
}

#[tokio::test]
async fn the_result_is_one_object_also_where_the_key_goes_to_standard_output() {
    for format in ["json", "jsonl"] {
        let sandbox = rotation().await;

        let outcome = run(&sandbox, &["--keys-to", "stdout", "-o", format])
            .await
            .done();

        let result = outcome.json();
        assert_eq!(outcome.json_lines().len(), 1, "{}", outcome.out);
        assert_eq!(result["old"], "disabled");
        let secret = result["key"]["client_secret"].as_str().unwrap();
        let secret = SecretString::from(secret);
        let key = sandbox.client(result["key"]["client_id"].as_str().unwrap(), secret);
        assert_eq!(key.me().await.unwrap().external_user_id(), Some(NEW));
        key.logout().await.unwrap();
        sandbox.finish().await;
    }
}

#[tokio::test]
async fn a_result_for_people_and_one_for_a_shell_go_to_standard_output_and_the_rest_does_not() {
    let sandbox = rotation().await;

    let table = run(&sandbox, &["--keys-to", "file:keys.jsonl"])
        .await
        .done();

    for part in [
        "9 dashboards",
        "4 looks",
        "disabled",
        "query history",
        NEW,
        OLD,
    ] {
        assert!(table.out.contains(part), "{part}: {}", table.out);
    }
    assert!(!table.out.contains("warning"), "{}", table.out);
    sandbox.finish().await;

    let sandbox = rotation().await;
    let env = run(
        &sandbox,
        &["--keys-to", "stdout", "-o", "env", "--progress", "plain"],
    )
    .await;
    let env = env.done();
    let names: Vec<&str> = env
        .out
        .lines()
        .map(|line| line.split_once('=').unwrap().0)
        .collect();
    assert!(names.contains(&"LOOKERSDK_CLIENT_SECRET"), "{}", env.out);
    assert!(env.err.contains("dashboards"), "{}", env.err);
    sandbox.finish().await;
}

#[tokio::test]
async fn a_failure_is_still_one_object_with_what_was_done_and_the_error() {
    for keys_to in ["stdout", "file:keys.jsonl"] {
        let sandbox = rotation_with(|options| options.switches.owner_can_be_set = false).await;

        let outcome = run(&sandbox, &["--keys-to", keys_to, "-o", "json"])
            .await
            .exits(3);

        let result = outcome.json();
        assert_eq!(result["error"]["kind"], "incomplete");
        assert_eq!(result["moved"]["schedules"], 3);
        assert_eq!(result["moved"]["dashboards"], 0);
        assert_eq!(result["old"], Value::Null);
        assert_eq!(outcome.error()["kind"], "incomplete");
        assert_eq!(
            result["key"]["client_secret"].is_string(),
            keys_to == "stdout"
        );
        sandbox.finish().await;
    }
}

#[tokio::test]
async fn a_hidden_attribute_must_be_given_again_before_anything_is_done() {
    let sandbox = rotation().await;
    let before = sandbox.emulator().state();

    let refused = sandbox
        .run(&["rotate-id", "--yes", OLD, NEW, "-o", "json"])
        .await
        .exits(2);

    let error = refused.error();
    assert!(error["message"].as_str().unwrap().contains("`api_token`"));
    let hint = error["hint"].as_str().unwrap();
    assert!(hint.contains("--attr api_token="), "{hint}");
    assert_eq!(writes(sandbox.emulator(), 0), NOTHING);
    assert_eq!(sandbox.emulator().state(), before);
    assert_eq!(refused.out, "");
    sandbox.finish().await;
}

#[tokio::test]
async fn values_that_are_given_take_the_place_of_the_old_ones() {
    let sandbox = rotation().await;
    let given = ["--attr", "api_token=fresh", "--attr", "region=latam"];
    let args = ["rotate-id", "--yes", OLD, NEW, "--no-key", "-o", "json"];

    let result = sandbox.run(&[&args[..], &given].concat()).await.done();

    let new = number(&result.json()["to"]["looker_user_id"]);
    let after = sandbox.emulator().state();
    let attributes = &thing(&after, "users", new)["login"]["user_attributes"];
    assert_eq!(
        *attributes,
        json!({
            "api_token": "fresh", "customer_id": "42", "locale": "de", "note": "", "plan": "gold",
            "region": "latam",
        })
    );
    sandbox.finish().await;
}

#[tokio::test]
async fn what_cannot_be_done_is_refused_before_anything_is_done() {
    let sandbox = rotation().await;
    let _disabled = sandbox
        .run(&["users", "disable", "acme-43", "--yes"])
        .await
        .done();
    let before = sandbox.emulator().requests().len();
    let given = ["--attr", HIDDEN];
    for (ids, more, exit, says, hint) in [
        (
            [OLD, NEW],
            &["--attr", "api_tokn=x"][..],
            2,
            "`api_tokn`",
            "`api_token`",
        ),
        (["nobody", NEW], &given, 5, "`nobody`", "users list"),
        (
            ["acme-43", NEW],
            &given,
            6,
            "disabled",
            "users enable acme-43",
        ),
        (
            [OLD, "acme-421"],
            &given,
            6,
            "`acme-421` already",
            "--into-existing --dry-run",
        ),
        (
            [OLD, "acme-43"],
            &["--attr", HIDDEN, "--into-existing"],
            6,
            "disabled",
            "enable acme-43",
        ),
        (
            [OLD, NEW],
            &["--attr", HIDDEN, "--into-existing"],
            5,
            NEW,
            "users list",
        ),
        ([OLD, OLD], &given, 2, "the old and the new id", "second"),
        ([OLD, " "], &given, 2, "empty", "the new one"),
        (["", NEW], &given, 2, "empty", "the old id"),
    ] {
        let args = [&["rotate-id", "--yes"], &ids[..], more, &["-o", "json"]].concat();
        let refused = sandbox.run(&args).await.exits(exit);

        let error = refused.error();
        let (message, hinted) = (error["message"].to_string(), error["hint"].to_string());
        assert!(message.contains(says), "{args:?}: {message}");
        assert!(hinted.contains(hint), "{args:?}: {hinted}");
        assert_eq!(refused.out, "", "{args:?}");
    }
    assert_eq!(writes(sandbox.emulator(), before), NOTHING);
    sandbox.finish().await;
}

#[tokio::test]
async fn somebody_who_is_no_admin_is_refused() {
    let mut sandbox = rotation().await;
    let admin = sandbox.admin();
    let key = admin.create_api3_key("43").await.unwrap();
    admin.logout().await.unwrap();
    sandbox
        .var("LOOKERSDK_CLIENT_ID", key.key.client_id.as_str())
        .var("LOOKERSDK_CLIENT_SECRET", key.client_secret.expose_secret());
    let before = sandbox.emulator().requests().len();

    let refused = rotate(&sandbox, &[]).await.exits(4);

    assert_eq!(writes(sandbox.emulator(), before), NOTHING);
    assert!(refused.error()["hint"].is_string(), "{}", refused.err);
    sandbox.finish().await;
}

#[tokio::test]
async fn a_dry_run_names_everything_and_does_nothing() {
    let sandbox = rotation().await;
    let before = sandbox.emulator().state();

    let tree = run(&sandbox, &["--dry-run"]).await.done();

    for part in [
        "`Revenue`",
        "`Pipeline`",
        "`Old pipeline`, in the trash",
        "`Team overview`, in folder 520",
        "`Forgotten`",
        "`Lost`",
        "`Orders by month`",
        "`Top customers`",
        "`Old customers`",
        "`Orders of Acme`",
        "`Sales`",
        "`2024`",
        "`Archive`",
        "`Empty`",
        "edit `Acme`",
        "edit `Team plan`",
        "view `Team`",
        "`Revenue on Mondays`",
        "`Orders every day`, switched off",
        "`Plan of the team`",
        "`Too many orders`, switched off",
        "followed alert 101",
        "board 100 `Acme`",
        "api_token (hidden, given again)",
        "Acme Analyst",
        "Acme Sales",
        "Acme Everyone",
        "mint a key for 9f1c2b",
        "end 2 sessions",
        "disable acme-42",
        "query history",
        "calls of the API",
    ] {
        assert!(tree.out.contains(part), "{part} is not in\n{}", tree.out);
    }
    for other in ["Grace", "Team targets", "421", "only-acme-knows"] {
        assert!(!tree.out.contains(other), "{other} is in\n{}", tree.out);
    }
    assert_eq!(writes(sandbox.emulator(), 0), NOTHING);
    assert_eq!(sandbox.emulator().state(), before);
    let runs = sandbox
        .run(&["runs", "list", "-o", "json"])
        .await
        .done()
        .json();
    assert_eq!(runs, json!([]), "a dry run leaves no run behind");
    sandbox.finish().await;
}

#[tokio::test]
async fn a_dry_run_knows_how_many_calls_there_will_be() {
    for more in [
        &[][..],
        &["--old", "keep"],
        &["--no-key"],
        &["--old", "delete"],
    ] {
        let sandbox = rotation().await;
        let looked = sandbox.emulator().requests().len();
        let planned = run(&sandbox, &[&["--dry-run", "-o", "json"], more].concat()).await;
        let planned = planned.done().json();
        let look = sandbox.emulator().requests().len() - looked;

        let more = match more.contains(&"--no-key") {
            true => more.to_vec(),
            false => [&["--keys-to", "file:keys.jsonl"], more].concat(),
        };
        let _done = run(&sandbox, &more).await.done();

        let all = sandbox.emulator().requests().len() - looked - look;
        let (made, said) = (all - look, planned["calls"].as_u64().unwrap());
        let said = usize::try_from(said).unwrap();
        assert!(
            said.abs_diff(made) * 10 <= made,
            "{more:?}: {said} calls were said, and {made} made"
        );
        sandbox.finish().await;
    }
}

#[tokio::test]
async fn a_dry_run_knows_it_where_two_users_become_one_too() {
    let sandbox = rotation().await;
    let args = [
        "rotate-id",
        OLD,
        "acme-421",
        "--into-existing",
        "--yes",
        "-o",
        "json",
    ];
    let count = || sandbox.emulator().requests().len();
    let began = count();
    let plan = sandbox.run(&[&args[..], &["--dry-run"]].concat()).await;
    let look = count() - began;

    let keys = ["--keys-to", "file:keys.jsonl"];
    let _done = sandbox.run(&[&args[..], &keys].concat()).await.done();

    let made = count() - began - 2 * look;
    let said = plan.done().json()["calls"].as_u64().unwrap();
    let said = usize::try_from(said).unwrap();
    assert!(said.abs_diff(made) * 10 <= made, "{said} said, {made} made");
    sandbox.finish().await;
}

#[tokio::test]
async fn a_dry_run_as_json_has_every_item_with_its_id() {
    let sandbox = rotation().await;

    let plan = run(&sandbox, &["--dry-run", "-o", "json"])
        .await
        .done()
        .json();

    assert_eq!(plan["dry_run"], true);
    assert_eq!(plan["would_move"]["dashboards"], 9);
    assert_eq!(plan["would_move"]["folders"], 4);
    let items = plan["items"].as_array().unwrap();
    let of = |kind: &str| {
        let items = items.iter().filter(|item| item["kind"] == kind);
        let mut ids: Vec<i64> = items.map(|item| number(&item["id"])).collect();
        ids.sort_unstable();
        ids
    };
    assert_eq!(
        of("dashboard"),
        [100, 101, 102, 103, 104, 105, 106, 107, 114]
    );
    assert_eq!(of("look"), [100, 101, 102, 103]);
    assert_eq!(of("folder"), [501, 502, 503, 504]);
    assert_eq!(of("schedule"), [100, 101, 102]);
    assert_eq!(of("alert"), [100, 102]);
    assert_eq!(of("follow"), [101]);
    assert_eq!(of("board"), [100]);
    assert_eq!(
        plan["attributes"],
        json!([
            "api_token",
            "customer_id",
            "locale",
            "note",
            "plan",
            "region"
        ])
    );
    assert_eq!(plan["revokes_keys"].as_array().unwrap().len(), 2);
    assert_eq!(plan["to"]["looker_user_id"], Value::Null);
    let text = plan.to_string();
    assert!(!text.contains("only-acme-knows"), "{text}");
    sandbox.finish().await;
}

#[tokio::test]
async fn an_old_user_that_is_kept_keeps_its_keys_and_sessions_and_owns_nothing() {
    let sandbox = rotation().await;
    let before = state(sandbox.emulator());

    let result = rotate(&sandbox, &["--old", "keep"]).await.done().json();

    assert_eq!(result["old"], "kept");
    let after = state(sandbox.emulator());
    assert_eq!(*thing(&after, "users", 42), *thing(&before, "users", 42));
    let new = id_of(&sandbox, NEW).await;
    let whose = Move::to(&sandbox, new).await;
    let people = [42, new];
    let (expected, _) = apart(moved(&before, whose), &people);
    assert_eq!(
        unmarked(apart(after, &people).0, &people),
        unmarked(expected, &people)
    );
    sandbox.finish().await;
}

#[tokio::test]
async fn an_old_user_is_deleted_only_where_that_was_confirmed() {
    let sandbox = rotation().await;
    let nobody = sandbox
        .run(&[
            "rotate-id",
            OLD,
            NEW,
            "--attr",
            HIDDEN,
            "--no-key",
            "--old",
            "delete",
            "-o",
            "json",
        ])
        .await
        .exits(2);
    assert!(nobody.error()["hint"].to_string().contains("--yes"));
    assert_eq!(writes(sandbox.emulator(), 0), NOTHING);

    let result = rotate(&sandbox, &["--old", "delete"]).await.done().json();

    assert_eq!(result["old"], "deleted");
    let after = state(sandbox.emulator());
    let users = after["users"].as_array().unwrap();
    assert!(users.iter().all(|user| user["id"] != 42), "{users:?}");
    let run = result["run_id"].as_str().unwrap();
    let undone = undo(&sandbox, run).await;
    let left = undone.done().json()["results"][0]["left"].to_string();
    assert!(left.contains("`acme-42` was deleted"), "{left}");
    let said = sandbox.run(&["runs", "undo", run, "--yes"]).await.done();
    assert!(said.err.contains("`acme-42` was deleted"), "{}", said.err);
    assert_eq!(
        state(sandbox.emulator()),
        after,
        "an undo does nothing then"
    );
    sandbox.finish().await;
}

#[tokio::test]
async fn a_person_types_the_id_of_the_user_that_is_deleted() {
    for (typed, exit) in [("acme-42\n", 0), ("acme-421\n", 2), ("\n", 2)] {
        let sandbox = rotation().await;
        let input = Input::new(typed.as_bytes(), true);
        let args = [
            "rotate-id",
            OLD,
            NEW,
            "--attr",
            HIDDEN,
            "--no-key",
            "--old",
            "delete",
        ];

        let outcome = sandbox.run_with(&args, input).await.exits(exit);

        assert!(outcome.err.contains("type `acme-42`"), "{}", outcome.err);
        let wrote = !writes(sandbox.emulator(), 0).is_empty();
        assert_eq!(wrote, exit == 0, "{typed:?}");
        sandbox.finish().await;
    }
}

#[tokio::test]
async fn an_old_user_with_somebody_elses_things_in_its_folder_is_not_deleted() {
    let sandbox = rotation().await;
    // `A note from Grace` goes right into the personal folder of the old user.
    api(
        &sandbox,
        &["PATCH", "/dashboards/108", "-f", "folder_id=500"],
    )
    .await;
    let before = sandbox.emulator().requests().len();

    let refused = rotate(&sandbox, &["--old", "delete"]).await.exits(6);

    let message = refused.error()["message"].to_string();
    assert!(message.contains("`A note from Grace`"), "{message}");
    assert_eq!(writes(sandbox.emulator(), before), NOTHING);

    let result = rotate(&sandbox, &[]).await.done().json();
    let stays = result["not_moved"].as_array().unwrap();
    assert!(stays.iter().any(|it| it["id"] == "108"), "{stays:?}");
    let after = sandbox.emulator().state();
    assert_eq!(thing(&after, "dashboards", 108)["folder"], 500);
    assert_eq!(thing(&after, "dashboards", 108)["owner"], 43);
    sandbox.finish().await;
}

#[tokio::test]
async fn where_looker_gives_no_content_away_all_of_it_is_named_and_the_old_user_stays() {
    let sandbox = rotation_with(|options| options.switches.owner_can_be_set = false).await;
    let before = state(sandbox.emulator());

    let failed = rotate(&sandbox, &[]).await.exits(3);

    let result = failed.json();
    let named = |kind: &str| {
        let not_moved = result["not_moved"].as_array().unwrap().iter();
        let of = not_moved.filter(|it| it["kind"] == kind);
        let mut ids: Vec<i64> = of.map(|it| number(&it["id"])).collect();
        ids.sort_unstable();
        ids.dedup();
        ids
    };
    assert_eq!(
        named("dashboard"),
        [100, 101, 102, 103, 104, 105, 106, 107, 114]
    );
    assert_eq!(named("look"), [100, 101, 102, 103]);
    let after = state(sandbox.emulator());
    assert_eq!(*thing(&after, "users", 42), *thing(&before, "users", 42));

    let run = result["run_id"].as_str().unwrap();
    let hint = failed.error()["hint"].to_string();
    assert!(hint.contains(&format!("runs undo {run}")), "{hint}");
    let _undone = undo(&sandbox, run).await.done();
    assert_eq!(
        unmarked(state(sandbox.emulator()), &[42]),
        unmarked(before, &[42])
    );
    sandbox.finish().await;
}

#[tokio::test]
async fn favorites_move_also_where_only_their_owner_may_make_them() {
    let sandbox = rotation_with(|options| options.switches.favorites_for_others = false).await;
    let before = state(sandbox.emulator());

    let result = rotate(&sandbox, &[]).await.done().json();

    let new = number(&result["to"]["looker_user_id"]);
    let after = state(sandbox.emulator());
    let whose = Move::to(&sandbox, new).await;
    assert_eq!(after["favorites"], moved(&before, whose)["favorites"]);
    let run = result["run_id"].as_str().unwrap();
    let _undone = undo(&sandbox, run).await.done();
    assert_eq!(state(sandbox.emulator())["favorites"], before["favorites"]);
    sandbox.finish().await;
}

#[tokio::test]
async fn on_google_cloud_core_it_works_as_well() {
    let sandbox = rotation_with(|options| options.mode = Mode::Core).await;
    let before = state(sandbox.emulator());

    let result = rotate(&sandbox, &[]).await.done().json();

    let new = number(&result["to"]["looker_user_id"]);
    let key = kept(&sandbox);
    assert_eq!(key.me().await.unwrap().id, new.to_string());
    key.logout().await.unwrap();
    let after = state(sandbox.emulator());
    let expected = moved(&before, Move::to(&sandbox, new).await);
    for list in ["favorites", "content_access", "alerts"] {
        assert_eq!(after[list], expected[list], "{list}");
    }
    assert_eq!(result["old"], "disabled");
    sandbox.finish().await;
}

#[tokio::test]
async fn without_a_key_nothing_is_minted_and_nothing_delivered() {
    let sandbox = rotation().await;

    let result = run(&sandbox, &["--no-key", "-o", "json"])
        .await
        .done()
        .json();

    assert_eq!(result["key"], Value::Null);
    assert_eq!(result["old"], "disabled");
    let minted = operations(sandbox.emulator(), 0);
    assert!(!minted.contains(&"create_user_credentials_api3"));
    sandbox.finish().await;
}

const NOTHING: [&str; 0] = [];

/// `rotate-id acme-42 9f1c2b` with the hidden attribute.
async fn run(sandbox: &Sandbox, more: &[&str]) -> Outcome {
    let args = ["rotate-id", "--yes", OLD, NEW, "--attr", HIDDEN];
    sandbox.run(&[&args, more].concat()).await
}
