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
            Self::Ini { section, file } => write!(f, "section `{section}` of `{}`", file.display()),
            Self::Netrc { file } => write!(f, "`{}`", file.display()),
            Self::Derived(from) => write!(f, "from {from}"),
            Self::Emulator => f.write_str("the emulator"),
            Self::Default => f.write_str("default"),
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
