//! Executes the inverses of a change of an `external_user_id`; each is safe to repeat.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use crate::error::Error;
use crate::ledger::{Event, JobId, KeyState};
use crate::looker::{Client, LookerError, User};
use crate::workflow::mint_log::MintLog;
use crate::workflow::parallel;
use crate::workflow::reconcile::{Known, judge};
use crate::workflow::rotate_id::belongings::{Item, ItemKind};
use crate::workflow::rotate_id::observe::{Scope, Viewpoint};
use crate::workflow::rotate_id::spec::{NotMoved, RotateIdSpec};
use crate::workflow::rotate_id::transfer::{Handed, Party, Transfer};
use crate::workflow::rotate_id::undo::swept;
use crate::workflow::tag::Maker;
use crate::workflow::undo::{Inverse, UndoContext, Undone, set_state};

/// Execute one inverse; returns the reason if something is left as it is.
pub(crate) async fn invert(
    cx: &UndoContext,
    id: JobId,
    spec: &RotateIdSpec,
    new: &User,
    inverse: &Inverse,
    undone: &mut Undone,
) -> Result<Option<String>, Error> {
    match inverse {
        Inverse::EnableOldUser => enable(&cx.admin, spec).await,
        Inverse::RevokeUndelivered => {
            let events = cx.ledger.events(id).await?;
            revoke_undelivered(cx, &events, id, new, undone).await
        }
        Inverse::MoveBack(kind) => {
            let items: Vec<Item> = spec.moving(*kind).cloned().collect();
            undone.moved_back += items.len();
            move_back(cx, spec, new, *kind, items).await
        }
        Inverse::SweepBack => {
            let events = cx.ledger.events(id).await?;
            let mut left = Vec::new();
            // In the order in which items move: folders before their content.
            for kind in ItemKind::ALL {
                let items = swept(&events, kind)?;
                if !items.is_empty() {
                    undone.moved_back += items.len();
                    left.extend(move_back(cx, spec, new, kind, items).await?);
                }
            }
            Ok((!left.is_empty()).then(|| left.join("; ")))
        }
        Inverse::TakeGrantsBack => {
            take_grants_back(&cx.admin, spec, new).await?;
            Ok(None)
        }
        Inverse::KeepKeys(_)
        | Inverse::RevokeKey { .. }
        | Inverse::DeleteUser
        | Inverse::EnableUser(_) => Ok(None),
    }
}

/// The same if the new user does not exist: it was never created, or has been deleted with everything it had.
pub(crate) async fn without_user(
    cx: &UndoContext,
    spec: &RotateIdSpec,
    inverse: &Inverse,
) -> Result<Option<String>, Error> {
    match inverse {
        Inverse::EnableOldUser => enable(&cx.admin, spec).await,
        Inverse::MoveBack(_) | Inverse::SweepBack => Ok(Some(format!(
            "embed user `{}` has been deleted: look in the trash for what it had",
            spec.user.external_user_id
        ))),
        _ => Ok(None),
    }
}

/// Let the old user log in again; returns the reason if nothing can go back to it.
async fn enable(admin: &Client, spec: &RotateIdSpec) -> Result<Option<String>, Error> {
    // belief: enable-starts-no-schedules
    match admin.set_disabled(&spec.from.looker_user_id, false).await {
        Ok(_) => Ok(None),
        // Nothing can be given to a deleted user.
        Err(LookerError::NotFound { .. }) => Ok(Some(format!(
            "`{}` has been deleted, so nothing can go back to it",
            spec.from.external_user_id
        ))),
        Err(error) => Err(error.into()),
    }
}

/// Give items of one kind back to the old user; returns what stays with the new one, and why.
async fn move_back(
    cx: &UndoContext,
    spec: &RotateIdSpec,
    new: &User,
    kind: ItemKind,
    items: Vec<Item>,
) -> Result<Option<String>, Error> {
    // Looker lets only the user itself follow alerts and mark favorites.
    let acts = matches!(kind, ItemKind::Follow | ItemKind::Favorite);
    let old_id = spec.from.looker_user_id.as_str();
    let (mut old_sudo, mut new_sudo) = (None, None);
    if acts {
        let old = cx.admin.login_user(old_id).await?;
        match cx.admin.login_user(&new.id).await {
            Ok(new) => (old_sudo, new_sudo) = (Some(old), Some(new)),
            Err(error) => {
                // The first token must not outlive the failure of the second.
                log_out(&[old]).await?;
                return Err(error.into());
            }
        }
    }
    let sudos: Vec<Client> = old_sudo.iter().chain(&new_sudo).cloned().collect();
    let mover = mover(cx, spec, new, kind, (old_sudo, new_sudo)).await;
    let ended = match mover {
        Ok(mover) => hand_back(cx, &mover, items).await,
        Err(error) => Err(error),
    };
    // Logged out before the result is looked at, or an error would leave the tokens behind.
    log_out(&sudos).await?;
    let left = ended?;
    let named: Vec<String> = left.iter().map(NotMoved::to_string).collect();
    Ok((!named.is_empty()).then(|| named.join("; ")))
}

/// End the tokens of both users, the second one even if the first fails.
async fn log_out(sudos: &[Client]) -> Result<(), Error> {
    let mut ended = Ok(());
    for sudo in sudos {
        ended = ended.and(sudo.logout().await);
    }
    Ok(ended?)
}

/// The way back: from the new user to the old one.
async fn mover(
    cx: &UndoContext,
    spec: &RotateIdSpec,
    new: &User,
    kind: ItemKind,
    (old_sudo, new_sudo): (Option<Client>, Option<Client>),
) -> Result<Transfer, Error> {
    let favorites = match kind {
        ItemKind::Favorite => {
            let favorites = cx.admin.favorites(&new.id).await?.into_iter();
            favorites
                .filter_map(|it| Some((it.content_metadata_id?, it.id)))
                .collect()
        }
        _ => HashMap::new(),
    };
    let own = spec.into.as_ref().map(|into| into.items.clone());
    Ok(Transfer {
        admin: cx.admin.clone(),
        from: Party {
            id: new.id.clone(),
            home: new.personal_folder_id.clone(),
            sudo: new_sudo,
        },
        to: Party {
            id: spec.from.looker_user_id.clone(),
            home: spec.from.personal_folder_id.clone(),
            sudo: old_sudo,
        },
        name: spec.from.external_user_id.clone(),
        favorites: Arc::new(favorites),
        own: Some(own.unwrap_or_default().into()),
    })
}

async fn hand_back(
    cx: &UndoContext,
    mover: &Transfer,
    items: Vec<Item>,
) -> Result<Vec<NotMoved>, Error> {
    let items: Vec<Item> = items
        .into_iter()
        // Content of a folder moves with the folder.
        .filter(|item| item.kind != ItemKind::Folder || item.at_home)
        .collect();
    let back = |item: Item| {
        let mover = mover.clone();
        async move { mover.hand_over(&item).await }
    };
    let handed = parallel::map(items.clone(), cx.width, None, back, |_| {}).await?;
    let pairs = items.iter().zip(handed);
    Ok(pairs
        .filter_map(|(item, handed)| match handed {
            Handed::Refused(reason) => Some(NotMoved::item(item, reason)),
            Handed::Over | Handed::As(_) | Handed::Gone => None,
        })
        .collect())
}

/// Take back roles and groups that an existing user did not have before.
async fn take_grants_back(admin: &Client, spec: &RotateIdSpec, new: &User) -> Result<(), Error> {
    let Some(into) = &spec.into else {
        return Ok(());
    };
    let listed = admin.roles().await?;
    let has = admin.user_roles(&new.id, true).await?.into_iter();
    // The embed role cannot be assigned, so it is not part of the list to send.
    let has = has.map(|role| role.id);
    let has = has.filter(|id| listed.iter().any(|role| role.id == *id));
    let given = |id: &String| {
        let had = into.roles.iter().any(|role| role.id == *id);
        !had && spec.from.roles.iter().any(|role| role.id == *id)
    };
    let (taken, left): (Vec<String>, Vec<String>) = has.partition(given);
    // Without a change there is no call.
    if !taken.is_empty() {
        admin.set_user_roles(&new.id, &left).await?;
    }
    for group in spec
        .from
        .groups
        .iter()
        .filter(|group| !into.groups.contains(group))
    {
        admin.delete_group_user(&group.id, &new.id).await?;
    }
    Ok(())
}

/// Revoke a key that was minted but not delivered; returns the reason if it may belong to someone else.
async fn revoke_undelivered(
    cx: &UndoContext,
    events: &[Event],
    id: JobId,
    new: &User,
    undone: &mut Undone,
) -> Result<Option<String>, Error> {
    let log = MintLog::of(events.iter())?;
    let mut of_new = cx.keys.of(&new.id);
    let keys = of_new.list().await?;
    let known = Known {
        lost: &log.lost,
        answered: &log.answered,
        held: &BTreeSet::new(),
        maker: &Maker::of(id),
        ahead: log.ahead,
        sole_minter: cx.sole_minter,
    };
    let verdict = judge(&keys, &known);
    let ours: Vec<_> = verdict.ours.iter().chain(&verdict.taken).collect();
    let ours: Vec<_> = ours.into_iter().map(|key| key.id.clone()).collect();
    let done = of_new.revoke(&ours).await;
    // Closed before the error is reported, or the user keeps the right that was lent.
    of_new.close().await?;
    done?;
    for key in &ours {
        set_state(cx, new, key, KeyState::Revoked).await?;
    }
    undone.revoked.extend(ours);
    let unclear = verdict.unclear.iter().map(|key| key.id.as_str());
    let unclear: Vec<&str> = unclear.collect();
    Ok((!unclear.is_empty()).then(|| {
        format!(
            "key {} was created around a request whose answer was lost, and may belong to someone else",
            unclear.join(", ")
        )
    }))
}

/// Why the new user should not be deleted: Looker would delete its content along with it.
pub(crate) async fn reason_to_keep(
    cx: &UndoContext,
    spec: &RotateIdSpec,
    new: &User,
) -> Result<Option<String>, Error> {
    let viewpoint = Viewpoint::new(cx.admin.clone(), cx.width, Arc::clone(&cx.observer));
    let has = viewpoint.look(new, Scope::NOTHING).await?;
    let owned = has
        .items
        .iter()
        // A followed alert belongs to someone else and stays.
        .filter(|item| item.kind != ItemKind::Follow);
    let owned = owned.chain(&has.lodgers).next();
    Ok(owned.map(|item| {
        format!(
            "`{}` stays, since the {} `{}` would be deleted with it",
            spec.user.external_user_id,
            item.kind.word(),
            item.title
        )
    }))
}
