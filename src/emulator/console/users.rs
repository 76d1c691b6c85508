//! The users of the console: who they are, what they may do, their keys and sessions.

use crate::emulator::console::markup::Markup;
use crate::emulator::console::{Filter, SHOWN, list, more};
use crate::emulator::text::{clock_time, day_time};
use crate::emulator::world::sessions::Session;
use crate::emulator::world::users::User;
use crate::emulator::world::{Id, World};

/// Add the users that pass the filter, the newest first.
pub(super) fn section(page: &mut Markup, world: &World, filter: &Filter) {
    page.section("users", "Users", world.users.table.len());
    let mut buffer = String::new();
    let mut found =
        world.users.table.iter_back().filter(|(id, user)| {
            filter.pass_all(&mut buffer, |text| searched(text, world, *id, user))
        });
    let shown: Vec<(Id, &User)> = found.by_ref().take(SHOWN).collect();
    if shown.is_empty() {
        page.tags("<p class=none>No user.</p>");
    }
    for (id, user) in shown {
        one(page, world, id, user);
    }
    more(page, found.next().is_some());
    page.tags("</section>");
}

/// The name a person knows a user by: its external id, or its own name.
pub(super) fn known_as(user: &User) -> String {
    let embed = user.embed.as_deref();
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

fn one(page: &mut Markup, world: &World, id: Id, user: &User) {
    page.tags("<details class=user id=\"user-")
        .value(id)
        .tags("\"><summary><span class=who>")
        .value(known_as(user))
        .tags("</span> <span class=id>")
        .value(id)
        .tags("</span> <span class=name>");
    if user.embed.is_some() {
        page.value(user.display_name());
    }
    page.tags("</span><span class=tags>");
    if user.is_disabled {
        page.tags("<span class=\"tag bad\">disabled</span> ");
    }
    let admin = world.is_admin(id);
    page.tags(match (admin, user.embed.is_some()) {
        (true, _) => "<span class=tag>admin</span> ",
        (false, true) => "<span class=tag>embed</span> ",
        (false, false) => "",
    });
    counted(page, user.keys.len(), "key", "keys");
    let live = live_sessions(world, user).count();
    counted(page, live, "session", "sessions");
    page.tags("</span></summary><dl>");
    grants(page, world, user, admin);
    keys(page, world, user);
    sessions(page, world, user);
    page.tags("</dl></details>");
}

fn counted(page: &mut Markup, number: usize, one: &'static str, many: &'static str) {
    if number > 0 {
        page.tags("<span class=tag>").value(number).tags(" ");
        page.tags(if number == 1 { one } else { many })
            .tags("</span> ");
    }
}

fn grants(page: &mut Markup, world: &World, user: &User, admin: bool) {
    let permissions = match admin {
        true => "all".to_owned(),
        false => list(
            world
                .permissions_of(user)
                .into_iter()
                .map(ToOwned::to_owned),
        ),
    };
    let models = world.models_with(user, "access_data").into_iter();
    let roles = world.roles_of(user, false).into_iter();
    let roles = roles.filter_map(|id| Some(world.roles.at(id)?.name.clone()));
    page.row("Permissions", permissions);
    page.row("Models", list(models.map(|model| model.name.clone())));
    page.row("Groups", groups(world, user));
    page.row("Roles", list(roles));
    page.row("Attributes", attributes(world, user));
    if let Some(embed) = user.embed.as_deref() {
        let last = embed.logged_in_at.map(day_time);
        page.row("Last embed login", last.unwrap_or_default());
    }
    page.row("Made", day_time(user.created_at));
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
        Some(match attribute.value_is_hidden {
            true => format!("{} = (hidden)", attribute.name),
            false => format!("{} = {}", attribute.name, value.value),
        })
    }))
}

fn keys(page: &mut Markup, world: &World, user: &User) {
    page.tags("<dt>Keys<dd>");
    if user.keys.is_empty() {
        page.tags("<span class=none>none</span>");
    }
    page.tags("<ul>");
    for (id, key) in user
        .keys
        .iter()
        .filter_map(|id| Some((*id, world.keys.at(*id)?)))
    {
        page.tags("<li><code>")
            .value(&*key.client_id)
            .tags("</code> ");
        let purpose = key.purpose.as_deref().unwrap_or("no purpose");
        page.value(purpose)
            .tags(" <span class=id>")
            .value(id)
            .tags(", made ")
            .value(day_time(key.created_at))
            .tags("</span></li>");
    }
    page.tags("</ul>");
}

fn sessions(page: &mut Markup, world: &World, user: &User) {
    page.tags("<dt>Sessions<dd>");
    if live_sessions(world, user).next().is_none() {
        page.tags("<span class=none>none</span>");
    }
    page.tags("<ul>");
    for (id, session) in live_sessions(world, user) {
        page.tags("<li>until ");
        page.value(clock_time(session.expires_at));
        page.tags(" <span class=id>").value(id).tags("</span></li>");
    }
    page.tags("</ul>");
}

fn live_sessions<'a>(
    world: &'a World,
    user: &'a User,
) -> impl Iterator<Item = (Id, &'a Session)> + 'a {
    let sessions = user.sessions.iter();
    let sessions = sessions.filter_map(|id| Some((*id, world.sessions.at(*id)?)));
    sessions.filter(|(_, session)| session.expires_at > world.now)
}
