//! Who may list, mint, tag and revoke keys on this Looker: found out once per run, and used everywhere.
//!
//! This differs by instance and release: the admin, the user itself (through sudo, after `can_manage_api3_creds`), a
//! service account, or no one. Looker answers 403 or 404 to a caller without the right.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex as Lock, OnceLock, PoisonError};

use jiff::Timestamp;
use tokio::sync::Mutex;

use crate::error::{Error, Kind};
use crate::ledger::{Ledger, PermitId};
use crate::looker::{Api3Key, Client, LookerError, NewApi3Key, Removal};
use crate::workflow::authority::Authority;
use crate::workflow::key_error::{KeyError, WITHOUT_KEYS};
use crate::workflow::permit::{has_permit, set_permit};
use crate::workflow::reconcile::Ahead;

/// A question to Looker.
#[derive(Clone, Copy, Debug)]
enum Ask<'a> {
    List,
    Mint,
    Tag { key: &'a str, purpose: &'a str },
    Revoke { key: &'a str },
}

/// Looker's answer.
enum Said {
    Keys(Vec<Api3Key>),
    Minted(Box<NewApi3Key>),
    Tagged(Box<Api3Key>),
    Deleted(bool),
}

impl Ask<'_> {
    const fn index(self) -> usize {
        match self {
            Self::List => 0,
            Self::Mint => 1,
            Self::Tag { .. } => 2,
            Self::Revoke { .. } => 3,
        }
    }

    const fn word(self) -> &'static str {
        match self {
            Self::List => "list",
            Self::Mint => "create",
            Self::Tag { .. } => "change",
            Self::Revoke { .. } => "delete",
        }
    }

    /// The key that the request concerns, for which a 404 may mean that it is gone.
    const fn key(&self) -> Option<&str> {
        match self {
            Self::List | Self::Mint => None,
            Self::Tag { key, .. } | Self::Revoke { key } => Some(key),
        }
    }

    async fn of(self, client: &Client, user_id: &str) -> Result<Said, LookerError> {
        Ok(match self {
            Self::List => Said::Keys(client.api3_keys(user_id).await?),
            // belief: keys-are-not-counted
            Self::Mint => Said::Minted(Box::new(client.create_api3_key(user_id).await?)),
            Self::Tag { key, purpose } => {
                Said::Tagged(Box::new(client.tag_api3_key(user_id, key, purpose).await?))
            }
            Self::Revoke { key } => {
                let removal = client.delete_api3_key(user_id, key).await?;
                Said::Deleted(removal == Removal::Accepted)
            }
        })
    }
}

/// Who may manage keys, shared by all jobs of a run.
#[derive(Debug)]
pub struct KeyAccess {
    admin: Client,
    /// Records the users who are temporarily allowed to manage keys.
    ledger: OnceLock<Arc<dyn Ledger>>,
    /// Who could create keys when `doctor --probe` last ran.
    guess: Authority,
    /// By kind of request; locked while the first caller finds out.
    known: [Mutex<Authority>; 4],
    ahead: Lock<Option<Ahead>>,
    purpose_is_unknown: AtomicBool,
    needs_allowed: AtomicBool,
}

impl KeyAccess {
    /// Nothing is known yet about `admin`.
    pub fn new(admin: Client) -> Arc<Self> {
        Self::guessing(admin, Authority::Unknown)
    }

    /// The same, but `guess` could create keys earlier and is tried first.
    pub fn guessing(admin: Client, guess: Authority) -> Arc<Self> {
        Arc::new(Self {
            admin,
            ledger: OnceLock::new(),
            guess,
            known: Default::default(),
            ahead: Lock::default(),
            purpose_is_unknown: AtomicBool::new(false),
            needs_allowed: AtomicBool::new(false),
        })
    }

    /// From now on, record in `ledger` which users are temporarily allowed to manage keys outside a job's own steps, which
    /// keep their own records.
    pub fn note_in(&self, ledger: &Arc<dyn Ledger>) {
        self.ledger.get_or_init(|| Arc::clone(ledger));
    }

    /// Who will create keys, as far as is known from this run or from an earlier probe.
    pub fn minter(&self) -> Authority {
        let known = self.known.get(Ask::Mint.index());
        let known = known.and_then(|known| known.try_lock().ok()).map(|it| *it);
        known
            .filter(|known| *known != Authority::Unknown)
            .unwrap_or(self.guess)
    }

    /// Whether the user itself is tried first, because it could do this earlier.
    fn guesses_user(&self, ask: Ask<'_>) -> bool {
        matches!(ask, Ask::Mint) && self.guess == Authority::Itself
    }

    /// The keys of a user that is known to exist.
    pub fn of(self: &Arc<Self>, user_id: &str) -> UserKeys {
        UserKeys {
            access: Arc::clone(self),
            user_id: user_id.to_owned(),
            sudo: None,
            is_own: false,
            allowed: false,
            note: None,
        }
    }

    /// The offset of Looker's clock, if a key minted here has revealed it.
    pub(crate) fn ahead(&self) -> Option<Ahead> {
        *self.ahead.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Remember the clock offset learned from minting a key.
    pub(crate) fn learn(&self, ahead: Ahead) {
        *self.ahead.lock().unwrap_or_else(PoisonError::into_inner) = Some(ahead);
    }

    /// Note that Looker does not keep `purpose`: true the first time, so that it is reported once.
    pub(crate) fn finds_no_purpose(&self) -> bool {
        !self.purpose_is_unknown.swap(true, Ordering::Relaxed)
    }

    /// Whether some user of this run had to be allowed to manage keys; then the same is expected of all others.
    pub(crate) fn needs_allowed(&self) -> bool {
        self.needs_allowed.load(Ordering::Relaxed)
    }
}

/// The keys of one user. It must be [closed](UserKeys::close).
#[derive(Debug)]
pub struct UserKeys {
    access: Arc<KeyAccess>,
    user_id: String,
    sudo: Option<Client>,
    /// Whether this value must end the token of `sudo`.
    is_own: bool,
    /// Whether the user was allowed to manage keys here, which must be undone.
    allowed: bool,
    /// The ledger's record of that.
    note: Option<PermitId>,
}

/// The outcome of a revocation, by Looker's id.
#[derive(Debug, Default)]
pub struct Revoked {
    /// Looker deleted them now.
    pub revoked: Vec<String>,
    /// They were gone already.
    pub gone: Vec<String>,
}

impl UserKeys {
    /// The same, with a client that already acts as the user and is logged out elsewhere.
    #[must_use]
    pub(crate) fn with_sudo(mut self, sudo: Option<Client>) -> Self {
        self.sudo = sudo;
        self
    }

    /// The user's keys.
    pub async fn list(&mut self) -> Result<Vec<Api3Key>, KeyError> {
        match self.ask(Ask::List).await? {
            Said::Keys(keys) => Ok(keys),
            Said::Minted(_) | Said::Tagged(_) | Said::Deleted(_) => {
                unreachable!("a list was asked for")
            }
        }
    }

    /// The user's keys. If only the user itself may list them and is not allowed to yet, it is allowed to until this is
    /// [closed](UserKeys::close).
    pub async fn list_allowing(&mut self) -> Result<Vec<Api3Key>, Error> {
        match self.ask_allowing(Ask::List).await? {
            Said::Keys(keys) => Ok(keys),
            Said::Minted(_) | Said::Tagged(_) | Said::Deleted(_) => {
                unreachable!("a list was asked for")
            }
        }
    }

    async fn ask_allowing(&mut self, ask: Ask<'_>) -> Result<Said, Error> {
        match self.ask(ask).await {
            Err(KeyError::NotYet { .. }) => {
                // A right that the user had before must not be removed at the end.
                if !has_permit(&self.access.admin, &self.user_id).await? {
                    // Recorded first: a crash between the two must leave a trace, not a forgotten right.
                    self.note().await?;
                    self.allow().await?;
                }
                match self.ask(ask).await {
                    Err(KeyError::NotYet { .. }) => Err(self.nobody(ask).into()),
                    said => Ok(said?),
                }
            }
            said => Ok(said?),
        }
    }

    /// Create a key. If the answer is lost, a key may exist whose secret was never received.
    pub(crate) async fn mint(&mut self) -> Result<NewApi3Key, KeyError> {
        let sent = self.now();
        match self.ask(Ask::Mint).await? {
            Said::Minted(minted) => {
                if let Some(created_at) = minted.key.created_at.known() {
                    self.access
                        .learn(Ahead::learn(sent, self.now(), created_at));
                }
                Ok(*minted)
            }
            Said::Keys(_) | Said::Tagged(_) | Said::Deleted(_) => {
                unreachable!("a key was asked for")
            }
        }
    }

    /// Write `purpose` on a key; false if Looker did not keep it.
    pub(crate) async fn tag(&mut self, key: &str, purpose: &str) -> Result<bool, KeyError> {
        match self.ask(Ask::Tag { key, purpose }).await? {
            Said::Tagged(tagged) => Ok(tagged.purpose.as_deref() == Some(purpose)),
            Said::Keys(_) | Said::Minted(_) | Said::Deleted(_) => {
                unreachable!("a tag was asked for")
            }
        }
    }

    /// Revoke keys, and read back that a listing no longer has them.
    ///
    /// # Errors
    /// What Looker says; [`Kind::Incomplete`] if it accepts a deletion and still lists the key.
    pub async fn revoke(&mut self, keys: &[String]) -> Result<Revoked, Error> {
        let mut done = Revoked::default();
        if keys.is_empty() {
            return Ok(done);
        }
        for key in keys {
            let deleted = match self.ask_allowing(Ask::Revoke { key }).await {
                Ok(Said::Deleted(deleted)) => deleted,
                Ok(_) => unreachable!("a deletion was asked for"),
                Err(error) => return Err(error.context(format!("key {key} could not be revoked"))),
            };
            let list = if deleted {
                &mut done.revoked
            } else {
                &mut done.gone
            };
            list.push(key.clone());
        }
        // An accepted DELETE is no proof; only the listing is.
        let alive = self.list_allowing().await.map_err(|error| {
            error.context(format!(
                "cannot see whether keys {} are gone",
                keys.join(", ")
            ))
        })?;
        let left: Vec<&str> = alive
            .iter()
            .map(|key| key.id.as_str())
            .filter(|id| keys.iter().any(|key| key == id))
            .collect();
        if left.is_empty() {
            return Ok(done);
        }
        let left = left.join(", ");
        Err(Error::new(
            Kind::Incomplete,
            format!(
                "Looker still lists key {left} of Looker user {} after it was to be deleted",
                self.user_id
            ),
        )
        .hint("the key may still log in: delete it on Looker's Users page"))
    }

    /// Record in the ledger that the user is about to be allowed to manage keys: if this process is killed, a later one
    /// takes the right back.
    async fn note(&mut self) -> Result<(), Error> {
        if let Some(ledger) = self.access.ledger.get() {
            self.note = Some(ledger.note_permit(&self.user_id).await?);
        }
        Ok(())
    }

    /// Allow the user to manage keys until this is [closed](UserKeys::close).
    pub(crate) async fn allow(&mut self) -> Result<(), LookerError> {
        set_permit(&self.access.admin, &self.user_id, true).await?;
        self.access.needs_allowed.store(true, Ordering::Relaxed);
        self.allowed = true;
        Ok(())
    }

    /// Take over from an earlier process that allowed the user to manage keys and did not undo it.
    pub(crate) const fn was_allowed(&mut self) {
        self.allowed = true;
    }

    /// Undo what was allowed, and end the token; true if something was undone.
    pub async fn close(mut self) -> Result<bool, LookerError> {
        // The right goes first: a logout that fails returns early, and must not leave the user with it.
        let set_back = match self.allowed {
            true => self.set_back().await,
            false => Ok(()),
        };
        if let Some(sudo) = self.sudo.take().filter(|_| self.is_own) {
            // belief: key-tokens-outlive-it
            sudo.logout().await?;
        }
        set_back.map(|()| self.allowed)
    }

    async fn set_back(&self) -> Result<(), LookerError> {
        set_permit(&self.access.admin, &self.user_id, false).await?;
        if let (Some(ledger), Some(note)) = (self.access.ledger.get(), self.note) {
            // A record that stays makes a later command check the user and find nothing to undo.
            let _stays = ledger.forget_permit(note).await.is_err();
        }
        Ok(())
    }

    fn now(&self) -> Timestamp {
        self.access.admin.http().clock().now()
    }

    async fn ask(&mut self, ask: Ask<'_>) -> Result<Said, KeyError> {
        let access = Arc::clone(&self.access);
        let known = access.known.get(ask.index());
        let known = known.expect("there is one for each thing that can be asked");
        let mut known = known.lock().await;
        match *known {
            Authority::Unknown => {
                // The lock is held meanwhile, so that the other jobs wait for the answer instead of asking as well.
                let (who, said) = self.find_out(ask).await;
                *known = who;
                said
            }
            who => {
                drop(known);
                match who {
                    Authority::Itself => match self.as_user(ask).await {
                        Err(KeyError::Nobody(refusal)) if access.guesses_user(ask) => {
                            self.as_caller_after_all(ask, refusal).await
                        }
                        said => said,
                    },
                    Authority::Nobody => Err(self.nobody(ask)),
                    Authority::Caller | Authority::Unknown => {
                        Ok(ask.of(&access.admin, &self.user_id).await?)
                    }
                }
            }
        }
    }

    /// The earlier guess no longer holds: ask as the caller.
    async fn as_caller_after_all(&self, ask: Ask<'_>, refusal: Error) -> Result<Said, KeyError> {
        match ask.of(&self.access.admin, &self.user_id).await {
            Err(error) if is_refusal(&error) => Err(KeyError::Nobody(refusal)),
            Err(error) => Err(error.into()),
            Ok(said) => {
                if let Some(known) = self.access.known.get(ask.index()) {
                    *known.lock().await = Authority::Caller;
                }
                Ok(said)
            }
        }
    }

    /// Ask as the caller, then as the user, and return who was allowed.
    async fn find_out(&mut self, ask: Ask<'_>) -> (Authority, Result<Said, KeyError>) {
        if self.access.guesses_user(ask) {
            match self.find_out_as_user(ask).await {
                (Authority::Nobody, _) => {}
                found => return found,
            }
        }
        // belief: core-admin-makes-no-keys
        let admin = self.access.admin.clone();
        let refused = match ask.of(&admin, &self.user_id).await {
            // A deletion that finds nothing does not reveal who may delete.
            Ok(Said::Deleted(false)) => return self.is_gone(ask, Ok(Said::Deleted(false))).await,
            Ok(said) => return (Authority::Caller, Ok(said)),
            Err(error) if is_refusal(&error) => error,
            Err(error) => return (Authority::Unknown, Err(error.into())),
        };
        if matches!(refused, LookerError::NotFound { .. }) && ask.key().is_some() {
            return self.is_gone(ask, Err(refused.into())).await;
        }
        self.find_out_as_user(ask).await
    }

    /// A 404: the key is gone, unless a listing still has it, in which case the caller lacks the right.
    async fn is_gone(
        &mut self,
        ask: Ask<'_>,
        said: Result<Said, KeyError>,
    ) -> (Authority, Result<Said, KeyError>) {
        match Box::pin(self.list()).await {
            Ok(keys) if keys.iter().any(|key| Some(key.id.as_str()) == ask.key()) => {
                self.find_out_as_user(ask).await
            }
            Ok(_) => (Authority::Unknown, said),
            Err(error) => (Authority::Unknown, Err(error)),
        }
    }

    async fn find_out_as_user(&mut self, ask: Ask<'_>) -> (Authority, Result<Said, KeyError>) {
        match self.as_user(ask).await {
            Ok(said) => (Authority::Itself, Ok(said)),
            Err(KeyError::NotYet { user_id }) => {
                (Authority::Itself, Err(KeyError::NotYet { user_id }))
            }
            Err(KeyError::Nobody(error)) => (Authority::Nobody, Err(KeyError::Nobody(error))),
            Err(error) => (Authority::Unknown, Err(error)),
        }
    }

    async fn as_user(&mut self, ask: Ask<'_>) -> Result<Said, KeyError> {
        let sudo = match &self.sudo {
            Some(sudo) => sudo.clone(),
            None => {
                let sudo = self.access.admin.login_user(&self.user_id).await?;
                self.is_own = true;
                self.sudo.insert(sudo).clone()
            }
        };
        match ask.of(&sudo, &self.user_id).await {
            Err(error) if is_refusal(&error) && !self.allowed => Err(KeyError::NotYet {
                user_id: self.user_id.clone(),
            }),
            Err(error) if is_refusal(&error) => Err(self.nobody(ask)),
            said => Ok(said?),
        }
    }

    fn nobody(&self, ask: Ask<'_>) -> KeyError {
        let (word, user) = (ask.word(), &self.user_id);
        let message = format!(
            "this Looker lets neither the caller nor the user itself {word} API keys of Looker user {user}"
        );
        KeyError::Nobody(Error::new(Kind::NotAllowed, message).hint(WITHOUT_KEYS))
    }
}

/// Whether Looker refuses the caller; to some callers it answers 404 instead of 403.
const fn is_refusal(error: &LookerError) -> bool {
    match error {
        // belief: key-403-is-a-refusal
        LookerError::Denied { status, .. } => *status == 403,
        LookerError::NotFound { .. } => true,
        _ => false,
    }
}
