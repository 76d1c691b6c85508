//! A Looker full of people who own alike things, some of whom are to move, and what must be true once they have.

use std::collections::{BTreeMap, BTreeSet};

use embedctl::emulator::{Emulator, State};
use serde_json::{Map, Value, json};

use crate::support::delivered_keys;

/// The folder that all of them see.
const SHARED: usize = 50;

/// The colleague whose alert everybody follows.
const AUTHOR: usize = 90;

/// People with ids from 100 on; every fifth is a neighbour who stays.
#[derive(Clone, Copy, Debug)]
pub(crate) struct People(pub(crate) usize);

/// The lists of a state whose things belong to somebody, and the member that says to whom.
const OWNED: [(&str, &str); 5] = [
    ("dashboards", "owner"),
    ("looks", "owner"),
    ("scheduled_plans", "owner"),
    ("boards", "owner"),
    ("favorites", "user"),
];

impl People {
    fn all(self) -> impl Iterator<Item = usize> {
        100..100 + self.0
    }

    /// Those who move.
    pub(crate) fn moving(self) -> impl Iterator<Item = usize> {
        self.all().filter(|user| user % 5 != 0)
    }

    /// What `--from` takes.
    pub(crate) fn mapping(self) -> String {
        let rows = self
            .moving()
            .map(|user| format!("{},{}\n", old(user), new(user)));
        format!("old,new\n{}", rows.collect::<String>())
    }

    /// A Looker with all of them.
    pub(crate) fn state(self) -> State {
        let mut state = json!({
            "groups": [{ "id": 20, "name": "Sales" }],
            "roles": [{ "id": 20, "name": "Analyst", "permissions": ["access_data"], "models": ["demo"] }],
            "users": [{ "id": AUTHOR, "external_user_id": "author", "login": login(AUTHOR) }],
            "folders": [{ "id": SHARED, "name": "Everybody", "parent": 1, "creator": 1, "inherits": false }],
            "dashboards": [{ "id": 1, "title": "Plan", "folder": SHARED, "owner": AUTHOR, "elements": tile(1) }],
            "looks": [], "scheduled_plans": [], "boards": [], "favorites": [], "content_access": [],
            "alerts": [alert(1, AUTHOR, &self.all().collect::<Vec<_>>())],
        });
        state["content_access"] =
            json!([{ "of": { "folder": SHARED }, "with": { "user": AUTHOR }, "level": "view" }]);
        for user in self.all() {
            for (list, things) in things(user) {
                state[list].as_array_mut().unwrap().extend(things);
            }
        }
        State::parse(&state.to_string()).unwrap()
    }
}

pub(crate) fn old(user: usize) -> String {
    format!("person-{user}@acme.example")
}

pub(crate) fn new(user: usize) -> String {
    format!("{user:08x}-0000-4000-8000-000000000000")
}

fn login(user: usize) -> Value {
    json!({
        "permissions": ["access_data", "see_looks", "see_user_dashboards", "save_content", "create_alerts"],
        "models": ["demo"],
        "groups": [20],
        "user_attributes": { "customer_id": user.to_string() },
    })
}

fn query() -> Value {
    json!({ "model": "demo", "view": "orders", "fields": { "fields": ["orders.count"] } })
}

fn tile(id: usize) -> Value {
    json!([{ "id": id, "title": "Orders", "query": query() }])
}

fn alert(id: usize, owner: usize, followers: &[usize]) -> Value {
    json!({ "id": id, "owner": owner, "element": id, "followers": followers, "fields": {
        "comparison_type": "LESS_THAN", "threshold": 10, "cron": "0 5 * * *", "is_public": true,
        "field": { "title": "Orders", "name": "orders.count" },
        "destinations": [{ "destination_type": "EMAIL", "email_address": "ada@acme.example" }],
    } })
}

/// All that belongs to one of them, by the list it stands in.
fn things(user: usize) -> [(&'static str, Vec<Value>); 9] {
    let id = user * 10;
    let (home, sales) = (id, id + 1);
    let trash = json!(1_700_000_000);
    [
        (
            "users",
            vec![
                json!({ "id": user, "external_user_id": old(user), "first_name": "Ada",
            "last_name": format!("Person {user}"), "roles": [20], "login": login(user), "sessions": 1,
            "keys": [{ "client_id": format!("key{user}one"), "purpose": "tiles" }, { "client_id": format!("key{user}two") }] }),
            ],
        ),
        (
            "folders",
            vec![
                json!({ "id": home, "kind": "personal", "creator": user }),
                json!({ "id": sales, "name": "Sales", "parent": home, "creator": user }),
                json!({ "id": id + 2, "name": "2024", "parent": sales, "creator": user }),
            ],
        ),
        (
            "dashboards",
            vec![
                json!({ "id": id, "title": "Revenue", "folder": home, "owner": user, "elements": tile(id) }),
                json!({ "id": id + 1, "title": "Pipeline", "folder": id + 2, "owner": user }),
                json!({ "id": id + 2, "title": "Revenue", "folder": home, "owner": user, "deleted_at": trash, "deleter": 1 }),
                json!({ "id": id + 3, "title": format!("Plan of {user}"), "folder": SHARED, "owner": user }),
            ],
        ),
        (
            "looks",
            vec![
                json!({ "id": id, "title": "Orders", "folder": home, "owner": user, "query": query() }),
                json!({ "id": id + 1, "title": "Old", "folder": sales, "owner": user, "query": query(), "deleted_at": trash, "deleter": 1 }),
            ],
        ),
        (
            "scheduled_plans",
            vec![json!({ "id": id, "owner": user, "of": { "dashboard": id },
            "fields": { "name": "Mondays", "crontab": "0 6 * * 1", "enabled": user.is_multiple_of(2) },
            "destinations": [{ "id": id, "fields": { "type": "email", "format": "csv", "address": "ada@acme.example" } }] })],
        ),
        ("alerts", vec![alert(id, user, &[AUTHOR])]),
        (
            "boards",
            vec![
                json!({ "id": id, "title": "Acme", "owner": user, "sections": [{ "title": "Sales", "items": [{ "dashboard": 1 }] }] }),
            ],
        ),
        (
            "favorites",
            vec![
                json!({ "user": user, "of": { "dashboard": id } }),
                json!({ "user": user, "of": { "dashboard": 1 } }),
            ],
        ),
        (
            "content_access",
            vec![json!({ "of": { "folder": SHARED }, "with": { "user": user }, "level": "edit" })],
        ),
    ]
}

/// A Looker as it was, to be held against what it has become.
#[derive(Debug)]
pub(crate) struct Before(Value);

impl Before {
    pub(crate) fn of(looker: &Emulator) -> Self {
        Self(looker.state())
    }

    /// Everybody in `people` who was to move has moved, once, with everything, and has the one key that was delivered;
    /// of everybody else nothing has changed.
    pub(crate) fn assert_all_moved(&self, people: People, looker: &Emulator, delivered: &str) {
        let after = looker.state();
        let (was, is) = (users(&self.0), users(&after));
        let movers: BTreeSet<String> = people.moving().map(old).collect();
        let keys = delivered_keys(delivered);
        assert_eq!(is.len(), was.len() + movers.len());
        for user in people.moving() {
            let (from, to) = (&is[&old(user)], &is[&new(user)]);
            assert_eq!(from["is_disabled"], true, "{from}");
            assert_eq!(
                (&from["keys"], &from["sessions"]),
                (&Value::Null, &Value::Null),
                "{from}"
            );
            let key = to["keys"].as_array().unwrap();
            assert_eq!(key.len(), 1, "{to}");
            assert!(
                keys[&new(user)].contains(key[0]["client_id"].as_str().unwrap()),
                "{to}"
            );
            for member in ["first_name", "last_name", "roles"] {
                assert_eq!(from[member], to[member], "{member} of {user}");
            }
            let given = |user: &Value| user["login"]["user_attributes"].clone();
            assert_eq!(given(from), given(to), "attributes of {user}");
            let (had, has) = (
                belongings(&self.0, &from["id"]),
                belongings(&after, &to["id"]),
            );
            for (list, things) in had {
                assert_eq!(things, has[list], "{list} that {user} had and has");
            }
            let left = belongings(&after, &from["id"]);
            assert!(
                left.values().all(Vec::is_empty),
                "{user} still has {left:?}"
            );
        }
        for (id, user) in was.iter().filter(|(id, _)| !movers.contains(*id)) {
            assert_eq!(user, &is[id]);
            assert_eq!(
                belongings(&self.0, &user["id"]),
                belongings(&after, &user["id"]),
                "{id}"
            );
        }
    }
}

/// The embed users, by their external ids.
fn users(state: &Value) -> BTreeMap<String, Value> {
    let users = state["users"].as_array().unwrap().iter();
    let users = users
        .filter_map(|user| Some((user["external_user_id"].as_str()?.to_owned(), user.clone())));
    let (keyed, count) = (users.clone().collect::<BTreeMap<_, _>>(), users.count());
    assert_eq!(keyed.len(), count, "an external id twice");
    keyed
}

/// What a user has, without a word of who the user is, so that two can be compared.
fn belongings(state: &Value, user: &Value) -> BTreeMap<&'static str, Vec<Value>> {
    let rows = |list: &str| state[list].as_array().unwrap().clone();
    let personal = |row: &Value| row["kind"] == "personal" && row["creator"] == *user;
    let home = rows("folders")
        .into_iter()
        .find(personal)
        .map(|folder| folder["id"].clone());
    let mut has = BTreeMap::from([("folders", below(&rows("folders"), home.as_ref()))]);
    for (list, owner) in OWNED {
        let mut mine = rows(list);
        mine.retain(|row| row[owner] == *user);
        for row in &mut mine {
            blank(row, &[owner, "updated_at", "updater"], home.as_ref());
        }
        has.insert(list, mine);
    }
    let mut alerts = rows("alerts");
    let follows = alerts
        .iter()
        .filter(|alert| alert["followers"].as_array().unwrap().contains(user));
    let follows = follows
        .filter(|alert| alert["owner"] != *user)
        .map(|alert| alert["id"].clone())
        .collect();
    has.insert("follows", follows);
    alerts.retain(|alert| alert["owner"] == *user);
    for alert in &mut alerts {
        blank(alert, &["owner", "followers"], None);
    }
    has.insert("alerts", alerts);
    let mut access = rows("content_access");
    access.retain(|access| access["with"]["user"] == *user);
    access
        .iter_mut()
        .for_each(|access| blank(access, &["with"], None));
    has.insert("content_access", access);
    for things in has.values_mut() {
        things.sort_by_key(Value::to_string);
    }
    has
}

/// The folders below another one; they keep who made them.
fn below(folders: &[Value], folder: Option<&Value>) -> Vec<Value> {
    let Some(folder) = folder else {
        return Vec::new();
    };
    let children = folders.iter().filter(|child| child["parent"] == *folder);
    let mut found = Vec::new();
    for child in children {
        found.extend(below(folders, Some(&child["id"])));
        let at_home = child_of_home(child, folders);
        let mut child = child.clone();
        blank(&mut child, &[], Some(folder).filter(|_| at_home));
        found.push(child);
    }
    found
}

/// Whether a folder lies right in a personal one.
fn child_of_home(child: &Value, folders: &[Value]) -> bool {
    let personal =
        |folder: &&Value| folder["id"] == child["parent"] && folder["kind"] == "personal";
    folders.iter().any(|folder| personal(&folder))
}

fn blank(row: &mut Value, members: &[&str], home: Option<&Value>) {
    let row: &mut Map<String, Value> = row.as_object_mut().unwrap();
    row.retain(|name, _| !members.contains(&name.as_str()));
    for place in ["folder", "parent"] {
        if row.get(place).is_some_and(|folder| Some(folder) == home) {
            row.insert(place.to_owned(), "home".into());
        }
    }
}
