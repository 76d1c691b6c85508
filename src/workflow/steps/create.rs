//! Creates the user, or gives it new grants, in the requested way.

use serde_json::json;

use crate::error::Error;
use crate::looker::{CookielessLogin, Landing, LookerError};
use crate::signed_url;
use crate::workflow::found::Outcome;
use crate::workflow::job_context::JobContext;
use crate::workflow::step::{After, Before, Step};
use crate::workflow::steps::refusal;
use crate::workflow::user_spec::{UserSpec, Via};

// belief: login-replaces-grants
/// Decide what to do: an embed login replaces a user's grants and ends its sessions, so an existing user is left unchanged
/// unless the job says otherwise.
pub(crate) fn before(work: &mut JobContext) -> Before {
    let Some(spec) = work.spec.embed_user() else {
        return Before::Skip;
    };
    let (via, update) = (spec.via, spec.update);
    let exists = work.user.is_some();
    // By the first intent of the job, not by what is there now: after a lost answer the user exists because of us.
    let existed = match work.journal.first_intent(Step::Create) {
        Some(intent) => intent.data.get("existed") == Some(&json!(true)),
        None => exists,
    };
    let outcome = match (existed, exists, update) {
        (false, true, _) => Outcome::Created,
        (true, true, false) => Outcome::Unchanged,
        _ => return Before::Effect(json!({ "existed": existed, "via": via })),
    };
    work.found.outcome = Some(outcome);
    work.found.via = (outcome == Outcome::Created).then_some(via);
    if outcome == Outcome::Created {
        // The answer to the creation was lost; the lookup has shown that it took effect.
        work.journal.finish(Step::Create, json!(outcome));
    }
    Before::Skip
}

pub(crate) async fn run(work: &mut JobContext) -> Result<After, Error> {
    let spec = work
        .spec
        .embed_user()
        .expect("only a job that makes a user has this step")
        .clone();
    warn_of_sessions(work).await?;
    let lost = match spec.via {
        Via::SignedUrl => by_signed_url(work, &spec).await?,
        Via::Cookieless => by_cookieless_session(work, &spec).await?,
        Via::EmbedUser => by_embed_user(work, &spec).await?,
    };
    if let Some(error) = lost {
        // `observe` will show whether the user was created.
        return Ok(After::Back(Step::Observe, error.into()));
    }
    let outcome = if work.user.is_some() {
        Outcome::Updated
    } else {
        Outcome::Created
    };
    work.found.outcome = Some(outcome);
    work.found.via = Some(spec.via);
    Ok(After::Next(json!(outcome)))
}

/// A login of an existing user ends its sessions.
async fn warn_of_sessions(work: &mut JobContext) -> Result<(), Error> {
    let Some(user) = &work.user else {
        return Ok(());
    };
    // belief: login-ends-sessions
    let sessions = work.cx.admin.sessions(&user.id).await?.len();
    if sessions > 0 {
        let sessions = if sessions == 1 {
            "its live session".to_owned()
        } else {
            format!("its {sessions} live sessions")
        };
        work.warn(format!("the new grants ended {sessions}"));
    }
    Ok(())
}

/// Sign a URL and fetch it. Returns the error of a fetch whose answer was lost.
async fn by_signed_url(work: &JobContext, spec: &UserSpec) -> Result<Option<LookerError>, Error> {
    let cx = &work.cx;
    let mut attempt = 1;
    loop {
        let landing = match fetch(work, spec).await? {
            Ok(landing) => landing,
            Err(error) => return lost(error),
        };
        if is_success(&landing, &spec.target) {
            return Ok(None);
        }
        // A URL is valid once, so each attempt signs a new one. A login may be repeated: it leaves the same user.
        let may_pass = matches!(landing.status, 429 | 502..=504);
        if !may_pass || !cx.http.wait_to_retry(attempt, landing.retry_after).await {
            return Err(refusal::explain(work, spec, &landing).await);
        }
        cx.observer.again();
        attempt += 1;
    }
}

async fn fetch(work: &JobContext, spec: &UserSpec) -> Result<Result<Landing, LookerError>, Error> {
    let cx = &work.cx;
    let signer = cx
        .signer
        .as_ref()
        .expect("a run that signs URLs is given a signer");
    // belief: url-nonce-once
    let nonce = signed_url::nonce(&cx.random).map_err(|error| {
        Error::internal(error).context("the system has no random bytes to give")
    })?;
    let login = spec.login();
    let url = signer.sign(&spec.target, &login, &nonce, cx.clock.now().as_second())?;
    Ok(cx.http.fetch_signed_url(&url).await)
}

/// Acquire a cookieless session for the user, and end it.
async fn by_cookieless_session(
    work: &JobContext,
    spec: &UserSpec,
) -> Result<Option<LookerError>, Error> {
    let login = spec.login();
    let login = CookielessLogin {
        external_user_id: login.external_user_id,
        first_name: login.first_name,
        last_name: login.last_name,
        // belief: login-without-grants-passes
        permissions: login.permissions,
        models: login.models,
        group_ids: login.group_ids,
        external_group_id: login.external_group_id,
        // belief: login-drops-other-attributes
        user_attributes: login.user_attributes,
        user_timezone: login.user_timezone,
        session_length: login.session_length,
        // belief: url-logout-true
        force_logout_login: login.force_logout_login,
        embed_domain: None,
    };
    let admin = &work.cx.admin;
    match admin.acquire_cookieless_session(&login).await {
        Ok(session) => {
            let token = &session.session_reference_token;
            // Only the login matters; a session that cannot be ended expires by itself.
            let _left = admin.delete_cookieless_session(token).await.is_err();
            Ok(None)
        }
        Err(error) => lost(error),
    }
}

/// Let Looker create a user without grants.
async fn by_embed_user(work: &JobContext, spec: &UserSpec) -> Result<Option<LookerError>, Error> {
    match work
        .cx
        .admin
        // belief: embed-user-taken
        .create_embed_user(&spec.external_user_id)
        .await
    {
        Ok(_) => Ok(None),
        Err(error) => lost(error),
    }
}

fn lost(error: LookerError) -> Result<Option<LookerError>, Error> {
    if error.took_effect_unknown() {
        Ok(Some(error))
    } else {
        Err(error.into())
    }
}

/// Whether Looker redirected to the embed path. A refusal is a redirect too, to the login page, so the status alone decides
/// nothing (from a troubleshooting tool of Looker's staff).
fn is_success(landing: &Landing, target: &str) -> bool {
    let path = |url: &str| url.split(['?', '#']).next().unwrap_or_default().to_owned();
    let location = landing.location.as_deref().unwrap_or_default();
    let location = match location.split_once("://") {
        Some((_, rest)) => rest.find('/').map_or("", |at| rest.split_at(at).1),
        None => location,
    };
    // belief: url-success-is-the-location
    (300..400).contains(&landing.status) && path(location) == path(target)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn landing(status: u16, location: &str) -> Landing {
        Landing {
            status,
            location: Some(location.to_owned()),
            date: None,
            retry_after: None,
        }
    }

    #[test]
    fn a_redirect_to_the_embed_path_is_success_with_or_without_origin_and_query() {
        let target = "/embed/dashboards/1";
        for location in [
            "/embed/dashboards/1",
            "/embed/dashboards/1?embed_domain=x",
            "http://looker:9999/embed/dashboards/1",
        ] {
            assert!(is_success(&landing(302, location), target), "{location}");
        }
    }

    #[test]
    fn a_redirect_elsewhere_or_another_status_is_refusal() {
        let target = "/embed/dashboards/1";
        for location in ["/login", "/", "", "https://looker", "/embed/dashboards/12"] {
            assert!(!is_success(&landing(302, location), target), "{location}");
        }
        assert!(!is_success(&landing(200, target), target));
    }
}
