//! The report of a run: whether it can be written is checked before anything is done; it is written at the end.

use std::io::Write as _;
use std::time::Duration;

use crate::commands::apply::results::{Results, Sum};
use crate::commands::apply::source::Source;
use crate::commands::files::{Output, OutputKind};
use crate::commands::session::Session;
use crate::error::{Error, Kind};
use crate::report::Ui;
use crate::system::System;

/// The file for the report.
#[derive(Debug)]
pub(super) struct Report(Output);

impl Report {
    /// Check that the file can be written, and collect figures from `began` on.
    pub(super) fn create(
        name: &str,
        began: Duration,
        ui: &Ui,
        system: &System,
    ) -> Result<Self, Error> {
        // An earlier report stays until there is a new one.
        let output = Output::open("--report", name, OutputKind::Report, system)?;
        ui.keep_figures(began);
        Ok(Self(output))
    }

    /// Write the report of a run that ended, or was `stopped` by an error.
    pub(super) fn write(
        &self,
        results: &Results,
        sum: &Sum,
        stopped: Option<&Error>,
        (source, session): (&Source, &Session),
        system: &System,
    ) -> Result<(), Error> {
        let now = system.clock.now();
        let about = format!(
            "At {}, {} users at a time, ended {}.",
            session.admin.origin(),
            session.settings.concurrency(),
            now.strftime("%Y-%m-%d %H:%M:%S UTC"),
        );
        let stopped = stopped.map(Error::to_string);
        let page = results.html(sum, (&source.name, &about), stopped.as_deref());
        let Self(output) = self;
        let mut out = output.begin()?;
        let written = out.write_all(page.as_bytes());
        written
            .map_err(|error| output.unwritable(error))
            .and_then(|()| out.commit())
            .map_err(|error| error.with_kind(Kind::Internal))
    }
}
