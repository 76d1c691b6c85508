//! The filters of dashboards.

use serde_json::Value;

use crate::emulator::api::dashboard_elements::{check_dashboard, looked_at, touch};
use crate::emulator::api::dashboard_parts_json::filter_json;
use crate::emulator::api::viewer;
use crate::emulator::http::answer::{Answer, Refusal, Reply, json_answer};
use crate::emulator::http::body::{self, Body};
use crate::emulator::http::call::Call;
use crate::emulator::http::operation::{Service, op};
use crate::emulator::world::content_access::Level;
use crate::emulator::world::dashboard_parts::DashboardFilter;
use crate::emulator::world::{Id, World};

pub(super) const OPERATIONS: &[Service] = &[
    op("create_dashboard_filter", create),
    op("dashboard_dashboard_filters", of_dashboard),
    op("dashboard_filter", one),
    op("delete_dashboard_filter", remove),
    op("update_dashboard_filter", update),
];

fn of_dashboard(call: &Call<'_>, world: &mut World) -> Answer {
    let (_viewer, dashboard) = looked_at(call, world)?;
    let filters = dashboard.filters.iter();
    json_answer(filters.filter_map(|id| filter_json(world, *id)).collect())
}

fn one(call: &Call<'_>, world: &mut World) -> Answer {
    let (id, _) = reachable(call, world, Level::View)?;
    show(world, id)
}

fn create(call: &Call<'_>, world: &mut World) -> Answer {
    let mut body = call.object()?;
    body::require(&body, &["dashboard_id", "name", "title", "type"])?;
    let viewer = viewer(call, world)?;
    let dashboard = body::id(&body, "dashboard_id")?.ok_or_else(Refusal::not_found)?;
    check_dashboard(world, &viewer, dashboard, Level::Edit)?;
    check_title(world, dashboard, &body, None)?;
    body.remove("dashboard_id");
    let id = world.add_filter(DashboardFilter {
        dashboard,
        fields: body,
    });
    touch(world, dashboard, &viewer);
    show(world, id)
}

fn update(call: &Call<'_>, world: &mut World) -> Answer {
    let body = call.object()?;
    let viewer = viewer(call, world)?;
    let (id, dashboard) = reachable(call, world, Level::Edit)?;
    check_title(world, dashboard, &body, Some(id))?;
    if let Some(filter) = world.content.parts.filters.at_mut(id) {
        filter.fields.extend(body);
    }
    touch(world, dashboard, &viewer);
    show(world, id)
}

fn remove(call: &Call<'_>, world: &mut World) -> Answer {
    let (id, _) = reachable(call, world, Level::Edit)?;
    world.remove_filter(id);
    Ok(Reply::no_content())
}

/// The sentence is one that a public tool waits for.
fn check_title(
    world: &World,
    dashboard: Id,
    body: &Body,
    except: Option<Id>,
) -> Result<(), Refusal> {
    let dashboard = world.content.dashboards.at(dashboard);
    let others = dashboard
        .map_or(&[][..], |dashboard| &dashboard.filters)
        .iter();
    let mut others = others.filter(|id| Some(**id) != except);
    let title = body::text(body, "title");
    let taken = others.any(|id| {
        let other = world.content.parts.filters.at(*id);
        let other = other.and_then(|filter| filter.fields.get("title"));
        title.is_some() && other.and_then(Value::as_str) == title
    });
    match taken {
        true => Err(Refusal::invalid(
            "title",
            "already_exists",
            "Filter with this title already exists.",
        )),
        false => Ok(()),
    }
}

/// The filter that the path names and its dashboard, if the caller may go so far with that.
fn reachable(call: &Call<'_>, world: &World, level: Level) -> Result<(Id, Id), Refusal> {
    let viewer = viewer(call, world)?;
    let id = call.id("dashboard_filter_id")?;
    let filter = world.content.parts.filters.at(id);
    let dashboard = filter.ok_or_else(Refusal::not_found)?.dashboard;
    check_dashboard(world, &viewer, dashboard, level)?;
    Ok((id, dashboard))
}

fn show(world: &World, id: Id) -> Answer {
    json_answer(filter_json(world, id).ok_or_else(Refusal::not_found)?)
}
