//! Faults: what goes wrong, for which calls, and how often.

pub(crate) mod apply;
pub(crate) mod late_calls;
pub(crate) mod limit;
pub(crate) mod text;

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::emulator::text::duration;

/// Something that goes wrong for calls of one operation.
///
/// `Fault::status(503).on("login").times(2)` makes the next two logins fail.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Fault {
    /// Which calls: an operation id of Looker's OpenAPI description, `login_embed`, `alive` or `embed_page` for the
    /// web part, a method and the beginning of a path such as `POST /api/4.0/users`; `None` for every call.
    pub operation: Option<String>,
    /// How many calls pass first.
    pub skip: u32,
    /// How many calls it hits; 0 is all of them.
    pub times: u32,
    /// What goes wrong.
    pub effect: Effect,
}

/// What goes wrong.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Effect {
    /// An error answer instead of the operation.
    Status {
        /// The status.
        code: u16,
        /// The form of its body.
        #[serde(default)]
        body: ErrorBody,
        /// The `Retry-After` header, in either form.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        retry_after: Option<String>,
    },
    /// The operation is done, then this error is the answer, as when something in between gives up.
    StatusAfter {
        /// The status.
        code: u16,
        /// The form of its body.
        #[serde(default)]
        body: ErrorBody,
    },
    /// The connection is reset at once, and the operation is done only after this many later API calls.
    Late(u32),
    /// The connection is reset before anything is done.
    ResetBefore,
    /// The operation is done, then the connection is reset before a byte of the answer.
    ResetAfter,
    /// The operation is done; the head of the answer stops for this long.
    SlowHeaders(#[serde(with = "duration")] Duration),
    /// The operation is done; the body of the answer stops for this long.
    SlowBody(#[serde(with = "duration")] Duration),
    /// The operation is done; half of the answer's body is sent, then the connection ends.
    Truncate,
    /// The operation is done; the answer is not JSON, though it says so.
    Garbage,
    /// The operation is done; the answer has this many bytes too many.
    Huge(usize),
    /// A redirect to another place instead of the operation.
    Redirect(String),
    /// The operation is done after this long.
    Delay(#[serde(with = "duration")] Duration),
}

/// The form of an error's body.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorBody {
    /// Looker's envelope.
    #[default]
    Json,
    /// A page, as a proxy sends it.
    Html,
    /// Nothing.
    Empty,
    /// The page of a Looker that is away.
    Outage,
    /// The same page, said to be of any type.
    Star,
}

impl Fault {
    /// This effect on the next call, whatever it is.
    pub const fn new(effect: Effect) -> Self {
        Self {
            operation: None,
            skip: 0,
            times: 1,
            effect,
        }
    }

    /// An error with this status and Looker's envelope.
    pub const fn status(code: u16) -> Self {
        Self::new(Effect::Status {
            code,
            body: ErrorBody::Json,
            retry_after: None,
        })
    }

    /// The same fault for one operation only.
    #[must_use]
    pub fn on(mut self, operation: impl Into<String>) -> Self {
        self.operation = Some(operation.into());
        self
    }

    /// The same fault after this many calls have passed.
    #[must_use]
    pub const fn after(mut self, skip: u32) -> Self {
        self.skip = skip;
        self
    }

    /// The same fault for this many calls; 0 is all of them.
    #[must_use]
    pub const fn times(mut self, times: u32) -> Self {
        self.times = times;
        self
    }

    fn concerns(&self, operation: &str, method: &str, path: &str) -> bool {
        self.operation.as_deref().is_none_or(|wanted| {
            wanted == operation
                || wanted
                    .split_once(' ')
                    .is_some_and(|(verb, prefix)| verb == method && path.starts_with(prefix))
        })
    }
}

/// The faults in force.
#[derive(Debug, Default)]
pub(crate) struct Faults(Vec<(Fault, u32)>);

impl Faults {
    /// Activate a fault.
    pub(crate) fn add(&mut self, fault: Fault) {
        self.0.push((fault, 0));
    }

    /// Deactivate all faults.
    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    /// What goes wrong with this call: the effect of the oldest fault that hits it.
    pub(crate) fn hit(&mut self, operation: &str, method: &str, path: &str) -> Option<Effect> {
        let (fault, seen) = self.0.iter_mut().find(|(fault, seen)| {
            // A spent fault makes room for the next one of the same operation.
            let spent = fault.times != 0 && *seen >= fault.skip.saturating_add(fault.times);
            !spent && fault.concerns(operation, method, path)
        })?;
        *seen = seen.saturating_add(1);
        // Calls to skip are counted but not harmed.
        (*seen > fault.skip).then(|| fault.effect.clone())
    }

    /// The faults in force, and how many calls each has seen.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&Fault, u32)> {
        self.0.iter().map(|(fault, seen)| (fault, *seen))
    }

    /// The faults that have not been triggered as often as requested.
    pub(crate) fn unconsumed(&self) -> impl Iterator<Item = &Fault> {
        self.0
            .iter()
            // A fault that never stops counts as seen after its first hit.
            .filter(|(fault, seen)| *seen < fault.skip.saturating_add(fault.times.max(1)))
            .map(|(fault, _)| fault)
    }
}

#[cfg(test)]
mod tests {
    use super::{Effect, Fault, Faults};

    #[test]
    fn hits_after_the_calls_that_pass_and_as_often_as_asked() {
        let mut faults = Faults::default();
        faults.add(Fault::new(Effect::ResetAfter).on("login").after(1).times(2));

        let hits: Vec<bool> = (0..5)
            .map(|_| faults.hit("login", "POST", "/api/4.0/login").is_some())
            .collect();

        assert_eq!(hits, [false, true, true, false, false]);
        assert_eq!(faults.unconsumed().count(), 0);
    }

    #[test]
    fn a_fault_names_a_method_and_the_beginning_of_a_path() {
        let mut faults = Faults::default();
        faults.add(Fault::status(503).on("GET /api/4.0/users/"));

        assert_eq!(faults.hit("user", "DELETE", "/api/4.0/users/1"), None);
        assert!(faults.hit("user", "GET", "/api/4.0/users/1").is_some());
    }

    #[test]
    fn a_fault_that_never_hit_is_unconsumed() {
        let mut faults = Faults::default();
        faults.add(Fault::status(503).times(0));

        assert_eq!(faults.unconsumed().count(), 1);
    }
}
