//! API paths in which an id always stays one segment.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::looker::error::LookerError;
use crate::secret::{ExposeSecret as _, REDACTED, SecretString};

/// All but RFC 3986's unreserved characters.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// The path of a call below `/api/4.0`, as it is sent and as it may be shown.
#[derive(Clone)]
pub(super) struct Path {
    pub(super) sent: SecretString,
    pub(super) shown: String,
}

impl Path {
    /// A path as the user gave it, already percent-encoded.
    pub(super) fn given(path: &str) -> Self {
        Self {
            sent: path.into(),
            shown: path.to_owned(),
        }
    }

    /// The path for `template`, written as in the OpenAPI description: each `{name}` becomes the next id.
    pub(super) fn of(
        operation: &'static str,
        template: &str,
        ids: &[&str],
    ) -> Result<Self, LookerError> {
        let encoded = ids
            .iter()
            .map(|id| segment(operation, id))
            .collect::<Result<Vec<_>, _>>()?;
        let path = fill(template, &encoded);
        Ok(Self {
            sent: path.as_str().into(),
            shown: path,
        })
    }

    /// The same for a template whose only id is a secret.
    pub(super) fn of_secret(
        operation: &'static str,
        template: &str,
        secret: &SecretString,
    ) -> Result<Self, LookerError> {
        let encoded = segment(operation, secret.expose_secret())?;
        Ok(Self {
            sent: fill(template, &[encoded]).into(),
            shown: fill(template, &[REDACTED.to_owned()]),
        })
    }
}

/// An id as one path segment: RFC 3986's unreserved characters as they are, every other byte as `%XX`.
///
/// `.` and `..` cannot be sent: URL parsers, ours and those of proxies, resolve them even if they are encoded, and the
/// call would reach another endpoint. So would an empty id.
fn segment(operation: &'static str, id: &str) -> Result<String, LookerError> {
    if matches!(id, "" | "." | "..") {
        return Err(LookerError::Id {
            operation,
            id: id.to_owned(),
        });
    }
    Ok(utf8_percent_encode(id, SEGMENT).to_string())
}

fn fill(template: &str, ids: &[String]) -> String {
    let mut ids = ids.iter();
    let filled = template.split('/').map(|part| {
        let id = part.starts_with('{').then(|| ids.next()).flatten();
        id.map_or(part, String::as_str)
    });
    filled.collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::{Path, segment};
    use crate::secret::ExposeSecret as _;

    #[test]
    fn an_id_stays_one_segment_whatever_is_in_it() {
        let table = [
            ("acme-42", "acme-42"),
            ("a.b_c~d", "a.b_c~d"),
            ("a/b", "a%2Fb"),
            ("100%", "100%25"),
            ("a%20b", "a%2520b"),
            ("a+b c", "a%2Bb%20c"),
            ("what?#now", "what%3F%23now"),
            ("zoë", "zo%C3%AB"),
            ("日本", "%E6%97%A5%E6%9C%AC"),
            ("..a", "..a"),
            ("../users", "..%2Fusers"),
            ("...", "..."),
            ("%2e%2e", "%252e%252e"),
            ("a\\b", "a%5Cb"),
            ("a\nb", "a%0Ab"),
        ];
        for (id, encoded) in table {
            assert_eq!(segment("user", id).unwrap(), encoded, "{id:?}");
            let url = url::Url::parse(&format!("https://l.example/users/{encoded}/x")).unwrap();
            assert_eq!(url.path(), format!("/users/{encoded}/x"), "{id:?}");
        }
    }

    #[test]
    fn refuses_ids_that_url_parsers_would_resolve() {
        for id in ["", ".", ".."] {
            let error = segment("user", id).unwrap_err();
            assert!(error.to_string().contains(&format!("`{id}`")), "{error}");
        }
    }

    #[test]
    fn a_template_takes_its_ids_in_order() {
        let path = Path::of("x", "/users/{user_id}/keys/{key_id}", &["a/b", "7"]).unwrap();

        assert_eq!(path.shown, "/users/a%2Fb/keys/7");
        assert_eq!(path.sent.expose_secret(), "/users/a%2Fb/keys/7");
    }

    #[test]
    fn a_secret_in_a_path_is_not_shown() {
        let path = Path::of_secret("x", "/embed/cookieless_session/{token}", &"s3/cret".into());

        let path = path.unwrap();
        assert_eq!(path.shown, "/embed/cookieless_session/[redacted]");
        assert_eq!(
            path.sent.expose_secret(),
            "/embed/cookieless_session/s3%2Fcret"
        );
    }
}
