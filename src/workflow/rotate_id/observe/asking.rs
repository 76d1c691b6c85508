//! Sends the questions to Looker, bounded in number, and reports progress.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use crate::looker::LookerError;
use crate::workflow::rotate_id::observe::Viewpoint;

/// How many questions there are, as far as is known, and how many were answered.
#[derive(Debug, Default)]
pub(super) struct Asked {
    expected: AtomicUsize,
    answered: AtomicUsize,
}

impl Viewpoint {
    /// Ask Looker something that is safe to ask twice, once a permit is free.
    pub(super) async fn ask<T, F>(&self, question: impl Fn() -> F) -> Result<T, LookerError>
    where
        F: Future<Output = Result<T, LookerError>>,
    {
        self.expect(1);
        self.ask_expected(question).await
    }

    /// The same for a question that was [expected](Self::expect) before.
    pub(super) async fn ask_expected<T, F>(
        &self,
        question: impl Fn() -> F,
    ) -> Result<T, LookerError>
    where
        F: Future<Output = Result<T, LookerError>>,
    {
        // An error would mean that the semaphore is closed, which never happens.
        let turn = self.turns.acquire().await;
        let answer = self.admin.http().persist(question).await;
        drop(turn);
        self.answered();
        answer
    }

    /// Announce this many more questions.
    pub(super) fn expect(&self, count: usize) {
        self.asked.expected.fetch_add(count, Relaxed);
        self.tell();
    }

    /// One question is answered, or no longer needed.
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
