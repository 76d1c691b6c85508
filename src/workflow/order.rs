//! The steps that each kind of job is made of, in order: mint before revoke, and look before anything is given up.

use crate::workflow::rotate_id::ItemKind;
use crate::workflow::spec::{JobSpec, UserSpec};
use crate::workflow::step::Step;

impl JobSpec {
    /// The steps of the job, in order.
    pub fn steps(&self) -> Vec<Step> {
        const KEY: [Step; 4] = [Step::Reconcile, Step::Mint, Step::Tag, Step::Deliver];
        match self {
            Self::CreateUser(spec) => {
                let mut steps = ensure(spec);
                match spec.key {
                    Some(_) if spec.planned.rotate => {
                        steps.push(Step::ChooseOld);
                        steps.extend(KEY);
                        steps.extend([Step::Prove, Step::RetireOld]);
                    }
                    Some(_) => steps.extend(KEY),
                    None => {}
                }
                steps
            }
            Self::MintKey(_) => [&[Step::Observe], &KEY[..]].concat(),
            // The old keys work until the new one is seen to.
            Self::RotateKey(_) => {
                let ends = [Step::Prove, Step::RetireOld];
                [&[Step::Observe, Step::ChooseOld], &KEY[..], &ends[..]].concat()
            }
            Self::RotateId(spec) => {
                let mut steps = ensure(&spec.user);
                steps.push(Step::Equip);
                steps.extend(ItemKind::ALL.map(Step::Move));
                steps.push(Step::Sweep);
                if spec.user.key.is_some() {
                    steps.extend(KEY);
                    steps.push(Step::Prove);
                }
                // The old user is left alone until everything is seen to be the new one's.
                steps.extend([
                    Step::Check,
                    Step::RevokeOldKeys,
                    Step::EndOldSessions,
                    Step::RetireOldUser,
                ]);
                steps
            }
        }
    }
}

/// The steps that make sure of a user.
fn ensure(spec: &UserSpec) -> Vec<Step> {
    let mut steps = vec![Step::Observe];
    // A disabled user is let in before it logs in.
    if spec.planned.edits() {
        steps.push(Step::Edit);
    }
    if !spec.planned.no_login {
        steps.extend([Step::Create, Step::Confirm]);
    }
    if spec.verify {
        steps.push(Step::Sudo);
    }
    steps
}
