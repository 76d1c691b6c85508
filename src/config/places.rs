//! The files that settings may come from, and the folder for ledgers.

use std::path::{Path, PathBuf};

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
        let named = system.var("EMBEDCTL_CONFIG").map(|path| system.path(path));
        let home = system.var("HOME").map(PathBuf::from);
        Self {
            config_named: named.is_some(),
            config: named.or_else(|| {
                let folder = system.xdg_dir("XDG_CONFIG_HOME", ".config")?;
                Some(folder.join("config.toml"))
            }),
            ini: system.path(ini.unwrap_or_else(|| Path::new("looker.ini"))),
            ini_named: ini.is_some(),
            netrc: system
                .var("NETRC")
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
}
