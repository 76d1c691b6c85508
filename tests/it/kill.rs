//! Processes killed at random instants, and what the next one makes of what they left.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Stdio;
use std::time::{Duration, Instant};

use embedctl::looker::{Api3Key, Client};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Child;

use crate::clients::{client, embed_users, kept, login};
use crate::support::{Sandbox, in_time, output, print};

/// How many processes are killed, each with a user of the program who says that nothing else creates keys, and with one who
/// does not.
const KILLS: u32 = 40;

/// How many users a run is about.
const USERS: usize = 5;

/// How often a run that nobody kills may end without being done: what is unclear is named once, and the next one ends.
const FAILURES: u32 = 3;

/// Where the instants come from: another number, other instants.
const SEED: u64 = 20_261_124;

/// Numbers that look random and are the same in every run: splitmix64, by its published constants.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// An instant before `end`.
    fn before(&mut self, end: Duration) -> Duration {
        let micros = u64::try_from(end.as_micros()).unwrap().max(1);
        Duration::from_micros(self.roll() % micros)
    }
}

/// A Looker in a process of its own, users with a key of somebody else's, and the processes that are killed.
struct World {
    sandbox: Sandbox,
    looker: Child,
    admin: Client,
    base_url: String,
    dice: Dice,
    kills: u32,
    /// Whether embedctl is told that nothing else creates keys. Otherwise somebody else does.
    sole_minter: bool,
    /// The foreign keys of each user that has one, by Looker's id of the user.
    foreign: KeysOf,
    /// The keys of which a run has said by their id that nobody received them.
    named: BTreeSet<String>,
    /// The users there should be.
    users: BTreeSet<String>,
}

impl World {
    async fn new(sole_minter: bool) -> Self {
        let mut sandbox = Sandbox::offline();
        let users = USERS.to_string();
        let mut emulator = sandbox.process(&[
            "emulator",
            "-o",
            "json",
            "--users",
            &users,
            "--latency",
            "2ms",
        ]);
        emulator.stdout(Stdio::piped()).stdin(Stdio::null());
        let mut emulator = tokio::process::Command::from(emulator);
        let mut looker = emulator.kill_on_drop(true).spawn().unwrap();
        let mut lines = BufReader::new(looker.stdout.take().unwrap()).lines();
        let line = in_time(lines.next_line()).await.unwrap().unwrap();
        let listening: Value = serde_json::from_str(&line).unwrap();
        let text = |name: &str| listening[name].as_str().unwrap().to_owned();
        sandbox
            .var("LOOKERSDK_BASE_URL", text("base_url"))
            .var("LOOKERSDK_CLIENT_ID", text("client_id"))
            .var("LOOKERSDK_CLIENT_SECRET", text("client_secret"))
            .var("LOOKERSDK_EMBED_SECRET", text("embed_secret"));
        // What a killed process asked for is over soon.
        sandbox
            .var("EMBEDCTL_SOLE_MINTER", sole_minter.to_string())
            .var("EMBEDCTL_TIMEOUT", "2s")
            .var("EMBEDCTL_TEST_SERVER_GRACE_MS", "100");
        let base_url = text("base_url");
        let admin = client(&base_url, &text("client_id"), text("client_secret").into());
        let mut foreign = BTreeMap::<_, BTreeSet<_>>::new();
        let mut users = BTreeSet::new();
        for (external, id) in embed_users(&admin).await {
            let key = admin.create_api3_key(&id).await.unwrap().key;
            foreign.entry(id).or_default().insert(key.id);
            users.insert(external);
        }
        assert_eq!(users.len(), USERS);
        Self {
            sandbox,
            looker,
            admin,
            base_url,
            dice: Dice(SEED),
            kills: 0,
            sole_minter,
            foreign,
            named: BTreeSet::new(),
            users,
        }
    }

    /// Run a command, killing it at some instant before `usual`, and resume what it left, killing that too, until the
    /// run has come to its end.
    async fn run(&mut self, args: &[&str], usual: Duration) {
        let earlier = self.newest().await["id"].clone();
        let mut failures = 0;
        loop {
            let run = self.newest().await;
            let id = run["id"].as_str().unwrap_or_default();
            let resume = ["runs", "resume", id];
            let args = match (run["id"] == earlier, run["state"].as_str()) {
                (true, _) => args,
                (false, Some("done")) => {
                    self.hear(id).await;
                    return;
                }
                (false, _) => &resume,
            };
            if self.kills < KILLS && self.start_and_kill(args, usual).await {
                failures = 0;
                self.somebody_else_creates_a_key().await;
                continue;
            }
            // Not killed, so that a failure can be told.
            let outcome = output(self.sandbox.process(args)).await;
            failures += u32::from(outcome.exit != 0);
            let is_expected = outcome.exit == 0 || (outcome.exit == 3 && !self.sole_minter);
            assert!(
                (is_expected || self.kills < KILLS) && failures < FAILURES,
                "kill {} of seed {SEED}, {args:?}: {outcome:?}",
                self.kills
            );
        }
    }

    /// Read which keys a run has left, by what it tells of itself; to say so it has ended with 3, if it was not killed.
    async fn hear(&mut self, run: &str) {
        let shown = self.sandbox.run(&["runs", "show", run]).await.done().out;
        for said in shown.split("key ").skip(1) {
            if let Some((id, rest)) = said.split_once(' ')
                && rest.starts_with("was left")
            {
                assert!(!self.sole_minter, "key {id} is an orphan: {shown}");
                self.named.insert(id.to_owned());
            }
        }
    }

    /// Another admin is at work, unless nothing else creates keys.
    async fn somebody_else_creates_a_key(&mut self) {
        if self.sole_minter || !self.dice.roll().is_multiple_of(4) {
            return;
        }
        let at = usize::try_from(self.dice.roll()).unwrap() % self.foreign.len();
        let (id, keys) = self.foreign.iter_mut().nth(at).unwrap();
        keys.insert(self.admin.create_api3_key(id).await.unwrap().key.id);
    }

    /// Start a process and kill it at some instant before `usual`. False where it failed by itself before that.
    async fn start_and_kill(&mut self, args: &[&str], usual: Duration) -> bool {
        let after = self.dice.before(usual);
        let mut process = tokio::process::Command::from(self.sandbox.process(args));
        process
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let mut child = process.kill_on_drop(true).spawn().unwrap();
        let ended = tokio::time::timeout(after, child.wait()).await;
        if let Ok(status) = ended {
            return status.unwrap().success();
        }
        child.kill().await.unwrap();
        self.kills += 1;
        true
    }

    /// The newest run, or null.
    async fn newest(&self) -> Value {
        let list = ["runs", "list", "--limit", "1", "-o", "json"];
        self.sandbox.run(&list).await.done().json()[0].take()
    }

    /// How long a command takes that nobody kills.
    async fn usual(&self, args: &[&str]) -> Duration {
        let began = Instant::now();
        let _done = output(self.sandbox.process(args)).await.done();
        began.elapsed()
    }

    /// The keys of each user by Looker's id, without the foreign ones, which must be there, and without the nameless ones
    /// that a run has named.
    async fn ours(&self) -> KeysOf {
        let users = embed_users(&self.admin).await;
        let names: Vec<_> = users.iter().map(|(external, _)| external).collect();
        assert_eq!(
            names.len(),
            self.users.len(),
            "a user twice, or none: {names:?}"
        );
        assert!(
            names.iter().all(|name| self.users.contains(*name)),
            "{names:?}"
        );
        let mut ours = BTreeMap::new();
        for (_, id) in users {
            let keys = self.admin.api3_keys(&id).await.unwrap();
            let is_named = |key: &Api3Key| key.purpose.is_none() && self.named.contains(&key.id);
            let all: BTreeSet<_> = keys.iter().map(|key| key.id.clone()).collect();
            let foreign = self.foreign.get(&id).cloned().unwrap_or_default();
            assert!(
                foreign.is_subset(&all),
                "of {foreign:?}, only {all:?} are left"
            );
            let ids = keys.into_iter().filter(|key| !is_named(key));
            let mut ids: BTreeSet<_> = ids.map(|key| key.id).collect();
            ids.retain(|key| !foreign.contains(key));
            ours.insert(id, ids);
        }
        ours
    }

    /// The keys that the sink has, by user; each only once.
    fn kept(&self, sink: &str) -> KeysOf {
        let mut kept_keys: KeysOf = BTreeMap::new();
        for key in kept(&self.sandbox.path(sink)) {
            let text = |name: &str| key[name].as_str().unwrap().to_owned();
            let keys = kept_keys.entry(text("looker_user_id")).or_default();
            assert!(
                keys.insert(text("key_id")),
                "{} was kept twice",
                key["key_id"]
            );
        }
        kept_keys
    }
}

#[tokio::test]
async fn killed_at_40_random_instants_no_key_is_lost_and_none_is_left_over() {
    kill_and_judge(true).await;
}

#[tokio::test]
async fn killed_at_40_random_instants_while_others_create_keys_no_key_is_lost_and_every_other_one_is_named()
 {
    kill_and_judge(false).await;
}

async fn kill_and_judge(sole_minter: bool) {
    let mut world = World::new(sole_minter).await;
    let mint = [
        "keys",
        "mint",
        "--all",
        "--keys-to",
        "file:minted.jsonl",
        "--concurrency",
        "4",
    ];
    let rotate = [
        "keys",
        "rotate",
        "--all",
        "--yes",
        "--keys-to",
        "file:rotated.jsonl",
        "--concurrency",
        "4",
    ];
    let create = |id: &'static str| ["create-user", id, "--keys-to", "file:minted.jsonl"];
    let usual_mint = world.usual(&mint).await;
    let usual_rotate = world.usual(&rotate).await;
    world.users.insert("acme-0".to_owned());
    let usual_create = world.usual(&create("acme-0")).await;
    std::fs::remove_file(world.sandbox.path("minted.jsonl")).unwrap();

    // Exactly what was minted is delivered and alive, whatever was killed on the way.
    let mut ids = ["acme-1", "acme-2", "acme-3"].into_iter();
    let mut minted = 0;
    while world.kills < KILLS {
        let before = world.ours().await;
        if let Some(id) = ids.next() {
            world.users.insert(id.to_owned());
            world.run(&create(id), usual_create).await;
        }
        world.run(&mint, usual_mint).await;
        let (alive, kept) = (world.ours().await, world.kept("minted.jsonl"));
        minted += came_to_stay(&before, &alive, &kept);
        let delivered: usize = kept.values().map(BTreeSet::len).sum();
        assert_eq!(
            delivered, minted,
            "keys in the sink, keys that came to stay"
        );

        world.run(&rotate, usual_rotate).await;
        let (alive, kept) = (world.ours().await, world.kept("rotated.jsonl"));
        for (user, keys) in &alive {
            assert_eq!(keys.len(), 1, "keys of user {user} after a rotation");
            assert!(
                keys.is_subset(&kept[user]),
                "user {user}: {keys:?} are not in the sink"
            );
        }
    }

    what_is_alive_logs_in(&world).await;
    world.admin.logout().await.unwrap();
    world.looker.kill().await.unwrap();
    let times = [usual_mint, usual_rotate, usual_create].map(|time| time.as_millis());
    print(&format!(
        "killed {} processes, {} keys were left and named; unkilled they take {times:?} ms",
        world.kills,
        world.named.len()
    ));
}

/// Client ids of keys, by user.
type KeysOf = BTreeMap<String, BTreeSet<String>>;

/// How many keys are new, each of which has to be in the sink: one a user, and two of a user that was created besides.
fn came_to_stay(before: &KeysOf, alive: &KeysOf, kept: &KeysOf) -> usize {
    let mut minted = 0;
    for (user, keys) in alive {
        let had = before.get(user).cloned().unwrap_or_default();
        let new: BTreeSet<_> = keys.difference(&had).cloned().collect();
        assert_eq!(
            new.len(),
            1 + usize::from(!before.contains_key(user)),
            "user {user}"
        );
        assert!(new.is_subset(&kept[user]), "user {user}: {new:?}, {kept:?}");
        minted += new.len();
    }
    minted
}

/// What is alive logs in, and what the ledger calls delivered is what is alive.
async fn what_is_alive_logs_in(world: &World) {
    let alive: BTreeSet<_> = world.ours().await.into_values().flatten().collect();
    let mut logged_in = BTreeSet::new();
    for key in kept(&world.sandbox.path("rotated.jsonl")) {
        if let Some(user) = login(&world.base_url, &key).await {
            assert_eq!(key["looker_user_id"], user);
            logged_in.insert(key["key_id"].as_str().unwrap().to_owned());
        }
    }
    assert_eq!(logged_in, alive);
    let list = output(
        world
            .sandbox
            .process(&["keys", "list", "--all", "-o", "json"]),
    )
    .await
    .done();
    let list = list.json();
    let ours = list
        .as_array()
        .unwrap()
        .iter()
        .filter(|key| key["owner"] == "ours");
    let delivered = ours.map(|key| (key["id"].as_str().unwrap().to_owned(), &key["delivered"]));
    let delivered: BTreeMap<_, _> = delivered.collect();
    assert!(
        delivered
            .values()
            .all(|delivered| **delivered == Value::Bool(true)),
        "{delivered:?}"
    );
    assert_eq!(delivered.into_keys().collect::<BTreeSet<_>>(), alive);
}
