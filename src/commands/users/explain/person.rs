//! The person: its account, what its roles let it do, and what Looker could not say.

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::commands::users::explain::findings::{Asked, Cause, CauseKind, Findings, names};
use crate::commands::users::reach::Reach;
use crate::looker::{
    AttributeValue, Client, Group, LookerError, LookmlModel, Role, Session, User, When,
};
use crate::permissions::Permissions;

/// The last login of who never logged in.
const NEVER: &str = "never";

/// What Looker says of a person; in place of what it does not say, why.
pub(super) struct Person {
    pub(super) external_user_id: String,
    pub(super) user: User,
    roles: Result<Vec<Role>, String>,
    pub(super) groups: Result<Vec<Group>, String>,
    sessions: Result<Vec<Session>, String>,
    pub(super) attributes: Result<Vec<AttributeValue>, String>,
    /// The models that the admin sees.
    pub(super) models: Result<Vec<LookmlModel>, String>,
    /// The names of the attributes that every instance has.
    pub(super) built_in: Vec<String>,
    /// The models that Looker shows to the person; `None` if the person could not be asked.
    pub(super) seen: Option<BTreeSet<String>>,
}

impl Person {
    pub(super) async fn read(external_user_id: &str, user: User, admin: &Client) -> Self {
        let (roles, groups, sessions, attributes, models, known) = tokio::join!(
            admin.user_roles(&user.id, false),
            admin.groups(),
            admin.sessions(&user.id),
            admin.attribute_values(&user.id),
            admin.lookml_models(),
            admin.user_attributes(),
        );
        // Only shortens the list of attributes to those that were made here.
        let built_in = known.unwrap_or_default().into_iter();
        let built_in = built_in.filter(|known| known.is_system);
        Self {
            external_user_id: external_user_id.to_owned(),
            user,
            roles: or_why(roles),
            groups: or_why(groups),
            sessions: or_why(sessions),
            attributes: or_why(attributes),
            models: or_why(models),
            built_in: built_in.map(|known| known.name).collect(),
            seen: None,
        }
    }

    /// Ask as the person which models it can query: a role may be hidden from admins.
    pub(super) async fn ask_for_models(&mut self, sudo: &Client) {
        // belief: grants-seen-by-the-user, models-are-those-listed
        self.seen = match Asked::from(sudo.lookml_models().await) {
            Asked::Got(models) => Some(models.into_iter().map(|model| model.name).collect()),
            Asked::Refused(_) => Some(BTreeSet::new()),
            Asked::Unclear(_) => None,
        };
    }

    /// Judge whether the account can be used, and whether it has a session, which matters for what is seen in a browser.
    pub(super) fn judge_account(&self, in_browser: bool, now: Timestamp, findings: &mut Findings) {
        findings.pass("exists", format!("Looker user {}", self.user.id));
        let id = &self.external_user_id;
        match self.user.is_disabled {
            false => findings.pass("enabled", "the user is enabled"),
            true => findings.fail(
                "enabled",
                "the user is disabled",
                Cause::new(
                    CauseKind::Disabled,
                    format!("`{id}` is disabled, so no login works"),
                    format!("enable the user with `embedctl users enable {id}`"),
                ),
            ),
        }
        let seen = self.last_login();
        let live = match &self.sessions {
            Ok(sessions) => sessions
                .iter()
                .filter(|session| is_live(session, now))
                .count(),
            Err(why) => return findings.unclear("session", why),
        };
        match live {
            0 if in_browser => {
                let cause = self.no_session(&seen);
                findings.fail(
                    "session",
                    format!("no live session; last login: {seen}"),
                    cause,
                );
            }
            0 => findings.pass("session", format!("no live session; last login: {seen}")),
            live => findings.pass("session", format!("{live} live; last login: {seen}")),
        }
    }

    /// When the person logged in last, for people.
    fn last_login(&self) -> String {
        // belief: logged-in-at-is-embed
        let logins = self.user.credentials_embed.iter();
        let mut logins = logins.map(|credential| credential.logged_in_at);
        let latest = logins.clone().filter_map(When::known).max();
        match latest {
            Some(moment) => moment.to_string(),
            None if logins.all(|login| login == When::Never) => NEVER.to_owned(),
            None => "at a time that cannot be read".to_owned(),
        }
    }

    fn no_session(&self, seen: &str) -> Cause {
        let id = &self.external_user_id;
        let fix = format!(
            "open a new signed URL for `{id}`: each works once, and its session ends after `session_length` or with the next login"
        );
        match seen {
            NEVER => Cause::new(
                CauseKind::NeverLoggedIn,
                format!("`{id}` has never logged in, so no browser can show it anything"),
                fix,
            ),
            seen => Cause::new(
                CauseKind::SessionExpired,
                format!(
                    "the session of `{id}` has ended (last login {seen}), so its browser shows nothing until it logs in again"
                ),
                fix,
            ),
        }
    }

    /// Judge what the roles allow, without anything that should be seen.
    pub(super) fn judge_grants(&self, findings: &mut Findings) {
        let id = &self.external_user_id;
        if let Some(reach) = self.reach_or_say(findings) {
            match (&self.seen, reach.reaches_no_model()) {
                (Some(seen), _) if !seen.is_empty() => {
                    findings.pass("models", names(seen.iter().map(String::as_str)));
                }
                (None, false) => findings.pass("models", self.models_in_words(&reach)),
                (Some(_), false) => findings.unclear(
                    "models",
                    format!(
                        "its roles name {}, but Looker shows the user no model",
                        self.models_in_words(&reach)
                    ),
                ),
                (_, true) => findings.fail(
                    "models",
                    "the user can query no model",
                    Cause::new(
                        CauseKind::ModelMissing,
                        format!("`{id}` can query no model, so every tile stays empty"),
                        grant(id, "--model MODEL --permission access_data"),
                    ),
                ),
            }
            self.judge_permissions(&reach, &[], findings);
        }
        self.judge_attributes(findings);
    }

    /// What the roles let the person reach; if that is nothing, or not known, this is said here.
    pub(super) fn reach_or_say(&self, findings: &mut Findings) -> Option<Reach> {
        let roles = match &self.roles {
            Ok(roles) => roles,
            Err(why) => {
                findings.unclear("permissions", format!("the roles cannot be read: {why}"));
                return None;
            }
        };
        // belief: embed-role-in-role-ids
        let read = |id: &String| roles.iter().any(|role| role.id == *id);
        let unread: Vec<&str> = self
            .user
            .role_ids
            .iter()
            .filter(|id| !read(id))
            .map(String::as_str)
            .collect();
        if !unread.is_empty() {
            let unread = names(unread);
            findings.unclear(
                "permissions",
                format!("the user has roles that Looker does not show: {unread}"),
            );
            return None;
        }
        // belief: embed-role-is-listed
        if self.has_hidden_role(&Reach::of(roles)) {
            findings.unclear(
                "permissions",
                "the user can query models that no role explains which Looker shows",
            );
            return None;
        }
        if roles.is_empty() {
            let id = &self.external_user_id;
            let cause = Cause::new(
                CauseKind::NoRole,
                format!("`{id}` has no role, so Looker answers 404 to everything"),
                grant(id, "--permission PERMISSION --model MODEL"),
            );
            match self.seen {
                Some(_) => findings.fail("permissions", "the user has no role", cause),
                None => findings.unclear("permissions", "Looker shows no role of the user"),
            }
            return None;
        }
        Some(Reach::of(roles))
    }

    /// Whether Looker shows the person a model that none of its roles names.
    fn has_hidden_role(&self, reach: &Reach) -> bool {
        let seen = self.seen.as_ref();
        !reach.all_models && seen.is_some_and(|seen| !seen.is_subset(&reach.models))
    }

    /// Judge the permissions against those that are needed.
    pub(super) fn judge_permissions(
        &self,
        reach: &Reach,
        needed: &[&str],
        findings: &mut Findings,
    ) {
        let missing = reach.lacking(needed);
        if missing.is_empty() {
            return findings.pass("permissions", permissions_in_words(reach));
        }
        // Roles can be hidden from admins; only the person itself shows whether they are all.
        if self.seen.is_none() {
            let missing = names(missing);
            let why =
                format!("the roles that Looker shows lack {missing}; not confirmed as the user");
            return findings.unclear("permissions", why);
        }
        let kind = match missing.contains(&"see_lookml_dashboards") {
            true => CauseKind::LookmlPermissionMissing,
            false => CauseKind::PermissionMissing,
        };
        let id = &self.external_user_id;
        let flags: Vec<String> = missing
            .iter()
            .map(|name| format!("--permission {name}"))
            .collect();
        let missing = names(missing);
        let cause = Cause::new(
            kind,
            format!("`{id}` lacks the permission {missing}"),
            grant(id, &flags.join(" ")),
        );
        findings.fail("permissions", format!("the user lacks {missing}"), cause);
    }

    pub(super) fn models_in_words(&self, reach: &Reach) -> String {
        match reach.all_models {
            true => "all models".to_owned(),
            false => names(reach.models.iter().map(String::as_str)),
        }
    }

    /// What a group is called; its id if that is not known.
    pub(super) fn group_name<'a>(&'a self, id: &'a str) -> &'a str {
        let mut groups = self.groups.iter().flatten();
        let known = groups.find(|group| group.id == id);
        known.map_or(id, |group| group.name.as_str())
    }

    /// The groups that the person is in, those of everyone too.
    pub(super) fn own_groups(&self) -> impl Iterator<Item = &Group> {
        let groups = self.groups.iter().flatten();
        groups.filter(|group| group.include_by_default || self.user.group_ids.contains(&group.id))
    }
}

/// What to do about a missing grant. A login replaces grants, so the signer must name it too.
pub(super) fn grant(id: &str, flags: &str) -> String {
    format!(
        "`embedctl create-user {id} --update --merge {flags}`, and name it in the signed URLs: each login replaces what the one before granted"
    )
}

fn permissions_in_words(reach: &Reach) -> String {
    let list: Vec<&str> = reach.permissions.iter().map(String::as_str).collect();
    let advice = Permissions::built_in().advice(list.iter().copied(), false);
    let mut text = match list.len() > 12 {
        true => format!("{} permissions", list.len()),
        false => names(list),
    };
    for concern in advice {
        text.push_str("; ");
        text.push_str(&concern.message);
    }
    text
}

fn is_live(session: &Session, now: Timestamp) -> bool {
    // belief: sessions-are-listed
    match session.expires_at {
        When::At(end) => end > now,
        When::Never | When::Unreadable => true,
    }
}

fn or_why<T>(read: Result<T, LookerError>) -> Result<T, String> {
    read.map_err(|error| error.to_string())
}
