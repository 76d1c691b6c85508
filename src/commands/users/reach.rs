//! What a user can reach: the union of its roles, and what prevents more.

use std::collections::{BTreeMap, BTreeSet};

use crate::error::Error;
use crate::looker::{Client, Role, User};
use crate::workflow::administers;

/// The permission without which models are useless.
const ACCESS_DATA: &str = "access_data";

/// The existing roles, read once.
#[derive(Default)]
pub(super) struct Roles {
    known: Option<BTreeMap<String, Role>>,
}

/// What a user can reach.
#[derive(Debug, Default)]
pub(super) struct Reach {
    /// Every permission of every role.
    pub(super) permissions: BTreeSet<String>,
    /// The models of roles that allow queries.
    pub(super) models: BTreeSet<String>,
    /// Whether all models can be queried.
    pub(super) all_models: bool,
    /// Roles that have models but do not allow queries.
    pub(super) useless: Vec<String>,
    /// The models of those roles.
    pub(super) without_data: BTreeSet<String>,
    /// Whether a role is an admin's.
    pub(super) admin: bool,
}

impl Roles {
    /// What `user` can reach.
    pub(super) async fn reach(&mut self, user: &User, client: &Client) -> Result<Reach, Error> {
        // Read once for all users.
        let known = match &mut self.known {
            Some(known) => known,
            none => none.insert(by_id(client.roles().await?)),
        };
        // The embed role need not be among the roles that can be assigned.
        if user.role_ids.iter().any(|id| !known.contains_key(id)) {
            known.extend(by_id(client.user_roles(&user.id, false).await?));
        }
        Ok(Reach::of(
            user.role_ids.iter().filter_map(|id| known.get(id)),
        ))
    }
}

impl Reach {
    /// What a user with these roles can reach.
    pub(super) fn of<'a>(roles: impl IntoIterator<Item = &'a Role>) -> Self {
        let mut reach = Self::default();
        // belief: roles-add-up
        for role in roles {
            let (Some(allowed), Some(models)) = (&role.permission_set, &role.model_set) else {
                continue;
            };
            reach
                .permissions
                .extend(allowed.permissions.iter().cloned());
            reach.admin |= administers(role);
            let can_query =
                allowed.all_access || allowed.permissions.iter().any(|it| it == ACCESS_DATA);
            if can_query {
                reach.models.extend(models.models.iter().cloned());
                reach.all_models |= models.all_access;
            } else if models.all_access || !models.models.is_empty() {
                // Models without the right to query them are of no use.
                reach.useless.push(role.name.clone());
                reach.without_data.extend(models.models.iter().cloned());
            }
        }
        reach
    }

    /// The permissions among `needed` that no role gives.
    pub(super) fn lacking<'n>(&self, needed: &[&'n str]) -> Vec<&'n str> {
        let lacks = |name: &&str| !self.admin && !self.permissions.contains(*name);
        needed.iter().copied().filter(lacks).collect()
    }

    /// Whether no model can be queried.
    pub(super) fn reaches_no_model(&self) -> bool {
        !self.all_models && self.models.is_empty()
    }
}

fn by_id(roles: Vec<Role>) -> BTreeMap<String, Role> {
    roles
        .into_iter()
        .map(|role| (role.id.clone(), role))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::Reach;
    use crate::looker::{ModelSet, PermissionSet, Role};

    fn role(name: &str, permissions: &[&str], models: &[&str]) -> Role {
        let owned = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        Role {
            id: name.to_owned(),
            name: name.to_owned(),
            permission_set: Some(PermissionSet {
                permissions: owned(permissions),
                ..PermissionSet::default()
            }),
            model_set: Some(ModelSet {
                models: owned(models),
                ..ModelSet::default()
            }),
        }
    }

    #[test]
    fn models_count_only_where_the_same_role_allows_to_query() {
        let roles = [
            role("viewer", &["access_data", "see_looks"], &["sales"]),
            role("lost", &["explore"], &["finance"]),
            role("empty", &["access_data"], &[]),
        ];

        let reach = Reach::of(&roles);

        assert_eq!(reach.models.iter().collect::<Vec<_>>(), ["sales"]);
        assert_eq!(reach.useless, ["lost"]);
        assert!(!reach.admin && !reach.reaches_no_model());
        assert!(reach.permissions.contains("explore"));
        assert!(Reach::of(&roles[1..]).reaches_no_model());
        assert!(Reach::of([]).reaches_no_model());
    }

    #[test]
    fn an_admin_is_known_by_what_the_role_allows() {
        assert!(Reach::of([&role("x", &["administer"], &[])]).admin);
        let mut all = role("y", &[], &[]);
        all.permission_set.as_mut().unwrap().all_access = true;
        all.model_set.as_mut().unwrap().all_access = true;
        let reach = Reach::of([&all]);
        assert!(reach.admin && reach.all_models);
    }
}
