//! A URL of which the end is missing.

use percent_encoding::percent_decode_str;
use serde::de::IgnoredAny;

use crate::signed_url::inspect::url::Url;
use crate::signed_url::inspect::{Diagnosis, Expected};
use crate::signed_url::verify::{names, required};

/// The fewest characters of a signature that show whose start they are.
const ENOUGH: usize = 6;

/// Whether the URL ends too early, and where.
pub(super) fn diagnosis(url: &Url<'_>, expected: &Expected, shortened: bool) -> Option<Diagnosis> {
    let last = url.parts.query.rsplit('&').next().unwrap_or_default();
    let (name, value) = last.split_once('=').unwrap_or((last, ""));
    let end = format!("`{name}`");
    let (place, fix) = match () {
        () if shortened && !is_whole(url) => (
            end,
            "copy the whole URL: the program that shows it has shortened it",
        ),
        () if breaks_off(name, last, value) => (end, "copy the whole URL"),
        () if is_start_of_signature(url, expected) => (end, "copy the whole URL"),
        () if is_first_only(url) => (
            end,
            "put the URL in single quotes: a shell takes `&` for the end of a command",
        ),
        () => return None,
    };
    Some(Diagnosis {
        name: "cut_off",
        message: format!("the URL is cut off at {place}: its end is missing"),
        fix: fix.to_owned(),
    })
}

/// Whether the last parameter has an end: a whole name, whole escapes, a whole value of JSON.
fn breaks_off(name: &str, last: &str, value: &str) -> bool {
    let escape = last.rsplit_once('%').is_some_and(|(_, hex)| hex.len() < 2);
    let part = |known: &str| known.starts_with(name) && known != name;
    let name_only = !last.contains('=') && !name.is_empty() && names().any(part);
    let spaced = value.replace('+', " ");
    let text = percent_decode_str(&spaced).decode_utf8_lossy();
    let open = text.starts_with(['"', '[', '{']);
    let document = serde_json::from_str::<IgnoredAny>(&text);
    escape || name_only || (open && document.is_err_and(|error| error.is_eof()))
}

/// Whether the signature stands last and lacks its end: the right one, if there is a secret to know it by, has more.
pub(super) fn is_start_of_signature(url: &Url<'_>, expected: &Expected) -> bool {
    let last = url.parts.query.rsplit('&').next().unwrap_or_default();
    let sent = url.text("signature");
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '/');
    if !last.starts_with("signature=") || sent.len() >= 43 {
        return false;
    }
    match &expected.secret {
        Some((secret, algorithm)) => {
            let right = url.attempt_with(secret, *algorithm).signature();
            sent.len() >= ENOUGH && sent.len() + 1 < right.len() && right.starts_with(sent)
        }
        None => sent.len() < 27 && sent.chars().all(fits),
    }
}

/// Whether nothing is missing: an ellipsis behind it ends a sentence.
fn is_whole(url: &Url<'_>) -> bool {
    let sent = |name: &str| url.query().is_some_and(|query| query.value(name).is_some());
    required().all(sent) && matches!(url.text("signature").len(), 28 | 44)
}

/// Whether there are only a few parameters, and no signature: what a shell leaves of a URL without quotes.
fn is_first_only(url: &Url<'_>) -> bool {
    let missing =
        required().filter(|name| url.query().is_none_or(|query| query.value(name).is_none()));
    let signed = url
        .query()
        .is_some_and(|query| query.value("signature").is_some());
    !signed && !url.parts.query.is_empty() && missing.count() >= 4
}
