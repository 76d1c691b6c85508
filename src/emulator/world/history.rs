//! What was run: the last queries, as System Activity tells of them.

use std::collections::VecDeque;

use crate::emulator::world::World;
use crate::emulator::world::table::Id;

/// How many runs are remembered; the oldest go first.
const REMEMBERED: usize = 10_000;

/// A query that was run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Run {
    pub(crate) id: u64,
    pub(crate) at: i64,
    pub(crate) user: Id,
    pub(crate) query: Id,
    /// The look it was run for.
    pub(crate) look: Option<Id>,
    /// The dashboard it was run for.
    pub(crate) dashboard: Option<Id>,
}

/// The last runs, the oldest first.
#[derive(Debug, Default)]
pub(crate) struct History {
    pub(crate) runs: VecDeque<Run>,
    last: u64,
}

impl World {
    /// Remember that a user ran a query.
    pub(crate) fn remember_run(
        &mut self,
        user: Id,
        query: Id,
        (look, dashboard): (Option<Id>, Option<Id>),
    ) {
        let history = &mut self.content.history;
        history.last += 1;
        history.runs.push_back(Run {
            id: history.last,
            at: self.now,
            user,
            query,
            look,
            dashboard,
        });
        if history.runs.len() > REMEMBERED {
            history.runs.pop_front();
        }
    }
}
