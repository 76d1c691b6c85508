//! The columns of a manifest: their names, and how a value of each goes into a row.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use crate::manifest::node::Node;
use crate::manifest::problem::{Place, Placed, Problem};
use crate::manifest::{Item, Known};
use crate::plan::{KeyWish, Row, State};
use crate::report::nearest;
use crate::signed_url::refuse_id;

/// A column of CSV, or a key of a user in JSON and YAML.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Column {
    ExternalUserId,
    FirstName,
    LastName,
    Models,
    Permissions,
    GroupIds,
    ExternalGroupId,
    UserTimezone,
    UserAttributes,
    Key,
    State,
    /// Why a row failed; ignored on reading.
    Reason,
    /// `attr.NAME`, in CSV only.
    Attribute(String),
}

/// Their names, in the order of writing.
pub(super) const NAMES: [(&str, Column); 12] = [
    ("external_user_id", Column::ExternalUserId),
    ("first_name", Column::FirstName),
    ("last_name", Column::LastName),
    ("models", Column::Models),
    ("permissions", Column::Permissions),
    ("group_ids", Column::GroupIds),
    ("external_group_id", Column::ExternalGroupId),
    ("user_timezone", Column::UserTimezone),
    ("user_attributes", Column::UserAttributes),
    ("key", Column::Key),
    ("state", Column::State),
    ("reason", Column::Reason),
];

/// The prefix of an attribute's column in CSV.
pub(super) const ATTRIBUTE: &str = "attr.";

/// What a reader has found but not returned yet, and what it checks values against.
pub(super) struct Sheet {
    known: Option<Arc<Known>>,
    found: VecDeque<Item>,
    /// The warnings already given, up to a hundred.
    doubted: BTreeSet<String>,
}

impl Sheet {
    pub(super) fn new(known: Option<Arc<Known>>) -> Self {
        Self {
            known,
            found: VecDeque::new(),
            doubted: BTreeSet::new(),
        }
    }

    /// The oldest item not returned yet.
    pub(super) fn pop(&mut self) -> Option<Item> {
        self.found.pop_front()
    }

    pub(super) fn problem(&mut self, problem: Problem) {
        self.found.push_back(Item::Problem(problem));
    }

    fn problem_at(&mut self, place: Place, message: impl std::fmt::Display) {
        self.problem(Problem::at(place, message));
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

    /// Warn about permissions that are probably a mistake, once for each.
    fn doubt(&mut self, row: &Row, place: Place) {
        let (Some(known), Some(permissions)) = (&self.known, &row.grants.permissions) else {
            return;
        };
        let in_groups = row
            .grants
            .group_ids
            .as_ref()
            .is_some_and(|groups| !groups.is_empty());
        for doubt in known.doubts(permissions, in_groups) {
            // The same doubt in 10,000 rows is one mistake, usually in a column.
            if self.doubted.len() < 100 && self.doubted.insert(doubt.clone()) {
                let warning = Problem::at(place, doubt);
                self.found.push_back(Item::Warning(warning));
            }
        }
    }

    /// The column called `name`, unless it is unknown or already in `before`.
    pub(super) fn column(
        &mut self,
        name: &Placed<String>,
        before: &[Column],
        csv: bool,
    ) -> Option<Column> {
        let Placed { place, value } = name;
        let known = NAMES.iter().find(|(known, _)| known == value);
        let column = match known {
            // A cell cannot hold an object.
            Some((_, column)) if !csv || *column != Column::UserAttributes => column.clone(),
            _ => match value.strip_prefix(ATTRIBUTE).filter(|_| csv) {
                Some(attribute) => {
                    self.value(*place, |known| known.attribute(attribute));
                    Column::Attribute(attribute.to_owned())
                }
                None => {
                    self.problem_at(*place, unknown(value, csv));
                    return None;
                }
            },
        };
        if before.contains(&column) {
            self.problem_at(*place, format!("`{value}` is here twice"));
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
            Column::FirstName => row.grants.first_name = self.text(column, node),
            Column::LastName => row.grants.last_name = self.text(column, node),
            Column::ExternalGroupId => row.grants.external_group_id = self.text(column, node),
            Column::UserTimezone => {
                row.grants.user_timezone = self.text(column, node);
                self.value(place, |known| {
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
                    self.value(place, |known| known.value(name, &value));
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
        self.problem_at(node.place, format!("`{}` must be text", name(column)));
        None
    }

    fn list(
        &mut self,
        column: &Column,
        node: &Placed<Node>,
        check: impl Fn(&Known, &str) -> Option<String>,
    ) -> Option<Vec<String>> {
        let Node::List(items) = &node.value else {
            let message = format!("`{}` must be a list, as in `[a, b]`", name(column));
            self.problem_at(node.place, message);
            return None;
        };
        let mut list = Vec::new();
        for item in items {
            let Some(text) = self.text(column, item) else {
                continue;
            };
            self.value(item.place, |known| check(known, &text));
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
            self.value(name.place, |known| known.attribute(&name.value));
            match &value.value {
                Node::Null => {
                    // The same as an empty cell in CSV.
                    let none = String::new();
                    row.grants.user_attributes.insert(name.value.clone(), none);
                }
                Node::Text(text) => {
                    self.value(value.place, |known| known.value(&name.value, text));
                    row.grants
                        .user_attributes
                        .insert(name.value.clone(), text.clone());
                }
                _ => {
                    let message = format!("the user attribute `{}` must be text", name.value);
                    self.problem_at(value.place, message);
                }
            }
        }
    }

    fn word<T: Copy>(
        &mut self,
        column: &Column,
        node: &Placed<Node>,
        words: &[(&str, T)],
    ) -> Option<T> {
        let text = self.text(column, node)?;
        let known = words.iter().find(|(word, _)| *word == text.trim());
        if known.is_none() {
            let words: Vec<_> = words.iter().map(|(word, _)| format!("`{word}`")).collect();
            let message = format!("`{}` is {}, not `{text}`", name(column), words.join(" or "));
            self.problem_at(node.place, message);
        }
        known.map(|(_, value)| *value)
    }

    fn value(&mut self, place: Place, check: impl FnOnce(&Known) -> Option<String>) {
        if let Some(message) = self.known.as_deref().and_then(check) {
            self.problem_at(place, message);
        }
    }

    fn check_id(&mut self, id: &str, place: Place) {
        if let Err(why) = refuse_id(id) {
            self.problem_at(place, format!("the `external_user_id` {why}"));
        } else if id.trim() != id {
            let message = format!(
                "the `external_user_id` starts or ends with a space, which is part of it: `{id}`"
            );
            self.found
                .push_back(Item::Warning(Problem::at(place, message)));
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

fn name(column: &Column) -> String {
    if let Column::Attribute(attribute) = column {
        return format!("{ATTRIBUTE}{attribute}");
    }
    let known = NAMES.iter().find(|(_, known)| known == column);
    known.map(|(name, _)| *name).unwrap_or_default().to_owned()
}

fn unknown(name: &str, csv: bool) -> String {
    let what = if csv { "column" } else { "key" };
    if csv && name == "user_attributes" {
        return "in CSV each user attribute has its own column, called `attr.NAME`".to_owned();
    }
    // A file that a spreadsheet saved with another separator is one long column.
    if csv && (name.contains(';') || name.contains('\t')) {
        return format!("there is no column `{name}`; separate columns by commas");
    }
    match nearest(name, NAMES.iter().map(|(name, _)| *name)) {
        Some(meant) => format!("there is no {what} `{name}`; did you mean `{meant}`?"),
        None => format!("there is no {what} `{name}`"),
    }
}
