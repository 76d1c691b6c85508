//! What a run did, second by second and operation by operation; as much memory for a million users as for ten.

use std::collections::BTreeMap;
use std::sync::{MutexGuard, PoisonError};
use std::time::Duration;

use crate::report::Ui;

/// The figures of a run.
#[derive(Clone, Debug, Default)]
pub(super) struct Figures {
    began: Duration,
    /// When the last user was done or failed, counted from the beginning.
    pub(super) ended: Duration,
    /// The users done and failed in each second.
    pub(super) seconds: Vec<(u32, u32)>,
    pub(super) operations: BTreeMap<&'static str, Latencies>,
    /// Why requests of an operation failed, and how often.
    pub(super) causes: BTreeMap<(String, &'static str), u64>,
}

/// How long the requests of an operation took.
#[derive(Clone, Debug, Default)]
pub(super) struct Latencies {
    /// How many took about as long as the place stands for; places are five percent apart.
    places: Vec<u64>,
    pub(super) count: u64,
}

/// How many causes are told apart: an error that is never worded twice the same must not fill the memory.
const CAUSES: usize = 200;

/// How many places there are to a factor of e.
const DENSITY: f64 = 20.0;

impl Latencies {
    fn add(&mut self, elapsed: Duration) {
        let millis = elapsed.as_secs_f64() * 1000.0;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "the logarithm of a time is small and not negative"
        )]
        let place = (millis.ln_1p() * DENSITY).round() as usize;
        if self.places.len() <= place {
            self.places.resize(place + 1, 0);
        }
        if let Some(count) = self.places.get_mut(place) {
            *count += 1;
        }
        self.count += 1;
    }

    /// What so many of a thousand took at most, in milliseconds.
    pub(super) fn permille(&self, share: u64) -> f64 {
        let wanted = (self.count * share).div_ceil(1000);
        let mut seen = 0;
        for (place, count) in (0_u32..).zip(&self.places) {
            seen += count;
            if seen >= wanted {
                return (f64::from(place) / DENSITY).exp_m1();
            }
        }
        0.0
    }
}

impl Figures {
    fn request(&mut self, operation: &'static str, elapsed: Duration, failure: Option<&str>) {
        self.operations.entry(operation).or_default().add(elapsed);
        let Some(failure) = failure else { return };
        // The cause stands beside its operation.
        let mut cause = (failure.replace(&format!("`{operation}`"), "it"), operation);
        if self.causes.len() >= CAUSES && !self.causes.contains_key(&cause) {
            "something else".clone_into(&mut cause.0);
        }
        *self.causes.entry(cause).or_default() += 1;
    }

    fn user(&mut self, failed: bool, now: Duration) {
        self.ended = now.saturating_sub(self.began);
        let second = usize::try_from(self.ended.as_secs()).unwrap_or_default();
        if self.seconds.len() <= second {
            self.seconds.resize(second + 1, (0, 0));
        }
        if let Some((done, bad)) = self.seconds.get_mut(second) {
            *done += u32::from(!failed);
            *bad += u32::from(failed);
        }
    }
}

impl Ui {
    /// Keep figures from now on.
    pub(crate) fn keep_figures(&self, now: Duration) {
        *self.figures() = Some(Figures {
            began: now,
            ..Figures::default()
        });
    }

    /// A request is over; `failure` says what was wrong with it, if anything was.
    pub(crate) fn request_over(
        &self,
        operation: &'static str,
        elapsed: Duration,
        failure: Option<&str>,
    ) {
        if let Some(figures) = &mut *self.figures() {
            figures.request(operation, elapsed, failure);
        }
    }

    pub(super) fn user_over(&self, failed: bool, now: Duration) {
        if let Some(figures) = &mut *self.figures() {
            figures.user(failed, now);
        }
    }

    pub(super) fn figures(&self) -> MutexGuard<'_, Option<Figures>> {
        let figures = self.live.figures();
        figures.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_right_to_five_percent() {
        let mut latencies = Latencies::default();
        for millis in 1..=1000 {
            latencies.add(Duration::from_millis(millis));
        }

        for (share, expected) in [(500, 500.0), (950, 950.0), (990, 990.0)] {
            let found = latencies.permille(share);
            assert!((found / expected - 1.0).abs() < 0.05, "{share}: {found}");
        }
    }
}
