//! Queries: saving one, and running it or another one.

use crate::emulator::api::query_json::query_json;
use crate::emulator::api::query_results;
use crate::emulator::http::answer::{Answer, Refusal, Reply, json_answer};
use crate::emulator::http::body::{self, Body};
use crate::emulator::http::call::Call;
use crate::emulator::http::operation::{Service, op};
use crate::emulator::world::queries::Query;
use crate::emulator::world::{Id, World};

pub(super) const OPERATIONS: &[Service] = &[
    op("create_query", create),
    op("query", one),
    op("run_query", run),
    op("run_inline_query", run_inline),
];

fn create(call: &Call<'_>, world: &mut World) -> Answer {
    let body = call.object()?;
    let id = save(world, body)?;
    show(world, id)
}

fn one(call: &Call<'_>, world: &mut World) -> Answer {
    show(world, call.id("query_id")?)
}

fn show(world: &World, id: Id) -> Answer {
    let query = world.content.queries.at(id);
    json_answer(query_json(id, query.ok_or_else(Refusal::not_found)?))
}

fn run(call: &Call<'_>, world: &mut World) -> Answer {
    let query = world.content.queries.at(call.id("query_id")?);
    answer(call, world, query.ok_or_else(Refusal::not_found)?)
}

fn run_inline(call: &Call<'_>, world: &mut World) -> Answer {
    let body = call.object()?;
    let (model, view, rest) = parts(body)?;
    let slug = String::new();
    let query = Query {
        model,
        view,
        slug,
        rest,
    };
    answer(call, world, &query)
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

/// The rows of a query; 404 if the caller may not use its model, or if the model has no such explore.
fn answer(call: &Call<'_>, world: &World, query: &Query) -> Answer {
    let user = world.users.at(call.who()?.user);
    let user = user.ok_or_else(Refusal::not_found)?;
    // The permission counts in the model of the query, not in any.
    let models = world.models_with(user, "access_data");
    let model = models.into_iter().find(|model| model.name == query.model);
    let model = model.ok_or_else(Refusal::not_found)?;
    if !model.explores.contains(&query.view) {
        return Err(Refusal::not_found());
    }
    let limit = match call.number("limit")? {
        Some(limit) => limit,
        None => body::text(&query.rest, "limit")
            .and_then(|text| text.parse().ok())
            .unwrap_or(500),
    };
    let format = call.param("result_format");
    let (content_type, text) = query_results::text(query, limit, format)?;
    Ok(Reply::text(content_type, text))
}
