//! The writing thread: it puts all waiting writes into one transaction, syncs once, and answers them all.

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

/// How often an owner sends a heartbeat.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// The most writes in one transaction, so that none waits long.
const BATCH: usize = 1024;

/// How long a transaction waits for the writers of the previous one. They have just been answered and come back at once if
/// they have more to write; this is far less than a sync takes.
const GATHERING: Duration = Duration::from_micros(500);

/// A queued write; it gets an error if no transaction can be started.
pub(super) type Write = Box<dyn FnOnce(Result<&mut Batch<'_>, LedgerError>) -> Reply + Send>;

/// Reports the result of a write to its caller, once the result of the whole transaction is known.
pub(super) type Reply = Box<dyn FnOnce(Result<(), LedgerError>) + Send>;

/// The thread's own state.
pub(super) struct Writer {
    connection: Connection,
    path: PathBuf,
    clock: Clock,
    me: Process,
    /// The number of writes in the last transaction.
    together: usize,
}

/// A transaction in progress.
pub(super) struct Batch<'a> {
    pub(super) db: &'a Transaction<'a>,
    pub(super) me: &'a Process,
    pub(super) now: Timestamp,
    holds: HashMap<RunId, Hold>,
    /// SQLite's error, if there was one; the whole transaction is then lost.
    failure: Option<rusqlite::Error>,
}

impl Writer {
    /// A writer for the ledger in `path`, on behalf of the process `me`.
    pub(super) fn new(connection: Connection, path: PathBuf, clock: Clock, me: Process) -> Self {
        Self {
            connection,
            path,
            clock,
            me,
            together: 1,
        }
    }

    /// Serve `queue` until no sender is left.
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
            // Checked after each write too, because a steady stream of writes never lets the wait time
            // out.
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
        // A rollback takes the holds back as well: a run taken in a lost transaction was never taken.
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
        // Many jobs share one sync to disk, which takes far longer than the writes themselves.
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
        // Answered only after the commit: a caller acts on what it has recorded.
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

    /// Extend the leases. A failure will show at the next write.
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

    /// Run one write, and note if it has broken the transaction.
    pub(super) fn attempt<T>(
        &mut self,
        work: impl FnOnce(&mut Self) -> Result<T, Fault>,
        path: &Path,
    ) -> Result<T, LedgerError> {
        work(self).map_err(|fault| {
            // A refusal wrote nothing, so the rest of the transaction is sound.
            let Fault::Sqlite(error) = fault else {
                return fault.at(path);
            };
            let told = describe(path, &error);
            self.failure = Some(error);
            told
        })
    }

    /// This process's hold on a run.
    ///
    /// No one else can write while this transaction is open, so one check of the epoch covers all of it.
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

    /// Note that this process now holds the run.
    pub(super) fn hold(&mut self, run: RunId, row: i64, epoch: i64) {
        let hold = Hold {
            row,
            epoch,
            checked: true,
        };
        self.holds.insert(run, hold);
    }

    /// Note that this process no longer holds the run.
    pub(super) fn let_go(&mut self, run: RunId) {
        self.holds.remove(&run);
    }
}
