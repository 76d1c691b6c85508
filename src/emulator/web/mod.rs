//! The web part: signed logins, embedded pages, the login page, and `/alive`.

mod embed_page;
mod login_embed;
mod tokens;

use crate::emulator::http::answer::{Answer, Reply};
use crate::emulator::http::page::plain;
use crate::emulator::log::Log;
use crate::emulator::world::World;

/// A request for a page.
#[derive(Debug)]
pub(crate) struct WebCall<'a> {
    /// As it stood in the request: signatures are over this text.
    pub(crate) path: &'a str,
    /// As it stood in the request.
    pub(crate) query: &'a str,
    pub(crate) host: &'a str,
    /// The host signed URLs must name, if it is not the request's.
    pub(crate) embed_host: Option<&'a str>,
    pub(crate) cookie: &'a str,
    pub(crate) user_agent: &'a str,
}

/// A page: its path, whole or the beginning of it if it ends in a slash, and the function that answers.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) id: &'static str,
    pub(crate) path: &'static str,
    pub(crate) handler: fn(&WebCall<'_>, &mut World, &mut Log) -> Answer,
}

/// All pages.
pub(crate) const PAGES: &[Page] = &[
    Page {
        id: "login_embed",
        path: "/login/embed/",
        handler: login_embed::answer,
    },
    Page {
        id: "embed_script",
        path: "/embed/embed.js",
        handler: embed_page::script,
    },
    Page {
        id: "embed_page",
        path: "/embed/",
        handler: embed_page::answer,
    },
    Page {
        id: "login_page",
        path: "/login",
        handler: login_page,
    },
    Page {
        id: "favicon",
        path: "/favicon.ico",
        handler: favicon,
    },
    Page {
        id: "alive",
        path: "/alive",
        handler: alive,
    },
];

/// Redirect a logged-in user to the embed path, with the cookie of the session.
fn welcome(world: &World, embed_path: &str, cookie: &str, seconds: i64) -> Reply {
    // Pages of other sites can embed only what is encrypted, since browsers keep other cookies back from them.
    let site = match world.rules.scheme {
        "https" => "Secure; SameSite=None",
        _ => "SameSite=Lax",
    };
    let session = format!("rack.session={cookie}; Path=/; HttpOnly; {site}");
    let expires_at = format!("looker.expires_at={}; Path=/", world.now + seconds);
    Reply::found(local(embed_path))
        .header("set-cookie", session)
        .header("set-cookie", expires_at)
}

/// The path, on this host whatever it says: browsers take `//host`, and `/` and `\\` alike, for another one, and pass
/// over tabs and line ends.
fn local(path: &str) -> String {
    let shown: String = path.chars().filter(|char| !char.is_control()).collect();
    format!("/{}", shown.trim_start_matches(['/', '\\']))
}

fn login_page(_call: &WebCall<'_>, _world: &mut World, _log: &mut Log) -> Answer {
    let page = plain("Log in", "This local Looker has no password login.", &[])?;
    Ok(page.header("x-frame-options", "SAMEORIGIN".to_owned()))
}

/// Browsers ask for it wherever they are; there is none.
fn favicon(_call: &WebCall<'_>, _world: &mut World, _log: &mut Log) -> Answer {
    Ok(Reply::no_content())
}

/// Looker answers `/alive` with 200, a JSON content type, and an empty body.
fn alive(_call: &WebCall<'_>, _world: &mut World, _log: &mut Log) -> Answer {
    Ok(Reply::text("application/json", String::new()))
}
