//! `embedctl profile set`: change settings of a profile.

use std::collections::BTreeMap;

use crate::commands::ask::{self, Question};
use crate::commands::context::CommandContext;
use crate::config::{Assignment, Wish};
use crate::error::{Error, Exit};

/// Change settings of a profile of `config.toml`
///
/// The keys are those of the file, as `base_url`, `rps` or `grants.models`; lists are separated by commas. `KEY=` leaves a
/// setting out. A secret is given by its location, as `client_secret=env:NAME`, `file:PATH` or `command:PROGRAM ARGUMENT`; with
/// `client_secret` alone it is asked for, without echo, and stored in a file that only you can read. Comments and the order of
/// the file stay.
#[derive(clap::Args, Debug)]
pub(crate) struct ProfileSetArgs {
    /// The profile
    name: String,

    /// What to change; only the key of a secret, to be asked for it
    #[arg(required = true, value_name = "KEY=VALUE")]
    assignments: Vec<String>,

    /// Print what would be changed, and change nothing
    #[arg(long)]
    dry_run: bool,
}

pub(crate) async fn run(args: &ProfileSetArgs, cx: &CommandContext) -> Result<Exit, Error> {
    let name = &args.name;
    let assignments: Result<Vec<_>, _> = args
        .assignments
        .iter()
        .map(|given| Assignment::read(given))
        .collect();
    let assignments = assignments?;
    // Before anything is typed: it would be lost.
    let nothing = BTreeMap::new();
    let change = |typed: &_, keep| {
        let settings = &cx.settings;
        settings.set_profile(name, &assignments, typed, keep, &cx.system)
    };
    let mut changed = change(&nothing, false)?;
    if !args.dry_run {
        let typed = secrets(&assignments, cx).await?;
        changed = change(&typed, true)?;
    }
    for note in &changed.notes {
        cx.ui.status(note);
    }
    let done = if args.dry_run { "Would set" } else { "Set" };
    let left_out = if args.dry_run {
        "Would leave out"
    } else {
        "Left out"
    };
    for Assignment { key, wish, .. } in &assignments {
        let done = if *wish == Wish::Nothing {
            left_out
        } else {
            done
        };
        cx.ui.status(format!("{done} `{key}` of profile `{name}`."));
    }
    if let Some(error) = &changed.still_wrong {
        cx.ui
            .warning(format!("the profile cannot be used yet: {error}"));
    }
    Ok(Exit::Done)
}

/// The secrets that are asked for, by key.
async fn secrets(
    assignments: &[Assignment],
    cx: &CommandContext,
) -> Result<BTreeMap<String, crate::secret::SecretString>, Error> {
    let mut typed = BTreeMap::new();
    for Assignment { key, .. } in assignments.iter().filter(|it| it.wish == Wish::Ask) {
        let question = match key.as_str() {
            "embed_secret" => Question::needed("embed secret", "`embed_secret=file:PATH`"),
            _ => Question::needed("client secret", "`client_secret=file:PATH`"),
        };
        let secret = ask::secret(question, cx).await?;
        typed.extend(secret.map(|secret| (key.clone(), secret)));
    }
    Ok(typed)
}
