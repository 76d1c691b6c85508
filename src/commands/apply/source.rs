//! Opens the named source: a manifest, standard input, or a plan file.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read};
use std::path::Path;
use std::sync::{Arc, OnceLock};

use crate::commands::apply::spool::Spool;
use crate::error::{Error, Kind};
use crate::manifest::{Format, Item, Known, Rows, rows, rows_again};
use crate::plan::{PlanFile, PlanHeader, read_header};
use crate::system::System;

/// What was named.
#[derive(Debug)]
pub(crate) struct Source {
    /// As typed.
    pub(super) name: String,
    content: Spool,
    /// The format of a manifest.
    pub(super) format: Format,
    /// The header, if it is a plan.
    pub(crate) plan: Option<PlanHeader>,
    /// What it was checked against, which also says how names are spelled.
    known: OnceLock<Arc<Known>>,
}

impl Source {
    /// Open `name`; `-` is standard input.
    pub(crate) fn open(name: &str, format: Option<Format>, system: &System) -> Result<Self, Error> {
        let folder = system.roomy_dir();
        let content = if name == "-" {
            Spool::read(system.input.clone(), "standard input", &folder)?
        } else {
            let file = File::open(system.path(name)).map_err(|error| unreadable(name, error))?;
            Spool::read(file, &format!("`{name}`"), &folder)?
        };
        let mut source = Self {
            name: name.to_owned(),
            content,
            format: Format::Csv,
            plan: None,
            known: OnceLock::new(),
        };
        source.plan = source.header()?;
        if let Some(plan) = &source.plan {
            plan.check(&mut source.lines())
                .map_err(|error| error.context(format!("cannot apply `{name}`")))?;
        } else {
            let content = source.content.reader();
            let known = format.or_else(|| Format::recognize(Path::new(name), content));
            source.format = known.ok_or_else(|| {
                Error::usage(format!("the format of the manifest `{name}` is not recognized"))
                    .hint("a CSV file starts with the names of its columns, such as `external_user_id`; or name the format with `--format csv`, `--format jsonl` or `--format yaml`")
            })?;
        }
        Ok(source)
    }

    /// Its users, with values checked against `known`.
    pub(super) fn checked_rows(&self, known: &Arc<Known>) -> Result<Rows, Error> {
        if self.plan.is_some() {
            return self.rows();
        }
        let known = self.known.get_or_init(|| Arc::clone(known));
        let reader = self.content.reader();
        Ok(rows(reader, self.format, Some(Arc::clone(known))))
    }

    /// Its users once more.
    pub(super) fn rows(&self) -> Result<Rows, Error> {
        if self.plan.is_none() {
            let known = self.known.get().cloned();
            return Ok(rows_again(self.content.reader(), self.format, known));
        }
        let mut plan = self.plan_lines()?;
        let mut broken = false;
        Ok(Box::new(std::iter::from_fn(move || {
            // A line that cannot be parsed is reported where the plan itself is read.
            let planned = plan.next().ok().flatten().filter(|_| !broken);
            broken = planned.is_none();
            planned.map(|planned| Item::Row(Box::new(planned.desired.row())))
        })))
    }

    /// The lines of a plan after its header.
    pub(super) fn plan_lines(&self) -> Result<PlanFile<Lines>, Error> {
        let mut reader = self.lines();
        let mut header = String::new();
        reader
            .read_line(&mut header)
            .map_err(|error| unreadable(&self.name, error))?;
        Ok(PlanFile(reader))
    }

    fn lines(&self) -> Lines {
        BufReader::new(self.content.reader())
    }

    fn header(&self) -> Result<Option<PlanHeader>, Error> {
        const LONGEST: u64 = 64 * 1024;
        let mut line = Vec::new();
        let read = self.lines().take(LONGEST).read_until(b'\n', &mut line);
        read.map_err(|error| unreadable(&self.name, error))?;
        read_header(&String::from_utf8_lossy(&line))
    }
}

/// The source, from its start.
pub(super) type Lines = BufReader<Box<dyn Read + Send>>;

fn unreadable(name: &str, error: io::Error) -> Error {
    let kind = match error.kind() {
        io::ErrorKind::NotFound => Kind::Usage,
        _ => Kind::Internal,
    };
    Error::caused(kind, error).context(format!("cannot read `{name}`"))
}
