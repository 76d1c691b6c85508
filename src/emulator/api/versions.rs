//! Which Looker this is, told to anybody.

use serde_json::{Value, json};

use crate::emulator::answer::{Answer, Refusal, json_answer};
use crate::emulator::call::Call;
use crate::emulator::operation::{Access, Operation, get};
use crate::emulator::world::World;

/// The release whose OpenAPI description this follows.
const RELEASE: &str = "26.12.3";

pub(super) const OPERATIONS: &[Operation] = &[
    get("versions", "/versions", versions)
        .query(&["fields"])
        .access(Access::Open),
    get("swagger", "/swagger.json", swagger).access(Access::Open),
    get(
        "api_spec",
        "/api_spec/{api_version}/{specification}",
        api_spec,
    )
    .access(Access::Open),
];

fn versions(call: &Call<'_>, _world: &mut World) -> Answer {
    let url = format!("http://{}", call.host);
    let current = json!({
        "version": "4.0",
        "full_version": format!("4.0.{RELEASE}"),
        "status": "current",
        "swagger_url": format!("{url}/api/4.0/swagger.json"),
    });
    json_answer(json!({
        "looker_release_version": RELEASE,
        "current_version": current,
        "supported_versions": [current],
        "api_server_url": url,
        "web_server_url": url,
    }))
}

fn swagger(call: &Call<'_>, _world: &mut World) -> Answer {
    json_answer(spec(call, "swagger", "2.0"))
}

fn api_spec(call: &Call<'_>, _world: &mut World) -> Answer {
    match (call.param("api_version"), call.param("specification")) {
        ("4.0", "swagger.json") => json_answer(spec(call, "swagger", "2.0")),
        ("4.0", "openapi.json") => json_answer(spec(call, "openapi", "3.0.0")),
        _ => Err(Refusal::not_found()),
    }
}

/// A description of the API without its operations: enough for clients that ask it for the version.
fn spec(call: &Call<'_>, dialect: &str, version: &str) -> Value {
    json!({
        dialect: version,
        "info": {
            "title": "Looker API 4.0 Reference",
            "version": format!("4.0.{RELEASE}"),
            "x-looker-release-version": RELEASE,
        },
        "host": call.host,
        "basePath": "/api/4.0",
        "paths": {},
    })
}
