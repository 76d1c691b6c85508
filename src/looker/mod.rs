//! The client of Looker's API 4.0: one short method per endpoint, one file per resource.
//!
//! A [`Client`] is one identity: an API key, or an access token got with `login_user`. All identities share one
//! [`Http`], which holds the connections, the pace and the count of calls. Facts about the API are from Looker's OpenAPI
//! description, and from its official SDKs where the description is silent.

mod alerts;
mod attributes;
mod auth;
mod boards;
mod body;
mod call;
mod client;
mod content;
mod content_access;
mod credentials_embed;
mod embed;
mod embed_role;
mod error;
mod failure;
mod favorites;
mod fields;
mod folders;
mod foreign;
mod groups;
mod hints;
mod http;
mod judge;
mod keys;
mod models;
mod operations;
mod options;
mod own_values;
mod pace;
mod pages;
mod path;
mod request;
mod retry;
mod roles;
mod schedules;
mod sessions;
mod setting;
mod tls;
mod trace;
mod transport;
mod users;
mod versions;
mod width;

pub use alerts::Alert;
pub use attributes::{AttributeValue, GroupValue, UserAttribute};
pub use auth::{AccessToken, ApiKey};
pub use boards::Board;
pub use call::RawAnswer;
pub use client::Client;
pub use content::{Content, ContentChanges, ContentKind};
pub use content_access::ContentAccess;
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
pub use models::{Explore, LookmlModel, Permission};
pub use operations::{Field, FieldKind, Operation};
pub use options::HttpOptions;
pub use own_values::{Origin, OwnValueReader, OwnValues, UnknownValue};
pub use roles::{ModelSet, PermissionSet, Role};
pub use schedules::ScheduledPlan;
pub use sessions::Session;
pub use setting::EmbedConfig;
pub use trace::{Exchange, NoTrace, Trace};
pub use users::{User, UserChanges, UserSearch};
pub use versions::{Release, Versions};
