//! What belongs to an embed user at Looker, as data: what a plan keeps of it and what a check compares.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::looker::{AttributeValue, UnknownValue};
use crate::workflow::old_key::OldKey;

/// Everything that belongs to an embed user, as Looker showed it at one time.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct Belongings {
    /// The company's id of the user.
    pub external_user_id: String,
    /// Looker's id of it.
    pub looker_user_id: String,
    /// The first name.
    pub first_name: Option<String>,
    /// The last name.
    pub last_name: Option<String>,
    /// The locale.
    pub locale: Option<String>,
    /// What Looker's pages remember of the user.
    pub ui_state: Option<serde_json::Value>,
    /// Whether the user may make API keys for itself.
    pub can_manage_api3_creds: Option<bool>,
    /// Its own folder, which cannot be given away.
    pub personal_folder_id: Option<String>,
    /// The folder it starts in.
    pub home_folder_id: Option<String>,
    /// Its time zone, if it has one of its own.
    #[serde(default)]
    pub user_timezone: Option<String>,
    /// Why nobody can tell what its embed login gave it, if so; permissions and models are empty then.
    #[serde(default)]
    pub grants_unreadable: Option<String>,
    /// The permissions of its embed role.
    pub permissions: Vec<String>,
    /// The models of its embed role.
    pub models: Vec<String>,
    /// The roles an admin gave it, without the embed role.
    pub roles: Vec<Named>,
    /// The groups it is in by name, without that of its external group.
    pub groups: Vec<Named>,
    /// The company's id of the group whose members share a folder.
    pub external_group_id: Option<String>,
    /// Its own values of user attributes, by name; `None` where Looker hides the value.
    pub attributes: BTreeMap<String, Option<String>>,
    /// Values of which embedctl cannot tell whether they are its own.
    #[serde(default)]
    pub unknown_attributes: Vec<UnknownValue>,
    /// All values that Looker shows for it, wherever they come from. They are compared when things have moved, and the
    /// ledger needs none of them.
    #[serde(skip)]
    pub values: Vec<AttributeValue>,
    /// What it may do by all its roles.
    #[serde(default)]
    pub permissions_reached: BTreeSet<String>,
    /// The models that it was seen to reach when Looker was asked as the user.
    #[serde(default)]
    pub models_reached: BTreeSet<String>,
    /// What it has made, owns, follows, likes and was let into.
    pub items: Vec<Item>,
    /// What lies right in its personal folder and is somebody else's.
    #[serde(default)]
    pub lodgers: Vec<Item>,
    /// Whether Looker has no search for schedules, so that only those are known which its list shows.
    #[serde(default)]
    pub schedules_unsearched: bool,
    /// Why it may follow alerts that are not among these things, if so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub follows_unseen: Option<String>,
    /// Its API keys, which cannot be given away either.
    pub keys: Vec<OldKey>,
    /// How many sessions it has open.
    pub sessions: usize,
}

/// Something that has an id and a name.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Named {
    /// Looker's id of it.
    pub id: String,
    /// What people call it.
    pub name: String,
}

/// One thing of a user.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Item {
    /// What it is.
    pub kind: ItemKind,
    /// Looker's id of it; of a favourite or an access, of the record that says so.
    pub id: String,
    /// What people call it.
    pub title: String,
    /// The folder it lies in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub folder: Option<String>,
    /// Whether it lies right in the user's personal folder, so that it has to go to another one.
    #[serde(default, skip_serializing_if = "is_false")]
    pub at_home: bool,
    /// Whether it is in the trash.
    #[serde(default, skip_serializing_if = "is_false")]
    pub trashed: bool,
    /// Whether it is at work: a schedule that is enabled, an alert that is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// Whether an alert is not public, so that nobody else can come to follow it.
    #[serde(default, skip_serializing_if = "is_false")]
    pub private: bool,
    /// Whether no list shows an alert that the user follows, so that it is asked for by its id.
    #[serde(default, skip_serializing_if = "is_false")]
    pub unlisted: bool,
    /// How many places a schedule sends to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub destinations: Option<usize>,
    /// What a favourite or an access is of: the id of its content metadata.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<String>,
    /// How far an access goes: `view` or `edit`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<String>,
}

/// What one thing of a user is.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ItemKind {
    /// A folder below the personal one, with all that is in it.
    Folder,
    /// A dashboard that it owns, wherever it lies.
    Dashboard,
    /// A look that it owns, wherever it lies.
    Look,
    /// Content or a board that names the user among those who may see or change it.
    ContentAccess,
    /// A schedule that runs as the user.
    Schedule,
    /// An alert that it owns.
    Alert,
    /// An alert of somebody else that it follows.
    Follow,
    /// A board that it owns.
    Board,
    /// A favourite.
    Favorite,
}

impl ItemKind {
    /// All kinds, in the order in which they move: folders before what lies in them, and what the user was let into
    /// before what takes being let in.
    pub const ALL: [Self; 9] = [
        Self::Folder,
        Self::Dashboard,
        Self::Look,
        Self::ContentAccess,
        Self::Schedule,
        Self::Alert,
        Self::Follow,
        Self::Board,
        Self::Favorite,
    ];

    /// The word for one of them.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Folder => "folder",
            Self::Dashboard => "dashboard",
            Self::Look => "look",
            Self::ContentAccess => "access",
            Self::Schedule => "schedule",
            Self::Alert => "alert",
            Self::Follow => "followed alert",
            Self::Board => "board",
            Self::Favorite => "favorite",
        }
    }

    /// The word for many of them, as a field of JSON.
    pub const fn plural(self) -> &'static str {
        match self {
            Self::Folder => "folders",
            Self::Dashboard => "dashboards",
            Self::Look => "looks",
            Self::ContentAccess => "content_access",
            Self::Schedule => "schedules",
            Self::Alert => "alerts",
            Self::Follow => "followed_alerts",
            Self::Board => "boards",
            Self::Favorite => "favorites",
        }
    }
}

impl Belongings {
    /// The things of one kind.
    pub fn of(&self, kind: ItemKind) -> impl Iterator<Item = &Item> {
        self.items.iter().filter(move |item| item.kind == kind)
    }

    /// The attributes whose values Looker hides, by name.
    pub fn hidden_attributes(&self) -> impl Iterator<Item = &str> {
        let hidden = self.attributes.iter().filter(|(_, value)| value.is_none());
        hidden.map(|(name, _)| name.as_str())
    }
}

impl Item {
    /// Something of this kind.
    pub(super) fn new(kind: ItemKind, id: impl Into<String>, title: impl Into<String>) -> Self {
        Self {
            kind,
            id: id.into(),
            title: title.into(),
            folder: None,
            at_home: false,
            trashed: false,
            enabled: None,
            private: false,
            unlisted: false,
            destinations: None,
            content: None,
            level: None,
        }
    }

    /// What stays the same when the thing changes hands: a favourite and an access are records that are made anew.
    pub(super) fn key(&self) -> (ItemKind, &str) {
        (self.kind, self.content.as_deref().unwrap_or(&self.id))
    }
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde gives it by reference"
)]
const fn is_false(flag: &bool) -> bool {
    !*flag
}
