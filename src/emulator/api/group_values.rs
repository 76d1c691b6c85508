//! The values that groups have for user attributes, in the order in which they win.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::emulator::http::answer::{Answer, Refusal, Reply, json_answer};
use crate::emulator::http::call::{Call, parse_id};
use crate::emulator::http::operation::{Service, op};
use crate::emulator::world::{Id, World, id_text};

pub(super) const OPERATIONS: &[Service] = &[
    op("all_user_attribute_group_values", list).admin(),
    op("set_user_attribute_group_values", set).admin(),
    op("update_user_attribute_group_value", update).admin(),
    op("delete_user_attribute_group_value", remove).admin(),
];

/// A value as callers send it. Looker's API description marks every field as read-only, and yet they are the body.
#[derive(Deserialize)]
struct Body {
    group_id: Option<String>,
    value: Option<String>,
}

fn list(call: &Call<'_>, world: &mut World) -> Answer {
    let attribute = call.id("user_attribute_id")?;
    world
        .attributes
        .0
        .at(attribute)
        .ok_or_else(Refusal::not_found)?;
    json_answer(values_json(world, attribute))
}

/// All values of an attribute are replaced; the first one wins.
fn set(call: &Call<'_>, world: &mut World) -> Answer {
    let attribute = call.id("user_attribute_id")?;
    let bodies: Vec<Body> = call.body()?;
    // All values are checked before any is changed.
    let mut values = Vec::new();
    for body in bodies {
        let group = body.group_id.ok_or_else(|| Refusal::missing("group_id"))?;
        let group = parse_id(&group).ok_or_else(Refusal::not_found)?;
        let value = body.value.ok_or_else(|| Refusal::missing("value"))?;
        check(world, group, attribute, &value)?;
        values.push((group, value));
    }
    // The list replaces all values of the attribute, also those of groups that it does not name.
    let groups: Vec<Id> = world.groups.table.iter().map(|(id, _)| id).collect();
    for group in groups {
        take(world, group, attribute);
    }
    for (group, value) in values {
        give(world, group, attribute, value);
    }
    json_answer(values_json(world, attribute))
}

fn update(call: &Call<'_>, world: &mut World) -> Answer {
    let (group, attribute) = (call.id("group_id")?, call.id("user_attribute_id")?);
    let body: Body = call.body()?;
    let value = body.value.ok_or_else(|| Refusal::missing("value"))?;
    check(world, group, attribute, &value)?;
    take(world, group, attribute);
    give(world, group, attribute, value);
    let all = values_json(world, attribute);
    let rows = all.as_array().into_iter().flatten();
    let mut rows = rows.filter(|row| row["group_id"] == id_text(group));
    json_answer(rows.next().cloned().unwrap_or_default())
}

fn remove(call: &Call<'_>, world: &mut World) -> Answer {
    match take(world, call.id("group_id")?, call.id("user_attribute_id")?) {
        true => Ok(Reply::no_content()),
        false => Err(Refusal::not_found()),
    }
}

fn check(world: &World, group: Id, attribute: Id, value: &str) -> Result<(), Refusal> {
    world.groups.at(group).ok_or_else(Refusal::not_found)?;
    let known = world.attributes.0.at(attribute);
    let known = known.ok_or_else(Refusal::not_found)?;
    match known.accepts(value) {
        true => Ok(()),
        false => {
            let text = format!("'value' is not a {}.", known.kind);
            Err(Refusal::invalid("value", "invalid", text))
        }
    }
}

fn give(world: &mut World, group: Id, attribute: Id, value: String) {
    if let Some(group) = world.groups.table.at_mut(group) {
        group.attributes.push((attribute, value));
    }
    if let Some(known) = world.attributes.0.at_mut(attribute) {
        // The order decides which value wins for a user in several groups.
        known.group_order.retain(|known| *known != group);
        known.group_order.push(group);
    }
}

fn take(world: &mut World, group: Id, attribute: Id) -> bool {
    let Some(group) = world.groups.table.at_mut(group) else {
        return false;
    };
    let before = group.attributes.len();
    group.attributes.retain(|(known, _)| *known != attribute);
    group.attributes.len() < before
}

/// The values of an attribute in the order in which they win, as the API shows them.
fn values_json(world: &World, attribute: Id) -> Value {
    let Some(known) = world.attributes.0.at(attribute) else {
        return json!([]);
    };
    let groups = world.groups.table.iter().map(|(id, _)| id).collect();
    let values = world.group_values(groups, attribute, known).into_iter();
    let shown = values.zip(1..).map(|((group, value), rank)| {
        json!({
            "can": {},
            // A value has no identity of its own here.
            "id": format!("{attribute}{group:05}"),
            "group_id": id_text(group),
            "user_attribute_id": id_text(attribute),
            "value_is_hidden": known.value_is_hidden,
            "rank": rank,
            // Hidden values are not shown, not even to an admin.
            "value": if known.value_is_hidden { "" } else { value },
        })
    });
    shown.collect()
}
