//! A run as one page that needs nothing else: how fast it was, how long requests took, what went wrong.
//!
//! Its layout is in `report.html`, beside this file; the figures come from here.

mod chart;

use std::collections::BTreeMap;

use minijinja::value::{Serde, Value};
use minijinja::{Environment, HtmlEscape};
use serde::Serialize;

use crate::report::figures::{Figures, Latencies};
use crate::report::html::chart::Chart;
use crate::report::{Ui, count};

/// How many failed users the page lists.
const SHOWN: usize = 1000;
/// How many causes of their failures it lists.
const CAUSES: usize = 20;

/// The content of the report besides the figures.
#[derive(Debug, Serialize)]
pub(crate) struct Page<'a> {
    /// The name of the manifest.
    pub(crate) title: &'a str,
    /// Looker and time, in one line.
    pub(crate) about: &'a str,
    /// Why it was stopped, if it was.
    pub(crate) stopped: Option<&'a str>,
    /// The totals, as names and values.
    pub(crate) sum: &'a [(&'a str, String)],
    /// The users that failed, and why.
    pub(crate) failed: &'a [(&'a str, &'a str)],
}

impl Ui {
    /// The page of a run of which figures were kept.
    pub(crate) fn html(&self, page: &Page<'_>) -> String {
        let figures = self.figures().clone().unwrap_or_default();
        let view = View {
            page,
            css: include_str!("report.css"),
            tiles: page.sum.iter().map(Tile::of).collect(),
            chart: chart::throughput(&figures),
            operations: operations(&figures),
            requests: figures.operations.values().map(Latencies::count).sum(),
            retries: self.retries(),
            causes: causes(&figures),
            users: causes_of_users(page.failed),
            // The page must open in a browser even after 100,000 failures.
            failed: page.failed.iter().take(SHOWN).collect(),
            failed_more: page.failed.len().saturating_sub(SHOWN),
        };
        render(&view).expect("the page is one that was seen to render")
    }
}

/// What the template is given.
#[derive(Serialize)]
struct View<'a> {
    page: &'a Page<'a>,
    css: &'static str,
    tiles: Vec<Tile<'a>>,
    chart: Option<Chart>,
    operations: Vec<Operation>,
    requests: u64,
    retries: u64,
    causes: Causes<'a>,
    users: Causes<'a>,
    failed: Vec<&'a (&'a str, &'a str)>,
    failed_more: usize,
}

fn render(view: &View<'_>) -> Result<String, minijinja::Error> {
    let mut templates = Environment::new();
    templates.add_filter("thousands", count::count);
    templates.add_filter("fixed", |value: f64, digits: usize| {
        format!("{value:.digits$}")
    });
    // A name may break into lines behind each of its words.
    templates.add_filter("breakable", |name: &str| {
        Value::from_safe_string(HtmlEscape(name).to_string().replace('_', "_<wbr>"))
    });
    templates.add_template("report.html", include_str!("report.html"))?;
    templates.get_template("report.html")?.render(Serde(view))
}

/// A tile for a figure; one that is nothing stands back.
#[derive(Serialize)]
struct Tile<'a> {
    class: &'a str,
    label: String,
    value: String,
}

impl<'a> Tile<'a> {
    fn of((name, value): &'a (&'a str, String)) -> Self {
        let number = value.parse::<u64>();
        Self {
            class: if number == Ok(0) { "none" } else { name },
            label: name.replace('_', " "),
            value: number.map_or_else(|_| value.clone(), count::count),
        }
    }
}

/// How long the requests of an operation took: half of them, 95 and 99 of a hundred, and their shares of the longest time
/// on the page.
#[derive(Serialize)]
struct Operation {
    name: &'static str,
    count: u64,
    times: [String; 3],
    shares: [f64; 3],
}

/// The operations, the most frequent first.
fn operations(figures: &Figures) -> Vec<Operation> {
    let longest = figures.operations.values().map(|of| of.quantile(0.99));
    // Never 0, since the shares divide by it.
    let longest = longest.fold(f64::MIN_POSITIVE, f64::max);
    let operation = |(name, of): (&&'static str, &Latencies)| {
        let times = [0.5, 0.95, 0.99].map(|share| of.quantile(share));
        Operation {
            name,
            count: of.count(),
            times: times.map(millis),
            shares: times.map(|time| time / longest * 100.0),
        }
    };
    let mut operations: Vec<_> = figures.operations.iter().map(operation).collect();
    operations.sort_by_key(|operation| std::cmp::Reverse(operation.count));
    operations
}

/// Why something failed, and how often; the most frequent cause first.
#[derive(Serialize)]
struct Causes<'a> {
    all: u64,
    shown: Vec<Cause<'a>>,
    more: usize,
}

#[derive(Default, Serialize)]
struct Cause<'a> {
    cause: String,
    /// What failed of it, and how often.
    operations: Vec<(&'a str, u64)>,
    count: u64,
    /// The share of the most frequent one, in percent.
    width: f64,
}

impl<'a> Causes<'a> {
    fn of(causes: BTreeMap<String, Cause<'a>>) -> Self {
        let all = causes.values().map(|cause| cause.count).sum();
        let mut shown: Vec<_> = causes.into_iter().collect();
        shown.sort_by_key(|(_, cause)| std::cmp::Reverse(cause.count));
        // Never 0, since the widths divide by it.
        let most = shown.first().map_or(1, |(_, cause)| cause.count).max(1);
        let more = shown.len().saturating_sub(CAUSES);
        shown.truncate(CAUSES);
        #[expect(clippy::cast_precision_loss, reason = "the length of a bar")]
        let finished = |(name, mut cause): (String, Cause<'a>)| {
            cause
                .operations
                .sort_by_key(|(_, count)| std::cmp::Reverse(*count));
            cause.width = cause.count as f64 / most as f64 * 100.0;
            cause.cause = name;
            cause
        };
        Self {
            all,
            shown: shown.into_iter().map(finished).collect(),
            more,
        }
    }
}

/// What requests failed of.
fn causes(figures: &Figures) -> Causes<'_> {
    let mut causes = BTreeMap::<String, Cause<'_>>::new();
    for ((cause, operation), count) in &figures.causes {
        let cause = causes.entry(cause.clone()).or_default();
        cause.operations.push((operation, *count));
        cause.count += count;
    }
    Causes::of(causes)
}

/// What users failed of.
fn causes_of_users(failed: &[(&str, &str)]) -> Causes<'static> {
    let mut causes = BTreeMap::<String, Cause<'_>>::new();
    for (user, why) in failed {
        // Otherwise each user would be a cause of its own.
        let why = why.replace(&format!("`{user}`"), "the user");
        causes.entry(why).or_default().count += 1;
    }
    Causes::of(causes)
}

/// A time in milliseconds, with a unit.
fn millis(millis: f64) -> String {
    match millis {
        ..9.95 => format!("{millis:.1} ms"),
        ..999.5 => format!("{millis:.0} ms"),
        _ => format!("{:.1} s", millis / 1000.0),
    }
}
