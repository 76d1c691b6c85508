//! What a dashboard is made of: tiles, filters, and layouts that say where the tiles stand.

use serde_json::{Map, Value};

use crate::emulator::world::World;
use crate::emulator::world::table::{Id, Table};

/// A tile.
#[derive(Clone, Debug, Default)]
pub(crate) struct Element {
    pub(crate) dashboard: Id,
    pub(crate) title: String,
    /// What it shows, unless it shows a look or a text.
    pub(crate) query: Option<Id>,
    /// The look that it shows.
    pub(crate) look: Option<Id>,
    /// The other fields that may be written, as they were written.
    pub(crate) rest: Map<String, Value>,
}

/// A filter.
#[derive(Clone, Debug)]
pub(crate) struct DashboardFilter {
    pub(crate) dashboard: Id,
    /// The fields that may be written, as they were written.
    pub(crate) fields: Map<String, Value>,
}

/// A layout; one of a dashboard's is in use.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    pub(crate) dashboard: Id,
    pub(crate) active: bool,
    pub(crate) components: Vec<Id>,
    /// The other fields that may be written, as they were written.
    pub(crate) rest: Map<String, Value>,
}

/// Where a tile stands in a layout.
#[derive(Clone, Debug)]
pub(crate) struct Component {
    pub(crate) layout: Id,
    pub(crate) element: Id,
    /// The fields that may be written, as they were written.
    pub(crate) fields: Map<String, Value>,
}

/// The parts of all dashboards.
#[derive(Debug, Default)]
pub(crate) struct Parts {
    pub(crate) filters: Table<DashboardFilter>,
    pub(crate) layouts: Table<Layout>,
    pub(crate) components: Table<Component>,
}

impl World {
    /// Add a tile to a dashboard; returns its id.
    pub(crate) fn add_element(&mut self, element: Element) -> Id {
        let id = self.content.elements.next_id();
        let _next = self.add_element_at(Some(id), element);
        id
    }

    /// Add a tile with this id, or with the next one, to a dashboard.
    pub(crate) fn add_element_at(
        &mut self,
        id: Option<Id>,
        element: Element,
    ) -> Result<(), String> {
        let id = id.unwrap_or_else(|| self.content.elements.next_id());
        let dashboard = element.dashboard;
        self.content.elements.put(id, element)?;
        let Some(dashboard) = self.content.dashboards.at_mut(dashboard) else {
            return Ok(());
        };
        dashboard.elements.push(id);
        for layout in dashboard.layouts.clone() {
            self.add_component(layout, id);
        }
        Ok(())
    }

    /// Take a tile from its dashboard, with its alerts and its places.
    pub(crate) fn remove_element(&mut self, id: Id) {
        let Some(element) = self.content.elements.remove(id) else {
            return;
        };
        self.content.alerts.remove_of_element(id);
        let Some(dashboard) = self.content.dashboards.at_mut(element.dashboard) else {
            return;
        };
        dashboard.elements.retain(|known| *known != id);
        let parts = &mut self.content.parts;
        for layout in &dashboard.layouts {
            let Some(layout) = parts.layouts.at_mut(*layout) else {
                continue;
            };
            let places = &mut parts.components;
            layout.components.retain(|component| {
                let gone = places
                    .at(*component)
                    .is_some_and(|place| place.element == id);
                if gone {
                    places.remove(*component);
                }
                !gone
            });
        }
    }

    /// Add a filter to a dashboard; returns its id.
    pub(crate) fn add_filter(&mut self, filter: DashboardFilter) -> Id {
        let dashboard = filter.dashboard;
        let id = self.content.parts.filters.insert(filter);
        if let Some(dashboard) = self.content.dashboards.at_mut(dashboard) {
            dashboard.filters.push(id);
        }
        id
    }

    /// Take a filter from its dashboard.
    pub(crate) fn remove_filter(&mut self, id: Id) {
        let filter = self.content.parts.filters.remove(id);
        let dashboard = filter.and_then(|gone| self.content.dashboards.at_mut(gone.dashboard));
        if let Some(dashboard) = dashboard {
            dashboard.filters.retain(|known| *known != id);
        }
    }

    /// Add a layout to a dashboard, with a place for each tile; returns its id. One that is in use takes the place of
    /// the one that was.
    pub(crate) fn add_layout(
        &mut self,
        dashboard: Id,
        rest: Map<String, Value>,
        active: bool,
    ) -> Id {
        let id = self.content.parts.layouts.insert(Layout {
            dashboard,
            active,
            components: Vec::new(),
            rest,
        });
        let mut elements = Vec::new();
        if let Some(dashboard) = self.content.dashboards.at_mut(dashboard) {
            dashboard.layouts.push(id);
            elements.clone_from(&dashboard.elements);
        }
        if active {
            self.use_layout(id);
        }
        for element in elements {
            self.add_component(id, element);
        }
        id
    }

    /// Use a layout, and no other one of its dashboard.
    pub(crate) fn use_layout(&mut self, id: Id) {
        let dashboard = self
            .content
            .parts
            .layouts
            .at(id)
            .map(|layout| layout.dashboard);
        let dashboard = dashboard.and_then(|id| self.content.dashboards.at(id));
        for other in dashboard.map_or_else(Vec::new, |dashboard| dashboard.layouts.clone()) {
            if let Some(layout) = self.content.parts.layouts.at_mut(other) {
                layout.active = other == id;
            }
        }
    }

    /// Delete a layout, with its places.
    pub(crate) fn remove_layout(&mut self, id: Id) {
        let Some(layout) = self.content.parts.layouts.remove(id) else {
            return;
        };
        for component in layout.components {
            self.content.parts.components.remove(component);
        }
        if let Some(dashboard) = self.content.dashboards.at_mut(layout.dashboard) {
            dashboard.layouts.retain(|known| *known != id);
        }
    }

    /// Three tiles stand in a row, eight columns wide and six rows high each.
    fn add_component(&mut self, layout: Id, element: Id) {
        let parts = &mut self.content.parts;
        let Some(holder) = parts.layouts.at_mut(layout) else {
            return;
        };
        let number = holder.components.len();
        let fields = [
            ("row", number / 3 * 6),
            ("column", number % 3 * 8),
            ("width", 8),
            ("height", 6),
        ];
        let fields = fields.map(|(name, value)| (name.to_owned(), value.into()));
        let component = parts.components.insert(Component {
            layout,
            element,
            fields: Map::from_iter(fields),
        });
        holder.components.push(component);
    }
}
