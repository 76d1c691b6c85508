//! Queries, which are what is asked of an explore; the same question has the same id.

use std::collections::HashMap;

use serde_json::{Map, Value};

use crate::emulator::world::World;
use crate::emulator::world::table::{Id, Table};

/// A saved query.
#[derive(Clone, Debug)]
pub(crate) struct Query {
    pub(crate) model: String,
    pub(crate) view: String,
    /// The short id in the URLs of explores.
    pub(crate) slug: String,
    /// The other fields that may be written, as they were written.
    pub(crate) rest: Map<String, Value>,
}

/// All saved queries.
#[derive(Debug, Default)]
pub(crate) struct Queries {
    table: Table<Query>,
    by_text: HashMap<String, Id>,
    by_slug: HashMap<String, Id>,
}

impl Queries {
    /// The query with this id.
    pub(crate) fn at(&self, id: Id) -> Option<&Query> {
        self.table.at(id)
    }

    /// The query with this slug.
    pub(crate) fn by_slug(&self, slug: &str) -> Option<Id> {
        self.by_slug.get(slug).copied()
    }
}

impl World {
    /// The query of these fields, saved if it is new.
    pub(crate) fn ensure_query(&mut self, model: &str, view: &str, rest: Map<String, Value>) -> Id {
        let text = format!("{model} {view} {}", Value::Object(rest.clone()));
        // The same query has one id.
        if let Some(id) = self.content.queries.by_text.get(&text) {
            return *id;
        }
        let slug = self.random.alphanumeric(22);
        let id = self.content.queries.table.insert(Query {
            model: model.to_owned(),
            view: view.to_owned(),
            slug: slug.clone(),
            rest,
        });
        self.content.queries.by_slug.insert(slug, id);
        self.content.queries.by_text.insert(text, id);
        id
    }
}
