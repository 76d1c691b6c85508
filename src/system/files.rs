//! Files that no one else can read, change or replace, written whole or not at all.
//!
//! One rule for all: a file belongs to the user who runs embedctl, or to root; no folder on its path can be written to by
//! others (a sticky one, such as `/tmp`, protects our files in it); and it is a regular file, checked through the descriptor
//! that is then used. New files are created beside their target under a random name, and renamed.

use std::fs::{self, DirBuilder, File, Metadata, OpenOptions};
use std::io::{self, Read as _, Seek, SeekFrom, Write};
use std::os::unix::fs::{
    DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _,
};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::OFlags;
use tempfile::NamedTempFile;
use zeroize::Zeroizing;

use crate::system::file_error::FileError;
use crate::system::ownership::{
    Readers, folder, is_mounted_secret, refuse_folders, refuse_irregular, refuse_mode, refuse_owner,
};

/// Space that must be available before the first secret is written.
const ROOM: usize = 16 * 1024;

/// The prefix and suffix of a file that is being written.
const BESIDE: (&str, &str) = (".embedctl-", ".partial");

/// Leftovers of dead processes are deleted once they are this old.
const ABANDONED: Duration = Duration::from_secs(600);

/// How many names of a folder are checked for leftovers.
const LOOKED_AT: usize = 10_000;

/// Open a file with settings or secrets, following links; `None` if there is none.
///
/// # Errors
/// It is not a regular file, or others can change it, or read it although `readers` allows only its owner.
pub(crate) fn open(path: &Path, readers: Readers) -> Result<Option<File>, FileError> {
    // NONBLOCK: opening a pipe must not hang; the check below refuses it.
    let options = OFlags::NONBLOCK.bits().cast_signed();
    let file = match OpenOptions::new()
        .read(true)
        .custom_flags(options)
        .open(path)
    {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(cannot_open(path, error)),
    };
    // The usual way to say "no file".
    if path == Path::new("/dev/null") {
        return Ok(Some(file));
    }
    // Checked on the open descriptor, not on the path: the path could be exchanged in between.
    let found = file.metadata().map_err(|error| cannot_open(path, error))?;
    let readers = match is_mounted_secret(path) {
        true => Readers::Everybody,
        false => readers,
    };
    refuse_irregular(path, &found)?;
    refuse_owner(path, &found)?;
    refuse_mode(path, &found, readers)?;
    refuse_folders(path)?;
    refuse_link(path)?;
    Ok(Some(file))
}

/// Refuse a link that someone else could redirect.
fn refuse_link(path: &Path) -> Result<(), FileError> {
    let failed = |error| cannot_open(path, error);
    let found = fs::symlink_metadata(path).map_err(failed)?;
    if !found.is_symlink() {
        return Ok(());
    }
    refuse_owner(path, &found)?;
    refuse_folders(&fs::canonicalize(path).map_err(failed)?)
}

/// The content of such a file, up to `limit` bytes.
///
/// # Errors
/// As for [`open`], or the file is longer.
pub(crate) fn read(
    path: &Path,
    readers: Readers,
    limit: u64,
) -> Result<Option<Zeroizing<Vec<u8>>>, FileError> {
    let Some(file) = open(path, readers)? else {
        return Ok(None);
    };
    content(file, path, limit).map(Some)
}

/// Open our own file for appending, creating it if missing. A link is refused.
pub(crate) fn open_append(path: &Path) -> Result<File, FileError> {
    let options = || {
        let mut options = OpenOptions::new();
        options.read(true).append(true);
        options
    };
    // The folder first: in one that others can change, the checks of the file prove nothing.
    refuse_folders(path)?;
    // `create_new`: a file created by someone else would keep its own permissions.
    match guarded(options().create_new(true)).open(path) {
        Ok(file) => {
            // A new file's name is durable only with its folder.
            sync_folder(path)?;
            Ok(file)
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            let file = guarded(&mut options()).open(path);
            checked(path, file.map_err(|error| cannot_open(path, error))?)
        }
        Err(error) => Err(FileError::at("create", path, error)),
    }
}

/// Open our own file for reading; `None` if there is none. A link is refused.
pub(crate) fn open_own(path: &Path) -> Result<Option<File>, FileError> {
    match guarded(OpenOptions::new().read(true)).open(path) {
        Ok(file) => {
            refuse_folders(path)?;
            checked(path, file).map(Some)
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(cannot_open(path, error)),
    }
}

/// The content of our own file, up to `limit` bytes; `None` if there is none.
pub(crate) fn read_own(path: &Path, limit: u64) -> Result<Option<Zeroizing<Vec<u8>>>, FileError> {
    let Some(file) = open_own(path)? else {
        return Ok(None);
    };
    content(file, path, limit).map(Some)
}

/// A file that replaces its target once it is complete; until then it has a random name beside it, and it is deleted if it
/// is never completed.
#[derive(Debug)]
pub(crate) struct Whole {
    file: NamedTempFile,
    path: PathBuf,
}

impl Whole {
    /// A file that will replace `path`, or the file that a link there points to.
    pub(crate) fn beside(path: &Path) -> Result<Self, FileError> {
        // Through a link the target is replaced, so the link stays.
        let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let file = tempfile::Builder::new()
            .prefix(BESIDE.0)
            .suffix(BESIDE.1)
            // Set at creation: a moment with wider permissions would be enough to open it.
            .permissions(fs::Permissions::from_mode(0o600))
            .tempfile_in(folder(&path))
            .map_err(|error| FileError::at("create a file beside", &path, error))?;
        // The lock tells a process that sweeps the folder that this file is in use.
        let held = file.as_file().try_lock();
        held.map_err(|error| FileError::at("lock", &path, error.into()))?;
        Ok(Self { file, path })
    }

    /// Replace the target; durable on return.
    pub(crate) fn commit(mut self) -> Result<(), FileError> {
        let written = self
            // Synced before the rename, or a crash could leave an empty file under the final name.
            .file
            .flush()
            .and_then(|()| self.file.as_file().sync_all());
        written.map_err(|error| FileError::at("write", &self.path, error))?;
        let named = self.file.persist(&self.path);
        named.map_err(|error| FileError::at("write", &self.path, error.error))?;
        // The rename itself is durable only with its folder.
        sync_folder(&self.path)
    }

    /// Take the name of the target unless it exists; returns whether it did not.
    pub(crate) fn commit_new(mut self) -> Result<bool, FileError> {
        let written = self
            .file
            .flush()
            .and_then(|()| self.file.as_file().sync_all());
        written.map_err(|error| FileError::at("write", &self.path, error))?;
        match self.file.persist_noclobber(&self.path) {
            Ok(_) => {}
            Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => return Ok(false),
            Err(error) => return Err(FileError::at("write", &self.path, error.error)),
        }
        sync_folder(&self.path)?;
        Ok(true)
    }
}

impl Seek for Whole {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }
}

impl Write for Whole {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// Replace the file by one with `bytes`, whole or not at all.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    let mut whole = Whole::beside(path)?;
    whole
        .write_all(bytes)
        .map_err(|error| FileError::at("write", path, error))?;
    whole.commit()
}

/// The same for a file that everyone may read.
pub(crate) fn publish(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    // Not a secret, unlike everything else written here.
    let mut whole = Whole::beside(path)?;
    let readable = fs::Permissions::from_mode(0o644);
    let written = whole.file.as_file().set_permissions(readable);
    written
        .and_then(|()| whole.write_all(bytes))
        .map_err(|error| FileError::at("write", path, error))?;
    whole.commit()
}

/// Create a file with `bytes`; returns whether there was none before.
pub(crate) fn create(path: &Path, bytes: &[u8]) -> Result<bool, FileError> {
    // Complete before it appears, so that no one reads half of it.
    let mut whole = Whole::beside(path)?;
    whole
        .write_all(bytes)
        .map_err(|error| FileError::at("write", path, error))?;
    whole.commit_new()
}

/// Let `change` compute the new content of a file from the current one while no other process does the same; `None` leaves
/// the file as it is. Every process that changes the file must use this function. A file that everyone may read keeps its
/// permissions and may be reached through a link.
pub(crate) fn update<T, E: From<FileError>>(
    path: &Path,
    readers: Readers,
    limit: u64,
    mut change: impl FnMut(Option<&[u8]>) -> Result<(Option<Zeroizing<Vec<u8>>>, T), E>,
) -> Result<T, E> {
    loop {
        let found = match readers {
            Readers::Owner => open_own(path)?,
            Readers::Everybody => open(path, readers)?,
        };
        let Some(file) = found else {
            // Without a file there is nothing to lock; if another process creates it first, the loop
            // starts over.
            refuse_folders(path)?;
            let (bytes, result) = change(None)?;
            match bytes {
                Some(bytes) if !create(path, &bytes)? => continue,
                _ => return Ok(result),
            }
        };
        let locked = file.lock();
        locked.map_err(|error| FileError::at("lock", path, error))?;
        // The previous holder of the lock may have replaced the file.
        if !is_still(path, &file)? {
            continue;
        }
        let (bytes, result) = change(Some(&content(&file, path, limit)?))?;
        let Some(bytes) = bytes else {
            // Another process may have renamed the file and died before it synced the folder.
            sync_folder(path)?;
            return Ok(result);
        };
        let mut whole = Whole::beside(path)?;
        let written = whole.write_all(&bytes).and_then(|()| match readers {
            Readers::Owner => Ok(()),
            Readers::Everybody => {
                // A file that everyone may read stays so.
                let kept = file.metadata()?.permissions();
                whole.file.as_file().set_permissions(kept)
            }
        });
        written.map_err(|error| FileError::at("write", path, error))?;
        whole.commit()?;
        return Ok(result);
    }
}

/// A file without a name, for this process only.
pub(crate) fn nameless(folder: &Path) -> io::Result<File> {
    let file = tempfile::tempfile_in(folder)?;
    file.set_permissions(fs::Permissions::from_mode(0o600))?;
    Ok(file)
}

/// Create a folder that only its owner may enter, with its parents.
pub(crate) fn make_private_folder(folder: &Path) -> Result<(), FileError> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
    made.map_err(|error| FileError::at("create the folder", folder, error))
}

/// Make creations, renames and deletions in the folder of `path` durable.
pub(crate) fn sync_folder(path: &Path) -> Result<(), FileError> {
    let folder = folder(path);
    let synced = File::open(folder).and_then(|folder| folder.sync_all());
    synced.map_err(|error| FileError::at("sync the folder", folder, error))
}

/// Find out whether files can be created beside `path`, and whether there is space for some secrets.
pub(crate) fn probe_beside(path: &Path) -> Result<(), FileError> {
    let folder = folder(path);
    refuse_folders(path)?;
    if !folder.is_dir() {
        let message = format!("`{}` is not a folder", folder.display());
        return Err(FileError::new(message));
    }
    // Before the probe, so that leftovers of a crash cannot be what fills the disk.
    sweep(folder);
    let write = || {
        let mut probe = tempfile::Builder::new()
            .prefix(BESIDE.0)
            .suffix(BESIDE.1)
            .tempfile_in(folder)?;
        // More than a small file needs, since a full disk may still have room for one byte.
        probe.write_all(&[b'\n'; ROOM])?;
        probe.as_file().sync_all()?;
        probe.close()
    };
    write().map_err(|error| FileError::at("write to the folder", folder, error))
}

/// Delete half-written files of dead processes. What cannot be deleted stays, and does no harm.
fn sweep(folder: &Path) {
    let left = |entry: &fs::DirEntry| {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        name.starts_with(BESIDE.0) && name.ends_with(BESIDE.1)
    };
    // An unreadable folder fails in the probe, with a better message.
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    // Bounded: a folder with millions of files must not delay each command.
    for entry in entries.flatten().take(LOOKED_AT).filter(left) {
        let path = entry.path();
        let Ok(Some(file)) = open_own(&path) else {
            continue;
        };
        let age = file.metadata().and_then(|found| found.modified());
        let age = age.ok().and_then(|changed| changed.elapsed().ok());
        // The lock as well as the age: a slow writer still holds it.
        if age.is_some_and(|age| age > ABANDONED) && file.try_lock().is_ok() {
            drop(fs::remove_file(path));
        }
    }
}

/// Refuse a file that is not as we would have created it: the checks of [`open_own`] for a file opened elsewhere.
pub(crate) fn checked(path: &Path, file: File) -> Result<File, FileError> {
    let found = file.metadata().map_err(|error| cannot_open(path, error))?;
    refuse_irregular(path, &found)?;
    refuse_owner(path, &found)?;
    // Another name of the file may have other permissions on its folder.
    if found.nlink() > 1 {
        let message = format!("`{}` has a second hard link", path.display());
        return Err(FileError::new(message).hint("use a file without hard links"));
    }
    refuse_mode(path, &found, Readers::Owner)?;
    Ok(file)
}

/// The device and inode of a file: the same for every path that leads to it.
pub(crate) fn identity(found: &Metadata) -> (u64, u64) {
    (found.dev(), found.ino())
}

fn content(file: impl io::Read, path: &Path, limit: u64) -> Result<Zeroizing<Vec<u8>>, FileError> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(4096));
    // One byte more than allowed, to notice a longer file without reading it.
    let read = file.take(limit.saturating_add(1)).read_to_end(&mut bytes);
    let read = read.map_err(|error| FileError::at("read", path, error))?;
    if read as u64 > limit {
        let message = format!("`{}` is longer than {limit} bytes", path.display());
        return Err(FileError::new(message).hint("check that it is the right file"));
    }
    Ok(bytes)
}

fn is_still(path: &Path, file: &File) -> Result<bool, FileError> {
    let opened = file.metadata().map_err(|error| cannot_open(path, error))?;
    match fs::metadata(path) {
        Ok(found) => Ok(identity(&found) == identity(&opened)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(FileError::at("read", path, error)),
    }
}

fn guarded(options: &mut OpenOptions) -> &mut OpenOptions {
    // NOFOLLOW: a link could lead to a file of someone else. NONBLOCK: opening a pipe must not hang.
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    options.mode(0o600).custom_flags(flags.bits().cast_signed())
}

fn cannot_open(path: &Path, error: io::Error) -> FileError {
    if error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error()) {
        return FileError::new(format!("`{}` is a link", path.display()))
            .hint("give the path of the file itself");
    }
    if error.kind() == io::ErrorKind::IsADirectory {
        return FileError::new(format!("`{}` is not a file", path.display()))
            .hint("give the path of a regular file");
    }
    FileError::at("open", path, error)
}
