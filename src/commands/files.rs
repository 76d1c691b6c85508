//! The files given to a command: none may have two roles, and none may be overwritten by content of another kind.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use crate::commands::keys_to::KeysTo;
use crate::config::Settings;
use crate::error::{Error, Kind};
use crate::plan::read_header;
use crate::sink;
use crate::system::{System, files};

/// The name of the standard streams among files.
const STDOUT: &str = "/dev/stdout";
const STDERR: &str = "/dev/stderr";

/// How much of a file is read to recognize its kind.
const HEAD: u64 = 64 * 1024;

/// The files of one command, each with the flag or setting that names it.
#[derive(Debug)]
pub(crate) struct Roles(Vec<Role>);

#[derive(Debug)]
struct Role {
    name: String,
    path: PathBuf,
    place: Option<Place>,
    /// Whether the command writes to it.
    written: bool,
    /// Whether it covers every file in the folder.
    folder: bool,
}

/// What identifies a file; for a missing one, its folder and name.
#[derive(Debug, Eq, PartialEq)]
enum Place {
    There((u64, u64)),
    In((u64, u64), PathBuf),
}

impl Roles {
    /// The files of every command: the sources of settings and secrets, and the ledger.
    pub(crate) fn of(settings: &Settings, system: &System) -> Result<Self, Error> {
        let mut roles = Self(Vec::new());
        for (name, path, stream) in [
            ("standard output", STDOUT, &system.out),
            ("standard error", STDERR, &system.err),
        ] {
            roles.stream(name, path, stream.file(), true);
        }
        for (name, path) in settings.files() {
            roles.add(name, path, false, false);
        }
        if let Some(ledger) = settings.ledger_file(system) {
            // SQLite writes these files beside the ledger; losing one loses records.
            for beside in ["", "-wal", "-shm", "-journal"] {
                let mut path = ledger.as_os_str().to_owned();
                path.push(beside);
                roles.add("the ledger".to_owned(), path.into(), false, false);
            }
        }
        Ok(roles)
    }

    /// Add a file that is read.
    pub(crate) fn read(&mut self, role: &str, name: &str, system: &System) {
        // A shell may have redirected a stream to a file that is named again in another flag.
        if name == "-" {
            self.stream(role, "/dev/stdin", system.input.file(), false);
        } else {
            self.add(role.to_owned(), system.path(name), false, false);
        }
    }

    /// Add a file that is written.
    pub(crate) fn write(&mut self, role: &str, name: Option<&str>, system: &System) {
        if let Some(name) = name {
            self.add(role.to_owned(), system.path(name), true, false);
        }
    }

    /// Add the files and folders that keys go to.
    pub(crate) fn keys_to(&mut self, keys_to: &KeysTo, system: &System) {
        let places = keys_to
            .sinks()
            .iter()
            .filter_map(|it| sink::place(it, system));
        for (path, folder) in places {
            self.add("`--keys-to`".to_owned(), path, true, folder);
        }
    }

    /// Add a stream of this process, which a shell may have redirected to a file.
    fn stream(&mut self, name: &str, path: &str, file: Option<(u64, u64)>, written: bool) {
        if let Some(file) = file {
            self.0.push(Role {
                name: name.to_owned(),
                path: path.into(),
                place: Some(Place::There(file)),
                written,
                folder: false,
            });
        }
    }

    fn add(&mut self, name: String, path: PathBuf, written: bool, folder: bool) {
        let place = place(&path);
        self.0.push(Role {
            name,
            path,
            place,
            written,
            folder,
        });
    }

    /// Refuse a file with two roles, one of which writes to it.
    pub(crate) fn check(&self) -> Result<(), Error> {
        for (at, one) in self.0.iter().enumerate() {
            for other in self.0.iter().take(at) {
                // Output and errors may share a log.
                let streams = one.is_output() && other.is_output();
                if (one.written || other.written) && !streams && one.is_or_holds(other) {
                    let (first, second) = (&other.name, &one.name);
                    let named = if other.is_output() { one } else { other };
                    let message = format!(
                        "{first} and {second} are the same file, `{}`; nothing was done",
                        named.path.display()
                    );
                    return Err(Error::usage(message).hint("use a different file for each"));
                }
            }
        }
        Ok(())
    }
}

impl Role {
    fn is_output(&self) -> bool {
        [STDOUT, STDERR]
            .iter()
            .any(|path| self.path == Path::new(path))
    }

    fn is_or_holds(&self, other: &Self) -> bool {
        // Compared by device and inode: two names may be one file through a link.
        let same = self.place.is_some() && self.place == other.place;
        same || self.holds(other) || other.holds(self)
    }

    fn holds(&self, other: &Self) -> bool {
        let folder = |path: &Path| fs::metadata(path).ok().map(|found| files::identity(&found));
        let inside = || folder(other.path.parent()?);
        self.folder && other.written && folder(&self.path).is_some_and(|me| inside() == Some(me))
    }
}

fn place(path: &Path) -> Option<Place> {
    if let Ok(found) = fs::metadata(path) {
        // Anything may write to a non-file such as `/dev/null`.
        let is_kept = found.is_file() || found.is_dir();
        return is_kept.then(|| Place::There(files::identity(&found)));
    }
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    // A missing file has no inode yet, so its folder and name stand for it.
    let found = fs::metadata(folder.unwrap_or_else(|| Path::new("."))).ok()?;
    Some(Place::In(files::identity(&found), path.file_name()?.into()))
}

impl Seek for Writing {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        match self {
            Self::Whole(whole) => whole.seek(to),
            Self::Straight(file) => file.seek(to),
        }
    }
}

/// The kind of content that a command writes to a file.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum OutputKind {
    /// A plan.
    Plan,
    /// A manifest.
    Manifest,
    /// The report of a run.
    Report,
}

/// A file that a command was told to write: whole or not at all, readable only by its owner.
#[derive(Debug)]
pub(crate) struct Output {
    flag: &'static str,
    name: String,
    path: PathBuf,
}

/// An output being written.
#[derive(Debug)]
pub(crate) enum Writing {
    /// A file that replaces its target once it is complete.
    Whole(files::Whole),
    /// A non-file, such as a pipe.
    Straight(File),
}

impl Output {
    /// Check that the file can be written, before anything is done.
    ///
    /// # Errors
    /// [`Kind::Usage`]: it cannot, or it holds content of another kind.
    pub(crate) fn open(
        flag: &'static str,
        name: &str,
        kind: OutputKind,
        system: &System,
    ) -> Result<Self, Error> {
        let output = Self {
            flag,
            name: name.to_owned(),
            path: system.path(name),
        };
        // Opened for reading only: the old content stays until the new one is complete.
        let found = output.found().map_err(|error| output.unwritable(error))?;
        if found.is_some_and(|found| found != Some(kind)) {
            let message = format!("`{flag} {name}` would overwrite a file that {kind} is not");
            return Err(Error::usage(message).hint("give another name, or move that file away"));
        }
        // A trial: it is dropped again, which leaves the target untouched.
        drop(output.begin()?);
        Ok(output)
    }

    /// Start writing.
    pub(crate) fn begin(&self) -> Result<Writing, Error> {
        let is_device =
            fs::metadata(&self.path).is_ok_and(|found| !found.is_file() && !found.is_dir());
        if is_device {
            // A pipe or device cannot be replaced by a renamed file.
            let opened = OpenOptions::new().append(true).open(&self.path);
            let opened = opened.map_err(|error| self.unwritable(error))?;
            return Ok(Writing::Straight(opened));
        }
        let whole = files::Whole::beside(&self.path);
        whole.map(Writing::Whole).map_err(|error| {
            let error = Error::from(error).with_kind(Kind::Usage);
            error.context(format!("cannot write `{} {}`", self.flag, self.name))
        })
    }

    /// The error for a failed write.
    pub(crate) fn unwritable(&self, error: io::Error) -> Error {
        let error = Error::caused(Kind::Usage, error);
        error.context(format!("cannot write `{} {}`", self.flag, self.name))
    }

    /// The kind of its present content: none or empty, a known kind, or something else.
    fn found(&self) -> io::Result<Option<Option<OutputKind>>> {
        match fs::metadata(&self.path) {
            Ok(found) if found.is_file() => {}
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => return Ok(None),
        }
        // A prefix is enough to recognize a kind, and the file may be huge.
        let mut head = Vec::new();
        let file = File::open(&self.path)?;
        file.take(HEAD).read_to_end(&mut head)?;
        let head = String::from_utf8_lossy(&head);
        Ok((!head.trim().is_empty()).then(|| kind_of(&head)))
    }
}

impl Writing {
    /// Complete the file: let it replace its target.
    pub(crate) fn commit(self) -> Result<(), Error> {
        match self {
            Self::Whole(whole) => Ok(whole.commit()?),
            Self::Straight(mut file) => file.flush().map_err(Error::internal),
        }
    }
}

impl Write for Writing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Whole(whole) => whole.write(bytes),
            Self::Straight(file) => file.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Whole(whole) => whole.flush(),
            Self::Straight(file) => file.flush(),
        }
    }
}

impl std::fmt::Display for OutputKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Plan => "a plan",
            Self::Manifest => "a manifest",
            Self::Report => "a report",
        })
    }
}

/// The kind of a file that starts with `head`. Keys name users as manifests do, but are recognized by their secret.
fn kind_of(head: &str) -> Option<OutputKind> {
    let head = head.trim_start_matches('\u{feff}');
    let first = head.lines().next().unwrap_or_default();
    if !matches!(read_header(first), Ok(None)) {
        return Some(OutputKind::Plan);
    }
    if first.eq_ignore_ascii_case("<!doctype html>") && head.contains("<h1>embedctl") {
        return Some(OutputKind::Report);
    }
    let others = ["client_secret", "client_id", "\"outcome\""];
    let names_users = head.contains("external_user_id");
    (names_users && !others.iter().any(|other| head.contains(other)))
        .then_some(OutputKind::Manifest)
}

/// All of the file `name`, as typed; `-` is standard input.
pub(crate) fn read_named(file: &str, system: &System) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    let read = if file == "-" {
        system.input.clone().read_to_end(&mut bytes).map(drop)
    } else {
        fs::read(system.path(file)).map(|content| bytes = content)
    };
    read.map_err(|error| {
        Error::usage(format!("cannot read `{file}`: {error}"))
            .hint("name a file that can be read, or `-` for standard input")
    })?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::{OutputKind, kind_of};

    #[test]
    fn a_file_of_keys_is_no_manifest() {
        let key = r#"{"external_user_id":"a","key_id":"1","client_id":"x","client_secret":"y"}"#;
        let plan = r#"{"embedctl_plan":1,"base_url":"https://acme.looker.com"}"#;

        assert_eq!(kind_of(key), None);
        assert_eq!(kind_of("A=1\nB=2\n"), None);
        assert_eq!(kind_of(plan), Some(OutputKind::Plan));
        for manifest in [
            "\u{feff}external_user_id,models\na,b\n",
            "{\"external_user_id\":\"a\"}\n",
            "users:\n- external_user_id: a\n",
        ] {
            assert_eq!(kind_of(manifest), Some(OutputKind::Manifest), "{manifest}");
        }
        let page = "<!doctype html>\n<html><body><h1>embedctl apply x</h1>";
        assert_eq!(kind_of(page), Some(OutputKind::Report));
    }
}
