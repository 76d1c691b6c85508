//! What jobs record, of many at once in one statement: it writes only while the lease of their worker runs.

use std::sync::LazyLock;

use tokio_postgres::Client;
use tokio_postgres::types::{ToSql, Type};

use crate::ledger::number::Numbered as _;
use crate::ledger::postgres::fault::Fault;
use crate::ledger::postgres::keys::{COLUMNS, REPLACE};
use crate::ledger::postgres::row::{get, json, nanos, number};
use crate::ledger::postgres::runs::Hold;
use crate::ledger::postgres::worker;
use crate::ledger::{Event, JobEnd, JobId, JobState, KeyRecord};

/// Events of a job, the state of a key, and how the job ended.
#[derive(Clone, Debug)]
pub(super) struct Record {
    pub(super) job: JobId,
    pub(super) events: Vec<Event>,
    pub(super) key: Option<KeyRecord>,
    pub(super) end: Option<JobEnd>,
}

impl Record {
    /// Whether it can go together with others. Opening a job again takes a look at all other runs.
    pub(super) fn is_shared(&self) -> bool {
        let end = self.end.as_ref();
        end.is_none_or(|end| end.state != JobState::Open)
    }

    /// Whether both are about one thing, so that they must follow one another.
    pub(super) fn clashes(&self, other: &Self) -> bool {
        let key = |record: &Self| {
            let key = record.key.as_ref()?;
            Some((key.looker_user_id.clone(), key.key_id.clone()))
        };
        self.job == other.job || (self.key.is_some() && key(self) == key(other))
    }
}

/// What became of a statement.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Written {
    /// The places of the records that were written; the others have no such job, or their run is not held.
    These(Vec<i64>),
    /// An earlier try had written them.
    Before,
}

/// One statement, so that nothing is locked while this process is not there. The worker's own row comes first: whoever
/// declares it dead writes to it as well, and from then on nothing here finds it.
static WRITE: LazyLock<String> = LazyLock::new(|| {
    format!(
        "WITH me AS (
            UPDATE embedctl.worker SET batch = $2
            WHERE id = $1 AND batch < $2 AND lease_until > clock_timestamp() RETURNING id),
        item AS (
            SELECT it.*, job.state AS before, run.looker
            FROM me CROSS JOIN unnest($3::bigint[], $4::bigint[], $5::bigint[], $6::smallint[], $7::text[], $23::bool[])
                WITH ORDINALITY AS it (run, fence, job, after, outcome, shared, place)
            JOIN embedctl.progress ON progress.run = it.run
            JOIN embedctl.job ON job.run = it.run AND job.number = it.job
            JOIN embedctl.run ON run.seq = it.run
            WHERE CASE WHEN it.shared THEN job.worker = me.id AND job.fence = it.fence
                ELSE progress.worker = me.id AND progress.fence = it.fence END),
        events AS (
            INSERT INTO embedctl.event (run, job, number, fence, step, what, at, data)
            SELECT item.run, item.job, new.number + (
                    SELECT coalesce(max(event.number) + 1, 0) FROM embedctl.event
                    WHERE event.run = item.run AND event.job = item.job),
                item.fence, new.step, new.what, new.at, new.data
            FROM item JOIN unnest($8::bigint[], $9::bigint[], $10::text[], $11::smallint[], $12::bigint[], $13::text[])
                AS new (place, number, step, what, at, data) ON new.place = item.place),
        keys AS (
            INSERT INTO embedctl.key (looker, {COLUMNS})
            SELECT item.looker, new.user_id, new.key_id, new.external_id, new.client_id, new.purpose,
                new.state, new.minted_at, new.revoke_at
            FROM item JOIN unnest($14::bigint[], $15::text[], $16::text[], $17::text[], $18::text[], $19::text[],
                    $20::smallint[], $21::bigint[], $22::bigint[])
                AS new (place, user_id, key_id, external_id, client_id, purpose, state, minted_at, revoke_at)
                ON new.place = item.place
            {REPLACE}),
        ended AS (
            UPDATE embedctl.job SET state = item.after, outcome = item.outcome FROM item
            WHERE item.after IS NOT NULL AND job.run = item.run AND job.number = item.job),
        counted AS (
            UPDATE embedctl.progress SET open = progress.open + more.open,
                done = progress.done + more.done, failed = progress.failed + more.failed,
                undone = progress.undone + more.undone
            FROM (SELECT run,
                    sum((after = 0)::int - (before = 0)::int) AS open,
                    sum((after = 1)::int - (before = 1)::int) AS done,
                    sum((after = 2)::int - (before = 2)::int) AS failed,
                    sum((after = 3)::int - (before = 3)::int) AS undone
                FROM item WHERE after IS NOT NULL GROUP BY run) AS more
            WHERE progress.run = more.run),
        credited AS (
            UPDATE embedctl.member SET done = member.done + more.done
            FROM (SELECT me.id, item.run, count(*) AS done FROM item CROSS JOIN me
                WHERE after = 1 GROUP BY me.id, item.run) AS more
            WHERE member.run = more.run AND member.worker = more.id)
        SELECT ARRAY(SELECT place FROM item) AS places FROM me"
    )
});

/// Write `records`, which `holds` belong to, as batch number `batch` of worker `me`.
pub(super) async fn write(
    db: &Client,
    me: i64,
    batch: i64,
    records: &[(&Record, Hold)],
) -> Result<Written, Fault> {
    let (items, events, keys) = (Items::of(records), Events::of(records), Keys::of(records));
    let mut params: Vec<(&(dyn ToSql + Sync), Type)> =
        vec![(&me, Type::INT8), (&batch, Type::INT8)];
    params.extend(items.params());
    params.extend(events.params());
    params.extend(keys.params());
    params.push((&items.shared, Type::BOOL_ARRAY));
    let rows = db.query_typed(&WRITE, &params).await?;
    // One row at least, if the worker's own row was found.
    let Some(first) = rows.first() else {
        return match worker::was_written(db, me, batch).await? {
            true => Ok(Written::Before),
            false => Err(Fault::LeaseOver),
        };
    };
    let places: Vec<Option<i64>> = get(first, "places")?;
    Ok(Written::These(places.into_iter().flatten().collect()))
}

#[derive(Default)]
struct Items {
    run: Vec<i64>,
    fence: Vec<i64>,
    job: Vec<i64>,
    after: Vec<Option<i16>>,
    outcome: Vec<Option<String>>,
    /// Whether the fence is that of the job, not that of the run.
    shared: Vec<bool>,
}

impl Items {
    fn of(records: &[(&Record, Hold)]) -> Self {
        let mut items = Self::default();
        for (record, hold) in records {
            let end = record.end.as_ref();
            items.run.push(hold.row);
            items.fence.push(hold.fence);
            items.shared.push(hold.shared);
            items.job.push(number(record.job.number));
            items.after.push(end.map(|end| end.state.number()));
            items.outcome.push(end.and_then(|end| json(&end.outcome)));
        }
        items
    }

    fn params(&self) -> [(&(dyn ToSql + Sync), Type); 5] {
        [
            (&self.run, Type::INT8_ARRAY),
            (&self.fence, Type::INT8_ARRAY),
            (&self.job, Type::INT8_ARRAY),
            (&self.after, Type::INT2_ARRAY),
            (&self.outcome, Type::TEXT_ARRAY),
        ]
    }
}

#[derive(Default)]
struct Events<'a> {
    place: Vec<i64>,
    number: Vec<i64>,
    step: Vec<&'a str>,
    what: Vec<i16>,
    at: Vec<i64>,
    data: Vec<Option<String>>,
}

impl<'a> Events<'a> {
    fn of(records: &[(&'a Record, Hold)]) -> Self {
        let mut events = Self::default();
        for (place, (record, _)) in (1..).zip(records) {
            for (number, event) in (0..).zip(&record.events) {
                events.place.push(place);
                events.number.push(number);
                events.step.push(&event.step);
                events.what.push(event.what.number());
                events.at.push(nanos(event.at));
                events.data.push(json(&event.data));
            }
        }
        events
    }

    fn params(&self) -> [(&(dyn ToSql + Sync), Type); 6] {
        [
            (&self.place, Type::INT8_ARRAY),
            (&self.number, Type::INT8_ARRAY),
            (&self.step, Type::TEXT_ARRAY),
            (&self.what, Type::INT2_ARRAY),
            (&self.at, Type::INT8_ARRAY),
            (&self.data, Type::TEXT_ARRAY),
        ]
    }
}

#[derive(Default)]
struct Keys<'a> {
    place: Vec<i64>,
    user: Vec<&'a str>,
    key: Vec<&'a str>,
    external: Vec<&'a str>,
    client: Vec<&'a str>,
    purpose: Vec<&'a str>,
    state: Vec<i16>,
    minted_at: Vec<i64>,
    revoke_at: Vec<Option<i64>>,
}

impl<'a> Keys<'a> {
    fn of(records: &[(&'a Record, Hold)]) -> Self {
        let mut keys = Self::default();
        for (place, (record, _)) in (1..).zip(records) {
            let Some(key) = &record.key else { continue };
            keys.place.push(place);
            keys.user.push(&key.looker_user_id);
            keys.key.push(&key.key_id);
            keys.external.push(&key.external_user_id);
            keys.client.push(&key.client_id);
            keys.purpose.push(&key.purpose);
            keys.state.push(key.state.number());
            keys.minted_at.push(nanos(key.minted_at));
            keys.revoke_at.push(key.revoke_at.map(nanos));
        }
        keys
    }

    fn params(&self) -> [(&(dyn ToSql + Sync), Type); 9] {
        [
            (&self.place, Type::INT8_ARRAY),
            (&self.user, Type::TEXT_ARRAY),
            (&self.key, Type::TEXT_ARRAY),
            (&self.external, Type::TEXT_ARRAY),
            (&self.client, Type::TEXT_ARRAY),
            (&self.purpose, Type::TEXT_ARRAY),
            (&self.state, Type::INT2_ARRAY),
            (&self.minted_at, Type::INT8_ARRAY),
            (&self.revoke_at, Type::INT8_ARRAY),
        ]
    }
}
