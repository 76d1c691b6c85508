//! How far a long piece of work is: a live line on a terminal, calm lines in a log, events for programs.

use std::fmt;
use std::io::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::json;

use crate::report::figures::Figures;
use crate::report::{Progress, Ui, amount};
use crate::system::{Clock, Stream};

/// The line at the bottom of a terminal that is written anew, and what it tells besides the work itself.
#[derive(Clone, Debug, Default)]
pub(super) struct Live(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    line: Mutex<Option<String>>,
    retries: AtomicU64,
    figures: Mutex<Option<Figures>>,
}

/// Takes the cursor to the start of the line, and clears it.
const CLEAR: &str = "\r\u{1b}[K";

impl Live {
    /// Write `text`, which ends with a line break, above the line.
    pub(super) fn write(&self, err: &Stream, text: &str) {
        let text = match &*self.line() {
            Some(line) => format!("{CLEAR}{text}{line}"),
            None => text.to_owned(),
        };
        write(err, &text);
    }

    /// Take the line away until it is shown anew.
    pub(super) fn hide(&self, err: &Stream) {
        if self.line().take().is_some() {
            write(err, CLEAR);
        }
    }

    pub(super) fn figures(&self) -> &Mutex<Option<Figures>> {
        &self.0.figures
    }

    fn show(&self, err: &Stream, text: String) {
        write(err, &format!("{CLEAR}{text}"));
        *self.line() = Some(text);
    }

    fn line(&self) -> MutexGuard<'_, Option<String>> {
        self.0.line.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn write(err: &Stream, text: &str) {
    let mut err = err.clone();
    // Standard error may be closed; there is nobody left to tell.
    let _closed = err.write_all(text.as_bytes()).and_then(|()| err.flush());
}

impl Ui {
    /// A request is made again.
    pub(crate) fn retried(&self) {
        self.live.0.retries.fetch_add(1, Ordering::Relaxed);
    }

    /// How many requests were made again so far.
    pub(super) fn retries(&self) -> u64 {
        self.live.0.retries.load(Ordering::Relaxed)
    }
}

/// How progress is shown.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Style {
    Live,
    Plain,
    Json,
    Silent,
}

impl Style {
    /// How long it waits until it shows something new.
    const fn rhythm(self) -> Duration {
        match self {
            Self::Live => Duration::from_millis(100),
            Self::Json => Duration::from_secs(1),
            Self::Plain | Self::Silent => Duration::from_secs(10),
        }
    }
}

/// Tells how far a piece of work is.
#[derive(Debug)]
pub(crate) struct Meter {
    ui: Ui,
    clock: Clock,
    style: Style,
    what: &'static str,
    /// How much there is to do, where that is known.
    total: Option<u64>,
    /// How many are worked on at once.
    width: u64,
    done: u64,
    failed: u64,
    began: Duration,
    shown: Duration,
    retries_before: u64,
}

impl Meter {
    /// Tells of `total` things, which `what` names in the plural, `width` of them at a time.
    pub(crate) fn new(
        ui: &Ui,
        clock: &Clock,
        what: &'static str,
        total: Option<u64>,
        width: usize,
    ) -> Self {
        let began = clock.elapsed();
        Self {
            ui: ui.clone(),
            clock: clock.clone(),
            style: style(ui),
            what,
            total,
            width: width as u64,
            done: 0,
            failed: 0,
            began,
            shown: began,
            retries_before: ui.retries(),
        }
    }

    /// One more is done, or has failed.
    pub(crate) fn one(&mut self, failed: bool) {
        self.failed += u64::from(failed);
        self.ui.user_over(failed, self.clock.elapsed());
        self.reached(self.done + 1);
    }

    /// So many are done.
    pub(crate) fn reached(&mut self, done: u64) {
        self.done = done;
        let now = self.clock.elapsed();
        if now.saturating_sub(self.shown) < self.style.rhythm() {
            return;
        }
        self.shown = now;
        let status = self.status(now);
        match self.style {
            Style::Live => {
                let width = self.ui.width_of_terminal();
                let line: String = status.to_string().chars().take(width).collect();
                self.ui.live.show(&self.ui.err, line);
            }
            Style::Plain => self.ui.live.write(&self.ui.err, &format!("{status}\n")),
            Style::Json => self.event(&status),
            Style::Silent => {}
        }
    }

    /// It is over.
    pub(crate) fn end(self) {
        match self.style {
            Style::Live => self.ui.live.hide(&self.ui.err),
            Style::Json => self.event(&self.status(self.clock.elapsed())),
            Style::Plain | Style::Silent => {}
        }
    }

    fn event(&self, status: &Status<'_>) {
        let event = json!({
            "event": "progress",
            "what": status.what,
            "done": status.done,
            "total": status.total,
            "failed": status.failed,
            "in_flight": status.in_flight,
            "retries": status.retries,
            "per_second": (status.rate * 10.0).round() / 10.0,
            "eta_seconds": status.eta.map(|eta| eta.as_secs()),
            "elapsed_ms": u64::try_from(status.elapsed.as_millis()).unwrap_or(u64::MAX),
        });
        self.ui.live.write(&self.ui.err, &format!("{event}\n"));
    }

    fn status(&self, now: Duration) -> Status<'_> {
        let elapsed = now.saturating_sub(self.began);
        let seconds = elapsed.as_secs_f64().max(0.001);
        #[expect(clippy::cast_precision_loss, reason = "a rate is an estimate")]
        let rate = self.done as f64 / seconds;
        let left = self.total.map(|total| total.saturating_sub(self.done));
        #[expect(clippy::cast_precision_loss, reason = "a rate is an estimate")]
        let eta = left
            .filter(|_| rate > 0.0)
            .and_then(|left| Duration::try_from_secs_f64(left as f64 / rate).ok());
        Status {
            what: self.what,
            done: self.done,
            total: self.total,
            failed: self.failed,
            in_flight: left.map_or(self.width, |left| left.min(self.width)),
            retries: self.ui.retries() - self.retries_before,
            rate,
            eta,
            elapsed,
        }
    }
}

fn style(ui: &Ui) -> Style {
    match ui.options.progress {
        Progress::None => Style::Silent,
        Progress::Json => Style::Json,
        Progress::Plain | Progress::Auto if ui.options.quiet => Style::Silent,
        Progress::Auto if ui.err.is_terminal() => Style::Live,
        Progress::Auto if ui.options.format.is_json() => Style::Silent,
        Progress::Plain | Progress::Auto => Style::Plain,
    }
}

impl Ui {
    fn width_of_terminal(&self) -> usize {
        let width = terminal_size::terminal_size().map(|(width, _)| usize::from(width.0));
        self.width.or(width).unwrap_or(80).saturating_sub(1)
    }
}

/// How far it is.
#[derive(Debug)]
struct Status<'a> {
    what: &'a str,
    done: u64,
    total: Option<u64>,
    failed: u64,
    in_flight: u64,
    retries: u64,
    rate: f64,
    eta: Option<Duration>,
    elapsed: Duration,
}

impl fmt::Display for Status<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            what, done, rate, ..
        } = self;
        match self.total {
            Some(total) => {
                let share = (done * 100).checked_div(total).unwrap_or(100);
                write!(f, "{share:>3} %  {done} of {total} {what}, {rate:.1}/s")?;
            }
            None => write!(f, "{done} {what}, {rate:.1}/s")?,
        }
        if let Some(eta) = self.eta {
            write!(f, ", {} left", amount::span(eta))?;
        }
        let counts = [
            (self.in_flight, "in flight"),
            (self.retries, "retried"),
            (self.failed, "failed"),
        ];
        for (count, word) in counts.iter().filter(|(count, _)| *count > 0) {
            write!(f, ", {count} {word}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_status_tells_how_far_how_fast_how_long_and_what_went_wrong() {
        let mut status = Status {
            what: "users",
            done: 512,
            total: Some(10_000),
            failed: 0,
            in_flight: 10,
            retries: 0,
            rate: 84.04,
            eta: Some(Duration::from_secs(112)),
            elapsed: Duration::from_secs(6),
        };
        assert_eq!(
            status.to_string(),
            "  5 %  512 of 10000 users, 84.0/s, 1 min 52 s left, 10 in flight"
        );

        status.total = None;
        status.eta = None;
        (status.retries, status.failed) = (3, 2);
        assert_eq!(
            status.to_string(),
            "512 users, 84.0/s, 10 in flight, 3 retried, 2 failed"
        );
    }
}
