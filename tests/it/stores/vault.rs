//! OpenBao, which is Vault to its clients, as the store of a test.

use std::process::Command;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use reqwest::Method;
use serde_json::{Value, json};

use crate::stores::proxy::Proxy;
use crate::stores::server::{Server, free_port, plain, programs};
use crate::stores::{Shop, Version};
use crate::support::Sandbox;

/// The token that may do everything. Long enough that it is nowhere by chance.
pub(crate) const ROOT: &str = "vault-root-token-4711-hunter2";

/// A part of the server's KV store that one test has for itself.
pub(crate) struct Vault {
    pub(crate) server: &'static Server,
    pub(crate) proxy: Proxy,
    pub(crate) folder: String,
    client: reqwest::Client,
}

/// The server that all tests share.
fn shared() -> Option<&'static Server> {
    static SHARED: OnceLock<Option<Server>> = OnceLock::new();
    let start = || {
        let bao = programs()?.join("bao");
        let address = format!("127.0.0.1:{}", free_port());
        let mut command = Command::new(bao);
        command
            .args(["server", "-dev", "-dev-no-store-token"])
            .arg(format!("-dev-root-token-id={ROOT}"))
            .arg(format!("-dev-listen-address={address}"));
        Some(Server::start(format!("http://{address}"), &mut command))
    };
    SHARED.get_or_init(start).as_ref()
}

impl Vault {
    pub(crate) async fn open() -> Option<Self> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let server = shared()?;
        server.ready("/v1/sys/health").await;
        let vault = Self {
            server,
            proxy: Proxy::to(&server.url).await,
            folder: format!("test{}", NUMBER.fetch_add(1, Ordering::Relaxed)),
            client: plain(),
        };
        // A development server makes its KV store a moment after it listens.
        while vault.call(Method::GET, "secret/config", None).await.0 != 200 {
            tokio::task::yield_now().await;
        }
        Some(vault)
    }

    /// A request with the root token, past the proxy.
    pub(crate) async fn call(&self, verb: Method, path: &str, body: Option<Value>) -> (u16, Value) {
        let url = format!("{}/v1/{path}", self.server.url);
        let mut request = self.client.request(verb, url).header("x-vault-token", ROOT);
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        (status, answer.json().await.unwrap_or_default())
    }

    /// A token that may do what `policy` says.
    pub(crate) async fn token(&self, policy: &str) -> String {
        let name = &self.folder;
        let body = json!({ "policy": policy });
        let path = format!("sys/policies/acl/{name}");
        assert_eq!(self.call(Method::POST, &path, Some(body)).await.0, 204);
        let body = json!({ "policies": [name] });
        let (status, made) = self
            .call(Method::POST, "auth/token/create", Some(body))
            .await;
        assert_eq!(status, 200, "{made}");
        made["auth"]["client_token"].as_str().unwrap().to_owned()
    }
}

impl Shop for Vault {
    fn spec(&self, name: &str) -> String {
        format!("vault:secret/{}/{name}", self.folder)
    }

    fn nowhere(&self) -> String {
        "vault:nowhere/{external_user_id}".to_owned()
    }

    fn proxy(&self) -> &Proxy {
        &self.proxy
    }

    fn enter(&self, sandbox: &mut Sandbox) {
        sandbox
            .var("VAULT_ADDR", self.proxy.url.clone())
            .var("VAULT_TOKEN", ROOT);
    }

    fn secrets(&self) -> Vec<String> {
        vec![ROOT.to_owned()]
    }

    fn writes(&self) -> &'static str {
        "POST /v1/secret/data/"
    }

    fn refusal(&self) -> (u16, &'static str) {
        (
            403,
            r#"{"errors":["1 error occurred:\n\t* permission denied\n\n"]}"#,
        )
    }

    fn right(&self) -> &'static str {
        r#"capabilities = ["create", "update", "read"]"#
    }

    fn escaped(&self, id: &str) -> String {
        crate::stores::escaped(id, '=', "-_.@")
    }

    async fn versions(&self, name: &str) -> Vec<Version> {
        let path = format!("secret/metadata/{}/{name}", self.folder);
        let (status, metadata) = self.call(Method::GET, &path, None).await;
        if status == 404 {
            return Vec::new();
        }
        let current = metadata["data"]["current_version"].as_u64().unwrap();
        let mut versions = Vec::new();
        for version in 1..=current {
            let path = format!("secret/data/{}/{name}?version={version}", self.folder);
            let (_, read) = self.call(Method::GET, &path, None).await;
            versions.push(Version {
                value: Some(read["data"]["data"].clone()).filter(|data| !data.is_null()),
                current: version == current,
            });
        }
        versions
    }

    async fn marks(&self, name: &str) -> Value {
        let path = format!("secret/metadata/{}/{name}", self.folder);
        self.call(Method::GET, &path, None).await.1["data"]["custom_metadata"].take()
    }

    async fn put_foreign(&self, name: &str, value: Value) {
        let path = format!("secret/data/{}/{name}", self.folder);
        let (status, told) = self
            .call(Method::POST, &path, Some(json!({ "data": value })))
            .await;
        assert_eq!(status, 200, "{told}");
    }
}
