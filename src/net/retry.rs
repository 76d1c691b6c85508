//! How long to wait before a request is tried again.

use std::time::Duration;

use jiff::Timestamp;
use jiff::fmt::rfc2822;
use reqwest::header::HeaderMap;

use crate::system::Random;

/// The longest wait that a server may ask for: one hostile or broken header must not stall a run.
const LONGEST_ASKED: Duration = Duration::from_secs(60);

/// How many retries, and how long the waits are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Schedule {
    /// How many times a call is retried at most.
    pub(crate) retries: u32,
    /// The wait before the first retry; it doubles each time.
    first: Duration,
    /// The longest wait of our own choice.
    longest: Duration,
}

impl Schedule {
    /// So many retries.
    pub(crate) const fn new(retries: u32) -> Self {
        Self {
            retries,
            first: Duration::from_millis(250),
            longest: Duration::from_secs(20),
        }
    }

    /// How long to wait after attempt number `attempt`: as long as was `asked` for, or a wait of our own choice; `None` to give
    /// up.
    pub(crate) fn pause(
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

/// The wait that an answer asks for with `Retry-After`, in seconds or as a date (RFC 9110, section 10.2.3); at most a
/// minute.
pub(crate) fn asked(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let value = headers.get("retry-after")?.to_str().ok()?.trim();
    let wait = match value.parse::<u64>() {
        Ok(seconds) => Duration::from_secs(seconds),
        // A date in the past asks for no wait.
        Err(_) => Duration::try_from(date(value)?.duration_since(now)).unwrap_or_default(),
    };
    Some(wait.min(LONGEST_ASKED))
}

/// An HTTP date.
pub(crate) fn date(text: &str) -> Option<Timestamp> {
    rfc2822::DateTimeParser::new().parse_timestamp(text).ok()
}
