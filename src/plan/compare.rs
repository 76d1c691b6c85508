//! Compares what is wanted of a user with what it has, field by field.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::plan::decide::{Action, Change, Difference, KeyChange};
use crate::plan::known_grants::KnownGrants;
use crate::plan::row::{KeyWish, KnownAttribute};
use crate::workflow::AttributeEdit;

impl Change {
    pub(super) fn differs(&mut self, field: &str, from: Value, to: Value) {
        self.differences.push(Difference {
            field: field.to_owned(),
            from,
            to,
        });
    }

    pub(super) fn list(&mut self, field: &str, is: Option<&Vec<String>>, wanted: &[String]) {
        let set = |list: &[String]| list.iter().cloned().collect::<BTreeSet<_>>();
        if let Some(is) = is.filter(|is| set(is) != set(wanted)) {
            self.differs(field, json!(is), json!(wanted));
        }
    }

    /// Groups differ where the last login had others, or where Looker no longer shows the user in one of them.
    pub(super) fn groups(&mut self, is: Option<&Vec<String>>, wanted: &[String], shown: &[String]) {
        if wanted.iter().all(|group| shown.contains(group)) {
            self.list("group_ids", is, wanted);
        } else {
            self.differs("group_ids", json!(shown), json!(wanted));
        }
    }

    pub(super) fn text(&mut self, field: &str, is: Option<&String>, wanted: Option<&String>) {
        if is != wanted {
            self.differs(field, json!(is), json!(wanted));
        }
    }

    /// Values that differ, and those that an earlier run gave and that are wanted no more.
    pub(super) fn attributes(
        &mut self,
        granted: &KnownGrants,
        wanted: &BTreeMap<String, String>,
        known: &BTreeMap<String, KnownAttribute>,
    ) {
        let Some(is) = &granted.attributes else {
            return;
        };
        let none = None;
        let changed = wanted.iter().filter_map(|(name, value)| {
            let is = is.get(name).unwrap_or(&none);
            (is.as_ref() != Some(value)).then_some((name, Some(value)))
        });
        let gone = is
            .keys()
            .filter(|name| granted.from_ledger && !wanted.contains_key(*name));
        let edits: Vec<_> = changed.chain(gone.map(|name| (name, None))).collect();
        for (name, value) in edits {
            let from = is.get(name).cloned().flatten();
            self.differs(&format!("attr.{name}"), json!(from), json!(value));
            // One that Looker does not know cannot be set; a login forgets it without a word.
            if let Some(attribute) = known.get(name) {
                self.attributes.push(AttributeEdit {
                    id: attribute.id.clone(),
                    name: name.clone(),
                    value: value.cloned(),
                });
            }
        }
        if self.login {
            // The login carries them all.
            self.attributes.retain(|edit| edit.value.is_none());
        }
    }

    pub(super) fn wish(&mut self, wish: KeyWish, has_key: bool) {
        self.key = match wish {
            KeyWish::None => KeyChange::None,
            KeyWish::Ensure if has_key => KeyChange::None,
            KeyWish::Rotate if self.action != Action::Create => KeyChange::Rotate,
            KeyWish::Ensure | KeyWish::Rotate => KeyChange::Mint,
        };
        if self.key != KeyChange::None && self.action == Action::Unchanged {
            self.action = Action::Key;
        }
    }
}
