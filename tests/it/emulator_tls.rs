//! The local Looker over HTTPS.

use embedctl::emulator::{Effect, Fault, Options};
use serde_json::json;

use crate::support::Sandbox;

async fn sandbox() -> Sandbox {
    Sandbox::with(Options {
        tls: true,
        ..Options::default()
    })
    .await
}

#[tokio::test]
async fn a_user_is_created_over_https_also_if_a_connection_breaks_on_the_way() {
    let mut sandbox = sandbox().await;
    let ca_file = sandbox.emulator().ca_file().unwrap().display().to_string();
    sandbox.var("EMBEDCTL_CA_FILE", ca_file.as_str());
    let fault = Fault::new(Effect::ResetBefore).on("user_for_credential");
    sandbox.emulator().inject(fault);

    let args = [
        "create-user",
        "acme-42",
        "--keys-to",
        "stdout",
        "-o",
        "json",
    ];
    let created = sandbox.run(&args).await.done().json();

    assert_eq!(created["outcome"], "created");
    assert_eq!(created["sudo_verified"], true);
    let versions = sandbox
        .run(&["api", "GET", "/versions"])
        .await
        .done()
        .json();
    assert_eq!(
        versions["api_server_url"],
        json!(sandbox.emulator().base_url())
    );
    assert!(
        sandbox
            .emulator()
            .base_url()
            .starts_with("https://127.0.0.1:")
    );
    sandbox.finish().await;
    assert!(!std::path::Path::new(&ca_file).exists(), "left behind");
}

#[tokio::test]
async fn whoever_does_not_trust_it_is_told_which_flag_to_give() {
    let sandbox = sandbox().await;

    let refused = sandbox
        .run(&["users", "list", "--retries", "0"])
        .await
        .exits(8);

    assert!(refused.err.contains("--ca-file"), "{}", refused.err);
    sandbox.finish().await;
}
