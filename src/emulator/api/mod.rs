//! The operations of the API, one file per resource, named such as `src/looker/`.

mod alert_json;
mod alerts;
mod attributes;
mod auth;
mod board_json;
mod board_parts;
mod boards;
mod color_collections;
mod connections;
mod content_access;
mod content_changes;
mod content_json;
mod content_search;
mod credentials_email;
mod credentials_embed;
mod credentials_other;
mod dashboard_elements;
mod dashboard_filters;
mod dashboard_layouts;
mod dashboard_parts_json;
mod dashboards;
mod dashboards_and_looks;
mod datagroups;
mod embed;
mod embed_secrets;
mod embed_urls;
mod favorites;
mod folders;
mod group_values;
mod groups;
mod groups_in_groups;
mod images;
mod instance_forms;
mod keys;
mod look_json;
mod lookml_content;
mod lookml_folder;
mod lookml_import;
mod looks;
mod models;
mod nothing_there;
mod places;
mod projects;
mod queries;
mod query_json;
mod query_results;
mod query_rows;
mod query_tasks;
mod render_tasks;
mod role_changes;
mod role_sets;
mod roles;
mod schedule_json;
mod schedules;
mod service_accounts;
mod sessions;
mod setting;
mod themes;
mod user_json;
mod user_search;
mod users;
mod usual;
mod versions;

use serde_json::{Value, json};

use crate::emulator::http::answer::Refusal;
use crate::emulator::http::call::Call;
use crate::emulator::http::operation::Service;
use crate::emulator::world::World;
use crate::emulator::world::content_access::Viewer;

/// All operations, by resource.
pub(crate) const OPERATIONS: &[&[Service]] = &[
    alerts::OPERATIONS,
    attributes::OPERATIONS,
    auth::OPERATIONS,
    board_parts::OPERATIONS,
    boards::OPERATIONS,
    color_collections::OPERATIONS,
    connections::OPERATIONS,
    content_access::OPERATIONS,
    content_search::OPERATIONS,
    credentials_email::OPERATIONS,
    credentials_embed::OPERATIONS,
    credentials_other::OPERATIONS,
    dashboard_elements::OPERATIONS,
    dashboard_filters::OPERATIONS,
    dashboard_layouts::OPERATIONS,
    dashboards::OPERATIONS,
    datagroups::OPERATIONS,
    embed::OPERATIONS,
    embed_secrets::OPERATIONS,
    embed_urls::OPERATIONS,
    favorites::OPERATIONS,
    folders::OPERATIONS,
    group_values::OPERATIONS,
    groups::OPERATIONS,
    groups_in_groups::OPERATIONS,
    instance_forms::OPERATIONS,
    keys::OPERATIONS,
    lookml_content::OPERATIONS,
    lookml_import::OPERATIONS,
    looks::OPERATIONS,
    models::OPERATIONS,
    nothing_there::OPERATIONS,
    places::OPERATIONS,
    projects::OPERATIONS,
    queries::OPERATIONS,
    query_tasks::OPERATIONS,
    render_tasks::OPERATIONS,
    role_changes::OPERATIONS,
    role_sets::OPERATIONS,
    roles::OPERATIONS,
    schedules::OPERATIONS,
    service_accounts::OPERATIONS,
    sessions::OPERATIONS,
    setting::OPERATIONS,
    themes::OPERATIONS,
    user_search::OPERATIONS,
    users::OPERATIONS,
    versions::OPERATIONS,
];

/// The `url` of a thing, which on real instances names an inside address.
fn inside_url(path: &str) -> Value {
    json!(format!("https://localhost:19999/api/4.0{path}"))
}

/// The caller, with everything that determines which content it may see.
fn viewer(call: &Call<'_>, world: &World) -> Result<Viewer, Refusal> {
    let who = call.who()?;
    Ok(world.viewer(who.user, who.admin))
}
