//! Errors of statements, and their wording.

use std::path::Path;

use rusqlite::ErrorCode;

use crate::ledger::LedgerError;

/// A file that SQLite could open for reading only.
pub(super) const READ_ONLY: &str = "can only be read";

const OTHER_FILE: &str = "make it writable, or give another file with `--ledger PATH`";

/// Why a statement failed. Only after a refusal is the transaction still usable.
#[derive(Debug)]
pub(super) enum Fault {
    /// The request is not allowed; nothing was written.
    Refused(LedgerError),
    /// The file cannot be used, for this reason.
    Unusable(&'static str),
    /// SQLite failed.
    Sqlite(rusqlite::Error),
}

impl Fault {
    /// The error to report, for the ledger in `path`.
    pub(super) fn at(self, path: &Path) -> LedgerError {
        match self {
            Self::Refused(error) => error,
            Self::Unusable(what) => unusable(path, what, OTHER_FILE),
            Self::Sqlite(error) => describe(path, &error),
        }
    }
}

/// What SQLite's error means for the ledger in `path`.
pub(super) fn describe(path: &Path, error: &rusqlite::Error) -> LedgerError {
    let (what, hint) = match error.sqlite_error_code() {
        Some(ErrorCode::ReadOnly) => (READ_ONLY, OTHER_FILE),
        Some(ErrorCode::DiskFull) => (
            "has no room left on its disk",
            "make room, then run the same command again",
        ),
        Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => (
            "is damaged",
            "restore a copy, or move it away to start a new one; `embedctl keys list` shows what is at Looker",
        ),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => (
            "is kept locked by another process",
            "wait for it to end, then run the same command again",
        ),
        _ => {
            return LedgerError::Store {
                what: format!("cannot read or write the ledger `{}`", path.display()),
                source: anyhow::Error::msg(error.to_string()),
            };
        }
    };
    unusable(path, what, hint)
}

fn unusable(path: &Path, what: &str, hint: &str) -> LedgerError {
    LedgerError::Unusable {
        what: format!("the ledger `{}` {what}", path.display()),
        hint: hint.to_owned(),
    }
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

impl From<LedgerError> for Fault {
    fn from(error: LedgerError) -> Self {
        Self::Refused(error)
    }
}
