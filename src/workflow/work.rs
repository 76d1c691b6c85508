//! A job at work: what it is to do, what it has found, and the secret it may hold.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::ledger::{KeyRecord, KeyState, Ledger};
use crate::looker::{Api3Key, Client, Http, User};
use crate::secret::SecretString;
use crate::signed_url::Signer;
use crate::sink::{KeyName, Sink};
use crate::system::{Clock, Interrupt, Random};
use crate::workflow::finder::Finder;
use crate::workflow::journal::Journal;
use crate::workflow::rotate_id::{RotateIdSpec, RotatedId};
use crate::workflow::spec::{JobSpec, Via};
use crate::workflow::step::Step;

/// What the steps of every job of a run work with.
#[derive(Debug)]
pub struct Context {
    /// The connections.
    pub http: Http,
    /// Looker, as the admin.
    pub admin: Client,
    /// Looks users up.
    pub finder: Finder,
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
}

/// Hears what happens in a run, to show it.
pub trait Observer: fmt::Debug + Send + Sync {
    /// A step of the job for `subject` was done, and took so long.
    fn step(&self, subject: &str, step: Step, found: &Found, elapsed: Duration);

    /// A step makes a request again, as a new one of its own.
    fn again(&self) {}

    /// So many jobs are worked on from now on.
    fn flying(&self, _jobs: usize) {}

    /// Of `what` there are `total`, and so many are done.
    fn progress(&self, _what: &'static str, _done: usize, _total: usize) {}
}

/// What a job has found and done: what the report says of it.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct Found {
    /// The company's id of the user.
    pub external_user_id: String,
    /// Looker's id of the user.
    pub looker_user_id: Option<String>,
    /// What became of the user.
    pub outcome: Option<Outcome>,
    /// How it was made.
    pub via: Option<Via>,
    /// Whether sudo gave exactly this user.
    pub sudo_verified: bool,
    /// The key, once it is delivered.
    pub key: Option<FoundKey>,
    /// The keys that the new one replaces, by Looker's id.
    #[serde(default)]
    pub replaced: Vec<String>,
    /// The keys of ours that were revoked, by Looker's id.
    pub revoked: Vec<String>,
    /// What a person should know.
    pub warnings: Vec<String>,
    /// What has moved to the user from another one, where that was the job.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rotated: Option<Box<RotatedId>>,
}

impl Found {
    /// What has moved to the user from another one.
    pub(crate) fn rotated_id(&mut self) -> &mut RotatedId {
        self.rotated.get_or_insert_default()
    }
}

/// What became of a user.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It did not exist before.
    Created,
    /// It has the grants asked for in place of its former ones.
    Updated,
    /// It existed, and nothing of it was changed.
    Unchanged,
}

impl Outcome {
    /// The word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Updated => "updated",
            Self::Unchanged => "unchanged",
        }
    }
}

/// A key that a job made.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct FoundKey {
    /// Looker's id of it.
    pub id: String,
    /// The public half.
    pub client_id: String,
    /// The tag it carries.
    pub purpose: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// The sink that keeps it; `None` until it is delivered.
    pub delivered_to: Option<String>,
}

/// A job at work.
#[derive(Debug)]
pub(crate) struct Work {
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
    /// Whether every key is younger than the age at which keys are replaced.
    pub(crate) nothing_to_rotate: bool,
    /// Whether an earlier process may have worked on the job.
    pub(crate) resumed: bool,
}

/// A key that a new one replaces.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct OldKey {
    /// Looker's id of it.
    pub id: String,
    /// The public half.
    pub client_id: String,
    /// What it carries as its purpose.
    pub purpose: String,
    /// When it was made.
    pub created_at: Timestamp,
}

impl From<Api3Key> for OldKey {
    fn from(key: Api3Key) -> Self {
        Self {
            id: key.id,
            client_id: key.client_id,
            purpose: key.purpose.unwrap_or_default(),
            created_at: key.created_at.unwrap_or_default(),
        }
    }
}

impl Work {
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

    /// The tag that marks a key as made by this job.
    pub(crate) fn tag(&self) -> String {
        let job = self.journal.job();
        format!("{TAG}{}:{}", job.run, job.number)
    }

    /// What the key of this job carries as its purpose: the words of whoever asked, and the tag.
    pub(crate) fn purpose(&self) -> String {
        match self.spec.key_purpose() {
            Some(words) => format!("{words} [{}]", self.tag()),
            None => self.tag(),
        }
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
            revoke_at: None,
        }
    }

    /// The sink of the run.
    pub(crate) fn sink(&self) -> Arc<dyn Sink> {
        let sink = self.cx.sink.as_ref();
        Arc::clone(sink.expect("a run that mints keys is given a sink"))
    }

    /// The time at Looker, as well as it is known here.
    pub(crate) fn looker_now(&self) -> Timestamp {
        self.cx.clock.now() + self.cx.http.clock_offset().unwrap_or_default()
    }

    /// Tell the person something, once.
    pub(crate) fn warn(&mut self, warning: String) {
        if !self.found.warnings.contains(&warning) {
            self.found.warnings.push(warning);
        }
    }
}

/// How the tag of every key of ours begins, whatever run made it.
pub const TAG: &str = "embedctl:";

/// Whether a key's purpose says that embedctl made it: it holds a whole tag, `embedctl:RUN:JOB`. A person may write the
/// name of this program too.
pub fn is_ours(purpose: Option<&str>) -> bool {
    let is_tag = |word: &str| {
        let parts = word.strip_prefix(TAG).and_then(|tag| tag.split_once(':'));
        parts.is_some_and(|(run, job)| Uuid::try_parse(run).is_ok() && job.parse::<u64>().is_ok())
    };
    purpose.is_some_and(|purpose| purpose.split(['[', ']', ' ']).any(is_tag))
}

#[cfg(test)]
mod tests {
    use super::is_ours;

    #[test]
    fn only_a_whole_tag_makes_a_key_ours() {
        const TAG: &str = "embedctl:0192f7a0-6a3c-7000-8000-000000000001:7";
        for purpose in [TAG, &format!("nightly import [{TAG}]")] {
            assert!(is_ours(Some(purpose)), "{purpose}");
        }
        for purpose in [
            "",
            "the key of embedctl: ask Ada",
            "embedctl:prod:1",
            &TAG[..40],
        ] {
            assert!(!is_ours(Some(purpose)), "{purpose}");
        }
        assert!(!is_ours(None));
    }
}
