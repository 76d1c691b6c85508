//! Every operation that the local Looker serves is called through its method in each official SDK, and what the SDKs' own
//! integration tests do works.
//!
//! `tests/sdk/steps.json` lists what cannot be derived. A new operation without a body is called by itself; one with a body
//! needs a line there, or the tests fail.

use std::collections::BTreeSet;

use embedctl::emulator::{Options, RequestRecord, State};
use serde_json::{Value, json};

use crate::sdk::Sdk;
use crate::support::Sandbox;

const STEPS: &str = include_str!("../sdk/steps.json");

/// It makes types of its own of the answers, and refuses to read what is of another type; the script looks for fields and
/// words beyond them.
#[tokio::test]
async fn the_python_sdk_calls_every_operation_and_writes_back_what_it_has_read() {
    if let Some(sdk) = Sdk::python() {
        calls_every_operation(&sdk).await;
    }
}

#[tokio::test]
async fn the_typescript_sdk_calls_every_operation_and_writes_back_what_it_has_read() {
    if let Some(sdk) = Sdk::typescript() {
        calls_every_operation(&sdk).await;
    }
}

async fn calls_every_operation(sdk: &Sdk) {
    let sandbox = Sandbox::lenient(rotation()).await;
    sandbox.file("steps.json", STEPS);

    let told = sdk.tell("sweep", &sandbox, None, &[]).await;

    for nothing in ["failed", "lost"] {
        assert_eq!(told[nothing], json!({}), "{nothing}: {told:#}");
    }
    assert_eq!(told["not_called"], json!([]));
    // It describes the others, and no SDK has a method for it.
    assert_eq!(told["without_method"], json!(["swagger"]));
    assert!(told["read"].as_u64().unwrap() > 130, "{told:#}");
    assert!(told["written_back"].as_u64().unwrap() > 30, "{told:#}");
    // The Looker itself saw them succeed.
    let requests = sandbox.emulator().requests();
    let succeeded = |request: &&RequestRecord| (200..300).contains(&request.status);
    let succeeded = requests.iter().filter(succeeded);
    let succeeded: BTreeSet<&str> = succeeded.map(|request| request.operation).collect();
    let served = told["served"].as_array().unwrap().iter();
    let served = served.map(|id| id.as_str().unwrap().to_owned());
    let left: BTreeSet<String> = served
        .filter(|id| !succeeded.contains(id.as_str()))
        .collect();
    assert_eq!(left, excused());
    sandbox.finish().await;
}

#[tokio::test]
async fn what_the_integration_tests_of_the_python_sdk_do_works() {
    if let Some(sdk) = Sdk::python() {
        tells(&sdk, "suite", include_str!("../sdk/python/suite.json")).await;
    }
}

#[tokio::test]
async fn what_the_integration_tests_of_the_typescript_sdk_do_works() {
    if let Some(sdk) = Sdk::typescript() {
        tells(&sdk, "suite", include_str!("../sdk/node/suite.json")).await;
    }
}

async fn tells(sdk: &Sdk, script: &str, expected: &str) {
    let sandbox = Sandbox::lenient(rotation()).await;

    let told = sdk.tell(script, &sandbox, None, &[]).await;

    let expected: Value = serde_json::from_str(expected).unwrap();
    assert_eq!(told, expected);
    sandbox.finish().await;
}

/// Those of which there is nothing to find, with the reason in `steps.json`, and the description of all.
fn excused() -> BTreeSet<String> {
    let steps: Value = serde_json::from_str(STEPS).unwrap();
    let not_there = steps["not_there"].as_array().unwrap().iter();
    let not_there = not_there.map(|step| step[0].as_str().unwrap().to_owned());
    not_there.chain(["swagger".to_owned()]).collect()
}

/// A user who owns one of everything.
fn rotation() -> Options {
    Options {
        state: State::named("rotation").unwrap(),
        ..Options::default()
    }
}
