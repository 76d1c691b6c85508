//! Who we are to Vault: a token, or a login with AppRole, Kubernetes or a JWT.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;
use serde_json::json;
use tokio::sync::Mutex;
use zeroize::{Zeroize as _, Zeroizing};

use crate::secret::{ExposeSecret as _, SecretString};
use crate::sink::SinkError;
use crate::system::{Clock, Readers, System, files};

/// Far more than any token.
const LARGEST: u64 = 64 * 1024;

/// Where Kubernetes puts the token of a pod's service account.
const POD_TOKEN: &str = "/var/run/secrets/kubernetes.io/serviceaccount/token";

/// How we prove who we are.
#[derive(Debug)]
pub(super) enum Method {
    /// With a token that was given.
    Token(SecretString),
    /// By a login at `auth/MOUNT/login`.
    Login(Login),
}

/// A login.
#[derive(Debug)]
pub(super) struct Login {
    mount: String,
    role: Role,
    /// The token it gave, until when, by the clock's elapsed time.
    token: Mutex<Option<(SecretString, Option<Duration>)>>,
}

#[derive(Debug)]
enum Role {
    AppRole {
        role_id: SecretString,
        secret_id: Option<SecretString>,
    },
    /// Kubernetes and JWT: a role, and a token that something else vouches for.
    Jwt { role: String, jwt: Jwt },
}

#[derive(Debug)]
enum Jwt {
    Given(SecretString),
    /// Read at each login: what puts it there renews it.
    File(PathBuf),
}

/// A variable of Vault's, or of OpenBao's, whose tools look for their own first.
pub(super) fn var(system: &System, name: &str) -> Option<String> {
    let of = |prefix: &str| system.var(&format!("{prefix}_{name}"));
    of("BAO").or_else(|| of("VAULT"))
}

impl Method {
    /// As the environment has it.
    ///
    /// # Errors
    /// It has nothing, or not all that a login takes.
    pub(super) fn of(system: &System) -> Result<Self, SinkError> {
        let mount = |usual: &str| var(system, "AUTH_MOUNT").unwrap_or_else(|| usual.to_owned());
        let jwt_file = var(system, "JWT_FILE").map(|path| system.path(path));
        let pod_token = || Some(PathBuf::from(POD_TOKEN)).filter(|path| path.exists());
        let method = var(system, "AUTH_METHOD");
        let is = |name: &str| method.as_deref() == Some(name);
        let token = var(system, "TOKEN").map(SecretString::from);
        if let Some(token) = token.filter(|_| method.is_none() || is("token")) {
            return Ok(Self::Token(token));
        }
        let role_id = var(system, "ROLE_ID").map(SecretString::from);
        if let Some(role_id) = role_id.filter(|_| method.is_none() || is("approle")) {
            let secret_id = match var(system, "SECRET_ID_FILE") {
                Some(path) => Some(read(&system.path(path))?),
                None => var(system, "SECRET_ID").map(SecretString::from),
            };
            return Ok(Self::login(
                mount("approle"),
                Role::AppRole { role_id, secret_id },
            ));
        }
        let role = var(system, "ROLE");
        let jwt = var(system, "JWT").map(SecretString::from).map(Jwt::Given);
        let jwt = jwt.or_else(|| jwt_file.clone().map(Jwt::File));
        if let (Some(role), Some(jwt)) = (role.clone(), jwt)
            && (method.is_none() || is("jwt"))
        {
            return Ok(Self::login(mount("jwt"), Role::Jwt { role, jwt }));
        }
        if let (Some(role), Some(file)) = (role, jwt_file.or_else(pod_token))
            && (method.is_none() || is("kubernetes"))
        {
            let jwt = Jwt::File(file);
            return Ok(Self::login(mount("kubernetes"), Role::Jwt { role, jwt }));
        }
        let kept = system
            .var("HOME")
            .map(|home| PathBuf::from(home).join(".vault-token"));
        match kept.filter(|path| path.exists() && (method.is_none() || is("token"))) {
            Some(path) => Ok(Self::Token(read(&path)?)),
            None => Err(missing(method.as_deref())),
        }
    }

    fn login(mount: String, role: Role) -> Self {
        Self::Login(Login {
            mount,
            role,
            token: Mutex::default(),
        })
    }
}

impl Login {
    /// Where to log in.
    pub(super) fn path(&self) -> String {
        format!("auth/{}/login", self.mount.trim_matches('/'))
    }

    /// What a login sends.
    ///
    /// # Errors
    /// The file of the token cannot be read.
    pub(super) fn body(&self) -> Result<Zeroizing<Vec<u8>>, SinkError> {
        let body = match &self.role {
            Role::AppRole { role_id, secret_id } => json!({
                "role_id": role_id.expose_secret(),
                "secret_id": secret_id.as_ref().map(|id| id.expose_secret().to_owned()),
            }),
            Role::Jwt { role, jwt } => match jwt {
                Jwt::Given(jwt) => json!({ "role": role, "jwt": jwt.expose_secret() }),
                Jwt::File(path) => {
                    json!({ "role": role, "jwt": read(path)?.expose_secret() })
                }
            },
        };
        Ok(Zeroizing::new(body.to_string().into_bytes()))
    }

    /// The token of an earlier login if it is still good, or the one that `log_in` gets.
    pub(super) async fn token<F>(
        &self,
        clock: &Clock,
        log_in: impl FnOnce() -> F,
    ) -> Result<SecretString, SinkError>
    where
        F: Future<Output = Result<Granted, SinkError>>,
    {
        // Held during the login: the others wait for it instead of logging in too.
        let mut kept = self.token.lock().await;
        if let Some((token, ends)) = &*kept
            && ends.is_none_or(|ends| clock.elapsed() < ends)
        {
            return Ok(token.clone());
        }
        let mut granted = log_in().await?;
        let token = SecretString::from(std::mem::take(&mut granted.client_token));
        // Renewed when a tenth of its life is left; a token without an end has none to wait for.
        let life = Duration::from_secs(granted.lease_duration) * 9 / 10;
        let ends = (!life.is_zero()).then(|| clock.elapsed() + life);
        *kept = Some((token.clone(), ends));
        Ok(token)
    }

    /// The token to end, if a login gave one.
    pub(super) async fn end(&self) -> Option<SecretString> {
        self.token.lock().await.take().map(|(token, _)| token)
    }
}

/// What a login gives.
#[derive(Deserialize)]
pub(super) struct Granted {
    client_token: String,
    #[serde(default)]
    lease_duration: u64,
}

impl Drop for Granted {
    fn drop(&mut self) {
        self.client_token.zeroize();
    }
}

/// The secret in a file that only its owner, or whoever Kubernetes lets, can read.
fn read(path: &Path) -> Result<SecretString, SinkError> {
    let bytes = files::read(path, Readers::Owner, LARGEST)?;
    let text = bytes.as_ref().and_then(|bytes| str::from_utf8(bytes).ok());
    match text.map(str::trim).filter(|text| !text.is_empty()) {
        Some(text) => Ok(SecretString::from(text)),
        None => Err(SinkError::new(format!(
            "`{}` holds no token",
            path.display()
        ))),
    }
}

fn missing(method: Option<&str>) -> SinkError {
    let message = match method {
        Some(method) => {
            format!("`VAULT_AUTH_METHOD` is `{method}`, and what it takes is not there")
        }
        None => "there are no credentials for Vault".to_owned(),
    };
    SinkError::new(message).hint(
        "set `VAULT_TOKEN`; or log in with `vault login`, which writes `~/.vault-token`; or set `VAULT_ROLE_ID` and \
         `VAULT_SECRET_ID` (or `VAULT_SECRET_ID_FILE`) for AppRole; `VAULT_ROLE` and `VAULT_JWT` (or `VAULT_JWT_FILE`) for JWT; \
         `VAULT_ROLE` alone in a Kubernetes pod",
    )
}
