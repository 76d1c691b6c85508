//! What exists on an instance: models, permissions, groups and attributes, of which Looker silently accepts unknown ones.

use std::collections::{BTreeMap, BTreeSet};

use crate::manifest::spelling::squashed;
use crate::permissions::Permissions;
use crate::plan::{GroupName, GroupUnknown, KnownAttribute};
use crate::report::nearest;
use crate::signed_url::Grants;

/// What exists on an instance; `None` if Looker could not be asked.
#[derive(Clone, Debug, Default)]
pub(crate) struct Known {
    /// The names of LookML models.
    pub(crate) models: Option<BTreeSet<String>>,
    /// The permissions that embed users may have.
    pub(crate) permissions: Option<Permissions>,
    /// The names of groups, by Looker's id.
    pub(crate) groups: Option<BTreeMap<String, String>>,
    /// The user attributes, by name.
    pub(crate) attributes: Option<BTreeMap<String, KnownAttribute>>,
    /// Whether users may have their own time zone.
    pub(crate) user_timezones: Option<bool>,
}

impl Known {
    /// The problem with a model's name, if any.
    pub(crate) fn model(&self, name: &str) -> Option<String> {
        // Looker has no such model, but people try it.
        if name.eq_ignore_ascii_case("all") && self.models.is_some() {
            return Some(format!("`{name}` is not a model; name each model"));
        }
        unknown("model", name, self.models.as_ref()?.iter())
    }

    /// The problem with a permission, if any.
    pub(crate) fn permission(&self, name: &str) -> Option<String> {
        let concern = self.permissions.as_ref()?.judge(name)?;
        concern.refused.then_some(concern.message)
    }

    /// Permissions of a user that are probably a mistake.
    pub(super) fn doubts(&self, permissions: &[String], in_groups: bool) -> Vec<String> {
        let Some(known) = &self.permissions else {
            return Vec::new();
        };
        let names = || permissions.iter().map(String::as_str);
        let doubts = names().filter_map(|name| known.judge(name));
        let doubts = doubts.filter(|concern| !concern.refused);
        let advice = known.advice(names(), in_groups);
        doubts
            .chain(advice)
            .map(|concern| concern.message)
            .collect()
    }

    /// The same grants, with groups by their ids.
    pub(crate) fn by_id(&self, mut grants: Grants) -> Grants {
        let groups = self.groups.iter().flatten();
        let groups = groups.map(|(id, name)| (&**id, &**name));
        if let Some(named) = &mut grants.group_ids {
            GroupName::to_ids(named, &groups);
        }
        grants
    }

    /// The problem with a group's id or name, if any.
    pub(crate) fn group(&self, named: &str) -> Option<String> {
        let groups = self.groups.as_ref()?;
        // belief: unknown-group-in-login
        match GroupName::of(named).among(groups.iter().map(|(id, name)| (&**id, &**name))) {
            Ok(_) => None,
            Err(GroupUnknown::None) => unknown("group", named, groups.values()),
            Err(GroupUnknown::Several(ids)) => Some(format!(
                "several groups are called `{named}`; name one by its id: {}",
                ids.join(", ")
            )),
        }
    }

    /// The problem with an attribute's name, if any.
    pub(crate) fn attribute(&self, name: &str) -> Option<String> {
        unknown("user attribute", name, self.attributes.as_ref()?.keys())
    }

    /// The attribute whose name is `name`, or only differs from it by case and by what people put between words.
    pub(super) fn spelling(&self, name: &str) -> Option<&str> {
        let attributes = self.attributes.as_ref()?;
        if let Some((name, _)) = attributes.get_key_value(name) {
            return Some(name);
        }
        let wanted = squashed(name);
        let mut alike = attributes.keys().filter(|name| squashed(name) == wanted);
        // Of two that are so alike, only the exact name says which is meant.
        alike
            .next()
            .filter(|_| alike.next().is_none())
            .map(String::as_str)
    }

    /// The type of an attribute; empty if it is not known.
    pub(crate) fn kind(&self, attribute: &str) -> &str {
        let attributes = self.attributes.as_ref();
        let attribute = attributes.and_then(|attributes| attributes.get(attribute));
        attribute.map_or("", |attribute| &attribute.kind)
    }
}

fn unknown<'a>(
    what: &str,
    name: &str,
    known: impl Iterator<Item = &'a String> + Clone,
) -> Option<String> {
    if known.clone().any(|known| known == name) {
        return None;
    }
    let meant = nearest(name, known.map(String::as_str));
    let meant = meant.map(|meant| format!("; did you mean `{meant}`?"));
    Some(format!(
        "there is no {what} `{name}`{}",
        meant.unwrap_or_default()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known() -> Known {
        let set = |names: &[&str]| Some(names.iter().map(|name| (*name).to_owned()).collect());
        let attribute = |kind: &str| KnownAttribute {
            id: "1".to_owned(),
            kind: kind.to_owned(),
        };
        Known {
            models: set(&["orders", "thelook"]),
            permissions: Permissions::of_embed_tree(
                &serde_json::json!({ "access_data": ["see_looks"] }),
            ),
            groups: Some([("7".to_owned(), "Acme".to_owned())].into()),
            attributes: Some(
                [
                    ("region".to_owned(), attribute("string")),
                    ("customer_id".to_owned(), attribute("number")),
                ]
                .into(),
            ),
            user_timezones: None,
        }
    }

    #[test]
    fn what_is_known_is_fine_and_the_nearest_name_is_told_for_what_is_not() {
        let known = known();

        assert_eq!(known.model("orders"), None);
        assert_eq!(
            known.model("order").unwrap(),
            "there is no model `order`; did you mean `orders`?"
        );
        assert_eq!(
            known.model("all").unwrap(),
            "`all` is not a model; name each model"
        );
        assert_eq!(
            known.permission("see_look").unwrap(),
            "unknown embed permission `see_look`; did you mean `see_looks`?"
        );
        assert_eq!(known.group("Acme"), None);
        assert_eq!(known.group("7"), None);
        assert_eq!(
            known.group("acme").unwrap(),
            "there is no group `acme`; did you mean `Acme`?"
        );
        assert_eq!(known.group("8").unwrap(), "there is no group `8`");
    }

    #[test]
    fn an_attribute_is_found_by_what_people_call_it_unless_two_are_called_so() {
        let mut known = known();

        assert_eq!(known.spelling("Region"), Some("region"));
        assert_eq!(known.spelling("Customer ID"), Some("customer_id"));
        assert_eq!(known.spelling("customers"), None);
        assert_eq!((known.kind("customer_id"), known.kind("x")), ("number", ""));

        let attributes = known.attributes.as_mut().unwrap();
        attributes.insert("REGION".to_owned(), KnownAttribute::default());
        assert_eq!(known.spelling("Region"), None);
        assert_eq!(known.spelling("REGION"), Some("REGION"));
    }

    #[test]
    fn where_nobody_could_be_asked_everything_is_fine() {
        let known = Known::default();

        assert_eq!(known.model("x"), None);
        assert_eq!(known.group("x"), None);
        assert_eq!(known.spelling("x"), None);
    }
}
