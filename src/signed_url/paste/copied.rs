//! A copy whose percent-encoding a document or a browser's tools have undone: it is encoded again, in the ways that published
//! signers do it.

use serde::de::IgnoredAny;

use crate::signed_url::encode::percent_encoded;
use crate::signed_url::paste::shape::begins_parameter;

pub(super) const COPIED: &str = "what had been percent-decoded was encoded again";

/// Where the embed path of a signed URL begins.
const LOGIN: &str = "/login/embed/";

/// The URL at the start of `text` in each way to encode it, and how much of the text it takes; `None` if no value in it is
/// decoded.
pub(super) fn encoded_again(text: &str) -> Option<Vec<(String, usize)>> {
    let login = text.find(LOGIN).map(|at| at + LOGIN.len());
    // Without it, nothing tells where the embed path begins.
    let at = login.or_else(|| text.find("://").map(|at| at + "://".len()))?;
    let (start, rest) = text.split_at_checked(at)?;
    if start.contains(|c: char| c.is_whitespace() || matches!(c, '"' | '<' | '>' | '\\')) {
        return None;
    }
    // A path may hold `?`; the one before a known name ends it, or the last one if another name is the first.
    let mut ends = rest.match_indices('?').map(|(at, _)| at);
    let end = ends.find(|at| rest.get(at + 1..).is_some_and(begins_parameter));
    let end = end.or_else(|| {
        let mut pairs = rest.match_indices('&').map(|(at, _)| at);
        let second = pairs.find(|at| rest.get(at + 1..).is_some_and(begins_parameter))?;
        rest.get(..second)?.rfind('?')
    })?;
    let (path, query) = (rest.get(..end)?, rest.get(end + 1..)?);
    if path.contains(['\n', '"']) {
        return None;
    }
    let (values, used) = values(query)?;
    let query: Vec<String> = values
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    let query = query.join("&");
    let used = start.len() + end + 1 + used;
    let paths = match login {
        Some(_) => paths(path),
        None => vec![path.to_owned()],
    };
    let urls = paths
        .into_iter()
        .map(|path| (format!("{start}{path}?{query}"), used));
    Some(urls.collect())
}

/// The names and encoded values of a query, and its length; `None` if none of them is decoded.
fn values(query: &str) -> Option<(Vec<(&str, String)>, usize)> {
    let mut values = Vec::new();
    let mut rest = query;
    let mut bare = false;
    loop {
        let (name, after) = rest.split_once('=')?;
        let length = value_length(after);
        let (value, behind) = after.split_at_checked(length)?;
        bare |= value.contains('"');
        values.push((name, encoded(name, value)));
        let next = behind
            .trim_start_matches(char::is_whitespace)
            .strip_prefix('&');
        match next.map(|next| next.trim_start_matches(char::is_whitespace)) {
            Some(next) if begins_parameter(next) => rest = next,
            _ => return bare.then(|| (values, query.len() - behind.len())),
        }
    }
}

/// A value of JSON ends where its document does, another one at the next `&` or space.
fn value_length(text: &str) -> usize {
    if text.starts_with(['"', '[', '{', '\'']) {
        let mut documents = serde_json::Deserializer::from_str(text).into_iter::<IgnoredAny>();
        if matches!(documents.next(), Some(Ok(_))) {
            return documents.byte_offset();
        }
        let ends = text.match_indices('&').map(|(at, _)| at);
        let mut known = ends.filter(|at| text.get(at + 1..).is_some_and(begins_parameter));
        let line = text.find('\n').unwrap_or(text.len());
        return known.next().map_or(line, |at| at.min(line.max(at)));
    }
    let ends = |c: char| {
        c.is_whitespace()
            || matches!(
                c,
                '&' | '"' | '\'' | '<' | '>' | '|' | '`' | ')' | ',' | '\\'
            )
    };
    text.find(ends).unwrap_or(text.len())
}

fn encoded(name: &str, value: &str) -> String {
    let joined = value.replace(['\n', '\r'], "");
    match name {
        // A `+` of base64 that became a space.
        "signature" if joined.contains('%') => joined,
        "signature" => percent_encoded(joined.trim_end_matches(['.', ';', ']', '}']).trim()),
        _ if joined.contains("%22") => joined,
        // A space that was written as `+` and not decoded.
        _ if !is_json(&joined) && is_json(&joined.replace('+', " ")) => {
            percent_encoded(&joined.replace('+', " "))
        }
        _ => percent_encoded(&joined),
    }
}

fn is_json(text: &str) -> bool {
    serde_json::from_str::<IgnoredAny>(text).is_ok()
}

/// The path as published signers encode it: as RFC 3986, as JavaScript, PHP, Python, Java and Go do.
fn paths(path: &str) -> Vec<String> {
    if !path.contains('/') {
        return vec![path.to_owned()];
    }
    // Some tools leave the slash that the embed path begins with, some take it for the one before.
    let path = format!("/{}", path.trim_start_matches('/'));
    let kept = |kept: &[char]| {
        let parts = path.split_inclusive(kept).map(|part| {
            let last = part.chars().next_back().filter(|last| kept.contains(last));
            let bare = last
                .and_then(|last| part.strip_suffix(last))
                .unwrap_or(part);
            percent_encoded(bare) + last.map(String::from).unwrap_or_default().as_str()
        });
        parts.collect::<String>()
    };
    let rfc = percent_encoded(&path);
    let mut ways = vec![
        rfc.clone(),
        kept(&['!', '\'', '(', ')', '*']),
        rfc.replace("%20", "+"),
        rfc.replace('~', "%7E"),
        kept(&['*']).replace("%20", "+").replace('~', "%7E"),
        kept(&['$', '&', '+', '=', ':', '@']),
        kept(&['+']),
    ];
    // A proxy merges two slashes into one.
    ways.push(percent_encoded(path.trim_start_matches('/')));
    ways.dedup();
    ways
}
