//! One identity at Looker, and the way of its calls: with a token, renewed once when Looker refuses it.

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
use crate::looker::trace;
use crate::secret::SecretString;

/// What Looker said to a request to delete something. Neither proves that the thing is gone: only a list without it does.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Removal {
    /// It accepted the request.
    Accepted,
    /// It said 404: the thing had gone already, or the caller may not see it.
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
    /// Users whose tokens were asked for with this identity and are not proved yet. Whoever asked may be gone.
    unproved: Mutex<Vec<Client>>,
    /// The word that this Looker was seen to have for a user's own value of an attribute.
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

    /// The identity of an access token that somebody handed over; it cannot be renewed.
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

    /// The identity of an API key, which traces and errors call `identity` instead of `admin`.
    #[must_use]
    pub fn named(http: Http, base_url: Url, key: ApiKey, identity: &str) -> Self {
        Self::with(http, base_url, identity.to_owned(), Auth::key(key))
    }

    /// Become the user `looker_user_id` (sudo), and see that it is this user and no other. Only admins may. Each call makes
    /// a new token, which cannot be renewed and is to be logged out.
    pub async fn login_user(&self, looker_user_id: &str) -> Result<Self, LookerError> {
        let nothing = async |_: &Self| Ok(());
        let (user, ()) = self.login_user_and(looker_user_id, nothing).await?;
        Ok(user)
    }

    /// The same, and do `also` as the user while the proof is under way; it may only read, since nothing is proved yet. If
    /// whoever asked does not wait for the end, the token ends with those of this identity.
    ///
    /// # Errors
    /// What Looker says, or that it gave the token of somebody else, which has been logged out.
    pub async fn login_user_and<T>(
        &self,
        looker_user_id: &str,
        also: impl AsyncFnOnce(&Self) -> Result<T, LookerError>,
    ) -> Result<(Self, T), LookerError> {
        let user = self.take_token_of(looker_user_id).await?;
        self.unproved().push(user.clone());
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
            // Whether it works or not, the first error is the one to tell.
            let _ended = user.logout().await.is_ok();
        }
        self.unproved()
            .retain(|unproved| !Arc::ptr_eq(&unproved.0, &user.0));
        proved.map(|((), also)| (user, also))
    }

    /// The users whose tokens are not proved yet.
    pub(super) fn unproved(&self) -> MutexGuard<'_, Vec<Self>> {
        let unproved = self.0.unproved.lock();
        unproved.unwrap_or_else(PoisonError::into_inner)
    }

    async fn take_token_of(&self, looker_user_id: &str) -> Result<Self, LookerError> {
        // belief: sudo-is-for-admins, sudo-is-not-nested
        let call = Call::post("login_user", "/login/{user_id}", &[looker_user_id])?;
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

    /// Take `word` for the one that this Looker has for a user's own value of an attribute: an earlier probe has seen it.
    pub fn learn_own_source(&self, word: String) {
        // The first one counts, and there is one only.
        self.0.own_source.get_or_init(|| word);
    }

    /// The word that this Looker was seen to have for a user's own value, if any.
    pub(super) fn own_source(&self) -> Option<&str> {
        self.0.own_source.get().map(String::as_str)
    }

    /// Where Looker is.
    pub fn base_url(&self) -> &Url {
        &self.0.base_url
    }

    /// The same as Looker's SDKs take it: without a slash at the end, since they put one there.
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

    /// Any call, for a user who knows what it does: `path` is below `/api/4.0`, percent-encoded, and the answer is given
    /// whatever its status. Only calls that are safe to repeat are repeated when their answer is lost.
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
        Ok(RawAnswer {
            refusal: response::refusal(operation, &answer, self.http().clock().now()),
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

    /// Make `call` and read the value it gives.
    pub(super) async fn json<T: DeserializeOwned>(&self, call: Call) -> Result<T, LookerError> {
        response::decode(call.operation, &self.success(&call).await?)
    }

    /// Make `call`; what it gives does not matter.
    pub(super) async fn done(&self, call: Call) -> Result<(), LookerError> {
        self.success(&call).await.map(drop)
    }

    /// Make `call`, which deletes something.
    pub(super) async fn remove(&self, call: Call) -> Result<Removal, LookerError> {
        match self.success(&call).await {
            Ok(_) => Ok(Removal::Accepted),
            Err(LookerError::NotFound { .. }) => Ok(Removal::NotFound),
            Err(error) => Err(error),
        }
    }

    /// Make `call` and read the value it gives; `None` if Looker says that there is no such thing, which it also says to
    /// whoever may not see it.
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

    /// Make `call`; a refusal is an error.
    pub(super) async fn success(&self, call: &Call) -> Result<Answer, LookerError> {
        let answer = self.answer(call).await?;
        let refusal = response::refusal(call.operation, &answer, self.http().clock().now());
        match refusal.or_else(|| response::doubt(call.operation, &answer)) {
            Some(refusal) => Err(refusal),
            None => Ok(answer),
        }
    }

    /// Make `call` with a token; once more with a new one when Looker no longer accepts it.
    async fn answer(&self, call: &Call) -> Result<Answer, LookerError> {
        let token = self.current_token().await?;
        let answer = self.http().send(call, &self.sender(Some(&token))).await?;
        if answer.status != 401 || !self.auth().renewable() || call.once {
            return Ok(answer);
        }
        // belief: token-401-means-expired
        let token = self.token_after(&token).await?;
        self.http().send(call, &self.sender(Some(&token))).await
    }
}
