//! A user that is there as the row of a manifest: one that changes nothing.

use std::collections::BTreeSet;

use crate::error::Error;
use crate::plan::known_grants::{KnownGrants, Needs};
use crate::plan::observed_user::ObservedUser;
use crate::plan::read_grants::GrantReader;
use crate::plan::refusal::Refusal;
use crate::plan::row::{Row, State};
use crate::signed_url::Grants;

/// A user as a row, and what the row cannot say.
#[derive(Debug, Default)]
pub(crate) struct Exported {
    /// The row.
    pub(crate) row: Row,
    /// The attributes with a value of the user's own that Looker hides.
    pub(crate) hidden: BTreeSet<String>,
    /// The attributes with an empty value of the user's own, which a manifest cannot tell from none.
    pub(crate) empty: BTreeSet<String>,
    /// Why the grants of a disabled user are left out, if they cannot be read.
    pub(crate) left_out: Option<Refusal>,
}

/// Read all that a row can say about `seen`.
///
/// # Errors
/// It cannot be read, or its values cannot be told from others'.
pub(crate) async fn export(reader: &GrantReader, seen: &ObservedUser) -> Result<Exported, Error> {
    let needs = Needs::everything();
    let read = reader.read(seen, KnownGrants::default(), &needs).await;
    let mut exported = Exported::default();
    let known = match read {
        Ok(known) => known,
        // Its row says `disabled`, which leaves its grants as they are.
        Err(error) if seen.is_disabled => {
            exported.left_out = Some(Refusal::of(error)?);
            KnownGrants {
                grants: Grants {
                    first_name: seen.first_name.clone(),
                    last_name: seen.last_name.clone(),
                    ..Grants::default()
                },
                ..KnownGrants::default()
            }
        }
        Err(error) => return Err(error),
    };
    let mut grants = known.grants;
    exported.hidden = known.hidden;
    let values = grants.user_attributes.iter();
    let empty = values.filter(|(_, value)| value.is_empty());
    exported.empty = empty.map(|(name, _)| name.clone()).collect();
    grants.user_attributes.retain(|_, value| !value.is_empty());
    // Most users have no time zone of their own, and some Lookers refuse to set one.
    grants.user_timezone = grants.user_timezone.filter(|zone| !zone.is_empty());
    // belief: group-ids-are-all
    if seen.is_disabled {
        grants.group_ids = None;
    }
    exported.row = Row {
        external_user_id: seen.external_user_id.clone(),
        grants,
        state: Some(match seen.is_disabled {
            true => State::Disabled,
            false => State::Present,
        }),
        ..Row::default()
    };
    Ok(exported)
}
