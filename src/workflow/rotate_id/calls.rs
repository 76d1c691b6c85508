//! How many calls of the API a change of an `external_user_id` takes, for a quota and for a person who waits.

use crate::workflow::rotate_id::belongings::ItemKind;
use crate::workflow::rotate_id::spec::{OldEnd, RotateIdSpec};

/// What is asked of one user whatever it has: a token, its proof and its end, attributes, roles, keys, sessions, models, content
/// four times over, what others have in its folder twice, its folder, schedules in two ways, alerts, boards and favourites.
const LOOK: usize = 3 + 5 + 4 + 2 + 1 + 5;

/// What is asked of the instance for a look: its groups and its roles.
const INSTANCE: usize = 2;

impl RotateIdSpec {
    /// How many calls it takes where no answer is lost, the look that made the plan not counted.
    pub fn calls(&self) -> usize {
        // The roles it has, those there are, all of them sent, and a look at them.
        let roles = match self.from.roles.is_empty() {
            true => 0,
            false => 4,
        };
        // Look the new user up, twice if it is created, and prove that it was not there; act as it; equip it.
        let made = match self.into {
            Some(_) => 1 + 3 + self.from.groups.len(),
            None => 2 + 2 + 3 + 1,
        };
        made + roles
            + self.moving_calls()
            + self.key_calls()
            + self.checking_calls()
            + self.ending_calls()
    }

    fn moving_calls(&self) -> usize {
        let of = |kind| match kind {
            // A folder goes with the one it is in.
            ItemKind::Folder => self.moving(kind).filter(|item| item.at_home).count(),
            ItemKind::ContentAccess => 3 * self.count(kind),
            ItemKind::Follow => 2 * self.count(kind),
            ItemKind::Favorite if self.count(kind) > 0 => 1 + 2 * self.count(kind),
            _ => self.count(kind),
        };
        let acts = self.count(ItemKind::Follow) + self.count(ItemKind::Favorite) > 0;
        // Tokens of both users, their proofs and ends; that of the new one is there anyway.
        let tokens = if acts { 4 } else { 2 };
        ItemKind::ALL.into_iter().map(of).sum::<usize>() + tokens
    }

    fn key_calls(&self) -> usize {
        match self.user.key {
            // The keys it has, the new one, its tag; a login with it and its end.
            Some(_) => 3 + 3,
            None => 0,
        }
    }

    /// The old user is looked at twice, the new one once.
    fn checking_calls(&self) -> usize {
        let shared = self.from.of(ItemKind::ContentAccess).count();
        let folders = self.from.of(ItemKind::Folder).count();
        let follows = self.from.of(ItemKind::Follow);
        let unlisted = follows.filter(|item| item.unlisted).count();
        // Each user, and what is asked of the instance for each of two looks.
        3 * (LOOK + shared + unlisted + 1)
            + folders
            + 2 * INSTANCE
            + self.second_looks()
            + self.ends_of_lists()
    }

    /// A list that is not empty is asked for once more, to see its end: those of the new user.
    fn ends_of_lists(&self) -> usize {
        let listed = [
            ItemKind::Folder,
            ItemKind::Dashboard,
            ItemKind::Look,
            ItemKind::Schedule,
            ItemKind::Alert,
            ItemKind::Favorite,
        ];
        let full = listed.into_iter().filter(|kind| self.count(*kind) > 0);
        full.count()
    }

    /// Empty lists are asked for in another way too: of the old user, whose things have moved, twice, and of the new one.
    fn second_looks(&self) -> usize {
        let checked = [ItemKind::Schedule, ItemKind::Board, ItemKind::Favorite];
        let into = self.into.as_ref();
        let is_empty = |kind: &&ItemKind| {
            self.count(**kind) == 0 && into.is_none_or(|into| into.of(**kind).next().is_none())
        };
        2 * checked.len() + checked.iter().filter(is_empty).count()
    }

    fn ending_calls(&self) -> usize {
        match self.old {
            OldEnd::Keep => 0,
            // Keys and sessions are listed before and after.
            OldEnd::Disable => 4 + self.from.keys.len() + self.from.sessions + 2,
            OldEnd::Delete => {
                let look = LOOK + INSTANCE + 3;
                4 + self.from.keys.len() + self.from.sessions + 4 + look
            }
        }
    }
}
