//! The client: tokens, what is repeated and what never is, what is sent, and that no secret shows.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use embedctl::error::{Error, Kind};
use embedctl::looker::{
    ApiKey, Client, Exchange, Http, HttpOptions, LookerError, NoTrace, Removal, Trace, UserChanges,
    UserSearch,
};
use embedctl::secret::ExposeSecret as _;
use embedctl::system::{Clock, Random};
use jiff::Timestamp;
use url::Url;

use crate::loopback::{Asked, Loopback, Reply, answer, json};

const SECRET: &str = "s3cretS3cretS3cretS3cret";

#[derive(Debug, Default)]
struct Seen(Mutex<Vec<Exchange>>);

impl Trace for Seen {
    fn exchange(&self, exchange: &Exchange) {
        self.0.lock().unwrap().push(exchange.clone());
    }
}

/// Options of a client whose waits move a manual clock, and whose chance is the longest wait.
pub(crate) fn options() -> HttpOptions {
    HttpOptions {
        timeout: Duration::from_secs(20),
        retries: 3,
        ca_files: Vec::new(),
        verify_tls: true,
        proxy: None,
        no_proxy: None,
        concurrency: 64,
        rps: None,
        silence: Duration::from_secs(3),
        trace: Arc::new(NoTrace),
        clock: Clock::manual("2026-01-01T00:00:00Z".parse().unwrap()),
        random: Random::from_fn(|bytes| {
            bytes.fill(255);
            Ok(())
        }),
    }
}

pub(crate) fn client_with(options: HttpOptions, base_url: &str) -> Client {
    let key = ApiKey {
        client_id: "theClientId".to_owned(),
        client_secret: SECRET.into(),
    };
    let base_url = Url::parse(base_url).unwrap();
    Client::new(Http::new(options).unwrap(), base_url, key)
}

/// A Looker that knows login and logout and answers the rest by `behaviour`, told how many calls of the rest came before.
async fn looker(behaviour: impl Fn(&Asked, usize) -> Reply + Send + Sync + 'static) -> Loopback {
    let calls = Mutex::new((0, 0));
    Loopback::new(move |asked, _| {
        let mut calls = calls.lock().unwrap();
        match asked.line().as_str() {
            "POST /login" => {
                calls.0 += 1;
                json(
                    200,
                    &format!(
                        r#"{{"access_token":"token{}","token_type":"Bearer","expires_in":3600}}"#,
                        calls.0
                    ),
                )
            }
            "DELETE /logout" => answer(204, ("x-end", "1"), ""),
            _ => {
                calls.1 += 1;
                behaviour(asked, calls.1 - 1)
            }
        }
    })
    .await
}

const ME: &str = r#"{"id":1,"first_name":"Ada"}"#;

fn calls(server: &Loopback) -> Vec<String> {
    let lines = server.lines().into_iter();
    lines.filter(|line| line != "POST /login").collect()
}

#[tokio::test]
async fn fifty_calls_at_once_share_one_login() {
    let server = looker(|_, _| json(200, ME)).await;
    let client = client_with(options(), &server.url());

    let tasks: Vec<_> = (0..50)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move { client.me().await.unwrap().id })
        })
        .collect();
    for task in tasks {
        assert_eq!(task.await.unwrap(), "1");
    }

    let lines = server.lines();
    assert_eq!(
        lines.iter().filter(|line| *line == "POST /login").count(),
        1
    );
    assert_eq!(lines.len(), 51);
    assert_eq!(client.calls(), 51);
}

#[tokio::test]
async fn logs_in_with_a_form_and_sends_the_token_and_its_own_name() {
    let server = looker(|_, _| json(200, ME)).await;
    let client = client_with(options(), &server.url());

    client.me().await.unwrap();

    let asked = server.asked();
    assert_eq!(asked[0].target, "/api/4.0/login");
    assert_eq!(
        asked[0].header("content-type"),
        Some("application/x-www-form-urlencoded")
    );
    let form = format!("client_id=theClientId&client_secret={SECRET}");
    assert_eq!(asked[0].body, form.as_bytes());
    assert_eq!(asked[0].header("authorization"), None);
    assert_eq!(asked[1].header("authorization"), Some("Bearer token1"));
    let name = concat!("embedctl/", env!("CARGO_PKG_VERSION"));
    for asked in asked {
        assert_eq!(asked.header("user-agent"), Some(name));
        assert_eq!(asked.header("x-looker-appid"), Some(name));
    }
}

#[tokio::test]
async fn a_token_is_replaced_before_it_expires() {
    let server = looker(|_, _| json(200, ME)).await;
    let options = options();
    let clock = options.clock.clone();
    let client = client_with(options, &server.url());

    client.me().await.unwrap();
    clock.sleep(Duration::from_secs(3569)).await;
    client.me().await.unwrap();
    clock.sleep(Duration::from_secs(1)).await;
    client.me().await.unwrap();
    client.logout().await.unwrap();

    let tokens: Vec<_> = server
        .asked()
        .iter()
        .filter_map(|asked| Some((asked.line(), asked.header("authorization")?.to_owned())))
        .collect();
    let expected = [
        ("GET /user", "Bearer token1"),
        ("GET /user", "Bearer token1"),
        ("GET /user", "Bearer token2"),
        // The replaced token still lives for half a minute, so it is logged out too.
        ("DELETE /logout", "Bearer token2"),
        ("DELETE /logout", "Bearer token1"),
    ];
    assert_eq!(tokens, expected.map(|(a, b)| (a.to_owned(), b.to_owned())));
}

#[tokio::test]
async fn a_refused_token_is_replaced_once() {
    let server = looker(|asked, _| match asked.header("authorization") {
        Some("Bearer token1") => json(401, r#"{"message":"Requires authentication."}"#),
        _ => json(200, ME),
    })
    .await;
    let client = client_with(options(), &server.url());

    assert_eq!(client.me().await.unwrap().id, "1");
    client.me().await.unwrap();

    let lines = server.lines();
    assert_eq!(
        lines,
        [
            "POST /login",
            "GET /user",
            "POST /login",
            "GET /user",
            "GET /user"
        ]
    );
}

#[tokio::test]
async fn a_token_refused_twice_is_an_error() {
    let server = looker(|_, _| json(401, r#"{"message":"Requires authentication."}"#)).await;
    let client = client_with(options(), &server.url());

    let error = client.me().await.unwrap_err();

    assert_eq!(error.http_status(), Some(401));
    assert_eq!(
        server.lines(),
        ["POST /login", "GET /user", "POST /login", "GET /user"]
    );
    assert_eq!(Error::from(error).kind(), Kind::NotAllowed);
}

#[tokio::test]
async fn logging_out_twice_sends_once_and_never_without_a_token() {
    let server = looker(|_, _| json(200, ME)).await;
    let client = client_with(options(), &server.url());

    client.logout().await.unwrap();
    assert!(server.lines().is_empty());
    client.login().await.unwrap();
    client.logout().await.unwrap();
    client.logout().await.unwrap();

    assert_eq!(server.lines(), ["POST /login", "DELETE /logout"]);
}

#[tokio::test]
async fn a_token_that_is_gone_already_is_logged_out() {
    for status in [401, 404] {
        let server = Loopback::new(move |asked, _| match asked.method.as_str() {
            "POST" => json(200, r#"{"access_token":"t","expires_in":3600}"#),
            _ => json(status, r#"{"message":"Not found"}"#),
        })
        .await;
        let client = client_with(options(), &server.url());

        client.login().await.unwrap();
        client.logout().await.unwrap();
    }
}

#[tokio::test]
async fn a_user_acted_as_has_a_token_of_its_own_and_no_way_to_another() {
    let server = looker(|asked, _| match asked.line().as_str() {
        "POST /login/7" => json(200, r#"{"access_token":"sudo","expires_in":3600}"#),
        _ if asked.header("authorization") == Some("Bearer sudo") => json(200, r#"{"id":"7"}"#),
        _ => json(200, ME),
    })
    .await;
    let client = client_with(options(), &server.url());

    let user = client.login_user("7").await.unwrap();

    assert_eq!(user.me().await.unwrap().id, "7");
    assert_eq!(client.me().await.unwrap().id, "1");
    assert_eq!(
        user.access_token().await.unwrap().token.expose_secret(),
        "sudo"
    );
    user.logout().await.unwrap();
    let error = user.me().await.unwrap_err();
    assert!(matches!(error, LookerError::LoggedOut { .. }), "{error}");
    assert_eq!(calls(&server).last().unwrap(), "DELETE /logout");
}

#[tokio::test]
async fn a_login_that_looker_does_not_know_is_not_allowed() {
    const REFUSED: &str = r#"{"message":"Not found"}"#;
    for status in [404, 401, 403] {
        let server = Loopback::new(move |_, _| json(status, REFUSED)).await;
        let client = client_with(options(), &server.url());

        let error = Error::from(client.me().await.unwrap_err());

        assert_eq!(error.kind(), Kind::NotAllowed);
        let expected = format!("Looker at `{}` does not accept this API key", server.url());
        assert_eq!(error.message(), expected);
        let hint = error.advice().unwrap();
        assert!(hint.contains("client id and secret"), "{hint}");
        assert_eq!(error.operation(), Some("login"));
        assert_eq!(error.http_status(), Some(status));
        assert_eq!(server.lines(), ["POST /login"]);
    }
}

#[tokio::test]
async fn a_page_in_answer_to_a_login_says_nothing_of_the_key() {
    // Recorded of real Lookers: both types, as the answer to a wrong key and during an outage.
    const PAGE: &str = "<html><title>Looker Not Found (404)</title></html>";
    for (status, kind, body) in [
        (404, "text/html", PAGE),
        (404, "*/*", PAGE),
        (404, "application/json", ""),
        (403, "text/html", ""),
        (401, "text/plain", "who are you?"),
    ] {
        let reply = move || answer(status, ("content-type", kind), body);
        let server = Loopback::new(move |_, _| reply()).await;
        let once = HttpOptions {
            retries: 1,
            ..options()
        };
        let client = client_with(once, &server.url());

        let error = Error::from(client.me().await.unwrap_err());

        assert_eq!(error.kind(), Kind::Unavailable);
        assert_eq!(error.kind().exit_code(), 8);
        let said = format!("{error} {}", error.advice().unwrap());
        assert!(!said.contains("does not accept"), "{said}");
        if status == 404 {
            assert!(said.contains("does not know this API key"), "{said}");
            assert!(said.contains("outage"), "{said}");
        }
        assert_eq!(error.http_status(), Some(status));
        // Logging in twice is as good as once.
        assert_eq!(server.lines(), ["POST /login"; 2]);
    }
}

/// A call of the retry table.
#[derive(Clone, Copy, Debug)]
enum Kinds {
    Get,
    Delete,
    Patch,
    Create,
}

async fn make(client: &Client, kind: Kinds) -> Result<(), LookerError> {
    match kind {
        Kinds::Get => client.me().await.map(drop),
        Kinds::Delete => client.delete_user("7").await.map(drop),
        Kinds::Patch => client
            .update_user("7", &UserChanges::default())
            .await
            .map(drop),
        Kinds::Create => client.create_api3_key("7").await.map(drop),
    }
}

type Failure = dyn Fn() -> Reply + Send + Sync;

#[tokio::test]
async fn what_is_repeated_and_what_is_not() {
    let bad = |status| move || json(status, r#"{"message":"no"}"#);
    let page = |status| move || answer(status, ("content-type", "text/html"), "<html>");
    let failures: [(&str, Box<Failure>, [usize; 4], bool); 14] = [
        // What happens, then how often each kind of call is made when it happens every time, then whether a create
        // that ended so may have had an effect.
        ("429", Box::new(bad(429)), [4, 4, 4, 4], false),
        ("502", Box::new(bad(502)), [4, 4, 4, 1], true),
        ("503", Box::new(bad(503)), [4, 4, 4, 1], true),
        ("504", Box::new(bad(504)), [4, 4, 4, 1], true),
        ("500", Box::new(bad(500)), [1, 1, 1, 1], true),
        ("400", Box::new(bad(400)), [1, 1, 1, 1], false),
        ("403", Box::new(bad(403)), [1, 1, 1, 1], false),
        ("outage page", Box::new(page(404)), [4, 4, 4, 1], true),
        ("firewall", Box::new(page(403)), [4, 4, 4, 1], true),
        ("length required", Box::new(page(411)), [4, 4, 4, 1], true),
        ("redirect", Box::new(page(302)), [4, 4, 4, 1], true),
        ("lost answer", Box::new(|| Reply::Close), [4, 4, 4, 1], true),
        (
            "truncated answer",
            Box::new(|| Reply::Raw(b"HTTP/1.1 200 X\r\ncontent-length: 99\r\n\r\n{".to_vec())),
            [4, 4, 4, 1],
            true,
        ),
        (
            "garbage",
            Box::new(|| Reply::Raw(b"garbage\r\n\r\n".to_vec())),
            [4, 4, 4, 1],
            true,
        ),
    ];
    for (what, reply, times, unknown) in failures {
        let server = looker(move |_, _| reply()).await;
        for (kind, expected) in [Kinds::Get, Kinds::Delete, Kinds::Patch, Kinds::Create]
            .into_iter()
            .zip(times)
        {
            let client = client_with(options(), &server.url());
            let before = server.asked().len();

            let error = make(&client, kind).await.unwrap_err();

            let made = server.asked().len() - before - 1;
            assert_eq!(made, expected, "{kind:?} after {what}");
            if matches!(kind, Kinds::Create) {
                assert_eq!(error.took_effect_unknown(), unknown, "{what}: {error}");
            }
        }
    }
}

#[tokio::test]
async fn a_call_that_does_better_later_succeeds() {
    let server = looker(|_, before| match before {
        0 => json(503, ""),
        1 => Reply::Close,
        _ => json(200, ME),
    })
    .await;
    let options = options();
    let clock = options.clock.clone();
    let client = client_with(options, &server.url());

    assert_eq!(client.me().await.unwrap().id, "1");

    // A quarter of a second, then half of one.
    assert_eq!(clock.elapsed(), Duration::from_millis(750));
}

#[tokio::test]
async fn waits_as_long_as_looker_asks_but_not_forever() {
    for (asked, expected) in [
        ("7", Duration::from_secs(7)),
        ("Thu, 01 Jan 2026 00:00:05 GMT", Duration::from_secs(5)),
        ("Wed, 31 Dec 2025 00:00:00 GMT", Duration::from_millis(100)),
        ("86400", Duration::from_secs(60)),
        ("soon", Duration::from_millis(250)),
    ] {
        let server = looker(move |_, before| match before {
            0 => answer(429, ("retry-after", asked), "{}"),
            _ => json(200, ME),
        })
        .await;
        let options = options();
        let clock = options.clock.clone();
        let client = client_with(options, &server.url());

        client.me().await.unwrap();

        assert_eq!(clock.elapsed(), expected, "{asked}");
    }
}

#[tokio::test]
async fn throttled_to_the_end_is_unreachable_and_says_how_to_slow_down() {
    let server = looker(|_, _| answer(429, ("retry-after", "2"), r#"{"message":"slow"}"#)).await;
    let client = client_with(options(), &server.url());

    let error = client.me().await.unwrap_err();

    assert!(error.is_retryable());
    assert!(!error.took_effect_unknown());
    let error = Error::from(error);
    assert_eq!(error.kind(), Kind::Unreachable);
    assert_eq!(error.http_status(), Some(429));
    assert_eq!(error.message(), "Looker throttled `me`: slow");
    assert!(error.advice().unwrap().contains("--rps"));
}

#[tokio::test]
async fn nobody_there_is_tried_again_even_for_a_create_and_says_where() {
    // A port that was free a moment ago; nobody else takes one from this range so soon.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let options = options();
    let clock = options.clock.clone();
    let client = client_with(options, &url);

    let error = client.create_api3_key("7").await.unwrap_err();

    assert!(!error.took_effect_unknown());
    assert!(error.is_retryable());
    assert_eq!(clock.elapsed(), Duration::from_millis(250 + 500 + 1000));
    let error = Error::from(error);
    assert_eq!(error.kind(), Kind::Unreachable);
    assert_eq!(
        error.message(),
        format!("cannot connect to `{url}` for `login`")
    );
    assert!(error.causes().any(|cause| cause.contains("refused")));
    assert!(error.advice().unwrap().contains("19999"));
}

#[tokio::test]
async fn no_answer_in_time_says_so() {
    let server = looker(|_, _| Reply::Silence).await;
    let client = client_with(
        HttpOptions {
            timeout: Duration::from_millis(100),
            retries: 0,
            ..options()
        },
        &server.url(),
    );

    let error = client.create_api3_key("7").await.unwrap_err();

    assert!(matches!(error, LookerError::Timeout { .. }), "{error:?}");
    assert!(error.took_effect_unknown());
    let error = Error::from(error);
    assert_eq!(error.kind(), Kind::Unreachable);
    assert!(error.advice().unwrap().contains("--timeout"));
}

#[tokio::test]
async fn a_redirect_is_not_followed_and_takes_no_token_along() {
    let elsewhere = Loopback::new(|_, _| json(200, ME)).await;
    let target = format!("{}/user?code=s3cret", elsewhere.url());
    let server = looker(move |_, _| answer(302, ("location", &target), "")).await;
    let client = client_with(options(), &server.url());

    let error = client.me().await.unwrap_err();

    assert!(elsewhere.asked().is_empty());
    let expected = format!("a redirect to `{}/user`", elsewhere.url());
    assert!(error.to_string().ends_with(&expected), "{error}");
    let error = Error::from(error);
    assert_eq!(error.kind(), Kind::Unavailable);
    assert!(error.advice().unwrap().contains("--base-url"));
}

#[tokio::test]
async fn ids_arrive_as_one_segment() {
    let server = looker(|_, _| json(200, r#"{"id":"5"}"#)).await;
    let client = client_with(options(), &format!("{}/below/", server.url()));
    let table = [
        ("a/b", "a%2Fb"),
        ("100%", "100%25"),
        ("a%20b", "a%2520b"),
        ("a+b c", "a%2Bb%20c"),
        ("why?#x", "why%3F%23x"),
        ("zoë/日", "zo%C3%AB%2F%E6%97%A5"),
        ("../x", "..%2Fx"),
        ("a;b:c@d", "a%3Bb%3Ac%40d"),
    ];
    for (id, encoded) in table {
        // The answer is about somebody else, which is told; here it matters what was asked.
        let answer = client.user_for_credential_embed(id).await;
        assert!(matches!(answer, Err(LookerError::Another { .. })));

        let asked = server.asked();
        let path = asked.last().unwrap().target.split('?').next().unwrap();
        let expected = format!("/below/api/4.0/users/credential/embed/{encoded}");
        assert_eq!(path, expected);
    }
}

#[tokio::test]
async fn ids_that_would_change_the_path_are_refused_before_anything_is_sent() {
    let server = looker(|_, _| json(200, ME)).await;
    let client = client_with(options(), &server.url());

    for id in ["", ".", ".."] {
        let error = client.user_for_credential_embed(id).await.unwrap_err();
        assert_eq!(Error::from(error).kind(), Kind::Usage);
        let error = client.delete_api3_key("7", id).await.unwrap_err();
        assert!(matches!(error, LookerError::Id { .. }));
    }
    for path in [
        "/users/../login",
        "/users/%2e%2e/login",
        "users",
        "/users?x=1",
        "/a\\b",
    ] {
        let error = client
            .call("api", reqwest::Method::GET, path, &[], None)
            .await;
        assert!(matches!(error, Err(LookerError::Path { .. })), "{path}");
    }
    assert!(calls(&server).is_empty());
}

#[tokio::test]
async fn gone_already_is_not_an_error_of_deleting() {
    let server = looker(|_, before| match before {
        0 => answer(204, ("x-end", "1"), ""),
        _ => json(404, r#"{"message":"Not found"}"#),
    })
    .await;
    let client = client_with(options(), &server.url());

    let first = client.delete_api3_key("7", "3").await.unwrap();
    let second = client.delete_api3_key("7", "3").await.unwrap();
    assert_eq!((first, second), (Removal::Accepted, Removal::NotFound));
    assert_eq!(client.delete_user("7").await.unwrap(), Removal::NotFound);
    assert_eq!(client.user_for_credential_embed("x").await.unwrap(), None);
    let error = client.user("7").await.unwrap_err();
    assert_eq!(Error::from(error).kind(), Kind::NotFound);
}

#[tokio::test]
async fn search_names_what_it_is_given_and_nothing_else() {
    let server = looker(|_, _| json(200, "[]")).await;
    let client = client_with(options(), &server.url());

    let search = UserSearch {
        embed_user: Some(true),
        fields: Some("id,credentials_embed".to_owned()),
        sorts: Some("id".to_owned()),
        limit: Some(500),
        offset: Some(1000),
        ..UserSearch::default()
    };
    client.search_users(&search).await.unwrap();

    assert_eq!(
        server.asked()[1].target,
        "/api/4.0/users/search?fields=id%2Ccredentials_embed&embed_user=true&sorts=id&limit=500&offset=1000"
    );
}

#[tokio::test]
async fn a_composed_call_gives_any_answer_and_is_not_repeated_when_it_creates() {
    let server = looker(|_, _| json(502, "<html>")).await;
    let client = client_with(options(), &server.url());
    let query = [("fields".to_owned(), "id,name".to_owned())];

    let body = Some(br#"{"name":"x"}"#.to_vec());
    let answer = client
        .call(
            "create_group",
            reqwest::Method::POST,
            "/groups",
            &query,
            body,
        )
        .await
        .unwrap();

    assert_eq!(
        (answer.status, answer.body.as_slice()),
        (502, &b"<html>"[..])
    );
    let refusal = answer.refusal.unwrap().to_string();
    assert_eq!(
        refusal,
        "Looker answered 502 to `create_group`: Bad Gateway"
    );
    assert_eq!(calls(&server), ["POST /groups"]);
    let asked = server.asked();
    assert_eq!(asked[1].target, "/api/4.0/groups?fields=id%2Cname");
    assert_eq!(asked[1].body, br#"{"name":"x"}"#);
    assert_eq!(asked[1].header("content-type"), Some("application/json"));
}

#[tokio::test]
async fn a_signed_url_is_opened_once_without_token_or_cookies() {
    let server = Loopback::new(|_, before| match before {
        0 => Reply::Answer {
            status: 302,
            headers: vec![
                ("location", "/embed/dashboards/1".to_owned()),
                ("set-cookie", "rack.session=abc".to_owned()),
                ("date", "Thu, 01 Jan 2026 00:00:05 GMT".to_owned()),
            ],
            body: Vec::new(),
        },
        1 => answer(429, ("retry-after", "3"), ""),
        _ => Reply::Close,
    })
    .await;
    let http = Http::new(options()).unwrap();
    let path = "/login/embed/%2Fembed%2Fdashboards%2F1";
    let url = format!("{}{path}?nonce=%22abc%22&signature=a%2Bb%3D", server.url());
    let url = url.as_str().into();

    let first = http.fetch_signed_url(&url).await.unwrap();
    let second = http.fetch_signed_url(&url).await.unwrap();
    let third = http.fetch_signed_url(&url).await.unwrap_err();

    assert_eq!(first.status, 302);
    assert_eq!(first.location.as_deref(), Some("/embed/dashboards/1"));
    let date: Timestamp = "2026-01-01T00:00:05Z".parse().unwrap();
    assert_eq!(first.date, Some(date));
    let ahead = http.clock_offset().map(|ahead| ahead.as_secs());
    assert_eq!(ahead, Some(5));
    assert_eq!(second.status, 429);
    assert_eq!(second.retry_after, Some(Duration::from_secs(3)));
    assert!(third.took_effect_unknown());
    let asked = server.asked();
    assert_eq!(asked.len(), 3);
    for asked in asked {
        let expected = format!("{path}?nonce=%22abc%22&signature=a%2Bb%3D");
        assert_eq!(asked.target, expected);
        assert_eq!(asked.header("cookie"), None);
        assert_eq!(asked.header("authorization"), None);
    }
    assert_eq!(http.calls(), 0);
}

#[tokio::test]
async fn neither_the_trace_nor_debug_nor_errors_show_a_secret() {
    let server = Loopback::new(|asked, _| match asked.line().as_str() {
        "POST /login" => json(200, r#"{"access_token":"s3cret-token","expires_in":60}"#),
        "POST /users/7/credentials_api3" => json(
            200,
            r#"{"id":"3","client_id":"abc","client_secret":"s3cret-key"}"#,
        ),
        "GET /user" => json(200, r#"{"id":["s3cret-value"]}"#),
        _ => Reply::Answer {
            status: 302,
            headers: vec![
                ("location", "/embed?token=s3cret-location".to_owned()),
                ("set-cookie", "s3cret-cookie".to_owned()),
            ],
            body: b"s3cret-body".to_vec(),
        },
    })
    .await;
    let seen = Arc::new(Seen::default());
    let options = HttpOptions {
        trace: Arc::clone(&seen) as Arc<dyn Trace>,
        proxy: None,
        retries: 0,
        ..options()
    };
    let client = client_with(options, &server.url());
    let mut shown = Vec::new();

    let key = client.create_api3_key("7").await.unwrap();
    shown.push(format!("{key:?}"));
    assert_eq!(key.client_secret.expose_secret(), "s3cret-key");
    let error = client.me().await.unwrap_err();
    shown.push(format!("{error:?} {error}"));
    let token = "s3cret-reference".into();
    let error = client.delete_cookieless_session(&token).await.unwrap_err();
    shown.push(format!("{error:?} {error}"));
    let url = format!(
        "{}/login/embed/%2Falive?signature=s3cret-sign",
        server.url()
    );
    let landing = client.http().fetch_signed_url(&url.as_str().into()).await;
    landing.unwrap();
    shown.push(format!("{client:?} {:?}", client.http()));
    let token = client.access_token().await.unwrap();
    shown.push(format!("{token:?}"));
    let exchanges = seen.0.lock().unwrap();
    shown.push(format!("{exchanges:?}"));

    for text in shown {
        assert!(!text.to_lowercase().contains("s3cret"), "{text}");
    }
    let paths: Vec<_> = exchanges.iter().map(|it| it.path.as_str()).collect();
    let expected = [
        "/login",
        "/users/7/credentials_api3",
        "/user",
        "/embed/cookieless_session/[redacted]",
        "/login/embed/%2Falive",
    ];
    assert_eq!(paths, expected);
    let authorization = ("authorization".to_owned(), "[redacted]".to_owned());
    assert!(exchanges[1].request_headers.contains(&authorization));
    let location = ("location".to_owned(), "/embed".to_owned());
    assert!(exchanges[4].response_headers.contains(&location));
    assert_eq!(exchanges[4].bytes, "s3cret-body".len());
}

/// Sees exchanges without their headers.
#[derive(Debug, Default)]
struct Brief(Seen);

impl Trace for Brief {
    fn exchange(&self, exchange: &Exchange) {
        self.0.exchange(exchange);
    }

    fn wants_headers(&self) -> bool {
        false
    }
}

#[tokio::test]
async fn headers_are_gathered_only_for_a_trace_that_wants_them() {
    let server = looker(|_, _| json(200, r#"{"id":"7"}"#)).await;
    let seen = Arc::new(Brief::default());
    let options = HttpOptions {
        trace: Arc::clone(&seen) as Arc<dyn Trace>,
        ..options()
    };

    client_with(options, &server.url()).me().await.unwrap();

    let exchanges = seen.0.0.lock().unwrap();
    let me = exchanges.last().unwrap();
    assert_eq!((me.operation, me.status), ("me", Some(200)));
    assert!(me.request_headers.is_empty() && me.response_headers.is_empty());
}
