//! The fields of System Activity that are known here.

use serde_json::{Value, json};

use crate::emulator::world::activity::NAME;
use crate::emulator::world::activity::filter::Kind;
use crate::emulator::world::connections::CONNECTION;
use crate::emulator::world::content::Piece;
use crate::emulator::world::history::Run;
use crate::emulator::world::queries::Query;
use crate::emulator::world::schedules::Schedule;
use crate::emulator::world::users::User;
use crate::emulator::world::{Id, World};

/// One line of an explore before it is grouped: what hangs together.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Line<'a> {
    pub(super) run: Option<&'a Run>,
    pub(super) user: Option<(Id, &'a User)>,
    pub(super) dashboard: Option<(Id, &'a Piece)>,
    pub(super) look: Option<(Id, &'a Piece)>,
    pub(super) query: Option<(Id, &'a Query)>,
    pub(super) plan: Option<(Id, &'a Schedule)>,
}

/// What a dimension says of a line.
pub(super) type Read = fn(&World, &Line<'_>) -> Value;

/// The views of each explore.
pub(super) const EXPLORES: &[(&str, &[&str])] = &[
    ("dashboard", &["dashboard", "folder", "user"]),
    (
        "history",
        &["history", "query", "user", "dashboard", "look"],
    ),
    (
        "scheduled_plan",
        &[
            "scheduled_plan",
            "scheduled_job",
            "user",
            "dashboard",
            "look",
        ],
    ),
    ("user", &["user", "credentials_embed", "credentials_email"]),
];

/// The dimensions: name, kind, and what they say.
pub(super) const DIMENSIONS: &[(&str, Kind, Read)] = &[
    ("user.id", Kind::Number, |_, line| {
        json!(line.user.map(|(id, _)| id))
    }),
    ("user.name", Kind::Text, |_, line| {
        json!(line.user.map(|(_, user)| user.display_name()))
    }),
    ("user.first_name", Kind::Text, |_, line| {
        json!(line.user.and_then(|(_, user)| user.first_name.as_deref()))
    }),
    ("user.last_name", Kind::Text, |_, line| {
        json!(line.user.and_then(|(_, user)| user.last_name.as_deref()))
    }),
    ("user.email", Kind::Text, |_, line| {
        json!(line.user.and_then(|(_, user)| user.email.as_deref()))
    }),
    ("user.is_disabled", Kind::YesNo, |_, line| {
        yes(line.user.map(|(_, user)| user.is_disabled))
    }),
    ("user.is_looker", Kind::YesNo, |_, line| {
        yes(line.user.map(|_| false))
    }),
    ("user.created_date", Kind::Date, |_, line| {
        date(line.user.map(|(_, user)| user.created_at))
    }),
    ("user.created_time", Kind::Time, |_, line| {
        time(line.user.map(|(_, user)| user.created_at))
    }),
    // There are no branches of LookML here.
    ("user.dev_branch_name", Kind::Text, |_, _| Value::Null),
    (
        "credentials_embed.external_user_id",
        Kind::Text,
        |_, line| {
            let embed = line.user.and_then(|(_, user)| user.embed.as_deref());
            json!(embed.map(|embed| &*embed.external_user_id))
        },
    ),
    ("credentials_embed.logged_in_date", Kind::Date, |_, line| {
        let embed = line.user.and_then(|(_, user)| user.embed.as_deref());
        date(embed.and_then(|embed| embed.logged_in_at))
    }),
    ("credentials_email.email", Kind::Text, |_, line| {
        json!(line.user.and_then(|(_, user)| user.email.as_deref()))
    }),
    ("dashboard.id", Kind::Number, |_, line| {
        json!(line.dashboard.map(|(id, _)| id))
    }),
    ("dashboard.title", Kind::Text, |_, line| {
        json!(line.dashboard.map(|(_, piece)| &piece.title))
    }),
    ("dashboard.description", Kind::Text, |_, line| {
        written(line.dashboard, "description")
    }),
    ("dashboard.refresh_interval", Kind::Text, |_, line| {
        written(line.dashboard, "refresh_interval")
    }),
    ("dashboard.link", Kind::Text, |_, line| {
        json!(line.dashboard.map(|(id, _)| format!("/dashboards/{id}")))
    }),
    ("dashboard.created_date", Kind::Date, |_, line| {
        date(line.dashboard.map(|(_, piece)| piece.created_at))
    }),
    ("dashboard.created_time", Kind::Time, |_, line| {
        time(line.dashboard.map(|(_, piece)| piece.created_at))
    }),
    ("dashboard.deleted_date", Kind::Date, |_, line| {
        date(line.dashboard.and_then(|(_, piece)| piece.deleted_at))
    }),
    ("dashboard.moved_to_trash", Kind::YesNo, |_, line| {
        yes(line.dashboard.map(|(_, piece)| piece.deleted_at.is_some()))
    }),
    ("folder.id", Kind::Number, |_, line| {
        json!(line.dashboard.and_then(|(_, piece)| piece.folder))
    }),
    ("folder.name", Kind::Text, |world, line| {
        let folder = line.dashboard.and_then(|(_, piece)| piece.folder);
        let folder = folder.and_then(|id| world.folders.at(id));
        json!(folder.map(|folder| world.folder_name(folder)))
    }),
    ("look.id", Kind::Number, |_, line| {
        json!(line.look.map(|(id, _)| id))
    }),
    ("look.title", Kind::Text, |_, line| {
        json!(line.look.map(|(_, piece)| &piece.title))
    }),
    ("query.id", Kind::Number, |_, line| {
        json!(line.query.map(|(id, _)| id))
    }),
    ("query.slug", Kind::Text, |_, line| {
        json!(line.query.map(|(_, query)| &query.slug))
    }),
    ("query.model", Kind::Text, |_, line| {
        json!(line.query.map(|(_, query)| &query.model))
    }),
    ("query.view", Kind::Text, |_, line| {
        json!(line.query.map(|(_, query)| &query.view))
    }),
    ("query.formatted_fields", Kind::Text, |_, line| {
        asked(line, "fields")
    }),
    ("query.fields", Kind::Text, |_, line| asked(line, "fields")),
    ("query.filters", Kind::Text, |_, line| {
        asked(line, "filters")
    }),
    ("query.sorts", Kind::Text, |_, line| asked(line, "sorts")),
    ("query.limit", Kind::Text, |_, line| asked(line, "limit")),
    ("history.id", Kind::Number, |_, line| {
        json!(line.run.map(|run| run.id))
    }),
    ("history.created_date", Kind::Date, |_, line| {
        date(line.run.map(|run| run.at))
    }),
    ("history.created_time", Kind::Time, |_, line| {
        time(line.run.map(|run| run.at))
    }),
    ("history.completed_time", Kind::Time, |_, line| {
        time(line.run.map(|run| run.at))
    }),
    // A choice, as the words below: the recordings hold no history.
    ("history.status", Kind::Text, |_, line| {
        json!(line.run.map(|_| "complete"))
    }),
    ("history.source", Kind::Text, |_, line| {
        json!(line.run.map(|_| "API"))
    }),
    ("history.issuer_source", Kind::Text, |_, line| {
        json!(line.run.map(|_| "API"))
    }),
    ("history.result_source", Kind::Text, |_, line| {
        json!(line.run.map(|_| "query"))
    }),
    ("history.runtime", Kind::Number, |_, line| {
        json!(line.run.map(|_| RUNTIME))
    }),
    ("history.dashboard_id", Kind::Text, |_, line| shown_on(line)),
    ("history.real_dash_id", Kind::Text, |_, line| shown_on(line)),
    // No page runs the queries of a dashboard here.
    ("history.dashboard_session", Kind::Text, |_, _| Value::Null),
    ("history.connection_name", Kind::Text, |world, line| {
        json!(line.query.map(|(_, query)| connection(world, query)))
    }),
    ("scheduled_plan.id", Kind::Number, |_, line| {
        json!(line.plan.map(|(id, _)| id))
    }),
    ("scheduled_plan.name", Kind::Text, |_, line| {
        let name = line.plan.and_then(|(_, plan)| plan.rest.get("name"));
        name.cloned().unwrap_or_default()
    }),
    ("scheduled_plan.created_date", Kind::Date, |_, line| {
        date(line.plan.map(|(_, plan)| plan.created_at))
    }),
    // Plans are never run here, so that no plan has a job.
    ("scheduled_job.id", Kind::Number, |_, _| Value::Null),
    ("scheduled_job.name", Kind::Text, |_, _| Value::Null),
    ("scheduled_job.status", Kind::Text, |_, _| Value::Null),
    ("scheduled_job.created_date", Kind::Date, |_, _| Value::Null),
];

/// The connection to Looker's own database, as tools that leave it out call it.
const INTERNAL: &str = "looker__internal__analytics";

/// How many seconds a query takes here, as everything is at hand.
const RUNTIME: f64 = 0.1;

/// How a measure is made of the lines of a group.
#[derive(Clone, Copy, Debug)]
pub(super) enum Measure {
    /// How many different ids there are.
    Count(&'static str),
    Sum(&'static str),
    Average(&'static str),
    Greatest(&'static str),
}

/// The measures, each with the dimension it is made of.
pub(super) const MEASURES: &[(&str, Measure)] = &[
    ("user.count", Measure::Count("user.id")),
    ("dashboard.count", Measure::Count("dashboard.id")),
    ("look.count", Measure::Count("look.id")),
    ("query.count", Measure::Count("query.id")),
    ("scheduled_plan.count", Measure::Count("scheduled_plan.id")),
    ("scheduled_job.count", Measure::Count("scheduled_job.id")),
    ("history.count", Measure::Count("history.id")),
    ("history.query_run_count", Measure::Count("history.id")),
    ("history.total_runtime", Measure::Sum("history.runtime")),
    (
        "history.average_runtime",
        Measure::Average("history.runtime"),
    ),
    ("history.max_runtime", Measure::Greatest("history.runtime")),
    (
        "history.most_recent_run_length",
        Measure::Greatest("history.runtime"),
    ),
];

/// The dashboard that a query was run for.
fn shown_on(line: &Line<'_>) -> Value {
    let dashboard = line.run.and_then(|run| run.dashboard);
    json!(dashboard.map(|id| id.to_string()))
}

/// The connection that a query goes through: the first that its model may use.
fn connection<'a>(world: &'a World, query: &Query) -> &'a str {
    let mut models = world.roles.models.iter();
    let model = models.find(|model| model.name == query.model);
    let first = model.and_then(|model| model.connections.first());
    match first {
        Some(name) => name,
        None if query.model == NAME => INTERNAL,
        None => CONNECTION,
    }
}

fn yes(value: Option<bool>) -> Value {
    json!(value.map(|value| if value { "Yes" } else { "No" }))
}

fn date(seconds: Option<i64>) -> Value {
    json!(seconds.and_then(|seconds| {
        let time = jiff::Timestamp::from_second(seconds).ok()?;
        Some(time.strftime("%Y-%m-%d").to_string())
    }))
}

fn time(seconds: Option<i64>) -> Value {
    json!(seconds.and_then(|seconds| {
        let time = jiff::Timestamp::from_second(seconds).ok()?;
        Some(time.strftime("%Y-%m-%d %H:%M:%S").to_string())
    }))
}

fn written(piece: Option<(Id, &Piece)>, name: &str) -> Value {
    let value = piece.and_then(|(_, piece)| piece.rest.get(name));
    value.cloned().unwrap_or_default()
}

/// What a query asks for under a name, as text.
fn asked(line: &Line<'_>, name: &str) -> Value {
    match line.query.and_then(|(_, query)| query.rest.get(name)) {
        None | Some(Value::Null) => Value::Null,
        Some(Value::String(text)) => json!(text),
        Some(other) => json!(other.to_string()),
    }
}
