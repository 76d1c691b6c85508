//! `embedctl profile show`: every setting and its source.

use serde_json::json;

use crate::commands::context::CommandContext;
use crate::config::Entry;
use crate::error::{Error, Exit};
use crate::report::Format;

/// Show every setting and where it comes from, without the secrets
///
/// A flag comes before an `EMBEDCTL_…` variable, that before a `LOOKERSDK_…` variable, that before the profile of
/// `config.toml`, that before `looker.ini`, that before `~/.netrc`.
#[derive(clap::Args, Debug)]
pub(crate) struct ProfileShowArgs {}

pub(crate) fn run(_args: &ProfileShowArgs, cx: &CommandContext) -> Result<Exit, Error> {
    let entries = cx.settings.entries();
    for warning in cx.settings.warnings() {
        cx.ui.warning(warning);
    }
    match cx.ui.format() {
        Format::Json => cx
            .ui
            .json(&entries.iter().map(row_json).collect::<Vec<_>>())?,
        Format::Jsonl => entries
            .iter()
            .try_for_each(|entry| cx.ui.json(&row_json(entry)))?,
        Format::Table => cx
            .ui
            .table(&["setting", "value", "source"], entries.iter().map(row))?,
        Format::Env => return Err(cx.ui.no_env_form()),
    }
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
