//! The ledger: what it keeps, whom it refuses, and that it tells what is wrong before anything is done.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use embedctl::emulator::RequestRecord;
use embedctl::error::{Error, Kind};
use embedctl::ledger::postgres::LeaseTimes;
use embedctl::ledger::sqlite::{Process, SqliteLedger, SqliteOptions};
use embedctl::ledger::{
    Event, Instance, JobEnd, JobId, JobState, KeyRecord, KeyState, Ledger, LedgerError, NewJob,
    NewRun, Permit, RunId, What,
};
use embedctl::system::Clock;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tempfile::TempDir;
use uuid::Uuid;

use crate::database::Database;
use crate::support::{Sandbox, output};

/// A place for a ledger: a file, or a database.
struct Place {
    folder: TempDir,
    options: SqliteOptions,
    database: Option<Database>,
}

impl Place {
    fn new() -> Self {
        let clock = Clock::manual("2026-03-01T12:00:00.123456789Z".parse().unwrap());
        Self {
            folder: tempfile::tempdir().unwrap(),
            options: SqliteOptions::new(clock),
            database: None,
        }
    }

    /// A place in PostgreSQL; nothing where there is none.
    async fn in_postgres() -> Option<Self> {
        let database = Some(Database::fresh().await?);
        Some(Self {
            database,
            ..Self::new()
        })
    }

    /// The ledger in whatever it is kept.
    async fn start(&self) -> Arc<dyn Ledger> {
        match &self.database {
            None => Arc::new(self.open()),
            Some(database) => {
                let second = Duration::from_secs(1);
                let times = LeaseTimes::new(second, second, second * 5);
                Arc::new(database.ledger(times, &Process::current()).await)
            }
        }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("acme.ledger")
    }

    fn open(&self) -> SqliteLedger {
        self.try_open().unwrap()
    }

    fn try_open(&self) -> Result<SqliteLedger, LedgerError> {
        SqliteLedger::open(self.path(), &self.options)
    }

    /// The same file, seen by another process.
    fn open_as(&self, owner: Process) -> SqliteLedger {
        let options = SqliteOptions {
            owner,
            ..self.options.clone()
        };
        SqliteLedger::open(self.path(), &options).unwrap()
    }

    fn now(&self) -> Timestamp {
        self.options.clock.now()
    }

    fn run(&self) -> NewRun {
        NewRun {
            id: RunId(Uuid::now_v7()),
            command: "create-user".to_owned(),
            request: json!({"via": "signed-url"}),
            created_at: self.now(),
        }
    }

    fn event(&self, step: &str, what: What) -> Event {
        Event {
            step: step.to_owned(),
            what,
            at: self.now(),
            data: json!({"known": ["3", "4"]}),
        }
    }
}

fn jobs(subjects: &[&str]) -> Vec<NewJob> {
    let job = |subject: &&str| NewJob {
        subject: (*subject).to_owned(),
        also: None,
        spec: json!({"key": "ensure", "of": subject}),
    };
    subjects.iter().map(job).collect()
}

/// One job about two users.
fn pair(subject: &str, also: &str) -> Vec<NewJob> {
    vec![NewJob {
        subject: subject.to_owned(),
        also: Some(also.to_owned()),
        spec: json!({"from": subject, "to": also}),
    }]
}

fn job(run: RunId, number: u64) -> JobId {
    JobId { run, number }
}

fn end(state: JobState) -> JobEnd {
    JobEnd {
        state,
        outcome: json!({"is": "so"}),
    }
}

fn key(place: &Place, id: &str) -> KeyRecord {
    KeyRecord {
        looker_user_id: "12".to_owned(),
        external_user_id: "acme-42".to_owned(),
        key_id: id.to_owned(),
        client_id: format!("client-{id}"),
        purpose: "embedctl:1:2".to_owned(),
        state: KeyState::Minted,
        minted_at: place.now(),
        revoke_at: None,
    }
}

/// A process of another machine.
fn stranger() -> Process {
    Process {
        pid: 4711,
        host: "far".to_owned(),
        space: "another boot".to_owned(),
        started: Some(1),
    }
}

/// A process of this machine that has ended: nothing has started at the first tick after the boot under this id.
fn dead() -> Process {
    Process {
        started: Some(0),
        ..Process::current()
    }
}

/// Each of these rules holds in both stores.
macro_rules! in_both_stores {
    ($($rule:ident),* $(,)?) => {
        mod in_sqlite {
            $(#[tokio::test]
            async fn $rule() {
                super::$rule(super::Place::new()).await;
            })*
        }

        mod in_postgres {
            $(#[tokio::test]
            async fn $rule() {
                if let Some(place) = super::Place::in_postgres().await {
                    super::$rule(place).await;
                }
            })*
        }
    };
}

in_both_stores!(
    what_is_recorded_is_read_back_after_it_was_opened_again,
    jobs_are_listed_by_state_from_a_number_on,
    a_job_that_is_opened_again_is_counted_as_open,
    a_user_with_an_open_job_is_not_given_to_a_second_run,
    neither_user_of_a_job_about_two_is_given_to_a_second_run,
    a_job_about_two_that_is_opened_again_must_find_both_free,
    an_earlier_run_that_nobody_works_on_is_to_be_finished_first,
    a_run_whose_owner_lives_is_refused_with_its_process_and_machine,
    writing_to_a_run_that_was_never_begun_or_a_job_it_does_not_have_is_refused,
    a_key_is_due_when_its_overlap_has_ended_and_it_is_not_revoked,
    many_writers_at_once_are_all_answered,
);

async fn what_is_recorded_is_read_back_after_it_was_opened_again(place: Place) {
    let run = place.run();
    let events = vec![
        place.event("mint", What::Started),
        place.event("mint", What::Done),
    ];
    {
        let ledger = place.start().await;
        let id = ledger.begin(run.clone(), jobs(&["a", "b"])).await.unwrap();
        ledger.add_jobs(id, jobs(&["c"])).await.unwrap();
        let minted = Some(key(&place, "7"));
        ledger
            .record(job(id, 1), events.clone(), minted)
            .await
            .unwrap();
        let last = vec![place.event("deliver", What::Done)];
        ledger
            .settle(job(id, 1), last, None, end(JobState::Done))
            .await
            .unwrap();
    }

    let ledger = place.start().await;

    let found = ledger.run(run.id).await.unwrap().unwrap();
    assert_eq!((found.id, &*found.command), (run.id, "create-user"));
    assert_eq!(
        (found.request, found.created_at),
        (run.request, run.created_at)
    );
    assert_eq!(
        (found.open, found.done, found.failed, found.undone),
        (2, 1, 0, 0)
    );
    assert_eq!(
        found.owner, None,
        "a ledger that is closed releases its runs"
    );
    let read = ledger.events(job(run.id, 1)).await.unwrap();
    assert_eq!(read[..2], events);
    assert_eq!(read[2].step, "deliver");
    assert_eq!(ledger.keys(Some("12")).await.unwrap(), [key(&place, "7")]);
    let all = ledger.jobs(run.id, None, 0, 10).await.unwrap();
    let subjects: Vec<_> = all.iter().map(|job| &*job.subject).collect();
    assert_eq!(subjects, ["a", "b", "c"]);
    assert_eq!(all[1].outcome, json!({"is": "so"}));
    assert_eq!(all[2].outcome, Value::Null);
    assert_eq!(all[2].spec, json!({"key": "ensure", "of": "c"}));
}

async fn jobs_are_listed_by_state_from_a_number_on(place: Place) {
    let ledger = place.start().await;
    let subjects = ["a", "b", "c", "d", "e"];
    let run = ledger.begin(place.run(), jobs(&subjects)).await.unwrap();
    for (number, state) in [
        (0, JobState::Done),
        (2, JobState::Failed),
        (3, JobState::Undone),
    ] {
        ledger
            .settle(job(run, number), vec![], None, end(state))
            .await
            .unwrap();
    }

    let numbers = async |state, from, limit| -> Vec<u64> {
        let found = ledger.jobs(run, state, from, limit).await.unwrap();
        found.iter().map(|job| job.number).collect()
    };

    assert_eq!(numbers(None, 1, 3).await, [1, 2, 3]);
    assert_eq!(numbers(Some(JobState::Open), 0, 9).await, [1, 4]);
    assert_eq!(numbers(Some(JobState::Open), 2, 9).await, [4]);
    assert_eq!(numbers(Some(JobState::Done), 0, 9).await, [0]);
    assert_eq!(numbers(Some(JobState::Failed), 0, 9).await, [2]);
    assert_eq!(numbers(Some(JobState::Undone), 0, 9).await, [3]);
}

async fn a_job_that_is_opened_again_is_counted_as_open(place: Place) {
    let ledger = place.start().await;
    let run = ledger.begin(place.run(), jobs(&["a"])).await.unwrap();

    for state in [
        JobState::Failed,
        JobState::Failed,
        JobState::Open,
        JobState::Done,
    ] {
        ledger
            .settle(job(run, 0), vec![], None, end(state))
            .await
            .unwrap();
    }

    let found = ledger.run(run).await.unwrap().unwrap();
    assert_eq!((found.open, found.done, found.failed), (0, 1, 0));
}

async fn a_user_with_an_open_job_is_not_given_to_a_second_run(place: Place) {
    let ledger = place.start().await;
    let first = ledger.begin(place.run(), jobs(&["a", "b"])).await.unwrap();
    ledger
        .settle(job(first, 0), vec![], None, end(JobState::Done))
        .await
        .unwrap();

    let taken = ledger.begin(place.run(), jobs(&["x", "b"])).await;
    let free = ledger.begin(place.run(), jobs(&["a"])).await;

    let Err(LedgerError::Busy {
        subject,
        run,
        owner,
    }) = taken
    else {
        panic!("{taken:?}")
    };
    assert_eq!(
        (&*subject, run, owner.pid),
        ("`b`", first, std::process::id())
    );
    let error = Error::from(LedgerError::Busy {
        subject,
        run,
        owner,
    });
    assert_eq!(error.kind(), Kind::Conflict);
    assert!(
        error.message().starts_with("`b` is locked by process "),
        "{error}"
    );
    assert!(
        error.advice().unwrap().contains("stop process"),
        "{error:?}"
    );
    assert!(free.is_ok());
    assert_eq!(
        ledger.runs(9).await.unwrap().len(),
        2,
        "a refused run leaves nothing"
    );
    assert_eq!(ledger.pending("b").await.unwrap().unwrap().id, first);
    assert!(ledger.pending("x").await.unwrap().is_none());
}

async fn neither_user_of_a_job_about_two_is_given_to_a_second_run(place: Place) {
    let ledger = place.start().await;
    let first = ledger.begin(place.run(), pair("old", "new")).await.unwrap();
    let other = ledger.begin(place.run(), jobs(&["x"])).await.unwrap();

    let refusals = [
        ("old", ledger.begin(place.run(), jobs(&["a", "old"])).await),
        ("new", ledger.begin(place.run(), jobs(&["new"])).await),
        ("new", ledger.begin(place.run(), pair("new", "b")).await),
        ("old", ledger.begin(place.run(), pair("b", "old")).await),
        ("new", ledger.begin(place.run(), pair("b", "new")).await),
        (
            "new",
            ledger
                .add_jobs(other, pair("c", "new"))
                .await
                .map(|()| other),
        ),
        (
            "new",
            ledger.add_jobs(other, jobs(&["new"])).await.map(|()| other),
        ),
    ];

    for (wanted, refused) in refusals {
        let Err(LedgerError::Busy { subject, run, .. }) = refused else {
            panic!("{refused:?}")
        };
        assert_eq!((subject, run), (format!("`{wanted}`"), first));
    }
    for either in ["old", "new"] {
        assert_eq!(ledger.pending(either).await.unwrap().unwrap().id, first);
    }
    let kept = ledger.jobs(first, None, 0, 9).await.unwrap();
    assert_eq!(
        (&*kept[0].subject, kept[0].also.as_deref()),
        ("old", Some("new"))
    );
    ledger.add_jobs(first, pair("new", "newer")).await.unwrap();
}

async fn a_job_about_two_that_is_opened_again_must_find_both_free(place: Place) {
    let ledger = place.start().await;
    let first = ledger.begin(place.run(), pair("old", "new")).await.unwrap();
    let failed = ledger.settle(job(first, 0), vec![], None, end(JobState::Failed));
    failed.await.unwrap();
    let second = ledger.begin(place.run(), jobs(&["new"])).await.unwrap();
    ledger.release(second).await.unwrap();

    let again = ledger.settle(job(first, 0), vec![], None, end(JobState::Open));
    let refused = again.await.unwrap_err();

    let expected = format!("run {second} for `new` is unfinished");
    assert_eq!(refused.to_string(), expected);
    let kept = ledger.run(first).await.unwrap().unwrap();
    assert_eq!((kept.open, kept.failed), (0, 1));
}

async fn an_earlier_run_that_nobody_works_on_is_to_be_finished_first(place: Place) {
    let ledger = place.start().await;
    let first = ledger.begin(place.run(), jobs(&["a"])).await.unwrap();
    ledger.release(first).await.unwrap();

    let refused = ledger.begin(place.run(), jobs(&["a"])).await.unwrap_err();

    assert_eq!(
        refused.to_string(),
        format!("run {first} for `a` is unfinished")
    );
    let hint = Error::from(refused).advice().unwrap().to_owned();
    assert_eq!(
        hint,
        format!("finish it with `embedctl runs resume {first}`")
    );
}

async fn a_run_whose_owner_lives_is_refused_with_its_process_and_machine(place: Place) {
    let (mine, other) = (place.start().await, place.start().await);
    let run = mine.begin(place.run(), jobs(&["a"])).await.unwrap();

    let refused = other.claim(run).await.unwrap_err();

    let me = Process::current();
    let expected = format!("process {} on {} (run {run})", me.pid, me.host);
    assert_eq!(
        refused.to_string(),
        format!("this run is locked by {expected}")
    );
    assert!(
        mine.claim(run).await.is_ok(),
        "its owner may claim it again"
    );
}

#[tokio::test]
#[cfg(target_os = "linux")]
async fn the_run_of_a_process_that_died_is_taken_over() {
    let place = Place::new();
    let gone = place.open_as(dead());
    let run = gone.begin(place.run(), jobs(&["a"])).await.unwrap();
    let ledger = place.open();

    let claimed = ledger.claim(run).await.unwrap();

    assert_eq!(claimed.owner.unwrap().pid, std::process::id());
    assert_eq!(claimed.open, 1);
}

#[tokio::test]
async fn the_run_of_another_machine_is_taken_over_only_when_its_lease_has_run_out() {
    let place = Place::new();
    let far = place.open_as(stranger());
    let run = far.begin(place.run(), jobs(&["a"])).await.unwrap();
    let ledger = place.open();

    let refused = ledger.claim(run).await.unwrap_err();
    place.options.clock.sleep(Duration::from_secs(61)).await;
    let claimed = ledger.claim(run).await;

    assert!(
        refused.to_string().contains("process 4711 on far"),
        "{refused}"
    );
    assert!(claimed.is_ok(), "{claimed:?}");
}

#[tokio::test]
async fn notes_of_permits_are_taken_over_from_processes_that_are_gone_at_the_same_looker_alone() {
    let place = Place::new();
    let (dead, far) = (place.open_as(dead()), place.open_as(stranger()));
    let me = place.open();
    for (ledger, user) in [(&dead, "1"), (&dead, "2"), (&me, "2"), (&far, "3")] {
        let _noted = ledger.note_permit(user).await.unwrap();
    }
    let users = |permits: Vec<Permit>| -> Vec<String> {
        permits.into_iter().map(|it| it.looker_user_id).collect()
    };

    let claimed = me.claim_permits().await.unwrap();
    let again = me.claim_permits().await.unwrap();
    place.options.clock.sleep(Duration::from_secs(61)).await;
    let later = me.claim_permits().await.unwrap();
    let forgotten = claimed[0].id;
    me.forget_permit(forgotten).await.unwrap();
    let next = me.note_permit("4").await.unwrap();
    me.bind(Instance {
        origin: "https://another.looker.com".to_owned(),
        web_url: None,
    })
    .await
    .unwrap();
    let other = Instance {
        origin: "https://a-third.looker.com".to_owned(),
        web_url: None,
    };
    me.bind(other).await.unwrap();
    let _at_the_third = dead.note_permit("5").await.unwrap();
    let elsewhere = me.claim_permits().await.unwrap();

    assert_eq!(users(claimed), ["1"]);
    assert_eq!(users(again), Vec::<String>::new());
    assert_eq!(users(later), ["3"], "its lease has run out");
    assert_ne!(next, forgotten);
    assert_eq!(users(elsewhere), ["5"]);
}

#[tokio::test]
async fn an_owner_at_work_keeps_its_lease() {
    let place = Place::new();
    let far = place.open_as(stranger());
    let run = far.begin(place.run(), jobs(&["a"])).await.unwrap();
    let ledger = place.open();

    for _ in 0..3 {
        place.options.clock.sleep(Duration::from_secs(40)).await;
        far.record(job(run, 0), vec![], None).await.unwrap();
        // The second write begins after the sign of life that follows the first.
        far.record(job(run, 0), vec![], None).await.unwrap();
    }

    assert!(matches!(
        ledger.claim(run).await,
        Err(LedgerError::Busy { .. })
    ));
}

#[tokio::test]
async fn a_process_that_lost_its_run_can_write_nothing_more() {
    let place = Place::new();
    let far = place.open_as(stranger());
    let run = far.begin(place.run(), jobs(&["a"])).await.unwrap();
    place.options.clock.sleep(Duration::from_secs(61)).await;
    let ledger = place.open();
    ledger.claim(run).await.unwrap();

    let event = vec![place.event("mint", What::Started)];
    let minted = Some(key(&place, "7"));
    let refusals = [
        far.record(job(run, 0), event, minted).await,
        far.settle(job(run, 0), vec![], None, end(JobState::Done))
            .await,
        far.add_jobs(run, jobs(&["b"])).await,
        far.release(run).await,
    ];

    for refused in refusals {
        assert!(matches!(refused, Err(LedgerError::TakenOver(id)) if id == run));
    }
    drop(far);
    let found = ledger.run(run).await.unwrap().unwrap();
    assert_eq!(
        (found.open, found.owner.unwrap().pid),
        (1, std::process::id())
    );
    assert!(ledger.events(job(run, 0)).await.unwrap().is_empty());
    assert!(ledger.keys(None).await.unwrap().is_empty());
}

async fn writing_to_a_run_that_was_never_begun_or_a_job_it_does_not_have_is_refused(place: Place) {
    let ledger = place.start().await;
    let unknown = RunId(Uuid::now_v7());
    let run = ledger.begin(place.run(), jobs(&["a"])).await.unwrap();

    let claimed = ledger.claim(unknown).await;
    let recorded = ledger.record(job(unknown, 0), vec![], None).await;
    let no_job = ledger.record(job(run, 1), vec![], None).await.unwrap_err();

    assert!(matches!(claimed, Err(LedgerError::NoSuchRun(id)) if id == unknown));
    assert!(matches!(recorded, Err(LedgerError::NoSuchRun(id)) if id == unknown));
    assert_eq!(no_job.to_string(), format!("run {run} has no job 1"));
}

async fn a_key_is_due_when_its_overlap_has_ended_and_it_is_not_revoked(place: Place) {
    let ledger = place.start().await;
    let due = place.now() + SignedDuration::from_hours(24);
    for (id, state, revoke_at) in [
        ("1", KeyState::Delivered, None),
        ("2", KeyState::Delivered, Some(due)),
        ("3", KeyState::Revoked, Some(due)),
    ] {
        let record = KeyRecord {
            state,
            revoke_at,
            ..key(&place, id)
        };
        ledger.put_key(record).await.unwrap();
    }

    let ids = async |at| -> Vec<String> {
        let keys = ledger.keys_due(at).await.unwrap();
        keys.into_iter().map(|key| key.key_id).collect()
    };

    assert!(ids(due - SignedDuration::from_secs(1)).await.is_empty());
    assert_eq!(ids(due).await, ["2"]);
    assert_eq!(ledger.keys(None).await.unwrap().len(), 3);
    assert!(ledger.keys(Some("13")).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_ledger_in_memory_serves_like_one_in_a_file() {
    let place = Place::new();
    let ledger = SqliteLedger::in_memory(&place.options).unwrap();

    let run = ledger.begin(place.run(), jobs(&["a"])).await.unwrap();
    ledger
        .settle(job(run, 0), vec![], None, end(JobState::Done))
        .await
        .unwrap();

    assert_eq!(ledger.run(run).await.unwrap().unwrap().done, 1);
    assert_eq!(fs::read_dir(place.folder.path()).unwrap().count(), 0);
}

async fn many_writers_at_once_are_all_answered(place: Place) {
    let ledger = place.start().await;
    let names: Vec<String> = (0..200).map(|n| format!("u{n}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let run = ledger.begin(place.run(), jobs(&names)).await.unwrap();

    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..200 {
        let ledger = Arc::clone(&ledger);
        let event = place.event("mint", What::Started);
        tasks.spawn(async move {
            ledger
                .record(job(run, number), vec![event], None)
                .await
                .unwrap();
            ledger
                .settle(job(run, number), vec![], None, end(JobState::Done))
                .await
                .unwrap();
        });
    }
    tasks.join_all().await;

    assert_eq!(ledger.run(run).await.unwrap().unwrap().done, 200);
    assert_eq!(ledger.events(job(run, 199)).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_second_process_on_the_same_user_is_refused_with_the_first_ones_id_and_machine() {
    let sandbox = Sandbox::new().await;
    let options = SqliteOptions::new(Clock::os());
    let path = sandbox.path("shared.ledger");
    let ledger = SqliteLedger::open(&path, &options).unwrap();
    let run = NewRun {
        id: RunId(Uuid::now_v7()),
        command: "apply".to_owned(),
        request: Value::Null,
        created_at: Clock::os().now(),
    };
    let run = ledger.begin(run, jobs(&["acme-42"])).await.unwrap();

    let args = [
        "create-user",
        "acme-42",
        "--no-key",
        "--ledger",
        path.to_str().unwrap(),
        "-o",
        "json",
    ];
    let error = output(sandbox.process(&args)).await.exits(6).error();

    let me = Process::current();
    let message = format!(
        "`acme-42` is locked by process {} on {} (run {run})",
        me.pid, me.host
    );
    assert_eq!(error["message"], message);
    let hint = format!(
        "wait until it has ended, or stop process {} on {} and try again",
        me.pid, me.host
    );
    assert_eq!(error["hint"], hint);
    let written =
        |request: &RequestRecord| request.method != "GET" && !request.path.contains("/log");
    assert!(!sandbox.emulator().requests().iter().any(written));
    sandbox.finish().await;
}

/// The files of a ledger as the disk has them while it is open, without what only saves SQLite work.
fn copy(from: &Path, wal_bytes: usize) -> Place {
    let place = Place::new();
    let wal = fs::read(from.with_extension("ledger-wal")).unwrap();
    fs::copy(from, place.path()).unwrap();
    let kept = &wal[..wal_bytes.min(wal.len())];
    fs::write(place.path().with_extension("ledger-wal"), kept).unwrap();
    place
}

#[tokio::test]
async fn what_was_answered_is_there_after_the_power_went_off() {
    let place = Place::new();
    let ledger = place.open();
    let run = ledger.begin(place.run(), jobs(&["a"])).await.unwrap();
    for answered in 1..=5 {
        let event = vec![place.event("mint", What::Started)];
        ledger.record(job(run, 0), event, None).await.unwrap();

        let after = copy(&place.path(), usize::MAX);

        let events = after.open().events(job(run, 0)).await.unwrap();
        assert_eq!(events.len(), answered);
    }
}

#[tokio::test]
async fn a_write_that_the_power_cut_tore_is_left_out_whole() {
    let place = Place::new();
    let ledger = place.open();
    let run = ledger.begin(place.run(), jobs(&["a"])).await.unwrap();
    let wal = || {
        fs::metadata(place.path().with_extension("ledger-wal"))
            .unwrap()
            .len()
    };
    let mut ends = vec![usize::try_from(wal()).unwrap()];
    for step in ["mint", "tag", "deliver"] {
        let events = vec![
            place.event(step, What::Started),
            place.event(step, What::Done),
        ];
        ledger
            .record(job(run, 0), events, Some(key(&place, step)))
            .await
            .unwrap();
        ends.push(usize::try_from(wal()).unwrap());
    }

    for torn in (ends[0]..=ends[3]).step_by(997) {
        let copied = copy(&place.path(), torn);
        let after = copied.open();

        let whole = ends.iter().filter(|end| **end <= torn).count() - 1;
        let (events, keys) = (after.events(job(run, 0)).await, after.keys(None).await);
        let found = (events.unwrap().len(), keys.unwrap().len());
        assert_eq!(found, (2 * whole, whole), "{torn} bytes of {ends:?}");
    }
}

#[cfg(unix)]
mod file {
    use std::os::unix::fs::PermissionsExt as _;
    use std::process::Command;

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    fn refusal(place: &Place) -> (String, String) {
        let error = Error::from(place.try_open().unwrap_err());
        (error.to_string(), error.advice().unwrap().to_owned())
    }

    fn make_private(path: &Path, bytes: &[u8]) {
        fs::write(path, bytes).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
    }

    #[tokio::test]
    async fn the_file_and_what_sqlite_puts_beside_it_are_for_the_owner_alone() {
        let mut place = Place::new();
        place.options.make_folder = true;
        let path = place.folder.path().join("state/embedctl/acme.ledger");
        let ledger = SqliteLedger::open(&path, &place.options).unwrap();
        ledger.begin(place.run(), jobs(&["a"])).await.unwrap();

        let below = fs::read_dir(path.parent().unwrap()).unwrap();
        let modes: Vec<_> = below.map(|file| mode(&file.unwrap().path())).collect();

        assert_eq!(modes, [0o600; 3], "the file, its WAL and its index");
        assert_eq!(mode(path.parent().unwrap()), 0o700);
    }

    #[test]
    fn a_file_that_others_may_read_is_refused() {
        let place = Place::new();
        drop(place.open());
        fs::set_permissions(place.path(), fs::Permissions::from_mode(0o640)).unwrap();

        let (message, hint) = refusal(&place);

        let path = place.path();
        let path = path.display();
        assert_eq!(
            message,
            format!("the ledger `{path}` is accessible to others (mode 640)")
        );
        assert_eq!(hint, format!("restrict it with `chmod 600 {path}`"));
    }

    #[test]
    fn a_folder_that_is_missing_is_named() {
        let place = Place::new();
        let path = place.folder.path().join("no/such/acme.ledger");

        let error = SqliteLedger::open(&path, &place.options).unwrap_err();

        let expected = format!(
            "no ledger can be kept in `{}`: the folder `{}` does not exist",
            path.display(),
            path.parent().unwrap().display()
        );
        assert_eq!(error.to_string(), expected);
        let advice = error.advice();
        assert!(advice.starts_with("create the folder with `mkdir -m 700 -p "));
    }

    #[test]
    fn a_folder_in_the_place_of_the_file_is_refused() {
        let place = Place::new();
        fs::create_dir(place.path()).unwrap();

        assert!(refusal(&place).0.ends_with("is not a file"));
    }

    #[test]
    fn a_file_that_is_no_ledger_is_refused_and_left_as_it_is() {
        let place = Place::new();
        let bytes = b"host,user\n".repeat(500);
        make_private(&place.path(), &bytes);

        let (message, hint) = refusal(&place);

        assert!(message.ends_with("is damaged"), "{message}");
        assert!(hint.starts_with("restore a copy"), "{hint}");
        assert_eq!(fs::read(place.path()).unwrap(), bytes);
    }

    #[test]
    fn the_database_of_another_program_is_refused() {
        let place = Place::new();
        let other = rusqlite::Connection::open(place.path()).unwrap();
        other.execute_batch("CREATE TABLE t (x)").unwrap();
        drop(other);
        fs::set_permissions(place.path(), fs::Permissions::from_mode(0o600)).unwrap();

        let (message, _) = refusal(&place);

        assert!(
            message.ends_with("is the SQLite database of another program"),
            "{message}"
        );
    }

    #[tokio::test]
    async fn a_ledger_that_lost_its_end_is_refused() {
        let place = Place::new();
        let ledger = place.open();
        ledger.begin(place.run(), jobs(&["a"])).await.unwrap();
        drop(ledger);
        let bytes = fs::read(place.path()).unwrap();
        fs::write(place.path(), &bytes[..5000]).unwrap();

        let (message, _) = refusal(&place);

        assert!(message.ends_with("is damaged"), "{message}");
    }

    #[test]
    fn a_ledger_of_a_newer_version_is_refused_and_left_as_it_is() {
        let place = Place::new();
        drop(place.open());
        let newer = rusqlite::Connection::open(place.path()).unwrap();
        newer.pragma_update(None, "user_version", 99).unwrap();
        drop(newer);

        let error = place.try_open().unwrap_err();

        assert!(
            matches!(
                error,
                LedgerError::TooNew {
                    found: 99,
                    known: 7
                }
            ),
            "{error:?}"
        );
        let hint = Error::from(error).advice().unwrap().to_owned();
        assert!(hint.starts_with("update embedctl"), "{hint}");
        let left = rusqlite::Connection::open(place.path()).unwrap();
        let version: i64 = left
            .pragma_query_value(None, "user_version", |row| row.get(0))
            .unwrap();
        assert_eq!(version, 99);
    }

    #[test]
    fn a_file_that_can_only_be_read_is_refused() {
        let place = Place::new();
        drop(place.open());
        let path = place.path();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o400)).unwrap();
        // The administrator may write all the same, but for a file that is marked as immutable.
        let attribute = |flag| Command::new("chattr").arg(flag).arg(&path).output();
        let writable = || fs::OpenOptions::new().write(true).open(&path).is_ok();
        if writable() {
            drop(attribute("+i"));
        }
        if writable() {
            // Then the unit test of the connection must do.
            return;
        }

        let (message, hint) = refusal(&place);

        drop(attribute("-i"));
        assert_eq!(
            message,
            format!("the ledger `{}` can only be read", path.display())
        );
        assert!(hint.starts_with("make it writable"), "{hint}");
    }

    /// A ledger that an earlier version left behind, longer ago than the lease of its owner.
    async fn left_behind(sql: &str) -> Place {
        let place = Place::new();
        let old = rusqlite::Connection::open(place.path()).unwrap();
        old.execute_batch(sql).unwrap();
        drop(old);
        fs::set_permissions(place.path(), fs::Permissions::from_mode(0o600)).unwrap();
        place.options.clock.sleep(Duration::from_secs(61)).await;
        place
    }

    #[tokio::test]
    async fn a_ledger_of_version_1_still_opens_with_all_that_is_in_it() {
        let place = left_behind(include_str!("../data/ledger-1.sql")).await;

        let ledger = place.open();

        let runs = ledger.runs(9).await.unwrap();
        assert_eq!(runs.len(), 1);
        let run = runs[0].clone();
        assert_eq!(run.id.to_string(), "0195509a-3000-7000-8000-000000000001");
        assert_eq!(
            (&*run.command, run.request),
            ("create-user", json!({"via": "signed-url"}))
        );
        assert_eq!((run.open, run.done, run.failed, run.undone), (1, 1, 1, 1));
        let owner = run.owner.unwrap();
        assert_eq!((owner.pid, &*owner.host), (4711, "ci-7"));
        let jobs = ledger.jobs(run.id, None, 0, 9).await.unwrap();
        let states: Vec<_> = jobs.iter().map(|job| (&*job.subject, job.state)).collect();
        let expected = [
            ("acme-1", JobState::Open),
            ("acme-2", JobState::Done),
            ("acme-3", JobState::Failed),
            ("acme-4", JobState::Undone),
        ];
        assert_eq!(states, expected);
        assert_eq!(jobs[0].spec, json!({"key": "ensure"}));
        assert_eq!(jobs[1].outcome, json!({"outcome": "created"}));
        let events = ledger.events(job(run.id, 1)).await.unwrap();
        let happened: Vec<_> = events
            .iter()
            .map(|event| (&*event.step, event.what))
            .collect();
        assert_eq!(
            happened,
            [
                ("mint", What::Started),
                ("mint", What::Done),
                ("deliver", What::Failed),
                ("mint", What::UndoStarted),
                ("mint", What::Undone),
            ]
        );
        assert_eq!(events[0].at.to_string(), "2026-03-01T12:00:00.5Z");
        assert_eq!(events[0].data, json!({"known": ["3"]}));
        let keys = ledger.keys(Some("12")).await.unwrap();
        let states: Vec<_> = keys.iter().map(|key| (&*key.key_id, key.state)).collect();
        let expected = [
            ("7", KeyState::Minted),
            ("8", KeyState::Delivered),
            ("9", KeyState::Revoked),
        ];
        assert_eq!(states, expected);
        assert_eq!(
            keys[1].revoke_at.unwrap().to_string(),
            "2026-03-02T12:00:00Z"
        );
        assert!(
            ledger.claim(run.id).await.is_ok(),
            "its lease ran out long ago"
        );
        ledger
            .settle(job(run.id, 0), vec![], None, end(JobState::Done))
            .await
            .unwrap();
    }

    #[tokio::test]
    async fn a_ledger_of_version_2_still_opens_and_its_users_are_still_taken() {
        let place = left_behind(include_str!("../data/ledger-2.sql")).await;

        let ledger = place.open();

        let run = ledger.runs(9).await.unwrap().remove(0);
        assert_eq!((&*run.command, run.open, run.done), ("apply", 1, 1));
        let jobs = ledger.jobs(run.id, None, 0, 9).await.unwrap();
        let found: Vec<_> = jobs
            .iter()
            .map(|job| (&*job.subject, job.also.as_deref(), job.state))
            .collect();
        let expected = [
            ("acme-1", None, JobState::Done),
            ("acme-2", None, JobState::Open),
        ];
        assert_eq!(found, expected);
        let newest = ledger.newest_done(vec!["acme-1".to_owned()]).await.unwrap();
        assert_eq!(newest[0][0].outcome, json!({"outcome": "created"}));
        let taken = ledger.begin(place.run(), pair("acme-3", "acme-2")).await;
        assert!(
            matches!(&taken, Err(LedgerError::Unfinished { subject, .. }) if subject == "acme-2"),
            "{taken:?}"
        );
        let free = ledger.begin(place.run(), pair("acme-3", "acme-1")).await;
        assert!(free.is_ok(), "{free:?}");
    }

    #[tokio::test]
    async fn a_ledger_of_version_5_still_opens_and_then_notes_who_is_allowed_keys() {
        let place = left_behind(include_str!("../data/ledger-5.sql")).await;

        let ledger = place.open();

        let here = ledger.instance().await.unwrap().unwrap();
        assert_eq!(here.origin, "https://acme.looker.com:19999");
        let run = ledger.runs(9).await.unwrap().remove(0);
        assert_eq!((&*run.command, run.open), ("rotate-id", 1));
        assert_eq!(run.instance, Some(here));
        let jobs = ledger.jobs(run.id, None, 0, 9).await.unwrap();
        assert_eq!(jobs[0].also.as_deref(), Some("acme-2"));
        let keys = ledger.keys(None).await.unwrap();
        assert_eq!((keys.len(), &*keys[0].key_id), (1, "8"));
        let elsewhere = ledger.keys_elsewhere().await.unwrap();
        assert_eq!(elsewhere[0].1.key_id, "7");
        assert_eq!(ledger.claim_permits().await.unwrap(), []);
        let note = ledger.note_permit("12").await.unwrap();
        ledger.forget_permit(note).await.unwrap();
    }
}
