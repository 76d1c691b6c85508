//! `embedctl profile remove`: remove a profile and the secrets that were typed for it.

use crate::commands::consent;
use crate::commands::context::CommandContext;
use crate::error::{Error, Exit};

/// Remove a profile from `config.toml`, with the files of the secrets that were typed for it
///
/// Secrets in variables, in files of your own and in stores stay, and so do ledgers. The command asks first.
#[derive(clap::Args, Debug)]
pub(crate) struct ProfileRemoveArgs {
    /// The profile
    name: String,

    /// Print what would be removed, and remove nothing
    #[arg(long)]
    dry_run: bool,
}

pub(crate) async fn run(args: &ProfileRemoveArgs, cx: &CommandContext) -> Result<Exit, Error> {
    let name = &args.name;
    let removed = cx.settings.remove_profile(name, false)?;
    let files = removed
        .files
        .iter()
        .map(|path| format!(" and `{}`", path.display()));
    let files: String = files.collect();
    let role = if removed.is_default {
        ", the default one"
    } else {
        ""
    };
    let what = format!("profile `{name}`{role}{files}");
    if args.dry_run {
        cx.ui.status(format!("Would remove {what}."));
        return Ok(Exit::Done);
    }
    consent::yes(&format!("this removes {what}"), cx).await?;
    cx.settings.remove_profile(name, true)?;
    cx.ui.status(format!("Removed {what}."));
    Ok(Exit::Done)
}
