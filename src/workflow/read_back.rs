//! Reads back what Looker was asked to remove: only the user or a listing is proof.

use crate::looker::{Client, LookerError, UserSearch};

/// Whether the user `id`, which the caller could see before, is gone: by a lookup and by the list of users.
///
/// # Errors
/// What Looker says.
pub async fn user_is_gone(admin: &Client, id: &str) -> Result<bool, LookerError> {
    match admin.user(id).await {
        // belief: delete-is-no-disable
        Ok(_) => return Ok(false),
        Err(LookerError::NotFound { .. }) => {}
        Err(error) => return Err(error),
    }
    let mut pages = admin.users(UserSearch {
        id: Some(id.to_owned()),
        fields: Some("id,is_disabled".to_owned()),
        ..UserSearch::default()
    });
    while let Some(users) = pages.next().await? {
        if users.iter().any(|user| user.id == id) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Whether the user `id` is disabled.
///
/// # Errors
/// What Looker says, also if there is no such user.
pub async fn user_is_disabled(admin: &Client, id: &str) -> Result<bool, LookerError> {
    Ok(admin.user(id).await?.is_disabled)
}
