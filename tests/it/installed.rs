//! Packages of Python and of Node, installed below `target/` once for each list of them; for tests and benchmarks.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;

/// The interpreter of a virtual environment called `name` with what `list`, a `requirements.txt`, asks for.
///
/// # Errors
/// Why there is no way to get it.
pub(crate) fn python(name: &str, list: &Path) -> Result<PathBuf, String> {
    let place = ready(name, list, |place| {
        run(Command::new("python3").arg("-m").arg("venv").arg(place))?;
        let pip = [
            "-m",
            "pip",
            "install",
            "--quiet",
            "--no-input",
            "--disable-pip-version-check",
            "-r",
        ];
        run(Command::new(place.join("bin/python")).args(pip).arg(list))
    })?;
    Ok(place.join("bin/python"))
}

/// The `node_modules` with what `list`, a `package.json`, asks for.
///
/// # Errors
/// Why there is no way to get it.
pub(crate) fn npm(name: &str, list: &Path) -> Result<PathBuf, String> {
    let place = ready(name, list, |place| {
        fs::create_dir(place).map_err(|error| error.to_string())?;
        fs::copy(list, place.join("package.json")).map_err(|error| error.to_string())?;
        let install = [
            "install",
            "--silent",
            "--no-audit",
            "--no-fund",
            "--no-package-lock",
            "--fetch-retries=1",
        ];
        run(Command::new("npm").args(install).current_dir(place))
    })?;
    Ok(place.join("node_modules"))
}

/// The place of an installation that is made by `install` once for each content of `list`, and used by all runs from
/// then on.
fn ready(
    name: &str,
    list: &Path,
    install: impl Fn(&Path) -> Result<(), String>,
) -> Result<PathBuf, String> {
    let home = Path::new(env!("CARGO_TARGET_TMPDIR")).join("sdk");
    fs::create_dir_all(&home).unwrap();
    // One that could not be had a moment ago is not waited for again by every test.
    static MISSING: Mutex<BTreeMap<String, String>> = Mutex::new(BTreeMap::new());
    // Other tests and other runs may want the same one at the same time.
    let lock = File::create(home.join(format!("{name}.lock"))).unwrap();
    lock.lock().unwrap();

    let place = home.join(name);
    let made_from = home.join(format!("{name}.list"));
    let wanted = fs::read(list).unwrap();
    if fs::read(&made_from).is_ok_and(|made| made == wanted) {
        return Ok(place);
    }
    if place.exists() {
        fs::remove_dir_all(&place).unwrap();
    }
    let known = MISSING.lock().unwrap().get(name).cloned();
    if let Err(why) = known.map_or_else(|| install(&place), Err) {
        MISSING.lock().unwrap().insert(name.to_owned(), why.clone());
        return Err(format!("cannot install {}: {why}", list.display()));
    }
    fs::write(&made_from, wanted).unwrap();
    Ok(place)
}

fn run(command: &mut Command) -> Result<(), String> {
    let program = command.get_program().display().to_string();
    let output = command
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("{program}: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text);
    Err(format!(
        "{program}: {}: {}",
        output.status,
        text.lines().last().unwrap_or_default()
    ))
}
