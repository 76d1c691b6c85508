//! Links that mail gateways and other programs have put around a URL, as far as the original stands in them.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use percent_encoding::percent_decode_str;

use crate::signed_url::paste::shape;
use crate::signed_url::paste::text::scheme_length;

/// Said of a URL that stood in another.
pub(super) const GATEWAY: &str =
    "the link around it (a mail gateway's or a redirect's) was unwrapped";

/// How often a link may be encoded, and over how many lines it may go.
const MOST_LAYERS: usize = 4;
const MOST_LINES: usize = 400;

/// The URL in the link of a gateway with an encoding of its own.
pub(super) fn unwrapped(text: &str) -> Option<String> {
    second_proofpoint(text).or_else(|| third_proofpoint(text))
}

/// URLDefense v2: `-3A__` is `://`, `-25` is `%`.
fn second_proofpoint(text: &str) -> Option<String> {
    let after = text.get(scheme_length(text)?..)?;
    after.strip_prefix("-3A__")?;
    best(text, true, |token| {
        decode(&token.replace('-', "%").replace('_', "/"))
    })
}

/// URLDefense v3: `*` stands for one character of a list in base64 behind the URL, `**` and a letter for several.
fn third_proofpoint(text: &str) -> Option<String> {
    best(text, false, |token| {
        let (url, list) = token.split_once("__;")?;
        let (list, _) = list.split_once('!')?;
        let list = URL_SAFE_NO_PAD.decode(list.trim_end_matches('=')).ok()?;
        let out = starred(url, &String::from_utf8(list).ok()?)?;
        // It takes one of two slashes away.
        Some(match out.split_once(":/") {
            Some((scheme, rest)) if !rest.starts_with('/') => format!("{scheme}://{rest}"),
            _ => out,
        })
    })
}

fn starred(url: &str, replaced: &str) -> Option<String> {
    const COUNTS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut replaced = replaced.chars();
    let mut out = String::with_capacity(url.len());
    let mut rest = url;
    while let Some((plain, star)) = rest.split_once('*') {
        out.push_str(plain);
        rest = star;
        let many = star.strip_prefix('*').and_then(|run| run.chars().next());
        match many.and_then(|letter| COUNTS.find(letter)) {
            Some(count) => {
                out.extend(replaced.by_ref().take(count + 2));
                rest = star.get(2..)?;
            }
            None => out.push(replaced.next()?),
        }
    }
    out.push_str(rest);
    Some(out)
}

/// A URL that was percent-encoded as a whole, as the value of a parameter is.
pub(super) fn decoded(text: &str) -> Option<String> {
    if !is_encoded(text) {
        return None;
    }
    best(text, true, |token| {
        let mut url = token.to_owned();
        for _ in 0..MOST_LAYERS {
            if !is_encoded(&url) {
                break;
            }
            url = decode(&url)?;
        }
        Some(url)
    })
}

/// Whether a URL's first colon, or without a scheme its first slash, is encoded.
fn is_encoded(text: &str) -> bool {
    let begins = |text: &str, codes: [&str; 3]| {
        let begins = |code: &&str| {
            text.get(..code.len())
                .is_some_and(|start| start.eq_ignore_ascii_case(code))
        };
        codes.iter().any(begins)
    };
    match scheme_length(text) {
        Some(length) => begins(
            text.get(length..).unwrap_or_default(),
            ["%3a", "%253a", "%25253a"],
        ),
        None => {
            let host =
                |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':' | '[' | ']');
            begins(text.trim_start_matches(host), ["%2f", "%252f", "%25252f"])
        }
    }
}

/// The URL in the link at the start of `text`, which may be wrapped: the lines that make it a better one belong to it.
fn best(text: &str, is_value: bool, url: impl Fn(&str) -> Option<String>) -> Option<String> {
    let ends = |c: char| {
        (c == '&' && is_value)
            || matches!(
                c,
                ' ' | '\t' | '"' | '\'' | '<' | '|' | ')' | ']' | '}' | '\\'
            )
    };
    let mut token = String::new();
    let mut best: Option<String> = None;
    for line in text.split('\n').take(MOST_LINES) {
        let part = line.trim_start_matches([' ', '\t', '>']).trim_end();
        let end = part.find(ends);
        token.push_str(part.get(..end.unwrap_or(part.len())).unwrap_or_default());
        if let Some(url) = url(&token)
            && best
                .as_ref()
                .is_none_or(|best| shape::score(&url) > shape::score(best))
        {
            best = Some(url);
        }
        if end.is_some() {
            break;
        }
    }
    best
}

fn decode(text: &str) -> Option<String> {
    Some(percent_decode_str(text).decode_utf8().ok()?.into_owned())
}
