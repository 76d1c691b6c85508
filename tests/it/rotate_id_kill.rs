//! Processes of `rotate-id` killed at random instants; the next ones go on with what they left, or put it back.

use std::process::Stdio;
use std::time::{Duration, Instant};

use embedctl::emulator::{Latency, Options, State};
use serde_json::Value;

use crate::clients::{kept, login};
use crate::kill::Dice;
use crate::rotate_id_crash::{Target, of_user, same, seen};
use crate::support::{Sandbox, output, print};

/// How many processes are killed.
const KILLS: u32 = 40;

/// How many processes a rotation may take there and back, kills included.
const MOST_TURNS: u32 = KILLS + 40;

/// Where the instants come from: another number, other instants.
const SEED: u64 = 20_261_125;

/// Who is to be known by another id.
const OLD: &str = "acme-42";

/// A rich old user in a Looker, and the processes that are killed.
struct World {
    sandbox: Sandbox,
    dice: Dice,
    kills: u32,
    /// How long a rotation takes that nobody kills, at its fastest.
    usual: Duration,
}

impl World {
    async fn new() -> Self {
        let sandbox = Sandbox::with(Options {
            state: State::named("rotation").unwrap(),
            latency: Latency::Fixed(Duration::from_millis(1)),
            ..Options::default()
        })
        .await;
        Self {
            sandbox,
            dice: Dice(SEED),
            kills: 0,
            usual: Duration::ZERO,
        }
    }

    /// What Looker holds now, without what is another one with each rotation. The old user's keys and sessions are left
    /// out: they do not come back.
    fn seen(&self) -> Value {
        let mut seen = seen(self.sandbox.emulator(), Target::New);
        let old = of_user(&mut seen, OLD);
        old.remove("keys");
        old.remove("sessions");
        seen
    }

    /// Run a command, and kill it at some instant before `usual` as long as there are any to be killed.
    async fn run(&mut self, args: &[&str]) {
        let usual = u64::try_from(self.usual.as_micros()).unwrap().max(1);
        if self.kills == KILLS {
            let outcome = output(self.sandbox.process(args)).await;
            self.heed(args, outcome.exit == 0, &outcome.err).await;
            return;
        }
        let after = Duration::from_micros(self.dice.roll() % usual);
        let mut process = tokio::process::Command::from(self.sandbox.process(args));
        process
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        let began = Instant::now();
        let child = process.kill_on_drop(true).spawn().unwrap();
        match tokio::time::timeout(after, child.wait_with_output()).await {
            Ok(ended) => {
                // A machine that was busy at first would let most of them go.
                if args.contains(&"rotate-id") {
                    self.usual = self.usual.min(began.elapsed());
                }
                let ended = ended.unwrap();
                let said = String::from_utf8_lossy(&ended.stderr);
                self.heed(args, ended.status.success(), &said).await;
            }
            // It is killed where it is dropped.
            Err(_) => self.kills += 1,
        }
    }

    /// A process that nobody killed has done its work, or named a key that only a person can judge; the person does.
    async fn heed(&self, args: &[&str], is_done: bool, said: &str) {
        let unclear = "was created around a request whose answer was lost";
        assert!(
            is_done || said.contains(unclear),
            "after kill {} of seed {SEED}, {args:?}: {said}",
            self.kills
        );
        if !is_done {
            self.revoke_nameless().await;
        }
    }

    /// Revoke the new user's keys that carry no purpose and were not delivered: only a person knows that those of killed
    /// processes are nobody's.
    async fn revoke_nameless(&self) {
        let admin = self.sandbox.admin();
        let user = admin.user_for_credential_embed(Target::New.id()).await;
        let kept = self.kept();
        if let Some(user) = user.unwrap() {
            for key in admin.api3_keys(&user.id).await.unwrap() {
                let delivered = kept.iter().any(|kept| kept["client_id"] == key.client_id);
                if !delivered && key.purpose.as_deref().unwrap_or_default().is_empty() {
                    let _revoked = admin.delete_api3_key(&user.id, &key.id).await.unwrap();
                }
            }
        }
        admin.logout().await.unwrap();
    }

    /// The newest run, or null.
    async fn newest(&self) -> Value {
        let list = ["runs", "list", "--limit", "1", "-o", "json"];
        output(self.sandbox.process(&list)).await.done().json()[0].take()
    }

    /// Move everything there, on or back as the dice fall, and back in the end, killing whatever does it.
    async fn there_and_back(&mut self, rotate: &[&str], before: &Value, after: &Value) {
        let earlier = self.newest().await["id"].clone();
        let mut going_back = false;
        for turn in 0.. {
            let run = self.newest().await;
            // Every process that is not killed gets further: one that says it did, and did not, is found out here.
            assert!(turn < MOST_TURNS, "no end after kill {}: {run}", self.kills);
            let id = run["id"].as_str().unwrap_or_default();
            match run["state"].as_str() {
                _ if run["id"] == earlier => self.run(rotate).await,
                Some("undone") => break,
                Some("done") => {
                    if !going_back {
                        same(&self.seen(), after, &format!("after kill {}", self.kills));
                        self.check_key().await;
                    }
                    // It stays done until it is undone.
                    going_back = true;
                    self.run(&["runs", "undo", id, "--yes"]).await;
                }
                // On twice as often as back, or hardly any would come to its end.
                _ if !self.dice.roll().is_multiple_of(3) => self.run(&["runs", "resume", id]).await,
                _ => self.run(&["runs", "undo", id, "--yes"]).await,
            }
        }
        same(&self.seen(), before, &format!("after kill {}", self.kills));
        for key in self.kept() {
            let user = login(self.sandbox.emulator().base_url(), &key).await;
            assert_eq!(user, None, "a key that is left after kill {}", self.kills);
        }
    }

    /// The new user has one key, which is in the sink and logs in.
    async fn check_key(&self) {
        // One that was named by a process that was killed then is not named again.
        self.revoke_nameless().await;
        let admin = self.sandbox.admin();
        let user = admin.user_for_credential_embed(Target::New.id()).await;
        let user = user.unwrap().unwrap().id;
        let keys = admin.api3_keys(&user).await.unwrap();
        admin.logout().await.unwrap();
        let [key] = keys.as_slice() else {
            panic!("after kill {}: {keys:?}", self.kills);
        };
        let kept = self.kept();
        let kept = kept.iter().find(|kept| kept["key_id"] == key.id);
        let logged_in = login(self.sandbox.emulator().base_url(), kept.unwrap()).await;
        assert_eq!(logged_in, Some(user), "after kill {}", self.kills);
    }

    fn kept(&self) -> Vec<Value> {
        kept(&self.sandbox.path("keys.jsonl"))
    }

    /// The old user has a key again, so that the next rotation makes one for the new user.
    async fn give_key(&self) {
        let admin = self.sandbox.admin();
        if admin.api3_keys("42").await.unwrap().is_empty() {
            admin.create_api3_key("42").await.unwrap();
        }
        admin.logout().await.unwrap();
    }
}

#[tokio::test]
async fn killed_at_40_random_instants_everything_is_the_new_users_or_as_it_was() {
    let mut world = World::new().await;
    let rotate = [
        "rotate-id",
        "--yes",
        OLD,
        Target::New.id(),
        "--attr",
        "api_token=only-acme-knows",
        "--keys-to",
        "file:keys.jsonl",
    ];
    let before = world.seen();
    let began = Instant::now();
    let _done = output(world.sandbox.process(&rotate)).await.done();
    world.usual = began.elapsed();
    let after = world.seen();
    let run = world.newest().await;
    let undo = ["runs", "undo", run["id"].as_str().unwrap(), "--yes"];
    let _done = output(world.sandbox.process(&undo)).await.done();
    same(&world.seen(), &before, "after an undo that nobody killed");

    let mut rounds = 0;
    while world.kills < KILLS {
        world.give_key().await;
        world.there_and_back(&rotate, &before, &after).await;
        rounds += 1;
    }

    print(&format!(
        "killed {} processes in {rounds} rounds; unkilled, one takes {} ms",
        world.kills,
        world.usual.as_millis()
    ));
    // A process that is killed logs nothing out.
    world.sandbox.emulator().end_tokens();
    world.sandbox.finish().await;
}
