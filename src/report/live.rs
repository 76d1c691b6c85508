//! The line at the bottom of a terminal that is rewritten, and the events it reports.

use std::io::Write as _;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::report::Ui;
use crate::report::figures::Figures;
use crate::system::Stream;

/// The line, and the figures it shows besides the work itself. Clones share it.
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

/// Moves the cursor to the start of the line, and clears it.
const CLEAR: &str = "\r\u{1b}[K";

impl Live {
    /// Write `text`, which ends with a line break, above the line.
    pub(super) fn write(&self, err: &Stream, text: &str) {
        match &*self.line() {
            // The progress line is cleared first and drawn again below the text.
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

    /// Clear the line until it is shown again.
    pub(super) fn hide(&self, err: &Stream) {
        self.aside(err, || {});
    }

    /// Clear the line, and keep it cleared while `act` writes to the same terminal.
    pub(super) fn aside<T>(&self, err: &Stream, act: impl FnOnce() -> T) -> T {
        // Locked while `act` writes, so that the ticker cannot draw in between.
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
    // Standard error may be closed; then there is no one left to tell.
    let _closed = err.write_all(text.as_bytes()).and_then(|()| err.flush());
}

impl Ui {
    /// A request is retried.
    pub(crate) fn retried(&self) {
        self.live.0.retries.fetch_add(1, Ordering::Relaxed);
    }

    /// How many retries there were so far.
    pub(super) fn retries(&self) -> u64 {
        self.live.0.retries.load(Ordering::Relaxed)
    }

    /// This many are in flight now.
    pub(crate) fn set_flying(&self, count: u64) {
        self.live.0.flying.store(count, Ordering::Relaxed);
    }

    /// How many are in flight now.
    pub(super) fn flying(&self) -> u64 {
        self.live.0.flying.load(Ordering::Relaxed)
    }

    /// Work in flight is finished, and nothing more is started.
    pub(crate) fn set_stopping(&self) {
        self.live.0.stopping.store(true, Ordering::Relaxed);
    }

    /// Whether nothing more is started.
    pub(super) fn is_stopping(&self) -> bool {
        self.live.0.stopping.load(Ordering::Relaxed)
    }
}
