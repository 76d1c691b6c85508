//! The chart of users per second: only its lines are SVG, stretched to the room there is, so that words stay readable.

use std::fmt::Write as _;

use crate::report::figures::Figures;
use crate::report::html::section;

const WIDTH: f64 = 1000.0;
const HEIGHT: f64 = 200.0;
/// How many points the line has at most.
const POINTS: usize = 200;
/// How many steps an axis has at most.
const STEPS: f64 = 5.0;

/// The users done and failed a second, on average over a while.
struct Rate {
    done: f64,
    failed: f64,
}

pub(super) fn throughput(figures: &Figures) -> String {
    let counts = figures.seconds.iter();
    let (done, failed) = counts.fold((0_u64, 0_u64), |(done, failed), second| {
        (done + u64::from(second.0), failed + u64::from(second.1))
    });
    if done + failed == 0 {
        return section(
            "throughput",
            "Users per second",
            "<p>No user was worked on.</p>",
        );
    }
    // What falls into the last second is part of one.
    let seconds = figures.seconds.len().saturating_sub(1).max(1);
    let rates = rates(figures, seconds);
    let most = rates.iter().map(|rate| rate.done.max(rate.failed));
    let most = most.fold(0.0, f64::max).max(1.0);
    let step = round_step(most / (STEPS - 1.0));
    let top = (most / step).ceil() * step;
    let legend = if failed > 0 {
        "<p class=\"legend\"><span><i class=\"line\"></i>done</span> <span><i class=\"bad\"></i>failed</span></p>"
    } else {
        ""
    };
    let chart = format!(
        "<div class=\"chart\">\n<div class=\"plot\">{}<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" preserveAspectRatio=\"none\" \
         role=\"img\" aria-label=\"users per second, {most:.0} at most\">{}{}</svg></div>\n\
         <div class=\"times\">{}</div>\n</div>\n{legend}",
        levels(step, top),
        line(&rates, top),
        failures(&rates, top),
        times(seconds),
    );
    section("throughput", "Users per second", &chart)
}

#[expect(clippy::cast_precision_loss, reason = "places on a chart")]
fn rates(figures: &Figures, seconds: usize) -> Vec<Rate> {
    let seconds_each = seconds.div_ceil(POINTS);
    let whole = figures.seconds.get(..seconds).unwrap_or_default();
    let rate = |chunk: &[(u32, u32)]| {
        let length = chunk.len() as f64;
        let sum = |of: fn(&(u32, u32)) -> u32| chunk.iter().map(of).map(f64::from).sum::<f64>();
        Rate {
            done: sum(|second| second.0) / length,
            failed: sum(|second| second.1) / length,
        }
    };
    whole.chunks(seconds_each).map(rate).collect()
}

/// The least of 1, 2, 5, 10, 20, 50 and so on, and of their tenths, that is not below `least`.
fn round_step(least: f64) -> f64 {
    let unit = 10_f64.powf(least.log10().floor());
    let steps = [1.0, 2.0, 5.0, 10.0].map(|step| step * unit);
    let found = steps.into_iter().find(|step| *step >= least * 0.999);
    found.unwrap_or(least)
}

/// The lines across, with what they stand for.
fn levels(step: f64, top: f64) -> String {
    let mut text = String::new();
    let mut level = 0.0;
    while level <= top * 1.001 {
        let _infallible = write!(
            text,
            "<span style=\"bottom:{:.2}%\"><b>{}</b></span>",
            level / top * 100.0,
            if step < 1.0 {
                format!("{level:.1}")
            } else {
                format!("{level:.0}")
            }
        );
        level += step;
    }
    text
}

/// The time below, from the start of the run.
#[expect(clippy::cast_precision_loss, reason = "places on a chart")]
fn times(seconds: usize) -> String {
    const ROUND: [usize; 14] = [
        1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1_200, 1_800, 3_600, 7_200,
    ];
    let all = seconds as f64;
    let fits = |step: &usize| all / (*step as f64) <= STEPS;
    let hours = seconds.div_ceil(5).next_multiple_of(3_600);
    let step = ROUND.into_iter().find(fits).unwrap_or(hours);
    let mut text = String::new();
    for at in (0..=seconds).step_by(step) {
        let label = match step {
            ..60 => format!("{at} s"),
            60..3_600 => format!("{} min", at / 60),
            _ => format!("{} h", at / 3_600),
        };
        let left = at as f64 / all * 100.0;
        let _infallible = write!(text, "<span style=\"left:{left:.2}%\">{label}</span>");
    }
    text
}

#[expect(clippy::cast_precision_loss, reason = "places on a chart")]
fn line(rates: &[Rate], top: f64) -> String {
    let width = WIDTH / rates.len().max(1) as f64;
    let height = |rate: &Rate| (1.0 - rate.done / top) * HEIGHT;
    let mut points = String::new();
    // A point stands in the middle of its time; the first and the last reach to the edges.
    if let Some(first) = rates.first() {
        let _infallible = write!(points, "0,{:.1}", height(first));
    }
    for (at, rate) in rates.iter().enumerate() {
        let x = (at as f64 + 0.5) * width;
        let _infallible = write!(points, " {x:.1},{:.1}", height(rate));
    }
    if let Some(last) = rates.last() {
        let _infallible = write!(points, " {WIDTH},{:.1}", height(last));
    }
    format!(
        "<polygon class=\"area\" points=\"0,{HEIGHT} {points} {WIDTH},{HEIGHT}\"/>\
         <polyline class=\"line\" points=\"{points}\"/>"
    )
}

/// A bar where users failed, tall enough to be seen.
#[expect(clippy::cast_precision_loss, reason = "places on a chart")]
fn failures(rates: &[Rate], top: f64) -> String {
    const LEAST: f64 = 6.0;
    let width = WIDTH / rates.len().max(1) as f64;
    let mut bars = String::new();
    for (at, rate) in rates.iter().enumerate() {
        if rate.failed > 0.0 {
            let height = (rate.failed / top * HEIGHT).max(LEAST);
            let (x, y) = (at as f64 * width, HEIGHT - height);
            let _infallible = write!(
                bars,
                "<rect class=\"bad\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\"/>"
            );
        }
    }
    bars
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_axis_has_round_steps_and_few_of_them() {
        for (least, step) in [(0.25, 0.5), (1.0, 1.0), (13.0, 20.0), (55.0, 100.0)] {
            assert!((round_step(least) - step).abs() < 1e-9, "{least}");
        }
        for (seconds, labels) in [
            (1, vec!["0 s", "1 s"]),
            (33, vec!["0 s", "10 s", "20 s", "30 s"]),
            (
                300,
                vec!["0 min", "1 min", "2 min", "3 min", "4 min", "5 min"],
            ),
            (100_000, vec!["0 h", "6 h", "12 h", "18 h", "24 h"]),
        ] {
            let text = times(seconds);
            let found: Vec<_> = text
                .split("</span>")
                .filter_map(|span| Some(span.split_once('>')?.1))
                .collect();
            assert_eq!(found, labels, "{seconds}");
        }
    }

    #[test]
    fn a_long_run_is_a_line_of_few_points_whose_failures_can_be_seen() {
        let mut figures = Figures::default();
        figures.seconds = vec![(1_000, 0); 10_000];
        figures.seconds[5_000] = (999, 1);

        let page = throughput(&figures);

        assert!(page.len() < 20_000, "{}", page.len());
        assert!(page.contains("height=\"6.0\""), "{page}");
    }
}
