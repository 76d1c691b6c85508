//! Users who may temporarily manage their own keys, each with the process that will take the right back.

use jiff::Timestamp;
use rusqlite::{Connection, named_params};

use crate::ledger::sqlite::fault::Fault;
use crate::ledger::sqlite::hold::LEASE;
use crate::ledger::sqlite::instance::HERE;
use crate::ledger::sqlite::owner::Process;
use crate::ledger::sqlite::row::Time;
use crate::ledger::{Permit, PermitId};

/// Record a user at the ledger's own Looker for this process.
pub(super) fn note(
    db: &Connection,
    me: &Process,
    now: Timestamp,
    looker_user_id: &str,
) -> Result<PermitId, Fault> {
    let sql = format!(
        "INSERT INTO permit (looker, looker_user_id, owner_pid, owner_host, owner_space, owner_started, lease_until)
         VALUES ({HERE}, :user, :pid, :host, :space, :started, :until)"
    );
    db.prepare_cached(&sql)?.execute(named_params! {
        ":user": looker_user_id,
        ":pid": me.pid,
        ":host": me.host,
        ":space": me.space,
        ":started": me.started,
        ":until": Time(now + LEASE),
    })?;
    Ok(PermitId(db.last_insert_rowid()))
}

/// Delete a record.
pub(super) fn forget(db: &Connection, id: PermitId) -> Result<(), Fault> {
    db.prepare_cached("DELETE FROM permit WHERE id = ?1")?
        .execute([id.0])?;
    Ok(())
}

/// Take over the records of dead processes at the ledger's own Looker. A user that a living process has recorded too is left
/// to that process.
pub(super) fn claim(db: &Connection, me: &Process, now: Timestamp) -> Result<Vec<Permit>, Fault> {
    let sql = format!("SELECT * FROM permit WHERE looker = {HERE} ORDER BY id");
    let mut select = db.prepare_cached(&sql)?;
    let notes = select.query_map([], |row| {
        let owner = Process {
            pid: row.get("owner_pid")?,
            host: row.get("owner_host")?,
            space: row.get("owner_space")?,
            started: row.get("owner_started")?,
        };
        let permit = Permit {
            id: PermitId(row.get("id")?),
            looker_user_id: row.get("looker_user_id")?,
        };
        Ok((permit, owner, row.get::<_, Time>("lease_until")?.0))
    })?;
    let (mut living, mut left) = (Vec::new(), Vec::new());
    for note in notes {
        let (permit, owner, until) = note?;
        match me.may_live(&owner, until, now) {
            true => living.push(permit.looker_user_id),
            false => left.push(permit),
        }
    }
    // Taking the right back now would break a command that relies on it.
    left.retain(|permit| !living.contains(&permit.looker_user_id));
    // Owned by this process from now on, so that two commands do not set the same user back at once.
    for permit in &left {
        take(db, me, permit.id, now + LEASE)?;
    }
    Ok(left)
}

/// Extend the lease of all records of the process `me`.
pub(super) fn renew(db: &Connection, me: &Process, until: Timestamp) -> rusqlite::Result<usize> {
    db.prepare_cached(
        "UPDATE permit SET lease_until = ?1
         WHERE owner_pid = ?2 AND owner_host = ?3 AND owner_space = ?4 AND owner_started IS ?5",
    )?
    .execute((Time(until), me.pid, &me.host, &me.space, me.started))
}

/// Make this process the owner of a record.
fn take(db: &Connection, me: &Process, id: PermitId, until: Timestamp) -> Result<(), Fault> {
    db.prepare_cached(
        "UPDATE permit SET owner_pid = ?2, owner_host = ?3, owner_space = ?4, owner_started = ?5,
                lease_until = ?6
             WHERE id = ?1",
    )?
    .execute((id.0, me.pid, &me.host, &me.space, me.started, Time(until)))?;
    Ok(())
}
