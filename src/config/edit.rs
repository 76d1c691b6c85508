//! Changes to `config.toml` that leave everything else in it as its owner wrote it: comments, order, blank lines.

use std::path::Path;

use toml_edit::{DocumentMut, Item, Table, TableLike, Value};
use zeroize::Zeroizing;

use crate::config::Settings;
use crate::config::file::ConfigFile;
use crate::error::{Error, Kind};
use crate::report::nearest;
use crate::system::{Readers, files};

const PROFILES: &str = "profiles";
const DEFAULT: &str = "default_profile";

/// The file while it is being changed.
#[derive(Debug)]
pub(crate) struct Draft {
    /// The file as it was read.
    pub(crate) before: ConfigFile,
    document: DocumentMut,
}

impl Settings {
    /// Change the file, or create it, while no other process does; what `change` leaves behind must be a valid file. Nothing is
    /// written if `keep` is false.
    pub(crate) fn edit_config<T>(
        &self,
        keep: bool,
        mut change: impl FnMut(&mut Draft) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let path = self.config_path()?.to_owned();
        if keep {
            let folder = path.parent().unwrap_or_else(|| Path::new("."));
            files::make_private_folder(folder)?;
        } else if !path.exists() {
            // Not even the folder is created for a look ahead.
            return change(&mut Draft::new("", &path)?);
        }
        files::update(&path, Readers::Everybody, u64::MAX, |old| {
            let old = str::from_utf8(old.unwrap_or_default())
                .map_err(|_| Error::usage(format!("`{}` is not text", path.display())))?;
            let mut draft = Draft::new(old.trim_start_matches('\u{feff}'), &path)?;
            let result = change(&mut draft)?;
            let new = draft.document.to_string();
            let bytes = (keep && new != old).then(|| Zeroizing::new(new.into_bytes()));
            Ok((bytes, result))
        })
    }
}

impl Draft {
    fn new(text: &str, path: &Path) -> Result<Self, Error> {
        // First by the reader whose errors name the place and repeat no secret.
        let mut before = ConfigFile::parse(text, path)?;
        path.clone_into(&mut before.path);
        let document = text
            .parse()
            .map_err(|_| Error::usage(format!("cannot read `{}`", path.display())))?;
        Ok(Self { before, document })
    }

    /// The file as it is now.
    pub(crate) fn after(&self) -> Result<ConfigFile, Error> {
        let path = &self.before.path;
        let mut after = ConfigFile::parse(&self.document.to_string(), path)?;
        after.path.clone_from(path);
        Ok(after)
    }

    /// Make `name` the default profile.
    pub(crate) fn set_default(&mut self, name: &str) {
        put(self.document.as_table_mut(), DEFAULT, Value::from(name));
    }

    /// Leave the file without a default profile.
    pub(crate) fn unset_default(&mut self) {
        self.document.remove(DEFAULT);
    }

    /// Add an empty profile at the end.
    pub(crate) fn add(&mut self, name: &str) -> Result<(), Error> {
        let implicit = || {
            let mut table = Table::new();
            // Without a header of its own.
            table.set_implicit(true);
            Item::Table(table)
        };
        // What stands at the end of the file stays before the new profile.
        let end = self.document.trailing().as_str().unwrap_or_default();
        let end = format!(
            "{end}{}\n",
            if end.is_empty() || end.ends_with('\n') {
                ""
            } else {
                "\n"
            }
        );
        self.document.set_trailing("");
        let mut profile = Table::new();
        if !self.document.is_empty() {
            profile.decor_mut().set_prefix(end);
        }
        let profiles = self.document.entry(PROFILES).or_insert_with(implicit);
        let profiles = profiles.as_table_like_mut().ok_or_else(no_table)?;
        profiles.insert(name, Item::Table(profile));
        Ok(())
    }

    /// Delete a profile with the comments above it.
    pub(crate) fn remove(&mut self, name: &str) {
        let profiles = self.document.get_mut(PROFILES);
        if let Some(profiles) = profiles.and_then(Item::as_table_like_mut) {
            profiles.remove(name);
        }
    }

    /// Set a value of a profile, such as `grants.models`, or delete it.
    pub(crate) fn set(
        &mut self,
        profile: &str,
        path: &[&str],
        value: Option<Value>,
    ) -> Result<(), Error> {
        let Some((key, parents)) = path.split_last() else {
            return Ok(());
        };
        let mut table: &mut dyn TableLike = self.document.as_table_mut();
        for name in [PROFILES, profile].iter().chain(parents) {
            if !table.contains_key(name) {
                // There is nothing to delete.
                if value.is_none() {
                    return Ok(());
                }
                table.insert(name, Item::Table(Table::new()));
            }
            let inner = table.get_mut(name).and_then(Item::as_table_like_mut);
            table = inner.ok_or_else(no_table)?;
        }
        match value {
            Some(value) => put(table, key, value),
            None => drop(table.remove(key)),
        }
        Ok(())
    }

    /// Refuse a profile that is not in the file; sections of `looker.ini` are only read.
    pub(crate) fn require(&self, name: &str) -> Result<(), Error> {
        let known = self.before.profiles.keys().map(String::as_str);
        if self.before.profiles.contains_key(name) {
            return Ok(());
        }
        let path = self.before.path.display();
        let error = Error::new(
            Kind::NotFound,
            format!("there is no profile `{name}` in `{path}`"),
        );
        Err(match nearest(name, known) {
            Some(near) => error.hint(format!("did you mean `{near}`?")),
            None => error.hint("`embedctl profile list` shows the profiles there are"),
        })
    }
}

/// Set a value, with the comment that the old one has behind it.
fn put(table: &mut dyn TableLike, key: &str, mut value: Value) {
    match table.get_mut(key).and_then(Item::as_value_mut) {
        Some(old) => {
            *value.decor_mut() = old.decor().clone();
            *old = value;
        }
        None => drop(table.insert(key, Item::Value(value))),
    }
}

fn no_table() -> Error {
    Error::usage("the profile is not a table")
}
