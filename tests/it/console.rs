//! The console of the local Looker: what it shows, in a browser and without one.

use std::fs;
use std::path::Path;

use embedctl::emulator::{Options, State};
use embedctl::secret::ExposeSecret as _;
use serde_json::json;

use crate::browser::Browser;
use crate::emulator::Api;
use crate::support::Sandbox;

async fn rotation() -> Api {
    Api::start(Options {
        state: State::named("rotation").unwrap(),
        ..Options::default()
    })
    .await
}

#[tokio::test]
async fn the_console_shows_users_content_requests_violations_and_faults() {
    let api = rotation().await;
    api.emulator.inject("login:503:skip=9".parse().unwrap());
    api.get("/users/999").await;
    api.get("/user?color=red").await;

    let page = api.web("/", "").await;

    for text in [
        "acme-42",
        "Ada Lovelace",
        "region = apac",
        "acme42keyacme42key01",
        "2 sessions",
        "Embed Users / acme-42 / Sales / 2024",
        "Old pipeline",
        "Revenue on Mondays",
        "Too many orders",
        "/api/4.0/users/999",
        "an unknown query parameter `color`",
        "503",
    ] {
        assert!(page.text.contains(text), "no {text}");
    }
    assert_eq!(page.status, 200);
    assert!(page.header("content-type").starts_with("text/html"));
    // Looking at the console is no request that Looker knows of.
    assert!(
        api.emulator
            .requests()
            .iter()
            .all(|request| request.path != "/")
    );
}

#[tokio::test]
async fn the_console_shows_no_secret() {
    let api = rotation().await;
    let key = api.call("POST", "/users/42/credentials_api3", None).await;
    let sudo = api.call("POST", "/login/42", None).await;
    let login = embedctl::signed_url::Login::new("acme-43");
    let url = api.signed_url(&login);
    api.web(url.expose_secret(), "").await;

    let page = api.web("/", "").await.text;

    let embed_secret = api.emulator.embed_secret();
    let client_secret = api.emulator.client_secret();
    for secret in [
        &key.text_of("client_secret"),
        &sudo.text_of("access_token"),
        embed_secret.expose_secret(),
        client_secret.expose_secret(),
        // The value of a hidden attribute.
        "only-acme-knows",
        "only-the-hook-knows",
        "signature=",
    ] {
        assert!(!page.contains(secret), "{secret}");
    }
    assert!(page.contains(&key.text_of("client_id")));
    assert!(page.contains("api_token = (hidden)"));
}

#[tokio::test]
async fn the_filter_leaves_what_has_all_its_words() {
    let api = rotation().await;
    api.get("/users/43").await;

    let grace = api.web("/?q=GRACE+hopper", "").await.text;
    let sales = api.web("/?q=old%20pipe", "").await.text;

    assert!(grace.contains("acme-43") && !grace.contains("acme-421"));
    assert!(grace.contains("value=\"GRACE hopper\""));
    assert!(sales.contains("Old pipeline") && !sales.contains("Team targets"));
}

#[tokio::test]
async fn whatever_people_are_called_stays_text() {
    let api = Api::start(Options::default()).await;
    let nasty = "<img src=x onerror=alert(1)>\"'";
    let body = json!({ "external_user_id": nasty });
    api.call("POST", "/users/embed_user", Some(body)).await;
    let body = json!({ "title": nasty, "folder_id": "1" });
    api.call("POST", "/dashboards", Some(body)).await;

    let page = api.web("/?q=%22%3E%3Cscript%3E", "").await.text;
    let all = api.web("/", "").await;

    assert!(!page.contains("<script>"));
    assert!(!all.text.contains("<img"));
    assert!(
        all.text
            .contains("&lt;img src=x onerror=alert(1)&gt;&quot;&#39;")
    );
    let policy = all.header("content-security-policy");
    assert!(policy.contains("default-src 'none'"), "{policy}");
}

#[tokio::test]
async fn many_users_make_a_page_that_is_no_longer_than_a_few() {
    let api = Api::start(Options {
        users: 5000,
        ..Options::default()
    })
    .await;

    let page = api.web("/", "").await.text;
    let one = api.web("/?q=user-4321", "").await.text;

    assert!(page.len() < 300_000, "{}", page.len());
    assert!(page.contains("There are more"));
    assert!(one.contains(">user-4321<") && !one.contains(">user-4322<"));
}

#[tokio::test]
async fn a_browser_shows_the_user_that_create_user_made() {
    let Some(browser) = Browser::find() else {
        return;
    };
    let sandbox = Sandbox::new().await;
    let create = [
        "create-user",
        "acme 42/ä",
        "--model=demo",
        "--permission=access_data",
        "--keys-to=stdout",
    ];
    drop(sandbox.run(&create).await.done());
    drop(
        sandbox
            .run(&["create-user", "<b>acme-421</b>", "--no-key"])
            .await
            .done(),
    );
    let sign = [
        "url",
        "sign",
        "/embed/dashboards/1",
        "--external-user-id=acme-42",
        "--model=demo",
        "--permission=see_looks",
    ];
    let signed = sandbox.run(&sign).await.done().out;
    let shots = Path::new(env!("CARGO_TARGET_TMPDIR")).join("console");
    fs::create_dir_all(&shots).unwrap();
    let asked = json!({
        "base_url": sandbox.emulator().base_url(),
        "browser": browser.program,
        "signed_url": signed.trim().replacen("https://", "http://", 1),
        "shots": shots,
    });

    let told = browser.look(&sandbox, "console", &asked).await;

    assert_eq!(told["title"], "Local Looker");
    assert_eq!(
        told["users"],
        json!(["<b>acme-421</b>", "acme 42/ä", "Ada Admin"])
    );
    assert_eq!(told["filtered"], json!(["acme 42/ä"]));
    assert_eq!(told["without_script"], json!(["acme 42/ä"]));
    assert_eq!(told["address"], "?q=ACME%2042%2F%C3%A4");
    assert_eq!(told["nobody"], json!([]));
    assert_eq!(told["still_open"], 1);
    assert!(told["fault"].as_str().unwrap().contains("login"));
    assert!(told["requests"].as_u64().unwrap() > 5);
    assert_eq!(told["phone_fits"], true);
    assert_ne!(told["dark"], "rgb(246, 247, 249)");
    assert_eq!(told["embedded_path"], "/embed/dashboards/1");
    assert_eq!(told["embedded"], "Logged in as acme-42");
    assert_eq!(told["refused"], 401);
    assert_eq!(told["strayed"], json!([]));
    assert_eq!(told["complaints"], json!([]));
    for shot in ["desktop", "desktop-dark", "phone", "embedded"] {
        assert!(shots.join(format!("{shot}.png")).metadata().unwrap().len() > 10_000);
    }
    sandbox.finish().await;
}
