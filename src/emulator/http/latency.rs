//! How long an answer takes: its latency, and the line where only so many requests are served at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::system::Clock;

/// How late a timer may be that is in order: timers count in milliseconds, and are rounded up.
const GRAIN: Duration = Duration::from_millis(2);

/// Keeps answers to their latency, in the mean.
#[derive(Debug, Default)]
pub(crate) struct Punctual {
    /// By how many nanoseconds answers were late without being compensated by later ones.
    late: AtomicU64,
}

impl Punctual {
    /// Wait until `latency` has passed since `began`. A timer is late by a millisecond or so; a later answer is as much
    /// earlier, so that the mean is right. What a busy machine adds to that is not made good.
    pub(crate) async fn wait(&self, clock: &Clock, began: Duration, latency: Duration) {
        // Timers fire late; the delay of earlier waits is taken off this one, so that the mean is
        // right.
        let until = began + latency - self.make_good(latency);
        let left = until.saturating_sub(clock.elapsed());
        if left.is_zero() {
            return;
        }
        clock.sleep(left).await;
        let late = clock.elapsed().saturating_sub(until).min(GRAIN);
        self.late.fetch_add(nanos(late), Ordering::Relaxed);
    }

    /// How much earlier than its latency an answer may come.
    fn make_good(&self, latency: Duration) -> Duration {
        let most = nanos(GRAIN.min(latency));
        // Taken off in parts, so that one very late timer does not make many waits too short.
        let rest = |late: u64| Some(late.saturating_sub(most));
        let order = Ordering::Relaxed;
        let late = self.late.fetch_update(order, order, rest);
        Duration::from_nanos(late.unwrap_or_else(|late| late).min(most))
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// The queue of requests; without one, all are served at once.
#[derive(Clone, Debug)]
pub(crate) struct Line(Option<Arc<Semaphore>>);

impl Line {
    /// A line in which `capacity` requests are served at once; `None` or 0 is any number.
    pub(crate) fn new(capacity: Option<usize>) -> Self {
        // 0 would serve nothing.
        let capacity = capacity.filter(|capacity| *capacity > 0);
        let places = capacity.map(|capacity| capacity.min(Semaphore::MAX_PERMITS));
        Self(places.map(|places| Arc::new(Semaphore::new(places))))
    }

    /// Wait for a permit, held as long as the returned value lives; `None` if there is no queue.
    pub(crate) async fn place(self) -> Option<OwnedSemaphorePermit> {
        let place = self.0?.acquire_owned().await;
        Some(place.expect("a line is never closed"))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use jiff::Timestamp;

    use super::Punctual;
    use crate::system::Clock;

    #[tokio::test]
    async fn what_was_late_is_made_good_by_a_later_answer() {
        let clock = Clock::manual(Timestamp::UNIX_EPOCH);
        let punctual = Punctual::default();
        punctual
            .late
            .store(2_500_000, std::sync::atomic::Ordering::Relaxed);

        let mut took = Vec::new();
        for _ in 0..3 {
            let began = clock.elapsed();
            punctual
                .wait(&clock, began, Duration::from_millis(25))
                .await;
            took.push((clock.elapsed() - began).as_micros());
        }

        assert_eq!(took, [23_000, 24_500, 25_000]);
    }

    #[tokio::test]
    async fn the_time_that_has_passed_already_counts() {
        let clock = Clock::manual(Timestamp::UNIX_EPOCH);
        let punctual = Punctual::default();
        let began = clock.elapsed();
        clock.sleep(Duration::from_millis(10)).await;

        punctual
            .wait(&clock, began, Duration::from_millis(25))
            .await;

        assert_eq!(clock.elapsed(), Duration::from_millis(25));
    }
}
