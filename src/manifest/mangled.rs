//! What spreadsheets and word processors do to values: by its looks, since what was there before is gone.

use crate::manifest::spelling::bare;

/// Spaces that look like others or like nothing, and a hyphen that is not shown.
const HIDDEN: [char; 7] = [
    '\u{a0}', '\u{ad}', '\u{2007}', '\u{200b}', '\u{202f}', '\u{2060}', '\u{feff}',
];

/// A value that was probably changed by a program.
#[derive(Debug, Eq, PartialEq)]
pub(super) struct Mangled {
    /// What happened, the same for every value.
    pub(super) what: &'static str,
    /// The hint to the value's owner.
    pub(super) advice: &'static str,
}

const fn mangled(what: &'static str, advice: &'static str) -> Option<Mangled> {
    Some(Mangled { what, advice })
}

/// What happened to an id, if anything.
pub(super) fn of_id(id: &str) -> Option<Mangled> {
    const AS_TEXT: &str = "format the column as text and export it again";
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    // A spreadsheet keeps 15 digits of a number.
    let is_rounded = |id: &str| {
        let tail = id.get(15..).unwrap_or_default();
        tail.len() > 1 && digits(id) && tail.bytes().all(|digit| digit == b'0')
    };
    match id {
        id if is_rounded(id) => mangled("looks like a number whose last digits were lost", AS_TEXT),
        id if id.strip_suffix(".0").is_some_and(digits) => mangled(
            "looks like a number to which a program has added decimals",
            AS_TEXT,
        ),
        id if is_month_and_number(id) => mangled(
            "looks like a date that a spreadsheet has made of it",
            AS_TEXT,
        ),
        id if id.starts_with('\'') => mangled(
            "starts with an apostrophe, with which some programs mark text",
            "take it out unless it is part of the id",
        ),
        id => of_text(id).or_else(|| curly(id)),
    }
}

/// What happened to the value of an attribute, if anything.
pub(super) fn of_value(value: &str) -> Option<Mangled> {
    match value {
        "TRUE" | "FALSE" => mangled(
            "is in capitals, as spreadsheets write it",
            "Looker compares text as it is: format the column as text if you wrote it in small letters",
        ),
        value => of_text(value).or_else(|| curly(value)),
    }
}

/// What happened to any text, if anything.
pub(super) fn of_text(text: &str) -> Option<Mangled> {
    const ERRORS: [&str; 8] = [
        "#N/A", "#NAME?", "#REF!", "#VALUE!", "#DIV/0!", "#NUM!", "#NULL!", "#SPILL!",
    ];
    let first = text.as_bytes().first();
    match text {
        // What most texts are.
        text if text.is_ascii() && first.is_none_or(u8::is_ascii_alphabetic) => None,
        text if is_scientific(text) => mangled(
            "looks like a long number that a spreadsheet has shortened",
            "format the column as text and export it again",
        ),
        text if ERRORS.contains(&text)
            || text.len() > 2 && text.bytes().all(|byte| byte == b'#') =>
        {
            mangled(
                "looks like an error of a spreadsheet",
                "mend the formula and export it again",
            )
        }
        text if bare(text).contains(HIDDEN) => mangled(
            "contains a space that does not break or cannot be seen",
            "type it again with a plain space, or none",
        ),
        _ => None,
    }
}

fn curly(text: &str) -> Option<Mangled> {
    match !text.is_ascii() && text.contains(['“', '”', '„', '‘']) {
        true => mangled(
            "contains a curly quote, as word processors write it",
            "check that it is meant",
        ),
        false => None,
    }
}

/// Whether it is a number like `1.23457E+12`, or `1,23457E+12` in much of Europe.
fn is_scientific(text: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let text = text.strip_prefix('-').unwrap_or(text);
    let Some((mantissa, exponent)) = text.split_once(['E', 'e']) else {
        return false;
    };
    let (whole, fraction) = match mantissa.split_once(['.', ',']) {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    let exponent = exponent.strip_prefix(['+', '-']).unwrap_or_default();
    whole.len() == 1 && digits(whole) && fraction.is_none_or(digits) && digits(exponent)
}

/// Whether it is like `1-Mar` or `Mar-24`, which spreadsheets make of `1-3` and `3-24`.
fn is_month_and_number(text: &str) -> bool {
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let is_number = |text: &str| {
        (1..=2).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
    };
    let is_short = (5..7).contains(&text.len());
    is_short
        && text.split_once('-').is_some_and(|(first, second)| {
            MONTHS.contains(&second) && is_number(first)
                || MONTHS.contains(&first) && is_number(second)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_probably_changed_is_noticed() {
        for id in [
            "1.23457E+12",
            "1,23E+05",
            "1E+15",
            "-1.5E+10",
            "12345678901234500",
            "12345.0",
            "1-Mar",
            "Mar-24",
            "'00123",
            "#N/A",
            "#NAME?",
            "########",
            "acme\u{a0}42",
            "acme\u{200b}42",
            "“acme”",
        ] {
            assert!(of_id(id).is_some(), "{id}");
        }
        for value in ["TRUE", "FALSE", "1.23457E+12", "far\u{a0}east", "“west”"] {
            assert!(of_value(value).is_some(), "{value}");
        }
    }

    #[test]
    fn what_people_write_is_not() {
        for id in [
            "acme-42",
            "1234567890123456",
            "1234567890123450",
            "e+1",
            "1E15",
            "12E+3",
            "v1.0",
            "7-Mar-eleven",
            "#1",
            "ada lovelace",
            "zoë",
            "",
        ] {
            assert_eq!(of_id(id), None, "{id}");
        }
        for value in ["true", "True", "west", "O’Brien", "#1", "a,b"] {
            assert_eq!(of_value(value), None, "{value}");
        }
    }
}
