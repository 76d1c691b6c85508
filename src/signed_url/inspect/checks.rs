//! The checks, independent of each other: a failed one hides none of the others.

use crate::signed_url::inspect::url::Url;
use crate::signed_url::inspect::{Check, Expected, page, permissions};
use crate::signed_url::verify::{self, Rejection};
use crate::signed_url::{Algorithm, MAX_PATH_BYTES, MAX_QUERY_BYTES};

/// Every check, in the order of embedctl's contract.
pub(super) fn all(url: &Url<'_>, expected: &Expected) -> Vec<Check> {
    vec![
        host(url, expected.host.as_deref()),
        path(url),
        check(
            "parameters",
            parameters(url),
            "none is missing, unknown or there twice",
        ),
        match has_empty_user(url) {
            true => bad("types", "`external_user_id` is empty"),
            false => check("types", types(url), "each is one JSON document of its type"),
        },
        signature(url, expected),
        time(url, expected.now),
        nonce(url),
        session_length(url),
        permissions::check(url.query(), &expected.permissions),
        size(url),
    ]
}

/// The algorithm that made the signature, or could have.
pub(super) fn algorithm(url: &Url<'_>, expected: &Expected) -> Option<Algorithm> {
    let signed = expected
        .secret
        .as_ref()
        .filter(|(secret, algorithm)| url.is_signed(secret, *algorithm));
    // The length of base64 of 20 and of 32 bytes.
    let by_length = match url.text("signature").len() {
        28 => Some(Algorithm::Sha1),
        44 => Some(Algorithm::Sha256),
        _ => None,
    };
    signed.map(|(_, algorithm)| *algorithm).or(by_length)
}

/// Problems with the names in the query.
pub(super) fn parameters(url: &Url<'_>) -> Result<(), Rejection> {
    url.query.as_ref().map_err(Clone::clone)?.check_names()
}

/// The values that do not have their type. Missing ones are reported by another check.
pub(super) fn type_errors(url: &Url<'_>) -> Vec<Rejection> {
    match &url.query {
        Ok(query) => verify::type_errors(query),
        Err(rejection) => vec![rejection.clone()],
    }
}

/// The first of them.
fn types(url: &Url<'_>) -> Result<(), Rejection> {
    type_errors(url).into_iter().next().map_or(Ok(()), Err)
}

/// Whether the URL names no user.
pub(super) fn has_empty_user(url: &Url<'_>) -> bool {
    let id: Option<String> = url.value("external_user_id");
    id.is_some_and(|id| id.trim().is_empty())
}

fn check(name: &'static str, result: Result<(), Rejection>, good: &str) -> Check {
    match result {
        Ok(()) => Check {
            name,
            ok: Some(true),
            detail: good.to_owned(),
        },
        Err(rejection) => bad(
            name,
            rejection.detail().unwrap_or_else(|| rejection.to_string()),
        ),
    }
}

fn bad(name: &'static str, detail: impl Into<String>) -> Check {
    Check {
        name,
        ok: Some(false),
        detail: detail.into(),
    }
}

fn unchecked(name: &'static str, detail: &str) -> Check {
    Check {
        name,
        ok: None,
        detail: detail.to_owned(),
    }
}

/// The host as a browser sends it, if that is not how it stands in the URL: in lower case, a name with letters beyond ASCII
/// in their ASCII form, and the port of the scheme left away.
pub(super) fn as_sent(url: &Url<'_>) -> Option<String> {
    let (scheme, host) = (url.parts.scheme, url.parts.host);
    let parsed = ::url::Url::parse(&format!("{scheme}://{host}/")).ok()?;
    let name = parsed.host_str()?;
    let sent = match parsed.port() {
        Some(port) => format!("{name}:{port}"),
        None => name.to_owned(),
    };
    (sent != host).then_some(sent)
}

fn host(url: &Url<'_>, expected: Option<&str>) -> Check {
    let given = url.parts.host;
    let name = "host";
    if given.is_empty() && url.parts.path.starts_with('/') {
        return unchecked(name, "the text names none, and neither do the settings");
    }
    if given.is_empty() || url.parts.scheme.is_empty() {
        return bad(name, "this is not a URL with a scheme and a host");
    }
    if let Some(sent) = as_sent(url) {
        return bad(
            name,
            format!("browsers send `{sent}` for `{given}`, and the signature is for what is sent"),
        );
    }
    let result = match expected {
        Some(expected) if !expected.eq_ignore_ascii_case(given) => Err(Rejection::Host {
            given: given.to_owned(),
            expected: expected.to_owned(),
        }),
        _ => Ok(()),
    };
    let good = if expected.is_some() {
        format!("`{given}`, as in the settings")
    } else {
        format!("`{given}`; no base URL is set to compare it with")
    };
    check(name, result, &good)
}

fn path(url: &Url<'_>) -> Check {
    match page::problem(url) {
        Some(problem) => bad("path", problem.message),
        None => check(
            "path",
            Ok(()),
            &format!("`{}`", url.embed_path.as_deref().unwrap_or_default()),
        ),
    }
}

fn signature(url: &Url<'_>, expected: &Expected) -> Check {
    let name = "signature";
    match &expected.secret {
        Some(_) if url.parts.host.is_empty() => {
            unchecked(name, "not checked: it is for a host, and none is known")
        }
        Some((secret, algorithm)) => {
            let right = url.is_signed(secret, *algorithm);
            let result = if right {
                Ok(())
            } else {
                Err(Rejection::Signature)
            };
            check(
                name,
                result,
                &format!("made with the embed secret and {algorithm}"),
            )
        }
        None => unchecked(name, "not checked, because no embed secret is set"),
    }
}

fn time(url: &Url<'_>, now: i64) -> Check {
    match url.value::<i64>("time") {
        Some(time) => {
            let ago = format!("signed {} seconds ago", now.saturating_sub(time));
            check("time", verify::check_time(time, now), &ago)
        }
        None => unreadable("time"),
    }
}

fn nonce(url: &Url<'_>) -> Check {
    match url.value::<String>("nonce") {
        Some(nonce) => {
            let length = nonce.chars().count();
            let good = format!(
                "{length} long; only Looker knows whether it has been used within the last hour"
            );
            check("nonce", verify::check_nonce(&nonce), &good)
        }
        None => unreadable("nonce"),
    }
}

fn session_length(url: &Url<'_>) -> Check {
    match url.value::<i64>("session_length") {
        Some(seconds) => {
            let result = verify::check_session_length(seconds);
            check("session_length", result, &format!("{seconds} seconds"))
        }
        None => unreadable("session_length"),
    }
}

fn unreadable(name: &'static str) -> Check {
    bad(name, format!("`{name}` is missing or cannot be read"))
}

fn size(url: &Url<'_>) -> Check {
    let (path, query) = (url.parts.path.len(), url.parts.query.len());
    let good = format!("path {path} of {MAX_PATH_BYTES} bytes, query {query} of {MAX_QUERY_BYTES}");
    check(
        "size",
        verify::check_size(url.parts.path, url.parts.query),
        &good,
    )
}
