//! `embedctl url`: signed embed URLs.

mod batch;
mod blocks;
mod lines;
mod row;
pub(crate) mod sign;

/// Make signed embed URLs
#[derive(clap::Subcommand, Debug)]
pub(crate) enum UrlCommand {
    Sign(Box<sign::UrlSignArgs>),
}
