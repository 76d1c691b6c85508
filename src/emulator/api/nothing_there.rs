//! Lists of what there is nothing of here, which tools read before they begin.

use serde_json::json;

use crate::emulator::http::answer::{Answer, Refusal, json_answer};
use crate::emulator::http::call::Call;
use crate::emulator::http::operation::{Service, op};
use crate::emulator::world::World;

pub(super) const OPERATIONS: &[Service] = &[
    op("all_external_oauth_applications", list).admin(),
    op("all_integration_hubs", list).admin(),
    op("all_integrations", list),
    op("all_legacy_features", list).admin(),
    op("all_oauth_client_apps", list).admin(),
    op("all_running_queries", list),
    op("all_ssh_servers", list).admin(),
    op("all_ssh_tunnels", list).admin(),
    op("all_user_login_lockouts", list).admin(),
    op("search_user_login_lockouts", list).admin(),
    op("integration", none),
    op("integration_hub", none).admin(),
    op("kill_query", none),
    op("legacy_feature", none).admin(),
];

fn list(_call: &Call<'_>, _world: &mut World) -> Answer {
    json_answer(json!([]))
}

/// Recorded of a query that runs no more.
fn none(_call: &Call<'_>, _world: &mut World) -> Answer {
    Err(Refusal::not_found())
}
