//! A run as one page that needs nothing else: how fast it was, how long requests took, what went wrong.

mod chart;
mod tables;

use std::fmt::Write as _;

use crate::report::{Ui, count};

/// What of a run is on its page besides the figures.
#[derive(Debug)]
pub(crate) struct Page<'a> {
    /// The name of the manifest.
    pub(crate) title: &'a str,
    /// Where and when, in a line.
    pub(crate) about: &'a str,
    /// Why it came to no end, where it did not.
    pub(crate) stopped: Option<&'a str>,
    /// What it came to, a name and a value each.
    pub(crate) sum: &'a [(&'a str, String)],
    /// The users that failed, and why.
    pub(crate) failed: &'a [(&'a str, &'a str)],
}

impl Ui {
    /// The page of a run of which figures were kept.
    pub(crate) fn html(&self, page: &Page<'_>) -> String {
        let figures = self.figures().clone().unwrap_or_default();
        let (title, about) = (escape(page.title), escape(page.about));
        let stopped = page.stopped.map_or_else(String::new, |why| {
            format!(
                "<p class=\"stopped\">Not all of it was done: {}</p>\n",
                escape(why)
            )
        });
        format!(
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
             <title>embedctl apply {title}</title>\n<style>\n{}</style>\n</head>\n<body>\n\
             <h1>embedctl apply {title}</h1>\n<p>{about}</p>\n{stopped}<dl>{}</dl>\n{}{}{}{}</body>\n</html>\n",
            include_str!("report.css"),
            sum(page.sum),
            chart::throughput(&figures),
            tables::latencies(&figures),
            tables::causes(&figures, self.retries()),
            tables::failed(page.failed),
        )
    }
}

/// A tile for each figure; those that are nothing stand back.
fn sum(sum: &[(&str, String)]) -> String {
    let mut tiles = String::new();
    for (name, value) in sum {
        let number = value.parse::<u64>();
        let class = if number == Ok(0) { "none" } else { name };
        let value = number.map_or_else(|_| escape(value), count::count);
        let label = name.replace('_', " ");
        let _infallible = write!(
            tiles,
            "<div class=\"{class}\"><dt>{label}</dt><dd>{value}</dd></div>"
        );
    }
    tiles
}

/// A part of the page.
fn section(id: &str, heading: &str, content: &str) -> String {
    format!("<section id=\"{id}\">\n<h2>{heading}</h2>\n{content}\n</section>\n")
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}
