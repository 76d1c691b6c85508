//! The values of a signed URL: each exactly one JSON document of its parameter's type.

use std::collections::BTreeMap;

use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::value::RawValue;

use crate::signed_url::verify::{Query, Rejection};
use crate::signed_url::{Login, MAX_SESSION_LENGTH, NONCE_LIMIT};

const STRING: &str = "a JSON string";
const STRINGS: &str = "a JSON array of strings";
const INTEGER: &str = "an integer";

/// The decoded values.
pub(super) struct Values {
    pub(super) nonce: String,
    pub(super) time: i64,
    pub(super) session_length: i64,
    login: Login,
}

/// Read every value that was sent.
pub(super) fn read(query: &Query) -> Result<Values, Rejection> {
    access_filters(query)?;
    let login = Login {
        first_name: text(query, "first_name")?,
        last_name: text(query, "last_name")?,
        permissions: json(query, "permissions", STRINGS)?,
        models: json(query, "models", STRINGS)?,
        group_ids: group_ids(query)?,
        external_group_id: text(query, "external_group_id")?,
        user_attributes: user_attributes(query)?,
        user_timezone: text(query, "user_timezone")?,
        force_logout_login: force_logout_login(query)?,
        ..Login::new(external_user_id(query)?)
    };
    Ok(Values {
        nonce: json(query, "nonce", STRING)?,
        time: json(query, "time", INTEGER)?,
        session_length: json(query, "session_length", INTEGER)?,
        login,
    })
}

impl Values {
    pub(super) fn into_login(self) -> Login {
        Login {
            session_length: u32::try_from(self.session_length).unwrap_or(MAX_SESSION_LENGTH),
            ..self.login
        }
    }
}

/// Every value that was sent and does not have its type.
pub(in crate::signed_url) fn type_errors(query: &Query) -> Vec<Rejection> {
    [
        json::<String>(query, "nonce", STRING).map(drop),
        json::<i64>(query, "time", INTEGER).map(drop),
        json::<i64>(query, "session_length", INTEGER).map(drop),
        external_user_id(query).map(drop),
        json::<Option<Vec<String>>>(query, "permissions", STRINGS).map(drop),
        json::<Option<Vec<String>>>(query, "models", STRINGS).map(drop),
        group_ids(query).map(drop),
        text(query, "external_group_id").map(drop),
        user_attributes(query).map(drop),
        access_filters(query),
        text(query, "first_name").map(drop),
        text(query, "last_name").map(drop),
        text(query, "user_timezone").map(drop),
        force_logout_login(query).map(drop),
    ]
    .into_iter()
    .filter_map(Result::err)
    // A missing one is another problem.
    .filter(|rejection| !matches!(rejection, Rejection::MissingParameter(_)))
    .collect()
}

/// Check the length of a nonce; whether it was used before is checked elsewhere.
pub(in crate::signed_url) fn check_nonce(nonce: &str) -> Result<(), Rejection> {
    match nonce.chars().count() {
        1..NONCE_LIMIT => Ok(()),
        _ => Err(Rejection::NonceLength),
    }
}

/// Looker allows no longer session, and none of negative length.
pub(in crate::signed_url) fn check_session_length(seconds: i64) -> Result<(), Rejection> {
    if (0..=i64::from(MAX_SESSION_LENGTH)).contains(&seconds) {
        Ok(())
    } else {
        Err(Rejection::SessionLength(seconds))
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

/// Attributes are strings in Looker's samples; numbers and other JSON are kept as text. PHP writes an empty array for no
/// attributes; an array with elements could be the line of `group_ids`, moved here to drop the groups.
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

/// Its content has had no effect since Looker 3.10, but it must be sent.
fn access_filters(query: &Query) -> Result<(), Rejection> {
    json::<Option<BTreeMap<String, IgnoredAny>>>(query, "access_filters", "a JSON object").map(drop)
}

fn force_logout_login(query: &Query) -> Result<bool, Rejection> {
    let given: Option<bool> = json(query, "force_logout_login", "true or false")?;
    Ok(given.unwrap_or(true))
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
    optional::<Option<String>>(query, parameter, STRING).map(Option::flatten)
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

/// The value of `parameter`, which must be exactly one JSON document: a second one after it, on its own line, could hide another
/// parameter from view while its line is still signed.
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
