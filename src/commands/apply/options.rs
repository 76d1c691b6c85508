//! The flags for reading and applying a manifest, shared by `plan` and `apply`.

use crate::commands::consent::MaxArgs;
use crate::commands::keys_to::SinkArgs;
use crate::config::Settings;
use crate::error::Error;
use crate::manifest::Format;
use crate::plan::{JobOptions, KeyWish, Verify};
use crate::workflow::Via;

/// How a manifest is read and applied.
#[derive(clap::Args, Debug)]
pub(crate) struct PlanningArgs {
    /// The format of the manifest, if neither its extension nor its content tells
    #[arg(long, value_enum, value_name = "FORM")]
    pub(crate) format: Option<Format>,

    /// Key policy for rows without a `key` value; default: `ensure` if a sink is named, else `none`
    #[arg(long, value_enum, value_name = "POLICY")]
    pub(super) key: Option<KeyWish>,

    /// The purpose of the keys, which Looker shows next to them
    #[arg(long, value_name = "TEXT")]
    pub(super) key_purpose: Option<String>,

    #[command(flatten)]
    pub(super) sinks: SinkArgs,

    /// For which users sudo is verified: all, a sample, or none
    #[arg(long, value_enum, default_value_t, value_name = "SCOPE")]
    pub(super) verify: Verify,

    /// How users are created
    #[arg(long, value_enum, default_value_t, value_name = "METHOD")]
    pub(super) via: Via,

    /// The embed path to fetch, such as `/embed/dashboards/12`; default: the profile's blank dashboard, or `/alive`
    #[arg(long, value_name = "PATH")]
    pub(super) blank_dashboard: Option<String>,

    /// Count attribute values of unknown origin as the users' own
    #[arg(long)]
    pub(super) take_unknown: bool,

    /// Ask Looker for every grant that is compared, whatever the ledger says
    #[arg(long)]
    pub(super) refresh: bool,

    /// Accept ids that differ only by case: to Looker they are different users
    #[arg(long)]
    pub(super) allow_case_variants: bool,

    /// What to do with embed users that match `--match` and are not in the manifest
    #[arg(long, value_enum, value_name = "ACTION", requires = "pattern")]
    pub(super) prune: Option<Prune>,

    /// The external user ids that may be pruned; `*` stands for any text, `?` for any character
    #[arg(long = "match", value_name = "GLOB", requires = "prune")]
    pub(super) pattern: Option<String>,

    #[command(flatten)]
    pub(super) max: MaxArgs,
}

/// What to do with users that a manifest does not name.
#[derive(Clone, Copy, Debug, Eq, PartialEq, clap::ValueEnum)]
pub(crate) enum Prune {
    /// Disable them; their content stays.
    Disable,
}

impl PlanningArgs {
    /// The key policy for rows without one.
    pub(super) fn key(&self, settings: &Settings) -> KeyWish {
        let names_sink = !self.sinks.keys_to.is_empty() || settings.keys_to().is_some();
        let usual = match names_sink {
            true => KeyWish::Ensure,
            false => KeyWish::None,
        };
        self.key.unwrap_or(usual)
    }

    /// The options shared by all jobs.
    pub(super) fn job_options(&self, settings: &Settings) -> JobOptions {
        let target = settings.creation_path(self.blank_dashboard.as_deref());
        JobOptions {
            via: self.via,
            target: target.to_owned(),
            purpose: self.key_purpose.clone(),
            verify: self.verify,
            take_unknown: self.take_unknown,
            defaults: settings.grants().clone(),
        }
    }

    /// Refuse flags that a plan file has already settled.
    pub(super) fn refuse_with_plan(&self) -> Result<(), Error> {
        let given = [
            ("--format", self.format.is_some()),
            ("--key", self.key.is_some()),
            ("--key-purpose", self.key_purpose.is_some()),
            ("--verify", self.verify != Verify::default()),
            ("--via", self.via != Via::default()),
            ("--blank-dashboard", self.blank_dashboard.is_some()),
            ("--take-unknown", self.take_unknown),
            ("--allow-case-variants", self.allow_case_variants),
            ("--prune", self.prune.is_some()),
        ];
        match given.iter().find(|(_, given)| *given) {
            Some((flag, _)) => Err(Error::usage(format!(
                "`{flag}` was fixed when the plan was created"
            ))
            .hint("omit it, or create a new plan with it")),
            None => Ok(()),
        }
    }
}
