//! Which of a user's roles came from its latest embed login: a role is accepted only if it is the single match.
//!
//! The name "Embedded Role" is documented in one place, for the admin page. That admins cannot assign the role, so that it
//! is missing from the list of all roles, is likely but documented nowhere. Either sign is enough; a role with neither was
//! assigned by an admin or a group.

use std::collections::{BTreeMap, BTreeSet};

use crate::looker::roles::Role;

/// The name shown on Looker's help page about embedded roles.
const NAME: &str = "Embedded Role";

/// Without this permission, a role's models cannot be queried.
const ACCESS_DATA: &str = "access_data";

/// The roles that an admin can assign, by Looker's id.
pub type ListedRoles = BTreeMap<String, Role>;

/// What the latest embed login gave a user.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct EmbedGrants {
    /// The role that holds it; `None` if the user has none.
    pub role_id: Option<String>,
    /// The permissions.
    pub permissions: Vec<String>,
    /// The models.
    pub models: Vec<String>,
}

/// Why the grants of the latest embed login cannot be determined.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum GrantsUnreadable {
    /// No role matches. The user may have none, or Looker may not show it.
    #[error("none of its roles is recognizable as the role of its embed login")]
    NoRole,
    /// Several roles match.
    #[error("each of roles {} could be the role of its embed login", .0.join(", "))]
    Several(Vec<String>),
    /// Looker lists role ids for the user without showing the roles.
    #[error("Looker lists role {} for the user but does not show it", .0.join(", "))]
    NotShown(Vec<String>),
    /// Looker shows roles that are missing from the user's role ids.
    #[error("Looker shows role {}, which is missing from the user's `role_ids`", .0.join(", "))]
    NotNamed(Vec<String>),
    /// The list of all roles is empty, although every Looker has roles.
    #[error("Looker lists no roles at all")]
    NothingListed,
    /// The role does not say what it allows, or it allows everything, which no embed login can grant.
    #[error("role {0} does not say which permissions and models it grants")]
    Open(String),
}

/// The grants of the latest embed login of a user with the roles `role_ids`. Those in `direct` do not come from groups;
/// `listed` are the roles that admins of this instance can assign.
///
/// # Errors
/// The grants cannot be determined. [`GrantsUnreadable::NoRole`] may also mean that there are none.
pub fn embed_grants(
    role_ids: &[String],
    direct: &[Role],
    listed: &ListedRoles,
) -> Result<EmbedGrants, GrantsUnreadable> {
    // With an empty list every role would look unlisted, and any role would pass for the embed role.
    if listed.is_empty() {
        return Err(GrantsUnreadable::NothingListed);
    }
    let unnamed: Vec<String> = direct
        .iter()
        .filter(|role| !role_ids.contains(&role.id))
        .map(|role| role.id.clone())
        .collect();
    // Two answers that contradict each other: one of them is stale or filtered, so neither decides.
    if !unnamed.is_empty() {
        return Err(GrantsUnreadable::NotNamed(unnamed));
    }
    let is_shown =
        |id: &String| listed.contains_key(id) || direct.iter().any(|role| role.id == *id);
    let hidden: Vec<String> = role_ids
        .iter()
        .filter(|id| !is_shown(id))
        .cloned()
        .collect();
    // The embed role may be among the hidden ones, so a single match among the rest proves nothing.
    if !hidden.is_empty() {
        return Err(GrantsUnreadable::NotShown(hidden));
    }
    // belief: embed-role-name, embed-role-is-listed, embed-role-is-direct, embed-role-in-role-ids
    // belief: embed-role-is-unlisted
    let fits = |role: &&Role| role.name == NAME || !listed.contains_key(&role.id);
    let fitting: Vec<&Role> = direct.iter().filter(fits).collect();
    match fitting[..] {
        [] => Err(GrantsUnreadable::NoRole),
        [role] => grants_of(role),
        _ => Err(GrantsUnreadable::Several(
            fitting.iter().map(|role| role.id.clone()).collect(),
        )),
    }
}

fn grants_of(role: &Role) -> Result<EmbedGrants, GrantsUnreadable> {
    // belief: role-lists-its-sets
    match (&role.permission_set, &role.model_set) {
        (Some(allowed), Some(models)) if !allowed.all_access && !models.all_access => {
            Ok(EmbedGrants {
                role_id: Some(role.id.clone()),
                permissions: allowed.permissions.clone(),
                models: models.models.clone(),
            })
        }
        _ => Err(GrantsUnreadable::Open(role.id.clone())),
    }
}

/// What a user should be able to do according to its roles.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct RoleReach {
    /// The permissions of all roles.
    pub permissions: BTreeSet<String>,
    /// The models that can be queried.
    pub models: BTreeSet<String>,
    /// Whether all models can be queried.
    pub all_models: bool,
}

impl RoleReach {
    /// The reach of a user with the roles `role_ids`, found in `direct` or `listed`.
    pub fn of(role_ids: &[String], direct: &[Role], listed: &ListedRoles) -> Self {
        let mut reach = Self::default();
        let others = role_ids.iter().filter_map(|id| listed.get(id));
        for role in direct.iter().chain(others) {
            let (Some(allowed), Some(models)) = (&role.permission_set, &role.model_set) else {
                continue;
            };
            let permissions = &allowed.permissions;
            reach.permissions.extend(permissions.iter().cloned());
            if allowed.all_access || permissions.iter().any(|it| it == ACCESS_DATA) {
                reach.models.extend(models.models.iter().cloned());
                reach.all_models |= models.all_access;
            }
        }
        reach
    }

    /// Whether the roles account for all `models` that the user can reach; if not, some role is hidden.
    pub fn explains<'a>(&self, mut models: impl Iterator<Item = &'a String>) -> bool {
        self.all_models || models.all(|model| self.models.contains(model))
    }
}

#[cfg(test)]
mod tests {
    use super::{GrantsUnreadable, ListedRoles, RoleReach, embed_grants};
    use crate::looker::{ModelSet, PermissionSet, Role};

    fn role(id: &str, name: &str) -> Role {
        Role {
            id: id.to_owned(),
            name: name.to_owned(),
            permission_set: Some(PermissionSet {
                permissions: vec!["access_data".to_owned()],
                ..PermissionSet::default()
            }),
            model_set: Some(ModelSet {
                models: vec![format!("model-{id}")],
                ..ModelSet::default()
            }),
        }
    }

    fn listed(roles: &[Role]) -> ListedRoles {
        let roles = roles.iter();
        roles.map(|role| (role.id.clone(), role.clone())).collect()
    }

    fn ids(ids: &[&str]) -> Vec<String> {
        ids.iter().map(|id| (*id).to_owned()).collect()
    }

    #[test]
    fn the_role_that_fits_is_found_under_any_name() {
        let (admin, viewer) = (role("2", "Admin"), role("5", "Viewer"));
        let all = listed(&[admin, viewer.clone()]);
        for name in ["Embedded Role", "embed_9", ""] {
            let direct = [viewer.clone(), role("90", name)];

            let found = embed_grants(&ids(&["5", "90"]), &direct, &all).unwrap();

            assert_eq!(found.role_id.as_deref(), Some("90"), "{name}");
            assert_eq!(found.models, ["model-90"]);
        }
    }

    #[test]
    fn what_cannot_be_told_for_certain_is_not_told() {
        let (admin, viewer) = (role("2", "Admin"), role("5", "Viewer"));
        let all = listed(&[admin, viewer.clone(), role("6", "Embedded Role")]);
        let embed = role("90", "Embedded Role");
        let several = [embed.clone(), role("6", "Embedded Role")];
        let mut open = embed.clone();
        open.model_set.as_mut().unwrap().all_access = true;
        for (role_ids, direct, expected) in [
            (&["5"][..], vec![viewer.clone()], GrantsUnreadable::NoRole),
            (&[], vec![], GrantsUnreadable::NoRole),
            (
                &["6", "90"],
                several.to_vec(),
                GrantsUnreadable::Several(ids(&["90", "6"])),
            ),
            (&["90"], vec![], GrantsUnreadable::NotShown(ids(&["90"]))),
            (
                &["5"],
                vec![viewer, embed.clone()],
                GrantsUnreadable::NotNamed(ids(&["90"])),
            ),
            (&["90"], vec![open], GrantsUnreadable::Open("90".to_owned())),
        ] {
            assert_eq!(embed_grants(&ids(role_ids), &direct, &all), Err(expected));
        }
        assert_eq!(
            embed_grants(&ids(&["90"]), &[embed], &ListedRoles::new()),
            Err(GrantsUnreadable::NothingListed)
        );
    }

    #[test]
    fn models_that_no_role_gives_show_that_a_role_is_missing() {
        let all = listed(&[role("2", "Admin"), role("5", "Viewer")]);
        let reach = RoleReach::of(&ids(&["5"]), &[], &all);

        assert!(reach.explains(ids(&["model-5"]).iter()));
        assert!(!reach.explains(ids(&["model-5", "demo"]).iter()));
    }
}
