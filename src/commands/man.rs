//! `embedctl man`: manual pages for every command.

use std::fs;
use std::path::PathBuf;

use crate::error::{Error, Exit};
use crate::report::Ui;
use crate::system::System;

/// Write a manual page for every command
#[derive(clap::Args, Debug)]
pub(crate) struct ManArgs {
    /// The folder to write `embedctl.1` and its like into; it is made where it is not there
    #[arg(value_name = "DIR")]
    folder: PathBuf,
}

pub(crate) fn run(
    args: &ManArgs,
    tree: clap::Command,
    ui: &Ui,
    system: &System,
) -> Result<Exit, Error> {
    let folder = system.path(&args.folder);
    fs::create_dir_all(&folder)
        .and_then(|()| clap_mangen::generate_to(tree, &folder))
        .map_err(|error| {
            let folder = args.folder.display();
            Error::internal(error).context(format!("cannot write manual pages into `{folder}`"))
        })?;
    ui.status(format!("Wrote manual pages into {}", args.folder.display()));
    Ok(Exit::Done)
}
