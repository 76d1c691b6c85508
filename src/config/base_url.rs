//! The base URL of Looker, from the many ways people write it.

use std::net::IpAddr;

use url::{Host, Url};

use crate::config::source::Source;
use crate::error::Error;

/// The origin in `text`: scheme, host and port. A missing scheme means `https`; a trailing slash and `/api/4.0` are dropped.
pub(crate) fn parse(text: &str, source: &Source) -> Result<Url, Error> {
    let text = text.trim();
    // Only with `://`, since `acme.looker.com:19999` would otherwise be a URL with the scheme
    // `acme.looker.com`.
    let with_scheme = if text.contains("://") {
        text.to_owned()
    } else {
        format!("https://{text}")
    };
    // The text may contain a password, so no message repeats it.
    let refuse = |why: &str| Error::usage(format!("the base URL {why} ({source})"));
    let example = "write it as `https://acme.looker.com`, with the port unless it is 443";
    let mut url = Url::parse(&with_scheme)
        .map_err(|error| refuse(&format!("is not valid: {error}")).hint(example))?;
    if !matches!(url.scheme(), "https" | "http") || url.host().is_none() {
        return Err(refuse("is not a web address").hint(example));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(refuse("holds a user name or password").hint(
            "take them out of the URL, and set `LOOKERSDK_CLIENT_ID` and `LOOKERSDK_CLIENT_SECRET` instead",
        ));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(refuse("holds a query or fragment").hint(example));
    }
    if !is_api_path(url.path()) {
        return Err(refuse("has a path").hint(example));
    }
    url.set_path("");
    Ok(url)
}

/// Whether `path` is part of the API's own URLs, and thus carries no information.
fn is_api_path(path: &str) -> bool {
    let path = path.trim_matches('/');
    path.is_empty()
        || path == "api"
        || path.strip_prefix("api/").is_some_and(|version| {
            version
                .chars()
                .all(|character| character.is_ascii_digit() || character == '.')
        })
}

/// Whether `url` points to this machine, so that no one can listen in between.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        // `.localhost` names are loopback by RFC 6761.
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => IpAddr::V4(address).is_loopback(),
        Some(Host::Ipv6(address)) => IpAddr::V6(address).is_loopback(),
        None => false,
    }
}

/// Whether two base URLs name the same Looker: ports do not matter, as the API and the pages may have different ones, but on
/// this machine each port may be another server.
pub(crate) fn is_same_host(one: &Url, other: &Url) -> bool {
    shown_host(one) == shown_host(other)
}

/// The host by which a Looker is known, with the port on this machine.
pub(crate) fn shown_host(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default().trim_end_matches('.');
    match url.port_or_known_default() {
        Some(port) if is_loopback(url) => format!("{host}:{port}"),
        _ => host.to_owned(),
    }
}

/// Refuse to send secrets unencrypted to another machine, unless verification is off anyway.
pub(crate) fn refuse_plain(url: &Url, source: &Source, verify_tls: bool) -> Result<(), Error> {
    if !verify_tls || url.scheme() != "http" || is_loopback(url) {
        return Ok(());
    }
    Err(Error::usage(format!(
        "the base URL is `http`, so the client secret would be sent unencrypted ({source})"
    ))
    .hint("write `https://…`; if that is impossible, set `LOOKERSDK_VERIFY_SSL=false`"))
}

/// The host and port of Looker's web pages at `url`, without 19999, the API's own default port.
pub(crate) fn web_host(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    match url.port() {
        Some(port) if port != 19999 => format!("{host}:{port}"),
        _ => host.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_many_ways_to_write_a_base_url_mean_the_same() {
        for text in [
            "https://acme.looker.com",
            "https://acme.looker.com/",
            "https://ACME.looker.com:443/",
            "acme.looker.com",
            " https://acme.looker.com/api/4.0 ",
            "https://acme.looker.com/api/4.0/",
            "https://acme.looker.com/api",
        ] {
            let url = parse(text, &Source::Default).expect("the text is a base URL");

            assert_eq!(url.as_str(), "https://acme.looker.com/", "{text}");
        }
    }

    #[test]
    fn the_port_stays() {
        let url = parse("acme.looker.com:19999", &Source::Default).expect("the text is a base URL");

        assert_eq!(url.as_str(), "https://acme.looker.com:19999/");
        assert_eq!(web_host(&url), "acme.looker.com");
    }

    #[test]
    fn a_password_in_the_url_is_refused_without_being_repeated() {
        let error = parse("https://id:hunter2@acme.looker.com", &Source::Default)
            .expect_err("credentials are refused");

        assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
    }

    #[test]
    fn what_is_no_origin_is_refused() {
        for text in [
            "",
            "https://",
            "ftp://acme",
            "https://acme/browse",
            "https://acme?x=1",
            "https://a b",
        ] {
            assert!(parse(text, &Source::Default).is_err(), "{text}");
        }
    }
}
