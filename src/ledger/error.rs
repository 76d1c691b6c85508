//! What can be wrong with a ledger, and what to do about it.

use crate::error::{Error, Kind};
use crate::ledger::{Owner, RunId};
use crate::system::duration;

/// What can be wrong with a ledger.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LedgerError {
    /// Another process works on the same user or run, or stopped in the middle of it.
    #[error("{subject} is locked by process {pid} on {host} (run {run})", pid = owner.pid, host = owner.host)]
    Busy {
        /// The run or the user that both want to work on.
        subject: String,
        /// The conflicting run.
        run: RunId,
        /// The process that works on it.
        owner: Owner,
    },
    /// An earlier run for the same subject is unfinished, and no process works on it.
    #[error("run {run} for `{subject}` is unfinished")]
    Unfinished {
        /// The user both runs are for.
        subject: String,
        /// The earlier run.
        run: RunId,
    },
    /// There is no such run.
    #[error("no run {0} in this ledger")]
    NoSuchRun(RunId),
    /// This process owned the run, and another has taken it over.
    #[error("run {0} was taken over by another process")]
    TakenOver(RunId),
    /// This process held its runs by a lease, which is over.
    #[error("the lease of this process on its runs is over, so another may have gone on with them")]
    LeaseOver,
    /// There is something in the ledger already that another would be copied into.
    #[error("the ledger `{0}` is not empty")]
    NotEmpty(String),
    /// A newer embedctl created the store.
    #[error("ledger schema {found} is newer than this embedctl supports ({known})")]
    TooNew {
        /// The version of the file.
        found: i64,
        /// The newest version this program knows.
        known: i64,
    },
    /// The store cannot be used as it is; nothing was done.
    #[error("{what}")]
    Unusable {
        /// What is wrong, and with which file.
        what: String,
        /// What to do about it.
        hint: String,
    },
    /// The store cannot be read or written.
    #[error("{what}")]
    Store {
        /// What was tried, and with which file.
        what: String,
        /// Why it failed.
        #[source]
        source: anyhow::Error,
    },
}

impl LedgerError {
    /// The kind it ends a command with.
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Busy { .. }
            | Self::Unfinished { .. }
            | Self::TakenOver(_)
            | Self::LeaseOver
            | Self::NotEmpty(_) => Kind::Conflict,
            Self::NoSuchRun(_) => Kind::NotFound,
            Self::TooNew { .. } | Self::Unusable { .. } | Self::Store { .. } => Kind::Internal,
        }
    }

    /// What to do about it.
    pub fn advice(&self) -> String {
        match self {
            Self::Busy { owner, .. } => {
                let stop = format!(
                    "wait until it has ended, or stop process {} on {} and try again",
                    owner.pid, owner.host
                );
                // No look from here tells whether it still runs.
                match owner.held_for {
                    Some(time) => format!(
                        "{stop}; if it was killed, its run is free in {}",
                        duration::rough(time)
                    ),
                    None => stop,
                }
            }
            Self::Unfinished { run, .. } => {
                format!("finish it with `embedctl runs resume {run}`")
            }
            Self::NoSuchRun(_) => "`embedctl runs list` shows the runs there are".to_owned(),
            Self::LeaseOver => {
                "`embedctl runs list` shows its runs; `embedctl runs resume ID` goes on with one"
                    .to_owned()
            }
            Self::NotEmpty(_) => "copy into a new one; nothing was changed".to_owned(),
            Self::TakenOver(run) => {
                format!("`embedctl runs show {run}` shows its state and who works on it")
            }
            Self::TooNew { .. } => {
                "update embedctl, or give it another ledger with `--ledger PATH`".to_owned()
            }
            Self::Unusable { hint, .. } => hint.clone(),
            Self::Store { .. } => {
                "fix the cause, then run the same command again; what was recorded is kept"
                    .to_owned()
            }
        }
    }
}

impl From<LedgerError> for Error {
    fn from(error: LedgerError) -> Self {
        let (kind, advice) = (error.kind(), error.advice());
        Self::caused(kind, error).hint(advice)
    }
}
