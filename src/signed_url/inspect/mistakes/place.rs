//! Mistakes in the first two lines of the string to sign: host and path.

use crate::signed_url::encode::percent_encoded;
use crate::signed_url::inspect::attempt::Attempt;
use crate::signed_url::inspect::mistakes::Mistake;

const LOGIN: &str = "/login/embed/";

/// Ports that people append to a host: those of the schemes, and Looker's own.
const PORTS: [u16; 5] = [443, 80, 9999, 19999, 8443];

pub(super) fn mistakes(right: &Attempt, expected: Option<&str>) -> Vec<Mistake> {
    let mut mistakes = hosts(&right.host, expected);
    mistakes.extend(paths(&right.path));
    mistakes
}

fn hosts(host: &str, expected: Option<&str>) -> Vec<Mistake> {
    let same = "sign the host exactly as it is in the URL";
    let bare = without_port(host);
    let mut mistakes = vec![
        other_host(
            "host_with_scheme",
            "with `https://` in front",
            same,
            format!("https://{host}"),
        ),
        other_host(
            "host_with_scheme",
            "with `http://` in front",
            same,
            format!("http://{host}"),
        ),
        other_host(
            "host_without_port",
            "without the port that is in the URL",
            same,
            bare.to_owned(),
        ),
        other_host(
            "host_with_slash",
            "with `/` behind it",
            same,
            format!("{host}/"),
        ),
        other_host(
            "host_with_path",
            "with `/login/embed/` behind it",
            same,
            format!("{host}{LOGIN}"),
        ),
        other_host("host_case", "in lower case", same, host.to_lowercase()),
        other_host(
            "host_with_scheme",
            "with `https://` in front and without its port",
            same,
            format!("https://{bare}"),
        ),
    ];
    for port in PORTS {
        let what = format!("with the port {port}, which is not in the URL");
        mistakes.push(other_host(
            "host_with_port",
            &what,
            same,
            format!("{bare}:{port}"),
        ));
    }
    if let Some(expected) = expected {
        let what = format!("as `{expected}`, and the URL goes to another");
        let fix = "send the browser to the host that is signed, the one Looker goes by";
        mistakes.push(other_host("other_host", &what, fix, expected.to_owned()));
    }
    mistakes
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}

fn other_host(name: &'static str, what: &str, fix: &str, host: String) -> Mistake {
    let message = format!("the host was signed {what}");
    Mistake::new(name, message, fix, move |attempt| {
        attempt.host.clone_from(&host);
    })
}

fn paths(path: &str) -> Vec<Mistake> {
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
