//! Takes back a key that was never delivered.

use crate::error::Error;
use crate::ledger::KeyState;
use crate::workflow::found::FoundKey;
use crate::workflow::job_context::JobContext;

/// Revoke a key whose secret is in no sink. A key that is already gone is fine.
pub(super) async fn undelivered(work: &mut JobContext, key: &FoundKey) -> Result<(), Error> {
    let id = [key.id.clone()];
    work.user_keys().revoke(&id).await?;
    let record = work.key_record(key, KeyState::Revoked);
    // The key is gone, which is what matters; the ledger learns it from the next listing.
    if let Err(error) = work.journal.note_key(record).await {
        work.warn(format!(
            "key {} was revoked, but the ledger could not be updated: {error}",
            key.id
        ));
    }
    work.found.revoked.push(key.id.clone());
    Ok(())
}
