//! Datagroups, one for each model, which say when what is cached of it is old.

use serde_json::{Value, json};

use crate::emulator::http::answer::{Answer, Refusal, json_answer};
use crate::emulator::http::call::Call;
use crate::emulator::http::operation::{Service, op};
use crate::emulator::world::World;
use crate::emulator::world::roles::Model;

pub(super) const OPERATIONS: &[Service] = &[
    op("all_datagroups", all).admin(),
    op("datagroup", one).admin(),
    op("update_datagroup", update).admin(),
];

fn all(_call: &Call<'_>, world: &mut World) -> Answer {
    let groups = groups(world);
    json_answer(
        groups
            .map(|(id, model)| group_json(world, id, model))
            .collect(),
    )
}

/// They are numbered as the models are.
fn groups(world: &World) -> impl Iterator<Item = (usize, &Model)> {
    let models = world.roles.models.iter();
    (1..).zip(models.filter(|model| !model.internal))
}

fn found<'a>(call: &Call<'_>, world: &'a World) -> Result<(usize, &'a Model), Refusal> {
    let id = call.param("datagroup_id");
    let found = groups(world).find(|(number, _)| number.to_string() == id);
    found.ok_or_else(Refusal::not_found)
}

fn one(call: &Call<'_>, world: &mut World) -> Answer {
    let (id, model) = found(call, world)?;
    json_answer(group_json(world, id, model))
}

/// Both times are seconds; what is cached from before the first is old, and of before the second was renewed.
fn update(call: &Call<'_>, world: &mut World) -> Answer {
    let body = call.object()?;
    let (_, model) = found(call, world)?;
    let name = model.name.clone();
    let times = world.instance.datagroups.entry(name).or_default();
    let given = |name: &str| body.get(name).and_then(Value::as_i64);
    times.0 = given("stale_before").or(times.0);
    times.1 = given("triggered_at").or(times.1);
    one(call, world)
}

fn group_json(world: &World, id: usize, model: &Model) -> Value {
    let times = world.instance.datagroups.get(&model.name);
    let (stale, triggered) = times.copied().unwrap_or_default();
    json!({
        "can": {},
        "id": id.to_string(),
        "model_name": model.name,
        "name": "default",
        "created_at": world.started_at,
        "stale_before": stale,
        "trigger_check_at": world.now,
        "trigger_error": null,
        "trigger_value": null,
        "triggered_at": triggered,
    })
}
