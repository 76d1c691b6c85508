//! What of a text belongs to the URL at its start: where it ends, and which lines go on with it.

use crate::signed_url::paste::{Reading, SHORTENED, copied, shape};

/// The most lines that a URL is wrapped over.
const MOST_LINES: usize = 400;

/// Said of what stood around a URL, and of what ended its sentence.
const AROUND: &str = "the text around it was taken off";
const PUNCTUATION: &str = "punctuation at its end was taken off";
const JOINED: &str = "lines that it was wrapped over were joined";

/// The readings of the URL that `text` begins with, the most plausible first.
pub(super) fn readings(text: &str, before: &str) -> Vec<Reading> {
    if let Some(copies) = copied::encoded_again(text) {
        let rest = |used: usize| text.get(used..).unwrap_or_default();
        return copies
            .into_iter()
            .map(|(url, used)| Reading {
                url,
                undone: around(before, rest(used), vec![copied::COPIED]),
                ..Reading::default()
            })
            .collect();
    }
    let mut found = Vec::new();
    for (url, lines, rest) in joined(text) {
        for cut in cuts(&url, before) {
            found.push(reading(cut, &url, lines, rest, before));
        }
    }
    found
}

fn reading(cut: &str, whole: &str, lines: usize, rest: &str, before: &str) -> Reading {
    let tail = whole.get(cut.len()..).unwrap_or_default();
    let shortened = tail.starts_with('…') || tail.starts_with("...") || tail.starts_with("[trunc");
    let mut undone = Vec::new();
    if lines > 1 {
        undone.push(JOINED);
    }
    if shortened {
        undone.push(SHORTENED);
    } else if !tail.is_empty() && tail.chars().all(ends_a_sentence) {
        undone.push(PUNCTUATION);
    }
    let more = tail.contains(|c: char| c.is_alphanumeric()) && !shortened;
    let rest = if more { tail } else { rest };
    Reading {
        url: cut.to_owned(),
        undone: around(before, rest, undone),
        shortened,
        ..Reading::default()
    }
}

fn around(before: &str, after: &str, mut undone: Vec<&'static str>) -> Vec<&'static str> {
    let shows = |text: &str| text.contains(|c: char| !c.is_whitespace() && !ends_a_sentence(c));
    if shows(before) || shows(after) {
        undone.insert(0, AROUND);
    }
    undone
}

/// What ends a sentence, or the emphasis of a word, not a URL.
const fn ends_a_sentence(character: char) -> bool {
    matches!(
        character,
        '.' | ',' | ';' | '!' | '?' | ':' | ')' | '>' | ']' | '}' | '\'' | '"' | '`' | '*' | '\\'
    )
}

/// The text up to what no URL holds, and the rest.
fn piece(text: &str) -> (&str, &str) {
    let ends = |c: char| {
        c.is_whitespace()
            || matches!(
                c,
                '"' | '<' | '>' | '`' | '|' | '\\' | '^' | '…' | '“' | '”' | '‘' | '’' | '«' | '»'
            )
    };
    text.split_at(text.find(ends).unwrap_or(text.len()))
}

/// A URL over several lines, how many these are, and the rest of the text.
type Joined<'a> = (String, usize, &'a str);

/// The URL over as many lines as make it a better one; then over those that make it no worse, and over one alone: what is
/// below may be of the text around it.
fn joined(text: &str) -> Vec<Joined<'_>> {
    let (first, mut rest) = piece(text);
    let alone: Joined<'_> = (with_ellipsis(first, rest), 1, rest);
    let (mut best, mut longest) = (alone.clone(), alone.clone());
    let mut score = best_score(first);
    let mut url = first.to_owned();
    for line in 2..MOST_LINES {
        // Lines, or the columns of a page that was copied as text.
        let after = rest.trim_start_matches(|c: char| c.is_whitespace() || c == '\\');
        let quoted = after.trim_start_matches(['>', ' ', '|']);
        if after.len() == rest.len() || quoted.is_empty() {
            break;
        }
        let (next, behind) = piece(quoted);
        if next.is_empty() {
            break;
        }
        url.push_str(next);
        rest = behind;
        let now = best_score(&url);
        if now > score {
            score = now;
            best = (with_ellipsis(&url, rest), line, rest);
            longest = best.clone();
        } else if now == score && longest.1 + 1 == line {
            longest = (with_ellipsis(&url, rest), line, rest);
        }
    }
    let mut all = vec![best, longest, alone];
    all.dedup_by_key(|(_, lines, _)| *lines);
    all
}

/// An ellipsis in one character ends a URL, and belongs to what is told of it.
fn with_ellipsis(url: &str, rest: &str) -> String {
    match rest.starts_with('…') {
        true => format!("{url}…"),
        false => url.to_owned(),
    }
}

fn best_score(url: &str) -> i32 {
    let cuts = cuts(url, "");
    cuts.first().map_or(i32::MIN, |cut| shape::score(cut))
}

/// The URL without what is behind it on the same line, the best first; the whole of it is among them.
fn cuts<'a>(url: &'a str, before: &str) -> Vec<&'a str> {
    // What a program writes for the rest is no part of it.
    let marks = ["…", "...", "[trunc"]
        .into_iter()
        .filter_map(|mark| url.find(mark));
    let url = marks.min().and_then(|at| url.get(..at)).unwrap_or(url);
    let in_link = before
        .rsplit(' ')
        .next()
        .is_some_and(|word| word.contains("://"));
    let start = url.find('?').unwrap_or(0);
    let ends = url.char_indices().filter(|(at, character)| {
        let behind = url.get(*at + character.len_utf8()..).unwrap_or_default();
        *at > start
            && match character {
                ',' | ';' | ')' | ']' | '}' | '\'' => true,
                '&' => in_link && !shape::begins_parameter(behind),
                '.' => behind.is_empty(),
                _ => false,
            }
    });
    let mut cuts: Vec<&str> = vec![trimmed(url), url];
    cuts.extend(
        ends.filter_map(|(at, _)| Some(trimmed(url.get(..at)?)))
            .take(64),
    );
    let mut seen = Vec::new();
    cuts.retain(|cut| {
        let fresh = !seen.contains(cut);
        seen.push(*cut);
        fresh
    });
    // Stable: of equals, the longest without punctuation is first.
    cuts.sort_by_key(|cut| {
        (
            std::cmp::Reverse(shape::score(cut)),
            std::cmp::Reverse(rank(cut, url)),
        )
    });
    cuts.truncate(3);
    cuts
}

/// Longer is better, but for the punctuation at the end.
fn rank(cut: &str, url: &str) -> usize {
    match cut.len() == url.len() && trimmed(url).len() < url.len() {
        true => 0,
        false => cut.len(),
    }
}

/// Without the punctuation at its end; a closing bracket stays if one is opened.
fn trimmed(url: &str) -> &str {
    let mut url = url;
    while let Some(last) = url.chars().next_back().filter(|c| ends_a_sentence(*c)) {
        let opening = match last {
            ')' => '(',
            ']' => '[',
            '}' => '{',
            _ => last,
        };
        let count = |wanted: char| url.chars().filter(|c| *c == wanted).count();
        if opening != last && count(opening) >= count(last) {
            break;
        }
        url = url.get(..url.len() - last.len_utf8()).unwrap_or_default();
    }
    url
}
