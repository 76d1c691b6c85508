//! Acts as the user, and verifies the identity.

use serde_json::Value;

use crate::error::Error;
use crate::looker::Client;
use crate::workflow::job_context::JobContext;
use crate::workflow::step::After;

pub(crate) async fn run(work: &mut JobContext) -> Result<After, Error> {
    let models = match &work.sudo {
        Some(sudo) => sudo.lookml_models().await?,
        None => {
            let user_id = work.user_id();
            // Verification and models in one go: the answer also shows whether the user can reach anything.
            let reach = async |user: &Client| user.lookml_models().await;
            let (sudo, models) = work.cx.admin.login_user_and(&user_id, reach).await?;
            work.sudo = Some(sudo);
            models
        }
    };
    // belief: sudo-is-that-user
    work.found.sudo_verified = true;
    // belief: grants-seen-by-the-user
    if models.is_empty() {
        work.warn(
            "the user can reach no model, so every query answers 404: give it one with `--model NAME --permission access_data --update`, or a group with `--group GROUP`"
                .to_owned(),
        );
    }
    Ok(After::Next(Value::Null))
}

/// Looker as the user, verified: one client per identity, kept until the end of the job.
pub(crate) async fn client(work: &mut JobContext) -> Result<Client, Error> {
    if let Some(sudo) = &work.sudo {
        return Ok(sudo.clone());
    }
    // belief: tokens-are-not-counted
    let sudo = work.cx.admin.login_user(&work.user_id()).await?;
    work.sudo = Some(sudo.clone());
    Ok(sudo)
}
