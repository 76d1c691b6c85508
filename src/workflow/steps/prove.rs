//! Logs in with the new key, and sees that it is the user.

use serde_json::Value;

use crate::error::{Error, Kind};
use crate::looker::{ApiKey, Client};
use crate::workflow::step::After;
use crate::workflow::work::Work;

pub(crate) async fn run(work: &mut Work) -> Result<After, Error> {
    let (Some(key), Some(secret)) = (&work.found.key, &work.secret) else {
        return Ok(After::Next(Value::Null));
    };
    let credentials = ApiKey {
        client_id: key.client_id.clone(),
        client_secret: secret.clone(),
    };
    let client = Client::new(
        work.cx.http.clone(),
        work.cx.admin.base_url().clone(),
        credentials,
    );
    let me = client.me().await;
    let logged_out = client.logout().await;
    let me = me.map_err(|error| unproven(key.id.as_str(), error.into()))?;
    if me.id != work.user_id() {
        let error = Error::new(Kind::Looker, format!("it belongs to Looker user {}", me.id));
        return Err(unproven(&key.id, error));
    }
    if let Err(error) = logged_out {
        work.warn(format!(
            "the access token of the new key could not be logged out: {error}"
        ));
    }
    Ok(After::Next(Value::Null))
}

fn unproven(key_id: &str, error: Error) -> Error {
    error
        .context(format!(
            "the new key {key_id} was delivered, but does not log in; the old keys still work"
        ))
        .with_kind(Kind::Incomplete)
}
