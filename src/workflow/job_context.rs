//! A job at work: what it is to do, what it has found, and the secret it may hold.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;

use crate::error::Error;
use crate::ledger::{KeyRecord, KeyState, Ledger};
use crate::looker::{Client, Http, User};
use crate::secret::SecretString;
use crate::signed_url::Signer;
use crate::sink::{KeyName, Sink};
use crate::system::{Clock, Interrupt, Random};
use crate::workflow::finder::Finder;
use crate::workflow::found::{Found, FoundKey, Outcome};
use crate::workflow::journal::Journal;
use crate::workflow::key_access::{KeyAccess, UserKeys};
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
    /// Who may do what with keys.
    pub keys: Arc<KeyAccess>,
    /// Whether the user of the program has said that nothing else creates keys for embed users.
    pub sole_minter: bool,
    /// Signs embed URLs; `None` where the run makes no user by a signed URL.
    pub signer: Option<Signer>,
    /// The same for the other algorithm: tells a wrong algorithm from a wrong secret.
    pub other_signer: Option<Signer>,
    /// Keeps the keys; `None` where the run mints none.
    pub sink: Option<Arc<dyn Sink>>,
    /// Keeps what was intended and what came of it.
    pub ledger: Arc<dyn Ledger>,
    /// The time.
    pub clock: Clock,
    /// Nonces.
    pub random: Random,
    /// Whether the user has asked to stop.
    pub interrupt: Interrupt,
    /// Hears what happens.
    pub observer: Arc<dyn Observer>,
    /// How often a request that may be repeated is repeated.
    pub retries: u32,
    /// How many requests a job with many things to do makes at once.
    pub width: usize,
    /// How long a request may take, which bounds the time in which a lost one can have taken effect.
    pub timeout: Duration,
    /// How long after that Looker may go on with a request.
    pub grace: Duration,
}

/// Hears what happens in a run, to show it.
pub trait Observer: fmt::Debug + Send + Sync {
    /// A step of the job for `subject` was done, and took so long.
    fn step(&self, subject: &str, step: Step, found: &Found, elapsed: Duration);

    /// A step makes a request again, as a new one of its own.
    fn again(&self) {}

    /// So many jobs are worked on from now on.
    fn flying(&self, _jobs: usize) {}

    /// So many jobs wait for so long, since only then a look proves that a lost request has had no effect.
    fn waits(&self, _jobs: usize, _time: Duration) {}

    /// Of `what` there are `total`, and so many are done.
    fn progress(&self, _what: &'static str, _done: usize, _total: usize) {}
}

/// A job at work.
#[derive(Debug)]
pub(crate) struct JobContext {
    pub(crate) cx: Arc<Context>,
    pub(crate) spec: JobSpec,
    pub(crate) journal: Journal,
    pub(crate) found: Found,
    /// The user as Looker last showed it.
    pub(crate) user: Option<User>,
    /// Looker as the user; logged out when the job ends.
    pub(crate) sudo: Option<Client>,
    /// Looker as the old user of a change of ids; logged out when the job ends.
    pub(crate) old_sudo: Option<Client>,
    /// The secret of a key, from the mint to the end of the job.
    pub(crate) secret: Option<SecretString>,
    /// The keys the user had before this job made one, by Looker's id.
    pub(crate) known_keys: Vec<String>,
    /// The keys that the new one replaces.
    pub(crate) old: Vec<OldKey>,
    /// Whether the user has the key that is wanted, so that none is minted.
    pub(crate) has_key: bool,
    /// The user's keys at Looker; closed when the job ends.
    pub(crate) keys: Option<UserKeys>,
    /// Whether keys are to be allowed for the user first.
    pub(crate) wants_allowed: bool,
    /// The errors of the requests for a key whose answers were lost in this process.
    pub(crate) lost_answers: Vec<Error>,
    /// How often the tag of a delivered key could not be written.
    pub(crate) untagged: usize,
    /// The key whose only copy in the sink the new one replaces, by its client id.
    pub(crate) overwrites: Option<String>,
    /// Whether an earlier process may have worked on the job.
    pub(crate) resumed: bool,
    /// Whether a look has been waited for as long as a lost request can take effect.
    pub(crate) has_waited: bool,
}

impl JobContext {
    /// Looker's id of the user, which every step after the first look-up has.
    pub(crate) fn user_id(&self) -> String {
        let id = self.found.looker_user_id.clone();
        id.expect("a step that needs the user stands behind one that found it")
    }

    /// The change of ids that this job is.
    pub(crate) fn rotate_id(&self) -> &RotateIdSpec {
        match &self.spec {
            JobSpec::RotateId(spec) => spec,
            JobSpec::CreateUser(_) | JobSpec::MintKey(_) | JobSpec::RotateKey(_) => {
                unreachable!("only a job that changes an id has this step")
            }
        }
    }

    /// Whether a plan has just seen that the user is not there, and this job has not begun to make it.
    pub(crate) fn is_known_absent(&self) -> bool {
        let planned = self.spec.embed_user().map(|spec| &spec.planned);
        let begun = self.journal.first_intent(Step::Create).is_some();
        !self.resumed && !begun && planned.is_some_and(|planned| planned.absent)
    }

    /// Whether the user came into being a moment ago, by this very job.
    pub(crate) fn has_just_made_user(&self) -> bool {
        let planned = self.spec.embed_user().map(|spec| &spec.planned);
        !self.resumed
            && self.found.outcome == Some(Outcome::Created)
            && planned.is_some_and(|planned| planned.absent)
    }

    /// The user's keys, by whoever may manage them.
    pub(crate) fn user_keys(&mut self) -> &mut UserKeys {
        let (access, user_id, sudo) = (
            &self.cx.keys,
            self.found.looker_user_id.as_deref(),
            &self.sudo,
        );
        let user_id = user_id.expect("a step that needs the user stands behind one that found it");
        self.keys
            .get_or_insert_with(|| access.of(user_id).with_sudo(sudo.clone()))
    }

    /// How tags name this job.
    pub(crate) fn maker(&self) -> Maker {
        Maker::of(self.journal.job())
    }

    /// What the key of this job carries once it is delivered, and when it is to be revoked.
    pub(crate) fn tag(&self) -> Tag {
        let limit = self.spec.key_life();
        let limit = limit.and_then(|limit| SignedDuration::try_from(limit).ok());
        let due = limit.and_then(|limit| self.cx.clock.now().checked_add(limit).ok());
        Tag::delivered(self.journal.job(), due, self.spec.key_purpose())
    }

    /// A key of this job's user, as a sink knows it.
    pub(crate) fn key_name(&self, key: &FoundKey) -> KeyName {
        KeyName {
            base_url: self.cx.admin.origin().to_owned(),
            external_user_id: self.found.external_user_id.clone(),
            looker_user_id: self.user_id(),
            id: key.id.clone(),
            client_id: key.client_id.clone(),
            purpose: key.purpose.clone(),
            created_at: key.created_at,
        }
    }

    /// What the ledger keeps of a key of this job's user.
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

    /// Tell the person something, once.
    pub(crate) fn warn(&mut self, warning: String) {
        if !self.found.warnings.contains(&warning) {
            self.found.warnings.push(warning);
        }
    }
}
