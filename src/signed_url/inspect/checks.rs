//! The checks, independent of each other: a failed one hides none of the others.

use serde::de::DeserializeOwned;

use crate::secret::{ExposeSecret as _, SecretString};
use crate::signed_url::inspect::attempt::{Attempt, Line};
use crate::signed_url::inspect::parts::Parts;
use crate::signed_url::inspect::{Check, Expected, permissions};
use crate::signed_url::verify::{self, Query, Rejection, SIGNED};
use crate::signed_url::{Algorithm, MAX_PATH_BYTES, MAX_QUERY_BYTES};

/// A URL, parsed as far as possible.
pub(super) struct Url<'a> {
    pub(super) parts: Parts<'a>,
    pub(super) embed_path: Result<String, Rejection>,
    pub(super) query: Result<Query, Rejection>,
}

impl<'a> Url<'a> {
    pub(super) fn new(parts: Parts<'a>) -> Self {
        Self {
            parts,
            embed_path: verify::embed_path(parts.path),
            query: Query::parse(parts.query),
        }
    }

    pub(super) fn query(&self) -> Option<&Query> {
        self.query.as_ref().ok()
    }

    /// The decoded text of a parameter; empty if it was not sent.
    pub(super) fn text(&self, name: &str) -> &str {
        self.query()
            .and_then(|query| query.value(name))
            .unwrap_or_default()
    }

    /// The value of a parameter, if it was sent and has this type.
    pub(super) fn value<T: DeserializeOwned>(&self, name: &str) -> Option<T> {
        serde_json::from_str(self.text(name)).ok()
    }

    /// Whether it is the login of a cookieless session, which has a token in place of a signature.
    pub(super) fn is_cookieless(&self) -> bool {
        self.query()
            .is_some_and(|query| query.value("embed_authentication_token").is_some())
    }

    /// Whether `/login` stands twice at its start.
    pub(super) fn has_login_twice(&self) -> bool {
        self.parts.path.starts_with("/login/login/embed/")
    }

    /// What a genuine signer would have signed, without a secret.
    pub(super) fn attempt(&self) -> Attempt {
        let line = |name: &&'static str| {
            let text = self.query()?.value(name)?.to_owned();
            Some(Line { name, text })
        };
        let lines = SIGNED.iter().filter_map(line).collect();
        Attempt::right(self.parts.host, self.parts.path, lines)
    }

    /// The same with a secret.
    pub(super) fn attempt_with(&self, secret: &SecretString, algorithm: Algorithm) -> Attempt {
        Attempt {
            secret: secret.expose_secret().as_bytes().to_vec().into(),
            algorithm,
            ..self.attempt()
        }
    }

    /// Whether the signature is correct.
    pub(super) fn is_signed(&self, secret: &SecretString, algorithm: Algorithm) -> bool {
        let secrets = [(secret.clone(), algorithm)];
        self.query().is_some_and(|query| {
            verify::check_signature(self.parts.path, query, self.parts.host, &secrets).is_ok()
        })
    }
}

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
            true => Check {
                name: "types",
                ok: false,
                detail: "`external_user_id` is empty".to_owned(),
            },
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

/// The first value that does not have its type. Missing ones are reported by another check.
pub(super) fn types(url: &Url<'_>) -> Result<(), Rejection> {
    match verify::check_types(url.query.as_ref().map_err(Clone::clone)?) {
        // Missing parameters are a check of their own.
        Err(Rejection::MissingParameter(_)) | Ok(()) => Ok(()),
        Err(rejection) => Err(rejection),
    }
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
            ok: true,
            detail: good.to_owned(),
        },
        Err(rejection) => Check {
            name,
            ok: false,
            detail: rejection.detail().unwrap_or_else(|| rejection.to_string()),
        },
    }
}

fn host(url: &Url<'_>, expected: Option<&str>) -> Check {
    let given = url.parts.host;
    let result = match expected {
        _ if given.is_empty() || url.parts.scheme.is_empty() => {
            return Check {
                name: "host",
                ok: false,
                detail: "this is not a URL with a scheme and a host".to_owned(),
            };
        }
        _ if given.contains(|character: char| character.is_ascii_uppercase()) => {
            return Check {
                name: "host",
                ok: false,
                detail: format!(
                    "`{given}` has upper case; browsers send `{}`, for which the signature is not",
                    given.to_ascii_lowercase()
                ),
            };
        }
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
    check("host", result, &good)
}

fn path(url: &Url<'_>) -> Check {
    if let Ok(path) = &url.embed_path
        && let Some(problem) = path_problem(path)
    {
        return Check {
            name: "path",
            ok: false,
            detail: format!("`{path}` {problem}"),
        };
    }
    let result = match &url.embed_path {
        Ok(path) if is_encoded_twice(path) => Err(Rejection::Path),
        Ok(_) => Ok(()),
        Err(rejection) => Err(rejection.clone()),
    };
    let good = url.embed_path.as_deref().unwrap_or_default();
    check("path", result, &format!("`{good}`"))
}

/// Why Looker has no such page, whatever the signature.
pub(super) fn path_problem(embed_path: &str) -> Option<&'static str> {
    if is_encoded_twice(embed_path) {
        None
    } else if !embed_path.starts_with('/') {
        Some("does not begin with `/`")
    } else if embed_path.starts_with("/login/") {
        Some("is itself a login URL")
    } else {
        None
    }
}

/// Whether the decoded path still looks encoded: `%2Fembed%2Flooks%2F1`.
pub(super) fn is_encoded_twice(embed_path: &str) -> bool {
    embed_path
        .get(..3)
        .is_some_and(|start| start.eq_ignore_ascii_case("%2F"))
}

fn signature(url: &Url<'_>, expected: &Expected) -> Check {
    let name = "signature";
    match &expected.secret {
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
        None => Check {
            name,
            ok: false,
            detail: "not checked, because no embed secret is set".to_owned(),
        },
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
                "{length} characters; only Looker knows whether it has been used within the last hour"
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
    Check {
        name,
        ok: false,
        detail: format!("`{name}` is missing or cannot be read"),
    }
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
