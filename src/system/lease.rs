//! Until when this process may act on what it has taken on, by a clock that only runs forward.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use crate::system::Clock;

tokio::task_local! {
    /// Set while something is taken back that this process did under its lease.
    static TAKING_BACK: ();
}

/// The lease of this process, shared by all clones: whoever keeps it extends it, and whoever is about to act asks it.
///
/// Time is counted from before the lease was asked for, so that it never ends later here than where it was granted.
#[derive(Clone, Debug)]
pub struct Lease(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    clock: Clock,
    /// What an effect must leave of the lease besides its own time.
    margin: Duration,
    /// How long after a takeover the last request of the process before may still arrive, although its lease was over.
    settles: Duration,
    term: watch::Sender<Term>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Term {
    /// Nothing has been leased yet.
    Open,
    /// Leased until this time of the clock.
    Until(Duration),
    /// It ran out or was taken away, for good.
    Over,
}

impl Lease {
    /// A lease that is not granted yet. Effects must leave `margin` of it; what another process left behind is looked at
    /// again `settles` after it was taken over.
    pub fn new(margin: Duration, settles: Duration) -> Self {
        Self(Arc::new(Shared {
            clock: Clock::os(),
            margin,
            settles,
            term: watch::Sender::new(Term::Open),
        }))
    }

    /// The time by the clock of the lease, to be taken before the lease is asked for.
    pub fn now(&self) -> Duration {
        self.0.clock.elapsed()
    }

    /// How long after a takeover a last look is worth while.
    pub fn settles(&self) -> Duration {
        self.0.settles
    }

    /// Note that the lease was granted until `until`. One that has run out stays so: another may act by now.
    pub fn extend(&self, until: Duration) {
        let over = self.is_over();
        self.0.term.send_modify(|term| {
            *term = if over { Term::Over } else { Term::Until(until) };
        });
    }

    /// Note that the lease was taken away.
    pub fn lose(&self) {
        self.0.term.send_replace(Term::Over);
    }

    /// Whether there was a lease and it is over.
    pub fn is_over(&self) -> bool {
        match *self.0.term.borrow() {
            Term::Open => false,
            Term::Until(until) => until <= self.now(),
            Term::Over => true,
        }
    }

    /// Wait until an effect that takes up to `time` fits into the lease; false once the lease is over.
    pub async fn admits(&self, time: Duration) -> bool {
        if TAKING_BACK.try_with(|()| ()).is_ok() {
            return true;
        }
        let mut term = self.0.term.subscribe();
        loop {
            let now = self.now();
            let left = match *term.borrow_and_update() {
                Term::Open => return true,
                Term::Until(until) if now + time + self.0.margin <= until => return true,
                Term::Until(until) => until.saturating_sub(now),
                Term::Over => return false,
            };
            if left.is_zero() {
                return false;
            }
            tokio::select! {
                changed = term.changed() => if changed.is_err() { return false },
                () = self.0.clock.sleep(left) => {}
            }
        }
    }

    /// Run `work`, which takes back by its name what this process did, whatever has become of the lease.
    pub async fn taking_back<T>(work: impl Future<Output = T>) -> T {
        TAKING_BACK.scope((), work).await
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Lease;

    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test]
    async fn an_effect_begins_only_if_it_ends_within_the_lease() {
        let lease = Lease::new(SECOND, SECOND);
        assert!(lease.admits(SECOND * 9).await, "nothing is leased yet");

        lease.extend(lease.now() + SECOND * 10);

        assert!(lease.admits(SECOND * 5).await);
        let waiting = lease.admits(SECOND * 10);
        let (admitted, ()) = tokio::join!(waiting, async {
            tokio::task::yield_now().await;
            lease.extend(lease.now() + SECOND * 20);
        });
        assert!(admitted, "the next beat makes room");
    }

    #[tokio::test]
    async fn a_lease_that_is_over_stays_so_and_admits_only_what_is_taken_back() {
        let lease = Lease::new(SECOND, SECOND);
        lease.extend(lease.now());

        assert!(lease.is_over());
        lease.extend(lease.now() + SECOND * 60);

        assert!(lease.is_over());
        assert!(!lease.admits(Duration::ZERO).await);
        assert!(Lease::taking_back(lease.admits(SECOND)).await);
    }
}
