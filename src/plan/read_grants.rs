//! Reads from Looker what an existing user was last given, for users that the ledger knows nothing of.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::OnceCell;

use crate::error::Error;
use crate::looker::{
    Client, EmbedGrants, GrantsUnreadable, ListedRoles, LookerError, OwnValueReader, embed_grants,
};
use crate::plan::known_grants::KnownGrants;
use crate::plan::observed_user::ObservedUser;

/// Reads what users were last given. Users with the same roles are asked about once.
#[derive(Clone, Debug)]
pub(crate) struct GrantReader {
    admin: Client,
    take_unknown: bool,
    values: OwnValueReader,
    learnt: Arc<Learnt>,
}

#[derive(Debug, Default)]
struct Learnt {
    /// The roles that an admin can hand out.
    listed: OnceCell<ListedRoles>,
    /// What embed logins gave, by the ids of all roles of a user.
    grants: Mutex<BTreeMap<Vec<String>, EmbedGrants>>,
    /// Whether the role of an embed login was seen: if so, a user that shows none has none.
    shows_embed_roles: AtomicBool,
}

impl GrantReader {
    /// Read through `admin`; `take_unknown` says that values of unknown origin are the users' own.
    pub(crate) fn new(admin: Client, take_unknown: bool) -> Self {
        Self {
            values: OwnValueReader::new(admin.clone()),
            admin,
            take_unknown,
            learnt: Arc::default(),
        }
    }

    /// What the user was last given; its values of the attributes `wanted` only if there are any.
    ///
    /// # Errors
    /// Nobody can tell what its embed login gave, or whose a value is.
    pub(super) async fn granted(
        &self,
        seen: &ObservedUser,
        wanted: &BTreeSet<String>,
    ) -> Result<KnownGrants, Error> {
        let grants = self.grants(seen).await?;
        let attributes = match wanted.is_empty() {
            true => None,
            false => Some(self.own_values(seen, wanted).await?),
        };
        Ok(KnownGrants {
            permissions: Some(grants.permissions),
            models: Some(grants.models),
            attributes,
            ..KnownGrants::default()
        })
    }

    async fn grants(&self, seen: &ObservedUser) -> Result<EmbedGrants, Error> {
        let known = || {
            let known = self.learnt.grants.lock();
            let known = known.unwrap_or_else(PoisonError::into_inner);
            known.get(&seen.role_ids).cloned()
        };
        if let Some(known) = known() {
            return Ok(known);
        }
        let ask = || async {
            let roles = self.admin.roles().await?.into_iter();
            Ok::<_, LookerError>(roles.map(|role| (role.id.clone(), role)).collect())
        };
        let listed = self.learnt.listed.get_or_try_init(ask).await?;
        let direct = self.admin.user_roles(&seen.id, true).await?;
        let grants = match embed_grants(&seen.role_ids, &direct, listed) {
            Ok(grants) => {
                self.learnt.shows_embed_roles.store(true, Relaxed);
                grants
            }
            Err(GrantsUnreadable::NoRole) if self.has_no_embed_role(seen).await? => {
                // Others with these roles may have more.
                return Ok(EmbedGrants::default());
            }
            Err(why) => return Err(unreadable(seen, &why)),
        };
        let learnt = self.learnt.grants.lock();
        let mut learnt = learnt.unwrap_or_else(PoisonError::into_inner);
        learnt.insert(seen.role_ids.clone(), grants.clone());
        Ok(grants)
    }

    /// Whether a user that shows no embed role has none, and not one that Looker keeps to itself: either such roles are
    /// shown here, or the user reaches no model at all.
    async fn has_no_embed_role(&self, seen: &ObservedUser) -> Result<bool, Error> {
        if self.learnt.shows_embed_roles.load(Relaxed) {
            return Ok(true);
        }
        // Nobody can act as a disabled user, so nothing is known of what it reaches.
        if seen.is_disabled {
            return Ok(false);
        }
        let sudo = self.admin.login_user(&seen.id).await?;
        let models = sudo.lookml_models().await;
        sudo.logout().await?;
        Ok(models?.is_empty())
    }

    async fn own_values(
        &self,
        seen: &ObservedUser,
        wanted: &BTreeSet<String>,
    ) -> Result<BTreeMap<String, Option<String>>, Error> {
        let mut rows = self.admin.attribute_values(&seen.id).await?;
        // A row without a name could be any of them.
        rows.retain(|row| row.name.is_empty() || wanted.contains(&row.name));
        let mut own = self.values.own(&rows, &seen.group_ids).await?;
        if self.take_unknown {
            own = own.with_unknown();
        }
        let Some(first) = own.unknown.first() else {
            return Ok(own.values);
        };
        let id = &seen.external_user_id;
        Err(Error::usage(format!(
            "embedctl cannot tell whether the value that `{id}` has for {first} is its own, so it cannot be compared and is left as it is"
        ))
        .hint(format!(
            "look at it with `embedctl api GET /users/{}/attribute_values`; if such values are the users' own, add `--take-unknown`",
            seen.id
        )))
    }
}

fn unreadable(seen: &ObservedUser, why: &GrantsUnreadable) -> Error {
    let id = &seen.external_user_id;
    Error::usage(format!(
        "the permissions and models of `{id}` cannot be read, so they cannot be compared and are left as they are: {why}"
    ))
    .hint(format!(
        "use the ledger of the machine that created it, or give it its grants anew with `embedctl create-user {id} --update`"
    ))
}
