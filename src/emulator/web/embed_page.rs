//! `/embed/…`: what stands in the iframe, which here says who is logged in, with which grants, and for how long.

use serde_json::{Value, json};

use crate::emulator::http::answer::{Answer, Reply};
use crate::emulator::http::call::parse_id;
use crate::emulator::http::page::{plain, render};
use crate::emulator::log::Log;
use crate::emulator::text::decode_path;
use crate::emulator::web::WebCall;
use crate::emulator::world::kinds::PieceKind;
use crate::emulator::world::sessions::Session;
use crate::emulator::world::users::User;
use crate::emulator::world::{Id, World};

/// Show the page to the user of the cookie; 401 without a valid one.
pub(super) fn answer(call: &WebCall<'_>, world: &mut World, _log: &mut Log) -> Answer {
    let cookie = call
        .cookie
        .split(';')
        .find_map(|cookie| cookie.trim().strip_prefix("rack.session="));
    let session = cookie.and_then(|cookie| world.sessions.live(cookie, world.now));
    let found = session.and_then(|found| Some((found, world.users.at(found.1.user)?)));
    let Some((session, user)) = found else {
        let text = "No session: the login is missing, over, or its cookie was kept back.";
        let mut reply = plain("Not logged in", text, &[])?;
        reply.status = 401;
        return Ok(reply);
    };
    match Content::of(call.path, world, session.1.user) {
        Some(content) => page(call.path, world, session, user, &content),
        None => not_there(),
    }
}

/// What Looker shows if there is no such content, or none that the user may see.
fn not_there() -> Answer {
    let mut reply = plain("Not found", "The requested resource was not found.", &[])?;
    reply.status = 404;
    Ok(reply)
}

/// The script with which a page talks to the page around it.
pub(super) fn script(_call: &WebCall<'_>, _world: &mut World, _log: &mut Log) -> Answer {
    Ok(Reply::text(
        "text/javascript",
        include_str!("embed.js").to_owned(),
    ))
}

/// What a page shows, as it tells the page around it.
struct Content {
    /// The word in its path, in the singular.
    kind: String,
    /// The dashboard or look; null for other pages, which always exist here.
    shown: Value,
}

impl Content {
    /// What `path` shows to `user`; `None` if that is not there for it.
    fn of(path: &str, world: &World, user: Id) -> Option<Self> {
        let place = path.trim_start_matches("/embed/");
        let (word, rest) = place.split_once('/').unwrap_or((place, ""));
        let kind = match word {
            "dashboards" => PieceKind::Dashboard,
            "looks" => PieceKind::Look,
            other => {
                return Some(Self {
                    kind: other.trim_end_matches('s').to_owned(),
                    shown: Value::Null,
                });
            }
        };
        let name = decode_path(rest.split('/').next()?)?;
        let title = match (kind, parse_id(&name)) {
            (_, Some(id)) => {
                let piece = world.piece(kind.thing(id))?;
                let viewer = world.viewer(user, world.is_admin(user));
                let seen = piece.deleted_at.is_none() && world.sees(&viewer, kind.thing(id));
                seen.then_some(&piece.title)?
            }
            (PieceKind::Dashboard, None) => &world.lookml_dashboard(user, &name)?.1.title,
            (PieceKind::Look, None) => return None,
        };
        let shown = json!({
            "id": name,
            "title": title,
            "canEdit": false,
            "dashboard_filters": {},
            "url": path,
        });
        Some(Self {
            kind: kind.word().to_owned(),
            shown,
        })
    }
}

fn page(
    path: &str,
    world: &World,
    (id, session): (Id, &Session),
    user: &User,
    Content { kind, shown }: &Content,
) -> Answer {
    let name = user.embed.as_deref().map_or_else(
        || user.display_name(),
        |embed| embed.external_user_id.to_string(),
    );
    let groups: Vec<String> = world
        .groups_of(user)
        .into_iter()
        .filter_map(|group| Some(world.groups.at(group)?.name.clone()))
        .collect();
    let permissions: Vec<&str> = world.permissions_of(user).into_iter().collect();
    let models: Vec<&str> = world
        .models_with(user, "access_data")
        .into_iter()
        .map(|model| model.name.as_str())
        .collect();
    let seconds = session.expires_at - world.now;
    let rows = [
        ("Page", path.to_owned()),
        ("Looker user", session.user.to_string()),
        ("Permissions", permissions.join(", ")),
        ("Models", models.join(", ")),
        ("Groups", groups.join(", ")),
        ("Session ends in", format!("{seconds} seconds")),
    ];
    let page = json!({
        "type": kind,
        kind: shown,
        "seconds": seconds,
        "version": world.rules.switches.release.full(),
        "cookieless": world.cookieless.references.values().any(|other| *other == id),
    });
    render(
        "page.html",
        json!({
            "title": format!("Logged in as {name}"),
            "rows": rows,
            "page": page.to_string(),
        }),
    )
}
