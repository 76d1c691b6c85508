//! Whether the identity that manages other users is allowed to.

use crate::error::{Error, Kind};
use crate::looker::{Client, Role, User};

/// The permission that makes an admin, whatever the role is called: `Admin` is `Admin via IAM` on Looker (Google Cloud
/// core), and roles can be renamed.
const ADMINISTER: &str = "administer";

/// Which users an identity can see.
#[derive(Debug)]
pub enum Sight {
    /// All of them: it is an admin.
    All,
    /// It is not known to be an admin; the error says why. Looker answers 404 to non-admins if it means "not allowed", so
    /// an existing user looks absent.
    Part(Error),
}

/// Find out which users `client` can see.
///
/// # Errors
/// What the client says if the question fails.
pub async fn sight(client: &Client) -> Result<Sight, Error> {
    let me = client.me().await?;
    let roles = match client.user_roles(&me.id, false).await {
        Ok(roles) => roles,
        Err(error) if matches!(error.refused_with(), Some(403 | 404)) => {
            return Ok(Sight::Part(no_admin(
                &me,
                "may not even read its own roles",
            )));
        }
        Err(error) => return Err(error.into()),
    };
    if roles.iter().any(administers) {
        return Ok(Sight::All);
    }
    // A role that does not show its permissions could be any role.
    let dark = roles.iter().find(|role| {
        let set = role.permission_set.as_ref();
        set.is_none_or(|set| set.permissions.is_empty() && !set.all_access)
    });
    Ok(Sight::Part(match dark {
        Some(role) => {
            let name = &role.name;
            no_admin(
                &me,
                &format!(
                    "is not known to be an admin: Looker does not show the permissions of its role `{name}`"
                ),
            )
        }
        None => no_admin(&me, "is not an admin"),
    }))
}

/// Require, before anything is done, that `client` is an admin.
///
/// # Errors
/// [`Kind::NotAllowed`] if it is not known to be one; what the client says if the question fails.
pub async fn require_admin(client: &Client) -> Result<(), Error> {
    match sight(client).await? {
        Sight::All => Ok(()),
        Sight::Part(error) => Err(error),
    }
}

/// Whether the role makes its holder an admin.
pub fn administers(role: &Role) -> bool {
    role.permission_set.as_ref().is_some_and(|set| {
        set.all_access
            || set
                .permissions
                .iter()
                .any(|permission| permission == ADMINISTER)
    })
}

fn no_admin(me: &User, what: &str) -> Error {
    let (id, name) = (&me.id, me.display_name.as_deref().unwrap_or_default());
    Error::new(
        Kind::NotAllowed,
        format!("the API key belongs to Looker user {id} `{name}`, who {what}"),
    )
    .hint("use the API key of a user with the Admin role (on Looker (Google Cloud core): of a service account with it)")
}
