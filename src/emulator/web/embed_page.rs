//! `/embed/…`: what stands in the iframe, which here says who is logged in, with which grants, and for how long.

use crate::emulator::http::answer::Answer;
use crate::emulator::http::page::plain;
use crate::emulator::log::Log;
use crate::emulator::web::WebCall;
use crate::emulator::world::World;
use crate::emulator::world::sessions::Session;
use crate::emulator::world::users::User;

/// Show the page to the user of the cookie; 401 without a valid one.
pub(super) fn answer(call: &WebCall<'_>, world: &mut World, _log: &mut Log) -> Answer {
    let cookie = call
        .cookie
        .split(';')
        .find_map(|cookie| cookie.trim().strip_prefix("rack.session="));
    let session = cookie.and_then(|cookie| world.sessions.live(cookie, world.now));
    let found = session
        .map(|(_, session)| session)
        .and_then(|session| Some((session, world.users.at(session.user)?)));
    let Some((session, user)) = found else {
        let text = "No session: the login is missing, over, or its cookie was kept back.";
        let mut reply = plain("Not logged in", text, &[])?;
        reply.status = 401;
        return Ok(reply);
    };
    page(call.path, world, session, user)
}

fn page(path: &str, world: &World, session: &Session, user: &User) -> Answer {
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
    let rows = [
        ("Page", path.to_owned()),
        ("Looker user", session.user.to_string()),
        ("Permissions", permissions.join(", ")),
        ("Models", models.join(", ")),
        ("Groups", groups.join(", ")),
        (
            "Session ends in",
            format!("{} seconds", session.expires_at - world.now),
        ),
    ];
    plain(&format!("Logged in as {name}"), "", &rows)
}
