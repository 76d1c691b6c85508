//! Calls of the local Looker as a table: what each is, and what must be in its answer.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::emulator::{Answer, Api};

/// A call: what it makes, which later ones name as `$name`; method and path; body; status; and what must be in the
/// answer, where `"*"` is anything but `null`.
pub(crate) type Step<'a> = (&'a str, &'a str, Value, u16, Value);

impl Api {
    /// Play `steps` one after the other as the administrator; gives the ids of what they made.
    pub(crate) async fn play(&self, steps: &[Step<'_>]) -> BTreeMap<String, String> {
        self.play_with(steps, BTreeMap::new()).await
    }

    /// The same with some names known.
    pub(crate) async fn play_with(
        &self,
        steps: &[Step<'_>],
        mut ids: BTreeMap<String, String>,
    ) -> BTreeMap<String, String> {
        for (name, line, body, status, part) in steps {
            let (method, path) = line.split_once(' ').unwrap();
            let body = (!body.is_null()).then(|| filled(body.clone(), &ids));
            let answer = self.call(method, &named(path, &ids), body).await;
            let head = format!("{line}: {} {}", answer.status, answer.text);
            assert_eq!(answer.status, *status, "{head}");
            let missing = missing("", &filled(part.clone(), &ids), &answer.json);
            assert_eq!(missing, Vec::<String>::new(), "{head}");
            learn(name, &answer, &mut ids);
        }
        ids
    }
}

fn learn(name: &str, answer: &Answer, ids: &mut BTreeMap<String, String>) {
    if !name.is_empty() {
        let one = answer.json.get(0).unwrap_or(&answer.json);
        let id = one["id"].as_str();
        let id = id.unwrap_or_else(|| panic!("nothing to call `{name}`: {answer:?}"));
        ids.insert(name.to_owned(), id.to_owned());
    }
}

/// `text` with ids for names; the longest name first, as one may begin with another.
fn named(text: &str, ids: &BTreeMap<String, String>) -> String {
    let names = ids.iter().rev();
    names.fold(text.to_owned(), |text, (name, id)| {
        text.replace(&format!("${name}"), id)
    })
}

fn filled(value: Value, ids: &BTreeMap<String, String>) -> Value {
    match value {
        Value::String(text) => named(&text, ids).into(),
        Value::Array(items) => items.into_iter().map(|item| filled(item, ids)).collect(),
        Value::Object(fields) => {
            let fields = fields.into_iter();
            fields
                .map(|(name, value)| (named(&name, ids), filled(value, ids)))
                .collect()
        }
        other => other,
    }
}

/// What is in `part` and not in `whole`. Lists are of one length.
fn missing(place: &str, part: &Value, whole: &Value) -> Vec<String> {
    match (part, whole) {
        (Value::Null, _) if place.is_empty() => Vec::new(),
        (Value::Object(part), Value::Object(whole)) => {
            let fields = part.iter();
            let found = fields.flat_map(|(name, part)| match whole.get(name) {
                Some(whole) => missing(&format!("{place}/{name}"), part, whole),
                None => vec![format!("{place}: no `{name}`")],
            });
            found.collect()
        }
        (Value::Array(part), Value::Array(whole)) if part.len() == whole.len() => {
            let pairs = part.iter().zip(whole).enumerate();
            let found = pairs.flat_map(|(number, (part, whole))| {
                missing(&format!("{place}/{number}"), part, whole)
            });
            found.collect()
        }
        (Value::String(any), whole) if any == "*" && !whole.is_null() => Vec::new(),
        (part, whole) if part == whole => Vec::new(),
        (part, whole) => vec![format!("{place}: {whole} instead of {part}")],
    }
}
