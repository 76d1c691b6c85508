//! The time of day, elapsed time and sleep, from the machine or from a clock that a test controls.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};

/// A future that sleeps.
pub type Sleep = Pin<Box<dyn Future<Output = ()> + Send>>;

/// The source of time: a wall clock, a monotonic clock, and sleep.
#[derive(Clone, Debug)]
pub struct Clock(ClockSource);

#[derive(Clone, Debug)]
enum ClockSource {
    Os { start: Instant },
    Manual(Arc<ManualClock>),
}

#[derive(Debug)]
struct ManualClock {
    start: Timestamp,
    elapsed_nanos: AtomicU64,
    skew_seconds: AtomicI64,
}

impl Clock {
    /// The clock of this machine.
    pub fn os() -> Self {
        Self(ClockSource::Os {
            start: Instant::now(),
        })
    }

    /// A clock that stands at `start` and advances only when someone sleeps on it.
    pub fn manual(start: Timestamp) -> Self {
        Self(ClockSource::Manual(Arc::new(ManualClock {
            start,
            elapsed_nanos: AtomicU64::new(0),
            skew_seconds: AtomicI64::new(0),
        })))
    }

    /// The time of day.
    pub fn now(&self) -> Timestamp {
        match &self.0 {
            ClockSource::Os { .. } => Timestamp::now(),
            ClockSource::Manual(manual) => {
                let skew = SignedDuration::from_secs(manual.skew_seconds.load(Ordering::SeqCst));
                manual.start + self.elapsed() + skew
            }
        }
    }

    /// The time since the clock was created; never goes backwards.
    pub fn elapsed(&self) -> Duration {
        match &self.0 {
            ClockSource::Os { start } => start.elapsed(),
            ClockSource::Manual(manual) => {
                Duration::from_nanos(manual.elapsed_nanos.load(Ordering::SeqCst))
            }
        }
    }

    /// Sleep for `duration`; a manual clock advances at once.
    pub fn sleep(&self, duration: Duration) -> Sleep {
        match &self.0 {
            ClockSource::Os { .. } => Box::pin(tokio::time::sleep(duration)),
            ClockSource::Manual(manual) => {
                let nanos = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
                manual.elapsed_nanos.fetch_add(nanos, Ordering::SeqCst);
                // Yields, so that other tasks run as they would during a real sleep.
                Box::pin(tokio::task::yield_now())
            }
        }
    }

    /// Whether time passes on its own on this clock.
    pub const fn runs_by_itself(&self) -> bool {
        matches!(self.0, ClockSource::Os { .. })
    }

    /// Set the wall time of a manual clock off by `seconds`; has no effect on the machine's clock.
    pub fn skew(&self, seconds: i64) {
        if let ClockSource::Manual(manual) = &self.0 {
            manual.skew_seconds.store(seconds, Ordering::SeqCst);
        }
    }
}
