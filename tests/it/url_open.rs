//! `embedctl url open`: the browser gets a page that leads to the URL, and no argument holds it.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use embedctl::secret::SecretString;
use embedctl::signed_url::Algorithm;
use embedctl::signed_url::verify::{VerifiedLogin, verify};

use crate::support::Sandbox;

const SECRET: &str = "an embed secret";
const HOST: &str = "looker.example.com";

/// A sandbox with a browser that keeps its arguments, its environment, and the page it was given.
fn sandbox(script: &str) -> Sandbox {
    let mut sandbox = Sandbox::offline();
    let browser = sandbox.file("browser", &format!("#!/bin/sh\n{script}\n"));
    fs::set_permissions(&browser, fs::Permissions::from_mode(0o755)).unwrap();
    sandbox
        .var("BROWSER", browser.to_str().unwrap())
        .var("LOOKERSDK_BASE_URL", format!("https://{HOST}"))
        .var("LOOKERSDK_EMBED_SECRET", SECRET);
    sandbox
}

fn verified(url: &str) -> VerifiedLogin {
    let (start, query) = url.split_once('?').unwrap();
    let (_, path) = start.split_once(HOST).unwrap();
    let now = jiff::Timestamp::now().as_second();
    verify(
        path,
        query,
        HOST,
        &[(SecretString::from(SECRET), Algorithm::Sha1)],
        now,
    )
    .unwrap()
}

#[tokio::test]
async fn the_browser_is_led_to_the_signed_url_without_seeing_it_in_its_arguments() {
    let sandbox =
        sandbox("echo \"$@\" > args; cat \"$1\" > page; env > env; ls -l \"$1\" > rights");

    let args = [
        "url",
        "open",
        "acme-42",
        "/embed/dashboards/3",
        "--model=thelook",
        "--yes",
    ];
    let outcome = sandbox.run(&args).await.done();

    assert_eq!(outcome.out, "");
    let page = sandbox.read("page");
    let (_, url) = page.split_once("content=\"0; url=").unwrap();
    let (url, _) = url.split_once('"').unwrap();
    let verified = verified(&url.replace("&amp;", "&"));
    assert_eq!(verified.login.external_user_id, "acme-42");
    assert_eq!(verified.login.models.unwrap(), ["thelook"]);
    assert_eq!(verified.embed_path, "/embed/dashboards/3");
    assert!(!sandbox.read("args").contains("login/embed"));
    assert!(!sandbox.read("env").contains(SECRET));
    assert!(sandbox.read("rights").starts_with("-rw-------"));
}

#[tokio::test]
async fn print_only_prints() {
    let sandbox = sandbox("touch opened");

    let args = ["url", "open", "acme-42", "/alive", "--print", "--yes"];
    let outcome = sandbox.run(&args).await.done();

    assert_eq!(
        verified(outcome.out.trim()).login.external_user_id,
        "acme-42"
    );
    assert!(!sandbox.path("opened").exists());
}

#[tokio::test]
async fn a_browser_that_cannot_be_started_or_fails_is_an_error_that_says_what_to_do() {
    let mut sandbox = sandbox("exit 3");
    let args = ["url", "open", "acme-42", "/alive", "--yes"];

    let failed = sandbox.run(&args).await.exits(1);
    sandbox.var("BROWSER", "no-such-browser");
    let missing = sandbox.run(&args).await.exits(1);

    assert!(
        failed.err.contains("cannot open a browser"),
        "{}",
        failed.err
    );
    assert!(
        missing
            .err
            .contains("hint: set `BROWSER`, or use `--print`"),
        "{}",
        missing.err
    );
}
