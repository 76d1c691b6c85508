//! The line at the bottom of a terminal that is written anew, and what the parts of a run tell it.

use std::io::Write as _;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::report::Ui;
use crate::report::figures::Figures;
use crate::system::Stream;

/// The line, and what it tells besides the work itself. Clones share it.
#[derive(Clone, Debug, Default)]
pub(super) struct Live(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    line: Mutex<Option<String>>,
    retries: AtomicU64,
    flying: AtomicU64,
    stopping: AtomicBool,
    figures: Mutex<Option<Figures>>,
}

/// Takes the cursor to the start of the line, and clears it.
const CLEAR: &str = "\r\u{1b}[K";

impl Live {
    /// Write `text`, which ends with a line break, above the line.
    pub(super) fn write(&self, err: &Stream, text: &str) {
        match &*self.line() {
            Some(line) => write(err, &format!("{CLEAR}{text}{line}")),
            None => write(err, text),
        }
    }

    /// Show the line.
    pub(super) fn show(&self, err: &Stream, text: String) {
        let mut line = self.line();
        write(err, &format!("{CLEAR}{text}"));
        *line = Some(text);
    }

    /// Take the line away until it is shown anew.
    pub(super) fn hide(&self, err: &Stream) {
        self.aside(err, || {});
    }

    /// Take the line away, and keep it away while `act` writes to the same terminal.
    pub(super) fn aside<T>(&self, err: &Stream, act: impl FnOnce() -> T) -> T {
        let mut line = self.line();
        if line.take().is_some() {
            write(err, CLEAR);
        }
        act()
    }

    pub(super) fn figures(&self) -> &Mutex<Option<Figures>> {
        &self.0.figures
    }

    fn line(&self) -> MutexGuard<'_, Option<String>> {
        self.0.line.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn write(err: &Stream, text: &str) {
    let mut err = err.clone();
    // Standard error may be closed; there is nobody left to tell.
    let _closed = err.write_all(text.as_bytes()).and_then(|()| err.flush());
}

impl Ui {
    /// A request is made again.
    pub(crate) fn retried(&self) {
        self.live.0.retries.fetch_add(1, Ordering::Relaxed);
    }

    /// How many requests were made again so far.
    pub(super) fn retries(&self) -> u64 {
        self.live.0.retries.load(Ordering::Relaxed)
    }

    /// So many are worked on now.
    pub(crate) fn set_flying(&self, count: u64) {
        self.live.0.flying.store(count, Ordering::Relaxed);
    }

    /// How many are worked on now.
    pub(super) fn flying(&self) -> u64 {
        self.live.0.flying.load(Ordering::Relaxed)
    }

    /// What is worked on is finished, and no more is begun.
    pub(crate) fn set_stopping(&self) {
        self.live.0.stopping.store(true, Ordering::Relaxed);
    }

    /// Whether no more is begun.
    pub(super) fn is_stopping(&self) -> bool {
        self.live.0.stopping.load(Ordering::Relaxed)
    }
}
