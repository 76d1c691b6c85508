//! What the database says of itself, for whoever wants to know whether it can hold a ledger.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio_postgres::Client;

use crate::ledger::postgres::fault::Fault;
use crate::ledger::postgres::row::get;
use crate::ledger::postgres::schema;
use crate::system::duration;

/// What the database says of itself.
#[derive(Clone, Debug)]
pub struct ServerState {
    /// The version of PostgreSQL.
    pub server: String,
    /// The version of the ledger's tables.
    pub schema: i64,
    /// Whether a commit survives a power cut, and where.
    pub synchronous_commit: String,
    /// The time there.
    pub now: Timestamp,
}

/// A difference between two clocks that is worth a word.
const MUCH: Duration = Duration::from_secs(5);

impl ServerState {
    /// What to tell people, `now` being the time here.
    pub fn told(&self, now: Timestamp) -> String {
        let Self {
            server,
            schema,
            synchronous_commit,
            ..
        } = self;
        let mut told = vec![format!(
            "PostgreSQL {server}, ledger schema {schema}, `synchronous_commit` is `{synchronous_commit}`"
        )];
        if synchronous_commit == "off" {
            let what = "a power cut there could lose what was recorded, so embedctl turns it on for itself";
            told.push(what.to_owned());
        }
        let difference = self.now.duration_since(now);
        if difference.unsigned_abs() > MUCH {
            let side = match difference > SignedDuration::ZERO {
                true => "ahead of",
                false => "behind",
            };
            let much = duration::rough(difference.unsigned_abs());
            told.push(format!(
                "its clock is {much} {side} this machine's, which does no harm: only the database's counts"
            ));
        }
        told.join("; ")
    }
}

/// Ask for it.
pub(super) async fn ask(db: &Client) -> Result<ServerState, Fault> {
    let sql = "SELECT current_setting('server_version') AS server,
        coalesce((SELECT setting FROM pg_settings WHERE name = 'synchronous_commit' AND source <> 'session'),
            (SELECT reset_val FROM pg_settings WHERE name = 'synchronous_commit')) AS synchronous_commit,
        extract(epoch FROM clock_timestamp())::float8 AS now";
    let row = db.query_typed_one(sql, &[]).await?;
    let now = SignedDuration::try_from_secs_f64(get(&row, "now")?).map_err(Fault::unreadable)?;
    Ok(ServerState {
        server: get(&row, "server")?,
        schema: schema::version(db).await?,
        synchronous_commit: get(&row, "synchronous_commit")?,
        now: Timestamp::from_duration(now).map_err(Fault::unreadable)?,
    })
}
