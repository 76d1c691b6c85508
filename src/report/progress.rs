//! Shows the progress of long work: a bar on a terminal, occasional lines in a log, events for programs.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::json;
use tokio::task::AbortHandle;

use crate::report::status::{Paint, Status};
use crate::report::{Progress, Ui};
use crate::system::Clock;

/// How progress is shown.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Style {
    Live,
    Plain,
    Json,
    Silent,
}

impl Style {
    fn of(ui: &Ui) -> Self {
        match ui.options.progress {
            Progress::None => Self::Silent,
            Progress::Json => Self::Json,
            Progress::Plain | Progress::Auto if ui.options.quiet => Self::Silent,
            // A terminal that cannot move the cursor would fill with copies of the line.
            Progress::Auto if ui.err.is_terminal() && ui.terminal.moves => Self::Live,
            Progress::Auto if ui.options.format.is_json() => Self::Silent,
            Progress::Plain | Progress::Auto => Self::Plain,
        }
    }

    /// How long it waits before it shows something new.
    const fn rhythm(self) -> Duration {
        match self {
            Self::Live => Duration::from_millis(200),
            Self::Json => Duration::from_secs(1),
            Self::Plain | Self::Silent => Duration::from_secs(10),
        }
    }
}

/// Shows the progress of work, until it ends or is dropped.
#[derive(Debug)]
pub(crate) struct Meter {
    work: Arc<Mutex<Work>>,
    /// Keeps the bar moving while nothing finishes.
    ticker: Option<AbortHandle>,
}

/// The work whose progress is shown.
#[derive(Debug)]
struct Work {
    ui: Ui,
    clock: Clock,
    style: Style,
    what: &'static str,
    /// The amount of work, if it is known.
    total: Option<u64>,
    done: u64,
    failed: u64,
    began: Duration,
    shown: Duration,
    pace: Pace,
    retries_before: u64,
}

impl Meter {
    /// Show the progress of `total` things, whose plural is `what`.
    pub(crate) fn new(ui: &Ui, clock: &Clock, what: &'static str, total: Option<u64>) -> Self {
        let began = clock.elapsed();
        ui.set_flying(0);
        let style = Style::of(ui);
        let work = Arc::new(Mutex::new(Work {
            ui: ui.clone(),
            clock: clock.clone(),
            style,
            what,
            total,
            done: 0,
            failed: 0,
            began,
            shown: began,
            pace: Pace::new(began),
            retries_before: ui.retries(),
        }));
        // A test moves its clock by hand; a ticker that waits for it would never end.
        let ticks = style == Style::Live && clock.runs_by_itself();
        let ticker = ticks.then(|| tokio::spawn(tick(Arc::clone(&work))).abort_handle());
        Self { work, ticker }
    }

    /// One more is done or has failed.
    pub(crate) fn one(&self, failed: bool) {
        let mut work = lock(&self.work);
        work.failed += u64::from(failed);
        work.ui.user_over(failed, work.clock.elapsed());
        let done = work.done + 1;
        work.reached(done);
    }

    /// This many are done.
    pub(crate) fn reached(&self, done: u64) {
        lock(&self.work).reached(done);
    }

    /// The amount of work has become known.
    pub(crate) fn set_total(&self, total: Option<u64>) {
        lock(&self.work).total = total;
    }

    /// The work is over.
    pub(crate) fn end(self) {
        let mut work = lock(&self.work);
        if work.style == Style::Json {
            let now = work.clock.elapsed();
            let status = work.status(now);
            work.event(&status);
        }
    }
}

impl Drop for Meter {
    fn drop(&mut self) {
        if let Some(ticker) = &self.ticker {
            // Before the line is hidden, or the ticker might draw it again.
            ticker.abort();
        }
        let mut work = lock(&self.work);
        if work.style == Style::Live {
            work.style = Style::Silent;
            work.ui.live.hide(&work.ui.err);
        }
    }
}

fn lock(work: &Mutex<Work>) -> MutexGuard<'_, Work> {
    work.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Redraw the bar from time to time, so that whoever waits for slow answers sees that it goes on.
async fn tick(work: Arc<Mutex<Work>>) {
    let (clock, rhythm) = {
        let work = lock(&work);
        (work.clock.clone(), work.style.rhythm())
    };
    loop {
        clock.sleep(rhythm).await;
        let mut work = lock(&work);
        let done = work.done;
        work.reached(done);
    }
}

impl Work {
    /// How long to watch before the remaining time is estimated.
    const FIRST_GUESS: Duration = Duration::from_secs(3);

    fn reached(&mut self, done: u64) {
        self.done = done;
        let now = self.clock.elapsed();
        // Drawing for each user would cost more than the work on it.
        if now.saturating_sub(self.shown) < self.style.rhythm() {
            return;
        }
        self.shown = now;
        let status = self.status(now);
        match self.style {
            Style::Live => {
                let line = status.bar(self.ui.paint());
                self.ui.live.show(&self.ui.err, line);
            }
            Style::Plain => self.ui.live.write(&self.ui.err, &format!("{status}\n")),
            Style::Json => self.event(&status),
            Style::Silent => {}
        }
    }

    fn event(&self, status: &Status) {
        #[expect(clippy::cast_precision_loss, reason = "a rate is an estimate")]
        let rate = status.done as f64 / status.elapsed.as_secs_f64().max(0.001);
        let event = json!({
            "event": "progress",
            "what": status.what,
            "done": status.done,
            "total": status.total,
            "failed": status.failed,
            "in_flight": status.in_flight,
            "retries": status.retries,
            "per_second": (rate * 10.0).round() / 10.0,
            "eta_seconds": status.eta.map(|eta| eta.as_secs()),
            "elapsed_ms": u64::try_from(status.elapsed.as_millis()).unwrap_or(u64::MAX),
        });
        self.ui.live.write(&self.ui.err, &format!("{event}\n"));
    }

    fn status(&mut self, now: Duration) -> Status {
        let rate = self.pace.at(self.done, now);
        let left = self.total.map(|total| total.saturating_sub(self.done));
        let elapsed = now.saturating_sub(self.began);
        #[expect(clippy::cast_precision_loss, reason = "a rate is an estimate")]
        let eta = left
            // An estimate from the first moments is far off.
            .filter(|_| rate > 0.0 && elapsed >= Self::FIRST_GUESS)
            .and_then(|left| Duration::try_from_secs_f64(left as f64 / rate).ok());
        Status {
            what: self.what,
            done: self.done,
            total: self.total,
            failed: self.failed,
            in_flight: self.ui.flying(),
            retries: self.ui.retries() - self.retries_before,
            rate,
            eta,
            stopping: self.ui.is_stopping(),
            elapsed,
        }
    }
}

impl Ui {
    /// What the terminal on standard error can show now; its width may have changed.
    fn paint(&self) -> Paint {
        let columns = self.terminal.columns;
        let columns = columns.or_else(|| Some(terminal_size::terminal_size()?.0.0.into()));
        Paint {
            // Some terminals wrap to the next line after the last column.
            width: columns.unwrap_or(80).saturating_sub(1),
            color: self.color,
            blocks: self.terminal.blocks,
        }
    }
}

/// The speed; recent work counts most, so that the estimate follows when Looker slows down.
#[derive(Debug)]
struct Pace {
    began: Duration,
    at: Duration,
    done: u64,
    /// The mean of the measurements so far.
    mean: f64,
}

impl Pace {
    /// The time after which two thirds of the mean are new.
    const MEMORY: f64 = 15.0;

    const fn new(began: Duration) -> Self {
        Self {
            began,
            at: began,
            done: 0,
            mean: 0.0,
        }
    }

    /// The rate per second, now that this many are done.
    fn at(&mut self, done: u64, now: Duration) -> f64 {
        let seconds = now.saturating_sub(self.at).as_secs_f64();
        // Two calls at the same moment have no rate.
        if seconds > 0.001 {
            #[expect(clippy::cast_precision_loss, reason = "a rate is an estimate")]
            let rate = done.saturating_sub(self.done) as f64 / seconds;
            let weight = 1.0 - (-seconds / Self::MEMORY).exp();
            self.mean += weight * (rate - self.mean);
            (self.at, self.done) = (now, done);
        }
        let measured = now.saturating_sub(self.began).as_secs_f64();
        // Early on the mean is too low, because it starts at 0; dividing by the weight so far corrects
        // it.
        let share = 1.0 - (-measured / Self::MEMORY).exp();
        if share > 0.0 { self.mean / share } else { 0.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_steady_pace_is_told_as_it_is_and_a_change_is_followed() {
        let mut pace = Pace::new(Duration::from_secs(3));
        let mut rate = 0.0;
        for second in 1..=30 {
            rate = pace.at(second * 100, Duration::from_secs(3 + second));
            assert!((rate - 100.0).abs() < 0.001, "{rate}");
        }
        for second in 31..=60 {
            rate = pace.at(3_000, Duration::from_secs(3 + second));
        }
        assert!(rate < 15.0, "{rate}");
    }
}
