//! Looks the user up, to know what needs to be done.

use serde_json::Value;

use crate::error::{Error, Kind};
use crate::workflow::finder::case_warning;
use crate::workflow::found::Outcome;
use crate::workflow::job_context::JobContext;
use crate::workflow::rotate_id::RotateIdSpec;
use crate::workflow::spec::{JobSpec, UserRef};
use crate::workflow::step::{After, Step};

pub(crate) async fn run(work: &mut JobContext) -> Result<After, Error> {
    // The plan has just looked; a second lookup would cost a call per new user.
    if work.is_known_absent() {
        work.user = None;
        return Ok(After::Next(Value::Null));
    }
    let user = work.spec.user();
    let found = work.cx.finder.find(user).await?;
    let alike = match &found {
        None => case_variant(work).await?,
        Some(_) => None,
    };
    match (&found, &work.spec) {
        (None, JobSpec::MintKey(_) | JobSpec::RotateKey(_)) => return Err(missing(user)),
        (None, JobSpec::CreateUser(spec)) if spec.planned.no_login => return Err(missing(user)),
        (None, JobSpec::RotateId(spec)) if spec.into.is_some() => return Err(missing(user)),
        (Some(_), JobSpec::RotateId(spec)) if spec.into.is_none() && !has_begun(work) => {
            return Err(there_by_now(spec));
        }
        (None, JobSpec::CreateUser(_) | JobSpec::RotateId(_)) => {}
        (Some(user), _) => {
            work.found.looker_user_id = Some(user.id.clone());
            // A user can have several embed credentials; the job goes by the one that was asked for.
            let name = &mut work.found.external_user_id;
            if let Some(id) = user
                .external_user_id()
                .filter(|_| !user.has_external_user_id(name))
            {
                id.clone_into(name);
            }
            // This is the outcome until a later step changes something.
            if work.spec.embed_user().is_some() {
                work.found.outcome = Some(Outcome::Unchanged);
            }
        }
    }
    work.user = found;
    if let Some(other) = alike {
        let id = work.found.external_user_id.clone();
        work.warn(case_warning(&id, &other));
    }
    Ok(After::Next(Value::Null))
}

/// A user from whose id that of the user to create differs only by case.
async fn case_variant(work: &JobContext) -> Result<Option<String>, Error> {
    let Some(user) = work.spec.embed_user() else {
        return Ok(None);
    };
    let other = work.cx.finder.case_variant(&user.external_user_id).await?;
    Ok(match &work.spec {
        // The old user's id may be what is put right.
        JobSpec::RotateId(spec) => other.filter(|id| *id != spec.from.external_user_id),
        _ => other,
    })
}

/// Whether this job may have created the user itself.
fn has_begun(work: &JobContext) -> bool {
    work.journal.first_intent(Step::Create).is_some()
}

/// The error that keeps two people from being merged by accident.
fn there_by_now(spec: &RotateIdSpec) -> Error {
    let (old, new) = (&spec.from.external_user_id, &spec.user.external_user_id);
    Error::new(
        Kind::Conflict,
        format!("embed user `{new}` was created after the plan was made"),
    )
    .hint(format!(
        "`embedctl rotate-id {old} {new} --into-existing --dry-run` shows what it has"
    ))
}

fn missing(user: UserRef<'_>) -> Error {
    let error = Error::new(Kind::NotFound, format!("there is no {user}"));
    match user {
        UserRef::External(id) => error.hint(format!("create it with `embedctl create-user {id}`")),
        UserRef::Looker(_) | UserRef::Known { .. } => {
            error.hint("`embedctl users list` shows the embed users there are")
        }
    }
}
