//! The decision for a user, from the desired and the known state, without requests.

use serde_json::{Value, json};

use crate::plan::change::{Action, Change, KeyChange};
use crate::plan::compare::Comparison;
use crate::plan::desired::Desired;
use crate::plan::field::{Carried, Difference, Field};
use crate::plan::known_grants::KnownGrants;
use crate::plan::observed_user::ObservedUser;
use crate::plan::refusal::Refusal;
use crate::plan::row::{KeyWish, Rules, State};
use crate::signed_url::Grants;

/// No change for `desired`, because it cannot be compared.
pub(crate) fn refuse(desired: &Desired, seen: Option<&ObservedUser>, why: Refusal) -> Change {
    Change {
        action: Action::Refused,
        refused: Some(why),
        ..Change::nothing(&desired.external_user_id, seen)
    }
}

/// Decide what to do for `desired`, which Looker shows as `seen` and whose grants are known as `known`.
pub(crate) fn decide(
    desired: &Desired,
    seen: Option<&ObservedUser>,
    known: &KnownGrants,
    rules: &Rules,
) -> Change {
    match seen {
        // A user that does not exist cannot log in either.
        None if desired.state == Some(State::Disabled) => {
            Change::nothing(&desired.external_user_id, None)
        }
        None => create(desired, &rules.defaults),
        Some(seen) => update(desired, seen, known, rules),
    }
}

/// The login that gives an existing user what `desired` names, and repeats everything else, whether or not anything changes.
/// `known` must be complete.
pub(crate) fn relogin(
    desired: &Desired,
    seen: &ObservedUser,
    known: &KnownGrants,
    rules: &Rules,
) -> Change {
    let mut change = Change::nothing(&desired.external_user_id, Some(seen));
    let comparison = Comparison::of(desired, seen, known, rules);
    change.differences = comparison.differences;
    change.login(desired, comparison.wanted, known, rules);
    change
}

/// The change of a user that exists at Looker but in no manifest.
pub(crate) fn prune(seen: &ObservedUser) -> Change {
    let mut change = Change::nothing(&seen.external_user_id, Some(seen));
    // A user that no manifest names is only disabled, never deleted: its content and history stay.
    change.switch_off();
    change
}

fn create(desired: &Desired, defaults: &Grants) -> Change {
    let mut grants = desired.grants.clone().or(defaults);
    grants.user_attributes.retain(|_, value| !value.is_empty());
    let mut change = Change::nothing(&desired.external_user_id, None);
    change.action = Action::Create;
    for (field, value) in said(&grants.not_empty()) {
        // The full login is in `login`; the differences are only what the plan prints.
        change.differences.push(Difference {
            field,
            from: Value::Null,
            to: value,
        });
    }
    change.login = Some(grants);
    change.decide_key(desired.key, false);
    change
}

fn update(desired: &Desired, seen: &ObservedUser, known: &KnownGrants, rules: &Rules) -> Change {
    let mut change = Change::nothing(&desired.external_user_id, Some(seen));
    // Only `state: present` enables a user; a row without a state leaves it disabled.
    let stays_off = seen.is_disabled && desired.state != Some(State::Present);
    let names_groups = desired.grants.group_ids.is_some();
    if seen.is_disabled && names_groups && desired.state != Some(State::Disabled) {
        return refuse(
            desired,
            Some(seen),
            groups_unseen(&desired.external_user_id),
        );
    }
    let mut comparison = Comparison::of(desired, seen, known, rules);
    if desired.state == Some(State::Disabled) {
        comparison.leave_out_grants();
    }
    change.differences = comparison.differences;
    change.edits = comparison.edits;
    if change.login_fields().next().is_some() {
        if let Some(why) = hindrance(&change, desired, known, stays_off) {
            return refuse(desired, Some(seen), why);
        }
        change.login(desired, comparison.wanted, known, rules);
    }
    if !change.differences.is_empty() {
        change.action = Action::Update;
    }
    match (seen.is_disabled, desired.state) {
        (false, Some(State::Disabled)) => change.switch_off(),
        (true, Some(State::Present)) => {
            if change.differences.is_empty() {
                change.action = Action::Enable;
            }
            change.edits.disabled = Some(false);
            change.ends_disabled = false;
            change.state("disabled", "present");
        }
        _ => {}
    }
    // A key of a user that cannot log in would be of no use.
    if !change.ends_disabled {
        change.decide_key(desired.key, seen.has_our_key || known.has_our_key);
    }
    change
}

/// A disabled user's groups cannot be compared.
fn groups_unseen(id: &str) -> Refusal {
    // belief: group-ids-are-all
    Refusal {
        reason: format!(
            "`{id}` is disabled, and Looker does not show the groups of a disabled user"
        ),
        advice: Some(format!(
            "let it in first with `embedctl users enable {id}`, or set `state` to `disabled`, which leaves its grants as they are"
        )),
    }
}

/// Why the user cannot get the login it needs.
fn hindrance(
    change: &Change,
    desired: &Desired,
    known: &KnownGrants,
    is_disabled: bool,
) -> Option<Refusal> {
    let fields: Vec<String> = change.login_fields().map(ToString::to_string).collect();
    let fields = fields.join(", ");
    // A login names every attribute it keeps; a value that Looker hides would be lost.
    let id = &desired.external_user_id;
    if is_disabled {
        return Some(Refusal {
            reason: format!("`{id}` is disabled, and {fields} can only be changed by an embed login"),
            advice: Some("add `state` to its row: `present` enables it again, `disabled` leaves its grants as they are".to_owned()),
        });
    }
    // A value that the row names is known, hidden or not.
    let named = &desired.grants.user_attributes;
    let hidden: Vec<&str> = known.hidden.iter().map(String::as_str).collect();
    let missing = hidden.into_iter().find(|name| !named.contains_key(*name))?;
    Some(Refusal {
        reason: format!(
            "{fields} can only be changed by an embed login, which may replace the value that `{id}` has for `{missing}`, and Looker hides that value"
        ),
        advice: Some(format!(
            "give the value again, as `attr.{missing}` in its row"
        )),
    })
}

impl Change {
    /// Disable the user, whatever else changes.
    fn switch_off(&mut self) {
        self.action = Action::Disable;
        self.ends_sessions = true;
        self.ends_disabled = true;
        self.edits.disabled = Some(true);
        self.state("present", "disabled");
    }

    fn state(&mut self, from: &str, to: &str) {
        let state = Difference {
            field: Field::State,
            from: json!(from),
            to: json!(to),
        };
        // First, because it decides what the others mean.
        self.differences.insert(0, state);
    }

    /// The login gives `wanted`, and repeats everything else. It takes over edits that it makes unnecessary.
    fn login(&mut self, desired: &Desired, wanted: Grants, known: &KnownGrants, rules: &Rules) {
        let named = wanted.user_attributes.clone();
        let mut grants = wanted.or(&known.grants);
        // One that is named as none is taken away; an empty one of the user's own is a value and is repeated.
        grants
            .user_attributes
            .retain(|name, value| !value.is_empty() || !named.contains_key(name));
        let changed = |field: &Field| self.differences.iter().any(|it| it.field == *field);
        let carried = said(&grants.not_empty()).into_iter();
        self.carried = carried
            // Names are repeated by every login, which tells the reader nothing.
            .filter(|(field, _)| !matches!(field, Field::FirstName | Field::LastName))
            .filter(|(field, _)| !changed(field))
            .map(|(field, value)| Carried { field, value })
            .collect();
        // A login gives values and memberships, and takes away neither a value nor a membership that an admin gave.
        self.edits.attributes.retain(|edit| edit.value.is_none());
        self.edits.join.clear();
        self.ends_sessions = true;
        // The length of the session is a matter of this login, not of the user's state.
        let length = desired.grants.session_length;
        self.login = Some(Grants {
            session_length: length.or(rules.defaults.session_length),
            ..grants
        });
    }

    fn decide_key(&mut self, wish: KeyWish, has_key: bool) {
        self.key = match wish {
            KeyWish::None => KeyChange::None,
            KeyWish::Ensure if has_key => KeyChange::None,
            // A new user has nothing to replace.
            KeyWish::Rotate if self.action != Action::Create => KeyChange::Rotate,
            KeyWish::Ensure | KeyWish::Rotate => KeyChange::Mint,
        };
        if self.key != KeyChange::None && self.action == Action::Unchanged {
            self.action = Action::Key;
        }
    }
}

/// The fields that `grants` names, with their values.
fn said(grants: &Grants) -> Vec<(Field, Value)> {
    let lists = [
        (Field::Permissions, &grants.permissions),
        (Field::Models, &grants.models),
        (Field::GroupIds, &grants.group_ids),
    ];
    let texts = [
        (Field::FirstName, &grants.first_name),
        (Field::LastName, &grants.last_name),
        (Field::ExternalGroupId, &grants.external_group_id),
        (Field::UserTimezone, &grants.user_timezone),
    ];
    let lists = lists.map(|(field, list)| Some((field, json!(list.as_ref()?))));
    let texts = texts.map(|(field, text)| Some((field, json!(text.as_ref()?))));
    let values = grants.user_attributes.iter();
    let values = values.map(|(name, value)| (Field::Attribute(name.clone()), json!(value)));
    let fixed = lists.into_iter().chain(texts).flatten();
    fixed.chain(values).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::row::KnownAttribute;

    fn list(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    fn desired() -> Desired {
        Desired {
            external_user_id: "acme-1".to_owned(),
            grants: Grants {
                first_name: Some("Ada".to_owned()),
                permissions: Some(list(&["access_data", "see_looks"])),
                models: Some(list(&["demo"])),
                external_group_id: Some("acme".to_owned()),
                user_attributes: [("region".to_owned(), "west".to_owned())].into(),
                ..Grants::default()
            },
            key: KeyWish::Ensure,
            state: Some(State::Present),
            from_cells: false,
        }
    }

    fn seen() -> ObservedUser {
        ObservedUser {
            id: "7".to_owned(),
            external_user_id: "acme-1".to_owned(),
            first_name: Some("Ada".to_owned()),
            external_group_id: Some("acme".to_owned()),
            group_ids: list(&["1", "9"]),
            has_our_key: true,
            ..ObservedUser::default()
        }
    }

    fn known() -> KnownGrants {
        KnownGrants {
            grants: Grants {
                first_name: Some("Ada".to_owned()),
                permissions: Some(list(&["see_looks", "access_data"])),
                models: Some(list(&["demo"])),
                group_ids: Some(list(&["3"])),
                external_group_id: Some("acme".to_owned()),
                user_timezone: Some("Europe/Berlin".to_owned()),
                user_attributes: [
                    ("region".to_owned(), "west".to_owned()),
                    ("tier".to_owned(), "gold".to_owned()),
                ]
                .into(),
                ..Grants::default()
            },
            ..KnownGrants::default()
        }
    }

    fn change(desired: &Desired, seen: Option<&ObservedUser>, known: &KnownGrants) -> Change {
        let attribute = |id: &str| KnownAttribute {
            id: id.to_owned(),
            kind: "string".to_owned(),
        };
        let rules = Rules {
            defaults: Grants {
                models: Some(list(&["everyone"])),
                session_length: Some(600),
                ..Grants::default()
            },
            merge: false,
            attributes: [
                ("region".to_owned(), attribute("5")),
                ("tier".to_owned(), attribute("6")),
            ]
            .into(),
        };
        decide(desired, seen, known, &rules)
    }

    #[test]
    fn a_user_that_is_as_it_should_be_is_left_alone() {
        let change = change(&desired(), Some(&seen()), &known());

        assert_eq!(change.to_string(), "= unchanged acme-1 (Looker user 7)");
    }

    #[test]
    fn a_user_that_is_not_there_is_created_with_the_defaults_for_what_is_not_named() {
        let mut desired = desired();
        desired.grants.models = None;
        let change = change(&desired, None, &KnownGrants::default());

        insta::assert_snapshot!(change, @r"
        + create acme-1
            permissions: access_data, see_looks
            models: everyone
            first_name: Ada
            external_group_id: acme
            attr.region: west
            key: minted
        ");
        assert_eq!(change.login.unwrap().session_length, Some(600));
        assert!(!change.ends_sessions);
    }

    #[test]
    fn what_takes_a_login_carries_everything_that_is_not_named() {
        let mut desired = desired();
        desired.grants = Grants {
            permissions: Some(list(&["access_data", "explore"])),
            user_attributes: [("region".to_owned(), String::new())].into(),
            ..Grants::default()
        };

        let change = change(&desired, Some(&seen()), &known());

        insta::assert_snapshot!(change, @r"
        ~ update acme-1 (Looker user 7)
            permissions: -see_looks +explore
            attr.region: west -> none
            needs a login for permissions, which ends open sessions and repeats
              models: demo
              group_ids: 3
              external_group_id: acme
              user_timezone: Europe/Berlin
              attr.tier: gold
        ");
        let login = change.login.unwrap().not_empty();
        assert_eq!(login.models, Some(list(&["demo"])));
        assert_eq!(login.user_attributes.len(), 1);
        assert_eq!(
            change.edits.attributes.len(),
            1,
            "a login takes no value away"
        );
    }

    #[test]
    fn names_groups_and_attributes_take_no_login() {
        let mut desired = desired();
        desired.grants = Grants {
            first_name: Some(String::new()),
            group_ids: Some(list(&["4"])),
            user_attributes: [("region".to_owned(), "far east".to_owned())].into(),
            ..Grants::default()
        };

        let change = change(&desired, Some(&seen()), &known());

        insta::assert_snapshot!(change, @r"
        ~ update acme-1 (Looker user 7)
            group_ids: -3 +4
            first_name: Ada -> none
            attr.region: west -> `far east`
        ");
        assert!(change.login.is_none() && !change.ends_sessions);
        assert_eq!(
            (change.edits.join, change.edits.leave),
            (list(&["4"]), list(&["3"]))
        );
    }

    #[test]
    fn what_is_not_named_is_neither_compared_nor_changed() {
        let mut desired = desired();
        desired.grants = Grants::default();
        desired.state = None;
        let off = ObservedUser {
            is_disabled: true,
            ..seen()
        };
        for seen in [&seen(), &off] {
            assert_eq!(
                change(&desired, Some(seen), &known()).action,
                Action::Unchanged
            );
        }
    }

    #[test]
    fn a_hidden_value_that_a_login_may_replace_refuses_the_row_unless_it_is_named() {
        let known = KnownGrants {
            hidden: ["secret".to_owned()].into(),
            ..known()
        };
        let mut desired = desired();
        desired.grants.models = Some(list(&["other"]));
        let refused = change(&desired, Some(&seen()), &known);
        assert!(refused.refused.unwrap().reason.contains("`secret`"));

        let value = ("secret".to_owned(), "s".to_owned());
        desired.grants.user_attributes.extend([value]);
        assert_eq!(
            change(&desired, Some(&seen()), &known).action,
            Action::Update
        );
    }

    #[test]
    fn a_key_is_minted_if_there_is_none_of_ours() {
        let mut seen = seen();
        seen.has_our_key = false;
        assert_eq!(
            change(&desired(), Some(&seen), &known()).action,
            Action::Key
        );

        let known = KnownGrants {
            has_our_key: true,
            ..known()
        };
        assert_eq!(
            change(&desired(), Some(&seen), &known).action,
            Action::Unchanged
        );

        let mut rotated = desired();
        rotated.key = KeyWish::Rotate;
        assert_eq!(change(&rotated, Some(&seen), &known).key, KeyChange::Rotate);
    }

    #[test]
    fn users_are_disabled_and_let_in_again() {
        let mut gone = desired();
        gone.state = Some(State::Disabled);
        gone.grants.models = Some(list(&["waits until it is let in"]));
        let off = ObservedUser {
            is_disabled: true,
            ..seen()
        };

        let disable = change(&gone, Some(&seen()), &known());
        assert_eq!(disable.action, Action::Disable);
        assert!(disable.ends_sessions && disable.key == KeyChange::None);
        assert_eq!(
            change(&gone, Some(&off), &known()).action,
            Action::Unchanged
        );
        assert_eq!(change(&gone, None, &known()).action, Action::Unchanged);

        let enable = change(&desired(), Some(&off), &known());
        assert_eq!(enable.action, Action::Enable);
        assert!(enable.login.is_none());

        gone.state = None;
        assert_eq!(change(&gone, Some(&off), &known()).action, Action::Refused);
    }
}
