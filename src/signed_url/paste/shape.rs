//! How much a text looks like a whole signed URL: what decides between two readings if no signature does.

use serde::de::IgnoredAny;

use crate::signed_url::verify::names;

/// The names in a URL of a cookieless session.
const COOKIELESS: &str = "embed_authentication_token";

/// More for each parameter that is there and well formed, less for what does not belong into a URL.
pub(super) fn score(url: &str) -> i32 {
    let (path, query) = url.split_once('?').unwrap_or((url, ""));
    let mut seen: Vec<&str> = Vec::new();
    let mut score = if is_encoded(path) { 0 } else { -4 };
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        score += match () {
            () if seen.contains(&name) => -6,
            () if !is_encoded(value) => -4,
            () if name == COOKIELESS => 4,
            () if names().any(|known| known == name) => worth(name, value),
            () => -2,
        };
        seen.push(name);
    }
    score
}

/// The worth of a known parameter.
fn worth(name: &str, value: &str) -> i32 {
    let Some(value) = decoded(value) else {
        return 0;
    };
    if name == "signature" {
        return signature_worth(&value);
    }
    if serde_json::from_str::<IgnoredAny>(&value).is_ok() {
        return 4;
    }
    // A mistake of the code that signs, or more than the value: a shorter one is no better.
    1
}

fn signature_worth(signature: &str) -> i32 {
    let fits =
        |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '-' | '_' | ' ' | '%');
    let bare = signature.trim_end_matches('=');
    let padding = signature.len() - bare.len();
    match (bare.len(), padding) {
        _ if bare.is_empty() || !bare.chars().all(fits) => 0,
        (27 | 43, 1) => 4,
        _ => 2,
    }
}

/// Whether every `%` begins an escape.
fn is_encoded(text: &str) -> bool {
    text.split('%').skip(1).all(|rest| {
        rest.get(..2)
            .is_some_and(|hex| hex.bytes().all(|byte| byte.is_ascii_hexdigit()))
    })
}

fn decoded(value: &str) -> Option<String> {
    let spaced = value.replace('+', " ");
    let text = percent_encoding::percent_decode_str(&spaced)
        .decode_utf8()
        .ok()?;
    Some(text.into_owned())
}

/// Whether `text` begins with the name of a parameter and `=`.
pub(super) fn begins_parameter(text: &str) -> bool {
    names().any(|name| {
        text.strip_prefix(name)
            .is_some_and(|after| after.starts_with('='))
    })
}
