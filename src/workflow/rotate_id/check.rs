//! The steps that make sure nothing is left behind: what was added since the plan moves too, then everything is compared.

use std::collections::BTreeMap;

use serde_json::json;

use crate::error::{Error, Kind};
use crate::looker::User;
use crate::workflow::job_context::JobContext;
use crate::workflow::rotate_id::belongings::{Item, ItemKind, Named};
use crate::workflow::rotate_id::compare::{self, Now};
use crate::workflow::rotate_id::move_steps::{self, Moved};
use crate::workflow::rotate_id::observe::{Scope, Viewpoint};
use crate::workflow::rotate_id::spec::NotMoved;
use crate::workflow::step::{After, Step};
use crate::workflow::steps::read;

/// Move what the old user has now and the plan does not mention.
pub(crate) async fn sweep(work: &mut JobContext) -> Result<After, Error> {
    // Read again: people may have gone on working while the rest moved.
    let old = old_user(work).await?;
    let now = viewpoint(work).look(&old, scope(work)).await?;
    let mut left: Vec<Item> = now
        .items
        .into_iter()
        .filter(|item| item.kind != ItemKind::Folder || item.at_home)
        .filter(|item| !stays(work, item))
        .collect();
    // Items of an interrupted sweep count too, since it is unknown which of them have moved.
    for begun in work.journal.intents(Step::Sweep) {
        for item in read::<Vec<Item>>(&begun.data)? {
            if !left.iter().any(|it| it.key() == item.key()) {
                left.push(item);
            }
        }
    }
    let mut swept: BTreeMap<ItemKind, Moved> = BTreeMap::new();
    if !left.is_empty() {
        // The intent names the items: an undo could not know otherwise what to move back.
        work.journal.start(Step::Sweep, json!(left)).await?;
        for kind in ItemKind::ALL {
            let items: Vec<Item> = left
                .iter()
                .filter(|item| item.kind == kind)
                .cloned()
                .collect();
            if !items.is_empty() {
                let moved = move_steps::give(work, kind, items).await?;
                swept.insert(kind, moved);
            }
        }
    }
    restore(work, &swept);
    Ok(After::Next(json!(swept)))
}

/// Restore what an earlier process swept.
pub(crate) fn restore(work: &mut JobContext, swept: &BTreeMap<ItemKind, Moved>) {
    for (kind, moved) in swept {
        move_steps::restore(work, *kind, moved);
    }
}

/// Restore the differences that an earlier process found.
pub(crate) fn restore_apart(work: &mut JobContext, apart: Vec<NotMoved>) {
    work.found.rotated_id().not_moved.extend(apart);
}

/// Compare what both users have now with the plan.
pub(crate) async fn check(work: &mut JobContext) -> Result<After, Error> {
    let (old, new) = (old_user(work).await?, new_user(work).await?);
    let viewpoint = viewpoint(work);
    // Both to the end, even if one fails: a cancelled read would leave its token behind.
    let (old, new) = tokio::join!(
        viewpoint.look(&old, scope(work)),
        viewpoint.look(&new, scope(work)),
    );
    let (old, new) = (old?, new?);
    let rotated = work.found.rotated_id().clone();
    let mut losses = rotated.refused.clone();
    losses.extend(compare::losses(
        work.rotate_id(),
        &rotated,
        Now {
            old: &old,
            new: &new,
        },
    ));
    if losses.is_empty() {
        let apart = match work.rotate_id().into {
            Some(_) => compare::kept_apart(
                work.rotate_id(),
                Now {
                    old: &old,
                    new: &new,
                },
            ),
            None => Vec::new(),
        };
        restore_apart(work, apart.clone());
        return Ok(After::Next(json!(apart)));
    }
    // Whatever is missing must be tried again when the job is resumed.
    for kind in ItemKind::ALL {
        work.journal.reset(Step::Move(kind), "not everything came");
    }
    work.journal.reset(Step::Sweep, "not everything came");
    work.journal.reset(Step::Equip, "not everything came");
    let error = incomplete(work, &losses);
    work.found.rotated_id().refused = losses;
    Err(error)
}

fn incomplete(work: &JobContext, losses: &[NotMoved]) -> Error {
    const SHOWN: usize = 10;
    let (old, new) = (
        &work.rotate_id().from.external_user_id,
        &work.found.external_user_id,
    );
    let run = work.journal.job().run;
    let named = losses.iter().take(SHOWN).map(NotMoved::to_string);
    let more = losses.len().saturating_sub(SHOWN);
    let more = (more > 0).then(|| format!("and {more} more"));
    let list: Vec<String> = named.chain(more).collect();
    Error::new(
        Kind::Incomplete,
        format!(
            "not everything of `{old}` reached `{new}`, so `{old}` stays as it is: {}",
            list.join("; ")
        ),
    )
    .hint(format!(
        "`embedctl runs resume {run}` tries again; `embedctl runs undo {run}` puts everything back"
    ))
}

/// A view of Looker for this job.
pub(super) fn viewpoint(work: &JobContext) -> Viewpoint {
    let cx = &work.cx;
    let observer = std::sync::Arc::clone(&cx.observer);
    Viewpoint::new(cx.admin.clone(), cx.width, observer)
}

async fn old_user(work: &JobContext) -> Result<User, Error> {
    Ok(work
        .cx
        .admin
        .user(&work.rotate_id().from.looker_user_id)
        .await?)
}

async fn new_user(work: &JobContext) -> Result<User, Error> {
    Ok(work.cx.admin.user(&work.user_id()).await?)
}

/// The content shared with the old user at the time of the plan, and its followed alerts that no list shows.
fn scope(work: &JobContext) -> Scope {
    let from = &work.rotate_id().from;
    let accesses = from.of(ItemKind::ContentAccess);
    let things = accesses.filter_map(|item| {
        Some(Named {
            id: item.content.clone()?,
            name: item.title.clone(),
        })
    });
    let follows = from.of(ItemKind::Follow).filter(|item| item.unlisted);
    Scope::These {
        shared: things.collect(),
        alerts: follows.map(|item| item.id.clone()).collect(),
    }
}

fn stays(work: &JobContext, item: &Item) -> bool {
    let refused = work
        .found
        .rotated
        .iter()
        .flat_map(|rotated| &rotated.refused);
    let said = work.rotate_id().stays.iter();
    said.chain(refused).any(|stays| stays.is(item))
}
