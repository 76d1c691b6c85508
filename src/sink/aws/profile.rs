//! The files of profiles that the `aws` command writes.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::sink::SinkError;
use crate::system::{Readers, System, files};

/// Far more than any file of profiles.
const LARGEST: u64 = 1024 * 1024;

/// The chosen profile of the files that the `aws` command writes, credentials before configuration.
pub(super) fn read(system: &System) -> Result<BTreeMap<String, String>, SinkError> {
    let chosen = system
        .var("AWS_PROFILE")
        .unwrap_or_else(|| "default".to_owned());
    let home = system.var("HOME").map(PathBuf::from);
    let file = |variable: &str, name: &str| {
        let named = system.var(variable).map(|path| system.path(path));
        named.or_else(|| Some(home.as_ref()?.join(".aws").join(name)))
    };
    let mut found = BTreeMap::new();
    // Credentials come last, and win.
    for (path, in_config) in [
        (file("AWS_CONFIG_FILE", "config"), true),
        (file("AWS_SHARED_CREDENTIALS_FILE", "credentials"), false),
    ] {
        // The `aws` command writes them for their owner only.
        let Some(path) = path.filter(|path| path.exists()) else {
            continue;
        };
        let readers = if in_config {
            Readers::Everybody
        } else {
            Readers::Owner
        };
        let Some(bytes) = files::read(&path, readers, LARGEST)? else {
            continue;
        };
        let text = str::from_utf8(&bytes).map_err(|error| {
            SinkError::new(format!("`{}` is not text", path.display())).caused(error)
        })?;
        let mut here = false;
        for line in text.lines() {
            let line = line.trim();
            if let Some(section) = line
                .strip_prefix('[')
                .and_then(|rest| rest.strip_suffix(']'))
            {
                let section = section.trim();
                let name = if in_config {
                    section.strip_prefix("profile ").unwrap_or(section)
                } else {
                    section
                };
                here = name.trim() == chosen;
            } else if let Some((name, value)) = line
                .split_once('=')
                .filter(|_| here && !line.starts_with(['#', ';']))
            {
                found.insert(name.trim().to_ascii_lowercase(), value.trim().to_owned());
            }
        }
    }
    Ok(found)
}
