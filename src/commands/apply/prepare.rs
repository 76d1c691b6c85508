//! From a manifest to decisions: checked as a whole, then compared with Looker.

use std::sync::Arc;

use crate::commands::apply::case_variants::CaseVariants;
use crate::commands::apply::options::PlanningArgs;
use crate::commands::apply::source::Source;
use crate::commands::consent::{Losses, MaxArgs};
use crate::commands::engine;
use crate::commands::instance;
use crate::commands::known::known;
use crate::commands::session::Session;
use crate::commands::users::is_like;
use crate::error::{Error, Kind};
use crate::ledger::{Instance, Ledger};
use crate::manifest::{Checked, Item, Known, check};
use crate::plan::{
    Desired, DesiredRows, GrantReader, JobOptions, KeyWish, PlanHeader, Planned, Planner, Rules,
    observe,
};
use crate::report::{Meter, Ui};
use crate::system::System;

/// A manifest without problems.
pub(crate) struct CheckedManifest {
    pub(crate) checked: Checked,
    pub(super) ledger: Arc<dyn Ledger>,
    pub(crate) options: JobOptions,
    key: KeyWish,
    known: Arc<Known>,
    pattern: Option<String>,
    max: MaxArgs,
    /// Whether Looker is asked for everything, whatever the ledger says.
    refresh: bool,
    /// Whether new ids that differ only by case from existing ones are probably mistakes.
    warns_of_case: bool,
}

/// Check the manifest; nothing is changed anywhere.
///
/// # Errors
/// [`Kind::Usage`] if there are problems, which have been reported by then.
pub(crate) async fn sound(
    source: &Source,
    args: &PlanningArgs,
    session: &Session,
    ui: &Ui,
    system: &System,
) -> Result<CheckedManifest, Error> {
    let (key, options) = match &source.plan {
        None => (
            args.key(&session.settings),
            args.job_options(&session.settings),
        ),
        Some(plan) => {
            // The plan was reviewed with its options; others would apply something that no one has
            // seen.
            args.refuse_with_plan()?;
            refuse_elsewhere(plan, session).await?;
            // The key wish is part of each line of the plan.
            (KeyWish::None, plan.options.clone())
        }
    };
    let ledger = engine::ledger_of(session).await?;
    let (admin, known) = tokio::join!(session.finder.require_admin(), known(&session.admin, None));
    admin?;
    let known = Arc::new(known?);
    let meter = Meter::new(ui, &system.clock, "rows checked", None);
    let rows = source.checked_rows(&known)?;
    // Rows are counted as they are read, so the meter needs no second pass.
    let rows = (1..).zip(rows).map(|(number, row)| {
        meter.reached(number);
        row
    });
    // A plan was checked when it was created.
    let case_variants = args.allow_case_variants || source.plan.is_some();
    let checked = check(rows, case_variants);
    drop(meter);
    tell(&checked, source, ui)?;
    if args.prune.is_some() && checked.rows == 0 {
        return Err(prunes_everyone(&source.name));
    }
    Ok(CheckedManifest {
        checked,
        ledger,
        options,
        key,
        known,
        pattern: args.pattern.clone(),
        max: args.max,
        refresh: args.refresh,
        warns_of_case: !case_variants,
    })
}

/// Refuse a plan for another Looker.
async fn refuse_elsewhere(plan: &PlanHeader, session: &Session) -> Result<(), Error> {
    let there = Instance {
        origin: plan.base_url.clone(),
        web_url: plan.web_url.clone(),
    };
    let here = instance::instance(&session.admin).await?;
    if !instance::is_other(&there, &here) {
        return Ok(());
    }
    let message = format!("the plan is for {there}; the Looker of this profile is {here}");
    Err(Error::new(Kind::Conflict, message).hint("use the profile that the plan was created with"))
}

/// An export that failed, or a filter that matched nothing, must not lock everyone out.
fn prunes_everyone(name: &str) -> Error {
    let message =
        format!("`{name}` names no user, so `--prune` would disable everyone that `--match` names");
    Error::usage(message).hint(
        "check how the manifest was written; `embedctl users disable --match` disables users without one",
    )
}

/// Report the problems of the manifest, and what is probably a mistake.
fn tell(checked: &Checked, source: &Source, ui: &Ui) -> Result<(), Error> {
    let name = &source.name;
    for warning in &checked.warnings.list {
        ui.warning(format!("{name}:{warning}"));
    }
    if checked.warnings.more > 0 {
        ui.warning(format!("{name}: {} more warnings", checked.warnings.more));
    }
    for problem in &checked.problems.list {
        // All problems at once: a manifest that fails row by row takes many rounds to repair.
        let place = (problem.line, problem.column);
        ui.problem(name, place, &problem.message, problem.rows);
    }
    let more = checked.problems.more;
    match checked.problems.count() {
        0 => Ok(()),
        1 => Err(Error::usage(format!(
            "`{name}` has a problem; nothing was done"
        ))),
        count => {
            let shown = match more {
                0 => String::new(),
                _ => format!(", of which {} are shown", checked.problems.list.len()),
            };
            Err(Error::usage(format!(
                "`{name}` has {count} problems{shown}; nothing was done"
            )))
        }
    }
}

/// Decisions, a few hundred users at a time.
pub(crate) struct Decisions {
    planner: Planner,
    pattern: Option<String>,
    /// How many users match the pattern.
    matching: u64,
    /// How many of them the manifest does not name.
    pruned: u64,
    max: MaxArgs,
    /// The last user examined that the manifest does not name.
    after: Option<String>,
    compared: u64,
    case_variants: CaseVariants,
    /// Reports progress until the whole manifest has been compared.
    meter: Option<Meter>,
}

impl CheckedManifest {
    /// How many users may get a key.
    pub(super) fn may_mint(&self) -> u64 {
        let checked = &self.checked;
        match self.key {
            KeyWish::None => checked.wants_keys,
            _ => checked.rows - checked.wants_none,
        }
    }

    /// Read the users from Looker.
    pub(crate) async fn decisions(
        &self,
        source: &Source,
        session: &Session,
        ui: &Ui,
        system: &System,
    ) -> Result<Decisions, Error> {
        let width = session.settings.concurrency();
        // Only ids are kept: the rows of a large manifest would not fit in memory, and are read again
        // later.
        let ids = source.rows()?.filter_map(|item| match item {
            Item::Row(row) => Some(row.external_user_id),
            Item::Problem(_) | Item::Warning(_) => None,
        });
        let meter = Meter::new(ui, &system.clock, "users seen", None);
        let all = self.pattern.is_some();
        let seen = observe(
            &session.finder,
            ids,
            self.checked.rows,
            (width, all),
            |looked| {
                ui.set_flying(looked.flying as u64);
                meter.set_total(looked.total);
                meter.reached(looked.seen);
            },
        )
        .await;
        // The meter is ended before an error is printed, so the message has a line of its own.
        meter.end();
        let seen = seen?;
        let reader = GrantReader::new(session.admin.clone(), self.options.take_unknown);
        let looker = (reader, Arc::clone(&self.ledger), self.refresh);
        let rules = Rules {
            defaults: self.options.defaults.clone(),
            merge: false,
            attributes: self.known.attributes.clone().unwrap_or_default(),
        };
        let rows = desired(source)?;
        let planner = Planner::new(looker, (seen, rows), self.key, rules, width);
        let pattern = self.pattern.as_deref();
        let matching = pattern.map(|pattern| planner.count(|id| is_like(id, pattern)));
        Ok(Decisions {
            planner,
            matching: matching.transpose()?.unwrap_or_default(),
            pruned: 0,
            max: self.max,
            pattern: self.pattern.clone(),
            after: None,
            compared: 0,
            case_variants: CaseVariants::new(self.warns_of_case.then(|| ui.clone())),
            meter: Some(Meter::new(
                ui,
                &system.clock,
                "users compared",
                Some(self.checked.rows),
            )),
        })
    }
}

/// The rows of a manifest that was complete when it was checked.
fn desired(source: &Source) -> Result<DesiredRows, Error> {
    Ok(Box::new(source.rows()?.filter_map(|item| match item {
        Item::Row(row) => Some(Ok(*row)),
        // The first pass found it sound, so only a change of the file can cause this.
        Item::Problem(problem) => Some(Err(Error::usage(format!(
            "the manifest changed while it was read: {problem}"
        )))),
        Item::Warning(_) => None,
    })))
}

impl Decisions {
    /// The next users and their changes; empty at the end.
    pub(super) async fn next(&mut self) -> Result<Vec<Planned>, Error> {
        // Users of the manifest come first; then, with a pattern, those it does not name.
        if self.after.is_none() {
            // Boxed, since it is large and every caller's future would hold it.
            let planned = Box::pin(self.planner.next()).await?;
            self.case_variants.add(&mut self.planner, &planned);
            self.compared += planned.len() as u64;
            match &self.meter {
                Some(meter) if !planned.is_empty() => meter.reached(self.compared),
                _ => self.meter = None,
            }
            if !planned.is_empty() || self.pattern.is_none() {
                return Ok(planned);
            }
        }
        let pattern = self.pattern.clone().unwrap_or_default();
        // A page may hold only users that need no change, so the search continues until one does.
        loop {
            let after = self.after.clone().unwrap_or_default();
            let found = self
                .planner
                .next_unnamed(&after, |id| is_like(id, &pattern))?;
            let Some((last, changes)) = found else {
                return Ok(Vec::new());
            };
            self.after = Some(last);
            if !changes.is_empty() {
                self.pruned += changes.len() as u64;
                let planned = changes.into_iter().map(|change| Planned {
                    desired: Desired::disabled(&change.external_user_id),
                    change,
                });
                return Ok(planned.collect());
            }
        }
    }
}

impl Decisions {
    /// Refuse too many users to prune; ask at the end.
    pub(crate) fn check_max(&self) -> Result<(), Error> {
        self.max.check("--prune", self.pruned, self.matching)
    }
}

/// Refuse a plan that no longer matches; `losses` counts what it takes away.
pub(super) async fn refuse_stale(
    source: &Source,
    decisions: &mut Decisions,
    losses: &mut Losses,
) -> Result<(), Error> {
    let mut plan = source.plan_lines()?;
    loop {
        let now = decisions.next().await?;
        if now.is_empty() {
            return match plan.next()? {
                None => Ok(()),
                Some(left) => Err(stale(&left.desired.external_user_id)),
            };
        }
        for now in now {
            let then = plan.next()?;
            // The whole change is compared, not only whether there is one.
            if then.is_none_or(|then| then.change != now.change) {
                return Err(stale(&now.desired.external_user_id));
            }
            losses.add_change(&now.change, now.desired.from_cells);
        }
    }
}

fn stale(external_user_id: &str) -> Error {
    Error::new(
        Kind::Conflict,
        format!("Looker has changed since the plan was created: `{external_user_id}` is different now; nothing was done"),
    )
    .hint("create a new plan and review it")
}
