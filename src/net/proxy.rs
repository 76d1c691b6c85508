//! The proxy, and which requests go through it, so that an error names what stood in the way and who put it there.

use std::fmt;

use hyper_util::client::proxy::matcher::Matcher;
use url::Url;

/// A proxy for requests.
#[derive(Clone)]
pub struct Proxy {
    /// Its address, such as `http://proxy:3128`; may hold a password.
    pub url: String,
    /// Where the address comes from, for messages, such as `HTTPS_PROXY`.
    pub source: String,
}

/// A proxy that a request went through, for messages; without its password.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct UsedProxy {
    /// Its address.
    pub address: String,
    /// Where the address comes from.
    pub source: String,
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.named().fmt(f)
    }
}

impl fmt::Display for UsedProxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "proxy `{}` (from the {})", self.address, self.source)
    }
}

impl Proxy {
    /// What messages call it.
    pub(crate) fn named(&self) -> UsedProxy {
        let address = match self.url.rsplit_once('@') {
            None => self.url.clone(),
            Some((before, host)) => match before.split_once("://") {
                Some((scheme, _)) => format!("{scheme}://{host}"),
                None => host.to_owned(),
            },
        };
        UsedProxy {
            address,
            source: self.source.clone(),
        }
    }

    /// The proxy, if a request for `url` goes through it: unless `no_proxy` excepts the host.
    pub(crate) fn used_for(&self, url: &Url, no_proxy: Option<&str>) -> Option<UsedProxy> {
        // The rule by which reqwest itself decides.
        let matcher = Matcher::builder()
            .all(self.url.as_str())
            .no(no_proxy.unwrap_or_default())
            .build();
        let origin = url.origin().ascii_serialization();
        matcher.intercept(&origin.parse().ok()?)?;
        Some(self.named())
    }
}

#[cfg(test)]
mod tests {
    use super::Proxy;

    #[test]
    fn it_is_named_without_its_password_and_not_for_what_it_is_not_asked() {
        let proxy = |url: &str| Proxy {
            url: url.to_owned(),
            source: "`HTTPS_PROXY`".to_owned(),
        };
        let used = |url: &str, no_proxy| {
            let looker = "https://acme.looker.com:19999".parse().unwrap();
            let used = proxy(url).used_for(&looker, no_proxy);
            used.map(|used| used.address)
        };

        for (url, address) in [
            ("http://proxy:3128", "http://proxy:3128"),
            ("http://me:s3cret@proxy:3128", "http://proxy:3128"),
            ("me:s3cret@proxy:3128", "proxy:3128"),
            ("proxy:3128", "proxy:3128"),
        ] {
            assert_eq!(used(url, None).as_deref(), Some(address), "{url}");
            let shown = format!("{:?}", proxy(url));
            assert!(!shown.contains("s3cret"), "{shown}");
        }
        for except in ["looker.com", ".looker.com", "*", "a,acme.looker.com"] {
            assert_eq!(used("http://proxy:3128", Some(except)), None, "{except}");
        }
        assert!(used("http://proxy:3128", Some("looker.example")).is_some());
    }
}
