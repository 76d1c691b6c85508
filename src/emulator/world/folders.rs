//! Folders: where content lives, one personal folder a user, one shared folder an external group.

use std::collections::BTreeSet;

use crate::emulator::world::World;
use crate::emulator::world::content_access::Thing;
use crate::emulator::world::kinds::{FolderKind, PieceKind};
use crate::emulator::world::table::{Id, Table};

/// The folder of what everyone may see.
pub(crate) const SHARED: Id = 1;
/// The folder of the personal folders of people.
const USERS: Id = 2;
/// The folder of the folders that external groups share.
const EMBED_SHARED: Id = 3;
/// The folder of the personal folders of embed users.
const EMBED_USERS: Id = 4;

/// A folder.
#[derive(Clone, Debug)]
pub(crate) struct Folder {
    /// Empty for a personal folder, which is called as its user is.
    pub(crate) name: Box<str>,
    pub(crate) parent: Option<Id>,
    pub(crate) creator: Option<Id>,
    /// The external id of the group that shares it.
    pub(crate) external_id: Option<Box<str>>,
    pub(crate) kind: FolderKind,
    /// Its content metadata.
    pub(crate) meta: Id,
    pub(crate) created_at: i64,
}

/// All folders.
#[derive(Debug, Default)]
pub(crate) struct Folders {
    pub(crate) table: Table<Folder>,
    /// Parent and child.
    children: BTreeSet<(Id, Id)>,
}

impl Folders {
    /// The folder with this id.
    pub(crate) fn at(&self, id: Id) -> Option<&Folder> {
        self.table.at(id)
    }

    /// The folders right below one.
    pub(crate) fn children(&self, id: Id) -> impl Iterator<Item = Id> {
        let pairs = self.children.range((id, 0)..=(id, Id::MAX));
        pairs.map(|(_, child)| *child)
    }

    /// The folders above one, the outermost first.
    pub(crate) fn ancestors(&self, id: Id) -> Vec<Id> {
        // A folder has one parent, and only the roots have none.
        let mut above: Vec<Id> =
            std::iter::successors(self.parent(id), |id| self.parent(*id)).collect();
        above.reverse();
        above
    }

    /// A folder and all below it, each before those below it.
    pub(crate) fn tree(&self, id: Id) -> Vec<Id> {
        let mut tree = vec![id];
        // Breadth first: a parent comes before its children.
        let mut next = 0;
        while let Some(folder) = tree.get(next).copied() {
            tree.extend(self.children(folder));
            next += 1;
        }
        tree
    }

    /// Whether a folder, or one above it, is of this kind.
    pub(crate) fn is_within(&self, id: Id, kind: FolderKind) -> bool {
        let mut line = std::iter::successors(Some(id), |id| self.parent(*id));
        line.any(|id| self.at(id).is_some_and(|folder| folder.kind == kind))
    }

    /// Put a folder below another one.
    pub(crate) fn hang(&mut self, id: Id, parent: Id) {
        let Some(folder) = self.table.at_mut(id) else {
            return;
        };
        if let Some(before) = folder.parent.replace(parent) {
            // The index of children must follow every move.
            self.children.remove(&(before, id));
        }
        self.children.insert((parent, id));
    }

    fn parent(&self, id: Id) -> Option<Id> {
        self.at(id)?.parent
    }

    fn remove(&mut self, id: Id) -> Option<Folder> {
        let folder = self.table.remove(id)?;
        if let Some(parent) = folder.parent {
            self.children.remove(&(parent, id));
        }
        Some(folder)
    }
}

impl World {
    /// Make the four folders that every instance has.
    pub(crate) fn add_root_folders(&mut self) {
        for (name, kind) in [
            ("Shared", FolderKind::SharedRoot),
            ("Users", FolderKind::UsersRoot),
            ("Embed Groups", FolderKind::EmbedSharedRoot),
            ("Embed Users", FolderKind::EmbedUsersRoot),
        ] {
            self.insert_folder(name, None, None, kind);
        }
    }

    /// Make a folder below another one; returns its id.
    pub(crate) fn add_folder(&mut self, name: &str, parent: Id, creator: Option<Id>) -> Id {
        self.insert_folder(name, Some(parent), creator, FolderKind::Plain)
    }

    /// Make the personal folder of a user.
    pub(crate) fn make_personal_folder(&mut self, user: Id) -> Option<Id> {
        let parent = match self.users.at(user)?.embed {
            Some(_) => EMBED_USERS,
            None => USERS,
        };
        let folder = self.insert_folder("", Some(parent), Some(user), FolderKind::Personal);
        // Others see it only if it is shared with them.
        self.set_inherits(Thing::Folder(folder), false);
        Some(folder)
    }

    /// The personal folder of a user, created if there is none yet.
    pub(crate) fn ensure_personal_folder(&mut self, user: Id) -> Option<Id> {
        let known = self.users.at(user)?.personal_folder;
        let folder = known.or_else(|| self.make_personal_folder(user));
        self.users.at_mut(user)?.personal_folder = folder;
        folder
    }

    /// Make the folder that the members of an external group share.
    pub(crate) fn make_group_folder(&mut self, group: Id, external_id: &str) -> Option<Id> {
        let id = self.insert_folder(external_id, Some(EMBED_SHARED), None, FolderKind::Group);
        let folder = self.folders.table.at_mut(id)?;
        folder.external_id = Some(external_id.into());
        self.set_inherits(Thing::Folder(id), false);
        self.share_with_group(Thing::Folder(id), group, true);
        Some(id)
    }

    /// What a folder is called.
    pub(crate) fn folder_name(&self, folder: &Folder) -> String {
        let user = folder.creator.and_then(|user| self.users.at(user));
        match user {
            // The name follows the user's.
            Some(user) if folder.kind == FolderKind::Personal => match user.embed.as_deref() {
                Some(embed) => embed.external_user_id.to_string(),
                None => user.display_name(),
            },
            _ => folder.name.to_string(),
        }
    }

    /// Whether a folder other than `except` has this name right below `parent`.
    pub(crate) fn folder_name_taken(&self, parent: Id, name: &str, except: Option<Id>) -> bool {
        let others = self
            .folders
            .children(parent)
            .filter(|id| Some(*id) != except);
        others
            .filter_map(|id| self.folders.at(id))
            .any(|folder| self.folder_name(folder).eq_ignore_ascii_case(name))
    }

    /// Delete a folder and all below it; what they hold goes to the trash.
    pub(crate) fn remove_folder(&mut self, id: Id, by: Option<Id>) {
        for folder in self.folders.tree(id) {
            self.trash_folder_content(folder, by);
            if let Some(folder) = self.folders.remove(folder) {
                self.forget_metadata(folder.meta);
            }
        }
    }

    /// Give a folder another id; one that has it gives way.
    pub(crate) fn renumber_folder(&mut self, from: Id, to: Id) -> Result<(), String> {
        if from == to {
            return Ok(());
        }
        self.folders.table.skip_to(to)?;
        if self.folders.at(to).is_some() {
            // The folder in the way gets a free id first.
            let free = self.folders.table.next_id();
            self.renumber_folder(to, free)?;
        }
        let children: Vec<Id> = self.folders.children(from).collect();
        let Some(folder) = self.folders.remove(from) else {
            return Ok(());
        };
        self.rename_thing(folder.meta, Thing::Folder(to));
        let (parent, creator) = (folder.parent, folder.creator);
        let group = folder.external_id.as_deref();
        let group = group.and_then(|external| self.groups.by_external_id(external));
        if let Some(group) = group.and_then(|group| self.groups.table.at_mut(group)) {
            group.folder = Some(to);
        }
        self.folders.table.put(to, folder)?;
        if let Some(parent) = parent {
            self.folders.children.insert((parent, to));
        }
        // Everything that names the folder by its id follows.
        for child in children {
            self.folders.hang(child, to);
        }
        if let Some(user) = creator.and_then(|user| self.users.at_mut(user)) {
            for place in [&mut user.personal_folder, &mut user.home_folder] {
                *place = place.map(|id| if id == from { to } else { id });
            }
        }
        for kind in [PieceKind::Dashboard, PieceKind::Look] {
            let held = self.pieces(kind).iter();
            let held = held.filter(|(_, piece)| piece.folder == Some(from));
            let held: Vec<Id> = held.map(|(id, _)| id).collect();
            for id in held {
                if let Some(piece) = self.piece_mut(kind.thing(id)) {
                    piece.folder = Some(to);
                }
            }
        }
        Ok(())
    }

    fn insert_folder(
        &mut self,
        name: &str,
        parent: Option<Id>,
        creator: Option<Id>,
        kind: FolderKind,
    ) -> Id {
        let id = self.folders.table.next_id();
        let meta = self.add_metadata(Thing::Folder(id), parent.is_some());
        let created_at = self.now;
        self.folders.table.insert(Folder {
            name: name.into(),
            parent,
            creator,
            external_id: None,
            kind,
            meta,
            created_at,
        });
        if let Some(parent) = parent {
            self.folders.children.insert((parent, id));
        }
        id
    }
}
