//! The embed path, as far as embedctl changes it.

use crate::signed_url::UrlError;
use crate::signed_url::encode::percent_encoded;

/// `path` with the origin of the embedding page, which allows that page to exchange messages with the frame.
///
/// Looker refuses `embed_domain` as a parameter of the login URL; it belongs into the query of the embed path.
pub fn with_embed_domain(path: &str, domain: &str) -> Result<String, UrlError> {
    check_origin(domain)?;
    // Before the fragment: whatever follows `#` never reaches Looker.
    let (page, fragment) = path.split_at(path.find('#').unwrap_or(path.len()));
    let separator = if page.contains('?') { '&' } else { '?' };
    let domain = percent_encoded(domain);
    Ok(format!("{page}{separator}embed_domain={domain}{fragment}"))
}

/// An origin is a scheme and a host, with nothing after it.
fn check_origin(domain: &str) -> Result<(), UrlError> {
    let host = domain
        .strip_prefix("https://")
        .or_else(|| domain.strip_prefix("http://"))
        .ok_or(UrlError::EmbedDomain("does not start with `https://`"))?;
    let bad = |character: char| {
        character.is_control()
            || character.is_whitespace()
            || matches!(character, '/' | '?' | '#' | '@' | '\\')
    };
    match host {
        "" => Err(UrlError::EmbedDomain("names no host")),
        host if host.contains(bad) => Err(UrlError::EmbedDomain("has something after the host")),
        _ => Ok(()),
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed test should stop at once")]
mod tests {
    use super::with_embed_domain;

    #[test]
    fn the_embed_domain_goes_into_the_query_of_the_embed_path() {
        let with = |path| with_embed_domain(path, "https://app.example.com:8443").unwrap();

        assert_eq!(
            with("/embed/dashboards/3"),
            "/embed/dashboards/3?embed_domain=https%3A%2F%2Fapp.example.com%3A8443"
        );
        assert_eq!(
            with("/embed/dashboards/3?State=CA#tab"),
            "/embed/dashboards/3?State=CA&embed_domain=https%3A%2F%2Fapp.example.com%3A8443#tab"
        );
    }

    #[test]
    fn an_embed_domain_that_is_not_an_origin_is_refused() {
        for domain in [
            "app.example.com",
            "https://",
            "https://a/b",
            "https://a b",
            "ftp://a",
            "",
        ] {
            assert!(
                with_embed_domain("/embed/looks/1", domain).is_err(),
                "{domain}"
            );
        }
    }
}
