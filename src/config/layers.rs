//! The sources of a setting, in order of precedence.

use std::path::{Path, PathBuf};

use crate::config::args::ConfigArgs;
use crate::config::file::{ConfigFile, Profile};
use crate::config::ini::{Ini, Section};
use crate::config::places::Places;
use crate::config::source::{Setting, Source};
use crate::error::Error;
use crate::report::nearest;
use crate::system::System;

/// Flags, environment, profile and `looker.ini`.
pub(crate) struct Layers<'a> {
    pub(crate) args: &'a ConfigArgs,
    pub(crate) system: &'a System,
    /// The name of the profile or section in use, if one is named.
    pub(crate) chosen: Option<Setting<String>>,
    profile: Option<(String, Profile, PathBuf)>,
    ini: Option<(Section, PathBuf)>,
    /// The section of `looker.ini` that is used only if it is for the same Looker.
    pub(crate) fallback_ini: Option<(Section, PathBuf)>,
    /// The variables that any profile names for a secret.
    pub(crate) named_secrets: Vec<String>,
}

impl<'a> Layers<'a> {
    /// Flags and `EMBEDCTL_…` variables only: all that a run against a local Looker uses.
    pub(crate) const fn without_files(args: &'a ConfigArgs, system: &'a System) -> Self {
        Self {
            args,
            system,
            chosen: None,
            profile: None,
            ini: None,
            fallback_ini: None,
            named_secrets: Vec::new(),
        }
    }

    /// All of them, with the profile and section selected by flags or by the files themselves.
    pub(crate) fn read(
        args: &'a ConfigArgs,
        system: &'a System,
        places: &Places,
    ) -> Result<Self, Error> {
        let file = match &places.config {
            Some(path) => ConfigFile::read(path.clone(), places.config_named)?.unwrap_or_default(),
            None => ConfigFile::default(),
        };
        let ini = Ini::read(&places.ini, places.ini_named)?.unwrap_or_default();
        let mut layers = Self::without_files(args, system);
        layers.named_secrets = file.secret_variables();
        layers.choose(file, &ini, places)?;
        Ok(layers)
    }

    fn choose(&mut self, mut file: ConfigFile, ini: &Ini, places: &Places) -> Result<(), Error> {
        let named = self.args.profile.as_deref();
        // Someone who names a `looker.ini` wants that file, not the default profile.
        let default = file
            .default_profile
            .as_deref()
            .filter(|_| !places.ini_named);
        let Some(name) = named.or(default).map(str::to_owned) else {
            self.ini = ini
                .first()
                .map(|section| (section.clone(), places.ini.clone()));
            return Ok(());
        };
        let section = ini
            .section(&name)
            .filter(|_| named.is_some() || !places.ini_named);
        let known = file.profiles.contains_key(&name) || (named.is_some() && section.is_some());
        if !known {
            return Err(unknown_profile(&name, named.is_some(), &file, ini));
        }
        self.chosen = self
            .flag("--profile", self.args.profile.clone())
            .or_else(|| {
                let source = Source::Derived("`default_profile`");
                Some(Setting::new(name.clone(), source))
            });
        self.ini = section.map(|section| (section.clone(), places.ini.clone()));
        if self.ini.is_none() {
            self.fallback_ini = ini
                .first()
                .map(|section| (section.clone(), places.ini.clone()));
        }
        if let Some(profile) = file.profiles.remove(&name) {
            self.profile = Some((name, profile, file.path));
        }
        Ok(())
    }

    /// A flag's value, which may come from its `EMBEDCTL_…` variable.
    pub(crate) fn flag<T>(&self, flag: &'static str, value: Option<T>) -> Option<Setting<T>> {
        let source = match self.args.from_variables.get(flag) {
            Some(variable) => Source::Variable(variable.clone()),
            None => Source::Flag(flag),
        };
        value.map(|value| Setting::new(value, source))
    }

    /// The first of these environment variables that is set.
    pub(crate) fn variable(&self, names: &[&str]) -> Option<Setting<String>> {
        names.iter().find_map(|name| {
            let value = self.system.var(name)?;
            Some(Setting::new(value, Source::Variable((*name).to_owned())))
        })
    }

    /// The same for variables that describe a real Looker; a local one ignores them.
    pub(crate) fn sdk_variable(&self, names: &[&str]) -> Option<Setting<String>> {
        self.variable(names).filter(|_| !self.args.emulator)
    }

    /// A value of the profile.
    pub(crate) fn profile<T>(
        &self,
        pick: impl FnOnce(&Profile) -> Option<T>,
    ) -> Option<Setting<T>> {
        let (name, profile, file) = self.profile.as_ref()?;
        let source = Source::Profile {
            name: name.clone(),
            file: file.clone(),
        };
        Some(Setting::new(pick(profile)?, source))
    }

    /// A value of `looker.ini`.
    pub(crate) fn ini(&self, key: &str) -> Option<Setting<String>> {
        let (section, file) = self.ini.as_ref()?;
        ini_setting(section, file, key)
    }

    /// Use the fallback section after all.
    pub(crate) fn accept_fallback(&mut self) {
        self.ini = self.fallback_ini.take();
    }
}

pub(crate) fn ini_setting(section: &Section, file: &Path, key: &str) -> Option<Setting<String>> {
    let source = Source::Ini {
        section: section.name.clone(),
        file: file.to_owned(),
    };
    Some(Setting::new(section.value(key)?.to_owned(), source))
}

fn unknown_profile(name: &str, named: bool, file: &ConfigFile, ini: &Ini) -> Error {
    let error = if named {
        Error::usage(format!("there is no profile `{name}`"))
    } else {
        Error::usage(format!(
            "`default_profile` in `{}` names `{name}`, which does not exist",
            file.path.display()
        ))
    };
    let known: Vec<&str> = file
        .profiles
        .keys()
        .map(String::as_str)
        .chain(ini.sections().iter().map(|section| section.name.as_str()))
        .collect();
    if let Some(near) = nearest(name, known.iter().copied()) {
        error.hint(format!("did you mean `{near}`?"))
    } else if known.is_empty() {
        error.hint("run `embedctl profile path` to see where profiles are searched for")
    } else {
        error.hint(format!("the known profiles are `{}`", known.join("`, `")))
    }
}
