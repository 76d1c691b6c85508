//! Where nobody outside Looker knows how it behaves, a switch says which of the plausible behaviours to show.

use std::fmt;
use std::str::FromStr;

/// Which kind of Looker to be.
#[derive(clap::ValueEnum, Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Mode {
    /// Looker (original): administrators make keys for everybody.
    #[default]
    Original,
    /// Looker (Google Cloud core): users make their own keys, and only embed users can be impersonated.
    Core,
    /// A Looker without the embedding feature.
    NoEmbed,
}

/// One plausible behaviour or the other, for each thing that public sources leave open.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Switches {
    /// A refused embed login redirects to `/login`; otherwise it answers 401.
    pub refused_login_redirects: bool,
    /// A permission that embed users may not have makes a signed login fail; otherwise it is left out.
    pub forbidden_permission_fails: bool,
    /// A signed login may give `null` for permissions and models.
    pub null_grants_pass: bool,
    /// A group id that does not exist makes an embed login fail; otherwise it is left out.
    pub unknown_group_fails: bool,
    /// `create_embed_user` for an id that is taken answers with that user; otherwise with 422.
    pub duplicate_embed_user_passes: bool,
    /// The last name of an embed user that was given none is `User`; otherwise `Embed`.
    pub default_last_name_is_user: bool,
    /// A 429 says how long to wait.
    pub throttle_says_when: bool,
    /// On Looker (Google Cloud core), administrators may make keys for others.
    pub core_admin_makes_keys: bool,
    /// On Looker (Google Cloud core), `user_for_credential` answers.
    pub core_finds_by_credential: bool,
    /// A disabled user's key logs in.
    pub disabled_key_logs_in: bool,
    /// A disabled user can be impersonated.
    pub disabled_sudo: bool,
    /// A signed login of a disabled embed user enables it; otherwise it fails.
    pub disabled_login_enables: bool,
    /// A token of `login_user` may call `login_user`, where its user may.
    pub nested_sudo: bool,
    /// Deleting a key ends the tokens of its user.
    pub deleted_key_ends_tokens: bool,
    /// An administrator may give a dashboard or look to another user.
    pub owner_can_be_set: bool,
    /// An administrator may add and delete favourites of others.
    pub favorites_for_others: bool,
    /// Validating a signed URL uses its nonce up.
    pub validate_takes_nonce: bool,
    /// How many keys a user may have; 0 is any number.
    pub max_keys: usize,
    /// How many live tokens a user may have; 0 is any number.
    pub max_tokens: usize,
    /// A list of attribute values has a row for an attribute that has none, though nobody asked for it.
    pub unset_rows: bool,
    /// An attribute without a value has `null` for one; otherwise an empty text.
    pub unset_value_is_null: bool,
    /// The value of a hidden attribute is shown as `null`; otherwise as an empty text.
    pub hidden_value_is_null: bool,
    /// The `source` of a value that is the user's own.
    pub source_of_user: String,
    /// The `source` of a value that comes from a group; `NAME` stands for the name of the group.
    pub source_of_group: String,
    /// The `source` of a value that is the default of its attribute.
    pub source_of_default: String,
    /// The `source` of what Looker itself knows of a user, as its name.
    pub source_of_system: String,
    /// The `source` where there is no value.
    pub source_of_nothing: String,
    /// The `source` of a value that is set and hidden; empty where it is that of any other value.
    pub source_of_hidden: String,
}

impl Default for Switches {
    fn default() -> Self {
        Self {
            refused_login_redirects: true,
            forbidden_permission_fails: true,
            null_grants_pass: true,
            unknown_group_fails: true,
            duplicate_embed_user_passes: true,
            default_last_name_is_user: true,
            throttle_says_when: true,
            core_admin_makes_keys: false,
            core_finds_by_credential: true,
            disabled_key_logs_in: false,
            disabled_sudo: false,
            disabled_login_enables: false,
            nested_sudo: false,
            deleted_key_ends_tokens: false,
            owner_can_be_set: true,
            favorites_for_others: true,
            validate_takes_nonce: false,
            max_keys: 0,
            max_tokens: 0,
            unset_rows: true,
            unset_value_is_null: false,
            hidden_value_is_null: false,
            source_of_user: "User Setting".to_owned(),
            source_of_group: "Group: NAME".to_owned(),
            source_of_default: "Default".to_owned(),
            source_of_system: "System Setting".to_owned(),
            source_of_nothing: "No Value".to_owned(),
            source_of_hidden: String::new(),
        }
    }
}

impl Switches {
    /// The names of all switches.
    pub fn names() -> impl Iterator<Item = &'static str> {
        FLAGS
            .iter()
            .map(|(name, _)| *name)
            .chain(LIMITS.iter().map(|(name, _)| *name))
            .chain(WORDS.iter().map(|(name, _)| *name))
    }

    /// Set the switch called `name` to `value`: `true` or `false`, a number, or a text, whichever it takes.
    pub fn set(&mut self, name: &str, value: &str) -> Result<(), SwitchError> {
        if let Some((_, flag)) = FLAGS.iter().find(|(known, _)| *known == name) {
            *flag(self) = parse(name, value)?;
            return Ok(());
        }
        if let Some((_, word)) = WORDS.iter().find(|(known, _)| *known == name) {
            value.clone_into(word(self));
            return Ok(());
        }
        let Some((_, limit)) = LIMITS.iter().find(|(known, _)| *known == name) else {
            return Err(SwitchError(format!("there is no switch `{name}`")));
        };
        *limit(self) = parse(name, value)?;
        Ok(())
    }
}

/// A switch that does not exist, or a value it cannot have.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct SwitchError(String);

type Place<T> = fn(&mut Switches) -> &mut T;

const FLAGS: &[(&str, Place<bool>)] = &[
    ("refused_login_redirects", |s| {
        &mut s.refused_login_redirects
    }),
    ("forbidden_permission_fails", |s| {
        &mut s.forbidden_permission_fails
    }),
    ("null_grants_pass", |s| &mut s.null_grants_pass),
    ("unknown_group_fails", |s| &mut s.unknown_group_fails),
    ("duplicate_embed_user_passes", |s| {
        &mut s.duplicate_embed_user_passes
    }),
    ("default_last_name_is_user", |s| {
        &mut s.default_last_name_is_user
    }),
    ("throttle_says_when", |s| &mut s.throttle_says_when),
    ("core_admin_makes_keys", |s| &mut s.core_admin_makes_keys),
    ("core_finds_by_credential", |s| {
        &mut s.core_finds_by_credential
    }),
    ("disabled_key_logs_in", |s| &mut s.disabled_key_logs_in),
    ("disabled_sudo", |s| &mut s.disabled_sudo),
    ("disabled_login_enables", |s| &mut s.disabled_login_enables),
    ("nested_sudo", |s| &mut s.nested_sudo),
    ("deleted_key_ends_tokens", |s| {
        &mut s.deleted_key_ends_tokens
    }),
    ("owner_can_be_set", |s| &mut s.owner_can_be_set),
    ("favorites_for_others", |s| &mut s.favorites_for_others),
    ("validate_takes_nonce", |s| &mut s.validate_takes_nonce),
    ("unset_rows", |s| &mut s.unset_rows),
    ("unset_value_is_null", |s| &mut s.unset_value_is_null),
    ("hidden_value_is_null", |s| &mut s.hidden_value_is_null),
];

const LIMITS: &[(&str, Place<usize>)] = &[
    ("max_keys", |s| &mut s.max_keys),
    ("max_tokens", |s| &mut s.max_tokens),
];

/// Words that Looker says: which one is either recorded or a guess.
const WORDS: &[(&str, Place<String>)] = &[
    ("source_of_user", |s| &mut s.source_of_user),
    ("source_of_group", |s| &mut s.source_of_group),
    ("source_of_default", |s| &mut s.source_of_default),
    ("source_of_system", |s| &mut s.source_of_system),
    ("source_of_nothing", |s| &mut s.source_of_nothing),
    ("source_of_hidden", |s| &mut s.source_of_hidden),
];

fn parse<T: FromStr>(name: &str, value: &str) -> Result<T, SwitchError>
where
    T::Err: fmt::Display,
{
    value
        .parse()
        .map_err(|error| SwitchError(format!("the switch `{name}` cannot be `{value}`: {error}")))
}

#[cfg(test)]
mod tests {
    use super::Switches;

    #[test]
    fn every_switch_can_be_set_by_name() {
        let mut switches = Switches::default();
        for name in Switches::names() {
            let value = if name.starts_with("max") { "3" } else { "true" };
            switches.set(name, value).unwrap();
        }
        assert!(switches.set("nothing", "true").is_err());
        assert!(switches.set("max_keys", "many").is_err());
    }
}
