//! The user's right to manage its own keys, which embedctl grants temporarily on a Looker where no one else may.
//!
//! The ledger records the user before the right is granted, so that a later command can undo what a killed one left.

use crate::error::{Error, Kind};
use crate::ledger::Ledger;
use crate::looker::{Client, LookerError, User, UserChanges};
use crate::workflow::read_back::user_is_gone;

/// The outcome for the users that killed processes left with the right, by Looker's id.
#[derive(Debug, Default)]
pub struct SetBack {
    /// They no longer have it.
    pub users: Vec<String>,
    /// They may still have it, and why.
    pub failed: Vec<(String, Error)>,
}

/// Take the right back from the users that killed processes left with it, as recorded in the ledger.
///
/// # Errors
/// What the ledger says.
pub async fn set_back_left(ledger: &dyn Ledger, admin: &Client) -> Result<SetBack, Error> {
    let mut done = SetBack::default();
    for note in ledger.claim_permits().await? {
        let user = note.looker_user_id;
        match set_back(admin, &user).await {
            Ok(had_it) => {
                ledger.forget_permit(note.id).await?;
                if had_it {
                    done.users.push(user);
                }
            }
            // The record stays for the next command.
            Err(error) => done.failed.push((user, error)),
        }
    }
    Ok(done)
}

/// Take the right back from one user; false if it did not have it or is gone.
async fn set_back(admin: &Client, user_id: &str) -> Result<bool, Error> {
    match admin.user(user_id).await {
        Ok(user) if user.can_manage_api3_creds == Some(false) => return Ok(false),
        Ok(_) => {}
        Err(LookerError::NotFound { .. }) if user_is_gone(admin, user_id).await? => {
            return Ok(false);
        }
        Err(error) => return Err(error.into()),
    }
    set_permit(admin, user_id, false).await?;
    if has_permit(admin, user_id).await? {
        let message = "Looker accepts the change but does not apply it";
        return Err(Error::new(Kind::Incomplete, message));
    }
    Ok(true)
}

/// Grant or take back the right.
pub(super) async fn set_permit(
    admin: &Client,
    user_id: &str,
    given: bool,
) -> Result<User, LookerError> {
    let changes = UserChanges {
        // belief: key-user-mints-with-leave
        can_manage_api3_creds: Some(given),
        ..UserChanges::default()
    };
    admin.update_user(user_id, &changes).await
}

/// Whether a user has the right.
pub(super) async fn has_permit(admin: &Client, user_id: &str) -> Result<bool, LookerError> {
    Ok(admin.user(user_id).await?.can_manage_api3_creds == Some(true))
}
