//! What can go wrong on the local Looker, seen over a plain socket.

use std::time::Duration;

use embedctl::emulator::{Effect, ErrorBody, Fault, Latency, Mode, Options, Switches};
use embedctl::system::Clock;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::emulator::{Api, login};

/// What one request on a connection of its own brings back: the bytes, and how the connection ended.
pub(crate) async fn raw(api: &Api, request: &str) -> (String, std::io::Result<()>) {
    let mut stream = TcpStream::connect(api.emulator.host()).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut bytes = Vec::new();
    let end = stream.read_to_end(&mut bytes).await.map(|_count| ());
    (String::from_utf8_lossy(&bytes).into_owned(), end)
}

const VERSIONS: &str = "GET /versions HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";

async fn with(fault: Fault) -> Api {
    let api = Api::start(Options::default()).await;
    api.emulator.inject(fault.on("versions"));
    api
}

#[tokio::test]
async fn a_status_can_have_looker_s_body_a_page_or_none() {
    let api = Api::start(Options::default()).await;
    for (body, begins) in [
        (ErrorBody::Json, "{\"documentation_url\""),
        (ErrorBody::Html, "<html>"),
        (ErrorBody::Empty, ""),
    ] {
        let when = "Wed, 21 Oct 2026 07:28:00 GMT";
        let effect = Effect::Status {
            code: 503,
            body,
            retry_after: Some(when.to_owned()),
        };
        api.emulator.inject(Fault::new(effect).on("me"));
        let answer = api.get("/user").await;

        assert_eq!(answer.status, 503);
        assert_eq!(answer.header("retry-after"), when);
        assert!(answer.text.starts_with(begins), "{}", answer.text);
    }
    assert_eq!(api.get("/user").await.status, 200);
    assert_eq!(api.emulator.unconsumed_faults(), []);
}

#[tokio::test]
async fn a_reset_before_does_nothing_and_a_reset_after_does_it() {
    let api = Api::start(Options::default()).await;
    let id = api.embed_login(&login("acme-42")).await;
    let keys = format!("/users/{id}/credentials_api3");
    let token = api
        .log_in(
            api.emulator.client_id(),
            embedctl::secret::ExposeSecret::expose_secret(&api.emulator.client_secret()),
        )
        .await
        .unwrap();
    let request = format!(
        "POST /api/4.0{keys} HTTP/1.1\r\nhost: localhost\r\nauthorization: token {token}\r\ncontent-length: 0\r\n\r\n"
    );

    for (effect, made) in [(Effect::ResetBefore, 0), (Effect::ResetAfter, 1)] {
        api.emulator
            .inject(Fault::new(effect).on("create_user_credentials_api3"));
        let (bytes, end) = raw(&api, &request).await;

        assert_eq!(bytes, "");
        let kind = end.unwrap_err().kind();
        assert_eq!(kind, std::io::ErrorKind::ConnectionReset);
        let listed = api.get(&keys).await;
        assert_eq!(listed.json.as_array().unwrap().len(), made);
    }
    let records = api.emulator.requests();
    let lost = records.iter().filter(|record| record.status == 0);
    assert_eq!(lost.count(), 2);
}

#[tokio::test]
async fn a_truncated_answer_ends_in_its_body() {
    let api = with(Fault::new(Effect::Truncate)).await;

    let (bytes, _end) = raw(&api, VERSIONS).await;

    let (head, body) = bytes.split_once("\r\n\r\n").unwrap();
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "))
        .unwrap();
    assert_eq!(body.len(), length.parse::<usize>().unwrap() / 2);
}

#[tokio::test]
async fn garbage_says_that_it_is_json_and_huge_is_as_long_as_asked() {
    let garbage = with(Fault::new(Effect::Garbage)).await;
    let huge = with(Fault::new(Effect::Huge(3_000_000))).await;

    let (bytes, _end) = raw(&garbage, VERSIONS).await;
    assert!(bytes.contains("content-type: application/json"));
    let (_, body) = bytes.split_once("\r\n\r\n").unwrap();
    assert!(serde_json::from_str::<serde_json::Value>(body).is_err());

    let (bytes, end) = raw(&huge, VERSIONS).await;
    assert!(bytes.len() > 3_000_000);
    end.unwrap();
}

#[tokio::test]
async fn a_redirect_leads_elsewhere() {
    let api = with(Fault::new(Effect::Redirect("http://elsewhere/".to_owned()))).await;

    let (bytes, _end) = raw(&api, VERSIONS).await;

    assert!(bytes.starts_with("HTTP/1.1 302"));
    assert!(bytes.contains("location: http://elsewhere/"));
}

#[tokio::test]
async fn slow_answers_stop_in_the_head_or_in_the_body() {
    for (effect, reached) in [
        (
            Effect::SlowHeaders(Duration::from_secs(3600)),
            "HTTP/1.1 200",
        ),
        (Effect::SlowBody(Duration::from_secs(3600)), "\r\n\r\n{"),
    ] {
        let api = with(Fault::new(effect)).await;
        let mut stream = TcpStream::connect(api.emulator.host()).await.unwrap();
        stream.write_all(VERSIONS.as_bytes()).await.unwrap();

        let mut seen = String::new();
        while !seen.ends_with(reached) {
            let byte = stream.read_u8().await.unwrap();
            seen.push(char::from(byte));
        }
        let next = tokio::time::timeout(Duration::from_millis(20), stream.read_u8()).await;

        assert!(next.is_err(), "more came after {seen:?}");
    }
}

#[tokio::test]
async fn latency_and_pauses_pass_on_the_emulator_s_own_clock() {
    let clock = Clock::manual("2026-11-24T12:00:00Z".parse().unwrap());
    let api = Api::start(Options {
        clock: clock.clone(),
        latency: Latency::Fixed(Duration::from_secs(10)),
        faults: vec![Fault::new(Effect::SlowBody(Duration::from_secs(100))).on("me")],
        ..Options::default()
    })
    .await;

    let before = clock.elapsed();
    assert_eq!(api.get("/user").await.status, 200);

    assert_eq!(clock.elapsed() - before, Duration::from_secs(110));
}

#[tokio::test]
async fn a_rate_limit_answers_429_and_says_when_to_come_back() {
    let clock = Clock::manual("2026-11-24T12:00:00Z".parse().unwrap());
    let options = |says_when| Options {
        clock: clock.clone(),
        rate_limit: Some(2.0),
        switches: Switches {
            throttle_says_when: says_when,
            ..Switches::default()
        },
        ..Options::default()
    };
    for says_when in [true, false] {
        // The login is the first of the two calls that pass.
        let api = Api::start(options(says_when)).await;
        assert_eq!(api.get("/user").await.status, 200);
        let late = api.get("/user").await;
        clock.sleep(Duration::from_secs(1)).await;
        let later = api.get("/user").await;

        assert_eq!((late.status.as_u16(), later.status.as_u16()), (429, 200));
        assert_eq!(late.header("retry-after").is_empty(), !says_when);
    }
}

#[tokio::test]
async fn a_token_ends_when_its_time_is_over() {
    let api = Api::start(Options {
        token_seconds: 60,
        ..Options::default()
    })
    .await;

    assert_eq!(api.get("/user").await.status, 200);
    api.emulator.set_clock_offset(61);
    assert_eq!(api.get("/user").await.status, 401);
    assert_eq!(api.emulator.live_tokens(), 0);
}

#[tokio::test]
async fn core_lets_users_make_their_own_keys_only() {
    let api = Api::start(Options {
        mode: Mode::Core,
        ..Options::default()
    })
    .await;
    let id = api.embed_login(&login("acme-42")).await;
    let keys = format!("/users/{id}/credentials_api3");

    let refused = api.call("POST", &keys, None).await;
    let sudo = api.call("POST", &format!("/login/{id}"), None).await;
    let token = sudo.text_of("access_token");
    let early = api.call_as(Some(&token), "POST", &keys, None).await;
    let allow = json!({ "can_manage_api3_creds": true });
    let allowed = api
        .call("PATCH", &format!("/users/{id}"), Some(allow))
        .await;
    let made = api.call_as(Some(&token), "POST", &keys, None).await;
    let admin = api.call("POST", "/login/1", None).await;

    assert_eq!(refused.status, 403);
    assert_eq!(
        refused.json,
        json!({ "message": "Unsupported in Looker (Google Cloud core)" })
    );
    assert_eq!(early.status, 403);
    assert_eq!(allowed.status, 200);
    assert_eq!(made.text_of("client_secret").len(), 24);
    assert_eq!(admin.status, 403);
}

#[tokio::test]
async fn faults_behaviour_and_clock_can_be_changed_while_it_runs() {
    let api = Api::start(Options::default()).await;
    let url = |path: &str| format!("{}/__emulator{path}", api.emulator.base_url());
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let post = async |path: &str, body: serde_json::Value| {
        let answer = http.post(url(path)).json(&body).send().await.unwrap();
        answer.status().as_u16()
    };

    let fault = json!({ "operation": "me", "effect": { "status": { "code": 500 } } });
    assert_eq!(post("/faults", fault).await, 204);
    assert_eq!(post("/faults", json!(["me:404"])).await, 204);
    assert_eq!(post("/faults", json!("me:what")).await, 400);
    assert_eq!(api.get("/user").await.status, 500);
    let listed = http.get(url("/faults")).send().await.unwrap();
    let listed: serde_json::Value = listed.json().await.unwrap();
    assert_eq!(listed[0]["seen"], 1);
    http.delete(url("/faults")).send().await.unwrap();
    assert_eq!(api.get("/user").await.status, 200);

    let change = json!({ "mode": "no-embed", "switches": { "max_keys": 1 } });
    assert_eq!(post("/behaviour", change).await, 204);
    assert_eq!(post("/behaviour", json!({ "mode": "x" })).await, 400);
    let setting = api.get("/setting?fields=embed_enabled").await;
    assert_eq!(setting.json, json!({ "embed_enabled": false }));
    let key = api.call("POST", "/users/1/credentials_api3", None).await;
    assert_eq!(key.status, 409);

    assert_eq!(post("/clock", json!({ "offset_seconds": 7200 })).await, 200);
    assert_eq!(api.get("/user").await.status, 401);
    assert_eq!(post("/reset", json!({})).await, 204);
    assert_eq!(api.emulator.requests().len(), 0);
}

#[tokio::test]
async fn the_same_seed_gives_the_same_secrets_and_tokens() {
    let start = async || {
        Api::start(Options {
            seed: Some(7),
            ..Options::default()
        })
        .await
    };
    let (one, other) = (start().await, start().await);

    assert_eq!(one.emulator.client_id(), other.emulator.client_id());
    let key = async |api: &Api| {
        api.call("POST", "/users/1/credentials_api3", None)
            .await
            .text_of("client_secret")
    };
    assert_eq!(key(&one).await, key(&other).await);
}

#[tokio::test]
async fn the_page_of_an_outage_stands_before_or_after_what_was_asked_for() {
    let key = "create_user_credentials_api3";
    for (fault, status, kind, begins, made) in [
        ("outage", 404, "text/html", "<!DOCTYPE html>", 0),
        ("outage-after", 404, "text/html", "<!DOCTYPE html>", 1),
        ("star-404", 404, "*/*", "<!DOCTYPE html>", 0),
        ("empty-404", 404, "", "", 0),
        ("empty-403", 403, "", "", 0),
        ("empty-403-after", 403, "", "", 1),
        ("411", 411, "text/html;charset=utf-8", "<html>", 0),
        ("503-after", 503, "application/json", "{", 1),
    ] {
        let api = Api::start(Options::default()).await;
        let id = api.embed_login(&login("acme-42")).await;
        let keys = format!("/users/{id}/credentials_api3");
        api.emulator
            .inject(format!("{key}:{fault}").parse().unwrap());

        let answer = api.call("POST", &keys, None).await;
        let listed = api.get(&keys).await;

        assert_eq!(answer.status, status, "{fault}");
        assert_eq!(answer.header("content-type"), kind, "{fault}");
        assert!(answer.text.starts_with(begins), "{fault}");
        assert_eq!(answer.text.is_empty(), begins.is_empty(), "{fault}");
        assert_eq!(listed.json.as_array().unwrap().len(), made, "{fault}");
        if fault.starts_with("outage") {
            // Recorded of the page: its title, and that the connection ends with it.
            assert!(
                answer
                    .text
                    .contains("<title>Looker Not Found (404)</title>")
            );
            assert_eq!(answer.header("connection"), "close");
        }
    }
}

#[tokio::test]
async fn what_is_done_late_is_done_after_the_calls_that_were_asked_for() {
    let api = Api::start(Options::default()).await;
    let id = api.embed_login(&login("acme-42")).await;
    let keys = format!("/users/{id}/credentials_api3");
    let token = api
        .call("POST", "/login/1", None)
        .await
        .text_of("access_token");
    let request = format!(
        "POST /api/4.0{keys} HTTP/1.1\r\nhost: localhost\r\nauthorization: token {token}\r\ncontent-length: 0\r\n\r\n"
    );
    let fault = "create_user_credentials_api3:late=2";
    api.emulator.inject(fault.parse().unwrap());

    let (bytes, _end) = raw(&api, &request).await;
    let mut listed = [0; 4];
    for count in &mut listed {
        *count = api.get(&keys).await.json.as_array().unwrap().len();
    }

    assert_eq!(bytes, "");
    assert_eq!(listed, [0, 0, 1, 1]);
}
