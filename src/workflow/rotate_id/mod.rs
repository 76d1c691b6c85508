//! Moves a person to a new `external_user_id` with everything that belongs to it.
//!
//! Looker has no rename, so a new user is created, everything is given to it, and the old user is retired.

mod belongings;
mod calls;
pub(super) mod carry_over;
pub(super) mod check;
mod compare;
pub(super) mod move_steps;
mod observe;
mod plan;
pub(super) mod retire;
mod spec;
mod transfer;
pub(super) mod undo;

pub use belongings::{Belongings, Item, ItemKind, Named};
pub use observe::Viewpoint;
pub use plan::{RotateIdWish, plan_rotate_id};
pub use spec::{Ids, NotMoved, OldEnd, Renamed, RotateIdSpec, RotatedId};
