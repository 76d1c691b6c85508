//! How a user differs from what embedctl applied to it last: what someone else has changed since.

use std::mem;
use std::sync::Arc;

use jiff::Timestamp;

use crate::error::Error;
use crate::ledger::Ledger;
use crate::looker::User;
use crate::plan::compare::Comparison;
use crate::plan::desired::Desired;
use crate::plan::field::Difference;
use crate::plan::known_grants::KnownGrants;
use crate::plan::observed_user::ObservedUser;
use crate::plan::read_grants::GrantReader;
use crate::plan::row::Rules;
use crate::signed_url::Grants;

/// The fields of `user`, whom Looker shows so at `now`, that differ from what the ledger says was applied last, from that to
/// what Looker has. `None` if the ledger knows of nothing that was applied. Values that Looker hides are not compared.
///
/// # Errors
/// The grants of the user cannot be read.
pub(crate) async fn drift(
    user: User,
    external_user_id: &str,
    (reader, ledger): (GrantReader, Arc<dyn Ledger>),
    now: Timestamp,
) -> Result<Option<Vec<Difference>>, Error> {
    let Some(seen) = ObservedUser::named(user, external_user_id, now) else {
        return Ok(None);
    };
    let ids = vec![external_user_id.to_owned()];
    let jobs = ledger.newest_done(ids).await?.pop().unwrap_or_default();
    let mut applied = KnownGrants::from_ledger(&jobs, &seen).grants;
    if applied == Grants::default() {
        return Ok(None);
    }
    if let Some(groups) = &mut applied.group_ids {
        reader.name_by_id(groups).await?;
    }
    let desired = Desired::of_grants(external_user_id.to_owned(), applied);
    let needs = KnownGrants::default().missing(&desired);
    let mut known = reader.read(&seen, KnownGrants::default(), &needs).await?;
    if desired.grants.group_ids.is_some() {
        known.grants.group_ids = Some(reader.groups_of(&seen).await?);
    }
    Ok(Some(compare(desired, &seen, &known)))
}

fn compare(mut desired: Desired, seen: &ObservedUser, known: &KnownGrants) -> Vec<Difference> {
    let attributes = &mut desired.grants.user_attributes;
    attributes.retain(|name, _| !known.hidden.contains(name));
    let mut compared = Comparison::of(&desired, seen, known, &Rules::default());
    if seen.is_disabled {
        // Looker shows nothing of what a disabled user gets by its login.
        compared.leave_out_grants();
    }
    let mut differences = compared.differences;
    for Difference { from, to, .. } in &mut differences {
        // A plan goes from Looker to what is wanted; this is the way that it went since.
        mem::swap(from, to);
    }
    differences
}
