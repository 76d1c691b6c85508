//! Values as people write them: switches, durations, algorithms, counts.

use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

use crate::config::source::Source;
use crate::error::{Error, Kind};
use crate::system::{Readers, files};

/// No file of settings is longer.
const LARGEST_FILE: u64 = 4 * 1024 * 1024;

/// The text of a file of settings, which nobody else may have written: it says where secrets come from and go to. A
/// missing file is an error, with `advice`, only if somebody `named` it.
pub(crate) fn settings_text(
    path: &Path,
    named: bool,
    advice: &str,
) -> Result<Option<String>, Error> {
    let cannot = |error: Error| {
        let error = error.with_kind(Kind::Usage);
        error.context(format!("cannot read `{}`", path.display()))
    };
    let found = files::read(path, Readers::Everybody, LARGEST_FILE);
    let Some(bytes) = found.map_err(|error| cannot(error.into()))? else {
        let missing = || cannot(Error::usage("there is no such file")).hint(advice);
        return if named { Err(missing()) } else { Ok(None) };
    };
    let text = String::from_utf8(bytes.to_vec());
    text.map(Some)
        .map_err(|_| cannot(Error::usage("it is not text")))
}

/// A switch as the official SDKs read it: `yes, y, true, t, on, 1` and `no, n, false, f, off, 0`, in any case.
pub(crate) fn switch(text: &str, source: &Source) -> Result<bool, Error> {
    match text.to_ascii_lowercase().as_str() {
        "yes" | "y" | "true" | "t" | "on" | "1" => Ok(true),
        "no" | "n" | "false" | "f" | "off" | "0" => Ok(false),
        _ => Err(invalid(text, source, "write `true` or `false`")),
    }
}

/// A span of time: `30s`, `2m`, `500ms`, `1h`, or plain seconds.
pub(crate) fn duration(text: &str, source: &Source) -> Result<Duration, Error> {
    let split = text
        .find(|character: char| !character.is_ascii_digit() && character != '.')
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let scale = match unit.trim() {
        "ms" => 0.001,
        "" | "s" => 1.0,
        "m" => 60.0,
        "h" => 3600.0,
        _ => f64::NAN,
    };
    number
        .parse::<f64>()
        .ok()
        .and_then(|number| Duration::try_from_secs_f64(number * scale).ok())
        .filter(|duration| !duration.is_zero())
        .ok_or_else(|| invalid(text, source, "write it as `30s`, `2m` or `500ms`"))
}

/// A value of any type that reads itself; `advice` says how to write one.
pub(crate) fn parsed<T: FromStr>(text: &str, source: &Source, advice: &str) -> Result<T, Error> {
    text.parse().map_err(|_| invalid(text, source, advice))
}

/// The error for a value that cannot be read.
pub(crate) fn invalid(text: &str, source: &Source, advice: &str) -> Error {
    Error::usage(format!("`{text}` is not a valid value ({source})")).hint(advice)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_with_and_without_a_unit() {
        for (text, expected) in [
            ("30s", 30_000),
            ("30", 30_000),
            ("2m", 120_000),
            ("500ms", 500),
            ("1h", 3_600_000),
            ("1.5", 1_500),
            ("2 m", 120_000),
        ] {
            let read = duration(text, &Source::Default).map(|duration| duration.as_millis());

            assert_eq!(read.ok(), Some(expected), "{text}");
        }
    }

    #[test]
    fn durations_that_mean_nothing_are_refused() {
        for text in ["", "s", "0", "-1", "1d", "soon", "1e400", "..", "1.2.3"] {
            assert!(duration(text, &Source::Default).is_err(), "{text}");
        }
    }

    #[test]
    fn switches_are_read_as_the_sdks_do() {
        for (text, expected) in [
            ("YES", true),
            ("t", true),
            ("1", true),
            ("False", false),
            ("0", false),
            ("n", false),
        ] {
            assert_eq!(
                switch(text, &Source::Default).ok(),
                Some(expected),
                "{text}"
            );
        }
        assert!(switch("maybe", &Source::Default).is_err());
    }
}
