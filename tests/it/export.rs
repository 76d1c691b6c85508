//! `embedctl export`: a manifest of the users that are there, of which a plan says that nothing changes.

use embedctl::emulator::{Fault, Options, State};
use serde_json::{Value, json};

use crate::manifest_scope::{Dice, world};
use crate::rotation::rotation;
use crate::support::Sandbox;

/// The extensions of the formats that `export` writes.
const FORMATS: [&str; 3] = ["csv", "jsonl", "yaml"];

async fn export(sandbox: &Sandbox, format: &str) -> String {
    let args = ["export", "--format", format];
    sandbox.run(&args).await.done().out
}

/// The totals of a plan of `text` by a machine without a ledger.
async fn plan(sandbox: &Sandbox, format: &str, text: &str) -> Value {
    let name = format!("exported.{format}");
    sandbox.file(&name, text);
    let ledger = format!("{format}.ledger");
    let args = [
        "plan",
        &name,
        "--ledger",
        &ledger,
        "--key=none",
        "-o",
        "json",
    ];
    sandbox.run(&args).await.done().json()
}

async fn generated(users: u64, with: impl FnOnce(&mut Value)) -> Sandbox {
    let mut world = world(&mut Dice::new(7), users);
    with(&mut world);
    let options = Options {
        state: State::parse(&world.to_string()).unwrap(),
        ..Options::default()
    };
    Sandbox::with(options).await
}

#[tokio::test]
async fn a_plan_of_what_was_exported_says_that_nothing_changes() {
    let sandbox = rotation().await;
    let before = sandbox.emulator().state();

    for format in FORMATS {
        let exported = sandbox.run(&["export", "--format", format]).await.done();
        let plan = plan(&sandbox, format, &exported.out).await;

        let of_all = (&plan["unchanged"], &plan["total"], &plan["changes"]);
        assert_eq!(
            of_all,
            (&plan["total"], &plan["total"], &json!([])),
            "{plan}"
        );
        assert!(plan["total"].as_u64().unwrap() > 3, "{plan}");
        let hidden = "Looker hides the values of `api_token`";
        assert!(exported.err.contains(hidden), "{}", exported.err);
        assert!(!exported.out.contains("only-acme-knows"));
    }
    assert_eq!(sandbox.emulator().state(), before);
    sandbox.finish().await;
}

#[tokio::test]
async fn a_thousand_users_with_every_kind_of_grant_are_exported_and_created_again_elsewhere() {
    let sandbox = generated(1_000, |_| {}).await;
    let elsewhere = generated(1, |world| world["users"] = json!([])).await;

    for format in ["csv", "jsonl"] {
        let text = export(&sandbox, format).await;
        let plan = plan(&sandbox, format, &text).await;
        assert_eq!(
            (&plan["unchanged"], &plan["changes"]),
            (&json!(1_000), &json!([])),
            "{format}"
        );
    }
    let text = export(&sandbox, "jsonl").await;
    elsewhere.file("users.jsonl", &text);
    let apply = ["apply", "users.jsonl", "--key=none", "--verify=none"];
    let _created = elsewhere.run(&apply).await.done();

    // A user that cannot log in is not created to be disabled, and a hidden value is in no manifest.
    let present = |text: &str| {
        let lines = text.lines().filter(|line| !line.contains("\"disabled\""));
        let mut lines: Vec<_> = lines.map(str::to_owned).collect();
        lines.sort();
        lines
    };
    let (there, here) = (present(&export(&elsewhere, "jsonl").await), present(&text));
    assert_eq!(there.len(), here.len());
    for (there, here) in there.iter().zip(&here) {
        assert_eq!(there, here);
    }
    sandbox.finish().await;
    elsewhere.finish().await;
}

#[tokio::test]
async fn yaml_names_what_a_tenant_has_in_common_once_and_says_what_is_hidden() {
    let sandbox = Sandbox::new().await;
    let grants = ["--model=demo", "--permission=access_data", "--no-key"];
    for (user, group) in [("a-1", "acme"), ("a-2", "acme"), ("b-1", "umbrella")] {
        let create = ["create-user", user, "--external-group-id", group];
        let _made = sandbox.run(&[&create[..], &grants].concat()).await.done();
    }

    let yaml = export(&sandbox, "yaml").await;

    assert_eq!(yaml.matches("access_data").count(), 2, "{yaml}");
    assert!(
        yaml.starts_with("tenants:\n  \"acme\":\n    defaults:\n"),
        "{yaml}"
    );
    let pattern = ["export", "--match", "b-*", "-o", "jsonl"];
    let one = sandbox.run(&pattern).await.done().json_lines();
    assert_eq!(one.len(), 1);
    assert_eq!(one[0]["external_user_id"], "b-1");
    let remarked = rotation().await;
    assert!(
        export(&remarked, "yaml")
            .await
            .contains("# Looker hides its values of api_token")
    );
    remarked.finish().await;
    sandbox.finish().await;
}

#[tokio::test]
async fn a_user_that_cannot_be_read_is_named_and_left_out() {
    let sandbox = generated(8, |_| {}).await;
    let fault = Fault::status(403).on("user_attribute_user_values").times(1);
    sandbox.emulator().inject(fault);

    let outcome = sandbox.run(&["export", "--concurrency=1"]).await.exits(3);

    assert!(outcome.err.contains("is left out"), "{}", outcome.err);
    assert!(
        outcome.err.contains("1 user could not be read"),
        "{}",
        outcome.err
    );
    assert_eq!(outcome.out.lines().count(), 8, "a header and seven users");
    sandbox.finish().await;
}

#[tokio::test]
async fn only_an_admin_exports() {
    let mut sandbox = rotation().await;
    let key = sandbox
        .run(&["keys", "mint", "acme-43", "-o", "json"])
        .await
        .done()
        .json();
    let of = |name: &str| key["key"][name].as_str().unwrap().to_owned();
    sandbox
        .var("LOOKERSDK_CLIENT_ID", of("client_id"))
        .var("LOOKERSDK_CLIENT_SECRET", of("client_secret"));

    let refused = sandbox.run(&["export"]).await.exits(4);

    assert_eq!(refused.out, "");
    sandbox.finish().await;
}
