//! The crash matrix of `rotate-id`: stopped at every write and at every request, then resumed or, separately, undone.
//!
//! Nothing between may be left: everything is the new user's in the end, or everything is as it was. An undo is stopped
//! everywhere too, and gone on with or turned round.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use embedctl::emulator::{Emulator, State};
use embedctl::error::Error;
use embedctl::ledger::{Job, JobId, JobState, KeyState, RunId, What};
use embedctl::workflow::{
    Found, Item, ItemKind, JobSpec, KeyAccess, KeyJob, OldEnd, RotateIdSpec, RotateIdWish, Step,
    UndoContext, Undone, UserId, UserRef, Viewpoint, find_user, plan_rotate_id, plan_undo,
    undo_job,
};
use serde_json::{Value, json};
use tokio::task::{JoinError, LocalSet};

use crate::crash::{Silent, Stop, World, is_reached};

/// Who is to be known by another id.
const OLD: &str = "acme-42";

/// Whom a person's things go to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Target {
    /// Somebody who is not there yet.
    New,
    /// Somebody who is there, and has things that look alike.
    Neighbour,
}

impl Target {
    pub(crate) const fn id(self) -> &'static str {
        match self {
            Self::New => "9f1c5e0a",
            Self::Neighbour => "acme-421",
        }
    }

    /// How many keys it has of its own.
    const fn keys(self) -> usize {
        match self {
            Self::New => 0,
            Self::Neighbour => 1,
        }
    }
}

/// A plan, and what the world is before and after it is carried out.
struct Scenario {
    target: Target,
    document: Value,
    spec: RotateIdSpec,
    before: Value,
    after: Value,
    /// What the report says has moved.
    moved: BTreeMap<String, usize>,
    /// How many writes it takes.
    writes: i64,
}

impl Scenario {
    async fn new(target: Target) -> Self {
        let rich = State::named("rotation").unwrap();
        let world = World::start(rich, JobSpec::MintKey(nobody())).await;
        let document = with_what_came_since(world.emulator.state());
        let state = State::parse(&document.to_string()).unwrap();
        let world = World::start(state, JobSpec::MintKey(nobody())).await;
        let spec = plan(&world, target).await;
        let mut scenario = Self {
            target,
            document,
            spec,
            before: Value::Null,
            after: Value::Null,
            moved: BTreeMap::new(),
            writes: 0,
        };
        let world = scenario.world().await;
        scenario.before = seen(&world.emulator, target);
        let run = world.begin().await;
        let found = world.go(run, None).await.unwrap();
        scenario.after = seen(&world.emulator, target);
        scenario.moved = found.rotated.unwrap().moved;
        scenario.writes = world.writes.load(Ordering::SeqCst);
        scenario
    }

    async fn world(&self) -> World {
        let state = State::parse(&self.document.to_string()).unwrap();
        World::start(state, JobSpec::RotateId(Box::new(self.spec.clone()))).await
    }

    /// Everything is the new user's, who has one key more, which is in the sink and logs in.
    async fn check_rotated(&self, world: &World, found: &Found, context: &str) {
        same(
            &seen(&world.emulator, self.target),
            &self.after,
            &format!("not rotated after {context}"),
        );
        let alive = world.alive().await;
        assert_eq!(alive.len(), self.target.keys() + 1, "keys after {context}");
        let kept = world.kept();
        let kept = kept.iter().filter(|(id, ..)| alive.contains(id)).count();
        assert_eq!(kept, 1, "keys that are in the sink after {context}");
        assert_eq!(world.working().await, 1, "keys that log in after {context}");
        let rotated = found.rotated.as_ref().unwrap();
        assert_eq!(rotated.moved, self.moved, "reported after {context}");
        assert_eq!(rotated.refused, [], "reported after {context}");
        assert_eq!(
            rotated.old,
            Some(OldEnd::Disable),
            "reported after {context}"
        );
    }

    /// Everything is the old user's again, and nothing is left of what the run made. Keys that were revoked and sessions
    /// that were ended do not come back.
    async fn check_undone(&self, world: &World, run: RunId, context: &str) {
        let job = job(world, run).await;
        assert_eq!(job.state, JobState::Undone, "after {context}");
        let events = world.ledger.events(JobId { run, number: 0 }).await.unwrap();
        let began = |step: Step| events.iter().any(|event| event.step == step.name());
        let (mut now, mut before) = (seen(&world.emulator, self.target), self.before.clone());
        for (step, field) in [
            (Step::RevokeOldKeys, "keys"),
            (Step::EndOldSessions, "sessions"),
        ] {
            if began(step) {
                of_user(&mut now, OLD).remove(field);
                of_user(&mut before, OLD).remove(field);
            }
        }
        same(&now, &before, &format!("not as it was after {context}"));
        assert_eq!(world.working().await, 0, "keys that log in after {context}");
        let records = world.ledger.keys(None).await.unwrap();
        let alive = records.iter().filter(|key| key.state != KeyState::Revoked);
        let alive: Vec<_> = alive.collect();
        assert!(alive.is_empty(), "{alive:?} after {context}");
    }
}

/// A job that is never run.
fn nobody() -> KeyJob {
    KeyJob {
        user: UserId::External(OLD.to_owned()),
        purpose: None,
        ttl_seconds: None,
    }
}

/// Decide what it takes, in the way that the command does.
async fn plan(world: &World, target: Target) -> RotateIdSpec {
    let admin = world.admin();
    let viewpoint = Viewpoint::new(admin.clone(), 1, Arc::new(Silent));
    let old = find_user(&admin, UserRef::External(OLD)).await.unwrap();
    let mut from = viewpoint.belongings(&old.unwrap()).await.unwrap();
    let count = from.items.len();
    from.items.retain(|item| !came_since(item));
    assert_eq!(from.items.len() + SINCE, count);
    let new = find_user(&admin, UserRef::External(target.id())).await;
    let into = match new.unwrap() {
        Some(new) => Some(viewpoint.belongings(&new).await.unwrap()),
        None => None,
    };
    admin.logout().await.unwrap();
    let wish = RotateIdWish {
        external_user_id: target.id().to_owned(),
        attributes: BTreeMap::from([("api_token".to_owned(), "only-acme-knows".to_owned())]),
        take_unknown: false,
        release: None,
        old: OldEnd::Disable,
        no_key: false,
        key_purpose: None,
        target: "/alive".to_owned(),
        session_length: 300,
    };
    plan_rotate_id(from, into, wish).unwrap()
}

/// How many things come while the plan is made.
const SINCE: usize = 6;

/// Whether a thing is one of those that come while the plan is made.
fn came_since(item: &Item) -> bool {
    match item.kind {
        ItemKind::Folder => item.id == "505",
        ItemKind::Dashboard => item.id == "120" || item.id == "121",
        ItemKind::Board | ItemKind::Follow => item.id == "104",
        ItemKind::Favorite => item.title == "Team overview",
        _ => false,
    }
}

/// The document with what the old user makes while the plan is made.
fn with_what_came_since(mut document: Value) -> Value {
    let mut add = |kind: &str, thing: Value| {
        document[kind].as_array_mut().unwrap().push(thing);
    };
    add(
        "folders",
        json!({ "id": 505, "name": "Drafts", "parent": 500, "creator": 42 }),
    );
    add(
        "dashboards",
        json!({ "id": 120, "title": "Draft", "slug": "draft", "folder": 500, "owner": 42 }),
    );
    add(
        "dashboards",
        json!({ "id": 121, "title": "Draft", "slug": "draft-2", "folder": 505, "owner": 42 }),
    );
    add("boards", json!({ "id": 104, "title": "Acme", "owner": 42 }));
    add(
        "favorites",
        json!({ "user": 42, "of": { "dashboard": 105 } }),
    );
    let mut followed = document["alerts"][1].clone();
    followed["id"] = json!(104);
    followed["followers"] = json!([42]);
    document["alerts"].as_array_mut().unwrap().push(followed);
    document
}

/// What Looker holds, without what differs from one rotation to another: the new user's ids and the newest times.
pub(crate) fn seen(emulator: &Emulator, target: Target) -> Value {
    let mut state = emulator.state();
    // The administrator's key belongs to each emulator alone.
    state["users"][0]["keys"].take();
    let users = state["users"].as_array().unwrap();
    let new = users
        .iter()
        .find(|user| user["external_user_id"] == target.id());
    if let (Some(new), Target::New) = (new, target) {
        let new = new["id"].clone();
        let folders = state["folders"].as_array().unwrap();
        let home = folders
            .iter()
            .find(|folder| folder["kind"] == "personal" && folder["creator"] == new);
        let home = home.map(|folder| folder["id"].clone());
        rename(
            &mut state,
            &["creator", "owner", "user", "followers"],
            &new,
            "new",
        );
        if let Some(home) = home {
            rename(&mut state, &["folder", "parent"], &home, "home");
            of(&mut state, "folders", "creator", "new")["id"].take();
            of(&mut state, "folders", "creator", "new")["created_at"].take();
        }
        of_user(&mut state, target.id())["id"].take();
    }
    if let Some(new) = state["users"]
        .as_array_mut()
        .unwrap()
        .iter_mut()
        .find(|user| user["external_user_id"] == target.id())
    {
        let keys = new["keys"].as_array_mut().into_iter().flatten();
        keys.for_each(|key| *key = json!(key["client_id"].as_str().map(str::len)));
        if target == Target::New {
            new["login"]["logged_in_at"].take();
        }
    }
    for kind in ["favorites", "content_access"] {
        sort(&mut state[kind]);
    }
    for alert in state["alerts"].as_array_mut().unwrap() {
        sort(&mut alert["followers"]);
    }
    for kind in ["dashboards", "looks", "boards", "scheduled_plans"] {
        for thing in state[kind].as_array_mut().unwrap() {
            thing["updated_at"].take();
            thing["updater"].take();
        }
    }
    state
}

fn sort(list: &mut Value) {
    let list = list.as_array_mut().unwrap();
    list.sort_by_key(Value::to_string);
}

/// Call an id by a word, wherever it stands under one of these names.
fn rename(value: &mut Value, names: &[&str], id: &Value, word: &str) {
    match value {
        Value::Array(list) => list
            .iter_mut()
            .for_each(|value| rename(value, names, id, word)),
        Value::Object(object) => {
            for (name, value) in object {
                let is_it = names.contains(&name.as_str());
                match value {
                    Value::Array(list) if is_it => list
                        .iter_mut()
                        .filter(|it| *it == id)
                        .for_each(|it| *it = json!(word)),
                    value if is_it && value == id => *value = json!(word),
                    value => rename(value, names, id, word),
                }
            }
        }
        _ => {}
    }
}

fn of<'a>(state: &'a mut Value, kind: &str, field: &str, is: &str) -> &'a mut Value {
    let mut things = state[kind].as_array_mut().unwrap().iter_mut();
    things.find(|thing| thing[field] == is).unwrap()
}

pub(crate) fn of_user<'a>(
    state: &'a mut Value,
    id: &str,
) -> &'a mut serde_json::Map<String, Value> {
    let user = of(state, "users", "external_user_id", id);
    user.as_object_mut().unwrap()
}

/// Both are the same, told thing by thing where they are not.
pub(crate) fn same(is: &Value, should_be: &Value, context: &str) {
    let mut differences = Vec::new();
    for (kind, should_be) in should_be.as_object().unwrap() {
        let lines = |value: &Value| -> Vec<String> {
            match value {
                Value::Array(list) => list.iter().map(Value::to_string).collect(),
                other => vec![other.to_string()],
            }
        };
        let (is, should_be) = (lines(&is[kind]), lines(should_be));
        let only = |these: &[String], those: &[String], sign| {
            let only = these.iter().filter(|line| !those.contains(line));
            only.map(|line| format!("{sign} {kind} {line}"))
                .collect::<Vec<_>>()
        };
        differences.extend(only(&is, &should_be, "+"));
        differences.extend(only(&should_be, &is, "-"));
        assert!(
            !differences.is_empty() || is.len() == should_be.len(),
            "{kind} twice: {context}: {is:?}"
        );
    }
    assert!(
        differences.is_empty(),
        "{context}\n{}",
        differences.join("\n")
    );
}

async fn job(world: &World, run: RunId) -> Job {
    let jobs = world.ledger.jobs(run, None, 0, 1).await.unwrap();
    jobs.into_iter().next().unwrap()
}

/// Take the run back as `runs undo` does, from whatever state it is in.
async fn undo(world: &World, run: RunId, stop: Option<Stop>) -> Result<Undone, Error> {
    let job = job(world, run).await;
    let events = world.ledger.events(JobId { run, number: 0 }).await.unwrap();
    let plan = plan_undo(&world.spec, &events)?;
    let admin = world.admin();
    let cx = UndoContext {
        admin: admin.clone(),
        keys: KeyAccess::new(admin.clone()),
        sole_minter: world.sole_minter,
        ledger: Arc::new(world.mortal(stop)),
        clock: world.clock.clone(),
        width: 1,
        timeout: Duration::from_secs(20),
        observer: Arc::new(Silent),
    };
    let undone = undo_job(&cx, run, &job, &world.spec, &plan).await;
    let _gone = admin.logout().await;
    undone
}

/// Whether it came as far as to its stop. From here on nothing goes wrong.
fn reached<T>(world: &World, stop: Stop, tokens: usize, ended: &Result<T, Error>) -> bool {
    let reached = match stop {
        Stop::Write(_) => ended.is_err(),
        _ => is_reached(stop, &world.emulator),
    };
    world.emulator.clear_faults();
    if let Stop::Lost(_) = stop {
        // That of a login whose answer was lost, or of a log-out that never came.
        let left = world.emulator.live_tokens() - tokens;
        assert!(left <= 1, "{left} access tokens are left after {stop:?}");
    }
    reached
}

fn check_requests(world: &World, context: &str) {
    let violations = world.emulator.violations();
    assert_eq!(violations, [], "after {context}");
}

/// Stop a rotation there, resume it, and look. Gives whether the stop was reached at all.
async fn stop_and_resume(scenario: &Scenario, stop: Stop) -> bool {
    let world = scenario.world().await;
    let run = world.begin().await;
    let tokens = world.emulator.live_tokens();
    let stopped = world.go(run, Some(stop)).await;
    let reached = reached(&world, stop, tokens, &stopped);
    let context = format!(
        "{:?} {stop:?}: {:?}",
        scenario.target,
        stopped.as_ref().err()
    );

    let found = match stopped {
        Ok(found) => found,
        Err(_) => world
            .go(run, None)
            .await
            .unwrap_or_else(|error| panic!("cannot resume after {context}: {error}")),
    };

    scenario.check_rotated(&world, &found, &context).await;
    check_requests(&world, &context);
    reached
}

/// Stop a rotation there, undo it, and look. Gives whether the stop was reached at all.
async fn stop_and_undo(scenario: &Scenario, stop: Stop) -> bool {
    let world = scenario.world().await;
    let run = world.begin().await;
    let tokens = world.emulator.live_tokens();
    let stopped = world.go(run, Some(stop)).await;
    let reached = reached(&world, stop, tokens, &stopped);
    let context = format!("{:?} {stop:?}: {:?}", scenario.target, stopped.err());

    let undone = undo(&world, run, None).await;

    let mut undone = undone.unwrap_or_else(|error| panic!("cannot undo after {context}: {error}"));
    if undone.left.iter().any(|left| left.contains(UNCLEAR)) {
        // An undo creates no key that would tell Looker's clock, so that a person has to say whose key it is.
        assert!(
            lost_a_key(&world, run).await,
            "{:?} after {context}",
            undone.left
        );
        let stays = undone.left.iter().filter(|left| !left.contains(UNCLEAR));
        assert!(
            stays
                .clone()
                .all(|left| left.contains("since it has other keys")),
            "{:?} after {context}",
            undone.left
        );
        assert_ne!(
            job(&world, run).await.state,
            JobState::Undone,
            "after {context}"
        );
        revoke_named(&world, &undone.left).await;
        undone = undo(&world, run, None).await.unwrap();
    }
    assert_eq!(undone.left, Vec::<String>::new(), "after {context}");
    scenario.check_undone(&world, run, &context).await;
    check_requests(&world, &context);
    reached
}

/// What is said of a key that may be the run's or belong to someone else.
const UNCLEAR: &str = "was created around a request whose answer was lost";

/// Whether the run asked for a key and got no answer.
async fn lost_a_key(world: &World, run: RunId) -> bool {
    let events = world.ledger.events(JobId { run, number: 0 }).await.unwrap();
    let of_mint = events.iter().rev();
    let mut of_mint = of_mint.filter(|event| event.step == Step::Mint.name());
    of_mint.next().is_some_and(|event| event.what != What::Done)
}

/// Revoke the keys that were named as unclear, as a person does who knows that they are nobody's.
async fn revoke_named(world: &World, left: &[String]) {
    let named = left.iter().filter_map(|left| {
        let (ids, _) = left.strip_prefix("key ")?.split_once(" was created")?;
        Some(ids.split(", ").map(str::to_owned))
    });
    let named: Vec<String> = named.flatten().collect();
    let admin = world.admin();
    let user = find_user(&admin, world.spec.user()).await.unwrap().unwrap();
    for key in admin.api3_keys(&user.id).await.unwrap() {
        if named.contains(&key.id) {
            assert_eq!(key.purpose.as_deref().unwrap_or_default(), "");
            let _revoked = admin.delete_api3_key(&user.id, &key.id).await.unwrap();
        }
    }
    admin.logout().await.unwrap();
}

/// Where a rotation stands when it is undone.
#[derive(Clone, Copy, Debug)]
enum From {
    /// It has come to its end.
    Done,
    /// All of it is done, and the process died before it could say so.
    Unsaid,
    /// The process died half way.
    HalfWay,
}

impl From {
    fn stop(self, scenario: &Scenario) -> Option<Stop> {
        match self {
            Self::Done => None,
            Self::Unsaid => Some(Stop::Write(scenario.writes - 1)),
            Self::HalfWay => Some(Stop::Write(scenario.writes / 2)),
        }
    }
}

/// What follows on an undo that was cut short.
#[derive(Clone, Copy, Debug)]
enum Then {
    /// It is undone again.
    Undo,
    /// The run is resumed.
    Resume,
}

/// Stop the undo of a rotation there, and look at what follows. Gives whether the stop was reached at all.
async fn stop_undo(scenario: &Scenario, from: From, stop: Stop, then: Then) -> bool {
    let world = scenario.world().await;
    let run = world.begin().await;
    let ended = world.go(run, from.stop(scenario)).await;
    world.emulator.clear_faults();
    assert_eq!(ended.is_ok(), matches!(from, From::Done), "{ended:?}");

    let tokens = world.emulator.live_tokens();
    let stopped = undo(&world, run, Some(stop)).await;
    let reached = reached(&world, stop, tokens, &stopped);
    let context = format!(
        "{:?} {from:?}, undo {stop:?}, {then:?}: {stopped:?}",
        scenario.target
    );

    match then {
        Then::Resume if stopped.is_err() => {
            let found = world.go(run, None).await;
            let found =
                found.unwrap_or_else(|error| panic!("cannot resume after {context}: {error}"));
            scenario.check_rotated(&world, &found, &context).await;
        }
        Then::Undo | Then::Resume => {
            if stopped.is_err() {
                let undone = undo(&world, run, None).await;
                let undone =
                    undone.unwrap_or_else(|error| panic!("cannot undo after {context}: {error}"));
                assert_eq!(undone.left, Vec::<String>::new(), "after {context}");
            }
            scenario.check_undone(&world, run, &context).await;
        }
    }
    check_requests(&world, &context);
    reached
}

/// Do it for every number, or every third one, until the run is over, and tell of all that went wrong.
async fn everywhere<F>(scenario: Scenario, step: u32, reaches: impl Fn(Arc<Scenario>, u32) -> F)
where
    F: Future<Output = bool> + 'static,
{
    let scenario = Arc::new(scenario);
    let (mut stops, mut failures) = (step - 1, Vec::new());
    loop {
        let reaching = reaches(Arc::clone(&scenario), stops);
        let local = LocalSet::new();
        let ended = local.run_until(local.spawn_local(reaching)).await;
        match ended {
            Ok(true) => {}
            Ok(false) => break,
            Err(panicked) => failures.push(message(panicked)),
        }
        stops += step;
        assert!(stops < 1_000, "the run has no end");
        assert!(failures.len() < 10, "{}", failures.join("\n\n"));
    }
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
    assert!(
        stops > 5,
        "only {stops} stops: the matrix does not reach the run"
    );
}

/// What a test that failed has said.
fn message(panicked: JoinError) -> String {
    let said = panicked.into_panic();
    let said = said.downcast::<String>();
    said.map_or_else(|_| "a panic".to_owned(), |said| *said)
}

macro_rules! matrix {
    ($($name:ident: $target:ident, $step:literal, $what:expr;)*) => {$(
        #[tokio::test]
        async fn $name() {
            everywhere(Scenario::new(Target::$target).await, $step, $what).await;
        }
    )*};
}

fn write(number: u32) -> Stop {
    Stop::Write(number.into())
}

fn resume(stop: fn(u32) -> Stop) -> impl Fn(Arc<Scenario>, u32) -> Reaching {
    move |scenario, number| Box::pin(async move { stop_and_resume(&scenario, stop(number)).await })
}

fn go_back(stop: fn(u32) -> Stop) -> impl Fn(Arc<Scenario>, u32) -> Reaching {
    move |scenario, number| Box::pin(async move { stop_and_undo(&scenario, stop(number)).await })
}

fn undo_from(
    from: From,
    stop: fn(u32) -> Stop,
    then: Then,
) -> impl Fn(Arc<Scenario>, u32) -> Reaching {
    move |scenario, number| {
        Box::pin(async move { stop_undo(&scenario, from, stop(number), then).await })
    }
}

type Reaching = Pin<Box<dyn Future<Output = bool>>>;

matrix! {
    resumes_from_every_write: New, 1, resume(write);
    resumes_from_before_every_third_request: New, 3, resume(Stop::Before);
    resumes_from_after_every_request: New, 1, resume(Stop::After);
    survives_every_third_lost_answer: New, 3, resume(Stop::Lost);
    goes_back_from_every_write: New, 1, go_back(write);
    goes_back_from_after_every_request: New, 1, go_back(Stop::After);
    goes_back_from_every_third_lost_answer: New, 3, go_back(Stop::Lost);
    undone_again_from_every_write: New, 1, undo_from(From::Done, write, Then::Undo);
    undone_again_from_after_every_third_request: New, 3, undo_from(From::Done, Stop::After, Then::Undo);
    undone_again_from_every_third_lost_answer: New, 3, undo_from(From::HalfWay, Stop::Lost, Then::Undo);
    resumed_from_every_write_of_an_undo: New, 1, undo_from(From::HalfWay, write, Then::Resume);
    resumed_from_after_every_third_request_of_an_undo: New, 3, undo_from(From::Unsaid, Stop::After, Then::Resume);
    into_a_neighbour_resumes_from_after_every_third_request: Neighbour, 3, resume(Stop::After);
    into_a_neighbour_goes_back_from_after_every_third_request: Neighbour, 3, go_back(Stop::After);
    into_a_neighbour_undone_again_from_after_every_third_request: Neighbour, 3, undo_from(From::Done, Stop::After, Then::Undo);
    into_a_neighbour_resumed_from_after_every_third_request_of_an_undo: Neighbour, 3, undo_from(From::Unsaid, Stop::After, Then::Resume);
}
