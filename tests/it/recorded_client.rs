//! What real Lookers were recorded to answer, as the client reads it: nothing is lost, and nothing is taken for another.

use embedctl::looker::{
    Api3Key, AttributeValue, EmbedConfig, Group, ModelSet, Origin, PermissionSet, Role, Session,
    User, UserAttribute,
};
use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::recorded::exchanges;

/// The recorded bodies of some operations, one thing each, with the line they come from.
fn things(operations: &[&str]) -> Vec<(u32, Value)> {
    let exchanges = exchanges().into_iter();
    let wanted = exchanges.filter(|one| operations.contains(&one.operation.as_str()));
    let things = wanted.flat_map(|exchange| {
        let things = match exchange.body {
            Value::Array(things) => things,
            Value::Object(fields) if fields.contains_key("message") => Vec::new(),
            thing => vec![thing],
        };
        things.into_iter().map(move |thing| (exchange.line, thing))
    });
    let things: Vec<(u32, Value)> = things.collect();
    assert!(!things.is_empty(), "{operations:?}");
    things
}

#[track_caller]
fn read<T: DeserializeOwned>(line: u32, thing: &Value) -> T {
    let read = serde_json::from_value(thing.clone());
    read.unwrap_or_else(|error| panic!("{line}: {error}: {thing}"))
}

/// Compare a field that was read with the recorded one, if that is there. An empty text and `null` are nothing.
#[track_caller]
fn same(line: u32, thing: &Value, name: &str, read: impl Into<Value>) {
    let read = read.into();
    let nothing = |value: &Value| *value == json!("") || value.is_null();
    let Some(recorded) = thing.get(name) else {
        return;
    };
    let both_nothing = nothing(recorded) && nothing(&read);
    assert!(
        both_nothing || *recorded == read,
        "{line}: {name}: {read} of {recorded}"
    );
}

#[track_caller]
fn same_time(line: u32, recorded: &Value, read: Option<Timestamp>) {
    let recorded: Timestamp = recorded.as_str().unwrap().parse().unwrap();
    assert_eq!(read, Some(recorded), "{line}");
}

#[test]
fn users_are_read_as_recorded() {
    let operations = [
        "create_user",
        "user",
        "update_user",
        "all_users",
        "search_users",
        "add_group_user",
    ];
    for (line, thing) in things(&operations) {
        let user: User = read(line, &thing);
        for (name, read) in [
            ("id", json!(user.id)),
            ("first_name", json!(user.first_name)),
            ("last_name", json!(user.last_name)),
            ("display_name", json!(user.display_name)),
            ("email", json!(user.email)),
            ("is_disabled", json!(user.is_disabled)),
            ("group_ids", json!(user.group_ids)),
            ("role_ids", json!(user.role_ids)),
            ("personal_folder_id", json!(user.personal_folder_id)),
            ("home_folder_id", json!(user.home_folder_id)),
            ("embed_group_folder_id", json!(user.embed_group_folder_id)),
            ("locale", json!(user.locale)),
            ("ui_state", json!(user.ui_state)),
        ] {
            same(line, &thing, name, read);
        }
        assert_eq!(user.external_user_id(), None);
        assert!(!user.is_service_account);
        let keys = user.credentials_api3.unwrap();
        let recorded = thing["credentials_api3"].as_array().unwrap();
        assert_eq!(keys.len(), recorded.len(), "{line}");
        for (key, recorded) in keys.iter().zip(recorded) {
            compare_key(line, recorded, key);
        }
    }
}

fn compare_key(line: u32, thing: &Value, key: &Api3Key) {
    same(line, thing, "id", json!(key.id));
    same(line, thing, "client_id", json!(key.client_id));
    same(line, thing, "is_disabled", json!(key.is_disabled));
    assert_eq!(key.purpose, None);
    same_time(line, &thing["created_at"], key.created_at.known());
}

#[test]
fn keys_are_read_as_recorded() {
    let operations = ["create_user_credentials_api3", "user_credentials_api3"];
    for (line, thing) in things(&operations) {
        compare_key(line, &thing, &read(line, &thing));
    }
    // Line 151, of 2019: with the offset of the server, and a number for an id.
    let thing = json!({
        "id": 1, "client_id": "abcdefghijklmnopqrst", "created_at": "2018-03-15T13:16:34.692-07:00",
        "type": "api3", "is_disabled": false, "can": {},
    });
    let key: Api3Key = read(151, &thing);
    assert_eq!(key.id, "1");
    same_time(151, &thing["created_at"], key.created_at.known());
}

/// Line 149, of 2016, which holds the only recorded session.
#[test]
fn a_session_is_read_as_recorded() {
    let thing = json!({
        "id": 17809, "ip_address": "192.0.2.1", "browser": "Chrome", "credentials_type": "email",
        "extended_count": null, "extended_at": null, "sudo_user_id": null,
        "created_at": "2016-10-24T04:25:31.910+00:00", "expires_at": "2016-11-23T04:25:31.907+00:00",
        "url": "https://localhost:19999/api/3.0/users/3801/sessions/17809", "can": {},
    });

    let session: Session = read(149, &thing);

    assert_eq!(session.id, "17809");
    assert_eq!(json!(session.credentials_type), "email");
    assert_eq!(json!(session.sudo_user_id), Value::Null);
    same_time(149, &thing["created_at"], session.created_at.known());
    same_time(149, &thing["expires_at"], session.expires_at.known());
}

#[test]
fn groups_are_read_as_recorded() {
    let operations = [
        "search_groups",
        "create_group",
        "group",
        "set_role_groups",
        "role_groups",
    ];
    for (line, thing) in things(&operations) {
        let group: Group = read(line, &thing);
        for (name, read) in [
            ("id", json!(group.id)),
            ("name", json!(group.name)),
            ("external_group_id", json!(group.external_group_id)),
            ("include_by_default", json!(group.include_by_default)),
            ("user_count", json!(group.user_count)),
        ] {
            same(line, &thing, name, read);
        }
    }
}

#[test]
fn roles_and_their_sets_are_read_as_recorded() {
    for (line, thing) in things(&["search_roles", "create_role", "role", "user_roles"]) {
        let role: Role = read(line, &thing);
        same(line, &thing, "id", json!(role.id));
        same(line, &thing, "name", json!(role.name));
        compare_permissions(
            line,
            &thing["permission_set"],
            &role.permission_set.unwrap(),
        );
        compare_models(line, &thing["model_set"], &role.model_set.unwrap());
    }
    for (line, thing) in things(&["search_permission_sets", "create_permission_set"]) {
        compare_permissions(line, &thing, &read(line, &thing));
    }
    for (line, thing) in things(&["search_model_sets", "create_model_set"]) {
        compare_models(line, &thing, &read(line, &thing));
    }
}

fn compare_permissions(line: u32, thing: &Value, set: &PermissionSet) {
    same(line, thing, "id", json!(set.id));
    same(line, thing, "name", json!(set.name));
    same(line, thing, "permissions", json!(set.permissions));
    same(line, thing, "all_access", json!(set.all_access));
}

fn compare_models(line: u32, thing: &Value, set: &ModelSet) {
    same(line, thing, "id", json!(set.id));
    same(line, thing, "name", json!(set.name));
    same(line, thing, "models", json!(set.models));
    same(line, thing, "all_access", json!(set.all_access));
}

#[test]
fn attributes_and_their_values_are_read_as_recorded() {
    for (line, thing) in things(&["user_attribute"]) {
        let attribute: UserAttribute = read(line, &thing);
        for (name, read) in [
            ("id", json!(attribute.id)),
            ("name", json!(attribute.name)),
            ("label", json!(attribute.label)),
            ("type", json!(attribute.kind)),
            ("value_is_hidden", json!(attribute.value_is_hidden)),
            ("is_system", json!(attribute.is_system)),
        ] {
            same(line, &thing, name, read);
        }
    }
    for (line, thing) in things(&[
        "user_attribute_user_values",
        "set_user_attribute_user_value",
    ]) {
        let value: AttributeValue = read(line, &thing);
        for (name, read) in [
            ("user_attribute_id", json!(value.user_attribute_id)),
            ("name", json!(value.name)),
            ("value", json!(value.value)),
            ("value_is_hidden", json!(value.value_is_hidden)),
            ("source", json!(value.source)),
        ] {
            same(line, &thing, name, read);
        }
    }
}

/// Whose the values of lines 56 to 58 are, by the id of the attribute, as a person reads the recording.
const WHOSE: [(&str, Origin); 19] = [
    ("1", Origin::Elsewhere),
    ("2", Origin::Elsewhere),
    ("3", Origin::Elsewhere),
    ("4", Origin::Elsewhere),
    ("5", Origin::Elsewhere),
    ("6", Origin::Elsewhere),
    ("7", Origin::Elsewhere),
    ("8", Origin::Elsewhere),
    ("9", Origin::Elsewhere),
    ("10", Origin::Elsewhere),
    ("11", Origin::Elsewhere),
    ("12", Origin::Elsewhere),
    ("13", Origin::Elsewhere),
    ("16", Origin::Elsewhere),
    ("63", Origin::Elsewhere),
    ("74", Origin::Elsewhere),
    ("708", Origin::Elsewhere),
    ("720", Origin::Elsewhere),
    ("732", Origin::Own),
];

#[test]
fn whose_a_recorded_value_is_is_known_and_a_broken_word_makes_it_unknown() {
    let operations = [
        "user_attribute_user_values",
        "set_user_attribute_user_value",
    ];
    let things = things(&operations);
    for (id, whose) in WHOSE {
        let of_id = things
            .iter()
            .filter(|(_, thing)| thing["user_attribute_id"] == id);
        let mut seen = 0;
        for (line, thing) in of_id {
            let value: AttributeValue = read(*line, thing);
            assert_eq!(value.origin(), whose, "{line}: {thing}");
            let word = thing["source"].as_str().unwrap();
            for broken in [
                word.to_lowercase(),
                format!("{word} "),
                word.replace(' ', "_") + "_",
                String::new(),
            ] {
                let mut thing = thing.clone();
                thing["source"] = json!(broken);
                let value: AttributeValue = read(*line, &thing);
                assert_eq!(value.origin(), Origin::Unknown, "{line}: {thing}");
            }
            seen += 1;
        }
        assert!(seen >= 2, "attribute {id} was recorded {seen} times");
    }
    let known: Vec<&str> = WHOSE.iter().map(|(id, _)| *id).collect();
    for (line, thing) in things {
        let id = thing["user_attribute_id"].as_str().unwrap();
        assert!(known.contains(&id), "{line}: {thing}");
    }
}

/// Line 148, of a release before 26.10, which does not tell the permissions of embed users.
#[test]
fn the_settings_of_embedding_are_read_as_recorded() {
    for (line, thing) in things(&["get_setting"]) {
        let embed = &thing["embed_config"];
        let config: EmbedConfig = read(line, embed);
        same(line, embed, "embed_enabled", json!(config.embed_enabled));
        same(
            line,
            embed,
            "sso_auth_enabled",
            json!(config.sso_auth_enabled),
        );
        same(
            line,
            embed,
            "embed_cookieless_v2",
            json!(config.embed_cookieless_v2),
        );
        same(
            line,
            embed,
            "domain_allowlist",
            json!(config.domain_allowlist),
        );
        assert!(config.embed_permissions().is_none());
    }
}
