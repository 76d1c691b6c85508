//! What happens to a user's content when the user is deleted, from Looker's documentation.

use crate::emulator::world::World;
use crate::emulator::world::content_access::{Grantee, Thing};
use crate::emulator::world::kinds::PieceKind;
use crate::emulator::world::table::Id;

impl World {
    /// Dashboards and looks go to the trash; schedules the user made, or that send its content, are deleted; alerts go,
    /// or go on unseen in older releases. Boards stay. The personal folder, favourites and what was shared with the user alone are gone.
    pub(crate) fn content_of_deleted_user(&mut self, user: Id) {
        // Collected first: what is trashed below is no longer found by its owner.
        let owned = self.owned_by(user);
        if self.rules.switches.delete_user_deletes_schedules {
            self.content.schedules.remove_where(|schedule| {
                schedule.owner == user || schedule.thing.is_some_and(|thing| owned.contains(&thing))
            });
        }
        for thing in owned {
            self.trash(thing, None);
        }
        let folder = self.users.at(user).and_then(|user| user.personal_folder);
        if let Some(folder) = folder {
            self.remove_folder(folder, None);
        }
        let switches = &self.rules.switches;
        // A release decides whether alerts go with their owner or stay unseen.
        if switches.has(switches.alerts_go_with_owner) {
            self.content.alerts.remove_of_user(user);
        }
        self.content.alerts.forget_user(user);
        self.content.favorites.forget_user(user);
        let shared = self.content.metadata.all_accesses();
        let shared: Vec<Id> = shared
            .filter(|(_, access)| access.grantee == Grantee::User(user))
            .map(|(id, _)| id)
            .collect();
        for access in shared {
            self.content.metadata.unshare(access);
        }
    }

    fn owned_by(&self, user: Id) -> Vec<Thing> {
        let kinds = [PieceKind::Dashboard, PieceKind::Look].into_iter();
        kinds
            .flat_map(|kind| {
                let pieces = self.pieces(kind).iter();
                let owned = pieces.filter(|(_, piece)| piece.owner == Some(user));
                owned.map(move |(id, _)| kind.thing(id))
            })
            .collect()
    }
}
