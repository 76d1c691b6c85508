//! `embedctl api`: what is called, as whom, and what is printed.

use std::path::Path;
use std::time::Duration;

use embedctl::emulator::{Fault, Options};
use embedctl::looker::Operation;
use embedctl::system::Input;
use serde_json::Value;

use crate::support::{Sandbox, skip};

async fn with_user(sandbox: &Sandbox) {
    let args = ["create-user", "acme-42", "--no-key", "--first-name", "Ada"];
    let made = sandbox.run(&args).await.done();
    assert!(made.out.contains("created"), "{}", made.out);
}

#[tokio::test]
async fn calls_a_path_an_operation_or_a_method_and_a_path() {
    let sandbox = Sandbox::new().await;
    let ways: [&[&str]; 4] = [
        &["api", "/user?fields=id"],
        &["api", "me", "--query", "fields=id"],
        &["api", "get", "/api/4.0/user", "--query", "fields=id"],
        &["api", "GET", "user", "--query", "fields=id", "--quiet"],
    ];
    for way in ways {
        let outcome = sandbox.run(way).await.done();
        let me: Value = serde_json::from_str(&outcome.out).unwrap();
        assert!(me["id"].is_string(), "{}", outcome.out);
        assert_eq!(outcome.err, "");
    }
    sandbox.finish().await;
}

#[tokio::test]
async fn as_a_user_it_really_is_the_user_and_no_token_is_left() {
    let sandbox = Sandbox::new().await;
    with_user(&sandbox).await;

    let user = sandbox
        .run(&[
            "api",
            "user_for_credential",
            "embed",
            "acme-42",
            "--jq",
            ".id",
        ])
        .await
        .done();
    let me = sandbox
        .run(&["api", "me", "--as", "acme-42", "--jq", ".id"])
        .await
        .done();
    let admin = sandbox.run(&["api", "me", "--jq", ".id"]).await.done();

    assert_eq!(me.out, user.out);
    assert_ne!(me.out, admin.out);
    assert_eq!(sandbox.emulator().live_tokens(), 0);
    let loud = ["api", "me", "--as", "acme-42", "-i", "-vvv"];
    let loud = sandbox.run(&loud).await.done();
    assert!(
        loud.err.contains("authorization: [redacted]"),
        "{}",
        loud.err
    );
    for text in [loud.out, loud.err] {
        assert!(
            !text.contains("Bearer ") && !text.contains("access_token"),
            "{text}"
        );
    }
    sandbox.finish().await;
}

#[tokio::test]
async fn as_a_user_that_is_not_there_says_how_to_make_it() {
    let sandbox = Sandbox::new().await;

    let outcome = sandbox.run(&["api", "me", "--as", "nobody"]).await;

    assert_eq!(outcome.exit, 5, "{}", outcome.err);
    assert!(
        outcome.err.contains("there is no embed user `nobody`"),
        "{}",
        outcome.err
    );
    assert!(
        outcome.err.contains("embedctl create-user nobody"),
        "{}",
        outcome.err
    );
    sandbox.finish().await;
}

#[tokio::test]
async fn fields_make_the_body_of_the_kind_that_the_operation_wants() {
    let sandbox = Sandbox::new().await;
    with_user(&sandbox).await;
    let find = [
        "api",
        "user_for_credential",
        "embed",
        "acme-42",
        "--jq",
        ".id",
    ];
    let id = sandbox.run(&find).await.done().out.trim().to_owned();

    let changed = sandbox
        .run(&[
            "api",
            "update_user",
            &id,
            "-f",
            "first_name=007",
            "-F",
            "is_disabled=true",
        ])
        .await
        .done();

    let user: Value = serde_json::from_str(&changed.out).unwrap();
    assert_eq!(user["first_name"], "007");
    assert_eq!(user["is_disabled"], true);

    let path = format!("/users/{id}");
    let input = Input::text(r#"{"is_disabled": false}"#);
    let args = [
        "api",
        "PATCH",
        &path,
        "--input",
        "-",
        "--jq",
        ".is_disabled",
    ];
    let changed = sandbox.run_with(&args, input).await.done();
    assert_eq!(changed.out, "false\n");
    sandbox.finish().await;
}

#[tokio::test]
async fn a_text_can_come_from_a_file() {
    let sandbox = Sandbox::new().await;
    sandbox.file("name.txt", "Group of = signs");

    let made = sandbox
        .run(&[
            "api",
            "create_group",
            "-F",
            "name=@name.txt",
            "--jq",
            ".name",
        ])
        .await
        .done();

    assert_eq!(made.out, "Group of = signs\n");
    sandbox.finish().await;
}

#[tokio::test]
async fn all_pages_are_one_list() {
    let options = Options {
        users: 25,
        ..Options::default()
    };
    let sandbox = Sandbox::with(options).await;
    let search = [
        "api",
        "search_users",
        "--query",
        "embed_user=true",
        "--query",
        "sorts=id",
        "--query",
        "limit=10",
        "--paginate",
    ];
    let with = |more: &[&'static str]| [&search[..], more].concat();

    let list = sandbox.run(&with(&[])).await.done();
    let lines = sandbox.run(&with(&["-o", "jsonl"])).await.done();
    let ids = sandbox.run(&with(&["--jq", ".[].id"])).await.done();

    let users: Vec<Value> = serde_json::from_str(&list.out).unwrap();
    assert_eq!(users.len(), 25);
    assert_eq!(lines.out.lines().count(), 25);
    let from_list = users.iter().map(|user| user["id"].as_str().unwrap());
    assert_eq!(
        ids.out.lines().collect::<Vec<_>>(),
        from_list.collect::<Vec<_>>()
    );
    sandbox.finish().await;
}

#[tokio::test]
async fn a_list_that_never_ends_ends_at_the_most_pages() {
    let options = Options {
        users: 25,
        ..Options::default()
    };
    let sandbox = Sandbox::with(options).await;
    let (mut system, captured) = sandbox.system(Input::empty());
    system.most_pages = 3;
    let args = [
        "embedctl",
        "api",
        "search_users",
        "--query",
        "limit=5",
        "--paginate",
    ];

    let exit = embedctl::run(args, &mut system).await;

    let ended = captured.outcome(exit.code()).exits(7);
    assert!(
        ended.err.contains("has not come to an end after 3 pages"),
        "{}",
        ended.err
    );
    let requests = sandbox.emulator().requests();
    let asked = requests.iter().filter(|it| it.operation == "search_users");
    assert_eq!(asked.count(), 3);
    sandbox.finish().await;
}

#[tokio::test]
async fn a_filter_that_never_ends_is_ended_when_its_time_is_up() {
    let sandbox = Sandbox::new().await;
    let (mut system, captured) = sandbox.system(Input::empty());
    system.filter_patience = Duration::from_millis(500);
    let args = ["embedctl", "api", "me", "--jq", "def f: f; f"];

    let exit = embedctl::run(args, &mut system).await;

    let ended = captured.outcome(exit.code()).exits(2);
    assert!(ended.err.contains("takes too long"), "{}", ended.err);
    sandbox.finish().await;
}

#[tokio::test]
async fn an_answer_that_is_too_deep_for_a_filter_is_an_error() {
    let sandbox = Sandbox::new().await;
    let deep = "reduce range(1000000) as $i (0; [.])";
    for filter in [deep, &format!("[{deep}] | tojson")] {
        let ended = sandbox.run(&["api", "me", "--jq", filter]).await;

        assert_eq!(ended.exit, 2, "{filter}: {}", ended.err);
        assert!(ended.err.contains("the filter"), "{}", ended.err);
    }
    sandbox.finish().await;
}

#[tokio::test]
async fn an_operation_without_pages_is_not_asked_for_them() {
    let sandbox = Sandbox::offline();

    for call in [&["me"][..], &["/roles"], &["POST", "/users"]] {
        let args = [&["api"], call, &["--paginate"]].concat();
        let outcome = sandbox.run(&args).await;
        assert_eq!(outcome.exit, 2);
        assert!(outcome.err.contains("is not paged"), "{}", outcome.err);
    }
}

#[tokio::test]
async fn a_refusal_is_printed_and_decides_the_exit_code() {
    let sandbox = Sandbox::new().await;

    let outcome = sandbox.run(&["api", "user", "999999"]).await;

    assert_eq!(outcome.exit, 5);
    let body: Value = serde_json::from_str(&outcome.out).unwrap();
    assert_eq!(body["message"], "Not found");
    assert!(
        outcome.err.contains("Looker answered 404 to `user`"),
        "{}",
        outcome.err
    );

    sandbox
        .emulator()
        .inject(Fault::status(503).on("create_group"));
    let outcome = sandbox.run(&["api", "create_group", "-f", "name=x"]).await;
    assert_eq!(outcome.exit, 8, "{}", outcome.err);
    let asked = sandbox.emulator().requests();
    let creates = asked
        .iter()
        .filter(|it| it.path.ends_with("/groups"))
        .count();
    assert_eq!(creates, 1, "a create is not repeated");
    sandbox.finish().await;
}

#[tokio::test]
async fn headers_are_shown_without_secrets() {
    let sandbox = Sandbox::new().await;

    let outcome = sandbox.run(&["api", "me", "-i"]).await.done();

    assert!(outcome.out.starts_with("HTTP 200\n"), "{}", outcome.out);
    assert!(
        outcome.out.contains("content-type: application/json"),
        "{}",
        outcome.out
    );
    assert!(!outcome.out.contains("looker.browser="), "{}", outcome.out);
    sandbox.finish().await;
}

#[tokio::test]
async fn logging_in_and_out_is_refused() {
    let sandbox = Sandbox::offline();
    let ways: [&[&str]; 4] = [
        &["api", "login_user", "7"],
        &["api", "POST", "/login/7"],
        &["api", "/login", "-f", "client_id=x"],
        &["api", "DELETE", "/logout"],
    ];
    for way in ways {
        let outcome = sandbox.run(way).await;
        assert_eq!(outcome.exit, 2);
        assert!(
            outcome.err.contains("logs in and out by itself"),
            "{}",
            outcome.err
        );
    }
}

#[tokio::test]
async fn a_dry_run_prints_the_call_and_makes_none() {
    let sandbox = Sandbox::offline();

    let outcome = sandbox
        .run(&[
            "api",
            "update_user",
            "7",
            "-F",
            "is_disabled=true",
            "--dry-run",
        ])
        .await
        .done();

    let call: Value = serde_json::from_str(&outcome.out).unwrap();
    assert_eq!(call["method"], "PATCH");
    assert_eq!(call["path"], "/api/4.0/users/7");
    assert_eq!(call["body"]["is_disabled"], true);
}

#[tokio::test]
async fn a_query_parameter_that_the_operation_does_not_have_is_refused_before_anything_is_sent() {
    let sandbox = Sandbox::new().await;
    for (call, hint) in [
        (
            &["search_users", "--query", "external_user_id=x"][..],
            "user_for_credential embed ID",
        ),
        (
            &["GET", "/users/search?external_user_id=x"],
            "user_for_credential embed ID",
        ),
        (
            &["search_users", "--query", "first_nam=x"],
            "did you mean `first_name`?",
        ),
        (&["me", "--query", "zzz=1"], "it has fields"),
        (&["versions", "--query", "zzz=1"], "`--unchecked`"),
    ] {
        let refused = sandbox.run(&[&["api"], call].concat()).await.exits(2);

        assert!(
            refused.err.contains("has no query parameter `"),
            "{}",
            refused.err
        );
        assert!(refused.err.contains(hint), "{}", refused.err);
    }
    assert!(sandbox.emulator().requests().is_empty());
    let unchecked = ["api", "search_users", "--query", "zzz=x", "--unchecked"];
    let _sent = sandbox
        .run(&[&unchecked[..], &["--dry-run"]].concat())
        .await
        .done();
    sandbox.finish().await;
}

#[test]
fn the_query_parameters_are_those_of_the_description() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/looker/openapi-4.0.json");
    let Ok(text) = std::fs::read_to_string(&path) else {
        // The description is Looker's and no part of this project.
        skip(&format!(
            "there is no OpenAPI description in {}",
            path.display()
        ));
        return;
    };
    let description: Value = serde_json::from_str(&text).unwrap();
    for operation in Operation::all() {
        let method = operation.method.to_lowercase();
        let described = &description["paths"][operation.template][&method];
        let parameters = described["parameters"].as_array();
        let of_query: Vec<_> = parameters
            .into_iter()
            .flatten()
            .filter(|parameter| parameter["in"] == "query")
            .map(|parameter| parameter["name"].as_str().unwrap())
            .collect();

        let known: Vec<_> = operation.query_parameters().collect();
        assert_eq!(described["operationId"], operation.id);
        assert_eq!(known, of_query, "{}", operation.id);
    }
}

#[tokio::test]
async fn letters_mean_what_they_mean_in_gh() {
    let sandbox = Sandbox::offline();
    let sent = async |args: &[&str]| {
        let call = [&["api", "--dry-run"][..], args].concat();
        sandbox.run(&call).await.done().json()["body"].take()
    };
    sandbox.file("name.txt", "from a file");

    // `-f` gives text as it is, `-F` what it looks like; a field that is known to hold text does in both.
    assert_eq!(
        sent(&[
            "POST",
            "/x",
            "-f",
            "a=1",
            "-f",
            "b=@name.txt",
            "-F",
            "c=1",
            "-F",
            "d=@name.txt"
        ])
        .await,
        serde_json::json!({ "a": "1", "b": "@name.txt", "c": 1, "d": "from a file" }),
    );
    assert_eq!(
        sent(&[
            "update_user",
            "7",
            "-f",
            "first_name=true",
            "-F",
            "last_name=7"
        ])
        .await,
        serde_json::json!({ "first_name": "true", "last_name": "7" }),
    );

    // What was written for the letters as they were is refused, not sent as something else.
    for (args, hint) in [
        (
            &["update_user", "7", "-f", "is_disabled=true"][..],
            "write `-F is_disabled=true`",
        ),
        (
            &["search_users", "-q", "embed_user=true"],
            "`--query KEY=VALUE`",
        ),
    ] {
        let refused = sandbox.run(&[&["api"], args].concat()).await.exits(2);
        assert!(refused.err.contains(hint), "{}", refused.err);
    }
}
