//! Tells of a request that has no answer yet, once for all that wait at the same moment.

use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::system::Clock;

/// When something was last heard, from Looker or of it.
pub(super) struct Silence {
    /// How long nothing is said of it.
    after: Duration,
    /// The machine's own: a connection waits in real time, whatever the clock of the rest.
    clock: Clock,
    /// In milliseconds of that clock.
    heard: AtomicU64,
}

impl Silence {
    pub(super) fn new(after: Duration) -> Self {
        Self {
            after,
            clock: Clock::os(),
            heard: AtomicU64::new(0),
        }
    }

    /// Wait for `answer`; `tell` once if neither it nor any other answer comes for long.
    pub(super) async fn watch<T>(&self, answer: impl Future<Output = T>, tell: impl Fn()) -> T {
        let mut answer = pin!(answer);
        loop {
            tokio::select! {
                biased;
                done = &mut answer => {
                    self.heard.store(self.now(), Ordering::Relaxed);
                    return done;
                }
                () = self.clock.sleep(self.after) => {}
            }
            if self.is_time_to_tell() {
                tell();
                let done = answer.await;
                self.heard.store(self.now(), Ordering::Relaxed);
                return done;
            }
        }
    }

    /// Whether nothing was heard for long; of those that ask at the same moment, one is told yes.
    fn is_time_to_tell(&self) -> bool {
        let (last, now) = (self.heard.load(Ordering::Relaxed), self.now());
        let long = u64::try_from(self.after.as_millis()).unwrap_or(u64::MAX);
        let exchanged = |now| {
            self.heard
                .compare_exchange(last, now, Ordering::Relaxed, Ordering::Relaxed)
        };
        now.saturating_sub(last) >= long && exchanged(now).is_ok()
    }

    fn now(&self) -> u64 {
        u64::try_from(self.clock.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}
