//! Work that is asked for now and fetched later: queries to run, content to draw.

use std::collections::{HashMap, VecDeque};

use crate::emulator::world::World;
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

    fn add(&mut self, id: String, task: T) {
        self.order.push_back(id.clone());
        self.by_id.insert(id, task);
        if self.order.len() > KEPT
            && let Some(oldest) = self.order.pop_front()
        {
            self.by_id.remove(&oldest);
        }
    }
}

impl World {
    /// Add a query to run; returns the id of the task.
    pub(crate) fn add_query_task(&mut self, task: QueryTask) -> String {
        let id = self.random.hex(32);
        self.content.query_tasks.add(id.clone(), task);
        id
    }

    /// Add something to draw; returns the id of the task.
    pub(crate) fn add_render_task(&mut self, task: RenderTask) -> String {
        let id = self.random.hex(32);
        self.content.render_tasks.add(id.clone(), task);
        id
    }
}
