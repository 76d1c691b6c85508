//! The ledger's place: a path, or `sqlite:PATH`.

use crate::config::source::Source;
use crate::error::Error;

const ADVICE: &str = "give a path, or `sqlite:PATH`";

/// The path that `text` names. What else it may contain is not repeated: it could be a password.
pub(crate) fn path<'a>(text: &'a str, source: &Source) -> Result<&'a str, Error> {
    let refuse = |why: String| Error::usage(format!("{why} ({source})"));
    let path = match scheme(text) {
        None => text,
        Some(("sqlite", path)) if path.starts_with("//") => {
            return Err(refuse("the ledger is a URL of SQLite".to_owned()).hint(ADVICE));
        }
        Some(("sqlite", path)) => path,
        Some((scheme @ ("postgres" | "postgresql"), _)) => {
            let why = format!(
                "a ledger in PostgreSQL (`{scheme}:`) is not supported by this embedctl yet"
            );
            return Err(refuse(why).hint(ADVICE));
        }
        Some((scheme, _)) => {
            let why = format!("a ledger cannot be at `{scheme}:`");
            let advice = format!("{ADVICE}; for a file with such a name, `./{scheme}:…`");
            return Err(refuse(why).hint(advice));
        }
    };
    match path.is_empty() {
        true => Err(refuse("the ledger has no path".to_owned()).hint(ADVICE)),
        false => Ok(path),
    }
}

/// The scheme of a URL, and what follows it.
fn scheme(text: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = text.split_once(':')?;
    let fits = |it: char| it.is_ascii_alphanumeric() || "+-.".contains(it);
    let is_scheme = scheme.starts_with(|first: char| first.is_ascii_alphabetic());
    (is_scheme && scheme.chars().all(fits)).then_some((scheme, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ledger_is_a_path_and_nothing_else() {
        for (text, expected) in [
            ("runs.ledger", "runs.ledger"),
            ("sqlite:/var/lib/runs", "/var/lib/runs"),
            ("sqlite:runs:2", "runs:2"),
            ("./mysql:runs", "./mysql:runs"),
            ("/a:b", "/a:b"),
        ] {
            assert_eq!(path(text, &Source::Default).unwrap(), expected);
        }
        for (text, named) in [
            ("postgres://me:hunter2@db/runs", "`postgres:`"),
            ("postgresql://db", "`postgresql:`"),
            ("mysql://me:hunter2@db/runs", "`mysql:`"),
            ("https://me:hunter2@db", "`https:`"),
            ("file:runs", "`file:`"),
            ("sqlite://runs", "SQLite"),
            ("sqlite:", "no path"),
        ] {
            let error = path(text, &Source::Flag("--ledger")).unwrap_err();

            assert!(error.message().contains(named), "{error}");
            assert!(error.message().contains("`--ledger`"), "{error}");
            assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
            assert!(error.advice().is_some());
        }
    }
}
