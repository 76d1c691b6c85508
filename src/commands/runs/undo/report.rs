//! What an undo is about to do and what it has done, in words and in JSON.

use serde_json::{Value, json};

use crate::commands::json_object::with;
use crate::commands::rotate_id::counted;
use crate::commands::runs::undo::Planned;
use crate::error::{Error, Exit};
use crate::ledger::Run;
use crate::report::Ui;
use crate::workflow::{Inverse, JobSpec, Undone};

pub(super) fn undone_json(undone: &Undone) -> Value {
    let Undone {
        revoked,
        kept,
        enabled,
        started,
        deleted,
        moved_back,
        lost,
        left,
    } = undone;
    json!({
        "revoked": revoked,
        "kept": kept,
        "enabled": enabled,
        "schedules_started": started,
        "deleted": deleted,
        "moved_back": moved_back,
        "lost": lost,
        "left": left,
    })
}

pub(super) fn say(spec: &JobSpec, undone: &Undone, ui: &Ui) {
    let user = spec.user();
    if let Some(old) = spec.also().filter(|_| undone.moved_back > 0) {
        let count = undone.moved_back;
        ui.status(format!(
            "Gave {count} things of {user} back to embed user `{old}`"
        ));
    }
    for id in &undone.revoked {
        ui.status(format!("Revoked key {id} of {user}"));
    }
    for id in &undone.kept {
        ui.status(format!("Key {id} of {user} is kept"));
    }
    if undone.enabled {
        ui.status(format!("Enabled {user}"));
    }
    for id in &undone.started {
        ui.status(format!("Started schedule {id} of {user}"));
    }
    if let Some(id) = &undone.deleted {
        ui.status(format!("Deleted {user}, Looker user {id}"));
    }
    for reason in &undone.left {
        ui.warning(reason);
    }
}

/// Say beforehand what cannot be undone.
pub(super) fn say_what_stays(planned: &[Planned], ui: &Ui) {
    let reasons = planned.iter().map(|planned| &planned.undo);
    for reason in reasons.flat_map(|undo| undo.stays.iter().chain(&undo.lost)) {
        ui.status(format!("Cannot be undone: {reason}"));
    }
}

/// The result of an undo that had nothing to do, for programs.
pub(super) fn nothing_undone(run: &Run, planned: &[Planned], ui: &Ui) -> Result<(), Error> {
    let results = planned.iter().map(|Planned { job, undo, .. }| {
        let undone = Undone {
            lost: undo.lost.clone(),
            left: undo.stays.clone(),
            ..Undone::default()
        };
        with(
            undone_json(&undone),
            "external_user_id",
            job.subject.as_str(),
        )
    });
    match ui.format().is_json() {
        true => ui.json(&json!({
            "type": "summary",
            "run_id": run.id,
            "jobs": planned.len(),
            "left": 0,
            "failed": 0,
            "results": results.collect::<Vec<_>>(),
        })),
        false => Ok(()),
    }
}

pub(super) fn dry_run(planned: &[Planned], ui: &Ui) -> Result<Exit, Error> {
    for Planned {
        job, spec, undo, ..
    } in planned
    {
        let inverses: Vec<_> = undo.inverses.iter().map(|(_, inverse)| inverse).collect();
        if ui.format().is_json() {
            ui.json(&json!({
                "dry_run": true,
                "external_user_id": job.subject,
                "would": inverses,
                "stays": undo.stays,
                "lost": undo.lost,
            }))?;
            continue;
        }
        for inverse in inverses {
            ui.data(&format!("Would {}.\n", what(inverse, spec)))?;
        }
        for reason in undo.stays.iter().chain(&undo.lost) {
            ui.data(&format!("Cannot be undone: {reason}.\n"))?;
        }
    }
    Ok(Exit::Done)
}

/// What an inverse does, in words.
fn what(inverse: &Inverse, spec: &JobSpec) -> String {
    let (user, old) = (spec.user(), spec.also().unwrap_or_default());
    match inverse {
        Inverse::KeepKeys(keys) => format!("keep {} of {user}", keys.join(", ")),
        Inverse::RevokeKey { id, .. } => format!("revoke key {id} of {user}"),
        Inverse::RevokeUndelivered => {
            format!("revoke a key of {user} that was not delivered, if there is one")
        }
        Inverse::DeleteUser => format!("delete {user}, unless it was used or changed since"),
        Inverse::EnableUser(schedules) if schedules.is_empty() => format!("enable {user}"),
        Inverse::EnableUser(schedules) => format!(
            "enable {user}, and start its schedules {}",
            schedules.join(", ")
        ),
        Inverse::EnableOldUser => format!("enable embed user `{old}`"),
        Inverse::MoveBack(kind) => {
            let count = match spec {
                JobSpec::RotateId(spec) => spec.count(*kind),
                JobSpec::CreateUser(_) | JobSpec::MintKey(_) | JobSpec::RotateKey(_) => 0,
            };
            format!("give {} back to embed user `{old}`", counted(count, *kind))
        }
        Inverse::SweepBack => format!("give what came besides back to embed user `{old}`"),
        Inverse::TakeGrantsBack => {
            format!("take the roles and groups of `{old}` from {user} that it did not have")
        }
    }
}
