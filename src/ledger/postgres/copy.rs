//! A ledger in PostgreSQL as one end of a copy: each is one transaction on a connection of its own.

use std::sync::Arc;

use tokio::sync::mpsc;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Row};

use crate::ledger::copy::{Content, Kind, PART, Part, Parts, TABLES, Table, Totals, Values, check};
use crate::ledger::postgres::connect::Link;
use crate::ledger::postgres::fault::Fault;
use crate::ledger::postgres::row::{count, get};
use crate::ledger::postgres::worker::{HOLDER, OWNER, owner};
use crate::ledger::{LedgerError, RunId};

/// How long the other ledger may take for a part, and how long other processes may hold this one up.
const PATIENCE: &str =
    "SET LOCAL idle_in_transaction_session_timeout = '60s'; SET LOCAL lock_timeout = '10s'";

/// Send all rows. Other processes cannot write meanwhile.
pub(super) async fn send_all(link: &Link, parts: &Parts, shown: &str) -> Result<(), Fault> {
    let db = begin(link, "SHARE", shown).await?;
    let sent = send(&db, parts).await;
    // Nothing was written.
    let _ended = db.batch_execute("ROLLBACK").await.is_ok();
    sent
}

async fn send(db: &Client, parts: &Parts) -> Result<(), Fault> {
    refuse_living(db).await?;
    let mut totals = Totals::default();
    for (total, table) in totals.iter_mut().zip(&TABLES) {
        let cursor = format!("DECLARE part NO SCROLL CURSOR FOR {}", select(table));
        db.batch_execute(&cursor).await?;
        let fetch = format!("FETCH {PART} FROM part");
        loop {
            let rows = db.query_typed(&fetch, &[]).await?;
            if rows.is_empty() {
                break;
            }
            *total += rows.len() as u64;
            let rows = rows.iter().map(values).collect::<Result<_, _>>()?;
            if parts.send(Part(Content::Rows(table, rows))).await.is_err() {
                return Ok(());
            }
        }
        db.batch_execute("CLOSE part").await?;
    }
    let _unheard = parts.send(Part(Content::End(totals))).await.is_err();
    Ok(())
}

fn values(row: &Row) -> Result<Values, Fault> {
    let values = (0..row.len()).map(|column| Ok(row.try_get(column)?));
    values.collect()
}

/// Refuse if a living process works on a run.
async fn refuse_living(db: &Client) -> Result<(), Fault> {
    let sql = format!(
        "SELECT run.id, {OWNER} FROM embedctl.progress JOIN embedctl.run ON run.seq = progress.run
         JOIN embedctl.worker ON worker.id = {HOLDER}
         WHERE worker.lease_until + worker.grace > clock_timestamp() LIMIT 1"
    );
    let Some(row) = db.query_typed_opt(&sql, &[]).await? else {
        return Ok(());
    };
    match owner(&row)? {
        Some(owner) => Err(LedgerError::Busy {
            subject: "the ledger".to_owned(),
            run: RunId(get(&row, "id")?),
            owner,
        }
        .into()),
        None => Ok(()),
    }
}

/// Store all rows that come, or none.
pub(super) async fn store_all(
    link: &Link,
    parts: &mut mpsc::Receiver<Part>,
    shown: &str,
) -> Result<(), Fault> {
    let db = begin(link, "EXCLUSIVE", shown).await?;
    let stored = store(&db, parts, shown).await;
    let Ok(expected) = stored else {
        let _ended = db.batch_execute("ROLLBACK").await.is_ok();
        return stored.map(drop);
    };
    let Err(error) = db.batch_execute("COMMIT").await else {
        return Ok(());
    };
    // The answer may be all that was lost.
    let again = link.client().await?;
    match totals(&again).await? == expected {
        true => Ok(()),
        false => Err(error.into()),
    }
}

async fn store(
    db: &Client,
    parts: &mut mpsc::Receiver<Part>,
    shown: &str,
) -> Result<Totals, Fault> {
    let sql = "SELECT EXISTS (SELECT 1 FROM embedctl.run) OR EXISTS (SELECT 1 FROM embedctl.key)
        OR EXISTS (SELECT 1 FROM embedctl.permit) AS used";
    if get(&db.query_typed_one(sql, &[]).await?, "used")? {
        return Err(LedgerError::NotEmpty(shown.to_owned()).into());
    }
    // Until something is in a ledger, it does not matter which Looker has used it.
    db.batch_execute("DELETE FROM embedctl.here; DELETE FROM embedctl.looker")
        .await?;
    let mut expected = None;
    while expected.is_none() {
        match parts.recv().await {
            Some(Part(Content::Rows(table, rows))) => insert(db, table, &rows).await?,
            Some(Part(Content::End(totals))) => expected = Some(totals),
            None => break,
        }
    }
    // Numbers go on from the highest. Any job may have been begun, so whoever takes it next is not the first.
    db.batch_execute(
        "SELECT setval(pg_get_serial_sequence('embedctl.looker', 'id'), max(id)) FROM embedctl.looker;
         SELECT setval(pg_get_serial_sequence('embedctl.run', 'seq'), max(seq)) FROM embedctl.run;
         UPDATE embedctl.progress SET fence = fence + 1",
    )
    .await?;
    let found = totals(db).await?;
    check(expected, found).map_err(|source| {
        let what = format!("cannot copy into the ledger `{shown}`");
        Fault::Refused(LedgerError::Store { what, source })
    })?;
    Ok(found)
}

/// A connection with a transaction in which the tables are locked.
async fn begin(link: &Link, mode: &str, shown: &str) -> Result<Arc<Client>, Fault> {
    let db = link.client().await?;
    let names: Vec<_> = TABLES
        .iter()
        .map(|it| format!("embedctl.{}", it.name))
        .collect();
    let sql = format!(
        "BEGIN; {PATIENCE}; LOCK TABLE {} IN {mode} MODE",
        names.join(", ")
    );
    match db.batch_execute(&sql).await {
        Ok(()) => Ok(db),
        Err(error) if error.code() == Some(&SqlState::LOCK_NOT_AVAILABLE) => {
            Err(LedgerError::Unusable {
                what: format!("the ledger `{shown}` is kept locked by another process"),
                hint: "wait for it to end, then run the same command again".to_owned(),
            }
            .into())
        }
        Err(error) => Err(error.into()),
    }
}

async fn totals(db: &Client) -> Result<Totals, Fault> {
    let mut totals = Totals::default();
    for (total, table) in totals.iter_mut().zip(&TABLES) {
        let sql = format!("SELECT count(*) AS total FROM embedctl.{}", table.name);
        *total = count(&db.query_typed_one(&sql, &[]).await?, "total")?;
    }
    Ok(totals)
}

fn select(table: &Table) -> String {
    let columns = table.columns.iter().map(|(name, kind)| match kind {
        Kind::Text => (*name).to_owned(),
        Kind::Number => format!("{name}::text"),
        Kind::Id => format!("replace({name}::text, '-', '')"),
        Kind::Flag => format!("{name}::int::text"),
    });
    let columns = columns.collect::<Vec<_>>().join(", ");
    format!("SELECT {columns} FROM embedctl.{}", table.name)
}

async fn insert(db: &Client, table: &Table, rows: &[Values]) -> Result<(), Fault> {
    let names: Vec<_> = table.columns.iter().map(|(name, _)| *name).collect();
    let values = table.columns.iter().map(|(name, kind)| match kind {
        Kind::Text => format!("it.{name}"),
        Kind::Number => format!("it.{name}::bigint"),
        Kind::Id => format!("it.{name}::uuid"),
        Kind::Flag => format!("it.{name}::int::boolean"),
    });
    let mut values: Vec<_> = values.collect();
    let given: Vec<_> = (1..=names.len())
        .map(|it| format!("${it}::text[]"))
        .collect();
    let alias = names.join(", ");
    let mut into = names;
    // Its process is not alive.
    if table.name == "permit" {
        into.push("worker");
        values.push("0".to_owned());
    }
    let sql = format!(
        "INSERT INTO embedctl.{} ({}) OVERRIDING SYSTEM VALUE SELECT {} FROM unnest({}) AS it ({alias})",
        table.name,
        into.join(", "),
        values.join(", "),
        given.join(", ")
    );
    let columns: Vec<Vec<Option<&str>>> = (0..table.columns.len())
        .map(|column| {
            let values = rows.iter().map(|row| row.get(column));
            values.map(|value| value?.as_deref()).collect()
        })
        .collect();
    let params: Vec<_> = columns
        .iter()
        .map(|column| (column as &(dyn ToSql + Sync), Type::TEXT_ARRAY))
        .collect();
    db.execute_typed(&sql, &params).await?;
    Ok(())
}
