//! What Looker passes over: the local one does so too and writes it down, or refuses it if it is strict.

use embedctl::emulator::{Options, ViolationKind};
use embedctl::secret::ExposeSecret as _;
use reqwest::Method;
use serde_json::{Value, json};

use crate::emulator::Api;

const JSON: &str = "application/json";
const FORM: &str = "application/x-www-form-urlencoded";

/// A request, what a lenient Looker answers it with, and what is odd about it.
struct Odd {
    method: Method,
    path: &'static str,
    content_type: &'static str,
    body: &'static str,
    status: u16,
    why: &'static str,
}

const fn odd(
    method: Method,
    path: &'static str,
    content_type: &'static str,
    body: &'static str,
    status: u16,
    why: &'static str,
) -> Odd {
    Odd {
        method,
        path,
        content_type,
        body,
        status,
        why,
    }
}

const ODD: &[Odd] = &[
    odd(
        Method::GET,
        "/user?color=red",
        "",
        "",
        200,
        "an unknown query parameter `color`",
    ),
    odd(
        Method::GET,
        "/groups?limit=&fields=",
        "",
        "",
        200,
        "an empty query parameter `limit`",
    ),
    odd(
        Method::POST,
        "/users/1/credentials_api3",
        JSON,
        "{}",
        200,
        "a body where none is expected",
    ),
    odd(
        Method::POST,
        "/users/1/credentials_api3",
        JSON,
        "null",
        200,
        "a body where none is expected",
    ),
    odd(
        Method::GET,
        "/user",
        JSON,
        "{}",
        200,
        "a body where none is expected",
    ),
    odd(
        Method::PATCH,
        "/users/1",
        "text/plain",
        r#"{"first_name":"Ada"}"#,
        200,
        "the content type `text/plain` instead of `application/json`",
    ),
    odd(
        Method::PATCH,
        "/users/1",
        "",
        r#"{"first_name":"Ada"}"#,
        200,
        "the content type `` instead of `application/json`",
    ),
    odd(
        Method::PATCH,
        "/users/1",
        JSON,
        r#"{"first_name":"Ada","display_name":"A"}"#,
        200,
        "the body: unknown or read-only field `display_name`",
    ),
    odd(
        Method::PATCH,
        "/users/1",
        JSON,
        r#"{"is_disabled":"false"}"#,
        200,
        "the body: `is_disabled` is not true or false",
    ),
    odd(
        Method::PATCH,
        "/users/1",
        JSON,
        r#"{"ui_state":[]}"#,
        200,
        "the body: `ui_state` is not an object",
    ),
    odd(
        Method::PATCH,
        "/users/1",
        JSON,
        r#"{"home_folder_id":1}"#,
        200,
        "the body: `home_folder_id` is not text",
    ),
    odd(
        Method::PATCH,
        "/users/1",
        JSON,
        "",
        200,
        "the body: there is none",
    ),
    odd(
        Method::PATCH,
        "/users/1",
        JSON,
        "null",
        200,
        "the body: there is none",
    ),
    odd(
        Method::POST,
        "/groups",
        JSON,
        r#"{"name":7}"#,
        200,
        "the body: `name` is not text",
    ),
    odd(Method::GET, "//users//1", "", "", 200, "empty segments"),
];

impl Api {
    async fn send(&self, odd: &Odd) -> u16 {
        let url = format!("{}/api/4.0{}", self.emulator.base_url(), odd.path);
        let mut request = self.request(odd.method.clone(), &url);
        if !odd.content_type.is_empty() {
            request = request.header("content-type", odd.content_type);
        }
        let answer = request.body(odd.body).send().await.unwrap();
        answer.status().as_u16()
    }
}

#[tokio::test]
async fn what_is_odd_is_passed_over_and_written_down() {
    let api = Api::lenient(Options::default()).await;
    for odd in ODD {
        assert_eq!(api.send(odd).await, odd.status, "{} {}", odd.path, odd.body);

        let last = api.emulator.violations().pop().unwrap();
        assert_eq!(last.kind, ViolationKind::Odd, "{last}");
        assert!(last.what.ends_with(odd.why), "{last} / {}", odd.why);
    }
    assert_eq!(api.emulator.violations().len(), ODD.len());
}

#[tokio::test]
async fn a_strict_looker_refuses_what_is_odd_and_does_nothing() {
    let api = Api::start(Options::default()).await;
    let before = api.emulator.state();
    for odd in ODD {
        let status = api.send(odd).await;

        assert!(matches!(status, 400 | 404 | 422), "{status} {}", odd.path);
        let last = api.emulator.violations().pop().unwrap();
        assert_ne!(last.kind, ViolationKind::Odd, "{last}");
    }
    assert_eq!(api.emulator.state(), before);
    assert_eq!(api.emulator.violations().len(), ODD.len());
}

/// The login of the Go SDK, and what it and others leave behind.
#[tokio::test]
async fn a_login_form_may_have_more_fields_and_no_version_in_its_path() {
    let api = Api::lenient(Options::default()).await;
    let secret = api.emulator.client_secret();
    let key = format!(
        "client_id={}&client_secret={}",
        api.emulator.client_id(),
        secret.expose_secret()
    );
    for (path, form, odd) in [
        (
            "/api/4.0/login",
            format!("{key}&grant_type=client_credentials"),
            0,
        ),
        ("/api/login", key.clone(), 0),
        ("/api/4.0/login", format!("{key}&scope=all"), 1),
        // Ruby programs that were told a URL with a slash at its end.
        ("/api/4.0//login", key, 2),
    ] {
        let url = format!("{}{path}", api.emulator.base_url());
        let request = api.request(Method::POST, &url).header("content-type", FORM);
        let answer = request.body(form).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{path}");
        assert_eq!(api.emulator.violations().len(), odd, "{path}");
        let token: Value = answer.json().await.unwrap();
        assert_eq!(token["token_type"], "Bearer");
    }
    let shown = format!("{:?}", api.emulator.violations());
    assert!(!shown.contains(secret.expose_secret()));
}

/// Terraform providers and scripts change what they have read and send it back whole.
#[tokio::test]
async fn what_was_read_can_be_written_back() {
    let api = Api::lenient(Options::default()).await;
    let permissions = json!({ "name": "Own", "permissions": ["access_data"] });
    let attribute = json!({ "name": "own", "label": "Own", "type": "string" });
    for (path, body) in [
        ("/users", json!({ "first_name": "Ada" })),
        (
            "/users/embed_user",
            json!({ "external_user_id": "acme-42" }),
        ),
        ("/groups", json!({ "name": "Own" })),
        ("/permission_sets", permissions),
        ("/model_sets", json!({ "name": "Own", "models": ["demo"] })),
        (
            "/roles",
            json!({ "name": "Own", "permission_set_id": "2", "model_set_id": "2" }),
        ),
        ("/user_attributes", attribute),
        ("/folders", json!({ "name": "Own", "parent_id": "1" })),
        ("/dashboards", json!({ "title": "Own", "folder_id": "1" })),
    ] {
        let made = api.call("POST", path, Some(body)).await;
        let path = match path {
            "/users/embed_user" => "/users",
            path => path,
        };
        let path = format!("{path}/{}", made.text_of("id"));
        let before = api.get(&path).await.json;
        let written = api.call("PATCH", &path, Some(before.clone())).await;

        assert_eq!(written.status, 200, "{path}: {}", written.text);
        let after = api.get(&path).await.json;
        // The time of a change, that of things which have one.
        let changed = |field: &&String| before[*field] != after[*field];
        let fields = before.as_object().unwrap().keys();
        let changed: Vec<&String> = fields.filter(changed).collect();
        let times = ["updated_at", "last_updater_id", "last_updater_name"];
        assert!(
            changed.iter().all(|field| times.contains(&field.as_str())),
            "{path}: {changed:?}"
        );
    }
}

#[tokio::test]
async fn a_name_is_cleared_by_null() {
    let api = Api::start(Options::default()).await;

    let user = api
        .call("PATCH", "/users/1", Some(json!({ "last_name": null })))
        .await;

    assert_eq!(user.json["last_name"], "");
}

#[tokio::test]
async fn a_path_of_looker_s_with_another_method_is_405_and_any_other_is_the_page_that_looker_gives()
{
    let api = Api::start(Options::default()).await;
    let other = api.call("PUT", "/users/1", Some(json!({}))).await;
    let none = api.get("/nothing").await;
    let doubled = api.request(
        Method::GET,
        &format!("{}//api/4.0/user", api.emulator.base_url()),
    );
    let doubled = doubled.send().await.unwrap();

    assert_eq!(other.status, 405);
    assert_eq!(other.headers["allow"], "GET, PATCH, DELETE");
    assert_eq!(none.status, 404);
    assert!(none.text.contains("Looker Not Found"), "{}", none.text);
    assert_eq!(doubled.status(), 404);
    let kinds: Vec<ViolationKind> = api.emulator.violations().iter().map(|it| it.kind).collect();
    assert_eq!(kinds, [ViolationKind::Unknown; 3]);
}

#[tokio::test]
async fn head_is_get_without_a_body() {
    let api = Api::start(Options::default()).await;
    let base = api.emulator.base_url();
    for path in ["/api/4.0/user", "/alive", "/"] {
        let url = format!("{base}{path}");
        let head = api.request(Method::HEAD, &url).send().await.unwrap();
        assert_eq!(head.status(), 200, "{path}");
        let length = head.headers().get("content-length").cloned();
        assert_eq!(head.bytes().await.unwrap().len(), 0, "{path}");
        let get = api.request(Method::GET, &url).send().await.unwrap();
        // The console changes with every request.
        if path != "/" {
            assert_eq!(
                get.headers().get("content-length").cloned(),
                length,
                "{path}"
            );
        }
    }
    assert_eq!(api.emulator.violations(), []);
}

#[tokio::test]
async fn long_answers_are_compressed_for_those_who_take_it_so() {
    let api = Api::start(Options {
        users: 50,
        ..Options::default()
    })
    .await;
    let url = format!("{}/api/4.0/users", api.emulator.base_url());
    let plain = reqwest::Client::builder()
        .no_gzip()
        .no_proxy()
        .build()
        .unwrap();
    let get = |encoding: &str| {
        let request = plain.get(&url).header("accept-encoding", encoding);
        let token = api.token().to_owned();
        async move { request.bearer_auth(token).send().await.unwrap() }
    };

    let whole = get("identity").await;
    let packed = get("gzip").await;

    assert_eq!(whole.headers().get("content-encoding"), None);
    assert_eq!(packed.headers()["content-encoding"], "gzip");
    assert_eq!(packed.headers()["vary"], "Accept-Encoding, Origin");
    let (whole, packed) = (whole.bytes().await.unwrap(), packed.bytes().await.unwrap());
    assert!(packed.len() * 4 < whole.len());
    let mut unpacked = String::new();
    std::io::Read::read_to_string(
        &mut flate2::read::GzDecoder::new(&packed[..]),
        &mut unpacked,
    )
    .unwrap();
    assert_eq!(unpacked.as_bytes(), &whole[..]);
}

/// As Looker's documentation of paging has it.
#[tokio::test]
async fn pages_lead_to_the_first_last_next_and_previous_one() {
    let api = Api::start(Options {
        users: 5,
        ..Options::default()
    })
    .await;
    let base = format!("{}/api/4.0/users/search", api.emulator.base_url());
    let link = |offset: usize, rel: &str| {
        format!("<{base}?fields=id&embed_user=true&limit=2&offset={offset}>; rel=\"{rel}\"")
    };
    for (query, links) in [
        ("limit=2", vec![(0, "first"), (4, "last"), (2, "next")]),
        (
            "limit=2&offset=2",
            vec![(0, "first"), (4, "last"), (4, "next"), (0, "prev")],
        ),
        (
            "limit=2&offset=4",
            vec![(0, "first"), (4, "last"), (2, "prev")],
        ),
        (
            "limit=2&offset=3",
            vec![(0, "first"), (4, "last"), (1, "prev")],
        ),
    ] {
        let page = api
            .get(&format!("/users/search?fields=id&embed_user=true&{query}"))
            .await;
        let expected: Vec<String> = links
            .iter()
            .map(|(offset, rel)| link(*offset, rel))
            .collect();
        assert_eq!(page.headers["link"], expected.join(", "), "{query}");
        assert_eq!(page.headers["x-total-count"], "5", "{query}");
    }
    let whole = api.get("/users/search?fields=id").await;
    assert!(!whole.headers.contains_key("link") && !whole.headers.contains_key("x-total-count"));
}

/// Counting a long rest would make every page as slow as the whole.
#[tokio::test]
async fn a_total_that_takes_long_to_count_is_left_out_and_the_next_page_is_not() {
    let api = Api::start(Options {
        users: 1500,
        ..Options::default()
    })
    .await;
    let page = api
        .get("/users/search?fields=id&first_name=%25&limit=2")
        .await;
    let later = api
        .get("/users/search?fields=id&first_name=%25&limit=2&offset=1400")
        .await;

    assert!(!page.headers.contains_key("x-total-count"));
    let links = page.headers["link"].to_str().unwrap();
    assert!(
        links.contains("rel=\"next\"") && !links.contains("rel=\"last\""),
        "{links}"
    );
    assert!(later.headers.contains_key("x-total-count"));
}

#[tokio::test]
async fn pages_of_the_sites_that_may_embed_may_call_and_no_others() {
    let api = Api::start(Options::default()).await;
    let base = api.emulator.base_url();
    let user = format!("{base}/api/4.0/user");
    let ask = |method: Method, url: String, origin: &'static str| {
        let request = api.request(method, &url).header("origin", origin);
        async move { request.send().await.unwrap() }
    };
    let (listed, other) = ("https://app.example.com", "https://evil.example");

    let allowed = ask(Method::OPTIONS, user.clone(), listed).await;
    assert_eq!(allowed.status(), 204);
    assert_eq!(allowed.headers()["access-control-allow-origin"], listed);
    assert_eq!(allowed.headers()["access-control-allow-methods"], "GET");
    let refused = ask(Method::OPTIONS, user.clone(), other).await;
    assert!(
        !refused
            .headers()
            .contains_key("access-control-allow-origin")
    );
    let read = ask(Method::GET, user.clone(), listed).await;
    assert_eq!(read.headers()["access-control-allow-origin"], listed);
    for (origin, status) in [(listed, 200), (other, 403)] {
        let url = format!("{base}/api/4.0/users/1/credentials_api3");
        assert_eq!(
            ask(Method::POST, url, origin).await.status(),
            status,
            "{origin}"
        );
    }
    // Keys do not belong into pages, and the emulator's own paths to nobody's.
    for path in ["/api/4.0/login", "/__emulator/reset"] {
        let answer = ask(Method::POST, format!("{base}{path}"), listed).await;
        assert_eq!(answer.status(), 403, "{path}");
    }
}
