//! The totals of a plan: users by action, keys, calls.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::plan::{Action, JobOptions, KeyChange, Planned, job};
use crate::report::number_of;
use crate::workflow::JobSpec;

/// The totals of a plan.
#[derive(Clone, Debug)]
pub(crate) struct Counts {
    options: JobOptions,
    actions: BTreeMap<Action, u64>,
    keys: u64,
    ends_sessions: u64,
    logins: u64,
    /// The API calls of its jobs.
    pub(super) calls: u64,
}

impl Counts {
    pub(super) const fn new(options: JobOptions) -> Self {
        Self {
            options,
            actions: BTreeMap::new(),
            keys: 0,
            ends_sessions: 0,
            logins: 0,
            calls: 0,
        }
    }

    /// Count a user, and return its job; `None` if there is nothing to do.
    pub(super) fn job(&mut self, planned: &Planned) -> Option<JobSpec> {
        // Before the action is number_of: the first user that changes has the number 0.
        let verify = self.options.verify.wants(self.changes());
        let change = &planned.change;
        *self.actions.entry(change.action).or_default() += 1;
        self.keys += u64::from(change.key != KeyChange::None);
        self.ends_sessions += u64::from(change.ends_sessions);
        self.logins += u64::from(change.login.is_some());
        self.calls += change.calls(&self.options, verify);
        job(&planned.desired, change, &self.options, verify)
    }

    /// Whether one of the jobs is an embed login.
    pub(super) const fn logs_in(&self) -> bool {
        self.logins > 0
    }

    /// Whether a key is created.
    pub(super) const fn mints(&self) -> bool {
        self.keys > 0
    }

    /// How many keys are created.
    pub(super) const fn keys(&self) -> u64 {
        self.keys
    }

    /// How many users change.
    pub(crate) fn changes(&self) -> u64 {
        self.total() - self.of(Action::Unchanged) - self.of(Action::Refused)
    }

    pub(super) fn total(&self) -> u64 {
        self.actions.values().sum()
    }

    /// How many users get `action`.
    pub(crate) fn of(&self, action: Action) -> u64 {
        self.actions.get(&action).copied().unwrap_or_default()
    }

    /// As members of a JSON object.
    pub(super) fn json(&self, calls_before: u64) -> Value {
        json!({
            "total": self.total(),
            "create": self.of(Action::Create),
            "update": self.of(Action::Update),
            "key": self.of(Action::Key),
            "disable": self.of(Action::Disable),
            "enable": self.of(Action::Enable),
            "unchanged": self.of(Action::Unchanged),
            "refused": self.of(Action::Refused),
            "keys": self.keys,
            "ends_sessions": self.ends_sessions,
            "signed_urls": self.logins,
            "api_calls": calls_before + self.calls,
        })
    }

    /// As text for people.
    pub(super) fn text(&self, calls_before: u64) -> String {
        let mut parts = Vec::new();
        for (action, words) in [
            (Action::Create, "to create"),
            (Action::Update, "to update"),
            (Action::Key, "to get a key only"),
            (Action::Disable, "to disable"),
            (Action::Enable, "to enable"),
            (Action::Unchanged, "unchanged"),
            (Action::Refused, "refused"),
        ] {
            // `unchanged` is always printed, because "0 unchanged" answers a question.
            if self.of(action) > 0 || action == Action::Unchanged {
                parts.push(format!("{} {words}", self.of(action)));
            }
        }
        let mut text = format!("Plan: {}.\n", parts.join(", "));
        if self.keys > 0 {
            text.extend(["Keys to mint: ", &self.keys.to_string(), ".\n"]);
        }
        if self.ends_sessions > 0 {
            let count = self.ends_sessions.to_string();
            text.extend(["Users whose open sessions end: ", &count, ".\n"]);
        }
        let calls = calls_before + self.calls;
        let logins = match self.logins {
            0 => String::new(),
            logins => format!("; and {}", number_of(logins, "embed login")),
        };
        // New users are looked up together if their logins end at the same time.
        let most = if self.of(Action::Create) > 1 {
            "at most "
        } else {
            ""
        };
        format!(
            "{text}API calls to apply it: {most}{calls}, {calls_before} of them to look first{logins}.\n"
        )
    }
}
