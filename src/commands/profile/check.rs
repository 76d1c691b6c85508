//! Whether the secrets of a new profile work: the API key logs in, and Looker accepts what the embed secret signs.

use std::sync::Arc;

use crate::commands::context::CommandContext;
use crate::commands::embed_secret::{self, Verdict};
use crate::commands::session::{self, UiTrace};
use crate::config::NewProfile;
use crate::error::{Error, Kind};
use crate::looker::{ApiKey, Client};
use crate::signed_url::Algorithm;
use crate::workflow::{Sight, sight};

/// The user in the signed URL of the check, which is not opened, so the user is never created.
const NO_USER: &str = "embedctl-profile-add";

/// What is wrong, as far as it can be told.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Trouble {
    /// Looker does not answer, or something else does.
    Reaching,
    ApiKey,
    EmbedSecret,
}

/// Check both secrets; corrects the algorithm of the embed secret.
pub(super) async fn both(
    profile: &mut NewProfile,
    cx: &CommandContext,
) -> Result<(), (Trouble, Error)> {
    let key = |error: Error| (Trouble::ApiKey, error);
    let access = cx.settings.access_of(profile, &cx.system).map_err(key)?;
    let trace = Arc::new(UiTrace(cx.ui.clone()));
    let http = session::http(&cx.settings, trace, &cx.system);
    let client = Client::new(
        http.map_err(|error| (Trouble::Reaching, error))?,
        access.base_url,
        ApiKey {
            client_id: access.client_id,
            client_secret: access.client_secret,
        },
    );
    let start = cx.system.clock.elapsed();
    client.login().await.map_err(|error| {
        let error = Error::from(error);
        match error.kind() {
            Kind::NotAllowed => (Trouble::ApiKey, error),
            _ => (Trouble::Reaching, error),
        }
    })?;
    cx.ui.step("logged in", cx.system.clock.elapsed() - start);
    let checked = embed_secret(profile, &client, cx).await;
    let ended = client.logout().await;
    checked.map_err(|error| (Trouble::EmbedSecret, error))?;
    ended.map_err(|error| (Trouble::Reaching, error.into()))
}

async fn embed_secret(
    profile: &mut NewProfile,
    client: &Client,
    cx: &CommandContext,
) -> Result<(), Error> {
    if let Ok(Sight::Part(error)) = sight(client).await {
        cx.ui.warning(error);
    }
    let Some(access) = cx.settings.embed_access_of(profile, &cx.system)? else {
        return Ok(());
    };
    let given = access.algorithm;
    let path = profile.blank_dashboard.as_deref().unwrap_or("/alive");
    match embed_secret::judge(client, &access, (path, NO_USER), &cx.system).await {
        Ok(Verdict::Accepted) => {
            cx.ui.status(format!("Looker accepts what the embed secret signs, with {given}."));
        }
        Ok(Verdict::OtherAlgorithm(right)) => {
            cx.ui.status(format!("Looker accepts what the embed secret signs, with {right}."));
            profile.embed_algorithm = (right != Algorithm::Sha1).then_some(right);
        }
        Ok(Verdict::Refused(reason)) if embed_secret::is_about_signature(&reason) => {
            return Err(embed_secret::refused(Kind::NotAllowed, &reason));
        }
        Ok(Verdict::Refused(reason)) => {
            cx.ui.warning(format!("Looker refuses a signed URL, whatever the secret: {reason}"));
        }
        Ok(Verdict::Unavailable) => cx.ui.status(format!(
            "The embed secret is not checked, since this Looker has no validator; `embedctl doctor --probe --profile {}` does",
            profile.name
        )),
        Err(error) => cx.ui.warning(format!("the embed secret could not be checked: {error}")),
    }
    Ok(())
}
