//! Opening a ledger file: everything that can be wrong with it is found here, before anything is done.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use crate::ledger::LedgerError;
use crate::ledger::sqlite::fault::{Fault, READ_ONLY};
use crate::ledger::sqlite::schema;
use crate::system::{FileError, Readers, files};

/// How long a statement waits for another process that locks the file.
const PATIENCE: Duration = Duration::from_secs(10);

/// Files that SQLite keeps beside a database, with the same permissions.
const BESIDE: [&str; 3] = ["-wal", "-shm", "-journal"];

/// The longest file name that all common file systems accept.
const LONGEST_NAME: usize = 240;

/// The ledger file for a Looker host, with its port if it has one, below `state_dir`.
pub fn default_path(state_dir: &Path, host_with_port: &str) -> PathBuf {
    let mut name = String::new();
    for byte in host_with_port.to_ascii_lowercase().bytes() {
        match byte {
            b'a'..=b'z' | b'0'..=b'9' | b'-' => name.push(char::from(byte)),
            b'.' if !name.is_empty() => name.push('.'),
            byte => name.extend(["_", &format!("{byte:02x}")]),
        }
    }
    // Different hosts with the same first 240 characters would share a file; no real host is that
    // long.
    name.truncate(LONGEST_NAME);
    state_dir.join(format!("{name}.ledger"))
}

/// A connection that writes durably to the ledger in `path`, which is created if missing.
pub(super) fn open_writer(path: &Path, make_folder: bool) -> Result<Connection, LedgerError> {
    if make_folder && let Some(folder) = path.parent() {
        files::make_private_folder(folder).map_err(|error| unusable(path, error))?;
    }
    // A ledger names customers, so it is as private as the keys it describes.
    files::open_append(path).map_err(|error| unusable(path, error))?;
    // SQLite opens these by itself: a link in their place would make it write into another file.
    for beside in BESIDE {
        let mut name = path.as_os_str().to_owned();
        name.push(beside);
        let found = files::open(Path::new(&name), Readers::Everybody);
        found.map_err(|error| unusable(path, error))?;
    }
    writer(path).map_err(|fault| fault.at(path))
}

/// A connection that only reads.
pub(super) fn open_reader(path: &Path) -> Result<Connection, LedgerError> {
    // Reads have a connection of their own, so a long one never delays a write.
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connect = || {
        let connection = Connection::open_with_flags(path, flags)?;
        prepare(&connection)?;
        Ok(connection)
    };
    connect().map_err(|error| Fault::Sqlite(error).at(path))
}

/// A ledger in memory, lost when it is closed.
pub(super) fn open_in_memory() -> Result<Connection, LedgerError> {
    let connect = || {
        let mut connection = Connection::open_in_memory()?;
        prepare(&connection)?;
        schema::migrate(&mut connection)?;
        Ok(connection)
    };
    connect().map_err(|fault: Fault| fault.at(Path::new("in memory")))
}

fn writer(path: &Path) -> Result<Connection, Fault> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags)?;
    prepare(&connection)?;
    refuse_read_only(&connection)?;
    connection.pragma_update(None, "journal_mode", "wal")?;
    // Each commit is synced to disk before it is acknowledged; on macOS also past the disk's own cache.
    connection.pragma_update(None, "synchronous", "full")?;
    connection.pragma_update(None, "fullfsync", true)?;
    schema::migrate(&mut connection)?;
    Ok(connection)
}

/// SQLite silently falls back to read-only, and would report that only at the first write.
fn refuse_read_only(connection: &Connection) -> Result<(), Fault> {
    if connection.is_readonly("main")? {
        return Err(Fault::Unusable(READ_ONLY));
    }
    Ok(())
}

fn prepare(connection: &Connection) -> rusqlite::Result<()> {
    // Another process may be writing; its transactions are short.
    connection.busy_timeout(PATIENCE)?;
    connection.set_prepared_statement_cache_capacity(64);
    // Else SQLite prepares some statements again each time, since another value could make another plan better.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    Ok(())
}

/// The error for a file that cannot be used as the ledger in `path`.
fn unusable(path: &Path, error: FileError) -> LedgerError {
    let FileError {
        message,
        hint,
        source,
    } = error;
    let shown = path.display();
    let what = if message.starts_with('`') {
        format!("the ledger {message}")
    } else {
        format!("no ledger can be kept in `{shown}`: {message}")
    };
    match source.map(|source| (source.kind(), source)) {
        Some((io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem, _)) => {
            Fault::Unusable(READ_ONLY).at(path)
        }
        Some((_, source)) => LedgerError::Unusable {
            what: format!("{what}: {source}"),
            hint: "give another file with `--ledger PATH`, or mend that".to_owned(),
        },
        None => LedgerError::Unusable {
            what,
            hint: hint.unwrap_or_else(|| "give another file with `--ledger PATH`".to_owned()),
        },
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use rusqlite::{Connection, OpenFlags};

    use super::{default_path, refuse_read_only};
    use crate::ledger::sqlite::fault::{Fault, READ_ONLY};

    #[test]
    fn a_file_that_sqlite_can_only_read_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("acme.ledger");
        let writer = Connection::open(&path).unwrap();
        let reader = Connection::open_with_flags(&path, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();

        assert!(refuse_read_only(&writer).is_ok());
        let refused = refuse_read_only(&reader);
        assert!(
            matches!(refused, Err(Fault::Unusable(READ_ONLY))),
            "{refused:?}"
        );
    }

    #[test]
    fn a_host_cannot_lead_out_of_the_folder() {
        let name = |host| default_path(Path::new("/s"), host).display().to_string();

        assert_eq!(
            name("acme.cloud.looker.com"),
            "/s/acme.cloud.looker.com.ledger"
        );
        assert_eq!(
            name("Acme.Looker.com:19999"),
            "/s/acme.looker.com_3a19999.ledger"
        );
        assert_eq!(
            name("../../etc/passwd"),
            "/s/_2e._2f.._2fetc_2fpasswd.ledger"
        );
        assert_eq!(name("[::1]:80"), "/s/_5b_3a_3a1_5d_3a80.ledger");
    }
}
