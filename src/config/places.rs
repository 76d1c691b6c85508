//! The files that settings may come from, and the folder for ledgers.

use std::path::{Path, PathBuf};

use crate::config::text;
use crate::system::System;

/// Where this run looks.
#[derive(Clone, Debug, Default)]
pub(crate) struct Places {
    /// `config.toml`; `None` without a home directory.
    pub(crate) config: Option<PathBuf>,
    /// Whether it was named explicitly, so that it must exist.
    pub(crate) config_named: bool,
    /// `looker.ini`.
    pub(crate) ini: PathBuf,
    /// Whether it was named explicitly.
    pub(crate) ini_named: bool,
    /// The netrc file.
    pub(crate) netrc: Option<PathBuf>,
    /// The folder for ledgers.
    pub(crate) state: Option<PathBuf>,
    home: Option<PathBuf>,
}

impl Places {
    pub(crate) fn new(ini: Option<&Path>, system: &System) -> Self {
        let named = text::variable(system, "EMBEDCTL_CONFIG").map(|path| system.path(path));
        let home = system.var("HOME").map(PathBuf::from);
        Self {
            config_named: named.is_some(),
            config: named.or_else(|| {
                let folder = system.xdg_dir("XDG_CONFIG_HOME", ".config")?;
                Some(folder.join("config.toml"))
            }),
            ini: system.path(ini.unwrap_or_else(|| Path::new("looker.ini"))),
            ini_named: ini.is_some(),
            netrc: text::variable(system, "NETRC")
                .map(|path| system.path(path))
                .or_else(|| Some(home.as_ref()?.join(".netrc"))),
            state: system.xdg_dir("XDG_STATE_HOME", ".local/state"),
            home,
        }
    }

    /// A path from `config.toml`: relative to the home directory if it starts with `~/`, otherwise to the file's folder.
    pub(crate) fn in_config(&self, path: &str) -> PathBuf {
        if let (Some(rest), Some(home)) = (path.strip_prefix("~/"), &self.home) {
            return home.join(rest);
        }
        let folder = self.config.as_deref().and_then(Path::parent);
        folder.map_or_else(|| PathBuf::from(path), |folder| folder.join(path))
    }

    /// A path that was typed for `config.toml`: as typed, unless it is the path of a file from the folder in which embedctl was
    /// started, which it would not be in the settings. Says which folder a relative path starts from.
    pub(crate) fn typed(&self, path: &str, system: &System) -> (String, Option<String>) {
        if path.starts_with("~/") || Path::new(path).is_absolute() {
            return (path.to_owned(), None);
        }
        let settings = self.in_config(path);
        let here = std::path::absolute(system.path(path)).unwrap_or_else(|_| system.path(path));
        let shown = settings.display();
        if settings.exists() {
            let note = format!("`{path}` is relative to the folder of `config.toml`: `{shown}`");
            return (path.to_owned(), Some(note));
        }
        if here.exists() {
            let here = here.to_string_lossy().into_owned();
            let note = format!(
                "`{path}` becomes `{here}`, since paths in `config.toml` are relative to its folder"
            );
            return (here, Some(note));
        }
        let note = format!(
            "`{path}` is relative to the folder of `config.toml`: `{shown}`, which does not exist yet"
        );
        (path.to_owned(), Some(note))
    }
}
