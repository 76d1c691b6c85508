//! Makes a key: as the admin, or as the user where Looker lets only the user do it.

use serde_json::json;

use crate::error::Error;
use crate::looker::{LookerError, NewApi3Key, UserChanges};
use crate::workflow::reconcile::MintIntent;
use crate::workflow::step::{After, Before, Step};
use crate::workflow::steps::sudo;
use crate::workflow::work::{FoundKey, Work};

pub(crate) fn before(work: &mut Work) -> Before {
    if work.nothing_to_rotate {
        return Before::Skip;
    }
    let intent = MintIntent {
        known: work.known_keys.clone(),
        at: work.looker_now(),
        within_seconds: work.cx.timeout.as_secs(),
    };
    Before::Effect(json!(intent))
}

pub(crate) async fn run(work: &mut Work) -> Result<After, Error> {
    // From here on, a key that another runner puts into the sink for this user stays there.
    let (origin, user) = (work.cx.admin.origin(), &work.found.external_user_id);
    work.sink().held(origin, user).await?;
    let minted = match mint(work).await {
        Ok(minted) => minted,
        Err(Unminted::Lost(error)) => return Ok(After::Back(Step::Reconcile, error.into())),
        Err(Unminted::Refused(error)) => return Err(error),
    };
    let key = FoundKey {
        id: minted.key.id,
        client_id: minted.key.client_id,
        purpose: work.purpose(),
        created_at: minted.key.created_at.unwrap_or_else(|| work.looker_now()),
        delivered_to: None,
    };
    work.secret = Some(minted.client_secret);
    work.found.key = Some(key.clone());
    Ok(After::Next(json!(key)))
}

/// Why there is no key.
enum Unminted {
    /// The answer was lost; there may be one.
    Lost(LookerError),
    /// Looker said no.
    Refused(Error),
}

impl From<LookerError> for Unminted {
    fn from(error: LookerError) -> Self {
        if error.took_effect_unknown() {
            Self::Lost(error)
        } else {
            Self::Refused(error.into())
        }
    }
}

async fn mint(work: &mut Work) -> Result<NewApi3Key, Unminted> {
    let user_id = work.user_id();
    match work.cx.admin.create_api3_key(&user_id).await {
        // Looker (Google Cloud core) has an admin allow keys, and the user make them (its documentation on API keys).
        Err(error) if error.refused_with() == Some(403) => {
            let sudo = sudo::client(work).await.map_err(Unminted::Refused)?;
            let allow = UserChanges {
                can_manage_api3_creds: Some(true),
                ..UserChanges::default()
            };
            // This request makes no key, so a lost answer to it leaves nothing behind.
            let allowed = work.cx.admin.update_user(&user_id, &allow).await;
            allowed.map_err(|error| Unminted::Refused(error.into()))?;
            Ok(sudo.create_api3_key(&user_id).await?)
        }
        answer => Ok(answer?),
    }
}
