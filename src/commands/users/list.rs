//! `embedctl users list`: the existing embed users.

use std::io;

use jiff::Timestamp;

use crate::commands::context::CommandContext;
use crate::commands::session::{Needs, Session};
use crate::commands::users::filter::FilterArgs;
use crate::commands::users::read_all::Sweep;
use crate::commands::users::row;
use crate::error::{Error, Exit, Kind};
use crate::looker::User;
use crate::report::{Format, Ui};

/// How many rows a table has before the next one starts.
const TABLE_ROWS: usize = 1000;

/// List embed users
///
/// They are read and printed page by page, so any number of users can be listed.
#[derive(clap::Args, Debug)]
pub(crate) struct UsersListArgs {
    #[command(flatten)]
    filter: FilterArgs,

    /// Print CSV
    #[arg(long, conflicts_with = "output")]
    csv: bool,
}

pub(crate) async fn run(args: &UsersListArgs, cx: CommandContext) -> Result<Exit, Error> {
    cx.ui.refuse_env()?;
    Session::within(cx, Needs::Api, async |session| {
        session.until_interrupted(list(args, session)).await
    })
    .await
}

async fn list(args: &UsersListArgs, session: &Session) -> Result<Exit, Error> {
    let now = session.system.clock.now();
    let mut sweep = Sweep::new(&session.admin, &args.filter, now);
    let mut printed = 0;
    if args.csv {
        csv([row::CSV], &session.ui)?;
    }
    // Tables are printed in pieces, each with a header; programs get the rows as they come.
    let at_once = match session.ui.format() {
        Format::Table if !args.csv => TABLE_ROWS,
        _ => 1,
    };
    let mut waiting = Vec::new();
    loop {
        let next = sweep.next().await?;
        let last = next.is_none();
        waiting.extend(next.unwrap_or_default());
        if waiting.len() >= at_once || (last && !waiting.is_empty()) {
            print(&waiting, args.csv, printed == 0, (&session.ui, now))?;
            printed += waiting.len();
            waiting.clear();
        }
        if last {
            break;
        }
    }
    sweep.conclude(&session.ui).await?;
    match (session.ui.format(), args.csv, printed) {
        (Format::Json, _, 0) => session.ui.data("[]\n")?,
        (Format::Json, _, _) => session.ui.data("]\n")?,
        (Format::Table, false, 0) => session.ui.status("No embed users."),
        _ => {}
    }
    Ok(Exit::Done)
}

fn print(
    users: &[User],
    as_csv: bool,
    first: bool,
    (ui, now): (&Ui, Timestamp),
) -> Result<(), Error> {
    match ui.format() {
        _ if as_csv => csv(users.iter().map(row::csv), ui),
        Format::Json => {
            let rows = users.iter().map(|user| row::json(user).to_string());
            let rows = rows.collect::<Vec<_>>().join(",\n");
            ui.data(if first { "[" } else { ",\n" })?;
            ui.data(&rows)
        }
        Format::Jsonl => users.iter().try_for_each(|user| ui.json(&row::json(user))),
        Format::Table | Format::Env => {
            ui.table(&row::TABLE, users.iter().map(|user| row::table(user, now)))
        }
    }
}

fn csv<R>(records: impl IntoIterator<Item = R>, ui: &Ui) -> Result<(), Error>
where
    R: IntoIterator<Item: AsRef<[u8]>>,
{
    let mut writer = csv::Writer::from_writer(Vec::new());
    let written = records
        .into_iter()
        .try_for_each(|record| writer.write_record(record));
    let text = written
        .map_err(io::Error::from)
        .and_then(|()| writer.into_inner().map_err(|error| error.into_error()));
    let text = text.map_err(|error| Error::caused(Kind::Internal, error))?;
    ui.data(&String::from_utf8_lossy(&text))
}
