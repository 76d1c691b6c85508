//! `embedctl rotate-id`: move a person to a new `external_user_id` with all their things.

mod dry_run;
mod prepare;
pub(crate) mod result;
mod show;
mod tree;

use std::collections::BTreeMap;
use std::fs::File;
use std::sync::Arc;

use crate::commands::consent::{Loss, Losses};
use crate::commands::context::CommandContext;
use crate::commands::engine::ledger_of;
use crate::commands::grant_args::{attribute, values};
use crate::commands::key_sink::DeliveryArgs;
use crate::commands::keys_to::KeysTo;
use crate::commands::results::Results;
use crate::commands::rotate_id::prepare::Wishes;
use crate::commands::session::{Needs, Session};
use crate::error::{Error, Exit};
use crate::manifest::{Mapping, Pair, read_mapping};
use crate::report::Ui;
use crate::system::System;
use crate::workflow::{JobSpec, OldEnd, RotateIdSpec};

pub(crate) use show::counted;

/// Move a person to a new `external_user_id` with all their things
///
/// Looker cannot change an `external_user_id`, so a new embed user is created with the same names, permissions, models, groups
/// and attributes, and everything is given to it: folders, dashboards and looks (their ids and URLs stay the same; the trash is
/// included), schedules, alerts, boards, favorites, and what others have shared with the person. A new key is delivered; then
/// both users are compared with the state before. Only if nothing is missing, the old user's keys are revoked, its sessions
/// ended, and the user disabled. Until it is deleted, `runs undo` puts everything back.
#[derive(clap::Args, Debug)]
pub(crate) struct RotateIdArgs {
    /// The person's current id
    #[arg(required_unless_present = "from", conflicts_with = "from")]
    old: Option<String>,

    /// The person's new id
    #[arg(required_unless_present = "from", conflicts_with = "from")]
    new: Option<String>,

    /// Move many: a CSV file with the columns `old` and `new`, and `attr.NAME` for attributes that Looker hides
    #[arg(long, value_name = "MAPPING.csv")]
    from: Option<String>,

    /// Give everything to a user that already exists and keeps its own grants
    #[arg(long)]
    into_existing: bool,

    /// What to do with the old user
    #[arg(long = "old", value_enum, default_value_t, value_name = "END")]
    old_user: OldEnd,

    /// The value of an attribute that Looker hides, or a different one than the old user's; `NAME=@FILE` takes it from a file; may be
    /// repeated
    #[arg(long = "attr", value_name = "NAME=VALUE", value_parser = attribute)]
    attributes: Vec<(String, String)>,

    /// Count attribute values of unknown origin as the user's own
    #[arg(long)]
    take_unknown: bool,

    /// The embed path to fetch, such as `/embed/dashboards/12`; default: the profile's blank dashboard, or `/alive`
    #[arg(long, value_name = "PATH")]
    blank_dashboard: Option<String>,

    /// Do not mint a key; by default one is minted if the old user has any
    #[arg(long, conflicts_with_all = ["keys_to", "key_purpose"])]
    no_key: bool,

    #[command(flatten)]
    delivery: DeliveryArgs,

    /// Print what would be done, and do nothing
    #[arg(long)]
    dry_run: bool,
}

pub(crate) async fn run(args: &RotateIdArgs, cx: CommandContext) -> Result<Exit, Error> {
    // Read before the session: a mistake in the file costs no login.
    let pairs = pairs(args, &cx.ui, &cx.system)?;
    Session::within(cx, Needs::ApiAndSigning, async |session| {
        rotate(args, pairs, session).await
    })
    .await
}

async fn rotate(args: &RotateIdArgs, pairs: Vec<Pair>, session: &Session) -> Result<Exit, Error> {
    let many = args.from.is_some();
    let keys_to = match args.no_key {
        true => None,
        false => Some(KeysTo::choose(&args.delivery.sinks, &session.settings)),
    };
    let results = Results::new(
        &session.ui,
        session.admin.origin(),
        keys_to,
        many && !args.dry_run,
    )?;
    // Without admin rights a part of what the person owns could stay unseen and be left behind.
    session.finder.require_admin().await?;
    let ledger = ledger_of(session).await?;
    let wishes = wishes(args, session).await?;
    let specs = prepare::specs(pairs, &wishes, &ledger, session).await?;
    // A dry run shows everyone, also those who are stuck.
    let stuck = specs.iter().try_for_each(RotateIdSpec::refuse_stuck);
    if args.dry_run {
        let shown = dry_run::dry_run(&specs, many, session)?;
        return stuck.map(|()| shown);
    }
    stuck?;
    if specs.is_empty() {
        session
            .ui
            .status("Nothing to do: everyone already has the new id.");
        return Ok(Exit::Done);
    }
    // Asked last, when it is known what would happen.
    ask(&specs, session).await?;
    let mints = specs.iter().any(|spec| spec.user.key.is_some());
    let specs = specs.into_iter().map(Box::new).map(JobSpec::RotateId);
    results
        .run("rotate-id", specs.collect(), mints, session)
        .await
}

/// The request, besides the ids.
async fn wishes(args: &RotateIdArgs, session: &Session) -> Result<Wishes, Error> {
    // Without a known release, a refused change of owner is noticed when it is read back.
    let versions = session.admin.versions().await.ok();
    let settings = &session.settings;
    let target = settings.creation_path(args.blank_dashboard.as_deref());
    Ok(Wishes {
        attributes: values(&args.attributes, &session.system)?,
        into_existing: args.into_existing,
        take_unknown: args.take_unknown,
        release: versions.and_then(|versions| versions.release()),
        old: args.old_user,
        no_key: args.no_key,
        key_purpose: args.delivery.key_purpose.clone(),
        target: target.to_owned(),
        session_length: settings.grants().session_length,
    })
}

/// The people to move.
///
/// # Errors
/// The mapping has problems, which have been reported; or an id is empty, or both are equal.
fn pairs(args: &RotateIdArgs, ui: &Ui, system: &System) -> Result<Vec<Pair>, Error> {
    if let Some(name) = &args.from {
        let path = system.path(name);
        let file = File::open(path).map_err(|error| {
            Error::usage(format!("cannot read `{name}`: {error}"))
                .hint("give a CSV file with the columns `old` and `new`")
        })?;
        return told(read_mapping(file), name, ui);
    }
    let (old, new) = (
        args.old.clone().unwrap_or_default(),
        args.new.clone().unwrap_or_default(),
    );
    if old.trim().is_empty() || new.trim().is_empty() {
        return Err(
            Error::usage("an external user id is empty").hint("give the old id and the new one")
        );
    }
    if old == new {
        return Err(Error::usage(format!("`{old}` is the old and the new id"))
            .hint("give the person's new id as the second argument"));
    }
    let attributes = BTreeMap::new();
    let line = 0;
    Ok(vec![Pair {
        line,
        old,
        new,
        attributes,
    }])
}

/// The people in the mapping `name`, whose problems are reported.
fn told(mapping: Mapping, name: &str, ui: &Ui) -> Result<Vec<Pair>, Error> {
    for warning in &mapping.warnings.list {
        ui.warning(format!("{name}:{warning}"));
    }
    for problem in &mapping.problems.list {
        let place = (problem.line, problem.column);
        ui.problem(name, place, &problem.message, problem.rows);
    }
    match mapping.problems.count() {
        0 => Ok(mapping.pairs),
        count => Err(Error::usage(format!(
            "`{name}` has {count} problems, so nothing was done"
        ))
        .hint("mend them and run the same command again")),
    }
}

/// Ask: everything that people own goes to another user.
async fn ask(specs: &[RotateIdSpec], session: &Session) -> Result<(), Error> {
    let mut losses = Losses::default();
    for spec in specs {
        // Two people would become one, which nothing can take apart again.
        if spec.into.is_some() {
            session.ui.status(show::what_is_there(spec));
        }
        let end = match spec.old {
            OldEnd::Keep => None,
            OldEnd::Disable => Some(Loss::Login),
            OldEnd::Delete => Some(Loss::User),
        };
        let sure = [Loss::Content, Loss::Sessions];
        losses.add(&spec.from.external_user_id, end.into_iter().chain(sure));
    }
    losses.confirm(session).await
}

/// A shared ledger, as passed around in this command.
type SharedLedger = Arc<dyn crate::ledger::Ledger>;
