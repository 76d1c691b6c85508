//! The implementation of each step, one file each.

pub(super) mod allow_keys;
pub(super) mod choose_old;
pub(super) mod confirm;
pub(super) mod create;
pub(super) mod deliver;
pub(super) mod edit;
mod look;
pub(super) mod look_again;
pub(super) mod mint;
pub(crate) mod note_schedules;
pub(super) mod observe;
pub(super) mod prove;
pub(super) mod reconcile;
mod refusal;
pub(super) mod retire_old;
mod revoke;
pub(super) mod sudo;
pub(super) mod tag;

pub(super) use crate::workflow::journal::read;
