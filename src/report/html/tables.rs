//! The tables of the page, with a bar in each row that shows what its figures mean.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::report::count;
use crate::report::figures::Figures;
use crate::report::html::{escape, section};

/// How long the requests of each operation took, the most frequent first.
pub(super) fn latencies(figures: &Figures) -> String {
    const HEADING: &str = "How long requests took";
    let mut operations: Vec<_> = figures.operations.iter().collect();
    if operations.is_empty() {
        return section("latencies", HEADING, "<p>No request was made.</p>");
    }
    operations.sort_by_key(|(_, of)| std::cmp::Reverse(of.count));
    let longest = operations.iter().map(|(_, of)| of.permille(990));
    let longest = longest.fold(f64::MIN_POSITIVE, f64::max);
    let mut rows = String::new();
    for (operation, of) in operations {
        let times = [500, 950, 990].map(|share| of.permille(share));
        let [half, most, nearly_all] = times.map(millis);
        let [short, middle, long] = times.map(|time| time / longest * 100.0);
        let _infallible = writeln!(
            rows,
            "<tr><td>{}<div class=\"bar\"><i class=\"p99\" style=\"width:{long:.1}%\"></i>\
             <i class=\"p95\" style=\"width:{middle:.1}%\"></i><i class=\"p50\" style=\"width:{short:.1}%\"></i></div></td>\
             <td>{}</td><td>{half}</td><td>{most}</td><td>{nearly_all}</td></tr>",
            breakable(operation),
            count::count(of.count),
        );
    }
    let table = format!(
        "<p class=\"legend\"><span><i class=\"p50\"></i>half of them took at most so long,</span> \
         <span><i class=\"p95\"></i>95 %,</span> <span><i class=\"p99\"></i>99 %</span></p>\n\
         <div class=\"scroll\"><table><thead><tr><th>operation</th><th>requests</th><th>50 %</th><th>95 %</th><th>99 %</th></tr></thead>\n\
         <tbody>{rows}</tbody></table></div>"
    );
    section("latencies", HEADING, &table)
}

/// What requests failed of, the most frequent cause first.
pub(super) fn causes(figures: &Figures, retries: u64) -> String {
    const HEADING: &str = "Requests that failed";
    let all: u64 = figures.operations.values().map(|of| of.count).sum();
    let failed: u64 = figures.causes.values().sum();
    if failed == 0 {
        let none = format!("<p>None of {}.</p>", count::count(all));
        return section("causes", HEADING, &none);
    }
    let mut causes = BTreeMap::<&str, Vec<(&str, u64)>>::new();
    for ((cause, operation), count) in &figures.causes {
        let of = causes.entry(cause).or_default();
        of.push((operation, *count));
    }
    let rows = causes.into_iter().map(|(cause, mut of)| {
        of.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        let operations = of
            .iter()
            .map(|(operation, count)| format!("{} {}", breakable(operation), count::count(*count)));
        let operations = operations.collect::<Vec<_>>().join(", ");
        let label = format!("{}<small>{operations}</small>", escape(cause));
        (label, of.iter().map(|(_, count)| count).sum())
    });
    let table = counted("cause", "requests", rows.collect());
    let text = format!(
        "<p>{} of {}; {} made again.</p>\n{table}",
        count::count(failed),
        count::count(all),
        match retries {
            0 => "none was".to_owned(),
            1 => "1 was".to_owned(),
            _ => format!("{} were", count::count(retries)),
        }
    );
    section("causes", HEADING, &text)
}

/// How many failed users the page lists.
const SHOWN: usize = 1000;
/// How many causes of their failures it lists.
const CAUSES: usize = 20;

/// The users that failed, and why: by cause, and one by one.
pub(super) fn failed(failed: &[(&str, &str)]) -> String {
    const HEADING: &str = "Users that failed";
    if failed.is_empty() {
        return section("failed", HEADING, "<p>None.</p>");
    }
    let mut causes = BTreeMap::<String, u64>::new();
    for (user, why) in failed {
        let cause = escape(&why.replace(&format!("`{user}`"), "the user"));
        *causes.entry(cause).or_default() += 1;
    }
    let by_cause = counted("cause", "users", causes.into_iter().collect());
    let mut rows = String::new();
    for (user, why) in failed.iter().take(SHOWN) {
        let (user, why) = (escape(user), escape(why));
        let _infallible = writeln!(rows, "<tr><td>{user}</td><td>{why}</td></tr>");
    }
    let more = match failed.len().saturating_sub(SHOWN) {
        0 => String::new(),
        more => format!("<p>And {more} more; <code>--failed-to FILE</code> keeps them all.</p>"),
    };
    let list = format!(
        "{by_cause}\n<div class=\"scroll\"><table class=\"text\"><thead><tr><th>external user id</th><th>why</th></tr></thead>\n\
         <tbody>{rows}</tbody></table></div>{more}"
    );
    section("failed", HEADING, &list)
}

/// A row with a bar for each cause and how often it was met, the most frequent first.
fn counted(what: &str, of: &str, mut causes: Vec<(String, u64)>) -> String {
    causes.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let most = causes.first().map_or(1, |(_, count)| *count).max(1);
    let mut rows = String::new();
    for (label, count) in causes.iter().take(CAUSES) {
        #[expect(clippy::cast_precision_loss, reason = "the length of a bar")]
        let width = *count as f64 / most as f64 * 100.0;
        let _infallible = writeln!(
            rows,
            "<tr><td>{label}<div class=\"bar\"><i class=\"bad\" style=\"width:{width:.1}%\"></i></div></td><td>{}</td></tr>",
            count::count(*count)
        );
    }
    let more = match causes.len().saturating_sub(CAUSES) {
        0 => String::new(),
        more => format!("<p>And {more} rarer ones.</p>"),
    };
    format!(
        "<div class=\"scroll\"><table><thead><tr><th>{what}</th><th>{of}</th></tr></thead>\n<tbody>{rows}</tbody></table></div>{more}"
    )
}

/// A time in milliseconds, with a unit.
fn millis(millis: f64) -> String {
    match millis {
        ..9.95 => format!("{millis:.1} ms"),
        ..999.5 => format!("{millis:.0} ms"),
        _ => format!("{:.1} s", millis / 1000.0),
    }
}

/// The name of an operation, which may break into lines behind each of its words.
fn breakable(operation: &str) -> String {
    escape(operation).replace('_', "_<wbr>")
}
