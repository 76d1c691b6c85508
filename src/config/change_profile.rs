//! Changing the profiles of `config.toml`: the default one, single values, removal.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::config::Settings;
use crate::config::assign::{self, Assignment, Form, Wish};
use crate::config::edit::Draft;
use crate::config::file::{ConfigFile, SecretPlace};
use crate::error::Error;
use crate::secret::SecretString;
use crate::system::System;

/// What `profile set` changed, for people.
#[derive(Debug, Default)]
pub(crate) struct Changed {
    /// Which folders paths start from.
    pub(crate) notes: Vec<String>,
    /// What is wrong with the profile, and was before.
    pub(crate) still_wrong: Option<Error>,
}

/// What goes with a profile that is removed.
#[derive(Debug, Default)]
pub(crate) struct Removed {
    /// The files with its secrets that `profile add` wrote.
    pub(crate) files: Vec<PathBuf>,
    /// Whether it is the default profile.
    pub(crate) is_default: bool,
}

impl Settings {
    /// Make `name` the default profile; returns the former one.
    pub(crate) fn use_profile(&self, name: &str, keep: bool) -> Result<Option<String>, Error> {
        self.edit_config(keep, |draft| {
            draft.require(name)?;
            draft.set_default(name);
            Ok(draft.before.default_profile.clone())
        })
    }

    /// Change values of a profile. `typed` holds the secrets that were asked for, by key.
    pub(crate) fn set_profile(
        &self,
        name: &str,
        assignments: &[Assignment],
        typed: &BTreeMap<String, SecretString>,
        keep: bool,
        system: &System,
    ) -> Result<Changed, Error> {
        self.edit_config(keep, |draft| {
            draft.require(name)?;
            let mut changed = Changed::default();
            for assignment in assignments {
                let Assignment { key, form, wish } = assignment;
                let value = match wish {
                    Wish::Nothing => None,
                    Wish::Ask => Some(assign::place(&SecretPlace::File(secret_file(name, key)))),
                    Wish::Text(text) => {
                        let (text, note) = self.typed_path(*form, text, system);
                        changed.notes.extend(note);
                        Some(assign::value(key, *form, &text)?)
                    }
                };
                draft.set(name, &assignment.path(), value)?;
            }
            let checked = self.check_profile(&draft.after()?, name, system);
            // One mistake may be mended after the other.
            let was_wrong = self.check_profile(&draft.before, name, system).is_err();
            match checked {
                Err(error) if was_wrong => changed.still_wrong = Some(error),
                checked => checked.map_err(|error| error.context("nothing was changed"))?,
            }
            if keep {
                for (key, secret) in typed {
                    self.write_secret(name, key, secret, &draft.before)?;
                }
            }
            Ok(changed)
        })
    }

    /// Remove a profile, and the files with its secrets that `profile add` wrote.
    pub(crate) fn remove_profile(&self, name: &str, keep: bool) -> Result<Removed, Error> {
        let removed = self.edit_config(keep, |draft| {
            draft.require(name)?;
            let removed = self.goes_along(name, draft);
            draft.remove(name);
            if removed.is_default {
                draft.unset_default();
            }
            Ok(removed)
        })?;
        // The profile first: one that points to nothing would be worse than a file too many.
        if keep {
            for file in &removed.files {
                std::fs::remove_file(file).map_err(|error| {
                    Error::internal(error).context(format!(
                        "the profile is gone, but `{}` cannot be deleted",
                        file.display()
                    ))
                })?;
            }
        }
        Ok(removed)
    }

    fn goes_along(&self, name: &str, draft: &Draft) -> Removed {
        let file = &draft.before;
        let ours = ["client_secret", "embed_secret"]
            .map(|key| self.places.in_config(&secret_file(name, key)));
        let mut files = self.secret_files(file, |profile| profile == name);
        let others = self.secret_files(file, |profile| profile != name);
        files.retain(|path| ours.contains(path) && !others.contains(path) && path.exists());
        Removed {
            files,
            is_default: file.default_profile.as_deref() == Some(name),
        }
    }

    /// The files that profiles name for secrets.
    pub(crate) fn secret_files(
        &self,
        file: &ConfigFile,
        of: impl Fn(&str) -> bool,
    ) -> Vec<PathBuf> {
        let profiles = file.profiles.iter().filter(|(name, _)| of(name));
        let places = profiles.flat_map(|(_, it)| [&it.client_secret, &it.embed_secret]);
        let paths = places.flatten().filter_map(|place| match place {
            SecretPlace::File(path) => Some(self.places.in_config(path)),
            SecretPlace::Env(_) | SecretPlace::Command(_) => None,
        });
        paths.collect()
    }

    /// What was typed, with a path in it as it must be written.
    pub(crate) fn typed_path(
        &self,
        form: Form,
        text: &str,
        system: &System,
    ) -> (String, Option<String>) {
        let prefix = match form {
            Form::Path => "",
            Form::Ledger if text.starts_with("sqlite:") => "sqlite:",
            Form::Ledger if !text.contains(':') => "",
            Form::Secret if text.starts_with("file:") => "file:",
            Form::Sink => return (text.to_owned(), relative_sink(text)),
            _ => return (text.to_owned(), None),
        };
        let path = text.strip_prefix(prefix).unwrap_or(text);
        let (path, note) = self.places.typed(path, system);
        (format!("{prefix}{path}"), note)
    }
}

/// What a relative path of a sink starts from.
fn relative_sink(text: &str) -> Option<String> {
    let (form, path) = text.split_once(':')?;
    let is_path = ["file", "dir", "env"].contains(&form);
    let is_relative = !path.starts_with(['/', '~']);
    (is_path && is_relative)
        .then(|| format!("`{text}` is relative to the folder in which embedctl is run"))
}

/// The file of a secret that was typed in, beside `config.toml`.
pub(crate) fn secret_file(profile: &str, key: &str) -> String {
    format!("{profile}.{key}")
}
