//! What a run did, second by second and operation by operation, in constant memory however many users there are.

use std::collections::BTreeMap;
use std::sync::{MutexGuard, PoisonError};
use std::time::Duration;

use hdrhistogram::Histogram;

use crate::report::Ui;

/// The figures of a run.
#[derive(Clone, Debug, Default)]
pub(super) struct Figures {
    began: Duration,
    /// When the last user was done or failed, since the start.
    pub(super) ended: Duration,
    /// The users done and failed in each second.
    pub(super) seconds: Vec<(u32, u32)>,
    pub(super) operations: BTreeMap<&'static str, Latencies>,
    /// Why requests of an operation failed, and how often.
    pub(super) causes: BTreeMap<(String, &'static str), u64>,
}

/// How long the requests of an operation took, in microseconds, accurate to one percent.
#[derive(Clone, Debug)]
pub(super) struct Latencies(Histogram<u64>);

/// How many causes are kept apart: an error with ever-changing words must not fill the memory.
const CAUSES: usize = 200;

impl Default for Latencies {
    fn default() -> Self {
        Self(Histogram::new(2).expect("two figures are few enough"))
    }
}

impl Latencies {
    fn add(&mut self, elapsed: Duration) {
        let micros = u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX);
        // The histogram resizes itself; only a time that no request can take is out of its range.
        let _too_long = self.0.record(micros).is_err();
    }

    /// The number of requests.
    pub(super) fn count(&self) -> u64 {
        self.0.len()
    }

    /// The time within which this share of them was answered, in milliseconds.
    pub(super) fn quantile(&self, share: f64) -> f64 {
        Duration::from_micros(self.0.value_at_quantile(share)).as_secs_f64() * 1000.0
    }
}

impl Figures {
    fn request(&mut self, operation: &'static str, elapsed: Duration, failure: Option<&str>) {
        self.operations.entry(operation).or_default().add(elapsed);
        let Some(failure) = failure else { return };
        // The cause is shown next to its operation.
        let mut cause = (failure.replace(&format!("`{operation}`"), "it"), operation);
        // A message that contains an id differs for every user and would fill the memory.
        if self.causes.len() >= CAUSES && !self.causes.contains_key(&cause) {
            "something else".clone_into(&mut cause.0);
        }
        *self.causes.entry(cause).or_default() += 1;
    }

    fn user(&mut self, failed: bool, now: Duration) {
        self.ended = now.saturating_sub(self.began);
        let second = usize::try_from(self.ended.as_secs()).unwrap_or_default();
        // Seconds without a finished user must be in the chart too.
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
    /// Start collecting figures.
    pub(crate) fn keep_figures(&self, now: Duration) {
        *self.figures() = Some(Figures {
            began: now,
            ..Figures::default()
        });
    }

    /// A request ended; `failure` is its error, if any.
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

        for (share, expected) in [(0.5, 500.0), (0.95, 950.0), (0.99, 990.0)] {
            let found = latencies.quantile(share);
            assert!((found / expected - 1.0).abs() < 0.05, "{share}: {found}");
        }
    }
}
