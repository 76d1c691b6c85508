//! A manifest changes what it names and nothing else, and the plan says just what changes: generated worlds and
//! manifests, compared field by field with the state of the local Looker.

use std::collections::{BTreeMap, BTreeSet};

use embedctl::emulator::{Options, State};
use serde_json::{Map, Value, json};

use crate::support::Sandbox;

/// Numbers that look random and are the same each time (Lehmer's generator with the multiplier of Steele and Vigna).
pub(crate) struct Dice(u128);

impl Dice {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(((seed as u128) << 1) | 1)
    }

    /// A number below `sides`.
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(0xda94_2042_e4dd_58b5);
        u64::try_from(self.0 >> 64).unwrap() % sides
    }

    fn chance(&mut self, percent: u64) -> bool {
        self.roll(100) < percent
    }

    /// One of `choices`.
    fn of<'a>(&mut self, choices: &[&'a str]) -> &'a str {
        choices[usize::try_from(self.roll(choices.len() as u64)).unwrap()]
    }

    /// Some of `choices`.
    fn some(&mut self, choices: &[&str]) -> Vec<String> {
        let mut some: Vec<_> = choices.iter().map(|it| (*it).to_owned()).collect();
        some.retain(|_| self.chance(50));
        some
    }
}

const PERMISSIONS: [&str; 4] = ["access_data", "see_looks", "see_user_dashboards", "explore"];
const GROUPS: [&str; 3] = ["60", "61", "62"];
const ATTRIBUTES: [&str; 3] = ["region", "plan", "note"];
const NAMES: [&str; 3] = ["Ada", "Grace", "Katherine"];
const EXTERNAL: [&str; 2] = ["acme", "umbrella"];

/// A Looker with so many embed users, of which some may be disabled and the last has a value that Looker hides.
pub(crate) fn world(dice: &mut Dice, many: u64) -> Value {
    let users: Vec<Value> = (1..=many)
        .map(|number| {
            let mut user = json!({ "id": 100 + number, "external_user_id": format!("acme-{number}") });
            if dice.chance(70) {
                user["first_name"] = json!(dice.of(&NAMES));
            }
            user["is_disabled"] = json!(dice.chance(15));
            let mut login = json!({
                "permissions": dice.some(&PERMISSIONS), "models": dice.some(&["demo", "other"]),
                "groups": dice.some(&GROUPS).iter().map(|id| id.parse::<u64>().unwrap()).collect::<Vec<_>>(),
            });
            if login["permissions"].as_array().unwrap().is_empty() {
                login["permissions"] = json!(["access_data"]);
            }
            if dice.chance(60) {
                login["external_group_id"] = json!(dice.of(&EXTERNAL));
            }
            let values = ATTRIBUTES.map(|name| (name, dice.of(&["west", "east", "far north"])));
            let values: Map<String, Value> = values
                .into_iter()
                .filter(|_| dice.chance(60))
                .map(|(name, value)| (name.to_owned(), json!(value)))
                .collect();
            login["user_attributes"] = json!(values);
            if number == many {
                login["user_attributes"]["api_token"] = json!("hidden from everybody");
            }
            // Those that an admin gave stay when a login names others.
            if dice.chance(50) {
                user["groups"] = login["groups"].clone();
            }
            user["login"] = login;
            user
        })
        .collect();
    json!({
        "models": [{ "name": "demo" }, { "name": "other" }],
        "user_attributes": [
            { "id": 30, "name": "plan", "label": "Plan", "type": "string" },
            { "id": 31, "name": "note", "label": "Note", "type": "string" },
        ],
        "groups": [
            { "id": 60, "name": "Sixty" }, { "id": 61, "name": "Sixty-one" }, { "id": 62, "name": "Sixty-two" },
        ],
        "users": users,
    })
}

/// A row for most users, and for one that is not there; each names its own fields.
fn manifest(dice: &mut Dice) -> Vec<Value> {
    (1..=9)
        .filter_map(|number| {
            let mut row = json!({ "external_user_id": format!("acme-{number}") });
            let mut name = |field: &str, percent, value: Value| {
                if dice.chance(percent) {
                    row[field] = match dice.chance(15) {
                        true => Value::Null,
                        false => value,
                    };
                }
                dice.roll(7)
            };
            let luck = name("first_name", 30, json!("Mary"));
            name("models", 20, json!(["demo"]));
            name("permissions", 20, json!(["access_data", "explore"]));
            name("group_ids", 30, json!(["60", "Sixty-two"]));
            name("external_group_id", 15, json!("acme"));
            if luck > 2 {
                let mut values = Map::new();
                for attribute in ATTRIBUTES {
                    if dice.chance(40) {
                        let value = dice.of(&["west", "east", ""]);
                        let value = (!value.is_empty()).then_some(value);
                        values.insert(attribute.to_owned(), json!(value));
                    }
                }
                row["user_attributes"] = json!(values);
            }
            if dice.chance(20) {
                row["state"] = json!(dice.of(&["present", "disabled"]));
            }
            if dice.chance(30) {
                row["key"] = json!(dice.of(&["none", "ensure"]));
            }
            dice.chance(90).then_some(row)
        })
        .collect()
}

/// A user as the local Looker has it, in the words of a manifest: sets are sorted, and what is not there is null. What
/// changes by itself (sessions, the time of the last login) is left out.
fn user(state: &Value) -> BTreeMap<String, Value> {
    let login = &state["login"];
    let list = |value: &Value| -> BTreeSet<String> {
        let items = value.as_array().into_iter().flatten();
        items
            .map(|it| it.as_str().map_or_else(|| it.to_string(), str::to_owned))
            .collect()
    };
    let mut fields = BTreeMap::from([
        ("permissions".to_owned(), json!(list(&login["permissions"]))),
        ("models".to_owned(), json!(list(&login["models"]))),
        (
            "external_group_id".to_owned(),
            login["external_group_id"].clone(),
        ),
        ("first_name".to_owned(), state["first_name"].clone()),
        ("last_name".to_owned(), state["last_name"].clone()),
        (
            "state".to_owned(),
            match state["is_disabled"] == json!(true) {
                true => json!("disabled"),
                false => json!("present"),
            },
        ),
        ("roles".to_owned(), state["roles"].clone()),
        ("locale".to_owned(), state["locale"].clone()),
        ("ui_state".to_owned(), state["ui_state"].clone()),
        ("keys".to_owned(), state["keys"].clone()),
    ]);
    for values in [&login["user_attributes"], &state["user_attributes"]] {
        for (name, value) in values.as_object().into_iter().flatten() {
            fields.insert(format!("attr.{name}"), value.clone());
        }
    }
    fields
}

/// Only the rows say who gets a key.
const KEYS: [&str; 4] = ["--key", "none", "--keys-to", "file:keys.jsonl"];

/// How many keys a user has.
fn keys(user: &BTreeMap<String, Value>) -> usize {
    user.get("keys")
        .and_then(Value::as_array)
        .map_or(0, Vec::len)
}

type Users = BTreeMap<String, BTreeMap<String, Value>>;

async fn users(sandbox: &Sandbox) -> Users {
    let state = sandbox.emulator().state();
    let admin = sandbox.admin();
    let mut users = Users::new();
    for it in state["users"].as_array().unwrap() {
        let Some(id) = it["external_user_id"].as_str() else {
            continue;
        };
        let mut user = user(it);
        // Looker shows no groups of a disabled user.
        if user["state"] == json!("present") {
            let mut groups = admin.user(&it["id"].to_string()).await.unwrap().group_ids;
            groups.retain(|group| GROUPS.contains(&&**group));
            groups.sort();
            user.insert("group_ids".to_owned(), json!(groups));
        }
        users.insert(id.to_owned(), user);
    }
    admin.logout().await.unwrap();
    users
}

/// The fields of a row, as the user has them once they hold.
fn named(row: &Value) -> BTreeMap<String, Value> {
    let mut fields = BTreeMap::new();
    for (name, value) in row.as_object().unwrap() {
        let value = match (name.as_str(), value) {
            ("external_user_id" | "key", _) => continue,
            ("user_attributes", values) => {
                for (name, value) in values.as_object().unwrap() {
                    fields.insert(format!("attr.{name}"), value.clone());
                }
                continue;
            }
            ("group_ids", Value::Array(_)) => json!(["60", "62"]),
            ("models" | "permissions" | "group_ids", Value::Null) => json!([]),
            (_, value) => value.clone(),
        };
        fields.insert(name.clone(), value);
    }
    fields
}

/// What waits while a user is disabled by its row.
const LOGIN: [&str; 4] = ["permissions", "models", "external_group_id", "group_ids"];

/// The fields that differ.
fn changed(before: &BTreeMap<String, Value>, after: &BTreeMap<String, Value>) -> BTreeSet<String> {
    let null = Value::Null;
    let names = before.keys().chain(after.keys());
    let value =
        |user: &BTreeMap<String, Value>, name: &String| user.get(name).unwrap_or(&null).clone();
    names
        .filter(|name| value(before, name) != value(after, name))
        .cloned()
        .collect()
}

async fn plan(sandbox: &Sandbox, more: &[&str]) -> BTreeMap<String, Value> {
    let args = [&["plan", "users.jsonl", "-o", "jsonl"][..], &KEYS, more].concat();
    let outcome = sandbox.run(&args).await;
    let lines = outcome.json_lines().into_iter();
    let rows = lines.filter(|line| line["type"] != "summary");
    rows.map(|line| (line["external_user_id"].as_str().unwrap().to_owned(), line))
        .collect()
}

/// The user has the key that was planned, and no other new one.
#[track_caller]
fn check_keys(
    plan: Option<&Value>,
    (was, is): (&BTreeMap<String, Value>, &BTreeMap<String, Value>),
    context: &str,
) {
    let minted = plan.is_some_and(|plan| plan["key"] == "mint");
    assert_eq!(keys(is), keys(was) + usize::from(minted), "{context}");
}

/// One world and one manifest: `apply` does what `plan` says, what is named is as named, and all else as it was.
async fn check(seed: u64) {
    let mut dice = Dice::new(seed);
    let sandbox = Sandbox::with(Options {
        state: State::parse(&world(&mut dice, 8).to_string()).unwrap(),
        ..Options::default()
    })
    .await;
    let rows = manifest(&mut dice);
    let text: String = rows.iter().map(|row| format!("{row}\n")).collect();
    sandbox.file("users.jsonl", &text);
    let before = Box::pin(users(&sandbox)).await;

    let planned = Box::pin(plan(&sandbox, &[])).await;
    assert_eq!(
        Box::pin(users(&sandbox)).await,
        before,
        "seed {seed}: a plan changes nothing"
    );
    let applied = sandbox
        .run(&[&["apply", "users.jsonl", "-y"][..], &KEYS].concat())
        .await;

    let after = Box::pin(users(&sandbox)).await;
    let empty = BTreeMap::new();
    for row in &rows {
        let id = row["external_user_id"].as_str().unwrap();
        let (was, is) = (
            before.get(id).unwrap_or(&empty),
            after.get(id).unwrap_or(&empty),
        );
        let plan = planned.get(id);
        let context = format!(
            "seed {seed}: {row}\nwas {was:?}\nis {is:?}\nplan {plan:?}\n{}",
            applied.err
        );
        check_keys(plan, (was, is), &context);
        let action = plan.map(|plan| plan["action"].as_str().unwrap().to_owned());
        if action.as_deref() == Some("refused") {
            assert_eq!(was, is, "{context}");
            continue;
        }
        let mut wanted = named(row);
        if wanted.get("state") == Some(&json!("disabled")) {
            wanted.retain(|name, _| !LOGIN.contains(&name.as_str()));
            if was.is_empty() {
                assert!(is.is_empty(), "{context}");
                continue;
            }
        }
        // Looker calls a user without a name "Embed User".
        let usual = ["Embed", "User"].map(|name| Some(json!(name)));
        let nameless =
            |field: &String| field.ends_with("_name") && usual.contains(&is.get(field).cloned());
        wanted.retain(|field, value| !(value.is_null() && nameless(field)));
        for (field, value) in &wanted {
            assert_eq!(
                is.get(field).unwrap_or(&Value::Null),
                value,
                "{field}: {context}"
            );
        }
        if !was.is_empty() {
            let said = plan.map_or(&Value::Null, |plan| &plan["changes"]);
            let said = said.as_array().into_iter().flatten();
            let said: BTreeSet<String> = said
                .map(|it| it["field"].as_str().unwrap().to_owned())
                .collect();
            let mut changed = changed(was, is);
            // Compared by their number above.
            changed.remove("keys");
            if [was, is]
                .iter()
                .any(|user| user["state"] == json!("disabled"))
            {
                changed.remove("group_ids");
            }
            assert_eq!(changed, said, "{context}");
        }
    }
    let untouched = before
        .iter()
        .filter(|(id, _)| !rows.iter().any(|row| row["external_user_id"] == **id));
    for (id, was) in untouched {
        assert_eq!(Some(was), after.get(id), "seed {seed}: {id} is in no row");
    }
    for elsewhere in [&[][..], &["--ledger", "other.ledger"], &["--refresh"]] {
        let mut again = Box::pin(plan(&sandbox, elsewhere)).await;
        again.retain(|_, line| line["action"] != "refused");
        let about = |id: &String| {
            let row = rows.iter().find(|row| row["external_user_id"] == **id);
            format!("{row:?}, is {:?}", after.get(id))
        };
        let about: Vec<String> = again.keys().map(about).collect();
        assert!(
            again.is_empty(),
            "seed {seed}: {elsewhere:?} plans more: {again:?}: {about:?}"
        );
    }
    sandbox.finish().await;
}

#[tokio::test]
async fn what_a_manifest_names_is_as_named_and_everything_else_as_it_was_in_generated_worlds() {
    for seed in 0..25 {
        Box::pin(check(seed)).await;
    }
}
