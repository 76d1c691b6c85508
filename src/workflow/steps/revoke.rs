//! Takes a key back.

use crate::error::Error;
use crate::ledger::KeyState;
use crate::looker::{Client, LookerError, Removal};
use crate::workflow::work::{FoundKey, Work};

/// Revoke a key whose secret is in no sink. One that is gone already is as good.
pub(super) async fn undelivered(work: &mut Work, key: &FoundKey) -> Result<(), Error> {
    revoke(work, &key.id).await?;
    let record = work.key_record(key, KeyState::Revoked);
    work.journal.note_key(record).await?;
    work.found.revoked.push(key.id.clone());
    Ok(())
}

/// Delete a key of the job's user.
pub(super) async fn revoke(work: &mut Work, key_id: &str) -> Result<(), LookerError> {
    let user_id = work.user_id();
    key(&work.cx.admin, &user_id, key_id).await.map(drop)
}

/// Delete a key as the admin, or as the user where Looker lets only the user do it: false where it was gone already.
///
/// # Errors
/// What Looker says. To somebody who is no admin, Looker may call a key gone that is not.
pub async fn key(admin: &Client, user_id: &str, key_id: &str) -> Result<bool, LookerError> {
    match admin.delete_api3_key(user_id, key_id).await {
        Err(error) if error.refused_with() == Some(403) => {
            let sudo = admin.login_user(user_id).await?;
            let deleted = sudo.delete_api3_key(user_id, key_id).await;
            sudo.logout().await?;
            Ok(deleted? == Removal::Accepted)
        }
        answer => Ok(answer? == Removal::Accepted),
    }
}
