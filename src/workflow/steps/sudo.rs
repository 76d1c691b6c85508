//! Acts as the user, and checks that it is the user.

use serde_json::Value;

use crate::error::{Error, Kind};
use crate::looker::Client;
use crate::workflow::step::After;
use crate::workflow::work::Work;

pub(crate) async fn run(work: &mut Work) -> Result<After, Error> {
    let sudo = client(work).await?;
    let (me, models) = tokio::try_join!(sudo.me(), sudo.lookml_models())?;
    let user_id = work.user_id();
    if me.id != user_id {
        return Err(Error::new(
            Kind::Internal,
            format!("Looker gave an access token of user {} for user {user_id}", me.id),
        )
        .hint("nothing was minted; report this to Looker, since a token of somebody else must not be used"));
    }
    work.found.sudo_verified = true;
    if models.is_empty() {
        work.warn(
            "the user can reach no model, so every query answers 404: give it one with `--model NAME --permission access_data --update`, or a group with `--group-id ID`"
                .to_owned(),
        );
    }
    Ok(After::Next(Value::Null))
}

/// Looker as the user: one client for one identity, kept until the job ends.
pub(crate) async fn client(work: &mut Work) -> Result<Client, Error> {
    if let Some(sudo) = &work.sudo {
        return Ok(sudo.clone());
    }
    let sudo = work.cx.admin.login_user(&work.user_id()).await?;
    work.sudo = Some(sudo.clone());
    Ok(sudo)
}
