//! Access control: only clients that mean this emulator, not pages of other sites in a browser.
//!
//! Any page in a browser on the same machine can reach a server on loopback: by its address, and, if the page's own
//! host name is pointed to it, by that name.

use std::net::IpAddr;

use axum::http::HeaderMap;
use axum::http::header::{HOST, HeaderName, ORIGIN};
use axum::http::request::Parts;

use crate::emulator::http::answer::Refusal;
use crate::emulator::http::cors;
use crate::emulator::options::Options;
use crate::emulator::shared::Shared;

/// The headers in which browsers name the origin of a request.
const SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Refuse a request that is meant for another host, or that a page of another site makes and that could do or tell
/// something.
pub(crate) fn refuse(parts: &Parts, shared: &Shared) -> Result<(), Refusal> {
    let named = header(&parts.headers, HOST);
    let host = match parts.uri.authority() {
        Some(authority) if named.is_empty() => authority.as_str(),
        _ => named,
    };
    // A page elsewhere could reach a loopback address through a host name of its own (DNS rebinding).
    if !is_own(host, &shared.options) {
        return Err(forbidden(
            "this emulator is not the host that was asked for; see `--embed-host`",
        ));
    }
    // Reading is harmless, except for the console, which shows secrets.
    let reads = matches!(parts.method.as_str(), "GET" | "HEAD" | "OPTIONS");
    if reads && !parts.uri.path().starts_with("/__emulator") {
        return Ok(());
    }
    if cors::origin(shared, &parts.headers, parts.uri.path()).is_some() {
        return Ok(());
    }
    let origin = header(&parts.headers, ORIGIN);
    let from_here = origin
        .split_once("://")
        .is_some_and(|(_, origin)| origin.eq_ignore_ascii_case(host));
    let site = header(&parts.headers, SITE);
    // Browsers send one of the two with a request from another site.
    if (!origin.is_empty() && !from_here) || matches!(site, "cross-site" | "same-site") {
        return Err(forbidden("a page of another site may not do this"));
    }
    Ok(())
}

fn header(headers: &HeaderMap, name: HeaderName) -> &str {
    let value = headers.get(name);
    // A header that is no text matches nothing.
    value.map_or("", |value| value.to_str().unwrap_or("\0"))
}

/// Whether `host` is one of this emulator's: of this machine, the one it was told to have, or, if it listens on a network,
/// an address. No name of another site's is an address.
fn is_own(host: &str, options: &Options) -> bool {
    let given = options.embed_host.as_deref().unwrap_or_default();
    let name = without_port(host);
    if host.is_empty() || host.eq_ignore_ascii_case(given) {
        return true;
    }
    if !given.is_empty() && name.eq_ignore_ascii_case(without_port(given)) {
        return true;
    }
    let bare = name.trim_start_matches('[').trim_end_matches(']');
    match bare.parse::<IpAddr>() {
        // A loopback address always; others only if the emulator listens beyond loopback.
        Ok(address) => address.is_loopback() || !options.address.is_loopback(),
        Err(_) => {
            let name = name.to_ascii_lowercase();
            name == "localhost" || name.ends_with(".localhost")
        }
    }
}

/// A host without its port.
pub(crate) fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}

fn forbidden(why: &str) -> Refusal {
    Refusal::new(403, why)
}

#[cfg(test)]
mod tests {
    use super::is_own;
    use crate::emulator::options::Options;

    #[test]
    fn a_name_of_another_site_is_not_this_one() {
        let own = |host| is_own(host, &Options::default());

        for host in [
            "127.0.0.1:80",
            "localhost",
            "LOCALHOST:9",
            "a.localhost",
            "[::1]:80",
            "",
        ] {
            assert!(own(host), "{host}");
        }
        for host in [
            "evil.example",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
            "10.0.0.1",
            "\0",
        ] {
            assert!(!own(host), "{host}");
        }
        let named = Options {
            embed_host: Some("bi.acme.com:9999".to_owned()),
            ..Options::default()
        };
        assert!(is_own("bi.acme.com:9999", &named) && is_own("bi.acme.com", &named));
        assert!(!is_own("acme.com", &named));
    }
}
