//! JSON objects built piece by piece.

use serde_json::Value;

/// `object` with a member added or replaced.
pub(crate) fn with(mut object: Value, name: &str, value: impl Into<Value>) -> Value {
    if let Value::Object(members) = &mut object {
        members.insert(name.to_owned(), value.into());
    }
    object
}

/// The text of a member; empty if it is missing.
pub(crate) fn text(object: &Value, name: &str) -> String {
    let member = object.get(name).and_then(Value::as_str);
    member.unwrap_or_default().to_owned()
}
