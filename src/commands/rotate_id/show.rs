//! What moving a person would do, as a tree for support staff.

use std::collections::HashMap;

use crate::commands::rotate_id::tree::{Branch, branch};
use crate::workflow::{Item, ItemKind, Named, OldEnd, RotateIdSpec};

/// What an existing user already has, in one line.
pub(super) fn what_is_there(spec: &RotateIdSpec) -> String {
    let Some(into) = &spec.into else {
        return String::new();
    };
    let counts: Vec<String> = ItemKind::ALL
        .into_iter()
        .map(|kind| (kind, into.of(kind).count()))
        .filter(|(_, count)| *count > 0)
        .map(|(kind, count)| counted(count, kind))
        .collect();
    let has = match counts.is_empty() {
        true => "nothing of its own".to_owned(),
        false => counts.join(", "),
    };
    format!(
        "Embed user `{}`, Looker user {}, has {has} and keeps its grants.",
        into.external_user_id, into.looker_user_id
    )
}

/// A plan, and what it renames.
struct Shown<'a> {
    spec: &'a RotateIdSpec,
    renamed: HashMap<(ItemKind, &'a str), String>,
}

pub(super) fn tree(spec: &RotateIdSpec) -> Branch {
    let renamed = spec.clashes().into_iter();
    let renamed = renamed.map(|(item, name)| ((item.kind, item.id.as_str()), name));
    let shown = Shown {
        spec,
        renamed: renamed.collect(),
    };
    let from = &spec.from;
    let names = [&from.first_name, &from.last_name];
    let name: Vec<&str> = names.into_iter().flatten().map(String::as_str).collect();
    let name = name.join(" ");
    let (old, new) = (&from.external_user_id, &spec.user.external_user_id);
    let mut root = branch(format!(
        "{old} -> {new}: {name}, Looker user {}",
        from.looker_user_id
    ));
    root.push(grants(spec));
    root.extend(home(&shown));
    root.extend(elsewhere(&shown));
    for kind in [
        ItemKind::ContentAccess,
        ItemKind::Schedule,
        ItemKind::Alert,
        ItemKind::Follow,
        ItemKind::Board,
        ItemKind::Favorite,
    ] {
        let moving: Vec<&Item> = spec.moving(kind).collect();
        if !moving.is_empty() {
            let mut below = branch(counted(moving.len(), kind));
            below.extend(moving.into_iter().map(|item| branch(line(&shown, item))));
            root.push(below);
        }
    }
    root.push(ending(spec));
    if !spec.stuck.is_empty() {
        let mut stuck = branch("what keeps the rest from being moved");
        let lines = spec.stuck.iter();
        stuck.extend(lines.map(|it| branch(it.to_string())));
        root.push(stuck);
    }
    let mut stays = branch("what stays");
    stays.extend(spec.stays.iter().map(|stays| branch(stays.to_string())));
    root.push(stays);
    root.push(branch(format!("about {} calls of the API", spec.calls())));
    root
}

fn grants(spec: &RotateIdSpec) -> Branch {
    let from = &spec.from;
    let mut below = match &spec.into {
        Some(_) => branch(what_is_there(spec)),
        None => branch("a new embed user with the same grants"),
    };
    let names = |list: &[Named]| {
        let names: Vec<String> = list
            .iter()
            .map(|it| format!("{} ({})", it.name, it.id))
            .collect();
        names.join(", ")
    };
    let given: Vec<String> = spec
        .user
        .grants
        .user_attributes
        .keys()
        .map(|name| match from.attributes.get(name) {
            Some(Some(_)) => name.clone(),
            Some(None) => format!("{name} (hidden, given again)"),
            None => format!("{name} (given)"),
        })
        .collect();
    let mut lines = vec![
        ("roles", names(&from.roles)),
        ("groups", names(&from.groups)),
    ];
    if spec.into.is_none() {
        lines.extend([
            ("permissions", from.permissions.join(", ")),
            ("models", from.models.join(", ")),
            (
                "external group",
                from.external_group_id.clone().unwrap_or_default(),
            ),
            ("attributes", given.join(", ")),
        ]);
    }
    let lines = lines.into_iter().filter(|(_, value)| !value.is_empty());
    below.extend(lines.map(|(name, value)| branch(format!("{name}: {value}"))));
    below
}

/// The personal folder, with everything that goes to the new one.
fn home(shown: &Shown<'_>) -> Option<Branch> {
    let home = shown.spec.from.personal_folder_id.as_deref()?;
    let mut below = branch(format!(
        "personal folder {home}, whose content goes to the new one"
    ));
    below.extend(inside(shown, home));
    (!below.leaves.is_empty()).then_some(below)
}

/// The content of a folder: its items, and its sub-folders with theirs.
fn inside(shown: &Shown<'_>, folder: &str) -> Vec<Branch> {
    let here = |kind| {
        let items = shown.spec.moving(kind);
        items.filter(move |item| item.folder.as_deref() == Some(folder))
    };
    let mut branches: Vec<Branch> = here(ItemKind::Dashboard)
        .chain(here(ItemKind::Look))
        .map(|item| branch(line(shown, item)))
        .collect();
    for folder in here(ItemKind::Folder) {
        let mut below = branch(line(shown, folder));
        below.extend(inside(shown, &folder.id));
        branches.push(below);
    }
    branches
}

/// What the user owns outside its own folders.
fn elsewhere(shown: &Shown<'_>) -> Option<Branch> {
    let own: Vec<&str> = shown
        .spec
        .from
        .of(ItemKind::Folder)
        .map(|folder| folder.id.as_str())
        .chain(shown.spec.from.personal_folder_id.as_deref())
        .collect();
    let mut below = branch("content elsewhere, which stays in its folder");
    let content = shown
        .spec
        .moving(ItemKind::Dashboard)
        .chain(shown.spec.moving(ItemKind::Look));
    let outside = content.filter(|item| {
        let folder = item.folder.as_deref();
        folder.is_none_or(|folder| !own.contains(&folder))
    });
    below.extend(outside.map(|item| {
        let place = match &item.folder {
            Some(folder) => format!("in folder {folder}"),
            None => "its folder was deleted".to_owned(),
        };
        branch(format!("{}, {place}", line(shown, item)))
    }));
    (!below.leaves.is_empty()).then_some(below)
}

/// What is done once everything has moved.
fn ending(spec: &RotateIdSpec) -> Branch {
    let (from, old) = (&spec.from, &spec.from.external_user_id);
    let mut below = branch("then");
    if spec.user.key.is_some() {
        let new = &spec.user.external_user_id;
        below.push(branch(format!(
            "mint a key for {new}, deliver its secret, and log in with it"
        )));
    }
    below.push(branch("compare what both users have with this plan"));
    if spec.old == OldEnd::Keep {
        below.push(branch(format!(
            "keep {old} as it is, with its keys and sessions"
        )));
        return below;
    }
    if !from.keys.is_empty() {
        let keys: Vec<&str> = from.keys.iter().map(|key| key.id.as_str()).collect();
        below.push(branch(format!("revoke key {} of {old}", keys.join(", "))));
    }
    if from.sessions > 0 {
        below.push(branch(format!("end {} sessions of {old}", from.sessions)));
    }
    below.push(branch(match spec.old {
        OldEnd::Delete => format!("delete {old}, which cannot be undone"),
        OldEnd::Disable | OldEnd::Keep => format!("disable {old}"),
    }));
    below
}

fn line(shown: &Shown<'_>, item: &Item) -> String {
    let mut line = format!("{} {} `{}`", item.kind.word(), item.id, item.title);
    if item.kind == ItemKind::ContentAccess {
        let level = item.level.as_deref().unwrap_or_default();
        line = format!("{level} `{}`", item.title);
    }
    if item.trashed {
        line.push_str(", in the trash");
    }
    if item.enabled == Some(false) {
        line.push_str(", switched off");
    }
    if let Some(name) = shown.renamed.get(&(item.kind, item.id.as_str())) {
        line = format!("{line}, becomes `{name}`, since its name is taken there");
    }
    line
}

/// A count of items, given their plural.
pub(super) fn counted_word(count: usize, word: &str) -> String {
    let mut kinds = ItemKind::ALL.into_iter();
    match (kinds.find(|kind| kind.plural() == word), count) {
        (Some(kind), _) => counted(count, kind),
        (None, 1) => format!("1 {}", word.strip_suffix('s').unwrap_or(word)),
        (None, _) => format!("{count} {word}"),
    }
}

/// A count of items, such as `3 dashboards`.
pub(crate) fn counted(count: usize, kind: ItemKind) -> String {
    let (one, many) = match kind {
        ItemKind::ContentAccess => ("thing shared with it", "things shared with it"),
        ItemKind::Follow => ("followed alert", "followed alerts"),
        _ => (kind.word(), kind.plural()),
    };
    match count {
        1 => format!("1 {one}"),
        _ => format!("{count} {many}"),
    }
}
