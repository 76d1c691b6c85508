//! The world a new emulator starts with: an administrator with a key, and a demo model, group and dashboard.

use crate::emulator::switches::Mode;
use crate::emulator::world::attributes::Attributes;
use crate::emulator::world::connections::{CONNECTION, Connections};
use crate::emulator::world::content::Content;
use crate::emulator::world::embed::{Cookieless, EmbedSecret, EmbedSecrets};
use crate::emulator::world::explores::Explore;
use crate::emulator::world::folders::Folders;
use crate::emulator::world::groups::{Group, Groups};
use crate::emulator::world::instance::Instance;
use crate::emulator::world::keys::{Keys, Tokens};
use crate::emulator::world::random::Source;
use crate::emulator::world::roles::{Model, Role, Roles, Set};
use crate::emulator::world::sessions::{Nonces, Sessions};
use crate::emulator::world::settings::Settings;
use crate::emulator::world::users::{User, Users};
use crate::emulator::world::{Rules, World};
use crate::secret::{ExposeSecret as _, SecretString};
use crate::signed_url::Algorithm;

/// What a new world is made from.
#[derive(Clone, Debug)]
pub(crate) struct Seed {
    pub(crate) now: i64,
    pub(crate) random: Source,
    pub(crate) rules: Rules,
    pub(crate) client_id: String,
    pub(crate) client_secret: SecretString,
    pub(crate) embed_secret: SecretString,
    pub(crate) algorithm: Algorithm,
    pub(crate) embed_enabled: bool,
    /// How many embed users there are at the start.
    pub(crate) users: usize,
}

impl World {
    /// The world a new emulator starts with.
    pub(crate) fn new(seed: &Seed) -> Self {
        let mut world = Self {
            now: seed.now,
            calls: 0,
            random: seed.random.clone(),
            rules: seed.rules.clone(),
            users: Users::default(),
            keys: Keys::default(),
            tokens: Tokens::default(),
            sessions: Sessions::default(),
            nonces: Nonces::default(),
            cookieless: Cookieless::default(),
            embed_secrets: EmbedSecrets::default(),
            groups: Groups::default(),
            roles: demo_roles(),
            attributes: Attributes::demo(),
            settings: Settings {
                embed_enabled: seed.embed_enabled,
                sso_auth_enabled: seed.embed_enabled,
                ..Settings::default()
            },
            folders: Folders::default(),
            content: Content::default(),
            connections: Connections::demo(seed.now),
            instance: Instance::default(),
            started_at: seed.now,
        };
        // In this order: the groups and the administrator are named by the content.
        world.add_root_folders();
        world.add_demo_groups();
        world.add_administrator(seed);
        world.add_demo_content();
        world.embed_secrets.0.insert(EmbedSecret {
            secret: seed.embed_secret.clone(),
            algorithm: seed.algorithm,
            enabled: true,
            jwt: false,
        });
        for number in 1..=seed.users {
            world.ensure_embed_user(&format!("user-{number}"));
        }
        world
    }

    fn add_administrator(&mut self, seed: &Seed) {
        let administrator = self.add_user(User {
            first_name: Some("Ada".into()),
            last_name: Some("Admin".into()),
            email: Some("admin@example.com".into()),
            roles: vec![ADMIN_ROLE],
            // On Looker (Google Cloud core) only a service account has API keys of an admin.
            is_service_account: seed.rules.mode == Mode::Core,
            ..User::default()
        });
        self.add_key(
            administrator,
            &seed.client_id,
            seed.client_secret.expose_secret(),
        );
    }

    fn add_demo_groups(&mut self) {
        self.groups.add(Group {
            name: "All Users".to_owned(),
            include_by_default: true,
            can_add_to_content_metadata: true,
            ..Group::default()
        });
        self.groups.add(Group {
            name: "Demo".to_owned(),
            can_add_to_content_metadata: true,
            roles: vec![VIEWER_ROLE],
            ..Group::default()
        });
    }
}

/// Recorded: 2 is the role of administrators on every instance.
const ADMIN_ROLE: u32 = 2;
const VIEWER_ROLE: u32 = 3;

fn demo_roles() -> Roles {
    let mut roles = Roles::default();
    roles.models.push(Model {
        name: "demo".to_owned(),
        label: "Demo".to_owned(),
        project: "demo".to_owned(),
        explores: vec![Explore::named("orders")],
        connections: vec![CONNECTION.to_owned()],
        ..Model::default()
    });
    roles.models.push(Model {
        name: "extension-api-explorer".to_owned(),
        label: "API Explorer".to_owned(),
        project: "extension-api-explorer".to_owned(),
        explores: vec![Explore::named("user")],
        internal: true,
        ..Model::default()
    });
    roles.model_sets.insert(Set {
        name: "All".to_owned(),
        members: Vec::new(),
        all_access: true,
        built_in: true,
        embedded: false,
    });
    for (name, permissions) in PERMISSION_SETS {
        roles.permission_sets.insert(Set {
            name: (*name).to_owned(),
            members: permissions
                .iter()
                .map(|permission| (*permission).to_owned())
                .collect(),
            // No names means all.
            all_access: permissions.is_empty(),
            built_in: true,
            embedded: false,
        });
    }
    for (name, permission_set) in ROLES {
        roles.table.insert(Role {
            name: (*name).to_owned(),
            permission_set: *permission_set,
            model_set: 1,
            embedded: false,
        });
    }
    roles
}

/// The roles every instance has, from 1 on, each with its permission set. Recorded: `User` is 1 and `Admin` 2; that
/// there are others of these names is recorded too, but not their ids.
const ROLES: &[(&str, u32)] = &[("User", 3), ("Admin", 1), ("Viewer", 4), ("Developer", 2)];

/// The permission sets every instance has, from 1 on; no permissions stand for all of them. Recorded: 1 is `Admin`, 2
/// `Developer` and 3 `User`; what is in the last three is a choice.
const PERMISSION_SETS: &[(&str, &[&str])] = &[
    ("Admin", &[]),
    (
        "Developer",
        &[
            "access_data",
            "see_lookml_dashboards",
            "see_looks",
            "see_user_dashboards",
            "explore",
            "save_content",
            "download_with_limit",
            "see_sql",
            "see_lookml",
            "develop",
            "deploy",
            "use_sql_runner",
        ],
    ),
    (
        "User",
        &[
            "access_data",
            "see_lookml_dashboards",
            "see_looks",
            "see_user_dashboards",
            "explore",
            "save_content",
            "download_with_limit",
            "schedule_look_emails",
            "create_alerts",
        ],
    ),
    (
        "Viewer",
        &[
            "access_data",
            "see_lookml_dashboards",
            "see_looks",
            "see_user_dashboards",
        ],
    ),
];
