//! The address of a ledger in PostgreSQL, without its password.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};
use url::Url;

use crate::secret::SecretString;

/// Where a ledger in PostgreSQL is. Holds no password.
#[derive(Clone, Eq, PartialEq)]
pub struct PostgresAddress {
    shown: String,
    pub(super) config: Config,
    tls: bool,
    root_certificate: Option<PathBuf>,
}

/// What PostgreSQL is told about who connects.
const PROGRAM: &str = "embedctl";

/// How long connecting may take.
const CONNECT: Duration = Duration::from_secs(10);

/// How long a connection may be silent before it is probed, and how long a probe may go unanswered: a server that went
/// away must be noticed well within a lease.
const SILENCE: Duration = Duration::from_secs(5);

impl PostgresAddress {
    /// Whether `text` is an address in PostgreSQL rather than the path of a file.
    pub fn is_one(text: &str) -> bool {
        text.starts_with("postgres:") || text.starts_with("postgresql:")
    }

    /// Take the password out of an address.
    pub fn split_password(text: &str) -> (String, Option<SecretString>) {
        let Ok(mut url) = Url::parse(text) else {
            return (text.to_owned(), None);
        };
        let mut password = url.password().map(|password| {
            let decoded = percent_encoding::percent_decode_str(password).decode_utf8_lossy();
            SecretString::from(decoded.into_owned())
        });
        // A password that cannot be taken out belongs to an address without a host, which has none.
        let _kept = url.set_password(None).is_err();
        let mut others = Vec::new();
        for (name, value) in url.query_pairs() {
            match &*name {
                "password" => password = Some(SecretString::from(value.into_owned())),
                _ => others.push((name.into_owned(), value.into_owned())),
            }
        }
        url.set_query(None);
        if !others.is_empty() {
            url.query_pairs_mut().extend_pairs(others);
        }
        (url.to_string(), password)
    }

    /// The file of certificates that the address names, if any, for a server that is spoken to through TLS; `None` for others.
    pub fn root_certificates(&self) -> Option<Option<&Path>> {
        self.tls.then_some(self.root_certificate.as_deref())
    }

    /// Read an address that holds no password. What is refused is not repeated.
    ///
    /// # Errors
    /// Words for people: what cannot be used.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (shown, password) = Self::split_password(text);
        if password.is_some() {
            return Err("the address of the ledger contains a password".to_owned());
        }
        let url = Url::parse(&shown).map_err(|_| "the address of the ledger is not a URL")?;
        let mut plain = url.clone();
        plain.set_query(None);
        let (mut mode, mut root_certificate) = (None, None);
        for (name, value) in url.query_pairs() {
            match &*name {
                "sslmode" => mode = Some(value.into_owned()),
                "sslrootcert" => root_certificate = Some(PathBuf::from(&*value)),
                "host" | "port" | "user" | "dbname" | "target_session_attrs" => {
                    plain.query_pairs_mut().append_pair(&name, &value);
                }
                _ => return Err(format!("a ledger in PostgreSQL has no parameter `{name}`")),
            }
        }
        let mut config: Config = plain
            .as_str()
            .parse()
            .map_err(|_| "the address of the ledger is not one of PostgreSQL")?;
        if config.get_hosts().is_empty() {
            return Err("the address of the ledger names no host".to_owned());
        }
        let tls = match mode.as_deref() {
            None => !config.get_hosts().iter().all(is_here),
            Some("disable") => false,
            Some("verify-full") => true,
            Some(_) => {
                return Err(
                    "`sslmode` is `verify-full` or `disable`: any other would not \
                            verify who answers"
                        .to_owned(),
                );
            }
        };
        config
            .application_name(PROGRAM)
            .connect_timeout(CONNECT)
            .keepalives_idle(SILENCE)
            .keepalives_interval(SILENCE)
            .keepalives_retries(2)
            .tcp_user_timeout(SILENCE * 3)
            .ssl_mode(if tls {
                SslMode::Require
            } else {
                SslMode::Disable
            });
        Ok(Self {
            shown,
            config,
            tls,
            root_certificate,
        })
    }
}

/// Whether a server is on this machine.
fn is_here(host: &Host) -> bool {
    match host {
        Host::Tcp(name) => {
            let name = name.trim_start_matches('[').trim_end_matches(']');
            let address = name.parse::<std::net::IpAddr>();
            name == "localhost" || address.is_ok_and(|address| address.is_loopback())
        }
        #[cfg(unix)]
        Host::Unix(_) => true,
    }
}

impl fmt::Display for PostgresAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

impl fmt::Debug for PostgresAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PostgresAddress").field(&self.shown).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::PostgresAddress;
    use crate::secret::ExposeSecret as _;

    #[test]
    fn a_password_is_taken_out_of_an_address_wherever_it_stands() {
        for (text, shown, password) in [
            ("postgres://me@db/runs", "postgres://me@db/runs", None),
            (
                "postgres://me:hunter%202@db/runs?sslmode=disable",
                "postgres://me@db/runs?sslmode=disable",
                Some("hunter 2"),
            ),
            (
                "postgresql://db/runs?user=me&password=hunter2",
                "postgresql://db/runs?user=me",
                Some("hunter2"),
            ),
        ] {
            let (address, found) = PostgresAddress::split_password(text);

            assert_eq!(address, shown);
            let found = found.as_ref().map(|it| it.expose_secret().to_owned());
            assert_eq!(found.as_deref(), password);
            let refused = PostgresAddress::parse(text);
            assert_eq!(refused.is_err(), password.is_some(), "{refused:?}");
            assert!(!format!("{refused:?}").contains("hunter"), "{refused:?}");
        }
    }

    #[test]
    fn who_answers_is_verified_unless_it_is_this_machine_or_said_otherwise() {
        for (text, tls) in [
            ("postgres://me@db.acme.com/runs", Some(true)),
            (
                "postgres://me@db.acme.com/runs?sslmode=verify-full",
                Some(true),
            ),
            (
                "postgres://me@db.acme.com/runs?sslmode=disable",
                Some(false),
            ),
            ("postgres://me@db.acme.com/runs?sslmode=require", None),
            ("postgres://me@localhost/runs", Some(false)),
            ("postgres://me@127.0.0.1:5433/runs", Some(false)),
            ("postgres://me@[::1]/runs", Some(false)),
            ("postgres:///runs?host=/run/postgresql&user=me", Some(false)),
            (
                "postgres://me@127.0.0.1/runs?sslmode=verify-full",
                Some(true),
            ),
            ("postgres:///runs", None),
            ("postgres://me@db/runs?options=-cx", None),
        ] {
            let address = PostgresAddress::parse(text);

            assert_eq!(
                address.as_ref().ok().map(|it| it.tls),
                tls,
                "{text}: {address:?}"
            );
        }
    }
}
