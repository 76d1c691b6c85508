//! `embedctl users disable` and `enable`: lock users out without deleting anything, and let them in again.

use crate::commands::consent::MaxArgs;
use crate::commands::context::CommandContext;
use crate::commands::users::action::Action;
use crate::commands::users::apply::{self, TargetArgs};
use crate::error::{Error, Exit};

/// Disable embed users: they cannot log in, and everything they own stays
///
/// Looker stops the schedules of disabled users: give them to another user first if they must go on. Admins and the user of the
/// API key are skipped. `embedctl runs undo` enables them again, and starts the schedules that ran before.
#[derive(clap::Args, Debug)]
pub(crate) struct UsersDisableArgs {
    #[command(flatten)]
    targets: TargetArgs,

    #[command(flatten)]
    max: MaxArgs,
}

/// Enable embed users that are disabled
#[derive(clap::Args, Debug)]
pub(crate) struct UsersEnableArgs {
    #[command(flatten)]
    targets: TargetArgs,
}

pub(crate) async fn disable(args: &UsersDisableArgs, cx: CommandContext) -> Result<Exit, Error> {
    apply::run(Action::Disable, (&args.targets, Some(args.max)), cx).await
}

pub(crate) async fn enable(args: &UsersEnableArgs, cx: CommandContext) -> Result<Exit, Error> {
    apply::run(Action::Enable, (&args.targets, None), cx).await
}
