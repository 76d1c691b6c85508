//! Mistakes in the second line of the string to sign: the path.

use crate::signed_url::encode::percent_encoded;
use crate::signed_url::inspect::mistakes::Mistake;

const LOGIN: &str = "/login/embed/";

pub(super) fn mistakes(path: &str) -> Vec<Mistake> {
    let encoded = path.strip_prefix(LOGIN).unwrap_or(path);
    let decoded = decoded(encoded);
    let same = "percent-encode the embed path once, with upper-case hex, and put the same text into the URL and the \
                string to sign";
    let mut mistakes = vec![
        other_path(
            "path_decoded",
            "decoded, and sent encoded",
            same,
            format!("{LOGIN}{decoded}"),
        ),
        other_path(
            "path_decoded",
            "decoded and without `/login/embed/`",
            same,
            decoded.clone(),
        ),
        other_path(
            "path_decoded",
            "decoded, with one `/` between the parts",
            same,
            format!("{LOGIN}{}", decoded.trim_start_matches('/')),
        ),
        other_path(
            "path_encoded_twice",
            "percent-encoded twice, and sent encoded once",
            same,
            format!("{LOGIN}{}", percent_encoded(encoded)),
        ),
        other_path(
            "path_encoded_otherwise",
            "with other characters percent-encoded than in the URL",
            same,
            format!("{LOGIN}{}", percent_encoded(&decoded)),
        ),
    ];
    mistakes.extend(written_otherwise(path, same));
    mistakes.extend(of_embed(path, &decoded));
    mistakes.extend(without_login(encoded));
    mistakes
}

fn written_otherwise(path: &str, same: &str) -> Vec<Mistake> {
    vec![
        other_path(
            "path_lower_case_hex",
            "with lower-case hex, and sent with upper case",
            same,
            with_hex_case(path, false),
        ),
        other_path(
            "path_lower_case_hex",
            "with upper-case hex, and sent with lower case",
            same,
            with_hex_case(path, true),
        ),
        other_path(
            "path_space",
            "with `+` for a space, and sent with `%20`",
            same,
            path.replace("%20", "+"),
        ),
        other_path(
            "path_space",
            "with `%20` for a space, and sent with `+`",
            same,
            path.replace('+', "%20"),
        ),
    ]
}

/// Another start: of the login, or of the embed path.
fn of_embed(path: &str, embed_path: &str) -> Vec<Mistake> {
    let sign = "sign the path that is sent, and send the path that is signed";
    let login = |path: String| format!("{LOGIN}{}", percent_encoded(&path));
    let tail = path.rsplit_once("/embed/").map_or(path, |(_, tail)| tail);
    let mut mistakes = vec![
        other_path(
            "path_wrong",
            "with `/login/embed/`, and sent without",
            sign,
            format!("{LOGIN}{}", path.trim_start_matches('/')),
        ),
        other_path(
            "path_wrong",
            "with `/login/embed/` in front of it",
            sign,
            format!("{LOGIN}{}", tail.trim_start_matches('/')),
        ),
        other_path(
            "path_wrong",
            "without a `/` at its start, and sent with one",
            sign,
            login(embed_path.trim_start_matches('/').to_owned()),
        ),
        other_path(
            "path_wrong",
            "with a `/` at its start, and sent without",
            sign,
            login(format!("/{embed_path}")),
        ),
        other_path(
            "path_wrong",
            "encoded, and sent decoded",
            sign,
            login(format!("/{}", embed_path.trim_start_matches('/'))),
        ),
    ];
    if let Some(page) = embed_path.strip_prefix("/embed/") {
        let (what, other) = match page.strip_prefix("sso/") {
            Some(page) => ("without `/embed/sso`", format!("/embed/{page}")),
            None => ("with `/embed/sso`", format!("/embed/sso/{page}")),
        };
        mistakes.push(other_path("embed_sso", what, sign, login(other)));
    }
    mistakes
}

fn without_login(encoded: &str) -> Vec<Mistake> {
    let login = "begin the second line with `/login/embed/`, and the encoded embed path behind it";
    vec![
        other_path(
            "path_without_login",
            "without `/login/embed/`",
            login,
            encoded.to_owned(),
        ),
        other_path(
            "path_without_login",
            "without `/login/embed/`",
            login,
            format!("/{encoded}"),
        ),
    ]
}

fn other_path(name: &'static str, what: &str, fix: &str, path: String) -> Mistake {
    let message = format!("the path was signed {what}");
    Mistake::new(name, message, fix, move |attempt| {
        attempt.path.clone_from(&path);
    })
}

/// Decode percent-encoding; whatever does not decode to text stays as it is.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        let escape = (*first == b'%')
            .then(|| after.split_at_checked(2))
            .flatten();
        let value = escape
            .and_then(|(digits, _)| str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match (value, escape) {
            (Some(value), Some((_, behind))) => {
                bytes.push(value);
                rest = behind;
            }
            _ => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8(bytes).unwrap_or_else(|_| text.to_owned())
}

/// The same path with all percent-encoding in upper or lower case.
fn with_hex_case(path: &str, upper: bool) -> String {
    let mut digits = 0;
    path.chars()
        .map(|character| {
            let in_escape = digits > 0;
            digits = if character == '%' {
                2
            } else {
                i32::max(digits - 1, 0)
            };
            match (in_escape, upper) {
                (true, true) => character.to_ascii_uppercase(),
                (true, false) => character.to_ascii_lowercase(),
                (false, _) => character,
            }
        })
        .collect()
}
