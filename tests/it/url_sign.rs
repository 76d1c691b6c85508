//! `embedctl url sign`: one URL from flags, and many from lines.

use std::fmt::Write as _;
use std::io::{self, Read};

use embedctl::secret::SecretString;
use embedctl::signed_url::Algorithm;
use embedctl::signed_url::verify::{VerifiedLogin, verify};
use embedctl::system::{Clock, Input, Random};
use serde_json::json;

use crate::support::{Outcome, Sandbox};

const SECRET: &str = "b167c4998c1faadf5bf7742675aa6018aaa2e296f2eec5442b208d2cb6fdf1bd";
const HOST: &str = "looker.example.com";
const TIME: i64 = 1_700_000_000;

fn sandbox() -> Sandbox {
    let mut sandbox = Sandbox::offline();
    sandbox
        .var("LOOKERSDK_BASE_URL", format!("https://{HOST}:19999"))
        .var("LOOKERSDK_EMBED_SECRET", SECRET)
        .clock(Clock::manual(jiff::Timestamp::from_second(TIME).unwrap()));
    sandbox
}

async fn sign(sandbox: &Sandbox, args: &[&str]) -> Outcome {
    let args = ["url", "sign"].iter().chain(args).copied();
    sandbox.run(&args.collect::<Vec<_>>()).await
}

async fn batch(sandbox: &Sandbox, args: &[&str], lines: &str) -> Outcome {
    let args = ["url", "sign", "--batch", "-"].iter().chain(args).copied();
    let args = args.collect::<Vec<_>>();
    sandbox.run_with(&args, Input::text(lines)).await
}

fn verified(url: &str) -> VerifiedLogin {
    verified_by(url, HOST, Algorithm::Sha1)
}

fn verified_by(url: &str, host: &str, algorithm: Algorithm) -> VerifiedLogin {
    let (start, query) = url.trim_end().split_once('?').unwrap();
    let (_, path) = start.split_once(host).unwrap();
    verify(
        path,
        query,
        host,
        &[(SecretString::from(SECRET), algorithm)],
        TIME,
    )
    .unwrap()
}

#[tokio::test]
async fn a_url_says_what_the_flags_say_and_verifies() {
    let outcome = sign(
        &sandbox(),
        &[
            "/embed/dashboards/3?State=CA",
            "--external-user-id=user-57",
            "--first-name=Ada",
            "--last-name=Lovelace",
            "--permission=access_data",
            "--permission=see_looks,see_user_dashboards",
            "--model=thelook",
            "--group-id=5",
            "--external-group-id=acme",
            "--attr=locale=en_US",
            "--attr=filter=a=b,c",
            "--user-timezone=Europe/Berlin",
            "--session-length=3600",
            "--embed-domain=https://app.example.com",
            "--no-force-logout-login",
        ],
    )
    .await
    .done();

    assert_eq!(outcome.err, "");
    let verified = verified(&outcome.out);
    assert_eq!(
        verified.embed_path,
        "/embed/dashboards/3?State=CA&embed_domain=https%3A%2F%2Fapp.example.com"
    );
    assert_eq!(verified.time, TIME);
    let login = verified.login;
    assert_eq!(login.external_user_id, "user-57");
    assert_eq!(login.first_name.unwrap(), "Ada");
    assert_eq!(login.last_name.unwrap(), "Lovelace");
    assert_eq!(
        login.permissions.unwrap(),
        ["access_data", "see_looks", "see_user_dashboards"]
    );
    assert_eq!(login.models.unwrap(), ["thelook"]);
    assert_eq!(login.group_ids.unwrap(), ["5"]);
    assert_eq!(login.external_group_id.unwrap(), "acme");
    let attributes = login.user_attributes.unwrap();
    assert_eq!(attributes["locale"], "en_US");
    assert_eq!(attributes["filter"], "a=b,c");
    assert_eq!(login.user_timezone.unwrap(), "Europe/Berlin");
    assert_eq!(login.session_length, 3600);
    assert!(!login.force_logout_login);
}

#[tokio::test]
async fn nonce_and_time_make_the_output_reproducible() {
    let args = [
        "/embed/dashboards/50",
        "--external-user-id=user-57",
        "--nonce=22b1ee700ef3dc2f500fb7c0ffee1234",
        "--time=1700000001",
    ];

    let text = sign(&sandbox(), &args).await.done();
    let json = sign(&sandbox(), &[&args[..], &["-o", "json"]].concat())
        .await
        .done();
    let env = sign(&sandbox(), &[&args[..], &["-o", "env"]].concat())
        .await
        .done();

    // Signed apart from embedctl, with Python's `hmac` over the lines of Looker's Ruby sample.
    let url = "https://looker.example.com/login/embed/%2Fembed%2Fdashboards%2F50?permissions=null&models=null\
               &signature=%2FRY3mpLc%2BvhaOoxijA%2B9vcgy%2FkM%3D&nonce=%2222b1ee700ef3dc2f500fb7c0ffee1234%22\
               &time=1700000001&session_length=300&external_user_id=%22user-57%22&access_filters=%7B%7D\
               &force_logout_login=true";
    assert_eq!(text.out, format!("{url}\n"));
    assert_eq!(json.json(), json!({ "url": url }));
    assert!(env.out.starts_with("EMBED_URL="), "{}", env.out);
    assert!(env.out.contains(url), "{}", env.out);
}

#[tokio::test]
async fn two_urls_have_different_nonces() {
    let args = ["/alive", "--external-user-id=u"];

    let first = sign(&sandbox(), &args).await.done();
    let second = sign(&sandbox(), &args).await.done();

    assert_ne!(first.out, second.out);
}

#[tokio::test]
async fn algorithm_host_and_scheme_come_from_the_settings() {
    let mut sandbox = sandbox();
    sandbox.var("LOOKERSDK_BASE_URL", "http://localhost:9999");

    let args = ["/alive", "--external-user-id=u", "--embed-algorithm=sha256"];
    let outcome = sign(&sandbox, &args).await.done();

    assert!(
        outcome.out.starts_with("http://localhost:9999/"),
        "{}",
        outcome.out
    );
    verified_by(&outcome.out, "localhost:9999", Algorithm::Sha256);
}

#[tokio::test]
async fn grants_of_the_profile_hold_where_no_flag_is_given() {
    let sandbox = sandbox();
    sandbox.file(
        "../home/.config/embedctl/config.toml",
        "default_profile = \"acme\"\n[profiles.acme.grants]\nmodels = [\"thelook\"]\n\
         permissions = [\"access_data\"]\nsession_length = 900\nuser_attributes = { locale = \"en\", brand = \"x\" }\n",
    );

    let args = [
        "/alive",
        "--external-user-id=u",
        "--permission=see_looks",
        "--attr=locale=de",
    ];
    let login = verified(&sign(&sandbox, &args).await.done().out).login;

    assert_eq!(login.models.unwrap(), ["thelook"]);
    assert_eq!(login.permissions.unwrap(), ["see_looks"]);
    assert_eq!(login.session_length, 900);
    let attributes = login.user_attributes.unwrap();
    assert_eq!((&*attributes["locale"], &*attributes["brand"]), ("de", "x"));
}

#[tokio::test]
async fn what_looker_would_refuse_is_wrong_usage_and_says_what_to_do() {
    let sandbox = sandbox();
    for (args, message, hint) in [
        (
            &["embed/looks/1", "--external-user-id=u"][..],
            "the embed path `embed/looks/1` does not begin with `/`",
            "/embed/dashboards/12",
        ),
        (
            &["/alive", "--external-user-id="],
            "`external_user_id` is empty",
            "your own id",
        ),
        (
            &[
                "/alive",
                "--external-user-id=u",
                "--embed-domain=app.example.com",
            ],
            "the embed domain does not start with `https://`",
            "https://app.example.com",
        ),
        (
            &["/alive", "--external-user-id=u", "--emulator"],
            "so the URL could not be opened",
            "embedctl emulator",
        ),
    ] {
        let args = [args, &["-o", "json"]].concat();
        let outcome = sign(&sandbox, &args).await.exits(2);

        let error = outcome.error();
        assert!(
            error["message"].as_str().unwrap().contains(message),
            "{error}"
        );
        assert!(error["hint"].as_str().unwrap().contains(hint), "{error}");
        assert_eq!(outcome.out, "");
    }
}

#[tokio::test]
async fn a_missing_secret_is_wrong_usage_and_says_how_to_give_it() {
    let mut sandbox = sandbox();
    sandbox.unset("LOOKERSDK_EMBED_SECRET");

    let outcome = sign(&sandbox, &["/alive", "--external-user-id=u"])
        .await
        .exits(2);

    assert!(
        outcome.err.contains("embed secret is missing"),
        "{}",
        outcome.err
    );
    assert!(
        outcome.err.contains("LOOKERSDK_EMBED_SECRET"),
        "{}",
        outcome.err
    );
}

#[tokio::test]
async fn a_session_longer_than_looker_grants_is_refused_as_a_flag() {
    let args = ["/alive", "--external-user-id=u", "--session-length=2592001"];

    let outcome = sign(&sandbox(), &args).await.exits(2);

    assert!(outcome.err.contains("2592000"), "{}", outcome.err);
}

#[tokio::test]
async fn each_line_of_a_batch_becomes_a_url_in_the_same_order() {
    let mut lines = String::new();
    for number in 0..5000 {
        let line = json!({
            "path": format!("/embed/dashboards/{number}"),
            "external_user_id": format!("user-{number}"),
            "user_attributes": { "id": number, "vip": true, "name": "Zoë \"Z\"" },
        });
        writeln!(lines, "{line}").unwrap();
    }

    let outcome = batch(&sandbox(), &["--model=thelook"], &lines).await.done();

    let mut nonces = std::collections::BTreeSet::new();
    for (number, url) in outcome.out.lines().enumerate() {
        let verified = verified(url);
        assert_eq!(verified.login.external_user_id, format!("user-{number}"));
        assert_eq!(verified.login.models.unwrap(), ["thelook"]);
        let attributes = verified.login.user_attributes.unwrap();
        assert_eq!(attributes["id"], number.to_string());
        assert_eq!(attributes["vip"], "true");
        let (_, nonce) = url.split_once("&nonce=").unwrap();
        nonces.insert(nonce[..40].to_owned());
    }
    assert_eq!(nonces.len(), 5000);
}

#[tokio::test]
async fn a_line_says_the_same_as_the_flags() {
    let flags = [
        "/embed/looks/4",
        "--external-user-id=u",
        "--first-name=A",
        "--permission=see_looks",
        "--attr=n=1",
        "--nonce=n",
        "--time=5",
    ];
    let line = r#"{"path":"/embed/looks/4","external_user_id":"u","first_name":"A","permissions":["see_looks"],
        "user_attributes":{"n":1},"nonce":"n","time":5}"#;

    let one = sign(&sandbox(), &flags).await.done();
    let many = batch(&sandbox(), &[], &line.replace('\n', "")).await.done();

    assert_eq!(one.out, many.out);
}

#[tokio::test]
async fn bad_lines_are_named_and_the_others_are_signed() {
    let lines = "{\"external_user_id\":\"a\"}\n\
                 \n\
                 {\"external_user_id\":\"b\",\"model\":[\"x\"]}\r\n\
                 not json\n\
                 {\"external_user_id\":\"c\",\"session_length\":2592001}\n\
                 {\"external_user_id\":\"d\",\"path\":\"looks\"}\n\
                 {\"external_user_id\":\"e\"}";

    let outcome = batch(&sandbox(), &["/alive"], lines).await.exits(3);

    let ids = outcome
        .out
        .lines()
        .map(|url| verified(url).login.external_user_id);
    assert_eq!(ids.collect::<Vec<_>>(), ["a", "e"]);
    let said = |text: &str| assert!(outcome.err.contains(text), "{text}\n{}", outcome.err);
    said("error: line 3: column 31: unknown field `model`, expected one of `path`");
    said("error: line 4: column 2: expected ident");
    said("error: line 5: `session_length` is 2592001 seconds");
    said("error: line 6: the embed path `looks` does not begin with `/`");
    said("error: 4 of 6 lines could not be signed");
}

#[tokio::test]
async fn a_batch_as_json_names_line_and_user() {
    let lines = "{\"external_user_id\":\"a\"}\noops\n{\"external_user_id\":\"b\"}\n";

    let outcome = batch(&sandbox(), &["/alive", "-o", "jsonl"], lines)
        .await
        .exits(3);

    let rows = outcome.json_lines();
    assert_eq!(rows[0]["line"], 1);
    assert_eq!(rows[1]["line"], 3);
    assert_eq!(rows[1]["external_user_id"], "b");
    verified(rows[1]["url"].as_str().unwrap());
    assert_eq!(outcome.error()["kind"], "incomplete");
}

#[tokio::test]
async fn lines_without_a_path_are_told_where_to_put_it() {
    let outcome = batch(&sandbox(), &[], "{\"external_user_id\":\"a\"}\n")
        .await
        .exits(3);

    assert!(
        outcome.err.contains("line 1: names no `path`"),
        "{}",
        outcome.err
    );
}

#[tokio::test]
async fn a_batch_is_read_from_a_file_too() {
    let sandbox = sandbox();
    sandbox.file(
        "logins.jsonl",
        "\u{feff}{\"external_user_id\":\"a\",\"path\":\"/alive\"}\n",
    );

    let outcome = sign(&sandbox, &["--batch", "logins.jsonl"]).await.done();
    let missing = sign(&sandbox, &["--batch", "other.jsonl"]).await.exits(2);

    assert_eq!(verified(&outcome.out).login.external_user_id, "a");
    assert!(
        missing.err.contains("cannot read `other.jsonl`"),
        "{}",
        missing.err
    );
}

#[tokio::test]
async fn an_input_that_breaks_off_is_an_error_after_what_was_signed() {
    struct Broken(bool);

    impl Read for Broken {
        fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
            if std::mem::replace(&mut self.0, true) {
                return Err(io::Error::other("the pipe burst"));
            }
            "{\"external_user_id\":\"a\"}\n".as_bytes().read(bytes)
        }
    }

    let args = ["url", "sign", "/alive", "--batch", "-"];
    let outcome = sandbox()
        .run_with(&args, Input::new(Broken(false), false))
        .await
        .exits(1);

    assert_eq!(outcome.out.lines().count(), 1);
    assert!(
        outcome.err.contains("cannot read standard input"),
        "{}",
        outcome.err
    );
    assert!(outcome.err.contains("the pipe burst"), "{}", outcome.err);
}

#[tokio::test]
async fn no_randomness_is_an_error_and_never_a_weak_nonce() {
    let sandbox = sandbox();
    for args in [
        &["embedctl", "url", "sign", "/alive", "--external-user-id=u"][..],
        &["embedctl", "url", "sign", "/alive", "--batch", "-"],
    ] {
        let (mut system, captured) = sandbox.system(Input::text("{\"external_user_id\":\"a\"}\n"));
        system.random = Random::from_fn(|_| Err(io::Error::other("no entropy")));

        let exit = embedctl::run(args.iter().copied(), &mut system).await;

        let outcome = captured.outcome(exit.code());
        assert_eq!(outcome.exit, 1);
        assert_eq!(outcome.out, "");
        assert!(outcome.err.contains("no entropy"), "{}", outcome.err);
    }
}
