//! `embedctl profile use`: choose the default profile.

use crate::commands::context::CommandContext;
use crate::error::{Error, Exit};

/// Make a profile of `config.toml` the default one
///
/// It is used if neither `--profile` nor `EMBEDCTL_PROFILE` names another. A section of `looker.ini` cannot be the default.
#[derive(clap::Args, Debug)]
pub(crate) struct ProfileUseArgs {
    /// The profile
    name: String,

    /// Print what would be changed, and change nothing
    #[arg(long)]
    dry_run: bool,
}

pub(crate) fn run(args: &ProfileUseArgs, cx: &CommandContext) -> Result<Exit, Error> {
    let name = &args.name;
    let before = cx.settings.use_profile(name, !args.dry_run)?;
    let would = if args.dry_run { "would be" } else { "is" };
    cx.ui.status(match before {
        Some(before) if before == *name => format!("The default profile is `{name}` already."),
        Some(before) => format!("The default profile {would} `{name}`, no longer `{before}`."),
        None => format!("The default profile {would} `{name}`."),
    });
    Ok(Exit::Done)
}
