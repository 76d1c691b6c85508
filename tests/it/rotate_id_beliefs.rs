//! `embedctl rotate-id` on Lookers that are not as expected: everything arrives, or it stops by name before anything moves.

use std::collections::BTreeMap;

use embedctl::emulator::{Fault, Options};
use serde_json::{Value, json};

use crate::rotation::{
    Move, NEW, OLD, apart, api, id_of, moved, rotate, rotation, rotation_with, state, stopped_at,
    thing, unmarked, writes,
};
use crate::support::Sandbox;

/// The attributes whose values say who somebody is.
const IDENTITY: [&str; 6] = [
    "id",
    "email",
    "ldap_user_id",
    "saml_user_id",
    "google_user_id",
    "oidc_user_id",
];

/// All values that Looker shows for a user, by name, but those that say who it is.
async fn values(sandbox: &Sandbox, user: i64) -> BTreeMap<String, Value> {
    let path = format!("/users/{user}/attribute_values");
    let rows = api(sandbox, &[&path]).await;
    let rows = rows.as_array().unwrap().iter();
    let rows = rows.filter(|row| !IDENTITY.contains(&row["name"].as_str().unwrap()));
    rows.map(|row| {
        let name = row["name"].as_str().unwrap().to_owned();
        (
            name,
            json!([row["value"], row["source"], row["value_is_hidden"]]),
        )
    })
    .collect()
}

/// Give `acme-42` a value of its own.
async fn set(sandbox: &Sandbox, attribute: &str, value: &str) {
    let path = format!("/users/42/attribute_values/{attribute}");
    let value = format!("value={value}");
    let _set = api(sandbox, &["PATCH", &path, "-F", &value]).await;
}

#[tokio::test]
async fn all_six_values_of_its_own_arrive_and_the_hidden_one_is_asked_for() {
    let sandbox = rotation().await;
    let before = values(&sandbox, 42).await;
    let own = before
        .values()
        .filter(|row| row[1] == "User Setting")
        .count();
    assert_eq!(own, 6, "{before:?}");

    let args = ["rotate-id", "--yes", OLD, NEW, "--no-key"];
    let asked = sandbox.run(&args).await.exits(2);
    assert!(asked.err.contains("`api_token`"), "{}", asked.err);
    assert!(
        asked.err.contains("--attr api_token=VALUE"),
        "{}",
        asked.err
    );
    let _done = rotate(&sandbox, &[]).await.done();

    let new = id_of(&sandbox, NEW).await;
    assert_eq!(values(&sandbox, new).await, before);
    sandbox.finish().await;
}

#[tokio::test]
async fn a_word_for_where_a_value_comes_from_that_was_never_seen_stops_it_before_anything_moves() {
    let word = |word: &'static str| {
        move |options: &mut Options| options.switches.source_of_user = word.to_owned()
    };
    for source in ["user", "User Settings", "Set for user", ""] {
        let sandbox = rotation_with(word(source)).await;
        let before = state(sandbox.emulator());
        let asked = sandbox.emulator().requests().len();

        let stopped = rotate(&sandbox, &[]).await.exits(2);

        let error = stopped.error().to_string();
        for named in ["region", "customer_id", OLD, source, "--take-unknown"] {
            assert!(error.contains(named), "{named}: {error}");
        }
        assert!(!error.contains("api_token"), "it is given: {error}");
        assert_eq!(writes(sandbox.emulator(), asked), Vec::<String>::new());
        assert_eq!(state(sandbox.emulator()), before);

        let _done = rotate(&sandbox, &["--take-unknown"]).await.done();
        let new = id_of(&sandbox, NEW).await;
        assert_eq!(values(&sandbox, new).await, values(&sandbox, 42).await);
        sandbox.finish().await;
    }
}

#[tokio::test]
async fn a_value_of_unknown_origin_is_left_to_whoever_gives_it() {
    let sandbox =
        rotation_with(|options| options.switches.source_of_user = "user".to_owned()).await;
    let given = [
        "--attr",
        "region=apac",
        "--attr",
        "customer_id=42",
        "--attr",
        "locale=de",
        "--attr",
        "plan=gold",
        "--attr",
        "note=",
    ];

    let done = rotate(&sandbox, &given).await.exits(3);

    // It is hidden, so that only its source could tell whether it has arrived.
    let error = done.json()["error"].to_string();
    assert!(error.contains("attribute api_token"), "{error}");
    assert!(!error.contains("region"), "{error}");
    let old = api(&sandbox, &["/users/42"]).await;
    assert_eq!(old["is_disabled"], false);
    sandbox.finish().await;
}

#[tokio::test]
async fn a_value_that_did_not_arrive_leaves_the_old_user_alone() {
    let sandbox = rotation().await;
    // While it moves, somebody changes a value that neither user has of its own.
    let run = stopped_at(&sandbox, "update_board").await;
    let rows = api(&sandbox, &["/users/42/attribute_values"]).await;
    let mut rows = rows.as_array().unwrap().iter();
    let row = rows.find(|row| row["name"] == "number_format").unwrap();
    set(
        &sandbox,
        row["user_attribute_id"].as_str().unwrap(),
        "1.234,56",
    )
    .await;

    let resumed = sandbox
        .run(&["runs", "resume", &run, "-o", "json"])
        .await
        .exits(3);

    let said = format!("{}{}", resumed.out, resumed.err);
    assert!(said.contains("number_format"), "{said}");
    let old = api(&sandbox, &["/users/42"]).await;
    assert_eq!(old["is_disabled"], false);
    assert_eq!(old["credentials_api3"].as_array().unwrap().len(), 2);
    sandbox.finish().await;
}

#[tokio::test]
async fn an_owner_that_the_release_cannot_change_is_said_before_anything_moves() {
    let sandbox = rotation_with(|options| {
        options.switches.owner_can_be_set = false;
    })
    .await;

    let stopped = rotate(&sandbox, &[]).await.exits(3);

    // The release says that it can, so that only reading back tells.
    let error = stopped.json()["error"].to_string();
    assert!(error.contains("kept its owner"), "{error}");
    let old = api(&sandbox, &["/users/42"]).await;
    assert_eq!(old["is_disabled"], false);
    sandbox.finish().await;
}

/// One switch of the local Looker, and whether a person can still be moved.
const TURNED: [(&str, &str, bool); 18] = [
    ("embed_role_name", "Something Else", true),
    ("embed_role_in_all_roles", "true", true),
    ("embed_role_listed", "false", false),
    ("embed_role_direct", "false", false),
    ("embed_role_in_role_ids", "false", false),
    ("search_lists_nothing", "boards", true),
    ("search_lists_nothing", "favorites", true),
    ("search_lists_nothing", "schedules", true),
    ("search_lists_nothing", "alerts", true),
    ("disabled_plans_hidden", "true", true),
    ("boards_swap_paging", "true", true),
    ("knows_followed", "false", true),
    ("followed_alerts_are_found", "false", true),
    ("taken_title_field", "title", true),
    ("hidden_value_is_null", "true", true),
    ("owner_write_is_ignored", "true", false),
    ("role_change_is_ignored", "true", false),
    ("models_hide_internal", "false", true),
];

#[tokio::test]
async fn with_any_belief_turned_round_everything_moves_or_the_old_user_is_left_alone() {
    for (name, value, moves) in TURNED {
        let sandbox = rotation_with(|options| options.switches.set(name, value).unwrap()).await;
        let before = state(sandbox.emulator());
        let had = values(&sandbox, 42).await;

        let outcome = rotate(&sandbox, &[]).await;

        let said = format!("{name}={value}: {}{}", outcome.out, outcome.err);
        assert_eq!(outcome.exit == 0, moves, "{said}");
        let after = state(sandbox.emulator());
        if !moves {
            let old = thing(&after, "users", 42);
            assert_ne!(old["is_disabled"], true, "{said}");
            assert_eq!(old["keys"], thing(&before, "users", 42)["keys"], "{said}");
            sandbox.finish().await;
            continue;
        }
        let new = id_of(&sandbox, NEW).await;
        assert_eq!(values(&sandbox, new).await, had, "{said}");
        let people = [42, new];
        let whose = Move::to(&sandbox, new).await;
        let (expected, _) = apart(moved(&before, whose), &people);
        let (found, _) = apart(after, &people);
        assert_eq!(
            unmarked(found, &people),
            unmarked(expected, &people),
            "{said}"
        );
        sandbox.finish().await;
    }
}

#[tokio::test]
async fn a_looker_that_cannot_search_schedules_is_said_to_have_shown_only_those_of_its_list() {
    let sandbox = rotation().await;
    // As it answers for a schedule that is called `search`.
    sandbox
        .emulator()
        .inject(Fault::status(404).on("search_scheduled_plans").times(0));

    let done = rotate(&sandbox, &[]).await.done();

    let said = done.json().to_string();
    assert!(said.contains("schedules that no list shows"), "{said}");
    sandbox.finish().await;
}

#[tokio::test]
async fn alerts_that_no_list_shows_are_asked_for_and_what_looker_does_not_tell_of_them_is_said() {
    let unseen = "followed alerts that no list shows";
    for (fault, moves, told) in [
        (None, Some(1), false),
        (Some(("get_alert", 403)), None, true),
        (Some(("get_alert", 404)), None, false),
    ] {
        let sandbox = rotation_with(|options| {
            let switches = &mut options.switches;
            switches.set("followed_alerts_are_found", "false").unwrap();
        })
        .await;
        if let Some((operation, status)) = fault {
            let fault = Fault::status(status).on(operation).times(0);
            sandbox.emulator().inject(fault);
        }

        let done = rotate(&sandbox, &[]).await.done();

        let said = done.json();
        let followed = said["moved"]["followed_alerts"].as_u64();
        assert_eq!(followed, moves, "{fault:?}: {said}");
        let named = said["not_moved"].to_string().contains(unseen);
        assert_eq!(named, told, "{fault:?}: {said}");
        sandbox.finish().await;
    }
}
