//! Which Looker this is, without a login.

use serde_json::json;

use crate::emulator::description::{self, Dialect};
use crate::emulator::http::answer::{Answer, Refusal, add, json_answer};
use crate::emulator::http::call::Call;
use crate::emulator::http::operation::{Service, op};
use crate::emulator::switches::Release;
use crate::emulator::world::World;

/// The version of the API: two parts of the release stand behind its own, as recorded.
fn api_version(release: Release) -> String {
    format!("4.0.{release}")
}

pub(super) const OPERATIONS: &[Service] = &[
    op("versions", versions).open(),
    op("swagger", swagger).open(),
    op("api_spec", api_spec).open(),
];

fn versions(call: &Call<'_>, world: &mut World) -> Answer {
    let release = world.rules.switches.release;
    let url = call.origin();
    let current = json!({
        "version": "4.0",
        "full_version": api_version(release),
        "status": "current",
        "swagger_url": format!("{url}/api/4.0/swagger.json"),
    });
    json_answer(json!({
        "looker_release_version": release.full(),
        "current_version": current,
        "supported_versions": [current],
        "api_server_url": url,
        "web_server_url": url,
    }))
}

fn swagger(call: &Call<'_>, world: &mut World) -> Answer {
    describe(call, world, Dialect::Swagger)
}

fn api_spec(call: &Call<'_>, world: &mut World) -> Answer {
    match (call.param("api_version"), call.param("specification")) {
        ("4.0", "swagger.json") => describe(call, world, Dialect::Swagger),
        ("4.0", "openapi.json") => describe(call, world, Dialect::OpenApi),
        _ => Err(Refusal::not_found()),
    }
}

/// The description of the API, from which some clients make their methods, and of which others want the release only.
fn describe(call: &Call<'_>, world: &World, dialect: Dialect) -> Answer {
    let release = world.rules.switches.release;
    let mut described = description::description(dialect, call.scheme, call.host);
    let info = json!({
        "title": "Looker API 4.0 Reference",
        "version": api_version(release),
        "x-looker-release-version": release.full(),
    });
    add(&mut described, "info", info);
    json_answer(described)
}
