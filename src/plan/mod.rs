//! What would make Looker match a manifest: desired and observed users compared, as plain data, before anything is done.

mod apply_file;
mod change;
mod compare;
mod decide;
mod desired;
mod drift;
mod exported;
mod field;
mod jobs;
mod known_grants;
mod observe;
mod observed_user;
mod planner;
mod read_grants;
mod refusal;
mod row;
mod store;
mod text;

pub(crate) use apply_file::{PlanFile, PlanHeader, PlanWriter, plan_line, read_header};
pub(crate) use change::{Action, Change, KeyChange};
pub(crate) use desired::Desired;
pub(crate) use drift::drift;
pub(crate) use exported::{Exported, export};
pub(crate) use field::{Difference, Field};
pub(crate) use jobs::{JobOptions, Verify, job};
pub(crate) use observe::observe;
pub(crate) use observed_user::{FIELDS, ObservedUser};
pub(crate) use planner::{DesiredRows, Planned, Planner, decide_one, login_of};
pub(crate) use read_grants::GrantReader;
pub(crate) use refusal::Refusal;
pub(crate) use row::{GroupName, GroupUnknown, KeyWish, KnownAttribute, Row, Rules, State};
pub(crate) use text::Sign;
