//! What a job's log says about the keys it requested: which requests were answered, and what was reported.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::Value;

use crate::error::Error;
use crate::ledger::{Event, What};
use crate::workflow::found::{FoundKey, Reconciled};
use crate::workflow::journal::read;
use crate::workflow::reconcile::{Ahead, MintIntent};
use crate::workflow::step::Step;

/// What a job's log says about the keys it requested.
#[derive(Debug, Default)]
pub(crate) struct MintLog {
    /// The requests whose answers were lost and are not settled since, oldest first.
    pub(crate) lost: Vec<MintIntent>,
    /// The keys whose ids came in an answer.
    pub(crate) answered: BTreeSet<String>,
    /// What was done and reported about keys after a lost answer.
    pub(crate) told: Vec<Reconciled>,
    /// The clock offset learned from the newest answer.
    pub(crate) ahead: Option<Ahead>,
}

/// The logged output of a check of the user's keys.
#[derive(Debug, Default, Deserialize)]
struct Looked {
    #[serde(default)]
    reconciled: Vec<Reconciled>,
    #[serde(default)]
    settled: bool,
}

impl MintLog {
    /// Read the log.
    ///
    /// # Errors
    /// Another version has written it.
    pub(crate) fn of<'a>(events: impl Iterator<Item = &'a Event>) -> Result<Self, Error> {
        let mut log = Self::default();
        let mut waiting: Option<MintIntent> = None;
        let looks = [Step::Reconcile.name(), Step::LookAgain.name()];
        for event in events {
            if looks.contains(&event.step.as_str()) && event.what == What::Done {
                let looked: Looked = match event.data {
                    Value::Null => Looked::default(),
                    _ => read(&event.data)?,
                };
                log.told.extend(looked.reconciled);
                if looked.settled {
                    log.lost.clear();
                    waiting = None;
                }
            }
            if event.step != Step::Mint.name() {
                continue;
            }
            match event.what {
                What::Started => {
                    log.lost.extend(waiting.take());
                    waiting = Some(read(&event.data)?);
                }
                What::Done => log.answer(waiting.take(), event)?,
                // Looker refused, so no key was created.
                What::Failed if event.data.get("error").is_some() => waiting = None,
                What::Failed => {
                    let lost = waiting.take().map(|asked| asked.given_up(event.at));
                    log.lost.extend(lost);
                }
                What::UndoStarted | What::Undone => {}
            }
        }
        log.lost.extend(waiting);
        Ok(log)
    }

    fn answer(&mut self, asked: Option<MintIntent>, event: &Event) -> Result<(), Error> {
        let key: FoundKey = read(&event.data)?;
        let is_dated = event.data.get("dated") == Some(&Value::Bool(true));
        if let Some(asked) = asked.filter(|_| is_dated) {
            self.ahead = Some(Ahead::learn(asked.at, event.at, key.created_at));
        }
        self.answered.insert(key.id);
        Ok(())
    }

    /// The ids of the keys that were reported as unclear.
    pub(crate) fn left(&self) -> impl Iterator<Item = &str> {
        let left = self.told.iter().filter(|told| !told.revoked);
        left.map(|told| told.key_id.as_str())
    }
}
