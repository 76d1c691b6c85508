//! The fields of a JSON body.

use serde_json::{Map, Value};

use crate::emulator::http::answer::Refusal;
use crate::emulator::http::call::parse_id;
use crate::emulator::world::Id;

/// The fields of a body.
pub(crate) type Body = Map<String, Value>;

/// The text of a field; `None` if it is absent or `null`.
pub(crate) fn text<'a>(body: &'a Body, name: &str) -> Option<&'a str> {
    body.get(name).and_then(Value::as_str)
}

/// The id in a field; 404 if it can be none.
pub(crate) fn id(body: &Body, name: &str) -> Result<Option<Id>, Refusal> {
    text(body, name)
        .map(|text| parse_id(text).ok_or_else(Refusal::not_found))
        .transpose()
}

/// 422 for the first of `names` that is absent, `null` or empty.
pub(crate) fn require(body: &Body, names: &[&str]) -> Result<(), Refusal> {
    let absent = |name: &&&str| match body.get(**name) {
        None | Some(Value::Null) => true,
        // An empty value counts as missing.
        Some(Value::String(text)) => text.is_empty(),
        Some(Value::Array(items)) => items.is_empty(),
        Some(_) => false,
    };
    match names.iter().find(absent) {
        Some(name) => Err(Refusal::missing(name)),
        None => Ok(()),
    }
}
