//! How a value of each column goes into a row, and what is checked on the way.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;

use crate::manifest::columns::Column;
use crate::manifest::mangled::{self, Mangled};
use crate::manifest::node::Node;
use crate::manifest::problem::{Place, Placed, Problem};
use crate::manifest::spelling::bare;
use crate::manifest::values::concerns;
use crate::manifest::{Item, Known};
use crate::plan::{KeyWish, Row, State};
use crate::signed_url::refuse_id;

/// What a reader has found but not returned yet, and what it checks values against.
pub(super) struct Sheet {
    known: Option<Arc<Known>>,
    /// Whether values are checked; names are, in any case.
    checks: bool,
    found: VecDeque<Item>,
}

impl Sheet {
    pub(super) const fn new(known: Option<Arc<Known>>, checks: bool) -> Self {
        Self {
            known,
            checks,
            found: VecDeque::new(),
        }
    }

    /// What Looker has.
    pub(super) fn known(&self) -> Option<&Known> {
        self.known.as_deref()
    }

    /// The oldest item not returned yet.
    pub(super) fn pop(&mut self) -> Option<Item> {
        self.found.pop_front()
    }

    pub(super) fn problem(&mut self, problem: Problem) {
        self.found.push_back(Item::Problem(problem));
    }

    fn problem_at(&mut self, place: Place, message: impl fmt::Display) {
        self.problem(Problem::at(place, message));
    }

    fn warn(&mut self, place: Place, kind: &str, message: impl fmt::Display) {
        if self.checks {
            let warning = Problem::at(place, message).of_kind(kind);
            self.found.push_back(Item::Warning(warning));
        }
    }

    /// The spaces around a value were taken off.
    pub(super) fn trimmed(&mut self, place: Place) {
        let message = "spaces around ids, names and lists were taken off";
        self.warn(place, message, message);
    }

    /// A row is complete; it starts at `place`.
    pub(super) fn row(&mut self, mut row: Row, place: Place) {
        row.line = place.line;
        if row.external_user_id.is_empty() {
            self.problem_at(place, "the user has no `external_user_id`");
            return;
        }
        self.doubt(&row, place);
        self.found.push_back(Item::Row(Box::new(row)));
    }

    /// Warn about permissions that are probably a mistake.
    fn doubt(&mut self, row: &Row, place: Place) {
        let Some(permissions) = row.grants.permissions.as_ref().filter(|_| self.checks) else {
            return;
        };
        let in_groups = row.grants.group_ids.as_ref();
        let in_groups = in_groups.is_some_and(|groups| !groups.is_empty());
        let known = self.known();
        let doubts = known.map(|known| known.doubts(permissions, in_groups));
        for doubt in doubts.into_iter().flatten() {
            self.warn(place, &doubt, &doubt);
        }
    }

    /// The member of a user called `name`, unless it is unknown or already in `before`.
    pub(super) fn key(&mut self, name: &Placed<String>, before: &[Column]) -> Option<Column> {
        match Column::of_key(&name.value, self.known()) {
            Ok(column) => self.new_column(column, name, before),
            Err(message) => {
                self.problem_at(name.place, message);
                None
            }
        }
    }

    /// `column`, which is called `name`, unless it is already in `before` or an attribute that does not exist.
    pub(super) fn new_column(
        &mut self,
        column: Column,
        name: &Placed<String>,
        before: &[Column],
    ) -> Option<Column> {
        if let Column::Attribute(attribute) = &column {
            self.check(name.place, |known| known.attribute(attribute));
        }
        if before.contains(&column) {
            self.problem_at(name.place, format!("`{}` is here twice", name.value));
            return None;
        }
        Some(column)
    }

    /// Put a value into a row, and check it.
    pub(super) fn fill(&mut self, row: &mut Row, column: &Column, node: &Placed<Node>) {
        // No value is a statement too: it removes what the user has.
        if node.value == Node::Null {
            take_away(row, column);
            return;
        }
        let place = node.place;
        match column {
            Column::ExternalUserId => {
                if let Some(id) = self.text(column, node) {
                    self.check_id(&id, place);
                    row.external_user_id = id;
                }
            }
            Column::FirstName => row.grants.first_name = self.name(column, node),
            Column::LastName => row.grants.last_name = self.name(column, node),
            Column::ExternalGroupId => {
                row.grants.external_group_id = self.text(column, node);
                if let Some(id) = &row.grants.external_group_id {
                    self.mangled(column, id, mangled::of_id, place);
                }
            }
            Column::UserTimezone => {
                row.grants.user_timezone = self.text(column, node);
                self.check(place, |known| {
                    // belief: url-timezone-if-on
                    let off = known.user_timezones == Some(false);
                    off.then(|| "user time zones are switched off on this Looker".to_owned())
                });
            }
            Column::Models => row.grants.models = self.list(column, node, Known::model),
            Column::Permissions => {
                row.grants.permissions = self.list(column, node, Known::permission);
            }
            Column::GroupIds => row.grants.group_ids = self.list(column, node, Known::group),
            Column::UserAttributes => self.attributes(row, node),
            Column::Attribute(name) => {
                if let Some(value) = self.text(column, node) {
                    self.value(name, &value, place);
                    row.grants.user_attributes.insert(name.clone(), value);
                }
            }
            Column::Key => row.key = self.word(column, node, &KEYS),
            Column::State => row.state = self.word(column, node, &STATES),
            Column::Reason => {}
        }
    }

    fn text(&mut self, column: &Column, node: &Placed<Node>) -> Option<String> {
        if let Node::Text(text) = &node.value {
            return Some(text.clone());
        }
        self.problem_at(node.place, format!("`{column}` must be text"));
        None
    }

    fn name(&mut self, column: &Column, node: &Placed<Node>) -> Option<String> {
        let name = self.text(column, node)?;
        self.mangled(column, &name, mangled::of_text, node.place);
        self.padded(column, &name, node.place);
        Some(name)
    }

    fn list(
        &mut self,
        column: &Column,
        node: &Placed<Node>,
        check: impl Fn(&Known, &str) -> Option<String>,
    ) -> Option<Vec<String>> {
        let Node::List(items) = &node.value else {
            let message = format!("`{column}` must be a list, as in `[a, b]`");
            self.problem_at(node.place, message);
            return None;
        };
        let mut list = Vec::new();
        for item in items {
            let Some(text) = self.text(column, item) else {
                continue;
            };
            self.check(item.place, |known| check(known, &text));
            // Looker would store it once; twice is most likely a typing mistake for another item.
            if list.contains(&text) {
                self.problem_at(item.place, format!("`{text}` is in the list twice"));
            } else {
                list.push(text);
            }
        }
        Some(list)
    }

    fn attributes(&mut self, row: &mut Row, node: &Placed<Node>) {
        let Node::Map(members) = &node.value else {
            let message = "`user_attributes` must be an object, as in `{region: west}`";
            self.problem_at(node.place, message);
            return;
        };
        let mut seen = Vec::new();
        for (name, value) in members {
            if seen.contains(&&name.value) {
                let message = format!("the user attribute `{}` is here twice", name.value);
                self.problem_at(name.place, message);
                continue;
            }
            seen.push(&name.value);
            self.check(name.place, |known| known.attribute(&name.value));
            let text = match &value.value {
                // The same as an empty cell in CSV.
                Node::Null => String::new(),
                Node::Text(text) => {
                    self.value(&name.value, text, value.place);
                    text.clone()
                }
                _ => {
                    let message = format!("the user attribute `{}` must be text", name.value);
                    self.problem_at(value.place, message);
                    continue;
                }
            };
            row.grants.user_attributes.insert(name.value.clone(), text);
        }
    }

    fn word<T: Copy>(
        &mut self,
        column: &Column,
        node: &Placed<Node>,
        words: &[(&str, T)],
    ) -> Option<T> {
        let text = self.text(column, node)?;
        let said = bare(&text);
        let mut known = words.iter();
        // Spreadsheets begin a cell with a capital.
        let known = known.find(|(word, _)| word.eq_ignore_ascii_case(said));
        if known.is_none() {
            let words: Vec<_> = words.iter().map(|(word, _)| format!("`{word}`")).collect();
            let message = format!("`{column}` is {}, not `{text}`", words.join(" or "));
            self.problem_at(node.place, message);
        }
        known.map(|(_, value)| *value)
    }

    /// Check something against what Looker has.
    fn check(&mut self, place: Place, check: impl FnOnce(&Known) -> Option<String>) {
        let known = self.known.as_deref().filter(|_| self.checks);
        if let Some(message) = known.and_then(check) {
            self.problem_at(place, message);
        }
    }

    /// Check the value of an attribute.
    fn value(&mut self, name: &str, value: &str, place: Place) {
        if !self.checks {
            return;
        }
        let known = self.known.as_deref();
        let kind = known.map_or("", |known| known.kind(name));
        for concern in concerns(name, kind, value) {
            let problem = Problem::at(place, concern.message).of_kind(concern.kind);
            self.found.push_back(match concern.refused {
                true => Item::Problem(problem),
                false => Item::Warning(problem),
            });
        }
    }

    fn check_id(&mut self, id: &str, place: Place) {
        let column = &Column::ExternalUserId;
        match refuse_id(id) {
            Err(why) => self.problem_at(place, format!("the `{column}` {why}")),
            Ok(()) => {
                self.padded(column, id, place);
                self.mangled(column, id, mangled::of_id, place);
            }
        }
    }

    /// Warn about spaces that are meant, as it seems.
    fn padded(&mut self, column: &Column, text: &str, place: Place) {
        if self.checks && bare(text) != text {
            let message =
                format!("`{column}` starts or ends with a space, which is part of it: `{text}`");
            self.warn(place, &format!("padded {column}"), message);
        }
    }

    /// Warn if a program has probably changed `text`.
    fn mangled(
        &mut self,
        column: &Column,
        text: &str,
        judge: fn(&str) -> Option<Mangled>,
        place: Place,
    ) {
        if let Some(Mangled { what, advice }) = judge(text).filter(|_| self.checks) {
            let message = format!("`{column}`: `{text}` {what}; {advice}");
            self.warn(place, &format!("{column} {what}"), message);
        }
    }
}

/// A field that is named without a value means "none". `key` and `state` have no such value, so empty they count as absent.
fn take_away(row: &mut Row, column: &Column) {
    let grants = &mut row.grants;
    match column {
        Column::FirstName => grants.first_name = Some(String::new()),
        Column::LastName => grants.last_name = Some(String::new()),
        Column::ExternalGroupId => grants.external_group_id = Some(String::new()),
        Column::UserTimezone => grants.user_timezone = Some(String::new()),
        Column::Models => grants.models = Some(Vec::new()),
        Column::Permissions => grants.permissions = Some(Vec::new()),
        Column::GroupIds => grants.group_ids = Some(Vec::new()),
        Column::Attribute(name) => {
            grants.user_attributes.insert(name.clone(), String::new());
        }
        Column::ExternalUserId
        | Column::UserAttributes
        | Column::Key
        | Column::State
        | Column::Reason => {}
    }
}

const KEYS: [(&str, KeyWish); 3] = [
    ("none", KeyWish::None),
    ("ensure", KeyWish::Ensure),
    ("rotate", KeyWish::Rotate),
];

const STATES: [(&str, State); 2] = [("present", State::Present), ("disabled", State::Disabled)];
