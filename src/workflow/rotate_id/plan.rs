//! Decides what a change of an `external_user_id` takes, from what was read: pure, so that a dry run shows what will be done.

use std::collections::{BTreeMap, BTreeSet};

use crate::error::{Error, Kind};
use crate::looker::Release;
use crate::signed_url::Grants;
use crate::workflow::rotate_id::belongings::{Belongings, Item, ItemKind};
use crate::workflow::rotate_id::spec::{NotMoved, OldEnd, RotateIdSpec};
use crate::workflow::rotate_id::transfer::other_name;
use crate::workflow::user_spec::Extra;
use crate::workflow::user_spec::{KeySpec, UserSpec, Via};

/// What is requested besides the two ids.
#[derive(Clone, Debug)]
pub struct RotateIdWish {
    /// The company's new id of the person.
    pub external_user_id: String,
    /// Values of user attributes to use instead of the old user's, by name.
    pub attributes: BTreeMap<String, String>,
    /// Whether attribute values of unknown origin count as the old user's own.
    pub take_unknown: bool,
    /// The release of Looker, if it says so.
    pub release: Option<Release>,
    /// What happens to the old user.
    pub old: OldEnd,
    /// Whether the new user gets no key.
    pub no_key: bool,
    /// The purpose of the new key, in the operator's words.
    pub key_purpose: Option<String>,
    /// The embed path to fetch in order to create the user.
    pub target: String,
    /// The session length of the login that creates the user, in seconds.
    pub session_length: u32,
}

/// Decide what it takes to give everything that belongs to `from` to the user named by the request; `into` is what that user
/// has if it already exists.
///
/// # Errors
/// The old user's grants cannot be read; the origin of an attribute value is unknown; a hidden value was not given; or the old
/// user would be deleted while its folder holds someone else's content.
pub fn plan_rotate_id(
    mut from: Belongings,
    into: Option<Belongings>,
    wish: RotateIdWish,
) -> Result<RotateIdSpec, Error> {
    // An existing user keeps its grants, so those of the old one need not be readable.
    if into.is_none() {
        refuse_unreadable(&from, &wish.external_user_id)?;
        settle_unknown(&mut from, &wish)?;
        refuse_hidden(&from, &wish)?;
    }
    // Looker deletes the personal folder with its user, whoever owns what is in it.
    if wish.old == OldEnd::Delete
        && let Some(lodger) = from.lodgers.first()
    {
        let (old, word, title) = (&from.external_user_id, lodger.kind.word(), &lodger.title);
        return Err(Error::new(
            Kind::Conflict,
            format!("`{old}` cannot be deleted: the {word} `{title}` in its personal folder belongs to someone else and would go to the trash"),
        )
        .hint("move it elsewhere first, or use `--old disable`"));
    }
    let stays = stays(&from);
    let stuck = wish.release.map_or_else(Vec::new, |it| stuck(&from, it));
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
        // A person without a key gets none by being renamed.
        key: (!wish.no_key && !from.keys.is_empty()).then_some(KeySpec {
            purpose: wish.key_purpose,
            ensure: false,
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
        take_unknown: wish.take_unknown,
        stays,
        stuck,
    })
}

/// Without the old user's grants, the new user cannot be given them.
fn refuse_unreadable(from: &Belongings, new: &str) -> Result<(), Error> {
    let Some(why) = &from.grants_unreadable else {
        return Ok(());
    };
    let old = &from.external_user_id;
    Err(Error::usage(format!(
        "the permissions and models of `{old}` cannot be read, so they cannot be given to `{new}`: {why}; nothing was moved"
    ))
    .hint(format!(
        "create `{new}` with them, as in `embedctl create-user {new} --permission P --model M`, then run this with `--into-existing`"
    )))
}

/// Count values of unknown origin as the old user's own if the request says so; values that are given need no decision.
fn settle_unknown(from: &mut Belongings, wish: &RotateIdWish) -> Result<(), Error> {
    let unknown = std::mem::take(&mut from.unknown_attributes).into_iter();
    // A given value replaces the unknown one, so its origin no longer matters.
    let mut unknown = unknown.filter(|unknown| !wish.attributes.contains_key(&unknown.name));
    if wish.take_unknown {
        from.attributes
            .extend(unknown.map(|unknown| (unknown.name, unknown.value)));
        return Ok(());
    }
    let Some(first) = unknown.next() else {
        return Ok(());
    };
    let (old, name) = (&from.external_user_id, first.name.clone());
    let named: Vec<String> = [first]
        .into_iter()
        .chain(unknown)
        .map(|it| it.to_string())
        .collect();
    Err(Error::usage(format!(
        "embedctl cannot tell whether the values that `{old}` has for {} are its own, so it neither copies nor drops them; nothing was moved",
        named.join(", ")
    ))
    .hint(format!(
        "look at them with `embedctl api GET /users/{}/attribute_values`; give a value with `--attr {name}=VALUE`, or add `--take-unknown` if such values are the user's own",
        from.looker_user_id
    )))
}

fn refuse_hidden(from: &Belongings, wish: &RotateIdWish) -> Result<(), Error> {
    let hidden = from.hidden_attributes();
    let missing: Vec<&str> = hidden
        // A hidden value that is given again is not lost.
        .filter(|name| !wish.attributes.contains_key(*name))
        .collect();
    let Some(first) = missing.first() else {
        return Ok(());
    };
    let (old, names) = (&from.external_user_id, missing.join("`, `"));
    Err(Error::usage(format!(
        "Looker hides the values that `{old}` has for `{names}`, so they cannot be copied"
    ))
    .hint(format!("give them again, as in `--attr {first}=VALUE`")))
}

/// The grants of the login that creates the new user: those of the old one.
fn grants(from: &Belongings, given: BTreeMap<String, String>, session_length: u32) -> Grants {
    // Hidden values are missing here; `refuse_hidden` has made sure that they were given.
    let own = from.attributes.iter();
    let own = own.filter_map(|(name, value)| Some((name.clone(), value.clone()?)));
    Grants {
        // belief: nameless-is-embed-user
        first_name: from.first_name.clone(),
        last_name: from.last_name.clone(),
        permissions: Some(from.permissions.clone()),
        models: Some(from.models.clone()),
        group_ids: Some(from.groups.iter().map(|group| group.id.clone()).collect()),
        external_group_id: from.external_group_id.clone(),
        // Given values win.
        user_attributes: own.chain(given).collect(),
        user_timezone: from.user_timezone.clone(),
        session_length: Some(session_length),
    }
}

/// What cannot be given to another user.
fn stays(from: &Belongings) -> Vec<NotMoved> {
    let private = from.of(ItemKind::Follow).filter(|item| item.private);
    let private = private.map(|item| {
        NotMoved::item(
            item,
            "it is private, so only its owner can let others follow it",
        )
    });
    let lodgers = from.lodgers.iter();
    let lodgers = lodgers.map(|item| {
        NotMoved::item(
            item,
            "it belongs to someone else, and is in the personal folder",
        )
    });
    private
        .chain(lodgers)
        // These never move, so they are always announced.
        .chain([
            NotMoved::of(
                "query history",
                "Looker keeps it with the user who ran the queries",
            ),
            NotMoved::of("boards in the trash", "Looker does not list them"),
        ])
        .chain(from.follows_unseen.iter().map(|why| {
            NotMoved::of("followed alerts that no list shows", why.clone())
        }))
        .chain(from.schedules_unsearched.then(|| {
            NotMoved::of(
                "schedules that no list shows",
                "this Looker cannot search for disabled or one-time schedules; those in its list are moved",
            )
        }))
        .collect()
}

/// What this release cannot give to another user: it silently ignores a new owner of a dashboard or board.
fn stuck(from: &Belongings, release: Release) -> Vec<NotMoved> {
    let owners = [
        (ItemKind::Dashboard, release.can_change_dashboard_owner()),
        (ItemKind::Board, release.can_change_board_owner()),
    ];
    let fixed = owners.into_iter().filter(|(_, can)| !can);
    fixed
        .flat_map(|(kind, _)| from.of(kind))
        .map(|item| NotMoved::item(item, format!("Looker {release} cannot change its owner")))
        .collect()
}

impl RotateIdSpec {
    /// The error if this release of Looker cannot move everything.
    ///
    /// # Errors
    /// It cannot change the owner of an item to be moved.
    pub fn refuse_stuck(&self) -> Result<(), Error> {
        let Some(first) = self.stuck.first() else {
            return Ok(());
        };
        let (old, count) = (&self.from.external_user_id, self.stuck.len());
        let more = match count {
            1 => String::new(),
            _ => format!(", and {} more", count - 1),
        };
        Err(Error::new(
            Kind::Conflict,
            format!("`{old}` cannot be moved completely: {first}{more}; nothing was moved"),
        )
        .hint("Looker can change the owner of dashboards since release 26.8 and of boards since 26.10; `--dry-run` lists what is affected"))
    }

    /// The items whose names are taken at their destination, with the names they will get.
    pub fn clashes(&self) -> Vec<(&Item, String)> {
        let Some(into) = &self.into else {
            return Vec::new();
        };
        let there = into.items.iter().chain(&into.lodgers);
        let lying: BTreeSet<(ItemKind, &str)> = there
            // Only names directly in the personal folder can clash: other folders move as a whole.
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
                // The names run on until one is free.
                let name = names.find(|name| !lying.contains(&(item.kind, name.as_str())));
                (item, name.unwrap_or_default())
            })
            .collect()
    }

    /// How many items of one kind move, including those that move with their folder.
    pub fn count(&self, kind: ItemKind) -> usize {
        self.moving(kind).count()
    }
}
