//! Who we are to Google Cloud: a credentials file, the metadata server, or the `gcloud` command.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::Method;
use rustls::SignatureScheme;
use rustls::crypto::ring::sign::any_supported_type;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject as _;
use serde::Deserialize;
use serde_json::{Value as Json, json};
use tokio::sync::Mutex;
use url::Url;
use zeroize::{Zeroize as _, Zeroizing};

use crate::secret::{ExposeSecret as _, SecretString};
use crate::sink::SinkError;
use crate::sink::web::{Ask, Reply, Web, WebOptions};
use crate::system::{Clock, Program, Readers, System, files};

/// What a token is for.
const SCOPE: &str = "https://www.googleapis.com/auth/cloud-platform";

/// Far more than any file of credentials.
const LARGEST: u64 = 1024 * 1024;

/// How long before its end a token is renewed, and how long one is used whose end is not told.
const EARLY: Duration = Duration::from_secs(300);
const UNTOLD: u64 = 600;

/// How long `gcloud` may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// Where tokens come from.
#[derive(Debug)]
pub(super) struct Source {
    way: Way,
    kept: Mutex<Option<(SecretString, Duration)>>,
    web: Web,
    near: Web,
    clock: Clock,
    folder: PathBuf,
}

#[derive(Debug)]
enum Way {
    Given(SecretString),
    File(Box<File>),
    /// The metadata server at this address, and `gcloud` where there is none.
    Around(Url, Program),
}

/// A file of credentials, as Google's tools write it.
#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum File {
    ServiceAccount {
        client_email: String,
        #[serde(default)]
        private_key_id: String,
        private_key: Hidden,
        token_uri: Address,
    },
    AuthorizedUser {
        client_id: String,
        client_secret: Hidden,
        refresh_token: Hidden,
    },
    ExternalAccount {
        audience: String,
        subject_token_type: String,
        token_url: Address,
        credential_source: Box<Subject>,
        #[serde(default)]
        service_account_impersonation_url: Option<Address>,
    },
}

/// An address in a file.
#[derive(Deserialize)]
#[serde(try_from = "String")]
struct Address(Url);

impl TryFrom<String> for Address {
    type Error = url::ParseError;

    fn try_from(text: String) -> Result<Self, url::ParseError> {
        Url::parse(&text).map(Self)
    }
}

/// A secret in a file.
#[derive(Deserialize)]
#[serde(from = "String")]
struct Hidden(SecretString);

impl From<String> for Hidden {
    fn from(text: String) -> Self {
        Self(text.into())
    }
}

/// Where the token is that another identity provider vouches for.
#[derive(Deserialize)]
struct Subject {
    #[serde(default)]
    file: Option<PathBuf>,
    #[serde(default)]
    url: Option<Address>,
    #[serde(default)]
    headers: std::collections::BTreeMap<String, Hidden>,
    #[serde(default)]
    format: Format,
}

#[derive(Default, Deserialize)]
struct Format {
    #[serde(default)]
    subject_token_field_name: Option<String>,
}

/// A token, in the forms of the token services and of impersonation.
#[derive(Deserialize)]
struct Granted {
    #[serde(alias = "accessToken")]
    access_token: String,
    #[serde(default)]
    expires_in: Option<u64>,
}

impl Drop for Granted {
    fn drop(&mut self) {
        self.access_token.zeroize();
    }
}

impl std::fmt::Debug for File {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("File")
    }
}

impl Source {
    /// The first way that the environment has, in the order of Google's own libraries.
    pub(super) fn of(options: &WebOptions, system: &System) -> Result<Self, SinkError> {
        Ok(Self {
            way: way(system)?,
            kept: Mutex::default(),
            web: Web::new("Google Cloud", "https", options, system)?,
            near: Web::near("Google Cloud", options, system)?,
            clock: system.clock.clone(),
            folder: system.path(""),
        })
    }

    /// The token for now.
    pub(super) async fn now(&self) -> Result<SecretString, SinkError> {
        if let Way::Given(token) = &self.way {
            return Ok(token.clone());
        }
        // Held while one is got: the others wait for it instead of asking too.
        let mut kept = self.kept.lock().await;
        let now = self.clock.elapsed();
        if let Some((token, _)) = kept.as_ref().filter(|(_, until)| now < *until) {
            return Ok(token.clone());
        }
        let mut granted = Box::pin(self.get()).await?;
        let token = SecretString::from(std::mem::take(&mut granted.access_token));
        let life = Duration::from_secs(granted.expires_in.unwrap_or(UNTOLD));
        *kept = Some((token.clone(), now + life.saturating_sub(EARLY)));
        Ok(token)
    }

    async fn get(&self) -> Result<Granted, SinkError> {
        match &self.way {
            Way::Given(_) => Err(missing()),
            Way::Around(metadata, gcloud) => match self.of_machine(metadata).await {
                Some(granted) => Ok(granted),
                None => printed(gcloud).await,
            },
            Way::File(file) => self.of_file(file).await,
        }
    }

    async fn of_file(&self, file: &File) -> Result<Granted, SinkError> {
        match file {
            File::ServiceAccount {
                client_email,
                private_key_id,
                private_key,
                token_uri,
            } => {
                let key = (private_key_id.as_str(), &private_key.0);
                self.signed_for(client_email, key, &token_uri.0).await
            }
            File::AuthorizedUser {
                client_id,
                client_secret,
                refresh_token,
            } => {
                let url = Url::parse("https://oauth2.googleapis.com/token")
                    .map_err(|error| missing().caused(error))?;
                let form = [
                    ("grant_type", "refresh_token"),
                    ("client_id", client_id.as_str()),
                    ("client_secret", client_secret.0.expose_secret()),
                    ("refresh_token", refresh_token.0.expose_secret()),
                ];
                self.exchange(&url, &form).await
            }
            File::ExternalAccount {
                audience,
                subject_token_type,
                token_url,
                credential_source,
                service_account_impersonation_url,
            } => {
                let subject = self.subject(credential_source).await?;
                let form = [
                    (
                        "grant_type",
                        "urn:ietf:params:oauth:grant-type:token-exchange",
                    ),
                    ("audience", audience.as_str()),
                    ("scope", SCOPE),
                    (
                        "requested_token_type",
                        "urn:ietf:params:oauth:token-type:access_token",
                    ),
                    ("subject_token_type", subject_token_type.as_str()),
                    ("subject_token", subject.expose_secret()),
                ];
                let granted = self.exchange(&token_url.0, &form).await?;
                match service_account_impersonation_url {
                    Some(url) => self.impersonate(&url.0, granted).await,
                    None => Ok(granted),
                }
            }
        }
    }

    /// A token for a service account, which signs for it with its own key.
    async fn signed_for(
        &self,
        client_email: &str,
        (key_id, private_key): (&str, &SecretString),
        token_uri: &Url,
    ) -> Result<Granted, SinkError> {
        let now = self.clock.now().as_second();
        let claims = json!({ "iss": client_email, "scope": SCOPE, "aud": token_uri.as_str(), "iat": now, "exp": now + 3600 });
        let assertion = signed(key_id, &claims, private_key)?;
        let form = [
            ("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"),
            ("assertion", &*assertion),
        ];
        self.exchange(token_uri, &form).await
    }

    /// Ask a token service.
    async fn exchange(&self, url: &Url, form: &[(&str, &str)]) -> Result<Granted, SinkError> {
        let body = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(form)
            .finish();
        let body = Zeroizing::new(body.into_bytes());
        let make = || {
            let ask = Ask::new("gcp_token", Method::POST, url.clone());
            let ask = ask.header("content-type", "application/x-www-form-urlencoded");
            Ok(Ask {
                body: body.clone(),
                ..ask
            })
        };
        granted(&self.web.send(true, |_| false, make).await?, url)
    }

    /// A token of the service account that a workload may act as.
    async fn impersonate(
        &self,
        url: &Url,
        mut granted_before: Granted,
    ) -> Result<Granted, SinkError> {
        let token = SecretString::from(std::mem::take(&mut granted_before.access_token));
        let body = json!({ "scope": [SCOPE], "lifetime": "3600s" }).to_string();
        let make = || {
            let ask = Ask::new("gcp_impersonate", Method::POST, url.clone());
            let ask = ask.secret("authorization", "Bearer ", &token)?;
            Ok(ask.json(body.clone().into_bytes().into()))
        };
        let granted = granted(&self.web.send(true, |_| false, make).await?, url)?;
        Ok(granted)
    }

    async fn subject(&self, source: &Subject) -> Result<SecretString, SinkError> {
        let text = match (&source.file, &source.url) {
            (Some(file), _) => read(&self.folder.join(file))?,
            (None, Some(url)) => {
                let make = || {
                    let mut ask = Ask::new("gcp_subject", Method::GET, url.0.clone());
                    for (name, value) in &source.headers {
                        ask = ask.named(name, &value.0)?;
                    }
                    Ok(ask)
                };
                let reply = self.web.send(true, |_| false, make).await?;
                if !reply.is_success() {
                    let message = format!(
                        "the identity provider gave no token (status {})",
                        reply.status
                    );
                    return Err(SinkError::new(message)
                        .hint("check `credential_source` in the credentials file"));
                }
                Zeroizing::new(String::from_utf8_lossy(&reply.body).trim().to_owned())
            }
            (None, None) => {
                return Err(SinkError::new("the `credential_source` of the credentials file is of a kind that embedctl cannot use")
                    .hint("embedctl reads tokens from a `file` or a `url`"));
            }
        };
        let Some(field) = &source.format.subject_token_field_name else {
            return Ok(SecretString::from(text.as_str()));
        };
        let json: Option<Json> = serde_json::from_str(&text).ok();
        let token = json.as_ref().and_then(|json| json.get(field)?.as_str());
        token.map(SecretString::from).ok_or_else(|| {
            SinkError::new(format!("the identity provider's answer has no `{field}`"))
        })
    }

    /// The token of the machine's own account, if it is a machine of Google's.
    async fn of_machine(&self, metadata: &Url) -> Option<Granted> {
        let url = metadata
            .join("computeMetadata/v1/instance/service-accounts/default/token")
            .ok()?;
        let make = || {
            Ok(Ask::new("gcp_machine", Method::GET, url.clone())
                .header("metadata-flavor", "Google"))
        };
        let reply = self.near.send(true, |_| false, make).await.ok()?;
        reply.json().filter(|_| reply.is_success())
    }
}

fn way(system: &System) -> Result<Way, SinkError> {
    let given = ["GOOGLE_OAUTH_ACCESS_TOKEN", "CLOUDSDK_AUTH_ACCESS_TOKEN"];
    if let Some(token) = given.iter().find_map(|name| system.var(name)) {
        return Ok(Way::Given(token.into()));
    }
    let named = system
        .var("GOOGLE_APPLICATION_CREDENTIALS")
        .map(|path| system.path(path));
    let config = system.var("CLOUDSDK_CONFIG").map(PathBuf::from);
    let config = config.or_else(|| Some(PathBuf::from(system.var("HOME")?).join(".config/gcloud")));
    let usual = config.map(|folder| folder.join("application_default_credentials.json"));
    let usual = usual.filter(|path| path.exists());
    if let Some(path) = named.or(usual) {
        let text = read(&path)?;
        // The cause is left out: it may repeat a part of the file.
        let file = serde_json::from_str(&text).map_err(|_| {
            SinkError::new(format!("`{}` holds no credentials that embedctl can use", path.display()))
                .hint("it is the JSON of a service account, of workload identity federation, or of `gcloud auth application-default login`")
        })?;
        return Ok(Way::File(Box::new(file)));
    }
    let host = system
        .var("GCE_METADATA_HOST")
        .unwrap_or_else(|| "metadata.google.internal".to_owned());
    let metadata = Url::parse(&format!("http://{host}/"));
    let metadata = metadata
        .map_err(|error| SinkError::new("`GCE_METADATA_HOST` is not a host").caused(error))?;
    let gcloud = Program {
        argv: ["gcloud", "auth", "print-access-token"]
            .map(OsString::from)
            .to_vec(),
        folder: system.path(""),
        env: system.child_env(&[]),
        helper: system.helper(),
    };
    Ok(Way::Around(metadata, gcloud))
}

/// What `gcloud` prints.
async fn printed(gcloud: &Program) -> Result<Granted, SinkError> {
    let ended = gcloud.run(None, LARGEST, PATIENCE).await.ok().flatten();
    let ended = ended
        .filter(|ended| ended.code == Some(0))
        .ok_or_else(missing)?;
    let token = str::from_utf8(&ended.out)
        .map(str::trim)
        .unwrap_or_default();
    match token.is_empty() {
        true => Err(missing()),
        false => Ok(Granted {
            access_token: token.to_owned(),
            expires_in: None,
        }),
    }
}

fn granted(reply: &Reply, url: &Url) -> Result<Granted, SinkError> {
    let granted = reply.json::<Granted>().filter(|_| reply.is_success());
    granted.ok_or_else(|| {
        let host = url.host_str().unwrap_or_default();
        SinkError::new(format!(
            "`{host}` gives no token for these credentials (status {})",
            reply.status
        ))
        .hint("check that the account and its key are still there, and this machine's clock")
    })
}

/// A token that the account signs itself (RFC 7523), by RSA with SHA-256.
fn signed(
    key_id: &str,
    claims: &Json,
    private_key: &SecretString,
) -> Result<Zeroizing<String>, SinkError> {
    let refused = || {
        SinkError::new("the private key of the service account cannot be used")
            .hint("download a new key, or use workload identity instead")
    };
    let header = json!({ "alg": "RS256", "typ": "JWT", "kid": key_id });
    let encode = |part: &Json| URL_SAFE_NO_PAD.encode(part.to_string());
    let text = format!("{}.{}", encode(&header), encode(claims));
    let key = PrivateKeyDer::from_pem_slice(private_key.expose_secret().as_bytes())
        .map_err(|_| refused())?;
    let key = any_supported_type(&key).map_err(|_| refused())?;
    let signer = key
        .choose_scheme(&[SignatureScheme::RSA_PKCS1_SHA256])
        .ok_or_else(refused)?;
    let signature = signer.sign(text.as_bytes()).map_err(|_| refused())?;
    Ok(Zeroizing::new(format!(
        "{text}.{}",
        URL_SAFE_NO_PAD.encode(signature)
    )))
}

/// The text of a file that only its owner, or whoever a container lets, can read.
fn read(path: &std::path::Path) -> Result<Zeroizing<String>, SinkError> {
    let bytes = files::read(path, Readers::Owner, LARGEST)?;
    let text = bytes.as_ref().and_then(|bytes| str::from_utf8(bytes).ok());
    match text.map(str::trim).filter(|text| !text.is_empty()) {
        Some(text) => Ok(Zeroizing::new(text.to_owned())),
        None => Err(SinkError::new(format!(
            "there are no credentials in `{}`",
            path.display()
        ))),
    }
}

fn missing() -> SinkError {
    SinkError::new("there are no credentials for Google Cloud").hint(
        "set `GOOGLE_APPLICATION_CREDENTIALS` to the file of a service account or of workload identity federation; or run \
         `gcloud auth application-default login` or `gcloud auth login`; or run on a machine or in a pod that has a service account",
    )
}
