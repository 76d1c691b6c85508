//! The decision: what is to be done for a user, from what is wanted and what is known, without asking anybody.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::plan::desired::Desired;
use crate::plan::known_grants::KnownGrants;
use crate::plan::observed_user::ObservedUser;
use crate::plan::refusal::Refusal;
use crate::plan::row::{KnownAttribute, State};
use crate::workflow::AttributeEdit;

/// What is to be done for a user.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub(crate) struct Change {
    /// In a word.
    pub(crate) action: Action,
    /// The company's id of the user.
    pub(crate) external_user_id: String,
    /// Looker's id, where the user exists.
    pub(crate) looker_user_id: Option<String>,
    /// What is not as it should be.
    pub(crate) differences: Vec<Difference>,
    /// Whether it takes an embed login, which replaces all grants.
    pub(crate) login: bool,
    /// Whether it ends the sessions that the user has open.
    pub(crate) ends_sessions: bool,
    /// What is done about keys.
    pub(crate) key: KeyChange,
    /// Values of attributes that are set or taken away by the API, where no login is needed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) attributes: Vec<AttributeEdit>,
    /// Why nothing is done, if the user cannot be compared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) refused: Option<Refusal>,
}

/// What is to be done for a user, in a word.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Action {
    /// It is made.
    Create,
    /// It is changed.
    Update,
    /// Nothing of it is changed, and it gets a key.
    Key,
    /// It can no longer log in.
    Disable,
    /// Nothing.
    Unchanged,
    /// Nothing, since it cannot be compared.
    Refused,
}

impl Action {
    /// The word for it.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Key => "key",
            Self::Disable => "disable",
            Self::Unchanged => "unchanged",
            Self::Refused => "refused",
        }
    }
}

/// What is done about the keys of a user.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum KeyChange {
    /// Nothing.
    #[default]
    None,
    /// One is minted.
    Mint,
    /// One is minted in place of those there are.
    Rotate,
}

/// Something that is not as it should be.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub(crate) struct Difference {
    /// What, as the manifest calls it.
    pub(crate) field: String,
    /// As it is; null where it is not there.
    pub(crate) from: Value,
    /// As it should be.
    pub(crate) to: Value,
}

/// Nothing is done for `desired`, which cannot be compared.
pub(crate) fn refuse(desired: &Desired, seen: Option<&ObservedUser>, why: Refusal) -> Change {
    Change {
        action: Action::Refused,
        refused: Some(why),
        ..nothing(desired, seen)
    }
}

fn nothing(desired: &Desired, seen: Option<&ObservedUser>) -> Change {
    Change {
        action: Action::Unchanged,
        external_user_id: desired.external_user_id.clone(),
        looker_user_id: seen.map(|seen| seen.id.clone()),
        differences: Vec::new(),
        login: false,
        ends_sessions: false,
        key: KeyChange::None,
        attributes: Vec::new(),
        refused: None,
    }
}

/// Decide what is to be done for `desired`, which Looker shows as `seen` and which was last given `granted`.
pub(crate) fn decide(
    desired: &Desired,
    seen: Option<&ObservedUser>,
    granted: &KnownGrants,
    attributes: &BTreeMap<String, KnownAttribute>,
) -> Change {
    let mut change = nothing(desired, seen);
    match (seen, desired.state) {
        (None, State::Present) => create(&mut change, desired),
        // A user that is not there cannot log in either.
        (None, State::Disabled) => {}
        (Some(seen), State::Disabled) if seen.is_disabled => {}
        (Some(_), State::Disabled) => {
            change.action = Action::Disable;
            change.ends_sessions = true;
            change.differs("state", json!("present"), json!("disabled"));
        }
        (Some(seen), State::Present) => update(&mut change, desired, seen, granted, attributes),
    }
    change
}

/// What is to be done for a user that is at Looker and in no manifest.
pub(crate) fn prune(seen: &ObservedUser) -> Change {
    Change {
        action: Action::Disable,
        external_user_id: seen.external_user_id.clone(),
        looker_user_id: Some(seen.id.clone()),
        differences: vec![Difference {
            field: "state".to_owned(),
            from: json!("present"),
            to: json!("disabled"),
        }],
        login: false,
        ends_sessions: true,
        key: KeyChange::None,
        attributes: Vec::new(),
        refused: None,
    }
}

fn create(change: &mut Change, desired: &Desired) {
    change.action = Action::Create;
    change.login = true;
    let grants = &desired.grants;
    let lists = [
        ("permissions", &grants.permissions),
        ("models", &grants.models),
        ("group_ids", &grants.group_ids),
    ];
    for (field, list) in lists {
        if !list.is_empty() {
            change.differs(field, Value::Null, json!(list));
        }
    }
    let texts = [
        ("first_name", &grants.first_name),
        ("last_name", &grants.last_name),
        ("external_group_id", &grants.external_group_id),
        ("user_timezone", &grants.user_timezone),
    ];
    for (field, text) in texts {
        if text.is_some() {
            change.differs(field, Value::Null, json!(text));
        }
    }
    for (name, value) in &grants.user_attributes {
        change.differs(&format!("attr.{name}"), Value::Null, json!(value));
    }
    change.wish(desired.key, false);
}

fn update(
    change: &mut Change,
    desired: &Desired,
    seen: &ObservedUser,
    granted: &KnownGrants,
    attributes: &BTreeMap<String, KnownAttribute>,
) {
    if seen.is_disabled {
        change.differs("state", json!("disabled"), json!("present"));
    }
    let grants = &desired.grants;
    let before = change.differences.len();
    change.list(
        "permissions",
        granted.permissions.as_ref(),
        &grants.permissions,
    );
    change.list("models", granted.models.as_ref(), &grants.models);
    change.groups(
        granted.group_ids.as_ref(),
        &grants.group_ids,
        &seen.group_ids,
    );
    let group = &seen.external_group_id;
    if grants.external_group_id.is_some() || granted.from_ledger {
        change.text(
            "external_group_id",
            group.as_ref(),
            grants.external_group_id.as_ref(),
        );
    }
    if let Some(zone) = &granted.user_timezone {
        change.text(
            "user_timezone",
            zone.as_ref(),
            grants.user_timezone.as_ref(),
        );
    }
    change.login = change.differences.len() > before;
    change.ends_sessions = change.login;
    // Looker keeps the names it has where the login gives none.
    for (field, is, wanted) in [
        ("first_name", &seen.first_name, &grants.first_name),
        ("last_name", &seen.last_name, &grants.last_name),
    ] {
        if wanted.is_some() {
            change.text(field, is.as_ref(), wanted.as_ref());
        }
    }
    change.attributes(granted, &grants.user_attributes, attributes);
    if !change.differences.is_empty() {
        change.action = Action::Update;
    }
    change.wish(desired.key, seen.has_our_key || granted.has_our_key);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::row::KeyWish;
    use crate::workflow::Grants;

    fn list(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    fn desired() -> Desired {
        Desired {
            external_user_id: "acme-1".to_owned(),
            grants: Grants {
                first_name: Some("Ada".to_owned()),
                permissions: list(&["access_data", "see_looks"]),
                models: list(&["demo"]),
                external_group_id: Some("acme".to_owned()),
                user_attributes: [("region".to_owned(), "west".to_owned())].into(),
                session_length: 300,
                ..Grants::default()
            },
            key: KeyWish::Ensure,
            state: State::Present,
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

    fn granted() -> KnownGrants {
        KnownGrants {
            from_ledger: true,
            permissions: Some(list(&["see_looks", "access_data"])),
            models: Some(list(&["demo"])),
            group_ids: Some(Vec::new()),
            user_timezone: Some(None),
            attributes: Some([("region".to_owned(), Some("west".to_owned()))].into()),
            has_our_key: false,
        }
    }

    fn attributes() -> BTreeMap<String, KnownAttribute> {
        let attribute = |id: &str| KnownAttribute {
            id: id.to_owned(),
            kind: "string".to_owned(),
        };
        [
            ("region".to_owned(), attribute("5")),
            ("tier".to_owned(), attribute("6")),
        ]
        .into()
    }

    fn change(desired: &Desired, seen: Option<&ObservedUser>, granted: &KnownGrants) -> Change {
        decide(desired, seen, granted, &attributes())
    }

    #[test]
    fn a_user_that_is_as_it_should_be_is_left_alone() {
        let change = change(&desired(), Some(&seen()), &granted());

        assert_eq!(change.action, Action::Unchanged);
        assert_eq!(change.to_string(), "= unchanged acme-1 (Looker user 7)");
    }

    #[test]
    fn a_user_that_is_not_there_is_made_with_all_it_should_have() {
        let change = change(&desired(), None, &KnownGrants::default());

        insta::assert_snapshot!(change, @r"
        + create acme-1
            permissions: access_data, see_looks
            models: demo
            first_name: Ada
            external_group_id: acme
            attr.region: west
            key: minted
        ");
        assert!(change.login && !change.ends_sessions);
    }

    #[test]
    fn other_permissions_take_a_login_which_ends_sessions_and_carries_the_rest() {
        let mut desired = desired();
        desired.grants.permissions = list(&["access_data", "explore"]);
        desired.grants.first_name = Some("Grace".to_owned());
        desired.grants.user_attributes = [("tier".to_owned(), "gold".to_owned())].into();

        let change = change(&desired, Some(&seen()), &granted());

        insta::assert_snapshot!(change, @r"
        ~ update acme-1 (Looker user 7), ends its sessions
            permissions: -see_looks +explore
            first_name: Ada -> Grace
            attr.tier: gold
            attr.region: west -> none
        ");
        let names: Vec<_> = change.attributes.iter().map(|edit| &*edit.name).collect();
        assert_eq!(
            names,
            ["region"],
            "a login gives values and takes none away"
        );
    }

    #[test]
    fn attributes_and_names_alone_take_no_login() {
        let mut desired = desired();
        desired.grants.first_name = Some("Grace".to_owned());
        desired.grants.user_attributes = [("region".to_owned(), "far east".to_owned())].into();

        let change = change(&desired, Some(&seen()), &granted());

        insta::assert_snapshot!(change, @r"
        ~ update acme-1 (Looker user 7)
            first_name: Ada -> Grace
            attr.region: west -> `far east`
        ");
        assert!(!change.login);
        assert_eq!(change.attributes.len(), 1);
    }

    #[test]
    fn a_group_that_looker_no_longer_shows_is_noticed() {
        let mut desired = desired();
        desired.grants.group_ids = list(&["2"]);
        let granted = KnownGrants {
            group_ids: Some(list(&["2"])),
            ..granted()
        };

        let change = change(&desired, Some(&seen()), &granted);

        assert_eq!(change.action, Action::Update);
        assert!(change.login);
    }

    #[test]
    fn what_nobody_knows_is_not_compared() {
        let unknown = KnownGrants::default();

        let change = change(&desired(), Some(&seen()), &unknown);

        assert_eq!(change.action, Action::Unchanged);
    }

    #[test]
    fn attributes_of_others_are_left_alone() {
        let mut granted = granted();
        granted.from_ledger = false;
        granted.attributes = Some(
            [
                ("region".to_owned(), Some("west".to_owned())),
                ("tier".to_owned(), Some("gold".to_owned())),
            ]
            .into(),
        );

        let change = change(&desired(), Some(&seen()), &granted);

        assert_eq!(change.action, Action::Unchanged);
    }

    #[test]
    fn a_key_is_minted_where_there_is_none_of_ours() {
        let mut seen = seen();
        seen.has_our_key = false;
        assert_eq!(
            change(&desired(), Some(&seen), &granted()).action,
            Action::Key
        );

        let known = KnownGrants {
            has_our_key: true,
            ..granted()
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
        gone.state = State::Disabled;
        let off = ObservedUser {
            is_disabled: true,
            ..seen()
        };

        let disable = change(&gone, Some(&seen()), &granted());
        assert_eq!(disable.action, Action::Disable);
        assert!(disable.ends_sessions && disable.key == KeyChange::None);
        assert_eq!(
            change(&gone, Some(&off), &granted()).action,
            Action::Unchanged
        );
        assert_eq!(change(&gone, None, &granted()).action, Action::Unchanged);

        let enable = change(&desired(), Some(&off), &granted());
        assert_eq!(enable.action, Action::Update);
        assert!(!enable.login);
    }
}
