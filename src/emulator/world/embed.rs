//! Embed logins: the secrets that sign them, what they grant, and the tokens of cookieless ones.

use std::collections::{BTreeMap, HashMap};

use crate::emulator::world::World;
use crate::emulator::world::permissions::EMBED_PERMISSIONS;
use crate::emulator::world::table::{Id, Table};
use crate::secret::SecretString;
use crate::signed_url::Algorithm;

/// An embed secret.
#[derive(Debug)]
pub(crate) struct EmbedSecret {
    pub(crate) secret: SecretString,
    pub(crate) algorithm: Algorithm,
    pub(crate) enabled: bool,
    /// For cookieless logins only.
    pub(crate) jwt: bool,
}

/// All embed secrets, oldest first.
#[derive(Debug, Default)]
pub(crate) struct EmbedSecrets(pub(crate) Table<EmbedSecret>);

impl EmbedSecrets {
    /// The secrets that signed URLs may be signed with, oldest first.
    pub(crate) fn signing(&self) -> impl Iterator<Item = (Id, &EmbedSecret)> {
        self.0
            .iter()
            .filter(|(_, secret)| secret.enabled && !secret.jwt)
    }

    /// The same, as the verifier wants them.
    pub(crate) fn verifying(&self) -> Vec<(SecretString, Algorithm)> {
        self.signing()
            .map(|(_, secret)| (secret.secret.clone(), secret.algorithm))
            .collect()
    }
}

/// The tokens of cookieless logins.
#[derive(Debug, Default)]
pub(crate) struct Cookieless {
    /// Session reference tokens, and the sessions they stand for.
    pub(crate) references: HashMap<String, Id>,
    /// Authentication tokens: single use, and short-lived.
    pub(crate) authentications: HashMap<String, (Id, i64)>,
    /// Tokens of URLs that log their maker in: the user, how long the session lasts, until when they can be used.
    pub(crate) own_urls: HashMap<String, (Id, i64, i64)>,
}

/// What an embed login asks for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Login {
    pub(crate) external_user_id: String,
    pub(crate) first_name: Option<String>,
    pub(crate) last_name: Option<String>,
    pub(crate) permissions: Option<Vec<String>>,
    pub(crate) models: Option<Vec<String>>,
    pub(crate) group_ids: Option<Vec<String>>,
    pub(crate) external_group_id: Option<String>,
    pub(crate) user_attributes: Option<BTreeMap<String, String>>,
    pub(crate) user_timezone: Option<String>,
}

/// Why an embed login is refused, in words for the operator of the emulator.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub(crate) enum LoginError {
    /// It asks for what cannot be.
    #[error("{0}")]
    Invalid(String),
    /// An attribute cannot have the value; Looker answers with 500.
    #[error("the user attribute `{name}` is a {kind} and cannot be `{value}`")]
    AttributeType {
        name: String,
        kind: String,
        value: String,
    },
    /// The user is disabled.
    #[error("the user is disabled")]
    Disabled,
}

impl World {
    /// Log an embed user in: create it if it is new, replace what it was granted, end its sessions; returns its id.
    pub(crate) fn embed_login(&mut self, login: &Login) -> Result<Id, LoginError> {
        // All checks come before the first change, because a refused login changes nothing.
        let groups = self.check_groups(login)?;
        let attributes = self.check_attributes(login)?;
        let role = self.check_role(login)?;
        self.check_rest(login)?;

        let user = self.ensure_embed_user(&login.external_user_id);
        // A login ends the user's other sessions, unless a switch says otherwise.
        if self.rules.switches.login_ends_sessions {
            self.end_sessions(user);
        }
        let (groups, role) = self.with_earlier_grants(user, groups, role);
        self.replace_groups(user, groups, login.external_group_id.as_deref());
        self.replace_attributes(user, attributes);
        let now = self.now;
        let usual = match self.rules.switches.login_keeps_names {
            true => (None, None),
            false => (Some("Embed"), Some(self.usual_last_name())),
        };
        // A login enables a disabled user; whether it may was checked above.
        self.enable_user(user);
        if let Some(user) = self.users.at_mut(user) {
            for (name, given, usual) in [
                (&mut user.first_name, &login.first_name, usual.0),
                (&mut user.last_name, &login.last_name, usual.1),
            ] {
                // An empty name counts as none.
                let given = given.as_deref().filter(|given| !given.is_empty());
                if let Some(given) = given.or(usual) {
                    *name = Some(given.into());
                }
            }
            if let Some(credential) = &mut user.embed {
                credential.role = role;
                credential.logged_in_at = Some(now);
            }
        }
        Ok(user)
    }

    /// What a login grants, with what the one before granted if a switch says that it is kept.
    fn with_earlier_grants(
        &mut self,
        user: Id,
        mut groups: Vec<Id>,
        role: Option<Id>,
    ) -> (Vec<Id>, Option<Id>) {
        let before = self.users.at(user).and_then(|user| user.embed.clone());
        let Some(before) = before.filter(|_| !self.rules.switches.login_replaces_grants) else {
            return (groups, role);
        };
        let earlier = before.groups.iter().filter(|id| !groups.contains(id));
        groups.extend(earlier.copied().collect::<Vec<_>>());
        let both: Vec<Id> = before.role.into_iter().chain(role).collect();
        let (mut permissions, mut models) = (Vec::new(), Vec::new());
        for role in &both {
            let set = self.roles.permissions(*role);
            permissions.extend(set.map_or_else(Vec::new, |set| set.members.clone()));
            let set = self.roles.model_set(*role);
            models.extend(set.map_or_else(Vec::new, |set| set.members.clone()));
        }
        // Sorted, so that the same grants give the same role.
        for names in [&mut permissions, &mut models] {
            names.sort_unstable();
            names.dedup();
        }
        let role = (!both.is_empty()).then(|| self.roles.embedded_role(&permissions, &models));
        (groups, role)
    }

    fn check_rest(&self, login: &Login) -> Result<(), LoginError> {
        if login.user_timezone.is_some() && !self.settings.allow_user_timezones {
            let text =
                "This request includes 'user_timezone' param and User Time Zones are disabled";
            return Err(LoginError::Invalid(text.to_owned()));
        }
        let known = self.users.by_external_id(&login.external_user_id);
        let disabled = known
            .and_then(|id| self.users.at(id))
            .is_some_and(|user| user.is_disabled);
        if disabled && !self.rules.switches.disabled_login_enables {
            return Err(LoginError::Disabled);
        }
        Ok(())
    }

    fn check_groups(&self, login: &Login) -> Result<Vec<Id>, LoginError> {
        let mut groups = Vec::new();
        for text in login.group_ids.iter().flatten() {
            let id = text.parse().ok().filter(|id| self.groups.at(*id).is_some());
            match id {
                Some(id) => groups.push(id),
                None if self.rules.switches.unknown_group_fails => {
                    return Err(LoginError::Invalid(format!("there is no group `{text}`")));
                }
                // An unknown group is dropped.
                None => {}
            }
        }
        Ok(groups)
    }

    fn check_attributes(&self, login: &Login) -> Result<Vec<(Id, String)>, LoginError> {
        let mut attributes = Vec::new();
        for (name, value) in login.user_attributes.iter().flatten() {
            // Looker accepts unknown names and drops them, and does the same with values it determines itself.
            let known = self.attributes.by_name(name);
            let known = known.filter(|(_, attribute)| attribute.can_be_set());
            let Some((id, attribute)) = known else {
                continue;
            };
            if !attribute.accepts(value) {
                return Err(LoginError::AttributeType {
                    name: name.clone(),
                    kind: attribute.kind.clone(),
                    value: value.clone(),
                });
            }
            attributes.push((id, value.clone()));
        }
        Ok(attributes)
    }

    /// The role of the login's permissions and models; none if it asks for neither.
    fn check_role(&mut self, login: &Login) -> Result<Option<Id>, LoginError> {
        let mut permissions = login.permissions.clone().unwrap_or_default();
        let allowed = |name: &String| EMBED_PERMISSIONS.contains(&name.as_str());
        let forbidden = permissions.iter().find(|name| !allowed(name));
        if let Some(name) = forbidden.filter(|_| self.rules.switches.forbidden_permission_fails) {
            return Err(LoginError::Invalid(format!(
                "embed users may not have the permission `{name}`"
            )));
        }
        permissions.retain(allowed);
        let models = login.models.clone().unwrap_or_default();
        if permissions.is_empty() && models.is_empty() {
            return Ok(None);
        }
        Ok(Some(self.roles.embedded_role(&permissions, &models)))
    }

    fn replace_groups(&mut self, user: Id, groups: Vec<Id>, external_group_id: Option<&str>) {
        let before = self.users.at(user).and_then(|user| user.embed.clone());
        if let Some(credential) = before {
            // Only the groups that the previous login gave.
            self.leave_groups(user, &credential);
        }
        let external = external_group_id
            .filter(|external| !external.is_empty())
            .map(|external| self.ensure_external_group(external));
        for group in groups.iter().chain(&external) {
            self.groups.join(*group, user);
        }
        let credential = self.users.at_mut(user).and_then(|user| user.embed.as_mut());
        if let Some(credential) = credential {
            credential.groups = groups.into();
            credential.external_group = external;
        }
    }

    fn replace_attributes(&mut self, user: Id, attributes: Vec<(Id, String)>) {
        let keeps = self.rules.switches.login_keeps_other_attributes;
        if let Some(user) = self.users.at_mut(user) {
            // Values that were set otherwise are not from a login, and stay.
            user.attributes.retain(|own| keeps || !own.from_login);
        }
        if !self.rules.switches.login_values_are_own {
            return;
        }
        let changes = self.rules.switches.login_changes_values;
        for (attribute, value) in attributes {
            let value = match changes {
                true => value.to_uppercase(),
                false => value,
            };
            self.set_attribute(user, attribute, &value, true);
        }
    }
}
