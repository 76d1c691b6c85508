//! `embedctl url`: signed embed URLs.

mod batch;
mod blocks;
pub(crate) mod inspect;
mod instance;
mod lines;
pub(crate) mod open;
mod row;
mod shown;
pub(crate) mod sign;
mod time_zone;

use crate::commands::context::CommandContext;
use crate::error::{Error, Exit};
use crate::signed_url::with_embed_domain;

/// Sign, explain and open embed URLs
#[derive(clap::Subcommand, Debug)]
pub(crate) enum UrlCommand {
    Sign(Box<sign::UrlSignArgs>),
    Inspect(inspect::UrlInspectArgs),
    Open(Box<open::UrlOpenArgs>),
}

pub(crate) async fn run(command: &UrlCommand, cx: CommandContext) -> Result<Exit, Error> {
    match command {
        UrlCommand::Sign(args) => sign::run(args, &cx).await,
        UrlCommand::Inspect(args) => inspect::run(args, cx).await,
        UrlCommand::Open(args) => open::run(args, cx).await,
    }
}

/// The embed path with the domain in its query.
fn embed_path(path: &str, domain: Option<&str>) -> Result<String, Error> {
    if !path.starts_with('/') {
        let message = format!("the embed path `{path}` does not begin with `/`");
        return Err(Error::usage(message)
            .hint("give the part behind the host, as in `/embed/dashboards/12`"));
    }
    match domain {
        Some(domain) => Ok(with_embed_domain(path, domain)?),
        None => Ok(path.to_owned()),
    }
}
