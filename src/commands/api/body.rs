//! The body of a call: single fields, or JSON from a file; both checked if the operation is known.

use serde_json::{Map, Value};

use crate::commands::api::ApiArgs;
use crate::commands::files::read_named;
use crate::config::nearest;
use crate::error::Error;
use crate::looker::{Field, FieldKind, Operation};
use crate::system::System;

/// A body as given.
pub(super) enum Given {
    Fields(Vec<(String, Typed)>),
    /// The complete body.
    Whole(Vec<u8>),
}

/// The value of a field as given.
pub(super) enum Typed {
    /// It is this text, whatever it looks like.
    Text(String),
    /// It is of the field's type.
    Value(String),
    /// The text of a file.
    File(String),
}

/// The body from the arguments.
pub(super) fn given(args: &ApiArgs, system: &System) -> Result<Option<Given>, Error> {
    if let Some(input) = &args.input {
        return Ok(Some(Given::Whole(read_named(input, system)?)));
    }
    let mut fields = Vec::new();
    for field in &args.raw_fields {
        let (key, value) = pair(field, "-f")?;
        fields.push((key, Typed::Text(value)));
    }
    for field in &args.fields {
        let (key, value) = pair(field, "-F")?;
        let value = match value.strip_prefix('@') {
            None => Typed::Value(value),
            Some(file) => {
                let text = String::from_utf8(read_named(file, system)?).map_err(|_| {
                    Error::usage(format!("`{file}` is not text")).hint("give a file in UTF-8")
                })?;
                Typed::File(text)
            }
        };
        fields.push((key, value));
    }
    Ok((!fields.is_empty()).then_some(Given::Fields(fields)))
}

/// Split `KEY=VALUE`.
pub(super) fn pair(text: &str, flag: &str) -> Result<(String, String), Error> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err(
            Error::usage(format!("`{flag} {text}` is not of the form KEY=VALUE"))
                .hint(format!("write as in `{flag} limit=10`")),
        ),
    }
}

impl Given {
    /// The body to send to `operation`.
    pub(super) fn render(
        self,
        operation: Option<Operation>,
        unchecked: bool,
    ) -> Result<Vec<u8>, Error> {
        let known = operation.filter(|_| !unchecked);
        if let Some(operation) = known.filter(|operation| !operation.takes_body()) {
            let id = operation.id;
            return Err(Error::usage(format!("`{id}` takes no body"))
                .hint("give parameters of the query with `--query KEY=VALUE`"));
        }
        let fields = known.and_then(Operation::fields);
        let (value, bytes) = match self {
            Self::Fields(given) => {
                let value = object(given, fields.as_deref().unwrap_or_default())?;
                let bytes = serde_json::to_vec(&value).map_err(Error::internal)?;
                (value, bytes)
            }
            Self::Whole(bytes) => {
                let value = serde_json::from_slice(&bytes).map_err(|error| {
                    Error::usage(format!(
                        "the body is no JSON: line {}, column {}",
                        error.line(),
                        error.column()
                    ))
                })?;
                (value, bytes)
            }
        };
        if let (Some(operation), Some(fields)) = (known, &fields) {
            check(operation, fields, &value)?;
        }
        Ok(bytes)
    }
}

/// Refuse fields that the operation does not have: Looker silently ignores them.
fn check(operation: Operation, fields: &[Field], body: &Value) -> Result<(), Error> {
    let names = || fields.iter().map(|field| field.name);
    let keys = body.as_object().into_iter().flat_map(Map::keys);
    for key in keys {
        if names().any(|name| name == key) {
            continue;
        }
        let hint = match nearest(key, names()) {
            Some(near) => format!("did you mean `{near}`? `--unchecked` sends it as it is"),
            None => format!(
                "it has {}; `--unchecked` sends others too",
                names().collect::<Vec<_>>().join(", ")
            ),
        };
        let message = format!("`{}` has no field `{key}` that can be set", operation.id);
        return Err(Error::usage(message).hint(hint));
    }
    Ok(())
}

fn object(given: Vec<(String, Typed)>, known: &[Field]) -> Result<Value, Error> {
    let mut body = Value::Object(Map::new());
    for (key, given) in given {
        let field = known.iter().find(|field| field.name == key);
        let kind = field.map(|field| field.kind);
        let value = match given {
            Typed::Value(text) => typed(&key, text, kind)?,
            Typed::Text(text) => {
                check_text(&key, &text, kind)?;
                Value::String(text)
            }
            Typed::File(text) => Value::String(text),
        };
        insert(&mut body, &key, value)?;
    }
    Ok(body)
}

/// Refuse text for a field that holds something else: Looker may take `"false"` for true, or ignore it.
fn check_text(key: &str, text: &str, kind: Option<FieldKind>) -> Result<(), Error> {
    match kind {
        None | Some(FieldKind::Text) => Ok(()),
        Some(FieldKind::Flag | FieldKind::Number | FieldKind::List | FieldKind::Object) => {
            let message = format!("`{key}` does not hold text, which `-f` gives it");
            Err(Error::usage(message).hint(format!("write `-F {key}={text}`")))
        }
    }
}

/// The value of `text`, by the type of the field if that is known, otherwise by its appearance.
fn typed(key: &str, text: String, kind: Option<FieldKind>) -> Result<Value, Error> {
    let looks = serde_json::from_str::<Value>(&text).ok();
    let wanted = match (kind, &looks) {
        (_, Some(Value::Null)) => return Ok(Value::Null),
        (Some(FieldKind::Text), _) => return Ok(Value::String(text)),
        (None, _) => {
            return Ok(looks
                .filter(|value| !value.is_string())
                .unwrap_or(Value::String(text)));
        }
        (Some(FieldKind::Flag), Some(Value::Bool(_)))
        | (Some(FieldKind::Number), Some(Value::Number(_)))
        | (Some(FieldKind::List), Some(Value::Array(_)))
        | (Some(FieldKind::Object), Some(Value::Object(_))) => {
            return Ok(looks.unwrap_or_default());
        }
        (Some(FieldKind::Flag), _) => "`true` or `false`",
        (Some(FieldKind::Number), _) => "a number",
        (Some(FieldKind::List), _) => "a list: write `KEY[]=VALUE` for each, or JSON",
        (Some(FieldKind::Object), _) => "an object: write `KEY[NAME]=VALUE` for each, or JSON",
    };
    Err(
        Error::usage(format!("the value of `{key}` is not what the field holds"))
            .hint(format!("it holds {wanted}")),
    )
}

/// Put `value` at `key`; `a[b]` is a member of an object and `a[]` the next element of a list.
fn insert(body: &mut Value, key: &str, value: Value) -> Result<(), Error> {
    let wrong = || {
        Error::usage(format!("`{key}` does not fit the fields before it"))
            .hint("write `KEY`, `KEY[NAME]` or `KEY[]`")
    };
    let (first, rest) = key.split_once('[').unwrap_or((key, ""));
    let mut at = member(body, first).ok_or_else(wrong)?;
    for part in rest.split('[').filter(|_| key.contains('[')) {
        let name = part.strip_suffix(']').ok_or_else(wrong)?;
        at = if name.is_empty() {
            element(at).ok_or_else(wrong)?
        } else {
            member(at, name).ok_or_else(wrong)?
        };
    }
    *at = value;
    Ok(())
}

fn member<'a>(value: &'a mut Value, name: &str) -> Option<&'a mut Value> {
    if value.is_null() {
        *value = Value::Object(Map::new());
    }
    let object = value.as_object_mut()?;
    Some(object.entry(name).or_insert(Value::Null))
}

fn element(value: &mut Value) -> Option<&mut Value> {
    if value.is_null() {
        *value = Value::Array(Vec::new());
    }
    let list = value.as_array_mut()?;
    list.push(Value::Null);
    list.last_mut()
}

#[cfg(test)]
mod tests {
    use super::{Given, Typed};
    use crate::error::Error;
    use crate::looker::Operation;

    fn body(operation: &str, fields: &[&str], unchecked: bool) -> Result<String, Error> {
        let fields = fields.iter().map(|field| {
            let (key, value) = field.split_once('=').unwrap();
            (key.to_owned(), Typed::Value(value.to_owned()))
        });
        let given = Given::Fields(fields.collect());
        let bytes = given.render(Operation::named(operation), unchecked)?;
        Ok(String::from_utf8(bytes).unwrap())
    }

    #[test]
    fn values_are_what_the_field_holds_or_what_they_look_like() {
        let known = ["first_name=007", "is_disabled=true", "locale=null"];
        let known = body("update_user", &known, false).unwrap();
        assert_eq!(
            known,
            r#"{"first_name":"007","is_disabled":true,"locale":null}"#
        );

        let unknown = [
            "a=1",
            "b=007",
            "c=[1,\"x\"]",
            "d=x y",
            "e=\"q\"",
            "f=",
            "g=false",
        ];
        let unknown = body("no such operation", &unknown, false).unwrap();
        assert_eq!(
            unknown,
            r#"{"a":1,"b":"007","c":[1,"x"],"d":"x y","e":"\"q\"","f":"","g":false}"#
        );
    }

    #[test]
    fn brackets_make_lists_and_objects() {
        let fields = ["a[]=1", "a[]=2", "b[c][d]=x", "b[e]=true"];

        let body = body("no such operation", &fields, false).unwrap();

        assert_eq!(body, r#"{"a":[1,2],"b":{"c":{"d":"x"},"e":true}}"#);
    }

    #[test]
    fn fields_that_the_operation_does_not_have_are_refused() {
        let table: [(&str, &[&str], &str); 7] = [
            (
                "update_user",
                &["is_disable=true"],
                "did you mean `is_disabled`?",
            ),
            (
                "update_user",
                &["role_ids=[]"],
                "`update_user` has no field `role_ids`",
            ),
            (
                "update_user",
                &["is_disabled=yes"],
                "it holds `true` or `false`",
            ),
            (
                "create_sso_embed_url",
                &["models=thelook"],
                "a list: write `KEY[]=VALUE`",
            ),
            (
                "create_user_credentials_api3",
                &["purpose=x"],
                "takes no body",
            ),
            (
                "create_group",
                &["name=x", "name[]=y"],
                "does not fit the fields before it",
            ),
            (
                "create_group",
                &["name[=y"],
                "write `KEY`, `KEY[NAME]` or `KEY[]`",
            ),
        ];
        for (operation, fields, expected) in table {
            let error = body(operation, fields, false).unwrap_err();
            let text = format!("{error}; {}", error.advice().unwrap_or_default());
            assert!(text.contains(expected), "{text}");
        }
        let unchecked = body("update_user", &["new_field=1"], true).unwrap();
        assert_eq!(unchecked, r#"{"new_field":1}"#);
    }
}
