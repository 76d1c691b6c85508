//! When a call to Looker is retried.

use std::time::Duration;

use jiff::Timestamp;

use crate::looker::answer::Answer;
use crate::looker::error::LookerError;
use crate::looker::foreign::Foreign;
use crate::net::retry::{Schedule, asked};
use crate::system::Random;

/// How long to wait before the next attempt, after attempt number `attempt` ended with `result`; `None` to give up.
pub(super) fn wait(
    schedule: Schedule,
    result: &Result<Answer, LookerError>,
    repeatable: bool,
    attempt: u32,
    now: Timestamp,
    random: &Random,
) -> Option<Duration> {
    if !may_repeat(result, repeatable) {
        return None;
    }
    let asked = result
        .as_ref()
        .ok()
        .and_then(|answer| asked(&answer.headers, now));
    schedule.pause(attempt, asked, random)
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
