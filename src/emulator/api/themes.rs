//! Themes of dashboards: all, one, those in use, that which is used by default; creating, changing, checking, deleting.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::emulator::api::usual::{usual, with_usual};
use crate::emulator::http::answer::{Answer, Refusal, Reply, json_answer, lay_over};
use crate::emulator::http::body::{self, Body};
use crate::emulator::http::call::{Call, bad_body};
use crate::emulator::http::listing::{self, Filters};
use crate::emulator::http::operation::{Service, op};
use crate::emulator::world::instance::Theme;
use crate::emulator::world::{Id, World, id_text};

pub(super) const OPERATIONS: &[Service] = &[
    op("active_themes", active),
    op("all_themes", all),
    op("create_theme", create).admin(),
    op("default_theme", default),
    op("default_theme_by_type", default),
    op("delete_theme", remove).admin(),
    op("search_themes", search),
    op("set_default_theme", set_default).admin(),
    op("set_default_theme_by_type", set_default).admin(),
    op("theme", one),
    op("theme_or_default", named_or_default),
    op("update_theme", update).admin(),
    op("validate_theme", validate).admin(),
];

fn all(call: &Call<'_>, world: &mut World) -> Answer {
    listed(call, world, |_, _| true)
}

fn active(call: &Call<'_>, world: &mut World) -> Answer {
    let at = moment(call, world)?;
    let name = call.query("name");
    listed(call, world, |_, theme| {
        theme.is_active(at) && name.is_none_or(|name| name == theme.name)
    })
}

fn search(call: &Call<'_>, world: &mut World) -> Answer {
    let filters = Filters::of(call, &["id", "name"])?;
    let [begin, end] = ["begin_at", "end_at"].map(|name| call.query(name).map(time).transpose());
    let (begin, end) = (begin?, end?);
    listed(call, world, |id, theme| {
        let begins = theme.begin_at.unwrap_or(i64::MIN);
        let ends = theme.end_at.unwrap_or(i64::MAX);
        begin.is_none_or(|begin| ends >= begin)
            && end.is_none_or(|end| begins <= end)
            && filters.pass(|name| match name {
                "id" => Some(id_text(id)),
                _ => Some(theme.name.clone()),
            })
    })
}

fn listed(call: &Call<'_>, world: &World, pass: impl Fn(Id, &Theme) -> bool) -> Answer {
    let themes = world.instance.themes.iter();
    let found = themes.filter(|(id, theme)| pass(*id, theme));
    listing::answer(call, found, |_fields, (id, theme)| {
        theme_json(world, id, theme)
    })
}

fn one(call: &Call<'_>, world: &mut World) -> Answer {
    show(world, call.id("theme_id")?)
}

fn default(call: &Call<'_>, world: &mut World) -> Answer {
    moment(call, world)?;
    show(world, world.instance.default_theme)
}

fn named_or_default(call: &Call<'_>, world: &mut World) -> Answer {
    let at = moment(call, world)?;
    let name = call.query("name").unwrap_or_default();
    let id = active_called(world, name, at);
    show(world, id.unwrap_or(world.instance.default_theme))
}

fn active_called(world: &World, name: &str, at: i64) -> Option<Id> {
    let mut themes = world.instance.themes.iter();
    let found = themes.find(|(_, theme)| theme.name == name && theme.is_active(at));
    found.map(|(id, _)| id)
}

/// Only a theme that is in use for good can be the default.
fn set_default(call: &Call<'_>, world: &mut World) -> Answer {
    let name = call.query("name").ok_or_else(|| Refusal::missing("name"))?;
    let id = active_called(world, name, world.now).ok_or_else(Refusal::not_found)?;
    let theme = world.instance.themes.at(id);
    if theme.is_some_and(|theme| theme.end_at.is_some()) {
        let message = "Only a theme without 'end_at' can be the default.";
        return Err(Refusal::invalid("name", "invalid", message));
    }
    world.instance.default_theme = id;
    show(world, id)
}

fn create(call: &Call<'_>, world: &mut World) -> Answer {
    let body = call.object()?;
    check(&body, true)?;
    let mut theme = Theme {
        name: String::new(),
        begin_at: None,
        end_at: None,
        settings: Body::new(),
    };
    change(world, &mut theme, &body)?;
    let id = world.instance.themes.insert(theme);
    show(world, id)
}

fn update(call: &Call<'_>, world: &mut World) -> Answer {
    let body = call.object()?;
    let id = call.id("theme_id")?;
    let theme = world.instance.themes.at(id);
    let mut theme = theme.ok_or_else(Refusal::not_found)?.clone();
    check(&body, false)?;
    // Changed in a copy, so that a refusal halfway leaves the theme as it was.
    change(world, &mut theme, &body)?;
    if let Some(place) = world.instance.themes.at_mut(id) {
        *place = theme;
    }
    show(world, id)
}

fn change(world: &World, theme: &mut Theme, body: &Body) -> Result<(), Refusal> {
    if let Some(name) = body::text(body, "name").filter(|name| *name != theme.name) {
        // Those with a span of their own may share a name.
        let others = world.instance.themes.iter();
        let mut others = others.filter(|(_, other)| other.name == name);
        if body.get("begin_at").is_none() && others.any(|(_, other)| other.is_active(world.now)) {
            return Err(Refusal::invalid(
                "name",
                "already_exists",
                "'name' is taken.",
            ));
        }
        name.clone_into(&mut theme.name);
    }
    for (name, place) in [
        ("begin_at", &mut theme.begin_at),
        ("end_at", &mut theme.end_at),
    ] {
        if let Some(value) = body.get(name) {
            *place = value.as_str().map(time).transpose()?;
        }
    }
    if let Some(Value::Object(settings)) = body.get("settings") {
        theme.settings.extend(settings.clone());
    }
    Ok(())
}

fn remove(call: &Call<'_>, world: &mut World) -> Answer {
    let id = call.id("theme_id")?;
    if id == world.instance.default_theme {
        return Err(Refusal::unmodifiable());
    }
    let gone = world.instance.themes.remove(id);
    gone.map(|_| Reply::no_content())
        .ok_or_else(Refusal::not_found)
}

fn validate(call: &Call<'_>, _world: &mut World) -> Answer {
    check(&call.object()?, true)?;
    Ok(Reply::no_content())
}

/// Recorded: a name that is missing is wrong in two ways.
fn check(body: &Body, named: bool) -> Result<(), Refusal> {
    let name = body::text(body, "name").unwrap_or_default();
    let mut refusal = None;
    let mut wrong = |field: &str, code, message: &str| {
        let found: &mut Option<Refusal> = &mut refusal;
        *found = Some(match found.take() {
            None => Refusal::invalid(field, code, message),
            Some(refusal) => refusal.and(field, code, message),
        });
    };
    let asked = named || body.contains_key("name");
    if asked && name.is_empty() {
        wrong("name", "missing_field", "'name' is required.");
    }
    let plain = |letter: char| letter.is_alphanumeric() || letter == '_';
    if asked && (name.is_empty() || !name.chars().all(plain)) {
        let message = "'name' must be only alphanumeric characters and underscores";
        wrong("name", "invalid", message);
    }
    let font = body
        .get("settings")
        .and_then(|settings| settings.get("font_family"));
    let font = font.and_then(Value::as_str).unwrap_or_default();
    // A font goes into a style sheet as it is written.
    if font.contains([';', '{', '}']) {
        wrong("font_family", "invalid", "'font_family' is invalid.");
    }
    refusal.map_or(Ok(()), Err)
}

/// The time that a call asks about.
fn moment(call: &Call<'_>, world: &World) -> Result<i64, Refusal> {
    call.query("ts").map_or(Ok(world.now), time)
}

fn time(text: &str) -> Result<i64, Refusal> {
    let time: Result<Timestamp, _> = text.parse();
    time.map(Timestamp::as_second)
        .map_err(|_error| bad_body("a time that cannot be read"))
}

fn show(world: &World, id: Id) -> Answer {
    let theme = world
        .instance
        .themes
        .at(id)
        .ok_or_else(Refusal::not_found)?;
    json_answer(theme_json(world, id, theme))
}

fn theme_json(world: &World, id: Id, theme: &Theme) -> Value {
    let colors = json!({ "color_collection_id": world.instance.default_colors });
    let mut settings = with_usual("theme_settings", colors);
    lay_over(&mut settings, Value::Object(theme.settings.clone()));
    let own = json!({
        "id": id_text(id),
        "name": theme.name,
        "begin_at": theme.begin_at.map(|at| world.time(at)),
        "end_at": theme.end_at.map(|at| world.time(at)),
        "settings": settings,
    });
    let mut shown = Value::Object(usual("theme").clone());
    lay_over(&mut shown, own);
    shown
}
