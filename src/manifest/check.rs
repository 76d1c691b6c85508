//! Checks a manifest as a whole: all problems, and users listed twice.

use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use crate::manifest::problem::Place;
use crate::manifest::{Item, Problem};
use crate::plan::{KeyWish, Row};

/// How many problems are shown.
const MOST: usize = 100;

/// The content of a manifest, and its problems.
#[derive(Debug, Default)]
pub(crate) struct Checked {
    /// How many users it names.
    pub(crate) rows: u64,
    /// What prevents its use, in order, up to a hundred.
    pub(crate) problems: Vec<Problem>,
    /// How many more problems there are.
    pub(crate) more_problems: u64,
    /// What is probably a mistake, up to a hundred.
    pub(crate) warnings: Vec<Problem>,
    /// The user attributes it mentions.
    pub(crate) attributes: BTreeSet<String>,
    /// Whether any user sets `key`.
    pub(crate) names_keys: bool,
    /// Whether any user wants a key.
    pub(crate) wants_keys: bool,
}

/// Read a manifest to its end. Only a fingerprint of each row is kept, so that memory stays flat for a million rows.
pub(crate) fn check(rows: impl Iterator<Item = Item>) -> Checked {
    let mut checked = Checked::default();
    // Fingerprints, not ids: the ids of a large manifest would not fit in memory.
    let mut seen = HashMap::new();
    for item in rows {
        match item {
            Item::Row(row) => {
                checked.row(&row);
                twice(&mut checked, &mut seen, &row);
            }
            Item::Problem(problem) => checked.problem(problem),
            Item::Warning(warning) => checked.warning(warning),
        }
    }
    checked
}

impl Checked {
    fn row(&mut self, row: &Row) {
        self.rows += 1;
        self.names_keys |= row.key.is_some();
        self.wants_keys |= row.key.is_some_and(|key| key != KeyWish::None);
        for name in row.grants.user_attributes.keys() {
            if !self.attributes.contains(name) {
                self.attributes.insert(name.clone());
            }
        }
    }

    fn problem(&mut self, problem: Problem) {
        // The rest is counted only; a wrong separator makes every row a problem.
        if self.problems.len() < MOST {
            self.problems.push(problem);
        } else {
            self.more_problems += 1;
        }
    }

    fn warning(&mut self, warning: Problem) {
        if self.warnings.len() < MOST {
            self.warnings.push(warning);
        }
    }
}

/// The line of the first row with an id that is equal except for case and surrounding space, and a fingerprint of the exact
/// id.
type Seen = HashMap<u64, (u32, u32)>;

fn twice(checked: &mut Checked, seen: &mut Seen, row: &Row) {
    let id = &row.external_user_id;
    let line = u32::try_from(row.line).unwrap_or(u32::MAX);
    #[expect(
        clippy::cast_possible_truncation,
        reason = "half of the fingerprint is enough beside the other one"
    )]
    let exact = fingerprint(id) as u32;
    // One entry finds both: the same id, and one that differs only by case or space.
    let first = match seen.entry(fingerprint(&id.trim().to_lowercase())) {
        Entry::Vacant(entry) => {
            entry.insert((line, exact));
            return;
        }
        Entry::Occupied(entry) => *entry.get(),
    };
    let place = Place {
        line: row.line,
        column: 1,
    };
    let (first_line, first_exact) = first;
    if first_exact == exact {
        let message = format!("`{id}` is already in line {first_line}");
        checked.problem(Problem::at(place, message));
    } else {
        // A warning, not a problem: such ids may be meant, and Looker tells them apart.
        let message = format!(
            "`{id}` differs from the `external_user_id` in line {first_line} only by case or space; to Looker they are different users"
        );
        checked.warning(Problem::at(place, message));
    }
}

fn fingerprint(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}
