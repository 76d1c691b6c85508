//! Many things by their number and the first few of their names.

/// Things that are counted, and of which the first few are named.
#[derive(Clone, Debug)]
pub(crate) struct Few {
    most: usize,
    count: usize,
    named: Vec<String>,
}

impl Few {
    /// None yet; up to `most` are named.
    pub(crate) const fn new(most: usize) -> Self {
        Self {
            most,
            count: 0,
            named: Vec::new(),
        }
    }

    /// Count one; it is named if it is among the first.
    pub(crate) fn add(&mut self, name: impl FnOnce() -> String) {
        self.count += 1;
        if self.named.len() < self.most {
            self.named.push(name());
        }
    }

    /// How many there are.
    pub(crate) const fn count(&self) -> usize {
        self.count
    }

    /// Those that are named.
    pub(crate) fn named(&self) -> &[String] {
        &self.named
    }

    /// As in `a, b, c and 9 more`.
    pub(crate) fn names(&self) -> String {
        let named = self.named.join(", ");
        match self.count - self.named.len() {
            0 => named,
            more => format!("{named} and {more} more"),
        }
    }

    /// As in `a`, and for more than one `12 users (a, b, c and 9 more)`.
    pub(crate) fn users(&self) -> String {
        match self.count {
            1 => self.names(),
            count => format!("{count} users ({})", self.names()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Few;

    #[test]
    fn the_first_few_are_named_and_the_others_counted() {
        let mut few = Few::new(2);
        let mut said = Vec::new();
        for name in ["a", "b", "c"] {
            few.add(|| name.to_owned());
            said.push((few.names(), few.users()));
        }
        let said: Vec<_> = said
            .iter()
            .map(|(names, users)| (&**names, &**users))
            .collect();
        assert_eq!(
            said,
            [
                ("a", "a"),
                ("a, b", "2 users (a, b)"),
                ("a, b and 1 more", "3 users (a, b and 1 more)"),
            ]
        );
    }
}
