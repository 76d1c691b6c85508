//! Files of settings that nobody else can read, and that are whole or not there.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use crate::error::Error;
use crate::secret::{ExposeSecret as _, SecretString};

/// Keep a secret in a new file that nobody else can read.
pub(crate) fn write_secret(path: &Path, secret: &SecretString) -> Result<PathBuf, Error> {
    let write = || {
        let mut file = private(path)?;
        file.write_all(secret.expose_secret().as_bytes())?;
        file.write_all(b"\n")?;
        file.sync_all()
    };
    write().map_err(|error| cannot_write(path, error))?;
    Ok(path.to_owned())
}

/// Put `bytes` in place of what `path` holds, whole or not at all.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let partial = path.with_extension("toml.new");
    let mut file = private(&partial)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    if let Ok(old) = fs::metadata(path) {
        fs::set_permissions(&partial, old.permissions())?;
    }
    fs::rename(&partial, path)?;
    #[cfg(unix)]
    fs::File::open(path.parent().unwrap_or_else(|| Path::new(".")))?.sync_all()?;
    Ok(())
}

/// A new file with the permissions it keeps.
fn private(path: &Path) -> io::Result<fs::File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// The error of a file that cannot be written.
pub(crate) fn cannot_write(path: &Path, error: io::Error) -> Error {
    Error::internal(error).context(format!("cannot write `{}`", path.display()))
}
