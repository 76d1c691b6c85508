//! Collections of colours: those of every instance, those that were made, and that which is used by default.

use serde_json::{Value, json};

use crate::emulator::api::usual::with_usual;
use crate::emulator::http::answer::{Answer, Refusal, Reply, json_answer, lay_over};
use crate::emulator::http::body::{self, Body};
use crate::emulator::http::call::Call;
use crate::emulator::http::operation::{Service, op};
use crate::emulator::world::World;
use crate::emulator::world::instance::Colors;

pub(super) const OPERATIONS: &[Service] = &[
    op("all_color_collections", all),
    op("color_collection", one),
    op("color_collections_custom", custom),
    op("color_collections_standard", standard),
    op("create_color_collection", create).admin(),
    op("default_color_collection", default),
    op("delete_color_collection", remove).admin(),
    op("set_default_color_collection", set_default).admin(),
    op("update_color_collection", update).admin(),
];

const PALETTES: &[&str] = &[
    "categoricalPalettes",
    "sequentialPalettes",
    "divergingPalettes",
];

fn all(_call: &Call<'_>, world: &mut World) -> Answer {
    listed(world, |_| true)
}

fn custom(_call: &Call<'_>, world: &mut World) -> Answer {
    listed(world, |colors| !colors.standard)
}

fn standard(_call: &Call<'_>, world: &mut World) -> Answer {
    listed(world, |colors| colors.standard)
}

fn listed(world: &World, pass: impl Fn(&Colors) -> bool) -> Answer {
    let all = world
        .instance
        .colors
        .iter()
        .filter(|(_, colors)| pass(colors));
    json_answer(all.map(|(id, colors)| colors_json(id, colors)).collect())
}

fn one(call: &Call<'_>, world: &mut World) -> Answer {
    show(world, call.param("collection_id"))
}

fn default(_call: &Call<'_>, world: &mut World) -> Answer {
    show(world, &world.instance.default_colors)
}

fn set_default(call: &Call<'_>, world: &mut World) -> Answer {
    let id = call.query("collection_id");
    let id = id.ok_or_else(|| Refusal::missing("collection_id"))?;
    let shown = show(world, id)?;
    id.clone_into(&mut world.instance.default_colors);
    Ok(shown)
}

fn create(call: &Call<'_>, world: &mut World) -> Answer {
    let body = call.object()?;
    body::require(&body, &["label"])?;
    world.instance.last_colors += 1;
    let id = format!("custom-{}", world.instance.last_colors);
    let mut colors = Colors {
        standard: false,
        label: String::new(),
        palettes: Body::new(),
    };
    change(&mut colors, body);
    world.instance.colors.insert(id.clone(), colors);
    show(world, &id)
}

fn update(call: &Call<'_>, world: &mut World) -> Answer {
    let body = call.object()?;
    let id = call.param("collection_id");
    change(own(world, id)?, body);
    show(world, id)
}

fn change(colors: &mut Colors, mut body: Body) {
    if let Some(label) = body::text(&body, "label") {
        label.clone_into(&mut colors.label);
    }
    body.retain(|name, _| PALETTES.contains(&name.as_str()));
    colors.palettes.extend(body);
}

/// One that is the default stays.
fn remove(call: &Call<'_>, world: &mut World) -> Answer {
    let id = call.param("collection_id");
    own(world, id)?;
    if world.instance.default_colors == id {
        return Err(Refusal::unmodifiable());
    }
    world.instance.colors.remove(id);
    Ok(Reply::no_content())
}

/// A collection that can be changed: those of every instance cannot.
fn own<'a>(world: &'a mut World, id: &str) -> Result<&'a mut Colors, Refusal> {
    let colors = world.instance.colors.get_mut(id);
    let colors = colors.ok_or_else(Refusal::not_found)?;
    match colors.standard {
        true => Err(Refusal::unmodifiable()),
        false => Ok(colors),
    }
}

fn show(world: &World, id: &str) -> Answer {
    let colors = world.instance.colors.get(id);
    json_answer(colors_json(id, colors.ok_or_else(Refusal::not_found)?))
}

fn colors_json(id: &str, colors: &Colors) -> Value {
    let mut shown = with_usual("color_collection", Value::Object(colors.palettes.clone()));
    lay_over(&mut shown, json!({ "id": id, "label": colors.label }));
    shown
}
