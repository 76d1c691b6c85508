//! What will happen or has happened to many users, for people and programs.

use serde_json::{Value, json};

use crate::commands::users::action::Action;
use crate::error::Error;
use crate::report::{Format, Ui};

/// Up to how many users a plan lists individually.
const NAMED: usize = 20;

/// What will happen or has happened to a user.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Outcome {
    Changed,
    Unchanged,
    Skipped,
    Failed,
}

/// A user, and what will happen or has happened to it.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) external_user_id: String,
    pub(super) looker_user_id: String,
    pub(super) outcome: Outcome,
    pub(super) reason: Option<String>,
}

pub(super) fn describe(action: Action, rows: &[Row], ui: &Ui) {
    let changed = rows.iter().filter(|row| row.outcome == Outcome::Changed);
    for row in changed.clone().take(NAMED) {
        ui.status(format!(
            "Will {action} `{}` (Looker user {}).",
            row.external_user_id, row.looker_user_id
        ));
    }
    let more = changed.count().saturating_sub(NAMED);
    if more > 0 {
        ui.status(format!("Will {action} {more} more."));
    }
    for row in rows.iter().filter(|row| row.outcome == Outcome::Skipped) {
        warn(row, action, ui);
    }
}

fn warn(row: &Row, action: Action, ui: &Ui) {
    let reason = row.reason.as_deref().unwrap_or("no reason is known");
    let id = &row.external_user_id;
    match row.outcome {
        Outcome::Failed => ui.warning(format!("could not {action} `{id}`: {reason}")),
        _ => ui.warning(format!("`{id}` is left as it is: {reason}")),
    }
}

pub(super) fn report(action: Action, rows: &[Row], dry_run: bool, ui: &Ui) -> Result<(), Error> {
    let count = |wanted| rows.iter().filter(|row| row.outcome == wanted).count();
    let changed = count(Outcome::Changed);
    let summary = json!({
        "type": "summary",
        "dry_run": dry_run,
        action.happened(): changed,
        "unchanged": count(Outcome::Unchanged),
        "skipped": count(Outcome::Skipped),
        "failed": count(Outcome::Failed),
    });
    match ui.format() {
        Format::Json => {
            let mut summary = summary;
            if let Some(summary) = summary.as_object_mut() {
                let rows = rows.iter().map(|row| row.json(action)).collect();
                summary.insert("users".to_owned(), rows);
            }
            ui.json(&summary)
        }
        Format::Jsonl => {
            rows.iter().try_for_each(|row| ui.json(&row.json(action)))?;
            ui.json(&summary)
        }
        Format::Table | Format::Env => {
            let bad = |row: &&Row| matches!(row.outcome, Outcome::Skipped | Outcome::Failed);
            rows.iter()
                .filter(bad)
                .for_each(|row| warn(row, action, ui));
            if dry_run {
                describe_dry(action, rows, ui)?;
            }
            let (would, verb) = if dry_run {
                ("Would ", action.to_string())
            } else {
                ("", capital(action.happened()))
            };
            ui.status(format!("{would}{verb} {changed} of {} users.", rows.len()));
            Ok(())
        }
    }
}

fn describe_dry(action: Action, rows: &[Row], ui: &Ui) -> Result<(), Error> {
    let changed = rows.iter().filter(|row| row.outcome == Outcome::Changed);
    let lines: String = changed
        .map(|row| {
            format!(
                "Would {action} {} (Looker user {})\n",
                row.external_user_id, row.looker_user_id
            )
        })
        .collect();
    ui.data(&lines)
}

fn capital(word: &str) -> String {
    let mut chars = word.chars();
    let first = chars.next().map(|first| first.to_ascii_uppercase());
    first.into_iter().chain(chars).collect()
}

impl Row {
    fn json(&self, action: Action) -> Value {
        json!({
            "external_user_id": self.external_user_id,
            "looker_user_id": self.looker_user_id,
            "outcome": match self.outcome {
                Outcome::Changed => action.happened(),
                Outcome::Unchanged => "unchanged",
                Outcome::Skipped => "skipped",
                Outcome::Failed => "failed",
            },
            "reason": self.reason,
        })
    }
}
