//! Runs recorded in PostgreSQL: they outlive the machine they began on, and nobody works on them twice.

use std::process::Stdio;
use std::time::Duration;

use embedctl::emulator::{Fault, Latency, Options};
use tokio::process::Child;

use crate::clients::{kept, login};
use crate::database::{Cluster, Database, PASSWORD, Pooler};
use crate::kill::Dice;
use crate::support::{Outcome, Sandbox, delivered_keys, in_time, output};

/// How many users a run is about.
const USERS: usize = 40;

/// A Looker and a machine that shares the database with others.
pub(crate) struct World {
    pub(crate) machine: Sandbox,
    pub(crate) database: Database,
    users: usize,
}

impl World {
    async fn new(cluster: &Cluster) -> Self {
        let latency = Latency::Fixed(Duration::from_millis(5));
        Self::of(cluster, USERS, latency, Vec::new()).await
    }

    /// A manifest of so many users.
    pub(crate) async fn of(
        cluster: &Cluster,
        users: usize,
        latency: Latency,
        faults: Vec<Fault>,
    ) -> Self {
        let options = Options {
            latency,
            faults,
            ..Options::default()
        };
        let mut machine = Sandbox::with(options).await;
        let database = cluster.database().await;
        prepare(&mut machine, &database, users);
        Self {
            machine,
            database,
            users,
        }
    }

    /// Another machine: nothing of the first is there but the Looker and the database.
    pub(crate) fn fresh_machine(&self) -> Sandbox {
        let mut machine = Sandbox::offline();
        machine.points_at(self.machine.emulator());
        prepare(&mut machine, &self.database, self.users);
        machine
    }

    /// Each user has exactly one key, which was delivered and logs in.
    pub(crate) async fn judge(&self, machines: &[&Sandbox]) {
        let mut delivered = Vec::new();
        for machine in machines {
            if machine.path("keys.jsonl").exists() {
                delivered.extend(kept(&machine.path("keys.jsonl")));
            }
        }
        let admin = self.machine.admin();
        let base_url = self.machine.emulator().base_url().to_owned();
        let mut alive = 0;
        for key in &delivered {
            alive += usize::from(login(&base_url, key).await.is_some());
        }
        assert_eq!(alive, self.users, "keys that were delivered and log in");
        for (_, id) in crate::clients::embed_users(&admin).await {
            let keys = admin.api3_keys(&id).await.unwrap();
            assert_eq!(keys.len(), 1, "keys of user {id}: {keys:?}");
        }
        admin.logout().await.unwrap();
    }
}

/// Short times, a manifest, and the database.
fn prepare(machine: &mut Sandbox, database: &Database, users: usize) {
    database.used_by(machine);
    machine
        .var("EMBEDCTL_TIMEOUT", "1s")
        .var("EMBEDCTL_SOLE_MINTER", "true")
        .var("EMBEDCTL_TEST_SERVER_GRACE_MS", "100")
        .var("EMBEDCTL_TEST_LEASE_BEAT_MS", "250");
    let users: Vec<_> = (0..users)
        .map(|user| format!("acme-{user},ensure"))
        .collect();
    machine.file(
        "users.csv",
        &format!("external_user_id,key\n{}\n", users.join("\n")),
    );
}

pub(crate) const APPLY: [&str; 6] = [
    "apply",
    "users.csv",
    "--yes",
    "--keys-to",
    "file:keys.jsonl",
    "--concurrency=4",
];

pub(crate) fn start(machine: &Sandbox, args: &[&str]) -> Child {
    let mut process = tokio::process::Command::from(machine.process(args));
    process
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    process.kill_on_drop(true).spawn().unwrap()
}

/// Wait until `keys` were delivered.
pub(crate) async fn delivered(machine: &Sandbox, keys: usize) {
    let mut ticks = tokio::time::interval(Duration::from_millis(5));
    in_time(async {
        loop {
            ticks.tick().await;
            let lines = std::fs::read_to_string(machine.path("keys.jsonl")).unwrap_or_default();
            if lines.lines().count() >= keys {
                return;
            }
        }
    })
    .await;
}

/// The same command until what is held by another is free.
async fn when_free(machine: &Sandbox) -> Outcome {
    let waiting = [&APPLY[..], &["--wait", "60s"]].concat();
    output(machine.process(&waiting)).await
}

#[tokio::test]
async fn what_is_applied_is_recorded_there_and_nowhere_else() {
    let Some(cluster) = Cluster::shared() else {
        return;
    };
    let world = World::new(cluster).await;

    let first = output(world.machine.process(&APPLY)).await.done();
    let again = output(world.machine.process(&APPLY)).await.done();

    let other = world.fresh_machine();
    let list = output(other.process(&["runs", "list", "-o", "json"])).await;
    let runs = list.done().json();
    assert_eq!(runs[0]["state"], "done", "{runs}");
    let keys = output(other.process(&["keys", "list", "--all", "-o", "json"])).await;
    assert!(keys.done().out.contains("\"ours\""));
    for machine in [&world.machine, &other] {
        let ledgers = machine.files().into_iter().map(|(path, _)| path);
        let ledgers: Vec<_> = ledgers
            .filter(|path| path.extension().is_some_and(|it| it == "ledger"))
            .collect();
        assert!(ledgers.is_empty(), "{ledgers:?}");
    }
    for outcome in [&first, &again] {
        assert!(!format!("{outcome:?}").contains(PASSWORD));
    }
    world.judge(&[&world.machine]).await;
    let rows = world.database.client().await;
    let workers = rows.query("SELECT 1 FROM embedctl.worker", &[]).await;
    assert_eq!(workers.unwrap().len(), 0, "who ends gives everything up");
    world.machine.finish().await;
}

#[tokio::test]
async fn a_run_whose_machine_was_killed_goes_on_on_another_once_its_lease_and_its_grace_are_over() {
    let Some(cluster) = Cluster::shared() else {
        return;
    };
    let world = World::new(cluster).await;
    let mut killed = start(&world.machine, &APPLY);
    delivered(&world.machine, 5).await;
    killed.kill().await.unwrap();
    let first = delivered_keys(&world.machine.read("keys.jsonl")).len();
    let other = world.fresh_machine();

    let joined = output(other.process(&APPLY)).await.done();

    let told = &joined.err;
    assert!(told.contains("joining it"), "{told}");
    assert!(
        told.contains("users that other processes work on"),
        "{told}"
    );
    assert!(first < USERS, "it was killed too late to show anything");
    world.judge(&[&world.machine, &other]).await;
    world.machine.leave().await;
}

#[tokio::test]
async fn killed_at_random_instants_and_resumed_elsewhere_every_user_has_one_delivered_key() {
    let Some(cluster) = Cluster::shared() else {
        return;
    };
    let world = World::new(cluster).await;
    let mut dice = Dice(20_261_130);
    let mut machines = Vec::new();

    for _ in 0..5 {
        let machine = world.fresh_machine();
        let waiting = [&APPLY[..], &["--wait", "60s"]].concat();
        let mut process = start(&machine, &waiting);
        // Some of it is spent on waiting until the run of the one before is free.
        let after = Duration::from_millis(1_500 + dice.roll() % 4_000);
        if tokio::time::timeout(after, process.wait()).await.is_err() {
            process.kill().await.unwrap();
        }
        machines.push(machine);
    }
    let last = when_free(&world.machine).await.done();

    assert!(!format!("{last:?}").contains(PASSWORD));
    let mut all: Vec<_> = machines.iter().collect();
    all.push(&world.machine);
    world.judge(&all).await;
    world.machine.leave().await;
}

#[tokio::test]
async fn a_process_that_was_stopped_for_longer_than_its_lease_does_nothing_more() {
    let Some(cluster) = Cluster::shared() else {
        return;
    };
    let world = World::new(cluster).await;
    let stopped = start(&world.machine, &APPLY);
    delivered(&world.machine, 5).await;
    let pid = rustix::process::Pid::from_raw(stopped.id().unwrap().cast_signed()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::STOP).unwrap();
    let other = world.fresh_machine();

    let _done = when_free(&other).await.done();
    let before = world.machine.emulator().requests().len();
    rustix::process::kill_process(pid, rustix::process::Signal::CONT).unwrap();
    let ended = in_time(stopped.wait_with_output()).await.unwrap();

    let told = String::from_utf8(ended.stderr).unwrap();
    assert_eq!(ended.status.code(), Some(6), "{told}");
    assert!(told.contains("lease"), "{told}");
    let since = world.machine.emulator().requests().split_off(before);
    let effects = since.iter().filter(|request| {
        let is_token = matches!(request.operation, "login" | "login_user" | "logout");
        let creates = request.path.starts_with("/login/embed");
        creates || (request.method != "GET" && !is_token)
    });
    // It may take back what it had just made.
    let effects: Vec<_> = effects
        .filter(|request| request.method != "DELETE" || !request.path.contains("api3"))
        .map(|request| format!("{} {}", request.method, request.path))
        .collect();
    assert!(effects.is_empty(), "{effects:?}");
    world.judge(&[&world.machine, &other]).await;
    world.machine.leave().await;
}

#[tokio::test]
async fn a_database_that_restarts_in_the_middle_of_a_run_loses_nothing() {
    let Some(cluster) = Cluster::own() else {
        return;
    };
    let world = World::new(&cluster).await;
    // Long enough for a server that recovers.
    let mut machine = world.fresh_machine();
    machine.var("EMBEDCTL_TEST_LEASE_BEAT_MS", "5000");
    let run = start(&machine, &APPLY);
    delivered(&machine, 5).await;

    let restarted = tokio::task::spawn_blocking(move || {
        cluster.restart();
        cluster
    });
    let cluster = restarted.await.unwrap();
    let ended = in_time(run.wait_with_output()).await.unwrap();

    let told = String::from_utf8(ended.stderr).unwrap();
    assert_eq!(ended.status.code(), Some(0), "{told}");
    world.judge(&[&machine]).await;
    drop(cluster);
    world.machine.finish().await;
}

/// Each transaction may be on another connection, so nothing may depend on what a session remembers.
#[tokio::test]
async fn through_a_pooler_in_transaction_mode_several_processes_share_a_run() {
    let Some(cluster) = Cluster::shared() else {
        return;
    };
    let Some(pooler) = Pooler::start(cluster) else {
        return;
    };
    let mut world = World::new(cluster).await;
    let direct = world.database.url.clone();
    let pooled = direct.replace(&cluster.port.to_string(), &pooler.port.to_string());
    world.machine.var("EMBEDCTL_LEDGER", &pooled);
    let (mut one, mut two) = (world.fresh_machine(), world.fresh_machine());
    for machine in [&mut one, &mut two] {
        machine.var("EMBEDCTL_LEDGER", &pooled);
    }

    let first = start(&world.machine, &APPLY);
    delivered(&world.machine, 2).await;
    let work = ["work", "--concurrency=4"];
    let (by_one, by_two) = tokio::join!(output(one.process(&work)), output(two.process(&work)));
    let ended = in_time(first.wait_with_output()).await.unwrap();

    let told = String::from_utf8(ended.stderr).unwrap();
    assert_eq!(ended.status.code(), Some(0), "{told}");
    let _done = (by_one.done(), by_two.done());
    world.judge(&[&world.machine]).await;
    let doctor = output(world.machine.process(&["doctor"])).await;
    assert!(!format!("{doctor:?}").contains(PASSWORD));
    world.machine.finish().await;
}

#[tokio::test]
async fn a_ledger_of_a_newer_version_is_refused_by_its_name() {
    let Some(database) = Database::fresh().await else {
        return;
    };
    let mut sandbox = Sandbox::offline();
    database.used_by(&mut sandbox);
    sandbox.var("LOOKERSDK_BASE_URL", "http://127.0.0.1:1");
    let _empty = sandbox.run(&["runs", "list"]).await.done();
    let client = database.client().await;
    client
        .batch_execute("UPDATE embedctl.version SET number = 99")
        .await
        .unwrap();

    let refused = sandbox.run(&["runs", "list"]).await;

    assert!(
        refused.err.contains("ledger schema 99 is newer"),
        "{}",
        refused.err
    );
}

#[tokio::test]
async fn many_processes_that_meet_a_fresh_database_create_its_tables_once() {
    let Some(database) = Database::fresh().await else {
        return;
    };
    let mut sandbox = Sandbox::offline();
    database.used_by(&mut sandbox);
    sandbox.var("LOOKERSDK_BASE_URL", "http://127.0.0.1:1");

    let list = || sandbox.run(&["runs", "list", "-o", "json"]);
    let (a, b, c, d) = tokio::join!(list(), list(), list(), list());

    for outcome in [a, b, c, d] {
        assert_eq!(outcome.done().json(), serde_json::json!([]));
    }
}

#[tokio::test]
async fn a_password_is_taken_from_where_psql_looks_and_is_shown_nowhere() {
    let Some(database) = Database::fresh().await else {
        return;
    };
    let secret = database
        .url
        .replace("runner@", &format!("runner:{PASSWORD}@"));
    let line = format!("127.0.0.1:*:*:runner:{PASSWORD}\n");
    let mut outcomes = Vec::new();
    for way in ["variable", "file", "home", "address", "wrong", "typed"] {
        let mut sandbox = Sandbox::offline();
        sandbox
            .var("LOOKERSDK_BASE_URL", "http://127.0.0.1:1")
            .var("EMBEDCTL_LEDGER", &database.url);
        match way {
            "variable" => drop(sandbox.var("PGPASSWORD", PASSWORD)),
            "file" => {
                let path = sandbox.file("passwords", &line);
                private(&path);
                sandbox.var("PGPASSFILE", path.to_str().unwrap());
            }
            "home" => {
                let path = sandbox.root().join("home/.pgpass");
                std::fs::write(&path, &line).unwrap();
                private(&path);
            }
            "address" => drop(sandbox.var("EMBEDCTL_LEDGER", &secret)),
            _ => drop(sandbox.var("PGPASSWORD", format!("not-{PASSWORD}"))),
        }
        let list: &[&str] = match way {
            "typed" => &["runs", "list", "--ledger", &secret],
            _ => &["runs", "list"],
        };
        outcomes.push((way, sandbox.run(list).await));
        outcomes.push(("shown", sandbox.run(&["profile", "show"]).await));
        outcomes.push(("doctor", sandbox.run(&["doctor", "-vvv"]).await));
    }

    for (way, outcome) in outcomes {
        let expected = match way {
            "wrong" => outcome.err.contains("password authentication failed"),
            "typed" => outcome.exit == 2 && outcome.err.contains("PGPASSFILE"),
            "doctor" => true,
            _ => outcome.exit == 0,
        };
        assert!(expected, "{way}: {outcome:?}");
        assert!(!format!("{outcome:?}").contains(PASSWORD), "{way}");
    }
}

fn private(path: &std::path::Path) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
}
