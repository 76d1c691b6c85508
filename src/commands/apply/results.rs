//! Prints the results for the users of a manifest, as they finish and at the end.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::time::Duration;

use serde_json::{Value, json};

use crate::commands::ended::Others;
use crate::commands::json_object::with;
use crate::commands::key_sink;
use crate::commands::keys_to::KeysTo;
use crate::commands::progress::Latest;
use crate::commands::results::result_json;
use crate::error::{Error, Exit, Kind};
use crate::ledger::RunId;
use crate::plan::Planned;
use crate::report::{Format, Page, Ui, error_json};
use crate::sink::KeyName;
use crate::workflow::{Finished, Found, Outcome, Reconciled};

/// How many failures are printed for people; the file of failed rows has all of them.
const SHOWN: u64 = 20;

/// The results so far.
#[derive(Debug)]
pub(super) struct Results {
    ui: Ui,
    /// The sinks, if any user may get a key.
    keys_to: Option<KeysTo>,
    created: u64,
    updated: u64,
    disabled: u64,
    /// Users that a job left unchanged except for a key.
    kept: u64,
    keys_delivered: u64,
    keys_revoked: u64,
    /// The advice given so far; what applies to many users is printed once.
    told: BTreeSet<String>,
    /// How many jobs have ended.
    over: u64,
    /// The users whose jobs failed. One that was retried after an earlier run counts by its last result.
    pub(super) failed: BTreeMap<String, String>,
}

/// The totals of a run.
pub(super) struct Sum {
    pub(super) run: Option<RunId>,
    /// How many users the manifest names, plus those that were pruned.
    pub(super) total: u64,
    /// How many users are left, if the run was stopped.
    pub(super) left: u64,
    /// What other processes did of the run.
    pub(super) others: Others,
    pub(super) api_calls: u64,
    pub(super) elapsed: Duration,
}

impl Results {
    /// # Errors
    /// The requested format cannot hold the results.
    pub(super) fn new(ui: &Ui, keys_to: Option<KeysTo>) -> Result<Self, Error> {
        match ui.format() {
            Format::Env => return Err(ui.no_env_form()),
            Format::Table | Format::Json if keys_to.as_ref().is_some_and(KeysTo::prints) => {
                return Err(Error::usage(
                    "the keys of many users go to standard output only as one JSON object a line",
                )
                .hint("name a sink for the keys with `--keys-to`, or use `-o jsonl`"));
            }
            _ => {}
        }
        Ok(Self {
            ui: ui.clone(),
            keys_to,
            created: 0,
            updated: 0,
            disabled: 0,
            kept: 0,
            keys_delivered: 0,
            keys_revoked: 0,
            told: BTreeSet::new(),
            over: 0,
            failed: BTreeMap::new(),
        })
    }

    /// Prints a key with the rest of its result, when standard output is the sink.
    pub(super) fn printer(
        &self,
        latest: &Latest,
    ) -> impl Fn(&KeyName, &str) -> io::Result<()> + Send + Sync + 'static {
        let (ui, latest) = (self.ui.clone(), latest.clone());
        move |key, secret| {
            let found = latest.found(&key.looker_user_id);
            ui.json(&result_json(&found, Some(secret)))
                .map_err(io::Error::other)
        }
    }

    /// Whether users that match already are printed.
    pub(super) fn tells_unchanged(&self) -> bool {
        self.ui.format() == Format::Jsonl
    }

    /// A user matches already.
    pub(super) fn unchanged(&mut self, planned: &Planned) -> Result<(), Error> {
        // It may have failed in the unfinished run and been repaired by it.
        self.failed.remove(&planned.change.external_user_id);
        if !self.tells_unchanged() {
            return Ok(());
        }
        self.ui.json(&json!({
            "external_user_id": planned.change.external_user_id,
            "looker_user_id": planned.change.looker_user_id,
            "outcome": "unchanged",
            "key": null,
            "reconciled": [],
            "warnings": [],
        }))
    }

    /// A user is left alone because it cannot be compared. The others go on.
    pub(super) fn refused(&mut self, planned: &Planned, why: Error) -> Result<(), Error> {
        self.fail(planned.change.external_user_id.clone(), why, &[])
    }

    /// A job ended. A failed one does not stop the others.
    pub(super) fn finished(&mut self, finished: Finished) -> Result<(), Error> {
        self.over += 1;
        match finished.result {
            Ok(found) => {
                // Of the job itself: a result does not say what was changed.
                let disables = finished.job.spec.pointer("/planned/disabled");
                self.done(&found, disables == Some(&Value::Bool(true)))
            }
            Err(error) => {
                // Keys that were settled along the way are reported even if the job failed.
                let reconciled = finished.left.map(|left| left.reconciled);
                self.fail(finished.job.subject, error, &reconciled.unwrap_or_default())
            }
        }
    }

    fn done(&mut self, found: &Found, disables: bool) -> Result<(), Error> {
        for warning in found.notes() {
            let user = &found.external_user_id;
            self.ui.warning(format!("`{user}`: {warning}"));
        }
        // It may have failed in the unfinished run before.
        self.failed.remove(&found.external_user_id);
        match found.outcome {
            Some(Outcome::Created) => self.created += 1,
            Some(Outcome::Updated) if disables => self.disabled += 1,
            Some(Outcome::Updated) => self.updated += 1,
            Some(Outcome::Unchanged) | None => self.kept += 1,
        }
        self.keys_delivered += u64::from(found.key.is_some());
        self.keys_revoked += found.revoked.len() as u64;
        let keys_to = self.keys_to.as_ref();
        if self.ui.format() == Format::Jsonl && !key_sink::has_printed(keys_to, found) {
            return self.ui.json(&result_json(found, None));
        }
        Ok(())
    }

    fn fail(
        &mut self,
        subject: String,
        error: Error,
        reconciled: &[Reconciled],
    ) -> Result<(), Error> {
        for told in reconciled {
            self.ui.warning(format!("`{subject}`: {told}"));
        }
        if self.ui.format() == Format::Jsonl {
            let mut result = error_json(&error);
            if let Some(members) = result.as_object_mut() {
                members.insert("external_user_id".to_owned(), json!(subject));
                members.insert("outcome".to_owned(), json!("failed"));
                members.insert("reconciled".to_owned(), json!(reconciled));
            }
            self.ui.json(&result)?;
        }
        let why = error.to_string();
        // A program gets every error; a person only the first few.
        if self.ui.format().is_json() {
            self.ui.error(&error.context(format!("`{subject}` failed")));
        } else if (self.failed.len() as u64) < SHOWN {
            let advice = error.advice().unwrap_or_default().to_owned();
            // The same hint for 20 users is printed once.
            let is_new = self.told.insert(advice);
            let error = if is_new { error } else { error.without_hint() };
            self.ui.error(&error.context(format!("`{subject}` failed")));
        }
        self.failed.insert(subject, why);
        Ok(())
    }

    /// Print the totals, and return the exit code.
    pub(super) fn end(&self, sum: &Sum) -> Result<Exit, Error> {
        let failed = self.failed.len() as u64;
        match self.ui.format() {
            Format::Json | Format::Jsonl => self.ui.json(&self.json(sum))?,
            Format::Table | Format::Env => self.ui.fields(&self.fields(sum))?,
        }
        if failed == 0 {
            let left = sum.run.and_then(|run| sum.others.error(run));
            return left.map_or(Ok(Exit::Done), Err);
        }
        let more = failed.saturating_sub(SHOWN);
        if more > 0 && !self.ui.format().is_json() {
            self.ui.warning(format!(
                "{more} more failed; `--failed-to FILE` keeps them all"
            ));
        }
        let message = format!("{failed} of {} users failed", sum.total);
        Err(Error::new(Kind::Incomplete, message)
            .hint("run the same command again: it keeps what is done and retries only the rest"))
    }

    /// Report how far a stopped run came.
    pub(super) fn stopped(&self, sum: &Sum) {
        let (done, failed, left) = (
            self.created + self.updated + self.disabled + self.kept + sum.others.done,
            self.failed.len() as u64 + sum.others.failed,
            sum.left,
        );
        self.ui.status(format!(
            "Done: {done} users; {failed} failed; {left} are left."
        ));
    }

    fn unchanged_count(&self, sum: &Sum) -> u64 {
        let others = sum.others.over();
        let changed =
            self.created + self.updated + self.disabled + self.failed.len() as u64 + others;
        sum.total.saturating_sub(changed + sum.left)
    }

    /// How many jobs have ended.
    pub(super) const fn over(&self) -> u64 {
        self.over
    }

    fn json(&self, sum: &Sum) -> Value {
        let summary = json!({
            "type": "summary",
            "run_id": sum.run,
            "total": sum.total,
            "created": self.created,
            "updated": self.updated,
            "disabled": self.disabled,
            "unchanged": self.unchanged_count(sum),
            "failed": self.failed.len(),
            "keys_delivered": self.keys_delivered,
            "keys_revoked": self.keys_revoked,
            "api_calls": sum.api_calls,
            "elapsed_ms": u64::try_from(sum.elapsed.as_millis()).unwrap_or(u64::MAX),
        });
        // Only where the run is shared, so that no other summary changes.
        match sum.others.over() {
            0 => summary,
            others => with(summary, "by_other_processes", others),
        }
    }

    /// The report of the run.
    pub(super) fn html(
        &self,
        sum: &Sum,
        (title, about): (&str, &str),
        stopped: Option<&str>,
    ) -> String {
        let mut fields = self.fields(sum);
        for (name, value) in &mut fields {
            if *name == "seconds" {
                (*name, *value) = ("took", format!("{value} s"));
            }
        }
        if sum.left > 0 {
            fields.insert(1, ("left", sum.left.to_string()));
        }
        let failed: Vec<_> = self
            .failed
            .iter()
            .map(|(user, why)| (user.as_str(), why.as_str()))
            .collect();
        self.ui.html(&Page {
            title,
            about,
            stopped,
            sum: &fields,
            failed: &failed,
        })
    }

    fn fields(&self, sum: &Sum) -> Vec<(&'static str, String)> {
        let run = sum
            .run
            .map_or_else(|| "none was needed".to_owned(), |run| run.to_string());
        let count = |count: u64| count.to_string();
        let others = sum.others.over();
        let others = (others > 0).then(|| ("by_other_processes", count(others)));
        let fields = vec![
            ("total", count(sum.total)),
            ("created", count(self.created)),
            ("updated", count(self.updated)),
            ("disabled", count(self.disabled)),
            ("unchanged", count(self.unchanged_count(sum))),
            ("failed", count(self.failed.len() as u64)),
            ("keys_delivered", count(self.keys_delivered)),
            ("keys_revoked", count(self.keys_revoked)),
            ("api_calls", count(sum.api_calls)),
            ("seconds", format!("{:.1}", sum.elapsed.as_secs_f64())),
            ("run_id", run),
        ];
        fields.into_iter().chain(others).collect()
    }
}
