//! Errors of statements, and their wording.

use rustls::CertificateError;
use tokio_postgres::error::SqlState;

use crate::ledger::LedgerError;
use crate::ledger::number::UnknownNumber;

/// Why a statement failed.
#[derive(Debug)]
pub(super) enum Fault {
    /// The request is not allowed; nothing was written.
    Refused(LedgerError),
    /// The lease of this process is over; nothing was written.
    LeaseOver,
    /// The connection broke or the server could not go on: the same may work on another connection.
    Broken(anyhow::Error),
    /// There is no safe connection to the server.
    Tls(Tls),
    /// PostgreSQL refused it, and would again.
    Postgres(anyhow::Error),
}

/// Why there is no safe connection.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Tls {
    /// The server does not speak TLS.
    Missing,
    /// The issuer of its certificate is not trusted.
    Issuer,
    /// Its certificate is for another name.
    Name,
    /// Its certificate has expired, or is not valid yet.
    Date,
    /// Anything else.
    Other,
}

impl Tls {
    /// What is wrong, and what to do about it.
    const fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Missing => (
                "the server does not speak TLS",
                "turn `ssl` on at the server; only where the network itself is safe, add `?sslmode=disable` to the address",
            ),
            Self::Issuer => (
                "the certificate of the server is not trusted (unknown issuer)",
                "give the certificate of its authority with `--ca-file`, or with `?sslrootcert=FILE` in the address",
            ),
            Self::Name => (
                "the certificate of the server is for another name",
                "use the name in the certificate as host in the address of the ledger",
            ),
            Self::Date => (
                "the certificate of the server has expired or is not valid yet",
                "check the clock of this machine, or have the certificate renewed",
            ),
            Self::Other => (
                "the TLS handshake with the server failed",
                "check that the port is PostgreSQL's, and that nothing between intercepts TLS",
            ),
        }
    }

    /// The reason of an error, if it is about TLS.
    fn of(error: &tokio_postgres::Error) -> Option<Self> {
        let words = error.to_string();
        if !words.starts_with("error performing TLS") {
            return None;
        }
        let mut cause = std::error::Error::source(error);
        while let Some(source) = cause {
            if let Some(error) = source.downcast_ref::<rustls::Error>() {
                return Some(Self::of_certificate(error));
            }
            // An `io::Error` that wraps an error does not list it as its source.
            let inner = source.downcast_ref::<std::io::Error>();
            cause = match inner.and_then(std::io::Error::get_ref) {
                Some(inner) => Some(inner as &(dyn std::error::Error + 'static)),
                None if source.to_string().contains("does not support TLS") => {
                    return Some(Self::Missing);
                }
                None => source.source(),
            };
        }
        Some(Self::Other)
    }

    fn of_certificate(error: &rustls::Error) -> Self {
        let rustls::Error::InvalidCertificate(problem) = error else {
            return Self::Other;
        };
        match problem {
            // One that is self-signed comes as an error of ours; an authority with the right name has another key.
            CertificateError::UnknownIssuer
            | CertificateError::BadSignature
            | CertificateError::Other(_) => Self::Issuer,
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                Self::Name
            }
            CertificateError::Expired
            | CertificateError::ExpiredContext { .. }
            | CertificateError::NotValidYet
            | CertificateError::NotValidYetContext { .. } => Self::Date,
            _ => Self::Other,
        }
    }
}

impl Fault {
    /// Whether it is worth another try.
    pub(super) const fn is_passing(&self) -> bool {
        matches!(self, Self::Broken(_))
    }

    /// The same for another who was waiting for it.
    pub(super) fn again(&self) -> Self {
        match self {
            Self::LeaseOver => Self::LeaseOver,
            Self::Tls(why) => Self::Tls(*why),
            Self::Broken(error) => Self::Broken(anyhow::Error::msg(error.to_string())),
            Self::Postgres(error) => Self::Postgres(anyhow::Error::msg(error.to_string())),
            Self::Refused(error) => Self::Postgres(anyhow::Error::msg(error.to_string())),
        }
    }

    /// The error to report, for the ledger at `address`.
    pub(super) fn at(self, address: &str) -> LedgerError {
        match self {
            Self::Refused(error) => error,
            Self::LeaseOver => LedgerError::LeaseOver,
            Self::Tls(why) => {
                let (what, hint) = why.words();
                LedgerError::Unusable {
                    what: format!("cannot connect to the ledger `{address}`: {what}"),
                    hint: hint.to_owned(),
                }
            }
            Self::Broken(source) => LedgerError::Store {
                what: format!("cannot reach the ledger `{address}`"),
                source,
            },
            Self::Postgres(source) => LedgerError::Store {
                what: format!("cannot read or write the ledger `{address}`"),
                source,
            },
        }
    }

    /// A value that no embedctl of this version has written.
    pub(super) fn unreadable(error: impl std::fmt::Display) -> Self {
        Self::Postgres(anyhow::anyhow!(
            "it holds a value that cannot be read: {error}"
        ))
    }
}

/// Codes after which another try may succeed, besides those of broken connections (classes 08 and 57).
const PASSING: [SqlState; 5] = [
    SqlState::TOO_MANY_CONNECTIONS,
    SqlState::T_R_DEADLOCK_DETECTED,
    SqlState::T_R_SERIALIZATION_FAILURE,
    SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT,
    SqlState::READ_ONLY_SQL_TRANSACTION,
];

impl From<tokio_postgres::Error> for Fault {
    fn from(error: tokio_postgres::Error) -> Self {
        let Some(database) = error.as_db_error() else {
            if let Some(why) = Tls::of(&error) {
                return Self::Tls(why);
            }
            // Nothing came from the server itself: the connection is at fault.
            let told = anyhow::Error::msg(words(&error));
            return match is_mistake(&error) {
                true => Self::Postgres(told),
                false => Self::Broken(told),
            };
        };
        let code = database.code();
        // The detail is left out: it may quote what was to be written.
        let told = anyhow::Error::msg(database.message().to_owned());
        let class = code.code().get(..2).unwrap_or_default();
        match matches!(class, "08" | "57") || PASSING.contains(code) {
            true => Self::Broken(told),
            false => Self::Postgres(told),
        }
    }
}

/// Whether the connection cannot be at fault.
fn is_mistake(error: &tokio_postgres::Error) -> bool {
    let words = error.to_string();
    let mistakes = [
        "error serializing",
        "error deserializing",
        "invalid column",
        "query returned an unexpected",
        "error encoding",
        "authentication error",
        "invalid configuration",
    ];
    mistakes.iter().any(|mistake| words.starts_with(mistake))
}

/// The error with its causes.
fn words(error: &tokio_postgres::Error) -> String {
    let mut words = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(source) = cause {
        let text = source.to_string();
        if !words.contains(&text) {
            words = format!("{words}: {text}");
        }
        cause = source.source();
    }
    words
}

impl From<LedgerError> for Fault {
    fn from(error: LedgerError) -> Self {
        Self::Refused(error)
    }
}

impl From<UnknownNumber> for Fault {
    fn from(error: UnknownNumber) -> Self {
        Self::unreadable(error)
    }
}
