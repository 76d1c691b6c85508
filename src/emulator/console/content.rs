//! The content of the console: folders that hold something, and what hangs on it.

use serde::Serialize;
use serde_json::{Value, json};

use crate::emulator::console::users::known_as;
use crate::emulator::console::{Filter, SHOWN, shown};
use crate::emulator::http::answer::add;
use crate::emulator::world::content::Piece;
use crate::emulator::world::content_access::Thing;
use crate::emulator::world::kinds::PieceKind;
use crate::emulator::world::{Id, World};

/// The folders with the dashboards and looks that pass the filter, then boards, schedules and alerts.
pub(super) fn section(world: &World, filter: &Filter) -> Value {
    let content = &world.content;
    let count = content.dashboards.len() + content.looks.len();
    let found = passing(world, filter).into_iter();
    let mut section = shown(count, found, |(folder, kind, id, piece)| {
        one(world, &folder, kind, (id, piece))
    });
    let lists = [
        ("Boards", boards(world, filter)),
        ("Scheduled plans", schedules(world, filter)),
        ("Alerts", alerts(world, filter)),
    ];
    add(&mut section, "lists", json!(lists));
    section
}

/// Where each passing piece is, and what it is, in the order of their places.
fn passing<'a>(world: &'a World, filter: &Filter) -> Vec<(String, PieceKind, Id, &'a Piece)> {
    let mut pieces = Vec::new();
    for kind in [PieceKind::Dashboard, PieceKind::Look] {
        for (id, piece) in world.pieces(kind).iter() {
            let path = path(world, piece);
            let owner = owner(world, piece.owner);
            if filter.pass(|| format!("{path} {} {} {owner}", kind.word(), piece.title)) {
                pieces.push((path, kind, id, piece));
            }
        }
    }
    // Sorted by folder, so that the page can show content under its folder.
    pieces.sort_by(|one, other| one.0.cmp(&other.0));
    pieces
}

fn path(world: &World, piece: &Piece) -> String {
    let Some(folder) = piece.folder else {
        return "In no folder any more".to_owned();
    };
    let line = world.folders.ancestors(folder).into_iter().chain([folder]);
    let names = line.filter_map(|id| Some(world.folder_name(world.folders.at(id)?)));
    names.collect::<Vec<_>>().join(" / ")
}

fn owner(world: &World, id: Option<Id>) -> String {
    let Some(id) = id else {
        return "no user".to_owned();
    };
    let user = world.users.at(id);
    user.map_or_else(|| format!("deleted user {id}"), known_as)
}

fn one(world: &World, folder: &str, kind: PieceKind, (id, piece): (Id, &Piece)) -> Value {
    let favorites = world.content.favorites.count(piece.meta);
    let shared = world.content.metadata.accesses(piece.meta).count();
    let counts = [("favourite of", favorites), ("shared with", shared)];
    let counts = counts.into_iter().filter(|(_, count)| *count > 0);
    let counts = counts.map(|(what, count)| format!("{what} {count}"));
    json!({
        "folder": folder,
        "kind": kind.word(),
        "title": piece.title,
        "id": id,
        "owner": owner(world, piece.owner),
        "trash": piece.deleted_at.is_some(),
        "tags": counts.collect::<Vec<_>>(),
    })
}

fn boards(world: &World, filter: &Filter) -> Vec<Line> {
    let boards = world.content.boards.iter().filter(|(_, board)| {
        let title = board.title.as_deref().unwrap_or_default();
        filter.pass(|| format!("board {title} {}", owner(world, board.owner)))
    });
    let lines = boards.map(|(id, board)| Line {
        id,
        title: board.title.clone().unwrap_or_default(),
        owner: owner(world, board.owner),
        note: match board.deleted_at {
            Some(_) => "in the trash".to_owned(),
            None => String::new(),
        },
    });
    lines.take(SHOWN).collect()
}

fn schedules(world: &World, filter: &Filter) -> Vec<Line> {
    let schedules = world.content.schedules.table.iter();
    let lines = schedules.map(|(id, schedule)| {
        let text = |name: &str| {
            let value = schedule.rest.get(name).and_then(|value| value.as_str());
            value.unwrap_or_default().to_owned()
        };
        let enabled = schedule
            .rest
            .get("enabled")
            .and_then(|value| value.as_bool());
        let what = schedule.thing.map(|thing| title(world, thing));
        Line {
            id,
            title: text("name"),
            owner: owner(world, Some(schedule.owner)),
            note: match enabled {
                Some(false) => "disabled".to_owned(),
                _ => format!("{} {}", what.unwrap_or_default(), text("crontab")),
            },
        }
    });
    let lines = lines.filter(|line| filter.pass(|| line.searched("schedule")));
    lines.take(SHOWN).collect()
}

fn alerts(world: &World, filter: &Filter) -> Vec<Line> {
    let lines = world.content.alerts.0.iter().map(|(id, alert)| {
        let element = alert.element.and_then(|id| world.content.elements.at(id));
        let title = alert
            .rest
            .get("custom_title")
            .and_then(|title| title.as_str());
        let title = title.or_else(|| element.map(|element| element.title.as_str()));
        Line {
            id,
            title: title.unwrap_or("Alert").to_owned(),
            owner: owner(world, Some(alert.owner)),
            note: match (alert.is_orphan, alert.flag("is_disabled")) {
                (true, _) => "unseen".to_owned(),
                (false, true) => "disabled".to_owned(),
                (false, false) => format!("followers: {}", alert.followers.len()),
            },
        }
    });
    let lines = lines.filter(|line| filter.pass(|| line.searched("alert")));
    lines.take(SHOWN).collect()
}

fn title(world: &World, thing: Thing) -> String {
    let piece = world.piece(thing);
    piece.map_or_else(String::new, |piece| format!("“{}”", piece.title))
}

/// One thing in a line.
#[derive(Serialize)]
struct Line {
    id: Id,
    title: String,
    owner: String,
    note: String,
}

impl Line {
    fn searched(&self, kind: &str) -> String {
        format!("{kind} {} {}", self.title, self.owner)
    }
}
