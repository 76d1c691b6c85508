//! Compares what two users have with what a plan says they should: pure.

use std::collections::{BTreeSet, HashMap};

use crate::workflow::rotate_id::belongings::{Belongings, Item, ItemKind, Named};
use crate::workflow::rotate_id::spec::{NotMoved, RotateIdSpec, RotatedId};

/// What both users have now.
#[derive(Clone, Copy, Debug)]
pub(super) struct Now<'a> {
    pub(super) old: &'a Belongings,
    pub(super) new: &'a Belongings,
}

/// What the new user should have and has not, or has otherwise than the old one had.
pub(super) fn losses(spec: &RotateIdSpec, rotated: &RotatedId, now: Now<'_>) -> Vec<NotMoved> {
    let old = index(now.old);
    let new = index(now.new);
    let mut losses = Vec::new();
    for item in spec
        .from
        .items
        .iter()
        .filter(|item| is_expected(spec, rotated, item))
    {
        // Who owns an alert is told anyway.
        let owns =
            item.kind == ItemKind::Follow && new.contains_key(&(ItemKind::Alert, item.id.as_str()));
        let reasons = match new.get(&item.key()) {
            None if owns => Vec::new(),
            None => vec!["the new user does not have it".to_owned()],
            Some(now_new) => differences(spec, rotated, item, now_new, now),
        };
        losses.extend(
            reasons
                .into_iter()
                .map(|reason| NotMoved::item(item, reason)),
        );
        let goes = item.kind != ItemKind::Folder || item.at_home;
        if goes && old.contains_key(&item.key()) {
            losses.push(NotMoved::item(item, "the old user still has it"));
        }
    }
    losses.extend(lost_grants(spec, now.new));
    losses
}

fn index(of: &Belongings) -> HashMap<(ItemKind, &str), &Item> {
    of.items.iter().map(|item| (item.key(), item)).collect()
}

fn is_expected(spec: &RotateIdSpec, rotated: &RotatedId, item: &Item) -> bool {
    let known = spec
        .stays
        .iter()
        .chain(&rotated.not_moved)
        .chain(&rotated.refused);
    !known.into_iter().any(|stays| stays.is(item))
}

fn differences(
    spec: &RotateIdSpec,
    rotated: &RotatedId,
    was: &Item,
    is: &Item,
    now: Now<'_>,
) -> Vec<String> {
    let folder = match was.at_home {
        true => now.new.personal_folder_id.as_ref(),
        false => was.folder.as_ref(),
    };
    let renamed = rotated
        .renamed
        .iter()
        .find(|it| it.kind == was.kind && it.id == was.id);
    let title = renamed.map_or(&was.title, |renamed| &renamed.to);
    let has_title = !matches!(was.kind, ItemKind::Favorite | ItemKind::ContentAccess);
    let weaker = was.level.as_deref() == Some("edit") && is.level.as_deref() != Some("edit");
    let checks = [
        (
            is.folder.as_ref() != folder,
            "it lies in another folder than it should",
        ),
        (
            has_title && is.title != *title,
            "it has another name than it had",
        ),
        (
            is.trashed != was.trashed,
            "it is in the trash, or no longer is",
        ),
        (is.enabled != was.enabled, "it is at work, or no longer is"),
        (
            is.destinations != was.destinations,
            "it sends to other places than it did",
        ),
        (
            weaker && spec.into.is_none(),
            "it can be seen only, and could be changed",
        ),
    ];
    let differ = checks.into_iter().filter(|(differs, _)| *differs);
    differ.map(|(_, reason)| reason.to_owned()).collect()
}

/// What the old user may do and the new one may not. One that was there before has its own grants.
fn lost_grants(spec: &RotateIdSpec, new: &Belongings) -> Vec<NotMoved> {
    let (from, mut lost) = (&spec.from, Vec::new());
    let mut lose = |kind: &str, id: &str| {
        lost.push(NotMoved {
            kind: kind.to_owned(),
            id: Some(id.to_owned()),
            title: None,
            reason: "the new user does not have it".to_owned(),
        });
    };
    let missing = |wanted: &[Named], has: &[Named]| {
        let has: BTreeSet<&str> = has.iter().map(|it| it.id.as_str()).collect();
        let wanted = wanted.iter().map(|it| it.id.clone());
        wanted
            .filter(|id| !has.contains(id.as_str()))
            .collect::<Vec<_>>()
    };
    for id in missing(&from.roles, &new.roles) {
        lose("role", &id);
    }
    for id in missing(&from.groups, &new.groups) {
        lose("group", &id);
    }
    if spec.into.is_some() {
        return lost;
    }
    for (kind, wanted, has) in [
        ("permission", &from.permissions, &new.permissions),
        ("model", &from.models, &new.models),
    ] {
        for name in wanted.iter().filter(|name| !has.contains(name)) {
            lose(kind, name);
        }
    }
    for (name, value) in &spec.user.grants.user_attributes {
        let has = new.attributes.get(name);
        // A value that Looker hides cannot be compared.
        let same = has.is_some_and(|has| has.as_ref().is_none_or(|has| has == value));
        if !same {
            lose("attribute", name);
        }
    }
    if from.external_group_id != new.external_group_id {
        lose(
            "external group",
            from.external_group_id.as_deref().unwrap_or_default(),
        );
    }
    lost
}
