//! Calls whose answer was lost and that take effect later, as on a server that is slower than its client's timeout.

use crate::emulator::http::request::Arrival;
use crate::emulator::http::router::Target;

/// A call that is done later.
#[derive(Debug)]
pub(crate) struct LateCall {
    /// After how many calls it is executed.
    pub(crate) after: u64,
    pub(crate) target: Target,
    pub(crate) arrival: Arrival,
}

/// The calls that are done later, oldest first.
#[derive(Debug, Default)]
pub(crate) struct LateCalls(Vec<LateCall>);

impl LateCalls {
    /// Put a call off.
    pub(crate) fn put(&mut self, call: LateCall) {
        self.0.push(call);
    }

    /// Take out the calls that are due before the call of this number is answered.
    pub(crate) fn due(&mut self, number: u64) -> Vec<LateCall> {
        // A due call is carried out once.
        self.0.extract_if(.., |call| call.after < number).collect()
    }
}
