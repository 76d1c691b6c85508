//! Compares two users with a plan: pure.

use std::collections::{BTreeSet, HashMap};

use crate::looker::{AttributeValue, Origin};
use crate::workflow::rotate_id::belongings::{Belongings, Item, ItemKind, Named};
use crate::workflow::rotate_id::spec::{NotMoved, RotateIdSpec, RotatedId};

/// What both users have now.
#[derive(Clone, Copy, Debug)]
pub(super) struct Now<'a> {
    pub(super) old: &'a Belongings,
    pub(super) new: &'a Belongings,
}

/// What the new user should have and does not, or has differently from the old one.
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
        // An owner is notified of its alert without following it.
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
        // Sub-folders move with their parent and stay listed below it, so only top-level folders prove anything.
        let goes = item.kind != ItemKind::Folder || item.at_home;
        if goes && old.contains_key(&item.key()) {
            losses.push(NotMoved::item(item, "the old user still has it"));
        }
    }
    losses.extend(back_again(spec, rotated, (&old, &new)));
    losses.extend(lost_grants(spec, now.new));
    if spec.into.is_none() {
        losses.extend(lost_values(spec, now));
        losses.extend(lost_reach(now));
    }
    losses
}

/// Items that were reported as deleted and exist after all.
fn back_again(
    spec: &RotateIdSpec,
    rotated: &RotatedId,
    (old, new): (&Index<'_>, &Index<'_>),
) -> Vec<NotMoved> {
    let gone = |item: &&Item| {
        let said = |list: &[NotMoved]| list.iter().any(|it| it.is(item));
        said(&rotated.not_moved) && !said(&spec.stays)
    };
    let items = spec.from.items.iter().filter(gone);
    let there = items.filter(|item| old.contains_key(&item.key()) || new.contains_key(&item.key()));
    there
        .map(|item| NotMoved::item(item, "Looker answered that it is gone, and still lists it"))
        .collect()
}

/// Differences between the old user and one that already existed: the latter keeps its own values and grants, so these are
/// no losses, but the operator should know.
pub(super) fn kept_apart(spec: &RotateIdSpec, now: Now<'_>) -> Vec<NotMoved> {
    let values = lost_values(spec, now).into_iter();
    values
        .chain(lost_reach(now))
        .map(|apart| NotMoved {
            reason: format!("{}; an existing user keeps its own", apart.reason),
            ..apart
        })
        .collect()
}

/// A user's items, by what identifies them across users.
type Index<'a> = HashMap<(ItemKind, &'a str), &'a Item>;

fn index(of: &Belongings) -> Index<'_> {
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
            "it has another name than before",
        ),
        (
            is.trashed != was.trashed,
            "it went into the trash, or came out of it",
        ),
        (is.enabled != was.enabled, "it was enabled or disabled"),
        (
            is.destinations != was.destinations,
            "it has other destinations than before",
        ),
        (
            weaker && spec.into.is_none(),
            "it can only be viewed, no longer edited",
        ),
    ];
    let differ = checks.into_iter().filter(|(differs, _)| *differs);
    differ.map(|(_, reason)| reason.to_owned()).collect()
}

/// Grants of the old user that the new one lacks. A user that already existed has its own grants.
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
    if let Some(why) = &new.grants_unreadable {
        let mut unread = NotMoved::of("permissions and models", why.clone());
        unread.id = Some(new.looker_user_id.clone());
        lost.push(unread);
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
    if from.external_group_id != new.external_group_id {
        lose(
            "external group",
            from.external_group_id.as_deref().unwrap_or_default(),
        );
    }
    lost
}

/// The attributes that identify a user, so that they differ between any two users (recorded names).
const IDENTITY: [&str; 6] = [
    "id",
    "email",
    "ldap_user_id",
    "saml_user_id",
    "google_user_id",
    "oidc_user_id",
];

/// Attributes whose values differ, wherever they come from.
fn lost_values(spec: &RotateIdSpec, now: Now<'_>) -> Vec<NotMoved> {
    // belief: attribute-of-login-is-own
    let given = &spec.user.grants.user_attributes;
    let value = |of: &'_ Belongings, name: &str| {
        let mut rows = of.values.iter();
        rows.find(|row| row.name == name).cloned()
    };
    let rows = now.old.values.iter().chain(&now.new.values);
    let named = rows.map(|row| row.name.as_str());
    let names: BTreeSet<&str> = named.chain(given.keys().map(String::as_str)).collect();
    let zone = |name: &&str| *name != "timezone" || spec.user.grants.user_timezone.is_some();
    let compared = names
        .into_iter()
        .filter(|name| !IDENTITY.contains(name))
        .filter(zone);
    let differing = compared.filter_map(|name| {
        let (old, new) = (value(now.old, name), value(now.new, name));
        let reason = match given.get(name) {
            Some(given) => given_otherwise(spec, given, new.as_ref()),
            None => differs(old.as_ref(), new.as_ref()),
        };
        Some((name, reason?))
    });
    differing
        .map(|(name, reason)| NotMoved {
            id: Some(name.to_owned()),
            ..NotMoved::of("attribute", reason)
        })
        .collect()
}

/// Why a value given to the new user cannot be confirmed. A hidden value must at least be the user's own.
fn given_otherwise(
    spec: &RotateIdSpec,
    given: &str,
    new: Option<&AttributeValue>,
) -> Option<&'static str> {
    let Some(new) = new else {
        return Some("the new user does not have it");
    };
    match (new.shown(), new.origin()) {
        (Some(shown), _) if shown == given => None,
        (Some(_), _) => Some("the new user has another value"),
        // belief: hidden-value-has-its-source
        (None, Origin::Own) => None,
        (None, Origin::Unknown) if spec.take_unknown => None,
        (None, _) => Some("Looker hides its value, and does not say that the new user has one"),
    }
}

/// Why a value that neither user should have as its own differs between them.
fn differs(old: Option<&AttributeValue>, new: Option<&AttributeValue>) -> Option<&'static str> {
    let shown = |row: Option<&AttributeValue>| match row {
        Some(row) => row.shown().map(str::to_owned),
        // belief: unset-values-have-rows
        None => Some(String::new()),
    };
    match (shown(old), shown(new)) {
        // A hidden value can only be compared by its origin.
        (None, None) if old.map(AttributeValue::origin) == new.map(AttributeValue::origin) => None,
        (Some(old), Some(new)) if old == new => None,
        _ => Some("the two users have different values"),
    }
}

/// Models and permissions that the old user can reach and the new one cannot, as Looker reports for each.
fn lost_reach(now: Now<'_>) -> Vec<NotMoved> {
    let Now { old, new } = now;
    let models = old.models_reached.difference(&new.models_reached);
    let permissions = old.permissions_reached.difference(&new.permissions_reached);
    let lost = models
        .map(|model| ("model", model))
        .chain(permissions.map(|permission| ("permission", permission)));
    lost.map(|(kind, name)| NotMoved {
        id: Some(name.clone()),
        ..NotMoved::of(kind, "the old user has it, and the new one does not")
    })
    .collect()
}
