//! What asks first: whatever takes something away from users who have it, and nothing else.

use std::io::{self, Read};
use std::sync::mpsc::{Receiver, channel};

use embedctl::emulator::{Effect, Fault};
use embedctl::system::Input;
use serde_json::{Value, json};

use crate::clients::foreign_key;
use crate::rotation::{HIDDEN, NEW, OLD, rotation, rotation_with};
use crate::support::{Outcome, Sandbox, in_time};

fn person(answer: &'static str) -> Input {
    Input::new(answer.as_bytes(), true)
}

/// The world `rotation` with a user `u-1` that was created with a key, and manifests about it; also the run that created it.
async fn world() -> (Sandbox, String) {
    let mut sandbox = rotation().await;
    let create = [
        "create-user",
        "u-1",
        "--model=demo",
        "--permission=access_data,see_looks",
        "--attr=region=west",
        "--keys-to=file:keys.jsonl",
    ];
    let _made = sandbox.run(&create).await.done();
    let _foreign = foreign_key(sandbox.emulator(), "u-1").await;
    sandbox.var("EMBEDCTL_SOLE_MINTER", "true");
    for (name, text) in [
        ("less", "external_user_id,permissions\nu-1,access_data"),
        ("west", "external_user_id,attr.region\nu-1,east"),
        ("none", "external_user_id,attr.region\nu-1,"),
        ("off", "external_user_id,state\nu-1,disabled"),
        ("rotate", "external_user_id,key\nu-1,rotate"),
        ("one", "external_user_id\nu-1"),
    ] {
        sandbox.file(&format!("{name}.csv"), &format!("{text}\n"));
    }
    let _plan = sandbox
        .run(&["plan", "off.csv", "--out", "off.plan"])
        .await
        .done();
    let runs = sandbox
        .run(&["runs", "list", "-o", "json"])
        .await
        .done()
        .json();
    let run = runs[0]["id"].as_str().unwrap().to_owned();
    (sandbox, run)
}

async fn runs(sandbox: &Sandbox) -> Value {
    sandbox
        .run(&["runs", "list", "-o", "json"])
        .await
        .done()
        .json()
}

/// Commands that take something away, and how they say it; `RUN` and `KEY` stand for what the world has.
const TAKING: &[(&[&str], &str)] = &[
    (&["users", "disable", OLD], "disables `acme-42`"),
    (&["users", "disable", "--match=u-*"], "disables `u-1`"),
    (&["users", "delete", "u-1"], "deletes `u-1`"),
    (&["keys", "rotate", "u-1"], "revokes working keys of `u-1`"),
    (
        &["keys", "rotate", "u-1", "--overlap=1d"],
        "end with the overlap",
    ),
    (&["keys", "rotate", "--all"], "revokes working keys of"),
    (
        &["keys", "revoke", "u-1", "--foreign", "KEY"],
        "revokes working keys",
    ),
    (
        &["keys", "orphans", "--revoke"],
        "revokes working keys of 3 users",
    ),
    (
        &["rotate-id", OLD, NEW, "--attr", HIDDEN],
        "moves everything",
    ),
    (
        &["rotate-id", OLD, NEW, "--attr", HIDDEN, "--old=delete"],
        "deletes `acme-42`",
    ),
    (
        &["apply", "less.csv"],
        "removes or replaces grants of `u-1`",
    ),
    (
        &["apply", "west.csv"],
        "removes or replaces grants of `u-1`",
    ),
    (
        &["apply", "none.csv"],
        "removes grants of `u-1` by empty cells",
    ),
    (&["apply", "off.csv"], "disables `u-1`"),
    (&["apply", "off.plan"], "disables `u-1`"),
    (
        &["apply", "rotate.csv", "--keys-to=file:k"],
        "revokes working keys of `u-1`",
    ),
    (
        &[
            "apply",
            "one.csv",
            "--prune=disable",
            "--match=acme-*",
            "--max=100%",
        ],
        "disables",
    ),
    (
        &["create-user", "u-1", "--update", "--permission=access_data"],
        "removes or replaces",
    ),
    (
        &[
            "create-user",
            "u-1",
            "--update",
            "--permission=explore",
            "--merge",
        ],
        "ends open sessions",
    ),
    (
        &["create-user", "u-1", "--key=rotate"],
        "revokes working keys of `u-1`",
    ),
    (
        &["url", "open", "u-1", "/embed/looks/1", "--print"],
        "ends open sessions of `u-1`",
    ),
    (
        &["url", "open", "u-1", "/embed/looks/1"],
        "ends open sessions of `u-1`",
    ),
    (&["runs", "undo", "RUN"], "deletes `u-1`"),
];

#[tokio::test]
async fn whatever_takes_something_away_does_nothing_without_a_terminal_and_a_yes() {
    let (sandbox, run) = world().await;
    let before = (sandbox.emulator().state(), runs(&sandbox).await);
    for (args, word) in TAKING {
        let keys = sandbox
            .run(&["keys", "list", "u-1", "-o", "json"])
            .await
            .done()
            .json();
        let key = keys[0]["key_id"].as_str().unwrap();
        let args = args.iter().map(|arg| match *arg {
            "RUN" => run.as_str(),
            "KEY" => key,
            arg => arg,
        });
        let args: Vec<&str> = args.collect();

        let outcome = sandbox.run(&args).await.exits(2);

        let said = &outcome.err;
        assert!(
            said.contains(word) && said.contains("`--yes`"),
            "{args:?}: {said}"
        );
        assert_eq!(outcome.out, "", "{args:?}");
        let after = (sandbox.emulator().state(), runs(&sandbox).await);
        assert_eq!(after, before, "{args:?}");
    }
    sandbox.finish().await;
}

#[tokio::test]
async fn creating_and_adding_ask_nothing() {
    let (sandbox, _) = world().await;
    for (name, text) in [
        ("named", "external_user_id,first_name\nu-1,Grace"),
        ("valued", "external_user_id,attr.plan\nu-1,gold"),
        ("grouped", "external_user_id,group_ids\nu-1,Acme Sales"),
        ("new", "external_user_id\nu-2"),
        ("on", "external_user_id,state\nu-1,present"),
    ] {
        sandbox.file(&format!("{name}.csv"), &format!("{text}\n"));
    }
    for args in [
        &["create-user", "u-1", "--model=demo"][..],
        &["create-user", "u-1", "--key=new"],
        &[
            "create-user",
            "u-3",
            "--update",
            "--model=demo",
            "--key=rotate",
        ],
        &["keys", "mint", "u-1"],
        &["keys", "reap"],
        &["apply", "named.csv"],
        &["apply", "valued.csv"],
        &["apply", "grouped.csv"],
        &["apply", "new.csv"],
        &["apply", "on.csv"],
        &["users", "enable", "u-1"],
        &["url", "open", "u-9", "/embed/looks/1", "--print"],
    ] {
        let _done = sandbox.run(args).await.done();
    }
    sandbox.finish().await;
}

#[tokio::test]
async fn a_rule_may_not_select_more_users_than_the_limit_and_a_pattern_alone_may() {
    let sandbox = Sandbox::new().await;
    let rows: String = (0..20).map(|number| format!("acme-{number}\n")).collect();
    sandbox.file("all.csv", &format!("external_user_id\n{rows}"));
    let (kept, _gone) = rows.split_at(rows.find("acme-17").unwrap());
    sandbox.file("kept.csv", &format!("external_user_id\n{kept}"));
    let _made = sandbox
        .run(&["apply", "all.csv", "--key=none"])
        .await
        .done();
    let before = sandbox.emulator().state();
    let prune = ["--prune=disable", "--match=acme-*"];

    for command in [&["plan"][..], &["apply", "--yes"], &["apply", "--dry-run"]] {
        let args = [command, &["kept.csv"], &prune].concat();
        let refused = sandbox.run(&args).await.exits(2);
        let said = &refused.err;
        assert!(
            said.contains("`--prune` selects 3 of 20 embed users"),
            "{args:?}: {said}"
        );
        assert!(said.contains("10% of 20, which is 2"), "{args:?}: {said}");
    }
    for rule in ["--no-keys", "--no-models"] {
        let refused = sandbox
            .run(&["users", "disable", rule, "--yes"])
            .await
            .exits(2);
        assert!(
            refused.err.contains(&format!("`{rule}` selects")),
            "{}",
            refused.err
        );
    }
    assert_eq!(sandbox.emulator().state(), before);

    let args = [
        &["apply", "kept.csv", "--yes", "--max=3", "-o", "json"][..],
        &prune,
    ]
    .concat();
    let sum = sandbox.run(&args).await.done().json();
    assert_eq!(
        (&sum["disabled"], &sum["updated"], &sum["unchanged"]),
        (&json!(3), &json!(0), &json!(17))
    );
    let matched = ["users", "disable", "--match=acme-*", "--yes", "-o", "json"];
    assert_eq!(sandbox.run(&matched).await.done().json()["disabled"], 17);
    sandbox.finish().await;
}

#[tokio::test]
async fn an_empty_manifest_never_prunes() {
    let (sandbox, _) = world().await;
    let before = sandbox.emulator().state();
    sandbox.file("empty.csv", "external_user_id\n");
    sandbox.file("empty.yaml", "users: []\n");
    for name in ["empty.csv", "empty.yaml"] {
        for command in ["plan", "apply"] {
            let args = [
                command,
                name,
                "--prune=disable",
                "--match=*",
                "--max=100%",
                "--yes",
            ];
            let refused = sandbox.run(&args).await.exits(2);
            assert!(refused.err.contains("names no user"), "{}", refused.err);
        }
    }
    assert_eq!(sandbox.emulator().state(), before);
    sandbox.finish().await;
}

#[tokio::test]
async fn more_than_ten_users_want_their_number_typed_and_a_deletion_the_id() {
    let sandbox = Sandbox::new().await;
    let rows: String = (1..=11).map(|number| format!("acme-{number}\n")).collect();
    sandbox.file("all.csv", &format!("external_user_id\n{rows}"));
    let _made = sandbox
        // One after the other, so that they are listed in this order.
        .run(&["apply", "all.csv", "--key=none", "--concurrency=1"])
        .await
        .done();
    let before = sandbox.emulator().state();
    let many = ["users", "disable", "--match=acme-*"];
    let one = ["users", "delete", "acme-1"];

    for (args, wrong) in [
        (&many[..], "y\n"),
        (&many, "12\n"),
        (&one, "y\n"),
        (&one, "acme-11\n"),
    ] {
        let refused = sandbox.run_with(args, person(wrong)).await.exits(2);
        assert!(refused.err.contains("nothing was done"), "{}", refused.err);
    }
    assert_eq!(sandbox.emulator().state(), before);

    let disabled = sandbox.run_with(&many, person("11\n")).await.done();
    assert!(
        disabled
            .err
            .contains("This disables 11 users (`acme-1`, `acme-2`, `acme-3` and 8 more)."),
        "{}",
        disabled.err
    );
    let _deleted = sandbox.run_with(&one, person("acme-1\n")).await.done();
    sandbox.finish().await;
}

/// Input that never comes, as from a person who thinks.
struct Silence(Receiver<()>);

impl Read for Silence {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        // Ends with the test, which holds the other side.
        let _ended = self.0.recv().is_err();
        Ok(0)
    }
}

#[tokio::test]
async fn ctrl_c_leaves_a_question_at_once() {
    let (sandbox, _) = world().await;
    let before = sandbox.emulator().state();
    for (args, question) in [
        (&["users", "delete", "u-1"][..], "type `u-1`"),
        (&["apply", "off.csv"], "go on?"),
        (&["profile", "add", "new"], "base URL"),
    ] {
        let (_open, silence) = channel();
        let input = Input::new(Silence(silence), true);
        let (mut system, captured) = sandbox.system(input);
        let interrupt = system.interrupt.clone();
        let press = async {
            while !captured.outcome(0).err.contains(question) {
                tokio::task::yield_now().await;
            }
            interrupt.trigger();
        };
        let args = ["embedctl"].iter().chain(args).copied();

        let run = Box::pin(embedctl::run(args, &mut system));
        let (exit, ()) = in_time(async { tokio::join!(run, press) }).await;

        let outcome = captured.outcome(exit.code()).exits(130);
        assert!(outcome.err.contains("nothing was done"), "{}", outcome.err);
    }
    assert_eq!(sandbox.emulator().state(), before);
    sandbox.finish().await;
}

#[tokio::test]
async fn a_schedule_that_runs_once_and_that_no_list_shows_is_started_again_too() {
    let sandbox = rotation_with(|options| {
        let switches = &mut options.switches;
        switches.set("disabled_plans_hidden", "true").unwrap();
    })
    .await;
    let once = [
        "api",
        "PATCH",
        "/scheduled_plans/100",
        "-F",
        "run_once=true",
    ];
    let _once = sandbox.run(&once).await.done();
    let before = running(&sandbox);
    let off = ["users", "disable", OLD, "--yes"];
    let _off = sandbox.run(&off).await.done();

    let run = newest(&sandbox.run(&["runs", "list", "-o", "json"]).await.done());
    let _undone = sandbox.run(&["runs", "undo", &run]).await.done();

    assert_eq!(running(&sandbox), before);
    assert!(before.contains(&json!(100)), "{before:?}");
    sandbox.finish().await;
}

#[tokio::test]
async fn a_disabling_or_its_undo_that_loses_any_answer_ends_where_it_should_when_it_is_repeated() {
    let disable = [
        "all_scheduled_plans",
        "search_scheduled_plans",
        "update_user",
        "user",
    ];
    let undo = [
        "update_user",
        "user",
        "scheduled_plan",
        "update_scheduled_plan",
    ];
    for (operation, in_undo) in disable
        .map(|it| (it, false))
        .into_iter()
        .chain(undo.map(|it| (it, true)))
    {
        let sandbox = rotation().await;
        let before = running(&sandbox);
        let off = ["users", "disable", OLD, "--yes", "--retries", "0"];
        let lost = Fault::new(Effect::ResetAfter).on(operation);
        if !in_undo {
            sandbox.emulator().inject(lost.clone());
            let _lost = sandbox.run(&off).await;
            sandbox.emulator().clear_faults();
            let run = newest(&sandbox.run(&["runs", "list", "-o", "json"]).await.done());
            let _resumed = sandbox.run(&["runs", "resume", &run]).await.done();
        }
        let _off = sandbox.run(&off).await.done();
        assert_eq!(running(&sandbox), [json!(null); 0], "{operation}");

        let runs = sandbox
            .run(&["runs", "list", "-o", "json"])
            .await
            .done()
            .json();
        let done = runs
            .as_array()
            .unwrap()
            .iter()
            .find(|run| run["state"] == json!("done"));
        let run = done.expect(operation)["id"].as_str().unwrap().to_owned();
        let back = ["runs", "undo", &run, "--retries", "0"];
        if in_undo {
            sandbox.emulator().inject(lost);
            let _lost = sandbox.run(&back).await;
            sandbox.emulator().clear_faults();
        }
        let _back = sandbox.run(&back).await.done();

        assert_eq!(running(&sandbox), before, "{operation} {in_undo}");
        sandbox.finish().await;
    }
}

/// Which schedules of `acme-42` run.
fn running(sandbox: &Sandbox) -> Vec<Value> {
    let state = sandbox.emulator().state();
    let plans = state["scheduled_plans"].as_array().unwrap().iter();
    let own = plans.filter(|plan| plan["owner"] == json!(42) || plan["user_id"] == json!(42));
    own.filter(|plan| plan["fields"]["enabled"] != json!(false))
        .map(|plan| plan["id"].clone())
        .collect()
}

fn newest(runs: &Outcome) -> String {
    runs.json()[0]["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_user_that_was_disabled_is_let_in_again_by_an_undo_with_the_schedules_that_ran() {
    for starts_itself in ["false", "true"] {
        for way in [
            &["users", "disable", OLD][..],
            &["apply", "off.csv"],
            &["apply", "other.csv", "--prune=disable", "--match=acme-42"],
        ] {
            let sandbox = rotation_with(|options| {
                options
                    .switches
                    .set("enable_starts_schedules", starts_itself)
                    .unwrap();
            })
            .await;
            sandbox.file("off.csv", "external_user_id,state\nacme-42,disabled\n");
            sandbox.file("other.csv", "external_user_id\nacme-43\n");
            let before = running(&sandbox);
            assert_eq!(before.len(), 2, "{before:?}");
            let _off = sandbox.run(&[way, &["--yes"]].concat()).await.done();
            assert_eq!(running(&sandbox), [json!(null); 0]);

            let run = newest(&sandbox.run(&["runs", "list", "-o", "json"]).await.done());
            let undone = sandbox
                .run(&["runs", "undo", &run, "-o", "json"])
                .await
                .done()
                .json();

            assert_eq!(running(&sandbox), before, "{way:?}");
            let result = &undone["results"][0];
            let result = match result["external_user_id"] == json!(OLD) {
                true => result,
                false => &undone["results"][1],
            };
            assert_eq!(result["enabled"], true, "{undone}");
            let started = result["schedules_started"].as_array().unwrap().len();
            assert_eq!(
                started,
                if starts_itself == "true" { 0 } else { 2 },
                "{undone}"
            );
            sandbox.finish().await;
        }
    }
}

#[tokio::test]
async fn a_browser_is_shown_what_the_user_has_and_not_what_the_profile_gives() {
    let (sandbox, _) = world().await;
    let admin = sandbox.admin();
    let user = admin
        .user_for_credential_embed("u-1")
        .await
        .unwrap()
        .unwrap();
    for session in admin.sessions(&user.id).await.unwrap() {
        let _ended = admin.delete_session(&user.id, &session.id).await.unwrap();
    }
    admin.logout().await.unwrap();
    sandbox.file(
        "config/embedctl/config.toml",
        "[profiles.default]\nmodels = [\"another\"]\npermissions = [\"explore\"]\n",
    );

    // No session is open, and nothing is taken away.
    let args = ["url", "open", "u-1", "/embed/looks/1", "--print"];
    let url = sandbox.run(&args).await.done().out;

    let decoded = percent_decoded(&url);
    assert!(decoded.contains("models=[\"demo\"]"), "{decoded}");
    assert!(
        decoded.contains("permissions=[\"access_data\",\"see_looks\"]"),
        "{decoded}"
    );
    assert!(decoded.contains("{\"region\":\"west\"}"), "{decoded}");

    let other = [&args[..], &["--model=other"]].concat();
    let asked = sandbox.run(&other).await.exits(2);
    assert!(
        asked.err.contains("removes or replaces grants of `u-1`"),
        "{}",
        asked.err
    );
    assert!(asked.err.contains("models: -demo +other"), "{}", asked.err);
    sandbox.finish().await;
}

fn percent_decoded(url: &str) -> String {
    let pairs = url.split('&').map(|pair| {
        let bytes = url::form_urlencoded::parse(pair.as_bytes());
        bytes
            .map(|(name, value)| format!("{name}={value}"))
            .collect::<String>()
    });
    pairs.collect::<Vec<_>>().join("&")
}
