//! Folders in a document.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::emulator::state::StateError;
use crate::emulator::world::content_access::Thing;
use crate::emulator::world::folders::Folder;
use crate::emulator::world::kinds::{FolderKind, PieceKind};
use crate::emulator::world::{Id, World};

/// A folder; the four that every instance has are always there.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FolderState {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<Id>,
    /// `plain`, the `personal` folder of its creator, or the folder of a `group`.
    #[serde(default = "plain")]
    kind: FolderKind,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    parent: Option<Id>,
    #[serde(skip_serializing_if = "Option::is_none")]
    creator: Option<Id>,
    #[serde(skip_serializing_if = "Option::is_none")]
    external_id: Option<String>,
    /// Whether those who see the folder it is in see it.
    #[serde(skip_serializing_if = "Option::is_none")]
    inherits: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    created_at: Option<i64>,
}

const fn plain() -> FolderKind {
    FolderKind::Plain
}

impl FolderState {
    /// The folders of `world`, but for personal ones that hold nothing: a million users have a million of them.
    pub(super) fn all(world: &World) -> impl Iterator<Item = Self> {
        let used = used(world);
        let folders = world.folders.table.iter();
        let named = folders.filter(move |(id, folder)| match folder.kind {
            FolderKind::Plain | FolderKind::Group => true,
            // Every user has a personal folder; only those that hold something matter.
            FolderKind::Personal => used.contains(id),
            _ => false,
        });
        named.map(|(id, folder)| Self::of(world, id, folder))
    }

    fn of(world: &World, id: Id, folder: &Folder) -> Self {
        let meta = world.content.metadata.at(folder.meta);
        let is_plain = folder.kind == FolderKind::Plain;
        Self {
            id: Some(id),
            kind: folder.kind,
            name: folder.name.to_string(),
            // The parent of other kinds follows from the kind.
            parent: folder.parent.filter(|_parent| is_plain),
            creator: folder.creator,
            external_id: folder.external_id.as_deref().map(ToOwned::to_owned),
            inherits: meta
                .map(|meta| meta.inherits)
                // Only the unusual is written.
                .filter(|inherits| *inherits != is_plain),
            created_at: Some(folder.created_at),
        }
    }

    /// Put this folder into `world`; another one that has its id gives way.
    pub(super) fn put(self, world: &mut World) -> Result<(), StateError> {
        let place = match self.kind {
            FolderKind::Plain => self.put_plain(world)?,
            FolderKind::Personal => self.personal(world)?,
            FolderKind::Group => self.of_group(world)?,
            _ => {
                return Err(StateError::new(
                    "the roots of all folders cannot be changed",
                ));
            }
        };
        let id = self.id.unwrap_or(place);
        world.renumber_folder(place, id).map_err(StateError::new)?;
        if let Some(inherits) = self.inherits {
            world.set_inherits(Thing::Folder(id), inherits);
        }
        if let (Some(folder), Some(at)) = (world.folders.table.at_mut(id), self.created_at) {
            folder.created_at = at;
        }
        Ok(())
    }

    /// The id of a plain folder that is as this one says, created if none has its id.
    fn put_plain(&self, world: &mut World) -> Result<Id, StateError> {
        // Folders are put in order, so the parent must come first.
        let parent = self.parent.filter(|id| world.folders.at(*id).is_some());
        let Some(parent) = parent else {
            let text = format!("the folder `{}` is in no folder that there is", self.name);
            return Err(StateError::new(text));
        };
        let known = self.id.filter(|id| {
            let folder = world.folders.at(*id);
            folder.is_some_and(|folder| folder.kind == FolderKind::Plain)
        });
        let Some(id) = known else {
            return Ok(world.add_folder(&self.name, parent, self.creator));
        };
        // A known folder is moved and renamed in place; its content stays.
        world.folders.hang(id, parent);
        if let Some(folder) = world.folders.table.at_mut(id) {
            folder.name = self.name.as_str().into();
            folder.creator = self.creator;
        }
        Ok(id)
    }

    // A personal folder cannot be added by itself: it belongs to its user.
    fn personal(&self, world: &mut World) -> Result<Id, StateError> {
        let user = self.creator.filter(|id| world.users.at(*id).is_some());
        let folder = user.and_then(|user| world.ensure_personal_folder(user));
        folder.ok_or_else(|| StateError::new("a personal folder has no user that there is"))
    }

    fn of_group(&self, world: &mut World) -> Result<Id, StateError> {
        let external = self.external_id.as_deref().unwrap_or_default();
        let group = world.groups.by_external_id(external);
        let group = group.ok_or_else(|| {
            StateError::new(format!(
                "there is no group with the external id `{external}`"
            ))
        })?;
        let same = |(_, folder): &(Id, &Folder)| {
            folder.kind == FolderKind::Group && folder.external_id.as_deref() == Some(external)
        };
        let known = world
            .folders
            .table
            .iter()
            .find(same)
            .map(|(id, _folder)| id);
        let id = match known {
            Some(id) => id,
            None => world
                .make_group_folder(group, external)
                .ok_or_else(|| StateError::new("no folder could be made for the group"))?,
        };
        if let Some(group) = world.groups.table.at_mut(group) {
            group.folder = Some(id);
        }
        Ok(id)
    }
}

/// The folders that hold something, or are shared with someone.
fn used(world: &World) -> BTreeSet<Id> {
    let pieces = [PieceKind::Dashboard, PieceKind::Look].into_iter();
    let pieces = pieces.flat_map(|kind| world.pieces(kind).iter());
    let folders = pieces.filter_map(|(_, piece)| piece.folder);
    let parents = world.folders.table.iter();
    let parents = parents.filter_map(|(_, folder)| folder.parent);
    let shared = world.content.metadata.all_accesses();
    let shared =
        shared.filter_map(
            |(_, access)| match world.content.metadata.at(access.meta)?.thing {
                Thing::Folder(id) => Some(id),
                _ => None,
            },
        );
    folders.chain(parents).chain(shared).collect()
}
