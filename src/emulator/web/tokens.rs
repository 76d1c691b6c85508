//! `/login/embed/…` with a token instead of a signature: cookieless logins, and URLs that log their maker in.

use crate::emulator::http::answer::Reply;
use crate::emulator::http::call::Query;
use crate::emulator::text::decode_path;
use crate::emulator::web::{WebCall, welcome};
use crate::emulator::world::World;

/// Log in with the token of the query: `None` if it has none, an error if the token opens nothing.
pub(super) fn log_in(call: &WebCall<'_>, world: &mut World) -> Option<Result<Reply, &'static str>> {
    let query = Query::parse(call.query)?;
    let path = call.path.strip_prefix("/login/embed/")?;
    let path = decode_path(path)?;
    if let Some(token) = query.value("embed_authentication_token") {
        return Some(cookieless(call, world, token, &path));
    }
    let token = query.value("token")?;
    Some(own(call, world, token, &path))
}

/// The session is there already; the token can be used once, by the browser that the session was made for.
fn cookieless(
    call: &WebCall<'_>,
    world: &mut World,
    token: &str,
    path: &str,
) -> Result<Reply, &'static str> {
    let taken = world.cookieless.authentications.remove(token);
    let (session, until) = taken.ok_or("no such authentication token, or used before")?;
    if until < world.now {
        return Err("the authentication token is over");
    }
    let session = world.sessions.at(session).ok_or("the session is over")?;
    let bound = world.rules.switches.cookieless_binds_browser;
    if bound && &*session.browser != call.user_agent {
        return Err("the session was made for another browser");
    }
    let seconds = session.expires_at - world.now;
    let cookie = session.cookie.to_string();
    Ok(welcome(world, path, &cookie, seconds))
}

fn own(
    call: &WebCall<'_>,
    world: &mut World,
    token: &str,
    path: &str,
) -> Result<Reply, &'static str> {
    let taken = world.cookieless.own_urls.remove(token);
    let (user, seconds, until) = taken.ok_or("no such token, or used before")?;
    if until < world.now {
        return Err("the token is over");
    }
    let (_, cookie) = world.begin_session(user, seconds, call.user_agent);
    Ok(welcome(world, path, &cookie, seconds))
}
