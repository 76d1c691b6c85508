//! Content: dashboards and looks, and what hangs on them.

use serde_json::{Map, Value};

use crate::emulator::world::World;
use crate::emulator::world::alerts::Alerts;
use crate::emulator::world::boards::{Board, BoardItem, BoardSection};
use crate::emulator::world::content_access::{Metadata, Thing};
use crate::emulator::world::dashboard_parts::{Element, Parts};
use crate::emulator::world::favorites::Favorites;
use crate::emulator::world::history::History;
use crate::emulator::world::kinds::{FolderKind, PieceKind};
use crate::emulator::world::queries::Queries;
use crate::emulator::world::schedules::Schedules;
use crate::emulator::world::table::{Id, Table};
use crate::emulator::world::tasks::{QueryTask, RenderTask, Tasks};

/// All content.
#[derive(Debug, Default)]
pub(crate) struct Content {
    pub(crate) dashboards: Table<Piece>,
    pub(crate) looks: Table<Piece>,
    pub(crate) elements: Table<Element>,
    pub(crate) parts: Parts,
    pub(crate) queries: Queries,
    pub(crate) history: History,
    pub(crate) query_tasks: Tasks<QueryTask>,
    pub(crate) render_tasks: Tasks<RenderTask>,
    pub(crate) schedules: Schedules,
    pub(crate) alerts: Alerts,
    pub(crate) boards: Table<Board>,
    pub(crate) sections: Table<BoardSection>,
    pub(crate) board_items: Table<BoardItem>,
    pub(crate) favorites: Favorites,
    pub(crate) metadata: Metadata,
}

/// A dashboard or a look.
#[derive(Clone, Debug, Default)]
pub(crate) struct Piece {
    pub(crate) title: String,
    /// Its creator or new owner, who may have been deleted since.
    pub(crate) owner: Option<Id>,
    /// `None` if its folder has been deleted.
    pub(crate) folder: Option<Id>,
    pub(crate) slug: String,
    /// What a look shows.
    pub(crate) query: Option<Id>,
    /// The tiles of a dashboard.
    pub(crate) elements: Vec<Id>,
    /// The filters of a dashboard.
    pub(crate) filters: Vec<Id>,
    /// The layouts of a dashboard.
    pub(crate) layouts: Vec<Id>,
    /// Since when it is in the trash.
    pub(crate) deleted_at: Option<i64>,
    pub(crate) deleter: Option<Id>,
    pub(crate) created_at: i64,
    pub(crate) updated_at: i64,
    pub(crate) updater: Option<Id>,
    pub(crate) meta: Id,
    /// The other fields that may be written, as they were written.
    pub(crate) rest: Map<String, Value>,
}

impl PieceKind {
    /// The thing of this kind with an id.
    pub(crate) const fn thing(self, id: Id) -> Thing {
        match self {
            Self::Dashboard => Thing::Dashboard(id),
            Self::Look => Thing::Look(id),
        }
    }

    /// The permission that opening one takes.
    pub(crate) const fn permission(self) -> &'static str {
        match self {
            Self::Dashboard => "see_user_dashboards",
            Self::Look => "see_looks",
        }
    }

    /// What one is called in messages.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Dashboard => "dashboard",
            Self::Look => "look",
        }
    }
}

impl World {
    /// All dashboards, or all looks, those in the trash too.
    pub(crate) fn pieces(&self, kind: PieceKind) -> &Table<Piece> {
        match kind {
            PieceKind::Dashboard => &self.content.dashboards,
            PieceKind::Look => &self.content.looks,
        }
    }

    /// A dashboard or look.
    pub(crate) fn piece(&self, thing: Thing) -> Option<&Piece> {
        match thing {
            Thing::Dashboard(id) => self.content.dashboards.at(id),
            Thing::Look(id) => self.content.looks.at(id),
            Thing::Folder(_) | Thing::Board(_) => None,
        }
    }

    /// A dashboard or look, to change it.
    pub(crate) fn piece_mut(&mut self, thing: Thing) -> Option<&mut Piece> {
        match thing {
            Thing::Dashboard(id) => self.content.dashboards.at_mut(id),
            Thing::Look(id) => self.content.looks.at_mut(id),
            Thing::Folder(_) | Thing::Board(_) => None,
        }
    }

    /// Add a dashboard or look; returns its id. It gets a slug if it has none.
    pub(crate) fn add_piece(&mut self, kind: PieceKind, piece: Piece) -> Id {
        let id = self.pieces(kind).next_id();
        let _next = self.add_piece_at(kind, Some(id), piece);
        id
    }

    /// Add a dashboard or look with this id, or with the next one; returns the id.
    pub(crate) fn add_piece_at(
        &mut self,
        kind: PieceKind,
        id: Option<Id>,
        piece: Piece,
    ) -> Result<Id, String> {
        let id = id.unwrap_or_else(|| self.pieces(kind).next_id());
        let meta = self.add_metadata(kind.thing(id), true);
        let slug = match piece.slug.is_empty() {
            true => self.random.alphanumeric(22),
            false => piece.slug.clone(),
        };
        let piece = Piece {
            slug,
            meta,
            created_at: self.now,
            updated_at: self.now,
            ..piece
        };
        match kind {
            PieceKind::Dashboard => {
                self.content.dashboards.put(id, piece)?;
                self.add_layout(id, Map::new(), true);
            }
            PieceKind::Look => self.content.looks.put(id, piece)?,
        }
        Ok(id)
    }

    /// The pieces right in a folder that are not in the trash.
    pub(crate) fn pieces_in(
        &self,
        kind: PieceKind,
        folder: Id,
    ) -> impl Iterator<Item = (Id, &Piece)> {
        // Content in the trash is in no folder.
        let pieces = self.pieces(kind).iter();
        pieces.filter(move |(_, piece)| piece.folder == Some(folder) && piece.deleted_at.is_none())
    }

    /// Whether a piece other than `except` has this title in a folder.
    pub(crate) fn title_taken(
        &self,
        kind: PieceKind,
        folder: Id,
        title: &str,
        except: Option<Id>,
    ) -> bool {
        self.pieces_in(kind, folder)
            .any(|(id, piece)| piece.title == title && Some(id) != except)
    }

    /// Whether a piece lies in the personal folder of someone else, or below it.
    pub(crate) fn is_in_personal_folder_of_another(&self, piece: &Piece, user: Id) -> bool {
        let Some(folder) = piece.folder else {
            return false;
        };
        let line = self.folders.ancestors(folder).into_iter().chain([folder]);
        line.filter_map(|id| self.folders.at(id))
            .any(|folder| folder.kind == FolderKind::Personal && folder.creator != Some(user))
    }

    /// Put a dashboard or look in the trash.
    pub(crate) fn trash(&mut self, thing: Thing, by: Option<Id>) {
        let now = self.now;
        if let Some(piece) = self.piece_mut(thing) {
            // Already deleted content keeps its time and deleter.
            piece.deleted_at = piece.deleted_at.or(Some(now));
            piece.deleter = piece.deleter.or(by);
        }
    }

    /// Put all that is right in a folder in the trash, before the folder goes.
    pub(crate) fn trash_folder_content(&mut self, folder: Id, by: Option<Id>) {
        for kind in [PieceKind::Dashboard, PieceKind::Look] {
            let held = self.pieces(kind).iter();
            let held = held.filter(|(_, piece)| piece.folder == Some(folder));
            let held: Vec<Thing> = held.map(|(id, _)| kind.thing(id)).collect();
            for thing in held {
                self.trash(thing, by);
                if let Some(piece) = self.piece_mut(thing) {
                    // Its folder is gone, so it can only be restored to another one.
                    piece.folder = None;
                }
            }
        }
    }

    /// Delete a dashboard or look for good, with its tiles, schedules and alerts.
    pub(crate) fn remove_piece(&mut self, thing: Thing) {
        let removed = match thing {
            Thing::Dashboard(id) => self.content.dashboards.remove(id),
            Thing::Look(id) => self.content.looks.remove(id),
            Thing::Folder(_) | Thing::Board(_) => None,
        };
        let Some(piece) = removed else {
            return;
        };
        // What refers to the piece goes with it.
        self.forget_metadata(piece.meta);
        self.content.schedules.remove_of(thing);
        for element in piece.elements {
            self.content.elements.remove(element);
            self.content.alerts.remove_of_element(element);
        }
        for filter in piece.filters {
            self.content.parts.filters.remove(filter);
        }
        for layout in piece.layouts {
            self.remove_layout(layout);
        }
        let items = self.content.board_items.iter();
        let items: Vec<Id> = items
            .filter(|(_, item)| item.thing == thing)
            .map(|(id, _)| id)
            .collect();
        for item in items {
            self.remove_board_item(item);
        }
    }
}
