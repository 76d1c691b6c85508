//! When a call is retried, and after what wait.

use std::time::Duration;

use jiff::Timestamp;
use jiff::fmt::rfc2822;

use crate::looker::answer::Answer;
use crate::looker::error::LookerError;
use crate::looker::foreign::Foreign;
use crate::system::Random;

/// The longest wait that Looker may ask for: one hostile or broken header must not stall a run.
const LONGEST_ASKED: Duration = Duration::from_secs(60);

/// How many retries, and how long the waits are.
#[derive(Clone, Copy, Debug)]
pub(super) struct Schedule {
    /// How many times a call is retried at most.
    pub(super) retries: u32,
    /// The wait before the first retry; it doubles each time.
    pub(super) first: Duration,
    /// The longest wait of our own choice.
    pub(super) longest: Duration,
}

impl Schedule {
    pub(super) const fn new(retries: u32) -> Self {
        Self {
            retries,
            first: Duration::from_millis(250),
            longest: Duration::from_secs(20),
        }
    }

    /// How long to wait before the next attempt, after attempt number `attempt` ended with `result`; `None` to give up.
    pub(super) fn wait(
        &self,
        result: &Result<Answer, LookerError>,
        repeatable: bool,
        attempt: u32,
        now: Timestamp,
        random: &Random,
    ) -> Option<Duration> {
        if !may_repeat(result, repeatable) {
            return None;
        }
        let asked = result.as_ref().ok().and_then(|answer| asked(answer, now));
        self.pause(attempt, asked, random)
    }

    /// The same for what may be tried again: as long as was `asked` for, or a wait of our own choice.
    pub(super) fn pause(
        &self,
        attempt: u32,
        asked: Option<Duration>,
        random: &Random,
    ) -> Option<Duration> {
        (attempt <= self.retries).then(|| asked.unwrap_or_else(|| self.own(attempt, random)))
    }

    /// Exponential backoff, its upper half random so that many clients do not come back at the same moment.
    fn own(&self, attempt: u32, random: &Random) -> Duration {
        let doubled = self.first * 2_u32.saturating_pow(attempt.saturating_sub(1).min(16));
        let whole = doubled.min(self.longest);
        let mut byte = [u8::MAX];
        // Without randomness the wait is the longest one, which is safe.
        let _unchanged = random.fill(&mut byte).is_err();
        let [byte] = byte;
        whole / 2 + whole / 2 * u32::from(byte) / 255
    }
}

/// The rule: what certainly had no effect is retried; what may have had one only if repeating changes nothing.
fn may_repeat(result: &Result<Answer, LookerError>, repeatable: bool) -> bool {
    match result {
        // A proxy may have answered after Looker acted.
        Ok(answer) if Foreign::refusal(answer).is_some() => repeatable,
        Ok(answer) => match answer.status {
            // belief: throttle-is-429
            429 => true,
            // A gateway also says this after Looker did the work and its answer was lost.
            502..=504 => repeatable,
            _ => false,
        },
        Err(error) => match error {
            // Nothing was sent, so even a create can be tried again.
            LookerError::Unreachable { .. } => true,
            LookerError::Timeout { .. } | LookerError::Lost { .. } => repeatable,
            _ => false,
        },
    }
}

/// The wait that an answer asks for with `Retry-After`, in seconds or as a date (RFC 9110, section 10.2.3); at most a
/// minute.
pub(super) fn asked(answer: &Answer, now: Timestamp) -> Option<Duration> {
    let value = answer.header("retry-after")?.trim();
    let wait = match value.parse::<u64>() {
        Ok(seconds) => Duration::from_secs(seconds),
        // A date in the past asks for no wait.
        Err(_) => Duration::try_from(date(value)?.duration_since(now)).unwrap_or_default(),
    };
    Some(wait.min(LONGEST_ASKED))
}

/// An HTTP date.
pub(super) fn date(text: &str) -> Option<Timestamp> {
    rfc2822::DateTimeParser::new().parse_timestamp(text).ok()
}
