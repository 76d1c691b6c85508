//! Looker's API as data: `contract.txt` lists every operation, its parameters, and the type of its body.
//!
//! Requests are checked against it, so that no operation repeats what it accepts. The tests compare the file with
//! Looker's own description, and rewrite it for a newer one.

use std::collections::HashMap;
use std::sync::LazyLock;

use serde_json::{Map, Value};

use crate::emulator::http::operation::{Operation, Verb, Word};

static CONTRACT: LazyLock<Contract> =
    LazyLock::new(|| Contract::parse(include_str!("contract.txt")));

/// What is checked as a whole.
const BODY: &str = "the body";

/// All that is described.
#[derive(Debug, Default)]
struct Contract {
    operations: Vec<Operation>,
    /// The fields of each type; a newer release may add some in a line of its own.
    types: HashMap<&'static str, Vec<&'static str>>,
}

/// Every operation of Looker's API, served here or not.
pub(crate) fn operations() -> &'static [Operation] {
    &CONTRACT.operations
}

/// Whether `value` may be sent for the type `kind`; otherwise, why not.
pub(crate) fn check(kind: &str, value: &Value) -> Result<(), String> {
    CONTRACT.check(kind, value, BODY)
}

impl Contract {
    fn parse(text: &'static str) -> Self {
        let mut contract = Self::default();
        let mut places = HashMap::new();
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let mut words = line.trim_start_matches(['+', '~', ' ']).split(' ');
            let first = words.next().unwrap_or_default();
            // A line without a verb describes a type.
            let Some(verb) = Verb::of(first) else {
                contract.types.entry(first).or_default().extend(words);
                continue;
            };
            let (path, id) = (words.next().unwrap_or(""), words.next().unwrap_or(""));
            // An operation may have several lines.
            let place = *places.entry(id).or_insert(contract.operations.len());
            if place == contract.operations.len() {
                contract.operations.push(Operation::new(verb, path, id));
            }
            let operation = contract.operations.get_mut(place);
            operation.expect("it was put there").take(words);
        }
        contract
    }

    fn check(&self, kind: &str, value: &Value, place: &str) -> Result<(), String> {
        let fits = |fits: bool, wanted: &str| match fits {
            true => Ok(()),
            false => Err(format!("`{place}` is not {wanted}")),
        };
        if let Some(kind) = within(kind, '[', ']') {
            fits(value.is_array(), "a list")?;
            let mut items = value.as_array().into_iter().flatten();
            return items.try_for_each(|item| self.check(kind, item, place));
        }
        if let Some(kind) = within(kind, '{', '}') {
            fits(value.is_object(), "an object")?;
            let mut items = value.as_object().into_iter().flatten();
            return items.try_for_each(|(_, item)| self.check(kind, item, place));
        }
        if let Some(words) = within(kind, '(', ')') {
            let known = |word| words.split('|').any(|known| known == word);
            let wanted = format!("one of {}", words.replace('|', ", "));
            return fits(value.as_str().is_some_and(known), &wanted);
        }
        match kind {
            "any" => Ok(()),
            "str" | "time" => fits(value.is_string(), "text"),
            "bool" => fits(value.is_boolean(), "true or false"),
            "int" => fits(value.is_i64(), "a whole number"),
            "num" => fits(value.is_number(), "a number"),
            _ => {
                fits(value.is_object(), "an object")?;
                let fields = self.types.get(kind).map_or(&[][..], Vec::as_slice);
                let object = value.as_object().filter(|_| !fields.is_empty());
                object.map_or(Ok(()), |object| self.check_fields(fields, object, place))
            }
        }
    }

    /// Whether only Looker writes a field: it is read-only, or all its own fields are.
    fn is_read_only(&self, word: &Word<'_>) -> bool {
        let parts = self.types.get(word.kind).map_or(&[][..], Vec::as_slice);
        let mut parts = parts.iter().map(|part| Word::of(part));
        word.is_read_only() || parts.len() > 0 && parts.all(|part| part.is_read_only())
    }

    fn check_fields(
        &self,
        fields: &[&'static str],
        object: &Map<String, Value>,
        place: &str,
    ) -> Result<(), String> {
        let words = || fields.iter().map(|field| Word::of(field));
        let whole = place == BODY;
        // Some bodies have every field marked as read-only in Looker's description, and are written nevertheless.
        let any = whole && words().all(|word| word.is_read_only());
        let writable = |word: &Word<'_>| any || !self.is_read_only(word);
        for (name, value) in object {
            let place = match whole {
                true => name.clone(),
                false => format!("{place}.{name}"),
            };
            let word = words().find(|word| word.name == name && writable(word));
            let word = word.ok_or_else(|| format!("unknown or read-only field `{place}`"))?;
            // Null is allowed only if the description says so.
            if !(value.is_null() && word.is_nullable()) {
                self.check(word.kind, value, &place)?;
            }
        }
        Ok(())
    }
}

fn within(kind: &str, open: char, close: char) -> Option<&str> {
    kind.strip_prefix(open)?.strip_suffix(close)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{BODY, Contract};

    fn check(kind: &str, value: &Value) -> String {
        let text = "# A comment.\n\
            GET /users/{user_id} user fields limit:int\n\
            User can!:{bool} id! name? size:int tags?:[str] level:(view|edit) inner?:Inner fixed:Fixed\n\
            Inner only\n\
            Fixed never!\n\
            + GET /users/{user_id} user more*\n\
            + User newer?:any";
        let contract = Contract::parse(text);
        assert_eq!(contract.operations.len(), 1);
        assert!(contract.operations[0].takes("more") && contract.operations[0].takes("limit"));
        let checked = contract.check(kind, value, BODY);
        checked.err().unwrap_or_default()
    }

    #[test]
    fn a_body_has_the_fields_of_its_type_only() {
        let whole = json!({ "name": null, "size": 1, "tags": ["a"], "level": "view", "newer": [] });
        assert_eq!(check("User", &whole), "");
        assert_eq!(check("User", &json!({ "inner": { "only": "x" } })), "");
        for (body, why) in [
            (json!([]), "`the body` is not an object"),
            (json!({ "id": "1" }), "unknown or read-only field `id`"),
            (json!({ "size": null }), "`size` is not a whole number"),
            (json!({ "size": 1.5 }), "`size` is not a whole number"),
            (json!({ "tags": [1] }), "`tags` is not text"),
            (
                json!({ "level": "own" }),
                "`level` is not one of view, edit",
            ),
            (
                json!({ "inner": { "x": 1 } }),
                "unknown or read-only field `inner.x`",
            ),
            (json!({ "fixed": {} }), "unknown or read-only field `fixed`"),
        ] {
            assert_eq!(check("User", &body), why);
        }
        assert_eq!(check("[User]", &json!([{ "size": 1 }])), "");
        assert_eq!(check("Fixed", &json!({ "never": "x" })), "");
    }
}
