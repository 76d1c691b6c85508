//! The steps that retire the old user once everything has moved: its keys, its sessions, the user itself.

use serde_json::json;

use crate::error::{Error, Kind};
use crate::ledger::{KeyRecord, KeyState};
use crate::looker::LookerError;
use crate::workflow::end_token;
use crate::workflow::job_context::JobContext;
use crate::workflow::old_key::OldKey;
use crate::workflow::rotate_id::belongings::ItemKind;
use crate::workflow::rotate_id::check::viewpoint;
use crate::workflow::rotate_id::observe::Scope;
use crate::workflow::rotate_id::spec::OldEnd;
use crate::workflow::step::{After, Before};

/// The same for each step: skipped if the old user is kept.
pub(crate) fn before(work: &JobContext) -> Before {
    let spec = work.rotate_id();
    match spec.old {
        OldEnd::Keep => Before::Skip,
        OldEnd::Disable | OldEnd::Delete => Before::Effect(json!({ "old": spec.old })),
    }
}

/// Revoke all keys of the old user, including those created after the plan.
pub(crate) async fn keys(work: &mut JobContext) -> Result<After, Error> {
    let old = work.rotate_id().from.looker_user_id.clone();
    let access = &work.cx.keys;
    let mut of_old = access.of(&old).with_sudo(work.old_sudo.clone());
    let mut keys = work.rotate_id().from.keys.clone();
    for key in of_old.list().await? {
        if !keys.iter().any(|known| known.id == key.id) {
            keys.push(key.into());
        }
    }
    let revoked: Vec<_> = keys.iter().map(|key| key.id.clone()).collect();
    // A key that is already gone, perhaps by an earlier attempt, is fine.
    let done = of_old.revoke(&revoked).await;
    of_old.close().await?;
    done?;
    for key in keys {
        let record = record(work, &key);
        work.journal.note_key(record).await?;
    }
    work.found.revoked.extend(revoked.iter().cloned());
    Ok(After::Next(json!(revoked)))
}

/// End all sessions of the old user.
pub(crate) async fn sessions(work: &mut JobContext) -> Result<After, Error> {
    let old = work.rotate_id().from.looker_user_id.clone();
    let sessions = work.cx.admin.sessions(&old).await?;
    for session in &sessions {
        work.cx.admin.delete_session(&old, &session.id).await?;
    }
    let left = work.cx.admin.sessions(&old).await?;
    if left
        .iter()
        .any(|left| sessions.iter().any(|ended| ended.id == left.id))
    {
        return Err(not_done(
            work,
            "Looker still lists a session of it that was ended",
        ));
    }
    Ok(After::Next(json!(sessions.len())))
}

/// Disable or delete the old user.
pub(crate) async fn user(work: &mut JobContext) -> Result<After, Error> {
    let (old, end) = (work.rotate_id().from.clone(), work.rotate_id().old);
    // Once the user is disabled, its token can no longer be logged out.
    // belief: sudo-refuses-the-disabled
    let sudo = work.old_sudo.take();
    end_token(work, sudo).await;
    let (admin, id) = (work.cx.admin.clone(), old.looker_user_id.as_str());
    match end {
        OldEnd::Keep => {}
        // belief: disable-stops-schedules
        OldEnd::Disable => {
            // belief: disable-keeps-content
            match admin.set_disabled(id, true).await {
                Ok(_) | Err(LookerError::NotFound { .. }) => {}
                Err(error) => return Err(error.into()),
            }
            match admin.user(id).await {
                Ok(user) if !user.is_disabled => {
                    return Err(not_done(work, "Looker did not disable it"));
                }
                // Deleted by someone else in the meantime: it cannot log in, which is what was asked for.
                Ok(_) | Err(LookerError::NotFound { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        OldEnd::Delete => {
            // belief: delete-takes-belongings
            // Checked as late as possible: Looker deletes a user's content along with it.
            refuse_owner(work).await?;
            // belief: deleted-user-has-no-keys
            admin.delete_user(id).await?;
            match admin.user(id).await {
                Err(LookerError::NotFound { .. }) => {}
                Ok(_) => return Err(not_done(work, "Looker still shows it after deleting it")),
                Err(error) => return Err(error.into()),
            }
        }
    }
    work.found.rotated_id().old = Some(end);
    Ok(After::Next(json!(end)))
}

/// Looker deletes a user's content along with it, so a user that still owns something is not deleted.
async fn refuse_owner(work: &JobContext) -> Result<(), Error> {
    let old = &work.rotate_id().from;
    let user = match work.cx.admin.user(&old.looker_user_id).await {
        Ok(user) => user,
        Err(LookerError::NotFound { .. }) => return Ok(()),
        Err(error) => return Err(error.into()),
    };
    let now = viewpoint(work).look(&user, Scope::NOTHING).await?;
    // belief: alerts-go-with-their-owner
    let owned = now
        .items
        .iter()
        .filter(|item| item.kind != ItemKind::Follow);
    let Some(item) = owned.chain(&now.lodgers).next() else {
        return Ok(());
    };
    let (old, word, title) = (&old.external_user_id, item.kind.word(), &item.title);
    Err(Error::new(
        Kind::Incomplete,
        format!("`{old}` was not deleted: the {word} `{title}` would be deleted with it"),
    )
    .hint(format!(
        "move it, then `embedctl runs resume {}`",
        work.journal.job().run
    )))
}

/// The error if everything has moved but the old user could not be retired.
fn not_done(work: &JobContext, what: &str) -> Error {
    let (old, run) = (
        &work.rotate_id().from.external_user_id,
        work.journal.job().run,
    );
    Error::new(
        Kind::Incomplete,
        format!("everything of `{old}` has moved, but it is not retired yet: {what}"),
    )
    .hint(format!("`embedctl runs resume {run}` tries again"))
}

fn record(work: &JobContext, key: &OldKey) -> KeyRecord {
    let from = &work.rotate_id().from;
    KeyRecord {
        looker_user_id: from.looker_user_id.clone(),
        external_user_id: from.external_user_id.clone(),
        key_id: key.id.clone(),
        client_id: key.client_id.clone(),
        purpose: key.purpose.clone(),
        state: KeyState::Revoked,
        minted_at: key.created_at,
        revoke_at: None,
    }
}
