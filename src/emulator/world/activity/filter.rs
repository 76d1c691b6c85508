//! Filter expressions, as far as questions about users and content use them.

use jiff::civil::Date;
use jiff::{Span, Timestamp, ToSpan as _, tz::TimeZone};
use serde_json::Value;
use wildmatch::WildMatchPattern;

/// What the values of a field are.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    Text,
    Number,
    YesNo,
    /// A day.
    Date,
    /// A second.
    Time,
}

/// Which values pass.
#[derive(Debug)]
pub(crate) struct Filter {
    included: Vec<Test>,
    excluded: Vec<Test>,
}

#[derive(Debug)]
enum Test {
    /// There is no value.
    Null,
    /// There is none, or an empty one.
    Empty,
    Like(WildMatchPattern<ANY, ONE>),
    Is(String),
    /// At least, at most, both ends counting.
    Between(f64, f64),
    Above(f64),
    Below(f64),
    /// From, and until before, as texts that sort as the times do.
    During(String, String),
}

/// What stands for any text and any letter once the pattern is read; no field holds these letters.
const ANY: char = '\u{e000}';
const ONE: char = '\u{e001}';

impl Filter {
    /// Read an expression; `None` if it is of a form that is not known here.
    pub(crate) fn parse(kind: Kind, text: &str, now: i64) -> Option<Self> {
        let mut filter = Self {
            included: Vec::new(),
            excluded: Vec::new(),
        };
        for word in words(text) {
            let (negated, test) = match kind {
                Kind::Text => text_test(&word),
                Kind::Number => number_test(&word)?,
                Kind::YesNo => yes_or_no(&word)?,
                Kind::Date | Kind::Time => null_test(&word)
                    .or_else(|| Some((false, time_test(&word.to_lowercase(), now)?)))?,
            };
            match negated {
                true => filter.excluded.push(test),
                false => filter.included.push(test),
            }
        }
        Some(filter)
    }

    /// Whether a value passes; any does if the expression is empty.
    pub(crate) fn passes(&self, value: &Value) -> bool {
        (self.included.is_empty() || self.included.iter().any(|test| test.holds(value)))
            && !self.excluded.iter().any(|test| test.holds(value))
    }
}

impl Test {
    fn holds(&self, value: &Value) -> bool {
        let text = value.as_str();
        let number = value.as_f64();
        match self {
            Self::Null => value.is_null(),
            Self::Empty => value.is_null() || text == Some(""),
            Self::Like(pattern) => text.is_some_and(|text| pattern.matches(text)),
            Self::Is(wanted) => text == Some(wanted.as_str()),
            Self::Between(least, most) => number.is_some_and(|one| *least <= one && one <= *most),
            Self::Above(least) => number.is_some_and(|one| one > *least),
            Self::Below(most) => number.is_some_and(|one| one < *most),
            // A day is before every second of it, and texts of both forms sort as the times do.
            Self::During(from, until) => {
                text.is_some_and(|text| text >= from.as_str() && text < until.as_str())
            }
        }
    }
}

/// The alternatives between commas; a comma in quotes or behind a `^` separates nothing.
fn words(text: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let (mut quoted, mut escaped) = (false, false);
    for letter in text.chars() {
        quoted ^= letter == '"' && !escaped;
        let kept = quoted || escaped;
        escaped = letter == '^' && !escaped;
        match letter {
            ',' if !kept => words.push(String::new()),
            letter => words.last_mut().expect("there is one").push(letter),
        }
    }
    let words = words.into_iter().map(|word| word.trim().to_owned());
    words.filter(|word| !word.is_empty()).collect()
}

fn null_test(word: &str) -> Option<(bool, Test)> {
    let lower = word.to_lowercase();
    Some(match lower.as_str() {
        "null" => (false, Test::Null),
        "-null" | "not null" => (true, Test::Null),
        "empty" => (false, Test::Empty),
        "-empty" | "not empty" => (true, Test::Empty),
        _ => return None,
    })
}

fn text_test(word: &str) -> (bool, Test) {
    if let Some(test) = null_test(word) {
        return test;
    }
    let (negated, word) = match word.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, word),
    };
    let inner = word
        .strip_prefix('"')
        .and_then(|word| word.strip_suffix('"'));
    match inner {
        // What is quoted is meant as it stands.
        Some(inner) => (negated, Test::Is(inner.to_owned())),
        None => (negated, Test::Like(pattern(word))),
    }
}

/// `%` is any text and `_` any letter; behind a `^`, each letter is itself.
fn pattern(word: &str) -> WildMatchPattern<ANY, ONE> {
    let mut escaped = false;
    let letters = word.chars().filter_map(|letter| {
        let plain = std::mem::take(&mut escaped);
        match letter {
            '^' if !plain => {
                escaped = true;
                None
            }
            '%' if !plain => Some(ANY),
            '_' if !plain => Some(ONE),
            letter => Some(letter),
        }
    });
    let letters: String = letters.collect();
    WildMatchPattern::new(&letters)
}

/// What a test of a number begins with; the longer ones come first.
const HEADS: &[&str] = &[">=", "<=", "<>", "!=", ">", "<", "not "];

fn number_test(word: &str) -> Option<(bool, Test)> {
    if let Some(test) = null_test(word) {
        return Some(test);
    }
    let lower = word.to_lowercase();
    let number = |text: &str| text.trim().parse::<f64>().ok();
    let is = |one| Test::Between(one, one);
    let head = HEADS.iter().find(|head| lower.starts_with(**head));
    let head = head.copied().unwrap_or_default();
    let rest = lower.strip_prefix(head)?;
    let one = number(rest)?;
    Some(match head {
        ">=" => (false, Test::Between(one, f64::INFINITY)),
        "<=" => (false, Test::Between(f64::NEG_INFINITY, one)),
        ">" => (false, Test::Above(one)),
        "<" => (false, Test::Below(one)),
        "" => (false, is(one)),
        _ => (true, is(one)),
    })
}

fn yes_or_no(word: &str) -> Option<(bool, Test)> {
    let word = match word.to_lowercase().as_str() {
        "yes" | "true" => "Yes",
        "no" | "false" => "No",
        _ => return None,
    };
    Some((false, Test::Is(word.to_owned())))
}

fn time_test(word: &str, now: i64) -> Option<Test> {
    let today = TimeZone::UTC
        .to_datetime(Timestamp::from_second(now).ok()?)
        .date();
    let tomorrow = today.tomorrow().ok()?;
    let during = |from: Date, until: Date| Some(Test::During(from.to_string(), until.to_string()));
    if let Some((from, until)) = word.split_once(" to ") {
        return during(from.parse().ok()?, until.parse().ok()?);
    }
    if let Some(day) = word.strip_prefix("before ") {
        return during(Date::MIN, day_of(day, today)?);
    }
    if let Some(day) = word.strip_prefix("after ") {
        return during(day_of(day, today)?, Date::MAX);
    }
    if let Ok(day) = word.parse::<Date>() {
        return during(day, day.tomorrow().ok()?);
    }
    match word {
        "today" => return during(today, tomorrow),
        "yesterday" => return during(today.yesterday().ok()?, today),
        _ => {}
    }
    if let Some((start, length)) = word.split_once(" ago for ") {
        let from = today.checked_sub(span(start)?).ok()?;
        return during(from, from.checked_add(span(length)?).ok()?);
    }
    // The last one counts today.
    let from = tomorrow.checked_sub(span(word.strip_prefix("last ").unwrap_or(word))?);
    during(from.ok()?, tomorrow)
}

fn day_of(text: &str, today: Date) -> Option<Date> {
    match text.strip_suffix(" ago") {
        Some(ago) => today.checked_sub(span(ago)?).ok(),
        None => text.parse().ok(),
    }
}

/// An amount such as `7 days`; less than a day counts as one.
fn span(text: &str) -> Option<Span> {
    let (number, unit) = text.trim().split_once(' ')?;
    let number: i32 = number.parse().ok()?;
    Some(match unit.trim_end_matches('s') {
        "second" | "minute" | "hour" => 1.day(),
        "day" => number.days(),
        "week" => number.weeks(),
        "month" => number.months(),
        "quarter" => number.saturating_mul(3).months(),
        "year" => number.years(),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Filter, Kind};

    #[test]
    fn each_kind_of_field_has_its_expressions() {
        // 2024-03-10, noon.
        const NOW: i64 = 1_710_072_000;
        for (kind, text, value, passes) in [
            (Kind::Text, "", json!("x"), true),
            (Kind::Text, "a%,b", json!("abc"), true),
            (Kind::Text, "a%,b", json!("bc"), false),
            (Kind::Text, "-system__activity,-x", json!("demo"), true),
            (Kind::Text, "-NULL, -system^_^_a", json!("system__a"), false),
            (Kind::Text, "-system^_^_a", json!("system--a"), true),
            (Kind::Text, "10^%", json!("100"), false),
            (Kind::Text, "^-a^^^,b", json!("-a^,b"), true),
            (Kind::Text, "-\"a,b\"", json!("a,b"), false),
            (Kind::Text, "-NULL", Value::Null, false),
            (Kind::Text, "EMPTY", json!(""), true),
            (Kind::Number, "-1", json!(1), false),
            (Kind::Number, "1,2", json!(2), true),
            (Kind::Number, ">3", json!(3), false),
            (Kind::Number, ">=3", json!(3), true),
            (Kind::Number, "NOT 3", json!(3), false),
            (Kind::YesNo, "yes", json!("Yes"), true),
            (Kind::Date, "7 days", json!("2024-03-04"), true),
            (Kind::Date, "7 days", json!("2024-03-03"), false),
            (Kind::Date, "yesterday", json!("2024-03-09"), true),
            (Kind::Time, "today", json!("2024-03-10 11:00:00"), true),
            (
                Kind::Time,
                "before 2024-03-10",
                json!("2024-03-10 11:00:00"),
                false,
            ),
            (
                Kind::Time,
                "2 months ago for 1 month",
                json!("2024-02-09 11:00:00"),
                true,
            ),
            (Kind::Time, "NOT NULL", json!("2024-02-09 11:00:00"), true),
        ] {
            let filter = Filter::parse(kind, text, NOW).unwrap();
            assert_eq!(filter.passes(&value), passes, "{text} {value}");
        }
        assert!(Filter::parse(Kind::Date, "when it rains", NOW).is_none());
        assert!(Filter::parse(Kind::Number, "many", NOW).is_none());
    }
}
