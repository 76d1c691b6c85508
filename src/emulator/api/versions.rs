//! Which Looker this is, without a login.

use serde_json::{Value, json};

use crate::emulator::http::answer::{Answer, Refusal, json_answer};
use crate::emulator::http::call::Call;
use crate::emulator::http::operation::{Service, op};
use crate::emulator::switches::Release;
use crate::emulator::world::World;

/// What `release` is called in full. That of the OpenAPI description that is followed is known; the others' last parts
/// are made up.
const fn full(release: Release) -> &'static str {
    match release {
        Release::V26_6 => "26.6.1",
        Release::V26_12 => "26.12.3",
        Release::V26_22 => "26.22.1",
    }
}

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
        "looker_release_version": full(release),
        "current_version": current,
        "supported_versions": [current],
        "api_server_url": url,
        "web_server_url": url,
    }))
}

fn swagger(call: &Call<'_>, world: &mut World) -> Answer {
    json_answer(spec(call, world, "swagger", "2.0"))
}

fn api_spec(call: &Call<'_>, world: &mut World) -> Answer {
    match (call.param("api_version"), call.param("specification")) {
        ("4.0", "swagger.json") => json_answer(spec(call, world, "swagger", "2.0")),
        ("4.0", "openapi.json") => json_answer(spec(call, world, "openapi", "3.0.0")),
        _ => Err(Refusal::not_found()),
    }
}

/// A description of the API without its operations: enough for clients that ask it for the version.
fn spec(call: &Call<'_>, world: &World, dialect: &str, version: &str) -> Value {
    let release = world.rules.switches.release;
    json!({
        dialect: version,
        "info": {
            "title": "Looker API 4.0 Reference",
            "version": api_version(release),
            "x-looker-release-version": full(release),
        },
        "host": call.host,
        "basePath": "/api/4.0",
        "paths": {},
    })
}
