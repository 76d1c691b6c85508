//! Pictures and documents of content, done by the time that the task is answered.

use serde_json::json;

use crate::emulator::api::dashboard_elements::check_dashboard;
use crate::emulator::api::dashboards_and_looks::seen;
use crate::emulator::api::images;
use crate::emulator::api::queries::runnable;
use crate::emulator::api::query_tasks::own;
use crate::emulator::api::usual::with_usual;
use crate::emulator::api::viewer;
use crate::emulator::http::answer::{Answer, Body as AnswerBody, Refusal, Reply, json_answer};
use crate::emulator::http::body::{self, Body};
use crate::emulator::http::call::Call;
use crate::emulator::http::operation::{Service, op};
use crate::emulator::world::content_access::Level;
use crate::emulator::world::kinds::PieceKind;
use crate::emulator::world::tasks::{Drawn, RenderTask};
use crate::emulator::world::{World, id_text};

pub(super) const OPERATIONS: &[Service] = &[
    op("content_thumbnail", thumbnail),
    op("create_dashboard_element_render_task", of_element),
    op("create_dashboard_render_task", of_dashboard),
    op("create_look_render_task", of_look),
    op("create_query_render_task", of_query),
    op("render_task", one),
    op("render_task_results", results),
    op("vector_thumbnail", drawing),
];

/// How large a picture of content in small is.
const SMALL: (usize, usize) = (320, 240);

fn of_dashboard(call: &Call<'_>, world: &mut World) -> Answer {
    let viewer = viewer(call, world)?;
    let id = seen(call, world, &viewer, PieceKind::Dashboard)?;
    create(
        call,
        world,
        Drawn::Dashboard(id),
        &call.object()?,
        &["pdf", "png", "jpg"],
    )
}

fn of_look(call: &Call<'_>, world: &mut World) -> Answer {
    let viewer = viewer(call, world)?;
    let id = seen(call, world, &viewer, PieceKind::Look)?;
    create(call, world, Drawn::Look(id), &Body::new(), &["png", "jpg"])
}

fn of_query(call: &Call<'_>, world: &mut World) -> Answer {
    let id = call.id("query_id")?;
    runnable(call, world, id)?;
    create(call, world, Drawn::Query(id), &Body::new(), &["png", "jpg"])
}

fn of_element(call: &Call<'_>, world: &mut World) -> Answer {
    let viewer = viewer(call, world)?;
    let id = call.id("dashboard_element_id")?;
    let element = world.content.elements.at(id);
    let dashboard = element.ok_or_else(Refusal::not_found)?.dashboard;
    check_dashboard(world, &viewer, dashboard, Level::View)?;
    create(
        call,
        world,
        Drawn::Element(id),
        &Body::new(),
        &["png", "jpg"],
    )
}

fn create(
    call: &Call<'_>,
    world: &mut World,
    drawn: Drawn,
    body: &Body,
    formats: &[&str],
) -> Answer {
    let format = call.param("result_format");
    if !formats.contains(&format) {
        let message = format!("'result_format' must be one of {}.", formats.join(", "));
        return Err(Refusal::invalid("result_format", "invalid", message));
    }
    let side = |name| call.number(name)?.ok_or_else(|| Refusal::missing(name));
    let text = |name| body::text(body, name).map(ToOwned::to_owned);
    let task = RenderTask {
        user: call.who()?.user,
        drawn,
        format: format.to_owned(),
        width: side("width")?,
        height: side("height")?,
        filters: text("dashboard_filters"),
        style: text("dashboard_style"),
        created_at: world.now,
    };
    let id = world.content.render_tasks.add(task, &world.random);
    show(world, &id)
}

fn one(call: &Call<'_>, world: &mut World) -> Answer {
    let id = call.param("render_task_id");
    own(call, &world.content.render_tasks, id)?;
    show(world, id)
}

fn results(call: &Call<'_>, world: &mut World) -> Answer {
    let id = call.param("render_task_id");
    let task = own(call, &world.content.render_tasks, id)?;
    let (width, height) = (task.width, task.height);
    Ok(Reply::of(match task.format.as_str() {
        "pdf" => AnswerBody::Bytes("application/pdf", images::pdf(width, height)),
        "jpg" => AnswerBody::Bytes("image/jpeg", images::JPEG.to_vec()),
        _ => AnswerBody::Bytes("image/png", images::png(width, height)),
    }))
}

fn show(world: &World, id: &str) -> Answer {
    let task = world.content.render_tasks.at(id);
    let task = task.ok_or_else(Refusal::not_found)?;
    let (field, drawn) = match task.drawn {
        Drawn::Dashboard(id) => ("dashboard_id", id),
        Drawn::Look(id) => ("look_id", id),
        Drawn::Query(id) => ("query_id", id),
        Drawn::Element(id) => ("dashboard_element_id", id),
    };
    let own = json!({
        "id": id,
        "created_at": world.time(task.created_at),
        "finalized_at": world.time(task.created_at),
        "dashboard_filters": task.filters,
        "dashboard_style": task.style,
        field: id_text(drawn),
        "result_format": task.format,
        "user_id": id_text(task.user),
        "width": task.width,
        "height": task.height,
    });
    json_answer(with_usual("render_task", own))
}

/// A picture of a dashboard or a look in small: PNG if that is asked for, or else a drawing.
fn thumbnail(call: &Call<'_>, world: &mut World) -> Answer {
    check_resource(call, world)?;
    let width = call.number("width")?.unwrap_or(SMALL.0);
    let height = call.number("height")?.unwrap_or(SMALL.1);
    Ok(Reply::of(match call.query("format") {
        Some("png") => AnswerBody::Bytes("image/png", images::png(width, height)),
        _ => AnswerBody::Text("image/svg+xml", images::svg(width, height)),
    }))
}

fn drawing(call: &Call<'_>, world: &mut World) -> Answer {
    check_resource(call, world)?;
    Ok(Reply::text("image/svg+xml", images::svg(SMALL.0, SMALL.1)))
}

fn check_resource(call: &Call<'_>, world: &World) -> Result<(), Refusal> {
    let viewer = viewer(call, world)?;
    let id = call.id("resource_id")?;
    let thing = match call.param("type") {
        "dashboard" => PieceKind::Dashboard.thing(id),
        "look" => PieceKind::Look.thing(id),
        _ => return Err(Refusal::not_found()),
    };
    let seen = world.sees(&viewer, thing);
    seen.then_some(()).ok_or_else(Refusal::not_found)
}
