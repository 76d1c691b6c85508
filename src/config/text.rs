//! Parsing of values as people write them: switches, durations, algorithms, counts.

use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

use crate::config::source::Source;
use crate::error::{Error, Kind};
use crate::system::{Readers, System, duration, files};

/// Far more than any settings file.
const LARGEST_FILE: u64 = 4 * 1024 * 1024;

/// The byte order mark.
const BOM: char = '\u{feff}';

/// The text of a settings file, which no one else may be able to write: it says where secrets come from and go to. A missing
/// file is an error, with `advice`, only if it was `named` explicitly.
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
    let text = text.map_err(|_| cannot(Error::usage("it is not text")))?;
    // Some editors start every file with it.
    Ok(Some(match text.strip_prefix(BOM) {
        Some(rest) => rest.to_owned(),
        None => text,
    }))
}

/// `text` as the official SDKs read a value: without the white space, the line ends, the byte order mark and the one pair of
/// quotes around it that editors, shells and key vaults add.
pub(crate) fn bare(text: &str) -> &str {
    let trimmed = |text| str::trim_matches(text, |it: char| it.is_whitespace() || it == BOM);
    let text = trimmed(text);
    let unquoted = |quote| text.strip_prefix(quote)?.strip_suffix(quote);
    trimmed(unquoted('"').or_else(|| unquoted('\'')).unwrap_or(text))
}

/// The value of an environment variable; `None` if nothing is in it.
pub(crate) fn variable(system: &System, name: &str) -> Option<String> {
    let value = system.var(name)?;
    let value = bare(&value);
    (!value.is_empty()).then(|| value.to_owned())
}

/// A switch, in the values of the official SDKs: `yes, y, true, t, on, 1` and `no, n, false, f, off, 0`, in any case.
pub(crate) fn switch(text: &str, source: &Source) -> Result<bool, Error> {
    match text.to_ascii_lowercase().as_str() {
        "yes" | "y" | "true" | "t" | "on" | "1" => Ok(true),
        "no" | "n" | "false" | "f" | "off" | "0" => Ok(false),
        _ => Err(invalid(text, source, "write `true` or `false`")),
    }
}

/// A positive duration, or plain seconds as in the official SDKs.
pub(crate) fn duration(text: &str, source: &Source) -> Result<Duration, Error> {
    let read = duration::read_or_seconds(text).and_then(|read| match read.is_zero() {
        true => Err("it must be longer than zero"),
        false => Ok(read),
    });
    read.map_err(|why| invalid(text, source, why))
}

/// A value of any type that can be parsed; `advice` says how to write one.
pub(crate) fn parsed<T: FromStr>(text: &str, source: &Source, advice: &str) -> Result<T, Error> {
    text.parse().map_err(|_| invalid(text, source, advice))
}

/// The error for a value that cannot be parsed.
pub(crate) fn invalid(text: &str, source: &Source, advice: &str) -> Error {
    Error::usage(format!("`{text}` is not a valid value ({source})")).hint(advice)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_around_a_value_is_taken_off() {
        for text in [
            "abc",
            " abc\r\n",
            "\"abc\"",
            "'abc'\n",
            "\u{feff}abc",
            "\u{feff}\"abc\"\r\n",
            "\t\" abc\n\"",
        ] {
            assert_eq!(bare(text), "abc", "{text:?}");
        }
        for text in ["\"", "'a", "a\"b", "'a\"", "\"'a'\" b"] {
            assert_eq!(bare(text), text);
        }
        assert_eq!(bare("\"'abc'\""), "'abc'");
        assert_eq!(bare(" '' "), "");
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
