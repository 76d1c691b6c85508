//! Spans of time as people write them, with days of 24 hours: `24h`, `90d`, `2w`.

use jiff::{Span, SpanRelativeTo};

/// The longest span that makes sense for a key: ten years of 365 days.
const LONGEST: i64 = 10 * 365 * 24 * 60 * 60;

/// The seconds of a span, for a flag.
pub(crate) fn seconds(text: &str) -> Result<u64, &'static str> {
    const FORM: &str = "write it as `30m`, `24h`, `90d` or `2w`";
    let span: Span = text.trim().parse().map_err(|_| FORM)?;
    let duration = span.to_duration(SpanRelativeTo::days_are_24_hours());
    // Months and years have no fixed length.
    let seconds = duration.map_err(|_| FORM)?.as_secs();
    if seconds > LONGEST {
        return Err("it is longer than ten years");
    }
    u64::try_from(seconds).map_err(|_| "it is less than nothing")
}

/// A span for people, in its largest whole unit that is not coarse: `5 minutes`, `36 hours`, `90 days`.
pub(crate) fn words(seconds: i64) -> String {
    let units = [(86_400, "day"), (3_600, "hour"), (60, "minute")];
    let unit = units.iter().find(|(length, _)| seconds >= 2 * length);
    let (count, name) = match unit {
        Some((length, name)) => (seconds / length, *name),
        None => (seconds.max(0), "second"),
    };
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {name}{plural}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_read_with_days_of_24_hours() {
        for (text, expected) in [
            ("24h", 86_400),
            ("90d", 7_776_000),
            ("2w", 1_209_600),
            ("1d12h", 129_600),
            ("30 minutes", 1_800),
            ("0s", 0),
        ] {
            assert_eq!(seconds(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn spans_without_a_fixed_or_sensible_length_are_refused() {
        for text in ["", "90", "soon", "1 month", "1y", "-1h", "4000d"] {
            assert!(seconds(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_span_is_said_in_its_largest_unit_that_is_not_coarse() {
        for (seconds, expected) in [
            (-5, "0 seconds"),
            (1, "1 second"),
            (119, "119 seconds"),
            (300, "5 minutes"),
            (129_600, "36 hours"),
            (7_776_000, "90 days"),
        ] {
            assert_eq!(words(seconds), expected);
        }
    }
}
