//! Takes a key back that nobody has received.

use crate::error::Error;
use crate::ledger::KeyState;
use crate::workflow::found::FoundKey;
use crate::workflow::job_context::JobContext;

/// Revoke a key whose secret is in no sink. One that is gone already is as good.
pub(super) async fn undelivered(work: &mut JobContext, key: &FoundKey) -> Result<(), Error> {
    let id = [key.id.clone()];
    work.user_keys().revoke(&id).await?;
    let record = work.key_record(key, KeyState::Revoked);
    // The key is gone, which is what matters; a ledger that cannot be written finds that out by itself.
    if let Err(error) = work.journal.note_key(record).await {
        work.warn(format!(
            "key {} was revoked, and the ledger cannot say so: {error}",
            key.id
        ));
    }
    work.found.revoked.push(key.id.clone());
    Ok(())
}
