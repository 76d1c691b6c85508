//! Access tokens: one request shared by all callers that wait, renewal before expiry, and logout.

use std::mem;
use std::sync::Arc;

use reqwest::Method;

use crate::looker::api_key::ApiKey;
use crate::looker::auth::{AccessToken, IssuedToken, Slot, Token};
use crate::looker::call::{Body, Call};
use crate::looker::client::{Client, Removal};
use crate::looker::error::LookerError;
use crate::looker::path::Path;
use crate::looker::request::Sender;
use crate::looker::response;

impl Client {
    /// Log in now unless there is a token already; otherwise the first call does.
    pub async fn login(&self) -> Result<(), LookerError> {
        self.current_token().await.map(drop)
    }

    /// The access token of this identity, and when it expires.
    pub async fn access_token(&self) -> Result<AccessToken, LookerError> {
        let token = self.current_token().await?;
        Ok(AccessToken {
            token: token.secret.clone(),
            expires_at: token.expires_at,
        })
    }

    /// End every token of this identity, and those of users whose callers were cancelled. Sends nothing if there is none; a
    /// token that is already gone is fine.
    pub async fn logout(&self) -> Result<(), LookerError> {
        self.log_out().await.map(drop)
    }

    /// The same; says whether Looker still knew one of the tokens.
    pub async fn log_out(&self) -> Result<Removal, LookerError> {
        let mut ended = Removal::NotFound;
        let unproved = mem::take(&mut *self.unproved());
        let mut slot = self.auth().slot.lock().await;
        let current = slot.current.take();
        slot.replaced.extend(current);
        for user in unproved {
            let token = user.auth().slot.lock().await.current.take();
            slot.replaced.extend(token);
        }
        // Taken off the list only once it is ended, so that a failed logout can be tried again.
        while let Some(token) = slot.replaced.last() {
            if self.end(token).await? == Removal::Accepted {
                ended = Removal::Accepted;
            }
            slot.replaced.pop();
        }
        Ok(ended)
    }

    /// The token to use. Logs in if there is none or if it is about to expire; concurrent callers wait for the same login.
    pub(super) async fn current_token(&self) -> Result<Arc<Token>, LookerError> {
        // The lock is held across the login on purpose: it makes the other callers wait instead of logging in themselves.
        let mut slot = self.auth().slot.lock().await;
        let now = self.http().clock().elapsed();
        let stale = |token: &Token| self.auth().renewable() && now >= token.renew;
        match &slot.current {
            Some(token) if !stale(token) => Ok(Arc::clone(token)),
            _ => self.replace(&mut slot).await,
        }
    }

    /// A token to use after Looker answered 401 to `refused`; another caller may have renewed it already.
    pub(super) async fn token_after(
        &self,
        refused: &Arc<Token>,
    ) -> Result<Arc<Token>, LookerError> {
        let mut slot = self.auth().slot.lock().await;
        match &slot.current {
            Some(token) if !Arc::ptr_eq(token, refused) => Ok(Arc::clone(token)),
            _ => {
                slot.current = None;
                self.replace(&mut slot).await
            }
        }
    }

    async fn replace(&self, slot: &mut Slot) -> Result<Arc<Token>, LookerError> {
        let Some(key) = &self.auth().key else {
            return Err(LookerError::LoggedOut {
                identity: self.identity().to_owned(),
            });
        };
        let token = Arc::new(self.log_in(key.clone()).await?);
        let old = slot.current.replace(Arc::clone(&token));
        slot.replaced.extend(old);
        Ok(token)
    }

    async fn log_in(&self, key: ApiKey) -> Result<Token, LookerError> {
        let mut call = Call::at(Method::POST, "login", Path::given("/login"));
        call.body = Body::Login(key);
        // Safe to repeat: if the answer is lost, the unknown token expires by itself.
        call.repeatable = true;
        let asked = self.http().clock().elapsed();
        let answer = self.http().send(&call, &self.sender(None)).await?;
        let refusal = response::refusal("login", &answer, self.http().clock().now());
        match refusal.or_else(|| response::doubt("login", &answer)) {
            // Recorded: Looker answers 404 `Not found` if it does not know the key.
            Some(refusal) if matches!(refusal.refused_with(), Some(401 | 403 | 404)) => {
                // belief: login-404-is-a-wrong-key
                Err(LookerError::Rejected {
                    origin: self.base_url().origin().ascii_serialization(),
                    status: answer.status,
                })
            }
            Some(refusal) => Err(refusal),
            None => {
                let granted: IssuedToken = response::decode("login", &answer)?;
                Ok(granted.token(asked, self.http().clock()))
            }
        }
    }

    async fn end(&self, token: &Token) -> Result<Removal, LookerError> {
        if self.http().clock().elapsed() >= token.end {
            return Ok(Removal::NotFound);
        }
        // belief: logout-ends-the-token
        // Straight to `send` with the token to end: `success` would log in again first.
        let call = Call::delete("logout", "/logout", &[])?;
        let sender = Sender {
            token: Some(&token.secret),
            ..self.sender(None)
        };
        let answer = self.http().send(&call, &sender).await?;
        match response::refusal("logout", &answer, self.http().clock().now()) {
            // Looker no longer knows the token, which is all a logout is for.
            Some(refusal) if matches!(refusal.refused_with(), Some(401 | 404)) => {
                Ok(Removal::NotFound)
            }
            Some(refusal) => Err(refusal),
            None => Ok(Removal::Accepted),
        }
    }
}
