//! Which embed users are meant.

use jiff::Timestamp;

use crate::commands::span;
use crate::commands::users::reach::Roles;
use crate::error::Error;
use crate::looker::{Client, User, UserSearch};

/// What the filters are listed below in the help.
const HEADING: &str = "Filters";

/// Which embed users are meant: those that every filter lets through.
#[derive(clap::Args, Clone, Debug, Default)]
pub(crate) struct FilterArgs {
    /// Users whose external user id is like this; `*` stands for any text, `?` for any character
    #[arg(help_heading = HEADING, long = "match", value_name = "GLOB")]
    pattern: Option<String>,

    /// Users whose latest login put them into this external group
    #[arg(help_heading = HEADING, long, value_name = "EXTERNAL_GROUP_ID")]
    external_group: Option<String>,

    /// Users who have not logged in for this long, as in `90d`; those who never have count from their creation
    #[arg(help_heading = HEADING, long, value_name = "TIME", value_parser = span::seconds)]
    not_seen_for: Option<u64>,

    /// Users without an API key
    #[arg(help_heading = HEADING, long)]
    no_keys: bool,

    /// Users who can reach no model, so that every query of theirs is answered with 404
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

    /// What of it Looker can sort out itself.
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

    /// Whether the user is meant. Asks Looker only where the user itself does not tell.
    pub(super) async fn admits(
        &self,
        user: &User,
        client: &Client,
        roles: &mut Roles,
        now: Timestamp,
    ) -> Result<bool, Error> {
        if !self.admits_by_looks(user, now) {
            return Ok(false);
        }
        if self.no_keys && count_keys(user, client).await? > 0 {
            return Ok(false);
        }
        Ok(!self.no_models || roles.reach(user, client).await?.reaches_no_model())
    }
}

impl FilterArgs {
    /// Whether what the user itself tells is as wanted.
    fn admits_by_looks(&self, user: &User, now: Timestamp) -> bool {
        let id = user.external_user_id().unwrap_or_default();
        let pattern = self.pattern.as_deref();
        let group = self.external_group.as_deref();
        let state = match (self.disabled, self.enabled) {
            (true, _) => user.is_disabled,
            (_, true) => !user.is_disabled,
            _ => true,
        };
        pattern.is_none_or(|pattern| is_like(id, pattern))
            && group.is_none_or(|group| user.external_group_id() == Some(group))
            && self
                .not_seen_for
                .is_none_or(|seconds| !seen_within(user, seconds, now))
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

/// When the user was last seen: the latest login, or the creation.
pub(super) fn last_seen(user: &User) -> Option<Timestamp> {
    let credentials = user.credentials_embed.iter();
    credentials
        .filter_map(|credential| credential.logged_in_at.or(credential.created_at))
        .max()
}

fn seen_within(user: &User, seconds: u64, now: Timestamp) -> bool {
    last_seen(user).is_some_and(|seen| now.duration_since(seen).unsigned_abs().as_secs() < seconds)
}

/// Whether `text` is like `pattern`, in which `*` stands for any text and `?` for any character.
pub(crate) fn is_like(text: &str, pattern: &str) -> bool {
    let (text, pattern): (Vec<_>, Vec<_>) = (text.chars().collect(), pattern.chars().collect());
    // Which beginnings of `text` the pattern so far is like, shortest first.
    let mut like: Vec<bool> = (0..=text.len()).map(|length| length == 0).collect();
    for wanted in pattern {
        like = if wanted == '*' {
            let mut any = false;
            like.iter()
                .map(|&is| {
                    any |= is;
                    any
                })
                .collect()
        } else {
            let next = text.iter().zip(&like);
            let next = next.map(|(&char, &is)| is && (wanted == '?' || wanted == char));
            [false].into_iter().chain(next).collect()
        };
    }
    like.last().is_some_and(|is| *is)
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
