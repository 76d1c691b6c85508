//! Cookieless embedding, and signed URLs created or checked by Looker itself.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use crate::looker::call::Call;
use crate::looker::client::{Client, Removal};
use crate::looker::error::LookerError;
use crate::looker::fields;
use crate::looker::http::{Http, Landing};
use crate::looker::path::Path;
use crate::looker::request;
use crate::secret::{ExposeSecret as _, SecretString};

/// The user to log in without cookies, with the same grants as in a signed URL.
#[derive(Clone, Debug, Default, Serialize)]
pub struct CookielessLogin {
    /// The company's id of the user.
    pub external_user_id: String,
    /// How long the session may last, in seconds.
    pub session_length: u32,
    /// Whether older sessions of the user end.
    pub force_logout_login: bool,
    /// The first name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_name: Option<String>,
    /// The last name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_name: Option<String>,
    /// The time zone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_timezone: Option<String>,
    /// The permissions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub permissions: Option<Vec<String>>,
    /// The models.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub models: Option<Vec<String>>,
    /// The groups.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group_ids: Option<Vec<String>>,
    /// The external group.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external_group_id: Option<String>,
    /// The user attributes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_attributes: Option<BTreeMap<String, String>>,
    /// The domain of the page that embeds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub embed_domain: Option<String>,
}

/// A cookieless session; everything but the ids is secret.
#[derive(Debug)]
pub struct CookielessSession {
    /// Looker's id of the user, if the token contains it.
    pub looker_user_id: Option<String>,
    /// The token that ends the session.
    pub session_reference_token: SecretString,
    /// How long the session lasts, in seconds.
    pub session_reference_token_ttl: Option<u64>,
}

impl Http {
    /// Open a signed URL once: no cookies, no token, no redirects. Looker accepts it only once, so it is sent again only if
    /// there was no connection; after any other failure the caller signs a new one.
    pub async fn fetch_signed_url(&self, url: &SecretString) -> Result<Landing, LookerError> {
        self.land("signed_url", request::signed(url)?).await
    }
}

impl Client {
    /// Create or update an embed user by starting a session that needs no cookies.
    pub async fn acquire_cookieless_session(
        &self,
        login: &CookielessLogin,
    ) -> Result<CookielessSession, LookerError> {
        #[derive(Deserialize)]
        struct Acquired {
            #[serde(deserialize_with = "fields::secret")]
            authentication_token: SecretString,
            #[serde(deserialize_with = "fields::secret")]
            session_reference_token: SecretString,
            #[serde(default)]
            session_reference_token_ttl: Option<u64>,
        }

        // belief: cookieless-makes-the-user
        // belief: cookieless-binds-browser
        let operation = "acquire_embed_cookieless_session";
        let call = Call::post(operation, "/embed/cookieless_session/acquire", &[])?;
        let acquired: Acquired = self.json(call.json(login)).await?;
        Ok(CookielessSession {
            // The answer has no user id of its own, and a lookup by id would cost another call.
            looker_user_id: user_in_token(&acquired.authentication_token),
            session_reference_token: acquired.session_reference_token,
            session_reference_token_ttl: acquired.session_reference_token_ttl,
        })
    }

    /// End a cookieless session.
    pub async fn delete_cookieless_session(
        &self,
        session_reference_token: &SecretString,
    ) -> Result<Removal, LookerError> {
        let operation = "delete_embed_cookieless_session";
        let template = "/embed/cookieless_session/{session_reference_token}";
        let path = Path::of_secret(operation, template, session_reference_token)?;
        self.remove(Call::at(reqwest::Method::DELETE, operation, path))
            .await
    }

    /// Let Looker check a signed URL: `None` if Looker would accept it, otherwise what is wrong. The operation is in alpha
    /// and missing (404) on some instances.
    pub async fn validate_embed_url(
        &self,
        url: &SecretString,
    ) -> Result<Option<String>, LookerError> {
        // belief: url-validator
        let call = Call::get("validate_embed_url", "/embed/sso/validate", &[])?;
        match self.done(call.query("url", url.expose_secret())).await {
            Ok(()) => Ok(None),
            Err(LookerError::Validation {
                message, fields, ..
            }) => {
                let said = fields.into_iter().find_map(|field| field.message);
                Ok(Some(said.unwrap_or(message)))
            }
            Err(error) => Err(error),
        }
    }
}

/// Looker's id of the user, from the payload of the authentication token: a JWT whose claim `credentials` is JSON in a
/// string (seen in a load-testing tool of Looker's partner lkr.dev).
fn user_in_token(token: &SecretString) -> Option<String> {
    #[derive(Deserialize)]
    struct Claims {
        credentials: String,
    }
    #[derive(Deserialize)]
    struct Credentials {
        #[serde(deserialize_with = "fields::id")]
        user_id: String,
    }

    // belief: cookieless-token-tells-user
    let payload = token.expose_secret().split('.').nth(1)?;
    let payload = URL_SAFE_NO_PAD.decode(payload.trim_end_matches('=')).ok()?;
    let claims: Claims = serde_json::from_slice(&payload).ok()?;
    let credentials: Credentials = serde_json::from_str(&claims.credentials).ok()?;
    Some(credentials.user_id)
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    use super::user_in_token;

    #[test]
    fn the_authentication_token_tells_the_user() {
        let token = |payload: &str| format!("e30.{}.sig", URL_SAFE_NO_PAD.encode(payload)).into();

        let told = token(r#"{"credentials":"{\"user_id\":\"17\",\"x\":1}"}"#);
        assert_eq!(user_in_token(&told).as_deref(), Some("17"));

        for payload in ["", "{}", r#"{"credentials":"{}"}"#] {
            assert_eq!(user_in_token(&token(payload)), None);
        }
        assert_eq!(user_in_token(&"opaque".into()), None);
    }
}
