//! The one look-up of users: finds them by either of their ids, and believes that one is not there only if that is proved.
//!
//! Looker says 404 of a user that is not there and of one that the caller may not see, and a first embed login of an id
//! creates a user. So "not there" counts from a look-up that was seen to find an embed user that is there, else from a list
//! of all embed users, and on a Looker without any from a caller who is an admin. That is found out once for a whole run.

use std::sync::Arc;

use tokio::sync::OnceCell;

use crate::error::{Error, Kind};
use crate::looker::{Client, LookerError, User, UserPages, UserSearch};
use crate::workflow::admin::require_admin;
use crate::workflow::spec::UserRef;

/// Looks users up for one run; clones share what was found out.
#[derive(Clone, Debug)]
pub struct Finder {
    admin: Client,
    trust: Arc<OnceCell<Trust>>,
    is_admin: Arc<OnceCell<()>>,
}

/// What makes "not there" true.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Trust {
    /// The look-up by credential has found an embed user that is there.
    LookUp,
    /// It has not; a list of all embed users tells.
    List,
    /// There is no embed user at all, as an admin sees it.
    Nobody,
}

impl Finder {
    /// A finder that looks as `admin`; nothing is asked yet.
    pub fn new(admin: Client) -> Self {
        Self {
            admin,
            trust: Arc::default(),
            is_admin: Arc::default(),
        }
    }

    /// Who looks.
    pub const fn admin(&self) -> &Client {
        &self.admin
    }

    /// The user as Looker shows it to the admin, with its embed credentials and its keys; `None` if it is proved that there
    /// is none.
    ///
    /// # Errors
    /// What Looker says; [`Kind::NotAllowed`] if "not there" cannot be told from "not to be seen".
    pub async fn find(&self, user: UserRef<'_>) -> Result<Option<User>, Error> {
        if let Some(user) = look_up(&self.admin, user).await? {
            return Ok(Some(user));
        }
        match user {
            UserRef::External(id) => match self.trust().await? {
                Trust::LookUp | Trust::Nobody => Ok(None),
                Trust::List => Ok(in_list(&self.admin, id).await?),
            },
            UserRef::Looker(_) | UserRef::Known { .. } => {
                // A look-up that works for one works for all; nothing less is asked for here.
                self.trust().await?;
                Ok(None)
            }
        }
    }

    /// Find out, once, whether whoever looks is an admin.
    ///
    /// # Errors
    /// [`Kind::NotAllowed`] if it is not known to be one; what Looker says if it cannot be asked.
    pub async fn require_admin(&self) -> Result<(), Error> {
        let ask = || require_admin(&self.admin);
        self.is_admin.get_or_try_init(ask).await.copied()
    }

    async fn trust(&self) -> Result<Trust, Error> {
        self.trust.get_or_try_init(|| self.prove()).await.copied()
    }

    /// Look up an embed user that is known to be there.
    async fn prove(&self) -> Result<Trust, Error> {
        let mut pages = embed_users(&self.admin, FEW);
        while let Some(users) = pages.next().await? {
            for known in users {
                let id = known.external_user_id().unwrap_or_default();
                match self.admin.user_for_credential_embed(id).await {
                    Ok(Some(found)) if found.id == known.id => return Ok(Trust::LookUp),
                    // No path can carry this id, so that it proves nothing.
                    Err(LookerError::Id { .. }) => {}
                    Ok(_) | Err(LookerError::Another { .. }) => return Ok(Trust::List),
                    Err(error) if error.refused_with() == Some(403) => return Ok(Trust::List),
                    Err(error) => return Err(error.into()),
                }
            }
        }
        if pages.strangers() > 0 {
            return Err(unseen());
        }
        let asked = self.require_admin().await;
        asked.map_err(|error| {
            error.context("cannot tell whether the user is there: Looker shows no embed user")
        })?;
        Ok(Trust::Nobody)
    }
}

/// How many embed users are asked for to find one that is there.
const FEW: u32 = 10;

/// The user, if Looker finds it. That it does not proves nothing: see [`Finder`].
///
/// # Errors
/// What Looker says, and that it answered about another user.
pub async fn look_up(admin: &Client, user: UserRef<'_>) -> Result<Option<User>, LookerError> {
    match user {
        UserRef::External(id) => match admin.user_for_credential_embed(id).await {
            // Looker (Google Cloud core) may deny the look-up by credential, as its API description says.
            Err(error) if error.refused_with() == Some(403) => in_list(admin, id).await,
            answer => answer,
        },
        UserRef::Looker(id) => by_looker_id(admin, id).await,
        UserRef::Known { external, looker } => match by_looker_id(admin, looker).await? {
            Some(user) if !user.has_external_user_id(external) => Err(LookerError::Another {
                operation: "user",
                asked: format!("embed user `{external}` (Looker user {looker})"),
                answered: match user.external_user_id() {
                    Some(other) => format!("embed user `{other}`"),
                    None => "a user without an embed credential".to_owned(),
                },
            }),
            found => Ok(found),
        },
    }
}

async fn by_looker_id(admin: &Client, id: &str) -> Result<Option<User>, LookerError> {
    match admin.user(id).await {
        Ok(user) => Ok(Some(user)),
        Err(LookerError::NotFound { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Read all embed users, page by page, until the one is found.
async fn in_list(admin: &Client, id: &str) -> Result<Option<User>, LookerError> {
    let mut pages = embed_users(admin, 500);
    while let Some(users) = pages.next().await? {
        if let Some(user) = users.into_iter().find(|user| user.has_external_user_id(id)) {
            return Ok(Some(user));
        }
    }
    Ok(None)
}

/// All embed users, the newest first: whoever looks a user up has most often just created it.
fn embed_users(admin: &Client, page: u32) -> UserPages {
    admin.users(UserSearch {
        embed_user: Some(true),
        sorts: Some("id desc".to_owned()),
        limit: Some(page),
        ..UserSearch::default()
    })
}

fn unseen() -> Error {
    Error::new(
        Kind::NotAllowed,
        "cannot tell whether the user is there: Looker lists embed users and does not show their embed credentials",
    )
    .hint("use the API key of a user with the Admin role")
}
