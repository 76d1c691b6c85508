//! `embedctl apply --report`: one page that needs nothing else, in a browser and without one.

use std::fs;
use std::path::Path;
use std::time::Duration;

use embedctl::emulator::{Effect, ErrorBody, Fault, Latency, Options};
use embedctl::system::Input;
use serde_json::json;

use crate::browser::Browser;
use crate::support::{Sandbox, in_time};

/// Ids that would be more than text in a page that lets them.
const NASTY: [&str; 3] = [
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "&lt;b&gt;'",
];

const ARGS: [&str; 8] = [
    "apply",
    "users.csv",
    "--keys-to",
    "file:keys.jsonl",
    "--verify",
    "none",
    "--report",
    "report.html",
];

/// Users without a key, and among them the nasty ones, who are to have one.
fn csv(count: usize) -> String {
    let plain = (0..count).map(|number| format!("acme-{number},none\n"));
    let nasty = NASTY.map(|id| format!("\"{}\",ensure\n", id.replace('"', "\"\"")));
    let rows: String = plain.chain(nasty).collect();
    format!("external_user_id,key\n{rows}")
}

fn status(code: u16) -> Effect {
    Effect::Status {
        code,
        body: ErrorBody::Json,
        retry_after: None,
    }
}

/// A Looker that mints no key, and is unavailable three times.
async fn faulty() -> Sandbox {
    let sandbox = Sandbox::with(Options {
        latency: Latency::Fixed(Duration::from_millis(5)),
        ..Options::default()
    })
    .await;
    let refused = Fault::new(status(422)).on("create_user_credentials_api3");
    sandbox.emulator().inject(refused.times(3));
    let unavailable = Fault::new(status(503)).on("login");
    sandbox.emulator().inject(unavailable.times(2));
    let unavailable = Fault::new(status(503)).on("login_embed");
    sandbox.emulator().inject(unavailable);
    sandbox
}

#[tokio::test]
async fn the_report_names_no_other_place_and_escapes_what_users_are_called() {
    let sandbox = faulty().await;
    sandbox.file("users.csv", &csv(12));

    let _failed = sandbox.run(&ARGS).await.exits(3);

    let page = sandbox.read("report.html");
    assert!(page.starts_with("<!doctype html>"));
    // The names of users are text, whatever they look like.
    let frame = page.replace("&lt;img src=x onerror=alert(1)&gt;", "");
    for elsewhere in ["https://", "src=", "href=", "url(", "<script", "<img"] {
        assert!(!frame.contains(elsewhere), "{elsewhere}");
    }
    assert!(page.contains("<td>&lt;script&gt;alert(1)&lt;&#x2f;script&gt;</td>"));
    assert!(page.contains("<td>&quot;&gt;&lt;img src=x onerror=alert(1)&gt;</td>"));
    assert!(page.contains("<td>&amp;lt;b&amp;gt;&#x27;</td>"));
    sandbox.finish().await;
}

#[tokio::test]
async fn a_run_in_which_nothing_was_to_be_done_has_a_report_that_says_so() {
    let sandbox = Sandbox::new().await;
    sandbox.file("users.csv", "external_user_id\nacme-1\n");
    let args = ["apply", "users.csv", "--report", "report.html"];
    let _made = sandbox.run(&args).await.done();

    let _unchanged = sandbox.run(&args).await.done();

    let page = sandbox.read("report.html");
    assert!(page.contains("<p>No user was worked on.</p>"), "{page}");
    assert!(page.contains("<dt>unchanged</dt><dd>1</dd>"), "{page}");
    assert!(page.contains("none was needed"), "{page}");
    sandbox.finish().await;
}

#[tokio::test]
async fn an_earlier_report_stays_where_nothing_was_done() {
    let sandbox = Sandbox::offline();
    sandbox.file("users.csv", "nonsense\n");
    sandbox.file("report.html", "the last one");

    let _refused = sandbox
        .run(&[
            "apply",
            "users.csv",
            "--report",
            "report.html",
            "--emulator",
        ])
        .await
        .exits(2);

    assert_eq!(sandbox.read("report.html"), "the last one");
}

#[tokio::test]
async fn the_report_of_an_interrupted_run_says_how_many_users_are_left() {
    let sandbox = Sandbox::new().await;
    sandbox.file("users.csv", &csv(60).replace(",none", ",ensure"));
    let delay = Fault::new(Effect::Delay(Duration::from_millis(20)));
    sandbox.emulator().inject(delay.on("login_embed").times(63));
    let (mut system, captured) = sandbox.system(Input::empty());
    let interrupt = system.interrupt.clone();
    let asks = async {
        let made = || {
            let requests = sandbox.emulator().requests();
            requests
                .iter()
                .any(|request| request.operation == "create_user_credentials_api3")
        };
        while !made() {
            tokio::task::yield_now().await;
        }
        interrupt.trigger();
    };
    let args = ["embedctl"].iter().chain(&ARGS).copied();

    let run = Box::pin(embedctl::run(args, &mut system));
    let (exit, ()) = in_time(async { tokio::join!(run, asks) }).await;

    let err = captured.outcome(exit.code()).exits(130).err;
    let page = sandbox.read("report.html");
    assert!(
        page.contains("Not all of it was done: interrupted"),
        "{err}"
    );
    assert!(page.contains("<dt>left</dt>"), "{page}");
    assert!(page.contains("<dt>unchanged</dt><dd>0</dd>"), "{page}");
    sandbox.emulator().clear_faults();
    sandbox.finish().await;
}

#[tokio::test]
async fn a_browser_shows_the_report_wide_and_narrow_and_nothing_leaves_the_page() {
    let Some(browser) = Browser::find() else {
        return;
    };
    let sandbox = faulty().await;
    sandbox.file("users.csv", &csv(300));
    let _failed = sandbox.run(&ARGS).await.exits(3);
    let shots = Path::new(env!("CARGO_TARGET_TMPDIR")).join("report");
    fs::create_dir_all(&shots).unwrap();
    let asked = json!({
        "page": sandbox.path("report.html"),
        "browser": browser.program,
        "shots": shots,
    });

    let told = browser.look(&sandbox, "report", &asked).await;

    assert_eq!(told["title"], "embedctl apply users.csv");
    assert_eq!(
        told["headings"],
        json!([
            "Users per second",
            "How long requests took",
            "Requests that failed",
            "Users that failed"
        ])
    );
    let tiles = &told["tiles"];
    assert_eq!(
        (&tiles["total"], &tiles["created"], &tiles["failed"]),
        (&json!("303"), &json!("300"), &json!("3"))
    );
    assert_eq!(told["stopped"], json!([]));
    assert!(told["lines"][0].as_f64().unwrap() > 500.0, "{told}");
    assert_eq!(told["failures_in_time"], 1);
    let operations = told["operations"].as_array().unwrap();
    assert!(operations.contains(&json!("signed_url")), "{told}");
    let bars: Vec<f64> = serde_json::from_value(told["bars"].clone()).unwrap();
    assert!(bars.is_sorted_by(|long, short| long >= short) && bars[2] > 2.0);
    assert_eq!(
        told["causes"],
        json!([
            "422 Unprocessable Entity create_user_credentials_api3 3 3",
            "503 Service Unavailable login 2, signed_url 1 3",
        ])
    );
    assert_eq!(told["failed_by_cause"].as_array().unwrap().len(), 1);
    let mut nasty = NASTY;
    nasty.sort_unstable();
    assert_eq!(told["failed"], json!(nasty));
    assert_eq!(
        (&told["wide_fits"], &told["narrow_fits"]),
        (&json!(true), &json!(true))
    );
    assert!(told["letters"].as_f64().unwrap() >= 11.0, "{told}");
    assert_ne!(told["dark"], "rgb(255, 255, 255)");
    assert_eq!(told["strayed"], json!([]));
    assert_eq!(told["complaints"], json!([]));
    for shot in ["wide", "narrow", "dark"] {
        assert!(shots.join(format!("{shot}.png")).metadata().unwrap().len() > 10_000);
    }
    sandbox.finish().await;
}
