//! Queries that are run now and fetched later, done by the time that the task is answered.

use serde_json::{Map, Value, json};

use crate::emulator::api::queries::{results, runnable};
use crate::emulator::api::query_json::query_json;
use crate::emulator::api::query_results::Form;
use crate::emulator::api::usual::with_usual;
use crate::emulator::http::answer::{Answer, Body, Refusal, Reply, add, json_answer};
use crate::emulator::http::body;
use crate::emulator::http::call::Call;
use crate::emulator::http::operation::{Service, op};
use crate::emulator::world::tasks::{Asked, QueryTask, Tasks};
use crate::emulator::world::{World, id_text};

pub(super) const OPERATIONS: &[Service] = &[
    op("create_query_task", create),
    op("query_task", one),
    op("query_task_multi_results", multi_results),
    op("query_task_results", fetch),
];

fn create(call: &Call<'_>, world: &mut World) -> Answer {
    let body = call.object()?;
    body::require(&body, &["query_id", "result_format"])?;
    let query = body::id(&body, "query_id")?.ok_or_else(Refusal::not_found)?;
    runnable(call, world, query)?;
    let text = |name| body::text(&body, name).map(ToOwned::to_owned);
    let task = QueryTask {
        user: call.who()?.user,
        query,
        format: text("result_format").unwrap_or_default(),
        limit: call.number("limit")?,
        source: text("source"),
        look: body::id(&body, "look_id")?,
        dashboard: body::id(&body, "dashboard_id")?,
    };
    world.remember_run(task.user, query, (task.look, task.dashboard));
    let id = world.content.query_tasks.add(task, &world.random);
    show(world, &id)
}

fn one(call: &Call<'_>, world: &mut World) -> Answer {
    let id = call.param("query_task_id");
    own(call, &world.content.query_tasks, id)?;
    show(world, id)
}

fn fetch(call: &Call<'_>, world: &mut World) -> Answer {
    let id = call.param("query_task_id");
    let task = own(call, &world.content.query_tasks, id)?;
    Ok(Reply::of(result(call, world, task)?))
}

/// By id: the rows of a task, or that it is missing.
fn multi_results(call: &Call<'_>, world: &mut World) -> Answer {
    let ids = call.list("query_task_ids");
    let ids = ids.ok_or_else(|| Refusal::missing("query_task_ids"))?;
    let mut all = Map::new();
    for id in ids {
        let task = own(call, &world.content.query_tasks, &id);
        let found = task.and_then(|task| result(call, world, task));
        let shown = match found {
            Ok(Body::Text("application/json", text)) => {
                serde_json::from_str(&text).unwrap_or_default()
            }
            Ok(Body::Text(_, text)) => json!(text),
            _ => json!({ "status": "missing" }),
        };
        all.insert(id, shown);
    }
    json_answer(Value::Object(all))
}

fn result(call: &Call<'_>, world: &World, task: &QueryTask) -> Result<Body, Refusal> {
    let form = Form {
        format: &task.format,
        size: (None, None),
    };
    results(call, world, task.query, task.limit, form)
}

/// The task with this id, if it is the caller's own, or the caller is an administrator.
pub(super) fn own<'a, T: Asked>(
    call: &Call<'_>,
    tasks: &'a Tasks<T>,
    id: &str,
) -> Result<&'a T, Refusal> {
    let who = call.who()?;
    let task = tasks.at(id);
    let task = task.filter(|task| who.admin || task.user() == who.user);
    task.ok_or_else(Refusal::not_found)
}

fn show(world: &World, id: &str) -> Answer {
    let task = world.content.query_tasks.at(id);
    let task = task.ok_or_else(Refusal::not_found)?;
    let own = json!({
        "id": id,
        "query_id": id_text(task.query),
        "look_id": task.look.map(id_text),
        "dashboard_id": task.dashboard.map(id_text),
        "result_format": task.format,
        "source": task.source,
    });
    let mut shown = with_usual("query_task", own);
    if let Some(query) = world.content.queries.at(task.query) {
        add(&mut shown, "query", query_json(task.query, query));
    }
    json_answer(shown)
}
