//! The chart of users per second: only its lines are SVG, stretched to the room there is, so that words stay readable.

use serde::Serialize;

use crate::report::figures::Figures;

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

/// The chart, as the template draws it.
#[derive(Serialize)]
pub(super) struct Chart {
    width: f64,
    height: f64,
    /// The highest point.
    most: f64,
    /// The lines across.
    levels: Vec<Mark>,
    /// The times below, from the start of the run.
    times: Vec<Mark>,
    /// The line of the users done.
    points: String,
    /// A bar where users failed.
    bars: Vec<Bar>,
}

/// A place on an axis, in percent of it, and what it stands for.
#[derive(Serialize)]
struct Mark {
    at: f64,
    label: String,
}

#[derive(Serialize)]
struct Bar {
    x: f64,
    y: f64,
    width: f64,
    height: f64,
}

/// The chart of a run; nothing if no user was worked on.
pub(super) fn throughput(figures: &Figures) -> Option<Chart> {
    // A chart without any user would be an empty frame.
    if figures.seconds.iter().all(|second| *second == (0, 0)) {
        return None;
    }
    let rates = rates(figures);
    let seconds = rates.last().map_or(1.0, |rate| rate.to);
    let most = rates.iter().map(|rate| rate.done.max(rate.failed));
    let most = most.fold(0.0, f64::max).max(1.0);
    let step = round_step(most / (STEPS - 1.0));
    let top = (most / step).ceil() * step;
    Some(Chart {
        width: WIDTH,
        height: HEIGHT,
        most,
        levels: levels(step, top),
        times: times(seconds),
        points: line(&rates, seconds, top),
        bars: failures(&rates, seconds, top),
    })
}

fn rates(figures: &Figures) -> Vec<Rate> {
    // A run that was over at once took some time anyway.
    const LEAST: f64 = 0.1;
    let seconds = &figures.seconds;
    // A long run has more seconds than the chart has room for points.
    let each = seconds.len().div_ceil(POINTS).max(1);
    // The last second is incomplete, and too short for an interval of its own.
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
    // A tolerance for rounding errors: 0.3 / 0.1 is not 3.
    let found = steps.into_iter().find(|step| *step >= least * 0.999);
    found.unwrap_or(least)
}

fn levels(step: f64, top: f64) -> Vec<Mark> {
    let digits = usize::from(step < 1.0);
    let mut levels = Vec::new();
    let mut level = 0.0;
    while level <= top * 1.001 {
        levels.push(Mark {
            at: level / top * 100.0,
            label: format!("{level:.digits$}"),
        });
        level += step;
    }
    levels
}

fn times(seconds: f64) -> Vec<Mark> {
    const ROUND: [usize; 15] = [
        1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1_200, 1_800, 3_600, 7_200, 14_400,
    ];
    let fits = |step: &usize| seconds / whole(*step) <= STEPS;
    let step = ROUND.into_iter().find(fits).unwrap_or(86_400);
    let mut times = Vec::new();
    let mut at = 0;
    while whole(at) <= seconds {
        let label = match step {
            ..60 => format!("{at} s"),
            60..3_600 => format!("{} min", at / 60),
            _ => format!("{} h", at / 3_600),
        };
        times.push(Mark {
            at: whole(at) / seconds * 100.0,
            label,
        });
        at += step;
    }
    // A short run has no full second to mark.
    if seconds < 1.0 {
        let label = format!("{seconds:.1} s");
        times.push(Mark { at: 100.0, label });
    }
    times
}

/// The points of the line: one in the middle of each interval; the first and the last are repeated at the edges.
fn line(rates: &[Rate], seconds: f64, top: f64) -> String {
    let point = |x: f64, rate: &Rate| format!("{x:.1},{:.1}", (1.0 - rate.done / top) * HEIGHT);
    let middle = |rate: &Rate| point(f64::midpoint(rate.from, rate.to) / seconds * WIDTH, rate);
    let first = rates.first().map(|rate| point(0.0, rate));
    let last = rates.last().map(|rate| point(WIDTH, rate));
    let points = first
        .into_iter()
        .chain(rates.iter().map(middle))
        .chain(last);
    points.collect::<Vec<_>>().join(" ")
}

/// A bar for each interval in which users failed, tall enough to be visible.
fn failures(rates: &[Rate], seconds: f64, top: f64) -> Vec<Bar> {
    const LEAST: f64 = 6.0;
    let bar = |rate: &Rate| {
        let height = (rate.failed / top * HEIGHT).max(LEAST);
        let [x, end] = [rate.from, rate.to].map(|at| at / seconds * WIDTH);
        Bar {
            x,
            y: HEIGHT - height,
            width: end - x,
            height,
        }
    };
    let failed = rates.iter().filter(|rate| rate.failed > 0.0);
    failed.map(bar).collect()
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
            let times = times(seconds);
            let found: Vec<_> = times.iter().map(|mark| mark.label.as_str()).collect();
            assert_eq!(found, labels, "{seconds}");
        }
    }

    #[test]
    fn a_long_run_is_a_line_of_few_points_whose_failures_can_be_seen() {
        let mut figures = Figures::default();
        figures.seconds = vec![(1_000, 0); 10_000];
        figures.ended = Duration::from_millis(9_999_500);
        figures.seconds[5_000] = (999, 1);

        let chart = throughput(&figures).unwrap();

        assert!(chart.points.len() < 10_000, "{}", chart.points.len());
        let heights: Vec<_> = chart.bars.iter().map(|bar| bar.height).collect();
        assert_eq!(heights, [6.0]);
    }
}
