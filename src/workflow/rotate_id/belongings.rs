//! What belongs to an embed user at Looker, as data: stored in a plan and compared by a check.

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
    /// UI state that Looker keeps for the user.
    pub ui_state: Option<serde_json::Value>,
    /// Whether the user may create its own API keys.
    pub can_manage_api3_creds: Option<bool>,
    /// Its personal folder, which cannot be given away.
    pub personal_folder_id: Option<String>,
    /// Its home folder.
    pub home_folder_id: Option<String>,
    /// Its time zone, if it has one of its own.
    #[serde(default)]
    pub user_timezone: Option<String>,
    /// Why the grants of its embed login cannot be determined, if so; permissions and models are empty then.
    #[serde(default)]
    pub grants_unreadable: Option<String>,
    /// The permissions of its embed role.
    pub permissions: Vec<String>,
    /// The models of its embed role.
    pub models: Vec<String>,
    /// The roles an admin assigned, without the embed role.
    pub roles: Vec<Named>,
    /// The groups it was added to, without the group of its external group.
    pub groups: Vec<Named>,
    /// The external id of the group whose members share a folder.
    pub external_group_id: Option<String>,
    /// Its own values of user attributes, by name; `None` if Looker hides the value.
    pub attributes: BTreeMap<String, Option<String>>,
    /// Values whose origin is unknown.
    #[serde(default)]
    pub unknown_attributes: Vec<UnknownValue>,
    /// All values that Looker shows for it, wherever they come from. They are compared after the move; the ledger does not
    /// need them.
    #[serde(skip)]
    pub values: Vec<AttributeValue>,
    /// Its permissions by all its roles.
    #[serde(default)]
    pub permissions_reached: BTreeSet<String>,
    /// The models that it could reach when Looker was asked as the user.
    #[serde(default)]
    pub models_reached: BTreeSet<String>,
    /// Its content, schedules, alerts, boards, favourites and content access.
    pub items: Vec<Item>,
    /// Content directly in its personal folder that belongs to someone else.
    #[serde(default)]
    pub lodgers: Vec<Item>,
    /// Whether Looker cannot search schedules, so that only those in its list are known.
    #[serde(default)]
    pub schedules_unsearched: bool,
    /// Why it may follow alerts that are not among these items, if so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub follows_unseen: Option<String>,
    /// Its API keys, which cannot be given away either.
    pub keys: Vec<OldKey>,
    /// How many browser sessions it has.
    pub sessions: usize,
}

/// Something with an id and a name.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Named {
    /// Looker's id of it.
    pub id: String,
    /// Its name.
    pub name: String,
}

/// One item of a user.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Item {
    /// Its kind.
    pub kind: ItemKind,
    /// Looker's id of it; for a favourite or a content access, the id of the record.
    pub id: String,
    /// Its title.
    pub title: String,
    /// The folder it is in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub folder: Option<String>,
    /// Whether it is directly in the user's personal folder, so that it must go to another one.
    #[serde(default, skip_serializing_if = "is_false")]
    pub at_home: bool,
    /// Whether it is in the trash.
    #[serde(default, skip_serializing_if = "is_false")]
    pub trashed: bool,
    /// Whether a schedule or an alert is enabled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// Whether an alert is private, so that only its owner can let others follow it.
    #[serde(default, skip_serializing_if = "is_false")]
    pub private: bool,
    /// Whether no list shows this followed alert, so that it is looked up by its id.
    #[serde(default, skip_serializing_if = "is_false")]
    pub unlisted: bool,
    /// The number of a schedule's destinations.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub destinations: Option<usize>,
    /// The content of a favourite or a content access: the id of its content metadata.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<String>,
    /// The level of a content access: `view` or `edit`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<String>,
}

/// The kind of an item.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ItemKind {
    /// A folder below the personal folder, with everything in it.
    Folder,
    /// A dashboard that it owns, in any folder.
    Dashboard,
    /// A look that it owns, in any folder.
    Look,
    /// Content or a board that is shared with the user by name.
    ContentAccess,
    /// A schedule that runs as the user.
    Schedule,
    /// An alert that it owns.
    Alert,
    /// Another user's alert that it follows.
    Follow,
    /// A board that it owns.
    Board,
    /// A favourite.
    Favorite,
}

impl ItemKind {
    /// All kinds, in the order in which they move: folders before their content, and content access before what needs access.
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

    /// The word for one item.
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

    /// The word for several, as a JSON field.
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
    /// The items of one kind.
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
    /// An item of this kind.
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

    /// What identifies the item across users: favourites and content access are records that are created anew.
    pub(super) fn key(&self) -> (ItemKind, &str) {
        // The id of such a record changes when it is created anew, the id of its content does not.
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
