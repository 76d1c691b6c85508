//! The flags shared by all commands, as typed.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::report::{Color, Format, Progress, ReportOptions};

/// The flags shared by all commands. All are optional here: settings can come from many places, and the error for a missing
/// one names them all.
#[derive(clap::Args, Clone, Debug, Default)]
#[command(next_help_heading = "Shared options (variables in brackets)")]
pub struct ConfigArgs {
    /// The profile of `config.toml` or the section of `looker.ini` to use
    #[arg(long, global = true, value_name = "NAME")]
    pub profile: Option<String>,

    /// The base URL of Looker's API, as in `https://acme.looker.com`
    #[arg(long, global = true, value_name = "URL")]
    pub base_url: Option<String>,

    /// The host in signed URLs, if a proxy passes another one to Looker
    #[arg(long, global = true, value_name = "HOST", hide_short_help = true)]
    pub embed_host: Option<String>,

    /// The algorithm of the embed secret: sha1 or sha256
    #[arg(long, global = true, value_name = "ALGORITHM", hide_short_help = true)]
    pub embed_algorithm: Option<String>,

    /// Certificates to trust in addition to the system's, in PEM format
    #[arg(long, global = true, value_name = "FILE", hide_short_help = true)]
    pub ca_file: Option<PathBuf>,

    /// The `looker.ini` to read
    #[arg(long, global = true, value_name = "FILE", hide_short_help = true)]
    pub ini: Option<PathBuf>,

    /// Where to record runs: a path, `sqlite:PATH`, or `postgres://USER@HOST/DATABASE`
    #[arg(long, global = true, value_name = "URL", hide_short_help = true)]
    pub ledger: Option<String>,

    /// Use a fresh local Looker instead of a real one
    #[arg(long, global = true)]
    pub emulator: bool,

    /// The format of the result on standard output
    #[arg(short, long, global = true, value_enum, value_name = "FORMAT")]
    pub output: Option<Format>,

    /// Print only results, warnings and errors
    #[arg(short, long, global = true)]
    pub quiet: bool,

    /// Print more; twice: each request; three times: headers too
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,

    /// When to use color
    #[arg(
        long,
        global = true,
        value_enum,
        value_name = "WHEN",
        hide_short_help = true
    )]
    pub color: Option<Color>,

    /// How to show progress
    #[arg(
        long,
        global = true,
        value_enum,
        value_name = "HOW",
        hide_short_help = true
    )]
    pub progress: Option<Progress>,

    /// The timeout of a request, as in `30s`
    #[arg(long, global = true, value_name = "DURATION", hide_short_help = true)]
    pub timeout: Option<String>,

    /// How often to retry a request, if that is safe
    #[arg(long, global = true, value_name = "COUNT", hide_short_help = true)]
    pub retries: Option<u32>,

    /// How many requests to send concurrently
    #[arg(long, global = true, value_name = "COUNT", hide_short_help = true)]
    pub concurrency: Option<usize>,

    /// How many requests to send per second at most
    #[arg(long, global = true, value_name = "RATE", hide_short_help = true)]
    pub rps: Option<f64>,

    /// Declare that nothing but embedctl creates API keys for embed users on this Looker
    #[arg(long, global = true, hide_short_help = true)]
    pub sole_minter: bool,

    /// Answer yes to every question
    #[arg(short, long, global = true)]
    pub yes: bool,

    /// Never ask; fail if a question would be needed
    #[arg(long, global = true, hide_short_help = true)]
    pub no_input: bool,

    /// The flags whose values came from environment variables, with the names of those.
    #[arg(skip)]
    pub from_variables: BTreeMap<&'static str, String>,
}

impl ConfigArgs {
    /// How the run reports; needed before anything else can fail.
    pub(crate) fn report(&self) -> ReportOptions {
        ReportOptions {
            format: self.output.unwrap_or_default(),
            color: self.color.unwrap_or_default(),
            progress: self.progress.unwrap_or_default(),
            quiet: self.quiet,
            verbose: self.verbose,
        }
    }
}
