//! How many API calls a change of an `external_user_id` takes, for a quota and for the operator.

use crate::workflow::rotate_id::belongings::ItemKind;
use crate::workflow::rotate_id::spec::{OldEnd, RotateIdSpec};

/// The calls to read one user, whatever it owns: a token, its verification and logout; attributes, roles, keys, sessions and
/// models; content four times; others' content in its folder twice; its folder; schedules in two ways, alerts, boards and
/// favourites.
const LOOK: usize = 3 + 5 + 4 + 2 + 1 + 5;

/// The calls to read the instance once: its groups and its roles.
const INSTANCE: usize = 2;

impl RotateIdSpec {
    /// How many calls it takes if no answer is lost, without reading the user for the plan.
    pub fn calls(&self) -> usize {
        // The roles it has, the roles of the instance, the new list, and reading it back.
        let roles = match self.from.roles.is_empty() {
            true => 0,
            false => 4,
        };
        // Look the new user up, twice if it is created, and prove that it was absent; sudo; carry over.
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
            // A folder takes its sub-folders along.
            ItemKind::Folder => self.moving(kind).filter(|item| item.at_home).count(),
            ItemKind::ContentAccess => 3 * self.count(kind),
            ItemKind::Follow => 2 * self.count(kind),
            ItemKind::Favorite if self.count(kind) > 0 => 1 + 2 * self.count(kind),
            _ => self.count(kind),
        };
        let acts = self.count(ItemKind::Follow) + self.count(ItemKind::Favorite) > 0;
        // Token, verification and logout for both users; the new user's token exists anyway.
        let tokens = if acts { 4 } else { 2 };
        ItemKind::ALL.into_iter().map(of).sum::<usize>() + tokens
    }

    fn key_calls(&self) -> usize {
        match self.user.key {
            // Its keys, the new one, its tag; a login with it, the check, and the logout.
            Some(_) => 3 + 3,
            None => 0,
        }
    }

    /// The old user is read twice, the new one once.
    fn checking_calls(&self) -> usize {
        let shared = self.from.of(ItemKind::ContentAccess).count();
        let folders = self.from.of(ItemKind::Folder).count();
        let follows = self.from.of(ItemKind::Follow);
        let unlisted = follows.filter(|item| item.unlisted).count();
        // Each user, plus the calls for the instance in each of two passes.
        3 * (LOOK + shared + unlisted + 1)
            + folders
            + 2 * INSTANCE
            + self.second_looks()
            + self.ends_of_lists()
    }

    /// A list that is not empty takes one more call to see its end: those of the new user.
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

    /// Empty lists are read in a second way: twice for the old user, whose items have moved, and once for the new one.
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
