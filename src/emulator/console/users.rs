//! The users of the console: who they are, what they may do, their keys and sessions.

use serde_json::{Value, json};

use crate::emulator::console::{Filter, list, shown};
use crate::emulator::text::{clock_time, day_time};
use crate::emulator::world::sessions::Session;
use crate::emulator::world::users::User;
use crate::emulator::world::{Id, World};

/// The users that pass the filter, the newest first.
pub(super) fn section(world: &World, filter: &Filter) -> Value {
    let mut buffer = String::new();
    let found =
        // Newest first: a person looks for what just happened.
        world.users.table.iter_back().filter(|(id, user)| {
            filter.pass_all(&mut buffer, |text| searched(text, world, *id, user))
        });
    shown(world.users.table.len(), found, |(id, user)| {
        one(world, id, user)
    })
}

/// The name a person knows a user by: its external id, or its own name.
pub(super) fn known_as(user: &User) -> String {
    let embed = user.embed.as_deref();
    // An embed user is known by its external id, since its names may be empty.
    embed.map_or_else(
        || user.display_name(),
        |embed| embed.external_user_id.to_string(),
    )
}

fn searched(text: &mut String, world: &World, id: Id, user: &User) {
    let external = user.embed.as_deref().map(|embed| &*embed.external_user_id);
    let names = [&user.first_name, &user.last_name, &user.email];
    let names = names.into_iter().filter_map(|name| name.as_deref());
    for part in external.into_iter().chain(names) {
        text.push_str(part);
        text.push(' ');
    }
    text.push_str(&id.to_string());
    for group in world.groups_of(user) {
        if let Some(group) = world.groups.at(group) {
            text.push(' ');
            text.push_str(&group.name);
        }
    }
}

fn one(world: &World, id: Id, user: &User) -> Value {
    let admin = world.is_admin(id);
    let kind = match (admin, user.embed.is_some()) {
        (true, _) => Some("admin".to_owned()),
        (false, true) => Some("embed".to_owned()),
        (false, false) => None,
    };
    let keys = user.keys.iter();
    let keys = keys.filter_map(|id| Some((id, world.keys.at(*id)?)));
    let keys = keys.map(|(id, key)| {
        json!({
            "id": id,
            "client_id": key.client_id,
            "purpose": key.purpose.as_deref().unwrap_or("no purpose"),
            "made": day_time(key.created_at),
        })
    });
    let sessions = live_sessions(world, user);
    let sessions: Vec<Value> = sessions
        .map(|(id, session)| json!({ "id": id, "until": clock_time(session.expires_at) }))
        .collect();
    let counts = [(user.keys.len(), "key"), (sessions.len(), "session")];
    let counts = counts.into_iter().filter(|(count, _)| *count > 0);
    let counts = counts.map(|(count, name)| match count {
        1 => format!("1 {name}"),
        count => format!("{count} {name}s"),
    });
    json!({
        "id": id,
        "who": known_as(user),
        "name": user.embed.as_ref().map_or_else(String::new, |_| user.display_name()),
        "disabled": user.is_disabled,
        "tags": kind.into_iter().chain(counts).collect::<Vec<_>>(),
        "rows": rows(world, user, admin),
        "keys": keys.collect::<Vec<_>>(),
        "sessions": sessions,
    })
}

fn rows(world: &World, user: &User, admin: bool) -> Vec<(&'static str, String)> {
    let permissions = world.permissions_of(user).into_iter();
    let models = world.models_with(user, "access_data").into_iter();
    let roles = world.roles_of(user, false).into_iter();
    let roles = roles.filter_map(|id| Some(world.roles.at(id)?.name.clone()));
    let mut rows = vec![
        (
            "Permissions",
            match admin {
                true => "all".to_owned(),
                false => list(permissions.map(ToOwned::to_owned)),
            },
        ),
        ("Models", list(models.map(|model| model.name.clone()))),
        ("Groups", groups(world, user)),
        ("Roles", list(roles)),
        ("Attributes", attributes(world, user)),
    ];
    if let Some(embed) = user.embed.as_deref() {
        let last = embed.logged_in_at.map(day_time);
        rows.push(("Last embed login", last.unwrap_or_default()));
    }
    rows.push(("Made", day_time(user.created_at)));
    rows
}

fn groups(world: &World, user: &User) -> String {
    let groups = world.groups_of(user).into_iter();
    list(groups.filter_map(|id| {
        let group = world.groups.at(id)?;
        Some(match &group.external_group_id {
            Some(_) => format!("{} (external)", group.name),
            None => group.name.clone(),
        })
    }))
}

/// The user's own values; what Looker hides, the console hides.
fn attributes(world: &World, user: &User) -> String {
    list(user.attributes.iter().filter_map(|value| {
        let attribute = world.attributes.0.at(value.attribute)?;
        // The page is a web page; hidden values stay hidden there too.
        Some(match attribute.value_is_hidden {
            true => format!("{} = (hidden)", attribute.name),
            false => format!("{} = {}", attribute.name, value.value),
        })
    }))
}

fn live_sessions<'a>(
    world: &'a World,
    user: &'a User,
) -> impl Iterator<Item = (Id, &'a Session)> + 'a {
    let sessions = user.sessions.iter();
    let sessions = sessions.filter_map(|id| Some((*id, world.sessions.at(*id)?)));
    sessions.filter(|(_, session)| session.expires_at > world.now)
}
