//! What this release of Looker supports, as far as the release alone tells.

use crate::commands::doctor::findings::Findings;
use crate::error::Error;
use crate::looker::Versions;

pub(super) fn examine(versions: &Versions, findings: &mut Findings) -> Result<(), Error> {
    let Some(release) = versions.release() else {
        return findings.skip(
            "release",
            "this Looker does not say which release it is, so what that release lacks is not known",
        );
    };
    // belief: owner-can-be-written
    if !release.can_change_dashboard_owner() {
        findings.warn(
            "owners",
            "owners of dashboards and boards cannot be changed before Looker 26.8 and 26.10",
            "`rotate-id` leaves them with the old user; `--old keep` or `disable` keeps them from harm",
        )?;
    } else if !release.can_change_board_owner() {
        findings.warn(
            "owners",
            "owners of boards cannot be changed before Looker 26.10",
            "`rotate-id` leaves them with the old user; `--old keep` or `disable` keeps them from harm",
        )?;
    } else {
        findings.pass("owners", "owners of dashboards and boards can be changed")?;
    }
    // belief: key-purpose-by-patch
    match release.has_key_purpose() {
        true => findings.pass("purpose", "API keys carry a `purpose`"),
        false => findings.warn(
            "purpose",
            "API keys carry no `purpose` before Looker 25.14",
            "keep the ledger: it alone knows which keys are embedctl's",
        ),
    }
}
