//! One identity at Looker: its calls carry a token, which is renewed once if Looker rejects it.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use reqwest::Method;
use serde::de::DeserializeOwned;
use url::Url;

use crate::looker::answer::Answer;
use crate::looker::api_key::ApiKey;
use crate::looker::auth::{Auth, IssuedToken, Token};
use crate::looker::call::{Body, Call, RawAnswer};
use crate::looker::error::LookerError;
use crate::looker::http::Http;
use crate::looker::path::Path;
use crate::looker::request::Sender;
use crate::looker::response;
use crate::net::trace;
use crate::secret::SecretString;

/// Looker's answer to a delete. Neither proves that the thing is gone: only a listing without it does.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Removal {
    /// Looker accepted the request.
    Accepted,
    /// Looker answered 404: already deleted, or hidden from this caller.
    NotFound,
}

/// One identity at one Looker. Clones share its token.
#[derive(Clone)]
pub struct Client(Arc<Shared>);

struct Shared {
    http: Http,
    base_url: Url,
    identity: String,
    auth: Auth,
    /// Users whose tokens were requested here and not yet verified. Their callers may have been cancelled, so logout ends them.
    unproved: Mutex<Vec<Client>>,
    /// The word that a probe saw on this instance for a user's own attribute value.
    own_source: OnceLock<String>,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("origin", &self.base_url().origin().ascii_serialization())
            .field("identity", &self.identity())
            .finish_non_exhaustive()
    }
}

impl Client {
    /// The identity of an API key. `base_url` is without `/api/4.0`. The first call logs in.
    pub fn new(http: Http, base_url: Url, key: ApiKey) -> Self {
        Self::with(http, base_url, "admin".to_owned(), Auth::key(key))
    }

    /// An identity with an access token supplied by the caller, which cannot be renewed.
    pub fn with_token(http: Http, base_url: Url, token: SecretString) -> Self {
        let auth = Auth::token(Token::foreign(token));
        Self::with(http, base_url, "token".to_owned(), auth)
    }

    fn with(http: Http, base_url: Url, identity: String, auth: Auth) -> Self {
        Self(Arc::new(Shared {
            http,
            base_url,
            identity,
            auth,
            unproved: Mutex::default(),
            own_source: OnceLock::new(),
        }))
    }

    /// The client id of the API key, if this identity has one.
    pub fn client_id(&self) -> Option<&str> {
        self.0.auth.key.as_ref().map(|key| key.client_id.as_str())
    }

    /// The identity of an API key, which traces and errors call `identity` instead of `admin`.
    #[must_use]
    pub fn named(http: Http, base_url: Url, key: ApiKey, identity: &str) -> Self {
        Self::with(http, base_url, identity.to_owned(), Auth::key(key))
    }

    /// Become the user `looker_user_id` (sudo), and verify that the token belongs to exactly this user. Admins only. Each call
    /// creates a new token, which cannot be renewed; the caller must log it out.
    pub async fn login_user(&self, looker_user_id: &str) -> Result<Self, LookerError> {
        let nothing = async |_: &Self| Ok(());
        let (user, ()) = self.login_user_and(looker_user_id, nothing).await?;
        Ok(user)
    }

    /// The same, and run `also` as the user while the verification is under way. `also` may only read, because nothing is
    /// verified yet. If the caller is cancelled, the token is ended when this identity logs out.
    ///
    /// # Errors
    /// An error of Looker's, or a token that belongs to a different user and has been logged out.
    pub async fn login_user_and<T>(
        &self,
        looker_user_id: &str,
        also: impl AsyncFnOnce(&Self) -> Result<T, LookerError>,
    ) -> Result<(Self, T), LookerError> {
        let user = self.take_token_of(looker_user_id).await?;
        // Registered before anything is awaited: a cancelled caller must not leave a live token behind.
        self.unproved().push(user.clone());
        // If Looker answered with another user's token, everything done "as the user" would happen to that other user.
        let proof = async {
            let me = user.me().await?;
            if me.id == looker_user_id {
                return Ok(());
            }
            Err(LookerError::Another {
                operation: "login_user",
                asked: format!("Looker user {looker_user_id}"),
                answered: format!("Looker user {}", me.id),
            })
        };
        let proved = tokio::try_join!(proof, also(&user));
        if proved.is_err() {
            // The logout may fail as well; the first error is the one to report.
            let _ended = user.logout().await.is_ok();
        }
        self.unproved()
            .retain(|unproved| !Arc::ptr_eq(&unproved.0, &user.0));
        proved.map(|((), also)| (user, also))
    }

    /// The users whose tokens are not yet verified.
    pub(super) fn unproved(&self) -> MutexGuard<'_, Vec<Self>> {
        let unproved = self.0.unproved.lock();
        unproved.unwrap_or_else(PoisonError::into_inner)
    }

    async fn take_token_of(&self, looker_user_id: &str) -> Result<Self, LookerError> {
        // belief: sudo-is-for-admins, sudo-is-not-nested
        let call = Call::post("login_user", "/login/{user_id}", &[looker_user_id])?;
        // Taken before the request, so that the token's lifetime is never overestimated.
        let asked = self.http().clock().elapsed();
        let granted: IssuedToken = self.json(call).await?;
        // belief: sudo-token-is-new
        let token = granted.token(asked, self.http().clock());
        Ok(Self::with(
            self.http().clone(),
            self.base_url().clone(),
            format!("user {looker_user_id}"),
            Auth::token(token),
        ))
    }

    /// Remember `word` as this instance's word for a user's own attribute value, as seen by an earlier probe.
    pub fn learn_own_source(&self, word: String) {
        // Every probe of one instance sees the same word, so the first one is as good as any.
        self.0.own_source.get_or_init(|| word);
    }

    /// This instance's word for a user's own attribute value, if a probe has seen one.
    pub(super) fn own_source(&self) -> Option<&str> {
        self.0.own_source.get().map(String::as_str)
    }

    /// Looker's base URL.
    pub fn base_url(&self) -> &Url {
        &self.0.base_url
    }

    /// The base URL without the trailing slash, which Looker's SDKs add themselves.
    pub fn origin(&self) -> &str {
        self.base_url().as_str().trim_end_matches('/')
    }

    /// What traces and errors call this identity.
    pub fn identity(&self) -> &str {
        &self.0.identity
    }

    /// The connections that all identities share.
    pub fn http(&self) -> &Http {
        &self.0.http
    }

    /// How many calls of the API were sent through the shared connections.
    pub fn calls(&self) -> u64 {
        self.http().calls()
    }

    /// Any call, for a user who knows what it does: `path` is below `/api/4.0`, percent-encoded. The response is returned
    /// whatever its status. Only calls that are safe to repeat are retried after a lost answer.
    pub async fn call(
        &self,
        operation: &'static str,
        method: Method,
        path: &str,
        query: &[(String, String)],
        body: Option<Vec<u8>>,
    ) -> Result<RawAnswer, LookerError> {
        if !path.starts_with('/') || path.contains(['?', '#']) {
            return Err(LookerError::Path {
                path: trace::without_query(path),
            });
        }
        let mut call = Call::at(method, operation, Path::given(path));
        call.query = query.to_vec();
        call.body = body.map_or(Body::Empty, Body::Json);
        let mut answer = self.answer(&call).await?;
        let refusal = response::refusal(operation, &answer, self.http().clock().now());
        // The results of queries are a page if that was asked for.
        let may_be_page = path.ends_with("/html") || path.starts_with("/query_tasks/");
        let doubt = || response::doubt(operation, &answer).filter(|_| !may_be_page);
        Ok(RawAnswer {
            refusal: refusal.or_else(doubt),
            status: answer.status,
            headers: trace::redact(&answer.headers),
            body: std::mem::take(&mut *answer.body),
        })
    }

    pub(super) fn auth(&self) -> &Auth {
        &self.0.auth
    }

    pub(super) fn sender<'a>(&'a self, token: Option<&'a Token>) -> Sender<'a> {
        Sender {
            base_url: self.base_url(),
            identity: self.identity(),
            token: token.map(|token| &token.secret),
        }
    }

    /// Send `call` and read the value it returns.
    pub(super) async fn json<T: DeserializeOwned>(&self, call: Call) -> Result<T, LookerError> {
        response::decode(call.operation, &self.success(&call).await?)
    }

    /// Send `call` and ignore the value it returns.
    pub(super) async fn done(&self, call: Call) -> Result<(), LookerError> {
        self.success(&call).await.map(drop)
    }

    /// Send `call`, which deletes something.
    pub(super) async fn remove(&self, call: Call) -> Result<Removal, LookerError> {
        match self.success(&call).await {
            Ok(_) => Ok(Removal::Accepted),
            Err(LookerError::NotFound { .. }) => Ok(Removal::NotFound),
            Err(error) => Err(error),
        }
    }

    /// Send `call` and read the value it returns; `None` if Looker answers 404, which it also does if the caller may not see
    /// the thing.
    pub(super) async fn found<T: DeserializeOwned>(
        &self,
        call: Call,
    ) -> Result<Option<T>, LookerError> {
        match self.json(call).await {
            Ok(value) => Ok(Some(value)),
            Err(LookerError::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Send `call`; a refusal is an error.
    pub(super) async fn success(&self, call: &Call) -> Result<Answer, LookerError> {
        let answer = self.answer(call).await?;
        let refusal = response::refusal(call.operation, &answer, self.http().clock().now());
        match refusal.or_else(|| response::doubt(call.operation, &answer)) {
            Some(refusal) => Err(refusal),
            None => Ok(answer),
        }
    }

    /// Send `call` with a token, and once more with a new token if Looker rejects the first.
    async fn answer(&self, call: &Call) -> Result<Answer, LookerError> {
        let token = self.current_token().await?;
        let answer = self.http().send(call, &self.sender(Some(&token))).await?;
        // A second 401 is returned as it is: a fresh token that is refused will not get better by asking again.
        if answer.status != 401 || !self.auth().renewable() || call.once {
            return Ok(answer);
        }
        // belief: token-401-means-expired
        let token = self.token_after(&token).await?;
        self.http().send(call, &self.sender(Some(&token))).await
    }
}
