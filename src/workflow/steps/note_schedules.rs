//! Notes which schedules of a user run before it is disabled: Looker stops them with the user, and an undo starts these again.

use serde_json::json;

use crate::error::Error;
use crate::workflow::job_context::JobContext;
use crate::workflow::step::After;

pub(crate) async fn run(work: &mut JobContext) -> Result<After, Error> {
    let plans = work.cx.admin.scheduled_plans(&work.user_id()).await?;
    let running = plans.into_iter().filter(|plan| plan.enabled);
    let running: Vec<_> = running.map(|plan| plan.id).collect();
    Ok(After::Next(json!(running)))
}
