//! New ids that differ only by case from those of existing users.

use std::mem;

use crate::plan::{Action, Planned, Planner};
use crate::report::Ui;
use crate::workflow::case_warning;

/// Warns about them.
pub(super) struct CaseVariants {
    /// `None` if such ids are meant.
    ui: Option<Ui>,
    count: u64,
    /// Whether there are new ids that could not be compared with all others.
    unchecked: bool,
}

impl CaseVariants {
    /// Warn on `ui`, unless such ids are meant.
    pub(super) const fn new(ui: Option<Ui>) -> Self {
        Self {
            ui,
            count: 0,
            unchecked: false,
        }
    }

    /// Look at the decisions that `planner` has just made; at its end there are none.
    pub(super) fn add(&mut self, planner: &mut Planner, planned: &[Planned]) {
        /// The first ones show what happened, usually to a whole column.
        const SHOWN: u64 = 10;
        let Some(ui) = &self.ui else {
            return;
        };
        for (id, other) in planner.take_case_variants() {
            self.count += 1;
            if self.count <= SHOWN {
                ui.warning(case_warning(&id, &other));
            }
        }
        let is_new = |it: &Planned| {
            it.change.action == Action::Create
                && it.change.external_user_id.contains(char::is_alphabetic)
        };
        self.unchecked |= !planner.knows_ids() && planned.iter().any(is_new);
        if !planned.is_empty() {
            return;
        }
        if self.count > SHOWN {
            let more = self.count - SHOWN;
            ui.warning(format!(
                "{more} more new ids differ only by case from those of existing users"
            ));
        }
        if mem::take(&mut self.unchecked) {
            ui.status("Not checked: whether new ids differ only by case from those of existing users. Looker has too many users to list them for so few rows.");
        }
    }
}
