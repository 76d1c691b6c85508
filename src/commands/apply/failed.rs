//! Keeps the rows that failed, as a manifest to be applied later.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter};
use std::path::PathBuf;

use crate::commands::apply::source::Source;
use crate::error::{Error, Kind};
use crate::manifest::{Checked, Format, Item, write};
use crate::system::System;

/// The file that failed rows go to.
#[derive(Debug)]
pub(super) struct FailedTo {
    name: String,
    path: PathBuf,
    format: Format,
}

impl FailedTo {
    /// See that the file can be written, before anything is done.
    pub(super) fn open(name: &str, source: &Source, system: &System) -> Result<Self, Error> {
        let path = system.path(name);
        let format = Format::of(&path).unwrap_or(match source.plan {
            Some(_) => Format::Jsonl,
            None => source.format,
        });
        let failed = Self {
            name: name.to_owned(),
            path,
            format,
        };
        failed.create(false)?;
        Ok(failed)
    }

    /// Write the rows of the users in `failed`; an empty file where there are none.
    pub(super) fn write(
        &self,
        failed: &BTreeMap<String, String>,
        source: &Source,
        checked: &Checked,
    ) -> Result<(), Error> {
        let rows = source.rows(None)?.filter_map(|item| match item {
            Item::Row(row) if failed.contains_key(&row.external_user_id) => Some(*row),
            _ => None,
        });
        let mut out = BufWriter::new(self.create(true)?);
        write(rows, self.format, &checked.attributes, &mut out)
            .map_err(|error| self.unwritable(Kind::Internal, error))
    }

    fn create(&self, truncate: bool) -> Result<File, Error> {
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(truncate);
        let opened = options.open(&self.path);
        opened.map_err(|error| self.unwritable(Kind::Usage, error))
    }

    fn unwritable(&self, kind: Kind, error: io::Error) -> Error {
        Error::caused(kind, error)
            .context(format!("cannot write the failed rows to `{}`", self.name))
    }
}
