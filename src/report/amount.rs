//! Times and counts as people read them.

use std::time::Duration;

/// A time that somebody waited for one thing.
pub(super) fn waited(elapsed: Duration) -> String {
    let millis = elapsed.as_millis();
    if millis < 10_000 {
        format!("{millis} ms")
    } else {
        format!("{:.1} s", elapsed.as_secs_f64())
    }
}

/// A time that a long piece of work takes.
pub(super) fn span(time: Duration) -> String {
    let seconds = time.as_secs();
    let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
    match (hours, minutes) {
        (0, 0) => format!("{seconds} s"),
        (0, _) => format!("{minutes} min {} s", seconds % 60),
        _ => format!("{hours} h {minutes} min"),
    }
}

/// The same where there is little room.
pub(super) fn short_span(time: Duration) -> String {
    let seconds = time.as_secs();
    let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
    match (hours, minutes) {
        (0, 0) => format!("{seconds}s"),
        (0, _) => format!("{minutes}m{:02}s", seconds % 60),
        _ => format!("{hours}h{minutes:02}m"),
    }
}

/// A count, with commas between thousands.
pub(super) fn count(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_counts_read_as_people_write_them() {
        let seconds = |seconds| span(Duration::from_secs(seconds));
        assert_eq!(
            [seconds(7), seconds(112), seconds(4_500)],
            ["7 s", "1 min 52 s", "1 h 15 min"]
        );
        let seconds = |seconds| short_span(Duration::from_secs(seconds));
        assert_eq!(
            [seconds(7), seconds(62), seconds(3_660)],
            ["7s", "1m02s", "1h01m"]
        );
        assert_eq!(
            [count(7), count(512), count(1_000), count(1_234_567)],
            ["7", "512", "1,000", "1,234,567"]
        );
        assert_eq!(waited(Duration::from_millis(9_999)), "9999 ms");
        assert_eq!(waited(Duration::from_millis(12_340)), "12.3 s");
    }
}
