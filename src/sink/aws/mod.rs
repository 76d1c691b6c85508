//! The sink `aws:REGION/NAME`: AWS Secrets Manager.

mod credentials;
mod profile;
mod sign;

use std::collections::BTreeMap;

use reqwest::Method;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value as Json, json};
use sha2::{Digest as _, Sha256};
use url::Url;
use zeroize::{Zeroize as _, Zeroizing};

use crate::sink::aws::credentials::{Credentials, Source};
use crate::sink::aws::sign::{Signed, date, hex};
use crate::sink::store::{
    Entry, IsIt, Marks, New, Promoted, Seen, Store, Unwritten, Value, Written,
};
use crate::sink::web::{Ask, Failed, Reply, Web, WebOptions};
use crate::sink::{Answer, SinkError};
use crate::system::System;

const CURRENT: &str = "AWSCURRENT";
const PENDING: &str = "AWSPENDING";

/// All that is asked of it, for a policy.
const ACTIONS: &str = "secretsmanager:DescribeSecret, GetSecretValue, CreateSecret, PutSecretValue, UpdateSecretVersionStage and TagResource";

/// Secrets Manager in one region.
#[derive(Debug)]
pub(super) struct SecretsManager {
    web: Web,
    endpoint: Url,
    region: String,
    source: Source,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Described {
    #[serde(default)]
    tags: Vec<Tag>,
    #[serde(default)]
    version_ids_to_stages: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    deleted_date: Option<Json>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Tag {
    key: String,
    #[serde(default)]
    value: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Got {
    #[serde(default)]
    secret_string: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Wrote {
    version_id: String,
}

/// A refusal, by its kind alone: what the server says may repeat what was sent.
struct Refusal {
    kind: String,
    status: u16,
}

/// Why there is no answer of the kind that was asked for.
enum Trouble {
    Failed(Failed),
    Refused(Refusal),
}

/// Where a service is: as a variable says, or at AWS.
fn endpoint(
    service: &str,
    variable: &str,
    region: &str,
    system: &System,
) -> Result<Url, SinkError> {
    let named = [variable, "AWS_ENDPOINT_URL"]
        .into_iter()
        .find_map(|name| Some((name, system.var(name)?)));
    let domain = if region.starts_with("cn-") {
        "amazonaws.com.cn"
    } else {
        "amazonaws.com"
    };
    let (name, url) = match &named {
        Some((name, url)) => (*name, url.clone()),
        None => ("the region", format!("https://{service}.{region}.{domain}")),
    };
    let url = Url::parse(&url)
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    url.ok_or_else(|| {
        SinkError::new(format!("`{name}` gives no address of AWS")).hint("write the region as in `aws:eu-west-1/NAME`, and an endpoint as in `https://vpce-1.example.com`")
    })
}

impl SecretsManager {
    /// The one of `region`, with the credentials that the environment has.
    pub(super) fn new(
        region: &str,
        options: &WebOptions,
        system: &System,
    ) -> Result<Self, SinkError> {
        let endpoint = endpoint(
            "secretsmanager",
            "AWS_ENDPOINT_URL_SECRETS_MANAGER",
            region,
            system,
        )?;
        let mut options = options.clone();
        options
            .ca_files
            .extend(system.var("AWS_CA_BUNDLE").map(|path| system.path(path)));
        Ok(Self {
            web: Web::new("AWS", endpoint.scheme(), &options, system)?,
            source: Source::of(region, &options, system)?,
            endpoint,
            region: region.to_owned(),
        })
    }

    /// One signed request.
    fn ask(
        &self,
        (operation, action): (&'static str, &str),
        body: &[u8],
        credentials: &Credentials,
    ) -> Result<Ask, SinkError> {
        let (at, target) = (self.web.clock().now(), format!("secretsmanager.{action}"));
        let date = date(at);
        let host = self.endpoint.host_str().unwrap_or_default();
        let host = match self.endpoint.port() {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        };
        let headers = [
            ("content-type", "application/x-amz-json-1.1"),
            ("host", host.as_str()),
            ("x-amz-date", date.as_str()),
            ("x-amz-target", target.as_str()),
        ];
        let signed = Signed {
            method: "POST",
            path: self.endpoint.path(),
            headers: &headers,
            body,
            region: &self.region,
            service: "secretsmanager",
            at,
        };
        let authorization = signed.authorization(&credentials.key_id, &credentials.secret_key);
        let mut ask = Ask::new(operation, Method::POST, self.endpoint.clone()).secret(
            "authorization",
            "",
            &authorization.into(),
        )?;
        for (name, value) in headers {
            ask = ask.header(name, value);
        }
        if let Some(token) = &credentials.session_token {
            ask = ask.secret("x-amz-security-token", "", token)?;
        }
        ask.body = body.to_vec().into();
        Ok(ask)
    }

    async fn call<T: DeserializeOwned>(
        &self,
        (operation, action): (&'static str, &str),
        body: &[u8],
    ) -> Result<T, Trouble> {
        let unsent = |error| Trouble::Failed(Failed::Unsent(error));
        let credentials = Box::pin(self.source.now()).await.map_err(unsent)?;
        // The token of a write says which it is, so that a repetition changes nothing.
        let sent = self
            .web
            .send(true, is_throttled, || {
                self.ask((operation, action), body, &credentials)
            })
            .await;
        let reply = sent.map_err(Trouble::Failed)?;
        match reply.json::<T>().filter(|_| reply.is_success()) {
            Some(answer) => Ok(answer),
            None => Err(Trouble::Refused(Refusal {
                kind: kind(&reply),
                status: reply.status,
            })),
        }
    }

    /// The error of a request about `name`.
    fn error(&self, action: &str, name: &str, trouble: Trouble) -> SinkError {
        let refusal = match trouble {
            Trouble::Failed(failed) => return failed.into(),
            Trouble::Refused(refusal) => refusal,
        };
        let Refusal { kind, status } = &refusal;
        let error = SinkError::new(format!(
            "AWS refuses {action} for {}: {kind} (status {status})",
            self.called(name)
        ));
        match kind.as_str() {
            "AccessDeniedException" => error.hint(format!("the policy must allow `secretsmanager:{action}` on this secret; keys need {ACTIONS}")),
            "UnrecognizedClientException" | "InvalidClientTokenId" | "ExpiredTokenException" | "InvalidSignatureException" | "SignatureDoesNotMatch" => {
                error.hint("the credentials are not valid any more, or not for this region; `aws sts get-caller-identity` tells whose they are")
            }
            "DecryptionFailure" | "EncryptionFailure" => error.hint("allow kms:Decrypt and kms:GenerateDataKey on the secret's KMS key"),
            _ if *status >= 500 || is_busy(kind) => error.hint("it cannot answer now: run the same command again later"),
            _ => error,
        }
    }

    async fn describe(&self, name: &str) -> Result<Option<Described>, SinkError> {
        let body = json!({ "SecretId": name }).to_string();
        match self
            .call::<Described>(("aws_describe", "DescribeSecret"), body.as_bytes())
            .await
        {
            Ok(described) if described.deleted_date.is_some() => Err(SinkError::new(format!(
                "{} is being deleted",
                self.called(name)
            ))
            .hint(format!(
                "`aws secretsmanager restore-secret --secret-id '{name}'` brings it back"
            ))),
            Ok(described) => Ok(Some(described)),
            Err(Trouble::Refused(refusal)) if refusal.is_nothing() => Ok(None),
            Err(trouble) => Err(self.error("DescribeSecret", name, trouble)),
        }
    }

    async fn get(&self, name: &str, version: &str) -> Result<Option<Value>, SinkError> {
        let body = json!({ "SecretId": name, "VersionId": version }).to_string();
        match self
            .call::<Got>(("aws_read", "GetSecretValue"), body.as_bytes())
            .await
        {
            // A value that is no text is not ours.
            Ok(got) => Ok(Some(Zeroizing::new(
                got.secret_string.unwrap_or_default().into_bytes(),
            ))),
            Err(Trouble::Refused(refusal)) if refusal.is_nothing() => Ok(None),
            Err(trouble) => Err(self.error("GetSecretValue", name, trouble)),
        }
    }

    async fn write_version(
        &self,
        name: &str,
        new: &New<'_>,
        over: &Seen,
    ) -> Result<String, Unwritten> {
        let token = token(new);
        let value = str::from_utf8(&new.value).unwrap_or_default();
        let (ask, mut body) = match (over.exists, &over.version) {
            (false, _) => (
                ("aws_create", "CreateSecret"),
                json!({ "Name": name, "SecretString": value, "ClientRequestToken": token, "Tags": tags(&new.marks),
                        "Description": "An API key of Looker, managed by embedctl" }),
            ),
            // A first version is current at once.
            (true, None) => (
                ("aws_write", "PutSecretValue"),
                json!({ "SecretId": name, "SecretString": value, "ClientRequestToken": token }),
            ),
            (true, Some(_)) => (
                ("aws_write", "PutSecretValue"),
                json!({ "SecretId": name, "SecretString": value, "ClientRequestToken": token, "VersionStages": [PENDING] }),
            ),
        };
        let bytes = Zeroizing::new(body.to_string().into_bytes());
        if let Some(Json::String(value)) = body.get_mut("SecretString") {
            value.zeroize();
        }
        match self.call::<Wrote>(ask, &bytes).await {
            Ok(wrote) => Ok(wrote.version_id),
            Err(Trouble::Failed(Failed::Lost(error))) => Err(Unwritten::Lost(error)),
            Err(Trouble::Refused(refusal)) if refusal.kind == "ResourceExistsException" => {
                Err(Unwritten::Stale)
            }
            Err(trouble) => Err(Unwritten::Refused(self.error(ask.1, name, trouble))),
        }
    }

    async fn stage(&self, body: &Json) -> Result<(), Trouble> {
        let ask = ("aws_stage", "UpdateSecretVersionStage");
        self.call::<Json>(ask, body.to_string().as_bytes())
            .await
            .map(drop)
    }

    async fn promote_version(
        &self,
        name: &str,
        version: &str,
        new: &New<'_>,
        over: &Seen,
    ) -> Result<(), Unwritten> {
        if let Some(before) = &over.version {
            let body = json!({ "SecretId": name, "VersionStage": CURRENT, "MoveToVersionId": version, "RemoveFromVersionId": before });
            match self.stage(&body).await {
                Ok(()) => {}
                // The label is elsewhere by now.
                Err(Trouble::Refused(refusal)) if refusal.kind == "InvalidParameterException" => {
                    return Err(Unwritten::Stale);
                }
                Err(trouble) => {
                    return Err(Unwritten::Refused(self.error(
                        "UpdateSecretVersionStage",
                        name,
                        trouble,
                    )));
                }
            }
            let body = json!({ "SecretId": name, "VersionStage": PENDING, "RemoveFromVersionId": version });
            // A label that stays behind is taken over by the next rotation.
            drop(self.stage(&body).await);
        }
        if over.exists {
            let body = json!({ "SecretId": name, "Tags": tags(&new.marks) }).to_string();
            let tagged = self
                .call_empty(("aws_tag", "TagResource"), body.as_bytes())
                .await;
            tagged
                .map_err(|trouble| Unwritten::Refused(self.error("TagResource", name, trouble)))?;
        }
        Ok(())
    }

    /// A call whose answer may have no body.
    async fn call_empty(&self, ask: (&'static str, &str), body: &[u8]) -> Result<(), Trouble> {
        match self.call::<Json>(ask, body).await {
            Err(Trouble::Refused(refusal)) if refusal.status < 300 => Ok(()),
            answered => answered.map(drop),
        }
    }
}

impl Store for SecretsManager {
    fn called(&self, name: &str) -> String {
        format!("`{name}` in AWS Secrets Manager ({})", self.region)
    }

    fn probe<'a>(&'a self, name: &'a str) -> Answer<'a, ()> {
        Box::pin(async move { self.describe(name).await.map(drop) })
    }

    fn read<'a>(&'a self, name: &'a str) -> Answer<'a, Option<Entry>> {
        Box::pin(async move {
            let Some(described) = self.describe(name).await? else {
                return Ok(None);
            };
            let marks = described.tags.into_iter().map(|tag| (tag.key, tag.value));
            let mut versions = described.version_ids_to_stages.into_iter();
            let current = versions.find(|(_, stages)| stages.iter().any(|stage| stage == CURRENT));
            let version = current.map(|(version, _)| version);
            let value = match &version {
                Some(version) => self.get(name, version).await?,
                None => None,
            };
            Ok(Some(Entry {
                version,
                value,
                marks: marks.collect(),
            }))
        })
    }

    fn write<'a>(&'a self, name: &'a str, new: &'a New<'a>, over: &'a Seen) -> Written<'a> {
        Box::pin(self.write_version(name, new, over))
    }

    fn version<'a>(&'a self, name: &'a str, version: &'a str) -> Answer<'a, Option<Value>> {
        Box::pin(self.get(name, version))
    }

    fn promote<'a>(
        &'a self,
        name: &'a str,
        version: &'a str,
        new: &'a New<'a>,
        over: &'a Seen,
    ) -> Promoted<'a> {
        Box::pin(self.promote_version(name, version, new, over))
    }

    /// A version cannot be destroyed here; without a label it is deprecated, and AWS deletes it.
    fn destroy<'a>(&'a self, name: &'a str, is_it: IsIt<'a>) -> Answer<'a, ()> {
        Box::pin(async move {
            let Some(described) = self.describe(name).await? else {
                return Ok(());
            };
            for (version, stages) in &described.version_ids_to_stages {
                if stages.is_empty() || stages.iter().any(|stage| stage == CURRENT) {
                    continue;
                }
                if !self
                    .get(name, version)
                    .await?
                    .is_some_and(|value| is_it(&value))
                {
                    continue;
                }
                for stage in stages {
                    let body = json!({ "SecretId": name, "VersionStage": stage, "RemoveFromVersionId": version });
                    let removed = self.stage(&body).await;
                    removed
                        .map_err(|trouble| self.error("UpdateSecretVersionStage", name, trouble))?;
                }
            }
            Ok(())
        })
    }
}

impl Refusal {
    fn is_nothing(&self) -> bool {
        self.kind == "ResourceNotFoundException"
    }
}

/// The kind of a refusal, such as `AccessDeniedException`.
fn kind(reply: &Reply) -> String {
    #[derive(Deserialize)]
    struct Said {
        #[serde(rename = "__type", alias = "code")]
        kind: String,
    }

    let said = reply.json::<Said>().map(|said| said.kind);
    let said = said.as_deref().and_then(|kind| kind.rsplit('#').next());
    let is_word =
        |kind: &&str| !kind.is_empty() && kind.bytes().all(|byte| byte.is_ascii_alphanumeric());
    said.filter(is_word)
        .unwrap_or("an answer that is not Secrets Manager's")
        .to_owned()
}

fn is_busy(kind: &str) -> bool {
    matches!(
        kind,
        "ThrottlingException" | "Throttling" | "TooManyRequestsException" | "RequestLimitExceeded"
    )
}

fn is_throttled(reply: &Reply) -> bool {
    reply.status == 400 && is_busy(&kind(reply))
}

/// What makes a repeated write the same write: the job, and the key.
fn token(new: &New<'_>) -> String {
    let name = &new.key.name;
    let digest = Sha256::digest(format!(
        "{}\n{}\n{}",
        name.job, name.base_url, name.client_id
    ));
    hex(digest.get(..16).unwrap_or_default())
}

fn tags(marks: &Marks) -> Json {
    // Names that begin with `aws:` are AWS's own, and cannot be given back.
    let marks = marks.iter().filter(|(name, _)| !name.starts_with("aws:"));
    marks
        .map(|(name, value)| json!({ "Key": name, "Value": value }))
        .collect()
}
