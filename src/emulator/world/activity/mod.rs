//! System Activity: the model that tells of users, dashboards and what was run, from the world itself.

mod fields;
mod filter;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use crate::emulator::world::activity::fields::{
    DIMENSIONS, EXPLORES, Line, MEASURES, Measure, Read,
};
use crate::emulator::world::activity::filter::{Filter, Kind};
use crate::emulator::world::content::Piece;
use crate::emulator::world::content_access::Thing;
use crate::emulator::world::explores::Explore;
use crate::emulator::world::history::Run;
use crate::emulator::world::queries::Query;
use crate::emulator::world::roles::Model;
use crate::emulator::world::schedules::Schedule;
use crate::emulator::world::{Id, World};

/// What the model is called.
pub(crate) const NAME: &str = "system__activity";

/// Why a question has no answer.
#[derive(Debug)]
pub(crate) enum Unanswered {
    /// There is no such explore.
    Explore,
    /// A filter by what is no field of the explore. Recorded.
    Filter(String),
    /// Looker may know it; it is not known here.
    Unknown(String),
}

/// A field of an answer.
#[derive(Clone, Debug)]
pub(crate) struct Field {
    pub(crate) name: String,
    pub(crate) is_measure: bool,
    pub(crate) is_number: bool,
}

enum Part {
    Dimension(Read),
    Measure(Measure, Read),
}

/// The model itself, as lists of models show it.
pub(crate) fn model() -> Model {
    Model {
        name: NAME.to_owned(),
        label: "System Activity".to_owned(),
        project: NAME.to_owned(),
        explores: EXPLORES
            .iter()
            .map(|(name, _)| Explore::named(name))
            .collect(),
        internal: true,
        ..Model::default()
    }
}

/// The fields of an explore; none if there is no such explore.
pub(crate) fn fields(explore: &str) -> Vec<Field> {
    let views = EXPLORES.iter().find(|(name, _)| *name == explore);
    let views = views.map_or(&[][..], |(_, views)| views);
    let dimensions = DIMENSIONS.iter().map(|(name, kind, _)| Field {
        name: (*name).to_owned(),
        is_measure: false,
        is_number: *kind == Kind::Number,
    });
    let measures = MEASURES.iter().map(|(name, _)| Field {
        name: (*name).to_owned(),
        is_measure: true,
        is_number: true,
    });
    let all = dimensions.chain(measures);
    all.filter(|field| views.contains(&view(&field.name)))
        .collect()
}

fn view(field: &str) -> &str {
    field.split('.').next().unwrap_or_default()
}

fn dimension(name: &str) -> Option<(Kind, Read)> {
    let mut dimensions = DIMENSIONS.iter();
    let found = dimensions.find(|(known, ..)| *known == name);
    found.map(|(_, kind, read)| (*kind, *read))
}

fn part(name: &str) -> Option<Part> {
    if let Some((_, read)) = dimension(name) {
        return Some(Part::Dimension(read));
    }
    let (_, measure) = MEASURES.iter().find(|(known, _)| *known == name)?;
    let (Measure::Count(of) | Measure::Sum(of) | Measure::Average(of) | Measure::Greatest(of)) =
        *measure;
    Some(Part::Measure(*measure, dimension(of)?.1))
}

/// The rows that a query for `names` gives, sorted, all of them.
pub(crate) fn rows(
    world: &World,
    query: &Query,
    names: &[String],
) -> Result<Vec<Vec<Value>>, Unanswered> {
    let known = fields(&query.view);
    if known.is_empty() {
        return Err(Unanswered::Explore);
    }
    let parts = names.iter().map(|name| {
        let known = known.iter().any(|field| field.name == *name);
        part(name)
            .filter(|_| known)
            .ok_or_else(|| Unanswered::Unknown(format!("the field `{name}`")))
    });
    let parts: Vec<Part> = parts.collect::<Result<_, _>>()?;
    let filters = read_filters(world, query, &known)?;
    let lines = lines(world, &query.view).into_iter().filter(|line| {
        let mut before = filters
            .iter()
            .filter_map(|(name, filter)| Some((dimension(name)?.1, filter)));
        before.all(|(read, filter)| filter.passes(&read(world, line)))
    });
    let mut rows = grouped(world, &parts, lines);
    for (place, name) in names.iter().enumerate() {
        let filter = filters.iter().find(|(known, _)| known == name);
        if let (Some((_, filter)), Some(Part::Measure(..))) = (filter, parts.get(place)) {
            rows.retain(|row| row.get(place).is_some_and(|value| filter.passes(value)));
        }
    }
    sort(&mut rows, &query.rest, names, &parts);
    Ok(rows)
}

fn read_filters(
    world: &World,
    query: &Query,
    known: &[Field],
) -> Result<Vec<(String, Filter)>, Unanswered> {
    let written = query.rest.get("filters").and_then(Value::as_object);
    let mut filters = Vec::new();
    for (name, value) in written.into_iter().flatten() {
        let field = known.iter().find(|field| field.name == *name);
        let field = field.ok_or_else(|| Unanswered::Filter(name.clone()))?;
        let kind = dimension(&field.name).map_or(Kind::Number, |(kind, _)| kind);
        let text = value.as_str().unwrap_or_default();
        let filter = Filter::parse(kind, text, world.now);
        let filter = filter
            .ok_or_else(|| Unanswered::Unknown(format!("the filter `{text}` of `{name}`")))?;
        filters.push((name.clone(), filter));
    }
    Ok(filters)
}

fn lines<'a>(world: &'a World, explore: &str) -> Vec<Line<'a>> {
    let user = |id: Id| world.users.at(id).map(|user| (id, user));
    match explore {
        "user" => {
            let users = world.users.table.iter();
            let line = |user| Line {
                user: Some(user),
                ..Line::default()
            };
            users.map(line).collect()
        }
        "dashboard" => {
            let dashboards = world.content.dashboards.iter();
            let line = |dashboard: (Id, &'a Piece)| Line {
                user: dashboard.1.owner.and_then(user),
                dashboard: Some(dashboard),
                ..Line::default()
            };
            dashboards.map(line).collect()
        }
        "scheduled_plan" => plans(world),
        _ => {
            let runs = world.content.history.runs.iter();
            let content = &world.content;
            let line = |run: &'a Run| Line {
                run: Some(run),
                user: user(run.user),
                dashboard: run
                    .dashboard
                    .and_then(|id| Some((id, content.dashboards.at(id)?))),
                look: run.look.and_then(|id| Some((id, content.looks.at(id)?))),
                query: content
                    .queries
                    .at(run.query)
                    .map(|query| (run.query, query)),
                plan: None,
            };
            runs.map(line).collect()
        }
    }
}

fn plans(world: &World) -> Vec<Line<'_>> {
    let content = &world.content;
    let line = |plan: (Id, _)| {
        let (_, schedule): (Id, &Schedule) = plan;
        let (dashboard, look) = match schedule.thing {
            Some(Thing::Dashboard(id)) => (content.dashboards.at(id).map(|it| (id, it)), None),
            Some(Thing::Look(id)) => (None, content.looks.at(id).map(|it| (id, it))),
            _ => (None, None),
        };
        let owner = world.users.at(schedule.owner);
        Line {
            plan: Some(plan),
            user: owner.map(|user| (schedule.owner, user)),
            dashboard,
            look,
            ..Line::default()
        }
    };
    content.schedules.table.iter().map(line).collect()
}

/// One row for each different combination of dimensions, in the order in which they come.
fn grouped<'a>(
    world: &World,
    parts: &[Part],
    lines: impl Iterator<Item = Line<'a>>,
) -> Vec<Vec<Value>> {
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    let mut groups: Vec<(Vec<Value>, Vec<Line<'_>>)> = Vec::new();
    for line in lines {
        let values: Vec<Value> = parts
            .iter()
            .map(|part| match part {
                Part::Dimension(read) => read(world, &line),
                Part::Measure(..) => Value::Null,
            })
            .collect();
        let key = Value::from(values.clone()).to_string();
        let place = *places.entry(key).or_insert(groups.len());
        if place == groups.len() {
            groups.push((values, Vec::new()));
        }
        if let Some((_, lines)) = groups.get_mut(place) {
            lines.push(line);
        }
    }
    let whole = parts.iter().all(|part| matches!(part, Part::Measure(..)));
    // Measures alone have a row even where there is nothing to measure.
    if whole && groups.is_empty() && !parts.is_empty() {
        groups.push((vec![Value::Null; parts.len()], Vec::new()));
    }
    let rows = groups.into_iter().map(|(mut row, lines)| {
        for (value, part) in row.iter_mut().zip(parts) {
            if let Part::Measure(measure, read) = part {
                let values = lines.iter().map(|line| read(world, line));
                *value = measured(*measure, values);
            }
        }
        row
    });
    rows.collect()
}

fn measured(measure: Measure, values: impl Iterator<Item = Value>) -> Value {
    let values: Vec<Value> = values.filter(|value| !value.is_null()).collect();
    let numbers = || values.iter().filter_map(Value::as_f64);
    let sum: f64 = numbers().sum();
    match measure {
        Measure::Count(_) => {
            let different: BTreeSet<String> = values.iter().map(ToString::to_string).collect();
            json!(different.len())
        }
        _ if values.is_empty() => Value::Null,
        Measure::Sum(_) => json!(sum),
        #[expect(clippy::cast_precision_loss, reason = "there are not that many runs")]
        Measure::Average(_) => json!(sum / values.len() as f64),
        Measure::Greatest(_) => json!(numbers().fold(f64::NEG_INFINITY, f64::max)),
    }
}

/// In the order that is asked for; otherwise as Looker does: the latest first, or the greatest, or by the first field.
fn sort(rows: &mut [Vec<Value>], rest: &Map<String, Value>, names: &[String], parts: &[Part]) {
    let asked = rest.get("sorts").and_then(Value::as_array);
    let asked = asked.into_iter().flatten().filter_map(Value::as_str);
    let mut keys: Vec<(usize, bool)> = asked
        .filter_map(|text| {
            let mut words = text.split_whitespace();
            let name = words.next()?;
            let place = names.iter().position(|known| known == name)?;
            Some((place, words.next() == Some("desc")))
        })
        .collect();
    if keys.is_empty() {
        let is_time = |name: &&String| name.ends_with("_date") || name.ends_with("_time");
        let time = names.iter().position(|name| is_time(&name));
        let measure = parts
            .iter()
            .position(|part| matches!(part, Part::Measure(..)));
        let first = time.or(measure).map(|place| (place, true));
        keys.push(first.unwrap_or((0, false)));
    }
    rows.sort_by(|one, other| {
        let orders = keys.iter().map(|(place, down)| {
            let (one, other) = (one.get(*place), other.get(*place));
            let order = match (one.and_then(Value::as_f64), other.and_then(Value::as_f64)) {
                (Some(one), Some(other)) => one.total_cmp(&other),
                _ => text(one).cmp(text(other)),
            };
            if *down { order.reverse() } else { order }
        });
        orders.fold(std::cmp::Ordering::Equal, std::cmp::Ordering::then)
    });
}

fn text(value: Option<&Value>) -> &str {
    value.and_then(Value::as_str).unwrap_or_default()
}
