//! `embedctl token`: a token of a user that works, and one that is handed back.

use embedctl::system::Input;
use serde_json::Value;

use crate::support::Sandbox;

async fn with_user() -> Sandbox {
    let sandbox = Sandbox::new().await;
    let made = sandbox.run(&["create-user", "acme-42", "--no-key"]).await;
    assert_eq!(made.exit, 0, "{}", made.err);
    sandbox
}

#[tokio::test]
async fn the_token_is_the_users_and_can_be_handed_back() {
    let sandbox = with_user().await;

    let given = sandbox
        .run(&["token", "acme-42", "-o", "json"])
        .await
        .done();

    let given: Value = serde_json::from_str(&given.out).unwrap();
    assert_eq!(given["external_user_id"], "acme-42");
    assert_eq!(given["token_type"], "Bearer");
    assert!(given["expires_in"].as_u64().unwrap() > 3000, "{given}");
    assert_eq!(sandbox.emulator().live_tokens(), 1);

    let token = given["access_token"].as_str().unwrap();
    let revoked = sandbox
        .run_with(&["token", "--revoke"], Input::text(format!("{token}\n")))
        .await
        .done();
    assert_eq!(revoked.out, "");
    assert!(revoked.err.contains("logged out"), "{}", revoked.err);
    assert_eq!(sandbox.emulator().live_tokens(), 0);

    // Once more: it is gone already.
    let again = Input::text(token);
    let again = sandbox.run_with(&["token", "--revoke"], again).await;
    assert_eq!(again.exit, 0, "{}", again.err);
    assert!(again.err.contains("nothing to revoke"), "{}", again.err);
    assert!(!again.err.contains("is logged out"), "{}", again.err);
    sandbox.finish().await;
}

#[tokio::test]
async fn plain_output_is_the_token_alone_and_env_is_ready_for_a_shell() {
    let sandbox = with_user().await;

    let plain = sandbox.run(&["token", "acme-42"]).await.done();
    assert_eq!(plain.out.split_whitespace().count(), 1);
    let env = sandbox.run(&["token", "acme-42", "-o", "env"]).await.done();
    let names: Vec<_> = env
        .out
        .lines()
        .filter_map(|line| line.split_once('='))
        .collect();
    assert_eq!(
        names[0],
        ("LOOKERSDK_BASE_URL", sandbox.emulator().base_url())
    );
    assert_eq!(names[1].0, "LOOKER_ACCESS_TOKEN");

    for token in [plain.out.trim(), names[1].1] {
        assert!(!plain.err.contains(token) && !env.err.contains(token));
        let input = Input::text(token);
        let revoked = sandbox.run_with(&["token", "--revoke"], input).await;
        assert_eq!(revoked.exit, 0, "{}", revoked.err);
    }
    sandbox.finish().await;
}

#[tokio::test]
async fn no_user_no_token() {
    let sandbox = Sandbox::new().await;

    let outcome = sandbox.run(&["token", "nobody"]).await;

    assert_eq!(outcome.exit, 5);
    assert_eq!(outcome.out, "");
    sandbox.finish().await;
}

#[tokio::test]
async fn a_token_is_never_an_argument_and_never_of_a_looker_that_ends() {
    let sandbox = Sandbox::offline();

    let both = sandbox.run(&["token", "acme-42", "--revoke"]).await;
    let none = sandbox.run(&["token"]).await;
    let ended = sandbox.run(&["token", "acme-42", "--emulator"]).await;

    assert_eq!((both.exit, none.exit, ended.exit), (2, 2, 2));
    assert!(ended.err.contains("embedctl emulator"), "{}", ended.err);
}
