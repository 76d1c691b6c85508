//! `embedctl profile path`: the files for settings and runs.

use std::path::PathBuf;

use serde_json::json;

use crate::commands::context::CommandContext;
use crate::error::{Error, Exit};

/// Show the files that settings are read from, and the folder that runs are recorded in
#[derive(clap::Args, Debug)]
pub(crate) struct ProfilePathArgs {}

pub(crate) fn run(_args: &ProfilePathArgs, cx: &CommandContext) -> Result<Exit, Error> {
    let places = cx.settings.places();
    let header = ["what", "path", "there"];
    cx.ui.list(&places, row_json, (&header, row), "")?;
    Ok(Exit::Done)
}

fn row((name, path): &(&str, PathBuf)) -> Vec<String> {
    let there = if path.exists() { "yes" } else { "no" };
    vec![
        (*name).to_owned(),
        path.display().to_string(),
        there.to_owned(),
    ]
}

fn row_json((name, path): &(&str, PathBuf)) -> serde_json::Value {
    json!({ "name": name, "path": path, "exists": path.exists() })
}
