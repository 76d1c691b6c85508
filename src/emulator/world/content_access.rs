//! Content metadata: the handle every folder, dashboard, look and board is shared by, and who it is shared with.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::emulator::world::World;
use crate::emulator::world::table::{Id, Table};

/// Something that can be shared and be a favourite.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Thing {
    Folder(Id),
    Dashboard(Id),
    Look(Id),
    Board(Id),
}

/// The metadata of a thing.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Meta {
    pub(crate) thing: Thing,
    /// Whether those who see what it is in see it.
    pub(crate) inherits: bool,
}

/// Who a thing is shared with.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Grantee {
    User(Id),
    Group(Id),
}

/// One thing, shared with one user or group.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Access {
    pub(crate) meta: Id,
    pub(crate) grantee: Grantee,
    pub(crate) level: Level,
}

/// How far someone may go with a thing.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Level {
    View,
    Edit,
}

/// All metadata, and all that is shared.
#[derive(Debug, Default)]
pub(crate) struct Metadata {
    table: Table<Meta>,
    accesses: Table<Access>,
    /// Metadata and access.
    shared: BTreeSet<(Id, Id)>,
}

impl Metadata {
    /// The metadata with this id.
    pub(crate) fn at(&self, id: Id) -> Option<&Meta> {
        self.table.at(id)
    }

    /// The access with this id.
    pub(crate) fn access(&self, id: Id) -> Option<&Access> {
        self.accesses.at(id)
    }

    /// The access with this id, mutable.
    pub(crate) fn access_mut(&mut self, id: Id) -> Option<&mut Access> {
        self.accesses.at_mut(id)
    }

    /// Every access there is.
    pub(crate) fn all_accesses(&self) -> impl Iterator<Item = (Id, &Access)> {
        self.accesses.iter()
    }

    /// Who a thing itself is shared with.
    pub(crate) fn accesses(&self, meta: Id) -> impl Iterator<Item = (Id, &Access)> {
        // Ordered by pair, so the accesses of one thing are a range.
        let pairs = self.shared.range((meta, 0)..=(meta, Id::MAX));
        pairs.filter_map(|(_, id)| Some((*id, self.accesses.at(*id)?)))
    }

    /// Share a thing; returns the id of the access.
    pub(crate) fn share(&mut self, access: Access) -> Id {
        let id = self.accesses.insert(access);
        self.shared.insert((access.meta, id));
        id
    }

    /// Share a thing no more; false if it was not.
    pub(crate) fn unshare(&mut self, id: Id) -> bool {
        let Some(access) = self.accesses.remove(id) else {
            return false;
        };
        self.shared.remove(&(access.meta, id))
    }
}

/// A user who looks at content.
#[derive(Debug)]
pub(crate) struct Viewer {
    pub(crate) user: Id,
    pub(crate) admin: bool,
    groups: Vec<Id>,
}

impl World {
    /// A user, with all that says what it may see.
    pub(crate) fn viewer(&self, user: Id, admin: bool) -> Viewer {
        let mut groups = self
            .users
            .at(user)
            .map(|user| self.groups_of(user))
            .unwrap_or_default();
        // Everyone counts as a member of such a group.
        let open = self.groups.table.iter();
        let open = open.filter(|(_, group)| group.include_by_default);
        groups.extend(open.map(|(id, _)| id));
        Viewer {
            user,
            admin,
            groups,
        }
    }

    /// How far a viewer may go with a thing; `None` if it may not even see it, or if there is no such thing.
    pub(crate) fn level(&self, viewer: &Viewer, thing: Thing) -> Option<Level> {
        // Before the rights: an admin may do everything, but not with nothing.
        self.meta_of(thing)?;
        // Admins and owners can do everything.
        if viewer.admin || self.owner(thing) == Some(viewer.user) {
            return Some(Level::Edit);
        }
        let mut found = None;
        let mut place = Some(thing);
        while let Some(thing) = place {
            let meta = self.meta_of(thing)?;
            // The highest level on the way up counts.
            found = found.max(self.level_here(viewer, thing, meta));
            let inherits = self.content.metadata.at(meta)?.inherits;
            place = if inherits {
                self.container(thing)
            } else {
                // Content with access of its own hides that of its folder.
                None
            };
        }
        found
    }

    /// Whether a viewer may see a thing.
    pub(crate) fn sees(&self, viewer: &Viewer, thing: Thing) -> bool {
        self.level(viewer, thing).is_some()
    }

    /// The id of a thing's metadata; `None` if there is no such thing.
    pub(crate) fn meta_of(&self, thing: Thing) -> Option<Id> {
        match thing {
            Thing::Folder(id) => Some(self.folders.at(id)?.meta),
            Thing::Board(id) => Some(self.content.boards.at(id)?.meta),
            Thing::Dashboard(_) | Thing::Look(_) => Some(self.piece(thing)?.meta),
        }
    }

    /// What a thing is in.
    pub(crate) fn container(&self, thing: Thing) -> Option<Thing> {
        match thing {
            Thing::Folder(id) => self.folders.at(id)?.parent,
            Thing::Board(_) => None,
            Thing::Dashboard(_) | Thing::Look(_) => self.piece(thing)?.folder,
        }
        .map(Thing::Folder)
    }

    /// Who a dashboard, look or board belongs to.
    pub(crate) fn owner(&self, thing: Thing) -> Option<Id> {
        match thing {
            Thing::Folder(_) => None,
            Thing::Board(id) => self.content.boards.at(id)?.owner,
            Thing::Dashboard(_) | Thing::Look(_) => self.piece(thing)?.owner,
        }
    }

    /// Make metadata for a thing; returns its id.
    pub(crate) fn add_metadata(&mut self, thing: Thing, inherits: bool) -> Id {
        self.content.metadata.table.insert(Meta { thing, inherits })
    }

    /// Let metadata belong to a thing that has another id now.
    pub(crate) fn rename_thing(&mut self, meta: Id, thing: Thing) {
        if let Some(meta) = self.content.metadata.table.at_mut(meta) {
            meta.thing = thing;
        }
    }

    /// Say whether those who see what a thing is in see it.
    pub(crate) fn set_inherits(&mut self, thing: Thing, inherits: bool) {
        let meta = self.meta_of(thing);
        if let Some(meta) = meta.and_then(|id| self.content.metadata.table.at_mut(id)) {
            meta.inherits = inherits;
        }
    }

    /// Share a thing with a group.
    pub(crate) fn share_with_group(&mut self, thing: Thing, group: Id, edit: bool) {
        if let Some(meta) = self.meta_of(thing) {
            let level = if edit { Level::Edit } else { Level::View };
            self.content.metadata.share(Access {
                meta,
                grantee: Grantee::Group(group),
                level,
            });
        }
    }

    /// Remove what belonged to a deleted thing: its metadata, who it was shared with, favourites.
    pub(crate) fn forget_metadata(&mut self, meta: Id) {
        let metadata = &mut self.content.metadata;
        metadata.table.remove(meta);
        let shared: Vec<Id> = metadata.accesses(meta).map(|(id, _)| id).collect();
        for access in shared {
            metadata.unshare(access);
        }
        self.content.favorites.forget_thing(meta);
    }

    fn level_here(&self, viewer: &Viewer, thing: Thing, meta: Id) -> Option<Level> {
        let own = match thing {
            Thing::Folder(id) => self.folders.at(id).is_some_and(|folder| {
                // A folder belongs to its creator, except for the roots.
                folder.creator == Some(viewer.user) && folder.parent.is_some()
            }),
            _ => false,
        };
        let shared = self.content.metadata.accesses(meta);
        let concerns = |access: &&Access| match access.grantee {
            Grantee::User(user) => user == viewer.user,
            Grantee::Group(group) => viewer.groups.contains(&group),
        };
        shared
            .map(|(_, access)| access)
            .filter(concerns)
            .map(|access| access.level)
            .chain(own.then_some(Level::Edit))
            .max()
    }
}
