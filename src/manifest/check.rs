//! Checks a manifest as a whole: all problems, and users listed twice.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use crate::manifest::problem::{Place, Problems};
use crate::manifest::{Item, Problem};
use crate::plan::{KeyWish, Row};

/// The content of a manifest, and its problems.
#[derive(Debug, Default)]
pub(crate) struct Checked {
    /// How many users it names.
    pub(crate) rows: u64,
    /// What prevents its use.
    pub(crate) problems: Problems,
    /// What is probably a mistake.
    pub(crate) warnings: Problems,
    /// The user attributes it mentions.
    pub(crate) attributes: BTreeSet<String>,
    /// Whether any user sets `key`.
    pub(crate) names_keys: bool,
    /// How many users want a key.
    pub(crate) wants_keys: u64,
    /// How many users want none.
    pub(crate) wants_none: u64,
}

/// Read a manifest to its end. Only a fingerprint of each row is kept, so that memory stays flat for a million rows.
/// `case_variants` are ids that differ only by case: they are refused unless they are meant.
pub(crate) fn check(rows: impl Iterator<Item = Item>, case_variants: bool) -> Checked {
    let mut checked = Checked::default();
    // Fingerprints, not ids: the ids of a large manifest would not fit in memory.
    let mut seen = HashMap::new();
    let mut numbers = Numbers::default();
    for item in rows {
        match item {
            Item::Row(row) => {
                checked.row(&row);
                checked.twice(&mut seen, &row, case_variants);
                numbers.add(&row);
            }
            Item::Problem(problem) => checked.problems.add(problem),
            Item::Warning(warning) => checked.warnings.add(warning),
        }
    }
    if let Some(warning) = numbers.without_zeros() {
        checked.warnings.add(warning);
    }
    checked.problems.sort();
    checked.warnings.sort();
    checked
}

/// The line of the first row with an id that is equal except for case and surrounding space, and how that is spelled.
type Seen = HashMap<u64, (u32, Spelling)>;

/// The spelling of an id among those that are alike, in as much memory as a million of them can have.
#[derive(Clone, Copy, Eq, PartialEq)]
struct Spelling {
    exact: u16,
    /// In small letters.
    small: u16,
}

impl Spelling {
    /// The spelling of `id`, and a fingerprint that all ids have that are alike.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a part of the fingerprint is enough among those that are alike"
    )]
    fn of(id: &str) -> (Self, u64) {
        let small = id.to_lowercase();
        let bare = small.trim();
        let alike = fingerprint(bare);
        // Most ids are in small letters and without spaces.
        let or_alike = |text: &str| match text == bare {
            true => alike,
            false => fingerprint(text),
        };
        let spelling = Self {
            exact: or_alike(id) as u16,
            small: or_alike(&small) as u16,
        };
        (spelling, alike)
    }
}

impl Checked {
    fn row(&mut self, row: &Row) {
        self.rows += 1;
        self.names_keys |= row.key.is_some();
        match row.key {
            None => {}
            Some(KeyWish::None) => self.wants_none += 1,
            Some(_) => self.wants_keys += 1,
        }
        for name in row.grants.user_attributes.keys() {
            if !self.attributes.contains(name) {
                self.attributes.insert(name.clone());
            }
        }
    }

    fn twice(&mut self, seen: &mut Seen, row: &Row, case_variants: bool) {
        let id = &row.external_user_id;
        let line = u32::try_from(row.line).unwrap_or(u32::MAX);
        let (spelling, alike) = Spelling::of(id);
        // One entry finds both: the same id, and one that differs only by case or space.
        let (first, like) = match seen.entry(alike) {
            Entry::Vacant(entry) => {
                entry.insert((line, spelling));
                return;
            }
            Entry::Occupied(entry) => *entry.get(),
        };
        let place = Place {
            line: row.line,
            column: 1,
        };
        let differs = |by: &str| {
            format!(
                "`{id}` differs from the `external_user_id` in line {first} only by {by}, and to Looker they are different users"
            )
        };
        if like == spelling {
            let message = format!("`{id}` is already in line {first}");
            self.problems.add(Problem::at(place, message));
        } else if case_variants {
            // They are meant.
        } else if like.small == spelling.small {
            let message = differs("case") + "; `--allow-case-variants` accepts them";
            self.problems.add(Problem::at(place, message));
        } else {
            // A warning, not a problem: spaces that are still there were written on purpose.
            self.warnings.add(Problem::at(place, differs("spaces")));
        }
    }
}

/// How long the ids are that are numbers, to find those that lost the zeros at their start.
#[derive(Default)]
struct Numbers {
    /// The lengths of those with zeros.
    padded: BTreeSet<usize>,
    /// The first of those without zeros, by length, and in how many rows there are such.
    plain: BTreeMap<usize, (u64, u64, String)>,
}

impl Numbers {
    fn add(&mut self, row: &Row) {
        const LONGEST: usize = 64;
        let id = &row.external_user_id;
        if id.len() > LONGEST || !id.bytes().all(|byte| byte.is_ascii_digit()) {
            return;
        }
        if id.starts_with('0') {
            self.padded.insert(id.len());
            return;
        }
        let first = || (row.line, 0, id.clone());
        let (_, rows, _) = self.plain.entry(id.len()).or_insert_with(first);
        *rows += 1;
    }

    /// The ids that are shorter than all others.
    fn without_zeros(&self) -> Option<Problem> {
        let mut padded = self.padded.iter();
        // Numbers of different lengths with zeros are not made to one length.
        let (Some(length), None) = (padded.next(), padded.next()) else {
            return None;
        };
        let shorter = self.plain.range(..length).map(|(_, it)| it);
        let (line, _, id) = shorter.clone().min()?;
        let place = Place {
            line: *line,
            column: 1,
        };
        let message = format!(
            "`{id}` is shorter than the other numbers, which have {length} digits with zeros at the start; a spreadsheet takes them off: format the column as text and export it again"
        );
        let mut warning = Problem::at(place, message);
        warning.rows = shorter.map(|(_, rows, _)| rows).sum();
        Some(warning)
    }
}

fn fingerprint(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}
