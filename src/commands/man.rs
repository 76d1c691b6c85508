//! `embedctl man`: manual pages for every command.

use std::fs;
use std::path::{Path, PathBuf};

use clap_mangen::Man;

use crate::error::{Error, Exit};
use crate::report::Ui;
use crate::system::{System, files};

/// Write a manual page for every command
#[derive(clap::Args, Debug)]
pub(crate) struct ManArgs {
    /// The folder for `embedctl.1` and the other pages; it is created if it does not exist
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
    let mut tree = tree.disable_help_subcommand(true);
    tree.build();
    let made = fs::create_dir_all(&folder).map_err(Error::internal);
    made.and_then(|()| write(tree, &folder)).map_err(|error| {
        let folder = args.folder.display();
        error.context(format!("cannot write manual pages into `{folder}`"))
    })?;
    ui.status(format!("Wrote manual pages into {}", args.folder.display()));
    Ok(Exit::Done)
}

/// Write the pages of a command and its subcommands.
fn write(command: clap::Command, folder: &Path) -> Result<(), Error> {
    for below in command.get_subcommands().filter(|it| !it.is_hide_set()) {
        write(below.clone(), folder)?;
    }
    let page = Man::new(command);
    let mut text = Vec::new();
    page.render(&mut text).map_err(Error::internal)?;
    Ok(files::publish(&folder.join(page.get_filename()), &text)?)
}
