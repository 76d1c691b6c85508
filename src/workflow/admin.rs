//! Whether the identity that is to work on others may do so.

use crate::error::{Error, Kind};
use crate::looker::{Client, Role};

/// Find out, before anything is done, whether `client` is an admin: Looker answers 404 to others where it means "not
/// allowed", so that a user who is there would look absent.
///
/// # Errors
/// [`Kind::NotAllowed`] where it is not; what the client says where it cannot be asked.
pub async fn require_admin(client: &Client) -> Result<(), Error> {
    let me = client.me().await?;
    let roles = client.user_roles(&me.id, false).await;
    let is_admin = roles
        .as_ref()
        .is_ok_and(|roles| roles.iter().any(is_admin_role));
    match roles {
        _ if is_admin => Ok(()),
        Err(error) if !matches!(error.refused_with(), Some(403 | 404)) => Err(error.into()),
        _ => {
            let name = me.display_name.unwrap_or_default();
            Err(Error::new(
                Kind::NotAllowed,
                format!("the API key belongs to Looker user {} `{name}`, who is not an admin", me.id),
            )
            .hint("use the API key of a user with the Admin role (on Looker (Google Cloud core): of a service account with it)"))
        }
    }
}

/// The built-in role is called so; a role made by hand may have the same permission.
fn is_admin_role(role: &Role) -> bool {
    let may_administer = role.permission_set.as_ref().is_some_and(|set| {
        set.all_access
            || set
                .permissions
                .iter()
                .any(|permission| permission == "administer")
    });
    role.name == "Admin" || may_administer
}
