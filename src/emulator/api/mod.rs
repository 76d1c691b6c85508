//! The operations of the API, one file per resource, named as in `src/looker/`.

mod attributes;
mod auth;
mod credentials_embed;
mod embed;
mod embed_secrets;
mod embed_urls;
mod groups;
mod keys;
mod models;
mod roles;
mod sessions;
mod setting;
mod user_json;
mod users;
mod versions;

use serde_json::{Value, json};

use crate::emulator::operation::Operation;

/// Every operation there is, by resource.
pub(crate) const OPERATIONS: &[&[Operation]] = &[
    attributes::OPERATIONS,
    auth::OPERATIONS,
    credentials_embed::OPERATIONS,
    embed::OPERATIONS,
    embed_secrets::OPERATIONS,
    embed_urls::OPERATIONS,
    groups::OPERATIONS,
    keys::OPERATIONS,
    models::OPERATIONS,
    roles::OPERATIONS,
    sessions::OPERATIONS,
    setting::OPERATIONS,
    users::OPERATIONS,
    versions::OPERATIONS,
];

/// The `url` of a thing, which on real instances names an inside address.
fn inside_url(path: &str) -> Value {
    json!(format!("https://localhost:19999/api/4.0{path}"))
}
