//! `embedctl plan`: print what apply would do, and the API calls it would cost.

use crate::commands::apply::{PlanningArgs, Shown, Source, show, sound};
use crate::commands::context::CommandContext;
use crate::commands::files::{Output, OutputKind, Roles};
use crate::commands::instance::instance;
use crate::commands::session::{Needs, Session};
use crate::error::{Error, Exit, Kind};
use crate::plan::{Action, PlanHeader, PlanWriter};

/// Print what `embedctl apply` would do, and the API calls it would cost
///
/// Nothing is changed. Whatever the manifest does not name stays as it is. A user is compared with what Looker shows, and with
/// the grants that the ledger recorded last, since Looker does not show those readily; if the ledger does not know them, or
/// with `--refresh`, the user's embed role and its own attribute values are read. For a user that needs an embed login, which
/// replaces all grants, everything is read, and the plan lists what the login repeats.
#[derive(clap::Args, Debug)]
pub(crate) struct PlanArgs {
    /// The manifest; `-` is standard input
    manifest: String,

    #[command(flatten)]
    planning: PlanningArgs,

    /// Compare the calls with a monthly quota, as on Looker (Google Cloud core); a ledger in PostgreSQL knows those made this month
    #[arg(long, value_name = "CALLS")]
    quota: Option<u64>,

    /// List users of whom the same changes together, with their number and the first few
    #[arg(long)]
    summary: bool,

    /// Exit with 9 if there is something to do
    #[arg(long)]
    detailed_exitcode: bool,

    /// Write the plan to a file, for `embedctl apply FILE`
    #[arg(long, value_name = "FILE")]
    out: Option<String>,
}

pub(crate) async fn run(args: &PlanArgs, cx: CommandContext) -> Result<Exit, Error> {
    let mut roles = Roles::of(&cx.settings, &cx.system)?;
    roles.read("the manifest", &args.manifest, &cx.system);
    roles.write("`--out`", args.out.as_deref(), &cx.system);
    // Before the manifest is opened: a plan of the same name would replace it.
    roles.check()?;
    let source = Source::open(&args.manifest, args.planning.format, &cx.system)?;
    // A plan of a plan would compare Looker with Looker.
    if source.plan.is_some() {
        return Err(
            Error::usage(format!("`{}` is a plan already", args.manifest))
                .hint("`embedctl apply --dry-run` shows whether it still holds"),
        );
    }
    Session::within(cx, Needs::Api, async |session| {
        session
            .until_interrupted(plan(args, &source, session))
            .await
    })
    .await
}

async fn plan(args: &PlanArgs, source: &Source, session: &Session) -> Result<Exit, Error> {
    let out = args.out.as_deref();
    // Opened first, so that an unwritable file is noticed before the long comparison.
    let out = out
        .map(|name| Output::open("--out", name, OutputKind::Plan, &session.system))
        .transpose()?;
    let sound = Box::pin(sound(
        source,
        &args.planning,
        session,
        &session.ui,
        &session.system,
    ))
    .await?;
    let decisions =
        Box::pin(sound.decisions(source, session, &session.ui, &session.system)).await?;
    let mut writer = match &out {
        Some(out) => {
            let here = instance(&session.admin).await?;
            let header = PlanHeader::new(
                here.origin,
                here.web_url,
                session.system.clock.now().to_string(),
                sound.checked.rows,
                sound.options.clone(),
            );
            let writer = PlanWriter::new(out.begin()?, header);
            Some(writer.map_err(|error| out.unwritable(error))?)
        }
        None => None,
    };
    let counts = Box::pin(show(
        &sound,
        decisions,
        Shown {
            summary: args.summary,
            quota: args.quota,
        },
        (session, &session.ui),
        writer.as_mut(),
    ))
    .await?;
    if let (Some(out), Some(writer)) = (out, writer) {
        let written = writer.end().map_err(|error| out.unwritable(error))?;
        // The file appears only once it is complete.
        written.commit()?;
    }
    // Only now: the plan of the others is worth having.
    refuse_incomplete(counts.of(Action::Refused))?;
    let changes = args.detailed_exitcode && counts.changes() > 0;
    Ok(match changes {
        true => Exit::Changes,
        false => Exit::Done,
    })
}

/// A plan without some of the users is not the plan that was requested.
fn refuse_incomplete(refused: u64) -> Result<(), Error> {
    let message = match refused {
        0 => return Ok(()),
        1 => "1 user is refused; its row says why".to_owned(),
        _ => format!("{refused} users are refused; their rows say why"),
    };
    Err(Error::new(Kind::Incomplete, message)
        .hint("`embedctl apply` leaves them as they are, and does the rest"))
}
