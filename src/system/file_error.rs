//! Why a file cannot be used.

use std::fmt;
use std::io;
use std::path::Path;

/// Why a file cannot be used. Contains nothing of its content.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct FileError {
    /// What is wrong, or what was tried.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
    /// The cause.
    #[source]
    pub source: Option<io::Error>,
}

impl FileError {
    pub(super) fn new(message: impl fmt::Display) -> Self {
        Self {
            message: message.to_string(),
            hint: None,
            source: None,
        }
    }

    pub(super) fn hint(mut self, hint: impl fmt::Display) -> Self {
        self.hint = Some(hint.to_string());
        self
    }

    /// `what` could not be done with the file or folder in `path`.
    pub(crate) fn at(what: &str, path: &Path, cause: io::Error) -> Self {
        // The most common causes have a remedy that the operator can apply at once.
        let hint = match cause.kind() {
            io::ErrorKind::NotFound => path.parent().map(make_folder),
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                Some("choose a place where you may write".to_owned())
            }
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                Some("make room, then run the same command again".to_owned())
            }
            _ => None,
        };
        Self {
            message: format!("cannot {what} `{}`", path.display()),
            hint,
            source: Some(cause),
        }
    }
}

/// How to create a folder for secrets.
pub(super) fn make_folder(folder: &Path) -> String {
    format!(
        "create the folder with `mkdir -m 700 -p {}`",
        folder.display()
    )
}
