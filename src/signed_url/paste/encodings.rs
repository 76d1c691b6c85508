//! Escapes of strings, of pages and of mails, undone as far as they are well formed; the rest stays as it is.

use crate::signed_url::verify::names;

/// `\/`, `\u0026`, `\x26`, `\"` and `\&`, as JSON, languages and shells write them. Only if the URL has one before any quote:
/// a backslash within a quoted value belongs to the value.
pub(super) fn escapes(text: &str) -> Option<String> {
    let first = text.find(['\\', '"', '\'', '<', '`'])?;
    if !text.get(first..)?.starts_with('\\') {
        return None;
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        let (plain, escape) = rest.split_at(at);
        out.push_str(plain);
        let (meaning, after) = unescaped(escape.get(1..).unwrap_or_default());
        out.extend(meaning);
        rest = after;
    }
    out.push_str(rest);
    Some(out)
}

/// What an escape stands for, and the text after it.
fn unescaped(escape: &str) -> (Option<char>, &str) {
    let Some(kind) = escape.chars().next() else {
        return (None, "");
    };
    let after = escape.get(kind.len_utf8()..).unwrap_or_default();
    let digits = match kind {
        'u' => 4,
        'x' => 2,
        _ => 0,
    };
    let code = after.get(..digits).filter(|digits| !digits.is_empty());
    let code = code.and_then(|digits| u32::from_str_radix(digits, 16).ok());
    match (kind, code.and_then(char::from_u32)) {
        ('u' | 'x', Some(character)) => (Some(character), after.get(digits..).unwrap_or_default()),
        // Half of a character beyond the first plane, or no escape at all: kept, so that nothing is made up.
        ('u' | 'x', None) => (Some('\\'), escape),
        ('n' | 'r' | 't', _) => (Some('\n'), after),
        _ => (Some(kind), after),
    }
}

/// `&amp;`, `&#38;` and `&#x26;`, as in a page.
pub(super) fn entities(text: &str) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        let (plain, entity) = rest.split_at(at);
        out.push_str(plain);
        let inner = entity.get(1..).unwrap_or_default();
        let named = inner
            .find(';')
            .filter(|end| *end <= 8)
            .and_then(|end| Some((character(inner.get(..end)?)?, inner.get(end + 1..)?)));
        let (character, after) = named.unwrap_or(('&', inner));
        out.push(character);
        rest = after;
    }
    out.push_str(rest);
    Some(out)
}

fn character(entity: &str) -> Option<char> {
    if let Some(number) = entity.strip_prefix('#') {
        let hex = number.strip_prefix(['x', 'X']);
        let code = match hex {
            Some(hex) => u32::from_str_radix(hex, 16),
            None => number.parse(),
        };
        return char::from_u32(code.ok()?);
    }
    Some(match entity {
        "amp" => '&',
        "quot" => '"',
        "apos" => '\'',
        "lt" => '<',
        "gt" => '>',
        "equals" => '=',
        "sol" => '/',
        "colon" => ':',
        "quest" => '?',
        "percnt" => '%',
        "nbsp" => ' ',
        _ => return None,
    })
}

/// Quoted-printable: `=3D`, and `=` at a line's end. Only if a parameter's own `=` is written so.
pub(super) fn printable(text: &str) -> Option<String> {
    let joined = text.replace("=\r\n", "").replace("=\n", "");
    // A signature may begin with `3D`.
    let mut others = names()
        .filter(|name| *name != "signature")
        .chain(["embed_authentication_token"]);
    others.find(|name| joined.contains(&format!("{name}=3D")))?;
    let mut out = Vec::with_capacity(joined.len());
    let mut rest = joined.as_bytes();
    while let [first, after @ ..] = rest {
        let code = match after {
            [high, low, ..] if *first == b'=' => {
                let digit = |byte: &u8| char::from(*byte).to_digit(16);
                digit(high)
                    .zip(digit(low))
                    .and_then(|(high, low)| u8::try_from(high << 4 | low).ok())
            }
            _ => None,
        };
        out.push(code.unwrap_or(*first));
        rest = match code {
            Some(_) => after.get(2..).unwrap_or_default(),
            None => after,
        };
    }
    Some(String::from_utf8_lossy(&out).into_owned())
}
