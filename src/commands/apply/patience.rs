//! Waits for users that another run works on, as `--wait` asks.

use std::time::Duration;

use crate::commands::context::until_interrupted;
use crate::error::Error;
use crate::ledger::{LedgerError, RunId};
use crate::report::Ui;
use crate::system::{Clock, Interrupt, System, duration};

/// The first pause: most runs of a few users end within seconds.
const FIRST: Duration = Duration::from_millis(250);

/// The longest pause: short beside the time that anyone waits for a long run.
const LONGEST: Duration = Duration::from_secs(10);

/// How long is left to wait.
#[derive(Debug)]
pub(super) struct Patience {
    /// As given; `None` if nothing is waited for.
    length: Option<Duration>,
    /// When it ends; counted from the first pause, so that a large manifest does not use it up.
    until: Option<Duration>,
    pause: Duration,
    /// The run that was named last.
    told: Option<RunId>,
    clock: Clock,
    interrupt: Interrupt,
    ui: Ui,
}

impl Patience {
    /// Waits for `length` altogether.
    pub(super) fn new(length: Option<Duration>, ui: &Ui, system: &System) -> Self {
        Self {
            length,
            until: None,
            pause: FIRST,
            told: None,
            clock: system.clock.clone(),
            interrupt: system.interrupt.clone(),
            ui: ui.clone(),
        }
    }

    /// Whether anything is waited for.
    pub(super) const fn waits(&self) -> bool {
        self.length.is_some()
    }

    /// Pause, because the ledger refused with `error`.
    ///
    /// # Errors
    /// `error` itself, if waiting does not help or the time is up.
    pub(super) async fn pause(&mut self, error: LedgerError) -> Result<(), Error> {
        let (Some(length), Some(run)) = (self.length, other_run(&error)) else {
            return Err(error.into());
        };
        let now = self.clock.elapsed();
        let until = *self.until.get_or_insert(now + length);
        let left = until.saturating_sub(now);
        if left.is_zero() {
            let waited = format!("gave up after waiting for {}", duration::exact(length));
            return Err(Error::from(error).context(waited));
        }
        if self.told != Some(run) {
            self.told = Some(run);
            self.pause = FIRST;
            self.tell(&error, left);
        }
        let sleep = self.clock.sleep(self.pause.min(left));
        let sleep = async {
            sleep.await;
            Ok(())
        };
        until_interrupted(&self.interrupt, sleep).await?;
        self.pause = (self.pause * 2).min(LONGEST);
        Ok(())
    }

    /// For whom, and for whose run. A warning, because programs that wait for embedctl want to know why it takes so long.
    fn tell(&self, error: &LedgerError, left: Duration) {
        let left = duration::exact(left);
        let what = match error {
            // It may never be finished by itself, so whoever reads this is told how.
            LedgerError::Unfinished { run, .. } => format!(
                " and no process works on it; waiting up to {left} until it is finished: `embedctl runs resume {run}` does that"
            ),
            _ => format!("; waiting up to {left} for it to end"),
        };
        self.ui.warning(format!("{error}{what}"));
    }
}

/// The run that is in the way.
const fn other_run(error: &LedgerError) -> Option<RunId> {
    match error {
        LedgerError::Busy { run, .. } | LedgerError::Unfinished { run, .. } => Some(*run),
        _ => None,
    }
}
