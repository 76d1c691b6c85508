//! The page of a run: that it can be written is seen before anything is done, and it is written at the end.

use std::fs::{self, File};
use std::path::PathBuf;
use std::time::Duration;

use crate::commands::apply::results::{Results, Sum};
use crate::commands::apply::source::Source;
use crate::commands::session::Session;
use crate::error::{Error, Kind};
use crate::report::Ui;
use crate::system::System;

/// The file that the page goes to.
#[derive(Debug)]
pub(super) struct Report {
    name: String,
    path: PathBuf,
}

impl Report {
    /// See that the file can be written, and keep figures of what is done from `began` on.
    pub(super) fn create(
        name: &str,
        began: Duration,
        ui: &Ui,
        system: &System,
    ) -> Result<Self, Error> {
        let path = system.path(name);
        let mut options = File::options();
        // An earlier report stays until there is a new one.
        let opened = options.write(true).create(true).truncate(false).open(&path);
        opened.map_err(|error| {
            Error::caused(Kind::Usage, error).context(format!("cannot write the report `{name}`"))
        })?;
        ui.keep_figures(began);
        Ok(Self {
            name: name.to_owned(),
            path,
        })
    }

    /// Write the page of a run that came to its end, or was `stopped` by an error.
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
        fs::write(&self.path, page).map_err(|error| {
            Error::caused(Kind::Internal, error)
                .context(format!("cannot write the report `{}`", self.name))
        })
    }
}
