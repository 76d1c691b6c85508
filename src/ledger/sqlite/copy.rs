//! A ledger file as one end of a copy.

use rusqlite::{Connection, params_from_iter};
use tokio::sync::mpsc;

use crate::ledger::copy::{Content, Kind, PART, Part, Parts, TABLES, Table, Totals, Values, check};
use crate::ledger::sqlite::fault::Fault;
use crate::ledger::sqlite::runs;
use crate::ledger::sqlite::writer::Batch;
use crate::ledger::{LedgerError, RunId};

/// Send all rows. Other processes cannot write meanwhile: this is done in a writing transaction.
pub(super) fn send_all(batch: &Batch<'_>, parts: &Parts) -> Result<(), Fault> {
    refuse_living(batch)?;
    let mut totals = Totals::default();
    for (total, table) in totals.iter_mut().zip(&TABLES) {
        let mut select = batch.db.prepare(&select(table))?;
        let mut found = select.query([])?;
        let mut rows = Vec::new();
        while let Some(row) = found.next()? {
            let values = (0..table.columns.len()).map(|column| row.get(column));
            rows.push(values.collect::<Result<Values, _>>()?);
            *total += 1;
            if rows.len() == PART && !send(parts, table, &mut rows) {
                return Ok(());
            }
        }
        if !rows.is_empty() && !send(parts, table, &mut rows) {
            return Ok(());
        }
    }
    let _unheard = parts.blocking_send(Part(Content::End(totals))).is_err();
    Ok(())
}

/// Whether the other ledger still wants more.
fn send(parts: &Parts, table: &'static Table, rows: &mut Vec<Values>) -> bool {
    let rows = std::mem::take(rows);
    parts
        .blocking_send(Part(Content::Rows(table, rows)))
        .is_ok()
}

/// Refuse if a living process works on a run.
fn refuse_living(batch: &Batch<'_>) -> Result<(), Fault> {
    let sql = "SELECT seq, id FROM run JOIN progress ON progress.run = run.seq WHERE owner_pid IS NOT NULL";
    let mut select = batch.db.prepare(sql)?;
    let held = select.query_map([], |row| Ok((row.get::<_, i64>(0)?, RunId(row.get(1)?))))?;
    for run in held {
        let (row, run) = run?;
        if let Some(owner) = runs::living_owner(batch, row)? {
            let subject = "the ledger".to_owned();
            return Err(LedgerError::Busy {
                subject,
                run,
                owner,
            }
            .into());
        }
    }
    Ok(())
}

/// Store all rows that come, or none.
pub(super) fn store_all(
    batch: &Batch<'_>,
    parts: &mut mpsc::Receiver<Part>,
    shown: &str,
) -> Result<(), Fault> {
    batch.db.execute_batch("SAVEPOINT copy")?;
    let stored = store(batch.db, parts, shown);
    let end = match stored {
        Ok(()) => "RELEASE copy",
        Err(_) => "ROLLBACK TO copy; RELEASE copy",
    };
    batch.db.execute_batch(end)?;
    stored
}

fn store(db: &Connection, parts: &mut mpsc::Receiver<Part>, shown: &str) -> Result<(), Fault> {
    let sql = "SELECT EXISTS (SELECT 1 FROM run) OR EXISTS (SELECT 1 FROM key)
        OR EXISTS (SELECT 1 FROM permit)";
    if db.query_row(sql, [], |row| row.get(0))? {
        return Err(LedgerError::NotEmpty(shown.to_owned()).into());
    }
    // Until something is in a ledger, it does not matter which Looker has used it.
    db.execute_batch("DELETE FROM here; DELETE FROM looker")?;
    let mut expected = None;
    while expected.is_none() {
        match parts.blocking_recv() {
            Some(Part(Content::Rows(table, rows))) => {
                let mut insert = db.prepare_cached(&insert(table))?;
                for row in rows {
                    insert.execute(params_from_iter(row))?;
                }
            }
            Some(Part(Content::End(totals))) => expected = Some(totals),
            None => break,
        }
    }
    check(expected, totals(db)?).map_err(|source| {
        let what = format!("cannot copy into the ledger `{shown}`");
        LedgerError::Store { what, source }.into()
    })
}

fn totals(db: &Connection) -> Result<Totals, Fault> {
    let mut totals = Totals::default();
    for (total, table) in totals.iter_mut().zip(&TABLES) {
        let sql = format!("SELECT count(*) FROM {}", table.name);
        *total = db.query_row(&sql, [], |row| row.get(0))?;
    }
    Ok(totals)
}

/// Jobs of a file have no fence of their own, nor have events. Never the last column, whose number tells how many there are.
const fn is_absent(table: &Table, column: &str) -> bool {
    matches!(table.name.as_bytes(), b"job" | b"event") && matches!(column.as_bytes(), b"fence")
}

/// A column by its name here.
fn named<'a>(table: &Table, column: &'a str) -> &'a str {
    match (table.name, column) {
        ("progress", "fence") => "epoch",
        _ => column,
    }
}

fn select(table: &Table) -> String {
    let columns = table.columns.iter().map(|(column, kind)| {
        let name = named(table, column);
        match kind {
            _ if is_absent(table, column) => "'0'".to_owned(),
            Kind::Id => format!("lower(hex({name}))"),
            Kind::Text => name.to_owned(),
            Kind::Number | Kind::Flag => format!("CAST({name} AS TEXT)"),
        }
    });
    let columns = columns.collect::<Vec<_>>().join(", ");
    format!("SELECT {columns} FROM {}", table.name)
}

fn insert(table: &Table) -> String {
    let there = table
        .columns
        .iter()
        .zip(1..)
        .filter(|((column, _), _)| !is_absent(table, column));
    let (mut names, mut values): (Vec<_>, Vec<_>) = there
        .map(|((column, kind), place)| {
            let value = match kind {
                Kind::Id => format!("unhex(?{place})"),
                Kind::Text => format!("?{place}"),
                Kind::Number | Kind::Flag => format!("CAST(?{place} AS INTEGER)"),
            };
            (named(table, column), value)
        })
        .unzip();
    // What else a row must have: a process that is not alive.
    for (name, value) in match table.name {
        "here" => &[("one", "1")][..],
        "permit" => &[
            ("owner_pid", "0"),
            ("owner_host", "''"),
            ("owner_space", "''"),
            ("lease_until", "0"),
        ],
        _ => &[],
    } {
        names.push(name);
        values.push((*value).to_owned());
    }
    let (names, values) = (names.join(", "), values.join(", "));
    format!("INSERT INTO {} ({names}) VALUES ({values})", table.name)
}
