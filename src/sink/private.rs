//! Files that only their owner may read, written so that they survive a power cut.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process;

use zeroize::Zeroizing;

use crate::sink::SinkError;

/// Room that has to be there before the first key is minted.
const ROOM: usize = 16 * 1024;

/// Open a file to append to, making it where there is none. A file that others may read is refused, and a link too.
pub(super) fn open_append(path: &Path) -> Result<File, SinkError> {
    let options = || {
        let mut options = OpenOptions::new();
        options.read(true).append(true);
        options
    };
    // `create_new`: a file that somebody else made would keep its own permissions.
    match guarded(options().create_new(true)).open(path) {
        Ok(file) => {
            sync_folder(path)?;
            Ok(file)
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            let file = guarded(&mut options()).open(path);
            let file = file.map_err(|error| cannot_open(path, error))?;
            let found = file
                .metadata()
                .map_err(|error| SinkError::at("read", path, error))?;
            refuse_open(path, &found)?;
            Ok(file)
        }
        Err(error) => Err(SinkError::at("make", path, error)),
    }
}

/// Open a private file to read; nothing where there is none.
pub(super) fn open_read(path: &Path) -> Result<Option<File>, SinkError> {
    let file = match guarded(OpenOptions::new().read(true)).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(cannot_open(path, error)),
    };
    let found = file
        .metadata()
        .map_err(|error| SinkError::at("read", path, error))?;
    refuse_open(path, &found)?;
    Ok(Some(file))
}

/// What is in a private file; nothing where there is none.
pub(super) fn read(path: &Path) -> Result<Option<Zeroizing<Vec<u8>>>, SinkError> {
    let Some(mut file) = open_read(path)? else {
        return Ok(None);
    };
    let size = file.metadata().map_or(0, |found| found.len());
    let mut bytes = Zeroizing::new(Vec::with_capacity(usize::try_from(size).unwrap_or(0) + 1));
    let read = file.read_to_end(&mut bytes);
    read.map_err(|error| SinkError::at("read", path, error))?;
    Ok(Some(bytes))
}

/// Put `bytes` in the place of the file, whole or not at all.
pub(super) fn replace(path: &Path, bytes: &[u8]) -> Result<(), SinkError> {
    let partial = partial(path);
    // One that a crash left behind.
    drop(fs::remove_file(&partial));
    let write = || {
        let mut file = guarded(OpenOptions::new().write(true).create_new(true)).open(&partial)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&partial, path)
    };
    write().map_err(|error| {
        drop(fs::remove_file(&partial));
        SinkError::at("write", path, error)
    })?;
    sync_folder(path)
}

/// Make what happened to the names in the folder of `path` durable.
pub(super) fn sync_folder(path: &Path) -> Result<(), SinkError> {
    let folder = folder(path);
    let synced = File::open(folder).and_then(|folder| folder.sync_all());
    synced.map_err(|error| SinkError::at("sync the folder", folder, error))
}

/// Find out whether files can be made beside `path`, and whether there is room for some keys.
pub(super) fn probe_beside(path: &Path) -> Result<(), SinkError> {
    let folder = folder(path);
    let found = match fs::metadata(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(SinkError::new(format!(
                "the folder `{}` does not exist",
                folder.display()
            ))
            .hint(format!(
                "make it with `mkdir -m 700 -p {}`",
                folder.display()
            )));
        }
        found => found.map_err(|error| SinkError::at("read", folder, error))?,
    };
    if !found.is_dir() {
        return Err(SinkError::new(format!(
            "`{}` is not a folder",
            folder.display()
        )));
    }
    refuse_shared_folder(folder, &found)?;
    let probe = folder.join(format!(".embedctl-probe-{}", process::id()));
    let written = write_and_remove(&probe);
    written.map_err(|error| SinkError::at("write to the folder", folder, error))
}

fn write_and_remove(path: &Path) -> io::Result<()> {
    let written = guarded(OpenOptions::new().write(true).create(true))
        .open(path)
        .and_then(|mut file| {
            file.write_all(&[b'\n'; ROOM])?;
            file.sync_all()
        });
    let removed = fs::remove_file(path);
    written.and(removed)
}

fn partial(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.partial"))
}

fn folder(path: &Path) -> &Path {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    folder.unwrap_or_else(|| Path::new("."))
}

#[cfg(unix)]
fn guarded(options: &mut OpenOptions) -> &mut OpenOptions {
    use std::os::unix::fs::OpenOptionsExt as _;

    use rustix::fs::OFlags;

    // NONBLOCK: a pipe in the place of the file is seen, not waited for.
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    options.mode(0o600).custom_flags(flags.bits().cast_signed())
}

#[cfg(not(unix))]
fn guarded(options: &mut OpenOptions) -> &mut OpenOptions {
    options
}

#[cfg(unix)]
fn cannot_open(path: &Path, error: io::Error) -> SinkError {
    if error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error()) {
        return SinkError::new(format!("`{}` is a link", path.display()))
            .hint("give the path of the file itself");
    }
    SinkError::at("open", path, error)
}

#[cfg(not(unix))]
fn cannot_open(path: &Path, error: io::Error) -> SinkError {
    SinkError::at("open", path, error)
}

#[cfg(unix)]
fn refuse_open(path: &Path, found: &Metadata) -> Result<(), SinkError> {
    use std::os::unix::fs::PermissionsExt as _;

    let path = path.display();
    if !found.is_file() {
        return Err(SinkError::new(format!("`{path}` is not a file")));
    }
    let mode = found.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(
            SinkError::new(format!("`{path}` is open to others (mode {mode:03o})"))
                .hint(format!("close it with `chmod 600 {path}`")),
        );
    }
    Ok(())
}

#[cfg(not(unix))]
fn refuse_open(path: &Path, found: &Metadata) -> Result<(), SinkError> {
    if found.is_file() {
        return Ok(());
    }
    Err(SinkError::new(format!(
        "`{}` is not a file",
        path.display()
    )))
}

/// Where everybody may write, everybody can put a file of their own in the place of ours; the sticky bit forbids it.
#[cfg(unix)]
fn refuse_shared_folder(folder: &Path, found: &Metadata) -> Result<(), SinkError> {
    use std::os::unix::fs::PermissionsExt as _;

    let mode = found.permissions().mode();
    if mode & 0o1002 == 0o0002 {
        let folder = folder.display();
        return Err(
            SinkError::new(format!("everybody may write to the folder `{folder}`"))
                .hint(format!("close it with `chmod 700 {folder}`")),
        );
    }
    Ok(())
}

#[cfg(not(unix))]
fn refuse_shared_folder(_folder: &Path, _found: &Metadata) -> Result<(), SinkError> {
    Ok(())
}
