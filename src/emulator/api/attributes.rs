//! User attributes and the values a user has for them.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::emulator::http::answer::{Answer, Refusal, Reply, json_answer};
use crate::emulator::http::call::{Call, parse_id};
use crate::emulator::http::listing;
use crate::emulator::http::operation::{Service, op};
use crate::emulator::world::attributes::{Attribute, Found, KINDS, Origin};
use crate::emulator::world::{Id, World, id_text};

pub(super) const OPERATIONS: &[Service] = &[
    op("all_user_attributes", all),
    op("create_user_attribute", create).admin(),
    op("user_attribute", one),
    op("update_user_attribute", change).admin(),
    op("delete_user_attribute", remove).admin(),
    op("user_attribute_user_values", values).own(),
    op("set_user_attribute_user_value", set_value).admin(),
    op("delete_user_attribute_user_value", delete_value).admin(),
];

fn all(call: &Call<'_>, world: &mut World) -> Answer {
    let admin = call.is_admin();
    let attributes = world.attributes.0.iter();
    // A user without the right to view an attribute does not see it in the list.
    let seen = attributes.filter(|(_, attribute)| admin || attribute.user_can_view);
    listing::answer(call, seen, |_fields, (id, attribute)| {
        attribute_json(id, attribute)
    })
}

fn one(call: &Call<'_>, world: &mut World) -> Answer {
    let id = call.id("user_attribute_id")?;
    let attribute = world.attributes.0.at(id).ok_or_else(Refusal::not_found)?;
    match call.is_admin() || attribute.user_can_view {
        true => json_answer(attribute_json(id, attribute)),
        false => Err(Refusal::not_found()),
    }
}

/// What may be written of a user attribute, from Looker's API description.
#[derive(Deserialize)]
struct AttributeBody {
    name: Option<String>,
    label: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
    default_value: Option<String>,
    value_is_hidden: Option<bool>,
    user_can_view: Option<bool>,
    user_can_edit: Option<bool>,
    hidden_value_domain_whitelist: Option<String>,
}

impl AttributeBody {
    fn check(&self, world: &World, except: Option<Id>) -> Result<(), Refusal> {
        // Names are unique among all attributes, except for the one that is changed.
        let known = self.name.as_deref();
        let known = known.and_then(|name| world.attributes.by_name(name));
        if known.is_some_and(|(id, _)| Some(id) != except) {
            let text = "'name' is taken.";
            return Err(Refusal::invalid("name", "already_exists", text));
        }
        let kind = self.kind.as_deref();
        if kind.is_some_and(|kind| !KINDS.contains(&kind)) {
            let text = "'type' is not a known type.";
            return Err(Refusal::invalid("type", "invalid", text));
        }
        // The official SDKs test for this sentence.
        if self.hidden_value_domain_whitelist.as_deref() == Some("") {
            let field = "hidden_value_domain_whitelist";
            let text =
                format!("{field} must be a comma-separated list of urls with optional wildcards");
            return Err(Refusal::invalid(field, "invalid", text));
        }
        Ok(())
    }

    fn apply(self, attribute: &mut Attribute) {
        let set = |place: &mut String, value: Option<String>| {
            if let Some(value) = value {
                *place = value;
            }
        };
        set(&mut attribute.name, self.name);
        set(&mut attribute.label, self.label);
        set(&mut attribute.kind, self.kind);
        // A field that is not named keeps its value.
        attribute.default_value = self
            .default_value
            .or_else(|| attribute.default_value.take());
        attribute.value_is_hidden = self.value_is_hidden.unwrap_or(attribute.value_is_hidden);
        attribute.user_can_view = self.user_can_view.unwrap_or(attribute.user_can_view);
        attribute.user_can_edit = self.user_can_edit.unwrap_or(attribute.user_can_edit);
        let domains = &mut attribute.hidden_value_domain_whitelist;
        *domains = self
            .hidden_value_domain_whitelist
            .or_else(|| domains.take());
    }
}

fn create(call: &Call<'_>, world: &mut World) -> Answer {
    let body: AttributeBody = call.body()?;
    for (field, value) in [
        ("name", &body.name),
        ("label", &body.label),
        ("type", &body.kind),
    ] {
        if value.is_none() {
            return Err(Refusal::missing(field));
        }
    }
    body.check(world, None)?;
    let mut attribute = Attribute::default();
    body.apply(&mut attribute);
    let shown = attribute.clone();
    let id = world.attributes.0.insert(attribute);
    json_answer(attribute_json(id, &shown))
}

fn change(call: &Call<'_>, world: &mut World) -> Answer {
    let id = call.id("user_attribute_id")?;
    let body: AttributeBody = call.body()?;
    body.check(world, Some(id))?;
    let attribute = world.attributes.0.at_mut(id);
    let attribute = attribute.ok_or_else(Refusal::not_found)?;
    // Looker's own attributes cannot be changed.
    if attribute.is_system {
        return Err(Refusal::unmodifiable());
    }
    body.apply(attribute);
    json_answer(attribute_json(id, attribute))
}

/// Deletes the values of users and groups, too.
fn remove(call: &Call<'_>, world: &mut World) -> Answer {
    let id = call.id("user_attribute_id")?;
    let attribute = world.attributes.0.at(id);
    if attribute.ok_or_else(Refusal::not_found)?.is_system {
        return Err(Refusal::unmodifiable());
    }
    world.remove_attribute(id);
    Ok(Reply::no_content())
}

/// The values of a user, each its own, a group's or the default; with `all_values` every one of these. A list of
/// attribute ids in quotation marks, as the Go SDK sends it, was recorded to filter nothing.
fn values(call: &Call<'_>, world: &mut World) -> Answer {
    let id = call.id("user_id")?;
    let user = world.users.at(id).ok_or_else(Refusal::not_found)?;
    let all = call.flag("all_values")?.unwrap_or(false);
    let switches = &world.rules.switches;
    let unset = call.flag("include_unset")?.unwrap_or(false) || switches.unset_rows;
    let given = call.query("user_attribute_ids");
    // A JSON list instead of Looker's own form counts as no filter.
    let ids = given
        .filter(|text| !text.is_empty() && !text.contains('"'))
        .and_then(|_| call.list("user_attribute_ids"));
    let wanted = |id: Id| {
        let ids = ids.as_ref();
        ids.is_none_or(|ids| ids.iter().any(|text| parse_id(text) == Some(id)))
    };
    let admin = call.is_admin();
    let attributes = world.attributes.0.iter();
    let attributes =
        attributes.filter(|(id, attribute)| wanted(*id) && (admin || attribute.user_can_view));
    let shown = attributes.flat_map(|(attribute_id, attribute)| {
        let mut found = match all {
            true => world.attribute_values((id, user), attribute_id, attribute),
            false => Vec::new(),
        };
        // An attribute without a value still has a row, which says so.
        if found.is_empty() {
            found.push(world.attribute_of((id, user), attribute_id, attribute));
        }
        let found = found.into_iter();
        let found = found.filter(|one| unset || one.origin != Origin::Nothing);
        let shown = found.map(|one| value_json(world, id, (attribute_id, attribute), &one));
        shown.collect::<Vec<_>>()
    });
    json_answer(shown.collect())
}

fn set_value(call: &Call<'_>, world: &mut World) -> Answer {
    #[derive(Deserialize)]
    struct Body {
        value: Option<String>,
    }

    let (id, attribute_id) = named(call, world)?;
    let body: Body = call.body()?;
    let value = body.value.ok_or_else(|| Refusal::missing("value"))?;
    let attribute = world.attributes.0.at(attribute_id);
    let attribute = attribute.ok_or_else(Refusal::not_found)?;
    // Some of Looker's own attributes have no values of users.
    if !attribute.can_be_set() {
        return Err(Refusal::unmodifiable());
    }
    if !attribute.accepts(&value) {
        let text = format!("'value' is not a {}.", attribute.kind);
        return Err(Refusal::invalid("value", "invalid", text));
    }
    // The answer looks the same as that of a Looker that has stored the value.
    if !world.rules.switches.attribute_write_is_ignored {
        world.set_attribute(id, attribute_id, &value, false);
    }
    let user = world.users.at(id).ok_or_else(Refusal::not_found)?;
    let attribute = world.attributes.0.at(attribute_id);
    let attribute = attribute.ok_or_else(Refusal::not_found)?;
    let found = world.attribute_of((id, user), attribute_id, attribute);
    json_answer(value_json(world, id, (attribute_id, attribute), &found))
}

fn delete_value(call: &Call<'_>, world: &mut World) -> Answer {
    let (id, attribute) = named(call, world)?;
    if world.rules.switches.attribute_write_is_ignored {
        return Ok(Reply::no_content());
    }
    // Only the user's own value can be removed, not one of a group or the default.
    match world.unset_attribute(id, attribute) {
        true => Ok(Reply::no_content()),
        false => Err(Refusal::not_found()),
    }
}

fn named(call: &Call<'_>, world: &World) -> Result<(Id, Id), Refusal> {
    let user = call.id("user_id")?;
    let attribute = call.id("user_attribute_id")?;
    let both = world.users.at(user).is_some() && world.attributes.0.at(attribute).is_some();
    both.then_some((user, attribute))
        .ok_or_else(Refusal::not_found)
}

/// A user attribute as the API shows it. Recorded: for a hidden one, only whether it has a default.
fn attribute_json(id: Id, attribute: &Attribute) -> Value {
    let default = attribute.default_value.as_deref();
    let own = !attribute.is_system;
    json!({
        "can": {
            "create": true,
            "destroy": own,
            "index": true,
            "set_value": attribute.can_be_set(),
            "show": true,
            "show_value": true,
            "update": own,
        },
        "id": id_text(id),
        "name": attribute.name,
        "label": attribute.label,
        "type": attribute.kind,
        "default_value": default.map(|value| if attribute.value_is_hidden { "DEFAULT_IS_SET" } else { value }),
        "is_system": attribute.is_system,
        "is_permanent": attribute.is_system,
        "value_is_hidden": attribute.value_is_hidden,
        "user_can_view": attribute.user_can_view,
        "user_can_edit": attribute.user_can_edit,
        "hidden_value_domain_whitelist": attribute.hidden_value_domain_whitelist,
        "needed_for_ci_run": false,
        "value_for_ci_run": null,
    })
}

/// A value as the API shows it: a hidden one is blank, and one that is not there is no `null`. Recorded: the rank of a
/// user's own value is -1, that of every other one 1.
fn value_json(
    world: &World,
    id: Id,
    (attribute_id, attribute): (Id, &Attribute),
    found: &Found,
) -> Value {
    let switches = &world.rules.switches;
    let own = found.origin == Origin::User;
    // A hidden value is never shown, not even to an admin.
    let value = match found.origin {
        Origin::Nothing if switches.unset_value_is_null => None,
        _ if attribute.value_is_hidden && switches.hidden_value_is_null => None,
        _ if attribute.value_is_hidden => Some(""),
        _ => Some(found.value.as_str()),
    };
    json!({
        "can": if own { json!({ "show": true }) } else { json!({}) },
        "name": attribute.name,
        "label": attribute.label,
        // The user's own value comes before those of groups.
        "rank": if own { -1 } else { 1 },
        "value": value,
        "user_id": id_text(id),
        "user_can_edit": attribute.user_can_edit,
        "value_is_hidden": attribute.value_is_hidden,
        "user_attribute_id": id_text(attribute_id),
        "source": source(world, attribute, found.origin),
        "hidden_value_domain_whitelist": attribute.hidden_value_domain_whitelist,
    })
}

/// Looker's word for where a value comes from.
fn source(world: &World, attribute: &Attribute, origin: Origin) -> String {
    let switches = &world.rules.switches;
    let hidden = &switches.source_of_hidden;
    if attribute.value_is_hidden && origin != Origin::Nothing && !hidden.is_empty() {
        return hidden.clone();
    }
    match origin {
        Origin::User => switches.source_of_user.clone(),
        Origin::Group(group) => {
            let name = world.groups.at(group).map_or("", |group| &group.name);
            switches.source_of_group.replace("NAME", name)
        }
        Origin::Default => switches.source_of_default.clone(),
        Origin::System => switches.source_of_system.clone(),
        Origin::Nothing => switches.source_of_nothing.clone(),
    }
}
