//! The flags that say how a manifest is read and what it is to bring about, shared by `plan` and `apply`.

use crate::config::Settings;
use crate::error::Error;
use crate::manifest::Format;
use crate::plan::{JobOptions, KeyWish, Verify};
use crate::workflow::Via;

/// The embed path that is fetched where the profile names no blank dashboard, as for `create-user`.
const ALIVE: &str = "/alive";

/// How a manifest is read and what it is to bring about.
#[derive(clap::Args, Debug)]
pub(crate) struct PlanningArgs {
    /// The format of the manifest, if its extension does not tell
    #[arg(long, value_enum, value_name = "FORM")]
    pub(crate) format: Option<Format>,

    /// Key policy for rows without a `key` value; by default `ensure` if a sink is named, else `none`
    #[arg(long, value_enum, value_name = "POLICY")]
    pub(super) key: Option<KeyWish>,

    /// What the keys are for; Looker shows it beside each
    #[arg(long, value_name = "TEXT")]
    pub(super) key_purpose: Option<String>,

    /// Where secrets go: stdout, file:PATH, dir:PATH, exec:COMMAND or env:PATH
    #[arg(long, value_name = "SINK")]
    pub(super) keys_to: Option<String>,

    /// For which users sudo is verified: all, a sample, or none
    #[arg(long, value_enum, default_value_t, value_name = "SCOPE")]
    pub(super) verify: Verify,

    /// How users are created
    #[arg(long, value_enum, default_value_t, value_name = "METHOD")]
    pub(super) via: Via,

    /// The embed path to fetch, as in `/embed/dashboards/12`; the profile's blank dashboard, or `/alive`, by default
    #[arg(long, value_name = "PATH")]
    pub(super) blank_dashboard: Option<String>,

    /// Take attribute values whose origin Looker describes in an unknown word as the users' own
    #[arg(long)]
    pub(super) take_unknown: bool,

    /// Ask Looker for every grant that is compared, whatever the ledger says
    #[arg(long)]
    pub(super) refresh: bool,

    /// What becomes of embed users that the manifest does not name: those like `--match` are disabled
    #[arg(long, value_enum, value_name = "ACTION", requires = "pattern")]
    pub(super) prune: Option<Prune>,

    /// The external user ids that are yours to prune; `*` stands for any text, `?` for any character
    #[arg(long = "match", value_name = "GLOB", requires = "prune")]
    pub(super) pattern: Option<String>,
}

/// What becomes of users that a manifest does not name.
#[derive(Clone, Copy, Debug, Eq, PartialEq, clap::ValueEnum)]
pub(crate) enum Prune {
    /// They are disabled, and keep their content.
    Disable,
}

impl PlanningArgs {
    /// Whether users get keys whose rows do not say.
    pub(super) fn key(&self, settings: &Settings) -> KeyWish {
        let names_sink = self.keys_to.is_some() || settings.keys_to().is_some();
        let usual = match names_sink {
            true => KeyWish::Ensure,
            false => KeyWish::None,
        };
        self.key.unwrap_or(usual)
    }

    /// What is the same for every job.
    pub(super) fn job_options(&self, settings: &Settings) -> JobOptions {
        let target = self.blank_dashboard.as_deref();
        let target = target.or_else(|| settings.blank_dashboard());
        JobOptions {
            via: self.via,
            target: target.unwrap_or(ALIVE).to_owned(),
            purpose: self.key_purpose.clone(),
            verify: self.verify,
            take_unknown: self.take_unknown,
            defaults: settings.grants().clone(),
            merge: false,
        }
    }

    /// Refuse flags that a plan in a file has settled already.
    pub(super) fn refuse_with_plan(&self) -> Result<(), Error> {
        let given = [
            ("--format", self.format.is_some()),
            ("--key", self.key.is_some()),
            ("--key-purpose", self.key_purpose.is_some()),
            ("--verify", self.verify != Verify::default()),
            ("--via", self.via != Via::default()),
            ("--blank-dashboard", self.blank_dashboard.is_some()),
            ("--take-unknown", self.take_unknown),
            ("--prune", self.prune.is_some()),
        ];
        match given.iter().find(|(_, given)| *given) {
            Some((flag, _)) => Err(Error::usage(format!(
                "`{flag}` was settled when the plan was made"
            ))
            .hint("leave it out, or make the plan again with it")),
            None => Ok(()),
        }
    }
}
