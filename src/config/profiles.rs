//! The existing profiles and files, for `embedctl profile`.

use std::path::PathBuf;

use crate::config::Settings;
use crate::config::file::ConfigFile;
use crate::config::ini::Ini;
use crate::error::Error;

/// A profile of `config.toml` or a section of `looker.ini`.
#[derive(Clone, Debug)]
pub struct ProfileName {
    /// Its name for `--profile`.
    pub name: String,
    /// The Looker it is for.
    pub base_url: Option<String>,
    /// The file that defines it.
    pub file: PathBuf,
    /// Whether this run uses it.
    pub chosen: bool,
}

impl Settings {
    /// The existing profiles.
    pub fn profiles(&self) -> Result<Vec<ProfileName>, Error> {
        let places = &self.places;
        let file = match &places.config {
            Some(_) => self.read_config()?,
            None => ConfigFile::default(),
        };
        let mut profiles = Vec::new();
        for (name, profile) in file.profiles {
            profiles.push(ProfileName {
                chosen: self.is_chosen(&name),
                name,
                base_url: profile.base_url,
                file: file.path.clone(),
            });
        }
        let ini = Ini::read(&places.ini, places.ini_named)?.unwrap_or_default();
        for (index, section) in ini.sections().iter().enumerate() {
            profiles.push(ProfileName {
                name: section.name.clone(),
                base_url: section.value("base_url").map(str::to_owned),
                file: places.ini.clone(),
                chosen: self.is_chosen(&section.name) || (self.profile.is_none() && index == 0),
            });
        }
        Ok(profiles)
    }

    /// The files that settings are read from and the folder for ledgers, whether they exist or not.
    pub fn places(&self) -> Vec<(&'static str, PathBuf)> {
        let places = &self.places;
        let named = [
            ("config.toml", places.config.clone()),
            ("looker.ini", Some(places.ini.clone())),
            ("netrc", places.netrc.clone()),
            ("ledgers", places.state.clone()),
        ];
        named
            .into_iter()
            .filter_map(|(name, path)| Some((name, path?)))
            .collect()
    }

    fn is_chosen(&self, name: &str) -> bool {
        self.profile
            .as_ref()
            .is_some_and(|profile| profile.value == name)
    }
}
