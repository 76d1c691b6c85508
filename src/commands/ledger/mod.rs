//! `embedctl ledger`: the ledger itself, and the Looker that it belongs to.

mod copy;
mod migrate;
mod prune;

use serde_json::json;

use crate::commands::consent;
use crate::commands::context::CommandContext;
use crate::commands::engine::open_ledger;
use crate::commands::instance::{Knows, instance, knows_its_keys};
use crate::commands::ledger::copy::{LedgerCopyArgs, copy};
use crate::commands::ledger::migrate::{LedgerMigrateArgs, migrate};
use crate::commands::ledger::prune::{LedgerPruneArgs, prune};
use crate::commands::session::{Needs, Session};
use crate::error::{Error, Exit};
use crate::ledger::{Contents, Ledger};
use crate::report::{Format, size};

/// Show the ledger, copy or prune it, or rebind it after Looker has moved
#[derive(clap::Subcommand, Debug)]
pub(crate) enum LedgerCommand {
    Show(LedgerShowArgs),
    Copy(LedgerCopyArgs),
    Migrate(LedgerMigrateArgs),
    Prune(LedgerPruneArgs),
    Rebind(LedgerRebindArgs),
}

/// Show where the ledger is, which Looker it belongs to, what is in it, and its size
#[derive(clap::Args, Debug)]
pub(crate) struct LedgerShowArgs;

/// Bind the ledger to the Looker of the profile
///
/// A ledger is refused at any Looker but its own, because ids mean nothing elsewhere. After its Looker has moved to a new
/// address, this command records the move, and runs and keys go along. If the Looker of the profile knows none of the
/// ledger's keys, it is a different one: runs and keys stay with the former Looker, and are refused until the ledger is bound
/// to that one again. The command asks first.
#[derive(clap::Args, Debug)]
pub(crate) struct LedgerRebindArgs {
    /// Print what would be changed, and change nothing
    #[arg(long)]
    dry_run: bool,
}

pub(crate) async fn run(command: &LedgerCommand, cx: CommandContext) -> Result<Exit, Error> {
    match command {
        LedgerCommand::Copy(args) => copy(args, &cx).await,
        LedgerCommand::Migrate(LedgerMigrateArgs) => migrate(&cx).await,
        LedgerCommand::Prune(args) => prune(args, &*open_ledger(&cx).await?, &cx).await,
        LedgerCommand::Show(LedgerShowArgs) => show(&*open_ledger(&cx).await?, &cx).await,
        LedgerCommand::Rebind(args) => {
            let ledger = open_ledger(&cx).await?;
            Session::within(cx, Needs::Api, async |session| {
                rebind(args, &*ledger, session).await
            })
            .await
        }
    }
}

async fn show(ledger: &dyn Ledger, cx: &CommandContext) -> Result<Exit, Error> {
    let place = cx.settings.ledger()?;
    let instance = ledger.instance().await?;
    let Contents {
        schema,
        runs,
        keys,
        events,
        bytes,
    } = ledger.contents().await?;
    let calls = ledger.calls_this_month().await?;
    match cx.ui.format() {
        Format::Json | Format::Jsonl => cx.ui.json(&json!({
            "ledger": place,
            "base_url": instance.as_ref().map(|instance| &instance.origin),
            "web_url": instance.as_ref().and_then(|instance| instance.web_url.as_ref()),
            "schema": schema,
            "runs": runs,
            "keys": keys,
            "events": events,
            "bytes": bytes,
            "calls_this_month": calls,
        }))?,
        Format::Table => {
            let looker = instance.map_or_else(|| "none yet".to_owned(), |it| it.to_string());
            let place = place.unwrap_or_else(|| "in memory".to_owned());
            let calls = calls.map_or_else(|| "not counted".to_owned(), |it| it.to_string());
            cx.ui.fields(&[
                ("ledger", place),
                ("looker", looker),
                ("schema", schema.to_string()),
                ("runs", runs.to_string()),
                ("keys", keys.to_string()),
                ("events", events.to_string()),
                ("size", size(bytes)),
                ("calls this month", calls),
            ])?;
        }
        Format::Env => return Err(cx.ui.no_env_form()),
    }
    Ok(Exit::Done)
}

async fn rebind(
    args: &LedgerRebindArgs,
    ledger: &dyn Ledger,
    session: &Session,
) -> Result<Exit, Error> {
    let here = instance(&session.admin).await?;
    let there = ledger.instance().await?;
    if there.as_ref() == Some(&here) {
        session
            .ui
            .status(format!("The ledger belongs to {here} already."));
        return Ok(Exit::Done);
    }
    let is_another = there.is_some() && knows_its_keys(ledger, session).await? == Knows::None;
    let from = there.map_or_else(String::new, |there| format!(", not to {there}"));
    if is_another {
        session.ui.status(format!(
            "{here} knows no key of the ledger, so the runs and keys in it do not go along."
        ));
    }
    if args.dry_run {
        session
            .ui
            .status(format!("The ledger would belong to {here}{from}."));
        return Ok(Exit::Done);
    }
    let what = format!("the ledger will belong to {here}{from}");
    consent::yes(&what, session).await?;
    match is_another {
        true => ledger.bind(here.clone()).await?,
        false => ledger.follow(here.clone()).await?,
    }
    session
        .ui
        .status(format!("The ledger belongs to {here} from now on."));
    Ok(Exit::Done)
}
