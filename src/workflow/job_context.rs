//! A running job: its spec, its findings, and the secret it may hold.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::error::Error;
use crate::ledger::{KeyRecord, KeyState, Ledger, LedgerError};
use crate::looker::{Client, Http, User};
use crate::secret::SecretString;
use crate::signed_url::Signer;
use crate::sink::{KeyName, Sink};
use crate::system::{Clock, Interrupt, Random};
use crate::workflow::finder::Finder;
use crate::workflow::found::{Found, FoundKey, Outcome};
use crate::workflow::journal::Journal;
use crate::workflow::key_access::{KeyAccess, UserKeys};
use crate::workflow::newest::Newest;
use crate::workflow::old_key::OldKey;
use crate::workflow::rotate_id::RotateIdSpec;
use crate::workflow::spec::JobSpec;
use crate::workflow::step::Step;
use crate::workflow::tag::{Maker, Tag};

/// What the steps of every job of a run work with.
#[derive(Debug)]
pub struct Context {
    /// The connections.
    pub http: Http,
    /// Looker, as the admin.
    pub admin: Client,
    /// Looks users up.
    pub finder: Finder,
    /// Looks new users up together; `None` if there is only one job.
    pub newest: Option<Newest>,
    /// Who may manage keys.
    pub keys: Arc<KeyAccess>,
    /// Whether the operator has declared that nothing else creates keys for embed users.
    pub sole_minter: bool,
    /// Signs embed URLs; `None` if the run creates no user through a signed URL.
    pub signer: Option<Signer>,
    /// The same for the other algorithm: distinguishes a wrong algorithm from a wrong secret.
    pub other_signer: Option<Signer>,
    /// Holds the keys; `None` if the run mints none.
    pub sink: Option<Arc<dyn Sink>>,
    /// Records intents and outcomes.
    pub ledger: Arc<dyn Ledger>,
    /// The time.
    pub clock: Clock,
    /// Nonces.
    pub random: Random,
    /// Whether the operator has asked to stop.
    pub interrupt: Interrupt,
    /// Receives progress.
    pub observer: Arc<dyn Observer>,
    /// How many requests a job with many items sends concurrently.
    pub width: usize,
    /// The request timeout, which bounds the time in which a lost request can take effect.
    pub timeout: Duration,
    /// How long after that Looker may still work on a request.
    pub grace: Duration,
}

/// Receives the progress of a run, to show it.
pub trait Observer: fmt::Debug + Send + Sync {
    /// A step of the job for `subject` is done after `elapsed`.
    fn step(&self, subject: &str, step: Step, found: &Found, elapsed: Duration);

    /// A step repeats a request as a new one.
    fn again(&self) {}

    /// This many jobs are now in flight.
    fn flying(&self, _jobs: usize) {}

    /// This many jobs wait for this long, because only then a check proves that a lost request had no effect.
    fn waits(&self, _jobs: usize, _time: Duration) {}

    /// Nothing is left but this many jobs that other processes have.
    fn waits_for_others(&self, _jobs: u64) {}

    /// `done` of `total` items of kind `what` are finished.
    fn progress(&self, _what: &'static str, _done: usize, _total: usize) {}
}

/// A running job.
#[derive(Debug)]
pub(crate) struct JobContext {
    pub(crate) cx: Arc<Context>,
    pub(crate) spec: JobSpec,
    pub(crate) journal: Journal,
    pub(crate) found: Found,
    /// The user as Looker last showed it.
    pub(crate) user: Option<User>,
    /// Looker as the user; logged out at the end of the job.
    pub(crate) sudo: Option<Client>,
    /// Looker as the old user of a change of ids; logged out at the end of the job.
    pub(crate) old_sudo: Option<Client>,
    /// The secret of a key, from minting to the end of the job.
    pub(crate) secret: Option<SecretString>,
    /// The keys the user had before this job minted one, by Looker's id.
    pub(crate) known_keys: Vec<String>,
    /// The keys that the new one replaces.
    pub(crate) old: Vec<OldKey>,
    /// Whether the user already has the requested key, so that none is minted.
    pub(crate) has_key: bool,
    /// The user's keys at Looker; closed at the end of the job.
    pub(crate) keys: Option<UserKeys>,
    /// Whether the user must be allowed to manage keys first.
    pub(crate) wants_allowed: bool,
    /// The errors of the key requests whose answers were lost in this process.
    pub(crate) lost_answers: Vec<Error>,
    /// How often tagging a delivered key failed.
    pub(crate) untagged: usize,
    /// Whether the sink holds a key of the user whose place the new one takes.
    pub(crate) takes_place: bool,
    /// The client id of the key whose only copy in the sink the new key overwrites.
    pub(crate) overwrites: Option<String>,
    /// Whether an earlier process may have worked on the job.
    pub(crate) resumed: bool,
    /// When this process began it.
    pub(crate) began: Timestamp,
    /// Whether the job has waited until a lost request can no longer take effect.
    pub(crate) has_waited: bool,
}

impl JobContext {
    /// Looker's id of the user, which is known after the first lookup.
    pub(crate) fn user_id(&self) -> String {
        let id = self.found.looker_user_id.clone();
        id.expect("a step that needs the user stands behind one that found it")
    }

    /// The change of ids that this job performs.
    pub(crate) fn rotate_id(&self) -> &RotateIdSpec {
        match &self.spec {
            JobSpec::RotateId(spec) => spec,
            JobSpec::CreateUser(_) | JobSpec::MintKey(_) | JobSpec::RotateKey(_) => {
                unreachable!("only a job that changes an id has this step")
            }
        }
    }

    /// Whether a plan has just seen that the user is absent, and this job has not started to create it.
    pub(crate) fn is_known_absent(&self) -> bool {
        let planned = self.spec.embed_user().map(|spec| &spec.planned);
        let begun = self.journal.first_intent(Step::Create).is_some();
        // After a crash the user may exist, so only a fresh job may rely on the plan.
        !self.resumed && !begun && planned.is_some_and(|planned| planned.absent)
    }

    /// Whether this very job created the user a moment ago.
    pub(crate) fn has_just_made_user(&self) -> bool {
        let planned = self.spec.embed_user().map(|spec| &spec.planned);
        // In a resumed job, the creation may be long ago.
        !self.resumed
            && self.found.outcome == Some(Outcome::Created)
            && planned.is_some_and(|planned| planned.absent)
    }

    /// Wait until an effect fits into the lease that the run is held by, if it is leased.
    ///
    /// # Errors
    /// The lease is over: another process may be at work on the same user.
    pub(crate) async fn still_leased(&self) -> Result<(), LedgerError> {
        match self.cx.ledger.lease() {
            Some(lease) if !lease.admits(self.cx.timeout).await => Err(LedgerError::LeaseOver),
            _ => Ok(()),
        }
    }

    /// The user's keys, through whoever may manage them.
    pub(crate) fn user_keys(&mut self) -> &mut UserKeys {
        let (access, user_id, sudo) = (
            &self.cx.keys,
            self.found.looker_user_id.as_deref(),
            &self.sudo,
        );
        let user_id = user_id.expect("a step that needs the user stands behind one that found it");
        // Opened once per job: each opening may have to allow the user first.
        self.keys
            .get_or_insert_with(|| access.of(user_id).with_sudo(sudo.clone()))
    }

    /// This job as named in tags.
    pub(crate) fn maker(&self) -> Maker {
        Maker::of(self.journal.job())
    }

    /// The tag of this job's key once it is delivered, including when to revoke it.
    pub(crate) fn tag(&self) -> Tag {
        let limit = self.spec.key_life();
        // Counted from now, the time of delivery, because from then on the key is in use.
        let limit = limit.and_then(|limit| SignedDuration::try_from(limit).ok());
        let due = limit.and_then(|limit| self.cx.clock.now().checked_add(limit).ok());
        Tag::delivered(self.journal.job(), due, self.spec.key_purpose())
    }

    /// A key of this job's user, as named in a sink.
    pub(crate) fn key_name(&self, key: &FoundKey) -> KeyName {
        KeyName {
            base_url: self.cx.admin.origin().to_owned(),
            external_user_id: self.found.external_user_id.clone(),
            looker_user_id: self.user_id(),
            id: key.id.clone(),
            client_id: key.client_id.clone(),
            purpose: key.purpose.clone(),
            created_at: key.created_at,
            job: self.maker().to_string(),
        }
    }

    /// The ledger's record of a key of this job's user.
    pub(crate) fn key_record(&self, key: &FoundKey, state: KeyState) -> KeyRecord {
        KeyRecord {
            looker_user_id: self.user_id(),
            external_user_id: self.found.external_user_id.clone(),
            key_id: key.id.clone(),
            client_id: key.client_id.clone(),
            purpose: key.purpose.clone(),
            state,
            minted_at: key.created_at,
            revoke_at: key.due,
        }
    }

    /// The sink of the run.
    pub(crate) fn sink(&self) -> Arc<dyn Sink> {
        let sink = self.cx.sink.as_ref();
        Arc::clone(sink.expect("a run that mints keys is given a sink"))
    }

    /// Add a warning, once.
    pub(crate) fn warn(&mut self, warning: String) {
        // A step that is repeated after a wait would repeat its warnings.
        if !self.found.warnings.contains(&warning) {
            self.found.warnings.push(warning);
        }
    }
}
