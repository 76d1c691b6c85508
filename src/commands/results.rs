//! Prints the results of a run's jobs: a single one, or one per user and a summary.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use serde::Serialize;
use serde_json::{Value, json};

use crate::commands::ended::Ended;
use crate::commands::engine::{self, JobBatch, Request};
use crate::commands::json_object::with;
use crate::commands::key_sink;
use crate::commands::keys_to::KeysTo;
use crate::commands::progress::Latest;
use crate::commands::rotate_id::result as rotate_id;
use crate::commands::session::Session;
use crate::error::{Error, Exit, Kind};
use crate::ledger::RunId;
use crate::report::{Format, Ui, error_json};
use crate::sink::KeyName;
use crate::workflow::{Finished, Found, JobSpec, Outcome, Reconciled, Via};

/// The results of a run, printed as they come.
#[derive(Debug)]
pub(crate) struct Results {
    ui: Ui,
    base_url: String,
    /// The sinks, if there are keys to deliver.
    keys_to: Option<KeysTo>,
    /// What was asked for, if the jobs also depend on what was there at that moment.
    asked: Option<Value>,
    many: bool,
    /// Whether a result was started on standard output and not finished.
    opened: Arc<AtomicBool>,
    rotated: bool,
    rows: Vec<Vec<String>>,
    outcomes: BTreeMap<&'static str, u64>,
    keys_delivered: u64,
    keys_revoked: usize,
}

impl Results {
    /// Results of one job, or of `many`.
    ///
    /// # Errors
    /// The requested format cannot hold many results.
    pub(crate) fn new(
        ui: &Ui,
        base_url: &str,
        keys_to: Option<KeysTo>,
        many: bool,
    ) -> Result<Self, Error> {
        match ui.format() {
            // Variables hold one result; a second would overwrite the first.
            Format::Env if many => return Err(ui.no_env_form()),
            // A key must be printed at the moment of its delivery, and a table or a JSON document is
            // only complete at the end.
            Format::Table | Format::Json
                if many && keys_to.as_ref().is_some_and(KeysTo::prints) =>
            {
                return Err(Error::usage(
                    "the keys of many users go to standard output only as one JSON object a line",
                )
                .hint("use `-o jsonl`, or name a sink for the keys with `--keys-to`"));
            }
            _ => {}
        }
        Ok(Self {
            ui: ui.clone(),
            base_url: base_url.to_owned(),
            keys_to,
            asked: None,
            many,
            opened: Arc::default(),
            rotated: false,
            rows: Vec::new(),
            outcomes: BTreeMap::new(),
            keys_delivered: 0,
            keys_revoked: 0,
        })
    }

    /// The same, for jobs that were decided on by what was there: a run that stopped half-way is gone on with if the same
    /// was asked for.
    #[must_use]
    pub(crate) fn asked(self, asked: Option<Value>) -> Self {
        Self { asked, ..self }
    }

    /// Run `specs` as `command`, print the result of each and a summary, and give the exit code. If they `mint` keys, the sink
    /// is opened first.
    pub(crate) async fn run(
        mut self,
        command: &'static str,
        specs: Vec<JobSpec>,
        mint: bool,
        session: &Session,
    ) -> Result<Exit, Error> {
        let latest = Latest::default();
        let keys_to = self.keys_to.as_ref().filter(|_| mint);
        let sink = match keys_to {
            Some(to) => {
                let many = specs.len() > 1;
                Some(key_sink::open(to, self.printer(&latest), many, session).await?)
            }
            None => None,
        };
        let began = session.system.clock.elapsed();
        let work = JobBatch {
            command,
            request: Request {
                keys_to: keys_to.cloned(),
                asked: self.asked.take(),
                about: None,
            },
            specs,
            sink,
            latest,
        };
        let ended = engine::begin(work, session, |end| self.finished(end)).await;
        let ended = ended.inspect_err(|_| self.break_off())?;
        let elapsed = session.system.clock.elapsed().saturating_sub(began);
        self.end(ended, session.http.calls(), elapsed)
    }

    /// Prints a key with the rest of its result, when standard output is the sink.
    pub(crate) fn printer(
        &self,
        latest: &Latest,
    ) -> impl Fn(&KeyName, &str) -> io::Result<()> + Send + Sync + 'static {
        let (ui, latest, many) = (self.ui.clone(), latest.clone(), self.many);
        // Shared with the printer, which runs while the job still does.
        let opened = Arc::clone(&self.opened);
        move |key, secret| {
            // The secret is never stored, so it is printed together with what is known of the user at
            // this moment.
            let found = latest.found(&key.looker_user_id);
            let printed = if found.rotated.is_some() && many {
                ui.json(&rotate_id::key_only(&found, secret))
            } else if found.rotated.is_some() {
                opened.store(true, Relaxed);
                rotate_id::open(&ui, &key.base_url, &found, secret)
            } else if many {
                ui.json(&result_json(&found, Some(secret)))
            } else {
                print(&ui, &key.base_url, &found, Some(secret))
            };
            printed.map_err(io::Error::other)
        }
    }

    /// Print the result of a job. Among many, a failed one does not stop the others.
    ///
    /// # Errors
    /// The error of the only job; or standard output cannot be written to.
    pub(crate) fn finished(&mut self, finished: Finished) -> Result<(), Error> {
        let run = finished.run;
        // A failed job may have settled keys of an earlier attempt, which the operator must hear of.
        if let (Err(_), Some(left)) = (&finished.result, &finished.left) {
            for told in &left.reconciled {
                self.ui.warning(told);
            }
        }
        let left = finished.left.filter(|left| left.rotated.is_some());
        let found = match finished.result {
            Ok(found) => found,
            // The other users are independent of this one.
            Err(error) if self.many => return self.failed(&finished.job.subject, error),
            Err(error) => {
                if let Some(left) = left {
                    let opened = self.opened.swap(false, Relaxed);
                    rotate_id::close(&self.ui, run, &left, opened, Some(&error))?;
                }
                return Err(error);
            }
        };
        for warning in found.notes() {
            match self.many {
                true => {
                    let user = &found.external_user_id;
                    self.ui.warning(format!("`{user}`: {warning}"));
                }
                false => self.ui.warning(warning),
            }
        }
        *self.outcomes.entry(word(&found)).or_default() += 1;
        self.keys_delivered += u64::from(found.key.is_some());
        self.keys_revoked += found.revoked.len();
        let printed = key_sink::has_printed(self.keys_to.as_ref(), &found);
        if found.rotated.is_some() {
            return self.moved(run, &found);
        }
        match self.ui.format() {
            // Its key was printed when it was delivered; a second print would be without the secret.
            _ if !self.many && printed => Ok(()),
            _ if !self.many => print(&self.ui, &self.base_url, &found, None),
            Format::Jsonl if !printed => self.ui.json(&result_json(&found, None)),
            Format::Table => {
                self.rows.push(row(&found));
                Ok(())
            }
            Format::Jsonl | Format::Json | Format::Env => Ok(()),
        }
    }

    /// Close what was started on standard output, since nothing more will come.
    pub(crate) fn break_off(&self) {
        let is_open = self.opened.swap(false, Relaxed) && self.ui.format().is_json();
        // Half a JSON document would not parse, and it holds a secret that exists nowhere else.
        if is_open && self.ui.data("}\n").is_err() {
            // Standard output is gone; the error that stopped the command is reported anyway.
        }
    }

    /// Print the result of moving a person to another id.
    fn moved(&mut self, run: RunId, found: &Found) -> Result<(), Error> {
        self.rotated = true;
        match self.ui.format() {
            _ if !self.many => {
                let opened = self.opened.swap(false, Relaxed);
                rotate_id::close(&self.ui, run, found, opened, None)
            }
            Format::Jsonl => self.ui.json(&rotate_id::json(run, found)),
            Format::Table => {
                self.rows.push(rotate_id::row(found));
                Ok(())
            }
            Format::Json | Format::Env => Ok(()),
        }
    }

    /// Print the result of the whole run, and return the exit code.
    pub(crate) fn end(self, ended: Ended, calls: u64, elapsed: Duration) -> Result<Exit, Error> {
        let (run, totals) = (ended.run, ended.totals);
        if self.many {
            let mut summary = json!({
                "type": "summary",
                "run_id": run,
                "total": totals.done + totals.failed,
                "failed": totals.failed,
                "keys_delivered": self.keys_delivered,
                "keys_revoked": self.keys_revoked,
                "api_calls": calls,
                "elapsed_ms": u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX),
            });
            // Only outcomes that occurred, so a new outcome changes no other summary.
            for (word, count) in &self.outcomes {
                summary = with(summary, word, *count);
            }
            match self.ui.format() {
                Format::Json | Format::Jsonl => self.ui.json(&summary)?,
                Format::Table | Format::Env => self.table(ended)?,
            }
        }
        match totals.failed {
            0 => ended.others.error(run).map_or(Ok(Exit::Done), Err),
            failed => {
                let total = totals.done + failed;
                let message = format!("{failed} of {total} users failed");
                Err(Error::new(Kind::Incomplete, message)
                    .hint(format!("`embedctl runs resume {run}` tries them again")))
            }
        }
    }

    fn table(&self, ended: Ended) -> Result<(), Error> {
        let header = [
            "external user id",
            "looker user id",
            "outcome",
            "key",
            "replaced",
        ];
        let header = match self.rotated {
            true => &rotate_id::HEADER[..],
            false => &header[..],
        };
        if !self.rows.is_empty() {
            self.ui.table(header, self.rows.iter().cloned())?;
        }
        let counts = self.outcomes.iter();
        let counts: Vec<_> = counts
            .map(|(word, count)| format!("{count} {word}"))
            .collect();
        let failed = ended.totals.failed;
        let counts = counts.join(", ");
        self.ui
            .status(format!("Run {}: {counts}, {failed} failed.", ended.run));
        Ok(())
    }

    fn failed(&self, subject: &str, error: Error) -> Result<(), Error> {
        if self.ui.format() == Format::Jsonl {
            let result = with(error_json(&error), "external_user_id", subject);
            self.ui.json(&with(result, "outcome", "failed"))?;
        }
        // Also on standard error, for a person who redirects the results to a file.
        self.ui.error(&error.context(format!("`{subject}` failed")));
        Ok(())
    }
}

/// The outcome of the job, in one word.
fn word(found: &Found) -> &'static str {
    match (found.outcome, &found.key) {
        _ if found.rotated.is_some() => "moved",
        (Some(outcome), _) => Outcome::word(outcome),
        (None, None) => "unchanged",
        // Without older keys a rotation is only a new key.
        (None, Some(_)) if found.replaced.is_empty() => "minted",
        (None, Some(_)) => "rotated",
    }
}

/// Write one result in the requested format; `secret` only if standard output is the sink.
fn print(ui: &Ui, base_url: &str, found: &Found, secret: Option<&str>) -> Result<(), Error> {
    match ui.format() {
        Format::Json | Format::Jsonl => ui.json(&result_json(found, secret)),
        Format::Env => key_sink::print_env(ui, base_url, found.key.as_ref(), secret),
        Format::Table => ui.fields(&fields(found, secret)),
    }
}

/// One result as JSON. The outcome for a user is included only if the job creates users.
pub(crate) fn result_json(found: &Found, secret: Option<&str>) -> Value {
    #[derive(Serialize)]
    struct Shown<'a> {
        external_user_id: &'a str,
        looker_user_id: Option<&'a str>,
        outcome: &'static str,
        #[serde(flatten)]
        made: Option<Made>,
        key: Option<Value>,
        #[serde(skip_serializing_if = "Option::is_none")]
        replaced: Option<&'a [String]>,
        reconciled: &'a [Reconciled],
        warnings: &'a [String],
    }

    #[derive(Serialize)]
    struct Made {
        via: Option<Via>,
        sudo_verified: bool,
    }

    let makes = found.outcome.is_some();
    json!(Shown {
        external_user_id: &found.external_user_id,
        looker_user_id: found.looker_user_id.as_deref(),
        outcome: word(found),
        made: makes.then_some(Made {
            via: found.via,
            sudo_verified: found.sudo_verified,
        }),
        key: found
            .key
            .as_ref()
            .map(|key| key_sink::key_json(key, secret)),
        replaced: (!makes).then_some(&found.replaced[..]),
        reconciled: &found.reconciled,
        warnings: &found.warnings,
    })
}

fn fields(found: &Found, secret: Option<&str>) -> Vec<(&'static str, String)> {
    let looker_user_id = found.looker_user_id.clone().unwrap_or_default();
    let mut fields = vec![
        ("external_user_id", found.external_user_id.clone()),
        ("looker_user_id", looker_user_id),
        ("outcome", word(found).to_owned()),
    ];
    if !found.replaced.is_empty() {
        fields.push(("replaced", found.replaced.join(", ")));
    }
    if let Some(key) = &found.key {
        fields.extend(key_sink::key_rows(key, secret));
    }
    fields
}

fn row(found: &Found) -> Vec<String> {
    let key = found.key.as_ref().map(|key| key.id.clone());
    vec![
        found.external_user_id.clone(),
        found.looker_user_id.clone().unwrap_or_default(),
        word(found).to_owned(),
        key.unwrap_or_default(),
        found.replaced.join(", "),
    ]
}
