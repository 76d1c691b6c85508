//! `embedctl work`: join runs that other machines work on.

use std::sync::Arc;

use crate::commands::context::CommandContext;
use crate::commands::engine::open_ledger;
use crate::commands::keys_to::ResumeSinkArgs;
use crate::commands::runs::{Entry, find, go_on};
use crate::commands::session::{Needs, Session};
use crate::config::LedgerPlace;
use crate::error::{Error, Exit};
use crate::ledger::{Ledger, Run};

/// Work on a run along with other machines
///
/// The users of the run are shared among all processes that work on it, here and elsewhere; each is done by one of them. The command
/// ends when nothing is left to do. Needs a ledger in PostgreSQL, and the same settings as the command that began the run;
/// the manifest is not needed. Keys go where the run was told to deliver them, as seen from this machine.
#[derive(clap::Args, Debug)]
pub(crate) struct WorkArgs {
    /// The run's id, or the start of it or of its last part; else every unfinished run that can be joined, the oldest first
    #[arg(long)]
    run: Option<String>,

    #[command(flatten)]
    sinks: ResumeSinkArgs,
}

pub(crate) async fn run(args: &WorkArgs, cx: CommandContext) -> Result<Exit, Error> {
    if !matches!(cx.settings.ledger_place()?, Some(LedgerPlace::Postgres(_))) {
        return Err(
            Error::usage("the ledger is a file, which one process works with at a time").hint(
                "several machines share a run through `--ledger postgres://…` (`embedctl help ci`)",
            ),
        );
    }
    let ledger = open_ledger(&cx).await?;
    let runs = match &args.run {
        Some(run) => vec![find(&*ledger, run).await?],
        None => unfinished(&*ledger).await?,
    };
    let given = args.sinks.given();
    let mut open = runs.into_iter().filter(|run| run.open > 0).peekable();
    if open.peek().is_none() {
        cx.ui.status("There is nothing to work on.".to_owned());
        return Ok(Exit::Done);
    }
    Session::within(cx, Needs::Api, async |session| {
        let mut exit = Exit::Done;
        for run in open {
            let ledger = Arc::clone(&ledger);
            session.ui.status(format!(
                "Working on run {}, of which {} users are left.",
                run.id, run.open
            ));
            exit = Box::pin(go_on(&run, &given, Entry::Along, ledger, session)).await?;
        }
        Ok(exit)
    })
    .await
}

/// The unfinished runs of the ledger's Looker that are not being stopped, the oldest first.
async fn unfinished(ledger: &dyn Ledger) -> Result<Vec<Run>, Error> {
    /// Older ones are hardly waiting for help.
    const NEWEST: u32 = 200;
    let here = ledger.instance().await?;
    let mut runs = ledger.runs(NEWEST).await?;
    runs.retain(|run| run.open > 0 && run.instance == here && !run.stopping);
    runs.reverse();
    Ok(runs)
}
