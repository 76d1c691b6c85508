//! The context of every command: settings, surroundings, and a way to report.

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
    /// The context of a typed command.
    pub(crate) fn new(settings: Settings, ui: &Ui, system: &System) -> Self {
        Self {
            settings,
            ui: ui.clone(),
            system: system.clone(),
        }
    }

    /// Run `work` until the operator asks to stop; the caller then ends what it has started at Looker.
    pub(crate) async fn until_interrupted<T>(
        &self,
        work: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        until_interrupted(&self.system.interrupt, work).await
    }
}

/// Run `work` until the operator asks to stop; the caller then ends what it has started at Looker.
pub(crate) async fn until_interrupted<T>(
    interrupt: &Interrupt,
    work: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    interrupt.listen();
    // On the heap: otherwise every command's future would hold it twice.
    let work = Box::pin(work);
    tokio::select! {
        ended = work => ended,
        () = interrupt.asked(1) => Err(Error::new(Kind::Interrupted, "interrupted")),
    }
}
