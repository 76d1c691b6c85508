//! The world `rotation` in a sandbox, what its state should be after a change of ids, and how it is looked at.

use std::time::Duration;

use embedctl::emulator::{Emulator, Fault, Options, State};
use embedctl::looker::Client;
use embedctl::secret::SecretString;
use embedctl::system::Clock;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::support::{Outcome, Sandbox};

/// The old user; Looker's id of it is 42.
pub(crate) const OLD: &str = "acme-42";

/// The id it is to have.
pub(crate) const NEW: &str = "9f1c2b";

/// The value that Looker hides, as it is in the world.
pub(crate) const HIDDEN: &str = "api_token=only-acme-knows";

/// Whose things go to whom, by Looker's ids: a user and its personal folder, and another user and its.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Move {
    pub(crate) from: i64,
    pub(crate) from_home: i64,
    pub(crate) to: i64,
    pub(crate) to_home: i64,
}

impl Move {
    /// From `acme-42` to the user `to`, which must be there.
    pub(crate) async fn to(sandbox: &Sandbox, to: i64) -> Self {
        let user = api(sandbox, &[&format!("/users/{to}")]).await;
        Self {
            from: 42,
            from_home: 500,
            to,
            to_home: number(&user["personal_folder_id"]),
        }
    }
}

/// The world `rotation`, some time after it was made, so that whatever is touched from now on says so.
pub(crate) async fn rotation() -> Sandbox {
    rotation_with(|_| {}).await
}

/// The same where Looker is another one.
pub(crate) async fn rotation_with(change: impl FnOnce(&mut Options)) -> Sandbox {
    let clock = Clock::manual(Timestamp::from_second(1_750_000_000).unwrap());
    let mut options = Options {
        state: State::named("rotation").unwrap(),
        clock: clock.clone(),
        ..Options::default()
    };
    change(&mut options);
    let mut sandbox = Sandbox::with(options).await;
    clock.sleep(Duration::from_secs(600)).await;
    sandbox.clock(clock);
    sandbox
}

/// Let time pass.
pub(crate) async fn later(sandbox: &Sandbox) {
    let (system, _) = sandbox.system(embedctl::system::Input::empty());
    system.clock.sleep(Duration::from_secs(60)).await;
}

/// `rotate-id acme-42 9f1c2b` with the hidden attribute, its key in `keys.jsonl`, its result as JSON.
pub(crate) async fn rotate(sandbox: &Sandbox, more: &[&str]) -> Outcome {
    let args = [
        "rotate-id",
        "--yes",
        OLD,
        NEW,
        "--attr",
        HIDDEN,
        "--keys-to",
        "file:keys.jsonl",
        "-o",
        "json",
    ];
    sandbox.run(&[&args, more].concat()).await
}

/// The same, stopped half-way by Looker failing at `operation`; gives the run.
pub(crate) async fn stopped_at(sandbox: &Sandbox, operation: &str) -> String {
    let emulator = sandbox.emulator();
    emulator.inject(Fault::status(500).on(operation).times(0));
    let stopped = rotate(sandbox, &["--retries", "0"]).await;
    assert_eq!(stopped.exit, 3, "{}{}", stopped.out, stopped.err);
    let result = stopped.json();
    assert_eq!(result["error"]["kind"], "incomplete", "{result}");
    let hint = result["error"]["hint"].to_string();
    assert!(hint.contains("runs resume"), "{hint}");
    // The same command would be refused.
    assert!(!hint.contains("run the command"), "{hint}");
    emulator.clear_faults();
    newest(sandbox).await
}

/// Take a run back.
pub(crate) async fn undo(sandbox: &Sandbox, run: &str) -> Outcome {
    let args = ["runs", "undo", run, "--yes", "-o", "json"];
    sandbox.run(&args).await
}

/// The newest run.
pub(crate) async fn newest(sandbox: &Sandbox) -> String {
    let runs = sandbox.run(&["runs", "list", "-o", "json"]).await.done();
    runs.json()[0]["id"].as_str().unwrap().to_owned()
}

/// What the API answers the admin, or an embed user where `more` says so.
pub(crate) async fn api(sandbox: &Sandbox, call: &[&str]) -> Value {
    let outcome = sandbox.run(&[&["api"], call].concat()).await.done();
    match outcome.out.trim().is_empty() {
        true => Value::Null,
        false => outcome.json(),
    }
}

/// The id of an embed user, which must be there.
pub(crate) async fn id_of(sandbox: &Sandbox, external_user_id: &str) -> i64 {
    let path = format!("/users/credential/embed/{external_user_id}");
    let user = api(sandbox, &[&path]).await;
    number(&user["id"])
}

/// A number that Looker writes as a text.
pub(crate) fn number(value: &Value) -> i64 {
    value.as_str().unwrap().parse().unwrap()
}

/// A client with the key that the sink has kept last.
pub(crate) fn kept(sandbox: &Sandbox) -> Client {
    let keys = sandbox.read("keys.jsonl");
    let key: Value = serde_json::from_str(keys.lines().last().unwrap()).unwrap();
    let secret = SecretString::from(key["client_secret"].as_str().unwrap());
    sandbox.client(key["client_id"].as_str().unwrap(), secret)
}

/// The state of the Looker, the administrator's own key left out, and with an order where it has none.
pub(crate) fn state(emulator: &Emulator) -> Value {
    let mut state = emulator.state();
    for name in ["favorites", "content_access"] {
        let list = state[name].as_array_mut().unwrap();
        list.sort_by_key(Value::to_string);
    }
    for alert in state["alerts"].as_array_mut().unwrap() {
        let followers = alert["followers"].as_array_mut().unwrap();
        followers.sort_by_key(Value::to_string);
    }
    state
}

/// The state without the marks that a change leaves on what belongs to one of `people`.
pub(crate) fn unmarked(mut state: Value, people: &[i64]) -> Value {
    for list in state.as_object_mut().unwrap().values_mut() {
        for thing in list.as_array_mut().into_iter().flatten() {
            let thing = thing.as_object_mut().unwrap();
            let owner = thing.get("owner").and_then(Value::as_i64);
            if owner.is_some_and(|owner| people.contains(&owner)) {
                thing.remove("updated_at");
                thing.remove("updater");
            }
        }
    }
    state
}

/// The thing with this id in one of the lists of a state.
pub(crate) fn thing<'a>(state: &'a Value, list: &str, id: i64) -> &'a Value {
    let list = state[list].as_array().unwrap();
    let found = list.iter().find(|thing| thing["id"] == id);
    found.unwrap_or_else(|| panic!("no {id}"))
}

/// The same, to change it.
pub(crate) fn thing_mut<'a>(
    state: &'a mut Value,
    list: &str,
    id: i64,
) -> &'a mut Map<String, Value> {
    let list = state[list].as_array_mut().unwrap();
    let found = list.iter_mut().find(|thing| thing["id"] == id);
    found.unwrap().as_object_mut().unwrap()
}

/// What `before` should be once all that one user has is another one's: written down from what belongs to whom in the
/// document of the world, not from what embedctl says of it.
pub(crate) fn moved(before: &Value, whose: Move) -> Value {
    let Move {
        from,
        from_home,
        to,
        to_home,
    } = whose;
    let mut state = before.clone();
    for list in ["dashboards", "looks", "scheduled_plans", "alerts", "boards"] {
        for thing in state[list].as_array_mut().unwrap() {
            // Nobody but its owner can see a board in the trash.
            let lost = list == "boards" && thing["deleted_at"].is_number();
            if thing["owner"] == from && !lost {
                thing["owner"] = json!(to);
                if thing["folder"] == from_home {
                    thing["folder"] = json!(to_home);
                }
            }
        }
    }
    for alert in state["alerts"].as_array_mut().unwrap() {
        change(&mut alert["followers"], |follower| follower, from, to);
    }
    for folder in state["folders"].as_array_mut().unwrap() {
        if folder["parent"] == from_home {
            folder["parent"] = json!(to_home);
        }
    }
    change(&mut state["favorites"], |it| &mut it["user"], from, to);
    change(
        &mut state["content_access"],
        |it| &mut it["with"]["user"],
        from,
        to,
    );
    state
}

/// Change `from` to `to` wherever `user` finds it in a list that has no order and nothing twice.
fn change(list: &mut Value, user: fn(&mut Value) -> &mut Value, from: i64, to: i64) {
    let list = list.as_array_mut().unwrap();
    for it in list.iter_mut() {
        if it.get("with").is_none_or(|with| with.get("user").is_some()) && *user(it) == from {
            *user(it) = json!(to);
        }
    }
    list.sort_by_key(Value::to_string);
    list.dedup();
}

/// The state without the users `ids` and their personal folders, and those users.
pub(crate) fn apart(mut state: Value, ids: &[i64]) -> (Value, Vec<Value>) {
    let of = |value: &Value| value.as_i64().is_some_and(|id| ids.contains(&id));
    let users = state["users"].as_array_mut().unwrap();
    let users: Vec<Value> = users.extract_if(.., |user| of(&user["id"])).collect();
    let folders = state["folders"].as_array_mut().unwrap();
    folders.retain(|folder| folder["kind"] != "personal" || !of(&folder["creator"]));
    (state, users)
}

/// The operations that were asked of the Looker after the first `from`.
pub(crate) fn operations(emulator: &Emulator, from: usize) -> Vec<&'static str> {
    let requests = emulator.requests();
    requests[from..].iter().map(|it| it.operation).collect()
}

/// Those of them that change something, tokens left out.
pub(crate) fn writes(emulator: &Emulator, from: usize) -> Vec<String> {
    let requests = emulator.requests();
    let writes = requests[from..].iter().filter(|request| {
        let tokens = ["login", "logout", "login_user"];
        (request.method != "GET" && !tokens.contains(&request.operation))
            || request.operation == "login_embed"
    });
    writes
        .map(|it| format!("{} {}", it.method, it.path))
        .collect()
}
