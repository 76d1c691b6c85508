//! Families of sources: a secret goes only to the Looker that its own family names.
//!
//! Every source that could give an address or credentials is a [`Member`], in order of precedence. [`arrange`] picks the
//! address, and says which members may give something for it, and in which order.

use url::Url;

use crate::config::base_url;
use crate::config::key::Key;
use crate::config::source::{Family, Setting, Source};
use crate::error::Error;

/// One source.
#[derive(Clone, Debug)]
pub(crate) struct Member {
    pub(crate) family: Family,
    /// What it is called in messages.
    pub(crate) source: Source,
    /// Whether it was asked for by name, so that it must not be ignored.
    pub(crate) named: bool,
    /// The base URL that it gives.
    pub(crate) address: Option<Setting<Url>>,
    /// The credentials that it gives.
    pub(crate) credentials: Vec<Key>,
}

/// Which members may give what.
#[derive(Debug, Default)]
pub(crate) struct Arrangement {
    /// The base URL of the run.
    pub(crate) address: Option<Setting<Url>>,
    /// The members whose credentials are for that address, the first one wins; as indices.
    pub(crate) credentials: Vec<usize>,
    /// The members that may give other settings, in the same order.
    pub(crate) others: Vec<usize>,
    /// The members that may give what does no harm at any Looker, in the same order.
    pub(crate) harmless: Vec<usize>,
    /// The members whose credentials are not for that address.
    pub(crate) outside: Vec<Outside>,
    /// Why nothing can be done with these sources.
    pub(crate) conflict: Option<Conflict>,
}

/// A source that is not for the Looker of the run.
#[derive(Clone, Debug)]
pub(crate) struct Outside {
    /// What it would have given.
    pub(crate) credentials: Vec<Key>,
    /// Why it does not.
    pub(crate) why: String,
}

/// Sources that contradict each other.
#[derive(Clone, Debug)]
pub(crate) struct Conflict {
    message: String,
    hint: String,
}

impl Conflict {
    pub(crate) fn error(&self) -> Error {
        Error::usage(&self.message).hint(&self.hint)
    }
}

/// The relation of a member to the address of the run.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Place {
    /// Its family names this address.
    Same,
    /// Its family names none, and may give what no other member gives.
    Fills,
    /// Its family names none, and its credentials may not be used.
    Nowhere,
    /// It names none, and another source of its family names another Looker.
    Sibling,
    /// It names another Looker.
    Elsewhere,
}

/// Pick the address, and the members that go with it.
pub(crate) fn arrange(members: &[Member]) -> Arrangement {
    let address = members.iter().find_map(|member| {
        let address = member.address.clone()?;
        Some((member.family, address))
    });
    let placed: Vec<_> = members
        .iter()
        .map(|member| place(member, members, address.as_ref()))
        .collect();
    let at = |places: &[Place]| -> Vec<usize> {
        let found = placed.iter().enumerate();
        let found = found.filter(|(_, place)| places.contains(place));
        found.map(|(index, _)| index).collect()
    };
    let (same, fills) = (at(&[Place::Same]), at(&[Place::Fills]));
    // A flag or its variable comes first, whatever names the Looker; only its secrets do not.
    let is_own = |index: &usize| {
        members
            .get(*index)
            .is_some_and(|it| it.family == Family::Own)
    };
    let (own, gaps): (Vec<usize>, Vec<usize>) = fills.iter().partition(|index| is_own(index));
    let others = [own, at(&[Place::Same, Place::Nowhere]), gaps].concat();
    let mut arrangement = Arrangement {
        credentials: [same, fills].concat(),
        harmless: [others.clone(), at(&[Place::Sibling])].concat(),
        others,
        ..Arrangement::default()
    };
    if let Some((family, address)) = address {
        for (member, place) in members.iter().zip(&placed) {
            let Some(why) = why_outside(member, *place, members, &address) else {
                continue;
            };
            let must_not_be_ignored = member.named
                || (*place == Place::Elsewhere
                    && (member.family, family) == (Family::Profile, Family::Sdk));
            if must_not_be_ignored && arrangement.conflict.is_none() {
                arrangement.conflict = Some(contradicts(member, *place, &why));
            }
            arrangement.outside.push(Outside {
                credentials: member.credentials.clone(),
                why,
            });
        }
        arrangement.conflict = arrangement
            .conflict
            .or_else(|| overrides_nowhere(members, &placed));
        arrangement.address = Some(address);
    }
    arrangement
}

/// The address that the family of `member` names.
fn claim<'a>(member: &'a Member, members: &'a [Member]) -> Option<&'a Setting<Url>> {
    let family = members.iter().filter(|other| other.family == member.family);
    let family = family.filter_map(|other| other.address.as_ref());
    // Its own address comes first: within a family, one source may override the address of another, and then the
    // other's secrets are not for it.
    member
        .address
        .as_ref()
        .or_else(|| family.into_iter().next())
}

fn place(member: &Member, members: &[Member], address: Option<&(Family, Setting<Url>)>) -> Place {
    let claim = claim(member, members);
    match (claim, address) {
        (Some(claim), Some((_, address)))
            if base_url::is_same_host(&claim.value, &address.value) =>
        {
            Place::Same
        }
        (Some(_), _) if member.address.is_none() => Place::Sibling,
        (Some(_), _) => Place::Elsewhere,
        // `LOOKERSDK_…` variables may be meant for any Looker, and so give only what a profile leaves open.
        (None, None | Some((Family::Own, _))) if member.family != Family::Sdk => Place::Same,
        (None, None | Some((Family::Own, _))) => Place::Fills,
        (None, Some(_)) if is_variables(member) => Place::Fills,
        (None, Some(_)) => Place::Nowhere,
    }
}

/// Whether these are the flags and variables, as opposed to a file.
fn is_variables(member: &Member) -> bool {
    !matches!(member.source, Source::Profile { .. } | Source::Ini { .. })
}

/// Why the credentials of `member` are not used, if they are not.
fn why_outside(
    member: &Member,
    place: Place,
    members: &[Member],
    address: &Setting<Url>,
) -> Option<String> {
    let Setting {
        value: here,
        source: named_by,
    } = address;
    let here = base_url::shown_host(here);
    let source = &member.source;
    match place {
        Place::Same | Place::Fills => None,
        Place::Sibling if member.credentials.is_empty() => None,
        Place::Sibling | Place::Elsewhere => {
            let claim = claim(member, members)?;
            let there = base_url::shown_host(&claim.value);
            let via = match claim.source == *source || member.address.is_some() {
                true => String::new(),
                false => format!(" ({})", claim.source),
            };
            Some(format!(
                "{source} is for `{there}`{via}, but {named_by} names `{here}`"
            ))
        }
        Place::Nowhere if member.credentials.is_empty() => None,
        Place::Nowhere => Some(format!(
            "{source} names no Looker, and its secrets do not go to `{here}`, which {named_by} names"
        )),
    }
}

/// The conflict about a member that must not be ignored.
fn contradicts(member: &Member, place: Place, why: &str) -> Conflict {
    let hint = match (place, member.named) {
        (Place::Nowhere, _) => {
            "set `base_url` in the profile, or name the Looker with `--base-url` or `EMBEDCTL_BASE_URL`"
        }
        (_, true) => {
            "a secret goes only to the Looker that its own source names: give only one of the two"
        }
        (_, false) => {
            "say which one you mean with `--profile`, or with `--base-url` or `EMBEDCTL_BASE_URL`"
        }
    };
    Conflict {
        message: why.to_owned(),
        hint: hint.to_owned(),
    }
}

/// The conflict of an `EMBEDCTL_…` variable that would replace a secret of a family with an address, and has none itself.
fn overrides_nowhere(members: &[Member], placed: &[Place]) -> Option<Conflict> {
    let placed = || members.iter().zip(placed);
    let (own, _) =
        placed().find(|(member, place)| member.family == Family::Own && **place == Place::Fills)?;
    let others = placed().filter(|(_, place)| **place == Place::Same);
    let (other, key) = others
        .flat_map(|(other, _)| other.credentials.iter().map(move |key| (other, *key)))
        .find(|(_, key)| own.credentials.contains(key))?;
    let variable = key.variable("EMBEDCTL");
    Some(Conflict {
        message: format!(
            "`{variable}` names no Looker, and {} has a value of its own",
            other.source
        ),
        hint: format!("set `EMBEDCTL_BASE_URL` too, or unset `{variable}`"),
    })
}
