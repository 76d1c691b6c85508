//! Counts the answers that say: too many requests.

use std::sync::atomic::{AtomicU32, Ordering};

use crate::commands::session::UiTrace;
use crate::looker::{Exchange, Trace, Waiting};
use crate::report::Ui;

/// Reports each exchange as other commands do, and counts.
#[derive(Debug)]
pub(super) struct Watch {
    shown: UiTrace,
    throttled: AtomicU32,
}

impl Watch {
    pub(super) fn new(ui: &Ui) -> Self {
        Self {
            shown: UiTrace(ui.clone()),
            throttled: AtomicU32::new(0),
        }
    }

    /// How many answers were 429.
    pub(super) fn throttled(&self) -> u32 {
        self.throttled.load(Ordering::Relaxed)
    }
}

impl Trace for Watch {
    fn wants_headers(&self) -> bool {
        self.shown.wants_headers()
    }

    fn waiting(&self, waiting: &Waiting) {
        self.shown.waiting(waiting);
    }

    fn exchange(&self, exchange: &Exchange) {
        if exchange.status == Some(429) {
            self.throttled.fetch_add(1, Ordering::Relaxed);
        }
        self.shown.exchange(exchange);
    }
}
