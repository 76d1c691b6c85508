//! The API operations that embedctl knows by name: their methods, paths, and body fields.
//!
//! The table in `operations.txt` is taken from Looker's OpenAPI description, limited to embed users and their content: a
//! line `id METHOD path [body] [~]` per operation, `~` if it is paged by `limit` and `offset`, then a line
//! `body = field…` per body, then a line `id ? parameter…` per operation whose query has parameters. A field is text unless marked `:b` (flag), `:n` (number), `:a` (list) or `:o` (object). The
//! body `*` is JSON other than an object.

use crate::looker::error::LookerError;
use crate::looker::path::Path;

const TABLE: &str = include_str!("operations.txt");

/// An operation of the API.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Operation {
    /// The id in Looker's OpenAPI description.
    pub id: &'static str,
    /// The HTTP method, in capitals.
    pub method: &'static str,
    /// The path, with `{name}` for each id.
    pub template: &'static str,
    body: Option<&'static str>,
    /// Whether its list is paged by `limit` and `offset`.
    pub has_pages: bool,
}

/// A field of a body.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Field {
    /// Its name.
    pub name: &'static str,
    /// What it holds.
    pub kind: FieldKind,
}

/// What a field holds.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum FieldKind {
    /// Text; ids too.
    Text,
    /// `true` or `false`.
    Flag,
    /// A number.
    Number,
    /// A list.
    List,
    /// An object.
    Object,
}

impl Operation {
    /// All operations, in the order of their paths.
    pub fn all() -> impl Iterator<Item = Self> {
        TABLE.lines().map_while(Self::read)
    }

    /// The operation with this id.
    pub fn named(id: &str) -> Option<Self> {
        Self::all().find(|operation| operation.id == id)
    }

    /// The operation that `method` on `path` stands for.
    pub fn at(method: &str, path: &str) -> Option<Self> {
        let here = Self::all().filter(|it| it.method == method && it.matches(path));
        // `/users/search` also fits `/users/{user_id}`; the template with fewer placeholders is the right one.
        here.min_by_key(|operation| operation.placeholders().count())
    }

    /// The names of the ids in the path, in order.
    pub fn placeholders(self) -> impl Iterator<Item = &'static str> {
        let parts = self.template.split('/');
        parts.filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
    }

    /// The path with `ids` in it, percent-encoded.
    pub fn path(self, ids: &[&str]) -> Result<String, LookerError> {
        Ok(Path::of(self.id, self.template, ids)?.shown)
    }

    /// Whether it takes a body.
    pub const fn takes_body(self) -> bool {
        self.body.is_some()
    }

    /// The fields that its body may have; `None` if it takes no body, or one that is not an object.
    pub fn fields(self) -> Option<Vec<Field>> {
        let body = self.body.filter(|body| *body != "*")?;
        let line = TABLE.lines().find_map(|line| {
            let (name, fields) = line.split_once(" = ")?;
            (name == body).then_some(fields)
        })?;
        Some(line.split(' ').map(Field::read).collect())
    }

    /// The parameters that its query may have.
    pub fn query_parameters(self) -> impl Iterator<Item = &'static str> {
        let names = TABLE.lines().find_map(|line| {
            let (id, names) = line.split_once(" ? ")?;
            (id == self.id).then_some(names)
        });
        names.into_iter().flat_map(|names| names.split(' '))
    }

    fn read(line: &'static str) -> Option<Self> {
        let has_pages = line.ends_with(" ~");
        let mut words = line.trim_end_matches(" ~").split(' ');
        Some(Self {
            id: words.next()?,
            method: words.next()?,
            template: words.next()?,
            body: words.next(),
            has_pages,
        })
    }

    fn matches(self, path: &str) -> bool {
        let (mut template, mut path) = (self.template.split('/'), path.split('/'));
        loop {
            match (template.next(), path.next()) {
                (None, None) => return true,
                (Some(part), Some(id))
                    if part == id || (part.starts_with('{') && !id.is_empty()) => {}
                _ => return false,
            }
        }
    }
}

impl Field {
    fn read(word: &'static str) -> Self {
        let (name, kind) = word.split_once(':').unwrap_or((word, ""));
        let kind = match kind {
            "b" => FieldKind::Flag,
            "n" => FieldKind::Number,
            "a" => FieldKind::List,
            "o" => FieldKind::Object,
            _ => FieldKind::Text,
        };
        Self { name, kind }
    }
}

#[cfg(test)]
mod tests {
    use super::{FieldKind, Operation};

    #[test]
    fn every_operation_can_be_found_by_its_id_and_by_its_path() {
        // The number of operations in the part of the description that the table is made of.
        assert_eq!(Operation::all().count(), 117);
        for operation in Operation::all() {
            assert_eq!(Operation::named(operation.id), Some(operation));
            let ids: Vec<_> = operation.placeholders().map(|_| "a/7").collect();
            let path = operation.path(&ids).unwrap();
            assert_eq!(Operation::at(operation.method, &path), Some(operation));
            let has_fields = operation.fields().is_some_and(|fields| !fields.is_empty());
            let other = operation.id == "set_user_roles";
            assert_eq!(operation.takes_body(), has_fields || other, "{operation:?}");
        }
    }

    #[test]
    fn fields_have_kinds() {
        let fields = Operation::named("update_user").unwrap().fields().unwrap();
        let kind = |name| fields.iter().find(|field| field.name == name).unwrap().kind;

        assert_eq!(kind("is_disabled"), FieldKind::Flag);
        assert_eq!(kind("first_name"), FieldKind::Text);
        assert_eq!(kind("ui_state"), FieldKind::Object);
        assert!(Operation::named("search_users").unwrap().has_pages);
        assert!(!Operation::named("all_roles").unwrap().has_pages);
        let create = Operation::named("create_user_credentials_api3").unwrap();
        assert!(!create.takes_body());
    }

    #[test]
    fn a_literal_segment_goes_before_an_id() {
        let id = |method, path| Operation::at(method, path).map(|operation| operation.id);

        assert_eq!(id("GET", "/users/search"), Some("search_users"));
        assert_eq!(id("GET", "/users/7"), Some("user"));
        assert_eq!(id("PATCH", "/users/7"), Some("update_user"));
        assert_eq!(id("GET", "/users/"), None);
        assert_eq!(id("GET", "/nothing"), None);
    }
}
