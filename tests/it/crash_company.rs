//! The crash matrix in company: a run is stopped while an admin creates a nameless key after each of its requests, or while
//! another runner does the same job with a ledger of its own; answers are lost and effects come late, and the clocks of
//! Looker and of what stands before it differ.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use embedctl::emulator::{Effect, Fault};
use embedctl::error::Kind;
use embedctl::looker::{Client, Exchange, Trace};
use tokio::runtime::Handle;
use tokio::task::block_in_place;

use crate::crash::{Stop, Workflow, World};

const MINT: &str = "create_user_credentials_api3";

/// Who else is there.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Company {
    Nobody,
    /// Creates a nameless key after each request of the run.
    Admin,
    /// Does the same job, after this request of the run or when that has stopped.
    Runner(u32),
}

/// What happens to the run.
#[derive(Clone, Copy, Debug)]
enum Blow {
    /// It stops, or an answer of Looker's does not come.
    Stop(Stop),
    /// The process lives, and its key comes this many of its requests after its answer was lost.
    Late(u32),
    /// The same, and the process is gone at the request with this number: the key may come during the next one.
    LateAndGone(u32),
}

/// An admin who creates a key after each request.
#[derive(Debug)]
struct Admin {
    client: Client,
    user: String,
    keys: Mutex<BTreeSet<String>>,
}

impl Trace for Admin {
    fn exchange(&self, _: &Exchange) {
        let create = self.client.create_api3_key(&self.user);
        // A fault that ends the process reaches the admin too.
        if let Ok(made) = block_in_place(|| Handle::current().block_on(create)) {
            self.keys.lock().unwrap().insert(made.key.id);
        }
    }
}

/// Another runner, which does its job after the request with this number.
struct Runner {
    machine: World,
    after: u32,
    /// Whether it does its job only when the run has stopped, since it would be stopped with it.
    spared: bool,
    has_begun: AtomicBool,
    requests: AtomicU32,
    told: Mutex<String>,
}

impl std::fmt::Debug for Runner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Runner").finish_non_exhaustive()
    }
}

impl Trace for Runner {
    fn exchange(&self, _: &Exchange) {
        if self.requests.fetch_add(1, Ordering::SeqCst) == self.after && !self.spared {
            block_in_place(|| Handle::current().block_on(self.work()));
        }
    }
}

impl Runner {
    async fn work(&self) {
        if self.has_begun.swap(true, Ordering::SeqCst) {
            return;
        }
        let run = self.machine.begin().await;
        let told = to_the_end(
            &self.machine,
            run,
            self.machine.go(run, None).await,
            "a runner",
        )
        .await;
        self.told.lock().unwrap().push_str(&told);
    }
}

/// Go on until the job is done; gives what was told with exit 3 on the way.
async fn to_the_end<T>(
    world: &World,
    run: embedctl::ledger::RunId,
    first: Result<T, embedctl::error::Error>,
    context: &str,
) -> String {
    let mut told = String::new();
    let Err(error) = first else {
        return told;
    };
    told.push_str(&error.to_string());
    for _ in 0..4 {
        match world.go(run, None).await {
            Ok(_) => return told,
            Err(error) => {
                assert_eq!(error.kind(), Kind::Incomplete, "{error}: {context}");
                told.push_str("; ");
                told.push_str(&error.to_string());
            }
        }
    }
    panic!("the run has no end after {context}: {told}");
}

/// Learns which request asks for a key.
#[derive(Debug, Default)]
struct Finder(Mutex<Vec<&'static str>>);

impl Trace for Finder {
    fn exchange(&self, exchange: &Exchange) {
        self.0.lock().unwrap().push(exchange.operation);
    }
}

/// The number of the request that asks for a key.
async fn mint_of(workflow: Workflow) -> u32 {
    let mut world = World::new(workflow, (true, 0)).await;
    let finder = Arc::new(Finder::default());
    world.trace = Arc::<Finder>::clone(&finder);
    let run = world.begin().await;
    let _found = world.go(run, None).await.unwrap();
    let asked = finder.0.lock().unwrap();
    let mint = asked.iter().position(|operation| *operation == MINT);
    u32::try_from(mint.unwrap()).unwrap()
}

/// Between two requests of the run, Looker sees one of the admin's, which asks for a key too.
fn placed(blow: Blow, company: Company, mint: u32) -> (Option<Stop>, Vec<Fault>) {
    let at = |number: u32| match company {
        Company::Admin => 2 * number,
        Company::Nobody | Company::Runner(_) => number,
    };
    let others = match company {
        Company::Admin => mint,
        Company::Nobody | Company::Runner(_) => 0,
    };
    let late = |calls| Fault::new(Effect::Late(at(calls))).on(MINT).after(others);
    match blow {
        Blow::Stop(Stop::Write(number)) => (Some(Stop::Write(number)), Vec::new()),
        Blow::Stop(Stop::Before(number)) => (Some(Stop::Before(at(number))), Vec::new()),
        Blow::Stop(Stop::After(number)) => (Some(Stop::After(at(number))), Vec::new()),
        Blow::Stop(Stop::Lost(number)) => (Some(Stop::Lost(at(number))), Vec::new()),
        Blow::Late(after) => (None, vec![late(after)]),
        Blow::LateAndGone(number) => (Some(Stop::Before(at(number))), vec![late(2)]),
    }
}

async fn case(
    (workflow, mint): (Workflow, u32),
    blow: Blow,
    company: Company,
    (sole, ahead): (bool, i64),
) {
    let context = format!("{workflow:?} {blow:?} {company:?} {sole} {ahead}");
    let mut world = World::new(workflow, (sole, ahead)).await;
    let user = world.looker_user_id().await.unwrap();
    let admin = Arc::new(Admin {
        client: world.admin(),
        user,
        keys: Mutex::default(),
    });
    admin.client.login().await.unwrap();
    let runner = match company {
        Company::Runner(after) => Some(Arc::new(Runner {
            machine: world.another_machine(),
            after,
            spared: matches!(
                blow,
                Blow::Stop(Stop::Before(_) | Stop::After(_)) | Blow::LateAndGone(_)
            ),
            has_begun: AtomicBool::new(false),
            requests: AtomicU32::new(0),
            told: Mutex::default(),
        })),
        Company::Nobody | Company::Admin => None,
    };
    match (&runner, company) {
        (_, Company::Admin) => world.trace = Arc::<Admin>::clone(&admin),
        (Some(runner), _) => world.trace = Arc::<Runner>::clone(runner),
        (None, _) => {}
    }
    let before = world.alive().await;
    let (stop, faults) = placed(blow, company, mint);
    for fault in faults {
        world.emulator.inject(fault);
    }
    let run = world.begin().await;

    let stopped = world.go(run, stop).await;
    world.emulator.clear_faults();
    if let Some(runner) = &runner {
        runner.work().await;
    }
    let mut told = to_the_end(&world, run, stopped, &context).await;
    if let Some(runner) = &runner {
        told.push_str(&runner.told.lock().unwrap());
    }

    let kept = |world: &World| -> BTreeSet<String> {
        world.kept().into_iter().map(|(id, ..)| id).collect()
    };
    let alive = world.alive().await;
    let mut known = admin.keys.lock().unwrap().clone();
    known.insert(world.foreign.clone());
    let foreign: Vec<_> = known.difference(&alive).collect();
    assert!(
        foreign.is_empty(),
        "foreign keys {foreign:?} are gone: {context}"
    );
    known.extend(kept(&world));
    if let Some(runner) = &runner {
        known.extend(kept(&runner.machine));
    }
    for orphan in alive.difference(&known) {
        let named =
            told.contains(&format!("key {orphan} ")) || told.contains(&format!("{orphan},"));
        let old = before.contains(orphan);
        assert!(
            named || old,
            "key {orphan} is in no sink and not named: {context}: {told}"
        );
        assert!(!sole, "key {orphan} is in no sink: {context}: {told}");
    }
    assert!(world.working().await >= 1, "no key works: {context}");
    admin.client.logout().await.unwrap();
}

/// Every blow that `workflow` can meet, each in one of the clocks.
async fn everywhere(workflow: Workflow, company: impl Fn(u32) -> Company, sole: bool) {
    const REQUESTS: u32 = 9;
    let mint = mint_of(workflow).await;
    let mut cases = 0_u32;
    let stops = [
        Stop::Before as fn(u32) -> Stop,
        Stop::After,
        Stop::Lost,
        |number| Stop::Write(number.into()),
    ];
    for number in 0..REQUESTS {
        let mut blows: Vec<Blow> = stops.iter().map(|stop| Blow::Stop(stop(number))).collect();
        if number > mint {
            blows.push(Blow::LateAndGone(number));
        }
        if number < 3 {
            blows.push(Blow::Late(number + 1));
        }
        for blow in blows {
            let ahead = [0, 10, -10][cases as usize % 3];
            case((workflow, mint), blow, company(number), (sole, ahead)).await;
            cases += 1;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn beside_an_admin_no_key_of_the_admins_is_touched_and_none_of_ours_is_left_unnamed() {
    for workflow in [Workflow::MintKey, Workflow::RotateKey] {
        everywhere(workflow, |_| Company::Admin, false).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn beside_another_runner_each_keeps_its_keys_and_none_is_left_unnamed() {
    everywhere(Workflow::MintKey, Company::Runner, false).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_nothing_else_creates_keys_every_orphan_is_revoked() {
    for workflow in [Workflow::MintKey, Workflow::RotateKey] {
        everywhere(workflow, |_| Company::Nobody, true).await;
    }
}
