//! A table of things by id: small integers, given in order, never given twice.

/// The id of a thing; Looker's API shows it as text.
pub(crate) type Id = u32;

/// How many ids can be left out at once.
const MOST_SKIPPED: Id = 1_000_000;

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

    /// Add `thing`; returns its id.
    pub(crate) fn insert(&mut self, thing: T) -> Id {
        let id = self.next_id();
        self.rows.push(Some(thing));
        self.len += 1;
        id
    }

    /// Let the next thing have the id `id`, if that is still to come.
    pub(crate) fn skip_to(&mut self, id: Id) -> Result<(), String> {
        // A table holds a place for each id that was skipped.
        if id.saturating_sub(self.next_id()) > MOST_SKIPPED {
            return Err(format!("the id {id} is too far from the others"));
        }
        while self.next_id() < id {
            self.rows.push(None);
        }
        Ok(())
    }

    /// Put `thing` at the id `id`, in the place of what is there.
    pub(crate) fn put(&mut self, id: Id, thing: T) -> Result<(), String> {
        self.skip_to(id)?;
        if self.next_id() == id {
            self.insert(thing);
            return Ok(());
        }
        let place = index(id).and_then(|index| self.rows.get_mut(index));
        let place = place.ok_or("an id is at least 1")?;
        self.len += usize::from(place.is_none());
        *place = Some(thing);
        Ok(())
    }

    /// The thing with this id.
    pub(crate) fn at(&self, id: Id) -> Option<&T> {
        self.rows.get(index(id)?)?.as_ref()
    }

    /// The thing with this id, mutable.
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

    /// All things, the newest first.
    pub(crate) fn iter_back(&self) -> impl Iterator<Item = (Id, &T)> {
        let rows = self.rows.iter().enumerate().rev();
        rows.filter_map(|(index, row)| Some((Id::try_from(index + 1).ok()?, row.as_ref()?)))
    }

    /// How many things there are.
    pub(crate) const fn len(&self) -> usize {
        self.len
    }
}

fn index(id: Id) -> Option<usize> {
    usize::try_from(id).ok()?.checked_sub(1)
}

#[cfg(test)]
mod tests {
    use super::Table;

    #[test]
    fn ids_are_given_in_order_and_never_twice() {
        let mut table = Table::default();

        let ids = [table.insert('a'), table.insert('b')];
        assert_eq!(table.remove(2), Some('b'));
        let next = table.insert('c');

        assert_eq!((ids, next), ([1, 2], 3));
        assert_eq!(table.iter().collect::<Vec<_>>(), [(1, &'a'), (3, &'c')]);
        assert_eq!(table.len(), 2);
    }

    #[test]
    fn a_thing_can_be_put_at_an_id() {
        let mut table = Table::default();

        table.put(3, 'c').unwrap();
        table.put(1, 'a').unwrap();
        table.put(1, 'b').unwrap();

        assert_eq!(table.iter().collect::<Vec<_>>(), [(1, &'b'), (3, &'c')]);
        assert!(table.put(0, 'x').is_err());
        assert!(table.put(u32::MAX, 'x').is_err());
    }
}
