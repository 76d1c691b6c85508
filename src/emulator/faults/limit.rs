//! The rate limit: a number of API calls per second, with a burst of the same size.

use std::time::Duration;

/// A bucket that fills at a steady rate; each call takes one drop.
#[derive(Debug)]
pub(crate) struct Limit {
    per_second: Option<f64>,
    drops: f64,
    filled_at: Duration,
}

impl Limit {
    /// So many calls a second; `None` is any number.
    pub(crate) const fn new(per_second: Option<f64>) -> Self {
        Self {
            per_second,
            drops: match per_second {
                // A burst of one second is allowed from the start.
                Some(rate) => rate.max(1.0),
                None => 0.0,
            },
            filled_at: Duration::ZERO,
        }
    }

    /// Let a call pass at the time `now`; otherwise return how long to wait.
    pub(crate) fn pass(&mut self, now: Duration) -> Result<(), Duration> {
        let Some(rate) = self.per_second else {
            return Ok(());
        };
        let passed = now.saturating_sub(self.filled_at).as_secs_f64();
        self.filled_at = now;
        // Unused calls add up to one second's worth at most.
        self.drops = passed.mul_add(rate, self.drops).min(rate.max(1.0));
        if self.drops >= 1.0 {
            self.drops -= 1.0;
            return Ok(());
        }
        Err(Duration::from_secs_f64((1.0 - self.drops) / rate))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Limit;

    #[test]
    fn passes_a_second_of_calls_at_once_then_one_at_a_time() {
        let mut limit = Limit::new(Some(2.0));
        let at = Duration::from_millis;

        assert_eq!(limit.pass(at(0)), Ok(()));
        assert_eq!(limit.pass(at(0)), Ok(()));
        assert_eq!(limit.pass(at(0)), Err(at(500)));
        assert_eq!(limit.pass(at(500)), Ok(()));
    }
}
