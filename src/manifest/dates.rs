//! Dates as people and spreadsheets write them.

use std::fmt;

use jiff::ToSpan as _;
use jiff::civil::{Date, date};

/// What a value of a date attribute is.
#[derive(Debug, Eq, PartialEq)]
pub(super) enum Reading {
    /// A date as Looker writes it, or a part of one.
    Clear,
    /// Not a date.
    No,
    /// A date in a form that is read in different ways, or not at all.
    Unclear(Unclear),
}

/// Why a date is unclear.
#[derive(Debug, Eq, PartialEq)]
pub(super) enum Unclear {
    /// Day and month can be either way round.
    Order(Date, Date),
    /// It is written in another form.
    Form(Date),
    /// It is the number that a spreadsheet keeps for this date.
    Serial(Date),
    /// It has no date, but may be counted from the day of a query.
    Words,
}

impl Unclear {
    /// In a word, the same for all dates.
    pub(super) const fn kind(&self) -> &'static str {
        match self {
            Self::Order(..) => "order",
            Self::Form(_) => "form",
            Self::Serial(_) => "serial",
            Self::Words => "words",
        }
    }
}

impl fmt::Display for Unclear {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Order(first, second) => write!(
                f,
                "may mean {first} or {second}; write the one that is meant"
            ),
            Self::Form(date) => write!(f, "may not be read as a date; write `{date}`"),
            Self::Serial(date) => write!(
                f,
                "is the number that a spreadsheet keeps for {date}; format the column as `yyyy-mm-dd` and export it again"
            ),
            Self::Words => {
                f.write_str("is not a date; write one as `2026-03-01` if you mean a certain day")
            }
        }
    }
}

/// What `value` is, as a date.
pub(super) fn read(value: &str) -> Reading {
    let (day, time) = match value.split_once([' ', 'T']) {
        Some((day, time)) => (day, Some(time)),
        None => (value, None),
    };
    let numbers = numbers(day);
    let reading = match (numbers.as_deref(), day.len()) {
        (Some([year]), 4) => clear(*year, 1, 1),
        (Some([_]), 8) => compact(day),
        (Some([number]), 5) => serial(*number),
        // The fraction is the time of the day.
        (Some([number @ 10_000..100_000, _]), _) => serial(*number),
        (Some([year, month]), 6..) if *year > 999 => clear(*year, *month, 1),
        (Some([year, month, day]), _) if *year > 999 => clear(*year, *month, *day),
        (Some([first, second, year]), _) => turned(*first, *second, *year, day.contains('.')),
        _ if value.starts_with(|first: char| first.is_ascii_digit()) => {
            return Reading::Unclear(Unclear::Words);
        }
        _ => return Reading::No,
    };
    match time {
        None => reading,
        Some(time) if is_time(time) => reading,
        Some(time) if time.starts_with(|first: char| first.is_ascii_digit()) => Reading::No,
        // As in `2026-03-01 to 2026-04-01`.
        Some(_) => Reading::Unclear(Unclear::Words),
    }
}

/// The numbers of a day, between `-`, `/` or `.`; `None` if there is anything else in it.
fn numbers(day: &str) -> Option<Vec<i64>> {
    let separator = day.chars().find(|char| !char.is_ascii_digit());
    let separator = separator.unwrap_or('-');
    if !matches!(separator, '-' | '/' | '.') {
        return None;
    }
    let parts = day.split(separator).map(|part| {
        // Of a long number only that it is one matters.
        let is_number = !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        is_number.then(|| part.parse().unwrap_or(i64::MAX))
    });
    parts.collect()
}

fn valid(year: i64, month: i64, day: i64) -> Option<Date> {
    let year = year.try_into().ok()?;
    Date::new(year, month.try_into().ok()?, day.try_into().ok()?).ok()
}

fn clear(year: i64, month: i64, day: i64) -> Reading {
    match valid(year, month, day) {
        Some(_) => Reading::Clear,
        None => Reading::No,
    }
}

/// A date without separators.
fn compact(text: &str) -> Reading {
    let number = |from, to| text.get(from..to).and_then(|part| part.parse().ok());
    let parts = (number(0, 4), number(4, 6), number(6, 8));
    let (Some(year), Some(month), Some(day)) = parts else {
        return Reading::No;
    };
    form(valid(year, month, day))
}

fn form(date: Option<Date>) -> Reading {
    date.map_or(Reading::No, |date| Reading::Unclear(Unclear::Form(date)))
}

/// A date with the year at its end; between dots, its day is first.
fn turned(first: i64, second: i64, year: i64, has_dots: bool) -> Reading {
    // As spreadsheets complete it.
    let year = match year {
        0..30 => year + 2000,
        30..100 => year + 1900,
        _ => year,
    };
    let day_first = valid(year, second, first);
    let month_first = valid(year, first, second).filter(|_| !has_dots);
    match (day_first, month_first) {
        (Some(one), Some(other)) if one != other => Reading::Unclear(Unclear::Order(one, other)),
        (day_first, month_first) => form(day_first.or(month_first)),
    }
}

/// The date that a spreadsheet keeps as `number`.
fn serial(number: i64) -> Reading {
    let date = date(1899, 12, 30).checked_add(number.days());
    date.map_or(Reading::No, |date| Reading::Unclear(Unclear::Serial(date)))
}

/// Whether it is the time of a day, to the minute at least, with or without an offset.
fn is_time(text: &str) -> bool {
    let text = text.trim();
    let end = text.find(['Z', '+', '-', ' ']).unwrap_or(text.len());
    let clock = text.get(..end).unwrap_or_default();
    let mut parts = clock.splitn(3, ':');
    let mut below = |limit: u32| {
        let part = parts.next().unwrap_or("none");
        let part = part.split('.').next().unwrap_or_default();
        part.len() <= 2 && part.parse::<u32>().is_ok_and(|part| part < limit)
    };
    let has_seconds = clock.matches(':').count() > 1;
    below(24) && below(60) && (!has_seconds || below(60))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_as_looker_writes_it_is_clear() {
        for text in [
            "2026-03-01",
            "2026/03/01",
            "2026-3-1",
            "2026-03",
            "2026",
            "2026-03-01 12:00",
            "2026-03-01 12:00:59.5",
            "2026-03-01T12:00:00Z",
            "2026-03-01T12:00:00+02:00",
            "2024-02-29",
        ] {
            assert_eq!(read(text), Reading::Clear, "{text}");
        }
    }

    #[test]
    fn what_cannot_be_a_date_is_none() {
        for text in [
            "2026-13-45",
            "2025-02-29",
            "31/31/2026",
            "30.02.2026",
            "20261345",
            "2026-03-01 25:00",
            "2026-03-01 12:61",
            "soon",
            "Mar-26",
        ] {
            assert_eq!(read(text), Reading::No, "{text}");
        }
    }

    #[test]
    fn what_can_be_read_in_different_ways_is_unclear() {
        let told: Vec<_> = [
            "01.03.2026",
            "3/1/2026",
            "3/1/26 12:00",
            "25/3/2026",
            "3-25-99",
            "20260301",
            "46082",
            "46082.5",
            "1 day ago",
            "2026-03-01 to 2026-04-01",
        ]
        .into_iter()
        .map(|text| match read(text) {
            Reading::Unclear(why) => format!("{text}: {} {why}", why.kind()),
            other => panic!("{text}: {other:?}"),
        })
        .collect();

        insta::assert_snapshot!(told.join("\n"), @r"
        01.03.2026: form may not be read as a date; write `2026-03-01`
        3/1/2026: order may mean 2026-01-03 or 2026-03-01; write the one that is meant
        3/1/26 12:00: order may mean 2026-01-03 or 2026-03-01; write the one that is meant
        25/3/2026: form may not be read as a date; write `2026-03-25`
        3-25-99: form may not be read as a date; write `1999-03-25`
        20260301: form may not be read as a date; write `2026-03-01`
        46082: serial is the number that a spreadsheet keeps for 2026-03-01; format the column as `yyyy-mm-dd` and export it again
        46082.5: serial is the number that a spreadsheet keeps for 2026-03-01; format the column as `yyyy-mm-dd` and export it again
        1 day ago: words is not a date; write one as `2026-03-01` if you mean a certain day
        2026-03-01 to 2026-04-01: words is not a date; write one as `2026-03-01` if you mean a certain day
        ");
    }
}
