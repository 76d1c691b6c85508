//! `embedctl url`: signed embed URLs.

pub(crate) mod sign;

/// Make signed embed URLs
#[derive(clap::Subcommand, Debug)]
pub(crate) enum UrlCommand {
    Sign(sign::UrlSignArgs),
}
