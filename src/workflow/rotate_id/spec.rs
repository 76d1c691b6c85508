//! The goal and the results of a change of an `external_user_id`, as data.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::workflow::rotate_id::belongings::{Belongings, Item, ItemKind};
use crate::workflow::user_spec::UserSpec;

/// A person who gets another `external_user_id`, with everything that belongs to it.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct RotateIdSpec {
    /// The desired state of the new user.
    pub user: UserSpec,
    /// What belonged to the old user when the plan was made.
    pub from: Belongings,
    /// What the new user had then, if it already existed.
    pub into: Option<Belongings>,
    /// What happens to the old user.
    pub old: OldEnd,
    /// Whether attribute values of unknown origin count as the users' own.
    #[serde(default)]
    pub take_unknown: bool,
    /// What stays with the old user, as announced beforehand.
    pub stays: Vec<NotMoved>,
    /// What this release of Looker cannot give to another user; if there is anything here, nothing is moved.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stuck: Vec<NotMoved>,
}

/// What happens to the old user once everything has moved.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum OldEnd {
    /// It can no longer log in.
    #[default]
    Disable,
    /// It is deleted, which cannot be undone.
    Delete,
    /// It stays as it is, with its keys and sessions.
    Keep,
}

impl OldEnd {
    /// The word for it once it is done.
    pub const fn done(self) -> &'static str {
        match self {
            Self::Disable => "disabled",
            Self::Delete => "deleted",
            Self::Keep => "kept",
        }
    }
}

/// An item that stays where it was, and why.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct NotMoved {
    /// Its kind: the word of an [`ItemKind`], or `query history`.
    pub kind: String,
    /// Looker's id of it, if it has one.
    pub id: Option<String>,
    /// Its title.
    pub title: Option<String>,
    /// Why it stays.
    pub reason: String,
}

impl NotMoved {
    /// `item` stays, for this reason.
    pub(super) fn item(item: &Item, reason: impl Into<String>) -> Self {
        Self {
            kind: item.kind.word().to_owned(),
            id: Some(item.id.clone()),
            title: Some(item.title.clone()),
            reason: reason.into(),
        }
    }

    /// Something of this kind stays, for this reason.
    pub(super) fn of(kind: &str, reason: impl Into<String>) -> Self {
        Self {
            kind: kind.to_owned(),
            id: None,
            title: None,
            reason: reason.into(),
        }
    }

    pub(super) fn is(&self, item: &Item) -> bool {
        self.kind == item.kind.word() && self.id.as_ref() == Some(&item.id)
    }
}

impl fmt::Display for NotMoved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            kind,
            id,
            title,
            reason,
        } = self;
        f.write_str(kind)?;
        if let Some(id) = id {
            write!(f, " {id}")?;
        }
        // An item without a title is known by its id.
        if let Some(title) = title.as_ref().filter(|title| !title.is_empty()) {
            write!(f, " `{title}`")?;
        }
        write!(f, ": {reason}")
    }
}

/// The results so far.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct RotatedId {
    /// The old user's ids.
    pub from: Ids,
    /// How many items of each kind have moved, by their plural.
    pub moved: BTreeMap<String, usize>,
    /// Items that got another name because theirs was taken.
    pub renamed: Vec<Renamed>,
    /// What stays with the old user for a reason known beforehand, or found on the way and no loss.
    pub not_moved: Vec<NotMoved>,
    /// Items that Looker refused to move; the old user is not retired while there are any.
    pub refused: Vec<NotMoved>,
    /// What happened to the old user; `None` until it is done.
    pub old: Option<OldEnd>,
}

/// The two ids of a user.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Ids {
    /// The company's.
    pub external_user_id: String,
    /// Looker's.
    pub looker_user_id: Option<String>,
}

/// An item that got another name.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Renamed {
    /// What it is.
    pub kind: ItemKind,
    /// Looker's id of it.
    pub id: String,
    /// Its former name.
    pub from: String,
    /// Its new name.
    pub to: String,
}

impl RotatedId {
    /// No results yet.
    pub(crate) fn of(spec: &RotateIdSpec) -> Self {
        Self {
            from: Ids {
                external_user_id: spec.from.external_user_id.clone(),
                looker_user_id: Some(spec.from.looker_user_id.clone()),
            },
            not_moved: spec.stays.clone(),
            // With `--old keep` the steps that would set this are skipped.
            old: (spec.old == OldEnd::Keep).then_some(OldEnd::Keep),
            ..Self::default()
        }
    }
}

impl RotateIdSpec {
    /// The items of one kind that move.
    pub(crate) fn moving(&self, kind: ItemKind) -> impl Iterator<Item = &Item> {
        // What was announced to stay is not touched.
        let stays = |item: &&Item| self.stays.iter().any(|stays| stays.is(item));
        self.from.of(kind).filter(move |item| !stays(item))
    }
}
