//! Finds an embed user by either of its ids.

use crate::looker::{Client, LookerError, User, UserSearch};
use crate::workflow::spec::UserRef;

/// The user as Looker shows it to the admin, with its embed credentials and its keys.
pub async fn user(admin: &Client, user: UserRef<'_>) -> Result<Option<User>, LookerError> {
    match user {
        UserRef::External(id) => embed_user(admin, id).await,
        UserRef::Looker(id) => by_looker_id(admin, id).await,
        UserRef::Known { external, looker } => {
            let user = by_looker_id(admin, looker).await?;
            Ok(user.filter(|user| has_id(user, external)))
        }
    }
}

async fn by_looker_id(admin: &Client, id: &str) -> Result<Option<User>, LookerError> {
    match admin.user(id).await {
        Ok(user) => Ok(Some(user)),
        Err(LookerError::NotFound { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

async fn embed_user(admin: &Client, id: &str) -> Result<Option<User>, LookerError> {
    match admin.user_for_credential_embed(id).await {
        // Looker (Google Cloud core) may deny the look-up by credential, as its API description says.
        Err(error) if error.refused_with() == Some(403) => sweep(admin, id).await,
        answer => answer,
    }
}

/// Read all embed users, page by page, until the one is found.
async fn sweep(admin: &Client, id: &str) -> Result<Option<User>, LookerError> {
    const PAGE: u16 = 500;
    let mut search = UserSearch {
        embed_user: Some(true),
        // The newest first: whoever looks a user up has most often just made it.
        sorts: Some("id desc".to_owned()),
        limit: Some(PAGE.into()),
        offset: Some(0),
        ..UserSearch::default()
    };
    loop {
        let users = admin.search_users(&search).await?;
        let last = users.len() < usize::from(PAGE);
        let found = users.into_iter().find(|user| has_id(user, id));
        if found.is_some() || last {
            return Ok(found);
        }
        search.offset = search.offset.map(|offset| offset + u64::from(PAGE));
    }
}

/// Whether the user has an embed credential with exactly this id.
pub(super) fn has_id(user: &User, id: &str) -> bool {
    let mut credentials = user.credentials_embed.iter();
    credentials.any(|credential| credential.external_user_id.as_deref() == Some(id))
}
