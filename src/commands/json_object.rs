//! JSON objects that are put together piece by piece.

use serde_json::Value;

/// `object` with one more member, or with another value of one it has.
pub(crate) fn with(mut object: Value, name: &str, value: impl Into<Value>) -> Value {
    if let Value::Object(members) = &mut object {
        members.insert(name.to_owned(), value.into());
    }
    object
}

/// The text of a member; empty where it has none.
pub(crate) fn text(object: &Value, name: &str) -> String {
    let member = object.get(name).and_then(Value::as_str);
    member.unwrap_or_default().to_owned()
}
