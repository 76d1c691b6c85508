//! Allows the user to manage its own keys, on a Looker where no one else may; taken back at the end of the job.

use serde_json::{Value, json};

use crate::error::Error;
use crate::workflow::job_context::JobContext;
use crate::workflow::key_error::KeyError;
use crate::workflow::step::{After, Before, Step};

pub(crate) fn before(work: &mut JobContext) -> Before {
    let wanted = work.wants_allowed || work.cx.keys.needs_allowed();
    match wanted && !is_allowed(work) {
        true => Before::Effect(json!({ "was": false })),
        false => Before::Skip,
    }
}

pub(crate) async fn run(work: &mut JobContext) -> Result<After, Error> {
    work.user_keys().allow().await?;
    Ok(After::Next(Value::Null))
}

/// The next step after a refusal: back to allow the user to manage keys, if that may help.
pub(super) fn refused(work: &mut JobContext, error: KeyError) -> Result<After, Error> {
    let may_help = matches!(error, KeyError::NotYet { .. }) && !is_allowed(work);
    // Asked for once already and still refused: going back again would loop forever.
    if !may_help || work.wants_allowed {
        return Err(error.into());
    }
    work.wants_allowed = true;
    Ok(After::Back(Step::AllowKeys, error.into()))
}

fn is_allowed(work: &JobContext) -> bool {
    let user = work.user.as_ref();
    user.and_then(|user| user.can_manage_api3_creds) == Some(true)
}
