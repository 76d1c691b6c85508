//! The local Looker, spoken to over HTTP by a client that shares no code with the product's.

use embedctl::emulator::{Emulator, Options};
use embedctl::secret::{ExposeSecret as _, SecretString};
use embedctl::signed_url::{Login, Signer};
use reqwest::{Method, Response, StatusCode, redirect};
use serde_json::{Value, json};

/// A client of one emulator that says what came back, whatever it is.
pub(crate) struct Api {
    pub(crate) emulator: Emulator,
    http: reqwest::Client,
    token: Option<String>,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) json: Value,
    pub(crate) text: String,
    pub(crate) headers: reqwest::header::HeaderMap,
}

impl Api {
    /// A client of a new strict emulator, logged in as the administrator.
    pub(crate) async fn start(options: Options) -> Self {
        Self::lenient(Options {
            strict: true,
            ..options
        })
        .await
    }

    /// A client of a new emulator that is as strict as `options` say, logged in as the administrator.
    pub(crate) async fn lenient(options: Options) -> Self {
        // An error says that another test was first.
        drop(rustls::crypto::ring::default_provider().install_default());
        let emulator = Emulator::start(options).await.unwrap();
        let http = reqwest::Client::builder()
            .redirect(redirect::Policy::none())
            .no_proxy()
            .build()
            .unwrap();
        let mut api = Self {
            emulator,
            http,
            token: None,
        };
        let (id, secret) = (
            api.emulator.client_id().to_owned(),
            api.emulator.client_secret(),
        );
        api.token = api.log_in(&id, secret.expose_secret()).await;
        api
    }

    /// A token for a key; `None` where Looker refuses.
    pub(crate) async fn log_in(&self, id: &str, secret: &str) -> Option<String> {
        let form = [("client_id", id), ("client_secret", secret)];
        let url = format!("{}/api/4.0/login", self.emulator.base_url());
        let response = self.http.post(url).form(&form).send().await.unwrap();
        let answer = read(response).await;
        Some(answer.json.get("access_token")?.as_str()?.to_owned())
    }

    /// Log in with the administrator's key and one more field in the form.
    pub(crate) async fn log_in_with(&self, name: &str, value: &str) -> Answer {
        let secret = self.emulator.client_secret();
        let form = [
            ("client_id", self.emulator.client_id()),
            ("client_secret", secret.expose_secret()),
            (name, value),
        ];
        let url = format!("{}/api/4.0/login", self.emulator.base_url());
        read(self.http.post(url).form(&form).send().await.unwrap()).await
    }

    /// Call the API as the administrator.
    pub(crate) async fn call(&self, method: &str, path: &str, body: Option<Value>) -> Answer {
        self.call_as(self.token.as_deref(), method, path, body)
            .await
    }

    /// Call the API with a token, or without.
    pub(crate) async fn call_as(
        &self,
        token: Option<&str>,
        method: &str,
        path: &str,
        body: Option<Value>,
    ) -> Answer {
        let url = format!("{}/api/4.0{path}", self.emulator.base_url());
        let mut request = self
            .http
            .request(Method::from_bytes(method.as_bytes()).unwrap(), url);
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        if let Some(body) = body {
            request = request.json(&body);
        }
        read(request.send().await.unwrap()).await
    }

    /// `GET` as the administrator.
    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.call("GET", path, None).await
    }

    /// A request with the administrator's token, to be completed and sent.
    pub(crate) fn request(&self, method: Method, url: &str) -> reqwest::RequestBuilder {
        self.http.request(method, url).bearer_auth(self.token())
    }

    /// The administrator's token.
    pub(crate) fn token(&self) -> &str {
        self.token.as_deref().unwrap()
    }

    /// `GET` below the base URL, without a token.
    pub(crate) async fn web(&self, url: &str, cookie: &str) -> Answer {
        let url = match url.starts_with('/') {
            true => format!("{}{url}", self.emulator.base_url()),
            false => url.to_owned(),
        };
        let request = self.http.get(url).header("cookie", cookie);
        read(request.send().await.unwrap()).await
    }

    /// A signed URL to the blank dashboard, with the time of this machine.
    pub(crate) fn signed_url(&self, login: &Login) -> SecretString {
        self.signed_url_to(self.emulator.blank_dashboard(), login)
    }

    /// The same, to any embed path.
    pub(crate) fn signed_url_to(&self, path: &str, login: &Login) -> SecretString {
        let signer = Signer::new(
            self.emulator.host(),
            &self.emulator.embed_secret(),
            self.emulator.algorithm(),
        )
        .unwrap();
        let nonce = embedctl::signed_url::nonce(&embedctl::system::Random::os()).unwrap();
        let now = embedctl::system::Clock::os().now().as_second();
        let url = signer.sign(path, login, &nonce, now).unwrap();
        let url = url.expose_secret();
        // The emulator speaks plain HTTP.
        url.replacen("https://", "http://", 1).into()
    }

    /// Log an embed user in with a signed URL; gives its Looker id.
    pub(crate) async fn embed_login(&self, login: &Login) -> String {
        let url = self.signed_url(login);
        let answer = self.web(url.expose_secret(), "").await;
        assert_eq!(answer.header("location"), self.emulator.blank_dashboard());
        let path = format!("/users/credential/embed/{}", login.external_user_id);
        self.get(&path).await.text_of("id")
    }
}

impl Answer {
    /// A header that is text.
    pub(crate) fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        value.map_or("", |value| value.to_str().unwrap())
    }

    /// A field that is text.
    #[track_caller]
    pub(crate) fn text_of(&self, field: &str) -> String {
        let value = &self.json[field];
        let text = value.as_str();
        text.unwrap_or_else(|| panic!("no `{field}` in {self:?}"))
            .to_owned()
    }
}

async fn read(response: Response) -> Answer {
    let status = response.status();
    let headers = response.headers().clone();
    let text = response.text().await.unwrap();
    Answer {
        status,
        json: serde_json::from_str(&text).unwrap_or(Value::Null),
        text,
        headers,
    }
}

/// A login with the grants of an ordinary embed user.
pub(crate) fn login(id: &str) -> Login {
    Login {
        permissions: Some(vec!["access_data".to_owned(), "see_looks".to_owned()]),
        models: Some(vec!["demo".to_owned()]),
        ..Login::new(id)
    }
}

#[tokio::test]
async fn a_signed_url_makes_an_embed_user_that_logs_in_with_its_own_key() {
    let api = Api::start(Options::default()).await;

    let id = api.embed_login(&login("acme-42")).await;
    let keys = format!("/users/{id}/credentials_api3");
    let key = api.call("POST", &keys, None).await;
    let token = api
        .log_in(&key.text_of("client_id"), &key.text_of("client_secret"))
        .await
        .unwrap();
    let me = api.call_as(Some(&token), "GET", "/user", None).await;

    assert_eq!(me.text_of("id"), id);
    assert_eq!(
        me.json["credentials_embed"][0]["external_user_id"],
        "acme-42"
    );
    assert_eq!(api.emulator.violations(), []);
}

#[tokio::test]
async fn a_key_shows_its_secret_once_and_takes_a_purpose_later() {
    let api = Api::start(Options::default()).await;
    let id = api.embed_login(&login("acme-42")).await;
    let keys = format!("/users/{id}/credentials_api3");

    let key = api.call("POST", &keys, None).await;
    let one = format!("{keys}/{}", key.text_of("id"));
    let tagged = api
        .call("PATCH", &one, Some(json!({ "purpose": "for tests" })))
        .await;
    let listed = api.get(&keys).await;
    let deleted = api.call("DELETE", &one, None).await;
    let again = api.call("DELETE", &one, None).await;

    assert_eq!(key.text_of("client_id").len(), 20);
    assert_eq!(key.text_of("client_secret").len(), 24);
    assert_eq!(tagged.text_of("purpose"), "for tests");
    assert!(listed.json[0].get("client_secret").is_none());
    assert_eq!(deleted.status, 204);
    assert_eq!(again.status, 404);
}

#[tokio::test]
async fn sudo_is_a_token_of_the_user_and_ends_with_logout() {
    let api = Api::start(Options::default()).await;
    let id = api.embed_login(&login("acme-42")).await;

    let sudo = api.call("POST", &format!("/login/{id}"), None).await;
    let token = sudo.text_of("access_token");
    let me = api.call_as(Some(&token), "GET", "/user", None).await;
    let out = api.call_as(Some(&token), "DELETE", "/logout", None).await;
    let after = api.call_as(Some(&token), "GET", "/user", None).await;

    assert_eq!(me.text_of("id"), id);
    assert_eq!(out.status, 204);
    assert_eq!(after.status, 401);
    assert_eq!(api.emulator.live_tokens(), 1);
}

#[tokio::test]
async fn ids_with_any_characters_are_found() {
    let api = Api::start(Options::default()).await;
    for id in ["a/b", "a%20b", "ü+?#"] {
        let body = json!({ "external_user_id": id });
        let made = api.call("POST", "/users/embed_user", Some(body)).await;
        let encoded: String = id.bytes().map(|byte| format!("%{byte:02X}")).collect();
        let found = api
            .get(&format!("/users/credential/embed/{encoded}?fields=id"))
            .await;

        assert_eq!(found.json, json!({ "id": made.text_of("id") }), "{id}");
    }
}

#[tokio::test]
async fn a_cookieless_login_names_the_user_in_its_token() {
    use base64::Engine as _;
    let api = Api::start(Options::default()).await;
    let body = json!({ "external_user_id": "acme-42", "permissions": ["access_data"], "models": ["demo"] });

    let path = "/embed/cookieless_session/acquire";
    let session = api.call("POST", path, Some(body)).await;
    let token = session.text_of("authentication_token");
    let payload = token.split('.').nth(1).unwrap();
    let payload = base64::engine::general_purpose::URL_SAFE_NO_PAD
        .decode(payload)
        .unwrap();
    let payload: Value = serde_json::from_slice(&payload).unwrap();
    let credentials: Value =
        serde_json::from_str(payload["credentials"].as_str().unwrap()).unwrap();
    let found = api.get("/users/credential/embed/acme-42").await;

    assert_eq!(credentials["user_id"], found.json["id"]);
    assert_eq!(session.json["authentication_token_ttl"], 30);
}

#[tokio::test]
async fn what_no_client_should_send_is_refused_and_recorded() {
    let api = Api::start(Options::default()).await;

    let answers = [
        api.get("/nothing").await,
        api.get("/user?color=red").await,
        api.call("POST", "/users/1/credentials_api3", Some(json!({})))
            .await,
        api.call("PATCH", "/users/1", Some(json!({ "display_name": "Ada" })))
            .await,
    ];

    let statuses: Vec<u16> = answers
        .iter()
        .map(|answer| answer.status.as_u16())
        .collect();
    assert_eq!(statuses, [404, 400, 400, 422]);
    assert_eq!(api.emulator.violations().len(), 4);
}
