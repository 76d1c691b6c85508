//! What embedctl assumes about Looker: one row per belief, with its evidence and what happens if it is false.
//!
//! Code that depends on a belief names it in a comment, `// belief: ID`; a test checks that rows and comments match. The kinds of
//! evidence: *recorded* is an exchange with a real Looker, *specified* is Looker's API description or documentation, *staff code*
//! is published by people who work on Looker, *told* is anyone else's word.

mod access;
mod content;
mod embedding;
mod grants;
mod keys;
mod network;

use serde::Serialize;

/// One belief about Looker.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Belief {
    /// A short name in kebab case; it never changes, so that stored answers stay readable.
    pub id: &'static str,
    /// What it is about.
    pub group: Group,
    /// The assumption about Looker.
    pub claim: &'static str,
    /// How well it is supported.
    pub evidence: Evidence,
    /// Where the evidence is.
    pub place: &'static str,
    /// What embedctl does on a Looker for which it is false.
    pub if_false: &'static str,
    /// What makes the local Looker do the opposite, or why nothing does.
    pub emulator: Emulated,
    /// The check of `doctor --probe` that can tell.
    pub probe: Option<Probe>,
}

/// The subject of a belief.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Group {
    /// Logging in, acting as a user, logging out.
    Login,
    /// Finding users, and concluding that one does not exist.
    LookUp,
    /// Users themselves.
    Users,
    /// API keys.
    Keys,
    /// User attributes.
    Attributes,
    /// Roles, permissions and models.
    Grants,
    /// Groups.
    Groups,
    /// Sessions in a browser.
    Sessions,
    /// Folders, dashboards, looks, schedules, alerts, boards, favourites, access.
    Content,
    /// Signed embed URLs.
    SignedUrls,
    /// Ways to create a user without a signed URL.
    Cookieless,
    /// Statuses and error bodies.
    Errors,
    /// Time.
    Clock,
    /// What is between embedctl and Looker.
    Network,
}

impl Group {
    /// Every group, in reading order.
    pub const ALL: [Self; 14] = [
        Self::Login,
        Self::LookUp,
        Self::Users,
        Self::Keys,
        Self::Attributes,
        Self::Grants,
        Self::Groups,
        Self::Sessions,
        Self::Content,
        Self::SignedUrls,
        Self::Cookieless,
        Self::Errors,
        Self::Clock,
        Self::Network,
    ];

    /// The heading for people.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Login => "Login and tokens",
            Self::LookUp => "Looking users up",
            Self::Users => "Users",
            Self::Keys => "API keys",
            Self::Attributes => "User attributes",
            Self::Grants => "Roles and permissions",
            Self::Groups => "Groups",
            Self::Sessions => "Sessions",
            Self::Content => "Content",
            Self::SignedUrls => "Signed embed URLs",
            Self::Cookieless => "Cookieless sessions and create_embed_user",
            Self::Errors => "Errors and limits",
            Self::Clock => "Clock",
            Self::Network => "TLS, proxies and front ends",
        }
    }
}

/// How well a belief is supported, the best first.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Evidence {
    /// A real Looker was recorded doing it.
    Recorded,
    /// Looker's API description or documentation says so.
    Specified,
    /// Code that Looker's staff published relies on it.
    StaffCode,
    /// Someone else says so.
    Told,
    /// There is no evidence; it is a guess.
    None,
}

impl Evidence {
    /// Every degree, the best first.
    pub const ALL: [Self; 5] = [
        Self::Recorded,
        Self::Specified,
        Self::StaffCode,
        Self::Told,
        Self::None,
    ];

    /// The word for people.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Recorded => "recorded",
            Self::Specified => "specified",
            Self::StaffCode => "staff code",
            Self::Told => "told",
            Self::None => "none",
        }
    }
}

/// How the emulator can be made to do the opposite.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Emulated {
    /// By this switch.
    Switch(&'static str),
    /// By this option of `embedctl emulator`.
    Option(&'static str),
    /// By this fault.
    Fault(&'static str),
    /// Not at all, for this reason: a sentence that starts with "because".
    Without(&'static str),
}

/// A check of `doctor --probe` that asks the user's own Looker.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Probe {
    /// Whether the caller's lookup by credential finds an existing user.
    LookUp,
    /// Whether the lookup is case-sensitive.
    Case,
    /// Whether a page in the middle of a list is full.
    Pages,
    /// Who may list, mint, tag and revoke keys, and what the lists show.
    Keys,
    /// Whether a key's timestamp is Looker's time.
    KeyTime,
    /// Which words and ranks the values of attributes have.
    Attributes,
    /// The name and the listing of the embed role.
    Role,
    /// What a second embed login replaces, ends and keeps.
    SecondLogin,
    /// What a disabled user can still do.
    Disabled,
    /// Whether every list drops a deleted user.
    Deleted,
}

impl Probe {
    /// Every check, in the order of execution.
    pub const ALL: [Self; 10] = [
        Self::LookUp,
        Self::Case,
        Self::Pages,
        Self::Role,
        Self::Attributes,
        Self::SecondLogin,
        Self::Keys,
        Self::KeyTime,
        Self::Disabled,
        Self::Deleted,
    ];

    /// The word for people.
    pub const fn word(self) -> &'static str {
        match self {
            Self::LookUp => "look_up",
            Self::Case => "case",
            Self::Pages => "pages",
            Self::Keys => "keys",
            Self::KeyTime => "key_time",
            Self::Attributes => "attributes",
            Self::Role => "role",
            Self::SecondLogin => "second_login",
            Self::Disabled => "disabled",
            Self::Deleted => "deleted",
        }
    }
}

/// Every belief, by group.
pub fn all() -> impl Iterator<Item = &'static Belief> {
    let tables: [&[Belief]; 6] = [
        &access::BELIEFS,
        &keys::BELIEFS,
        &grants::BELIEFS,
        &content::BELIEFS,
        &embedding::BELIEFS,
        &network::BELIEFS,
    ];
    tables.into_iter().flatten()
}

/// The belief `id`.
pub fn find(id: &str) -> Option<&'static Belief> {
    all().find(|belief| belief.id == id)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn an_id_names_one_belief_and_is_kebab_case() {
        let mut seen = BTreeSet::new();
        for belief in all() {
            assert!(seen.insert(belief.id), "`{}` twice", belief.id);
            let kebab = |char: char| char.is_ascii_lowercase() || char.is_ascii_digit();
            assert!(
                belief
                    .id
                    .split('-')
                    .all(|word| !word.is_empty() && word.chars().all(kebab)),
                "`{}` is not kebab case",
                belief.id
            );
        }
        assert!(seen.len() >= 82, "{} beliefs", seen.len());
    }

    #[test]
    fn every_belief_says_what_happens_if_it_is_false_and_none_of_it_is_silence() {
        for belief in all() {
            assert!(
                !belief.claim.is_empty() && !belief.if_false.is_empty(),
                "{belief:?}"
            );
            assert!(
                !belief.if_false.to_lowercase().contains("silent"),
                "`{}` fails in silence",
                belief.id
            );
            assert!(
                belief.evidence == Evidence::None || !belief.place.is_empty(),
                "`{}` does not say where its evidence is",
                belief.id
            );
        }
    }

    #[test]
    fn a_group_stands_together() {
        let mut runs: Vec<Group> = all().map(|belief| belief.group).collect();
        runs.dedup();
        assert_eq!(runs, Group::ALL);
    }
}
