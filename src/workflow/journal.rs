//! The log of one job: read from the ledger on resume, and written as the job goes on.

use std::mem;
use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::error::Error;
use crate::ledger::{Event, JobEnd, JobId, KeyRecord, Ledger, LedgerError, What};
use crate::system::Clock;
use crate::workflow::step::Step;

/// The log of one job. An intent is written at once; a step's outcome waits for the next write, because the step can be
/// run again.
#[derive(Debug)]
pub(crate) struct Journal {
    ledger: Arc<dyn Ledger>,
    clock: Clock,
    job: JobId,
    log: Vec<Event>,
    unwritten: usize,
    unwritten_key: Option<KeyRecord>,
}

impl Journal {
    /// The log of `job`, including what an earlier process wrote.
    pub(crate) async fn open(
        ledger: Arc<dyn Ledger>,
        clock: Clock,
        job: JobId,
        resumed: bool,
    ) -> Result<Self, LedgerError> {
        let log = if resumed {
            ledger.events(job).await?
        } else {
            Vec::new()
        };
        Ok(Self {
            ledger,
            clock,
            job,
            log,
            unwritten: 0,
            unwritten_key: None,
        })
    }

    /// The job that this log belongs to.
    pub(crate) const fn job(&self) -> JobId {
        self.job
    }

    /// All events, oldest first.
    pub(crate) fn events(&self) -> impl Iterator<Item = &Event> {
        self.log.iter()
    }

    /// A step's output, unless the step failed or started again later. An undo that started later may have taken back
    /// anything, including what this step built upon, so the step must run again.
    pub(crate) fn done(&self, step: Step) -> Option<&Value> {
        let since = self.log.iter().rev().take_while(|event| !is_undo(event));
        let mut since = since.filter(|event| event.step == step.name());
        let last = since.next()?;
        (last.what == What::Done).then_some(&last.data)
    }

    /// The newest intent of a step that has not ended.
    pub(crate) fn started(&self, step: Step) -> Option<&Event> {
        let last = self.last(step)?;
        (last.what == What::Started).then_some(last)
    }

    /// All intents of a step, oldest first.
    pub(crate) fn intents(&self, step: Step) -> impl Iterator<Item = &Event> {
        self.of(step).filter(|event| event.what == What::Started)
    }

    /// The newest intent of a step, whatever followed it.
    pub(crate) fn intent(&self, step: Step) -> Option<&Event> {
        self.of(step)
            .rev()
            .find(|event| event.what == What::Started)
    }

    /// The first intent of a step in the lifetime of the job.
    pub(crate) fn first_intent(&self, step: Step) -> Option<&Event> {
        self.of(step).find(|event| event.what == What::Started)
    }

    /// How many times a step was started.
    pub(crate) fn attempts(&self, step: Step) -> usize {
        self.of(step)
            .filter(|event| event.what == What::Started)
            .count()
    }

    /// Whether something may have taken effect and is not settled: an intent without an end, or a key that was minted and
    /// neither delivered nor revoked.
    pub(crate) fn is_in_doubt(&self, steps: &[Step]) -> bool {
        let undelivered = self.done(Step::Mint).is_some() && self.done(Step::Deliver).is_none();
        undelivered || steps.iter().any(|step| self.started(*step).is_some())
    }

    /// Whether any of the steps was started.
    pub(crate) fn has_begun(&self, steps: &[Step]) -> bool {
        steps.iter().any(|step| self.attempts(*step) > 0)
    }

    /// Record that a step is about to take effect; durable on return.
    pub(crate) async fn start(&mut self, step: Step, intent: Value) -> Result<(), LedgerError> {
        self.push(step, What::Started, intent);
        self.write().await
    }

    /// Note that a step is done; recorded with the next write.
    pub(crate) fn finish(&mut self, step: Step, output: Value) {
        self.push(step, What::Done, output);
    }

    /// Note that a step failed, and why; recorded with the next write.
    pub(crate) fn fail(&mut self, step: Step, error: &Error) {
        self.push(step, What::Failed, json!({ "error": error.to_string() }));
    }

    /// Note that a step's effect was taken back, so that the step must run again; recorded with the next write.
    pub(crate) fn reset(&mut self, step: Step, reason: &str) {
        // A step that has failed needs no second note: it will run again anyway.
        if self
            .last(step)
            .is_some_and(|last| last.what != What::Failed)
        {
            self.push(step, What::Failed, json!({ "reset": reason }));
        }
    }

    /// Note that Looker refused a step, so that it had no effect; recorded with the next write.
    pub(crate) fn refuse(&mut self, step: Step, why: &str) {
        self.push(step, What::Failed, json!({ "error": why }));
    }

    /// Note the new state of a key; recorded with the next write.
    pub(crate) async fn note_key(&mut self, key: KeyRecord) -> Result<(), LedgerError> {
        // A write carries one key, in the same transaction as the events noted with it.
        if self.unwritten_key.is_some() {
            self.write().await?;
        }
        self.unwritten_key = Some(key);
        Ok(())
    }

    /// Write all notes; durable on return.
    pub(crate) async fn write(&mut self) -> Result<(), LedgerError> {
        let (events, key) = (self.take_unwritten(), self.unwritten_key.take());
        if events.is_empty() && key.is_none() {
            return Ok(());
        }
        self.ledger.record(self.job, events, key).await
    }

    /// Write all notes and how the job ended; durable on return.
    pub(crate) async fn settle(&mut self, end: JobEnd) -> Result<(), LedgerError> {
        let (events, key) = (self.take_unwritten(), self.unwritten_key.take());
        self.ledger.settle(self.job, events, key, end).await
    }

    fn take_unwritten(&mut self) -> Vec<Event> {
        let count = mem::take(&mut self.unwritten);
        let events = self.log.iter().skip(self.log.len() - count);
        events.cloned().collect()
    }

    fn of(&self, step: Step) -> impl DoubleEndedIterator<Item = &Event> {
        self.log
            .iter()
            .filter(move |event| event.step == step.name())
    }

    fn last(&self, step: Step) -> Option<&Event> {
        self.of(step).next_back()
    }

    fn push(&mut self, step: Step, what: What, data: Value) {
        self.log.push(Event {
            step: step.name().to_owned(),
            what,
            at: self.clock.now(),
            data,
        });
        self.unwritten += 1;
    }
}

/// Decode an earlier process's output.
pub(crate) fn read<T: DeserializeOwned>(data: &Value) -> Result<T, Error> {
    T::deserialize(data).map_err(|error| {
        Error::internal(error).context("the ledger holds an event that this embedctl cannot read")
    })
}

const fn is_undo(event: &Event) -> bool {
    matches!(event.what, What::UndoStarted | What::Undone)
}
