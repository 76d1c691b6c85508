//! The steps that give all items of one kind to the new user.

use std::collections::HashMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::error::{Error, Kind};
use crate::looker::Client;
use crate::workflow::job_context::JobContext;
use crate::workflow::parallel;
use crate::workflow::rotate_id::belongings::{Item, ItemKind};
use crate::workflow::rotate_id::spec::{NotMoved, Renamed, RotateIdSpec};
use crate::workflow::rotate_id::transfer::{Handed, Party, Transfer};
use crate::workflow::step::{After, Before};
use crate::workflow::steps::sudo;

/// The result for the items of one kind.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(crate) struct Moved {
    moved: usize,
    renamed: Vec<Renamed>,
    not_moved: Vec<NotMoved>,
    refused: Vec<NotMoved>,
}

pub(crate) fn before(work: &JobContext, kind: ItemKind) -> Before {
    match work.rotate_id().count(kind) {
        0 => Before::Skip,
        count => Before::Effect(json!({ "count": count })),
    }
}

pub(crate) async fn run(work: &mut JobContext, kind: ItemKind) -> Result<After, Error> {
    let items: Vec<Item> = work.rotate_id().moving(kind).cloned().collect();
    let moved = give(work, kind, items).await?;
    note(work, kind, &moved);
    Ok(After::Next(json!(moved)))
}

/// Restore what an earlier process moved.
pub(crate) fn restore(work: &mut JobContext, kind: ItemKind, moved: &Moved) {
    note(work, kind, moved);
}

fn note(work: &mut JobContext, kind: ItemKind, moved: &Moved) {
    let found = work.found.rotated_id();
    *found.moved.entry(kind.plural().to_owned()).or_default() += moved.moved;
    found.renamed.extend(moved.renamed.iter().cloned());
    found.not_moved.extend(moved.not_moved.iter().cloned());
    found.refused.extend(moved.refused.iter().cloned());
}

/// Give items of one kind to the new user, several at a time.
pub(super) async fn give(
    work: &mut JobContext,
    kind: ItemKind,
    items: Vec<Item>,
) -> Result<Moved, Error> {
    let mover = mover(work, kind, &items).await?;
    let handed = hand_over(work, &mover, kind, &items).await?;
    let mut moved = Moved::default();
    for (item, handed) in items.iter().zip(handed) {
        match handed {
            Handed::Over => moved.moved += 1,
            Handed::As(to) => {
                moved.moved += 1;
                moved.renamed.push(Renamed {
                    kind,
                    id: item.id.clone(),
                    from: item.title.clone(),
                    to,
                });
            }
            Handed::Gone => {
                let gone = NotMoved::item(item, "it was deleted in the meantime");
                moved.not_moved.push(gone);
            }
            Handed::Refused(reason) => moved.refused.push(NotMoved::item(item, reason)),
        }
    }
    Ok(moved)
}

async fn hand_over(
    work: &JobContext,
    mover: &Transfer,
    kind: ItemKind,
    items: &[Item],
) -> Result<Vec<Handed>, Error> {
    let observer = &work.cx.observer;
    let hand_over = |item: Item| {
        let mover = mover.clone();
        async move {
            // A folder takes its sub-folders along.
            // belief: folder-takes-its-content
            match item.kind == ItemKind::Folder && !item.at_home {
                true => Ok(Handed::Over),
                false => mover.hand_over(&item).await,
            }
        }
    };
    let told = |count| observer.progress(kind.plural(), count, items.len());
    parallel::map(items.to_vec(), work.cx.width, None, hand_over, told).await
}

/// The two users, prepared for items of one kind.
async fn mover(work: &mut JobContext, kind: ItemKind, items: &[Item]) -> Result<Transfer, Error> {
    // Only the user itself can follow an alert, and on some releases only it can change its favourites.
    let acts = matches!(kind, ItemKind::Follow | ItemKind::Favorite);
    let (from_sudo, to_sudo) = match acts {
        true => (Some(old_sudo(work).await?), Some(sudo::client(work).await?)),
        false => (None, None),
    };
    let home = work
        .user
        .as_ref()
        .and_then(|user| user.personal_folder_id.clone());
    // belief: personal-folder-comes-with-login
    // A new user's personal folder appears with its first login; without one, content would have no place to go.
    if home.is_none() && items.iter().any(|item| item.at_home) {
        return Err(no_home(work));
    }
    let spec = work.rotate_id();
    let admin = work.cx.admin.clone();
    let favorites = match kind {
        ItemKind::Favorite => favorites(work, spec, from_sudo.as_ref()).await?,
        _ => Arc::default(),
    };
    Ok(Transfer {
        admin,
        from: Party {
            id: spec.from.looker_user_id.clone(),
            home: spec.from.personal_folder_id.clone(),
            sudo: from_sudo,
        },
        to: Party {
            id: work.user_id(),
            home,
            sudo: to_sudo,
        },
        name: spec.from.external_user_id.clone(),
        favorites,
        own: None,
    })
}

/// The old user's current favourites: an undo in between has created new records.
async fn favorites(
    work: &JobContext,
    spec: &RotateIdSpec,
    sudo: Option<&Client>,
) -> Result<Arc<HashMap<String, String>>, Error> {
    let old = spec.from.looker_user_id.as_str();
    let mut favorites = work.cx.admin.favorites(old).await?;
    // The admin's list may leave out what the user itself can see.
    if let Some(sudo) = sudo.filter(|_| favorites.is_empty()) {
        favorites = sudo.favorites(old).await?;
    }
    let pairs = favorites.into_iter();
    let pairs = pairs.filter_map(|it| Some((it.content_metadata_id?, it.id)));
    Ok(Arc::new(pairs.collect()))
}

/// Looker as the old user, kept until the end of the job.
async fn old_sudo(work: &mut JobContext) -> Result<Client, Error> {
    if let Some(sudo) = &work.old_sudo {
        return Ok(sudo.clone());
    }
    let old = work.rotate_id().from.looker_user_id.clone();
    let sudo = work.cx.admin.login_user(&old).await?;
    work.old_sudo = Some(sudo.clone());
    Ok(sudo)
}

fn no_home(work: &JobContext) -> Error {
    let (user, run) = (&work.found.external_user_id, work.journal.job().run);
    Error::new(
        Kind::Incomplete,
        format!("Looker has not created a personal folder for `{user}` yet, so nothing can be moved there"),
    )
    .hint(format!(
        "open an embedded dashboard as `{user}` once (`embedctl url open`), then `embedctl runs resume {run}`"
    ))
}
