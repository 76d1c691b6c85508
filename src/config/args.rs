//! The flags that every command shares, as typed.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::report::{Color, Format, Progress, ReportOptions};

/// The flags that every command shares. All are optional here: the settings they may come from are many, and the
/// error for a missing one names them all.
#[derive(clap::Args, Clone, Debug, Default)]
#[command(next_help_heading = "Shared options, each also from the variable in brackets")]
pub struct ConfigArgs {
    /// The profile of `config.toml` or the section of `looker.ini` to use
    #[arg(long, global = true, value_name = "NAME")]
    pub profile: Option<String>,

    /// The base URL of Looker's API, as in `https://acme.looker.com`
    #[arg(long, global = true, value_name = "URL")]
    pub base_url: Option<String>,

    /// The host in signed URLs, if a proxy shows Looker another one
    #[arg(long, global = true, value_name = "HOST", hide_short_help = true)]
    pub embed_host: Option<String>,

    /// The algorithm of the embed secret: sha1 or sha256
    #[arg(long, global = true, value_name = "ALGORITHM", hide_short_help = true)]
    pub embed_algorithm: Option<String>,

    /// Certificates to trust besides the system's, in PEM form
    #[arg(long, global = true, value_name = "FILE", hide_short_help = true)]
    pub ca_file: Option<PathBuf>,

    /// The `looker.ini` to read
    #[arg(long, global = true, value_name = "FILE", hide_short_help = true)]
    pub ini: Option<PathBuf>,

    /// Where runs are recorded
    #[arg(long, global = true, value_name = "URL", hide_short_help = true)]
    pub ledger: Option<String>,

    /// Use a fresh local Looker instead of a real one
    #[arg(long, global = true)]
    pub emulator: bool,

    /// The form of the result on standard output
    #[arg(short, long, global = true, value_enum, value_name = "FORMAT")]
    pub output: Option<Format>,

    /// Say nothing but results, warnings and errors
    #[arg(short, long, global = true)]
    pub quiet: bool,

    /// Say more; twice: each request; three times: headers too
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,

    /// Whether to use colour
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

    /// How long one request may take, as in `30s`
    #[arg(long, global = true, value_name = "DURATION", hide_short_help = true)]
    pub timeout: Option<String>,

    /// How often a request that may be repeated is repeated
    #[arg(long, global = true, value_name = "COUNT", hide_short_help = true)]
    pub retries: Option<u32>,

    /// How many requests are in flight at once
    #[arg(long, global = true, value_name = "COUNT", hide_short_help = true)]
    pub concurrency: Option<usize>,

    /// How many requests a second are sent at most
    #[arg(long, global = true, value_name = "RATE", hide_short_help = true)]
    pub rps: Option<f64>,

    /// Say that nothing but embedctl creates API keys for embed users on this Looker
    #[arg(long, global = true, hide_short_help = true)]
    pub sole_minter: bool,

    /// Answer yes to every question
    #[arg(short, long, global = true)]
    pub yes: bool,

    /// Never ask; fail if a question would be needed
    #[arg(long, global = true, hide_short_help = true)]
    pub no_input: bool,

    /// The flags whose value stands in a variable, with its name.
    #[arg(skip)]
    pub from_variables: BTreeMap<&'static str, String>,
}

impl ConfigArgs {
    /// How the run reports, which must be known before anything can go wrong.
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
