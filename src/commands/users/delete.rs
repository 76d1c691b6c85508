//! `embedctl users delete`: permanent deletion.

use crate::commands::consent::MaxArgs;
use crate::commands::context::CommandContext;
use crate::commands::users::action::Action;
use crate::commands::users::apply::{self, TargetArgs};
use crate::error::{Error, Exit};

/// Delete embed users, for good
///
/// Looker moves their content to the trash and deletes their schedules and, since release 26.18, their alerts. Users who own
/// schedules are skipped without `--with-schedules`, those who own alerts without `--with-alerts`; admins and the user of the API
/// key always are. Confirm by typing the id, or for many users their number. `embedctl users disable` keeps everything,
/// `embedctl rotate-id` moves it.
#[derive(clap::Args, Debug)]
pub(crate) struct UsersDeleteArgs {
    #[command(flatten)]
    targets: TargetArgs,

    #[command(flatten)]
    max: MaxArgs,

    /// Also delete users who own schedules, along with these
    #[arg(long)]
    with_schedules: bool,

    /// Also delete users who own alerts, along with these
    #[arg(long)]
    with_alerts: bool,
}

pub(crate) async fn run(args: &UsersDeleteArgs, cx: CommandContext) -> Result<Exit, Error> {
    let action = Action::Delete {
        with_schedules: args.with_schedules,
        with_alerts: args.with_alerts,
    };
    apply::run(action, (&args.targets, Some(args.max)), cx).await
}
