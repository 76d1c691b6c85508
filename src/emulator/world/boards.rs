//! Boards: pages of links to content, in sections.

use serde_json::{Map, Value};

use crate::emulator::world::World;
use crate::emulator::world::content_access::Thing;
use crate::emulator::world::table::Id;

/// A board.
#[derive(Clone, Debug, Default)]
pub(crate) struct Board {
    pub(crate) title: Option<String>,
    pub(crate) description: Option<String>,
    /// Its creator or new owner, who may have been deleted since.
    pub(crate) owner: Option<Id>,
    /// Since when it is in the trash.
    pub(crate) deleted_at: Option<i64>,
    pub(crate) section_order: Vec<String>,
    pub(crate) sections: Vec<Id>,
    pub(crate) created_at: i64,
    pub(crate) updated_at: i64,
    pub(crate) meta: Id,
}

/// A section of a board.
#[derive(Clone, Debug)]
pub(crate) struct BoardSection {
    pub(crate) board: Id,
    pub(crate) title: String,
    pub(crate) description: Option<String>,
    pub(crate) items: Vec<Id>,
    /// Since when it is in the trash.
    pub(crate) deleted_at: Option<i64>,
    pub(crate) created_at: i64,
    pub(crate) updated_at: i64,
}

/// A link in a section.
#[derive(Clone, Debug)]
pub(crate) struct BoardItem {
    pub(crate) section: Id,
    pub(crate) thing: Thing,
    /// The other fields that may be written, as they were written.
    pub(crate) rest: Map<String, Value>,
}

impl World {
    /// Add a board; returns its id.
    pub(crate) fn add_board(&mut self, board: Board) -> Id {
        let id = self.content.boards.next_id();
        let _next = self.add_board_at(Some(id), board);
        id
    }

    /// Add a board with this id, or with the next one; returns the id.
    pub(crate) fn add_board_at(&mut self, id: Option<Id>, board: Board) -> Result<Id, String> {
        let id = id.unwrap_or_else(|| self.content.boards.next_id());
        let meta = self.add_metadata(Thing::Board(id), false);
        let board = Board {
            meta,
            created_at: self.now,
            updated_at: self.now,
            ..board
        };
        self.content.boards.put(id, board)?;
        Ok(id)
    }

    /// Delete a board, with its sections and links.
    pub(crate) fn remove_board(&mut self, id: Id) {
        let Some(board) = self.content.boards.remove(id) else {
            return;
        };
        // What refers to the board goes with it.
        self.forget_metadata(board.meta);
        for section in board.sections {
            let section = self.content.sections.remove(section);
            for item in section.map_or_else(Vec::new, |section| section.items) {
                self.content.board_items.remove(item);
            }
        }
    }

    /// Add a section to a board; returns its id.
    pub(crate) fn add_section(&mut self, board: Id, title: &str) -> Id {
        let id = self.content.sections.insert(BoardSection {
            board,
            title: title.to_owned(),
            description: None,
            items: Vec::new(),
            deleted_at: None,
            created_at: self.now,
            updated_at: self.now,
        });
        if let Some(board) = self.content.boards.at_mut(board) {
            board.sections.push(id);
            // The order holds ids as texts, as the API has them.
            board.section_order.push(id.to_string());
        }
        id
    }

    /// Delete a section, with its links.
    pub(crate) fn remove_section(&mut self, id: Id) {
        let Some(section) = self.content.sections.remove(id) else {
            return;
        };
        for item in section.items {
            self.content.board_items.remove(item);
        }
        if let Some(board) = self.content.boards.at_mut(section.board) {
            board.sections.retain(|known| *known != id);
            let text = id.to_string();
            board.section_order.retain(|known| *known != text);
        }
    }

    /// Add a link to a section; returns its id.
    pub(crate) fn add_board_item(&mut self, section: Id, thing: Thing) -> Id {
        let id = self.content.board_items.insert(BoardItem {
            section,
            thing,
            rest: Map::new(),
        });
        if let Some(section) = self.content.sections.at_mut(section) {
            section.items.push(id);
        }
        id
    }

    /// Put a link where it belongs: into a section, and there at a place, or last.
    pub(crate) fn place_board_item(&mut self, id: Id, section: Id, place: Option<usize>) {
        let Some(item) = self.content.board_items.at_mut(id) else {
            return;
        };
        let before = std::mem::replace(&mut item.section, section);
        if let Some(section) = self.content.sections.at_mut(before) {
            section.items.retain(|known| *known != id);
        }
        if let Some(section) = self.content.sections.at_mut(section) {
            let last = section.items.len();
            section.items.insert(place.unwrap_or(last).min(last), id);
        }
    }

    /// Take a link out.
    pub(crate) fn remove_board_item(&mut self, id: Id) {
        let item = self.content.board_items.remove(id);
        let section = item.and_then(|item| self.content.sections.at_mut(item.section));
        if let Some(section) = section {
            section.items.retain(|known| *known != id);
        }
    }
}
