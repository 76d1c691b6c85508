//! Everything that is known about one embed user, for people and programs.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::commands::users::reach::Reach;
use crate::commands::users::row;
use crate::error::Error;
use crate::looker::{Api3Key, Client, Group, LookmlModel, Role, Session, User};
use crate::plan::Difference;

/// Everything that is known about one user.
pub(super) struct UserDetails {
    user: User,
    groups: Vec<Group>,
    roles: Vec<Role>,
    /// The user's own roles, without those from groups.
    direct: BTreeSet<String>,
    models: Vec<LookmlModel>,
    keys: Vec<Api3Key>,
    sessions: Vec<Session>,
    /// What differs from what was applied last; `None` if that is not known.
    differs: Option<Vec<Difference>>,
}

impl UserDetails {
    pub(super) async fn of(
        user: User,
        differs: Option<Vec<Difference>>,
        client: &Client,
    ) -> Result<Self, Error> {
        let (groups, roles, direct, models, keys, sessions) = tokio::try_join!(
            client.groups(),
            client.user_roles(&user.id, false),
            client.user_roles(&user.id, true),
            client.lookml_models(),
            client.api3_keys(&user.id),
            client.sessions(&user.id),
        )?;
        let is_in = |group: &Group| user.group_ids.contains(&group.id);
        Ok(Self {
            groups: groups.into_iter().filter(is_in).collect(),
            roles,
            direct: direct.into_iter().map(|role| role.id).collect(),
            models,
            keys,
            sessions,
            user,
            differs,
        })
    }

    /// What the user can reach.
    pub(super) fn reach(&self) -> Reach {
        Reach::of(&self.roles)
    }

    /// What keeps the user from reaching anything, or more, most important first.
    pub(super) fn problems(&self, reach: &Reach) -> Vec<String> {
        let mut problems = Vec::new();
        if self.user.is_disabled {
            problems.push("the user is disabled: neither logins nor keys work".to_owned());
        }
        if self.roles.is_empty() {
            problems.push(
                "the user has no role, so every call as it is answered with 404: give it permissions and models with \
                 `embedctl create-user --update`, or put it into a group that has a role"
                    .to_owned(),
            );
        } else if reach.reaches_no_model() {
            problems.push(
                "the user can reach no model, so every query as it is answered with 404: give it models with \
                 `embedctl create-user --update`"
                    .to_owned(),
            );
        }
        for role in &reach.useless {
            problems.push(format!(
                "the role `{role}` has models but not the permission `access_data`, so it allows no query"
            ));
        }
        let known: BTreeSet<_> = self.models.iter().map(|model| &model.name).collect();
        // An admin who sees no model at all cannot tell which exist.
        for model in reach.models.iter().filter(|_| !known.is_empty()) {
            if !known.contains(model) {
                problems.push(format!(
                    "there is no model `{model}`, although a role of the user names it"
                ));
            }
        }
        problems
    }

    fn origin(&self, role: &Role) -> &'static str {
        if self.direct.contains(&role.id) {
            "direct"
        } else {
            "group"
        }
    }

    fn models_reached(&self, reach: &Reach) -> Vec<String> {
        if reach.all_models {
            return self.models.iter().map(|model| model.name.clone()).collect();
        }
        reach.models.iter().cloned().collect()
    }

    pub(super) fn json(&self, reach: &Reach, problems: &[String]) -> Value {
        let groups = self.groups.iter();
        let groups = groups.map(|group| json!({ "id": group.id, "name": group.name }));
        let more = json!({
            "groups": groups.collect::<Value>(),
            "roles": self.roles.iter().map(|role| self.role_json(role)).collect::<Value>(),
            "keys": self.keys.iter().map(key_json).collect::<Value>(),
            "models": self.models_reached(reach),
            "permissions": reach.permissions,
            "sessions": self.sessions.len(),
            "problems": problems,
            "differs": self.differs,
        });
        let mut shown = row::json(&self.user);
        if let (Value::Object(shown), Value::Object(more)) = (&mut shown, more) {
            shown.extend(more);
        }
        shown
    }

    fn role_json(&self, role: &Role) -> Value {
        json!({
            "id": role.id,
            "name": role.name,
            "from": self.origin(role),
            "permissions": role.permission_set.as_ref().map(|set| &set.permissions),
            "models": role.model_set.as_ref().map(|set| &set.models),
            "all_models": role.model_set.as_ref().is_some_and(|set| set.all_access),
        })
    }

    pub(super) fn rows(&self, reach: &Reach, now: Timestamp) -> Vec<(&'static str, String)> {
        let user = &self.user;
        let names = |names: &mut dyn Iterator<Item = String>| {
            let names = names.collect::<Vec<_>>().join(", ");
            if names.is_empty() {
                "-".to_owned()
            } else {
                names
            }
        };
        let seen = match row::ago(user, now) {
            never if never.is_empty() => "never".to_owned(),
            seen => seen,
        };
        let name = user.display_name.clone().unwrap_or_default();
        let mut rows = vec![
            (
                "external user id",
                user.external_user_id().unwrap_or("-").to_owned(),
            ),
            ("looker id", user.id.clone()),
            ("name", name),
            ("state", row::state(user).to_owned()),
            (
                "external group",
                user.external_group_id().unwrap_or("-").to_owned(),
            ),
            ("last seen", seen),
            (
                "groups",
                names(
                    &mut self
                        .groups
                        .iter()
                        .map(|group| format!("{} ({})", group.name, group.id)),
                ),
            ),
        ];
        for role in &self.roles {
            rows.push(("role", format!("{}, {}", role.name, self.role_text(role))));
        }
        rows.push((
            "can query",
            names(&mut self.models_reached(reach).into_iter()),
        ));
        rows.push(("permissions", names(&mut reach.permissions.iter().cloned())));
        rows.push(("keys", names(&mut self.keys.iter().map(key_text))));
        rows.push(("sessions", self.sessions.len().to_string()));
        if let Some(differs) = &self.differs {
            let differs = differs.iter().map(ToString::to_string);
            let differs: Vec<_> = differs.collect();
            let text = match differs.as_slice() {
                [] => "nothing".to_owned(),
                differs => differs.join("; "),
            };
            rows.push(("changed since embedctl", text));
        }
        rows
    }

    fn role_text(&self, role: &Role) -> String {
        let models = match &role.model_set {
            Some(set) if set.all_access => "all models".to_owned(),
            Some(set) if !set.models.is_empty() => set.models.join(", "),
            _ => "no model".to_owned(),
        };
        let from = match self.origin(role) {
            "direct" => "its own",
            _ => "from a group",
        };
        format!("{from}, on {models}")
    }
}

fn key_json(key: &Api3Key) -> Value {
    json!({
        "id": key.id,
        "client_id": key.client_id,
        "purpose": key.purpose,
        "created_at": key.created_at,
    })
}

fn key_text(key: &Api3Key) -> String {
    match &key.purpose {
        Some(purpose) => format!("{} ({purpose})", key.client_id),
        None => key.client_id.clone(),
    }
}
