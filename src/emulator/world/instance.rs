//! What belongs to the instance as a whole and has no effect here: themes, colours, and what forms of settings say.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::emulator::world::table::{Id, Table};

/// A theme.
#[derive(Clone, Debug)]
pub(crate) struct Theme {
    pub(crate) name: String,
    pub(crate) begin_at: Option<i64>,
    pub(crate) end_at: Option<i64>,
    /// The settings that differ from the usual ones.
    pub(crate) settings: Map<String, Value>,
}

impl Theme {
    /// Whether it is in use at a time.
    pub(crate) fn is_active(&self, at: i64) -> bool {
        self.begin_at.is_none_or(|begin| begin <= at) && self.end_at.is_none_or(|end| end > at)
    }
}

/// A collection of colours.
#[derive(Clone, Debug)]
pub(crate) struct Colors {
    /// Part of every instance.
    pub(crate) standard: bool,
    pub(crate) label: String,
    pub(crate) palettes: Map<String, Value>,
}

/// All of it.
#[derive(Debug)]
pub(crate) struct Instance {
    pub(crate) themes: Table<Theme>,
    pub(crate) default_theme: Id,
    pub(crate) colors: BTreeMap<String, Colors>,
    pub(crate) default_colors: String,
    pub(crate) last_colors: Id,
    /// What was written of a form of settings, by its name.
    pub(crate) forms: BTreeMap<&'static str, Map<String, Value>>,
    /// When the caches of a model were last told to be old, and to be new, in seconds.
    pub(crate) datagroups: BTreeMap<String, (Option<i64>, Option<i64>)>,
}

impl Default for Instance {
    fn default() -> Self {
        let mut themes = Table::default();
        let default_theme = themes.insert(Theme {
            name: "Looker".to_owned(),
            begin_at: None,
            end_at: None,
            settings: Map::new(),
        });
        let colors = [("looker", "Looker"), ("legacy", "Legacy")];
        let colors = colors.map(|(id, label)| {
            let colors = Colors {
                standard: true,
                label: label.to_owned(),
                palettes: Map::new(),
            };
            (id.to_owned(), colors)
        });
        Self {
            themes,
            default_theme,
            colors: BTreeMap::from(colors),
            default_colors: "looker".to_owned(),
            last_colors: 0,
            forms: BTreeMap::new(),
            datagroups: BTreeMap::new(),
        }
    }
}
