//! Content metadata, and who a folder, dashboard, look or board is shared with.

use serde_json::{Value, json};

use crate::emulator::api::viewer;
use crate::emulator::http::answer::{Answer, Refusal, Reply, json_answer};
use crate::emulator::http::body::{self, Body};
use crate::emulator::http::call::{Call, bad_body, parse_id};
use crate::emulator::http::operation::{Service, op};
use crate::emulator::world::content_access::{Access, Grantee, Level, Thing, Viewer};
use crate::emulator::world::kinds::PieceKind;
use crate::emulator::world::{Id, World, id_text};

pub(super) const OPERATIONS: &[Service] = &[
    op("all_content_metadatas", within),
    op("content_metadata", metadata),
    op("update_content_metadata", update_metadata),
    op("all_content_metadata_accesses", all),
    op("create_content_metadata_access", create),
    op("update_content_metadata_access", update),
    op("delete_content_metadata_access", remove),
];

fn metadata(call: &Call<'_>, world: &mut World) -> Answer {
    let viewer = viewer(call, world)?;
    let id = call.id("content_metadata_id")?;
    let thing = reachable(world, &viewer, id, Level::View)?;
    json_answer(metadata_json(world, id, thing))
}

/// The metadata of what lies right in a folder.
fn within(call: &Call<'_>, world: &mut World) -> Answer {
    let viewer = viewer(call, world)?;
    let text = call.query("parent_id");
    let text = text.ok_or_else(|| Refusal::missing("parent_id"))?;
    let parent = parse_id(text).ok_or_else(Refusal::not_found)?;
    let Thing::Folder(folder) = reachable(world, &viewer, parent, Level::View)? else {
        return json_answer(json!([]));
    };
    let folders = world.folders.children(folder).map(Thing::Folder);
    let pieces = [PieceKind::Dashboard, PieceKind::Look]
        .into_iter()
        .flat_map(|kind| {
            let held = world.pieces_in(kind, folder);
            held.map(move |(id, _)| kind.thing(id))
        });
    let seen = folders
        .chain(pieces)
        .filter(|thing| world.sees(&viewer, *thing));
    let shown = seen.filter_map(|thing| Some(metadata_json(world, world.meta_of(thing)?, thing)));
    json_answer(shown.collect())
}

/// Only whether it inherits can be changed.
fn update_metadata(call: &Call<'_>, world: &mut World) -> Answer {
    let body = call.object()?;
    let viewer = viewer(call, world)?;
    let id = call.id("content_metadata_id")?;
    let thing = reachable(world, &viewer, id, Level::Edit)?;
    if let Some(inherits) = body.get("inherits").and_then(Value::as_bool) {
        world.set_inherits(thing, inherits);
    }
    json_answer(metadata_json(world, id, thing))
}

fn all(call: &Call<'_>, world: &mut World) -> Answer {
    let viewer = viewer(call, world)?;
    let text = call.query("content_metadata_id");
    let text = text.ok_or_else(|| Refusal::missing("content_metadata_id"))?;
    let meta = parse_id(text).ok_or_else(Refusal::not_found)?;
    reachable(world, &viewer, meta, Level::View)?;
    let accesses = world.content.metadata.accesses(meta);
    json_answer(
        accesses
            .map(|(id, access)| access_json(id, *access))
            .collect(),
    )
}

/// Share something with either a user or a group.
fn create(call: &Call<'_>, world: &mut World) -> Answer {
    let body = call.object()?;
    call.flag("send_boards_notification_email")?;
    body::require(&body, &["content_metadata_id", "permission_type"])?;
    let viewer = viewer(call, world)?;
    let meta = body::id(&body, "content_metadata_id")?.ok_or_else(Refusal::not_found)?;
    // Sharing content takes the right to edit it.
    reachable(world, &viewer, meta, Level::Edit)?;
    let grantee = grantee(world, &body)?;
    let known = |(_, access): (Id, &Access)| access.grantee == grantee;
    // Looker keeps one access per user or group, so a second one is a conflict.
    if world.content.metadata.accesses(meta).any(known) {
        return Err(Refusal::new(409, "This content is shared with it already."));
    }
    let level = level(&body).unwrap_or(Level::View);
    let access = Access {
        meta,
        grantee,
        level,
    };
    let id = world.content.metadata.share(access);
    json_answer(access_json(id, access))
}

/// Only the kind of permission can be changed.
fn update(call: &Call<'_>, world: &mut World) -> Answer {
    let body = call.object()?;
    let viewer = viewer(call, world)?;
    let (id, access) = editable(call, world, &viewer)?;
    let shown = access_json(id, access);
    // Only the level can change; a client that sends the rest must send it unchanged.
    for name in ["content_metadata_id", "user_id", "group_id"] {
        if body
            .get(name)
            .is_some_and(|given| Some(given) != shown.get(name))
        {
            return Err(bad_body(&format!("`{name}` cannot be changed")));
        }
    }
    body::require(&body, &["permission_type"])?;
    let level = level(&body).unwrap_or(access.level);
    if let Some(access) = world.content.metadata.access_mut(id) {
        access.level = level;
    }
    json_answer(access_json(id, Access { level, ..access }))
}

fn remove(call: &Call<'_>, world: &mut World) -> Answer {
    let viewer = viewer(call, world)?;
    let (id, _) = editable(call, world, &viewer)?;
    world.content.metadata.unshare(id);
    Ok(Reply::no_content())
}

fn grantee(world: &World, body: &Body) -> Result<Grantee, Refusal> {
    match (body::id(body, "user_id")?, body::id(body, "group_id")?) {
        (Some(user), None) => {
            world.users.at(user).ok_or_else(Refusal::not_found)?;
            Ok(Grantee::User(user))
        }
        (None, Some(group)) => {
            world.groups.at(group).ok_or_else(Refusal::not_found)?;
            Ok(Grantee::Group(group))
        }
        (None, None) => Err(Refusal::missing("group_id")),
        (Some(_), Some(_)) => Err(Refusal::invalid(
            "group_id",
            "invalid",
            "Either 'group_id' or 'user_id' can be given.",
        )),
    }
}

fn level(body: &Body) -> Option<Level> {
    match body::text(body, "permission_type")? {
        "edit" => Some(Level::Edit),
        _ => Some(Level::View),
    }
}

/// The thing that metadata belongs to, if the caller may go so far with it.
fn reachable(world: &World, viewer: &Viewer, meta: Id, wanted: Level) -> Result<Thing, Refusal> {
    let meta = world.content.metadata.at(meta);
    let thing = meta.ok_or_else(Refusal::not_found)?.thing;
    match world.level(viewer, thing) {
        level if level >= Some(wanted) => Ok(thing),
        // Content that cannot be reached looks like content that does not exist.
        _ => Err(Refusal::not_found()),
    }
}

fn editable(call: &Call<'_>, world: &World, viewer: &Viewer) -> Result<(Id, Access), Refusal> {
    let id = call.id("content_metadata_access_id")?;
    let access = world.content.metadata.access(id);
    let access = *access.ok_or_else(Refusal::not_found)?;
    reachable(world, viewer, access.meta, Level::Edit)?;
    Ok((id, access))
}

fn access_json(id: Id, access: Access) -> Value {
    let (user, group) = match access.grantee {
        Grantee::User(id) => (Some(id), None),
        Grantee::Group(id) => (None, Some(id)),
    };
    json!({
        "can": {},
        "id": id_text(id),
        "content_metadata_id": id_text(access.meta),
        "permission_type": match access.level { Level::View => "view", Level::Edit => "edit" },
        "user_id": user.map(id_text),
        "group_id": group.map(id_text),
    })
}

fn metadata_json(world: &World, id: Id, thing: Thing) -> Value {
    let (kind, name, slug) = match thing {
        Thing::Folder(id) => {
            let folder = world.folders.at(id);
            (
                "folder",
                folder.map(|folder| world.folder_name(folder)),
                None,
            )
        }
        Thing::Board(id) => {
            let board = world.content.boards.at(id);
            (
                "homepage",
                board.and_then(|board| board.title.clone()),
                None,
            )
        }
        Thing::Dashboard(_) | Thing::Look(_) => {
            let piece = world.piece(thing);
            let kind = match thing {
                Thing::Look(_) => "look",
                _ => "dashboard",
            };
            (
                kind,
                piece.map(|piece| piece.title.clone()),
                piece.map(|piece| piece.slug.clone()),
            )
        }
    };
    let parent = world
        .container(thing)
        .and_then(|thing| world.meta_of(thing));
    let inherits = world.content.metadata.at(id);
    let inherits = inherits.is_some_and(|meta| meta.inherits);
    // Each kind of content has an id field of its own; the others are null.
    let of = |wanted: &str, id: Id| (kind == wanted).then(|| id_text(id));
    let (Thing::Folder(own) | Thing::Dashboard(own) | Thing::Look(own) | Thing::Board(own)) = thing;
    json!({
        "can": {},
        "id": id_text(id),
        "name": name,
        "parent_id": parent.map(id_text),
        "dashboard_id": of("dashboard", own),
        "look_id": of("look", own),
        "folder_id": of("folder", own),
        "homepage_id": of("homepage", own),
        "content_type": kind,
        "inherits": inherits,
        "inheriting_id": parent.filter(|_parent| inherits).map(id_text),
        "slug": slug,
    })
}
