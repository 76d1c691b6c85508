//! Whether the API key logs in, which Looker it is, and what the key's user may do.

use crate::commands::doctor::findings::{Findings, WEB};
use crate::commands::doctor::{DoctorContext, release};
use crate::error::{Error, Kind};
use crate::looker::{Client, PermissionSet, Role, User, UserSearch};

/// Whether the key logs in; without that, no further check makes sense.
pub(super) async fn examine(
    cx: &DoctorContext<'_>,
    admin: &Client,
    findings: &mut Findings,
) -> Result<bool, Error> {
    // Without a login nothing below can be checked.
    if let Err(error) = admin.login().await {
        findings.fail("login", &error.into())?;
        return Ok(false);
    }
    findings.pass("login", "the API key logs in")?;
    version(cx, admin, findings).await?;
    role(admin, findings).await?;
    // `--probe` proves sudo with a user of its own.
    if !cx.probe {
        sudo(admin, findings).await?;
    }
    Ok(true)
}

async fn version(
    cx: &DoctorContext<'_>,
    admin: &Client,
    findings: &mut Findings,
) -> Result<(), Error> {
    let versions = match admin.versions().await {
        Ok(versions) => versions,
        Err(error) => return findings.warn("version", Error::from(error), ""),
    };
    let release = versions
        .looker_release_version
        .as_deref()
        .unwrap_or("of an unknown release");
    findings.pass("version", format!("Looker {release}"))?;
    release::examine(&versions, findings)?;
    // The address of the web pages may differ from that of the API.
    let web = versions
        .web_server_url
        .as_deref()
        .and_then(|url| url::Url::parse(url).ok());
    match (web, cx.settings.web_host()) {
        (_, Some(_)) if findings.has_failed(WEB) => findings.follows("embed_host", WEB),
        // belief: web-host-may-differ
        (Some(web), Some(host)) if web.authority() != host => findings.warn(
            "embed_host",
            format!("signed URLs are for `{host}`, and Looker calls itself `{}`", web.authority()),
            "if signed URLs are refused because of their host, pass `--embed-host` with the name that Looker sees",
        ),
        (_, Some(host)) => findings.pass("embed_host", format!("signed URLs are for `{host}`")),
        (_, None) => Ok(()),
    }
}

async fn role(admin: &Client, findings: &mut Findings) -> Result<(), Error> {
    let me = match admin.me().await {
        Ok(me) => me,
        Err(error) => return findings.fail("admin", &error.into()),
    };
    let name = me
        .display_name
        .as_deref()
        .unwrap_or("a user without a name");
    // belief: service-account-flag
    let kind = if me.is_service_account {
        "service account"
    } else {
        "user"
    };
    let who = format!("{kind} {} ({name})", me.id);
    match admin.user_roles(&me.id, false).await {
        // belief: admin-has-role-admin
        Ok(roles) if roles.iter().any(is_admin) => {
            findings.pass("admin", format!("{who} is an admin"))
        }
        Ok(_) => findings.fail(
            "admin",
            &Error::new(Kind::NotAllowed, format!("{who} is not an admin"))
                .hint("give the role Admin to the API key's user, or use the key of an admin"),
        ),
        Err(error) => findings.fail("admin", &Error::from(error).with_kind(Kind::NotAllowed)),
    }
}

fn is_admin(role: &Role) -> bool {
    let may_all = |set: &PermissionSet| {
        set.all_access || set.permissions.iter().any(|name| name == "administer")
    };
    role.name == "Admin" || role.permission_set.as_ref().is_some_and(may_all)
}

/// Whether the admin may become an embed user. Any existing one will do: only a token is created, and it is logged out again.
async fn sudo(admin: &Client, findings: &mut Findings) -> Result<(), Error> {
    // Looker answers 404 then, as if there were no such user.
    if findings.has_failed("admin") {
        return findings.follows("sudo", "admin");
    }
    let search = UserSearch {
        embed_user: Some(true),
        is_disabled: Some(false),
        limit: Some(1),
        sorts: Some("id".to_owned()),
        ..UserSearch::default()
    };
    let users = match admin.search_users(&search).await {
        Ok(users) => users,
        Err(error) => return findings.fail("sudo", &error.into()),
    };
    let Some(user) = users.first() else {
        return findings.skip(
            "sudo",
            "there is no embed user to act as yet; try `--probe`",
        );
    };
    match act_as(admin, user).await {
        Ok(()) => findings.pass(
            "sudo",
            format!("the admin can act as embed user {}", user.id),
        ),
        Err(error) => findings.fail("sudo", &error),
    }
}

/// Become `user`, verify the identity, and log out.
pub(super) async fn act_as(admin: &Client, user: &User) -> Result<(), Error> {
    let client = admin.login_user(&user.id).await?;
    let me = client.me().await;
    // Logged out before the result is looked at, or an error would leave the token behind.
    client.logout().await?;
    let me = me?;
    if me.id == user.id {
        return Ok(());
    }
    Err(Error::internal(format!(
        "the token for user {} is that of user {}",
        user.id, me.id
    )))
}
