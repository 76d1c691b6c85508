//! What the operator sees of a run while it goes on, and the latest findings of each of its jobs.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::commands::rotate_id::counted;
use crate::report::{Meter, Ui, number_of};
use crate::sink::STDOUT;
use crate::system::{Clock, duration};
use crate::workflow::{Found, Observer, Outcome, Step};

/// The latest findings of each job, by Looker's id of its user: a sink on standard output prints them with the secret.
#[derive(Clone, Debug, Default)]
pub(crate) struct Latest(Arc<Mutex<HashMap<String, Found>>>);

impl Latest {
    /// The latest findings of the job for a Looker user.
    pub(crate) fn found(&self, looker_user_id: &str) -> Found {
        let found = self.lock().get(looker_user_id).cloned();
        found.unwrap_or_default()
    }

    /// Forget a finished job, so that a large run needs no memory for all of them.
    pub(crate) fn forget(&self, found: &Found) {
        if let Some(id) = &found.looker_user_id {
            self.lock().remove(id);
        }
    }

    fn set(&self, found: &Found) {
        if let Some(id) = &found.looker_user_id {
            self.lock().insert(id.clone(), found.clone());
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Found>> {
        // The map is consistent after every call, so a panic elsewhere does not make it unusable.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reports each step when it is done.
#[derive(Debug)]
pub(crate) struct UiObserver {
    ui: Ui,
    latest: Latest,
    many: bool,
    clock: Clock,
    meter: Mutex<Option<(&'static str, Meter)>>,
    /// Whether it was said that nothing is left but what other processes have.
    waited: AtomicBool,
}

impl UiObserver {
    /// Report the steps of a single job; of many jobs only with `-v`.
    pub(crate) fn new(ui: &Ui, latest: Latest, many: bool, clock: &Clock) -> Self {
        Self {
            ui: ui.clone(),
            latest,
            many,
            clock: clock.clone(),
            meter: Mutex::default(),
            waited: AtomicBool::new(false),
        }
    }
}

impl Observer for UiObserver {
    fn progress(&self, what: &'static str, done: usize, total: usize) {
        // With many users, only the number of finished ones is reported.
        if self.many {
            return;
        }
        let mut meter = self.meter.lock().unwrap_or_else(PoisonError::into_inner);
        // A phase with another name gets a meter of its own.
        if meter.as_ref().is_some_and(|(of, _)| *of != what)
            && let Some((_, ended)) = meter.take()
        {
            ended.end();
        }
        let total_known = Some(total as u64);
        let (_, telling) = meter
            .get_or_insert_with(|| (what, Meter::new(&self.ui, &self.clock, what, total_known)));
        telling.set_total(total_known);
        telling.reached(done as u64);
        if done == total
            && let Some((_, ended)) = meter.take()
        {
            ended.end();
        }
    }

    fn step(&self, subject: &str, step: Step, found: &Found, elapsed: Duration) {
        // A sink prints the findings with the secret, which comes from these two; all that it prints is known by then.
        if matches!(step, Step::Mint | Step::Prove) {
            self.latest.set(found);
        }
        if self.many && self.ui.verbosity() == 0 {
            return;
        }
        match say(subject, step, found) {
            Some(text) if self.many => self.ui.detail(1, format!("`{subject}`: {text}")),
            Some(text) => self.ui.step(text, elapsed),
            None => {}
        }
    }

    fn again(&self) {
        self.ui.retried();
    }

    fn waits(&self, jobs: usize, time: Duration) {
        // Rounded up, so that the wait never ends later than announced.
        let time = duration::rough(time + Duration::from_millis(999));
        let users = number_of(jobs as u64, "user");
        self.ui.status(format!(
            "Waiting {time}: only then it is known what became of a request for {users} whose answer was lost. Ctrl-C leaves that to the next run."
        ));
    }

    fn waits_for_others(&self, jobs: u64) {
        if !self.waited.swap(true, Ordering::Relaxed) {
            self.ui.status(format!(
                "Waiting for {} that other processes work on. Ctrl-C leaves that to those.",
                number_of(jobs, "user")
            ));
        }
    }

    fn flying(&self, jobs: usize) {
        self.ui.set_flying(jobs as u64);
    }
}

/// What to report about a step; `None` if it is of no interest.
fn say(subject: &str, step: Step, found: &Found) -> Option<String> {
    let user = found.looker_user_id.as_deref().unwrap_or_default();
    let key = found.key.as_ref();
    Some(match step {
        Step::Observe if user.is_empty() => format!("looked up `{subject}`: it does not exist yet"),
        Step::Observe => format!("looked up `{subject}`: Looker user {user}"),
        Step::Edit => format!("changed `{subject}`"),
        Step::Create if found.outcome == Some(Outcome::Updated) => {
            format!("gave `{subject}` new grants")
        }
        Step::Create => format!("created `{subject}`"),
        Step::Confirm => format!("confirmed that it is Looker user {user}"),
        Step::Sudo => "verified sudo: `login_user` gave this user".to_owned(),
        Step::Mint => format!("minted key {}", key?.id),
        Step::Deliver => match key?.delivered_to.join(", ") {
            // The result is printed by now, and nothing comes behind it.
            to if to == STDOUT => return None,
            to => format!("delivered its secret to {to}"),
        },
        Step::Prove => "logged in with the new key".to_owned(),
        Step::RetireOld if found.revoked.is_empty() => {
            "set the day on which the old keys are revoked".to_owned()
        }
        Step::RetireOld => format!("revoked key {}", found.revoked.join(", ")),
        Step::Equip => format!("gave `{subject}` roles, groups and preferences"),
        Step::Move(kind) => {
            let moved = found.rotated.as_ref()?.moved.get(kind.plural()).copied();
            format!("moved {}", counted(moved.unwrap_or_default(), kind))
        }
        Step::Check => "compared both users: nothing is missing".to_owned(),
        Step::RevokeOldKeys if found.revoked.is_empty() => return None,
        Step::RevokeOldKeys => format!("revoked key {} of the old user", found.revoked.join(", ")),
        Step::EndOldSessions => "ended the sessions of the old user".to_owned(),
        Step::RetireOldUser => {
            let rotated = found.rotated.as_ref()?;
            format!(
                "{} `{}`",
                rotated.old?.done(),
                rotated.from.external_user_id
            )
        }
        Step::AllowKeys => {
            "allowed the user to manage API keys, until the end of the job".to_owned()
        }
        Step::LookAgain => "looked again at the user's keys".to_owned(),
        Step::NoteSchedules | Step::Reconcile | Step::ChooseOld | Step::Tag | Step::Sweep => {
            return None;
        }
    })
}
