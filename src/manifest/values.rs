//! What Looker makes of the value of an attribute, by the attribute's type.

use crate::manifest::dates::{Reading, read};
use crate::manifest::mangled;
use crate::manifest::spelling::bare;

/// What is wrong with a value, or probably wrong.
#[derive(Debug, Eq, PartialEq)]
pub(super) struct Concern {
    /// Whether the value cannot be used.
    pub(super) refused: bool,
    /// What is wrong.
    pub(super) message: String,
    /// The reason, which many values can share.
    pub(super) kind: String,
}

/// What is wrong with `value` of the attribute `name`, whose type is `kind`.
pub(super) fn concerns(name: &str, kind: &str, value: &str) -> Vec<Concern> {
    if let Some(refused) = wrong_type(name, kind, value) {
        return vec![refused];
    }
    let doubted = |reason: &str, message: String| Concern {
        refused: false,
        message,
        kind: format!("{name} {reason}"),
    };
    let mut concerns = Vec::new();
    if bare(value) != value {
        let message = format!(
            "the user attribute `{name}` starts or ends with a space, which is part of it: `{value}`"
        );
        concerns.push(doubted("padding", message));
    }
    if let Some(found) = mangled::of_value(value).filter(|_| kind != "number") {
        let message = format!(
            "the user attribute `{name}`: `{value}` {}; {}",
            found.what, found.advice
        );
        concerns.push(doubted(found.what, message));
    }
    match kind {
        "datetime" => {
            if let Reading::Unclear(why) = read(value) {
                let message = format!("the user attribute `{name}`: `{value}` {why}");
                concerns.push(doubted(why.kind(), message));
            }
        }
        kind if kind.starts_with("advanced_filter_") => {
            if let Some(message) = wildcards(value, kind == "advanced_filter_string") {
                let message =
                    format!("the user attribute `{name}` is a filter expression: {message}");
                // Each value is a decision of its own.
                concerns.push(doubted(value, message));
            }
        }
        _ => {}
    }
    concerns
}

/// What the attribute type `kind` requires, if `value` does not comply. A value of the wrong type makes Looker fail the login.
fn wrong_type(name: &str, kind: &str, value: &str) -> Option<Concern> {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let (fits, wanted) = match kind {
        // belief: attribute-type-words
        "number" => (
            value.parse::<f64>().is_ok_and(f64::is_finite),
            "a number, as in `12.5`",
        ),
        "yesno" => (
            matches!(value, "yes" | "no" | "Yes" | "No" | "true" | "false"),
            "`yes` or `no`",
        ),
        "zipcode" => (
            value.len() == 5 && digits(value),
            match digits(value) && value.len() < 5 {
                true => "a zip code of five digits (a spreadsheet takes zeros off its start)",
                false => "a zip code of five digits",
            },
        ),
        "datetime" => (
            read(value) != Reading::No,
            "a date or a time, as in `2026-03-01` or `2026-03-01 12:00`",
        ),
        _ => return None,
    };
    (!fits).then(|| Concern {
        refused: true,
        message: format!("the user attribute `{name}` must be {wanted}, not `{value}`"),
        kind: format!("{name} type"),
    })
}

/// What the special characters of a filter expression mean in `value`, and how to write it without their meaning.
fn wildcards(value: &str, is_text: bool) -> Option<String> {
    let mut meanings = Vec::new();
    let mut escaped = String::new();
    let mut characters = value.chars();
    while let Some(character) = characters.next() {
        // belief: filter-escape
        let meaning = match character {
            '^' if is_text => {
                escaped.push(character);
                escaped.extend(characters.next());
                continue;
            }
            '%' if is_text => Some("`%` matches any text"),
            '_' if is_text => Some("`_` matches any character"),
            '-' if is_text && escaped.is_empty() => Some("`-` at the start means \"not\""),
            ',' => Some("`,` means \"or\""),
            _ => None,
        };
        if let Some(meaning) = meaning {
            escaped.push('^');
            if !meanings.contains(&meaning) {
                meanings.push(meaning);
            }
        }
        escaped.push(character);
    }
    let meanings = Some(meanings.join(", ")).filter(|meanings| !meanings.is_empty())?;
    Some(match is_text {
        true => format!("in `{value}`, {meanings}; for the text as it is, write `{escaped}`"),
        false => format!("in `{value}`, {meanings}"),
    })
}
