//! How to undo a job, step by step from the last: decided from its log, as data.

mod run;

use serde::Serialize;

use serde_json::Value;

use crate::error::Error;
use crate::ledger::{Event, What};
use crate::workflow::found::{FoundKey, Outcome};
use crate::workflow::rotate_id;
use crate::workflow::rotate_id::ItemKind;
use crate::workflow::spec::JobSpec;
use crate::workflow::step::Step;
use crate::workflow::steps::read;
use crate::workflow::steps::retire_old::Retired;

pub(super) use run::set_state;
pub use run::{UndoContext, Undone, undo_job};

/// The inverse of a step.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Inverse {
    /// Cancel the scheduled revocation of these old keys.
    KeepKeys(Vec<String>),
    /// Revoke the key that the job delivered. If `unless_gone` names the keys it replaced and none of them is left, it stays, since
    /// the user would be without a key.
    RevokeKey {
        /// Looker's id of the key.
        id: String,
        /// Its client id: a key with this id and another client id is a different key.
        client_id: String,
        /// The keys that it replaced.
        unless_gone: Vec<String>,
    },
    /// Revoke a key that the job minted but did not deliver, if any.
    RevokeUndelivered,
    /// Delete the user that the job created.
    DeleteUser,
    /// Let the user that the job disabled log in again, and start these schedules, which ran before.
    EnableUser(Vec<String>),
    /// Let the old user of a change of ids log in again.
    EnableOldUser,
    /// Give the planned items of one kind back to the old user.
    MoveBack(ItemKind),
    /// Give back the items that were swept.
    SweepBack,
    /// Take back roles and groups that the new user did not have before.
    TakeGrantsBack,
}

impl Inverse {
    /// Whether the remaining inverses can run even if this one leaves something.
    const fn is_apart(&self) -> bool {
        matches!(
            self,
            Self::RevokeUndelivered | Self::MoveBack(_) | Self::SweepBack
        )
    }
}

/// How to undo a job, and what cannot be undone.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
pub struct Undo {
    /// The inverses, in this order.
    #[serde(skip)]
    pub inverses: Vec<(Step, Inverse)>,
    /// What stays as it is, in words.
    pub stays: Vec<String>,
    /// What is lost for good, in words; the job counts as undone without it.
    pub lost: Vec<String>,
}

/// Plan how to undo the job with `spec`, from its `events`.
///
/// # Errors
/// The log was written by another version.
pub fn plan_undo(spec: &JobSpec, events: &[Event]) -> Result<Undo, Error> {
    // A change of ids has steps of its own.
    if let JobSpec::RotateId(spec) = spec {
        return rotate_id::undo::plan(spec, events);
    }
    let done = |step| done(events, step);
    let mut undo = Undo::default();
    let key: Option<FoundKey> = done(Step::Deliver).map(read).transpose()?;
    let retired: Option<Retired> = done(Step::RetireOld).map(read).transpose()?;
    let (revoked, kept) = retired
        .map(|retired| (retired.revoked, retired.kept))
        .unwrap_or_default();
    if !kept.is_empty() {
        undo.inverses
            .push((Step::RetireOld, Inverse::KeepKeys(kept.clone())));
    }
    match key {
        // Without the old keys, revoking the new one would leave the user without any.
        Some(key) if !revoked.is_empty() => undo.stays.push(format!(
            "key {} stays, since the keys it replaced are gone: {}",
            key.id,
            revoked.join(", ")
        )),
        Some(key) => undo.inverses.push((
            Step::Deliver,
            Inverse::RevokeKey {
                id: key.id,
                client_id: key.client_id,
                unless_gone: kept,
            },
        )),
        None => {}
    }
    undo_edits(spec, events, &mut undo)?;
    match done(Step::Create).map(read).transpose()? {
        Some(Outcome::Created) => undo.inverses.push((Step::Create, Inverse::DeleteUser)),
        Some(Outcome::Updated) => {
            let user = spec.user();
            undo.stays.push(format!(
                "{user} keeps its new grants, since the former ones are not known"
            ));
        }
        // Nothing was changed, so there is nothing to undo.
        Some(Outcome::Unchanged) | None => {}
    }
    Ok(undo)
}

/// Plan how to undo what was changed without a login.
fn undo_edits(spec: &JobSpec, events: &[Event], undo: &mut Undo) -> Result<(), Error> {
    let (Some(_), Some(user)) = (done(events, Step::Edit), spec.embed_user()) else {
        return Ok(());
    };
    let edits = &user.planned.edits;
    if edits.disabled == Some(true) {
        let running = done(events, Step::NoteSchedules).map(read).transpose()?;
        let enable = Inverse::EnableUser(running.unwrap_or_default());
        undo.inverses.push((Step::Edit, enable));
    }
    if edits.has_more_than_disabling() {
        // The former values were not read, so they cannot be restored.
        let user = spec.user();
        undo.stays.push(format!(
            "{user} keeps the names, attributes and state that were set, since the former ones are not known"
        ));
    }
    Ok(())
}

/// The output of `step`, if it is done and not undone.
fn done(events: &[Event], step: Step) -> Option<&Value> {
    let of = || {
        events
            .iter()
            .filter(|event| event.step == step.name())
            .rev()
    };
    let last = of().next()?;
    // An undo that was interrupted has to run again.
    let stands = matches!(last.what, What::Done | What::UndoStarted);
    let mut done = of().filter(|event| stands && event.what == What::Done);
    Some(&done.next()?.data)
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use serde_json::json;

    use super::*;
    use crate::workflow::spec::{KeyJob, UserId};

    fn spec() -> JobSpec {
        JobSpec::MintKey(KeyJob {
            user: UserId::External("acme-42".to_owned()),
            purpose: None,
            ttl_seconds: None,
        })
    }

    fn event(step: Step, what: What, data: Value) -> Event {
        Event {
            step: step.name().to_owned(),
            what,
            at: Timestamp::UNIX_EPOCH,
            data,
        }
    }

    fn delivered() -> Event {
        let key = json!({
            "id": "7", "client_id": "c", "purpose": "", "created_at": Timestamp::UNIX_EPOCH, "delivered_to": "stdout",
        });
        event(Step::Deliver, What::Done, key)
    }

    fn revoke(unless_gone: &[&str]) -> (Step, Inverse) {
        let unless_gone = unless_gone.iter().map(|id| (*id).to_owned()).collect();
        let inverse = Inverse::RevokeKey {
            id: "7".to_owned(),
            client_id: "c".to_owned(),
            unless_gone,
        };
        (Step::Deliver, inverse)
    }

    #[test]
    fn a_created_user_is_deleted_after_its_key_is_revoked() {
        let events = [
            event(Step::Create, What::Done, json!("created")),
            delivered(),
        ];

        let undo = plan_undo(&spec(), &events).unwrap();

        let inverses = [revoke(&[]), (Step::Create, Inverse::DeleteUser)];
        assert_eq!((undo.inverses, undo.stays), (inverses.to_vec(), Vec::new()));
    }

    #[test]
    fn a_key_whose_forerunners_are_gone_stays() {
        let retired = json!({ "revoked": ["5"], "kept": [] });
        let events = [delivered(), event(Step::RetireOld, What::Done, retired)];

        let undo = plan_undo(&spec(), &events).unwrap();

        assert_eq!(undo.inverses, []);
        assert!(undo.stays[0].contains("key 7 stays"), "{undo:?}");
    }

    #[test]
    fn keys_that_are_kept_for_an_overlap_take_their_place_again() {
        let retired = json!({ "revoked": [], "kept": ["5"] });
        let events = [delivered(), event(Step::RetireOld, What::Done, retired)];

        let undo = plan_undo(&spec(), &events).unwrap();

        let keep = (Step::RetireOld, Inverse::KeepKeys(vec!["5".to_owned()]));
        assert_eq!(undo.inverses, [keep, revoke(&["5"])]);
    }

    #[test]
    fn new_grants_stay_and_what_was_undone_is_not_undone_again() {
        let updated = event(Step::Create, What::Done, json!("updated"));
        let undone = event(Step::Deliver, What::Undone, Value::Null);

        let undo = plan_undo(&spec(), &[updated, delivered(), undone]).unwrap();

        assert_eq!(undo.inverses, []);
        assert!(undo.stays[0].contains("keeps its new grants"), "{undo:?}");
    }

    #[test]
    fn an_undo_that_was_cut_short_is_begun_again() {
        let begun = event(Step::Deliver, What::UndoStarted, Value::Null);

        let undo = plan_undo(&spec(), &[delivered(), begun]).unwrap();

        assert_eq!(undo.inverses, [revoke(&[])]);
    }
}
