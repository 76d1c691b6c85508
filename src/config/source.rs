//! A setting and its source.

use std::fmt;
use std::path::PathBuf;

/// The source of a setting.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Source {
    /// A command line flag, such as `--base-url`.
    Flag(&'static str),
    /// An environment variable.
    Variable(String),
    /// A profile of `config.toml`.
    Profile {
        /// The profile's name.
        name: String,
        /// The file.
        file: PathBuf,
    },
    /// A section of `looker.ini`.
    Ini {
        /// The section's name.
        section: String,
        /// The file.
        file: PathBuf,
        /// Whether it was asked for by name, as a profile.
        profile: bool,
    },
    /// A `machine` or the `default` of a netrc file.
    Netrc {
        /// The file.
        file: PathBuf,
    },
    /// Derived from another setting, which is named.
    Derived(&'static str),
    /// The local Looker of this run.
    Emulator,
    /// The default.
    Default,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(flag) => write!(f, "flag `{flag}`"),
            Self::Variable(name) => write!(f, "variable `{name}`"),
            Self::Profile { name, file } => write!(f, "profile `{name}` in `{}`", file.display()),
            Self::Ini { section, file, .. } => {
                write!(f, "section `{section}` of `{}`", file.display())
            }
            Self::Netrc { file } => write!(f, "`{}`", file.display()),
            Self::Derived(from) => write!(f, "from {from}"),
            Self::Emulator => f.write_str("the emulator"),
            Self::Default => f.write_str("default"),
        }
    }
}

/// Sources that belong together: an address and credentials come from one of them.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Family {
    /// Flags and `EMBEDCTL_…` variables.
    Own,
    /// The profile in use.
    Profile,
    /// What the official SDKs read: `LOOKERSDK_…` variables, which override `looker.ini`.
    Sdk,
    /// A netrc file, which names a host for each key.
    Netrc,
    /// The local Looker of this run.
    Emulator,
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Own => "embedctl",
            Self::Profile => "profile",
            Self::Sdk => "sdk",
            Self::Netrc => "netrc",
            Self::Emulator => "emulator",
        })
    }
}

impl Source {
    /// The family that it belongs to.
    pub fn family(&self) -> Option<Family> {
        match self {
            Self::Flag(_) => Some(Family::Own),
            Self::Variable(name) if name.starts_with("EMBEDCTL_") => Some(Family::Own),
            Self::Variable(name) if name.starts_with("LOOKERSDK_") => Some(Family::Sdk),
            Self::Profile { .. } | Self::Ini { profile: true, .. } => Some(Family::Profile),
            Self::Ini { profile: false, .. } => Some(Family::Sdk),
            Self::Netrc { .. } => Some(Family::Netrc),
            Self::Emulator => Some(Family::Emulator),
            Self::Variable(_) | Self::Derived(_) | Self::Default => None,
        }
    }
}

/// A value and its source.
#[derive(Clone, Debug)]
pub(crate) struct Setting<T> {
    pub(crate) value: T,
    pub(crate) source: Source,
}

impl<T> Setting<T> {
    pub(crate) const fn new(value: T, source: Source) -> Self {
        Self { value, source }
    }

    /// The default value.
    pub(crate) const fn default(value: T) -> Self {
        Self::new(value, Source::Default)
    }

    /// The same source with the value that `read` derives.
    pub(crate) fn try_map<U, E>(
        self,
        read: impl FnOnce(T, &Source) -> Result<U, E>,
    ) -> Result<Setting<U>, E> {
        Ok(Setting {
            value: read(self.value, &self.source)?,
            source: self.source,
        })
    }
}
