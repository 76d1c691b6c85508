//! Selection of embed users.

use jiff::Timestamp;
use wildmatch::WildMatch;

use crate::commands::users::reach::Roles;
use crate::error::Error;
use crate::looker::{Api3Key, Client, User, UserSearch, When};
use crate::system::duration;

/// The heading of the filters in the help.
const HEADING: &str = "Filters";

/// A selection of embed users: those that pass every filter.
#[derive(clap::Args, Clone, Debug, Default)]
pub(crate) struct FilterArgs {
    /// Users whose external user id matches this pattern; `*` stands for any text, `?` for any character
    #[arg(help_heading = HEADING, long = "match", value_name = "GLOB")]
    pattern: Option<String>,

    /// Users in this external group since their latest login
    #[arg(help_heading = HEADING, long, value_name = "EXTERNAL_GROUP_ID")]
    external_group: Option<String>,

    /// Users without an embed login for this long, such as `90d`; for users who never logged in, since their creation. Using an API key
    /// is not a login, so users with keys are left out
    #[arg(help_heading = HEADING, long, value_name = "DURATION", value_parser = duration::seconds)]
    not_seen_for: Option<u64>,

    /// With `--not-seen-for`, also users who have API keys and may work through them
    #[arg(help_heading = HEADING, long, requires = "not_seen_for")]
    even_with_keys: bool,

    /// Users without an API key
    #[arg(help_heading = HEADING, long)]
    no_keys: bool,

    /// Users who can reach no model, so that every query is answered with 404
    #[arg(help_heading = HEADING, long)]
    no_models: bool,

    /// Users who are disabled
    #[arg(help_heading = HEADING, long, conflicts_with = "enabled")]
    disabled: bool,

    /// Users who are not disabled
    #[arg(help_heading = HEADING, long)]
    enabled: bool,
}

impl FilterArgs {
    /// Whether no filter is given.
    pub(super) const fn is_empty(&self) -> bool {
        let Self {
            pattern,
            external_group,
            not_seen_for,
            even_with_keys: _,
            no_keys,
            no_models,
            disabled,
            enabled,
        } = self;
        pattern.is_none()
            && external_group.is_none()
            && not_seen_for.is_none()
            && !(*no_keys || *no_models || *disabled || *enabled)
    }

    /// The first filter that selects users by a rule, which may select others than were meant.
    pub(super) const fn rule(&self) -> Option<&'static str> {
        match self {
            Self {
                not_seen_for: Some(_),
                ..
            } => Some("--not-seen-for"),
            Self { no_keys: true, .. } => Some("--no-keys"),
            Self {
                no_models: true, ..
            } => Some("--no-models"),
            _ => None,
        }
    }

    /// Whether the user's id matches the pattern, if there is one.
    pub(super) fn names(&self, user: &User) -> bool {
        let id = user.external_user_id().unwrap_or_default();
        let pattern = self.pattern.as_deref();
        pattern.is_none_or(|pattern| is_like(id, pattern))
    }

    /// The part that Looker's search can apply.
    pub(super) fn search(&self) -> UserSearch {
        let is_disabled = match (self.disabled, self.enabled) {
            (true, _) => Some(true),
            (_, true) => Some(false),
            _ => None,
        };
        UserSearch {
            embed_user: Some(true),
            is_disabled,
            ..UserSearch::default()
        }
    }

    /// Whether the user is selected. Asks Looker only for what the user record does not contain.
    pub(super) async fn judge(
        &self,
        user: &User,
        client: &Client,
        roles: &mut Roles,
        now: Timestamp,
    ) -> Result<Fit, Error> {
        if !self.admits_by_looks(user) {
            return Ok(Fit::Not);
        }
        if self.no_keys && count_keys(user, client).await? > 0 {
            return Ok(Fit::Not);
        }
        if self.no_models && !roles.reach(user, client).await?.reaches_no_model() {
            return Ok(Fit::Not);
        }
        let Some(seconds) = self.not_seen_for else {
            return Ok(Fit::Meant);
        };
        match last_seen(user) {
            When::Never | When::Unreadable => Ok(Fit::TimeUnknown),
            When::At(seen) if !is_older(seen, seconds, now) => Ok(Fit::Not),
            When::At(_) if self.even_with_keys => Ok(Fit::Meant),
            When::At(_) if has_live_key(user, client).await? => Ok(Fit::HasKeys),
            When::At(_) => Ok(Fit::Meant),
        }
    }
}

/// Whether a user is selected.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Fit {
    /// It passes every filter.
    Meant,
    /// It fails one.
    Not,
    /// Looker does not say when it was last seen, or not in a readable format.
    TimeUnknown,
    /// It has not logged in for long, but may work through its API keys, which are no logins.
    HasKeys,
}

fn is_older(seen: Timestamp, seconds: u64, now: Timestamp) -> bool {
    let age = u64::try_from(now.duration_since(seen).as_secs());
    age.is_ok_and(|age| age >= seconds)
}

async fn has_live_key(user: &User, client: &Client) -> Result<bool, Error> {
    let is_live = |key: &Api3Key| !key.is_disabled;
    Ok(match &user.credentials_api3 {
        Some(keys) => keys.iter().any(is_live),
        None => client.api3_keys(&user.id).await?.iter().any(is_live),
    })
}

impl FilterArgs {
    /// Whether the user record matches.
    fn admits_by_looks(&self, user: &User) -> bool {
        let group = self.external_group.as_deref();
        let state = match (self.disabled, self.enabled) {
            (true, _) => user.is_disabled,
            (_, true) => !user.is_disabled,
            _ => true,
        };
        self.names(user)
            && group.is_none_or(|group| user.external_group_id() == Some(group))
            && state
    }
}

/// How many API keys the user has.
pub(super) async fn count_keys(user: &User, client: &Client) -> Result<usize, Error> {
    match &user.credentials_api3 {
        Some(keys) => Ok(keys.len()),
        None => Ok(client.api3_keys(&user.id).await?.len()),
    }
}

/// When the user was last seen: the latest embed login, or its creation if it never logged in. A timestamp that cannot be read
/// could be the latest, so it makes the result unknown.
pub(super) fn last_seen(user: &User) -> When {
    let mut latest = When::Never;
    for credential in &user.credentials_embed {
        // belief: logged-in-at-is-embed
        let seen = match credential.logged_in_at {
            When::Never => credential.created_at,
            seen => seen,
        };
        latest = match (latest, seen) {
            (When::Unreadable, _) | (_, When::Unreadable) => return When::Unreadable,
            (latest, When::Never) => latest,
            (When::At(latest), When::At(seen)) => When::At(latest.max(seen)),
            (When::Never, seen) => seen,
        };
    }
    latest
}

/// Whether `text` matches `pattern`, in which `*` stands for any text and `?` for any character.
pub(crate) fn is_like(text: &str, pattern: &str) -> bool {
    WildMatch::new(pattern).matches(text)
}

#[cfg(test)]
mod tests {
    use super::is_like;

    #[test]
    fn globs() {
        for (text, pattern) in [
            ("acme-42", "acme-*"),
            ("acme-42", "*"),
            ("acme-42", "a*-4?"),
            ("acme-42", "acme-42"),
            ("", "*"),
            ("", ""),
            ("zoë", "zo?"),
            ("aXbXc", "a*X*c"),
        ] {
            assert!(is_like(text, pattern), "{text} {pattern}");
        }
        for (text, pattern) in [
            ("acme-42", "acme"),
            ("acme-42", "*-4"),
            ("acme-42", "acme-42?"),
            ("Acme", "acme"),
            ("", "?"),
        ] {
            assert!(!is_like(text, pattern), "{text} {pattern}");
        }
    }
}
