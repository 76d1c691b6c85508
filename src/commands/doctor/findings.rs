//! The results of the checks, printed one by one, and the exit code that follows from them.

use std::fmt;

use serde_json::{Value, json};

use crate::error::{Error, Exit, Kind};
use crate::report::{Format, Ui};

/// The result of a check.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum State {
    Pass,
    Warn,
    Fail,
    Skip,
}

impl State {
    const fn word(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Warn => "warn",
            Self::Fail => "fail",
            Self::Skip => "skip",
        }
    }
}

/// The fix of a failure that knows none of its own: what Looker answered is the next thing to see.
const LOOK_CLOSER: &str = "run `embedctl doctor -vv` to see what was asked and answered";

/// The findings so far.
pub(super) struct Findings {
    ui: Ui,
    checks: Vec<Value>,
    counts: [(State, usize); 4],
    /// The checks that failed.
    failed: Vec<String>,
    worst: Option<Kind>,
}

/// The check whose failure explains why Looker refuses what others ask.
const RIGHTS: &str = "admin";

/// The check whether the host of signed URLs can be reached.
pub(super) const WEB: &str = "web";

impl Findings {
    pub(super) fn new(ui: &Ui) -> Self {
        Self {
            ui: ui.clone(),
            checks: Vec::new(),
            counts: [State::Fail, State::Warn, State::Skip, State::Pass].map(|state| (state, 0)),
            failed: Vec::new(),
            worst: None,
        }
    }

    /// Whether this check has failed: what follows from the same cause is not told as a failure of its own.
    pub(super) fn has_failed(&self, check: &str) -> bool {
        self.failed.iter().any(|failed| failed == check)
    }

    /// It could not be checked for a reason that another check has told.
    pub(super) fn follows(&mut self, check: &str, cause: &str) -> Result<(), Error> {
        self.skip(
            check,
            format!("not checked for the same reason: see `{cause}`"),
        )
    }

    /// It could not be asked for.
    pub(super) fn unknown(&mut self, check: &str, error: Error) -> Result<(), Error> {
        match error.kind() {
            Kind::NotAllowed if self.has_failed(RIGHTS) => self.follows(check, RIGHTS),
            _ => self.warn(check, error, ""),
        }
    }

    /// It works.
    pub(super) fn pass(&mut self, check: &str, detail: impl fmt::Display) -> Result<(), Error> {
        self.add(check, State::Pass, &detail.to_string(), None)
    }

    /// It works, but not as it should.
    pub(super) fn warn(
        &mut self,
        check: &str,
        detail: impl fmt::Display,
        fix: &str,
    ) -> Result<(), Error> {
        let fix = (!fix.is_empty()).then_some(fix);
        self.add(check, State::Warn, &detail.to_string(), fix)
    }

    /// It could not be checked.
    pub(super) fn skip(&mut self, check: &str, why: impl fmt::Display) -> Result<(), Error> {
        self.add(check, State::Skip, &why.to_string(), None)
    }

    /// It does not work.
    pub(super) fn fail(&mut self, check: &str, error: &Error) -> Result<(), Error> {
        let kind = error.kind();
        // One line a cause: whoever is no admin is refused this and that.
        if kind == Kind::NotAllowed && self.has_failed(RIGHTS) {
            return self.follows(check, RIGHTS);
        }
        self.failed.push(check.to_owned());
        // The worst failure decides the exit code.
        if self
            .worst
            .is_none_or(|worst| severity(worst) < severity(kind))
        {
            self.worst = Some(kind);
        }
        let fix = error.advice().unwrap_or(LOOK_CLOSER);
        self.add(check, State::Fail, &error.to_string(), Some(fix))
    }

    fn add(
        &mut self,
        check: &str,
        state: State,
        detail: &str,
        fix: Option<&str>,
    ) -> Result<(), Error> {
        for (_, count) in self
            .counts
            .iter_mut()
            .filter(|(counted, _)| *counted == state)
        {
            *count += 1;
        }
        let value = json!({ "check": check, "status": state.word(), "detail": detail, "fix": fix });
        match self.ui.format() {
            Format::Json => self.checks.push(value),
            // Printed at once: a check may take long.
            Format::Jsonl => self.ui.json(&value)?,
            Format::Table | Format::Env => {
                self.ui.finding(state.word(), check, detail, fix)?;
            }
        }
        Ok(())
    }

    /// Print the rest, and return the exit code of the worst.
    pub(super) fn conclude(self) -> Result<Exit, Error> {
        match self.ui.format() {
            Format::Json => {
                let ok = self.worst.is_none();
                let counts = self
                    .counts
                    .iter()
                    .map(|(state, count)| (state.word().to_owned(), json!(count)));
                let counts: serde_json::Map<_, _> = counts.collect();
                self.ui
                    .json(&json!({ "ok": ok, "counts": counts, "checks": self.checks }))?;
            }
            Format::Table => self.ui.data(&self.summary())?,
            Format::Jsonl | Format::Env => {}
        }
        Ok(self.worst.map_or(Exit::Done, Exit::Failed))
    }

    /// How many findings there are of each kind, the worst first.
    fn summary(&self) -> String {
        let all: usize = self.counts.iter().map(|(_, count)| count).sum();
        let counts = self.counts.iter().filter(|(_, count)| *count > 0);
        let counts: Vec<String> = counts
            .map(|(state, count)| format!("{count} {}", state.word()))
            .collect();
        format!("\n{all} checks: {}\n", counts.join(", "))
    }
}

/// Whatever prevents more is worse: an unreachable Looker before a refusal before a local problem.
const fn severity(kind: Kind) -> u8 {
    // Without a connection nothing else means anything.
    match kind {
        Kind::Unreachable | Kind::Unavailable => 4,
        Kind::NotAllowed => 3,
        Kind::Looker => 2,
        _ => 1,
    }
}
