//! The test user: created by a signed URL, found again after a crash, and removed.

use crate::answers::Answers;
use crate::commands::doctor::findings::Findings;
use crate::commands::doctor::probe::Kept;
use crate::commands::doctor::{DoctorContext, NOT_SET_UP, embed};
use crate::config::EmbedAccess;
use crate::error::Error;
use crate::looker::{Client, User, UserSearch};
use crate::signed_url::{Algorithm, Login, nonce};

/// The prefix of all test users' ids; nothing else is ever removed.
const PREFIX: &str = "embedctl-doctor-";
/// How many hex digits follow.
const DIGITS: usize = 12;
/// The first name by which they can be searched.
const FIRST_NAME: &str = "embedctl";
const LAST_NAME: &str = "doctor (may be deleted)";

/// The permissions of the first login; the second login omits one.
pub(super) const FIRST: [&str; 2] = ["access_data", "see_looks"];
pub(super) const SECOND: [&str; 1] = ["access_data"];

pub(super) fn new_id(cx: &DoctorContext<'_>) -> Result<String, Error> {
    let nonce = nonce(&cx.system.random).map_err(Error::internal)?;
    let digits: String = nonce
        .chars()
        .filter(char::is_ascii_hexdigit)
        .take(DIGITS)
        .collect();
    Ok(format!("{PREFIX}{digits}"))
}

/// Whether `id` is one that only a doctor creates.
fn is_ours(id: &str) -> bool {
    let digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    id.strip_prefix(PREFIX)
        .is_some_and(|rest| (8..=DIGITS).contains(&rest.len()) && rest.bytes().all(digit))
}

/// A login with the minimum that makes a role visible.
pub(super) fn login(id: &str, permissions: &[&str], models: &[String]) -> Login {
    Login {
        first_name: Some(FIRST_NAME.to_owned()),
        last_name: Some(LAST_NAME.to_owned()),
        permissions: Some(permissions.iter().map(|name| (*name).to_owned()).collect()),
        models: Some(models.to_vec()),
        session_length: 60,
        force_logout_login: true,
        ..Login::new(id)
    }
}

/// One model to name: the profile's first, else one that the admin sees.
pub(super) async fn models(cx: &DoctorContext<'_>, admin: &Client) -> Vec<String> {
    let profile = cx.settings.grants().models.iter().flatten().next();
    if let Some(model) = profile {
        return vec![model.clone()];
    }
    let models = admin.lookml_models().await.unwrap_or_default().into_iter();
    models.map(|model| model.name).take(1).collect()
}

/// Open a signed URL, with one algorithm and then the other, until the user exists.
pub(super) async fn create(
    cx: &DoctorContext<'_>,
    admin: &Client,
    access: &EmbedAccess,
    (id, models): (&str, &[String]),
) -> Result<(User, Algorithm), Error> {
    // belief: url-makes-the-user
    let login = login(id, &FIRST, models);
    for algorithm in [access.algorithm, access.algorithm.other()] {
        let url = embed::sign(cx, access, algorithm, &login)?;
        cx.http.fetch_signed_url(&url).await?;
        if let Some(user) = find(admin, id).await? {
            return Ok((user, algorithm));
        }
    }
    Err(Error::new(
        NOT_SET_UP,
        "Looker created no user for the signed URL that was opened",
    )
    .hint(
        "check the embed secret, that `--embed-host` is the host Looker sees, and the clock; \
         `embedctl create-user --no-key` tries more and says which it is",
    ))
}

/// Report that the user exists, and by which algorithm.
pub(super) fn tell(
    user: &User,
    id: &str,
    algorithm: Algorithm,
    given: Algorithm,
    findings: &mut Findings,
) -> Result<(), Error> {
    if algorithm == given {
        let detail = format!("a signed URL created embed user {} (`{id}`)", user.id);
        return findings.pass("probe", detail);
    }
    findings.fail("probe", &embed::wrong_algorithm(given, algorithm))
}

/// The user with exactly this id, by the lookup or by its name.
async fn find(admin: &Client, id: &str) -> Result<Option<User>, Error> {
    let is_it = |user: &User| user.external_user_id() == Some(id);
    if let Ok(Some(user)) = admin.user_for_credential_embed(id).await
        && is_it(&user)
    {
        return Ok(Some(user));
    }
    Ok(by_name(admin).await?.into_iter().find(is_it))
}

/// Existing test users, by the name they were given.
async fn by_name(admin: &Client) -> Result<Vec<User>, Error> {
    let search = UserSearch {
        embed_user: Some(true),
        // belief: names-stay-searchable
        first_name: Some(FIRST_NAME.to_owned()),
        last_name: Some(LAST_NAME.to_owned()),
        sorts: Some("id".to_owned()),
        limit: Some(500),
        ..UserSearch::default()
    };
    let mut users = admin.search_users(&search).await?;
    users.retain(|user| user.external_user_id().is_some_and(is_ours));
    Ok(users)
}

/// Remove what earlier probes left: by the name of such users, and by the id that was kept before one was created.
pub(super) async fn remove_left_overs(
    cx: &DoctorContext<'_>,
    admin: &Client,
    kept: &Kept,
    findings: &mut Findings,
) -> Result<(), Error> {
    // Another machine may be running a probe right now; its user is younger than this.
    let old_enough = |user: &User| {
        let mut credentials = user.credentials_embed.iter();
        let created = credentials.find_map(|credential| credential.created_at.known());
        created.is_none_or(|at| cx.looker_now().duration_since(at).as_secs() >= YOUNG)
    };
    let mut left = by_name(admin).await?;
    left.retain(old_enough);
    let pending = kept.read().and_then(|answers| answers.left_over);
    if let Some(id) = pending.filter(|id| is_ours(id))
        && !left.iter().any(|user| user.external_user_id() == Some(&id))
    {
        left.extend(find(admin, &id).await?);
    }
    for user in left {
        let id = user.external_user_id().unwrap_or_default();
        match admin.delete_user(&user.id).await {
            Ok(_) => findings.pass(
                "left_over",
                format!(
                    "embed user {} (`{id}`), which an earlier probe had left, is deleted",
                    user.id
                ),
            )?,
            Err(error) => findings.fail("left_over", &undeleted(error.into(), &user.id, id))?,
        }
    }
    Ok(())
}

/// The most seconds that a probe may take.
const YOUNG: i64 = 120;

fn undeleted(error: Error, user: &str, id: &str) -> Error {
    error.without_hint().hint(format!(
        "delete user {user} (`{id}`) in Looker: Admin > Users"
    ))
}

/// Delete the user with this id, if it exists, and verify that every list has dropped it. `known` is the user, if it was seen.
pub(super) async fn remove(
    admin: &Client,
    id: &str,
    known: Option<User>,
    findings: &mut Findings,
    answers: &mut Answers,
) -> Result<(), Error> {
    let found = match known {
        Some(user) => Ok(Some(user)),
        None => find(admin, id).await,
    };
    let user = match found {
        Ok(Some(user)) => user,
        Ok(None) => return Ok(()),
        Err(error) => {
            let hint = format!("`embedctl doctor --probe` removes `{id}` when it runs again");
            findings.fail("cleanup", &error.hint(&hint))?;
            return Err(Error::internal(hint));
        }
    };
    if let Err(error) = admin.delete_user(&user.id).await {
        let error = undeleted(error.into(), &user.id, id);
        findings.fail("cleanup", &error)?;
        return Err(error);
    }
    // belief: deleted-user-is-unlisted
    match is_listed(admin, &user, id).await {
        Ok(false) => {
            let seen = "the deleted user is in no list".to_owned();
            answers.keep("deleted-user-is-unlisted", true, seen);
            findings.pass(
                "cleanup",
                format!("embed user {} is deleted again", user.id),
            )
        }
        Ok(true) => {
            let seen = format!("user {} was deleted and is still listed", user.id);
            answers.keep("deleted-user-is-unlisted", false, seen.clone());
            let error = undeleted(Error::new(NOT_SET_UP, seen), &user.id, id);
            findings.fail("cleanup", &error)?;
            Err(error)
        }
        Err(error) => findings.warn(
            "cleanup",
            error.context(format!(
                "embed user {} was deleted, and could not be looked for",
                user.id
            )),
            "",
        ),
    }
}

async fn is_listed(admin: &Client, user: &User, id: &str) -> Result<bool, Error> {
    let search = UserSearch {
        id: Some(user.id.clone()),
        ..UserSearch::default()
    };
    let listed = admin.search_users(&search).await?;
    Ok(listed.iter().any(|it| it.id == user.id) || find(admin, id).await?.is_some())
}
