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

/// The types of bodies and what they are made of: their names and fields.
pub(crate) fn types() -> impl Iterator<Item = (&'static str, &'static [&'static str])> {
    let types = CONTRACT.types.iter();
    types.map(|(name, fields)| (*name, fields.as_slice()))
}

/// Whether the contract says what the type `name` is made of.
pub(crate) fn is_type(name: &str) -> bool {
    CONTRACT.types.contains_key(name)
}

/// `value` as Looker takes it for the type `kind`, and what is odd about it; or why it can be taken for none.
///
/// Looker passes over fields it does not know or writes itself, so that clients may send back what they have read, and
/// takes numbers for ids.
pub(crate) fn fit(kind: &str, value: Value) -> Result<(Value, Vec<String>), String> {
    CONTRACT.fit(kind, value)
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

    fn fit(&self, kind: &str, value: Value) -> Result<(Value, Vec<String>), String> {
        let mut fitting = Fitting {
            contract: self,
            odd: Vec::new(),
        };
        let value = fitting.fit(kind, value, BODY)?;
        Ok((value, fitting.odd))
    }

    /// Whether only Looker writes a field: it is read-only, or all its own fields are.
    fn is_read_only(&self, word: &Word<'_>) -> bool {
        let parts = self.types.get(word.kind).map_or(&[][..], Vec::as_slice);
        let mut parts = parts.iter().map(|part| Word::of(part));
        word.is_read_only() || parts.len() > 0 && parts.all(|part| part.is_read_only())
    }
}

/// One value on its way through the contract.
struct Fitting<'c> {
    contract: &'c Contract,
    /// What is passed over or read in another way than it was sent.
    odd: Vec<String>,
}

impl Fitting<'_> {
    fn fit(&mut self, kind: &str, value: Value, place: &str) -> Result<Value, String> {
        if let Some(kind) = within(kind, '[', ']') {
            let Value::Array(items) = value else {
                return Err(is_not(place, "a list"));
            };
            let items = items.into_iter().map(|item| self.fit(kind, item, place));
            return items.collect();
        }
        if let Some(kind) = within(kind, '{', '}') {
            let object = self.object(value, place)?;
            let fit = |(name, item)| Ok((name, self.fit(kind, item, place)?));
            return object.into_iter().map(fit).collect();
        }
        if let Some(words) = within(kind, '(', ')') {
            let known = |word| words.split('|').any(|known| known == word);
            let wanted = format!("one of {}", words.replace('|', ", "));
            return match value.as_str().is_some_and(known) {
                true => Ok(value),
                false => Err(is_not(place, &wanted)),
            };
        }
        match kind {
            "any" => Ok(value),
            "str" | "time" => self.scalar(value, Value::is_string, as_text, (place, "text")),
            "bool" => {
                let wanted = (place, "true or false");
                self.scalar(value, Value::is_boolean, as_bool, wanted)
            }
            "int" => self.scalar(value, Value::is_i64, as_int, (place, "a whole number")),
            "num" => self.scalar(value, Value::is_number, as_number, (place, "a number")),
            _ => {
                let object = self.object(value, place)?;
                self.fields(kind, object, place)
            }
        }
    }

    /// The value if it `fits`, or what `read` makes of one of another type that says the same.
    fn scalar(
        &mut self,
        value: Value,
        fits: fn(&Value) -> bool,
        read: fn(&Value) -> Option<Value>,
        (place, wanted): (&str, &str),
    ) -> Result<Value, String> {
        if fits(&value) {
            return Ok(value);
        }
        let taken = read(&value).ok_or_else(|| is_not(place, wanted))?;
        self.odd.push(is_not(place, wanted));
        Ok(taken)
    }

    /// An object; Ruby and PHP write an empty one as an empty list.
    fn object(&mut self, value: Value, place: &str) -> Result<Map<String, Value>, String> {
        let wanted = || is_not(place, "an object");
        match value {
            Value::Object(object) => Ok(object),
            Value::Array(items) if items.is_empty() => {
                self.odd.push(wanted());
                Ok(Map::new())
            }
            _ => Err(wanted()),
        }
    }

    /// The fields of the type `kind` that a client may write.
    fn fields(
        &mut self,
        kind: &str,
        object: Map<String, Value>,
        place: &str,
    ) -> Result<Value, String> {
        let fields = self.contract.types.get(kind).map_or(&[][..], Vec::as_slice);
        // A type without fields is an object of any.
        if fields.is_empty() {
            return Ok(Value::Object(object));
        }
        let words = || fields.iter().map(|field| Word::of(field));
        let whole = place == BODY;
        // Some bodies have every field marked as read-only in Looker's description, and are written nevertheless.
        let any = whole && words().all(|word| word.is_read_only());
        let mut taken = Map::new();
        for (name, value) in object {
            let place = match whole {
                true => name.clone(),
                false => format!("{place}.{name}"),
            };
            let word = words().find(|word| word.name == name);
            let Some(word) = word.filter(|word| any || !self.contract.is_read_only(word)) else {
                self.odd
                    .push(format!("unknown or read-only field `{place}`"));
                continue;
            };
            let value = match value {
                // Null is expected only if the description says so.
                Value::Null if !word.is_nullable() => {
                    self.odd.push(format!("`{place}` is null"));
                    Value::Null
                }
                Value::Null => Value::Null,
                value => self.fit(word.kind, value, &place)?,
            };
            taken.insert(name, value);
        }
        Ok(Value::Object(taken))
    }
}

fn is_not(place: &str, wanted: &str) -> String {
    format!("`{place}` is not {wanted}")
}

fn as_text(value: &Value) -> Option<Value> {
    let says = value.is_number() || value.is_boolean();
    says.then(|| value.to_string().into())
}

fn as_bool(value: &Value) -> Option<Value> {
    value.as_str()?.parse::<bool>().ok().map(Value::from)
}

fn as_int(value: &Value) -> Option<Value> {
    value.as_str()?.parse::<i64>().ok().map(Value::from)
}

fn as_number(value: &Value) -> Option<Value> {
    value.as_str()?.parse::<f64>().ok().map(Value::from)
}

/// What stands between the brackets of a type.
pub(crate) fn within(kind: &str, open: char, close: char) -> Option<&str> {
    kind.strip_prefix(open)?.strip_suffix(close)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::Contract;

    /// What is taken of a value, and what is odd about it.
    fn fit(kind: &str, value: &Value) -> Result<(Value, String), String> {
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
        let fitted = contract.fit(kind, value.clone());
        fitted.map(|(value, odd)| (value, odd.join("; ")))
    }

    #[test]
    fn a_body_that_fits_is_taken_as_it_is() {
        let whole = json!({ "name": null, "size": 1, "tags": ["a"], "level": "view", "newer": [] });
        for (kind, body) in [
            ("User", whole),
            ("User", json!({ "inner": { "only": "x" } })),
            ("[User]", json!([{ "size": 1 }])),
            // A type of which Looker alone writes every field is written nevertheless, if it is all there is.
            ("Fixed", json!({ "never": "x" })),
        ] {
            assert_eq!(fit(kind, &body), Ok((body, String::new())), "{kind}");
        }
    }

    #[test]
    fn what_looker_does_not_write_is_passed_over_and_what_says_the_same_is_taken() {
        let readonly = |place: &str| format!("unknown or read-only field `{place}`");
        for (body, taken, odd) in [
            (
                json!([]),
                json!({}),
                "`the body` is not an object".to_owned(),
            ),
            (json!({ "id": "1" }), json!({}), readonly("id")),
            (
                json!({ "inner": { "x": 1 } }),
                json!({ "inner": {} }),
                readonly("inner.x"),
            ),
            (json!({ "fixed": {} }), json!({}), readonly("fixed")),
            (
                json!({ "inner": [] }),
                json!({ "inner": {} }),
                "`inner` is not an object".to_owned(),
            ),
            (
                json!({ "size": null }),
                json!({ "size": null }),
                "`size` is null".to_owned(),
            ),
            (
                json!({ "size": "7" }),
                json!({ "size": 7 }),
                "`size` is not a whole number".to_owned(),
            ),
            (
                json!({ "tags": [1, true] }),
                json!({ "tags": ["1", "true"] }),
                "`tags` is not text; `tags` is not text".to_owned(),
            ),
        ] {
            assert_eq!(fit("User", &body), Ok((taken, odd)), "{body}");
        }
    }

    #[test]
    fn what_nothing_can_be_made_of_is_refused() {
        for (body, why) in [
            (json!(["x"]), "`the body` is not an object"),
            (json!({ "size": 1.5 }), "`size` is not a whole number"),
            (json!({ "size": "x" }), "`size` is not a whole number"),
            (json!({ "tags": "a" }), "`tags` is not a list"),
            (json!({ "tags": [{}] }), "`tags` is not text"),
            (
                json!({ "level": "own" }),
                "`level` is not one of view, edit",
            ),
        ] {
            assert_eq!(fit("User", &body), Err(why.to_owned()), "{body}");
        }
    }
}
