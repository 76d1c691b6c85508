//! Where in a text a signed URL stands, in whatever dress: its path leads there, or its signature.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

use crate::signed_url::paste::gateways::GATEWAY;
use crate::signed_url::paste::text::{is_invisible, scheme_length};

/// The longest URL, in any dress, and the longest start of one before its path.
const LONGEST: usize = 200_000;
const LONGEST_START: usize = 600;

/// The most URLs of one text: whoever has more gives them one a line.
const MOST_PLACES: usize = 100_000;

/// A URL in its dress, with the text after it.
pub(super) struct Place<'a> {
    /// From its first character up to the next URL, or to the end.
    pub(super) text: Cow<'a, str>,
    /// What stands before it, up to a line's start.
    pub(super) before: &'a str,
    /// What was undone to find it.
    pub(super) undone: Option<&'static str>,
}

/// All places, in the order of the text.
pub(super) fn all(text: &str) -> Vec<Place<'_>> {
    let mut starts: Vec<usize> = Vec::new();
    for at in matches_of(text, "login") {
        if starts.len() >= MOST_PLACES {
            break;
        }
        let Some(start) = leads_to_embed(text, at)
            .then(|| start_of(text, at))
            .flatten()
        else {
            continue;
        };
        // An embed path can be a login URL itself.
        if starts.last().is_none_or(|last| *last < start) && !continues(text, &starts, start) {
            starts.push(start);
        }
    }
    starts.extend(without_login(text, &starts));
    starts.sort_unstable();
    starts.dedup();
    let ends = starts.iter().copied().skip(1).chain([text.len()]);
    let mut places: Vec<Place<'_>> = starts
        .iter()
        .zip(ends)
        .filter_map(|(start, end)| place(text, *start, end))
        .collect();
    if places.is_empty() {
        places.extend(in_base64(text));
    }
    places
}

fn place(text: &str, start: usize, end: usize) -> Option<Place<'_>> {
    let mut end = end.min(start + LONGEST);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let before = text.get(..start)?;
    let line = before.rfind('\n').map_or(0, |at| at + 1);
    Some(Place {
        text: Cow::Borrowed(text.get(start..end)?),
        before: before.get(line..)?,
        undone: None,
    })
}

/// Whether a path without a host begins inside the URL before it.
fn continues(text: &str, starts: &[usize], start: usize) -> bool {
    let Some(last) = starts.last() else {
        return false;
    };
    let between = text.get(*last..start).unwrap_or_default();
    let has_scheme = text.get(start..).and_then(scheme_length).is_some();
    !has_scheme
        && !between.contains(|c: char| c.is_whitespace() || matches!(c, '"' | '<' | '>' | '|'))
}

/// The host that a text names beside a path, as in `Host: acme.looker.com` or `"authority":"acme.looker.com"`.
pub(super) fn host_in(text: &str) -> Option<&str> {
    let named = ["host", "authority"]
        .iter()
        .flat_map(|word| matches_of(text, word).filter_map(|at| text.get(at..)?.get(word.len()..)));
    let mut hosts = named.filter_map(|after| {
        let value = after.trim_start_matches(['"', '\'', ':', '=', ' ', '\\']);
        let between = after.len() - value.len();
        let part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':');
        let host = value.split(|c| !part(c)).next()?.trim_matches(['.', ':']);
        ((1..6).contains(&between) && host.contains('.')).then_some(host)
    });
    hosts.next()
}

/// The starts of `word` in `text`, in any case, even if a line break or a character without width stands in it.
fn matches_of<'a>(text: &'a str, word: &'static str) -> impl Iterator<Item = usize> + 'a {
    let first = word.bytes().next().unwrap_or_default();
    let starts = memchr::memchr2_iter(first, first.to_ascii_uppercase(), text.as_bytes());
    starts.filter(move |at| after_word(text, *at, word).is_some())
}

/// The end of `word` if it stands at `at`.
fn after_word(text: &str, at: usize, word: &str) -> Option<usize> {
    let mut letters = word.chars().peekable();
    let mut characters = text.get(at..)?.char_indices().take(word.len() + 40);
    while let Some(letter) = letters.peek() {
        let (offset, character) = characters.next()?;
        if character.eq_ignore_ascii_case(letter) {
            letters.next();
            if letters.peek().is_none() {
                return Some(at + offset + character.len_utf8());
            }
        } else if !breaks(character) {
            return None;
        }
    }
    None
}

/// What may stand within a word that was wrapped: spaces, quotation of mails, and the `=` of quoted-printable.
const fn breaks(character: char) -> bool {
    character.is_whitespace() || is_invisible(character) || matches!(character, '=' | '>')
}

/// Whether `/embed` follows `login` at `at`, its slash in any encoding.
fn leads_to_embed(text: &str, at: usize) -> bool {
    let Some(end) = after_word(text, at, "login") else {
        return false;
    };
    let rest = text.get(end..).unwrap_or_default();
    let slash = |c: char| breaks(c) || c.is_ascii_digit() || "%/\\&#;_-*ufxsolUFX".contains(c);
    let word = rest
        .char_indices()
        .take(40)
        .take_while(|(_, character)| slash(*character) || *character == 'e' || *character == 'E')
        .filter(|(_, character)| character.eq_ignore_ascii_case(&'e'))
        .map(|(at, _)| at)
        .find(|at| after_word(rest, *at, "embed").is_some());
    word.is_some_and(|length| length > 0)
}

/// The start of the URL whose path has its `login` at `at`: its scheme, its host, or the slash before.
fn start_of(text: &str, at: usize) -> Option<usize> {
    let mut from = at.saturating_sub(LONGEST_START);
    while !text.is_char_boundary(from) {
        from += 1;
    }
    let before = text.get(from..at)?;
    let scheme = before.char_indices().rev().find(|(start, _)| {
        let rest = before.get(*start..).unwrap_or_default();
        scheme_length(rest).is_some_and(|length| leads_on(rest.get(length..).unwrap_or_default()))
    });
    if let Some((start, _)) = scheme {
        return Some(from + start);
    }
    let path = |c: char| {
        c.is_ascii_alphanumeric()
            || is_invisible(c)
            || matches!(c, '.' | ':' | '-' | '/' | '\\' | '%')
    };
    let word = before.rsplit(|c: char| !path(c)).next().unwrap_or_default();
    let bracket = before
        .strip_suffix(word)
        .and_then(|rest| rest.strip_suffix(']'));
    let address = bracket.and_then(|rest| rest.rfind('['));
    let start = address.unwrap_or(before.len() - word.len());
    // `login_embed` in prose is none.
    let slash = word.ends_with(['/', '\\', 'F', 'f']) && (word.contains(['/', '%', '\\']));
    slash.then_some(from + start)
}

/// Whether what follows `http` is the rest of a URL's start: a colon in some encoding, and nothing that ends a URL.
fn leads_on(rest: &str) -> bool {
    let colon = [
        ":", "%3a", "%253a", "%25253a", "-3a", "\\u003a", "\\x3a", "\\:", "&#58;", "&#x3a;",
        "&colon;", "=3a", "*3a",
    ];
    let begins = |start: &&str| {
        rest.get(..start.len())
            .is_some_and(|text| text.eq_ignore_ascii_case(start))
    };
    // A link whose query holds the URL is not its start.
    let ends = |c: char| {
        matches!(
            c,
            '"' | '\'' | '<' | '{' | '}' | '|' | '(' | ')' | ' ' | '\t' | ',' | '?'
        )
    };
    colon.iter().any(begins) && !rest.contains(ends)
}

/// URLs that are signed and whose path does not lead to a login.
fn without_login(text: &str, known: &[usize]) -> Vec<usize> {
    let mut starts = Vec::new();
    for at in matches_of(text, "signature").take(MOST_PLACES) {
        let last = known
            .get(..known.partition_point(|start| *start < at))
            .and_then(<[usize]>::last);
        let of_last = last.and_then(|last| text.get(*last..at));
        if of_last.is_some_and(|between| !between.contains(char::is_whitespace)) {
            continue;
        }
        let mut from = at.saturating_sub(LONGEST_START * 16);
        while !text.is_char_boundary(from) {
            from += 1;
        }
        let before = text.get(from..at).unwrap_or_default();
        let scheme = before.char_indices().rev().find(|(start, _)| {
            let rest = before.get(*start..).unwrap_or_default();
            scheme_length(rest).is_some_and(|length| {
                let after = rest.get(length..).unwrap_or_default();
                // The value of a parameter holds no `&`.
                let encoded = after
                    .get(..3)
                    .is_some_and(|colon| colon.eq_ignore_ascii_case("%3a"))
                    && !after.contains(['&', '\\']);
                after.starts_with("://") || after.starts_with(":\\/\\/") || encoded
            })
        });
        let Some(start) = scheme.map(|(start, _)| from + start) else {
            continue;
        };
        let whole = text.get(start..).unwrap_or_default();
        let near: String = whole.chars().take(LONGEST_START * 16).collect();
        let signed = ["nonce", "external_user_id"]
            .iter()
            .any(|name| near.contains(name));
        // A login URL before it has this signature.
        let of_one = |known: &usize| {
            let between = text.get(*known..start).unwrap_or_default();
            (between.ends_with('=') && !between.contains('\n')) || (start..at).contains(known)
        };
        let taken = known.iter().any(of_one);
        if signed && !taken {
            starts.push(start);
        }
    }
    starts
}

/// A URL that stands in base64, as some mail gateways write it.
fn in_base64(text: &str) -> Option<Place<'_>> {
    let start = text.find("aHR0c")?;
    let rest = text.get(start..)?;
    let part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '-' | '_');
    let token = rest.split(|c| !part(c)).next()?;
    let bytes = URL_SAFE_NO_PAD
        .decode(token)
        .or_else(|_| STANDARD_NO_PAD.decode(token))
        .ok()?;
    let url = String::from_utf8(bytes).ok()?;
    let before = text.get(..start)?;
    url.contains("login/embed").then_some(Place {
        text: Cow::Owned(url),
        before,
        undone: Some(GATEWAY),
    })
}
