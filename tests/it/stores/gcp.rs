//! A stand-in for Google Cloud Secret Manager, by the description of its REST API.
//!
//! Google publishes no emulator of it, and the one that others publish keeps no versions. Google's client reads this one.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::body::{Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::{Response, StatusCode};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::stores::proxy::{Effect, Proxy};
use crate::stores::{Shop, Version};
use crate::support::Sandbox;

/// The token that may do everything. Long enough that it is nowhere by chance.
pub(crate) const TOKEN: &str = "ya29.google-token-4711-hunter2";

const PROJECT: &str = "acme-prod";

const DENIED: &str =
    r#"{"error":{"code":403,"message":"Permission denied","status":"PERMISSION_DENIED"}}"#;

/// One project of its own.
pub(crate) struct Gcp {
    pub(crate) proxy: Proxy,
    world: Arc<World>,
}

#[derive(Default)]
struct World {
    secrets: Mutex<BTreeMap<String, Secret>>,
}

/// A secret as it is kept.
#[derive(Clone, Default)]
struct Secret {
    labels: Value,
    annotations: Value,
    aliases: BTreeMap<String, String>,
    etag: u64,
    /// From version 1 on; nothing for one that was destroyed.
    versions: Vec<Option<Vec<u8>>>,
}

type Told = Result<Value, (u16, &'static str, String)>;

impl Gcp {
    pub(crate) async fn open() -> Option<Self> {
        let world = Arc::new(World::default());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = axum::Router::new()
            .fallback(serve)
            .with_state(Arc::clone(&world));
        drop(tokio::spawn(async move {
            axum::serve(listener, router).await.unwrap();
        }));
        Some(Self {
            proxy: Proxy::to(&url).await,
            world,
        })
    }
}

async fn serve(State(world): State<Arc<World>>, request: Request) -> Response<axum::body::Body> {
    let (head, body) = request.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap();
    let bearer = head
        .headers
        .get("authorization")
        .map(|it| it.to_str().unwrap());
    let told = match bearer {
        Some(bearer) if bearer == format!("Bearer {TOKEN}") => {
            let query: BTreeMap<String, String> = head
                .uri
                .query()
                .map(|query| {
                    url::form_urlencoded::parse(query.as_bytes())
                        .into_owned()
                        .collect()
                })
                .unwrap_or_default();
            world.answer(head.method.as_str(), head.uri.path(), &query, &body)
        }
        _ => Err((
            401,
            "UNAUTHENTICATED",
            "Request had invalid authentication credentials.".to_owned(),
        )),
    };
    let (status, answer) = match told {
        Ok(answer) => (200, answer),
        Err((code, status, message)) => (
            code,
            json!({ "error": { "code": code, "message": message, "status": status } }),
        ),
    };
    let mut response = Response::new(answer.to_string().into());
    *response.status_mut() = StatusCode::from_u16(status).unwrap();
    response
        .headers_mut()
        .insert("content-type", "application/json".parse().unwrap());
    response
}

fn invalid(why: &str) -> (u16, &'static str, String) {
    (400, "INVALID_ARGUMENT", why.to_owned())
}

impl World {
    fn answer(
        &self,
        verb: &str,
        path: &str,
        query: &BTreeMap<String, String>,
        body: &Bytes,
    ) -> Told {
        let parts: Vec<_> = path.trim_start_matches("/v1/").split('/').collect();
        let body: Value = match body.is_empty() {
            true => Value::Null,
            false => serde_json::from_slice(body).map_err(|_| invalid("no JSON"))?,
        };
        let mut secrets = self.secrets.lock().unwrap();
        let [_, project, rest @ ..] = parts.as_slice() else {
            return Err((404, "NOT_FOUND", "no such method".to_owned()));
        };
        if *project != PROJECT {
            return Err((
                403,
                "PERMISSION_DENIED",
                format!("Permission denied on resource project {project}."),
            ));
        }
        match (verb, rest) {
            ("POST", ["secrets"]) => {
                let name = query
                    .get("secretId")
                    .ok_or_else(|| invalid("no secretId"))?;
                let is_valid =
                    |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
                if name.is_empty()
                    || name.len() > 255
                    || !name.bytes().all(is_valid)
                    || body["replication"]["automatic"].is_null()
                {
                    return Err(invalid("not a valid secret"));
                }
                if secrets.contains_key(name) {
                    return Err((
                        409,
                        "ALREADY_EXISTS",
                        format!("Secret [{name}] already exists."),
                    ));
                }
                let secret = Secret {
                    labels: body["labels"].clone(),
                    annotations: body["annotations"].clone(),
                    etag: 1,
                    ..Secret::default()
                };
                let shown = secret.shown(name);
                secrets.insert(name.clone(), secret);
                Ok(shown)
            }
            (_, ["secrets", name, rest @ ..]) => {
                let (name, action) = name.split_once(':').unwrap_or((name, ""));
                let nothing = || {
                    (
                        404,
                        "NOT_FOUND",
                        format!("Secret [projects/1/secrets/{name}] not found."),
                    )
                };
                let secret = secrets.get_mut(name).ok_or_else(nothing)?;
                secret.answer(verb, name, (action, rest), query, &body)
            }
            _ => Err((404, "NOT_FOUND", "no such method".to_owned())),
        }
    }
}

impl Secret {
    fn shown(&self, name: &str) -> Value {
        json!({
            "name": format!("projects/1/secrets/{name}"), "replication": { "automatic": {} }, "labels": self.labels,
            "annotations": self.annotations, "versionAliases": self.aliases, "etag": format!("\"{}\"", self.etag),
            "createTime": "2026-03-01T12:00:00Z",
        })
    }

    fn version(&self, name: &str, number: usize) -> Value {
        let state = if self.versions[number - 1].is_some() {
            "ENABLED"
        } else {
            "DESTROYED"
        };
        json!({ "name": format!("projects/1/secrets/{name}/versions/{number}"), "state": state, "createTime": "2026-03-01T12:00:00Z" })
    }

    fn answer(
        &mut self,
        verb: &str,
        name: &str,
        (action, rest): (&str, &[&str]),
        query: &BTreeMap<String, String>,
        body: &Value,
    ) -> Told {
        match (verb, action, rest) {
            ("GET", "", []) => Ok(self.shown(name)),
            ("PATCH", "", []) => {
                let mask = query
                    .get("updateMask")
                    .ok_or_else(|| invalid("no updateMask"))?;
                if body["etag"] != format!("\"{}\"", self.etag) {
                    return Err((
                        400,
                        "FAILED_PRECONDITION",
                        "The etag does not match.".to_owned(),
                    ));
                }
                for field in mask.split(',') {
                    match field {
                        "labels" => self.labels = body["labels"].clone(),
                        "annotations" => self.annotations = body["annotations"].clone(),
                        "versionAliases" => {
                            let aliases: BTreeMap<String, String> =
                                serde_json::from_value(body["versionAliases"].clone())
                                    .map_err(|_| invalid("aliases"))?;
                            let there = |version: &String| {
                                version
                                    .parse()
                                    .is_ok_and(|number| (1..=self.versions.len()).contains(&number))
                            };
                            if !aliases.values().all(there) {
                                return Err(invalid("an alias of a version that is not there"));
                            }
                            self.aliases = aliases;
                        }
                        _ => return Err(invalid("an unknown field")),
                    }
                }
                self.etag += 1;
                Ok(self.shown(name))
            }
            ("POST", "addVersion", []) => {
                let payload = &body["payload"];
                let data = STANDARD
                    .decode(payload["data"].as_str().unwrap_or_default())
                    .map_err(|_| invalid("base64"))?;
                if payload["dataCrc32c"] != checksum(&data) {
                    return Err(invalid("the checksum does not match"));
                }
                self.versions.push(Some(data));
                Ok(self.version(name, self.versions.len()))
            }
            ("GET", "", ["versions"]) => {
                let numbers = (1..=self.versions.len()).rev();
                Ok(
                    json!({ "versions": numbers.map(|number| self.version(name, number)).collect::<Vec<_>>() }),
                )
            }
            (_, "", ["versions", version]) => {
                let (version, action) = version.split_once(':').unwrap_or((version, ""));
                let version = self.aliases.get(version).map_or(version, String::as_str);
                let number = match version {
                    "latest" => self.versions.len(),
                    number => number.parse().unwrap_or(0),
                };
                if !(1..=self.versions.len()).contains(&number) {
                    return Err((
                        404,
                        "NOT_FOUND",
                        format!("Secret Version [{version}] not found."),
                    ));
                }
                let shown = self.version(name, number);
                match (verb, action) {
                    ("GET", "") => Ok(shown),
                    ("GET", "access") => match &self.versions[number - 1] {
                        Some(data) => Ok(json!({
                            "name": shown["name"],
                            "payload": { "data": STANDARD.encode(data), "dataCrc32c": checksum(data) },
                        })),
                        None => Err((
                            400,
                            "FAILED_PRECONDITION",
                            format!("Secret Version [{version}] is in DESTROYED state."),
                        )),
                    },
                    ("POST", "destroy") => {
                        self.versions[number - 1] = None;
                        Ok(self.version(name, number))
                    }
                    _ => Err((404, "NOT_FOUND", "no such method".to_owned())),
                }
            }
            _ => Err((404, "NOT_FOUND", "no such method".to_owned())),
        }
    }
}

/// CRC32C by a table, not as the product has it; as text, as JSON has 64-bit numbers.
fn checksum(data: &[u8]) -> String {
    let table: Vec<u32> = (0..256_u32)
        .map(|byte| {
            (0..8).fold(byte, |sum, _| {
                if sum & 1 == 1 {
                    (sum >> 1) ^ 0x82F6_3B78
                } else {
                    sum >> 1
                }
            })
        })
        .collect();
    let sum = data.iter().fold(!0_u32, |sum, byte| {
        let at = usize::from(sum.to_le_bytes()[0] ^ byte);
        table[at] ^ (sum >> 8)
    });
    (!sum).to_string()
}

impl Shop for Gcp {
    fn spec(&self, name: &str) -> String {
        format!("gcp:{PROJECT}/{name}")
    }

    fn nowhere(&self) -> String {
        "gcp:nowhere/{external_user_id}".to_owned()
    }

    fn proxy(&self) -> &Proxy {
        &self.proxy
    }

    fn enter(&self, sandbox: &mut Sandbox) {
        sandbox
            .var(
                "CLOUDSDK_API_ENDPOINT_OVERRIDES_SECRETMANAGER",
                format!("{}/", self.proxy.url),
            )
            .var("GOOGLE_OAUTH_ACCESS_TOKEN", TOKEN);
    }

    fn secrets(&self) -> Vec<String> {
        vec![TOKEN.to_owned()]
    }

    fn writes(&self) -> &'static str {
        ":addVersion"
    }

    fn refusal(&self) -> (u16, &'static str) {
        (403, DENIED)
    }

    fn right(&self) -> &'static str {
        "grant `secretmanager.versions.add`"
    }

    fn escaped(&self, id: &str) -> String {
        crate::stores::escaped(id, '_', "-")
    }

    async fn versions(&self, name: &str) -> Vec<Version> {
        let secrets = self.world.secrets.lock().unwrap();
        let Some(secret) = secrets.get(name) else {
            return Vec::new();
        };
        let current = secret.aliases.get("current");
        let versions = secret.versions.iter().enumerate();
        versions
            .map(|(at, data)| Version {
                value: data
                    .as_ref()
                    .map(|data| serde_json::from_slice(data).unwrap()),
                current: current == Some(&(at + 1).to_string()),
            })
            .collect()
    }

    async fn marks(&self, name: &str) -> Value {
        let secrets = self.world.secrets.lock().unwrap();
        let secret = &secrets[name];
        let mut marks = secret.annotations.clone();
        marks["managed-by"] = secret.labels["managed-by"].clone();
        marks
    }

    async fn put_foreign(&self, name: &str, value: Value) {
        let secret = Secret {
            labels: json!({ "team": "kitchen" }),
            annotations: json!({}),
            etag: 1,
            aliases: BTreeMap::from([("current".to_owned(), "1".to_owned())]),
            versions: vec![Some(value.to_string().into_bytes())],
        };
        self.world
            .secrets
            .lock()
            .unwrap()
            .insert(name.to_owned(), secret);
    }
}

impl Gcp {
    /// The names of versions, and the labels, of a secret.
    pub(crate) fn aliases(&self, name: &str) -> (BTreeMap<String, String>, Value) {
        let secrets = self.world.secrets.lock().unwrap();
        (secrets[name].aliases.clone(), secrets[name].labels.clone())
    }

    /// Answer a token service's question with this token from now on.
    pub(crate) fn grants(&self, part: &'static str) {
        const GRANTED: &str = r#"{"access_token":"ya29.google-token-4711-hunter2","expires_in":3599,"token_type":"Bearer"}"#;
        self.proxy.trouble(part, 1, Effect::Answer(200, GRANTED));
    }
}
