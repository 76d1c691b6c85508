//! The thread that writes: what is waiting goes into one transaction, which is synced once before all are answered.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::{Connection, Transaction, TransactionBehavior};

use crate::ledger::sqlite::fault::{Fault, describe};
use crate::ledger::sqlite::hold::{self, Hold, LEASE};
use crate::ledger::sqlite::owner::Process;
use crate::ledger::sqlite::permits;
use crate::ledger::{LedgerError, RunId};
use crate::system::Clock;

/// How often an owner gives a sign of life.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// How many writes one transaction takes at most, so that none waits long.
const BATCH: usize = 1024;

/// How long a transaction waits for those who wrote with the last one. They have been answered only just now, and come
/// again at once where they have more to write; far less than a sync takes.
const GATHERING: Duration = Duration::from_micros(500);

/// A write that waits for its turn; it is told where no transaction can be had.
pub(super) type Write = Box<dyn FnOnce(Result<&mut Batch<'_>, LedgerError>) -> Reply + Send>;

/// Tells whoever waits for a write how it went, once it is known how the whole transaction went.
pub(super) type Reply = Box<dyn FnOnce(Result<(), LedgerError>) + Send>;

/// The thread's own state.
pub(super) struct Writer {
    connection: Connection,
    path: PathBuf,
    clock: Clock,
    me: Process,
    /// How many writes went into the last transaction.
    together: usize,
}

/// One transaction under way.
pub(super) struct Batch<'a> {
    pub(super) db: &'a Transaction<'a>,
    pub(super) me: &'a Process,
    pub(super) now: Timestamp,
    holds: HashMap<RunId, Hold>,
    /// What SQLite said when it failed; the whole transaction is lost then.
    failure: Option<rusqlite::Error>,
}

impl Writer {
    /// A writer to the ledger in `path`, on behalf of the process `me`.
    pub(super) fn new(connection: Connection, path: PathBuf, clock: Clock, me: Process) -> Self {
        Self {
            connection,
            path,
            clock,
            me,
            together: 1,
        }
    }

    /// Serve `queue` until nobody can write to it any more.
    pub(super) fn serve(mut self, queue: &Receiver<Write>) {
        let mut holds = HashMap::new();
        let mut renewed = self.clock.elapsed();
        loop {
            let next = queue.recv_timeout(HEARTBEAT);
            let now = self.clock.elapsed();
            match next {
                Ok(first) => holds = self.write_together(first, queue, holds),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            if now.saturating_sub(renewed) >= HEARTBEAT {
                renewed = now;
                self.give_sign_of_life(&holds);
            }
        }
        self.release_all(&holds);
    }

    fn write_together(
        &mut self,
        first: Write,
        queue: &Receiver<Write>,
        holds: HashMap<RunId, Hold>,
    ) -> HashMap<RunId, Hold> {
        let before = holds.clone();
        let now = self.clock.now();
        let behavior = TransactionBehavior::Immediate;
        let transaction = match self.connection.transaction_with_behavior(behavior) {
            Ok(transaction) => transaction,
            Err(error) => {
                first(Err(describe(&self.path, &error)))(Ok(()));
                return before;
            }
        };
        let mut batch = Batch::new(&transaction, &self.me, now, holds);
        let mut replies = vec![first(Ok(&mut batch))];
        while replies.len() < BATCH && batch.failure.is_none() {
            let patience = if replies.len() < self.together {
                GATHERING
            } else {
                Duration::ZERO
            };
            let Ok(next) = queue.recv_timeout(patience) else {
                break;
            };
            replies.push(next(Ok(&mut batch)));
        }
        self.together = replies.len();
        let Batch { holds, failure, .. } = batch;
        let committed = match failure {
            None => transaction.commit(),
            Some(error) => Err(error),
        };
        for reply in replies {
            let committed = committed.as_ref();
            reply(
                committed
                    .copied()
                    .map_err(|error| describe(&self.path, error)),
            );
        }
        committed.map_or(before, |()| holds)
    }

    /// Put off the end of the leases. A failure is left to the next write to tell.
    fn give_sign_of_life(&mut self, holds: &HashMap<RunId, Hold>) {
        let until = self.clock.now() + LEASE;
        for hold in holds.values() {
            let _unheard = hold::renew(&self.connection, *hold, until).is_err();
        }
        let _unheard = permits::renew(&self.connection, &self.me, until).is_err();
    }

    fn release_all(&mut self, holds: &HashMap<RunId, Hold>) {
        for hold in holds.values() {
            let _unheard = hold::leave(&self.connection, *hold).is_err();
        }
    }
}

impl<'a> Batch<'a> {
    fn new(
        db: &'a Transaction<'a>,
        me: &'a Process,
        now: Timestamp,
        mut holds: HashMap<RunId, Hold>,
    ) -> Self {
        for hold in holds.values_mut() {
            hold.checked = false;
        }
        Self {
            db,
            me,
            now,
            holds,
            failure: None,
        }
    }

    /// Do one write, and note whether it has spoilt the transaction.
    pub(super) fn attempt<T>(
        &mut self,
        work: impl FnOnce(&mut Self) -> Result<T, Fault>,
        path: &Path,
    ) -> Result<T, LedgerError> {
        work(self).map_err(|fault| {
            let Fault::Sqlite(error) = fault else {
                return fault.at(path);
            };
            let told = describe(path, &error);
            self.failure = Some(error);
            told
        })
    }

    /// The row of a run that this process holds.
    ///
    /// Nobody else can write while this transaction is open, so that one look at the epoch serves all of it.
    pub(super) fn held(&mut self, run: RunId) -> Result<Hold, Fault> {
        let Some(hold) = self.holds.get_mut(&run) else {
            let known = hold::row(self.db, run)?.is_some();
            let taken = if known {
                LedgerError::TakenOver
            } else {
                LedgerError::NoSuchRun
            };
            return Err(taken(run).into());
        };
        if !hold.checked {
            if hold::epoch(self.db, hold.row)? != hold.epoch {
                self.holds.remove(&run);
                return Err(LedgerError::TakenOver(run).into());
            }
            hold.checked = true;
        }
        Ok(*hold)
    }

    /// Whether this process holds the run.
    pub(super) fn holds(&mut self, run: RunId) -> bool {
        self.holds.contains_key(&run) && self.held(run).is_ok()
    }

    /// From now on this process holds the run.
    pub(super) fn hold(&mut self, run: RunId, row: i64, epoch: i64) {
        let hold = Hold {
            row,
            epoch,
            checked: true,
        };
        self.holds.insert(run, hold);
    }

    /// This process no longer holds the run.
    pub(super) fn let_go(&mut self, run: RunId) {
        self.holds.remove(&run);
    }
}
