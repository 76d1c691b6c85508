//! Users: all of them, and those that match.

use serde_json::Value;

use crate::emulator::api::user_json::user_json;
use crate::emulator::http::answer::Answer;
use crate::emulator::http::call::{Call, parse_id};
use crate::emulator::http::fields::Fields;
use crate::emulator::http::listing::{self, Filters, fits};
use crate::emulator::http::operation::{Service, op};
use crate::emulator::switches::ListedKeys;
use crate::emulator::world::users::User;
use crate::emulator::world::{Id, World};

pub(super) const OPERATIONS: &[Service] = &[
    op("all_users", all),
    op("search_users", search),
    op("search_users_names", search_names),
];

fn all(call: &Call<'_>, world: &mut World) -> Answer {
    let ids = call.list("ids");
    let wanted = |id: Id| {
        let ids = ids.as_ref();
        ids.is_none_or(|ids| ids.iter().any(|text| parse_id(text) == Some(id)))
    };
    listed(call, world, false, |id, _user| wanted(id))
}

fn search(call: &Call<'_>, world: &mut World) -> Answer {
    const TEXTS: &[&str] = &["id", "first_name", "last_name", "full_name", "email"];
    const FLAGS: &[&str] = &[
        "is_disabled",
        "verified_looker_employee",
        "can_manage_api3_creds",
        "is_service_account",
    ];
    let texts = Filters::of(call, TEXTS)?;
    let switches = &world.rules.switches;
    let filters_embed = !switches.ignores_embed_filter;
    // A switch for a Looker that ignores the filter.
    let embed = call.flag("embed_user")?.filter(|_wanted| filters_embed);
    // A switch for a Looker that lists disabled users only on request.
    let hidden = switches.disabled_users_hidden && call.flag("is_disabled")? != Some(true);
    let group = call.query("group_id").map(parse_id);
    let mut flags = Vec::new();
    for name in FLAGS {
        flags.extend(call.flag(name)?.map(|value| (*name, value)));
    }
    let world: &World = world;
    // The plain search for embed users is the one that goes through all of them.
    let none_else = !hidden && flags.is_empty() && group.is_none() && texts.is_empty();
    listed(call, world, none_else && embed == Some(true), |id, user| {
        embed.is_none_or(|embed| embed == user.embed.is_some())
            && !(hidden && user.is_disabled)
            && flags.iter().all(|(name, value)| flag(user, name) == *value)
            && group.is_none_or(|group| {
                group.is_some_and(|group| world.groups_of(user).contains(&group))
            })
            && texts.pass(|name| text(id, user, name))
    })
}

/// The users one of whose names, or whose e-mail address, fits the pattern, as far as they pass the filters too.
fn search_names(call: &Call<'_>, world: &mut World) -> Answer {
    const NAMES: &[&str] = &["first_name", "last_name", "email"];
    let texts = Filters::of(call, &["id", "first_name", "last_name", "email"])?;
    let pattern = call.param("pattern");
    let disabled = call.flag("is_disabled")?;
    let employee = call.flag("verified_looker_employee")?;
    let world: &World = world;
    listed(call, world, false, |id, user| {
        let mut names = NAMES.iter().filter_map(|name| text(id, user, name));
        names.any(|name| fits(pattern, Some(&name)))
            && texts.pass(|name| text(id, user, name))
            && disabled.is_none_or(|disabled| user.is_disabled == disabled)
            && employee != Some(true)
    })
}

/// The users that pass, in the order and the page asked for; of a non-administrator, itself at most.
fn listed(
    call: &Call<'_>,
    world: &World,
    all_embed_users: bool,
    pass: impl Fn(Id, &User) -> bool,
) -> Answer {
    let who = call.who()?;
    let show = |fields: &Fields, of: (Id, &User)| listed_json(fields, world, who.user, of);
    if all_embed_users && who.admin {
        // No filter, so that a page deep in the list is found at once.
        let users = world.users.embed_ids().filter_map(|id| {
            let user = world.users.at(id)?;
            world.finds(user).then_some((id, user))
        });
        return listing::answer(call, users, show);
    }
    let seen = world.users.table.iter().filter(|(id, user)| {
        // Others see only themselves.
        (who.admin || *id == who.user) && world.finds(user) && pass(*id, user)
    });
    listing::answer(call, seen, show)
}

/// A user as lists show it: a switch says what they have of its keys.
fn listed_json(fields: &Fields, world: &World, viewer: Id, (id, user): (Id, &User)) -> Value {
    let mut shown = user_json(fields, world, viewer, id, user);
    if let Some(shown) = shown.as_object_mut() {
        // Whether lists show keys is not documented.
        match world.rules.switches.keys_in_user_list {
            ListedKeys::Listed => {}
            ListedKeys::Absent => {
                shown.remove("credentials_api3");
            }
            ListedKeys::Empty => {
                if let Some(keys) = shown.get_mut("credentials_api3") {
                    *keys = Value::Array(Vec::new());
                }
            }
        }
    }
    shown
}

fn text(id: Id, user: &User, name: &str) -> Option<String> {
    let first = user.first_name.as_deref();
    let last = user.last_name.as_deref();
    match name {
        "id" => Some(id.to_string()),
        "first_name" => first.map(ToOwned::to_owned),
        "last_name" => last.map(ToOwned::to_owned),
        "full_name" => Some(user.display_name()),
        "email" => user.email.as_deref().map(ToOwned::to_owned),
        _ => None,
    }
}

fn flag(user: &User, name: &str) -> bool {
    match name {
        "is_disabled" => user.is_disabled,
        "can_manage_api3_creds" => user.can_manage_api3_creds,
        "is_service_account" => user.is_service_account,
        _ => false,
    }
}
