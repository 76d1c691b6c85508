//! `embedctl apply`: ensure every user of a manifest; resumable.

mod case_variants;
mod counts;
mod failed;
mod groups;
mod options;
mod patience;
mod prepare;
mod report;
mod results;
mod room;
mod run;
mod show;
mod source;
mod spool;
mod unfinished_run;

use std::time::Duration;

use serde_json::to_string_pretty;

use crate::commands::context::{CommandContext, until_interrupted};
use crate::commands::files::Roles;
use crate::commands::keys_to::KeysTo;
use crate::commands::session::{Needs, Session};
use crate::config::Settings;
use crate::error::{Error, Exit};
use crate::manifest::{Template, schema};
use crate::report::Ui;
use crate::system::{System, duration};
use crate::workflow::Via;

pub(crate) use options::PlanningArgs;
pub(crate) use prepare::sound;
pub(crate) use show::{Shown, show};
pub(crate) use source::Source;

/// Ensure every embed user of a manifest
///
/// The manifest is CSV, JSON Lines or YAML, and is checked as a whole before anything is done. Users that already match are left
/// alone, so the command can be repeated at any time: after it was interrupted, or after some rows failed, it continues with
/// what is left. `embedctl plan` shows what it would do.
#[derive(clap::Args, Debug)]
pub(crate) struct ApplyArgs {
    /// The manifest, or a plan written by `embedctl plan --out`; `-` is standard input
    #[arg(required_unless_present_any = ["template", "schema"])]
    manifest: Option<String>,

    #[command(flatten)]
    planning: PlanningArgs,

    /// Write the rows that failed to this file, as a manifest
    #[arg(long, value_name = "FILE")]
    failed_to: Option<String>,

    /// Write an HTML report with charts of the speed, request times and failures
    #[arg(long, value_name = "FILE")]
    report: Option<String>,

    /// How long to wait for users that another run works on, as in `10m`
    #[arg(long, value_name = "DURATION", value_parser = duration::read)]
    wait: Option<Duration>,

    /// Print what would be done, and do nothing
    #[arg(long, conflicts_with = "wait")]
    dry_run: bool,

    /// Print a commented manifest to start from
    #[arg(long, value_enum, value_name = "FORM", exclusive = true)]
    template: Option<Template>,

    /// Print the JSON Schema of a YAML manifest, for editors
    #[arg(long, exclusive = true)]
    schema: bool,
}

pub(crate) async fn run(
    args: &ApplyArgs,
    settings: Settings,
    ui: &Ui,
    system: &System,
) -> Result<Exit, Error> {
    if let Some(template) = args.template {
        ui.data(template.text())?;
        return Ok(Exit::Done);
    }
    if args.schema {
        let text = to_string_pretty(&schema()).map_err(Error::internal)?;
        ui.data(&format!("{text}\n"))?;
        return Ok(Exit::Done);
    }
    let name = args.manifest.as_deref().unwrap_or("-");
    // Before the manifest is opened: an output with the same name would replace it.
    let mut roles = Roles::of(&settings, system)?;
    roles.read("the manifest", name, system);
    roles.write("`--failed-to`", args.failed_to.as_deref(), system);
    roles.write("`--report`", args.report.as_deref(), system);
    let keys_to = KeysTo::choose(&args.planning.sinks, &settings);
    roles.keys_to(&keys_to, system);
    roles.check()?;
    let source = Source::open(name, args.planning.format, system)?;
    let session = Session::open(
        CommandContext::new(settings, ui, system),
        needs(args, &source),
    )
    .await?;
    let ended = if args.dry_run {
        dry_run(args, &source, &session, ui, system).await
    } else {
        run::apply(args, &source, &session, ui, system).await
    };
    // Closed whatever the result, so that no access token is left behind.
    session.close().await;
    ended
}

fn needs(args: &ApplyArgs, source: &Source) -> Needs {
    let via = source
        .plan
        .as_ref()
        .map_or(args.planning.via, |plan| plan.options.via);
    match via {
        Via::SignedUrl => Needs::ApiAndSigning,
        Via::Cookieless | Via::EmbedUser => Needs::Api,
    }
}

async fn dry_run(
    args: &ApplyArgs,
    source: &Source,
    session: &Session,
    ui: &Ui,
    system: &System,
) -> Result<Exit, Error> {
    system.interrupt.listen();
    let interrupt = system.interrupt.clone();
    until_interrupted(&interrupt, async {
        let sound = Box::pin(sound(source, &args.planning, session, ui, system)).await?;
        let decisions = Box::pin(sound.decisions(source, session, ui, system)).await?;
        Box::pin(show(
            &sound,
            decisions,
            Shown::default(),
            (session, ui),
            None,
        ))
        .await?;
        Ok(Exit::Done)
    })
    .await
}
