//! What holds with every store.

use std::collections::BTreeSet;
use std::sync::Arc;

use embedctl::emulator::Options;
use embedctl::secret::SecretString;
use embedctl::sink::{self, Key, KeyName, Opening, Sink};
use embedctl::system::Input;
use serde_json::{Value, json};

use crate::clients::{key_ids, keys, login};
use crate::stores::proxy::Effect;
use crate::stores::{EACH, Shop, create, every_store, one_can_be_read, rotate_with_overlap};
use crate::support::Sandbox;

every_store! {
    a_new_user_gets_a_secret_that_says_whose_it_is
    the_variables_of_the_sdks_are_another_form_of_the_value
    the_same_key_twice_is_one_version
    a_write_whose_answer_was_lost_leaves_one_version_and_one_key
    a_key_that_another_process_put_there_meanwhile_is_not_replaced
    a_secret_of_somebody_else_is_refused_before_a_key_is_minted_and_taken_over_if_told_to
    a_right_that_is_missing_is_named_and_the_key_is_revoked
    a_place_that_is_not_there_is_found_out_before_a_key_is_minted
    a_store_that_goes_down_in_the_middle_of_a_run_loses_nothing
    a_store_that_throttles_is_waited_for
    a_rotation_keeps_the_previous_version_until_it_is_reaped
    a_rotation_without_an_overlap_destroys_the_previous_version
    ids_with_odd_characters_have_names_of_their_own
    users_whose_names_would_collide_are_refused_before_a_key_is_minted
    two_sinks_hold_a_key_or_none_does
    keys_that_nobody_received_are_told_by_the_store
    a_sink_is_tried_without_a_key
}

async fn sandbox<S: Shop>(shop: &S) -> Sandbox {
    let mut sandbox = Sandbox::with(Options::default()).await;
    shop.enter(&mut sandbox);
    sandbox
}

/// The user has exactly one key, which is the one that readers of the store get, and it logs in.
pub(crate) async fn one_key_everywhere<S: Shop>(shop: &S, sandbox: &Sandbox, user: &str) -> Value {
    let value = shop.value(&shop.escaped(user)).await.unwrap_or_default();
    let emulator = sandbox.emulator();
    let keys = keys(emulator, user).await;
    let client_ids: Vec<_> = keys.iter().map(|key| key.client_id.as_str()).collect();
    assert_eq!(
        client_ids,
        [value["client_id"].as_str().unwrap_or_default()],
        "{user}"
    );
    let logged_in = login(emulator.base_url(), &value).await;
    assert_eq!(
        logged_in.as_deref(),
        value["looker_user_id"].as_str(),
        "{user}"
    );
    value
}

fn key(user: &str, id: &str) -> Key {
    Key {
        name: KeyName {
            base_url: "https://acme.cloud.looker.com".to_owned(),
            external_user_id: user.to_owned(),
            looker_user_id: "12".to_owned(),
            id: id.to_owned(),
            client_id: format!("client{id}"),
            purpose: "embedctl: delivered, run 0192f7a0-6a3c-0000000001/7".to_owned(),
            created_at: "2026-03-01T12:00:00Z".parse().unwrap(),
            job: "0192f7a0-6a3c-0000000001/7".to_owned(),
        },
        client_secret: SecretString::from(format!("secret{id}")),
    }
}

/// The sink of a process of its own.
fn open<S: Shop>(shop: &S) -> Arc<dyn Sink> {
    let mut sandbox = Sandbox::offline();
    shop.enter(&mut sandbox);
    let (system, _) = sandbox.system(Input::empty());
    sink::open(&[shop.spec(EACH)], &Opening::new(&system)).unwrap()
}

async fn a_new_user_gets_a_secret_that_says_whose_it_is<S: Shop>(shop: S) {
    let sandbox = sandbox(&shop).await;

    let created = create(&shop, &sandbox, "acme-42").await.done().json();

    let value = one_key_everywhere(&shop, &sandbox, "acme-42").await;
    let fields: BTreeSet<_> = value
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    let expected = [
        "base_url",
        "client_id",
        "client_secret",
        "external_user_id",
        "key_id",
        "looker_user_id",
    ];
    assert_eq!(fields, BTreeSet::from(expected));
    assert_eq!(created["key"]["delivered_to"], shop.spec(EACH));
    assert_eq!(value["key_id"], created["key"]["id"]);
    assert_eq!(value["external_user_id"], "acme-42");
    let marks = shop.marks("acme-42").await;
    assert_eq!(marks["managed-by"], "embedctl", "{marks}");
    assert_eq!(marks["embedctl-key"], value["key_id"], "{marks}");
    assert_eq!(marks["embedctl-user"], "acme-42", "{marks}");
    // The run and the job are those of the tag.
    let job = marks["embedctl-job"].as_str().unwrap();
    let purpose = created["key"]["purpose"].as_str().unwrap();
    assert!(purpose.contains(&format!("run {job}")), "{purpose}, {job}");
    // What is there is found again: nothing is minted, nothing is written.
    let before = shop.proxy().passed().len();
    let _done = create(&shop, &sandbox, "acme-42").await.done();
    let lines = shop.proxy().passed().split_off(before);
    assert!(
        !lines.iter().any(|it| it.line.contains(shop.writes())),
        "{lines:?}"
    );
    sandbox.finish().await;
}

async fn the_variables_of_the_sdks_are_another_form_of_the_value<S: Shop>(shop: S) {
    let sandbox = sandbox(&shop).await;
    let spec = format!("{}?fields=env", shop.spec(EACH));

    let _done = sandbox
        .run(&["create-user", "acme-42", "--keys-to", &spec])
        .await
        .done();
    let rotate = ["keys", "rotate", "acme-42", "--keys-to", &spec, "--yes"];
    let _done = sandbox.run(&rotate).await.done();

    let value = shop.value("acme-42").await.unwrap();
    let key = json!({ "client_id": value["LOOKERSDK_CLIENT_ID"], "client_secret": value["LOOKERSDK_CLIENT_SECRET"] });
    assert_eq!(value.as_object().unwrap().len(), 3, "{value}");
    assert_eq!(value["LOOKERSDK_BASE_URL"], sandbox.emulator().base_url());
    assert!(login(sandbox.emulator().base_url(), &key).await.is_some());
    sandbox.finish().await;
}

async fn the_same_key_twice_is_one_version<S: Shop>(shop: S) {
    let (one, other) = (open(&shop), open(&shop));

    for sink in [&one, &one, &other] {
        sink.deliver(&key("acme-42", "1")).await.unwrap();
    }

    assert_eq!(shop.versions("acme-42").await.len(), 1);
    assert_eq!(
        one.holds(&key("acme-42", "1").name).await.unwrap(),
        Some(true)
    );
    assert_eq!(
        one.holds(&key("acme-42", "2").name).await.unwrap(),
        Some(false)
    );
    assert_eq!(
        one.holds(&key("acme-43", "1").name).await.unwrap(),
        Some(false)
    );
}

async fn a_write_whose_answer_was_lost_leaves_one_version_and_one_key<S: Shop>(shop: S) {
    let sandbox = sandbox(&shop).await;
    shop.proxy().trouble(shop.writes(), 1, Effect::LoseAnswer);

    let _done = create(&shop, &sandbox, "acme-42").await.done();

    assert_eq!(shop.proxy().calm(), 0);
    one_key_everywhere(&shop, &sandbox, "acme-42").await;
    let versions = shop.versions("acme-42").await;
    one_can_be_read(&versions);
    sandbox.finish().await;
}

async fn a_key_that_another_process_put_there_meanwhile_is_not_replaced<S: Shop>(shop: S) {
    let (one, other) = (open(&shop), open(&shop));
    let first = key("acme-42", "1");
    let (base_url, user) = (&first.name.base_url, "acme-42");
    assert_eq!(one.held(base_url, user).await.unwrap(), None);
    other.deliver(&first).await.unwrap();

    let refused = one.deliver(&key(user, "2")).await.unwrap_err();
    assert!(
        refused
            .message
            .contains("another process has put key 1 into"),
        "{refused}"
    );

    // The same over a secret that was there before.
    one.held(base_url, user).await.unwrap();
    let held = other.deliver(&key(user, "3")).await.unwrap();
    assert_eq!(held.unwrap().client_id, "client1");
    let refused = one.deliver(&key(user, "4")).await.unwrap_err();
    assert!(refused.message.contains("in the meantime"), "{refused}");
    assert_eq!(shop.value(user).await.unwrap()["client_id"], "client3");
}

async fn a_secret_of_somebody_else_is_refused_before_a_key_is_minted_and_taken_over_if_told_to<
    S: Shop,
>(
    shop: S,
) {
    let sandbox = sandbox(&shop).await;
    let theirs = json!({ "password": "of the coffee machine" });
    shop.put_foreign("acme-42", theirs.clone()).await;

    let refused = create(&shop, &sandbox, "acme-42").await;

    assert_ne!(refused.exit, 0);
    assert!(
        refused.err.contains("embedctl did not create it"),
        "{}",
        refused.err
    );
    assert!(refused.err.contains("--adopt"), "{}", refused.err);
    assert_eq!(keys(sandbox.emulator(), "acme-42").await.len(), 0);
    assert_eq!(shop.value("acme-42").await, Some(theirs.clone()));

    let spec = shop.spec(EACH);
    let adopt = ["create-user", "acme-42", "--keys-to", &spec, "--adopt"];
    let _done = sandbox.run(&adopt).await.done();

    one_key_everywhere(&shop, &sandbox, "acme-42").await;
    let versions = shop.versions("acme-42").await;
    assert_eq!(versions[0].value, Some(theirs.clone()), "{versions:?}");
    // From now on it is ours, and what was theirs stays.
    let rotate = ["keys", "rotate", "acme-42", "--keys-to", &spec, "--yes"];
    let _done = sandbox.run(&rotate).await.done();
    assert_eq!(shop.versions("acme-42").await[0].value, Some(theirs));
    sandbox.finish().await;
}

async fn a_right_that_is_missing_is_named_and_the_key_is_revoked<S: Shop>(shop: S) {
    let sandbox = sandbox(&shop).await;
    let (status, text) = shop.refusal();
    shop.proxy()
        .trouble(shop.writes(), 9, Effect::Answer(status, text));

    let refused = create(&shop, &sandbox, "acme-42").await;

    shop.proxy().calm();
    let error = refused.error();
    let hint = error["hint"].as_str().unwrap_or_default();
    assert!(hint.contains(shop.right()), "{error}");
    assert!(
        error["message"]
            .as_str()
            .unwrap()
            .contains("so it was revoked"),
        "{error}"
    );
    assert_eq!(keys(sandbox.emulator(), "acme-42").await.len(), 0);
    let _done = create(&shop, &sandbox, "acme-42").await.done();
    one_key_everywhere(&shop, &sandbox, "acme-42").await;
    sandbox.finish().await;
}

async fn a_place_that_is_not_there_is_found_out_before_a_key_is_minted<S: Shop>(shop: S) {
    let sandbox = sandbox(&shop).await;
    let spec = shop.nowhere();

    let args = ["create-user", "acme-42", "--keys-to", &spec, "-o", "json"];
    let refused = sandbox.run(&args).await.exits(2);

    assert!(!refused.error()["hint"].is_null(), "{}", refused.err);
    let doctor = sandbox.run(&["doctor", "--keys-to", &spec]).await;
    assert_ne!(doctor.exit, 0);
    sandbox.finish().await;
}

async fn a_store_that_goes_down_in_the_middle_of_a_run_loses_nothing<S: Shop>(shop: S) {
    let mut sandbox = sandbox(&shop).await;
    sandbox.var("EMBEDCTL_RETRIES", "0");
    let users: Vec<_> = (1..=8).map(|n| format!("acme-{n}")).collect();
    sandbox.file(
        "m.csv",
        &format!("external_user_id\n{}\n", users.join("\n")),
    );
    let spec = shop.spec(EACH);
    // Each of these would do; together they take the store down at different points of different jobs.
    shop.proxy()
        .trouble("acme-3", 99, Effect::Answer(503, "{}"));
    shop.proxy().trouble("acme-5", 3, Effect::LoseAnswer);
    shop.proxy()
        .trouble(shop.writes(), 2, Effect::Answer(503, "{}"));

    let args = ["apply", "m.csv", "--keys-to", &spec, "--yes", "-o", "json"];
    let _done = sandbox.run(&args).await.exits(3);
    shop.proxy().calm();
    let _done = sandbox.run(&args).await.done();

    for user in &users {
        one_key_everywhere(&shop, &sandbox, user).await;
    }
    sandbox.finish().await;
}

async fn a_store_that_throttles_is_waited_for<S: Shop>(shop: S) {
    let sandbox = sandbox(&shop).await;
    shop.proxy().trouble("", 3, Effect::Throttle);
    shop.proxy().trouble(shop.writes(), 2, Effect::Throttle);

    let _done = create(&shop, &sandbox, "acme-42").await.done();

    assert_eq!(shop.proxy().calm(), 0);
    one_key_everywhere(&shop, &sandbox, "acme-42").await;
    sandbox.finish().await;
}

async fn a_rotation_keeps_the_previous_version_until_it_is_reaped<S: Shop>(shop: S) {
    let mut sandbox = Sandbox::at("2026-03-01T12:00:00Z".parse().unwrap()).await;
    shop.enter(&mut sandbox);
    let spec = shop.spec(EACH);
    let first = create(&shop, &sandbox, "acme-42").await.done().json();

    rotate_with_overlap(&sandbox, &spec).await;

    // Both work: whoever has not read the new one yet still gets in.
    let versions = shop.versions("acme-42").await;
    let [old, new] = versions.as_slice() else {
        panic!("{versions:?}")
    };
    assert!(!old.current && new.current, "{versions:?}");
    let (old, new) = (old.value.clone().unwrap(), new.value.clone().unwrap());
    assert_eq!(old["client_id"], first["key"]["client_id"]);
    let base_url = sandbox.emulator().base_url().to_owned();
    assert!(login(&base_url, &old).await.is_some());
    assert!(login(&base_url, &new).await.is_some());
    let reap = ["keys", "reap", "--keys-to", &spec];
    let _done = sandbox.run(&reap).await.done();
    assert!(
        shop.versions("acme-42").await[0].value.is_some(),
        "not due yet"
    );

    let clock = sandbox.system(Input::empty()).0.clock;
    clock.sleep(std::time::Duration::from_secs(3700)).await;
    let _done = sandbox.run(&reap).await.done();

    let versions = shop.versions("acme-42").await;
    let left: Vec<_> = versions.iter().filter_map(|it| it.value.as_ref()).collect();
    assert_eq!(left, [&new], "{versions:?}");
    assert!(login(&base_url, &old).await.is_none());
    assert_eq!(key_ids(sandbox.emulator(), "acme-42").await.len(), 1);
    assert!(login(&base_url, &new).await.is_some());
    sandbox.finish().await;
}

async fn a_rotation_without_an_overlap_destroys_the_previous_version<S: Shop>(shop: S) {
    let sandbox = sandbox(&shop).await;
    let spec = shop.spec(EACH);
    let _done = create(&shop, &sandbox, "acme-42").await.done();

    for _ in 0..2 {
        let rotate = ["keys", "rotate", "acme-42", "--keys-to", &spec, "--yes"];
        let _done = sandbox.run(&rotate).await.done();

        one_key_everywhere(&shop, &sandbox, "acme-42").await;
        let versions = shop.versions("acme-42").await;
        one_can_be_read(&versions);
    }
    sandbox.finish().await;
}

async fn ids_with_odd_characters_have_names_of_their_own<S: Shop>(shop: S) {
    let sandbox = sandbox(&shop).await;
    let ids = [
        "a/b",
        "a=2Fb",
        "a_2Fb",
        "../x",
        "a..b",
        ".hidden",
        "jos\u{e9}@x.com",
        "a b",
        "A",
        "a",
        "%2F",
        "*",
        "+",
        "a?b=c#d",
        "\u{1f600}",
        "-",
        "a_b",
        "a:b",
        "{external_user_id}",
        "'\"`$",
        "a\\b",
        "a;b,c",
        "CON",
        "a.",
        "x--y",
    ];
    let names: BTreeSet<_> = ids.iter().map(|id| shop.escaped(id)).collect();
    assert_eq!(names.len(), ids.len());
    let rows: Vec<_> = ids
        .iter()
        .map(|id| format!("{}\n", json!({ "external_user_id": id, "key": "ensure" })))
        .collect();
    sandbox.file("m.jsonl", &rows.concat());
    let spec = shop.spec(EACH);

    let args = [
        "apply",
        "m.jsonl",
        "--keys-to",
        &spec,
        "--yes",
        "--allow-case-variants",
    ];
    let _done = sandbox.run(&args).await.done();

    for id in ids {
        let value = one_key_everywhere(&shop, &sandbox, id).await;
        assert_eq!(value["external_user_id"], id);
    }
    sandbox.finish().await;
}

async fn users_whose_names_would_collide_are_refused_before_a_key_is_minted<S: Shop>(shop: S) {
    let sandbox = sandbox(&shop).await;
    let spec = shop.spec("the-only-one");
    sandbox.file("m.csv", "external_user_id\nacme-1\nacme-2\n");

    let refused = sandbox
        .run(&["apply", "m.csv", "--keys-to", &spec, "--yes"])
        .await
        .exits(2);
    assert!(
        refused.err.contains("room for one user's key"),
        "{}",
        refused.err
    );
    assert!(shop.versions("the-only-one").await.is_empty());

    // One user is fine, and another one is told whose it is.
    let _done = sandbox
        .run(&["create-user", "acme-1", "--keys-to", &spec])
        .await
        .done();
    let refused = sandbox
        .run(&["create-user", "acme-2", "--keys-to", &spec])
        .await;
    assert_ne!(refused.exit, 0);
    assert!(
        refused.err.contains("holds the key of `acme-1`"),
        "{}",
        refused.err
    );
    assert_eq!(keys(sandbox.emulator(), "acme-2").await.len(), 0);
    let twice = [
        "create-user",
        "acme-1",
        "--keys-to",
        &spec,
        "--keys-to",
        &spec,
    ];
    let _done = sandbox.run(&twice).await.exits(2);
    sandbox.finish().await;
}

async fn two_sinks_hold_a_key_or_none_does<S: Shop>(shop: S) {
    let sandbox = sandbox(&shop).await;
    let spec = shop.spec(EACH);
    std::fs::create_dir(sandbox.path("keys")).unwrap();
    let both = ["--keys-to", "dir:keys", "--keys-to", &spec];
    let run = |args: &[&'static str]| {
        let args = [args, &["-o", "json"]].concat();
        let args: Vec<String> = args
            .iter()
            .chain(&both)
            .map(|it| (*it).to_owned())
            .collect();
        let sandbox = &sandbox;
        async move {
            let args: Vec<&str> = args.iter().map(String::as_str).collect();
            sandbox.run(&args).await
        }
    };

    let created = run(&["create-user", "acme-42"]).await.done().json();

    assert_eq!(created["key"]["delivered_to"], json!(["dir:keys", spec]));
    let value = one_key_everywhere(&shop, &sandbox, "acme-42").await;
    let file: Value = serde_json::from_str(&sandbox.read("keys/acme-42.json")).unwrap();
    assert_eq!(file["client_secret"], value["client_secret"]);

    // What only one of them took is revoked, and the next run puts it right in both.
    let (status, text) = shop.refusal();
    shop.proxy()
        .trouble(shop.writes(), 9, Effect::Answer(status, text));
    assert_ne!(run(&["keys", "rotate", "acme-42", "--yes"]).await.exit, 0);
    shop.proxy().calm();
    let _done = run(&["keys", "rotate", "acme-42", "--yes"]).await.done();
    let value = one_key_everywhere(&shop, &sandbox, "acme-42").await;
    let file: Value = serde_json::from_str(&sandbox.read("keys/acme-42.json")).unwrap();
    assert_eq!(file["client_secret"], value["client_secret"]);
    sandbox.finish().await;
}

async fn keys_that_nobody_received_are_told_by_the_store<S: Shop>(shop: S) {
    let sandbox = sandbox(&shop).await;
    let spec = shop.spec(EACH);
    let _done = create(&shop, &sandbox, "acme-42").await.done();
    // A key with the tag of a delivered one that the store never got: a script that lied.
    let lied = [
        "keys",
        "mint",
        "acme-42",
        "--keys-to",
        "exec:cat >/dev/null",
        "-o",
        "json",
    ];
    let lied = sandbox.run(&lied).await.done().json();

    let args = [
        "keys",
        "orphans",
        "--trust-sink",
        "--keys-to",
        &spec,
        "-o",
        "jsonl",
    ];
    let orphans = sandbox.run(&args).await.done().json_lines();

    let ids: Vec<_> = orphans
        .iter()
        .filter_map(|it| it["key_id"].as_str())
        .collect();
    assert_eq!(ids, [lied["key"]["id"].as_str().unwrap()], "{orphans:?}");
    sandbox.finish().await;
}

async fn a_sink_is_tried_without_a_key<S: Shop>(shop: S) {
    let sandbox = sandbox(&shop).await;
    let spec = shop.spec(EACH);

    let told = sandbox
        .run(&["doctor", "--keys-to", &spec, "-o", "json"])
        .await;

    let found: Value = told.json();
    let checks = found["checks"].as_array().unwrap();
    let sink = checks.iter().find(|it| it["check"] == "sink");
    assert_eq!(sink.unwrap()["status"], "pass", "{found:#}");
    let lines = shop.proxy().passed();
    assert!(!lines.is_empty());
    assert!(
        !lines.iter().any(|it| it.line.contains(shop.writes())),
        "{lines:?}"
    );
    sandbox.finish().await;
}
