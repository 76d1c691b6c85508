//! Whether Looker itself answered, or something in front of it: its outage page, a proxy, a firewall, a login page.
//!
//! Recorded: Looker's own refusals are JSON with a `message`. During an outage, or for an unknown path, the answer is 404
//! with an HTML page of type `text/html` or `*/*`. Anything else that answered knows nothing about the thing asked for,
//! so nothing may be concluded from its status.

use std::fmt;

use serde::Deserialize;

use crate::looker::answer::Answer;
use crate::net::trace::without_query;

/// What came instead of an answer of Looker's API.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Foreign {
    /// A redirect. It is not followed, because it would take the token along.
    Redirect {
        /// The target, without the query.
        location: String,
    },
    /// An HTML page.
    Page,
    /// No body.
    Empty,
    /// A body that is not in Looker's format.
    Other,
}

impl fmt::Display for Foreign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Redirect { location } => write!(f, "a redirect to `{location}`"),
            Self::Page => f.write_str("an HTML page"),
            Self::Empty => f.write_str("no body"),
            Self::Other => f.write_str("a body that is not Looker's"),
        }
    }
}

impl Foreign {
    /// What `answer` is if it is not Looker's own. 429 and 5xx keep their meaning whoever sent them.
    pub(super) fn refusal(answer: &Answer) -> Option<Self> {
        match answer.status {
            // belief: redirect-is-not-looker
            300..=399 => Some(Self::Redirect {
                location: without_query(answer.header("location").unwrap_or("nowhere")),
            }),
            // Throttling is honoured whoever throttles: Looker, or a gateway in front of it.
            429 => None,
            // belief: unknown-operation-is-a-page
            400..=499 if !is_lookers(answer) => Some(Self::body(answer)),
            _ => None,
        }
    }

    /// What a successful answer is if it is not Looker's own: a login page may come with status 200.
    pub(super) fn success(answer: &Answer) -> Option<Self> {
        answer.is_of("text/html").then_some(Self::Page)
    }

    fn body(answer: &Answer) -> Self {
        let start = answer.body.trim_ascii_start();
        match start.first() {
            None => Self::Empty,
            Some(b'<') => Self::Page,
            Some(_) if answer.is_of("text/html") => Self::Page,
            Some(_) => Self::Other,
        }
    }
}

/// Whether a refusal has the format of all recorded refusals of Looker.
fn is_lookers(answer: &Answer) -> bool {
    #[derive(Deserialize)]
    struct Said {
        message: String,
    }

    answer.is_of("application/json")
        && serde_json::from_slice::<Said>(&answer.body)
            .is_ok_and(|said| !said.message.trim().is_empty())
}

#[cfg(test)]
mod tests {
    use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue};

    use super::Foreign;
    use crate::looker::answer::Answer;

    fn answer(status: u16, kind: Option<&'static str>, body: &str) -> Answer {
        let kind = kind.map(|kind| (CONTENT_TYPE, HeaderValue::from_static(kind)));
        Answer {
            status,
            headers: HeaderMap::from_iter(kind),
            body: body.as_bytes().to_vec().into(),
            proxy: None,
        }
    }

    #[test]
    fn a_refusal_is_lookers_only_as_json_with_a_message() {
        const JSON: Option<&str> = Some("application/json");
        // The forms that were recorded: 2014 with a charset, 2020 without, and the outage page of 2021 and 2022.
        const SAID: &str =
            r#"{"message":"Not found","documentation_url":"http://docs.looker.com/"}"#;
        const PAGE: &str = "<!DOCTYPE html><title>Looker Not Found (404)</title>";
        let of = |status, kind, body| Foreign::refusal(&answer(status, kind, body));

        for kind in [JSON, Some("application/json;charset=utf-8")] {
            for status in [401, 403, 404, 405, 409, 422] {
                assert_eq!(of(status, kind, SAID), None, "{status}");
            }
        }
        for status in [400, 401, 403, 404, 405, 407, 411, 422] {
            assert_eq!(of(status, Some("text/html"), PAGE), Some(Foreign::Page));
            assert_eq!(of(status, Some("*/*"), PAGE), Some(Foreign::Page));
            assert_eq!(of(status, None, ""), Some(Foreign::Empty));
            assert_eq!(of(status, JSON, ""), Some(Foreign::Empty));
            assert_eq!(of(status, Some("text/plain"), SAID), Some(Foreign::Other));
            for body in [
                "{}",
                r#"{"message":""}"#,
                r#"{"message":7}"#,
                r#""Not found""#,
            ] {
                assert_eq!(of(status, JSON, body), Some(Foreign::Other), "{body}");
            }
        }
        for status in [429, 500, 502, 503, 504] {
            assert_eq!(of(status, Some("text/html"), PAGE), None);
        }
        let Some(Foreign::Redirect { location }) = of(302, None, "") else {
            panic!("a redirect is one");
        };
        assert_eq!(location, "nowhere");
    }
}
