//! `embedctl profile show`: every setting and its source.

use serde_json::json;

use crate::commands::context::CommandContext;
use crate::config::Entry;
use crate::error::{Error, Exit};

/// Show every setting and where it comes from, without the secrets
///
/// The order of precedence: a flag, an `EMBEDCTL_…` variable, the profile that `--profile` or `EMBEDCTL_PROFILE` names, a
/// `LOOKERSDK_…` variable, the default profile, `looker.ini`, `~/.netrc`. Credentials come from the family of sources that
/// names the base URL: `embedctl` (flags and `EMBEDCTL_…` variables), `profile`, `sdk` (`LOOKERSDK_…` variables and
/// `looker.ini`), or `netrc`. Sources that are for another Looker are named.
#[derive(clap::Args, Debug)]
pub(crate) struct ProfileShowArgs {}

pub(crate) fn run(_args: &ProfileShowArgs, cx: &CommandContext) -> Result<Exit, Error> {
    let entries = cx.settings.entries();
    for warning in cx.settings.warnings() {
        cx.ui.warning(warning);
    }
    let header = ["setting", "value", "family", "source"];
    cx.ui.list(&entries, row_json, (&header, row), "")?;
    // All other commands stop at it.
    cx.settings.check_consistent()?;
    for why in cx.settings.unused_sources() {
        cx.ui.status(format!("Not used: {why}"));
    }
    Ok(Exit::Done)
}

fn row(entry: &Entry) -> Vec<String> {
    let source = entry.source.as_ref().map(ToString::to_string);
    let family = entry.family.map(|family| family.to_string());
    vec![
        entry.name.to_owned(),
        entry.value.clone().unwrap_or_else(|| "-".to_owned()),
        family.unwrap_or_default(),
        source.unwrap_or_default(),
    ]
}

fn row_json(entry: &Entry) -> serde_json::Value {
    let Entry {
        name,
        value,
        source,
        family,
    } = entry;
    let source = source.as_ref().map(ToString::to_string);
    let family = family.map(|family| family.to_string());
    json!({ "name": name, "value": value, "family": family, "source": source })
}
