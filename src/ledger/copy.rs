//! Copying a ledger into another, table by table, whatever either of them is kept in.

use tokio::sync::mpsc;

use crate::ledger::{Ledger, LedgerError};

/// How many rows are under way at once as one part.
pub(super) const PART: usize = 2_000;

/// How many parts wait for the other ledger.
const WAITING: usize = 2;

/// What a column holds. Between ledgers all are text.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Kind {
    Number,
    Text,
    /// 32 hexadecimal digits.
    Id,
    /// 0 or 1.
    Flag,
}

/// A table, as far as other ledgers need it: who holds a run or a job stays behind, since no such process is alive.
#[derive(Clone, Copy, Debug)]
pub(super) struct Table {
    pub(super) name: &'static str,
    pub(super) columns: &'static [(&'static str, Kind)],
}

/// How many tables there are.
const COUNT: usize = 8;

/// The tables that are copied, in this order.
pub(super) static TABLES: [Table; COUNT] = [
    Table {
        name: "looker",
        columns: &[
            ("id", Kind::Number),
            ("origin", Kind::Text),
            ("web_url", Kind::Text),
        ],
    },
    Table {
        name: "here",
        columns: &[("looker", Kind::Number)],
    },
    Table {
        name: "run",
        columns: &[
            ("seq", Kind::Number),
            ("id", Kind::Id),
            ("looker", Kind::Number),
            ("command", Kind::Text),
            ("created_at", Kind::Number),
            ("request", Kind::Text),
        ],
    },
    Table {
        name: "progress",
        columns: &[
            ("run", Kind::Number),
            ("fence", Kind::Number),
            ("stopping", Kind::Flag),
            ("open", Kind::Number),
            ("done", Kind::Number),
            ("failed", Kind::Number),
            ("undone", Kind::Number),
        ],
    },
    Table {
        name: "job",
        columns: &[
            ("run", Kind::Number),
            ("number", Kind::Number),
            ("fence", Kind::Number),
            ("subject", Kind::Text),
            ("also", Kind::Text),
            ("state", Kind::Number),
            ("spec", Kind::Text),
            ("outcome", Kind::Text),
        ],
    },
    // The marks of pruned runs are among them.
    Table {
        name: "event",
        columns: &[
            ("run", Kind::Number),
            ("job", Kind::Number),
            ("number", Kind::Number),
            ("fence", Kind::Number),
            ("step", Kind::Text),
            ("what", Kind::Number),
            ("at", Kind::Number),
            ("data", Kind::Text),
        ],
    },
    Table {
        name: "key",
        columns: &[
            ("looker", Kind::Number),
            ("looker_user_id", Kind::Text),
            ("key_id", Kind::Text),
            ("external_user_id", Kind::Text),
            ("client_id", Kind::Text),
            ("purpose", Kind::Text),
            ("state", Kind::Number),
            ("minted_at", Kind::Number),
            ("revoke_at", Kind::Number),
        ],
    },
    // Left by processes that were killed: the next one takes the right back from these users.
    Table {
        name: "permit",
        columns: &[("looker", Kind::Number), ("looker_user_id", Kind::Text)],
    },
];

/// The number of rows of each table.
pub(super) type Totals = [u64; COUNT];

/// The values of a row, in the order of the columns.
pub(super) type Values = Vec<Option<String>>;

/// A part of a ledger on its way to another.
#[derive(Debug)]
pub struct Part(pub(super) Content);

/// What goes from one ledger to the other.
#[derive(Debug)]
pub(super) enum Content {
    /// Rows of this table.
    Rows(&'static Table, Vec<Values>),
    /// That was all: so many of each table.
    End(Totals),
}

/// Where a ledger sends its parts. Once the other is gone, it need not send any more: that one tells why.
pub type Parts = mpsc::Sender<Part>;

/// Copy everything in `from` into `to`, all or nothing.
///
/// # Errors
/// [`LedgerError::Busy`] while a process works on a run in `from`; [`LedgerError::NotEmpty`] if `to` holds anything.
pub async fn copy(from: &dyn Ledger, to: &dyn Ledger) -> Result<(), LedgerError> {
    let (parts, coming) = mpsc::channel(WAITING);
    let (sent, stored) = tokio::join!(from.send_all(parts), to.store_all(coming));
    // What was sent only in part was not stored for that reason.
    sent?;
    stored
}

/// Why nothing was stored although nothing went wrong with storing it.
pub(super) fn check(expected: Option<Totals>, found: Totals) -> Result<(), anyhow::Error> {
    let Some(expected) = expected else {
        return Err(anyhow::anyhow!("not all of the other ledger was read"));
    };
    let differs = TABLES.iter().zip(expected).zip(found);
    for ((table, expected), found) in differs {
        if expected != found {
            let name = table.name;
            return Err(anyhow::anyhow!(
                "table `{name}` has {found} rows where the other ledger has {expected}"
            ));
        }
    }
    Ok(())
}
