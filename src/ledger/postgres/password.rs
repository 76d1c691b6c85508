//! The password of the ledger's database, from the places where PostgreSQL's own programs look for it.

use std::path::PathBuf;

use tokio_postgres::config::Host;

use crate::ledger::LedgerError;
use crate::ledger::postgres::address::PostgresAddress;
use crate::secret::SecretString;
use crate::system::{Readers, System, files};

/// Far more than any file of passwords.
const MAX_FILE: u64 = 1024 * 1024;

/// The port of PostgreSQL where none is named.
const PORT: u16 = 5432;

/// The password in `PGPASSWORD`, or in the file that `PGPASSFILE` names, or in `~/.pgpass`.
///
/// # Errors
/// The file cannot be read, or others can read it too.
pub fn find_password(
    address: &PostgresAddress,
    system: &System,
) -> Result<Option<SecretString>, LedgerError> {
    if let Some(password) = system.var("PGPASSWORD") {
        return Ok(Some(password.into()));
    }
    let named = system.var("PGPASSFILE").map(|path| system.path(path));
    let at_home = || Some(PathBuf::from(system.var("HOME")?).join(".pgpass"));
    let Some(path) = named.or_else(at_home) else {
        return Ok(None);
    };
    let read = files::read(&path, Readers::Owner, MAX_FILE);
    let bytes = read.map_err(|error| LedgerError::Unusable {
        what: format!(
            "the password of the ledger cannot be read: {}",
            error.message
        ),
        hint: error
            .hint
            .unwrap_or_else(|| "`PGPASSFILE` names another file".to_owned()),
    })?;
    let Some(bytes) = bytes else { return Ok(None) };
    let wanted = wanted(address);
    // A line that is not text names no server.
    let mut lines = bytes.split(|byte| *byte == b'\n');
    Ok(lines.find_map(|line| {
        let line = str::from_utf8(line).ok()?;
        password_in(line.trim_end_matches('\r'), &wanted)
    }))
}

/// Host, port, database and user, as they are written in the file.
fn wanted(address: &PostgresAddress) -> [String; 4] {
    let config = &address.config;
    let host = match config.get_hosts().first() {
        Some(Host::Tcp(host)) => host.clone(),
        // PostgreSQL's own programs look for this name.
        _ => "localhost".to_owned(),
    };
    let port = config.get_ports().first().copied().unwrap_or(PORT);
    let user = config.get_user().unwrap_or_default().to_owned();
    let database = config.get_dbname().unwrap_or(&user).to_owned();
    [host, port.to_string(), database, user]
}

/// The password in a line `host:port:database:user:password`, if it is for `wanted`.
fn password_in(line: &str, wanted: &[String; 4]) -> Option<SecretString> {
    if line.starts_with('#') {
        return None;
    }
    let mut fields = vec![String::new()];
    let mut characters = line.chars();
    while let Some(character) = characters.next() {
        // What follows the user is the password, which may contain colons.
        let ends = character == ':' && fields.len() <= wanted.len();
        let field = fields.last_mut()?;
        match character {
            '\\' => field.extend(characters.next()),
            _ if ends => fields.push(String::new()),
            other => field.push(other),
        }
    }
    let password = fields.pop()?;
    let fits = |(field, wanted): (&String, &String)| field == "*" || field == wanted;
    let is_for_it = fields.len() == wanted.len() && fields.iter().zip(wanted).all(fits);
    is_for_it.then(|| password.into())
}

#[cfg(test)]
mod tests {
    use super::{password_in, wanted};
    use crate::ledger::postgres::address::PostgresAddress;
    use crate::secret::ExposeSecret as _;

    #[test]
    fn a_line_is_for_the_server_the_database_and_the_user_that_it_names() {
        let address = PostgresAddress::parse("postgres://me@db.acme.com:6432/runs").unwrap();
        let wanted = wanted(&address);
        for (line, password) in [
            ("db.acme.com:6432:runs:me:hunter2", Some("hunter2")),
            ("*:*:*:me:a:b\\\\c", Some("a:b\\c")),
            ("db.acme.com:6432:runs:you:hunter2", None),
            ("db.acme.com:5432:runs:me:hunter2", None),
            ("# db.acme.com:6432:runs:me:hunter2", None),
            ("db.acme.com:6432:runs", None),
            ("", None),
        ] {
            let found = password_in(line, &wanted);

            let found = found.as_ref().map(|it| it.expose_secret().to_owned());
            assert_eq!(found.as_deref(), password, "{line}");
        }
    }
}
