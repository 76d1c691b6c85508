//! Errors with their cause and advice, and the table of exit codes.

use std::fmt;
use std::process::ExitCode;

use crate::system::FileError;

/// The kind of an [`Error`] or of a whole run; each has one exit code.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    /// A local failure, or a bug in embedctl.
    Internal,
    /// Wrong usage or bad input; nothing was done.
    Usage,
    /// Some rows or steps failed; running it again continues.
    Incomplete,
    /// Not logged in, or not allowed.
    NotAllowed,
    /// Something that was named does not exist.
    NotFound,
    /// It exists, is locked, or is in use by another run.
    Conflict,
    /// Looker answered with an error.
    Looker,
    /// Looker cannot be reached, or throttled every attempt.
    Unreachable,
    /// Something other than Looker's API answered: its outage page, or a proxy in front of it.
    Unavailable,
    /// The operator stopped the program; the state is saved.
    Interrupted,
}

impl Kind {
    /// Every kind, in the order of its exit code.
    pub const ALL: [Self; 10] = [
        Self::Internal,
        Self::Usage,
        Self::Incomplete,
        Self::NotAllowed,
        Self::NotFound,
        Self::Conflict,
        Self::Looker,
        Self::Unreachable,
        Self::Unavailable,
        Self::Interrupted,
    ];

    /// The exit code of the process, the word for it in JSON, and what it means to people, in one table.
    const fn row(self) -> (u8, &'static str, &'static str) {
        match self {
            Self::Internal => (1, "internal", "internal or local failure"),
            Self::Usage => (2, "usage", "usage or bad input; nothing was done"),
            Self::Incomplete => (
                3,
                "incomplete",
                "incomplete: some rows or steps failed; run it again to continue",
            ),
            Self::NotAllowed => (4, "not_allowed", "not logged in, or not allowed"),
            Self::NotFound => (5, "not_found", "not found"),
            Self::Conflict => (
                6,
                "conflict",
                "conflict: it exists, is locked, or belongs to a pending run",
            ),
            Self::Looker => (7, "looker", "Looker answered with an error"),
            Self::Unreachable => (
                8,
                "unreachable",
                "Looker is unreachable or throttled every try, or something else answered in its place (`unavailable`)",
            ),
            // The same exit code as for an unreachable Looker: a script waits and tries again in both
            // cases.
            Self::Unavailable => (8, "unavailable", Self::Unreachable.meaning()),
            Self::Interrupted => (130, "interrupted", "interrupted; the state is saved"),
        }
    }

    /// What it means, for people.
    pub const fn meaning(self) -> &'static str {
        self.row().2
    }

    /// The exit code of a process that ends with this kind of error.
    pub const fn exit_code(self) -> u8 {
        self.row().0
    }

    /// The word for this kind in JSON.
    pub const fn word(self) -> &'static str {
        self.row().1
    }
}

/// How a run ended, as the process reports it: done, or failed in one of the ways of [`Kind`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Exit {
    /// Everything requested was done.
    Done,
    /// There is something to do (`plan --detailed-exitcode`).
    Changes,
    /// Something was not done.
    Failed(Kind),
}

impl Exit {
    /// The exit code of the process.
    pub const fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Changes => 9,
            Self::Failed(kind) => kind.exit_code(),
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// An error to be shown to a person: what went wrong, the causes below it, and what to do.
///
/// Messages are lower case, have no full stop, and never hold a secret, a response body or a URL with a query.
#[derive(Debug)]
pub struct Error {
    kind: Kind,
    cause: anyhow::Error,
    hint: Option<String>,
    http_status: Option<u16>,
    operation: Option<&'static str>,
}

impl Error {
    /// An error of this kind that says `message`.
    pub fn new(kind: Kind, message: impl fmt::Display) -> Self {
        Self::caused(kind, anyhow::Error::msg(message.to_string()))
    }

    /// An error of this kind that shows `cause` and its causes.
    pub fn caused(kind: Kind, cause: impl Into<anyhow::Error>) -> Self {
        Self {
            kind,
            cause: cause.into(),
            hint: None,
            http_status: None,
            operation: None,
        }
    }

    /// Wrong usage or bad input.
    pub fn usage(message: impl fmt::Display) -> Self {
        Self::new(Kind::Usage, message)
    }

    /// A local failure that no input has caused.
    pub fn internal(message: impl fmt::Display) -> Self {
        Self::new(Kind::Internal, message)
    }

    /// The same error below a sentence that says what was being done.
    #[must_use]
    pub fn context(mut self, message: impl fmt::Display) -> Self {
        self.cause = self.cause.context(message.to_string());
        self
    }

    /// The same error with advice: what to type or change next. An earlier hint, nearer to the cause, stays.
    #[must_use]
    pub fn hint(mut self, hint: impl fmt::Display) -> Self {
        // The innermost hint wins, because it knows the cause.
        self.hint.get_or_insert_with(|| hint.to_string());
        self
    }

    /// The same error without advice, if that has just been given.
    #[must_use]
    pub fn without_hint(mut self) -> Self {
        self.hint = None;
        self
    }

    /// The same error, of another kind.
    #[must_use]
    pub fn with_kind(mut self, kind: Kind) -> Self {
        self.kind = kind;
        self
    }

    /// The same error with the status Looker answered with and the operation it answered.
    #[must_use]
    pub fn at_operation(mut self, operation: &'static str, http_status: Option<u16>) -> Self {
        self.operation = Some(operation);
        self.http_status = http_status;
        self
    }

    /// What kind of error it is.
    pub const fn kind(&self) -> Kind {
        self.kind
    }

    /// What went wrong, without the causes.
    pub fn message(&self) -> String {
        self.cause.to_string()
    }

    /// The causes below the message, from the outside in.
    pub fn causes(&self) -> impl Iterator<Item = String> + '_ {
        // The message itself is the first of the chain.
        self.cause.chain().skip(1).map(ToString::to_string)
    }

    /// Whether the innermost cause is a `T`.
    pub fn is<T: fmt::Display + fmt::Debug + Send + Sync + 'static>(&self) -> bool {
        self.cause.is::<T>()
    }

    /// What to do about it.
    pub fn advice(&self) -> Option<&str> {
        self.hint.as_deref()
    }

    /// The HTTP status of Looker's answer, if there was one.
    pub const fn http_status(&self) -> Option<u16> {
        self.http_status
    }

    /// The Looker operation that failed, if there was one.
    pub const fn operation(&self) -> Option<&'static str> {
        self.operation
    }
}

impl From<FileError> for Error {
    fn from(error: FileError) -> Self {
        let hint = error.hint.clone();
        let error = Self::caused(Kind::Internal, error);
        match hint {
            Some(hint) => error.hint(hint),
            None => error,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#}", self.cause)
    }
}

impl std::error::Error for Error {}

/// Each exit code with the kinds of error that cause it, and what it means.
pub(crate) fn exit_codes() -> Vec<(u8, Vec<&'static str>, &'static str)> {
    let mut rows = vec![(Exit::Done.code(), Vec::new(), "done")];
    for kind in Kind::ALL {
        match rows.last_mut() {
            Some((code, kinds, _)) if *code == kind.exit_code() => kinds.push(kind.word()),
            _ => rows.push((kind.exit_code(), vec![kind.word()], kind.meaning())),
        }
    }
    let changes = "there is something to do (`plan --detailed-exitcode`)";
    let at = rows.partition_point(|(code, ..)| *code < Exit::Changes.code());
    rows.insert(at, (Exit::Changes.code(), Vec::new(), changes));
    rows
}
