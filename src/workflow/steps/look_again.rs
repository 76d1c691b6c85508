//! Checks at the end whether a request whose answer was lost has created a key late.

use jiff::Timestamp;

use crate::error::Error;
use crate::workflow::job_context::JobContext;
use crate::workflow::mint_log::MintLog;
use crate::workflow::step::{After, Before, Step};
use crate::workflow::steps::{allow_keys, look};

pub(crate) fn before(work: &mut JobContext) -> Before {
    match MintLog::of(work.journal.events()) {
        Ok(log) if log.lost.is_empty() => Before::Skip,
        _ => Before::Read,
    }
}

/// When the last request of a process that was stopped, and that went on after this one had taken its job, has arrived: it
/// sends what it was about to send before it learns that its lease is over.
fn taken_over(work: &JobContext) -> Option<Timestamp> {
    let lease = work.cx.ledger.lease().filter(|_| work.resumed)?;
    work.began.checked_add(lease.settles()).ok()
}

pub(crate) async fn run(work: &mut JobContext) -> Result<After, Error> {
    let log = MintLog::of(work.journal.events())?;
    let now = work.cx.clock.now();
    // If the clock was set back, wait no longer than the request could take, and only once.
    let ends = log
        .lost
        .iter()
        .map(|lost| lost.ends().min(now + lost.within()));
    if let Some(due) = ends
        .chain(taken_over(work))
        .max()
        .filter(|due| *due > now && !work.has_waited)
    {
        return Ok(After::Later(due));
    }
    let keys = match work.user_keys().list().await {
        Ok(keys) => keys,
        Err(error) => return allow_keys::refused(work, error),
    };
    let look = look::judge_now(work, &keys, &log).await?;
    let own = work.found.key.as_ref().map(|key| key.id.clone());
    let mut orphans = look.orphans();
    orphans.retain(|(key, _)| Some(&key.id) != own.as_ref());
    let left = look.left(&log);
    let revoked = look::revoke(work, Step::LookAgain, orphans).await?;
    // The requests can no longer take effect, so keys that appear later are not theirs. Marking them settled lets a rerun end,
    // however many keys someone else goes on creating.
    let output = look::tell(work, &revoked, &left, true);
    if left.is_empty() {
        return Ok(After::Next(output));
    }
    work.journal.finish(Step::LookAgain, output);
    Err(look::unclear(work, &left))
}
