//! Mistakes in the spelling of JSON: what was signed has the same meaning as what was sent, but is different text.

use std::fmt::Write as _;

use crate::signed_url::encode::percent_encoded;
use crate::signed_url::inspect::attempt::{Attempt, Line};
use crate::signed_url::inspect::mistakes::Mistake;

/// How common libraries write JSON.
#[derive(Clone, Copy)]
struct Spelling {
    /// A space after `,` and `:`, as in Python.
    spaces: bool,
    /// `\u00e9` instead of `é`, as in Python and PHP.
    ascii: bool,
    /// `\/` instead of `/`, as in PHP.
    slashes: bool,
    /// `\u003c` instead of `<`, as in Go, Gson and Rails.
    html: bool,
}

const ONCE: &str =
    "serialize each value to JSON once, and use the same text in the URL and in the string to sign";

pub(super) fn mistakes(right: &Attempt) -> Vec<Mistake> {
    let mut mistakes = Vec::new();
    for bits in 0..16 {
        let spelling = Spelling {
            spaces: bits & 1 != 0,
            ascii: bits & 2 != 0,
            slashes: bits & 4 != 0,
            html: bits & 8 != 0,
        };
        let (name, what) = difference(right, spelling);
        let message =
            format!("the JSON was signed in a different spelling than it was sent: {what}");
        mistakes.push(Mistake::new(name, message, ONCE, move |attempt| {
            all_lines(attempt, |text| spell(text, spelling));
        }));
    }
    mistakes.extend(spacing_of_one(right));
    mistakes.push(Mistake::new(
        "json_unquoted",
        "the strings were signed without the quotes of JSON",
        "sign `nonce`, `external_user_id` and `external_group_id` with the quotes they have in the URL",
        |attempt| all_lines(attempt, |text| serde_json::from_str(text).unwrap_or_else(|_| text.to_owned())),
    ));
    mistakes.push(Mistake::new(
        "values_percent_encoded",
        "the values were percent-encoded before they were signed",
        "sign the JSON text, and percent-encode it only for the URL",
        |attempt| all_lines(attempt, percent_encoded),
    ));
    mistakes
}

/// A single value with other spaces than the rest.
fn spacing_of_one(right: &Attempt) -> Vec<Mistake> {
    let mistakes = right.parameters.iter().flat_map(|line| {
        [true, false].map(|spaces| {
            let name = line.name;
            let text = spaced(&line.text, spaces);
            let message =
                format!("`{name}` was signed with other spaces in its JSON than it was sent");
            Mistake::new("json_spacing", message, ONCE, move |attempt| {
                for line in attempt
                    .parameters
                    .iter_mut()
                    .filter(|line| line.name == name)
                {
                    line.text.clone_from(&text);
                }
            })
        })
    });
    mistakes.collect()
}

/// The same JSON with or without a space after each `,` and `:`.
fn spaced(text: &str, spaces: bool) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(character) = rest.chars().next() {
        let (token, after) = rest.split_at(token_length(rest, character));
        rest = after;
        match character {
            ',' | ':' if spaces => out.extend([character, ' ']),
            _ if character.is_ascii_whitespace() => {}
            _ => out.push_str(token),
        }
    }
    out
}

/// What a spelling changes: the name of the mistake, and its description.
fn difference(right: &Attempt, spelling: Spelling) -> (&'static str, &'static str) {
    let differs = |other: Spelling| {
        right
            .parameters
            .iter()
            .any(|line| spell(&line.text, other) != spell(&line.text, spelling))
    };
    let sent = |change: fn(&mut Spelling)| {
        let mut other = spelling;
        change(&mut other);
        let same = |line: &Line| spell(&line.text, other) == line.text;
        differs(other) && right.parameters.iter().all(same)
    };
    if sent(|spelling| spelling.ascii = !spelling.ascii) {
        (
            "unicode_escapes",
            "with characters beyond ASCII escaped differently",
        )
    } else if sent(|spelling| spelling.slashes = !spelling.slashes) {
        (
            "json_escapes",
            "with `/` escaped in one place and not in the other",
        )
    } else if sent(|spelling| spelling.html = !spelling.html) {
        (
            "json_escapes",
            "with `<`, `>` and `&` escaped in one place and not in the other",
        )
    } else if spelling.spaces {
        ("json_spacing", "with a space after each comma and colon")
    } else {
        ("json_spacing", "without the spaces between its parts")
    }
}

fn all_lines(attempt: &mut Attempt, change: impl Fn(&str) -> String) {
    for line in &mut attempt.parameters {
        line.text = change(&line.text);
    }
}

/// Rewrite JSON text in another spelling, keeping the order of its parts.
fn spell(text: &str, spelling: Spelling) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(character) = rest.chars().next() {
        let (token, after) = rest.split_at(token_length(rest, character));
        rest = after;
        match character {
            '"' => spell_string(&mut out, token, spelling),
            ',' | ':' => {
                out.push(character);
                out.push_str(if spelling.spaces { " " } else { "" });
            }
            _ if character.is_ascii_whitespace() => {}
            _ => out.push_str(token),
        }
    }
    out
}

/// The length of the string that `text` starts with, or of its first character.
fn token_length(text: &str, first: char) -> usize {
    if first != '"' {
        return first.len_utf8();
    }
    let mut escaped = false;
    let end = text.char_indices().skip(1).find(|(_, character)| {
        let ends = *character == '"' && !escaped;
        escaped = *character == '\\' && !escaped;
        ends
    });
    end.map_or(text.len(), |(at, quote)| at + quote.len_utf8())
}

fn spell_string(out: &mut String, token: &str, spelling: Spelling) {
    let Ok(text) = serde_json::from_str::<String>(token) else {
        out.push_str(token);
        return;
    };
    let json = serde_json::to_string(&text).unwrap_or_default();
    for character in json.chars() {
        let escaped = match character {
            '<' | '>' | '&' => spelling.html,
            _ => spelling.ascii && !character.is_ascii(),
        };
        if escaped {
            let mut units = [0; 2];
            for unit in character.encode_utf16(&mut units) {
                // Writing to a string cannot fail.
                let _written = write!(out, "\\u{unit:04x}").is_ok();
            }
        } else {
            out.push_str(if character == '/' && spelling.slashes {
                "\\"
            } else {
                ""
            });
            out.push(character);
        }
    }
}
