//! Failed jobs whose users got their key from a later run since: to retry them would mint a second key.

use crate::commands::session::Session;
use crate::error::Error;
use crate::ledger::{Job, JobEnd, JobId, JobState, Ledger, RunId};
use crate::workflow::{Found, JobSpec};

/// Settle those jobs of `run`, which this process owns; returns how many there were.
pub(super) async fn settle(
    ledger: &dyn Ledger,
    run: RunId,
    session: &Session,
) -> Result<u64, Error> {
    const PAGE: u32 = 1_000;
    let (mut settled, mut from) = (0, 0);
    loop {
        let jobs = ledger.jobs(run, Some(JobState::Failed), from, PAGE).await?;
        let Some(last) = jobs.last() else {
            return Ok(settled);
        };
        from = last.number + 1;
        for job in jobs.iter().filter(|job| mints(job)) {
            let later = ledger.done_since(run, &job.subject).await?;
            let Some((by, later)) = later.filter(|(_, later)| has_key(later)) else {
                continue;
            };
            let id = JobId {
                run,
                number: job.number,
            };
            let end = JobEnd {
                state: JobState::Done,
                outcome: later.outcome,
            };
            ledger.settle(id, Vec::new(), None, end).await?;
            settled += 1;
            session.ui.status(format!(
                "`{}` got its key from run {by}, so no other one is minted for it",
                job.subject
            ));
        }
    }
}

/// Whether the job is about a key of a user that stays the same.
fn mints(job: &Job) -> bool {
    match serde_json::from_value(job.spec.clone()) {
        Ok(JobSpec::CreateUser(spec)) => spec.key.is_some(),
        Ok(JobSpec::MintKey(_) | JobSpec::RotateKey(_)) => true,
        Ok(JobSpec::RotateId(_)) | Err(_) => false,
    }
}

fn has_key(job: &Job) -> bool {
    let found = serde_json::from_value::<Found>(job.outcome.clone());
    found.is_ok_and(|found| found.key.is_some())
}
