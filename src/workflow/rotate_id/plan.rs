//! Decides what a change of an `external_user_id` takes, from what was seen: pure, so that a dry run shows what is done.

use std::collections::{BTreeMap, BTreeSet};

use crate::error::{Error, Kind};
use crate::workflow::extra::Extra;
use crate::workflow::rotate_id::belongings::{Belongings, Item, ItemKind};
use crate::workflow::rotate_id::mover::other_name;
use crate::workflow::rotate_id::spec::{NotMoved, OldEnd, RotateIdSpec};
use crate::workflow::spec::{Grants, KeySpec, UserSpec, Via};

/// What is wanted besides the two ids.
#[derive(Clone, Debug)]
pub struct RotateIdWish {
    /// The company's new id of the person.
    pub external_user_id: String,
    /// Values of user attributes in place of the old user's, by name.
    pub attributes: BTreeMap<String, String>,
    /// What becomes of the old user.
    pub old: OldEnd,
    /// Whether the new user gets no key.
    pub no_key: bool,
    /// What the new key is for, in the words of whoever asked.
    pub key_purpose: Option<String>,
    /// The embed path that is fetched to make the user.
    pub target: String,
    /// How long the login that makes the user lasts, in seconds.
    pub session_length: u32,
}

/// Decide what it takes to give all that belongs to `from` to the user that the wish names; `into` is what that one has,
/// where it is there already.
///
/// # Errors
/// An attribute's value is hidden and was not given; or the old user is to be deleted, and something in its folder is
/// somebody else's.
pub fn plan_rotate_id(
    from: Belongings,
    into: Option<Belongings>,
    wish: RotateIdWish,
) -> Result<RotateIdSpec, Error> {
    let missing: Vec<&str> = from
        .hidden_attributes()
        .filter(|name| into.is_none() && !wish.attributes.contains_key(*name))
        .collect();
    if let Some(first) = missing.first() {
        let (old, names) = (&from.external_user_id, missing.join("`, `"));
        return Err(Error::usage(format!(
            "Looker hides the values that `{old}` has for `{names}`, so they cannot be copied"
        ))
        .hint(format!("give them again, as in `--attr {first}=VALUE`")));
    }
    if wish.old == OldEnd::Delete
        && let Some(lodger) = from.lodgers.first()
    {
        let (old, word, title) = (&from.external_user_id, lodger.kind.word(), &lodger.title);
        return Err(Error::new(
            Kind::Conflict,
            format!("`{old}` cannot be deleted: the {word} `{title}` in its personal folder is somebody else's and would go to the trash"),
        )
        .hint("move it elsewhere first, or use `--old disable`"));
    }
    let stays = stays(&from);
    let keeps_grants = into.is_some();
    let user = UserSpec {
        external_user_id: wish.external_user_id,
        grants: match keeps_grants {
            true => Grants::default(),
            false => grants(&from, wish.attributes, wish.session_length),
        },
        via: Via::SignedUrl,
        target: wish.target,
        update: false,
        verify: true,
        key: (!wish.no_key && !from.keys.is_empty()).then_some(KeySpec {
            purpose: wish.key_purpose,
        }),
        planned: Box::new(Extra {
            no_login: keeps_grants,
            ..Extra::default()
        }),
    };
    Ok(RotateIdSpec {
        user,
        from,
        into,
        old: wish.old,
        stays,
    })
}

/// What the login that makes the new user says of it: the same as the old one is.
fn grants(from: &Belongings, given: BTreeMap<String, String>, session_length: u32) -> Grants {
    let own = from.attributes.iter();
    let own = own.filter_map(|(name, value)| Some((name.clone(), value.clone()?)));
    Grants {
        first_name: from.first_name.clone(),
        last_name: from.last_name.clone(),
        permissions: from.permissions.clone(),
        models: from.models.clone(),
        group_ids: from.groups.iter().map(|group| group.id.clone()).collect(),
        external_group_id: from.external_group_id.clone(),
        user_attributes: own.chain(given).collect(),
        user_timezone: None,
        session_length,
    }
}

/// What has no way to another user.
fn stays(from: &Belongings) -> Vec<NotMoved> {
    let of_kind = |kind: &str, reason: &str| NotMoved {
        kind: kind.to_owned(),
        id: None,
        title: None,
        reason: reason.to_owned(),
    };
    let private = from.of(ItemKind::Follow).filter(|item| item.private);
    let private = private.map(|item| {
        NotMoved::item(
            item,
            "it is not public, so only its owner can let somebody follow it",
        )
    });
    let lodgers = from.lodgers.iter();
    let lodgers =
        lodgers.map(|item| NotMoved::item(item, "it is somebody else's, in the personal folder"));
    private
        .chain(lodgers)
        .chain([
            of_kind(
                "query history",
                "Looker keeps it with the user who ran the queries",
            ),
            of_kind("boards in the trash", "Looker lists none"),
        ])
        .collect()
}

impl RotateIdSpec {
    /// What will have another name, since its own is taken where it goes, and the name it will have.
    pub fn clashes(&self) -> Vec<(&Item, String)> {
        let Some(into) = &self.into else {
            return Vec::new();
        };
        let there = into.items.iter().chain(&into.lodgers);
        let lying: BTreeSet<(ItemKind, &str)> = there
            .filter(|item| item.at_home && !item.trashed)
            .map(|item| (item.kind, item.title.as_str()))
            .collect();
        let moving = self.from.items.iter();
        let moving = moving.filter(|item| item.at_home && !item.trashed);
        moving
            .filter(|item| lying.contains(&(item.kind, item.title.as_str())))
            .map(|item| {
                let of = &self.from.external_user_id;
                let mut names = (1..).map(|number| other_name(&item.title, of, number));
                let name = names.find(|name| !lying.contains(&(item.kind, name.as_str())));
                (item, name.unwrap_or_default())
            })
            .collect()
    }

    /// How many things of one kind move, those in a folder with it.
    pub fn count(&self, kind: ItemKind) -> usize {
        self.moving(kind).count()
    }
}
