//! Access tokens: requested once for everybody who waits, renewed before they expire, and logged out.

use std::mem;
use std::sync::Arc;

use reqwest::Method;

use crate::looker::api_key::ApiKey;
use crate::looker::auth::{AccessToken, IssuedToken, Slot, Token};
use crate::looker::call::{Body, Call};
use crate::looker::client::Client;
use crate::looker::error::LookerError;
use crate::looker::path::Path;
use crate::looker::request::Sender;
use crate::looker::response;

impl Client {
    /// Log in now, unless there is a token already; otherwise the first call does.
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

    /// End every token that this identity has, and those of users that nobody has waited for. Without one, nothing is
    /// sent; a token that is gone already is fine.
    pub async fn logout(&self) -> Result<(), LookerError> {
        let unproved = mem::take(&mut *self.unproved());
        let mut slot = self.auth().slot.lock().await;
        let current = slot.current.take();
        slot.replaced.extend(current);
        for user in unproved {
            let token = user.auth().slot.lock().await.current.take();
            slot.replaced.extend(token);
        }
        while let Some(token) = slot.replaced.last() {
            self.end(token).await?;
            slot.replaced.pop();
        }
        Ok(())
    }

    /// The token to use, from a login where there is none or the old one is about to expire. Everybody waits for the
    /// same login.
    pub(super) async fn current_token(&self) -> Result<Arc<Token>, LookerError> {
        let mut slot = self.auth().slot.lock().await;
        let now = self.http().clock().elapsed();
        let stale = |token: &Token| self.auth().renewable() && now >= token.renew;
        match &slot.current {
            Some(token) if !stale(token) => Ok(Arc::clone(token)),
            _ => self.replace(&mut slot).await,
        }
    }

    /// A token after Looker refused `refused` with 401; somebody else may have got it already.
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
        // A login whose answer was lost leaves a token that nobody knows and that expires by itself.
        call.repeatable = true;
        let asked = self.http().clock().elapsed();
        let answer = self.http().send(&call, &self.sender(None)).await?;
        match response::refusal("login", &answer, self.http().clock().now()) {
            // Recorded: Looker says 404 `Not found` to a key it does not know.
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

    async fn end(&self, token: &Token) -> Result<(), LookerError> {
        if self.http().clock().elapsed() >= token.end {
            return Ok(());
        }
        // belief: logout-ends-the-token
        let call = Call::delete("logout", "/logout", &[])?;
        let sender = Sender {
            token: Some(&token.secret),
            ..self.sender(None)
        };
        let answer = self.http().send(&call, &sender).await?;
        match response::refusal("logout", &answer, self.http().clock().now()) {
            // Looker no longer knows the token, which is what was wanted.
            Some(refusal) if matches!(refusal.refused_with(), Some(401 | 404)) => Ok(()),
            Some(refusal) => Err(refusal),
            None => Ok(()),
        }
    }
}
