//! Notes which schedules of a user run before it is disabled: Looker stops them with the user, and an undo starts these again.

use std::collections::BTreeSet;

use serde_json::json;

use crate::error::Error;
use crate::workflow::job_context::JobContext;
use crate::workflow::step::After;

pub(crate) async fn run(work: &mut JobContext) -> Result<After, Error> {
    let (admin, user) = (&work.cx.admin, work.user_id());
    // The list may leave out those that run once, and not every Looker has the search.
    let (listed, searched) = tokio::try_join!(
        admin.scheduled_plans(&user),
        admin.searched_scheduled_plans(&user)
    )?;
    let plans = listed.into_iter().chain(searched.unwrap_or_default());
    let running = plans.filter(|plan| plan.enabled && plan.user_id.as_ref() == Some(&user));
    let running: BTreeSet<_> = running.map(|plan| plan.id).collect();
    Ok(After::Next(json!(running)))
}
