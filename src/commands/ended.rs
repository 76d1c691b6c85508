//! How a run ended, and what other processes did of it.

use crate::error::{Error, Kind};
use crate::ledger::{LedgerError, RunId};
use crate::report::number_of;
use crate::workflow::Totals;

/// How a run ended.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ended {
    pub(crate) run: RunId,
    pub(crate) totals: Totals,
    pub(crate) others: Others,
}

/// A run that did not get to its end, and what other processes did of it until then.
#[derive(Debug)]
pub(crate) struct Stopped {
    pub(crate) error: Error,
    pub(crate) others: Others,
}

impl From<Error> for Stopped {
    fn from(error: Error) -> Self {
        let others = Others::default();
        Self { error, others }
    }
}

impl From<LedgerError> for Stopped {
    fn from(error: LedgerError) -> Self {
        Error::from(error).into()
    }
}

impl From<Stopped> for Error {
    fn from(stopped: Stopped) -> Self {
        stopped.error
    }
}

/// What other processes did of a run that they shared with this one.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Others {
    /// How many jobs they have done.
    pub(crate) done: u64,
    /// How many failed in their hands.
    pub(crate) failed: u64,
    /// How many they left open.
    pub(crate) open: u64,
}

impl Others {
    /// How many jobs ended in their hands.
    pub(crate) const fn over(&self) -> u64 {
        self.done + self.failed
    }

    /// The error for jobs that are not done, if there are any.
    pub(crate) fn error(&self, run: RunId) -> Option<Error> {
        let (what, state) = match (self.failed, self.open) {
            (0, 0) => return None,
            (0, open) => (
                format!("other processes left {} open", number_of(open, "user")),
                "open",
            ),
            (failed, _) => (
                format!("{} failed in other processes", number_of(failed, "user")),
                "failed",
            ),
        };
        Some(Error::new(Kind::Incomplete, what).hint(format!(
            "`embedctl runs show {run} --state {state}` names them; `embedctl runs resume {run}` tries them again"
        )))
    }
}
