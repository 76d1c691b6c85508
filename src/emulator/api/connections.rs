//! Connections to databases, with none behind them: all, one, creating, changing, deleting, testing.

use serde_json::{Value, json};

use crate::emulator::api::dashboards_and_looks::may;
use crate::emulator::api::usual::with_usual;
use crate::emulator::api::viewer;
use crate::emulator::http::answer::{Answer, Refusal, Reply, json_answer, lay_over};
use crate::emulator::http::body::{self, Body};
use crate::emulator::http::call::Call;
use crate::emulator::http::operation::{Service, op};
use crate::emulator::world::World;
use crate::emulator::world::connections::Connection;

pub(super) const OPERATIONS: &[Service] = &[
    op("all_connections", all),
    op("connection", one),
    op("create_connection", create).admin(),
    op("delete_connection", remove).admin(),
    op("test_connection", test),
    op("test_connection_config", test_config).admin(),
    op("update_connection", update).admin(),
];

/// What can be tested of a connection.
const TESTS: &[&str] = &["connect", "kill", "query"];

/// Never shown again.
const SECRET: &[&str] = &["password", "certificate"];

fn all(call: &Call<'_>, world: &mut World) -> Answer {
    check_right(call, world)?;
    let connections = world.connections.by_name.keys();
    json_answer(
        connections
            .filter_map(|name| connection_json(world, name))
            .collect(),
    )
}

/// Developers see connections too; to others there are none.
fn check_right(call: &Call<'_>, world: &World) -> Result<(), Refusal> {
    may(world, &viewer(call, world)?, &["develop", "use_sql_runner"])
}

fn one(call: &Call<'_>, world: &mut World) -> Answer {
    check_right(call, world)?;
    show(world, call.param("connection_name"))
}

fn create(call: &Call<'_>, world: &mut World) -> Answer {
    let body = call.object()?;
    body::require(&body, &["name"])?;
    let name = body::text(&body, "name").unwrap_or_default().to_owned();
    if world.connections.by_name.contains_key(&name) {
        return Err(Refusal::invalid(
            "name",
            "already_exists",
            "'name' is taken.",
        ));
    }
    let mut connection = Connection {
        created_at: world.now,
        fields: Body::new(),
        has_password: false,
    };
    change(&mut connection, body);
    world.connections.by_name.insert(name.clone(), connection);
    show(world, &name)
}

fn update(call: &Call<'_>, world: &mut World) -> Answer {
    let body = call.object()?;
    let name = call.param("connection_name");
    let connection = world.connections.by_name.get_mut(name);
    change(connection.ok_or_else(Refusal::not_found)?, body);
    show(world, name)
}

/// A connection keeps its name.
fn change(connection: &mut Connection, mut body: Body) {
    body.remove("name");
    if let Some(password) = body.get("password") {
        connection.has_password = !password.is_null();
    }
    body.retain(|name, _| !SECRET.contains(&name.as_str()));
    connection.fields.extend(body);
}

fn remove(call: &Call<'_>, world: &mut World) -> Answer {
    let gone = world
        .connections
        .by_name
        .remove(call.param("connection_name"));
    gone.map(|_| Reply::no_content())
        .ok_or_else(Refusal::not_found)
}

/// Each test that is asked for passes; unknown ones are passed over.
fn test(call: &Call<'_>, world: &mut World) -> Answer {
    check_right(call, world)?;
    let known = world
        .connections
        .by_name
        .contains_key(call.param("connection_name"));
    known.then_some(()).ok_or_else(Refusal::not_found)?;
    tested(call)
}

fn test_config(call: &Call<'_>, _world: &mut World) -> Answer {
    tested(call)
}

fn tested(call: &Call<'_>) -> Answer {
    let asked = call.list("tests");
    let wanted = |test: &&&str| {
        let asked = asked.as_ref();
        asked.is_none_or(|asked| asked.iter().any(|one| one == **test))
    };
    let results = TESTS.iter().filter(wanted).map(|test| {
        json!({
            "can": {},
            "connection_string": null,
            "message": format!("Can {test}"),
            "name": test,
            "status": "success",
        })
    });
    json_answer(results.collect())
}

fn show(world: &World, name: &str) -> Answer {
    json_answer(connection_json(world, name).ok_or_else(Refusal::not_found)?)
}

fn connection_json(world: &World, name: &str) -> Option<Value> {
    let connection = world.connections.by_name.get(name)?;
    let mut shown = with_usual("db_connection", Value::Object(connection.fields.clone()));
    let dialect = connection.fields.get("dialect_name");
    let own = json!({
        "name": name,
        "has_password": connection.has_password,
        "created_at": world.time(connection.created_at),
        "dialect": {
            "name": dialect,
            "label": dialect,
            "connection_tests": TESTS,
            "supports_cost_estimate": false,
            "supports_persistent_derived_tables": true,
            "supports_streaming": true,
            "has_ssl_support": true,
        },
    });
    lay_over(&mut shown, own);
    Some(shown)
}
