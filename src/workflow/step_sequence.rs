//! The steps of each kind of job, in order: mint before revoke, and check before anything is given up.

use crate::workflow::rotate_id::ItemKind;
use crate::workflow::spec::JobSpec;
use crate::workflow::step::Step;
use crate::workflow::user_spec::UserSpec;

impl JobSpec {
    /// Whether its key replaces others, so that it has to log in whatever the sink holds.
    pub(crate) fn replaces_keys(&self) -> bool {
        match self {
            Self::CreateUser(spec) => spec.key.is_some() && spec.planned.rotate,
            Self::MintKey(_) => false,
            Self::RotateKey(_) => true,
            Self::RotateId(spec) => spec.user.key.is_some(),
        }
    }

    /// The steps of the job, in order.
    pub fn steps(&self) -> Vec<Step> {
        // A key that takes another one's place in the sink logs in first; one that takes none is spared the calls.
        const KEY: [Step; 6] = [
            Step::AllowKeys,
            Step::Reconcile,
            Step::Mint,
            Step::Prove,
            Step::Deliver,
            Step::Tag,
        ];
        // The old keys stay until the new one has been seen to log in and is delivered.
        const ROTATE: [Step; 8] = [
            Step::AllowKeys,
            Step::ChooseOld,
            Step::Reconcile,
            Step::Mint,
            Step::Prove,
            Step::Deliver,
            Step::Tag,
            Step::RetireOld,
        ];
        match self {
            Self::CreateUser(spec) => {
                let mut steps = ensure(spec);
                match spec.key {
                    Some(_) if spec.planned.rotate => steps.extend(ROTATE),
                    Some(_) => steps.extend(KEY),
                    None => return steps,
                }
                steps.push(Step::LookAgain);
                steps
            }
            Self::MintKey(_) => [&[Step::Observe], &KEY[..], &[Step::LookAgain]].concat(),
            Self::RotateKey(_) => [&[Step::Observe], &ROTATE[..], &[Step::LookAgain]].concat(),
            Self::RotateId(spec) => {
                let mut steps = ensure(&spec.user);
                steps.push(Step::Equip);
                steps.extend(ItemKind::ALL.map(Step::Move));
                steps.push(Step::Sweep);
                if spec.user.key.is_some() {
                    let key = ROTATE.into_iter();
                    steps.extend(key.filter(|it| !matches!(it, Step::ChooseOld | Step::RetireOld)));
                }
                // The old user stays as it is until everything has been seen at the new one.
                steps.extend([
                    Step::Check,
                    // belief: key-of-disabled-is-refused
                    Step::RevokeOldKeys,
                    Step::EndOldSessions,
                    Step::RetireOldUser,
                ]);
                if spec.user.key.is_some() {
                    steps.push(Step::LookAgain);
                }
                steps
            }
        }
    }
}

/// The steps that create or update a user.
fn ensure(spec: &UserSpec) -> Vec<Step> {
    let mut steps = vec![Step::Observe];
    if spec.planned.edits.disabled == Some(true) {
        steps.push(Step::NoteSchedules);
    }
    // A disabled user cannot log in, so it is enabled first.
    // belief: disabled-embed-login-fails
    if !spec.planned.edits.is_empty() {
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
