//! The requests to the emulator, and those that no client should send.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use serde::Serialize;

/// How many violations and refused logins are kept.
const KEPT: usize = 1000;

/// One request.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct RequestRecord {
    /// When it came, in Unix seconds.
    pub at: i64,
    /// The method.
    pub method: String,
    /// The raw path, without query; tokens in it are left out.
    pub path: String,
    /// The operation id of Looker's OpenAPI description, or the name of a page.
    pub operation: &'static str,
    /// The status it was answered with; 0 if the connection was reset instead.
    pub status: u16,
    /// The id of the user it was made as.
    pub as_user: Option<String>,
    /// How long the answer took.
    #[serde(serialize_with = "milliseconds", rename = "elapsed_ms")]
    pub elapsed: Duration,
}

fn milliseconds<S: serde::Serializer>(time: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(time.as_secs_f64() * 1000.0)
}

/// What a client sent that Looker has no use for, and how this Looker took it.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Violation {
    /// What kind of mistake it is.
    pub kind: ViolationKind,
    /// The method, the path, and what was wrong.
    pub what: String,
}

/// The kinds of [`Violation`].
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ViolationKind {
    /// It was passed over, as Looker does; `strict` refuses it.
    Odd,
    /// It was refused, since nothing could be made of it.
    Refused,
    /// Looker has nothing at this path, or not for this method.
    Unknown,
    /// Looker has this operation, and this emulator does not serve it.
    Unserved,
}

impl std::fmt::Display for Violation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.what)
    }
}

/// The memory of an emulator.
#[derive(Debug, Default)]
pub(crate) struct Log {
    history: usize,
    pub(crate) requests: VecDeque<RequestRecord>,
    pub(crate) counts: BTreeMap<&'static str, u64>,
    pub(crate) violations: VecDeque<Violation>,
    /// Why embed logins were refused, which Looker tells only its administrators.
    pub(crate) refused_logins: VecDeque<String>,
}

impl Log {
    /// A log that remembers this many requests.
    pub(crate) fn new(history: usize) -> Self {
        Self {
            history,
            ..Self::default()
        }
    }

    /// Remember a request.
    pub(crate) fn request(&mut self, record: RequestRecord) {
        // Counted before old records are dropped, so counts cover the whole life.
        *self.counts.entry(record.operation).or_default() += 1;
        // A benchmark sends millions of requests.
        if self.requests.len() >= self.history {
            self.requests.pop_front();
        }
        self.requests.push_back(record);
    }

    /// Remember a client's violation.
    pub(crate) fn violation(&mut self, kind: ViolationKind, what: String) {
        push(&mut self.violations, Violation { kind, what });
    }

    /// Remember why an embed login was refused.
    pub(crate) fn refused_login(&mut self, why: String) {
        push(&mut self.refused_logins, why);
    }
}

fn push<T>(list: &mut VecDeque<T>, item: T) {
    if list.len() >= KEPT {
        list.pop_front();
    }
    list.push_back(item);
}
