//! The client for Looker's API 4.0: one short method per endpoint, one file per resource.
//!
//! A [`Client`] is one identity: an API key, or an access token from `login_user`. All identities share one [`Http`], which
//! holds the connections, the rate limit and the number of calls. Facts about the API come from Looker's OpenAPI
//! description, and from its official SDKs if the description is silent.

mod alerts;
mod answer;
mod api_key;
mod attributes;
mod auth;
mod boards;
mod call;
mod client;
mod content;
mod content_access;
mod credentials_embed;
mod embed;
mod embed_role;
mod error;
mod favorites;
mod fields;
mod folders;
mod foreign;
mod groups;
mod hints;
mod http;
mod keys;
mod login;
mod models;
mod operations;
mod options;
mod own_values;
mod pages;
mod path;
mod permissions;
mod queries;
mod request;
mod response;
mod retry;
mod roles;
mod schedules;
mod sessions;
mod setting;
mod silence;
mod tiles;
mod timestamp;
mod transport_error;
mod users;
mod versions;

pub use crate::net::{Exchange, NoTrace, Proxy, Trace, UsedProxy, Waiting};

pub use alerts::Alert;
pub use api_key::ApiKey;
pub use attributes::{AttributeValue, GroupValue, UserAttribute};
pub use auth::AccessToken;
pub use boards::Board;
pub use call::RawAnswer;
pub use client::{Client, Removal};
pub use content::{Content, ContentChanges, ContentKind};
pub use content_access::{ContentAccess, ContentMeta};
pub use credentials_embed::CredentialsEmbed;
pub use embed::{CookielessLogin, CookielessSession};
pub use embed_role::{EmbedGrants, GrantsUnreadable, ListedRoles, RoleReach, embed_grants};
pub use error::{FieldError, LookerError, TlsProblem};
pub use favorites::Favorite;
pub use folders::{Folder, FolderChanges};
pub use foreign::Foreign;
pub use groups::Group;
pub use http::{Http, Landing};
pub use keys::{Api3Key, NewApi3Key};
pub use models::{Explore, LookmlModel};
pub use operations::{Field, FieldKind, Operation};
pub use options::HttpOptions;
pub use own_values::{Origin, OwnValueReader, OwnValues, UnknownValue, shown_timezone};
pub use pages::Pager;
pub use permissions::Permission;
pub use queries::{AccessFilter, Query, Ran};
pub use roles::{ModelSet, PermissionSet, Role};
pub use schedules::ScheduledPlan;
pub use sessions::Session;
pub use setting::EmbedConfig;
pub use tiles::{DashboardFilter, Shown, Tile};
pub use timestamp::When;

pub use users::{User, UserChanges, UserPages, UserSearch};
pub use versions::{Release, Versions};
