//! Four processes on one run, while they are killed and stopped, their cables cut and the database restarted.

use std::time::Duration;

use embedctl::emulator::{Effect, Fault, Latency};
use rustix::process::{Pid, Signal, kill_process};
use tokio::process::Child;

use crate::cable::Cable;
use crate::database::Cluster;
use crate::kill::Dice;
use crate::postgres::{APPLY, World, start};
use crate::support::{Sandbox, output, print};

/// Enough for all that happens to happen while they are at work; `EMBEDCTL_CHAOS_USERS` is another number.
const USERS: usize = 600;

/// How many processes are at work.
const WORKERS: usize = 4;

/// How often one is killed; `EMBEDCTL_CHAOS_KILLS` is another number.
const KILLS: usize = 10;

/// How often a run that is not disturbed any more may end without being done: what is unclear is told once.
const FAILURES: u32 = 3;

/// Where the instants come from.
const SEED: u64 = 20_261_130;

/// A number of this test, as `.ci/chaos` sets it.
fn number(name: &str, usual: usize) -> usize {
    let set = std::env::var(name).ok();
    set.map_or(usual, |set| set.parse().unwrap())
}

/// A process at work.
struct Worker {
    machine: Sandbox,
    cable: Cable,
    process: Child,
}

impl Worker {
    async fn start(world: &World) -> Self {
        let mut machine = world.fresh_machine();
        let cable = Cable::to(world.database.port).await;
        let url = world.database.url.replace(
            &format!(":{}/", world.database.port),
            &format!(":{}/", cable.port()),
        );
        machine.var("EMBEDCTL_LEDGER", url);
        let process = start(&machine, &["work", "--concurrency=4"]);
        Self {
            machine,
            cable,
            process,
        }
    }

    /// Another process on the same machine, unless this one is still at work.
    fn ensure(&mut self) {
        if self.process.try_wait().unwrap().is_some() {
            self.process = start(&self.machine, &["work", "--concurrency=4"]);
        }
    }

    /// Let so many milliseconds go by, unless it ends.
    async fn goes_on(&mut self, millis: u64) {
        let time = Duration::from_millis(millis);
        let _ended = tokio::time::timeout(time, self.process.wait()).await;
    }

    fn signal(&self, signal: Signal) {
        // One that has ended by itself takes no signals.
        if let Some(pid) = self
            .process
            .id()
            .and_then(|id| Pid::from_raw(id.cast_signed()))
        {
            kill_process(pid, signal).unwrap();
        }
    }
}

/// What has happened so far.
#[derive(Clone, Copy, Debug, Default)]
struct Happened {
    kills: usize,
    stops: u32,
    cuts: u32,
}

impl Happened {
    /// Let a worker work for a moment, then let something happen to it.
    async fn next(&mut self, worker: &mut Worker, dice: &mut Dice) {
        worker.goes_on(100 + dice.roll() % 500).await;
        match dice.roll() % 5 {
            0 => {
                worker.signal(Signal::STOP);
                // Its lease and its grace are over by then, and what it had is done by others.
                worker.goes_on(4_000).await;
                worker.signal(Signal::CONT);
                self.stops += 1;
            }
            1 => {
                worker.cable.cut();
                self.cuts += 1;
            }
            2 => {
                worker.cable.deafen();
                worker.goes_on(dice.roll() % 3_000).await;
                worker.cable.cut();
                self.cuts += 1;
            }
            _ => {
                worker.process.kill().await.unwrap();
                self.kills += 1;
            }
        }
    }
}

/// 5 % of the requests for keys are not answered.
fn lost_answers(users: usize) -> Vec<Fault> {
    let lost = Fault::new(Effect::ResetAfter).on("create_user_credentials_api3");
    (0..users / 20).map(|_| lost.clone().after(19)).collect()
}

#[tokio::test]
async fn four_processes_that_are_killed_stopped_and_cut_off_give_every_user_one_delivered_key() {
    let Some(cluster) = Cluster::own() else {
        return;
    };
    let users = number("EMBEDCTL_CHAOS_USERS", USERS);
    let most = number("EMBEDCTL_CHAOS_KILLS", KILLS);
    let latency = Latency::Fixed(Duration::from_millis(25));
    let world = World::of(&cluster, users, latency, lost_answers(users)).await;
    let mut dice = Dice(SEED);
    let mut first = start(&world.machine, &APPLY);
    crate::postgres::delivered(&world.machine, 1).await;
    let mut workers = Vec::new();
    for _ in 0..WORKERS {
        workers.push(Worker::start(&world).await);
    }
    let mut happened = Happened::default();
    let (mut cluster, mut running_on) = (Some(cluster), None);

    while happened.kills < most {
        let at = usize::try_from(dice.roll() % workers.len() as u64).unwrap();
        happened.next(&mut workers[at], &mut dice).await;
        if happened.kills == 1 && first.try_wait().unwrap().is_none() {
            first.kill().await.unwrap();
        }
        if happened.kills == most / 2
            && let Some(running) = cluster.take()
        {
            let restarted = tokio::task::spawn_blocking(move || {
                running.restart();
                running
            });
            running_on = Some(restarted.await.unwrap());
        }
        for worker in &mut workers {
            worker.ensure();
        }
    }
    for worker in &mut workers {
        let _killed = worker.process.kill().await;
    }
    let mut failures = 0;
    loop {
        let last = output(
            world
                .machine
                .process(&[&APPLY[..], &["--wait", "60s"]].concat()),
        )
        .await;
        if last.exit == 0 {
            break;
        }
        failures += 1;
        assert!(failures < FAILURES && last.exit == 3, "{last:?}");
    }

    print(&format!(
        "{users} users, {WORKERS} processes: {happened:?}, a restart of the database; {failures} runs said what was unclear"
    ));
    world.judge(&[&world.machine]).await;
    world.machine.leave().await;
    drop((cluster, running_on));
}
