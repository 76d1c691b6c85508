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
    /// When the while begins and ends, in seconds from the start of the run.
    from: f64,
    to: f64,
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
    let rates = rates(figures);
    let seconds = rates.last().map_or(1.0, |rate| rate.to);
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
        line(&rates, seconds, top),
        failures(&rates, seconds, top),
        times(seconds),
    );
    section("throughput", "Users per second", &chart)
}

fn rates(figures: &Figures) -> Vec<Rate> {
    // A run that was over at once took some time all the same.
    const LEAST: f64 = 0.1;
    let seconds = &figures.seconds;
    let each = seconds.len().div_ceil(POINTS).max(1);
    // The last second is not a whole one, and too short to be a while of its own.
    let whiles = (seconds.len().saturating_sub(1) / each).max(1);
    let rate = |number: usize| {
        let begin = number * each;
        let (end, to) = if number + 1 == whiles {
            (seconds.len(), figures.ended.as_secs_f64().max(LEAST))
        } else {
            (begin + each, whole(begin + each))
        };
        let counts = seconds.get(begin..end).unwrap_or_default();
        let sum = |of: fn(&(u32, u32)) -> u32| counts.iter().map(of).map(f64::from).sum::<f64>();
        let from = whole(begin);
        Rate {
            from,
            to,
            done: sum(|second| second.0) / (to - from),
            failed: sum(|second| second.1) / (to - from),
        }
    };
    (0..whiles).map(rate).collect()
}

#[expect(clippy::cast_precision_loss, reason = "a place on a chart")]
const fn whole(seconds: usize) -> f64 {
    seconds as f64
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
fn times(seconds: f64) -> String {
    const ROUND: [usize; 15] = [
        1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1_200, 1_800, 3_600, 7_200, 14_400,
    ];
    let fits = |step: &usize| seconds / whole(*step) <= STEPS;
    let step = ROUND.into_iter().find(fits).unwrap_or(86_400);
    let mut text = String::new();
    let mut at = 0;
    while whole(at) <= seconds {
        let label = match step {
            ..60 => format!("{at} s"),
            60..3_600 => format!("{} min", at / 60),
            _ => format!("{} h", at / 3_600),
        };
        let left = whole(at) / seconds * 100.0;
        let _infallible = write!(text, "<span style=\"left:{left:.2}%\">{label}</span>");
        at += step;
    }
    if seconds < 1.0 {
        let _infallible = write!(text, "<span style=\"left:100%\">{seconds:.1} s</span>");
    }
    text
}

fn line(rates: &[Rate], seconds: f64, top: f64) -> String {
    let height = |rate: &Rate| (1.0 - rate.done / top) * HEIGHT;
    let mut points = String::new();
    // A point stands in the middle of its while; the first and the last reach to the edges.
    if let Some(first) = rates.first() {
        let _infallible = write!(points, "0,{:.1}", height(first));
    }
    for rate in rates {
        let x = f64::midpoint(rate.from, rate.to) / seconds * WIDTH;
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
fn failures(rates: &[Rate], seconds: f64, top: f64) -> String {
    const LEAST: f64 = 6.0;
    let mut bars = String::new();
    for rate in rates.iter().filter(|rate| rate.failed > 0.0) {
        let height = (rate.failed / top * HEIGHT).max(LEAST);
        let [x, end] = [rate.from, rate.to].map(|at| at / seconds * WIDTH);
        let (width, y) = (end - x, HEIGHT - height);
        let _infallible = write!(
            bars,
            "<rect class=\"bad\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\"/>"
        );
    }
    bars
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn what_falls_into_the_last_second_belongs_to_the_one_before() {
        let mut figures = Figures::default();
        figures.seconds = vec![(10, 0), (10, 0), (6, 3)];
        figures.ended = Duration::from_millis(2_500);

        let rates = rates(&figures);

        let told: Vec<_> = rates
            .iter()
            .map(|rate| (rate.to, rate.done, rate.failed))
            .collect();
        assert_eq!(told, [(1.0, 10.0, 0.0), (2.5, 16.0 / 1.5, 2.0)]);
    }

    #[test]
    fn an_axis_has_round_steps_and_few_of_them() {
        for (least, step) in [(0.25, 0.5), (1.0, 1.0), (13.0, 20.0), (55.0, 100.0)] {
            assert!((round_step(least) - step).abs() < 1e-9, "{least}");
        }
        for (seconds, labels) in [
            (0.4, vec!["0 s", "0.4 s"]),
            (1.0, vec!["0 s", "1 s"]),
            (33.3, vec!["0 s", "10 s", "20 s", "30 s"]),
            (
                300.0,
                vec!["0 min", "1 min", "2 min", "3 min", "4 min", "5 min"],
            ),
            (50_000.0, vec!["0 h", "4 h", "8 h", "12 h"]),
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
        figures.ended = Duration::from_millis(9_999_500);
        figures.seconds[5_000] = (999, 1);

        let page = throughput(&figures);

        assert!(page.len() < 20_000, "{}", page.len());
        assert!(page.contains("height=\"6.0\""), "{page}");
    }
}
