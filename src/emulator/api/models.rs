//! LookML models and their explores.

use serde_json::{Value, json};

use crate::emulator::http::answer::{Answer, Refusal, json_answer};
use crate::emulator::http::call::Call;
use crate::emulator::http::listing;
use crate::emulator::http::operation::{Service, op};
use crate::emulator::world::World;
use crate::emulator::world::roles::Model;

pub(super) const OPERATIONS: &[Service] = &[op("all_lookml_models", all), op("lookml_model", one)];

fn all(call: &Call<'_>, world: &mut World) -> Answer {
    let hides = world.rules.switches.models_hide_internal;
    let internal = !hides || call.flag("include_internal")?.unwrap_or(false);
    let models = seen(call, world)?.into_iter();
    let models = models.filter(|model| internal || !model.internal);
    listing::answer(call, models, |_fields, model| model_json(model))
}

fn one(call: &Call<'_>, world: &mut World) -> Answer {
    let name = call.param("lookml_model_name");
    let mut models = seen(call, world)?.into_iter();
    let model = models.find(|model| model.name == name);
    json_answer(model_json(model.ok_or_else(Refusal::not_found)?))
}

/// The models the caller may use.
fn seen<'a>(call: &Call<'_>, world: &'a World) -> Result<Vec<&'a Model>, Refusal> {
    let user = world.users.at(call.who()?.user);
    let user = user.ok_or_else(Refusal::not_found)?;
    Ok(world.models_with(user, "access_data"))
}

fn model_json(model: &Model) -> Value {
    let explores: Vec<Value> = model
        .explores
        .iter()
        .map(|name| json!({ "name": name, "label": name, "description": null, "hidden": false, "group_label": model.label }))
        .collect();
    json!({
        // Recorded of administrators.
        "can": { "create": true, "destroy": true, "index": true, "show": true, "update": true },
        "name": model.name,
        "label": model.label,
        "project_name": model.project,
        "explores": explores,
        "has_content": true,
        "allowed_db_connection_names": ["demo"],
        "unlimited_db_connections": false,
    })
}
