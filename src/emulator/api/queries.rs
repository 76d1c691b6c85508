//! Queries: saving one, finding it again, and running it, another one, or that of a look.

use crate::emulator::api::dashboards_and_looks::{self, may};
use crate::emulator::api::query_json::query_json;
use crate::emulator::api::query_results::{self, Form};
use crate::emulator::api::query_rows::rows;
use crate::emulator::api::viewer;
use crate::emulator::http::answer::{Answer, Body as AnswerBody, Refusal, Reply, json_answer};
use crate::emulator::http::body::{self, Body};
use crate::emulator::http::call::Call;
use crate::emulator::http::operation::{Service, op};
use crate::emulator::world::kinds::PieceKind;
use crate::emulator::world::queries::Query;
use crate::emulator::world::{Id, World, activity};

pub(super) const OPERATIONS: &[Service] = &[
    op("create_query", create),
    op("query", one),
    op("query_for_slug", by_slug),
    op("run_query", run),
    op("run_inline_query", run_inline),
    op("run_look", run_look),
];

fn create(call: &Call<'_>, world: &mut World) -> Answer {
    let body = call.object()?;
    let id = save(world, body)?;
    show(world, id)
}

fn one(call: &Call<'_>, world: &mut World) -> Answer {
    show(world, call.id("query_id")?)
}

fn by_slug(call: &Call<'_>, world: &mut World) -> Answer {
    let id = world.content.queries.by_slug(call.param("slug"));
    show(world, id.ok_or_else(Refusal::not_found)?)
}

fn show(world: &World, id: Id) -> Answer {
    let query = world.content.queries.at(id);
    json_answer(query_json(id, query.ok_or_else(Refusal::not_found)?))
}

fn run(call: &Call<'_>, world: &mut World) -> Answer {
    let id = call.id("query_id")?;
    answer(call, world, id, None)
}

fn run_inline(call: &Call<'_>, world: &mut World) -> Answer {
    let body = call.object()?;
    let id = save(world, body)?;
    answer(call, world, id, None)
}

fn run_look(call: &Call<'_>, world: &mut World) -> Answer {
    let viewer = viewer(call, world)?;
    let look = dashboards_and_looks::seen(call, world, &viewer, PieceKind::Look)?;
    let query = world.content.looks.at(look).and_then(|look| look.query);
    let query = query.ok_or_else(Refusal::not_found)?;
    answer(call, world, query, Some(look))
}

/// Save a query that was read; returns its id.
pub(super) fn save(world: &mut World, body: Body) -> Result<Id, Refusal> {
    let (model, view, rest) = parts(body)?;
    Ok(world.ensure_query(&model, &view, rest))
}

fn parts(mut body: Body) -> Result<(String, String, Body), Refusal> {
    body::require(&body, &["model", "view"])?;
    let mut take = |name| {
        let text = body.remove(name);
        text.and_then(|text| Some(text.as_str()?.to_owned()))
            .unwrap_or_default()
    };
    let (model, view) = (take("model"), take("view"));
    Ok((model, view, body))
}

fn answer(call: &Call<'_>, world: &mut World, id: Id, look: Option<Id>) -> Answer {
    let form = Form {
        format: call.param("result_format"),
        size: (call.number("image_width")?, call.number("image_height")?),
    };
    let body = results(call, world, id, call.number("limit")?, form)?;
    world.remember_run(call.who()?.user, id, (look, None));
    Ok(Reply::of(body))
}

/// What a saved query gives, `limit` rows at most, in a format.
pub(super) fn results(
    call: &Call<'_>,
    world: &World,
    id: Id,
    limit: Option<usize>,
    form: Form<'_>,
) -> Result<AnswerBody, Refusal> {
    let query = runnable(call, world, id)?;
    let own = || body::text(&query.rest, "limit").and_then(|text| text.parse().ok());
    let limit = limit.or_else(own).unwrap_or(500);
    match rows(world, call.who()?.user, query, limit)? {
        Ok(found) => query_results::body(query, &found, form),
        Err(error) => query_results::failure(query, &error, form),
    }
}

/// The saved query with this id; 404 if the caller may not use its model, or if the model has no such explore.
pub(super) fn runnable<'a>(
    call: &Call<'_>,
    world: &'a World,
    id: Id,
) -> Result<&'a Query, Refusal> {
    let query = world.content.queries.at(id);
    let query = query.ok_or_else(Refusal::not_found)?;
    check_model(call, world, query)?;
    Ok(query)
}

fn check_model(call: &Call<'_>, world: &World, query: &Query) -> Result<(), Refusal> {
    if query.model == activity::NAME {
        return may(world, &viewer(call, world)?, &["see_system_activity"]);
    }
    let user = world.users.at(call.who()?.user);
    let user = user.ok_or_else(Refusal::not_found)?;
    // The permission counts in the model of the query, not in any.
    let models = world.models_with(user, "access_data");
    let model = models.into_iter().find(|model| model.name == query.model);
    let known = model.is_some_and(|model| model.explore(&query.view).is_some());
    known.then_some(()).ok_or_else(Refusal::not_found)
}
