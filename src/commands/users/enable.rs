//! `embedctl users disable` and `enable`: the way out that keeps everything, and the way back.

use crate::commands::context::CommandContext;
use crate::commands::users::action::Action;
use crate::commands::users::apply::{self, TargetArgs};
use crate::error::{Error, Exit};

/// Disable embed users: they cannot log in, and everything they own stays
///
/// Looker stops the schedules of users who are disabled: give them to another user first if they must go on. Admins and
/// the user of the API key are left as they are. More than one user must be confirmed by typing.
#[derive(clap::Args, Debug)]
pub(crate) struct UsersDisableArgs {
    #[command(flatten)]
    targets: TargetArgs,
}

/// Enable embed users that are disabled
#[derive(clap::Args, Debug)]
pub(crate) struct UsersEnableArgs {
    #[command(flatten)]
    targets: TargetArgs,
}

pub(crate) async fn disable(args: &UsersDisableArgs, cx: CommandContext) -> Result<Exit, Error> {
    apply::run(Action::Disable, &args.targets, cx).await
}

pub(crate) async fn enable(args: &UsersEnableArgs, cx: CommandContext) -> Result<Exit, Error> {
    apply::run(Action::Enable, &args.targets, cx).await
}
