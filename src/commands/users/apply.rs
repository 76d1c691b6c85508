//! Changes many embed users: examines each first, says what it would do, asks, does it, reports.

use crate::commands::consent::{Losses, MaxArgs};
use crate::commands::context::CommandContext;
use crate::commands::engine::{self, JobBatch, Request};
use crate::commands::impersonate;
use crate::commands::progress::Latest;
use crate::commands::session::{Needs, Session};
use crate::commands::users::action::{Action, Obstacles};
use crate::commands::users::filter::FilterArgs;
use crate::commands::users::reach::Roles;
use crate::commands::users::read_all::Sweep;
use crate::commands::users::rows::{Outcome, Row, describe, report};
use crate::error::{Error, Exit, Kind};
use crate::looker::{Client, User};
use crate::signed_url::Grants;
use crate::workflow::{Extra, JobSpec, UserEdits, UserSpec, Via, parallel};

/// The users to change.
#[derive(clap::Args, Clone, Debug)]
pub(super) struct TargetArgs {
    /// Your own ids of the users; filters can select them instead
    #[arg(value_name = "EXTERNAL_USER_ID")]
    pub(super) external_user_ids: Vec<String>,

    #[command(flatten)]
    pub(super) filter: FilterArgs,

    /// Print what would be done, and do nothing
    #[arg(long)]
    pub(super) dry_run: bool,
}

/// Apply `action` to the users of `targets`; of a rule, to no more than `max`.
pub(super) async fn run(
    action: Action,
    (targets, max): (&TargetArgs, Option<MaxArgs>),
    cx: CommandContext,
) -> Result<Exit, Error> {
    // Both or neither: neither names no one, both would hide which one applies.
    if targets.external_user_ids.is_empty() == targets.filter.is_empty() {
        return Err(Error::usage(format!("no users to {action} were named"))
            .hint("give ids of users, or filters as `--match 'acme-*'`, but not both"));
    }
    cx.ui.refuse_env()?;
    Session::within(cx, Needs::Api, async |session| {
        apply(action, targets, max, session).await
    })
    .await
}

async fn apply(
    action: Action,
    targets: &TargetArgs,
    max: Option<MaxArgs>,
    session: &Session,
) -> Result<Exit, Error> {
    let looking = look(action, targets, session);
    // Everything is read before the first change, because changes would shift the pages.
    let (rows, matching) = session.until_interrupted(looking).await?;
    let count = |wanted| rows.iter().filter(|row| row.outcome == wanted).count();
    let changes = count(Outcome::Changed);
    let too_many = match (targets.filter.rule(), max) {
        (Some(rule), Some(max)) => max.check(rule, changes as u64, matching),
        _ => Ok(()),
    };
    // Nothing to do needs no confirmation.
    if targets.dry_run || changes == 0 {
        report(action, &rows, targets.dry_run, &session.ui)?;
        too_many?;
        return Ok(exit(&rows, targets));
    }
    too_many?;
    if let Some(effect) = action.side_effect() {
        session.ui.status(effect);
    }
    if let Some(loss) = action.loss() {
        describe(action, &rows, &session.ui);
        let mut losses = Losses::default();
        for row in rows.iter().filter(|row| row.outcome == Outcome::Changed) {
            losses.add(&row.external_user_id, [loss]);
        }
        losses.confirm(session).await?;
    }
    let rows = match action {
        // Recorded, so that it can be undone.
        Action::Disable => disable(rows, session).await?,
        Action::Enable | Action::Delete { .. } => {
            let work = change(action, rows, session);
            session.until_interrupted(work).await?
        }
    };
    report(action, &rows, false, &session.ui)?;
    Ok(exit(&rows, targets))
}

/// Examine every selected user. Also returns how many users match the pattern of a filter.
async fn look(
    action: Action,
    targets: &TargetArgs,
    session: &Session,
) -> Result<(Vec<Row>, u64), Error> {
    let client = &session.admin;
    // The user of this key must not disable or delete itself.
    let me = client.me().await?.id;
    let mut known = Known::default();
    let (mut rows, mut matching) = (Vec::new(), 0);
    for id in &targets.external_user_ids {
        let user = impersonate::find(id, session).await?;
        rows.push(judge(action, id, &user, (&me, client), &mut known).await?);
    }
    if !targets.filter.is_empty() {
        let mut sweep = Sweep::new(client, &targets.filter, session.system.clock.now());
        while let Some(users) = sweep.next().await? {
            for user in users {
                let id = user.external_user_id().unwrap_or_default();
                rows.push(judge(action, id, &user, (&me, client), &mut known).await?);
            }
        }
        sweep.conclude(&session.ui).await?;
        matching = sweep.matching();
    }
    Ok((rows, matching))
}

/// What is read once for all users.
#[derive(Default)]
struct Known {
    roles: Roles,
    obstacles: Obstacles,
}

async fn judge(
    action: Action,
    external_user_id: &str,
    user: &User,
    (me, client): (&str, &Client),
    known: &mut Known,
) -> Result<Row, Error> {
    let (outcome, reason) = if user.id == me {
        (
            Outcome::Skipped,
            Some("it is the user of this API key".to_owned()),
        )
    } else if action.has_happened(user) {
        (Outcome::Unchanged, None)
    } else if action != Action::Enable && known.roles.reach(user, client).await?.admin {
        // An admin can lock everyone out; enabling one is harmless.
        (Outcome::Skipped, Some("it is an admin".to_owned()))
    } else {
        match action.obstacle(user, client, &known.obstacles).await? {
            Some(obstacle) => (Outcome::Skipped, Some(obstacle)),
            None => (Outcome::Changed, None),
        }
    };
    Ok(Row {
        external_user_id: external_user_id.to_owned(),
        looker_user_id: user.id.clone(),
        outcome,
        reason,
    })
}

/// Apply it, to several users at a time. A failed one does not stop the others.
async fn change(action: Action, mut rows: Vec<Row>, session: &Session) -> Result<Vec<Row>, Error> {
    let meant = rows.iter().enumerate();
    let meant = meant.filter(|(_, row)| row.outcome == Outcome::Changed);
    let meant: Vec<_> = meant
        .map(|(at, row)| (at, row.looker_user_id.clone()))
        .collect();
    let act = |(at, id): (usize, String)| {
        let client = session.admin.clone();
        async move { (at, action.act(&client, &id).await) }
    };
    let note = |(at, result): (usize, Result<(), Error>), _| {
        if let (Err(error), Some(row)) = (result, rows.get_mut(at)) {
            row.outcome = Outcome::Failed;
            row.reason = Some(error.message());
        }
        Ok(())
    };
    // Not interrupted between two calls: what was begun is reported.
    parallel::each(meant, session.settings.concurrency(), None, act, note).await?;
    Ok(rows)
}

/// Disable the users as a run, which notes what an undo needs.
async fn disable(mut rows: Vec<Row>, session: &Session) -> Result<Vec<Row>, Error> {
    let meant = rows.iter().filter(|row| row.outcome == Outcome::Changed);
    let specs = meant.map(|row| disabling(&row.external_user_id)).collect();
    let work = JobBatch {
        command: "users disable",
        request: Request::default(),
        specs,
        sink: None,
        latest: Latest::default(),
    };
    let ended = engine::begin(work, session, |end| {
        let of = |row: &&mut Row| row.external_user_id == end.job.subject;
        if let (Err(error), Some(row)) = (&end.result, rows.iter_mut().find(of)) {
            row.outcome = Outcome::Failed;
            row.reason = Some(error.message());
        }
        Ok(())
    });
    let run = ended.await?.run;
    let what = match rows.iter().any(|row| row.outcome == Outcome::Failed) {
        true => format!("`embedctl runs resume {run}` tries the rest again."),
        false => format!("`embedctl runs undo {run}` takes it back."),
    };
    session.ui.status(what);
    Ok(rows)
}

/// The job that disables a user, and changes nothing else.
fn disabling(external_user_id: &str) -> JobSpec {
    JobSpec::CreateUser(UserSpec {
        external_user_id: external_user_id.to_owned(),
        grants: Grants::default(),
        via: Via::default(),
        target: String::new(),
        update: true,
        verify: false,
        key: None,
        planned: Box::new(Extra {
            no_login: true,
            edits: UserEdits {
                disabled: Some(true),
                ..UserEdits::default()
            },
            ..Extra::default()
        }),
    })
}

/// Done, unless something failed, or a user who was named is left as it was.
fn exit(rows: &[Row], targets: &TargetArgs) -> Exit {
    let failed = rows.iter().any(|row| row.outcome == Outcome::Failed);
    let skipped = rows.iter().any(|row| row.outcome == Outcome::Skipped);
    let named = !targets.external_user_ids.is_empty();
    // Users that a filter has found may be skipped; those that were named should have been changed.
    if failed || (skipped && named && !targets.dry_run) {
        Exit::Failed(Kind::Incomplete)
    } else {
        Exit::Done
    }
}
