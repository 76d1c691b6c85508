//! LookML models and their explores: all, one, setting one up, changing, deleting.

use serde_json::{Value, json};

use crate::emulator::api::dashboards_and_looks::may;
use crate::emulator::api::query_rows::label;
use crate::emulator::api::usual::with_usual;
use crate::emulator::api::viewer;
use crate::emulator::http::answer::{Answer, Refusal, Reply, json_answer};
use crate::emulator::http::body::{self, Body};
use crate::emulator::http::call::Call;
use crate::emulator::http::listing;
use crate::emulator::http::operation::{Service, op};
use crate::emulator::world::World;
use crate::emulator::world::activity::{self, Field};
use crate::emulator::world::explores::Explore;
use crate::emulator::world::roles::Model;

pub(super) const OPERATIONS: &[Service] = &[
    op("all_lookml_models", all),
    op("lookml_model", one),
    op("lookml_model_explore", explore),
    op("create_lookml_model", create),
    op("update_lookml_model", update),
    op("delete_lookml_model", remove),
];

fn all(call: &Call<'_>, world: &mut World) -> Answer {
    let hides = world.rules.switches.models_hide_internal;
    let internal = !hides || call.flag("include_internal")?.unwrap_or(false);
    let models = seen(call, world)?.into_iter();
    let models = models.filter(|model| internal || !model.internal);
    listing::answer(call, models, |_fields, model| model_json(model))
}

fn one(call: &Call<'_>, world: &mut World) -> Answer {
    json_answer(model_json(&named(call, world)?))
}

/// An explore of a model. Which fields there are is known of System Activity only; any will do in a query of others.
fn explore(call: &Call<'_>, world: &mut World) -> Answer {
    call.flag("add_drills_metadata")?;
    let model = named(call, world)?;
    let name = call.param("explore_name");
    let explore = model.explore(name).ok_or_else(Refusal::not_found)?;
    json_answer(explore_json(&model, explore))
}

/// The model that the path names; that of System Activity takes a permission of its own.
fn named(call: &Call<'_>, world: &World) -> Result<Model, Refusal> {
    let name = call.param("lookml_model_name");
    if name == activity::NAME {
        may(world, &viewer(call, world)?, &["see_system_activity"])?;
        return Ok(activity::model());
    }
    let mut models = seen(call, world)?.into_iter();
    let model = models.find(|model| model.name == name);
    model.cloned().ok_or_else(Refusal::not_found)
}

/// A model that is set up here has no explores, as there is no LookML behind it.
fn create(call: &Call<'_>, world: &mut World) -> Answer {
    let body = call.object()?;
    may(world, &viewer(call, world)?, &["manage_models"])?;
    body::require(&body, &["name"])?;
    let name = body::text(&body, "name").unwrap_or_default();
    if world.roles.models.iter().any(|model| model.name == name) {
        return Err(Refusal::invalid(
            "name",
            "already_exists",
            "'name' is taken.",
        ));
    }
    let mut model = Model {
        name: name.to_owned(),
        label: name.to_owned(),
        ..Model::default()
    };
    change(&mut model, &body);
    let shown = model_json(&model);
    world.roles.models.push(model);
    json_answer(shown)
}

fn update(call: &Call<'_>, world: &mut World) -> Answer {
    let body = call.object()?;
    let place = own_place(call, world)?;
    let model = world.roles.models.get_mut(place);
    let model = model.ok_or_else(Refusal::not_found)?;
    change(model, &body);
    json_answer(model_json(model))
}

fn remove(call: &Call<'_>, world: &mut World) -> Answer {
    let place = own_place(call, world)?;
    world.roles.models.remove(place);
    Ok(Reply::no_content())
}

/// Where the model that the path names stands, if the caller may manage models; those of Looker's own stay as they are.
fn own_place(call: &Call<'_>, world: &World) -> Result<usize, Refusal> {
    may(world, &viewer(call, world)?, &["manage_models"])?;
    let name = call.param("lookml_model_name");
    let mut models = world.roles.models.iter();
    let place = models.position(|model| model.name == name && !model.internal);
    place.ok_or_else(Refusal::not_found)
}

fn change(model: &mut Model, body: &Body) {
    if let Some(label) = body::text(body, "label") {
        label.clone_into(&mut model.label);
    }
    if let Some(project) = body::text(body, "project_name") {
        project.clone_into(&mut model.project);
    }
    if let Some(names) = body
        .get("allowed_db_connection_names")
        .and_then(Value::as_array)
    {
        let names = names.iter().filter_map(Value::as_str);
        model.connections = names.map(ToOwned::to_owned).collect();
    }
    if body
        .get("unlimited_db_connections")
        .and_then(Value::as_bool)
        == Some(true)
    {
        model.connections.clear();
    }
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
        .map(|explore| json!({ "name": explore.name, "label": explore.name, "description": null, "hidden": false, "group_label": model.label }))
        .collect();
    json!({
        // Recorded of administrators.
        "can": { "create": true, "destroy": true, "index": true, "show": true, "update": true },
        "name": model.name,
        "label": model.label,
        "project_name": model.project,
        "explores": explores,
        "has_content": !model.explores.is_empty(),
        "allowed_db_connection_names": model.connections,
        "unlimited_db_connections": model.connections.is_empty(),
    })
}

fn explore_json(model: &Model, explore: &Explore) -> Value {
    let name = explore.name.as_str();
    let fields = match model.name == activity::NAME {
        true => activity::fields(name),
        false => Vec::new(),
    };
    // An explore has the view of its own name first, and those that are joined to it.
    let views = fields
        .iter()
        .filter_map(|field| field.name.split('.').next());
    let mut scopes = vec![name.to_owned()];
    for view in views {
        if !scopes.iter().any(|known| known == view) {
            scopes.push(view.to_owned());
        }
    }
    let (measures, dimensions): (Vec<Field>, _) =
        fields.into_iter().partition(|field| field.is_measure);
    let shown = |fields: Vec<Field>| -> Value {
        fields
            .iter()
            .map(|field| field_json(model, field))
            .collect()
    };
    let own = json!({
        "id": format!("{}::{name}", model.name),
        "name": name,
        "label": label(name),
        "title": label(name),
        "project_name": model.project,
        "model_name": model.name,
        "view_name": name,
        "scopes": scopes,
        "group_label": model.label,
        "connection_name": model.connections.first(),
        "access_filters": explore.access_filters,
        "fields": {
            "dimensions": shown(dimensions),
            "measures": shown(measures),
            "filters": [],
            "parameters": [],
        },
    });
    with_usual("lookml_model_explore", own)
}

fn field_json(model: &Model, field: &Field) -> Value {
    let view = field.name.split('.').next().unwrap_or_default();
    let short = field.name.rsplit('.').next().unwrap_or_default();
    let own = json!({
        "name": field.name,
        "label": label(&field.name),
        "label_short": label(short),
        "view": view,
        "original_view": view,
        "view_label": label(view),
        "scope": view,
        "measure": field.is_measure,
        "category": if field.is_measure { "measure" } else { "dimension" },
        "type": if field.is_number { "number" } else { "string" },
        "is_numeric": field.is_number,
        "align": if field.is_number { "right" } else { "left" },
        "project_name": model.project,
        "suggest_dimension": field.name,
        "suggest_explore": view,
    });
    with_usual("lookml_model_explore_field", own)
}
