//! User attributes: what they are, and what value a user has.

use crate::emulator::world::World;
use crate::emulator::world::table::{Id, Table};
use crate::emulator::world::users::{AttributeValue, User};

/// A user attribute.
#[derive(Clone, Debug, Default)]
pub(crate) struct Attribute {
    pub(crate) name: String,
    pub(crate) label: String,
    pub(crate) kind: String,
    pub(crate) default_value: Option<String>,
    pub(crate) is_system: bool,
    pub(crate) value_is_hidden: bool,
    pub(crate) user_can_view: bool,
    pub(crate) user_can_edit: bool,
    pub(crate) hidden_value_domain_whitelist: Option<String>,
}

/// The types an attribute may have, from Looker's OpenAPI description.
pub(crate) const KINDS: &[&str] = &[
    "string",
    "number",
    "datetime",
    "yesno",
    "zipcode",
    "advanced_filter_string",
    "advanced_filter_number",
];

/// All user attributes.
#[derive(Debug, Default)]
pub(crate) struct Attributes(pub(crate) Table<Attribute>);

impl Attributes {
    /// The attribute called `name`.
    pub(crate) fn by_name(&self, name: &str) -> Option<(Id, &Attribute)> {
        self.0.iter().find(|(_, attribute)| attribute.name == name)
    }
}

impl Attribute {
    /// Whether `value` has the type of this attribute.
    pub(crate) fn accepts(&self, value: &str) -> bool {
        match self.kind.as_str() {
            "number" => value.parse::<f64>().is_ok_and(f64::is_finite),
            "yesno" => matches!(value, "yes" | "no" | "Yes" | "No" | "true" | "false"),
            "zipcode" => value.len() == 5 && value.bytes().all(|byte| byte.is_ascii_digit()),
            "datetime" => value.starts_with(|first: char| first.is_ascii_digit()),
            _ => true,
        }
    }
}

/// The value a user has for an attribute, and where it comes from.
#[derive(Debug)]
pub(crate) struct Found<'a> {
    pub(crate) value: Option<&'a str>,
    pub(crate) source: &'static str,
}

impl World {
    /// The value of an attribute for `user`: the first of [`Self::attribute_values`].
    pub(crate) fn attribute_of<'a>(
        &'a self,
        user: &'a User,
        id: Id,
        attribute: &'a Attribute,
    ) -> Found<'a> {
        let values = self.attribute_values(user, id, attribute);
        values.into_iter().next().unwrap_or(Found {
            value: None,
            source: "none",
        })
    }

    /// The values of an attribute for `user`: its own, its groups', and the default, in this order.
    pub(crate) fn attribute_values<'a>(
        &'a self,
        user: &'a User,
        id: Id,
        attribute: &'a Attribute,
    ) -> Vec<Found<'a>> {
        let own = user.attributes.iter().filter(|own| own.attribute == id);
        let own = own.map(|own| found(&own.value, "user"));
        let groups = self.groups_of(user).into_iter();
        let groups = groups.filter_map(|group| self.groups.at(group));
        let groups = groups.flat_map(|group| &group.attributes);
        let groups = groups.filter(|(known, _)| *known == id);
        let groups = groups.map(|(_, value)| found(value, "group"));
        let default = attribute.default_value.as_deref();
        let default = default.map(|value| found(value, "default"));
        own.chain(groups).chain(default).collect()
    }

    /// Give a user its own value for an attribute.
    pub(crate) fn set_attribute(&mut self, user: Id, attribute: Id, value: &str, from_login: bool) {
        let Some(user) = self.users.at_mut(user) else {
            return;
        };
        user.attributes.retain(|own| own.attribute != attribute);
        user.attributes.push(AttributeValue {
            attribute,
            value: value.into(),
            from_login,
        });
    }
}

const fn found<'a>(value: &'a str, source: &'static str) -> Found<'a> {
    Found {
        value: Some(value),
        source,
    }
}
