//! `embedctl profile show`: every setting and its source.

use serde_json::json;

use crate::commands::context::CommandContext;
use crate::config::Entry;
use crate::error::{Error, Exit};

/// Show every setting and where it comes from, without the secrets
///
/// The order of precedence: a flag, an `EMBEDCTL_…` variable, a `LOOKERSDK_…` variable, the profile in `config.toml`,
/// `looker.ini`, `~/.netrc`.
#[derive(clap::Args, Debug)]
pub(crate) struct ProfileShowArgs {}

pub(crate) fn run(_args: &ProfileShowArgs, cx: &CommandContext) -> Result<Exit, Error> {
    let entries = cx.settings.entries();
    for warning in cx.settings.warnings() {
        cx.ui.warning(warning);
    }
    let header = ["setting", "value", "source"];
    cx.ui.list(&entries, row_json, (&header, row), "")?;
    Ok(Exit::Done)
}

fn row(entry: &Entry) -> Vec<String> {
    let source = entry.source.as_ref().map(ToString::to_string);
    vec![
        entry.name.to_owned(),
        entry.value.clone().unwrap_or_else(|| "-".to_owned()),
        source.unwrap_or_default(),
    ]
}

fn row_json(entry: &Entry) -> serde_json::Value {
    let Entry {
        name,
        value,
        source,
    } = entry;
    let source = source.as_ref().map(ToString::to_string);
    json!({ "name": name, "value": value, "source": source })
}
