//! Whether a file is safe from others: its owner, its permissions, and the same for every folder on its path.

use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;

use crate::system::file_error::{FileError, make_folder};

/// Where Docker and Kubernetes mount secrets: readable by everyone in the container, and with links inside.
const MOUNTED_SECRETS: [&str; 2] = ["/run/secrets", "/var/run/secrets"];

/// Who may read a file.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Readers {
    /// Only its owner; also others below the folders where containers mount secrets.
    Owner,
    /// Everyone, as long as no one else can write to it.
    Everybody,
}

/// Whether it is a secret mounted into a container.
pub(super) fn is_mounted_secret(path: &Path) -> bool {
    let below = |path: &Path| MOUNTED_SECRETS.iter().any(|mount| path.starts_with(mount));
    let real = fs::canonicalize(path);
    below(path) && real.is_ok_and(|real| below(&real))
}

/// Refuse folders, pipes, devices and sockets.
pub(super) fn refuse_irregular(path: &Path, found: &Metadata) -> Result<(), FileError> {
    if found.is_file() {
        return Ok(());
    }
    let message = format!("`{}` is not a file", path.display());
    Err(FileError::new(message).hint("give the path of a regular file"))
}

/// Whether the user `uid` may be trusted with our files.
fn is_trusted(uid: u32) -> bool {
    uid == 0 || uid == rustix::process::geteuid().as_raw()
}

/// Refuse a file that belongs neither to the user who runs embedctl nor to root.
pub(super) fn refuse_owner(path: &Path, found: &Metadata) -> Result<(), FileError> {
    if is_trusted(found.uid()) {
        return Ok(());
    }
    let message = format!(
        "`{}` belongs to another user (uid {}), who can change it",
        path.display(),
        found.uid()
    );
    Err(FileError::new(message).hint("use a file that belongs to you or to root"))
}

/// Refuse permissions that let others read or write the file.
pub(super) fn refuse_mode(
    path: &Path,
    found: &Metadata,
    readers: Readers,
) -> Result<(), FileError> {
    let mode = found.permissions().mode() & 0o777;
    let shown = path.display();
    match readers {
        Readers::Owner if mode & 0o077 != 0 => Err(FileError::new(format!(
            "`{shown}` is accessible to others (mode {mode:03o})"
        ))
        .hint(format!("restrict it with `chmod 600 {shown}`"))),
        Readers::Everybody if can_others_write(found) => Err(FileError::new(format!(
            "others can write to `{shown}` (mode {mode:03o})"
        ))
        .hint(format!("restrict it with `chmod go-w {shown}`"))),
        Readers::Owner | Readers::Everybody => Ok(()),
    }
}

/// Whether someone other than the owner can write to it. A group with the same number as the owner is the owner's own, as
/// most Linux distributions create one per user.
fn can_others_write(found: &Metadata) -> bool {
    let mode = found.permissions().mode();
    let own_group = found.gid() == found.uid();
    mode & 0o002 != 0 || (mode & 0o020 != 0 && !own_group)
}

/// The folder that `path` is in.
pub(super) fn folder(path: &Path) -> &Path {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    folder.unwrap_or_else(|| Path::new("."))
}

/// Refuse a path on which someone else could replace the file.
pub(super) fn refuse_folders(path: &Path) -> Result<(), FileError> {
    let folder = folder(path);
    let failed = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound => {
            let message = format!("the folder `{}` does not exist", folder.display());
            FileError::new(message).hint(make_folder(folder))
        }
        _ => FileError::at("read the folder", folder, error),
    };
    // Both as named and resolved: a link on the way counts as much as the folders behind it.
    let named = std::path::absolute(folder).map_err(failed)?;
    let real = fs::canonicalize(folder).map_err(failed)?;
    for step in named.ancestors() {
        let link = fs::symlink_metadata(step).map_err(failed)?;
        if link.is_symlink() {
            refuse_owner(step, &link)?;
        }
        refuse_folder(step, &fs::metadata(step).map_err(failed)?)?;
    }
    if real != named {
        for step in real.ancestors() {
            refuse_folder(step, &fs::metadata(step).map_err(failed)?)?;
        }
    }
    Ok(())
}

fn refuse_folder(folder: &Path, found: &Metadata) -> Result<(), FileError> {
    let shown = folder.display();
    if !is_trusted(found.uid()) {
        let uid = found.uid();
        let message = format!("the folder `{shown}` belongs to another user (uid {uid})");
        return Err(FileError::new(message).hint("use a folder that belongs to you or to root"));
    }
    let mode = found.permissions().mode() & 0o7777;
    let sticky = mode & 0o1000 != 0;
    if sticky || !can_others_write(found) {
        return Ok(());
    }
    Err(FileError::new(format!(
        "others can write to the folder `{shown}` (mode {mode:03o})"
    ))
    .hint(format!("restrict it with `chmod go-w {shown}`")))
}
