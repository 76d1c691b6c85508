//! `embedctl url`: signed embed URLs.

mod batch;
mod blocks;
pub(crate) mod inspect;
mod lines;
pub(crate) mod open;
mod row;
mod shown;
pub(crate) mod sign;

/// Make, explain and open signed embed URLs
#[derive(clap::Subcommand, Debug)]
pub(crate) enum UrlCommand {
    Sign(Box<sign::UrlSignArgs>),
    Inspect(inspect::UrlInspectArgs),
    Open(Box<open::UrlOpenArgs>),
}
