//! The hint and the exit code for each error of the client.

use crate::error::{Error, Kind};
use crate::looker::error::{LookerError, TlsProblem};
use crate::looker::foreign::Foreign;
use crate::net::proxy::UsedProxy;

impl From<LookerError> for Error {
    fn from(error: LookerError) -> Self {
        let kind = kind(&error);
        let hint = hint(&error);
        let operation = error.operation();
        let status = error.http_status();
        let mut shown = Self::caused(kind, error);
        if let Some(operation) = operation {
            shown = shown.at_operation(operation, status);
        }
        match hint {
            Some(hint) => shown.hint(hint),
            None => shown,
        }
    }
}

fn kind(error: &LookerError) -> Kind {
    match error {
        LookerError::Rejected { .. } | LookerError::Denied { .. } => Kind::NotAllowed,
        // belief: not-found-may-be-denied
        LookerError::NotFound { operation, .. } if admin_only(operation) => Kind::NotAllowed,
        LookerError::NotFound { .. } => Kind::NotFound,
        LookerError::Unavailable { .. } => Kind::Unavailable,
        LookerError::Another {
            operation: "user_for_credential",
            ..
        } => Kind::Conflict,
        // belief: conflict-is-409
        LookerError::Status { status: 409, .. } => Kind::Conflict,
        LookerError::Status {
            status: 502..=504, ..
        }
        | LookerError::Throttled { .. }
        | LookerError::Unreachable { .. }
        | LookerError::Tls { .. }
        | LookerError::Timeout { .. }
        | LookerError::Lost { .. } => Kind::Unreachable,
        LookerError::Status { .. }
        | LookerError::Validation { .. }
        | LookerError::TooLarge { .. }
        | LookerError::Endless { .. }
        | LookerError::Another { .. }
        | LookerError::Decode { .. } => Kind::Looker,
        LookerError::Id { .. }
        | LookerError::Path { .. }
        | LookerError::CaFile { .. }
        | LookerError::Setup { .. } => Kind::Usage,
        LookerError::LoggedOut { .. } => Kind::NotAllowed,
        LookerError::LeaseOver { .. } => Kind::Conflict,
    }
}

/// Operations without an id: a 404 means that this identity lacks access, or that the feature is off.
fn admin_only(operation: &str) -> bool {
    matches!(
        operation,
        "acquire_embed_cookieless_session"
            | "create_embed_user"
            | "search_users"
            | "all_groups"
            | "all_roles"
            | "all_permissions"
            | "all_user_attributes"
            | "get_setting"
    )
}

fn hint(error: &LookerError) -> Option<String> {
    Some(match error {
        LookerError::Rejected { origin, .. } => format!(
            "check the client id and secret, and that the key belongs to `{origin}`; `embedctl profile show` says where \
             each came from"
        ),
        LookerError::Denied {
            operation, status, ..
        } => denied(error, operation, *status),
        LookerError::NotFound { operation, .. } => return not_found(operation),
        LookerError::Throttled { .. } => {
            "wait a minute and run the command again, with a lower `--concurrency` or `--rps`".to_owned()
        }
        LookerError::Unavailable { operation, status, foreign, proxy } => {
            unavailable(operation, *status, foreign, proxy.as_ref())
        }
        LookerError::Decode { .. } => NO_API.to_owned(),
        LookerError::Status { status, .. } => of_status(*status)?.to_owned(),
        LookerError::Endless { .. } => {
            "nothing was concluded from the part that was read; check for a proxy or a cache that drops query strings"
                .to_owned()
        }
        LookerError::Another { operation: "user_for_credential", .. } => {
            "ids are compared exactly, including case: write the id as Looker has it, or choose one that differs in \
             more than case"
                .to_owned()
        }
        LookerError::Another { .. } => {
            "the user in the answer was left alone; report this to Looker".to_owned()
        }
        LookerError::Id { .. } => {
            "an empty id, `.` or `..` would change the path of the request; find such a user with \
             `embedctl users list`"
                .to_owned()
        }
        LookerError::Path { .. } => {
            "give a path of Looker's API such as `/users/1`, percent-encoded, without `.` and `..`".to_owned()
        }
        LookerError::LeaseOver { .. } => "`embedctl runs list` shows who works on what".to_owned(),
        LookerError::LoggedOut { .. } => "run the command again to get a new one".to_owned(),
        LookerError::CaFile { .. } => {
            "give a readable file of certificates in PEM form with `--ca-file`".to_owned()
        }
        LookerError::Unreachable { .. }
        | LookerError::Tls { .. }
        | LookerError::Timeout { .. }
        | LookerError::Lost { .. } => return connection(error),
        LookerError::Validation { .. }
        | LookerError::TooLarge { .. }
        | LookerError::Setup { .. } => return None,
    })
}

const NO_API: &str = "check that `--base-url` is the address of Looker's API, without `/api/4.0`";

/// The hint for a status that Looker gives no other meaning.
const fn of_status(status: u16) -> Option<&'static str> {
    Some(match status {
        409 => "the same thing was changed at the same time; check it, then run the command again",
        405 => NO_API,
        502..=504 => {
            "Looker is down or too busy, or a gateway in front of it got no answer: run the command again in a minute; if the \
             problem persists, check that Looker is running"
        }
        500.. => "run the command again in a minute; if the problem persists, check Looker's log",
        _ => return None,
    })
}

/// The hint if there was no answer.
fn connection(error: &LookerError) -> Option<String> {
    Some(match error {
        LookerError::Unreachable { .. } => unreachable(error)?,
        LookerError::Tls { problem, proxy, .. } => tls(*problem, proxy.is_some()).to_owned(),
        LookerError::Timeout { proxy: Some(_), .. } => {
            "give Looker more time with `--timeout`; if the proxy never answers, name the host in `NO_PROXY` if it can be \
             reached directly"
                .to_owned()
        }
        LookerError::Timeout { .. } => "give Looker more time with `--timeout`, or run the command again".to_owned(),
        LookerError::Lost { source, .. } => lost(&source.to_string()).to_owned(),
        _ => return None,
    })
}

fn denied(error: &LookerError, operation: &str, status: u16) -> String {
    if status == 401 {
        return "the access token is no longer accepted: run the command again to log in anew"
            .to_owned();
    }
    if error.is_unsupported_on_core() && operation != "login_user" {
        return "Looker (Google Cloud core) does not offer this; `embedctl doctor` says what it offers".to_owned();
    }
    match operation {
        "login_user" => "only an admin may act as another user: give the API key's user the Admin role; on Looker \
             (Google Cloud core) it must be an API-only service account with that role"
            .to_owned(),
        // belief: cookieless-404-is-off
        "create_embed_user" | "acquire_embed_cookieless_session" => {
            "embedding is not available on this Looker, or the API key's user is not an admin: `embedctl doctor` says which".to_owned()
        }
        "create_user_credentials_api3" => {
            "an admin must allow API keys for the user on Looker's Users page".to_owned()
        }
        _ => "give the API key's user the Admin role; `embedctl doctor` says what is missing".to_owned(),
    }
}

/// The hint if something other than Looker's API answered. At login, the page was recorded both during outages and as the
/// answer to an unknown key (in 2022, from a client that accepts any content type).
fn unavailable(
    operation: &str,
    status: u16,
    foreign: &Foreign,
    proxy: Option<&UsedProxy>,
) -> String {
    match foreign {
        _ if status == 407 => match proxy {
            Some(proxy) => wants_password(proxy),
            None => "a proxy on the way wants a user and a password, and none is set: name it in `HTTPS_PROXY`".to_owned(),
        },
        Foreign::Redirect { .. } => {
            "nothing was concluded from it: `--base-url` must be the API's own address, without a login page or a proxy in \
             front of it"
                .to_owned()
        }
        _ if operation == "login" && status == 404 => {
            "either Looker is down (outage, maintenance, upgrade) or it does not know this API key: it answers both like \
             this; check the key and `--base-url`, and run the command again in a minute"
                .to_owned()
        }
        _ if status == 411 => {
            "nothing was concluded from it: a proxy in front of Looker requires a `Content-Length` on every request".to_owned()
        }
        _ if status == 404 => {
            "nothing was concluded from it: this is Looker's page for an outage, maintenance or an upgrade, or a proxy in \
             front of it; run the command again in a minute, and check `--base-url` if the problem persists"
                .to_owned()
        }
        _ => match proxy {
            Some(_) => "nothing was concluded from it: the proxy, or something else in front of Looker, answered; ask whoever \
                        runs it to allow this machine to call the API, or name Looker's host in `NO_PROXY` if it can be \
                        reached directly"
                .to_owned(),
            None => "nothing was concluded from it: a proxy, a firewall or an allow-list in front of Looker answered; check \
                     whether this machine may call the API at `--base-url`, and run the command again"
                .to_owned(),
        },
    }
}

/// The hint if the proxy cannot be reached, or does not connect to Looker; the error itself names it.
fn proxy_fails(proxy: &UsedProxy, origin: &str, cause: &str) -> String {
    let directly = "name the host in `NO_PROXY` if it can be reached directly";
    // The only way to learn what the answer to CONNECT was.
    if cause.contains("proxy authorization required") {
        wants_password(proxy)
    } else if cause.contains("tunnel error") {
        format!(
            "the proxy answered and refused: ask whoever runs it to allow `{origin}`, or {directly}"
        )
    } else {
        let source = &proxy.source;
        format!(
            "check that the address in the {source} is right and that the proxy runs, or {directly}"
        )
    }
}

fn wants_password(proxy: &UsedProxy) -> String {
    let UsedProxy { address, source } = proxy;
    let example = match address.split_once("://") {
        Some((scheme, host)) => format!("{scheme}://USER:PASSWORD@{host}"),
        None => format!("USER:PASSWORD@{address}"),
    };
    format!(
        "the proxy wants a user and a password, or refuses those it got: give them in the {source}, as in `{example}`"
    )
}

fn not_found(operation: &str) -> Option<String> {
    match operation {
        "acquire_embed_cookieless_session" => Some(
            "cookieless embedding is off, the embed domain is not allowed, or the API key's user is not an admin: see \
             Admin > Embed in Looker, or use `--via signed-url`"
                .to_owned(),
        ),
        "login_user" => Some(
            "there is no such user, or the API key's user is not an admin: Looker answers 404 in both cases".to_owned(),
        ),
        operation if admin_only(operation) => Some(
            "Looker answers 404 if access is denied: give the API key's user the Admin role".to_owned(),
        ),
        _ => None,
    }
}

fn unreachable(error: &LookerError) -> Option<String> {
    let LookerError::Unreachable {
        origin,
        unknown_host,
        proxy,
        source,
        ..
    } = error
    else {
        return None;
    };
    if let Some(proxy) = proxy {
        return Some(proxy_fails(proxy, origin, &source.to_string()));
    }
    if *unknown_host {
        return Some(format!(
            "check the host in `{origin}`, and whether this machine needs a proxy (`HTTPS_PROXY`)"
        ));
    }
    let other_port = if origin.ends_with(":19999") {
        "; newer Lookers serve the API without a port".to_owned()
    } else {
        "; older Lookers serve the API on port 19999".to_owned()
    };
    Some(format!(
        "check that Looker is running at `{origin}` and that no firewall blocks it{other_port}"
    ))
}

/// The hint if the connection broke. What is no HTTP at all is most often TLS.
fn lost(cause: &str) -> &'static str {
    match cause.contains("invalid HTTP") {
        true => {
            "the port does not speak HTTP without TLS: if it is Looker's, begin `--base-url` with `https://`"
        }
        false => "run the command again; it finds and keeps what Looker has already done",
    }
}

const fn tls(problem: TlsProblem, through_proxy: bool) -> &'static str {
    match problem {
        TlsProblem::UnknownIssuer | TlsProblem::SelfSigned if through_proxy => {
            "the proxy may put a certificate of its own in place of Looker's: give the certificate of its authority with \
             `--ca-file`, or name the host in `NO_PROXY` if it can be reached directly"
        }
        TlsProblem::Plain => {
            "check the port in `--base-url`: it serves something else, or Looker without TLS, which begins with `http://`"
        }
        TlsProblem::UnknownIssuer => {
            "if your own authority signed it, give that authority's certificate with `--ca-file`"
        }
        TlsProblem::SelfSigned => {
            "if it is your own Looker, save its certificate, and give that file with `--ca-file` (or `ca_file` in the profile)"
        }
        TlsProblem::WrongName => "use the name in the certificate as host of `--base-url`",
        TlsProblem::OutOfDate => "check the clock of this machine, or have the certificate renewed",
        TlsProblem::Other => {
            "check that the port in `--base-url` serves TLS, and that no proxy intercepts it"
        }
    }
}
