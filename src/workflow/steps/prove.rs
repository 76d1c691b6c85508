//! Logs in with the new key, and verifies the user, before the key replaces anything.

use serde_json::Value;

use crate::error::{Error, Kind};
use crate::looker::{ApiKey, Client};
use crate::workflow::found::FoundKey;
use crate::workflow::job_context::JobContext;
use crate::workflow::step::{After, Step};
use crate::workflow::steps::revoke;

pub(crate) async fn run(work: &mut JobContext) -> Result<After, Error> {
    let (Some(key), Some(secret)) = (work.found.key.clone(), work.secret.clone()) else {
        return Ok(After::Next(Value::Null));
    };
    let credentials = ApiKey {
        client_id: key.client_id.clone(),
        client_secret: secret,
    };
    let client = Client::new(
        work.cx.http.clone(),
        work.cx.admin.base_url().clone(),
        credentials,
    );
    let me = client.me().await;
    // The token is ended whatever the check says; it must not outlive this step.
    let logged_out = client.logout().await;
    let wrong = match me {
        // belief: key-logs-in-as-its-user
        Ok(me) if me.id == work.user_id() => None,
        Ok(me) => {
            let message = format!("it belongs to Looker user {}", me.id);
            Some(Error::new(Kind::Looker, message))
        }
        Err(error) => Some(error.into()),
    };
    if let Some(error) = wrong {
        return Err(unproven(work, &key, error).await);
    }
    if let Err(error) = logged_out {
        work.warn(format!(
            "the access token of the new key could not be logged out: {error}"
        ));
    }
    Ok(After::Next(Value::Null))
}

/// The error for a key that does not work. It was never delivered, so it is revoked.
async fn unproven(work: &mut JobContext, key: &FoundKey, error: Error) -> Error {
    work.found.key = None;
    let id = &key.id;
    match revoke::undelivered(work, key).await {
        Ok(()) => {
            work.journal
                .reset(Step::Mint, "does not log in, so revoked");
            error.context(format!(
                "the new key {id} does not log in, so it was revoked; the old keys still work"
            ))
        }
        Err(unrevoked) => error.context(unrevoked).context(format!(
            "the new key {id} neither logs in nor could be revoked; the old keys still work"
        )),
    }
    .with_kind(Kind::Incomplete)
}
