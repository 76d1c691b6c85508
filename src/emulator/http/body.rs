//! JSON bodies of many fields: each field has a kind, and what has another kind, or another name, is refused.

use serde_json::{Map, Value};

use crate::emulator::http::answer::Refusal;
use crate::emulator::http::call::{Call, bad_body, parse_id};
use crate::emulator::world::Id;

/// What a field may hold.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    Text,
    Flag,
    Whole,
    Number,
    Object,
    /// A list of texts.
    Texts,
    /// One of these texts.
    OneOf(&'static [&'static str]),
    /// An object of these fields.
    Part(&'static [Field]),
    /// A list of objects of these fields.
    Parts(&'static [Field]),
    Any,
}

/// A field that may be written, as Looker's OpenAPI description has it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Field {
    name: &'static str,
    kind: Kind,
    nullable: bool,
}

/// A field that may be `null`.
pub(crate) const fn open(name: &'static str, kind: Kind) -> Field {
    Field {
        name,
        kind,
        nullable: true,
    }
}

/// A field that may not be `null`.
pub(crate) const fn firm(name: &'static str, kind: Kind) -> Field {
    Field {
        name,
        kind,
        nullable: false,
    }
}

/// The fields of a body.
pub(crate) type Body = Map<String, Value>;

/// The body of `call`, which has `fields` only, each of its kind.
pub(crate) fn read(call: &Call<'_>, fields: &[Field]) -> Result<Body, Refusal> {
    let body = call.object()?;
    check_object(&body, fields, "")?;
    Ok(body)
}

/// The text of a field; `None` where it is absent or `null`.
pub(crate) fn text<'a>(body: &'a Body, name: &str) -> Option<&'a str> {
    body.get(name).and_then(Value::as_str)
}

/// The id in a field; 404 where it can be none.
pub(crate) fn id(body: &Body, name: &str) -> Result<Option<Id>, Refusal> {
    text(body, name)
        .map(|text| parse_id(text).ok_or_else(Refusal::not_found))
        .transpose()
}

/// 422 for the first of `names` that is absent, `null` or empty.
pub(crate) fn require(body: &Body, names: &[&str]) -> Result<(), Refusal> {
    let absent = |name: &&&str| match body.get(**name) {
        None | Some(Value::Null) => true,
        Some(Value::String(text)) => text.is_empty(),
        Some(Value::Array(items)) => items.is_empty(),
        Some(_) => false,
    };
    match names.iter().find(absent) {
        Some(name) => Err(Refusal::missing(name)),
        None => Ok(()),
    }
}

fn check_object(body: &Body, fields: &[Field], place: &str) -> Result<(), Refusal> {
    for (name, value) in body {
        let place = format!("{place}{name}");
        let Some(field) = fields.iter().find(|field| field.name == name) else {
            return Err(bad_body(&format!("unknown or read-only field `{place}`")));
        };
        check(field, value, &place)?;
    }
    Ok(())
}

fn check(field: &Field, value: &Value, place: &str) -> Result<(), Refusal> {
    let wrong = |wanted: &str| Err(bad_body(&format!("`{place}` is not {wanted}")));
    match (field.kind, value) {
        (Kind::Any, _)
        | (Kind::Text, Value::String(_))
        | (Kind::Flag, Value::Bool(_))
        | (Kind::Number, Value::Number(_))
        | (Kind::Object, Value::Object(_)) => Ok(()),
        (_, Value::Null) if field.nullable => Ok(()),
        (Kind::Whole, Value::Number(number)) if number.is_i64() => Ok(()),
        (Kind::Texts, Value::Array(items)) if items.iter().all(Value::is_string) => Ok(()),
        (Kind::OneOf(words), Value::String(word)) if words.contains(&word.as_str()) => Ok(()),
        (Kind::Part(fields), Value::Object(part)) => {
            check_object(part, fields, &format!("{place}."))
        }
        (Kind::Parts(fields), Value::Array(parts)) => parts.iter().try_for_each(|part| {
            let part = part.as_object();
            part.map_or_else(
                || wrong("a list of objects"),
                |part| check_object(part, fields, &format!("{place}.")),
            )
        }),
        (Kind::Text, _) => wrong("text"),
        (Kind::Flag, _) => wrong("true or false"),
        (Kind::Whole, _) => wrong("a whole number"),
        (Kind::Number, _) => wrong("a number"),
        (Kind::Object | Kind::Part(_), _) => wrong("an object"),
        (Kind::Texts, _) => wrong("a list of texts"),
        (Kind::Parts(_), _) => wrong("a list of objects"),
        (Kind::OneOf(words), _) => wrong(&format!("one of {}", words.join(", "))),
    }
}
