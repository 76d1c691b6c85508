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

/// The memory of an emulator.
#[derive(Debug, Default)]
pub(crate) struct Log {
    history: usize,
    pub(crate) requests: VecDeque<RequestRecord>,
    pub(crate) counts: BTreeMap<&'static str, u64>,
    pub(crate) violations: VecDeque<String>,
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
    pub(crate) fn violation(&mut self, what: String) {
        push(&mut self.violations, what);
    }

    /// Remember why an embed login was refused.
    pub(crate) fn refused_login(&mut self, why: String) {
        push(&mut self.refused_logins, why);
    }
}

fn push(list: &mut VecDeque<String>, text: String) {
    if list.len() >= KEPT {
        list.pop_front();
    }
    list.push_back(text);
}
