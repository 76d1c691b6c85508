//! Probes of users: the lookup, lists, the embed role, and what a disabled user can do.

use reqwest::Method;

use crate::commands::doctor::probe::{Seen, Trial, seen, subject};
use crate::error::Error;
use crate::looker::{Role, User, UserSearch};

/// Whether the lookup finds an existing user, and no other.
pub(super) async fn look_up(trial: &Trial<'_>) -> Result<Vec<Seen>, Error> {
    let mut said = vec![seen(
        "embed-user-has-credential",
        trial.user.external_user_id() == Some(&trial.id),
        "the new user has an embed credential with its id",
        || "the new user has no embed credential with its id".to_owned(),
    )];
    match trial.admin.user_for_credential_embed(&trial.id).await {
        Ok(found) => {
            let id = found.map(|user| user.id);
            said.push(seen(
                "lookup-finds-embed-users",
                id.as_ref() == Some(&trial.user.id),
                "it finds the new user",
                || format!("it gives {id:?} for user {}", trial.user.id),
            ));
        }
        Err(error) => {
            said.push(("lookup-finds-embed-users", false, error.to_string()));
            return Ok(said);
        }
    }
    let nobody = format!("{}-nobody", trial.id);
    let found = trial.admin.user_for_credential_embed(&nobody).await;
    said.push(match found {
        Ok(found) => seen(
            "lookup-404-is-absent",
            found.is_none(),
            "it answers 404 for an id that does not exist",
            || "it gives a user for an id that does not exist".to_owned(),
        ),
        Err(error) => ("lookup-404-is-absent", false, error.to_string()),
    });
    Ok(said)
}

/// Whether the lookup is case-sensitive.
pub(super) async fn case(trial: &Trial<'_>) -> Result<Vec<Seen>, Error> {
    let shouted = trial.id.to_uppercase();
    // Raw: the client treats an answer about another id as an error.
    let path = format!("/users/credential/embed/{shouted}");
    let fields = [("fields".to_owned(), "id".to_owned())];
    let answer = trial
        .admin
        .call("user_for_credential", Method::GET, &path, &fields, None)
        .await?;
    let found = match answer.status {
        200 => true,
        404 => false,
        _ => {
            return answer
                .refusal
                .map_or(Ok(Vec::new()), |refusal| Err(refusal.into()));
        }
    };
    Ok(vec![seen(
        "lookup-is-exact",
        !found,
        "it does not find the user by its id in upper case",
        || "it finds the user by its id in upper case too".to_owned(),
    )])
}

/// How lists are paged.
pub(super) async fn pages(trial: &Trial<'_>) -> Result<Vec<Seen>, Error> {
    const ASKED: u32 = 1000;
    let page = async |limit: u32, offset: usize| {
        let search = UserSearch {
            embed_user: Some(true),
            fields: Some("id,credentials_embed".to_owned()),
            sorts: Some("id".to_owned()),
            limit: Some(limit),
            offset: Some(offset as u64),
            ..UserSearch::default()
        };
        trial.admin.search_users(&search).await
    };
    let first = page(ASKED, 0).await?;
    let mut said = vec![seen(
        "embed-user-filter",
        first.iter().all(|user| user.external_user_id().is_some()),
        "all users it lists have embed credentials",
        || "it lists users without embed credentials".to_owned(),
    )];
    if first.len() < ASKED as usize {
        let more = page(ASKED, first.len()).await?;
        said.push((
            "page-ends-empty",
            true,
            match more.len() {
                0 => format!(
                    "a page of {ASKED} had all {}, and the next was empty",
                    first.len()
                ),
                more => format!(
                    "a page of {ASKED} had {}, and the next one {more}",
                    first.len()
                ),
            },
        ));
    }
    let number = |user: &User| user.id.parse::<u64>().ok();
    let numbers: Option<Vec<u64>> = first.iter().map(number).collect();
    if let Some(numbers) = numbers.filter(|numbers| numbers.len() > 1) {
        said.push(seen(
            "search-sorts-by-id",
            numbers.is_sorted(),
            "ids come in their order",
            || "ids do not come in their order".to_owned(),
        ));
        let second = page(1, 1).await?;
        let same = second.first().map(|user| &user.id) == first.get(1).map(|user| &user.id);
        said.push(seen(
            "offset-counts-rows",
            same && second.len() == 1,
            "`offset=1&limit=1` gives the second user",
            || "`offset=1&limit=1` does not give the second user".to_owned(),
        ));
    }
    Ok(said)
}

/// Whether a role has exactly the grants of the login.
pub(super) fn is_of_login(role: &Role, permissions: &[&str]) -> bool {
    let set = role.permission_set.as_ref();
    set.is_some_and(|set| {
        let mut has: Vec<&str> = set.permissions.iter().map(String::as_str).collect();
        has.sort_unstable();
        has == permissions
    })
}

/// The name and the listing of the embed role.
pub(super) async fn role(trial: &Trial<'_>) -> Result<Vec<Seen>, Error> {
    let user = trial.user_now().await?;
    let all = trial.admin.user_roles(&user.id, false).await?;
    let direct = trial.admin.user_roles(&user.id, true).await?;
    let fitting = all.iter().find(|role| is_of_login(role, &subject::FIRST));
    let mut said = vec![seen(
        "role-lists-its-sets",
        fitting.is_some(),
        "a role of the user has exactly the permissions of its login",
        || {
            format!(
                "none of its {} roles has the permissions of its login",
                all.len()
            )
        },
    )];
    let Some(role) = fitting else {
        return Ok(said);
    };
    said.push(seen(
        "embed-role-name",
        role.name == "Embedded Role",
        &format!("it is called `{}`", role.name),
        || format!("it is called `{}`", role.name),
    ));
    said.push(seen(
        "embed-role-is-direct",
        direct.iter().any(|it| it.id == role.id),
        "it is among the direct roles",
        || "it is not among the direct roles".to_owned(),
    ));
    let listed = trial.admin.roles().await?;
    said.push(seen(
        "embed-role-is-unlisted",
        !listed.is_empty() && !listed.iter().any(|it| it.id == role.id),
        "it is not among all roles",
        || match listed.len() {
            0 => "no roles are listed at all".to_owned(),
            _ => "it is among all roles".to_owned(),
        },
    ));
    said.push(seen(
        "embed-role-in-role-ids",
        user.role_ids.contains(&role.id),
        "`role_ids` has it",
        || format!("`role_ids` does not have role {}", role.id),
    ));
    Ok(said)
}

/// What the user can still do once it is disabled. It is enabled again in any case.
pub(super) async fn disabled(trial: &Trial<'_>) -> Result<Vec<Seen>, Error> {
    let set = async |disabled| trial.admin.set_disabled(&trial.user.id, disabled).await;
    let disabled = set(true).await?;
    let mut said = vec![seen(
        "disable-by-patch",
        disabled.is_disabled && trial.user_now().await?.is_disabled,
        "the user is disabled when it is read again",
        || "the user is not disabled when it is read again".to_owned(),
    )];
    if disabled.is_disabled {
        said.extend(what_it_can(trial).await);
    }
    set(false).await?;
    Ok(said)
}

async fn what_it_can(trial: &Trial<'_>) -> Vec<Seen> {
    let mut said = Vec::new();
    let sudo = trial.sudo().await;
    said.push(seen(
        "sudo-refuses-the-disabled",
        sudo.is_err(),
        "`login_user` refuses a disabled user",
        || "`login_user` gives a token of a disabled user".to_owned(),
    ));
    let key = trial.key();
    if let Some((_, key)) = key {
        let login = trial.by_key(key).login().await;
        said.push(seen(
            "key-of-disabled-is-refused",
            login.is_err(),
            "a disabled user's key does not log in",
            || "a disabled user's key logs in".to_owned(),
        ));
    }
    if trial.log_in_again(&subject::SECOND, &[]).await.is_ok()
        && let Ok(user) = trial.user_now().await
    {
        said.push(seen(
            "disabled-embed-login-fails",
            user.is_disabled,
            "a signed URL leaves a disabled user disabled",
            || "a signed URL enables a disabled user".to_owned(),
        ));
    }
    said
}
