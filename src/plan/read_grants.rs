//! Reads an existing user's latest grants from Looker, if the ledger does not know them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::OnceCell;

use crate::error::Error;
use crate::looker::{
    AttributeValue, Client, EmbedGrants, GrantsUnreadable, Group, ListedRoles, LookerError,
    OwnValueReader, embed_grants, shown_timezone,
};
use crate::plan::known_grants::{KnownGrants, Needs};
use crate::plan::observed_user::ObservedUser;
use crate::plan::row::GroupName;
use crate::signed_url::Grants;

/// Reads users' latest grants. Users with the same roles are read once.
#[derive(Clone, Debug)]
pub(crate) struct GrantReader {
    admin: Client,
    take_unknown: bool,
    values: OwnValueReader,
    learnt: Arc<Learnt>,
}

#[derive(Debug, Default)]
struct Learnt {
    /// The roles that an admin can assign.
    listed: OnceCell<ListedRoles>,
    groups: OnceCell<Vec<Group>>,
    /// Whether users can have their own time zone; `None` if Looker does not say.
    timezones: OnceCell<Option<bool>>,
    /// The grants of embed logins, by the ids of all roles of a user.
    grants: Mutex<BTreeMap<Vec<String>, EmbedGrants>>,
    /// Whether an embed role has been seen: if so, a user that shows none has none.
    shows_embed_roles: AtomicBool,
}

impl GrantReader {
    /// Read through `admin`; `take_unknown` counts values of unknown origin as the users' own.
    pub(crate) fn new(admin: Client, take_unknown: bool) -> Self {
        Self {
            values: OwnValueReader::new(admin.clone()),
            admin,
            take_unknown,
            learnt: Arc::default(),
        }
    }

    /// `known`, completed from Looker with what is needed.
    ///
    /// # Errors
    /// The grants of the embed login, or the origin of a value, cannot be determined.
    pub(super) async fn read(
        &self,
        seen: &ObservedUser,
        mut known: KnownGrants,
        needs: &Needs,
    ) -> Result<KnownGrants, Error> {
        // Everything is replaced, not completed, because a login repeats exactly this.
        if needs.everything {
            // The ledger may be older than grants that someone else has given the user since.
            known.grants = Grants {
                first_name: seen.first_name.clone(),
                last_name: seen.last_name.clone(),
                group_ids: Some(self.groups_of(seen).await?),
                external_group_id: seen.external_group_id.clone(),
                ..Grants::default()
            };
            known.complete = true;
        }
        let is = &mut known.grants;
        if needs.roles || needs.everything {
            let grants = self.grants(seen).await?;
            is.permissions = Some(grants.permissions);
            is.models = Some(grants.models);
        }
        // One call returns the values of all attributes, the time zone among them.
        if needs.timezone || needs.everything || !needs.attributes.is_empty() {
            let rows = self.admin.attribute_values(&seen.id).await?;
            if needs.timezone || needs.everything {
                is.user_timezone = Some(self.timezone(&rows).await?);
            }
            // With everything needed, all own values matter, because a login replaces them.
            let names = (!needs.everything).then_some(&needs.attributes);
            let own = self.own_values(seen, rows, names).await?;
            // A named attribute without a row of its own is known to have no value.
            for name in &needs.attributes {
                is.user_attributes.insert(name.clone(), String::new());
            }
            for (name, value) in own {
                match value {
                    Some(value) => is.user_attributes.insert(name, value),
                    // Looker hides it, so a login cannot repeat it; the decision has to know.
                    None => {
                        known.hidden.insert(name.clone());
                        is.user_attributes.remove(&name)
                    }
                };
            }
        }
        Ok(known)
    }

    /// Replace the names of groups by their ids. An unknown name stays: the manifest was refused if Looker could be asked for its
    /// groups.
    pub(super) async fn name_by_id(&self, groups: &mut [String]) -> Result<(), Error> {
        // Most manifests name no groups; then the list of all groups is not read.
        if groups.is_empty() {
            return Ok(());
        }
        let all = self.groups().await?.iter();
        let all = all.map(|group| (&*group.id, &*group.name));
        GroupName::to_ids(groups, &all);
        Ok(())
    }

    /// All groups of the instance, read once.
    async fn groups(&self) -> Result<&[Group], Error> {
        let groups = self.learnt.groups.get_or_try_init(|| self.admin.groups());
        Ok(groups.await?)
    }

    /// The groups of a user that a login can name: without the group of its external group, which the login joins anyway, and without
    /// groups that include everyone.
    pub(super) async fn groups_of(&self, seen: &ObservedUser) -> Result<Vec<String>, Error> {
        let external = seen.external_group_id.as_deref();
        let named = self.groups().await?.iter().filter(|group| {
            seen.group_ids.contains(&group.id) && group.is_named_by_login(external)
        });
        Ok(named.map(|group| group.id.clone()).collect())
    }

    /// The time zone of the user with these values; empty if it has none or this instance has no user time zones.
    async fn timezone(&self, rows: &[AttributeValue]) -> Result<String, Error> {
        let Some(zone) = shown_timezone(rows) else {
            return Ok(String::new());
        };
        let ask = || async {
            let setting = self.admin.setting_embed().await?;
            Ok::<_, LookerError>(setting.allow_user_timezones)
        };
        // An instance without user time zones refuses a login that names one.
        let allowed = self.learnt.timezones.get_or_try_init(ask).await?;
        let zone = if *allowed == Some(false) { "" } else { zone };
        Ok(zone.to_owned())
    }

    async fn grants(&self, seen: &ObservedUser) -> Result<EmbedGrants, Error> {
        let known = || {
            // Many users share a few sets of roles, so this saves most calls.
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
        // The role of the embed login is a direct one; roles through groups are not from it.
        let direct = self.admin.user_roles(&seen.id, true).await?;
        let grants = match embed_grants(&seen.role_ids, &direct, listed) {
            Ok(grants) => {
                self.learnt.shows_embed_roles.store(true, Relaxed);
                grants
            }
            // Only without any embed role the question is open whether Looker hides it.
            Err(GrantsUnreadable::NoRole) if self.has_no_embed_role(seen).await? => {
                // Not remembered: other users with these roles may have more.
                return Ok(EmbedGrants::default());
            }
            Err(why) => return Err(unreadable(seen, &why)),
        };
        let learnt = self.learnt.grants.lock();
        let mut learnt = learnt.unwrap_or_else(PoisonError::into_inner);
        learnt.insert(seen.role_ids.clone(), grants.clone());
        Ok(grants)
    }

    /// Whether a user that shows no embed role really has none, rather than one that Looker hides: either embed roles are visible
    /// here, or the user cannot reach any model.
    async fn has_no_embed_role(&self, seen: &ObservedUser) -> Result<bool, Error> {
        if self.learnt.shows_embed_roles.load(Relaxed) {
            return Ok(true);
        }
        // Sudo does not work for a disabled user, so what it reaches is unknown.
        if seen.is_disabled {
            return Ok(false);
        }
        // Its models are what it reaches, whatever roles Looker shows.
        let sudo = self.admin.login_user(&seen.id).await?;
        let models = sudo.lookml_models().await;
        // Logged out before the result is looked at, or an error would leave the token behind.
        sudo.logout().await?;
        Ok(models?.is_empty())
    }

    /// The user's own values of the attributes in `names`, or of all.
    async fn own_values(
        &self,
        seen: &ObservedUser,
        mut rows: Vec<AttributeValue>,
        names: Option<&BTreeSet<String>>,
    ) -> Result<BTreeMap<String, Option<String>>, Error> {
        // A row without a name could be any of them.
        rows.retain(|row| {
            row.name.is_empty() || names.is_none_or(|names| names.contains(&row.name))
        });
        let mut own = self.values.own(&rows, &seen.group_ids).await?;
        if self.take_unknown {
            own = own.with_unknown();
        }
        let Some(first) = own.unknown.first() else {
            return Ok(own.values);
        };
        let id = &seen.external_user_id;
        Err(Error::usage(format!(
            "embedctl cannot tell whether the value that `{id}` has for {first} is its own, so it is neither compared nor changed"
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
        "the permissions and models of `{id}` cannot be read, so they are neither compared nor changed: {why}"
    ))
    .hint(format!(
        "use the ledger of the machine that created it, or set its grants again with `embedctl create-user {id} --update`"
    ))
}
