//! The judge of what a command said: every claim in its output is held against the world, and the world against what
//! it was asked.
//!
//! The world is read from the emulator's memory, and whether a key works is tried with its secret, so that no opinion
//! of the client about Looker decides here. A command is *right* if it succeeded and the world is as it was asked, or
//! *loud* if it failed in words; everything else is a finding: a sentence that is not true, something lost, something
//! of somebody else touched.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

use embedctl::emulator::RequestRecord;
use reqwest::Client as HttpClient;
use serde_json::{Value, json};

use crate::support::{Outcome, Sandbox};

/// A key whose secret somebody holds from before.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Held {
    pub(crate) client_id: &'static str,
    pub(crate) client_secret: &'static str,
}

/// The name of the sink that the commands are given.
pub(crate) const SINK: &str = "keys.jsonl";

/// What there was at one moment.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    /// What the Looker holds.
    pub(crate) state: Value,
    /// What it held after the look: to some Lookers, a key that is tried makes its user seen.
    state_left: Value,
    /// Looker's id of the user that each key logs in as, by client id; keys that do not log in are left out.
    pub(crate) works: BTreeMap<String, String>,
    /// The lines of the sink.
    pub(crate) kept: Vec<Value>,
    /// How many access tokens were live, before and after the look.
    tokens: usize,
    tokens_left: usize,
    /// How many requests had been made.
    requests: usize,
    /// How many of them nobody should have made.
    violations: usize,
}

/// Which working keys of the users that a command is about it was asked to stop.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Stops {
    /// None.
    Nothing,
    /// Those that embedctl delivered.
    Ours,
    /// All of them: their user is disabled or deleted.
    All,
}

/// What a command was asked.
#[derive(Clone, Copy)]
pub(crate) struct Asked {
    /// The users it is about, by external id.
    pub(crate) about: &'static [&'static str],
    /// What it may stop.
    pub(crate) stops: Stops,
    /// What is not as it was asked, if the command says that it is done.
    pub(crate) want: fn(&Scene) -> Vec<String>,
}

/// How a command ended that said nothing wrong.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Verdict {
    Right,
    Loud,
}

/// A command, and the world around it.
#[derive(Clone)]
pub(crate) struct Scene {
    pub(crate) asked: Asked,
    /// The world before the first command of its job.
    pub(crate) first: Seen,
    pub(crate) before: Seen,
    /// The world before the first try, if the command had failed and was run again: what it goes on with counts as its own.
    pub(crate) began: Option<Seen>,
    pub(crate) said: Outcome,
    pub(crate) after: Seen,
    /// What the command asked of the Looker.
    pub(crate) requests: Vec<RequestRecord>,
}

/// Looks at the world, and keeps what it takes to do so.
pub(crate) struct Eye {
    http: HttpClient,
    held: Vec<Held>,
}

impl Eye {
    /// An eye that tries the keys `held` from before, and those in the sink.
    pub(crate) fn new(held: &[Held]) -> Self {
        // An error says that another test was first.
        drop(rustls::crypto::ring::default_provider().install_default());
        let http = HttpClient::builder().no_proxy().build().unwrap();
        Self {
            http,
            held: held.to_vec(),
        }
    }

    /// Look. No fault may be in force.
    pub(crate) async fn look(&self, sandbox: &Sandbox) -> Seen {
        let emulator = sandbox.emulator();
        let (tokens, state) = (emulator.live_tokens(), emulator.state());
        let kept = crate::clients::kept(&sandbox.path(SINK));
        let mut works = BTreeMap::new();
        let held = self
            .held
            .iter()
            .map(|key| (key.client_id, key.client_secret));
        let text = |key: &'_ Value, name: &str| key[name].as_str().unwrap().to_owned();
        let in_sink = kept
            .iter()
            .map(|key| (text(key, "client_id"), text(key, "client_secret")));
        let held = held.map(|(id, secret)| (id.to_owned(), secret.to_owned()));
        for (id, secret) in held.chain(in_sink) {
            if let Some(user) = self.log_in(emulator.base_url(), &id, &secret).await {
                works.insert(id, user);
            }
        }
        Seen {
            state,
            works,
            kept,
            tokens,
            tokens_left: emulator.live_tokens(),
            state_left: emulator.state(),
            requests: emulator.requests().len(),
            violations: emulator.violations().len(),
        }
    }

    /// The id of the user that a key logs in as.
    async fn log_in(&self, base_url: &str, id: &str, secret: &str) -> Option<String> {
        let url = |path: &str| format!("{base_url}/api/4.0{path}");
        let form = [("client_id", id), ("client_secret", secret)];
        let sent = self.http.post(url("/login")).form(&form).send().await;
        let answer = sent.unwrap();
        if !answer.status().is_success() {
            return None;
        }
        let token: Value = answer.json().await.unwrap();
        let token = token["access_token"].as_str().unwrap().to_owned();
        let me = self.http.get(url("/user")).bearer_auth(&token);
        let me: Value = me.send().await.unwrap().json().await.unwrap();
        let out = self.http.delete(url("/logout")).bearer_auth(&token);
        // Some Lookers give a token that is good for nothing, not even to be given back.
        let _gone = out.send().await.unwrap();
        Some(me["id"].as_str()?.to_owned())
    }
}

impl Seen {
    /// The same for what comes after the look.
    pub(crate) fn left(mut self) -> Self {
        self.state = self.state_left.clone();
        self.tokens = self.tokens_left;
        self
    }

    /// An embed user as the state has it.
    pub(crate) fn user(&self, external_user_id: &str) -> Option<&Value> {
        let mut users = list(&self.state, "users");
        users.find(|user| user["external_user_id"] == external_user_id)
    }

    /// Looker's id of an embed user.
    pub(crate) fn id(&self, external_user_id: &str) -> Option<i64> {
        self.user(external_user_id)?["id"].as_i64()
    }

    /// Every key there is: its client id, its own id and that of its user.
    fn alive(&self) -> BTreeMap<&str, (String, i64)> {
        let users = list(&self.state, "users");
        let keys = users.flat_map(|user| {
            let id = user["id"].as_i64().unwrap();
            let keys = user["keys"].as_array().into_iter().flatten();
            keys.map(move |key| {
                (
                    key["client_id"].as_str().unwrap(),
                    (key["id"].to_string(), id),
                )
            })
        });
        keys.collect()
    }

    /// The client ids of the keys of an embed user.
    pub(crate) fn keys_of(&self, external_user_id: &str) -> BTreeSet<&str> {
        let user = self.user(external_user_id);
        let keys = user.and_then(|user| user["keys"].as_array());
        let keys = keys.into_iter().flatten();
        keys.map(|key| key["client_id"].as_str().unwrap()).collect()
    }

    /// The client ids in the sink.
    pub(crate) fn in_sink(&self) -> BTreeSet<&str> {
        let keys = self.kept.iter();
        keys.map(|key| key["client_id"].as_str().unwrap()).collect()
    }
}

/// The things of one kind in a state.
pub(crate) fn list<'a>(state: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    state[name].as_array().into_iter().flatten()
}

/// What was asked since `before`.
pub(crate) fn requests_since(sandbox: &Sandbox, before: &Seen) -> Vec<RequestRecord> {
    sandbox.emulator().requests().split_off(before.requests)
}

/// Judge a command: how it ended, or what is wrong with it.
pub(crate) fn judge(scene: &Scene) -> Result<Verdict, Vec<String>> {
    let mut wrong = Vec::new();
    nothing_of_others(scene, &mut wrong);
    earlier_keys(scene, &mut wrong);
    new_keys(scene, &mut wrong);
    claims(scene, &mut wrong);
    sentences(scene, &mut wrong);
    tokens(scene, &mut wrong);
    let verdict = match scene.said.exit {
        0 => {
            let missed = since_either(scene, scene.asked.want);
            wrong.extend(missed.into_iter().map(|it| format!("exit 0, but {it}")));
            Verdict::Right
        }
        _ => {
            failed_in_words(scene, &mut wrong);
            Verdict::Loud
        }
    };
    match wrong.is_empty() {
        true => Ok(verdict),
        false => Err(wrong),
    }
}

/// The scene as it was from the first try on.
fn whole(scene: &Scene) -> Option<Scene> {
    let before = scene.began.clone()?;
    Some(Scene {
        before,
        ..scene.clone()
    })
}

/// What is wrong since the command was run, unless nothing is since its first try.
fn since_either(scene: &Scene, wrong: impl Fn(&Scene) -> Vec<String>) -> Vec<String> {
    let now = wrong(scene);
    match whole(scene) {
        Some(whole) if !now.is_empty() && wrong(&whole).is_empty() => Vec::new(),
        _ => now,
    }
}

/// What each list of a state calls the user that a thing belongs to.
const OWNERS: [&str; 3] = ["owner", "creator", "user"];

/// Nothing is changed but what belongs to the users that the command is about.
fn nothing_of_others(scene: &Scene, wrong: &mut Vec<String>) {
    let ids = |seen: &Seen| -> Vec<i64> {
        scene
            .asked
            .about
            .iter()
            .filter_map(|it| seen.id(it))
            .collect()
    };
    let about = [ids(&scene.before), ids(&scene.after)].concat();
    let (before, after) = (
        others(&scene.before.state, &about),
        others(&scene.after.state, &about),
    );
    for (thing, was) in &before {
        match after.get(thing) {
            Some(is) if is == was => {}
            Some(is) => wrong.push(format!(
                "{thing} is not the users' that were meant, and was {was}, and is {is}"
            )),
            None => wrong.push(format!(
                "{thing} is not the users' that were meant, and is gone: {was}"
            )),
        }
    }
    for (thing, is) in after
        .iter()
        .filter(|(thing, _)| !before.contains_key(*thing))
    {
        // An embed login brings the group of its external group into being, and that group's folder.
        let of_group = is["kind"] == "group" || is["external_group_id"].is_string();
        if !of_group {
            wrong.push(format!(
                "{thing} is not the users' that were meant, and is new: {is}"
            ));
        }
    }
}

/// Everything in a state that does not belong to the users `about`, by what it is called.
fn others(state: &Value, about: &[i64]) -> BTreeMap<String, Value> {
    let is_theirs = |value: &Value| value.as_i64().is_some_and(|id| about.contains(&id));
    let mut others = BTreeMap::new();
    for (name, things) in state.as_object().unwrap() {
        let Some(things) = things.as_array() else {
            others.insert(name.clone(), things.clone());
            continue;
        };
        for thing in things {
            let theirs = match name.as_str() {
                "users" => is_theirs(&thing["id"]),
                _ => {
                    OWNERS.iter().any(|field| is_theirs(&thing[field]))
                        || is_theirs(&thing["with"]["user"])
                }
            };
            if theirs {
                continue;
            }
            let mut thing = thing.clone();
            if let Some(followers) = thing.get_mut("followers").and_then(Value::as_array_mut) {
                followers.retain(|follower| !is_theirs(follower));
                followers.sort_by_key(Value::to_string);
            }
            // The folder of somebody else's piece may be one that moves with its owner, and keeps its id.
            let called = match thing.get("id").or_else(|| thing.get("name")) {
                Some(id) => format!("{name} {id}"),
                None => format!("{name} {thing}"),
            };
            others.insert(called, thing);
        }
    }
    others
}

/// Words that say that something has ended, or that nobody knows whether it has.
const ENDED: [&str; 4] = ["revoked", "gone", "disabled", "deleted"];
const UNKNOWN: [&str; 4] = ["not known", "unknown", "may have", "whether"];

/// Every key that somebody holds works as it did, unless its end was asked for and, by a command that failed, told.
fn earlier_keys(scene: &Scene, wrong: &mut Vec<String>) {
    let alive = scene.before.alive();
    let ours = scene.before.in_sink();
    for (key, user) in &scene.before.works {
        if scene.after.works.get(key) == Some(user) {
            continue;
        }
        let (id, _) = &alive[key.as_str()];
        let about = scene
            .asked
            .about
            .iter()
            .any(|it| scene.before.keys_of(it).contains(key.as_str()));
        let asked = match scene.asked.stops {
            Stops::Nothing => false,
            Stops::Ours => ours.contains(key.as_str()),
            Stops::All => true,
        };
        if !about || !asked {
            wrong.push(format!(
                "key {id} ({key}) stopped working, which nobody asked for"
            ));
        } else if scene.said.exit != 0
            && !is_told(&scene.said, &ENDED, &[id, key])
            // With a user who is disabled, its keys end. A whole phrase: one word is in every summary.
            && !is_told(&scene.said, &["there, and disabled"], &[user])
            && !is_told(&scene.said, &UNKNOWN, &[])
        {
            wrong.push(format!(
                "key {id} ({key}) stopped working, and the command failed without saying so"
            ));
        }
    }
}

/// Every new key is in the sink and works, or the command failed and names it.
fn new_keys(scene: &Scene, wrong: &mut Vec<String>) {
    let (before, after) = (scene.before.alive(), scene.after.alive());
    let kept = scene.after.in_sink();
    for (key, (id, user)) in after.iter().filter(|(key, _)| !before.contains_key(*key)) {
        let delivered = kept.contains(key);
        let named = scene.said.exit != 0 && is_told(&scene.said, &[""], &[id, key]);
        if !delivered && !named {
            wrong.push(format!(
                "nobody holds the new key {id} ({key}) of user {user}, and nothing is said of it"
            ));
        }
    }
    for key in kept.difference(&scene.before.in_sink()) {
        let of_disabled = scene.asked.stops == Stops::All;
        let named = scene.said.exit != 0 && is_told(&scene.said, &["revoked", "gone"], &[key]);
        if !scene.after.works.contains_key(*key) && !named && !of_disabled {
            wrong.push(format!("the delivered key {key} does not log in"));
        }
    }
}

/// Whether one line of the output has one of these words and, where ids are given, one of them.
fn is_told(said: &Outcome, words: &[&str], ids: &[&str]) -> bool {
    let mut lines = said.out.lines().chain(said.err.lines());
    let is_id = |line: &str, id: &str| {
        let mut parts = line.split(|c: char| !c.is_alphanumeric());
        parts.any(|part| part == id)
    };
    lines.any(|line| {
        words.iter().any(|word| line.contains(word))
            && (ids.is_empty() || ids.iter().any(|id| is_id(line, id)))
    })
}

/// Every JSON object that was printed, those inside others too; not what a dry run would do.
fn objects(said: &Outcome) -> Vec<Value> {
    let mut found = Vec::new();
    let whole = serde_json::from_str::<Value>(&said.out);
    let printed = match whole {
        Ok(value) => vec![value],
        Err(_) => said
            .out
            .lines()
            .filter_map(|line| serde_json::from_str(line).ok())
            .collect(),
    };
    let errors = said
        .err
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok());
    for value in printed.into_iter().chain(errors) {
        inside(&value, &mut found);
    }
    found
}

fn inside(value: &Value, found: &mut Vec<Value>) {
    match value {
        Value::Array(values) => values.iter().for_each(|value| inside(value, found)),
        Value::Object(object) if object.get("dry_run") != Some(&json!(true)) => {
            found.push(value.clone());
            object.values().for_each(|value| inside(value, found));
        }
        _ => {}
    }
}

/// What is claimed in fields is so.
fn claims(scene: &Scene, wrong: &mut Vec<String>) {
    for object in objects(&scene.said) {
        let mut problems = since_either(scene, |scene| {
            let mut problems = Vec::new();
            about_a_user(scene, &object, &mut problems);
            about_keys(scene, &object, &mut problems);
            about_a_move(scene, &object, &mut problems);
            problems
        });
        if object["type"] == "summary" {
            about_all(scene, &object, &mut problems);
        }
        wrong.extend(
            problems
                .into_iter()
                .map(|problem| format!("false: {problem}, in {object}")),
        );
    }
}

fn about_a_user(scene: &Scene, object: &Value, wrong: &mut Vec<String>) {
    let Some(user) = object["external_user_id"].as_str() else {
        return;
    };
    let (before, after) = (scene.before.user(user), scene.after.user(user));
    if let Some(id) = object["looker_user_id"].as_str() {
        let is = after.or(before).map(|user| user["id"].to_string());
        if is.as_deref() != Some(id) {
            wrong.push(format!("Looker's id of `{user}` is {is:?}"));
        }
    }
    let disabled = |user: Option<&Value>| user.is_some_and(|user| user["is_disabled"] == true);
    let as_it_was = before.map(without_keys) == after.map(without_keys);
    let truth = match object["outcome"].as_str().unwrap_or_default() {
        "created" => before.is_none() && after.is_some(),
        "unchanged" | "skipped" => as_it_was,
        "minted" | "rotated" => as_it_was && after.is_some(),
        "updated" => before.is_some() && after.is_some(),
        "disabled" => disabled(after),
        "enabled" => after.is_some() && !disabled(after),
        "deleted" => before.is_some() && after.is_none(),
        _ => true,
    };
    if !truth {
        wrong.push(format!("`{user}` was {before:?} and is {after:?}"));
    }
    if object["sudo_verified"] == true && !sudo_was_proved(scene, user) {
        wrong.push(format!("nobody saw who the token of `{user}` belongs to"));
    }
}

fn without_keys(user: &Value) -> Value {
    let mut user = user.clone();
    user.as_object_mut().unwrap().remove("keys");
    user
}

/// Whether Looker was asked for a token of the user, and then, with a token of the user, whose it is.
fn sudo_was_proved(scene: &Scene, user: &str) -> bool {
    let Some(id) = scene.after.id(user) else {
        return false;
    };
    let mut requests = scene.requests.iter();
    let login = format!("/login/{id}");
    requests.any(|it| it.operation == "login_user" && it.status == 200 && it.path.ends_with(&login))
        && requests.any(|it| {
            it.operation == "me" && it.status == 200 && it.as_user == Some(id.to_string())
        })
}

fn about_keys(scene: &Scene, object: &Value, wrong: &mut Vec<String>) {
    let alive = scene.after.alive();
    let is_alive = |id: &str| {
        alive
            .iter()
            .any(|(client, (key, _))| key == id || *client == id)
    };
    // A key that was replaced may live on for a while, if that was asked for.
    let replaced = ["replaced"]
        .iter()
        .filter(|_| scene.asked.stops == Stops::Ours);
    for field in replaced.chain(&["revoked_keys", "revoked", "reconciled"]) {
        for key in object[field].as_array().into_iter().flatten() {
            let id = key
                .as_str()
                .or_else(|| key["id"].as_str())
                .unwrap_or_default();
            if is_alive(id) {
                wrong.push(format!("key {id} is alive"));
            }
        }
    }
    let outcome = object["outcome"].as_str().unwrap_or_default();
    if let Some(id) = object["id"]
        .as_str()
        .filter(|_| ["revoked", "gone"].contains(&outcome))
        && is_alive(id)
    {
        wrong.push(format!("key {id} is alive"));
    }
    let key = &object["key"];
    let delivered = key["delivered_to"]
        .as_str()
        .is_some_and(|to| !to.is_empty())
        || key["delivered_to"]
            .as_array()
            .is_some_and(|to| !to.is_empty());
    if let Some(client_id) = key["client_id"].as_str().filter(|_| delivered) {
        let id = key["id"].as_str().unwrap_or_default();
        let named = object["external_user_id"]
            .as_str()
            .or_else(|| object["to"]["external_user_id"].as_str());
        let user = named.and_then(|user| scene.after.id(user));
        let works = scene.after.works.get(client_id);
        if !scene.after.in_sink().contains(client_id) {
            wrong.push(format!("key {id} is not in the sink"));
        } else if scene.said.exit == 0 && works != user.map(|id| id.to_string()).as_ref() {
            wrong.push(format!("key {id} logs in as {works:?}"));
        } else if alive.get(client_id).is_some_and(|(key, _)| key != id) {
            wrong.push(format!("key {client_id} has another id"));
        }
    }
}

/// The lists whose things a rotation counts, and what it calls them.
const COUNTED: [(&str, &str); 7] = [
    ("dashboards", "dashboards"),
    ("looks", "looks"),
    ("schedules", "scheduled_plans"),
    ("alerts", "alerts"),
    ("boards", "boards"),
    ("favorites", "favorites"),
    ("content_access", "content_access"),
];

fn about_a_move(scene: &Scene, object: &Value, wrong: &mut Vec<String>) {
    let Some(old) = object["from"]["external_user_id"].as_str() else {
        return;
    };
    let is = scene.after.user(old);
    let truth = match object["old"].as_str() {
        Some("disabled") => is.is_some_and(|user| user["is_disabled"] == true),
        Some("deleted") => is.is_none(),
        Some("kept") => is.is_some_and(|user| user["is_disabled"] != true),
        _ => true,
    };
    if !truth {
        wrong.push(format!("`{old}` is {is:?}"));
    }
    let new = object["to"]["external_user_id"]
        .as_str()
        .and_then(|new| scene.after.id(new));
    for (word, name) in COUNTED {
        let Some(said) = object["moved"][word].as_u64() else {
            continue;
        };
        let of = |seen: &Seen, user: Option<i64>| -> u64 {
            let is_of = |thing: &&Value| {
                let owner = ["owner", "user"]
                    .iter()
                    .find_map(|field| thing[field].as_i64());
                user.is_some() && owner.or_else(|| thing["with"]["user"].as_i64()) == user
            };
            list(&seen.state, name).filter(is_of).count() as u64
        };
        let came = of(&scene.after, new).saturating_sub(of(&scene.before, new));
        if said > came {
            wrong.push(format!("{came} {word} have moved"));
        }
    }
}

/// The numbers of a summary; those of a command that was run again are between what it did and what both tries did.
fn about_all(scene: &Scene, summary: &Value, wrong: &mut Vec<String>) {
    let both = whole(scene);
    let both = counts(both.as_ref().unwrap_or(scene));
    for ((fields, now), (_, both)) in counts(scene).into_iter().zip(both) {
        let real = *now.start().min(both.start())..=*now.end().max(both.end());
        let said = fields.iter().filter_map(|field| summary[field].as_u64());
        let Some(said) = said.reduce(|one, other| one + other) else {
            continue;
        };
        let said = usize::try_from(said).unwrap();
        // A job that failed after it made something is not counted.
        if said > *real.end() || (scene.said.exit == 0 && said < *real.start()) {
            wrong.push(format!("{} is {real:?}", fields.join(" and ")));
        }
    }
}

/// What a summary counts, by its fields, and how much of it there was.
fn counts(scene: &Scene) -> [(&'static [&'static str], RangeInclusive<usize>); 7] {
    let (before, after) = (&scene.before, &scene.after);
    let about = scene.asked.about;
    let count = |is: &dyn Fn(&str) -> bool| about.iter().filter(|user| is(user)).count();
    let disabled = |seen: &Seen, user: &str| {
        seen.user(user)
            .is_some_and(|user| user["is_disabled"] == true)
    };
    let (was, is) = (before.alive(), after.alive());
    let gone = was.keys().filter(|key| !is.contains_key(*key)).count();
    // A key of which nobody knew, because its answer was lost, may have come and gone.
    let deleted = scene
        .requests
        .iter()
        .filter(|it| it.operation == DELETE_KEY && it.status == 204);
    let come_and_gone = gone.max(deleted.count());
    let made = count(&|user| before.user(user).is_none() && after.user(user).is_some());
    let disabled_now = count(&|user| !disabled(before, user) && disabled(after, user));
    let enabled_now = count(&|user| disabled(before, user) && !disabled(after, user));
    let deleted_now = count(&|user| before.user(user).is_some() && after.user(user).is_none());
    let delivered = after.kept.len() - before.kept.len();
    [
        (&["created"][..], made..=made),
        (&["disabled"], disabled_now..=disabled_now),
        (&["enabled"], enabled_now..=enabled_now),
        (&["deleted"], deleted_now..=deleted_now),
        (&["keys_delivered"], delivered..=delivered),
        (&["keys_revoked"], gone..=come_and_gone),
        // Where the first answer was lost, a key that is revoked again is gone already.
        (&["revoked", "gone"], gone..=come_and_gone),
    ]
}

/// The operation that deletes a key.
const DELETE_KEY: &str = "delete_user_credentials_api3";

/// Sentences on standard error that are claims.
fn sentences(scene: &Scene, wrong: &mut Vec<String>) {
    let err = &scene.said.err;
    let nothing = [
        "nothing was done",
        "nothing was changed",
        "nothing was moved",
        "nothing has moved",
        "nothing was sent",
    ];
    let claims_nothing = nothing
        .iter()
        .any(|sentence| err.to_lowercase().contains(sentence));
    if claims_nothing
        && (scene.before.state != scene.after.state
            || scene.before.kept.len() != scene.after.kept.len())
    {
        wrong.push(format!(
            "false: something was done: {}",
            differences(&scene.before.state, &scene.after.state).join("; ")
        ));
    }
}

/// No token outlives a command, unless Looker did not let it log out and that is said, or its answer was lost.
fn tokens(scene: &Scene, wrong: &mut Vec<String>) {
    let cut_off = |it: &RequestRecord| {
        let logs = ["login", "login_user", "logout"].contains(&it.operation);
        logs && it.status != 200 && it.status != 204
    };
    let told = scene.said.err.contains("could not be logged out");
    let excused = told || scene.requests.iter().any(cut_off);
    if scene.after.tokens > scene.before.tokens && !excused {
        wrong.push(format!(
            "{} tokens were not logged out",
            scene.after.tokens - scene.before.tokens
        ));
    }
    if scene.after.violations > scene.before.violations {
        wrong.push("Looker would not have understood a request".to_owned());
    }
}

/// A command that fails says why, in an error that programs can read too, and that is no mistake of its own.
fn failed_in_words(scene: &Scene, wrong: &mut Vec<String>) {
    let objects = objects(&scene.said);
    let errors = objects
        .iter()
        .filter_map(|object| object["error"].as_object());
    let mut kinds = BTreeSet::new();
    for error in errors {
        if error["message"]
            .as_str()
            .is_none_or(|message| message.len() < 10)
        {
            wrong.push("an error without words".to_owned());
        }
        kinds.insert(error["kind"].as_str().unwrap_or_default().to_owned());
    }
    let reasons = objects.iter().any(|object| object["reason"].is_string());
    if kinds.contains("internal") {
        wrong.push("it calls Looker's answer a mistake of its own".to_owned());
    }
    if kinds.is_empty() && !reasons {
        wrong.push("it failed without a word".to_owned());
    }
}

/// What two states differ in, thing by thing.
pub(crate) fn differences(was: &Value, is: &Value) -> Vec<String> {
    let lines = |value: &Value| -> BTreeSet<String> {
        match value {
            Value::Array(things) => things.iter().map(Value::to_string).collect(),
            other => [other.to_string()].into(),
        }
    };
    let mut found = Vec::new();
    for (name, is) in is.as_object().unwrap() {
        let (was, is) = (lines(&was[name]), lines(is));
        found.extend(was.difference(&is).map(|line| format!("- {name} {line}")));
        found.extend(is.difference(&was).map(|line| format!("+ {name} {line}")));
    }
    found
}
