//! Who we are to AWS, found where its own tools look: variables, profile files, web identity, container, machine.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use reqwest::Method;
use serde::Deserialize;
use tokio::sync::Mutex;
use url::Url;
use zeroize::{Zeroize as _, Zeroizing};

use crate::secret::SecretString;
use crate::sink::SinkError;
use crate::sink::aws::profile;
use crate::sink::web::{Ask, Failed, Reply, Web, WebOptions};
use crate::system::{Clock, Program, Readers, System, files};

/// Far more than any file of profiles or token.
const LARGEST: u64 = 1024 * 1024;

/// How long before their end credentials are renewed.
const EARLY: SignedDuration = SignedDuration::from_mins(5);

/// How long a command that prints credentials may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// The address of the machine that knows a container's credentials, and that of a virtual machine's.
const CONTAINER: &str = "http://169.254.170.2";
const MACHINE: &str = "http://169.254.169.254";

/// A key, for as long as it lasts.
#[derive(Clone, Debug)]
pub(super) struct Credentials {
    pub(super) key_id: String,
    pub(super) secret_key: SecretString,
    pub(super) session_token: Option<SecretString>,
    ends: Option<Timestamp>,
}

/// Where keys come from.
#[derive(Debug)]
pub(super) struct Source {
    way: Way,
    kept: Mutex<Option<Credentials>>,
    near: Web,
    clock: Clock,
}

#[derive(Debug)]
enum Way {
    Given(Credentials),
    WebIdentity {
        token: PathBuf,
        role: String,
        session: String,
        sts: Url,
        web: Box<Web>,
    },
    Command(Program),
    Container {
        url: Url,
        token: Option<PathBuf>,
        authorization: Option<SecretString>,
    },
    Machine(Url),
}

/// Credentials as containers, machines and commands give them.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Told {
    access_key_id: String,
    secret_access_key: String,
    #[serde(default, alias = "SessionToken")]
    token: Option<String>,
    #[serde(default)]
    expiration: Option<Timestamp>,
}

impl Drop for Told {
    fn drop(&mut self) {
        self.secret_access_key.zeroize();
        self.token.zeroize();
    }
}

impl From<Told> for Credentials {
    fn from(mut told: Told) -> Self {
        Self {
            key_id: std::mem::take(&mut told.access_key_id),
            secret_key: std::mem::take(&mut told.secret_access_key).into(),
            session_token: told.token.take().map(SecretString::from),
            ends: told.expiration,
        }
    }
}

impl Source {
    /// The first way that the environment has, in the order of AWS's own tools.
    pub(super) fn of(
        region: &str,
        options: &WebOptions,
        system: &System,
    ) -> Result<Self, SinkError> {
        Ok(Self {
            way: Finding {
                region,
                options,
                system,
            }
            .way()?,
            kept: Mutex::default(),
            near: Web::near("AWS", options, system)?,
            clock: system.clock.clone(),
        })
    }

    /// The credentials for now.
    pub(super) async fn now(&self) -> Result<Credentials, SinkError> {
        if let Way::Given(given) = &self.way {
            return Ok(given.clone());
        }
        // Held while they are got: the others wait for them instead of asking too.
        let mut kept = self.kept.lock().await;
        let now = self.clock.now();
        let lasts = |it: &Credentials| it.ends.is_none_or(|ends| now + EARLY < ends);
        if let Some(kept) = kept.as_ref().filter(|it| lasts(it)) {
            return Ok(kept.clone());
        }
        let new = Box::pin(self.get()).await?;
        *kept = Some(new.clone());
        Ok(new)
    }

    async fn get(&self) -> Result<Credentials, SinkError> {
        match &self.way {
            Way::Given(given) => Ok(given.clone()),
            Way::Command(program) => printed(program).await,
            Way::WebIdentity {
                token,
                role,
                session,
                sts,
                web,
            } => {
                let token = read_secret(token)?;
                let body = url::form_urlencoded::Serializer::new(String::new())
                    .append_pair("Action", "AssumeRoleWithWebIdentity")
                    .append_pair("Version", "2011-06-15")
                    .append_pair("RoleArn", role)
                    .append_pair("RoleSessionName", session)
                    .append_pair("WebIdentityToken", &token)
                    .finish();
                let body = Zeroizing::new(body.into_bytes());
                let make = || {
                    let ask = Ask::new("aws_assume_role", Method::POST, sts.clone());
                    let ask = ask.header("content-type", "application/x-www-form-urlencoded");
                    Ok(Ask {
                        body: body.clone(),
                        ..ask
                    })
                };
                let reply = web.send(true, |_| false, make).await?;
                assumed(&reply).ok_or_else(|| {
                    SinkError::new(format!("AWS does not let this machine take the role `{role}` (status {})", reply.status))
                        .hint("check the role's trust policy, `AWS_ROLE_ARN` and `AWS_WEB_IDENTITY_TOKEN_FILE`")
                })
            }
            Way::Container {
                url,
                token,
                authorization,
            } => {
                let read = token.as_deref().map(read_secret).transpose()?;
                let read = read.map(|token| SecretString::from(token.as_str()));
                let token = read.or_else(|| authorization.clone());
                let make = || {
                    let ask = Ask::new("aws_container", Method::GET, url.clone());
                    match &token {
                        Some(token) => ask.secret("authorization", "", token),
                        None => Ok(ask),
                    }
                };
                told(
                    self.near.send(true, |_| false, make).await,
                    "the container's credentials",
                )
            }
            Way::Machine(base) => self.of_machine(base).await,
        }
    }

    /// By the second version of the protocol, which a request forged through a proxy cannot speak.
    async fn of_machine(&self, base: &Url) -> Result<Credentials, SinkError> {
        let at = |path: &str| {
            base.join(path).map_err(|error| {
                SinkError::new("the address of the machine's metadata is not valid").caused(error)
            })
        };
        let url = at("latest/api/token")?;
        let make = || {
            let ask = Ask::new("aws_machine_token", Method::PUT, url.clone());
            Ok(ask.header("x-aws-ec2-metadata-token-ttl-seconds", "300"))
        };
        let token = self
            .near
            .send(true, |_| false, make)
            .await
            .map_err(|_| missing())?;
        let token = text(&token)
            .filter(|_| token.is_success())
            .map(SecretString::from);
        let token = token.ok_or_else(missing)?;
        let roles = at("latest/meta-data/iam/security-credentials/")?;
        let ask = |url: Url| {
            let token = token.clone();
            move || {
                Ask::new("aws_machine", Method::GET, url.clone()).secret(
                    "x-aws-ec2-metadata-token",
                    "",
                    &token,
                )
            }
        };
        let listed = self.near.send(true, |_| false, ask(roles.clone())).await?;
        let role = text(&listed).filter(|_| listed.is_success());
        let role = role.ok_or_else(missing)?;
        let url = roles.join(role.lines().next().unwrap_or_default());
        let url = url.map_err(|error| {
            SinkError::new("the machine's role has no usable name").caused(error)
        })?;
        told(
            self.near.send(true, |_| false, ask(url)).await,
            "the machine's credentials",
        )
    }
}

/// Finds the first way that the environment has.
struct Finding<'a> {
    region: &'a str,
    options: &'a WebOptions,
    system: &'a System,
}

impl Finding<'_> {
    fn way(&self) -> Result<Way, SinkError> {
        if let Some(way) = self.variables()? {
            return Ok(way);
        }
        if let Some(way) = self.profile()? {
            return Ok(way);
        }
        if let Some(named) = self.system.var("AWS_PROFILE") {
            return Err(SinkError::new(format!("the AWS profile `{named}` has no key that embedctl can use"))
                .hint("embedctl reads keys, `credential_process` and `web_identity_token_file`; for SSO or a role of another profile: `eval \"$(aws configure export-credentials --format env)\"`"));
        }
        self.around()
    }

    fn variables(&self) -> Result<Option<Way>, SinkError> {
        let var = |name: &str| self.system.var(name);
        let key = given(
            var("AWS_ACCESS_KEY_ID"),
            var("AWS_SECRET_ACCESS_KEY"),
            var("AWS_SESSION_TOKEN"),
        );
        if key.is_some() {
            return Ok(key);
        }
        self.web_identity(var("AWS_WEB_IDENTITY_TOKEN_FILE"), var("AWS_ROLE_ARN"))
    }

    fn profile(&self) -> Result<Option<Way>, SinkError> {
        let profile = profile::read(self.system)?;
        let of = |name: &str| profile.get(name).cloned();
        let key = given(
            of("aws_access_key_id"),
            of("aws_secret_access_key"),
            of("aws_session_token"),
        );
        if key.is_some() {
            return Ok(key);
        }
        let role = self.web_identity(of("web_identity_token_file"), of("role_arn"))?;
        let command = of("credential_process").map(|command| {
            Way::Command(Program {
                argv: ["sh", "-c", &command].map(OsString::from).to_vec(),
                folder: self.system.path(""),
                env: self.system.child_env(&[]),
                helper: self.system.helper(),
            })
        });
        Ok(role.or(command))
    }

    fn web_identity(
        &self,
        token: Option<String>,
        role: Option<String>,
    ) -> Result<Option<Way>, SinkError> {
        let Self {
            region,
            options,
            system,
        } = self;
        let (Some(token), Some(role)) = (token, role) else {
            return Ok(None);
        };
        let sts = super::endpoint("sts", "AWS_ENDPOINT_URL_STS", region, system)?;
        Ok(Some(Way::WebIdentity {
            token: system.path(token),
            role,
            session: system
                .var("AWS_ROLE_SESSION_NAME")
                .unwrap_or_else(|| "embedctl".to_owned()),
            web: Box::new(Web::new("AWS", sts.scheme(), options, system)?),
            sts,
        }))
    }

    /// What runs us: a container, or a machine.
    fn around(&self) -> Result<Way, SinkError> {
        let var = |name: &str| self.system.var(name);
        let path =
            var("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI").map(|path| format!("{CONTAINER}{path}"));
        if let Some(url) = path.or_else(|| var("AWS_CONTAINER_CREDENTIALS_FULL_URI")) {
            return Ok(Way::Container {
                url: container(&url)?,
                token: var("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE")
                    .map(|path| self.system.path(path)),
                authorization: var("AWS_CONTAINER_AUTHORIZATION_TOKEN").map(SecretString::from),
            });
        }
        if var("AWS_EC2_METADATA_DISABLED").is_some_and(|off| off.eq_ignore_ascii_case("true")) {
            return Err(missing());
        }
        let base = var("AWS_EC2_METADATA_SERVICE_ENDPOINT").unwrap_or_else(|| MACHINE.to_owned());
        let base = Url::parse(&format!("{}/", base.trim_end_matches('/')));
        base.map(Way::Machine).map_err(|error| {
            SinkError::new("`AWS_EC2_METADATA_SERVICE_ENDPOINT` is not an address").caused(error)
        })
    }
}

/// A key that is written down, if both halves are.
fn given(
    key_id: Option<String>,
    secret_key: Option<String>,
    session_token: Option<String>,
) -> Option<Way> {
    Some(Way::Given(Credentials {
        key_id: key_id?,
        secret_key: secret_key?.into(),
        session_token: session_token.map(SecretString::from),
        ends: None,
    }))
}

/// The address of a container's credentials: the token for it goes to this machine or host only, or over TLS.
fn container(url: &str) -> Result<Url, SinkError> {
    const KNOWN: [&str; 6] = [
        "169.254.170.2",
        "169.254.170.23",
        "[fd00:ec2::23]",
        "localhost",
        "127.0.0.1",
        "[::1]",
    ];
    let url = Url::parse(url).ok();
    let near = |url: &Url| url.host_str().is_some_and(|host| KNOWN.contains(&host));
    url.filter(|url| url.scheme() == "https" || near(url))
        .ok_or_else(|| {
            SinkError::new(
                "`AWS_CONTAINER_CREDENTIALS_FULL_URI` leads to another machine without TLS",
            )
            .hint("it is set by the container's runtime; leave it as it is")
        })
}

/// What a command prints, in the form of AWS's own tools.
async fn printed(program: &Program) -> Result<Credentials, SinkError> {
    let failed = || {
        SinkError::new("the `credential_process` of the AWS profile gave no credentials")
            .hint("run it by hand: it prints JSON with `AccessKeyId` and `SecretAccessKey`")
    };
    let ended = program.run(None, LARGEST, PATIENCE).await;
    let ended = ended.map_err(|error| failed().caused(error))?;
    let ended = ended
        .filter(|ended| ended.code == Some(0))
        .ok_or_else(failed)?;
    let told = serde_json::from_slice::<Told>(&ended.out);
    told.map(Credentials::from).map_err(|_| failed())
}

fn told(reply: Result<Reply, Failed>, what: &str) -> Result<Credentials, SinkError> {
    let reply = reply?;
    let told = reply.json::<Told>().filter(|_| reply.is_success());
    told.map(Credentials::from).ok_or_else(|| {
        SinkError::new(format!("{what} cannot be had (status {})", reply.status))
            .hint("attach a role that may write secrets")
    })
}

/// The credentials in an answer of the token service, which is XML.
fn assumed(reply: &Reply) -> Option<Credentials> {
    let text = str::from_utf8(&reply.body)
        .ok()
        .filter(|_| reply.is_success())?;
    let within = |tag: &str| {
        let (_, rest) = text.split_once(&format!("<{tag}>"))?;
        Some(rest.split_once('<')?.0)
    };
    Some(Credentials {
        key_id: within("AccessKeyId")?.to_owned(),
        secret_key: within("SecretAccessKey")?.into(),
        session_token: Some(within("SessionToken")?.into()),
        ends: within("Expiration").and_then(|time| time.parse().ok()),
    })
}

fn text(reply: &Reply) -> Option<&str> {
    let text = str::from_utf8(&reply.body).ok()?.trim();
    (!text.is_empty()).then_some(text)
}

/// A token that a runtime puts into a file.
fn read_secret(path: &Path) -> Result<Zeroizing<String>, SinkError> {
    let bytes = files::read(path, Readers::Owner, LARGEST)?;
    let text = bytes.as_ref().and_then(|bytes| str::from_utf8(bytes).ok());
    match text.map(str::trim).filter(|text| !text.is_empty()) {
        Some(text) => Ok(Zeroizing::new(text.to_owned())),
        None => Err(SinkError::new(format!(
            "`{}` holds no token",
            path.display()
        ))),
    }
}

fn missing() -> SinkError {
    SinkError::new("there are no credentials for AWS").hint(
        "set `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`; or `AWS_PROFILE` for a profile in `~/.aws`; or `AWS_ROLE_ARN` and \
         `AWS_WEB_IDENTITY_TOKEN_FILE`; or run where a container or a machine has a role",
    )
}
