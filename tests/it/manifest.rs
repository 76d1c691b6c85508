//! Manifests as `embedctl apply` and `embedctl plan` read them: checked as a whole, before anything is done.

use embedctl::system::Input;
use serde_json::Value;

use crate::support::Sandbox;

/// The requests that could have changed something, but for logging in and out.
pub(crate) fn writes(sandbox: &Sandbox) -> Vec<String> {
    let requests = sandbox.emulator().requests();
    requests
        .into_iter()
        .filter(|request| request.method != "GET" || request.path.starts_with("/login/embed"))
        .filter(|request| !matches!(request.operation, "login" | "logout"))
        .map(|request| format!("{} {}", request.method, request.path))
        .collect()
}

#[tokio::test]
async fn a_hundred_mistakes_give_a_hundred_messages_each_at_its_place_and_nothing_is_done() {
    let sandbox = Sandbox::new().await;
    let mut text =
        "external_user_id,models,permissions,group_ids,attr.customer_id,key,state\n".to_owned();
    let mut places = Vec::new();
    for number in 10..40 {
        let line = 2 + (number - 10) * 2;
        let wrong =
            format!("user-{number},dmo{number},acces_data{number},99{number},7,ever{number},\n");
        text.push_str(&wrong);
        places.extend([(line, 9), (line, 15), (line, 28), (line, 35)]);
        text.extend([
            &format!("fine-{number}"),
            ",demo,access_data,2,7,none,present\n",
        ]);
    }
    sandbox.file("users.csv", &text);

    let outcome = sandbox.run(&["apply", "users.csv"]).await.exits(2);

    let told: Vec<_> = outcome
        .err
        .lines()
        .filter(|line| line.starts_with("users.csv:"))
        .collect();
    assert_eq!(told.len(), 100, "{}", outcome.err);
    for (line, column) in places.iter().take(100) {
        let place = format!("users.csv:{line}:{column}: ");
        assert!(
            told.iter().any(|told| told.starts_with(&place)),
            "{place}\n{}",
            outcome.err
        );
    }
    assert!(outcome.err.contains("did you mean `demo`?"));
    assert!(
        outcome
            .err
            .contains("`users.csv` has 120 problems, of which 100 are shown; nothing was done")
    );
    assert_eq!(writes(&sandbox), Vec::<String>::new());
    sandbox.finish().await;
}

#[tokio::test]
async fn problems_are_objects_for_programs() {
    let sandbox = Sandbox::new().await;
    sandbox.file(
        "users.jsonl",
        "{\"external_user_id\":\"a\",\"modles\":[]}\n",
    );

    let outcome = sandbox
        .run(&["plan", "users.jsonl", "-o", "json"])
        .await
        .exits(2);

    let first: Value = serde_json::from_str(outcome.err.lines().next().unwrap()).unwrap();
    assert_eq!(first["problem"]["file"], "users.jsonl");
    assert_eq!(first["problem"]["line"], 1);
    assert_eq!(first["problem"]["column"], 25);
    assert_eq!(outcome.error()["kind"], "usage");
    sandbox.finish().await;
}

#[tokio::test]
async fn standard_input_is_recognized_by_its_content_unless_the_format_is_named() {
    let sandbox = Sandbox::new().await;
    for text in [
        "- external_user_id: a\n",
        "users: [{external_user_id: a}]\n",
        "[\n\t{\"external_user_id\": \"a\"}\n]\n",
        "{\"external_user_id\":\"a\"}\n",
        "# one user\n\nEXTERNAL_USER_ID\na\n",
    ] {
        let read = sandbox
            .run_with(&["plan", "-", "-o", "json"], Input::text(text))
            .await
            .done();

        assert_eq!(read.json()["create"], 1, "{text}");
    }
    let args = ["plan", "-", "--format", "jsonl"];
    let named = sandbox.run_with(&args, Input::text("- a\n")).await.exits(2);
    let unknown = sandbox
        .run_with(&["plan", "-"], Input::text("what\n"))
        .await
        .exits(2);
    assert!(named.err.contains("this is not JSON"), "{}", named.err);
    assert!(unknown.err.contains("--format csv"), "{}", unknown.err);
    sandbox.finish().await;
}

#[tokio::test]
async fn the_templates_and_the_schema_need_no_looker() {
    let sandbox = Sandbox::offline();

    let csv = sandbox
        .run(&["apply", "--template", "csv"])
        .await
        .done()
        .out;
    let yaml = sandbox
        .run(&["apply", "--template", "yaml"])
        .await
        .done()
        .out;
    let schema = sandbox.run(&["apply", "--schema"]).await.done().json();

    assert!(csv.contains("\nexternal_user_id,"));
    assert!(yaml.contains("\ntenants:\n"));
    assert_eq!(schema["title"], "embedctl manifest");
}

#[tokio::test]
async fn the_yaml_template_can_be_applied_as_it_is() {
    let sandbox = Sandbox::new().await;
    let template = sandbox
        .run(&["apply", "--template", "yaml"])
        .await
        .done()
        .out;
    sandbox.file("users.yaml", &template);

    let summary = sandbox
        .run(&[
            "apply",
            "users.yaml",
            "--keys-to",
            "file:keys.jsonl",
            "-o",
            "json",
        ])
        .await
        .done()
        .json();

    // One of the two is to be disabled, and is not there.
    assert_eq!(summary["created"], 1);
    assert_eq!(summary["keys_delivered"], 1);
    sandbox.finish().await;
}

#[tokio::test]
async fn a_file_that_is_not_there_is_bad_input() {
    let sandbox = Sandbox::offline();

    let outcome = sandbox.run(&["apply", "users.csv"]).await.exits(2);

    assert!(
        outcome.err.contains("cannot read `users.csv`"),
        "{}",
        outcome.err
    );
}
