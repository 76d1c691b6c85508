//! Dashboards and looks in a document.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::emulator::state::StateError;
use crate::emulator::world::content::Piece;
use crate::emulator::world::dashboard_parts::{DashboardFilter, Element};
use crate::emulator::world::kinds::PieceKind;
use crate::emulator::world::{Id, World};

/// A dashboard or a look.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct PieceState {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<Id>,
    title: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    folder: Option<Id>,
    #[serde(skip_serializing_if = "Option::is_none")]
    owner: Option<Id>,
    #[serde(skip_serializing_if = "Option::is_none")]
    slug: Option<String>,
    /// What a look shows.
    #[serde(skip_serializing_if = "Option::is_none")]
    query: Option<QueryState>,
    /// The tiles of a dashboard.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    elements: Vec<ElementState>,
    /// The filters of a dashboard, each with the fields that the API lets be written.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    filters: Vec<Map<String, Value>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    deleted_at: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    deleter: Option<Id>,
    #[serde(skip_serializing_if = "Option::is_none")]
    created_at: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    updated_at: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    updater: Option<Id>,
    #[serde(skip_serializing_if = "Option::is_none")]
    inherits: Option<bool>,
    /// Other fields that the API lets be written.
    #[serde(skip_serializing_if = "Map::is_empty")]
    fields: Map<String, Value>,
}

/// A query.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct QueryState {
    model: String,
    view: String,
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    fields: Map<String, Value>,
}

/// A tile of a dashboard.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct ElementState {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<Id>,
    title: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    query: Option<QueryState>,
    /// The look that it shows.
    #[serde(skip_serializing_if = "Option::is_none")]
    look: Option<Id>,
    /// Other fields that the API lets be written.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    fields: Map<String, Value>,
}

impl PieceState {
    /// All dashboards, or all looks, of `world`.
    pub(super) fn all(world: &World, kind: PieceKind) -> impl Iterator<Item = Self> {
        let pieces = world.pieces(kind).iter();
        pieces.map(|(id, piece)| Self::of(world, id, piece))
    }

    fn of(world: &World, id: Id, piece: &Piece) -> Self {
        let elements = piece.elements.iter().filter_map(|id| {
            let element = world.content.elements.at(*id)?;
            Some(ElementState {
                id: Some(*id),
                title: element.title.clone(),
                query: QueryState::of(world, element.query),
                look: element.look,
                fields: element.rest.clone(),
            })
        });
        let filters = piece.filters.iter();
        let filters = filters.filter_map(|id| world.content.parts.filters.at(*id));
        let meta = world.content.metadata.at(piece.meta);
        Self {
            id: Some(id),
            title: piece.title.clone(),
            folder: piece.folder,
            owner: piece.owner,
            slug: Some(piece.slug.clone()),
            query: QueryState::of(world, piece.query),
            elements: elements.collect(),
            filters: filters.map(|filter| filter.fields.clone()).collect(),
            deleted_at: piece.deleted_at,
            deleter: piece.deleter,
            created_at: Some(piece.created_at),
            updated_at: Some(piece.updated_at),
            updater: piece.updater,
            inherits: meta.map(|meta| meta.inherits).filter(|inherits| !*inherits),
            fields: piece.rest.clone(),
        }
    }

    /// Put this dashboard or look into `world`.
    pub(super) fn put(self, world: &mut World, kind: PieceKind) -> Result<(), StateError> {
        if self.folder.is_some_and(|id| world.folders.at(id).is_none()) {
            let (word, title) = (kind.word(), &self.title);
            let text = format!("the {word} `{title}` is in no folder that there is");
            return Err(StateError::new(text));
        }
        if let Some(id) = self.id {
            // A piece of the same id is replaced, with its elements.
            world.remove_piece(kind.thing(id));
        }
        let query = self.query.map(|query| query.save(world));
        let piece = Piece {
            title: self.title,
            owner: self.owner,
            folder: self.folder,
            slug: self.slug.unwrap_or_default(),
            query,
            deleted_at: self.deleted_at,
            deleter: self.deleter,
            updater: self.updater,
            rest: self.fields,
            ..Piece::default()
        };
        let id = world.add_piece_at(kind, self.id, piece);
        let id = id.map_err(StateError::new)?;
        if let Some(inherits) = self.inherits {
            world.set_inherits(kind.thing(id), inherits);
        }
        if let Some(piece) = world.piece_mut(kind.thing(id)) {
            // Adding sets both times to now.
            piece.created_at = self.created_at.unwrap_or(piece.created_at);
            piece.updated_at = self.updated_at.unwrap_or(piece.updated_at);
        }
        for element in self.elements {
            let query = element.query.map(|query| query.save(world));
            let made = Element {
                dashboard: id,
                title: element.title,
                query,
                look: element.look,
                rest: element.fields,
            };
            world
                .add_element_at(element.id, made)
                .map_err(StateError::new)?;
        }
        for fields in self.filters {
            world.add_filter(DashboardFilter {
                dashboard: id,
                fields,
            });
        }
        Ok(())
    }
}

impl QueryState {
    fn of(world: &World, id: Option<Id>) -> Option<Self> {
        let query = world.content.queries.at(id?)?;
        Some(Self {
            model: query.model.clone(),
            view: query.view.clone(),
            fields: query.rest.clone(),
        })
    }

    fn save(self, world: &mut World) -> Id {
        world.ensure_query(&self.model, &self.view, self.fields)
    }
}
