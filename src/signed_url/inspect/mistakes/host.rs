//! Mistakes in the first line of the string to sign: the host.

use crate::signed_url::inspect::mistakes::Mistake;

/// Ports that people append to a host: those of the schemes, and Looker's own.
const PORTS: [u16; 5] = [443, 80, 9999, 19999, 8443];

const SAME: &str = "sign the host exactly as it is in the URL";
const AS_SENT: &str = "sign the host as browsers send it: in lower case, in its ASCII form, and without the port of the scheme";

/// A host that was signed: the name of the mistake, how it was signed, what to do, and the host.
type Signed = (&'static str, String, &'static str, String);

pub(super) fn mistakes(host: &str, expected: Option<&str>) -> Vec<Mistake> {
    let all = with_more(host)
        .into_iter()
        .chain(with_port(host))
        .chain(as_written(host));
    let other = expected.map(|expected| {
        (
            "other_host",
            format!("as `{expected}`, and the URL goes to another"),
            "send the browser to the host that is signed, the one Looker goes by",
            expected.to_owned(),
        )
    });
    let mistake = |(name, how, fix, host): Signed| {
        Mistake::new(
            name,
            format!("the host was signed {how}"),
            fix,
            move |attempt| {
                attempt.host.clone_from(&host);
            },
        )
    };
    all.chain(other).map(mistake).collect()
}

/// With something before or behind it that does not belong there.
fn with_more(host: &str) -> Vec<Signed> {
    let bare = without_port(host);
    let all = [
        (
            "host_with_scheme",
            "with `https://` in front",
            format!("https://{host}"),
        ),
        (
            "host_with_scheme",
            "with `http://` in front",
            format!("http://{host}"),
        ),
        (
            "host_without_port",
            "without the port that is in the URL",
            bare.to_owned(),
        ),
        ("host_with_slash", "with `/` behind it", format!("{host}/")),
        (
            "host_with_path",
            "with `/login/embed/` behind it",
            format!("{host}/login/embed/"),
        ),
        (
            "host_with_scheme",
            "with `https://` in front and without its port",
            format!("https://{bare}"),
        ),
    ];
    all.map(|(name, how, host)| (name, how.to_owned(), SAME, host))
        .into()
}

fn with_port(host: &str) -> impl Iterator<Item = Signed> {
    let bare = without_port(host);
    PORTS.into_iter().map(move |port| {
        let how = format!("with the port {port}, which is not in the URL");
        ("host_with_port", how, SAME, format!("{bare}:{port}"))
    })
}

/// As it may be written in the settings of the code that signs; in a URL it is in lower case.
fn as_written(host: &str) -> Vec<Signed> {
    let bare = without_port(host);
    let port = host.strip_prefix(bare).unwrap_or_default();
    let first = |part: &str| {
        let mut characters = part.chars();
        let first = characters.next().map(|first| first.to_ascii_uppercase());
        first.into_iter().chain(characters).collect::<String>()
    };
    let parts: Vec<String> = bare.split('.').map(first).collect();
    let (name, domain) = bare.split_at(bare.find('.').unwrap_or(bare.len()));
    let cases = [
        ("in lower case", bare.to_lowercase()),
        ("in upper case", bare.to_uppercase()),
        ("with its first letter in upper case", first(bare)),
        ("with its name in upper case", name.to_uppercase() + domain),
        (
            "with the first letter of each part in upper case",
            parts.join("."),
        ),
    ];
    let cases = cases.map(|(how, host)| ("host_case", how.to_owned(), AS_SENT, host + port));
    let twice: String = host.bytes().map(char::from).collect();
    let how = "with its letters beyond ASCII encoded in UTF-8 twice";
    let twice = ("host_not_ascii", how.to_owned(), AS_SENT, twice);
    cases.into_iter().chain([twice]).collect()
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}
