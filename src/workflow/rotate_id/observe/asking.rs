//! Asks Looker one thing after another as they come to their turn, and tells how far that is.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use crate::looker::LookerError;
use crate::workflow::persist::persist;
use crate::workflow::rotate_id::observe::Viewpoint;

/// How much there is to ask, as far as is known, and how much of it was answered.
#[derive(Debug, Default)]
pub(super) struct Asked {
    expected: AtomicUsize,
    answered: AtomicUsize,
}

impl Viewpoint {
    /// Ask Looker something that may be asked twice, once it is its turn.
    pub(super) async fn ask<T, F>(&self, question: impl Fn() -> F) -> Result<T, LookerError>
    where
        F: Future<Output = Result<T, LookerError>>,
    {
        self.expect(1);
        self.ask_expected(question).await
    }

    /// The same of what was [expected](Self::expect) before.
    pub(super) async fn ask_expected<T, F>(
        &self,
        question: impl Fn() -> F,
    ) -> Result<T, LookerError>
    where
        F: Future<Output = Result<T, LookerError>>,
    {
        // It is never closed.
        let turn = self.turns.acquire().await;
        let answer = persist(question).await;
        drop(turn);
        self.answered();
        answer
    }

    /// So much more is to be asked.
    pub(super) fn expect(&self, count: usize) {
        self.asked.expected.fetch_add(count, Relaxed);
        self.tell();
    }

    /// One question is answered, or needs not be asked any more.
    pub(super) fn answered(&self) {
        self.asked.answered.fetch_add(1, Relaxed);
        self.tell();
    }

    fn tell(&self) {
        let Asked { expected, answered } = &*self.asked;
        let answered = answered.load(Relaxed);
        self.observer
            .progress("lookups", answered, expected.load(Relaxed));
    }
}
