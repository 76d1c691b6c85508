//! The rate limit, shared by all identities: at most `--rps`, slower after a 429, and gradually faster again.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::system::Clock;

/// The gap between calls that the first 429 sets if no `--rps` is given: 50 calls a second.
const FIRST_GAP: Duration = Duration::from_millis(20);

/// The longest gap between two calls.
const LONGEST_GAP: Duration = Duration::from_secs(2);

/// How long a 429 without `Retry-After` holds all calls back.
const SHORTEST_HOLD: Duration = Duration::from_millis(100);

/// When the next call may start.
#[derive(Debug)]
pub(super) struct Pace {
    /// The gap that `--rps` asks for.
    configured: Duration,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    gap: Duration,
    next: Duration,
    /// Until when Looker asked callers to wait.
    held: Duration,
}

impl Pace {
    pub(super) fn new(rps: Option<f64>) -> Self {
        let configured = rps
            .filter(|rps| *rps > 0.0)
            .and_then(|rps| Duration::try_from_secs_f64(1.0 / rps).ok())
            .unwrap_or_default();
        Self {
            configured,
            state: Mutex::new(State {
                gap: configured,
                next: Duration::ZERO,
                held: Duration::ZERO,
            }),
        }
    }

    /// Wait until this call may start.
    pub(super) async fn turn(&self, clock: &Clock) {
        let wait = {
            let now = clock.elapsed();
            let mut state = self.state();
            let start = state.next.max(now);
            state.next = start + state.gap;
            start.saturating_sub(now)
        };
        if !wait.is_zero() {
            clock.sleep(wait).await;
        }
    }

    /// An answer came. A 429 holds all calls back for as long as it asks and doubles the gap; any other answer shrinks the
    /// gap a little, down to the configured one.
    pub(super) fn answered(&self, throttled: Option<Duration>, clock: &Clock) {
        let now = clock.elapsed();
        let mut state = self.state();
        let Some(wait) = throttled else {
            let closer = state.gap * 19 / 20;
            // Below a millisecond the gap no longer matters; dropping it spares every call a sleep.
            let matters = closer > self.configured + Duration::from_millis(1);
            state.gap = if matters { closer } else { self.configured };
            return;
        };
        // Calls in flight together are throttled together: that is one signal, not ten.
        if now >= state.held {
            state.gap = (state.gap * 2).clamp(FIRST_GAP, LONGEST_GAP.max(self.configured));
        }
        state.held = state.held.max(now + wait.max(SHORTEST_HOLD));
        state.next = state.next.max(state.held);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use jiff::Timestamp;

    use super::Pace;
    use crate::system::Clock;

    #[tokio::test]
    async fn calls_are_spaced_by_the_configured_rate() {
        let clock = Clock::manual(Timestamp::UNIX_EPOCH);
        let pace = Pace::new(Some(4.0));

        for _ in 0..5 {
            pace.turn(&clock).await;
        }

        assert_eq!(clock.elapsed(), Duration::from_secs(1));
    }

    #[tokio::test]
    async fn without_a_rate_nobody_waits() {
        let clock = Clock::manual(Timestamp::UNIX_EPOCH);
        let pace = Pace::new(None);

        for _ in 0..100 {
            pace.turn(&clock).await;
        }

        assert_eq!(clock.elapsed(), Duration::ZERO);
    }

    #[tokio::test]
    async fn slows_down_when_throttled_and_speeds_up_again() {
        let clock = Clock::manual(Timestamp::UNIX_EPOCH);
        let pace = Pace::new(None);

        pace.answered(Some(Duration::from_secs(3)), &clock);
        pace.turn(&clock).await;
        assert_eq!(clock.elapsed(), Duration::from_secs(3));
        pace.turn(&clock).await;
        assert_eq!(clock.elapsed(), Duration::from_millis(3020));

        for _ in 0..100 {
            pace.answered(None, &clock);
        }
        pace.turn(&clock).await;
        let at = clock.elapsed();
        pace.turn(&clock).await;
        assert_eq!(clock.elapsed(), at);
    }
}
