//! What goes to which stream and in which form: errors, colours, quiet, and command lines that are refused.

use embedctl::system::{Input, Stream, System};

use crate::support::{Captured, Sandbox};

const RED: &str = "\u{1b}[1m\u{1b}[31m";

/// Run `args` with terminals on both streams.
async fn on_terminal(args: &[&str], vars: &[(&str, &str)]) -> (String, String) {
    let captured = Captured::default();
    let mut system = System::with(
        vars.iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned())),
        std::env::temp_dir(),
        Input::empty(),
        Stream::new(captured.out.clone(), true),
        Stream::new(captured.err.clone(), true),
    );
    let args = ["embedctl"].iter().chain(args).copied();
    embedctl::run(args, &mut system).await;
    (captured.out.text(), captured.err.text())
}

#[tokio::test]
async fn errors_are_coloured_on_a_terminal_and_only_there() {
    let refused = ["profile", "show", "-o", "env"];
    let sandbox = Sandbox::offline();

    let piped = sandbox.run(&refused).await.exits(2);
    let terminal = on_terminal(&refused, &[]).await.1;
    let no_color = on_terminal(&refused, &[("NO_COLOR", "1")]).await.1;
    let dumb = on_terminal(&refused, &[("TERM", "dumb")]).await.1;
    let never = on_terminal(&["--color", "never", "profile", "show", "-o", "env"], &[])
        .await
        .1;

    assert!(terminal.contains('\u{1b}'), "{terminal:?}");
    for plain in [piped.err, no_color, dumb, never] {
        assert!(plain.starts_with("error: "), "{plain:?}");
        assert!(!plain.contains('\u{1b}'), "{plain:?}");
    }
}

#[tokio::test]
async fn colour_can_be_forced_into_a_pipe() {
    let mut sandbox = Sandbox::offline();

    let always = sandbox
        .run(&["--color=always", "profile", "show", "-oenv"])
        .await
        .exits(2);
    sandbox.var("CLICOLOR_FORCE", "1");
    let forced = sandbox.run(&["profile", "show", "-oenv"]).await.exits(2);
    sandbox.var("NO_COLOR", "1");
    let refused = sandbox.run(&["profile", "show", "-oenv"]).await.exits(2);

    assert!(always.err.starts_with(RED), "{:?}", always.err);
    assert!(forced.err.starts_with(RED), "{:?}", forced.err);
    assert!(!refused.err.contains('\u{1b}'), "{:?}", refused.err);
}

#[tokio::test]
async fn a_refused_command_line_is_json_where_json_was_asked_for() {
    let mut sandbox = Sandbox::offline();
    for args in [
        &["-o", "json", "profile", "shw"][..],
        &["--output=jsonl", "--no-such-flag"],
        &["profile", "show", "-ojson", "--retries", "x"],
        &[
            "-o",
            "json",
            "--client-secret",
            "hunter2",
            "profile",
            "show",
        ],
    ] {
        let error = sandbox.run(args).await.exits(2).error();

        assert_eq!(error["kind"], "usage", "{args:?}");
        assert!(error["hint"].is_string(), "{args:?}");
    }
    sandbox.var("EMBEDCTL_OUTPUT", "json");

    let error = sandbox.run(&["no-such-command"]).await.exits(2).error();

    assert_eq!(error["kind"], "usage");
}

#[tokio::test]
async fn a_wrong_flag_is_answered_with_the_nearest_one() {
    let sandbox = Sandbox::offline();

    let outcome = sandbox
        .run(&["profile", "show", "--base-ulr", "x"])
        .await
        .exits(2);

    assert!(outcome.err.contains("'--base-url'"), "{}", outcome.err);
}

#[tokio::test]
async fn a_secret_typed_as_a_flag_is_refused_and_never_repeated() {
    let sandbox = Sandbox::offline();
    for args in [
        &["--client-secret", "hunter2", "profile", "show"][..],
        &["profile", "show", "--client-secret=hunter2"],
        &["profile", "show", "--embed_secret", "hunter2"],
        &["create-user", "acme-42", "--password", "hunter2"],
        &["create-user", "acme-42", "--token=hunter2", "-o", "json"],
        &["--api-key", "hunter2"],
    ] {
        let outcome = sandbox.run(args).await.exits(2);

        assert!(!format!("{outcome:?}").contains("hunter2"), "{outcome:?}");
        assert!(outcome.err.contains("is not accepted"), "{outcome:?}");
        assert!(outcome.err.contains("_SECRET`"), "{outcome:?}");
    }
}

#[tokio::test]
async fn a_variable_that_is_no_value_of_its_flag_is_named() {
    let mut sandbox = Sandbox::offline();
    sandbox.var("EMBEDCTL_COLOR", "purple");

    let outcome = sandbox.run(&["profile", "show"]).await.exits(2);

    assert_eq!(
        outcome.err,
        "error: `purple` is not a valid value (variable `EMBEDCTL_COLOR`)\nhint: write one of `auto`, `always`, `never`\n"
    );
}

#[tokio::test]
async fn a_flag_wins_over_its_variable() {
    let mut sandbox = Sandbox::offline();
    sandbox
        .var("EMBEDCTL_OUTPUT", "json")
        .var("EMBEDCTL_RETRIES", "9");

    let before = sandbox
        .run(&["--retries", "2", "profile", "show"])
        .await
        .done();
    let after = sandbox
        .run(&["profile", "show", "--retries", "3"])
        .await
        .done();
    let both = sandbox
        .run(&["--retries", "2", "profile", "show", "--retries", "3"])
        .await
        .done();

    let retries = |outcome: &crate::support::Outcome| {
        let settings = outcome.json();
        let entries = settings.as_array().unwrap().clone();
        entries
            .iter()
            .find(|entry| entry["name"] == "retries")
            .unwrap()["value"]
            .clone()
    };
    assert_eq!(retries(&before), "2");
    assert_eq!(retries(&after), "3");
    assert_eq!(retries(&both), "3");
}

#[tokio::test]
async fn quiet_leaves_results_and_errors() {
    let mut sandbox = Sandbox::offline();
    sandbox.var("EMBEDCTL_QUIET", "1");

    let list = sandbox.run(&["profile", "list"]).await.done();
    let error = sandbox
        .run(&["profile", "show", "-o", "env"])
        .await
        .exits(2);

    assert!(!list.err.contains("There are no profiles"), "{}", list.err);
    assert!(error.err.starts_with("error: "), "{}", error.err);
}

#[tokio::test]
async fn a_narrow_terminal_gets_fewer_columns_and_nothing_of_them_is_cut() {
    let home = [("COLUMNS", "40"), ("HOME", "/a/rather/long/home/directory")];

    let (out, err) = on_terminal(&["profile", "path"], &home).await;

    assert!(out.starts_with("WHAT"), "{out}");
    assert!(out.contains("/a/rather/long/home/directory/"), "{out}");
    assert!(!out.contains("THERE") && !out.contains("..."), "{out}");
    assert!(
        err.contains("No room on this terminal for: THERE."),
        "{err}"
    );
}

#[tokio::test]
async fn control_characters_from_a_file_do_not_reach_the_terminal() {
    let mut sandbox = Sandbox::offline();
    sandbox.var("EMBEDCTL_PROFILE", "\u{1b}]0;owned\u{7}\n error: forged");

    let outcome = sandbox.run(&["profile", "show"]).await.exits(2);

    assert!(
        !outcome.err.contains(['\u{1b}', '\u{7}']),
        "{:?}",
        outcome.err
    );
    assert!(!outcome.err.contains("\nerror: forged"), "{}", outcome.err);
}

#[tokio::test]
async fn variables_are_ready_for_a_step_and_the_secret_is_masked_on_github() {
    let mut sandbox = Sandbox::new().await;
    let args = ["create-user", "acme-42", "--model", "demo", "-o", "env"];
    let here = sandbox.run(&args).await.done();
    sandbox.var("GITHUB_ACTIONS", "true");

    let there = [&args[..], &["--key", "new"]].concat();
    let there = sandbox.run(&there).await.done();

    let secret = |outcome: &crate::support::Outcome| {
        let mut lines = outcome.out.lines();
        let line = lines.find_map(|line| line.strip_prefix("LOOKERSDK_CLIENT_SECRET="));
        line.unwrap().to_owned()
    };
    assert!(here.out.contains("LOOKERSDK_CLIENT_ID="), "{}", here.out);
    assert!(!here.err.contains(&secret(&here)), "{}", here.err);
    assert!(
        there
            .err
            .contains(&format!("::add-mask::{}\n", secret(&there))),
        "{}",
        there.err
    );
    assert!(
        there.out.lines().all(|line| line.starts_with("LOOKERSDK_")),
        "{}",
        there.out
    );
    sandbox.finish().await;
}
