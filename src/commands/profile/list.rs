//! `embedctl profile list`: the existing profiles.

use serde_json::json;

use crate::commands::context::CommandContext;
use crate::config::ProfileName;
use crate::error::{Error, Exit};
use crate::report::Format;

/// List the profiles of `config.toml` and the sections of `looker.ini`
#[derive(clap::Args, Debug)]
pub(crate) struct ProfileListArgs {}

pub(crate) fn run(_args: &ProfileListArgs, cx: &CommandContext) -> Result<Exit, Error> {
    let profiles = cx.settings.profiles()?;
    let header = ["", "name", "base url", "file"];
    let none = "There are no profiles.";
    cx.ui.list(&profiles, row_json, (&header, row), none)?;
    if profiles.is_empty() && cx.ui.format() == Format::Table {
        cx.ui
            .hint("run `embedctl profile path` to see where they are searched for");
    }
    Ok(Exit::Done)
}

fn row(profile: &ProfileName) -> Vec<String> {
    let mark = if profile.chosen { "*" } else { "" };
    let base_url = profile.base_url.as_deref().unwrap_or("-");
    vec![
        mark.to_owned(),
        profile.name.clone(),
        base_url.to_owned(),
        profile.file.display().to_string(),
    ]
}

fn row_json(profile: &ProfileName) -> serde_json::Value {
    let ProfileName {
        name,
        base_url,
        file,
        chosen,
    } = profile;
    json!({ "name": name, "base_url": base_url, "file": file, "chosen": chosen })
}
