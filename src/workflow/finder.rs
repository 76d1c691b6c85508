//! The only lookup of users: finds them by either id, and reports "not there" only if that is proved.
//!
//! Looker answers 404 both for a user that does not exist and for one the caller may not see, and the first embed login of
//! an id creates a user. So "not there" is believed from a lookup that has been seen to find an existing embed user, else
//! from a list of all embed users, and on a Looker without any, only from an admin. Which one applies is found out once
//! per run.

use std::sync::{Arc, OnceLock};

use tokio::sync::OnceCell;

use crate::error::{Error, Kind};
use crate::looker::{Client, LookerError, User, UserSearch};
use crate::workflow::admin::require_admin;
use crate::workflow::spec::UserRef;

/// Looks users up for one run; clones share what has been found out.
#[derive(Clone, Debug)]
pub struct Finder {
    admin: Client,
    trust: Arc<OnceCell<Trust>>,
    ids: Arc<OnceLock<Ids>>,
    is_admin: Arc<OnceCell<()>>,
}

/// External user ids that were read to prove that the lookup works.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ids {
    /// The ids of the newest embed users.
    pub(crate) listed: Vec<String>,
    /// Whether there are no others.
    pub(crate) are_all: bool,
}

/// Why "not there" can be believed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Trust {
    /// The lookup by credential has found an existing embed user.
    LookUp,
    /// The lookup failed that test; a list of all embed users decides.
    List,
    /// There are no embed users at all, as seen by an admin.
    Nobody,
}

impl Finder {
    /// A finder that asks as `admin`; sends nothing yet.
    pub fn new(admin: Client) -> Self {
        Self {
            admin,
            trust: Arc::default(),
            ids: Arc::default(),
            is_admin: Arc::default(),
        }
    }

    /// The identity that looks users up.
    pub const fn admin(&self) -> &Client {
        &self.admin
    }

    /// The user as Looker shows it to the admin, with embed credentials and keys; `None` if it is proved that there is no
    /// such user.
    ///
    /// # Errors
    /// What Looker says; [`Kind::NotAllowed`] if "not there" cannot be distinguished from "not visible".
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
                // A lookup that works for one user works for all, so the proof is about the caller, not about this id.
                self.trust().await?;
                Ok(None)
            }
        }
    }

    /// Require, once per run, that the caller is an admin.
    ///
    /// # Errors
    /// [`Kind::NotAllowed`] if it is not known to be one; what Looker says if the question fails.
    pub async fn require_admin(&self) -> Result<(), Error> {
        let ask = || require_admin(&self.admin);
        self.is_admin.get_or_try_init(ask).await.copied()
    }

    /// The ids that were read when a user was first found to be absent; none before.
    pub(crate) fn ids(&self) -> Ids {
        self.ids.get().cloned().unwrap_or_default()
    }

    /// The embed user whose id differs only by case from `external_user_id`, which no user has; as far as that is known from the
    /// newest users, and takes no more than one call.
    ///
    /// # Errors
    /// What Looker says.
    pub(crate) async fn case_variant(
        &self,
        external_user_id: &str,
    ) -> Result<Option<String>, Error> {
        let letters = external_user_id.to_lowercase();
        self.trust().await?;
        let ids = self.ids();
        let mut listed = ids.listed.into_iter();
        let listed = listed.find(|id| id.to_lowercase() == letters && id != external_user_id);
        if listed.is_some() || ids.are_all || letters == external_user_id {
            return Ok(listed);
        }
        // Most ids are in small letters.
        let found = look_up(&self.admin, UserRef::External(&letters)).await?;
        Ok(found.map(|_| letters))
    }

    async fn trust(&self) -> Result<Trust, Error> {
        self.trust.get_or_try_init(|| self.prove()).await.copied()
    }

    /// Test the lookup on an embed user that is known to exist.
    async fn prove(&self) -> Result<Trust, Error> {
        // The first user whose id fits into a path decides. A whole page is one call too, and tells which ids differ by case.
        let mut pages = self.admin.users(UserSearch {
            fields: Some("id,is_disabled,credentials_embed,credentials_api3".to_owned()),
            ..embed_users()
        });
        while let Some(users) = pages.next().await? {
            let ids = users.iter().filter_map(User::external_user_id);
            let listed: Vec<_> = ids.map(str::to_owned).collect();
            self.ids.get_or_init(|| Ids {
                are_all: users.len() < PAGE as usize,
                listed,
            });
            // Everyone can see themselves, so it proves nothing that the caller does.
            for known in users.iter().filter(|user| !self.is_caller(user)) {
                let id = known.external_user_id().unwrap_or_default();
                match self.admin.user_for_credential_embed(id).await {
                    Ok(Some(found)) if found.id == known.id => return Ok(Trust::LookUp),
                    // This id does not fit into a path, so it proves nothing.
                    Err(LookerError::Id { .. }) => {}
                    Ok(_) | Err(LookerError::Another { .. }) => return Ok(Trust::List),
                    Err(error) if error.refused_with() == Some(403) => return Ok(Trust::List),
                    Err(error) => return Err(error.into()),
                }
            }
        }
        // Users without a visible credential: the one that is searched for could be among them.
        if pages.strangers() > 0 {
            return Err(unseen());
        }
        let asked = self.require_admin().await;
        asked.map_err(|error| {
            error.context("cannot tell whether the user is there: Looker shows no embed user")
        })?;
        self.ids.get_or_init(|| Ids {
            listed: Vec::new(),
            are_all: true,
        });
        Ok(Trust::Nobody)
    }

    /// Whether it is the user whose API key this is.
    fn is_caller(&self, user: &User) -> bool {
        let mut keys = user.credentials_api3.iter().flatten();
        keys.any(|key| Some(key.client_id.as_str()) == self.admin.client_id())
    }
}

/// That `id` is new although there is `other`, which differs only by case.
pub(crate) fn case_warning(id: &str, other: &str) -> String {
    format!(
        "`{id}` is new, and differs only by case from `{other}`, which exists: to Looker they are two users"
    )
}

/// How many users a page asks for.
const PAGE: u32 = 500;

/// The user, if Looker finds it. Not finding it proves nothing: see [`Finder`].
///
/// # Errors
/// What Looker says, or that it answered about a different user.
pub async fn look_up(admin: &Client, user: UserRef<'_>) -> Result<Option<User>, LookerError> {
    match user {
        UserRef::External(id) => match admin.user_for_credential_embed(id).await {
            // Looker (Google Cloud core) may refuse the lookup by credential, according to its API description.
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

/// Read all embed users, page by page, until the user turns up.
async fn in_list(admin: &Client, id: &str) -> Result<Option<User>, LookerError> {
    let mut pages = admin.users(embed_users());
    while let Some(users) = pages.next().await? {
        if let Some(user) = users.into_iter().find(|user| user.has_external_user_id(id)) {
            return Ok(Some(user));
        }
    }
    Ok(None)
}

/// All embed users, newest first: most lookups are for a user that was just created.
fn embed_users() -> UserSearch {
    UserSearch {
        embed_user: Some(true),
        sorts: Some("id desc".to_owned()),
        limit: Some(PAGE),
        ..UserSearch::default()
    }
}

fn unseen() -> Error {
    Error::new(
        Kind::NotAllowed,
        "cannot tell whether the user is there: Looker lists embed users and does not show their embed credentials",
    )
    .hint("use the API key of a user with the Admin role")
}
