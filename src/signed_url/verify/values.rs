//! The values of a signed URL: each one JSON document of the type of its parameter, and nothing behind it.

use std::collections::BTreeMap;

use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::value::RawValue;

use crate::signed_url::verify::{Query, Rejection};
use crate::signed_url::{Login, MAX_SESSION_LENGTH, NONCE_LIMIT};

/// The decoded values.
pub(super) struct Values {
    pub(super) nonce: String,
    pub(super) time: i64,
    session_length: i64,
    login: Login,
}

/// Read every value that was sent.
pub(super) fn read(query: &Query) -> Result<Values, Rejection> {
    let _filters: Option<BTreeMap<String, IgnoredAny>> =
        json(query, "access_filters", "a JSON object")?;
    let login = Login {
        first_name: text(query, "first_name")?,
        last_name: text(query, "last_name")?,
        permissions: json(query, "permissions", "a JSON array of strings")?,
        models: json(query, "models", "a JSON array of strings")?,
        group_ids: group_ids(query)?,
        external_group_id: text(query, "external_group_id")?,
        user_attributes: user_attributes(query)?,
        user_timezone: text(query, "user_timezone")?,
        force_logout_login: json::<Option<bool>>(query, "force_logout_login", "true or false")?
            .unwrap_or(true),
        ..Login::new(external_user_id(query)?)
    };
    Ok(Values {
        nonce: json(query, "nonce", "a JSON string")?,
        time: json(query, "time", "an integer")?,
        session_length: json(query, "session_length", "an integer")?,
        login,
    })
}

impl Values {
    pub(super) fn check_ranges(&self) -> Result<(), Rejection> {
        if !(1..NONCE_LIMIT).contains(&self.nonce.chars().count()) {
            return Err(Rejection::NonceLength);
        }
        if !(0..=i64::from(MAX_SESSION_LENGTH)).contains(&self.session_length) {
            return Err(Rejection::SessionLength(self.session_length));
        }
        Ok(())
    }

    pub(super) fn into_login(self) -> Login {
        Login {
            session_length: u32::try_from(self.session_length).unwrap_or(MAX_SESSION_LENGTH),
            ..self.login
        }
    }
}

/// An id is a string; one of Looker's published samples writes a bare integer.
fn external_user_id(query: &Query) -> Result<String, Rejection> {
    let expected = "a JSON string or integer";
    let raw: Box<RawValue> = json(query, "external_user_id", expected)?;
    id(&raw).ok_or(Rejection::Type {
        parameter: "external_user_id",
        expected,
    })
}

/// Looker's API writes group ids as strings, its published samples as integers.
fn group_ids(query: &Query) -> Result<Option<Vec<String>>, Rejection> {
    let expected = "a JSON array of ids";
    let raw: Option<Option<Vec<Box<RawValue>>>> = optional(query, "group_ids", expected)?;
    raw.flatten()
        .map(|ids| ids.iter().map(|raw| id(raw)).collect::<Option<Vec<_>>>())
        .map(|ids| {
            ids.ok_or(Rejection::Type {
                parameter: "group_ids",
                expected,
            })
        })
        .transpose()
}

/// Attributes are strings in Looker's samples; numbers and other JSON are kept as their text. An empty array is what
/// PHP makes of no attributes; one with elements could be the line of `group_ids`, moved here to lose the groups.
fn user_attributes(query: &Query) -> Result<Option<BTreeMap<String, String>>, Rejection> {
    let parameter = "user_attributes";
    let empty = query.value(parameter).is_some_and(|value| {
        serde_json::from_str::<Vec<IgnoredAny>>(value).is_ok_and(|list| list.is_empty())
    });
    if empty {
        return Ok(Some(BTreeMap::new()));
    }
    let raw: Option<Option<BTreeMap<String, Box<RawValue>>>> =
        optional(query, parameter, "a JSON object")?;
    raw.flatten()
        .map(|members| {
            members
                .into_iter()
                .map(|(name, value)| Some((name, attribute(&value)?)))
                .collect::<Option<_>>()
        })
        .map(|members| {
            members.ok_or(Rejection::Type {
                parameter,
                expected: "a JSON object of text",
            })
        })
        .transpose()
}

fn attribute(raw: &RawValue) -> Option<String> {
    if raw.get().starts_with('"') {
        serde_json::from_str(raw.get()).ok()
    } else {
        Some(raw.get().to_owned())
    }
}

fn id(raw: &RawValue) -> Option<String> {
    let text = raw.get();
    if text.starts_with('"') {
        return serde_json::from_str(text).ok();
    }
    let digits = text.strip_prefix('-').unwrap_or(text);
    digits
        .bytes()
        .all(|byte| byte.is_ascii_digit())
        .then(|| text.to_owned())
}

fn text(query: &Query, parameter: &'static str) -> Result<Option<String>, Rejection> {
    optional::<Option<String>>(query, parameter, "a JSON string").map(Option::flatten)
}

fn optional<T: DeserializeOwned>(
    query: &Query,
    parameter: &'static str,
    expected: &'static str,
) -> Result<Option<T>, Rejection> {
    match query.value(parameter) {
        Some(_) => json(query, parameter, expected).map(Some),
        None => Ok(None),
    }
}

/// The value of `parameter`, which must be one JSON document: a second one behind it, on a line of its own, is how
/// another parameter is hidden from view while its line still counts.
fn json<T: DeserializeOwned>(
    query: &Query,
    parameter: &'static str,
    expected: &'static str,
) -> Result<T, Rejection> {
    let value = query
        .value(parameter)
        .ok_or(Rejection::MissingParameter(parameter))?;
    serde_json::from_str(value).map_err(|_error| Rejection::Type {
        parameter,
        expected,
    })
}
