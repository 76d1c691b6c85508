//! The sink `vault:MOUNT/PATH`: HashiCorp Vault and OpenBao, KV version 2.

mod auth;
mod policy;

use std::collections::BTreeMap;
use std::sync::OnceLock;

use reqwest::Method as Verb;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value as Json, json};
use url::Url;
use zeroize::Zeroizing;

use crate::sink::store::{
    EMBEDCTL, Entry, IsIt, MANAGED_BY, Marks, New, Promoted, Seen, Store, Unwritten, Value, Written,
};
use crate::sink::vault::auth::{Granted, Method, var};
use crate::sink::vault::policy::{NEEDED, PROBE, line, policy};
use crate::sink::web::{Ask, Failed, Reply, Web, WebOptions};
use crate::sink::{Answer, SinkError};
use crate::system::System;

/// A Vault.
#[derive(Debug)]
pub(super) struct Vault {
    web: Web,
    address: Url,
    namespace: Option<String>,
    method: Method,
    /// The mount below which the names are, without slashes around it.
    mount: OnceLock<String>,
}

/// A part of the API.
#[derive(Deserialize)]
struct Enveloped<T> {
    data: T,
}

#[derive(Deserialize)]
struct Mount {
    path: String,
    #[serde(default)]
    r#type: String,
    #[serde(default)]
    options: Option<BTreeMap<String, String>>,
}

#[derive(Deserialize)]
struct Read<'a> {
    #[serde(borrow)]
    data: Option<&'a RawValue>,
    metadata: ReadMetadata,
}

#[derive(Deserialize)]
struct ReadMetadata {
    version: u64,
    #[serde(default)]
    custom_metadata: Option<Marks>,
}

#[derive(Deserialize)]
struct Metadata {
    current_version: u64,
    #[serde(default)]
    custom_metadata: Option<Marks>,
    #[serde(default)]
    versions: BTreeMap<String, VersionState>,
}

#[derive(Deserialize)]
struct VersionState {
    #[serde(default)]
    destroyed: bool,
    #[serde(default)]
    deletion_time: String,
}

impl Vault {
    /// The Vault that the environment names.
    pub(super) fn new(options: &WebOptions, system: &System) -> Result<Self, SinkError> {
        let given = var(system, "ADDR").ok_or_else(|| {
            SinkError::new("the address of Vault is not known")
                .hint("set `VAULT_ADDR`, as for the `vault` command")
        })?;
        let address = Url::parse(&given).ok();
        let address =
            address.filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
        let Some(mut address) = address else {
            return Err(SinkError::new("`VAULT_ADDR` is not an address")
                .hint("write it as in `https://vault.example.com:8200`"));
        };
        let path = format!("{}/", address.path().trim_end_matches('/'));
        address.set_path(&path);
        let mut options = options.clone();
        options
            .ca_files
            .extend(var(system, "CACERT").map(|path| system.path(path)));
        Ok(Self {
            web: Web::new("Vault", address.scheme(), &options, system)?,
            address,
            namespace: var(system, "NAMESPACE"),
            method: Method::of(system)?,
            mount: OnceLock::new(),
        })
    }

    /// A request without credentials. `path` follows `/v1/`.
    fn ask(&self, operation: &'static str, verb: Verb, path: &str) -> Result<Ask, SinkError> {
        let url = self.address.join(&format!("v1/{path}"));
        let url = url.map_err(|error| {
            SinkError::new(format!("`{path}` is no path of Vault's")).caused(error)
        })?;
        let ask = Ask::new(operation, verb, url).header("x-vault-request", "true");
        Ok(match &self.namespace {
            Some(namespace) => ask.header("x-vault-namespace", namespace),
            None => ask,
        })
    }

    async fn send(
        &self,
        repeatable: bool,
        (operation, verb, path): (&'static str, Verb, &str),
        body: &[u8],
    ) -> Result<Reply, Failed> {
        let token = match &self.method {
            Method::Token(token) => token.clone(),
            Method::Login(login) => {
                let token = login.token(self.web.clock(), || self.log_in(login));
                Box::pin(token).await.map_err(Failed::Unsent)?
            }
        };
        let make = || {
            let ask = self.ask(operation, verb.clone(), path)?;
            let ask = ask.secret("x-vault-token", "", &token)?;
            Ok(match body.is_empty() {
                true => ask,
                false => ask.json(body.to_vec().into()),
            })
        };
        self.web.send(repeatable, |_| false, make).await
    }

    async fn log_in(&self, login: &auth::Login) -> Result<Granted, SinkError> {
        #[derive(Deserialize)]
        struct Answered {
            auth: Granted,
        }

        let path = login.path();
        let make = || {
            Ok(self
                .ask("vault_login", Verb::POST, &path)?
                .json(login.body()?))
        };
        let reply = self.web.send(true, |_| false, make).await?;
        let granted = reply.json::<Answered>().filter(|_| reply.is_success());
        granted.map(|answered| answered.auth).ok_or_else(|| {
            SinkError::new(format!(
                "Vault refuses the login at `{path}` with status {}",
                reply.status
            ))
            .hint("check the role and its secret, and the mount in `VAULT_AUTH_MOUNT`")
        })
    }

    /// The path of `name` in one part of its mount, such as `kv/data/looker/acme-42`.
    async fn path(&self, part: &str, name: &str) -> Result<String, SinkError> {
        let mount = match self.mount.get() {
            Some(mount) => mount,
            None => {
                let found = self.find_mount(name).await?;
                self.mount.get_or_init(|| found)
            }
        };
        let rest = name.strip_prefix(mount.as_str()).unwrap_or(name);
        Ok(format!("{mount}/{part}/{}", rest.trim_start_matches('/')))
    }

    async fn find_mount(&self, name: &str) -> Result<String, SinkError> {
        let path = format!("sys/internal/ui/mounts/{name}");
        let reply = self
            .send(true, ("vault_mount", Verb::GET, &path), &[])
            .await?;
        let first = name.split('/').next().unwrap_or_default();
        if reply.status == 403 {
            return Err(SinkError::new(format!(
                "Vault has no mount `{first}`, or the token may not use it"
            ))
            .hint(format!(
                "`vault secrets list` shows the mounts; the token's policy needs:\n{}",
                policy(first, name)
            )));
        }
        let Some(Enveloped { data: mount }) = reply
            .json::<Enveloped<Mount>>()
            .filter(|_| reply.is_success())
        else {
            return Err(self.refused("find the mount of", name, &reply));
        };
        let version = mount
            .options
            .as_ref()
            .and_then(|options| options.get("version"));
        match (mount.r#type.as_str(), version.map(String::as_str)) {
            ("kv", Some("2")) => Ok(mount.path.trim_end_matches('/').to_owned()),
            (kind, _) => Err(SinkError::new(format!(
                "the mount `{}` is of type `{kind}`, and not KV version 2", mount.path
            ))
            .hint("keys need versions and compare-and-set: `vault secrets enable -path=PATH kv-v2` makes such a mount")),
        }
    }

    /// Why a request about `name` was refused. What the server says is not shown: it may repeat what was sent.
    fn refused(&self, what: &str, name: &str, reply: &Reply) -> SinkError {
        let status = reply.status;
        let says = |text: &str| String::from_utf8_lossy(&reply.body).contains(text);
        let error = SinkError::new(format!(
            "Vault refuses to {what} `{name}` with status {status}"
        ));
        match status {
            403 => {
                let mount = self.mount.get().map_or_else(
                    || name.split('/').next().unwrap_or_default(),
                    String::as_str,
                );
                error.hint(format!(
                    "the token may have ended; if not, its policy needs:\n{}",
                    policy(mount, name)
                ))
            }
            404 if says("namespace not found") => {
                error.hint("there is no such namespace: check `VAULT_NAMESPACE`")
            }
            404 => error.hint("check the path of the mount, and `VAULT_ADDR`"),
            503 if says("sealed") => error.hint("it is sealed; `vault operator unseal` opens it"),
            500..=599 => error.hint("it cannot answer now: run the same command again later"),
            _ => error,
        }
    }

    /// Replace the marks beside a secret.
    async fn mark(&self, name: &str, marks: &Marks) -> Result<(), SinkError> {
        let path = self.path("metadata", name).await?;
        let body = json!({ "custom_metadata": marks }).to_string();
        let ask = ("vault_mark", Verb::POST, path.as_str());
        let reply = self.send(true, ask, body.as_bytes()).await?;
        match reply.is_success() {
            true => Ok(()),
            false => Err(self.refused("mark", name, &reply)),
        }
    }

    async fn metadata(&self, name: &str) -> Result<Option<Metadata>, SinkError> {
        let path = self.path("metadata", name).await?;
        let reply = self
            .send(true, ("vault_metadata", Verb::GET, &path), &[])
            .await?;
        match reply.json::<Enveloped<Metadata>>() {
            Some(found) if reply.is_success() => Ok(Some(found.data)),
            _ if is_nothing(&reply) => Ok(None),
            _ => Err(self.refused("read the metadata of", name, &reply)),
        }
    }

    async fn write_data(
        &self,
        name: &str,
        new: &New<'_>,
        over: &Seen,
    ) -> Result<String, Unwritten> {
        let refused = Unwritten::Refused;
        if over.marks.get(MANAGED_BY).map(String::as_str) != Some(EMBEDCTL) {
            // First, so that no crash leaves a key that nothing says is ours.
            self.mark(name, &new.marks).await.map_err(refused)?;
        }
        let path = self.path("data", name).await.map_err(refused)?;
        let cas = over.version.as_deref().unwrap_or("0");
        let mut body = Zeroizing::new(Vec::with_capacity(new.value.len() + 64));
        body.extend_from_slice(format!("{{\"options\":{{\"cas\":{cas}}},\"data\":").as_bytes());
        body.extend_from_slice(&new.value);
        body.push(b'}');
        let sent = self
            .send(false, ("vault_write", Verb::POST, &path), &body)
            .await;
        let reply = sent.map_err(|failed| match failed {
            Failed::Unsent(error) => Unwritten::Refused(error),
            Failed::Lost(error) => Unwritten::Lost(error),
        })?;
        match reply.json::<Enveloped<ReadMetadata>>() {
            Some(written) if reply.is_success() => Ok(written.data.version.to_string()),
            _ if reply.status == 400
                && String::from_utf8_lossy(&reply.body).contains("check-and-set") =>
            {
                Err(Unwritten::Stale)
            }
            _ => Err(Unwritten::Refused(self.refused("write", name, &reply))),
        }
    }
}

impl Store for Vault {
    fn called(&self, name: &str) -> String {
        format!("`{name}` in Vault")
    }

    fn probe<'a>(&'a self, name: &'a str) -> Answer<'a, ()> {
        Box::pin(async move {
            let mut paths = Vec::new();
            for (part, needed) in NEEDED {
                paths.push((self.path(part, name).await?, needed));
            }
            let asked: Vec<_> = paths.iter().map(|(path, _)| path).collect();
            let body = json!({ "paths": asked }).to_string();
            let ask = ("vault_capabilities", Verb::POST, "sys/capabilities-self");
            let reply = self.send(true, ask, body.as_bytes()).await?;
            // Whoever may not ask this may still write.
            let Some(Enveloped { data: allowed }) = reply
                .json::<Enveloped<Json>>()
                .filter(|_| reply.is_success())
            else {
                return match reply.status {
                    403 => self.read(name).await.map(drop),
                    _ => Err(self.refused("say what the token may do with", name, &reply)),
                };
            };
            let lacks = |(path, needed): &(String, &[&str])| {
                let has = allowed
                    .get(path)
                    .and_then(Json::as_array)
                    .cloned()
                    .unwrap_or_default();
                let has = |right: &str| has.iter().any(|it| it == right || it == "root");
                !needed.iter().all(|right| has(right))
            };
            let lines = paths
                .iter()
                .filter(|it| lacks(it))
                .map(|(path, needed)| line(path, needed));
            let lines: Vec<_> = lines.collect();
            match lines.is_empty() {
                true => Ok(()),
                false => Err(SinkError::new(format!(
                    "the token for Vault may not do all that keys in `{}` need",
                    name.replace(PROBE, "*")
                ))
                .hint(format!("add to its policy:\n{}", lines.join("\n")))),
            }
        })
    }

    fn read<'a>(&'a self, name: &'a str) -> Answer<'a, Option<Entry>> {
        Box::pin(async move {
            let path = self.path("data", name).await?;
            let reply = self
                .send(true, ("vault_read", Verb::GET, &path), &[])
                .await?;
            if let Ok(Enveloped { data: read }) =
                serde_json::from_slice::<Enveloped<Read<'_>>>(&reply.body)
            {
                return Ok(Some(Entry {
                    version: Some(read.metadata.version.to_string()),
                    value: read.data.and_then(value),
                    marks: read.metadata.custom_metadata.unwrap_or_default(),
                }));
            }
            if !is_nothing(&reply) {
                return Err(self.refused("read", name, &reply));
            }
            // There may be an entry without a version.
            let found = self.metadata(name).await?;
            Ok(found.map(|found| Entry {
                version: (found.current_version > 0).then(|| found.current_version.to_string()),
                marks: found.custom_metadata.unwrap_or_default(),
                ..Entry::default()
            }))
        })
    }

    fn write<'a>(&'a self, name: &'a str, new: &'a New<'a>, over: &'a Seen) -> Written<'a> {
        Box::pin(self.write_data(name, new, over))
    }

    fn version<'a>(&'a self, name: &'a str, version: &'a str) -> Answer<'a, Option<Value>> {
        Box::pin(async move {
            let path = format!("{}?version={version}", self.path("data", name).await?);
            let reply = self
                .send(true, ("vault_read", Verb::GET, &path), &[])
                .await?;
            match serde_json::from_slice::<Enveloped<Read<'_>>>(&reply.body) {
                Ok(read) => Ok(read.data.data.and_then(value)),
                Err(_) if is_nothing(&reply) => Ok(None),
                Err(_) => Err(self.refused("read", name, &reply)),
            }
        })
    }

    fn promote<'a>(
        &'a self,
        name: &'a str,
        _version: &'a str,
        new: &'a New<'a>,
        over: &'a Seen,
    ) -> Promoted<'a> {
        Box::pin(async move {
            // Of a new secret they are written first.
            match over.exists {
                true => self
                    .mark(name, &new.marks)
                    .await
                    .map_err(Unwritten::Refused),
                false => Ok(()),
            }
        })
    }

    fn destroy<'a>(&'a self, name: &'a str, is_it: IsIt<'a>) -> Answer<'a, ()> {
        Box::pin(async move {
            let Some(found) = self.metadata(name).await? else {
                return Ok(());
            };
            let mut doomed = Vec::new();
            for (version, state) in &found.versions {
                let gone = state.destroyed || !state.deletion_time.is_empty();
                if gone || *version == found.current_version.to_string() {
                    continue;
                }
                if self
                    .version(name, version)
                    .await?
                    .is_some_and(|value| is_it(&value))
                {
                    doomed.push(version.parse().unwrap_or(0_u64));
                }
            }
            if doomed.is_empty() {
                return Ok(());
            }
            let path = self.path("destroy", name).await?;
            let body = json!({ "versions": doomed }).to_string();
            let ask = ("vault_destroy", Verb::PUT, path.as_str());
            let reply = self.send(true, ask, body.as_bytes()).await?;
            match reply.is_success() {
                true => Ok(()),
                false => Err(self.refused("destroy a version of", name, &reply)),
            }
        })
    }

    fn close(&self) -> Answer<'_, ()> {
        Box::pin(async {
            let Method::Login(login) = &self.method else {
                return Ok(());
            };
            let Some(token) = login.end().await else {
                return Ok(());
            };
            let make = || {
                self.ask("vault_logout", Verb::POST, "auth/token/revoke-self")?
                    .secret("x-vault-token", "", &token)
            };
            let reply = self.web.send(true, |_| false, make).await?;
            match reply.is_success() {
                true => Ok(()),
                false => Err(SinkError::new(format!(
                    "the token of Vault was not ended: status {}",
                    reply.status
                ))),
            }
        })
    }
}

/// Whether it is Vault's own answer for a path that has nothing: the errors are there, and empty.
fn is_nothing(reply: &Reply) -> bool {
    #[derive(Deserialize)]
    struct Said {
        errors: Vec<Json>,
    }

    reply.status == 404
        && reply
            .json::<Said>()
            .is_some_and(|said| said.errors.is_empty())
}

fn value(data: &RawValue) -> Option<Value> {
    let text = data.get();
    (text != "null").then(|| Zeroizing::new(text.as_bytes().to_vec()))
}
