//! What things show that says nothing here: the fields of each kind in `usual.json`.

use std::sync::LazyLock;

use serde_json::{Map, Value};

use crate::emulator::http::answer::lay_over;

static USUAL: LazyLock<Map<String, Value>> =
    LazyLock::new(|| serde_json::from_str(include_str!("usual.json")).expect("it is JSON"));

/// The fields that every thing of a kind shows, unless something else is laid over them.
pub(super) fn usual(kind: &str) -> &'static Map<String, Value> {
    let fields = USUAL.get(kind).and_then(Value::as_object);
    fields.expect("each kind that is asked for is there")
}

/// The same with `own` over them.
pub(super) fn with_usual(kind: &str, own: Value) -> Value {
    let mut shown = Value::Object(usual(kind).clone());
    lay_over(&mut shown, own);
    shown
}
