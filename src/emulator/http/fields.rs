//! The `fields` parameter: which fields of an answer the caller wants, nested ones in parentheses.

use serde_json::{Map, Value};

/// A parsed `fields` parameter, such as `id,credentials_embed(external_user_id)`.
#[derive(Debug, Default, Eq, PartialEq)]
pub(crate) struct Fields(Vec<(String, Self)>);

impl Fields {
    /// Read `text`; `None` if its parentheses do not match.
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
                    // A parenthesis without a name before it is malformed.
                    stack.last_mut()?.0.last_mut()?.1 = inner;
                }
                letter if letter.is_whitespace() => {}
                letter => name.push(letter),
            }
        }
        let mut fields = stack.pop()?;
        fields.add(&mut name);
        // An open parenthesis is malformed.
        stack.is_empty().then_some(fields)
    }

    /// The fields with these names; all if there are none.
    pub(crate) fn of<'a>(names: impl Iterator<Item = &'a str>) -> Self {
        Self(
            names
                .map(|name| (name.to_owned(), Self::default()))
                .collect(),
        )
    }

    /// What is wanted of the field called `name`; all if it says no more.
    pub(crate) fn inside(&self, name: &str) -> &Self {
        const ALL: &Fields = &Fields(Vec::new());
        let found = self.0.iter().find(|(wanted, _)| wanted == name);
        found.map_or(ALL, |(_, inner)| inner)
    }

    /// Those among the fields called `names` that are wanted. If none is, that is one that nothing has.
    pub(crate) fn among(&self, names: &[&str]) -> Self {
        let wanted = names.iter().copied().filter(|name| self.want(name));
        let mut wanted = Self::of(wanted);
        if wanted.0.is_empty() {
            // An empty list would mean all fields; a name that no field has means none.
            wanted.add(&mut "-".to_owned());
        }
        wanted
    }

    /// Whether the field called `name` is wanted.
    pub(crate) fn want(&self, name: &str) -> bool {
        self.0.is_empty() || self.0.iter().any(|(wanted, _)| wanted == name)
    }

    /// What is left of `value` when only these fields are kept; no fields means all.
    pub(crate) fn keep(&self, value: Value) -> Value {
        // No fields given means all.
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

    /// What is wanted of the field called `name`.
    pub(crate) fn inside(&self, name: &str) -> &'a Fields {
        self.fields.inside(name)
    }

    /// Give the object a field, if it is wanted.
    pub(crate) fn put<T: Into<Value>>(&mut self, name: &str, value: impl FnOnce() -> T) {
        // Not computed unless wanted: some fields are expensive.
        if self.fields.want(name) {
            self.object.insert(name.to_owned(), value().into());
        }
    }

    /// Put the wanted ones of these fields over what is there.
    pub(crate) fn lay(&mut self, above: &Map<String, Value>) {
        let wanted = above.iter().filter(|(name, _)| self.fields.want(name));
        let wanted = wanted.map(|(name, value)| (name.clone(), value.clone()));
        self.object.extend(wanted);
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
    fn what_is_made_of_some_fields_only_is_made_of_those_that_are_wanted() {
        let fields = Fields::parse("id,folder(name)").unwrap();

        assert!(fields.inside("folder").want("name"));
        assert!(!fields.inside("folder").want("id"));
        assert_eq!(
            fields.among(&["id", "title"]),
            Fields::of(["id"].into_iter())
        );
        assert!(!fields.among(&["title"]).want("title"));
        assert!(Fields::default().among(&["title"]).want("title"));
        assert!(!Fields::default().among(&["title"]).want("id"));
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
