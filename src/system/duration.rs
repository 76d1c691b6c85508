//! Durations as people write and read them, in the same format everywhere: `500ms`, `30s`, `1h30m`, `90d`, `2w`.
//!
//! A day has 24 hours. Printed durations can be parsed again.

use std::time::Duration;

use jiff::{RoundMode, SignedDuration, Span, SpanRelativeTo, SpanRound, Timestamp, Unit};

/// How to write a duration, for hints.
pub(crate) const FORM: &str = "write it as `500ms`, `30s`, `1h30m`, `90d` or `2w`";

/// The longest duration that makes sense here, in seconds: ten years of 365 days.
const LONGEST: u64 = 10 * 365 * 24 * 60 * 60;

/// Parse a duration. A unit is required: `--max-age 90` would be 90 seconds to some and 90 days to others.
pub(crate) fn read(text: &str) -> Result<Duration, &'static str> {
    let span: Span = text.trim().parse().map_err(|_| FORM)?;
    // Months and years have no fixed length, so they fail here.
    let duration = span.to_duration(SpanRelativeTo::days_are_24_hours());
    let duration = duration.map_err(|_| FORM)?;
    let duration = Duration::try_from(duration).map_err(|_| "it is negative")?;
    match duration > Duration::from_secs(LONGEST) {
        true => Err("it is longer than ten years"),
        false => Ok(duration),
    }
}

/// The same for settings that others define as a number of seconds, which need no unit.
pub(crate) fn read_or_seconds(text: &str) -> Result<Duration, &'static str> {
    let text = text.trim();
    match text
        .bytes()
        .all(|byte| byte.is_ascii_digit() || byte == b'.')
    {
        // A number alone is seconds only for settings that the SDKs and Looker define so.
        true => read(&format!("{text}s")),
        false => read(text),
    }
}

/// The same in whole seconds, for flags.
pub(crate) fn seconds(text: &str) -> Result<u64, &'static str> {
    let duration = read(text)?;
    match duration.subsec_nanos() {
        0 => Ok(duration.as_secs()),
        _ => Err("only whole seconds are possible"),
    }
}

/// The exact duration.
pub(crate) fn exact(duration: Duration) -> String {
    let duration = SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX);
    let days = SpanRound::new().largest(Unit::Day).days_are_24_hours();
    match Span::try_from(duration).and_then(|span| span.round(days)) {
        Ok(span) => format!("{span:#}"),
        // It is longer than a span can be.
        Err(_) => format!("{duration:#}"),
    }
}

/// The approximate duration, in one or two units from seconds to days.
pub(crate) fn rough(duration: Duration) -> String {
    // Two units are enough to wait by.
    let smallest = match duration.as_secs() {
        86_400.. => Unit::Hour,
        3_600.. => Unit::Minute,
        _ => Unit::Second,
    };
    truncated(duration, smallest)
}

/// How far `at` is from `now`, for people: `3 days ago`, `in 23 hours`.
pub(crate) fn from_now(at: Timestamp, now: Timestamp) -> String {
    let seconds = at.duration_since(now).as_secs();
    let (count, unit) = match seconds.unsigned_abs() {
        count @ ..60 => (count, "second"),
        count @ ..3_600 => (count / 60, "minute"),
        count @ ..86_400 => (count / 3_600, "hour"),
        count => (count / 86_400, "day"),
    };
    let plural = if count == 1 { "" } else { "s" };
    match seconds > 0 {
        true => format!("in {count} {unit}{plural}"),
        false => format!("{count} {unit}{plural} ago"),
    }
}

/// A measured duration, in milliseconds if it is short.
pub(crate) fn measured(duration: Duration) -> String {
    match duration.as_secs() {
        ..10 => truncated(duration, Unit::Millisecond),
        10.. => rough(duration),
    }
}

fn truncated(duration: Duration, smallest: Unit) -> String {
    let signed = SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX);
    let round = jiff::SignedDurationRound::new().smallest(smallest);
    // Cut off, not rounded: a time that has not passed must not be shown.
    let whole = signed.round(round.mode(RoundMode::Trunc)).unwrap_or(signed);
    exact(whole.unsigned_abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_by_how_far_they_are() {
        let now = Timestamp::from_second(1_750_000_000).unwrap();
        for (seconds, expected) in [
            (0, "0 seconds ago"),
            (-59, "59 seconds ago"),
            (-60, "1 minute ago"),
            (-3 * 86_400 - 5, "3 days ago"),
            (23 * 3_600 + 3_599, "in 23 hours"),
            (86_400, "in 1 day"),
        ] {
            let at = now + SignedDuration::from_secs(seconds);
            assert_eq!(from_now(at, now), expected);
        }
    }

    #[test]
    fn durations_are_read_with_days_of_24_hours() {
        for (text, expected) in [
            ("500ms", 500),
            ("1.5s", 1_500),
            ("24h", 86_400_000),
            ("1h30m", 5_400_000),
            ("1h 30m", 5_400_000),
            ("2 m", 120_000),
            ("90d", 7_776_000_000),
            ("2w", 1_209_600_000),
            ("1d12h", 129_600_000),
            ("30 minutes", 1_800_000),
            ("0s", 0),
        ] {
            let read = read(text).map(|duration| duration.as_millis());
            assert_eq!(read, Ok(expected), "{text}");
        }
    }

    #[test]
    fn durations_without_a_fixed_or_sensible_length_are_refused() {
        for text in [
            "", "s", "90", "1.5", "soon", "1 month", "1y", "-1h", "1h ago", "4000d", "1e400", "..",
        ] {
            assert!(read(text).is_err(), "{text}");
        }
        assert!(seconds("1500ms").is_err());
    }

    #[test]
    fn a_number_alone_is_seconds_only_where_others_say_so() {
        for (text, expected) in [("30", 30_000), ("1.5", 1_500), ("1h30m", 5_400_000)] {
            let read = read_or_seconds(text).map(|duration| duration.as_millis());
            assert_eq!(read, Ok(expected), "{text}");
        }
        for text in ["", ".", "..", "1.2.3", "-1", "1e3"] {
            assert!(read_or_seconds(text).is_err(), "{text}");
        }
    }

    #[test]
    fn what_is_printed_is_read_back() {
        for (text, millis) in [
            ("0s", 0),
            ("25ms", 25),
            ("1s 500ms", 1_500),
            ("2m", 120_000),
            ("1h 30m", 5_400_000),
            ("2d 12h", 216_000_000),
            ("90d", 7_776_000_000),
        ] {
            let duration = Duration::from_millis(millis);
            assert_eq!(exact(duration), text);
            assert_eq!(read(text), Ok(duration), "{text}");
        }
        let longest = exact(Duration::MAX);
        assert!(longest.ends_with("ns"), "{longest}");
    }

    #[test]
    fn people_read_two_units_and_short_times_in_milliseconds() {
        let time = |millis| rough(Duration::from_millis(millis));
        assert_eq!(
            [
                time(7_999),
                time(112_000),
                time(4_511_000),
                time(90_061_000)
            ],
            ["7s", "1m 52s", "1h 15m", "1d 1h"]
        );
        let time = |micros| measured(Duration::from_micros(micros));
        assert_eq!(
            [time(900), time(183_700), time(9_999_999), time(12_340_000)],
            ["0s", "183ms", "9s 999ms", "12s"]
        );
    }
}
