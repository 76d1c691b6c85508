//! Opens what was named: a manifest, standard input, or a plan in a file.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::commands::apply::spool::Spool;
use crate::error::{Error, Kind};
use crate::manifest::{Format, Item, Known, Rows, rows};
use crate::plan::{PlanFile, PlanHeader, read_header};
use crate::system::System;

/// What was named.
#[derive(Debug)]
pub(crate) struct Source {
    /// As typed.
    pub(super) name: String,
    content: Content,
    /// The form of a manifest.
    pub(super) format: Format,
    /// The header, where it is a plan.
    pub(crate) plan: Option<PlanHeader>,
}

#[derive(Debug)]
enum Content {
    File(PathBuf),
    /// Standard input can be read only once.
    Spool(Spool),
}

impl Source {
    /// Open `name`; `-` is standard input.
    pub(crate) fn open(
        name: &str,
        format: Option<Format>,
        system: &mut System,
    ) -> Result<Self, Error> {
        let content = if name == "-" {
            let folder = system.roomy_dir();
            Content::Spool(Spool::read(&mut system.input, &folder)?)
        } else {
            Content::File(system.path(name))
        };
        let mut source = Self {
            name: name.to_owned(),
            content,
            format: Format::Csv,
            plan: None,
        };
        source.plan = source.header()?;
        if source.plan.is_none() {
            let known = format.or_else(|| Format::of(Path::new(name)));
            source.format = known.ok_or_else(|| {
                Error::usage(format!("the form of the manifest `{name}` is not known"))
                    .hint("name it with `--format csv`, `--format jsonl` or `--format yaml`")
            })?;
        }
        Ok(source)
    }

    /// The users of it, whose values are checked against `known`.
    pub(super) fn rows(&self, known: Option<Arc<Known>>) -> Result<Rows, Error> {
        if self.plan.is_none() {
            return Ok(rows(self.read()?, self.format, known));
        }
        let mut plan = self.plan_lines()?;
        let mut broken = false;
        Ok(Box::new(std::iter::from_fn(move || {
            // A line that cannot be read is told where the plan itself is read.
            let planned = plan.next().ok().flatten().filter(|_| !broken);
            broken = planned.is_none();
            planned.map(|planned| Item::Row(Box::new(planned.desired.row())))
        })))
    }

    /// The lines of a plan behind its header.
    pub(super) fn plan_lines(&self) -> Result<PlanFile<BufReader<Box<dyn Read + Send>>>, Error> {
        let mut reader = BufReader::new(self.read()?);
        let mut header = String::new();
        reader
            .read_line(&mut header)
            .map_err(|error| unreadable(&self.name, error))?;
        Ok(PlanFile(reader))
    }

    fn read(&self) -> Result<Box<dyn Read + Send>, Error> {
        Ok(match &self.content {
            Content::File(path) => {
                Box::new(File::open(path).map_err(|error| unreadable(&self.name, error))?)
            }
            Content::Spool(spool) => spool.reader(),
        })
    }

    fn header(&self) -> Result<Option<PlanHeader>, Error> {
        const LONGEST: u64 = 64 * 1024;
        let mut line = Vec::new();
        let read = BufReader::new(self.read()?)
            .take(LONGEST)
            .read_until(b'\n', &mut line);
        read.map_err(|error| unreadable(&self.name, error))?;
        read_header(&String::from_utf8_lossy(&line))
    }
}

fn unreadable(name: &str, error: io::Error) -> Error {
    let kind = match error.kind() {
        io::ErrorKind::NotFound => Kind::Usage,
        _ => Kind::Internal,
    };
    Error::caused(kind, error).context(format!("cannot read `{name}`"))
}
