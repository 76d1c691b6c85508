//! The main jobs as data: a world, commands, and what the world is to be if they succeed.

use std::borrow::Borrow;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::time::{Duration, Instant};

use embedctl::emulator::{Fault, Options, RequestRecord, State, Switches};
use embedctl::system::Clock;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::judge::{
    Asked, Eye, Held, Scene, Seen, Stops, Verdict, differences, judge, list, requests_since,
};
use crate::rotation::{Move, apart, moved, unmarked};
use crate::support::{Outcome, Sandbox};

/// A job: commands that follow one another.
pub(crate) struct Job {
    pub(crate) name: &'static str,
    world: World,
    /// What comes before that is no matter of this job.
    setup: &'static [Step],
    pub(crate) steps: &'static [Step],
}

/// What there is before a job.
#[derive(Clone, Copy)]
enum World {
    /// An embed user, and neighbours whose ids are like its id.
    Small,
    /// The same, where the embed user has a key that embedctl created and that nobody received.
    Orphaned,
    /// The world `rotation`.
    Rich,
}

/// The key that nobody received, and the tag that says so. No secret of it is known anywhere.
const ORPHAN: &str = "acme1orphanacme1orph";
const ORPHAN_TAG: &str = "embedctl:0197737c-4a00-7000-8000-000000000001:1";

pub(crate) enum Step {
    /// A command; `{key}` in it is the key that was minted last, `{run}` the run before.
    Run(&'static [&'static str], Asked),
    /// What follows runs on a machine that has no ledger.
    NewMachine,
    /// Time passes.
    Hours(i32),
}

/// The neighbours' keys and the key of the user itself, which somebody made without embedctl.
const HELD: &[Held] = &[
    held("acme1foreignacme1for"),
    held("neighbourkeyneighbou"),
    held("neighbour2keyneighbo"),
    held("acme42keyacme42key01"),
    held("acme42keyacme42key02"),
    held("acme421keyacme421key"),
    held("acme4keyacme4keyacme"),
];

const fn held(client_id: &'static str) -> Held {
    Held {
        client_id,
        client_secret: "secretsecretsecret123456",
    }
}

const SMALL: &str = r#"
groups:
  - { id: 20, name: Acme Sales }
users:
  - id: 20
    external_user_id: acme-1
    first_name: Ada
    last_name: Lovelace
    login: &login
      permissions: [access_data, see_looks]
      models: [demo]
      groups: [20]
      external_group_id: acme
      user_attributes: { region: west }
    keys: [{ client_id: acme1foreignacme1for, client_secret: secretsecretsecret123456 }]
    sessions: 1
  - id: 21
    external_user_id: ACME-1
    first_name: Ada
    last_name: Lovelace
    user_attributes: { customer_id: "7" }
    login: *login
    keys: [{ client_id: neighbourkeyneighbou, client_secret: secretsecretsecret123456 }]
    sessions: 1
  - id: 22
    external_user_id: acme-12
    login: *login
    groups: [20]
    keys: [{ client_id: neighbour2keyneighbo, client_secret: secretsecretsecret123456, purpose: tiles }]
folders:
  - { id: 500, kind: personal, creator: 20 }
  - { id: 501, kind: personal, creator: 21 }
dashboards:
  - { id: 100, title: Revenue, folder: 500, owner: 20 }
  - { id: 101, title: Revenue, folder: 501, owner: 21 }
"#;

const RICH: &str = include_str!("../../src/emulator/state/rotation.yaml");

const MANIFEST: &str = "\
external_user_id,first_name,last_name,models,permissions,group_ids,external_group_id,attr.region
acme-1,Ada,Byron,demo,access_data;see_looks;explore,20,acme,east
acme-7,Grace,Hopper,demo,access_data;see_looks,,,west
acme-8,Mary,Shelley,demo,access_data,20,acme,
";

impl World {
    fn state(self) -> State {
        let text = match self {
            Self::Small => SMALL.to_owned(),
            Self::Orphaned => {
                let key = format!(
                    "keys:\n      - {{ client_id: {ORPHAN}, purpose: \"{ORPHAN_TAG}\" }}\n      - {{ client_id: acme1foreign"
                );
                let text = SMALL.replace("keys: [{ client_id: acme1foreign", &key);
                text.replacen(
                    "secretsecretsecret123456 }]",
                    "secretsecretsecret123456 }",
                    1,
                )
            }
            Self::Rich => {
                let mut text = RICH.to_owned();
                for key in HELD.iter().filter(|key| RICH.contains(key.client_id)) {
                    let id = key.client_id;
                    let known = format!("{id}, client_secret: {}", key.client_secret);
                    text = text.replace(id, &known);
                }
                text
            }
        };
        State::parse(&text).unwrap()
    }
}

/// How a job ended, and with which of its steps.
pub(crate) struct Ended {
    pub(crate) step: usize,
    pub(crate) result: Result<Verdict, Vec<String>>,
    /// The command that was judged last.
    pub(crate) command: String,
    /// What was around it.
    pub(crate) scene: Scene,
    /// What all steps asked of the Looker.
    pub(crate) requests: Vec<RequestRecord>,
    /// Whether the last command is one that had failed in words and was run again.
    pub(crate) again: bool,
}

impl Ended {
    /// The last command and what it said, for those who look for the reason.
    pub(crate) fn said(&self) -> String {
        let said = &self.scene.said;
        format!(
            "$ {}\n{}{}[exit {}]",
            self.command, said.out, said.err, said.exit
        )
    }
}

/// What is different from a Looker as it is most likely.
#[derive(Clone, Debug, Default)]
pub(crate) struct Twist {
    /// A switch, and what it is set to.
    pub(crate) switch: Option<(&'static str, String)>,
    /// What goes wrong.
    pub(crate) fault: Option<Fault>,
    /// Whether a command that failed in words is run once more when nothing goes wrong any longer.
    pub(crate) again: bool,
}

/// Do a job where Looker has a twist, and judge every command of it. Faults strike after the set-up. A set-up that a
/// switch does not let pass is made before the switch is turned.
pub(crate) async fn run(job: &Job, twist: &Twist) -> Ended {
    if let Some(stage) = Stage::set_up(job, twist, true).await {
        return stage.go(job, twist).await;
    }
    let stage = Stage::set_up(job, twist, false).await;
    let stage = stage.unwrap_or_else(|| panic!("the set-up of {} fails", job.name));
    if let Some((name, value)) = &twist.switch {
        turn(&stage.sandbox, name, value).await;
    }
    stage.go(job, twist).await
}

/// Turn a switch of a running Looker.
async fn turn(sandbox: &Sandbox, name: &str, value: &str) {
    let value: Value = serde_json::from_str(value).unwrap_or_else(|_| json!(value));
    let url = format!("{}/__emulator/behaviour", sandbox.emulator().base_url());
    let sent = reqwest::Client::builder().no_proxy().build().unwrap();
    let body = json!({ "switches": { name: value } });
    let answer = sent.post(url).json(&body).send().await.unwrap();
    assert!(
        answer.status().is_success(),
        "{name}: {}",
        answer.text().await.unwrap()
    );
}

struct Stage {
    sandbox: Sandbox,
    clock: Clock,
    eye: Eye,
    /// What commands may refer to: `{key}` and `{run}`.
    names: BTreeMap<&'static str, String>,
}

impl Stage {
    /// The world of a job, up to where its steps begin; nothing where a command before it did not succeed.
    async fn set_up(job: &Job, twist: &Twist, early: bool) -> Option<Self> {
        let clock = Clock::manual(Timestamp::from_second(1_750_000_000).unwrap());
        let mut switches = Switches::default();
        if let Some((name, value)) = twist.switch.as_ref().filter(|_| early) {
            switches.set(name, value).unwrap();
        }
        let options = Options {
            state: job.world.state(),
            clock: clock.clone(),
            switches,
            ..Options::default()
        };
        let mut sandbox = Sandbox::with(options).await;
        clock.sleep(Duration::from_secs(600)).await;
        sandbox.clock(clock.clone());
        sandbox.file("users.csv", MANIFEST);
        let mut stage = Self {
            sandbox,
            clock,
            eye: Eye::new(HELD),
            names: BTreeMap::new(),
        };
        for step in job.setup {
            let Some(args) = stage.pass(step).await else {
                continue;
            };
            let said = stage.say(&args).await;
            if said.exit != 0 {
                assert!(early, "{}: {}{}", job.name, said.out, said.err);
                stage.sandbox.leave().await;
                return None;
            }
        }
        Some(stage)
    }

    /// Do a step that is no command; of a command, what is to be run.
    async fn pass(&self, step: &Step) -> Option<Vec<String>> {
        match step {
            Step::Run(args, _) => Some(self.named(args)),
            Step::NewMachine => {
                let state = self.sandbox.root().join("home/.local/state");
                fs::remove_dir_all(&state).unwrap();
                fs::create_dir(&state).unwrap();
                None
            }
            Step::Hours(hours) => {
                let hours = u64::try_from(*hours).unwrap();
                self.clock.sleep(Duration::from_hours(hours)).await;
                None
            }
        }
    }

    fn named(&self, args: &[&str]) -> Vec<String> {
        let name = |arg: &&str| {
            let found = self.names.get(*arg).cloned();
            found.unwrap_or_else(|| (*arg).to_owned())
        };
        args.iter().map(name).collect()
    }

    async fn say(&mut self, args: &[String]) -> Outcome {
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        let said = self.sandbox.run(&args).await;
        if let Ok(result) = serde_json::from_str::<Value>(&said.out) {
            for (name, value) in [
                ("{key}", &result["key"]["id"]),
                ("{run}", &result["run_id"]),
            ] {
                if let Some(value) = value.as_str() {
                    self.names.insert(name, value.to_owned());
                }
            }
        }
        said
    }

    /// Do the steps until one fails, and that one once more if the twist says so.
    async fn go(mut self, job: &Job, twist: &Twist) -> Ended {
        let first = self.eye.look(&self.sandbox).await.left();
        let (mut before, mut all, mut last) = (first.clone(), Vec::new(), None);
        let mut again = false;
        for (number, step) in job.steps.iter().enumerate() {
            let passed = self.pass(step).await;
            let (Step::Run(_, asked), Some(args)) = (step, passed) else {
                // Sessions end with time.
                before = self.eye.look(&self.sandbox).await.left();
                continue;
            };
            if let Some(fault) = &twist.fault {
                self.sandbox.emulator().inject(fault.clone());
            }
            let mut scene = self.act(*asked, &args, &first, (before, None)).await;
            all.extend(scene.requests.iter().cloned());
            let mut result = judge(&scene);
            if twist.again && result == Ok(Verdict::Loud) {
                again = true;
                let tries = (scene.after.left(), Some(scene.before));
                scene = self.act(*asked, &args, &first, tries).await;
                result = judge(&scene);
            }
            let goes_on = result == Ok(Verdict::Right) && !again;
            before = scene.after.clone().left();
            last = Some((number, result, args.join(" "), scene));
            if !goes_on {
                break;
            }
        }
        self.sandbox.leave().await;
        let (step, result, command, scene) = last.unwrap();
        Ended {
            step,
            result,
            command,
            scene,
            requests: all,
            again,
        }
    }

    /// Run one command, and see what became of the world.
    async fn act(
        &mut self,
        asked: Asked,
        args: &[String],
        first: &Seen,
        (before, began): (Seen, Option<Seen>),
    ) -> Scene {
        let said = self.say(args).await;
        self.sandbox.emulator().clear_faults();
        let requests = requests_since(&self.sandbox, &before);
        Scene {
            asked,
            first: first.clone(),
            before,
            began,
            said,
            after: self.eye.look(&self.sandbox).await,
            requests,
        }
    }
}

/// Print how long a matrix took.
pub(crate) fn took(what: &str, cases: usize, since: Instant) {
    let seconds = since.elapsed().as_secs_f64();
    crate::support::print(&format!("{what}: {cases} cases in {seconds:.1} s"));
}

/// What an embed user has, however it got it.
fn effective(user: &Value) -> Value {
    let set = |lists: &[&Value]| -> BTreeSet<String> {
        let items = lists.iter().filter_map(|list| list.as_array()).flatten();
        items.map(Value::to_string).collect()
    };
    let login = &user["login"];
    let mut groups = set(&[&user["groups"], &login["groups"]]);
    // All Users.
    groups.remove("1");
    let mut attributes = login["user_attributes"]
        .as_object()
        .cloned()
        .unwrap_or_default();
    attributes.extend(
        user["user_attributes"]
            .as_object()
            .cloned()
            .unwrap_or_default(),
    );
    // Whether it is an attribute or a field of the user is the emulator's matter.
    let locale = attributes.remove("locale");
    json!({
        "locale": locale.unwrap_or_else(|| user["locale"].clone()),
        "first_name": user["first_name"],
        "last_name": user["last_name"],
        "permissions": set(&[&login["permissions"]]),
        "models": set(&[&login["models"]]),
        "groups": groups,
        "external_group_id": login["external_group_id"],
        "attributes": attributes,
    })
}

/// What is not as `want` says with an embed user.
fn grants(seen: &Seen, user: &str, want: impl Borrow<Value>) -> Vec<String> {
    let Some(is) = seen.user(user) else {
        return vec![format!("there is no `{user}`")];
    };
    let want = effective(want.borrow());
    match effective(is) {
        is if is == want => Vec::new(),
        is => vec![format!("`{user}` has {is} and not {want}")],
    }
}

/// An embed user has one key more, which is in the sink and logs in as it.
fn new_key(scene: &Scene, user: &str) -> Vec<String> {
    let id = scene.after.id(user).map(|id| id.to_string());
    let (before, after) = (scene.before.keys_of(user), scene.after.keys_of(user));
    let kept = scene.after.in_sink();
    let works = |key: &&&str| kept.contains(**key) && scene.after.works.get(**key) == id.as_ref();
    let new = after.difference(&before).filter(works);
    match new.count() {
        1 => Vec::new(),
        count => vec![format!("`{user}` has {count} new keys that work")],
    }
}

/// The keys that embedctl had delivered to the user are gone.
fn ours_gone(scene: &Scene, user: &str) -> Vec<String> {
    let kept = scene.before.in_sink();
    let left = scene.after.keys_of(user);
    let left = left.intersection(&kept);
    left.map(|key| format!("key {key} of `{user}` is left"))
        .collect()
}

/// Nothing has changed, and nothing was written; but a Looker that keeps no tags has no way to tell another machine that
/// a key was delivered, so that there may be a new one, which works.
fn same(scene: &Scene) -> Vec<String> {
    let untagged = |user: &&&str| {
        let ours = scene.before.in_sink();
        let keys = scene
            .before
            .user(user)
            .and_then(|user| user["keys"].as_array());
        let mut ours = keys.into_iter().flatten().filter(|key| {
            let client_id = key["client_id"].as_str();
            client_id.is_some_and(|id| ours.contains(id))
        });
        ours.any(|key| key.get("purpose").is_none())
    };
    let about = scene.asked.about;
    if about.iter().filter(untagged).count() == about.len() {
        let users = about.iter();
        return users
            .flat_map(|user| {
                let was = scene.before.user(user).unwrap().clone();
                grants(&scene.after, user, was)
            })
            .collect();
    }
    let mut wrong = differences(&scene.before.state, &scene.after.state);
    wrong.extend(
        writes(&scene.requests)
            .into_iter()
            .map(|write| format!("it wrote: {write}")),
    );
    if scene.before.kept.len() != scene.after.kept.len() {
        wrong.push("the sink has other keys".to_owned());
    }
    wrong
}

/// The requests that change something, tokens left out.
fn writes(requests: &[RequestRecord]) -> Vec<String> {
    let tokens = ["login", "logout", "login_user"];
    let writes = requests.iter().filter(|it| {
        (it.method != "GET" && !tokens.contains(&it.operation)) || it.operation == "login_embed"
    });
    writes
        .map(|it| format!("{} {}", it.method, it.path))
        .collect()
}

fn created(scene: &Scene) -> Vec<String> {
    let want = json!({
        "first_name": "Ada", "last_name": "Lovelace",
        "groups": [20],
        "login": {
            "permissions": ["access_data", "see_looks"], "models": ["demo"],
            "external_group_id": "acme", "user_attributes": { "region": "west" },
        },
    });
    [
        grants(&scene.after, "acme-9", want),
        new_key(scene, "acme-9"),
    ]
    .concat()
}

fn left_as_it_is(scene: &Scene) -> Vec<String> {
    let was = scene.before.user("acme-1").unwrap().clone();
    let mut wrong = grants(&scene.after, "acme-1", was);
    wrong.extend(new_key(scene, "acme-1"));
    let sessions = |seen: &Seen| seen.user("acme-1").map(|user| user["sessions"].clone());
    if sessions(&scene.before) != sessions(&scene.after) {
        wrong.push("sessions were ended".to_owned());
    }
    wrong
}

fn updated(scene: &Scene) -> Vec<String> {
    let want = json!({
        "first_name": "Ada", "last_name": "Byron",
        "groups": [20],
        "login": {
            "permissions": ["access_data", "explore"], "models": ["demo"],
            "external_group_id": "acme", "user_attributes": { "region": "east" },
        },
    });
    [
        grants(&scene.after, "acme-1", want),
        new_key(scene, "acme-1"),
    ]
    .concat()
}

fn applied(scene: &Scene) -> Vec<String> {
    let mut wrong = as_the_manifest_says(&scene.after);
    for user in ["acme-1", "acme-7", "acme-8"] {
        wrong.extend(new_key(scene, user));
    }
    wrong
}

fn as_the_manifest_says(seen: &Seen) -> Vec<String> {
    let acme_1 = json!({
        "first_name": "Ada", "last_name": "Byron", "groups": [20],
        "login": {
            "permissions": ["access_data", "see_looks", "explore"], "models": ["demo"],
            "external_group_id": "acme", "user_attributes": { "region": "east" },
        },
    });
    let acme_7 = json!({
        "first_name": "Grace", "last_name": "Hopper",
        "login": {
            "permissions": ["access_data", "see_looks"], "models": ["demo"],
            "user_attributes": { "region": "west" },
        },
    });
    let acme_8 = json!({
        "first_name": "Mary", "last_name": "Shelley", "groups": [20],
        "login": { "permissions": ["access_data"], "models": ["demo"], "external_group_id": "acme" },
    });
    let users = [("acme-1", acme_1), ("acme-7", acme_7), ("acme-8", acme_8)];
    users
        .into_iter()
        .flat_map(|(user, want)| grants(seen, user, want))
        .collect()
}

fn planned(scene: &Scene) -> Vec<String> {
    let mut wrong = same(scene);
    let rows = scene.said.json_lines();
    for user in scene.asked.about {
        let row = rows.iter().find(|row| row["external_user_id"] == *user);
        // Who stays as they are need not be named.
        let action = row.map_or("unchanged", |row| {
            row["action"].as_str().unwrap_or_default()
        });
        let should_be = match scene.before.user(user) {
            None => "create",
            Some(_) if as_the_manifest_says(&scene.before).is_empty() => "unchanged",
            Some(_) => "update",
        };
        if action != should_be {
            wrong.push(format!(
                "`{user}` is planned to {action:?}, and not to {should_be:?}"
            ));
        }
    }
    wrong
}

/// Every embed user is listed, once, and nobody else.
fn all_users_listed(scene: &Scene) -> Vec<String> {
    let name = |user: &Value| Some(user["external_user_id"].as_str()?.to_owned());
    let there: Vec<String> = list(&scene.before.state, "users")
        .filter_map(name)
        .collect();
    let lines = scene.said.json_lines();
    listed(scene, &there, lines.iter().filter_map(name))
}

/// Every key of the user is listed, once, and no other.
fn all_keys_listed(scene: &Scene) -> Vec<String> {
    let there: Vec<String> = scene
        .before
        .keys_of("acme-1")
        .into_iter()
        .map(str::to_owned)
        .collect();
    let said = scene.said.json();
    let keys = said.as_array().into_iter().flatten();
    let said: Vec<String> = keys
        .filter_map(|key| Some(key["client_id"].as_str()?.to_owned()))
        .collect();
    listed(scene, &there, said.into_iter())
}

fn listed(scene: &Scene, there: &[String], said: impl Iterator<Item = String>) -> Vec<String> {
    let (mut said, mut there): (Vec<String>, Vec<String>) = (said.collect(), there.to_vec());
    said.sort();
    there.sort();
    let mut wrong = same(scene);
    if said != there {
        wrong.push(format!("it lists {said:?}, and there are {there:?}"));
    }
    wrong
}

fn minted(scene: &Scene) -> Vec<String> {
    new_key(scene, "acme-1")
}

fn rotated(scene: &Scene) -> Vec<String> {
    [new_key(scene, "acme-1"), ours_gone(scene, "acme-1")].concat()
}

fn revoked(scene: &Scene) -> Vec<String> {
    ours_gone(scene, "acme-1")
}

/// The keys whose overlap has ended are gone, and the newest one works.
fn reaped(scene: &Scene) -> Vec<String> {
    let keys = scene.after.keys_of("acme-1");
    let kept: Vec<&Value> = scene.after.kept.iter().collect();
    let mut wrong = Vec::new();
    for (number, key) in kept.iter().enumerate() {
        let id = key["client_id"].as_str().unwrap();
        let newest = number + 1 == kept.len();
        if keys.contains(id) != newest {
            wrong.push(format!(
                "key {id} is the newest: {newest}, and there: {}",
                !newest
            ));
        }
    }
    wrong
}

/// The key that nobody received is gone, or said to be left since Looker does not tell whose it is; no other one is.
fn orphan_gone(scene: &Scene) -> Vec<String> {
    let (mut before, after) = (
        scene.before.keys_of("acme-1"),
        scene.after.keys_of("acme-1"),
    );
    let said = scene.said.json();
    let rows = said.as_array().into_iter().flatten();
    let left = rows.filter(|row| row["state"] == "nameless" && row["outcome"] != "revoked");
    if !left.clone().any(|row| row["client_id"] == ORPHAN) {
        before.remove(ORPHAN);
    }
    match before == after {
        true => Vec::new(),
        false => vec![format!(
            "`acme-1` has the keys {after:?} and not {before:?}"
        )],
    }
}

fn disabled(scene: &Scene) -> Vec<String> {
    let mut expected = scene.before.user("acme-1").unwrap().clone();
    let mut is = scene.after.user("acme-1").cloned().unwrap_or_default();
    expected["is_disabled"] = json!(true);
    // Whether its sessions end with that is Looker's matter.
    for user in [&mut expected, &mut is] {
        user.as_object_mut().map(|user| user.remove("sessions"));
    }
    match expected == is {
        true => Vec::new(),
        false => vec![format!("the user is {is} and not {expected}")],
    }
}

fn enabled(scene: &Scene) -> Vec<String> {
    let user = scene.after.user("acme-1");
    match user.is_some_and(|user| user["is_disabled"] != true) {
        true => grants(
            &scene.after,
            "acme-1",
            scene.before.user("acme-1").unwrap().clone(),
        ),
        false => vec![format!("the user is {user:?}")],
    }
}

fn deleted(scene: &Scene) -> Vec<String> {
    let user = scene.after.user("acme-1");
    user.map(|user| format!("there is {user}"))
        .into_iter()
        .collect()
}

/// Everything is the new user's, who has what the old one had, and the old one is disabled.
fn moved_to_new_id(scene: &Scene) -> Vec<String> {
    let (before, after) = (&scene.before, &scene.after);
    let Some(to) = after.id("9f1c2b") else {
        return vec!["there is no new user".to_owned()];
    };
    let mut wrong = Vec::new();
    let mut homes = list(&after.state, "folders").filter(|folder| folder["kind"] == "personal");
    let to_home = homes
        .find(|folder| folder["creator"] == to)
        .and_then(|home| home["id"].as_i64());
    let whose = Move {
        from: 42,
        from_home: 500,
        to,
        to_home: to_home.unwrap_or_default(),
    };
    let people = [42, to];
    let should_be = ordered(unmarked(
        apart(moved(&before.state, whose), &people).0,
        &people,
    ));
    let is = ordered(unmarked(apart(after.state.clone(), &people).0, &people));
    wrong.extend(differences(&should_be, &is));
    let mut had = before.user("acme-42").unwrap().clone();
    had["login"]["groups"].take();
    had["groups"] = json!([20, 21]);
    wrong.extend(grants(after, "9f1c2b", had));
    let (old, new) = (after.user("acme-42"), after.user("9f1c2b").unwrap());
    if new["roles"] != before.user("acme-42").unwrap()["roles"] {
        wrong.push(format!("the new user has the roles {}", new["roles"]));
    }
    if old.is_none_or(|old| {
        old["is_disabled"] != true || !old["keys"].is_null() || !old["sessions"].is_null()
    }) {
        wrong.push(format!("the old user is {old:?}"));
    }
    wrong.extend(new_key(scene, "9f1c2b"));
    wrong
}

/// Everything is as it was before the rotation, but for keys that were revoked and sessions that were ended.
fn put_back(scene: &Scene) -> Vec<String> {
    let without_keys = |seen: &Seen| {
        let mut state = ordered(unmarked(seen.state.clone(), &[42]));
        for user in state["users"].as_array_mut().unwrap() {
            if user["id"] == 42 {
                user.as_object_mut().unwrap().remove("keys");
                user.as_object_mut().unwrap().remove("sessions");
            }
        }
        state
    };
    differences(&without_keys(&scene.first), &without_keys(&scene.after))
}

/// The state with an order where it has none.
fn ordered(mut state: Value) -> Value {
    for alert in state["alerts"].as_array_mut().unwrap() {
        let followers = alert["followers"].as_array_mut();
        followers
            .into_iter()
            .for_each(|it| it.sort_by_key(Value::to_string));
    }
    state
}

macro_rules! asked {
    ($about:expr, $stops:ident, $want:expr) => {
        Asked {
            about: $about,
            stops: Stops::$stops,
            want: $want,
        }
    };
}

const TO: &[&str] = &["--keys-to", "file:keys.jsonl", "-o", "json", "--yes"];

const ALL_ROWS: &[&str] = &["acme-1", "acme-7", "acme-8"];
const APPLY: &[&str] = &[
    "apply",
    "users.csv",
    "--keys-to",
    "file:keys.jsonl",
    "--verify",
    "all",
    "-o",
    "json",
    "--yes",
];
const PLAN: &[&str] = &["plan", "users.csv", "-o", "jsonl"];
const MINT: Step = Step::Run(
    &["keys", "mint", "acme-1", TO[0], TO[1], TO[2], TO[3], TO[4]],
    asked!(&["acme-1"], Nothing, minted),
);
const DISABLE: Step = Step::Run(
    &["users", "disable", "acme-1", "-o", "json", "--yes"],
    asked!(&["acme-1"], All, disabled),
);
const APPLY_FIRST: Step = Step::Run(APPLY, asked!(ALL_ROWS, Nothing, applied));
const APPLY_AGAIN: Step = Step::Run(APPLY, asked!(ALL_ROWS, Nothing, same));

/// All jobs.
pub(crate) const JOBS: &[Job] = &[
    Job {
        name: "create-user",
        world: World::Small,
        setup: &[],
        steps: &[Step::Run(
            &[
                "create-user",
                "acme-9",
                "--first-name",
                "Ada",
                "--last-name",
                "Lovelace",
                "--model",
                "demo",
                "--permission",
                "access_data",
                "--permission",
                "see_looks",
                "--group-id",
                "20",
                "--external-group-id",
                "acme",
                "--attr",
                "region=west",
                TO[0],
                TO[1],
                TO[2],
                TO[3],
                TO[4],
            ],
            asked!(&["acme-9"], Nothing, created),
        )],
    },
    Job {
        name: "create-user that is there",
        world: World::Small,
        setup: &[],
        steps: &[Step::Run(
            &[
                "create-user",
                "acme-1",
                "--first-name",
                "Eve",
                "--model",
                "demo",
                "--permission",
                "explore",
                TO[0],
                TO[1],
                TO[2],
                TO[3],
                TO[4],
            ],
            asked!(&["acme-1"], Nothing, left_as_it_is),
        )],
    },
    Job {
        name: "create-user --update",
        world: World::Small,
        setup: &[],
        steps: &[Step::Run(
            &[
                "create-user",
                "acme-1",
                "--update",
                "--first-name",
                "Ada",
                "--last-name",
                "Byron",
                "--model",
                "demo",
                "--permission",
                "access_data",
                "--permission",
                "explore",
                "--group-id",
                "20",
                "--external-group-id",
                "acme",
                "--attr",
                "region=east",
                TO[0],
                TO[1],
                TO[2],
                TO[3],
                TO[4],
            ],
            asked!(&["acme-1"], Nothing, updated),
        )],
    },
    Job {
        name: "apply twice",
        world: World::Small,
        setup: &[],
        steps: &[APPLY_FIRST, APPLY_AGAIN],
    },
    Job {
        name: "apply on another machine",
        world: World::Small,
        setup: &[APPLY_FIRST],
        steps: &[Step::NewMachine, APPLY_AGAIN],
    },
    Job {
        name: "plan",
        world: World::Small,
        setup: &[],
        steps: &[Step::Run(PLAN, asked!(ALL_ROWS, Nothing, planned))],
    },
    Job {
        name: "plan after apply",
        world: World::Small,
        setup: &[APPLY_FIRST],
        steps: &[
            Step::Run(PLAN, asked!(ALL_ROWS, Nothing, planned)),
            Step::NewMachine,
            Step::Run(PLAN, asked!(ALL_ROWS, Nothing, planned)),
        ],
    },
    Job {
        name: "keys mint",
        world: World::Small,
        setup: &[],
        steps: &[MINT],
    },
    Job {
        name: "keys rotate",
        world: World::Small,
        setup: &[MINT],
        steps: &[Step::Run(
            &[
                "keys", "rotate", "acme-1", TO[0], TO[1], TO[2], TO[3], TO[4],
            ],
            asked!(&["acme-1"], Ours, rotated),
        )],
    },
    Job {
        name: "keys revoke",
        world: World::Small,
        setup: &[MINT],
        steps: &[Step::Run(
            &["keys", "revoke", "acme-1", "{key}", "-o", "json", "--yes"],
            asked!(&["acme-1"], Ours, revoked),
        )],
    },
    Job {
        name: "keys reap",
        world: World::Small,
        setup: &[MINT],
        steps: &[
            Step::Run(
                &[
                    "keys",
                    "rotate",
                    "acme-1",
                    "--overlap",
                    "24h",
                    TO[0],
                    TO[1],
                    TO[2],
                    TO[3],
                    TO[4],
                ],
                asked!(&["acme-1"], Nothing, minted),
            ),
            Step::Hours(25),
            Step::Run(
                &["keys", "reap", "-o", "json"],
                asked!(&["acme-1"], Ours, reaped),
            ),
        ],
    },
    Job {
        name: "keys orphans",
        world: World::Orphaned,
        setup: &[],
        steps: &[Step::Run(
            &["keys", "orphans", "--revoke", "-o", "json", "--yes"],
            asked!(&["acme-1"], Ours, orphan_gone),
        )],
    },
    Job {
        name: "keys list",
        world: World::Small,
        setup: &[MINT],
        steps: &[Step::Run(
            &["keys", "list", "acme-1", "-o", "json"],
            asked!(&["acme-1"], Nothing, all_keys_listed),
        )],
    },
    Job {
        name: "users list",
        world: World::Small,
        setup: &[],
        steps: &[Step::Run(
            &["users", "list", "-o", "jsonl"],
            asked!(&["acme-1"], Nothing, all_users_listed),
        )],
    },
    Job {
        name: "users disable",
        world: World::Small,
        setup: &[],
        steps: &[DISABLE],
    },
    Job {
        name: "users enable",
        world: World::Small,
        setup: &[DISABLE],
        steps: &[Step::Run(
            &["users", "enable", "acme-1", "-o", "json", "--yes"],
            asked!(&["acme-1"], Nothing, enabled),
        )],
    },
    Job {
        name: "users delete",
        world: World::Small,
        setup: &[],
        steps: &[Step::Run(
            &["users", "delete", "acme-1", "-o", "json", "--yes"],
            asked!(&["acme-1"], All, deleted),
        )],
    },
    Job {
        name: "rotate-id and undo",
        world: World::Rich,
        setup: &[],
        steps: &[
            Step::Run(
                &[
                    "rotate-id",
                    "acme-42",
                    "9f1c2b",
                    "--attr",
                    "api_token=only-acme-knows",
                    TO[0],
                    TO[1],
                    TO[2],
                    TO[3],
                    TO[4],
                ],
                asked!(&["acme-42", "9f1c2b"], All, moved_to_new_id),
            ),
            Step::Run(
                &["runs", "undo", "{run}", "-o", "json", "--yes"],
                asked!(&["acme-42", "9f1c2b"], All, put_back),
            ),
        ],
    },
];

/// The job that is called so.
pub(crate) fn job(name: &str) -> &'static Job {
    let mut jobs = JOBS.iter();
    jobs.find(|job| job.name == name)
        .unwrap_or_else(|| panic!("no job is called {name}"))
}
