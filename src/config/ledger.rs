//! The ledger's place: a path, `sqlite:PATH`, or an address in PostgreSQL.

use std::fmt;

use crate::config::places::Places;
use crate::config::secret::SecretSource;
use crate::config::source::{Setting, Source};
use crate::error::Error;
use crate::ledger::postgres::PostgresAddress;
use crate::secret::SecretString;

const ADVICE: &str = "give a path, `sqlite:PATH`, or `postgres://USER@HOST/DATABASE`";

/// What to do with a password.
const PASSWORD: &str = "put it into `PGPASSWORD`, a file that `PGPASSFILE` names, `~/.pgpass`, or `ledger_password` \
    of a profile";

/// Where runs are recorded.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum LedgerPlace {
    /// In this file.
    File(String),
    /// In a database.
    Postgres(Box<PostgresAddress>),
}

impl LedgerPlace {
    /// Read a place that has been checked, as it is shown.
    pub(crate) fn read(place: String) -> Result<Self, Error> {
        if !PostgresAddress::is_one(&place) {
            return Ok(Self::File(place));
        }
        let address = PostgresAddress::parse(&place).map_err(Error::usage)?;
        Ok(Self::Postgres(Box::new(address)))
    }

    /// The place that was typed as the argument `name`.
    pub(crate) fn typed(text: &str, name: &'static str) -> Result<Self, Error> {
        let source = Source::Flag(name);
        match PostgresAddress::is_one(text) {
            true => Self::read(address(text, &source)?.0),
            false => Ok(Self::File(path(text, &source)?.to_owned())),
        }
    }
}

impl fmt::Display for LedgerPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => f.write_str(path),
            Self::Postgres(address) => address.fmt(f),
        }
    }
}

/// The place that `given` names as it may be shown, and the password in it.
pub(crate) fn place(
    given: Setting<String>,
    places: &Places,
) -> Result<(Setting<String>, Option<Setting<SecretSource>>), Error> {
    let Setting { value, source } = given;
    if !PostgresAddress::is_one(&value) {
        let path = path(&value, &source)?;
        let path = match &source {
            // Wherever the command is run, the runs of a profile are in one place.
            Source::Profile { .. } => places.in_config(path).to_string_lossy().into_owned(),
            _ => path.to_owned(),
        };
        return Ok((Setting::new(path, source), None));
    }
    let (shown, password) = address(&value, &source)?;
    let password = password.map(|password| {
        let secret = match &source {
            Source::Profile { file, .. } => SecretSource::in_file(password, file),
            _ => SecretSource::Given(password),
        };
        Setting::new(secret, source.clone())
    });
    Ok((Setting::new(shown, source), password))
}

/// Check a place before it is written into a profile.
pub(crate) fn check(text: &str, source: &Source) -> Result<(), Error> {
    match PostgresAddress::is_one(text) {
        false => path(text, source).map(drop),
        true => match address(text, source)? {
            (_, None) => Ok(()),
            (_, Some(_)) => Err(with_password(source)),
        },
    }
}

/// The address in PostgreSQL that `text` is, without its password, and the password.
fn address(text: &str, source: &Source) -> Result<(String, Option<SecretString>), Error> {
    let (shown, password) = PostgresAddress::split_password(text);
    // What was typed can be seen by everybody on the machine.
    if password.is_some() && matches!(source, Source::Flag(_)) {
        return Err(with_password(source));
    }
    let refuse = |why: String| Error::usage(format!("{why} ({source})"));
    PostgresAddress::parse(&shown)
        .map_err(|why| refuse(why).hint("write `postgres://USER@HOST/DATABASE`"))?;
    Ok((shown, password))
}

fn with_password(source: &Source) -> Error {
    Error::usage(format!(
        "the address of the ledger contains a password ({source})"
    ))
    .hint(PASSWORD)
}

/// The path that `text` names. What else it may contain is not repeated: it could be a password.
pub(crate) fn path<'a>(text: &'a str, source: &Source) -> Result<&'a str, Error> {
    let refuse = |why: String| Error::usage(format!("{why} ({source})"));
    let path = match scheme(text) {
        None => text,
        Some(("sqlite", path)) if path.starts_with("//") => {
            return Err(refuse("the ledger is a URL of SQLite".to_owned()).hint(ADVICE));
        }
        Some(("sqlite", path)) => path,
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
    #[test]
    fn a_password_in_an_address_is_a_secret_and_refused_where_it_was_typed() {
        let text = "postgres://me:hunter2@db/runs";
        let given = |source| Setting::new(text.to_owned(), source);
        let system = crate::system::System::with(
            Vec::new(),
            ".",
            crate::system::Input::empty(),
            crate::system::Stream::new(std::io::sink(), false),
            crate::system::Stream::new(std::io::sink(), false),
        );
        let places = Places::new(None, &system);

        let typed = place(given(Source::Flag("--ledger")), &places).unwrap_err();
        let variable = Source::Variable("EMBEDCTL_LEDGER".to_owned());
        let (shown, password) = place(given(variable.clone()), &places).unwrap();

        assert!(typed.message().contains("password"), "{typed}");
        assert!(typed.advice().unwrap().contains("PGPASSFILE"));
        assert!(!format!("{typed:?}").contains("hunter2"), "{typed:?}");
        assert_eq!(shown.value, "postgres://me@db/runs");
        assert!(!format!("{password:?}").contains("hunter2"), "{password:?}");
        assert!(password.is_some());
        assert!(check(text, &variable).is_err());
        assert!(check("postgres://me@db/runs", &variable).is_ok());
    }
}
