//! `embedctl export`: a manifest of the embed users that are there.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, BufRead as _, BufReader};

use crate::commands::context::CommandContext;
use crate::commands::kept_lines::KeptLines;
use crate::commands::session::{Needs, Session};
use crate::commands::users::is_like;
use crate::error::{Error, Exit, Kind};
use crate::looker::UserSearch;
use crate::manifest::{Columns, Format, write, write_tenants};
use crate::plan::{Exported, FIELDS, GrantReader, ObservedUser, Refusal, Row, export};
use crate::report::{self, Ui};
use crate::system::System;
use crate::workflow::parallel;

/// How many users fit in YAML, which is written as a whole: more than anyone reads, and little memory.
const MOST_YAML: usize = 20_000;

/// Print a manifest of the embed users that are there
///
/// `embedctl plan` of it says 0 changes: it holds names, grants, groups, external groups, the users' own attribute values, and
/// who is disabled. Keys are no part of it. Values that Looker hides are left out and named. Users whose grants cannot be read are
/// left out, named, and make the exit code 3. CSV and JSON Lines of any number of users need little memory; YAML groups them by external group.
#[derive(clap::Args, Debug)]
pub(crate) struct ExportArgs {
    /// Only users whose external user id matches; `*` stands for any text, `?` for any character
    #[arg(long = "match", value_name = "GLOB")]
    pattern: Option<String>,

    /// The format of the manifest; default: csv, or jsonl with `-o json` or `-o jsonl`
    #[arg(long, value_enum, value_name = "FORMAT")]
    format: Option<Format>,

    /// Count attribute values of unknown origin as the users' own
    #[arg(long)]
    take_unknown: bool,
}

pub(crate) async fn run(args: &ExportArgs, cx: CommandContext) -> Result<Exit, Error> {
    cx.ui.refuse_env()?;
    Session::within(cx, Needs::Api, async |session| {
        session.until_interrupted(print(args, session)).await
    })
    .await
}

async fn print(args: &ExportArgs, session: &Session) -> Result<Exit, Error> {
    // Another caller may see a part of the users only.
    session.finder.require_admin().await?;
    let usual = match session.ui.format() {
        report::Format::Table | report::Format::Env => Format::Csv,
        report::Format::Json | report::Format::Jsonl => Format::Jsonl,
    };
    let mut out = Manifest::new(args.format.unwrap_or(usual), session);
    let mut told = Told::default();
    let reader = GrantReader::new(session.admin.clone(), args.take_unknown);
    let mut pages = session.admin.users(UserSearch {
        embed_user: Some(true),
        fields: Some(FIELDS.to_owned()),
        ..UserSearch::default()
    });
    let now = session.system.clock.now();
    let pattern = args.pattern.as_deref();
    while let Some(page) = pages.next().await? {
        let seen = page.iter().flat_map(|user| ObservedUser::of(user, now));
        let seen = seen.filter(|seen| pattern.is_none_or(|it| is_like(&seen.external_user_id, it)));
        let read = |seen: ObservedUser| {
            let reader = reader.clone();
            async move {
                Ok(match export(&reader, &seen).await {
                    Ok(exported) => Ok(exported),
                    Err(error) => Err((seen.external_user_id, Refusal::of(error)?)),
                })
            }
        };
        let width = session.settings.concurrency();
        // A page at a time, in its order: memory stays flat, and two exports can be compared.
        for exported in parallel::map(seen, width, None, read, |_| {}).await? {
            match exported {
                Ok(exported) => {
                    told.note(&exported);
                    out.add(exported)?;
                }
                Err((user, why)) => told.refused(&user, &why, &session.ui),
            }
        }
    }
    out.end()?;
    told.end(&session.ui)
}

/// What the manifest does not say.
#[derive(Default)]
struct Told {
    exported: u64,
    refused: u64,
    /// How many users have a hidden value of an attribute, and how many an empty one.
    hidden: BTreeMap<String, u64>,
    empty: BTreeMap<String, u64>,
    /// How many disabled users are without their grants.
    bare: u64,
}

impl Told {
    fn note(&mut self, exported: &Exported) {
        self.exported += 1;
        self.bare += u64::from(exported.left_out.is_some());
        for name in &exported.hidden {
            *self.hidden.entry(name.clone()).or_default() += 1;
        }
        for name in &exported.empty {
            *self.empty.entry(name.clone()).or_default() += 1;
        }
    }

    fn refused(&mut self, user: &str, why: &Refusal, ui: &Ui) {
        self.refused += 1;
        ui.error(&why.error().context(format!("`{user}` is left out")));
    }

    fn end(self, ui: &Ui) -> Result<Exit, Error> {
        for (name, users) in &self.hidden {
            ui.warning(format!(
                "Looker hides the values of `{name}`, so they are left out (users with one of their own: {users})"
            ));
        }
        for (name, users) in &self.empty {
            ui.warning(format!(
                "an empty value of `{name}` is left out, since a manifest cannot tell it from none (users: {users})"
            ));
        }
        if self.bare > 0 {
            ui.warning(format!(
                "the grants of disabled users cannot be read and are left out (users: {})",
                self.bare
            ));
        }
        ui.status(format!("Exported {} embed users.", self.exported));
        let message = match self.refused {
            0 => return Ok(Exit::Done),
            1 => "1 user could not be read and is left out".to_owned(),
            refused => format!("{refused} users could not be read and are left out"),
        };
        Err(Error::new(Kind::Incomplete, message))
    }
}

/// The manifest that is being written to standard output.
enum Manifest<'a> {
    Jsonl(&'a Ui),
    /// Kept until the last user has been read: only then it is known which columns there are.
    Csv {
        ui: &'a Ui,
        rows: KeptLines,
        attributes: BTreeSet<String>,
        has_timezone: bool,
    },
    Yaml(&'a Ui, Vec<(Row, Option<String>)>),
}

impl<'a> Manifest<'a> {
    fn new(format: Format, session: &'a Session) -> Self {
        let ui = &session.ui;
        match format {
            Format::Jsonl => Self::Jsonl(ui),
            Format::Yaml => Self::Yaml(ui, Vec::new()),
            Format::Csv => Self::csv(ui, &session.system),
        }
    }

    fn csv(ui: &'a Ui, system: &System) -> Self {
        Self::Csv {
            ui,
            rows: KeptLines::new(&system.roomy_dir()),
            attributes: BTreeSet::new(),
            has_timezone: false,
        }
    }

    fn add(&mut self, exported: Exported) -> Result<(), Error> {
        let Exported { row, hidden, .. } = exported;
        match self {
            Self::Jsonl(ui) => ui.json(&row),
            Self::Yaml(_, rows) if rows.len() == MOST_YAML => Err(Error::usage(format!(
                "there are more than {MOST_YAML} users, too many for one YAML file"
            ))
            .hint("pass `--format csv` or `--format jsonl`, or `--match` for a part of them")),
            Self::Yaml(_, rows) => {
                let hidden: Vec<_> = hidden.into_iter().collect();
                let remark = match hidden.is_empty() {
                    true => None,
                    false => Some(format!("Looker hides its values of {}", hidden.join(", "))),
                };
                rows.push((row, remark));
                Ok(())
            }
            Self::Csv {
                rows,
                attributes,
                has_timezone,
                ..
            } => {
                *has_timezone |= row.grants.user_timezone.is_some();
                attributes.extend(row.grants.user_attributes.keys().cloned());
                let line = serde_json::to_string(&row).map_err(Error::internal)?;
                rows.add(&(line + "\n"))
            }
        }
    }

    fn end(self) -> Result<(), Error> {
        match self {
            Self::Jsonl(_) => Ok(()),
            Self::Yaml(ui, rows) => {
                let mut text = Vec::new();
                write_tenants(rows, &mut text).map_err(Error::internal)?;
                ui.data(&String::from_utf8_lossy(&text))
            }
            Self::Csv {
                ui,
                rows,
                attributes,
                has_timezone,
            } => {
                let mut broken = Ok(());
                let rows = BufReader::new(rows.read()?).lines().map_while(|line| {
                    let row: io::Result<Row> =
                        line.and_then(|line| Ok(serde_json::from_str(&line)?));
                    row.map_err(|error| broken = Err(error)).ok()
                });
                let rows = rows.map(|row| with_all_columns(row, has_timezone));
                let mut out = Out { ui, failed: None };
                let columns = Columns {
                    attributes: &attributes,
                    optional: false,
                };
                let written = write(rows, Format::Csv, columns, &mut out);
                if let Some(error) = out.failed {
                    return Err(error);
                }
                broken.and(written).map_err(unkept)
            }
        }
    }
}

/// A row that mentions every column, since the first one decides which there are.
fn with_all_columns(mut row: Row, has_timezone: bool) -> Row {
    let grants = &mut row.grants;
    for list in [
        &mut grants.models,
        &mut grants.permissions,
        &mut grants.group_ids,
    ] {
        list.get_or_insert_default();
    }
    for text in [
        &mut grants.first_name,
        &mut grants.last_name,
        &mut grants.external_group_id,
    ] {
        text.get_or_insert_default();
    }
    if has_timezone {
        grants.user_timezone.get_or_insert_default();
    }
    row
}

fn unkept(error: io::Error) -> Error {
    Error::caused(Kind::Internal, error).context("cannot keep or write the exported users")
}

/// Standard output as a writer.
struct Out<'a> {
    ui: &'a Ui,
    /// Why it cannot be written, which may be no failure: the reader of a pipe has enough.
    failed: Option<Error>,
}

impl io::Write for Out<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.ui.bytes(bytes) {
            Ok(()) => Ok(bytes.len()),
            Err(error) => {
                self.failed = Some(error);
                Err(io::ErrorKind::Other.into())
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
