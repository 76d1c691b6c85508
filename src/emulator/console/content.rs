//! The content of the console: folders that hold something, and what hangs on it.

use crate::emulator::console::markup::Markup;
use crate::emulator::console::users::known_as;
use crate::emulator::console::{Filter, SHOWN, more};
use crate::emulator::world::content::Piece;
use crate::emulator::world::content_access::Thing;
use crate::emulator::world::kinds::PieceKind;
use crate::emulator::world::{Id, World};

/// Add the folders with the dashboards and looks that pass the filter, then boards, schedules and alerts.
pub(super) fn section(page: &mut Markup, world: &World, filter: &Filter) {
    let content = &world.content;
    let count = content.dashboards.len() + content.looks.len();
    page.section("content", "Content", count);
    let pieces = passing(world, filter);
    let mut folder = None;
    for (path, kind, id, piece) in pieces.iter().take(SHOWN) {
        if folder.replace(path) != Some(path) {
            page.tags("<h3>").value(path).tags("</h3>");
        }
        one(page, world, *kind, *id, piece);
    }
    if pieces.is_empty() {
        page.tags("<p class=none>No dashboard and no look.</p>");
    }
    more(page, pieces.len() > SHOWN);
    boards(page, world, filter);
    schedules(page, world, filter);
    alerts(page, world, filter);
    page.tags("</section>");
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
        return "nobody".to_owned();
    };
    let user = world.users.at(id);
    user.map_or_else(|| format!("deleted user {id}"), known_as)
}

fn one(page: &mut Markup, world: &World, kind: PieceKind, id: Id, piece: &Piece) {
    page.tags(match piece.deleted_at {
        Some(_) => "<p class=\"thing trash\">",
        None => "<p class=thing>",
    });
    page.tags("<span class=tag>")
        .tags(kind.word())
        .tags("</span> ");
    page.value(&piece.title)
        .tags(" <span class=id>")
        .value(id)
        .tags("</span> <span class=owner>")
        .value(owner(world, piece.owner))
        .tags("</span>");
    if piece.deleted_at.is_some() {
        page.tags(" <span class=\"tag bad\">in the trash</span>");
    }
    let favorites = world.content.favorites.count(piece.meta);
    if favorites > 0 {
        page.tags(" <span class=tag>favourite of ").value(favorites);
        page.tags("</span>");
    }
    let shared = world.content.metadata.accesses(piece.meta).count();
    if shared > 0 {
        page.tags(" <span class=tag>shared with ").value(shared);
        page.tags("</span>");
    }
    page.tags("</p>");
}

fn boards(page: &mut Markup, world: &World, filter: &Filter) {
    let boards = world.content.boards.iter().filter(|(_, board)| {
        let title = board.title.as_deref().unwrap_or_default();
        filter.pass(|| format!("board {title} {}", owner(world, board.owner)))
    });
    let lines = boards.map(|(id, board)| Line {
        id,
        title: board.title.clone().unwrap_or_default(),
        owner: owner(world, board.owner),
        note: board.deleted_at.map(|_at| "in the trash".to_owned()),
    });
    lines_of(page, "<h3>Boards</h3>", lines.take(SHOWN));
}

fn schedules(page: &mut Markup, world: &World, filter: &Filter) {
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
            note: Some(match enabled {
                Some(false) => "disabled".to_owned(),
                _ => format!("{} {}", what.unwrap_or_default(), text("crontab")),
            }),
        }
    });
    let lines = lines.filter(|line| filter.pass(|| line.searched("schedule")));
    lines_of(page, "<h3>Scheduled plans</h3>", lines.take(SHOWN));
}

fn alerts(page: &mut Markup, world: &World, filter: &Filter) {
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
            note: Some(match (alert.is_orphan, alert.flag("is_disabled")) {
                (true, _) => "unseen".to_owned(),
                (false, true) => "disabled".to_owned(),
                (false, false) => format!("followers: {}", alert.followers.len()),
            }),
        }
    });
    let lines = lines.filter(|line| filter.pass(|| line.searched("alert")));
    lines_of(page, "<h3>Alerts</h3>", lines.take(SHOWN));
}

fn title(world: &World, thing: Thing) -> String {
    let piece = world.piece(thing);
    piece.map_or_else(String::new, |piece| format!("“{}”", piece.title))
}

/// One thing in a line.
struct Line {
    id: Id,
    title: String,
    owner: String,
    note: Option<String>,
}

impl Line {
    fn searched(&self, kind: &str) -> String {
        format!("{kind} {} {}", self.title, self.owner)
    }
}

/// Add the lines below a heading, where there are any.
fn lines_of(page: &mut Markup, heading: &'static str, lines: impl Iterator<Item = Line>) {
    for (place, line) in lines.enumerate() {
        if place == 0 {
            page.tags(heading);
        }
        page.tags("<p class=thing>")
            .value(line.title)
            .tags(" <span class=id>")
            .value(line.id)
            .tags("</span> <span class=owner>")
            .value(line.owner)
            .tags("</span>");
        if let Some(note) = line.note {
            page.tags(" <span class=tag>").value(note).tags("</span>");
        }
        page.tags("</p>");
    }
}
