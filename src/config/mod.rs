//! The settings of a run: what was given, where, and what it means.

mod args;

use crate::error::Error;
use crate::system::System;

pub use args::ConfigArgs;

/// The settings of a run, each with the place it came from.
#[derive(Debug)]
pub struct Settings {}

impl Settings {
    /// Bring together flags, environment, profile, `looker.ini` and defaults.
    pub fn resolve(_args: &ConfigArgs, _system: &System) -> Result<Self, Error> {
        Ok(Self {})
    }
}
