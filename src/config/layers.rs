//! The sources of a setting, in order of precedence.

use std::path::PathBuf;

use crate::config::args::ConfigArgs;
use crate::config::base_url;
use crate::config::family::{self, Arrangement, Member};
use crate::config::file::{ConfigFile, Profile, Scalar, SecretPlace};
use crate::config::ini::{Ini, Section};
use crate::config::key::{CREDENTIALS, Key};
use crate::config::places::Places;
use crate::config::source::{Family, Setting, Source};
use crate::config::text;
use crate::error::Error;
use crate::report::nearest;
use crate::system::System;

/// A value as it stands in its source.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    Text(String),
    /// The location of a secret.
    Place(SecretPlace),
}

/// What one source has of an API key.
pub(crate) struct ApiKeyValues {
    pub(crate) client_id: Option<Setting<String>>,
    pub(crate) client_secret: Option<Setting<Value>>,
}

/// One source.
enum Layer {
    /// Flags and `EMBEDCTL_…` variables.
    Own,
    /// A profile of `config.toml`.
    Profile {
        name: String,
        profile: Box<Profile>,
        file: PathBuf,
        /// Whether it was asked for, as opposed to the default.
        named: bool,
    },
    /// `LOOKERSDK_…` variables.
    Sdk,
    /// A section of `looker.ini`.
    Ini {
        section: Section,
        file: PathBuf,
        /// Whether the section was asked for, as a profile.
        profile: bool,
        /// Whether the section or the file was asked for.
        named: bool,
    },
}

/// Flags, environment, profile and `looker.ini`.
pub(crate) struct Layers<'a> {
    pub(crate) args: &'a ConfigArgs,
    pub(crate) system: &'a System,
    /// The name of the profile or section in use, if one is named.
    pub(crate) chosen: Option<Setting<String>>,
    /// In order of precedence.
    stack: Vec<Layer>,
    /// Which of them may give what.
    pub(crate) arrangement: Arrangement,
    /// The variables that any profile names for a secret.
    pub(crate) named_secrets: Vec<String>,
}

impl<'a> Layers<'a> {
    /// Flags and `EMBEDCTL_…` variables only.
    pub(crate) fn without_files(args: &'a ConfigArgs, system: &'a System) -> Result<Self, Error> {
        let mut layers = Self {
            args,
            system,
            chosen: None,
            stack: vec![Layer::Own],
            arrangement: Arrangement::default(),
            named_secrets: Vec::new(),
        };
        layers.arrange()?;
        Ok(layers)
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
        let mut layers = Self::without_files(args, system)?;
        layers.named_secrets = file.secret_variables();
        layers.stack_up(file, &ini, places)?;
        layers.arrange()?;
        // A default profile of another Looker than the flags' is not in use.
        let in_use = |index: &usize| match layers.stack.get(*index) {
            Some(Layer::Profile { .. } | Layer::Ini { profile: true, .. }) => true,
            Some(Layer::Own | Layer::Sdk | Layer::Ini { .. }) | None => false,
        };
        if layers.arrangement.conflict.is_none() && !layers.arrangement.others.iter().any(in_use) {
            layers.chosen = None;
        }
        Ok(layers)
    }

    /// One profile only, to check it.
    pub(crate) fn of_profile(
        args: &'a ConfigArgs,
        system: &'a System,
        file: &ConfigFile,
        name: &str,
    ) -> Result<Self, Error> {
        let mut layers = Self::without_files(args, system)?;
        let profile = file.profiles.get(name).cloned().unwrap_or_default();
        layers.stack = vec![Layer::Profile {
            name: name.to_owned(),
            profile: Box::new(profile),
            file: file.path.clone(),
            named: true,
        }];
        layers.arrange()?;
        Ok(layers)
    }

    /// Select the profile and the section, and put them in their place.
    fn stack_up(&mut self, mut file: ConfigFile, ini: &Ini, places: &Places) -> Result<(), Error> {
        let asked = self.args.profile.as_deref();
        // Someone who names a `looker.ini` wants that file, not the default profile.
        let default = file
            .default_profile
            .as_deref()
            .filter(|_| !places.ini_named);
        let Some(name) = asked.or(default).map(str::to_owned) else {
            self.stack.push(Layer::Sdk);
            self.stack
                .extend(ini.first().map(|first| ini_layer(first, false, places)));
            return Ok(());
        };
        let named = asked.is_some();
        let section = ini.section(&name);
        if !file.profiles.contains_key(&name) && (!named || section.is_none()) {
            return Err(unknown_profile(&name, named, &file, ini));
        }
        let default = Source::Derived("`default_profile`");
        self.chosen = self
            .flag("--profile", self.args.profile.clone())
            .or_else(|| Some(Setting::new(name.clone(), default)));
        match file.profiles.remove(&name) {
            Some(profile) => {
                let profile = Layer::Profile {
                    name,
                    profile: Box::new(profile),
                    file: file.path,
                    named,
                };
                self.stack.push(profile);
                // A named profile comes before the variables, the default one after them.
                let place = if named { self.stack.len() } else { 1 };
                self.stack.insert(place, Layer::Sdk);
                let section = section.or_else(|| ini.first());
                self.stack
                    .extend(section.map(|section| ini_layer(section, false, places)));
            }
            None => {
                self.stack
                    .extend(section.map(|section| ini_layer(section, true, places)));
                self.stack.push(Layer::Sdk);
            }
        }
        Ok(())
    }

    /// Find out which layers belong to the Looker of this run.
    fn arrange(&mut self) -> Result<(), Error> {
        let members: Result<Vec<_>, Error> =
            self.stack.iter().map(|layer| self.member(layer)).collect();
        self.arrangement = family::arrange(&members?);
        Ok(())
    }

    fn member(&self, layer: &Layer) -> Result<Member, Error> {
        let address = self.text_in(layer, Key::BaseUrl);
        let address =
            address.map(|given| given.try_map(|text, source| base_url::parse(&text, source)));
        let address = address.transpose()?;
        let given = |key: &Key| Some(self.value_in(layer, *key)?.source);
        let credentials: Vec<_> = CREDENTIALS
            .into_iter()
            .filter(|key| given(key).is_some())
            .collect();
        let source = match layer {
            Layer::Own | Layer::Sdk => {
                let first = address.as_ref().map(|address| address.source.clone());
                first
                    .or_else(|| given(credentials.first()?))
                    .unwrap_or(Source::Default)
            }
            Layer::Profile { .. } | Layer::Ini { .. } => layer.source(),
        };
        let (family, named) = match layer {
            Layer::Own => (Family::Own, false),
            Layer::Profile { named, .. } => (Family::Profile, *named),
            Layer::Sdk => (Family::Sdk, false),
            Layer::Ini {
                profile: true,
                named,
                ..
            } => (Family::Profile, *named),
            Layer::Ini {
                profile: false,
                named,
                ..
            } => (Family::Sdk, *named),
        };
        Ok(Member {
            family,
            source,
            named,
            address,
            credentials,
        })
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
            let value = text::variable(self.system, name)?;
            Some(Setting::new(value, Source::Variable((*name).to_owned())))
        })
    }

    /// A value of the profile, if it is for the Looker of this run.
    pub(crate) fn profile<T>(
        &self,
        pick: impl FnOnce(&Profile) -> Option<T>,
    ) -> Option<Setting<T>> {
        let mut layers = self.layers(&self.arrangement.others);
        let (layer, profile) = layers.find_map(|layer| match layer {
            Layer::Profile { profile, .. } => Some((layer, profile)),
            _ => None,
        })?;
        Some(Setting::new(pick(profile)?, layer.source()))
    }

    /// The text of `key` in the first source that has it.
    pub(crate) fn text(&self, key: Key) -> Option<Setting<String>> {
        let layers = match key {
            Key::Timeout => &self.arrangement.harmless,
            _ => &self.arrangement.others,
        };
        self.layers(layers)
            .find_map(|layer| self.text_in(layer, key))
    }

    /// The embed secret of the first source that has one and is for the Looker of this run.
    pub(crate) fn embed_secret(&self) -> Option<Setting<Value>> {
        let mut layers = self.layers(&self.arrangement.credentials);
        layers.find_map(|layer| self.value_in(layer, Key::EmbedSecret))
    }

    /// The API key, or half of one, of each source that is for the Looker of this run; the first one wins.
    pub(crate) fn api_keys(&self) -> impl Iterator<Item = ApiKeyValues> {
        let layers = self.layers(&self.arrangement.credentials);
        layers.map(|layer| ApiKeyValues {
            client_id: self.text_in(layer, Key::ClientId),
            client_secret: self.value_in(layer, Key::ClientSecret),
        })
    }

    fn layers<'b>(&'b self, indices: &'b [usize]) -> impl Iterator<Item = &'b Layer> {
        indices.iter().filter_map(|index| self.stack.get(*index))
    }

    fn text_in(&self, layer: &Layer, key: Key) -> Option<Setting<String>> {
        let Setting { value, source } = self.value_in(layer, key)?;
        match value {
            Value::Text(text) => Some(Setting::new(text, source)),
            Value::Place(_) => None,
        }
    }

    fn value_in(&self, layer: &Layer, key: Key) -> Option<Setting<Value>> {
        let value = match layer {
            Layer::Own => return self.own(key).map(Setting::text),
            Layer::Sdk => {
                let variable = key.variable("LOOKERSDK");
                return self.variable(&[&variable]).map(Setting::text);
            }
            Layer::Profile { profile, .. } => of_profile(profile, key)?,
            Layer::Ini { section, .. } => Value::Text(section.value(key.name())?.to_owned()),
        };
        Some(Setting::new(value, layer.source()))
    }

    /// A flag, or the `EMBEDCTL_…` variable of a key that has no flag.
    fn own(&self, key: Key) -> Option<Setting<String>> {
        let args = self.args;
        let (flag, given) = match key {
            Key::Timeout => ("--timeout", &args.timeout),
            // A local Looker brings everything else along.
            _ if args.emulator => return None,
            Key::BaseUrl => ("--base-url", &args.base_url),
            Key::EmbedHost => ("--embed-host", &args.embed_host),
            Key::ClientId | Key::ClientSecret | Key::EmbedSecret | Key::VerifySsl => {
                return self.variable(&[&key.variable("EMBEDCTL")]);
            }
        };
        self.flag(flag, given.clone())
    }
}

impl Setting<String> {
    fn text(self) -> Setting<Value> {
        Setting::new(Value::Text(self.value), self.source)
    }
}

impl Layer {
    /// The source of what a file gives.
    fn source(&self) -> Source {
        match self {
            Self::Profile { name, file, .. } => Source::Profile {
                name: name.clone(),
                file: file.clone(),
            },
            Self::Ini {
                section,
                file,
                profile,
                ..
            } => Source::Ini {
                section: section.name.clone(),
                file: file.clone(),
                profile: *profile,
            },
            Self::Own | Self::Sdk => Source::Default,
        }
    }
}

fn ini_layer(section: &Section, profile: bool, places: &Places) -> Layer {
    Layer::Ini {
        section: section.clone(),
        file: places.ini.clone(),
        profile,
        named: profile || places.ini_named,
    }
}

fn of_profile(profile: &Profile, key: Key) -> Option<Value> {
    let text = match key {
        Key::BaseUrl => profile.base_url.clone(),
        Key::ClientId => profile.client_id.clone(),
        Key::EmbedHost => profile.embed_host.clone(),
        Key::VerifySsl => profile.verify_ssl.map(|verify| verify.to_string()),
        Key::Timeout => profile.timeout.as_ref().map(Scalar::to_string),
        Key::ClientSecret => return profile.client_secret.clone().map(Value::Place),
        Key::EmbedSecret => return profile.embed_secret.clone().map(Value::Place),
    };
    let text = text.as_deref().map(text::bare);
    let filled = text.filter(|text| !text.is_empty());
    filled.map(|text| Value::Text(text.to_owned()))
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
