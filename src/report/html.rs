//! A run as one page that needs nothing else: how fast it was, how long requests took, what went wrong.

use std::fmt::Write as _;

use crate::report::Ui;
use crate::report::figures::Figures;

/// What of a run is on its page besides the figures.
#[derive(Debug)]
pub(crate) struct Page<'a> {
    /// The name of the manifest.
    pub(crate) title: &'a str,
    /// What it came to, a name and a value each.
    pub(crate) sum: &'a [(&'a str, String)],
    /// The users that failed, and why.
    pub(crate) failed: &'a [(&'a str, &'a str)],
}

impl Ui {
    /// The page of a run of which figures were kept.
    pub(crate) fn html(&self, page: &Page<'_>) -> String {
        let figures = self.figures().clone().unwrap_or_default();
        let title = escape(page.title);
        let sum: String = page
            .sum
            .iter()
            .fold(String::new(), |mut text, (name, value)| {
                let (name, value) = (name.replace('_', " "), escape(value));
                let _infallible = write!(text, "<div><dt>{name}</dt><dd>{value}</dd></div>");
                text
            });
        format!(
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
             <title>embedctl apply {title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n\
             <h1>embedctl apply {title}</h1>\n<dl>{sum}</dl>\n\
             <h2>Users per second</h2>\n{}\n<h2>How long requests took</h2>\n{}\n\
             <h2>Requests that failed or were made again</h2>\n{}\n<h2>Users that failed</h2>\n{}\n</body>\n</html>\n",
            throughput(&figures),
            latencies(&figures),
            causes(&figures),
            failed(page.failed),
        )
    }
}

const STYLE: &str = "\
:root{color-scheme:light dark;--ink:#1c2430;--soft:#5b6675;--line:#d7dde5;--blue:#2f6fdb;--red:#c8322b;--back:#fff}\
@media(prefers-color-scheme:dark){:root{--ink:#e8edf3;--soft:#9aa7b6;--line:#364150;--blue:#74a7ff;--red:#ff7b72;--back:#141a22}}\
body{font:16px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--back);max-width:60rem;margin:0 auto;padding:1.5rem 1rem 3rem}\
h1{font-size:1.5rem;overflow-wrap:anywhere}h2{font-size:1.1rem;margin:2rem 0 .5rem}\
dl{display:grid;grid-template-columns:repeat(auto-fill,minmax(9rem,1fr));gap:.75rem;margin:0}\
dl div:last-child{grid-column:1/-1}dl div{border:1px solid var(--line);border-radius:.5rem;padding:.5rem .75rem}dt{color:var(--soft);font-size:.85rem}\
dd{margin:0;font-weight:600;overflow-wrap:anywhere}svg{width:100%;height:auto;display:block}\
svg text{font:12px system-ui,sans-serif;fill:var(--soft)}.scroll{overflow-x:auto}table{border-collapse:collapse;width:100%}\
th,td{text-align:left;padding:.35rem .75rem .35rem 0;border-bottom:1px solid var(--line);vertical-align:top}\
td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}td{overflow-wrap:anywhere}\
.bar{background:var(--blue);height:.7rem;border-radius:.2rem;min-width:2px}td.wide{width:40%;min-width:8rem}.scroll td{overflow-wrap:normal;white-space:nowrap}p{color:var(--soft)}";

const WIDTH: f64 = 800.0;
const HEIGHT: f64 = 200.0;
/// How many points the line has at most.
const POINTS: usize = 200;

#[expect(clippy::cast_precision_loss, reason = "places on a chart")]
fn throughput(figures: &Figures) -> String {
    // What falls into the last second is part of one.
    let whole = figures.seconds.len().saturating_sub(1).max(1);
    let step = whole.div_ceil(POINTS);
    let seconds: Vec<_> = figures.seconds.iter().take(whole).collect();
    let rates: Vec<(f64, f64)> = seconds
        .chunks(step)
        .map(|chunk| {
            let sum = |of: fn(&(u32, u32)) -> u32| {
                chunk
                    .iter()
                    .map(|second| f64::from(of(second)))
                    .sum::<f64>()
            };
            let length = chunk.len() as f64;
            (
                sum(|second| second.0) / length,
                sum(|second| second.1) / length,
            )
        })
        .collect();
    let most = rates
        .iter()
        .map(|rate| rate.0.max(rate.1))
        .fold(1.0, f64::max);
    let x = |at: usize| 50.0 + at as f64 * (WIDTH - 60.0) / (rates.len().max(2) - 1) as f64;
    let y = |rate: f64| 10.0 + (1.0 - rate / most) * (HEIGHT - 40.0);
    let line = |of: fn(&(f64, f64)) -> f64| {
        let points = rates.iter().enumerate();
        let points = points.map(|(at, rate)| format!("{:.1},{:.1}", x(at), y(of(rate))));
        let mut points: Vec<_> = points.collect();
        if points.len() == 1 {
            // One second is a level line.
            points.extend(
                rates
                    .iter()
                    .map(|rate| format!("{:.1},{:.1}", x(1), y(of(rate)))),
            );
        }
        points.join(" ")
    };
    let bottom = y(0.0);
    format!(
        "<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"users per second, at most {most:.0}\">\
         <path d=\"M50 10H790M50 {bottom}H790\" stroke=\"var(--line)\" fill=\"none\"/>\
         <text x=\"44\" y=\"14\" text-anchor=\"end\">{most:.0}</text><text x=\"44\" y=\"{bottom}\" text-anchor=\"end\">0</text>\
         <text x=\"50\" y=\"190\">0 s</text><text x=\"790\" y=\"190\" text-anchor=\"end\">{whole} s</text>\
         <polyline points=\"{}\" fill=\"none\" stroke=\"var(--blue)\" stroke-width=\"2\"/>\
         <polyline points=\"{}\" fill=\"none\" stroke=\"var(--red)\" stroke-width=\"1\"/></svg>\
         <p>Blue: done. Red: failed.</p>",
        line(|rate| rate.0),
        line(|rate| rate.1),
    )
}

fn latencies(figures: &Figures) -> String {
    let operations = figures.operations.iter();
    let longest = operations
        .clone()
        .map(|(_, of)| of.permille(990))
        .fold(1.0, f64::max);
    let rows: String = operations.fold(String::new(), |mut text, (operation, of)| {
        let [half, most, nearly_all] = [500, 950, 990].map(|share| of.permille(share));
        let width = most / longest * 100.0;
        let _infallible = write!(
            text,
            "<tr><td>{operation}</td><td class=\"n\">{}</td><td class=\"n\">{half:.0}</td><td class=\"n\">{most:.0}</td>\
             <td class=\"n\">{nearly_all:.0}</td><td class=\"wide\"><div class=\"bar\" style=\"width:{width:.1}%\"></div></td></tr>",
            of.count
        );
        text
    });
    format!(
        "<div class=\"scroll\"><table><tr><th>operation</th><th class=\"n\">requests</th><th class=\"n\">half, ms</th>\
         <th class=\"n\">95 %, ms</th><th class=\"n\">99 %, ms</th><th>95 %</th></tr>{rows}</table></div>"
    )
}

fn causes(figures: &Figures) -> String {
    if figures.causes.is_empty() {
        return "<p>None.</p>".to_owned();
    }
    let rows: String = figures
        .causes
        .iter()
        .fold(String::new(), |mut text, (cause, count)| {
            let cause = escape(cause);
            let _infallible = write!(
                text,
                "<tr><td>{cause}</td><td class=\"n\">{count}</td></tr>"
            );
            text
        });
    format!("<table><tr><th>what</th><th class=\"n\">how often</th></tr>{rows}</table>")
}

/// How many failed users the page shows.
const SHOWN: usize = 1000;

fn failed(failed: &[(&str, &str)]) -> String {
    if failed.is_empty() {
        return "<p>None.</p>".to_owned();
    }
    let rows: String = failed
        .iter()
        .take(SHOWN)
        .fold(String::new(), |mut text, (user, why)| {
            let (user, why) = (escape(user), escape(why));
            let _infallible = write!(text, "<tr><td>{user}</td><td>{why}</td></tr>");
            text
        });
    let more = match failed.len().saturating_sub(SHOWN) {
        0 => String::new(),
        more => format!("<p>And {more} more.</p>"),
    };
    format!("<table><tr><th>external user id</th><th>why</th></tr>{rows}</table>{more}")
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}
