//! Connections to databases that are not there, and the projects of models: what a provisioning tool sets up and checks.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use crate::emulator::world::World;

/// The connection of a new instance.
pub(crate) const CONNECTION: &str = "demo";

/// A connection.
#[derive(Clone, Debug)]
pub(crate) struct Connection {
    pub(crate) created_at: i64,
    /// The fields that may be written, as they were written, without what is secret.
    pub(crate) fields: Map<String, Value>,
    pub(crate) has_password: bool,
}

/// All connections, by name, and the projects that were made here, with what was written of them.
#[derive(Debug, Default)]
pub(crate) struct Connections {
    pub(crate) by_name: BTreeMap<String, Connection>,
    pub(crate) projects: BTreeMap<String, Map<String, Value>>,
}

impl Connections {
    /// Those of a new instance.
    pub(crate) fn demo(now: i64) -> Self {
        let fields =
            json!({ "dialect_name": "bigquery_standard_sql", "host": "demo", "database": "demo" });
        let connection = Connection {
            created_at: now,
            fields: fields.as_object().cloned().unwrap_or_default(),
            has_password: false,
        };
        Self {
            by_name: BTreeMap::from([(CONNECTION.to_owned(), connection)]),
            projects: BTreeMap::new(),
        }
    }
}

impl World {
    /// The names of all projects: those that were made here, and those of the models.
    pub(crate) fn projects(&self) -> BTreeSet<&str> {
        let made = self.connections.projects.keys().map(String::as_str);
        let models = self.roles.models.iter().filter(|model| !model.internal);
        made.chain(models.map(|model| model.project.as_str()))
            .collect()
    }
}
