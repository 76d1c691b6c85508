//! The `fields` parameter: which fields of an answer the caller wants, nested ones in parentheses.

use serde_json::{Map, Value};

/// A parsed `fields` parameter, as in `id,credentials_embed(external_user_id)`.
#[derive(Debug, Default, Eq, PartialEq)]
pub(crate) struct Fields(Vec<(String, Self)>);

impl Fields {
    /// Read `text`; `None` where its parentheses do not match.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut stack = vec![Self::default()];
        let mut name = String::new();
        for letter in text.chars() {
            match letter {
                ',' => stack.last_mut()?.add(&mut name),
                '(' => {
                    stack.last_mut()?.add(&mut name);
                    stack.push(Self::default());
                }
                ')' => {
                    let mut inner = stack.pop()?;
                    inner.add(&mut name);
                    stack.last_mut()?.0.last_mut()?.1 = inner;
                }
                letter if letter.is_whitespace() => {}
                letter => name.push(letter),
            }
        }
        let mut fields = stack.pop()?;
        fields.add(&mut name);
        stack.is_empty().then_some(fields)
    }

    /// Whether the field called `name` is wanted.
    pub(crate) fn want(&self, name: &str) -> bool {
        self.0.is_empty() || self.0.iter().any(|(wanted, _)| wanted == name)
    }

    /// What is left of `value` when only these fields are kept; no fields means all.
    pub(crate) fn keep(&self, value: Value) -> Value {
        if self.0.is_empty() {
            return value;
        }
        match value {
            Value::Array(items) => items.into_iter().map(|item| self.keep(item)).collect(),
            Value::Object(object) => Value::Object(self.keep_object(object)),
            other => other,
        }
    }

    fn keep_object(&self, mut object: Map<String, Value>) -> Map<String, Value> {
        self.0
            .iter()
            .filter_map(|(name, inner)| Some((name.clone(), inner.keep(object.remove(name)?))))
            .collect()
    }

    fn add(&mut self, name: &mut String) {
        if !name.is_empty() {
            self.0.push((std::mem::take(name), Self::default()));
        }
    }
}

/// An object that is made of the wanted fields only, as the others may be costly.
#[derive(Debug)]
pub(crate) struct Shown<'a> {
    fields: &'a Fields,
    object: Map<String, Value>,
}

impl<'a> Shown<'a> {
    /// An object of those among `fields` that are put.
    pub(crate) fn new(fields: &'a Fields) -> Self {
        Self {
            fields,
            object: Map::new(),
        }
    }

    /// Give the object a field, where it is wanted.
    pub(crate) fn put<T: Into<Value>>(&mut self, name: &str, value: impl FnOnce() -> T) {
        if self.fields.want(name) {
            self.object.insert(name.to_owned(), value().into());
        }
    }

    /// The object.
    pub(crate) fn done(self) -> Value {
        Value::Object(self.object)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::Fields;

    fn keep(fields: &str) -> String {
        let user = json!({
            "id": "7", "first_name": "Ada", "credentials_embed": [{"id": "1", "external_user_id": "acme-42"}],
        });
        Fields::parse(fields).unwrap().keep(user).to_string()
    }

    #[test]
    fn keeps_the_named_fields_and_ignores_unknown_ones() {
        assert_eq!(keep("id, nothing"), r#"{"id":"7"}"#);
    }

    #[test]
    fn keeps_nested_fields_of_every_item() {
        assert_eq!(
            keep("credentials_embed(external_user_id),id"),
            r#"{"credentials_embed":[{"external_user_id":"acme-42"}],"id":"7"}"#
        );
    }

    #[test]
    fn no_fields_means_all() {
        assert!(keep("").contains("first_name"));
    }

    #[test]
    fn refuses_parentheses_that_do_not_match() {
        assert_eq!(Fields::parse("a(b"), None);
        assert_eq!(Fields::parse("a)b"), None);
    }
}
