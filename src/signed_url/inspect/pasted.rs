//! What people paste: a URL inside a line of JSON, HTML, a shell or a mail, which has to be taken out before it can be judged.

use percent_encoding::percent_decode_str;

use crate::signed_url::encode::percent_encoded;
use crate::signed_url::verify::names;

/// Where the embed path of a signed URL begins.
const LOGIN: &str = "/login/embed/";

/// The URL inside a text, and what was undone to get at it.
pub struct Pasted {
    /// The URL as it was probably signed.
    pub url: String,
    /// What was taken off or undone, in words.
    pub undone: Vec<&'static str>,
}

impl Pasted {
    /// Find the URL in `text`. A text that holds none stays as it is.
    pub fn in_text(text: &str) -> Self {
        let mut this = Self {
            url: text.trim().to_owned(),
            undone: Vec::new(),
        };
        // From the outside in: each layer may hide the next.
        this.apply("spaces that do not show were taken off", invisible);
        this.apply("the text around it was taken off", out_of_context);
        this.apply("JSON escapes were undone", json);
        this.apply("HTML escapes were undone", html);
        this.apply("a mail gateway's link was unwrapped", unwrapped);
        this.apply("punctuation at its end was taken off", punctuation);
        this.apply("what had been percent-decoded was encoded again", encoded);
        this
    }

    fn apply(&mut self, what: &'static str, undo: fn(&str) -> Option<String>) {
        if let Some(url) = undo(&self.url).filter(|url| *url != self.url) {
            self.url = url;
            self.undone.push(what);
        }
    }
}

impl std::fmt::Debug for Pasted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Whoever has the URL is let in.
        f.debug_struct("Pasted")
            .field("undone", &self.undone)
            .finish_non_exhaustive()
    }
}

/// Spaces of no width and others that `trim` leaves.
fn invisible(text: &str) -> Option<String> {
    let hides = |character: char| {
        character.is_whitespace()
            || matches!(
                character,
                '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}' | '\u{ad}'
            )
    };
    Some(text.trim_matches(hides).to_owned())
}

/// The URL after something else: up to the quote that closes it, or to the next space.
fn out_of_context(text: &str) -> Option<String> {
    let starts = ["https:", "http:"].map(|scheme| text.find(scheme));
    let start = starts
        .into_iter()
        .flatten()
        .min()
        .filter(|start| *start > 0)?;
    let (before, url) = text.split_at_checked(start)?;
    let end = match before.chars().next_back()? {
        quote @ ('"' | '\'' | '`') => url.find(quote),
        '<' => url.find('>'),
        '(' => url.find(')'),
        '[' => url.find(']'),
        _ => url.find(char::is_whitespace),
    };
    let (url, _) = url.split_at_checked(end.unwrap_or(url.len()))?;
    // Another URL in the query of a relative one is not it.
    url.contains("login").then(|| url.to_owned())
}

/// `\/` and `\u0026`, as in a JSON text.
fn json(url: &str) -> Option<String> {
    if !url.contains('\\') {
        return None;
    }
    serde_json::from_str(&format!("\"{url}\"")).ok()
}

/// `&amp;`, as in a page.
fn html(url: &str) -> Option<String> {
    let pairs = [
        ("&amp;", "&"),
        ("&#38;", "&"),
        ("&#x26;", "&"),
        ("&quot;", "\""),
        ("&#34;", "\""),
        ("&#39;", "'"),
        ("&lt;", "<"),
        ("&gt;", ">"),
    ];
    let undone = pairs
        .iter()
        .fold(url.to_owned(), |url, (escape, character)| {
            url.replace(escape, character)
        });
    Some(undone)
}

/// The URL that another one leads to, as gateways write it that look at links first.
fn unwrapped(url: &str) -> Option<String> {
    let (place, query) = url.split_once('?')?;
    if place.contains(LOGIN) {
        return None;
    }
    let mut values = query.split('&').filter_map(|pair| pair.split_once('='));
    values.find_map(|(_, value)| {
        let inner = percent_decode_str(value).decode_utf8().ok()?;
        (inner.starts_with("http") && inner.contains(LOGIN)).then(|| inner.into_owned())
    })
}

/// What ends a sentence, not a URL.
fn punctuation(url: &str) -> Option<String> {
    let ends = |character: char| matches!(character, '.' | ',' | ';' | '!' | ')' | '>' | ']');
    Some(url.trim_end_matches(ends).to_owned())
}

/// A URL whose percent-encoding a document or a browser's tools have undone: it is encoded again.
fn encoded(url: &str) -> Option<String> {
    let at = url.find(LOGIN)? + LOGIN.len();
    let (start, rest) = url.split_at_checked(at)?;
    // An encoded path has no slash. If the values are still encoded, the code that signs has left the path as it was.
    let rest = rest.strip_prefix('/').filter(|rest| rest.contains('"'))?;
    let begins = |text: &str| {
        names().any(|name| {
            text.strip_prefix(name)
                .is_some_and(|after| after.starts_with('='))
        })
    };
    let mut ends = rest.match_indices('?').map(|(at, _)| at);
    let at = ends.find(|at| rest.get(at + 1..).is_some_and(begins))?;
    let (path, query) = (rest.get(..at)?, rest.get(at + 1..)?);
    // A value may hold `&`; only one before a known name ends it.
    let mut parts: Vec<String> = Vec::new();
    for part in query.split('&') {
        match parts.last_mut() {
            Some(last) if !begins(part) => last.extend(["&", part]),
            _ => parts.push(part.to_owned()),
        }
    }
    let query = parts.iter().filter_map(|part| {
        let (name, value) = part.split_once('=')?;
        Some(format!("{name}={}", percent_encoded(value)))
    });
    let query: Vec<String> = query.collect();
    let path = percent_encoded(&format!("/{path}"));
    Some(format!("{start}{path}?{}", query.join("&")))
}
