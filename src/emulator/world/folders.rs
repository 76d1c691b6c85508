//! Folders: where content lives.

use crate::emulator::world::World;
use crate::emulator::world::table::{Id, Table};

/// A folder.
#[derive(Clone, Debug)]
pub(crate) struct Folder {
    pub(crate) name: Box<str>,
    pub(crate) parent: Option<Id>,
    pub(crate) creator: Option<Id>,
    /// The external id of the group that shares it.
    pub(crate) external_id: Option<Box<str>>,
    pub(crate) is_personal: bool,
    pub(crate) is_embed: bool,
}

/// All folders.
#[derive(Debug, Default)]
pub(crate) struct Folders(pub(crate) Table<Folder>);

impl World {
    /// Make the personal folder of a user.
    pub(crate) fn make_personal_folder(&mut self, user: Id) -> Option<Id> {
        let person = self.users.at(user)?;
        let folder = Folder {
            name: user.to_string().into(),
            parent: None,
            creator: Some(user),
            external_id: None,
            is_personal: true,
            is_embed: person.embed.is_some(),
        };
        Some(self.folders.0.insert(folder))
    }

    /// Make the folder that the members of an external group share.
    pub(crate) fn make_group_folder(&mut self, _group: Id, external_id: &str) -> Option<Id> {
        let folder = Folder {
            name: external_id.into(),
            parent: None,
            creator: None,
            external_id: Some(external_id.into()),
            is_personal: false,
            is_embed: true,
        };
        Some(self.folders.0.insert(folder))
    }

    /// Do to content, schedules and alerts what Looker documents for a user that is being deleted.
    pub(crate) fn content_of_deleted_user(&mut self, user: Id) {
        let folder = self.users.at(user).and_then(|user| user.personal_folder);
        if let Some(folder) = folder {
            self.folders.0.remove(folder);
        }
    }
}
