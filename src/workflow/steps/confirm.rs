//! Looks the user up again, and checks that exactly this user was created.

use std::collections::BTreeSet;

use jiff::SignedDuration;
use serde_json::Value;

use crate::error::{Error, Kind};
use crate::looker::{CredentialsEmbed, EmbedGrants, GrantsUnreadable, User, embed_grants};
use crate::signed_url::Grants;
use crate::workflow::finder::look_up as find_user;
use crate::workflow::found::Outcome;
use crate::workflow::job_context::JobContext;
use crate::workflow::spec::JobSpec;
use crate::workflow::step::{After, Before};
use crate::workflow::user_spec::{UserSpec, Via};
use crate::workflow::value_check::compare;

/// A user that was left unchanged needs no check.
pub(crate) fn before(work: &mut JobContext) -> Before {
    match work.found.outcome {
        Some(Outcome::Unchanged) | None => Before::Skip,
        Some(Outcome::Created | Outcome::Updated) => Before::Read,
    }
}

pub(crate) async fn run(work: &mut JobContext) -> Result<After, Error> {
    let spec = work
        .spec
        .embed_user()
        .expect("only a job that makes a user has this step")
        .clone();
    let user = match among_newest(work, &spec).await {
        Some(user) => Some(user),
        None => find_user(&work.cx.admin, work.spec.user()).await?,
    };
    let Some(user) = user.filter(|user| user.has_external_user_id(&spec.external_user_id)) else {
        return Err(absent(&spec));
    };
    let is_new = work.found.outcome == Some(Outcome::Created) && !work.resumed;
    if is_new && spec.planned.absent && was_there(&user, &spec.external_user_id) {
        return Err(overwritten(&spec));
    }
    // `create_embed_user` takes neither names nor grants.
    if spec.via != Via::EmbedUser {
        let grants = spec.grants.not_empty();
        for difference in renamed(&user, &grants) {
            work.warn(difference);
        }
        let mut missed = ungranted(&user, &grants);
        if matches!(work.spec, JobSpec::CreateUser(_)) {
            if spec.verify {
                missed.extend(values_missed(work, &user, &grants).await?);
                if work.found.outcome == Some(Outcome::Updated) {
                    missed.extend(not_replaced(work, &user, &grants).await?);
                }
            }
            if !missed.is_empty() {
                return Err(ignored(&spec, &missed));
            }
        }
        // A change of ids makes its own comparison at the end, where losses count as errors.
        for difference in missed {
            work.warn(difference);
        }
    }
    work.found.looker_user_id = Some(user.id.clone());
    work.user = Some(user);
    Ok(After::Next(Value::Null))
}

/// The new user as a page that many jobs share shows it, if it shows all that the login asked for: what a list leaves out is no
/// evidence of anything.
async fn among_newest(work: &JobContext, spec: &UserSpec) -> Option<User> {
    let newest = work.cx.newest.as_ref();
    let newest = newest.filter(|_| work.has_just_made_user())?;
    let user = newest.find(&spec.external_user_id).await?;
    let is_clear =
        !was_there(&user, &spec.external_user_id) && differences(&user, &spec.grants).is_empty();
    is_clear.then_some(user)
}

fn absent(spec: &UserSpec) -> Error {
    Error::new(
        Kind::Looker,
        format!(
            "Looker accepted the login, but there is no embed user `{}`",
            spec.external_user_id
        ),
    )
    .hint("look for a near-identical id with `embedctl users list`; run the same command again to retry")
}

/// How much later than its credential's creation a login must be to prove that the user already existed: far longer than a
/// creation with several retries takes.
const FORMER_LIFE: SignedDuration = SignedDuration::from_mins(10);

/// Whether the user existed before the login that was meant to create it: its credential is older than its last login, both
/// by Looker's clock. A list that does not show a user is no proof, and this second check costs nothing.
fn was_there(user: &User, external_user_id: &str) -> bool {
    let mut credentials = user.credentials_embed.iter();
    let is_it = |credential: &&CredentialsEmbed| {
        credential.external_user_id.as_deref() == Some(external_user_id)
    };
    credentials.find(is_it).is_some_and(|credential| {
        // belief: logged-in-at-is-embed
        let times = (
            credential.created_at.known(),
            credential.logged_in_at.known(),
        );
        matches!(times, (Some(created), Some(login)) if login.duration_since(created) > FORMER_LIFE)
    })
}

fn overwritten(spec: &UserSpec) -> Error {
    let id = &spec.external_user_id;
    Error::new(
        Kind::Incomplete,
        format!("`{id}` already existed, although no list of users showed it, and the login has replaced its grants"),
    )
    .hint(format!("compare what it has now with what it should have: `embedctl users show {id}`"))
}

/// The values of the login that the user does not have. It costs one more call, so it is done only when sudo is verified.
async fn values_missed(
    work: &mut JobContext,
    user: &User,
    grants: &Grants,
) -> Result<Vec<String>, Error> {
    if grants.user_attributes.is_empty() {
        return Ok(Vec::new());
    }
    let rows = work.cx.admin.attribute_values(&user.id).await?;
    let mut missed = Vec::new();
    // belief: login-value-is-as-sent
    for (name, wanted) in &grants.user_attributes {
        let row = rows.iter().find(|row| row.name == *name);
        match compare(name, wanted, row) {
            Ok(None) => {}
            Ok(Some(warning)) => work.warn(warning),
            Err(problem) => missed.push(problem),
        }
    }
    Ok(missed)
}

/// Permissions and models that differ from those of the login, which replaces the earlier ones. It costs two more calls, so it
/// is done only when sudo is verified.
async fn not_replaced(
    work: &mut JobContext,
    user: &User,
    grants: &Grants,
) -> Result<Vec<String>, Error> {
    let admin = &work.cx.admin;
    let direct = admin.user_roles(&user.id, true).await?;
    let listed = admin.roles().await?.into_iter();
    let listed = listed.map(|role| (role.id.clone(), role)).collect();
    let is = match embed_grants(&user.role_ids, &direct, &listed) {
        Ok(is) => is,
        // A login without grants may leave the user without a role.
        Err(GrantsUnreadable::NoRole) if grants.models.is_none() => EmbedGrants::default(),
        Err(unreadable) => {
            work.warn(format!(
                "its permissions and models were not compared with those of the login: {unreadable}"
            ));
            return Ok(Vec::new());
        }
    };
    // belief: login-replaces-grants
    let lists = [
        ("permissions", &grants.permissions, is.permissions),
        ("models", &grants.models, is.models),
    ];
    let set = |list: &[String]| list.iter().cloned().collect::<BTreeSet<_>>();
    let lists = lists.map(|(what, wanted, is)| (what, wanted.as_deref().unwrap_or_default(), is));
    let other = lists
        .into_iter()
        .filter(|(_, wanted, is)| set(wanted) != set(is));
    let said = other.map(|(what, wanted, is)| {
        let is = is.join(", ");
        format!("its {what} are `{is}`, not `{}`", wanted.join(", "))
    });
    Ok(said.collect())
}

fn ignored(spec: &UserSpec, missed: &[String]) -> Error {
    let id = &spec.external_user_id;
    Error::new(
        Kind::Incomplete,
        format!(
            "Looker accepted the login of `{id}` but did not give it everything requested: {}",
            missed.join("; ")
        ),
    )
    .hint(format!(
        "`embedctl create-user {id} --update` with the same options, or `embedctl apply` with the same manifest, tries it again"
    ))
}

/// How the user differs from the login.
pub(crate) fn differences(user: &User, grants: &Grants) -> Vec<String> {
    let said = grants.not_empty();
    [renamed(user, &said), ungranted(user, &said)].concat()
}

/// The names that differ from the login.
fn renamed(user: &User, grants: &Grants) -> Vec<String> {
    let mut differences = Vec::new();
    // belief: url-names-stay
    let names = [
        ("first name", &grants.first_name, &user.first_name),
        ("last name", &grants.last_name, &user.last_name),
    ];
    for (what, wanted, is) in names {
        if let Some(wanted) = wanted
            .as_ref()
            .filter(|wanted| Some(*wanted) != is.as_ref())
        {
            let is = is.as_deref().unwrap_or_default();
            differences.push(format!("the {what} is `{is}` at Looker, not `{wanted}`"));
        }
    }
    differences
}

/// What the login asked for and the user does not have.
fn ungranted(user: &User, grants: &Grants) -> Vec<String> {
    let mut differences = Vec::new();
    // belief: login-joins-groups
    for group in grants.group_ids.iter().flatten() {
        // belief: group-ids-are-all
        if !user.group_ids.contains(group) {
            differences.push(format!(
                "the user is not a member of group {group}; does the group exist?"
            ));
        }
    }
    // belief: external-group-by-login
    if let Some(wanted) = &grants.external_group_id {
        let mut credentials = user.credentials_embed.iter();
        if !credentials.any(|credential| credential.external_group_id.as_ref() == Some(wanted)) {
            differences.push(format!("the user is not in the external group `{wanted}`"));
        }
    }
    differences
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::looker::When;

    #[test]
    fn a_user_whose_credential_is_older_than_its_login_was_there_before() {
        let user = |created: When, login: When| User {
            credentials_embed: vec![CredentialsEmbed {
                external_user_id: Some("acme-1".to_owned()),
                created_at: created,
                logged_in_at: login,
                ..CredentialsEmbed::default()
            }],
            ..User::default()
        };
        let at = |seconds: i64| {
            When::At(jiff::Timestamp::from_second(1_700_000_000 + seconds).expect("in range"))
        };

        assert!(was_there(&user(at(0), at(3_600)), "acme-1"));
        assert!(!was_there(&user(at(0), at(3_600)), "acme-2"));
        // A moment that cannot be read is no reason to say anything.
        for (created, login) in [
            (at(0), at(2)),
            (at(2), at(0)),
            (When::Unreadable, at(3_600)),
            (at(0), When::Never),
        ] {
            assert!(!was_there(&user(created, login), "acme-1"));
        }
    }
}
