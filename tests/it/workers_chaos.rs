//! Four processes on one run, in the long run two of them with clocks that are hours off, while they are killed and stopped, their cables cut
//! and the database restarted.

use std::path::Path;
use std::time::Duration;

use embedctl::emulator::{Effect, Fault, Latency};
use rustix::process::{Pid, Signal, kill_process};
use tokio::process::Child;

use crate::cable::Cable;
use crate::database::{Cluster, Pooler};
use crate::kill::Dice;
use crate::postgres::{APPLY, World, start};
use crate::support::{Sandbox, output, print, skip};

/// Enough for all that happens to happen while they are at work; `EMBEDCTL_CHAOS_USERS` is another number.
const USERS: usize = 600;

/// How many processes are at work.
const WORKERS: usize = 4;

/// How often one is killed; `EMBEDCTL_CHAOS_KILLS` is another number.
const KILLS: usize = 10;

/// How often one is stopped and a cable cut, at least; `EMBEDCTL_CHAOS_STOPS` and `EMBEDCTL_CHAOS_CUTS` are other numbers.
const STOPS_AND_CUTS: usize = 1;

/// How often the database restarts as after a power cut; `EMBEDCTL_CHAOS_RESTARTS` is another number.
const RESTARTS: usize = 1;

/// How far the clocks of the processes are off, if `EMBEDCTL_CHAOS_CLOCKS` is 1: the intent of a process is then judged by
/// another with its own clock, which still leaves a key behind now and then.
const CLOCKS: [Option<&str>; WORKERS] = [Some("+2h"), Some("-2h"), None, None];

/// How often a run that is not disturbed any more may end without being done: what is unclear is told once.
const FAILURES: u32 = 3;

/// Where the instants come from.
const SEED: u64 = 20_261_130;

/// What each process is told: slow enough that the run is not over before enough has happened, and so few turns are fought for.
const WORK: [&str; 3] = ["work", "--concurrency=4", "--rps=20"];

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
    /// One that reaches the database at `port`, with a clock that is so far off.
    async fn start(world: &World, port: u16, clock: Option<&str>) -> Self {
        let mut machine = world.fresh_machine();
        let cable = Cable::to(port).await;
        let clock = clock.filter(|_| number("EMBEDCTL_CHAOS_CLOCKS", 0) > 0);
        if let Some((library, off)) = clock.and_then(|off| Some((faketime()?, off))) {
            // Only the time of day: no clock that is off runs backwards, or faster.
            machine
                .var("LD_PRELOAD", library)
                .var("FAKETIME", off)
                .var("DONT_FAKE_MONOTONIC", "1");
        }
        let url = world.database.url.replace(
            &format!(":{}/", world.database.port),
            &format!(":{}/", cable.port()),
        );
        machine.var("EMBEDCTL_LEDGER", url);
        let process = start(&machine, &WORK);
        Self {
            machine,
            cable,
            process,
        }
    }

    /// Another process on the same machine, unless this one is still at work; false if nothing is left to do.
    fn ensure(&mut self) -> bool {
        match self.process.try_wait().unwrap() {
            Some(ended) if ended.success() => return false,
            Some(_) => self.process = start(&self.machine, &WORK),
            None => {}
        }
        true
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

/// Debian's library that tells a process another time; nothing, and a word, where there is none.
fn faketime() -> Option<&'static str> {
    let library = [
        "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1",
        "/usr/lib/aarch64-linux-gnu/faketime/libfaketimeMT.so.1",
    ];
    let found = library.into_iter().find(|it| Path::new(it).is_file());
    if found.is_none() {
        skip("no faketime is installed");
    }
    found
}

/// What has happened so far.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
struct Happened {
    kills: usize,
    stops: usize,
    cuts: usize,
    restarts: usize,
}

impl Happened {
    /// What must have happened.
    fn all() -> Self {
        Self {
            kills: number("EMBEDCTL_CHAOS_KILLS", KILLS),
            stops: number("EMBEDCTL_CHAOS_STOPS", STOPS_AND_CUTS),
            cuts: number("EMBEDCTL_CHAOS_CUTS", STOPS_AND_CUTS),
            restarts: number("EMBEDCTL_CHAOS_RESTARTS", RESTARTS),
        }
    }

    /// Whether at least this has happened.
    fn is_enough(&self, all: &Self) -> bool {
        self.kills >= all.kills
            && self.stops >= all.stops
            && self.cuts >= all.cuts
            && self.restarts >= all.restarts
    }

    /// Let a worker work for a moment, then let something happen to it.
    async fn next(&mut self, worker: &mut Worker, dice: &mut Dice) {
        worker.goes_on(100 + dice.roll() % 500).await;
        if worker.process.try_wait().unwrap().is_some() {
            return;
        }
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
    let pooled = number("EMBEDCTL_CHAOS_POOLED", 0) > 0;
    let pooler = pooled.then(|| Pooler::start(&cluster));
    let Some(pooler) = pooler.map_or(Some(None), |started| started.map(Some)) else {
        return;
    };
    let users = number("EMBEDCTL_CHAOS_USERS", USERS);
    let latency = Latency::Fixed(Duration::from_millis(25));
    let world = World::of(&cluster, users, latency, lost_answers(users)).await;
    let port = pooler.as_ref().map_or(world.database.port, |it| it.port);
    // A signed URL would be refused for its time if it came from a clock that is off.
    let apply = [&APPLY[..], &WORK[2..], &["--via=cookieless"]].concat();
    let mut first = start(&world.machine, &apply);
    crate::postgres::delivered(&world.machine, 1).await;
    let mut workers = Vec::new();
    for clock in CLOCKS {
        workers.push(Worker::start(&world, port, clock).await);
    }

    let (happened, cluster) = chaos(&mut workers, &mut first, cluster).await;
    let failures = finished(&world).await;

    let way = if pooled {
        "through PgBouncer"
    } else {
        "directly"
    };
    print(&format!(
        "{users} users, {WORKERS} processes, {way}: {happened:?}; {failures} runs said what was unclear"
    ));
    world.judge(&[&world.machine]).await;
    world.machine.leave().await;
    drop((cluster, pooler));
}

/// Let things happen until there was enough of each; then all processes are gone.
async fn chaos(
    workers: &mut [Worker],
    first: &mut Child,
    mut cluster: Cluster,
) -> (Happened, Cluster) {
    let (mut dice, mut happened, all) = (Dice(SEED), Happened::default(), Happened::all());
    while !happened.is_enough(&all) {
        let at = usize::try_from(dice.roll() % workers.len() as u64).unwrap();
        happened.next(&mut workers[at], &mut dice).await;
        if happened.kills == 1 && first.try_wait().unwrap().is_none() {
            first.kill().await.unwrap();
        }
        // Spread over the kills.
        if happened.kills * (all.restarts + 1) >= all.kills * (happened.restarts + 1)
            && happened.restarts < all.restarts
        {
            let restarted = tokio::task::spawn_blocking(move || {
                cluster.restart();
                cluster
            });
            cluster = restarted.await.unwrap();
            happened.restarts += 1;
        }
        let at_work = workers.iter_mut().all(Worker::ensure);
        assert!(
            at_work,
            "the run was over when only this had happened: {happened:?}"
        );
    }
    for worker in workers {
        let _killed = worker.process.kill().await;
    }
    (happened, cluster)
}

/// Let the run end undisturbed; how often it ended without being done, because something was unclear.
async fn finished(world: &World) -> u32 {
    let mut failures = 0;
    loop {
        let apply = [&APPLY[..], &["--wait", "60s"]].concat();
        let last = output(world.machine.process(&apply)).await;
        if last.exit == 0 {
            return failures;
        }
        failures += 1;
        assert!(failures < FAILURES && last.exit == 3, "{last:?}");
    }
}
