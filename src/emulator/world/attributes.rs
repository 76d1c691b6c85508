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
    /// The groups that were given a value, the one that wins first.
    pub(crate) group_order: Vec<Id>,
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

/// Where a value comes from.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Origin {
    /// The user has it of its own.
    User,
    /// A group that the user is in.
    Group(Id),
    /// The attribute's default.
    Default,
    /// Looker itself, which knows the user's name and ids.
    System,
    /// There is no value.
    Nothing,
}

/// The value a user has for an attribute, and where it comes from.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) value: String,
    pub(crate) origin: Origin,
}

impl World {
    /// The value of an attribute for `user`: the first of [`Self::attribute_values`].
    pub(crate) fn attribute_of(&self, user: (Id, &User), id: Id, attribute: &Attribute) -> Found {
        let values = self.attribute_values(user, id, attribute);
        let nothing = || found("", Origin::Nothing);
        values.into_iter().next().unwrap_or_else(nothing)
    }

    /// The values of an attribute for `user`: what Looker itself knows, or else the user's own, its groups', and the
    /// default, in this order.
    pub(crate) fn attribute_values(
        &self,
        (user_id, user): (Id, &User),
        id: Id,
        attribute: &Attribute,
    ) -> Vec<Found> {
        // A system value wins over everything.
        if let Some(value) = attribute.system_value(user_id, user) {
            return vec![found(&value, Origin::System)];
        }
        let own = user.own_value(id, attribute).into_iter();
        let own = own.map(|value| found(value, Origin::User));
        let values = self.group_values(self.groups_of(user), id, attribute);
        let values = values.into_iter();
        let values = values.map(|(group, value)| found(value, Origin::Group(group)));
        let default = attribute.default_value.as_deref();
        let default = default.map(|value| found(value, Origin::Default));
        // In the order in which Looker decides: the first one counts.
        own.chain(values).chain(default).collect()
    }

    /// The values that some of `groups` have for an attribute, the one that wins first.
    pub(crate) fn group_values(
        &self,
        groups: Vec<Id>,
        id: Id,
        attribute: &Attribute,
    ) -> Vec<(Id, &str)> {
        let mut groups = groups;
        let order = &attribute.group_order;
        let place = |group: &Id| order.iter().position(|known| known == group);
        // A group without a place comes last, by its id.
        groups.sort_by_key(|group| (place(group).unwrap_or(usize::MAX), *group));
        let values = groups.into_iter().filter_map(|group| {
            let mut of_group = self.groups.at(group)?.attributes.iter();
            let (_, value) = of_group.find(|(known, _)| *known == id)?;
            Some((group, value.as_str()))
        });
        values.collect()
    }

    /// Give a user its own value for an attribute.
    pub(crate) fn set_attribute(&mut self, user: Id, attribute: Id, value: &str, from_login: bool) {
        // One value per user and attribute.
        self.unset_attribute(user, attribute);
        let Some(user) = self.users.at_mut(user) else {
            return;
        };
        user.attributes.push(AttributeValue {
            attribute,
            value: value.into(),
            from_login,
        });
    }
}

impl World {
    /// Take a user's own value of an attribute away; false if there is none.
    pub(crate) fn unset_attribute(&mut self, user: Id, attribute: Id) -> bool {
        let is_locale = self.attributes.0.at(attribute);
        // The locale is kept on the user, not among its values.
        let is_locale = is_locale.is_some_and(Attribute::is_locale);
        let Some(user) = self.users.at_mut(user) else {
            return false;
        };
        let before = user.attributes.len();
        user.attributes.retain(|own| own.attribute != attribute);
        let locale = is_locale && user.locale.take().is_some();
        user.attributes.len() < before || locale
    }

    /// Take an attribute away, with the values that users and groups have for it.
    pub(crate) fn remove_attribute(&mut self, id: Id) {
        self.attributes.0.remove(id);
        let users: Vec<Id> = self.users.table.iter().map(|(id, _)| id).collect();
        for user in users {
            self.unset_attribute(user, id);
        }
        let groups: Vec<Id> = self.groups.table.iter().map(|(id, _)| id).collect();
        for group in groups.into_iter() {
            if let Some(group) = self.groups.table.at_mut(group) {
                group.attributes.retain(|(known, _)| *known != id);
            }
        }
    }

    /// The attribute that holds the locale of a user.
    pub(crate) fn locale_attribute(&self) -> Option<(Id, &Attribute)> {
        let mut attributes = self.attributes.0.iter();
        attributes.find(|(_, attribute)| attribute.is_locale())
    }
}

fn found(value: &str, origin: Origin) -> Found {
    Found {
        value: value.to_owned(),
        origin,
    }
}

impl User {
    /// The user's own value of an attribute. That of `locale` is the locale of the user, whichever way it was given.
    fn own_value(&self, id: Id, attribute: &Attribute) -> Option<&str> {
        let mut own = self.attributes.iter().filter(|own| own.attribute == id);
        let locale = self.locale.as_deref().filter(|_| attribute.is_locale());
        own.next().map(|own| &*own.value).or(locale)
    }
}

impl Attribute {
    /// What Looker itself knows about a user under the name of this attribute; it cannot be set for a single user.
    /// Recorded: ten of the attributes of a new instance have the source of such values, with an empty text if
    /// there is nothing.
    fn system_value(&self, id: Id, user: &User) -> Option<String> {
        let text = |text: &Option<Box<str>>| text.as_deref().unwrap_or_default().to_owned();
        match self.name.as_str() {
            _ if !self.is_system => None,
            "first_name" => Some(text(&user.first_name)),
            "last_name" => Some(text(&user.last_name)),
            "email" => Some(text(&user.email)),
            "name" => Some(user.display_name()),
            "id" => Some(id.to_string()),
            "timezone" | "ldap_user_id" | "saml_user_id" | "google_user_id" | "oidc_user_id" => {
                Some(String::new())
            }
            _ => None,
        }
    }

    /// Whether its value can be set for one user.
    pub(crate) fn can_be_set(&self) -> bool {
        self.system_value(0, &User::default()).is_none()
    }

    /// Whether it is the locale of users, which shows in the user too.
    fn is_locale(&self) -> bool {
        self.is_system && self.name == "locale"
    }
}

/// The user attributes of every instance, with the ids 1 to 13, as a new one was recorded to have them: name, label,
/// default, and whether users may edit them.
const SYSTEM: &[(&str, &str, Option<&str>, bool)] = &[
    ("first_name", "First Name", None, true),
    ("last_name", "Last Name", None, true),
    ("email", "Email", None, false),
    ("name", "Full Name", None, true),
    ("timezone", "Timezone", None, true),
    ("id", "Looker User ID", None, false),
    ("ldap_user_id", "LDAP External User ID", None, false),
    ("saml_user_id", "Saml External User ID", None, false),
    (
        "google_user_id",
        "Google Auth External User ID",
        None,
        false,
    ),
    (
        "oidc_user_id",
        "OpenID Connect External User ID",
        None,
        false,
    ),
    ("locale", "Locale", Some("en"), false),
    ("number_format", "Number Format", Some("1,234.56"), false),
    ("landing_page", "Landing Page", Some("/browse"), true),
];

impl Attributes {
    /// The attributes of every instance, and those of the demo.
    pub(crate) fn demo() -> Self {
        let mut table = Table::default();
        for (name, label, default, user_can_edit) in SYSTEM {
            table.insert(Attribute {
                name: (*name).to_owned(),
                label: (*label).to_owned(),
                kind: "string".to_owned(),
                default_value: default.map(ToOwned::to_owned),
                is_system: true,
                user_can_view: true,
                user_can_edit: *user_can_edit,
                ..Attribute::default()
            });
        }
        for (name, label, kind, value_is_hidden) in [
            ("region", "Region", "string", false),
            ("customer_id", "Customer Id", "number", false),
            ("api_token", "Api Token", "string", true),
        ] {
            table.insert(Attribute {
                name: name.to_owned(),
                label: label.to_owned(),
                kind: kind.to_owned(),
                value_is_hidden,
                user_can_view: !value_is_hidden,
                ..Attribute::default()
            });
        }
        Self(table)
    }
}
