//! Work that is asked for now and fetched later: queries to run, content to draw.

use std::collections::{HashMap, VecDeque};

use crate::emulator::world::random::Source;
use crate::emulator::world::table::Id;

/// How many tasks of a kind are kept; the oldest go first.
const KEPT: usize = 10_000;

/// A query to run.
#[derive(Clone, Debug)]
pub(crate) struct QueryTask {
    pub(crate) user: Id,
    pub(crate) query: Id,
    pub(crate) format: String,
    pub(crate) limit: Option<usize>,
    pub(crate) source: Option<String>,
    pub(crate) look: Option<Id>,
    pub(crate) dashboard: Option<Id>,
}

/// What a task draws.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Drawn {
    Dashboard(Id),
    Look(Id),
    Query(Id),
    Element(Id),
}

/// Something to draw.
#[derive(Clone, Debug)]
pub(crate) struct RenderTask {
    pub(crate) user: Id,
    pub(crate) drawn: Drawn,
    pub(crate) format: String,
    pub(crate) width: usize,
    pub(crate) height: usize,
    pub(crate) filters: Option<String>,
    pub(crate) style: Option<String>,
    pub(crate) created_at: i64,
}

/// Tasks of a kind by id.
#[derive(Debug)]
pub(crate) struct Tasks<T> {
    by_id: HashMap<String, T>,
    order: VecDeque<String>,
}

impl<T> Default for Tasks<T> {
    fn default() -> Self {
        Self {
            by_id: HashMap::new(),
            order: VecDeque::new(),
        }
    }
}

impl<T> Tasks<T> {
    /// The task with this id, as long as it is kept.
    pub(crate) fn at(&self, id: &str) -> Option<&T> {
        self.by_id.get(id)
    }

    /// Add a task; returns its id.
    pub(crate) fn add(&mut self, task: T, random: &Source) -> String {
        let id = random.hex(32);
        self.order.push_back(id.clone());
        self.by_id.insert(id.clone(), task);
        if self.order.len() > KEPT
            && let Some(oldest) = self.order.pop_front()
        {
            self.by_id.remove(&oldest);
        }
        id
    }
}

/// Who asked for a task, and may fetch it.
pub(crate) trait Asked {
    fn user(&self) -> Id;
}

impl Asked for QueryTask {
    fn user(&self) -> Id {
        self.user
    }
}

impl Asked for RenderTask {
    fn user(&self) -> Id {
        self.user
    }
}
