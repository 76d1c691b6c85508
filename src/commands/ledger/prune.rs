//! `embedctl ledger prune`: delete the events of runs that ended long ago.

use std::time::Duration;

use serde_json::json;

use crate::commands::consent;
use crate::commands::context::CommandContext;
use crate::error::{Error, Exit};
use crate::ledger::{Ended, Ledger};
use crate::report::{Format, size};
use crate::system::duration;

/// Delete the events of runs that ended and began long ago
///
/// The events of a run are what each step of each job did; they take most of the ledger's room, and are needed only to undo the
/// run. Afterwards `runs undo` refuses it. Runs, their users with the results, and keys stay. A run with open or failed users, or
/// whose undo was interrupted, keeps its events, since it can be resumed. The command asks first.
#[derive(clap::Args, Debug)]
pub(crate) struct LedgerPruneArgs {
    /// How long ago a run must have begun, such as `90d`
    #[arg(long, value_name = "DURATION", value_parser = duration::read)]
    older_than: Duration,

    /// Print what would be deleted, and delete nothing
    #[arg(long)]
    dry_run: bool,
}

/// What was deleted, or would be.
#[derive(Clone, Copy, Debug, Default)]
struct Pruned {
    runs: usize,
    events: u64,
}

impl Pruned {
    fn add(&mut self, events: u64) {
        self.runs += 1;
        self.events += events;
    }

    /// In words.
    fn told(self) -> String {
        let Self { runs, events } = self;
        let runs = match runs {
            1 => "1 run".to_owned(),
            _ => format!("{runs} runs"),
        };
        match events {
            1 => format!("1 event of {runs}"),
            _ => format!("{events} events of {runs}"),
        }
    }
}

pub(super) async fn prune(
    args: &LedgerPruneArgs,
    ledger: &dyn Ledger,
    cx: &CommandContext,
) -> Result<Exit, Error> {
    cx.ui.refuse_env()?;
    let now = cx.system.clock.now();
    let before = now.checked_sub(args.older_than).map_err(Error::internal)?;
    let ended = ledger.ended(before, now).await?;
    let mut found = Pruned::default();
    ended.iter().for_each(|run| found.add(run.events));
    if ended.is_empty() {
        cx.ui.status("There is nothing to prune.");
        return report(found, args.dry_run, None, cx);
    }
    if args.dry_run {
        cx.ui.status(format!("{} would be deleted.", found.told()));
        return report(found, true, None, cx);
    }
    let what = format!(
        "this deletes {}; a run without events cannot be undone",
        found.told()
    );
    consent::yes(&what, cx).await?;
    let was = ledger.contents().await?.bytes;
    let pruned = delete(&ended, ledger, cx).await?;
    if !ledger.compact().await? {
        cx.ui
            .warning("a process works on a run of this ledger, so the file keeps its size for now");
    }
    let is = ledger.contents().await?.bytes;
    cx.ui
        .status(format!("Deleted {}; {}.", pruned.told(), room(was, is)));
    report(pruned, false, Some((was, is)), cx)
}

/// How much room the ledger takes afterwards. PostgreSQL keeps what it has for what comes.
fn room(was: u64, is: u64) -> String {
    match is < was {
        true => format!("the ledger takes {} instead of {}", size(is), size(was)),
        false => format!(
            "the ledger still takes {}, and uses the free room in it again",
            size(is)
        ),
    }
}

async fn delete(
    ended: &[Ended],
    ledger: &dyn Ledger,
    cx: &CommandContext,
) -> Result<Pruned, Error> {
    let mut pruned = Pruned::default();
    for Ended { run, .. } in ended {
        // An undo that has begun since needs them.
        match ledger.mark_pruned(*run, cx.system.clock.now()).await? {
            true => pruned.add(ledger.delete_events(*run).await?),
            false => cx
                .ui
                .status(format!("Run {run} is in use again, and keeps its events.")),
        }
    }
    Ok(pruned)
}

/// Print the result for programs; people have read it.
fn report(
    pruned: Pruned,
    dry_run: bool,
    bytes: Option<(u64, u64)>,
    cx: &CommandContext,
) -> Result<Exit, Error> {
    if matches!(cx.ui.format(), Format::Json | Format::Jsonl) {
        cx.ui.json(&json!({
            "runs": pruned.runs,
            "events": pruned.events,
            "dry_run": dry_run,
            "bytes_before": bytes.map(|(was, _)| was),
            "bytes": bytes.map(|(_, is)| is),
        }))?;
    }
    Ok(Exit::Done)
}
