//! A table of things by id: small integers, given in order, never given twice.

/// The id of a thing; Looker's API shows it as text.
pub(crate) type Id = u32;

/// Things by id, in the order of their ids.
#[derive(Debug)]
pub(crate) struct Table<T> {
    rows: Vec<Option<T>>,
    len: usize,
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self {
            rows: Vec::new(),
            len: 0,
        }
    }
}

impl<T> Table<T> {
    /// The id the next thing will have.
    pub(crate) fn next_id(&self) -> Id {
        Id::try_from(self.rows.len() + 1).unwrap_or(Id::MAX)
    }

    /// Add `thing`; gives its id.
    pub(crate) fn insert(&mut self, thing: T) -> Id {
        let id = self.next_id();
        self.rows.push(Some(thing));
        self.len += 1;
        id
    }

    /// Let the next thing have the id `id`, where it is still free.
    pub(crate) fn skip_to(&mut self, id: Id) {
        while self.next_id() < id {
            self.rows.push(None);
        }
    }

    /// The thing with this id.
    pub(crate) fn at(&self, id: Id) -> Option<&T> {
        self.rows.get(index(id)?)?.as_ref()
    }

    /// The thing with this id, to change it.
    pub(crate) fn at_mut(&mut self, id: Id) -> Option<&mut T> {
        self.rows.get_mut(index(id)?)?.as_mut()
    }

    /// Take the thing with this id out.
    pub(crate) fn remove(&mut self, id: Id) -> Option<T> {
        let taken = self.rows.get_mut(index(id)?)?.take();
        self.len -= usize::from(taken.is_some());
        taken
    }

    /// All things, in the order of their ids.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Id, &T)> {
        (1..)
            .zip(&self.rows)
            .filter_map(|(id, row)| Some((id, row.as_ref()?)))
    }

    /// How many things there are.
    pub(crate) const fn len(&self) -> usize {
        self.len
    }
}

fn index(id: Id) -> Option<usize> {
    usize::try_from(id).ok()?.checked_sub(1)
}
