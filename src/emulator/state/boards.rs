//! Boards, favourites and what is shared with whom, in a document.

use serde::{Deserialize, Serialize};

use crate::emulator::state::StateError;
use crate::emulator::world::boards::Board;
use crate::emulator::world::content_access::{Access, Grantee, Level, Thing};
use crate::emulator::world::favorites::Favorite;
use crate::emulator::world::{Id, World};

/// A board with its sections.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct BoardState {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<Id>,
    title: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    owner: Option<Id>,
    #[serde(skip_serializing_if = "Option::is_none")]
    deleted_at: Option<i64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    sections: Vec<SectionState>,
    #[serde(skip_serializing_if = "Option::is_none")]
    created_at: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    updated_at: Option<i64>,
}

/// A section of a board, with links to content.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct SectionState {
    title: String,
    #[serde(default)]
    items: Vec<Thing>,
}

impl BoardState {
    /// All boards of `world`.
    pub(super) fn all(world: &World) -> impl Iterator<Item = Self> {
        let content = &world.content;
        content.boards.iter().map(|(id, board)| {
            let sections = board.sections.iter();
            let sections = sections.filter_map(|id| content.sections.at(*id));
            let sections = sections.map(|section| {
                let items = section.items.iter();
                let items = items.filter_map(|id| content.board_items.at(*id));
                SectionState {
                    title: section.title.clone(),
                    items: items.map(|item| item.thing).collect(),
                }
            });
            Self {
                id: Some(id),
                title: board.title.clone(),
                description: board.description.clone(),
                owner: board.owner,
                deleted_at: board.deleted_at,
                sections: sections.collect(),
                created_at: Some(board.created_at),
                updated_at: Some(board.updated_at),
            }
        })
    }

    /// Put this board into `world`.
    pub(super) fn put(self, world: &mut World) -> Result<(), StateError> {
        if let Some(id) = self.id {
            // A board of the same id is replaced, with its sections.
            world.remove_board(id);
        }
        let board = Board {
            title: self.title,
            description: self.description,
            owner: self.owner,
            deleted_at: self.deleted_at,
            ..Board::default()
        };
        let id = world.add_board_at(self.id, board);
        let id = id.map_err(StateError::new)?;
        if let Some(board) = world.content.boards.at_mut(id) {
            board.created_at = self.created_at.unwrap_or(board.created_at);
            board.updated_at = self.updated_at.unwrap_or(board.updated_at);
        }
        for section in self.sections {
            let place = world.add_section(id, &section.title);
            for thing in section.items {
                meta(world, thing)?;
                world.add_board_item(place, thing);
            }
        }
        Ok(())
    }
}

/// A favourite of a user.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FavoriteState {
    user: Id,
    of: Thing,
}

impl FavoriteState {
    /// All favourites of `world`.
    pub(super) fn all(world: &World) -> impl Iterator<Item = Self> {
        let favorites = world.content.favorites.0.iter();
        favorites.filter_map(|(_, favorite)| {
            Some(Self {
                user: favorite.user,
                of: world.content.metadata.at(favorite.meta)?.thing,
            })
        })
    }

    /// Put this favourite into `world`.
    pub(super) fn put(self, world: &mut World) -> Result<(), StateError> {
        let (user, meta) = (self.user, meta(world, self.of)?);
        let favorites = &mut world.content.favorites;
        // Putting a state twice must not double anything.
        if favorites.of(user, meta).is_none() {
            favorites.0.insert(Favorite { user, meta });
        }
        Ok(())
    }
}

/// Something that is shared with a user or a group.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AccessState {
    of: Thing,
    with: Grantee,
    level: Level,
}

impl AccessState {
    /// All that is shared in `world`.
    pub(super) fn all(world: &World) -> impl Iterator<Item = Self> {
        let accesses = world.content.metadata.all_accesses();
        accesses.filter_map(|(_, access)| {
            Some(Self {
                of: world.content.metadata.at(access.meta)?.thing,
                with: access.grantee,
                level: access.level,
            })
        })
    }

    /// Put this into `world`, in the place of what is shared with the same.
    pub(super) fn put(self, world: &mut World) -> Result<(), StateError> {
        let meta = meta(world, self.of)?;
        let metadata = &mut world.content.metadata;
        let known = metadata
            .accesses(meta)
            .find(|(_, access)| access.grantee == self.with)
            .map(|(id, _)| id);
        let known = known.and_then(|id| metadata.access_mut(id));
        // One access per grantee; the level is what can change.
        if let Some(access) = known {
            access.level = self.level;
            return Ok(());
        }
        metadata.share(Access {
            meta,
            grantee: self.with,
            level: self.level,
        });
        Ok(())
    }
}

fn meta(world: &World, thing: Thing) -> Result<Id, StateError> {
    let meta = world.meta_of(thing);
    meta.ok_or_else(|| StateError::new(format!("{thing:?} is named, and there is none")))
}
