//! How many calls are in flight at once: as many as are allowed, and fewer while more of them would only wait at Looker.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};

use crate::system::Clock;

/// How many answers of one operation a verdict is founded on.
const ANSWERS: usize = 16;

/// A rise in latency that means nothing, as a busy machine brings it about.
const NOISE: Duration = Duration::from_millis(50);

/// The places of the calls in flight.
///
/// The median latency of an operation is compared with the lowest it has had. Where it is more than double that, half
/// of the calls in flight do nothing but wait, so there need be only half as many; once it is not, there are more
/// again, an eighth at a time. Where half as many calls take as long as before, it was not for their number, and that
/// is how long the operation takes from then on.
#[derive(Debug)]
pub(super) struct Width {
    /// The most calls that may be in flight.
    most: usize,
    free: Semaphore,
    state: Mutex<State>,
}

/// The place of a call in flight.
#[derive(Debug)]
pub(super) struct Place<'a> {
    width: &'a Width,
    permit: Option<SemaphorePermit<'a>>,
}

#[derive(Debug)]
struct State {
    /// How many calls may be in flight now.
    limit: usize,
    /// How many places more than that are taken, which go when they become free.
    surplus: usize,
    /// What began before then says nothing of the limit there is now.
    since: Duration,
    operations: HashMap<&'static str, Operation>,
}

/// What is known of the latency of an operation.
#[derive(Debug)]
struct Operation {
    /// The lowest median there has been; `None` before the first.
    lowest: Option<Duration>,
    /// The latest answers, up to [`ANSWERS`] of them.
    latest: Vec<Duration>,
    sign: Sign,
    /// What began before then says nothing of whether the sign was a chance.
    since: Duration,
}

/// What the last median said.
#[derive(Clone, Copy, Debug)]
enum Sign {
    Normal,
    /// It had risen, which may be chance.
    Risen,
    /// It had risen again, to this, and the limit was halved.
    Halved(Duration),
}

/// What is to be done about the limit.
#[derive(Clone, Copy, Debug)]
enum Verdict {
    More,
    Wait,
    Half,
}

impl Width {
    pub(super) fn new(most: usize) -> Self {
        let most = most.clamp(1, Semaphore::MAX_PERMITS);
        Self {
            most,
            free: Semaphore::new(most),
            state: Mutex::new(State {
                limit: most,
                surplus: 0,
                since: Duration::ZERO,
                operations: HashMap::new(),
            }),
        }
    }

    /// How many calls may be in flight now.
    pub(super) fn limit(&self) -> usize {
        self.state().limit
    }

    /// Wait for a place; those who ask first get one first.
    pub(super) async fn place(&self) -> Place<'_> {
        let permit = self.free.acquire().await;
        Place {
            width: self,
            permit: Some(permit.expect("places are never closed")),
        }
    }

    /// A call of `operation` that began at `began` has been answered.
    pub(super) fn answered(&self, operation: &'static str, began: Duration, clock: &Clock) {
        let now = clock.elapsed();
        let mut state = self.state();
        if began < state.since {
            return;
        }
        let known = state.operations.entry(operation).or_default();
        if began < known.since {
            return;
        }
        known.latest.push(now.saturating_sub(began));
        if known.latest.len() < ANSWERS {
            return;
        }
        match known.judge(now) {
            Verdict::Wait => {}
            Verdict::More => {
                let more = state.limit + (state.limit / 8).max(1);
                self.set(&mut state, more);
            }
            Verdict::Half => {
                let half = state.limit / 2;
                self.set(&mut state, half);
                state.begin_anew(now);
            }
        }
    }

    /// Let as many calls be in flight from now on.
    fn set(&self, state: &mut State, limit: usize) {
        let limit = limit.clamp(1, self.most);
        let fewer = state.limit.saturating_sub(limit);
        state.surplus += fewer - self.free.forget_permits(fewer);
        let more = limit.saturating_sub(state.limit);
        let kept = more.min(state.surplus);
        state.surplus -= kept;
        self.free.add_permits(more - kept);
        state.limit = limit;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut state = self.width.state();
        if state.surplus > 0 {
            state.surplus -= 1;
            if let Some(permit) = self.permit.take() {
                permit.forget();
            }
        }
    }
}

impl State {
    /// What is still in flight was sent under another limit.
    fn begin_anew(&mut self, now: Duration) {
        self.since = now;
        for known in self.operations.values_mut() {
            known.latest.clear();
        }
    }
}

impl Default for Operation {
    fn default() -> Self {
        Self {
            lowest: None,
            latest: Vec::with_capacity(ANSWERS),
            sign: Sign::Normal,
            since: Duration::ZERO,
        }
    }
}

impl Operation {
    /// Say what the latest answers mean, and begin with the next ones.
    fn judge(&mut self, now: Duration) -> Verdict {
        let (fastest, median) = self.take_latest();
        // Of the first answers, all but the fastest may have waited for others already.
        let lowest = self.lowest.map_or(fastest, |lowest| lowest.min(median));
        self.lowest = Some(lowest);
        if median <= lowest * 2 || median <= lowest + NOISE {
            self.sign = Sign::Normal;
            return Verdict::More;
        }
        match self.sign {
            Sign::Normal => {
                self.sign = Sign::Risen;
                self.since = now;
                Verdict::Wait
            }
            // Calls that wait for each other take half as long when they are half as many.
            Sign::Halved(before) if median > before * 3 / 4 => {
                self.sign = Sign::Normal;
                self.lowest = Some(median);
                Verdict::More
            }
            Sign::Risen | Sign::Halved(_) => {
                self.sign = Sign::Halved(median);
                Verdict::Half
            }
        }
    }

    /// The fastest of the latest answers, and their median.
    fn take_latest(&mut self) -> (Duration, Duration) {
        self.latest.sort_unstable();
        let fastest = self.latest.first().copied().unwrap_or_default();
        let median = self.latest.get((ANSWERS - 1) / 2).copied();
        self.latest.clear();
        (fastest, median.unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::time::Duration;

    use jiff::Timestamp;

    use super::{Place, Width};
    use crate::system::Clock;

    /// A Looker that takes `latency` milliseconds for a call, of which it serves the oldest `capacity` at once, and a
    /// client that has as many in flight as it may.
    struct Looker {
        clock: Clock,
        capacity: usize,
        latency: u64,
    }

    impl Looker {
        fn new() -> Self {
            Self {
                clock: Clock::manual(Timestamp::UNIX_EPOCH),
                capacity: usize::MAX,
                latency: 25,
            }
        }

        /// Let the latency pass so many times; gives the limit after each time.
        async fn serve<'a>(
            &self,
            width: &'a Width,
            flying: &mut VecDeque<(Duration, Place<'a>)>,
            times: usize,
        ) -> Vec<usize> {
            let mut limits = Vec::new();
            for _ in 0..times {
                while flying.len() < width.limit() {
                    let place = width.place().await;
                    flying.push_back((self.clock.elapsed(), place));
                }
                self.clock.sleep(Duration::from_millis(self.latency)).await;
                for (began, place) in flying.drain(..self.capacity.min(flying.len())) {
                    width.answered("me", began, &self.clock);
                    drop(place);
                }
                limits.push(width.limit());
            }
            limits
        }
    }

    #[tokio::test]
    async fn at_a_steady_latency_all_places_are_used() {
        for latency in [0, 25, 200, 5_000] {
            let looker = Looker {
                latency,
                ..Looker::new()
            };
            let (width, mut flying) = (Width::new(64), VecDeque::new());

            assert_eq!(looker.serve(&width, &mut flying, 20).await, [64; 20]);
        }
    }

    #[tokio::test]
    async fn a_latency_that_rises_with_the_calls_in_flight_leaves_as_many_as_are_served() {
        for capacity in [4, 8, 12] {
            let looker = Looker {
                capacity,
                ..Looker::new()
            };
            let (width, mut flying) = (Width::new(64), VecDeque::new());

            let limits = looker.serve(&width, &mut flying, 400).await;

            let settled = limits.iter().skip(50);
            let fits = |limit: &usize| (capacity..=6 * capacity).contains(limit);
            assert!(settled.into_iter().all(fits), "{capacity}: {limits:?}");
        }
    }

    #[tokio::test]
    async fn the_places_come_back_when_the_latency_does() {
        let mut looker = Looker::new();
        let (width, mut flying) = (Width::new(64), VecDeque::new());
        looker.serve(&width, &mut flying, 5).await;
        looker.capacity = 8;
        let slow = looker.serve(&width, &mut flying, 100).await;
        looker.capacity = usize::MAX;

        let limits = looker.serve(&width, &mut flying, 40).await;

        assert!(slow.last() < Some(&48), "{slow:?}");
        assert_eq!(limits.last(), Some(&64));
    }

    #[tokio::test]
    async fn a_latency_that_stays_high_with_half_the_calls_is_taken_as_it_is() {
        let mut looker = Looker::new();
        let (width, mut flying) = (Width::new(64), VecDeque::new());
        looker.serve(&width, &mut flying, 2).await;
        looker.latency = 250;

        let limits = looker.serve(&width, &mut flying, 40).await;

        assert!(limits.iter().all(|limit| *limit >= 32), "{limits:?}");
        assert_eq!(limits.last(), Some(&64));
    }

    #[tokio::test]
    async fn a_single_stall_and_a_rise_that_is_small_change_nothing() {
        let mut looker = Looker::new();
        let (width, mut flying) = (Width::new(64), VecDeque::new());
        for latency in [2, 45, 2, 1_000, 2, 50, 50, 2] {
            looker.latency = latency;
            let limits = looker.serve(&width, &mut flying, 1).await;
            assert_eq!(limits, [64], "after {latency} ms");
        }
    }

    #[tokio::test]
    async fn one_place_is_always_left() {
        let mut looker = Looker::new();
        let (width, mut flying) = (Width::new(2), VecDeque::new());
        looker.serve(&width, &mut flying, 20).await;
        for power in 1..6 {
            looker.latency = 100 * 10_u64.pow(power);

            let limits = looker.serve(&width, &mut flying, 40).await;

            assert!(limits.iter().all(|limit| *limit >= 1), "{limits:?}");
        }
    }
}
