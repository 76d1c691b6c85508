//! The dresses that a URL wears in a text, and how each is taken off.

use crate::signed_url::paste::encodings::{entities, escapes, printable};
use crate::signed_url::paste::gateways;
use crate::signed_url::paste::text::is_invisible;

/// A dress.
struct Dress {
    /// What was done, in words.
    what: &'static str,
    /// The text without it; `None` if it does not wear it.
    undo: fn(&str) -> Option<String>,
}

const WHOLE: &str = "it had been percent-encoded as a whole, and was decoded";

/// Every dress. Of several the first is taken off first, because it is further out.
const DRESSES: [Dress; 10] = [
    Dress {
        what: "the line breaks and escapes of a mail (quoted-printable) were undone",
        undo: printable,
    },
    Dress {
        what: "spaces that do not show were taken off",
        undo: invisible,
    },
    Dress {
        what: "typographic quotes were made plain ones",
        undo: quotes,
    },
    Dress {
        what: "quotes that a table or a program doubles were undoubled",
        undo: doubled_quotes,
    },
    Dress {
        what: "parts of a string in code were joined",
        undo: string_parts,
    },
    Dress {
        what: "JSON escapes were undone",
        undo: escapes,
    },
    Dress {
        what: "HTML escapes were undone",
        undo: entities,
    },
    Dress {
        what: "the escapes of a Windows prompt were undone",
        undo: carets,
    },
    Dress {
        what: gateways::GATEWAY,
        undo: gateways::unwrapped,
    },
    Dress {
        what: WHOLE,
        undo: gateways::decoded,
    },
];

/// Take the outermost dress off a URL that has `before` in front of it.
pub(super) fn take_off(text: &str, before: &str) -> Option<(String, &'static str)> {
    let (bare, what) = DRESSES.iter().find_map(|dress| {
        let bare = (dress.undo)(text).filter(|bare| bare != text)?;
        Some((bare, dress.what))
    })?;
    // The value of a parameter is percent-encoded as a whole, too.
    let word = before
        .rsplit([' ', '"', '\'', '<'])
        .next()
        .unwrap_or_default();
    let wrapped = what == WHOLE && (word.contains("://") || word.contains(":\\/\\/"));
    Some((bare, if wrapped { gateways::GATEWAY } else { what }))
}

/// Characters without width are left away; a space that looks like another becomes one.
fn invisible(text: &str) -> Option<String> {
    let shown = text.chars().filter_map(|character| match character {
        '\u{a0}' | '\u{202f}' => Some(' '),
        _ if is_invisible(character) => None,
        _ => Some(character),
    });
    text.contains(is_invisible).then(|| shown.collect())
}

/// `“` and `”`, as word processors write `"`. Only within the URL.
fn quotes(text: &str) -> Option<String> {
    text.contains("=“")
        .then(|| text.replace(['“', '”', '„'], "\""))
}

/// `""` for each `"`, as CSV and some languages write them; an empty value is written so, too.
fn doubled_quotes(text: &str) -> Option<String> {
    let mut values = text
        .match_indices("=\"\"")
        .filter_map(|(at, mark)| text.get(at + mark.len()..));
    let doubled =
        values.any(|after| !after.is_empty() && !after.starts_with(['&', '"', ' ', '\n', '\r']));
    doubled.then(|| text.replace("\"\"", "\""))
}

/// `"…" +` and the next line's `"…"`, as code writes a long text.
fn string_parts(text: &str) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(['"', '\'']) {
        let (part, after) = rest.split_at(at);
        out.push_str(part);
        let quote = after.chars().next()?;
        let tail = after.get(1..)?;
        let joint = |c: char| c.is_whitespace() || matches!(c, '+' | '.' | '\\' | '&' | '_');
        let next = tail.trim_start_matches(joint);
        let between = tail.strip_suffix(next).unwrap_or_default();
        rest = match next.strip_prefix(quote) {
            Some(next) if between.contains('\n') || between.contains('+') => next,
            _ => {
                out.push(quote);
                tail
            }
        };
    }
    out.push_str(rest);
    Some(out)
}

/// `^&` and `^%`, as `cmd.exe` wants them.
fn carets(text: &str) -> Option<String> {
    let word = text.split(char::is_whitespace).next()?;
    word.contains('^').then(|| text.replace('^', ""))
}
