//! The probe of what a second embed login replaces, ends and keeps.

use std::collections::BTreeSet;

use crate::commands::doctor::probe::attributes::{self, VALUE};
use crate::commands::doctor::probe::{Seen, Trial, people, seen, subject};
use crate::error::Error;

/// Log the user in with one permission less.
pub(super) async fn replaces(trial: &Trial<'_>) -> Result<Vec<Seen>, Error> {
    let free = attributes::free(trial).await?;
    let before: BTreeSet<String> = sessions(trial).await?;
    trial.log_in_again(&subject::SECOND, &[]).await?;
    let mut said = grants(trial).await?;
    let after = sessions(trial).await?;
    said.push(seen(
        "sessions-are-listed",
        !after.is_empty(),
        "the session of the login is listed",
        || "the session of the login is not listed".to_owned(),
    ));
    if !before.is_empty() {
        said.push(seen(
            "login-ends-sessions",
            before.is_disjoint(&after),
            "earlier sessions are listed no more",
            || "earlier sessions are still listed".to_owned(),
        ));
    }
    if let Some((id, name)) = free.first() {
        said.extend(values(trial, id, name).await?);
    }
    Ok(said)
}

/// The effect of naming an attribute in a login, of not naming it in the next one, and of deleting its value.
async fn values(trial: &Trial<'_>, id: &str, name: &str) -> Result<Vec<Seen>, Error> {
    let has = async || -> Result<bool, Error> {
        let rows = attributes::rows(trial).await?;
        Ok(rows.iter().any(|row| row.is_of(id) && row.has_value(VALUE)))
    };
    trial
        .log_in_again(&subject::SECOND, &[(name, VALUE)])
        .await?;
    let named = has().await?;
    let mut said = vec![seen(
        "attribute-of-login-is-own",
        named,
        "a value that a login names is there",
        || "a value that a login names is not there".to_owned(),
    )];
    if named {
        trial.log_in_again(&subject::SECOND, &[]).await?;
        said.push(seen(
            "login-drops-other-attributes",
            !has().await?,
            "a value that the next login did not name is gone",
            || "a value that the next login did not name is still there".to_owned(),
        ));
    }
    let (admin, user) = (trial.admin, trial.user.id.as_str());
    admin.set_attribute_value(user, id, VALUE).await?;
    admin.delete_attribute_value(user, id).await?;
    said.push(seen(
        "attribute-delete-is-own",
        !has().await?,
        "an own value that was deleted is gone",
        || "an own value that was deleted is still there".to_owned(),
    ));
    Ok(said)
}

async fn sessions(trial: &Trial<'_>) -> Result<BTreeSet<String>, Error> {
    let sessions = trial.admin.sessions(&trial.user.id).await?.into_iter();
    Ok(sessions.map(|session| session.id).collect())
}

async fn grants(trial: &Trial<'_>) -> Result<Vec<Seen>, Error> {
    let roles = trial.admin.user_roles(&trial.user.id, false).await?;
    let has = |permissions| {
        roles
            .iter()
            .any(|role| people::is_of_login(role, permissions))
    };
    let (first, second) = (has(&subject::FIRST), has(&subject::SECOND));
    // Roles that cannot be read prove nothing.
    if !first && !second {
        return Ok(Vec::new());
    }
    let lingers = || "the permissions of the first login are still there".to_owned();
    let replaced = "the user has the permissions of the second login only";
    Ok(vec![
        seen("login-replaces-grants", !first, replaced, lingers),
        seen("url-logout-true", !first, replaced, lingers),
    ])
}
