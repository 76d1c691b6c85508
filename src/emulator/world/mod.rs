//! The world: everything this Looker knows, as plain data without HTTP.

pub(crate) mod activity;
pub(crate) mod alerts;
pub(crate) mod attributes;
pub(crate) mod boards;
pub(crate) mod connections;
pub(crate) mod content;
pub(crate) mod content_access;
pub(crate) mod dashboard_parts;
mod delete_user;
pub(crate) mod embed;
pub(crate) mod explores;
pub(crate) mod favorites;
pub(crate) mod folders;
pub(crate) mod groups;
pub(crate) mod history;
pub(crate) mod instance;
pub(crate) mod keys;
pub(crate) mod kinds;
pub(crate) mod permissions;
pub(crate) mod queries;
pub(crate) mod random;
pub(crate) mod roles;
pub(crate) mod schedules;
mod seed;
mod seed_content;
pub(crate) mod sessions;
pub(crate) mod settings;
mod table;
pub(crate) mod tasks;
pub(crate) mod users;

use crate::emulator::switches::{Mode, Switches};
use crate::emulator::text::api_time;

pub(crate) use seed::Seed;
pub(crate) use table::Id;

/// Everything this Looker knows.
#[derive(Debug)]
pub(crate) struct World {
    /// The time of the call that is being answered, in seconds.
    pub(crate) now: i64,
    /// How many calls there have been.
    pub(crate) calls: u64,
    pub(crate) random: random::Source,
    pub(crate) rules: Rules,
    pub(crate) users: users::Users,
    pub(crate) keys: keys::Keys,
    pub(crate) tokens: keys::Tokens,
    pub(crate) sessions: sessions::Sessions,
    pub(crate) nonces: sessions::Nonces,
    pub(crate) cookieless: embed::Cookieless,
    pub(crate) embed_secrets: embed::EmbedSecrets,
    pub(crate) groups: groups::Groups,
    pub(crate) roles: roles::Roles,
    pub(crate) attributes: attributes::Attributes,
    pub(crate) settings: settings::Settings,
    pub(crate) folders: folders::Folders,
    pub(crate) content: content::Content,
    pub(crate) connections: connections::Connections,
    pub(crate) instance: instance::Instance,
    /// When this world began, in seconds.
    pub(crate) started_at: i64,
}

/// How this Looker behaves.
#[derive(Clone, Debug)]
pub(crate) struct Rules {
    pub(crate) mode: Mode,
    pub(crate) switches: Switches,
    /// How long a token lives.
    pub(crate) token_seconds: i64,
    /// What is odd is refused; Looker passes over it.
    pub(crate) strict: bool,
    /// `http` or `https`.
    pub(crate) scheme: &'static str,
}

impl World {
    /// A time in seconds as the API of this Looker writes it.
    pub(crate) fn time(&self, seconds: i64) -> String {
        api_time(seconds, self.rules.switches.timestamps)
    }
}

/// `id` as Looker's API shows it.
pub(crate) fn id_text(id: Id) -> String {
    id.to_string()
}

/// `ids` as Looker's API shows them.
pub(crate) fn id_texts(ids: &[Id]) -> Vec<String> {
    ids.iter().copied().map(id_text).collect()
}
