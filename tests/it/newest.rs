//! New users that are looked up together, with fewer calls than one for each, whatever the list of users shows.

use std::fmt::Write as _;
use std::time::Duration;

use embedctl::emulator::{Effect, ErrorBody, Fault, Latency, Options, Switches};

use crate::support::Sandbox;

/// How many requests of an operation Looker received.
fn requests(sandbox: &Sandbox, operation: &str) -> usize {
    let requests = sandbox.emulator().requests();
    let of = requests.iter().filter(|it| it.operation == operation);
    of.count()
}

/// A manifest of `users` new users with a key each.
fn manifest(sandbox: &Sandbox, users: usize) {
    let mut manifest = "external_user_id,models,permissions,external_group_id,key\n".to_owned();
    for number in 0..users {
        writeln!(manifest, "new-{number},demo,access_data,acme,ensure").unwrap();
    }
    sandbox.file("users.csv", &manifest);
}

/// Do it, 10 calls in flight; each user must be there with its key.
async fn create(sandbox: &Sandbox, users: usize) {
    manifest(sandbox, users);
    let args = ["apply", "users.csv", "--yes", "--verify", "none"];
    let more = ["--concurrency", "10", "--keys-to", "file:keys.jsonl"];
    let summary = sandbox
        .run(&[&args[..], &more, &["-o", "json"]].concat())
        .await
        .done()
        .json();
    assert_eq!(summary["created"], users, "{summary}");
    assert_eq!(summary["keys_delivered"], users, "{summary}");
    assert_eq!(sandbox.read("keys.jsonl").lines().count(), users);
}

/// This effect on every list of users from when the first of `users` is created.
async fn spoil_lists(sandbox: &Sandbox, users: usize, effect: Effect) {
    manifest(sandbox, users);
    let plan = ["plan", "users.csv", "--keys-to", "file:keys.jsonl"];
    let _done = sandbox.run(&plan).await.done();
    // `apply` begins with the same calls.
    let before = u32::try_from(requests(sandbox, "search_users")).unwrap();
    let fault = Fault::new(effect).on("search_users").after(before).times(0);
    sandbox.emulator().inject(fault);
}

#[tokio::test]
async fn a_new_user_with_a_key_takes_at_most_3_2_requests_at_10_in_flight() {
    const USERS: usize = 300;
    let sandbox = Sandbox::with(Options {
        users: 1000,
        latency: Latency::Fixed(Duration::from_millis(20)),
        ..Options::default()
    })
    .await;

    create(&sandbox, USERS).await;

    let logins = requests(&sandbox, "login_embed");
    let pages = requests(&sandbox, "search_users");
    let single = requests(&sandbox, "user_for_credential");
    let keys = requests(&sandbox, "create_user_credentials_api3");
    let tags = requests(&sandbox, "update_user_credentials_api3");
    let all = logins + pages + single + keys + tags;
    crate::support::print(&format!(
        "{all} requests for {USERS} users: {pages} pages, {single} look-ups"
    ));
    assert!(
        all * 10 <= USERS * 32,
        "{all} requests: {logins} logins, {pages} pages, {single} look-ups, {keys} keys, {tags} tags"
    );
    sandbox.finish().await;
}

#[tokio::test]
async fn a_looker_that_lists_old_users_first_is_asked_for_each_new_one_and_soon_for_no_more_pages()
{
    let switches = Switches {
        ignores_sort: true,
        ..Switches::default()
    };
    let sandbox = Sandbox::with(Options {
        users: 1000,
        switches,
        ..Options::default()
    })
    .await;

    create(&sandbox, 100).await;

    assert!(requests(&sandbox, "user_for_credential") >= 100);
    let pages = requests(&sandbox, "search_users");
    assert!(pages <= 25, "{pages}");
    sandbox.finish().await;
}

#[tokio::test]
async fn a_looker_whose_list_is_refused_is_asked_for_each_new_user() {
    let sandbox = Sandbox::new().await;
    let refused = Effect::Status {
        code: 403,
        body: ErrorBody::Json,
        retry_after: None,
    };
    spoil_lists(&sandbox, 40, refused).await;

    create(&sandbox, 40).await;

    assert!(requests(&sandbox, "user_for_credential") >= 40);
    sandbox.finish().await;
}

#[tokio::test]
async fn a_looker_whose_list_is_slow_is_asked_for_each_new_user_from_then_on() {
    let sandbox = Sandbox::new().await;
    let slow = Effect::Delay(Duration::from_millis(1100));
    spoil_lists(&sandbox, 100, slow).await;

    create(&sandbox, 100).await;

    assert!(requests(&sandbox, "user_for_credential") >= 50);
    sandbox.finish().await;
}
