//! Writes the failed rows as a manifest, to apply later.

use std::collections::BTreeMap;
use std::io::{BufWriter, IntoInnerError};

use crate::commands::apply::source::Source;
use crate::commands::files::{Output, OutputKind, Writing};
use crate::error::{Error, Kind};
use crate::manifest::{Checked, Columns, Format, Item, write};
use crate::system::System;

/// The file for failed rows.
#[derive(Debug)]
pub(super) struct FailedTo {
    output: Output,
    format: Format,
}

impl FailedTo {
    /// Check that the file can be written, before anything is done.
    pub(super) fn open(name: &str, source: &Source, system: &System) -> Result<Self, Error> {
        let output = Output::open("--failed-to", name, OutputKind::Manifest, system)?;
        let of_source = match source.plan {
            Some(_) => Format::Jsonl,
            None => source.format,
        };
        let format = Format::of(&system.path(name)).unwrap_or(of_source);
        if format == Format::Csv && of_source != Format::Csv {
            // In CSV, a field that one row omits would be empty, which means "remove".
            return Err(Error::usage(format!(
                "`--failed-to {name}`: rows of which each names its own fields cannot be written as CSV"
            ))
            .hint("name a file that ends in `.jsonl`"));
        }
        Ok(Self { output, format })
    }

    /// Write the rows of the users in `failed`; an empty file if there are none.
    pub(super) fn write(
        &self,
        failed: &BTreeMap<String, String>,
        source: &Source,
        checked: &Checked,
    ) -> Result<(), Error> {
        let rows = source.rows()?.filter_map(|item| match item {
            Item::Row(mut row) => {
                row.reason = Some(failed.get(&row.external_user_id)?.clone());
                Some(*row)
            }
            Item::Problem(_) | Item::Warning(_) => None,
        });
        let mut out = BufWriter::new(self.output.begin()?);
        let columns = Columns {
            attributes: &checked.attributes,
            optional: true,
        };
        let written = write(rows, self.format, columns, &mut out)
            .and_then(|()| out.into_inner().map_err(IntoInnerError::into_error));
        let written = written.map_err(|error| self.output.unwritable(error));
        written
            .and_then(Writing::commit)
            .map_err(|error| error.with_kind(Kind::Internal))
    }
}
