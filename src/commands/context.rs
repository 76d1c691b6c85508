//! What every command has: the settings, the surroundings, and a way to report.

use crate::config::Settings;
use crate::error::{Error, Kind};
use crate::report::Ui;
use crate::system::{Interrupt, System};

/// The settings, how to report, and the surroundings.
#[derive(Debug)]
pub(crate) struct CommandContext {
    pub(crate) settings: Settings,
    pub(crate) ui: Ui,
    pub(crate) system: System,
}

impl CommandContext {
    /// The context of a command that was typed.
    pub(crate) fn new(settings: Settings, ui: &Ui, system: &System) -> Self {
        Self {
            settings,
            ui: ui.clone(),
            system: system.clone(),
        }
    }

    /// Do `work`, unless the user asks to stop; the caller then ends what it has begun at Looker.
    pub(crate) async fn until_interrupted<T>(
        &self,
        work: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        until_interrupted(&self.system.interrupt, work).await
    }
}

/// Do `work`, unless the user asks to stop; what it has begun at Looker is then to be ended by the caller.
pub(crate) async fn until_interrupted<T>(
    interrupt: &Interrupt,
    work: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    interrupt.listen();
    tokio::select! {
        ended = work => ended,
        () = interrupt.asked(1) => Err(Error::new(Kind::Interrupted, "interrupted")),
    }
}
