//! The query of a signed URL: names and form-decoded values, as they were sent.

use std::fmt;

use crate::signed_url::verify::Rejection;

/// The required parameters.
const REQUIRED: [&str; 9] = [
    "nonce",
    "time",
    "session_length",
    "external_user_id",
    "permissions",
    "models",
    "access_filters",
    "force_logout_login",
    "signature",
];

/// The optional parameters.
const OPTIONAL: [&str; 6] = [
    "first_name",
    "last_name",
    "user_timezone",
    "group_ids",
    "external_group_id",
    "user_attributes",
];

/// The names of all parameters.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    REQUIRED.into_iter().chain(OPTIONAL)
}

/// The parameters of a signed URL, decoded once, in the order they were sent. `Debug` shows the names only.
#[derive(Clone)]
pub struct Query(Vec<(String, String)>);

/// The names of the parameters that every URL has.
pub(crate) fn required() -> impl Iterator<Item = &'static str> {
    REQUIRED.into_iter()
}

impl Query {
    /// Split and decode the part of the URL after `?`.
    pub fn parse(raw_query: &str) -> Result<Self, Rejection> {
        raw_query
            .split('&')
            .filter(|pair| !pair.is_empty())
            .map(|pair| {
                let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
                let broken = || Rejection::Encoding {
                    parameter: name.to_owned(),
                };
                let name = decode(name).ok_or_else(broken)?;
                let value = decode(value).ok_or_else(broken)?;
                Ok((name, value))
            })
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// The decoded value of a parameter, or `None` if it was not sent.
    pub fn value(&self, name: &str) -> Option<&str> {
        let (_name, value) = self.0.iter().find(|(sent, _)| sent == name)?;
        Some(value)
    }

    /// All names and values, in the order they were sent.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Check the decoded names: `permi%73sions` means `permissions` to any later reader.
    pub(in crate::signed_url) fn check_names(&self) -> Result<(), Rejection> {
        let unknown = self
            .iter()
            .map(|(name, _)| name)
            .filter(|name| !REQUIRED.contains(name) && !OPTIONAL.contains(name))
            .map(str::to_owned)
            .collect::<Vec<_>>();
        if !unknown.is_empty() {
            return Err(Rejection::UnknownParameters(unknown));
        }
        for name in REQUIRED.iter().chain(&OPTIONAL) {
            if self.iter().filter(|(sent, _)| sent == name).count() > 1 {
                return Err(Rejection::DuplicateParameter((*name).to_owned()));
            }
        }
        match REQUIRED.iter().find(|name| self.value(name).is_none()) {
            Some(name) => Err(Rejection::MissingParameter(name)),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.iter().map(|(name, _)| name))
            .finish()
    }
}

/// Decode as in forms: `+` is a space, and hex may be in either case.
fn decode(text: &str) -> Option<String> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'+' => b' ',
            b'%' => {
                let high = char::from(bytes.next()?).to_digit(16)?;
                let low = char::from(bytes.next()?).to_digit(16)?;
                u8::try_from(high << 4 | low).ok()?
            }
            other => other,
        });
    }
    String::from_utf8(decoded).ok()
}
