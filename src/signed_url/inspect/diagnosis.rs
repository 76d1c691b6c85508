//! The mistakes in a URL, and what to change in the code that signs it.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::signed_url::inspect::attempt::Attempt;
use crate::signed_url::inspect::checks::{self, Url};
use crate::signed_url::inspect::mistakes::{self, Mistake};
use crate::signed_url::inspect::{Diagnosis, Expected, permissions};
use crate::signed_url::verify::{self, Rejection};
use crate::signed_url::{MAX_PATH_BYTES, MAX_QUERY_BYTES};

/// A time above this is not in seconds: it would be in the year 5138.
const SECONDS: i64 = 100_000_000_000;

/// Everything that can be diagnosed, the most significant first.
pub(super) fn all(url: &Url<'_>, expected: &Expected) -> Vec<Diagnosis> {
    if url.is_cookieless() {
        return vec![diagnosis(
            "cookieless",
            "this is the login of a cookieless session: nothing of it is signed",
            "if Looker refuses it, acquire a new session: its token is good once, for 30 seconds, for the browser (User-Agent) \
             that it was acquired for, and on a host that may embed",
        )];
    }
    let signed = signature(url, expected);
    [types(url, expected), path(url), time(url, expected.now)]
        .into_iter()
        .flatten()
        .chain(parameters(url))
        .chain(signed)
        .chain(limits(url))
        .chain(user(url))
        .chain(host(url, expected))
        .chain(allowed(url, expected))
        .collect()
}

fn diagnosis(name: &'static str, message: impl Into<String>, fix: impl Into<String>) -> Diagnosis {
    Diagnosis {
        name,
        message: message.into(),
        fix: fix.into(),
    }
}

/// Search for the mistake, or the pair of mistakes, that produces exactly this signature.
fn signature(url: &Url<'_>, expected: &Expected) -> Vec<Diagnosis> {
    let Some((secret, algorithm)) = &expected.secret else {
        // Nothing can be tried without the secret.
        return Vec::new();
    };
    if url.query().is_none() || url.is_signed(secret, *algorithm) {
        return Vec::new();
    }
    // What is wrong with the path explains the signature.
    if url.has_login_twice() {
        return Vec::new();
    }
    let right = url.attempt_with(secret, *algorithm);
    let sent = url.text("signature");
    let mistakes = mistakes::all(&right, expected.host.as_deref());
    // Single mistakes first: a pair could explain by accident what one mistake explains for certain.
    let found = one(&right, sent, &mistakes).or_else(|| two(&right, sent, &mistakes));
    match found {
        Some(found) => found
            .into_iter()
            .map(|mistake| diagnosis(mistake.name, &mistake.message, &mistake.fix))
            .collect(),
        None => vec![unexplained(sent)],
    }
}

fn one<'a>(right: &Attempt, sent: &str, mistakes: &'a [Mistake]) -> Option<Vec<&'a Mistake>> {
    let mistake = mistakes.iter().find(|mistake| {
        let mut attempt = right.clone();
        (mistake.make)(&mut attempt);
        attempt.signature() == sent
    })?;
    Some(vec![mistake])
}

fn two<'a>(right: &Attempt, sent: &str, mistakes: &'a [Mistake]) -> Option<Vec<&'a Mistake>> {
    for (at, first) in mistakes.iter().enumerate() {
        let mut half = right.clone();
        (first.make)(&mut half);
        // Each pair once; the order of two mistakes does not matter.
        for second in mistakes.iter().skip(at + 1) {
            let mut attempt = half.clone();
            (second.make)(&mut attempt);
            if attempt.signature() == sent {
                return Some(vec![first, second]);
            }
        }
    }
    None
}

fn unexplained(sent: &str) -> Diagnosis {
    if sent.is_empty() {
        return diagnosis(
            "signature_missing",
            "there is no signature",
            "send `signature`: base64 of the HMAC of the string to sign, percent-encoded",
        );
    }
    diagnosis(
        "signature_unexplained",
        "the signature was made with another secret, or the URL was changed after it was signed",
        "compare the string to sign below with the one in the code that signs, line by line; \
         if they are equal, the secrets differ",
    )
}

/// Values of the wrong type. A correct signature distinguishes manipulation from a mistake.
fn types(url: &Url<'_>, expected: &Expected) -> Option<Diagnosis> {
    let Err(Rejection::Type {
        parameter,
        expected: wanted,
    }) = checks::types(url)
    else {
        return None;
    };
    let genuine = |(secret, algorithm)| url.is_signed(secret, algorithm);
    let signed = expected
        .secret
        .as_ref()
        .map(|(secret, algorithm)| (secret, *algorithm));
    let text = url.text(parameter);
    let inner = serde_json::from_str::<String>(text).unwrap_or_default();
    if inner.parse::<i64>().is_ok() && ["time", "session_length"].contains(&parameter) {
        return Some(diagnosis(
            "number_as_text",
            format!("`{parameter}` is a JSON string; it must be a bare integer"),
            format!("sign and send `{inner}`, without quotes"),
        ));
    }
    if text.contains('\n') && documents(text) > 1 {
        return Some(diagnosis(
            "newline_merge",
            format!(
                "`{parameter}` contains a second value on its own line: a parameter was hidden in it, to remove \
                     its restriction"
            ),
            "refuse the URL: it was changed after it was signed",
        ));
    }
    if signed.is_some_and(genuine) && verify::SIGNED.contains(&parameter) {
        return Some(diagnosis(
            "line_relabelled",
            format!(
                "`{parameter}` contains what was signed for another parameter, or is not {wanted}"
            ),
            format!(
                "send {wanted} in `{parameter}`; if the code that signs does, the URL was changed afterwards"
            ),
        ));
    }
    Some(diagnosis(
        "type",
        format!("`{parameter}` is not {wanted}"),
        format!("write the value of `{parameter}` as JSON: {wanted}"),
    ))
}

fn documents(text: &str) -> usize {
    let stream = serde_json::Deserializer::from_str(text).into_iter::<serde::de::IgnoredAny>();
    stream.take_while(Result::is_ok).count()
}

fn path(url: &Url<'_>) -> Option<Diagnosis> {
    let upper = "percent-encode the embed path once, with upper-case hex: `/embed` is `%2Fembed`";
    match &url.embed_path {
        Ok(path) if checks::is_encoded_twice(path) => Some(diagnosis(
            "path_encoded_twice",
            "the embed path is percent-encoded twice, so Looker looks for a page that begins with `%2F`",
            upper,
        )),
        Ok(path) => {
            let problem = checks::path_problem(path)?;
            Some(diagnosis(
                "path_wrong",
                format!("the embed path `{path}` {problem}"),
                "sign the part behind the host of the page to open, as in `/embed/dashboards/12`",
            ))
        }
        Err(_) if url.has_login_twice() => Some(diagnosis(
            "login_twice",
            "`/login` stands twice at the start of the path",
            "the host in the code that signs ends with `/login`: leave that away",
        )),
        Err(Rejection::LowercasePath) => Some(diagnosis(
            "path_lower_case_hex",
            "the path has lower-case hex, as in `%2f`, which Looker answers with 404",
            "write upper-case hex; in C#, use `Uri.EscapeDataString` instead of `HttpUtility.UrlEncode`",
        )),
        Err(_) => Some(diagnosis(
            "path_not_encoded",
            "the path is not `/login/embed/` with one percent-encoded embed path behind it",
            upper,
        )),
    }
}

fn time(url: &Url<'_>, now: i64) -> Option<Diagnosis> {
    let time = url.value::<i64>("time")?;
    if time > SECONDS && now < SECONDS {
        return Some(diagnosis(
            "milliseconds",
            "`time` is in milliseconds",
            "send and sign Unix seconds",
        ));
    }
    verify::check_time(time, now).err()?;
    let apart = time.abs_diff(now);
    Some(if time < now {
        diagnosis(
            "time_too_old",
            format!("the URL was signed {apart} seconds ago, and is good for 300"),
            "sign when the page is opened; if it was, set the clock of the machine that signs",
        )
    } else {
        diagnosis(
            "time_in_future",
            format!("the URL was signed {apart} seconds from now, and may be 300 ahead"),
            "set the clock of the machine that signs, and use Unix time, which knows no time zone",
        )
    })
}

fn parameters(url: &Url<'_>) -> Option<Diagnosis> {
    let message =
        |rejection: &Rejection| rejection.detail().unwrap_or_else(|| rejection.to_string());
    let rejection = checks::parameters(url).err()?;
    let (name, fix) = match &rejection {
        Rejection::UnknownParameters(names) if names.iter().any(|name| name == "embed_domain") => (
            "embed_domain",
            "put `embed_domain` into the query of the embed path, where it is signed with it".to_owned(),
        ),
        // belief: url-unknown-is-refused
        Rejection::UnknownParameters(_) => ("parameter_unknown", "leave it out: Looker refuses what it does not know".to_owned()),
        Rejection::DuplicateParameter(_) => ("parameter_duplicate", "send each parameter once".to_owned()),
        Rejection::MissingParameter("access_filters") => (
            "access_filters_missing",
            "send `access_filters`, `{}` if nothing else, and sign it as the last line; Looker still wants it".to_owned(),
        ),
        Rejection::MissingParameter(name) => ("parameter_missing", format!("send `{name}`")),
        _ => ("encoding", "percent-encode names and values as UTF-8".to_owned()),
    };
    Some(diagnosis(name, message(&rejection), fix))
}

fn limits(url: &Url<'_>) -> Vec<Diagnosis> {
    let mut found = Vec::new();
    if let Some(seconds) = url.value::<i64>("session_length")
        && let Err(rejection) = verify::check_session_length(seconds)
    {
        let fix = "ask for 0 to 2592000 seconds, which is 30 days";
        found.push(diagnosis("session_length", rejection.to_string(), fix));
    }
    if let Some(nonce) = url.value::<String>("nonce")
        && let Err(rejection) = verify::check_nonce(&nonce)
    {
        let fix = "make a random nonce of 16 to 254 characters";
        found.push(diagnosis("nonce_length", rejection.to_string(), fix));
    }
    if let Err(rejection) = verify::check_size(url.parts.path, url.parts.query) {
        let fix = format!(
            "keep the path within {MAX_PATH_BYTES} bytes and the query within {MAX_QUERY_BYTES}: shorten filters, and \
             give grants through groups"
        );
        found.push(diagnosis("too_long", rejection.to_string(), fix));
    }
    found
}

/// Who is logged in, and with which values.
fn user(url: &Url<'_>) -> Vec<Diagnosis> {
    let mut found = Vec::new();
    if checks::has_empty_user(url) {
        let fix = "send your own id of the user";
        found.push(diagnosis(
            "user_id_empty",
            "`external_user_id` is empty",
            fix,
        ));
    }
    let attributes: Option<BTreeMap<String, Value>> = url.value("user_attributes");
    for (name, value) in attributes.into_iter().flatten() {
        if value.is_null() {
            found.push(diagnosis(
                "attribute_null",
                format!("the user attribute `{name}` is null"),
                "leave it out, or send a text",
            ));
        }
    }
    found
}

/// A host that was signed as no browser sends it.
fn host(url: &Url<'_>, expected: &Expected) -> Option<Diagnosis> {
    let host = url.parts.host;
    let (secret, algorithm) = expected.secret.as_ref()?;
    let lower = host.to_ascii_lowercase();
    (lower != host && url.is_signed(secret, *algorithm)).then(|| {
        diagnosis(
            "host_upper_case",
            format!("the signature is for `{host}`, and browsers send `{lower}`"),
            format!("sign `{lower}`"),
        )
    })
}

fn allowed(url: &Url<'_>, expected: &Expected) -> Option<Diagnosis> {
    let problem = permissions::problem(url.query(), &expected.permissions)?;
    Some(diagnosis("permissions", problem.message, problem.fix))
}
