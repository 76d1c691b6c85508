//! moto, which is AWS Secrets Manager to its clients, as the store of a test.

use std::process::Command;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::{Value, json};

use crate::stores::proxy::{Effect, Proxy};
use crate::stores::server::{Server, free_port, plain, programs};
use crate::stores::{Shop, Version};
use crate::support::Sandbox;

/// The secret half of the key. Long enough that it is nowhere by chance.
pub(crate) const SECRET_KEY: &str = "aws-secret-key-4711-hunter2";

const SESSION: &str = "aws-session-token-4711-hunter2";

pub(crate) const DENIED: &str = r#"{"__type":"AccessDeniedException","Message":"User: arn:aws:iam::1:user/x is not authorized"}"#;

/// A part of the server's secrets that one test has for itself.
pub(crate) struct Aws {
    pub(crate) proxy: Proxy,
    pub(crate) folder: String,
    pub(crate) server: &'static Server,
    client: reqwest::Client,
}

/// The server that all tests share.
fn shared() -> Option<&'static Server> {
    static SHARED: OnceLock<Option<Server>> = OnceLock::new();
    let start = || {
        let port = free_port();
        let mut command = Command::new(programs()?.join("python"));
        command.args([
            "-m",
            "moto.server",
            "-H",
            "127.0.0.1",
            "-p",
            &port.to_string(),
        ]);
        Some(Server::start(
            format!("http://127.0.0.1:{port}"),
            &mut command,
        ))
    };
    SHARED.get_or_init(start).as_ref()
}

impl Aws {
    pub(crate) async fn open() -> Option<Self> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let server = shared()?;
        server.ready("/moto-api/").await;
        Some(Self {
            server,
            proxy: Proxy::to(&server.url).await,
            folder: format!("test{}", NUMBER.fetch_add(1, Ordering::Relaxed)),
            client: plain(),
        })
    }

    /// A request past the proxy. moto does not look at signatures, only at the region in them.
    pub(crate) async fn call(&self, action: &str, body: Value) -> Option<Value> {
        let scope = "Credential=x/20260301/eu-west-1/secretsmanager/aws4_request";
        let request = self.client.post(&self.server.url);
        let request = request
            .header("content-type", "application/x-amz-json-1.1")
            .header("x-amz-target", format!("secretsmanager.{action}"))
            .header(
                "authorization",
                format!("AWS4-HMAC-SHA256 {scope}, SignedHeaders=host, Signature=0"),
            );
        let answer = request.body(body.to_string()).send().await.unwrap();
        let success = answer.status().is_success();
        let json = answer.json().await.unwrap_or_default();
        success.then_some(json)
    }

    pub(crate) fn name(&self, name: &str) -> String {
        format!("{}/{name}", self.folder)
    }
}

impl Shop for Aws {
    fn spec(&self, name: &str) -> String {
        format!("aws:eu-west-1/{}/{name}", self.folder)
    }

    /// Who may not use a region, or a name in it, is told no more than that.
    fn nowhere(&self) -> String {
        self.proxy
            .trouble("nowhere", 9, Effect::Answer(400, DENIED));
        "aws:eu-west-1/nowhere/{external_user_id}".to_owned()
    }

    fn proxy(&self) -> &Proxy {
        &self.proxy
    }

    fn enter(&self, sandbox: &mut Sandbox) {
        sandbox
            .var("AWS_ENDPOINT_URL_SECRETS_MANAGER", self.proxy.url.clone())
            .var("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
            .var("AWS_SECRET_ACCESS_KEY", SECRET_KEY)
            .var("AWS_SESSION_TOKEN", SESSION);
    }

    fn secrets(&self) -> Vec<String> {
        vec![SECRET_KEY.to_owned(), SESSION.to_owned()]
    }

    fn writes(&self) -> &'static str {
        "\"SecretString\""
    }

    fn refusal(&self) -> (u16, &'static str) {
        (400, DENIED)
    }

    fn right(&self) -> &'static str {
        "secretsmanager:CreateSecret"
    }

    fn escaped(&self, id: &str) -> String {
        crate::stores::escaped(id, '=', "-_.@")
    }

    async fn versions(&self, name: &str) -> Vec<Version> {
        let name = self.name(name);
        let list = json!({ "SecretId": name, "IncludeDeprecated": true });
        let Some(listed) = self.call("ListSecretVersionIds", list).await else {
            return Vec::new();
        };
        let mut versions = Vec::new();
        for listed in listed["Versions"].as_array().unwrap() {
            let get = json!({ "SecretId": name, "VersionId": listed["VersionId"] });
            let got = self.call("GetSecretValue", get).await.unwrap();
            let value: Value = serde_json::from_str(got["SecretString"].as_str().unwrap()).unwrap();
            let stages = listed["VersionStages"].as_array().unwrap();
            // What has no label is AWS's to delete; what is not ours was not unlabelled by us.
            let gone = stages.is_empty() && value.get("password").is_none();
            versions.push(Version {
                value: (!gone).then_some(value),
                current: stages.contains(&json!("AWSCURRENT")),
            });
        }
        versions
    }

    async fn marks(&self, name: &str) -> Value {
        let describe = json!({ "SecretId": self.name(name) });
        let described = self.call("DescribeSecret", describe).await.unwrap();
        let tags = described["Tags"].as_array().unwrap().iter();
        tags.map(|tag| {
            (
                tag["Key"].as_str().unwrap().to_owned(),
                tag["Value"].clone(),
            )
        })
        .collect()
    }

    async fn put_foreign(&self, name: &str, value: Value) {
        let create = json!({ "Name": self.name(name), "SecretString": value.to_string(), "ClientRequestToken": "0".repeat(32) });
        self.call("CreateSecret", create).await.unwrap();
    }
}
