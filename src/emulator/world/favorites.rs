//! Favourites: content that a user marked.

use crate::emulator::world::table::{Id, Table};

/// A favourite of a user.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Favorite {
    pub(crate) user: Id,
    /// The content metadata of what is marked.
    pub(crate) meta: Id,
}

/// All favourites.
#[derive(Debug, Default)]
pub(crate) struct Favorites(pub(crate) Table<Favorite>);

impl Favorites {
    /// The favourite with this id.
    pub(crate) fn at(&self, id: Id) -> Option<&Favorite> {
        self.0.at(id)
    }

    /// The favourite that a user made of something.
    pub(crate) fn of(&self, user: Id, meta: Id) -> Option<Id> {
        let wanted = Favorite { user, meta };
        let mut all = self.0.iter();
        all.find(|(_, favorite)| **favorite == wanted)
            .map(|(id, _)| id)
    }

    /// How many users marked something.
    pub(crate) fn count(&self, meta: Id) -> usize {
        let all = self.0.iter();
        all.filter(|(_, favorite)| favorite.meta == meta).count()
    }

    /// Forget the favourites of a thing that was deleted.
    pub(crate) fn forget_thing(&mut self, meta: Id) {
        self.forget(|favorite| favorite.meta == meta);
    }

    /// Forget the favourites of a user that was deleted.
    pub(crate) fn forget_user(&mut self, user: Id) {
        self.forget(|favorite| favorite.user == user);
    }

    fn forget(&mut self, gone: impl Fn(&Favorite) -> bool) {
        let all = self.0.iter();
        let gone: Vec<Id> = all
            .filter(|(_, favorite)| gone(favorite))
            .map(|(id, _)| id)
            .collect();
        for id in gone {
            self.0.remove(id);
        }
    }
}
