//! `embedctl plan`: print what apply would do, and the API calls it would cost.

use std::fs::File;
use std::io::{self, BufWriter, Write as _};
use std::path::{Path, PathBuf};

use crate::commands::acting::until_interrupted;
use crate::commands::apply::{PlanningArgs, Source, show, sound};
use crate::commands::session::{Needs, Session};
use crate::config::Settings;
use crate::error::{Error, Exit, Kind};
use crate::plan::{PlanHeader, write_header};
use crate::report::Ui;
use crate::system::System;

/// Print what `embedctl apply` would do with a manifest, and the API calls it would cost
///
/// Nothing is changed. A user is compared with what Looker shows of it, and with the grants that the ledger says it was
/// last given, since Looker does not show those readily; where the ledger knows nothing, its embed role and its own
/// attribute values are looked at.
#[derive(clap::Args, Debug)]
pub(crate) struct PlanArgs {
    /// The manifest; `-` is standard input
    manifest: String,

    #[command(flatten)]
    planning: PlanningArgs,

    /// Compare the calls with a quota of this many a month, as Looker (Google Cloud core) has
    #[arg(long, value_name = "CALLS")]
    quota: Option<u64>,

    /// Exit with 2 where something is to be done
    #[arg(long)]
    detailed_exitcode: bool,

    /// Keep the plan in a file, for `embedctl apply FILE`
    #[arg(long, value_name = "FILE")]
    out: Option<String>,
}

pub(crate) async fn run(
    args: &PlanArgs,
    settings: Settings,
    ui: &Ui,
    system: &mut System,
) -> Result<Exit, Error> {
    let source = Source::open(&args.manifest, args.planning.format, system)?;
    if source.plan.is_some() {
        return Err(
            Error::usage(format!("`{}` is a plan already", args.manifest))
                .hint("`embedctl apply --dry-run` shows whether it still holds"),
        );
    }
    let session = Session::open(settings, Needs::Api, ui, system).await?;
    system.interrupt.listen();
    let mut interrupt = system.interrupt.clone();
    let ended = until_interrupted(&mut interrupt, plan(args, &source, &session, ui, system)).await;
    session.close(ui).await;
    ended
}

async fn plan(
    args: &PlanArgs,
    source: &Source,
    session: &Session,
    ui: &Ui,
    system: &System,
) -> Result<Exit, Error> {
    let sound = sound(source, &args.planning, session, ui, system).await?;
    let decisions = sound.decisions(source, session, ui, system).await?;
    let path = args.out.as_deref().map(|out| system.path(out));
    let mut out = path.as_deref().map(create).transpose()?;
    if let Some((file, _)) = &mut out {
        let header = PlanHeader::new(
            session.admin.origin().to_owned(),
            system.clock.now().to_string(),
            sound.checked.rows,
            sound.options.clone(),
        );
        write_header(file, &header).map_err(unwritable)?;
    }
    let writer = out.as_mut().map(|(file, _)| file as &mut dyn io::Write);
    let counts = show(&sound, decisions, args.quota, (session, ui), writer).await?;
    if let Some((mut file, partial)) = out {
        file.flush().map_err(unwritable)?;
        let path = path.as_deref().unwrap_or_else(|| Path::new(""));
        std::fs::rename(partial, path).map_err(unwritable)?;
    }
    let changes = args.detailed_exitcode && counts.changes() > 0;
    // The convention of such tools: 2 is "there are changes", and no error.
    Ok(match changes {
        true => Exit::Failed(Kind::Usage),
        false => Exit::Done,
    })
}

/// The file to write, which takes the place of `path` once it is whole.
fn create(path: &Path) -> Result<(BufWriter<File>, PathBuf), Error> {
    let mut name = path.as_os_str().to_owned();
    name.push(".partial");
    let partial = PathBuf::from(name);
    let file = File::create(&partial).map_err(unwritable)?;
    Ok((BufWriter::new(file), partial))
}

fn unwritable(error: io::Error) -> Error {
    Error::caused(Kind::Usage, error).context("cannot write the plan")
}
