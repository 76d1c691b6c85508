//! The rate limit, shared by all identities: at most `--rps`, slower after a 429, and gradually faster again.
//!
//! Processes that work on a run together keep to `--rps` together.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use crate::system::{Clock, Turns};

/// The gap between calls that the first 429 sets if no `--rps` is given: 50 calls a second.
const FIRST_GAP: Duration = Duration::from_millis(20);

/// The longest gap between two calls.
const LONGEST_GAP: Duration = Duration::from_secs(2);

/// How long a 429 without `Retry-After` holds all calls back.
const SHORTEST_HOLD: Duration = Duration::from_millis(100);

/// How much time the turns cover that are taken together from those that processes share: what is not used is lost.
const BLOCK: Duration = Duration::from_millis(250);

/// When the next call may start.
#[derive(Debug)]
pub(crate) struct Pace {
    shared: OnceLock<Arc<dyn Turns>>,
    /// The turns taken from those that processes share.
    block: tokio::sync::Mutex<Block>,
    /// How many calls wait for their turn.
    waiting: AtomicU32,
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

/// Turns that are this process's alone.
#[derive(Debug, Default)]
struct Block {
    left: u32,
    /// When the next of them is.
    next: Duration,
    /// When they are no longer worth anything.
    ends: Duration,
}

impl Pace {
    pub(crate) fn new(rps: Option<f64>) -> Self {
        let configured = rps
            .filter(|rps| *rps > 0.0)
            .and_then(|rps| Duration::try_from_secs_f64(1.0 / rps).ok())
            .unwrap_or_default();
        Self {
            shared: OnceLock::new(),
            block: tokio::sync::Mutex::default(),
            waiting: AtomicU32::new(0),
            configured,
            state: Mutex::new(State {
                gap: configured,
                next: Duration::ZERO,
                held: Duration::ZERO,
            }),
        }
    }

    /// From now on take turns from `turns`, if there is a rate to keep to, and tell it of each call; `made` were made before.
    pub(crate) fn share(&self, turns: Arc<dyn Turns>, made: u64) {
        let shared = self.shared.set(turns).is_ok();
        if let Some(turns) = self.shared.get().filter(|_| shared) {
            turns.made(made);
        }
    }

    /// A call is being made.
    pub(crate) fn made(&self) {
        if let Some(turns) = self.shared.get() {
            turns.made(1);
        }
    }

    /// Let no call start for `time`.
    pub(crate) fn hold(&self, time: Duration, clock: &Clock) {
        let until = clock.elapsed() + time;
        let mut state = self.state();
        state.held = state.held.max(until);
        state.next = state.next.max(until);
    }

    /// Wait until this call may start.
    pub(crate) async fn turn(&self, clock: &Clock) {
        if let Some(turns) = self.shared.get().filter(|_| !self.configured.is_zero()) {
            self.waiting.fetch_add(1, Ordering::Relaxed);
            let start = self.shared_turn(&**turns, clock).await;
            self.waiting.fetch_sub(1, Ordering::Relaxed);
            clock.sleep(start.saturating_sub(clock.elapsed())).await;
        }
        // After a 429 this process is slower than its share.
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

    /// When the next of the turns is that processes share.
    async fn shared_turn(&self, turns: &dyn Turns, clock: &Clock) -> Duration {
        let gap = self.configured;
        let mut block = self.block.lock().await;
        let now = clock.elapsed();
        if block.left == 0 || block.ends < now {
            let fits = BLOCK.as_nanos() / gap.as_nanos().max(1);
            let most = u32::try_from(fits).unwrap_or(u32::MAX).max(1);
            let count = self.waiting.load(Ordering::Relaxed).clamp(1, most);
            let Some(wait) = turns.take(count, gap).await else {
                return now;
            };
            let next = clock.elapsed() + wait;
            *block = Block {
                left: count,
                next,
                ends: next + gap * count + BLOCK,
            };
        }
        block.left -= 1;
        let start = block.next.max(clock.elapsed());
        block.next = start + gap;
        start
    }

    /// An answer came. A 429 holds all calls back for as long as it asks and doubles the gap; any other answer shrinks the
    /// gap a little, down to the configured one.
    pub(crate) fn answered(&self, throttled: Option<Duration>, clock: &Clock) {
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
        drop(state);
        if let Some(turns) = self.shared.get() {
            turns.hold(wait);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};
    use std::time::Duration;

    use jiff::Timestamp;

    use super::Pace;
    use crate::system::{Clock, Later, Turns};

    #[tokio::test]
    async fn calls_are_spaced_by_the_configured_rate() {
        let clock = Clock::manual(Timestamp::UNIX_EPOCH);
        let pace = Pace::new(Some(4.0));

        for _ in 0..5 {
            pace.turn(&clock).await;
        }

        assert_eq!(clock.elapsed(), Duration::from_secs(1));
    }

    /// Turns that another process has taken up to some time.
    #[derive(Debug)]
    struct Busy {
        wait: Option<Duration>,
        asked: Mutex<Vec<u32>>,
    }

    impl Turns for Busy {
        fn take(&self, count: u32, _gap: Duration) -> Later<'_> {
            self.asked.lock().unwrap().push(count);
            Box::pin(async { self.wait })
        }

        fn hold(&self, _time: Duration) {}

        fn made(&self, _calls: u64) {}
    }

    async fn ten_calls(wait: Option<Duration>) -> (Duration, Vec<u32>) {
        let clock = Clock::manual(Timestamp::UNIX_EPOCH);
        let pace = Pace::new(Some(20.0));
        let turns = Arc::new(Busy {
            wait,
            asked: Mutex::default(),
        });
        pace.share(Arc::<Busy>::clone(&turns), 0);
        for _ in 0..10 {
            pace.turn(&clock).await;
        }
        let asked = turns.asked.lock().unwrap().clone();
        (clock.elapsed(), asked)
    }

    #[tokio::test]
    async fn shared_turns_are_taken_before_each_call_and_waited_for() {
        let (took, asked) = ten_calls(Some(Duration::from_millis(300))).await;

        assert_eq!(asked, [1; 10], "one call waits at a time");
        assert!(took >= Duration::from_secs(3), "{took:?}");
    }

    #[tokio::test]
    async fn where_turns_cannot_be_shared_the_own_rate_is_kept() {
        let (took, _) = ten_calls(None).await;

        assert_eq!(took, Duration::from_millis(450));
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
