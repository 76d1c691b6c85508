//! `embedctl keys orphans`: find, and revoke, keys that were never received.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::json;

use crate::commands::consent::{Loss, Losses};
use crate::commands::context::CommandContext;
use crate::commands::engine::ledger_of;
use crate::commands::json_object::with;
use crate::commands::key_sink;
use crate::commands::keys::holders::all_keys;
use crate::commands::keys::row::{HEADER, Row};
use crate::commands::keys::users::Matcher;
use crate::commands::keys_to::{KeysTo, SinkArgs};
use crate::commands::session::{Needs, Session};
use crate::error::{Error, Exit, Kind};
use crate::ledger::{KeyRecord, KeyState, Ledger};
use crate::report::{Few, Format, Ui, number_of};
use crate::sink::{KeyName, Sink};
use crate::system::System;
use crate::workflow::Stage;

/// How many keys are named before they are revoked.
const NAMED: usize = 10;

/// List keys that were never received, and revoke them on request
///
/// First the keys that embedctl created and did not deliver, as far as their tags, the ledger and the sink tell; then the keys
/// without a purpose, youngest first, which may belong to anyone. `--revoke` asks first, and leaves keys that may belong to
/// someone else unless `--sole-minter` declares that nothing else creates keys on this Looker.
#[derive(clap::Args, Debug)]
pub(crate) struct KeysOrphansArgs {
    /// Only of users whose id matches, such as `acme-*`; may be repeated
    #[arg(long = "match", value_name = "PATTERN")]
    patterns: Vec<String>,

    /// Revoke them, after confirmation
    #[arg(long)]
    revoke: bool,

    /// The sink to ask which keys it holds; default: the profile's; may be repeated
    #[arg(long, value_name = "SINK")]
    keys_to: Vec<String>,

    /// Believe a shared store that says it does not hold a key, even if the key's tag says that it was delivered
    #[arg(long)]
    trust_sink: bool,

    /// Print what would be done, and do nothing
    #[arg(long, requires = "revoke")]
    dry_run: bool,
}

/// Keys that are not known to have been received.
#[derive(Debug, Default)]
struct Orphans {
    /// Created by embedctl.
    ours: Vec<Row>,
    /// May belong to anyone.
    nameless: Vec<Row>,
}

pub(crate) async fn run(args: &KeysOrphansArgs, cx: CommandContext) -> Result<Exit, Error> {
    cx.ui.refuse_env()?;
    Session::within(cx, Needs::Api, async |session| orphans(args, session).await).await
}

async fn orphans(args: &KeysOrphansArgs, session: &Session) -> Result<Exit, Error> {
    let ledger = ledger_of(session).await?;
    // Opened before the keys are listed: listing takes long, and a wrong sink should fail at once.
    let sink = sink(args, session)?;
    // Another caller may see fewer users and keys, which would read as "no orphans".
    session.finder.require_admin().await?;
    let matcher = Matcher::new(&args.patterns);
    let rows = all_keys(&matcher, &*ledger, session).await?;
    let found = find(rows, sink.as_deref(), args.trust_sink, session).await?;
    if !args.revoke {
        print(&found, &BTreeMap::new(), &session.ui, &session.system)?;
        return Ok(Exit::Done);
    }
    let (targets, mut outcomes) = targets(&found, &*ledger, session).await?;
    if args.dry_run || targets.is_empty() {
        for target in &targets {
            outcomes.insert(target.key.client_id.clone(), "would be revoked");
        }
        print(&found, &outcomes, &session.ui, &session.system)?;
        return Ok(Exit::Done);
    }
    ask(&targets, session).await?;
    let failed = revoke(targets, &*ledger, session, &mut outcomes).await?;
    print(&found, &outcomes, &session.ui, &session.system)?;
    match failed {
        0 => Ok(Exit::Done),
        failed => Err(Error::new(
            Kind::Incomplete,
            format!("{} could not be revoked", number_of(failed as u64, "key")),
        )
        .hint("run the same command again")),
    }
}

/// The sink to ask, if there is one that can answer.
fn sink(args: &KeysOrphansArgs, session: &Session) -> Result<Option<Arc<dyn Sink>>, Error> {
    let keys_to = KeysTo::choose(&SinkArgs::of(&args.keys_to), &session.settings);
    let sink = match keys_to.prints() {
        true => None,
        false => Some(key_sink::stored(&keys_to, session)?),
    };
    if args.trust_sink && !sink.as_ref().is_some_and(|sink| sink.is_shared()) {
        return Err(Error::usage(
            "`--trust-sink` is for a shared store, and the sink is a file of this machine or none",
        )
        .hint("a file that is not here may be elsewhere; name the store with `--keys-to`"));
    }
    Ok(sink)
}

/// The orphans among `rows`.
async fn find(
    rows: Vec<Row>,
    sink: Option<&dyn Sink>,
    trusted: bool,
    session: &Session,
) -> Result<Orphans, Error> {
    let mut found = Orphans::default();
    for row in rows {
        // The tag alone says enough about a delivered key, unless the store is trusted more than the
        // tag.
        let asked = match row.standing.state {
            Some(Stage::Undelivered | Stage::Nameless) => true,
            Some(Stage::Delivered) => trusted,
            Some(Stage::Overlap) | None => false,
        };
        // A sink may be slow or paid per request; it is asked only if the answer matters.
        if !asked {
            continue;
        }
        let held = match sink {
            Some(sink) => sink.holds(&key_name(&row, session)).await?,
            None => None,
        };
        match (row.standing.state, held) {
            (_, Some(true)) => {}
            (Some(Stage::Nameless), _) => found.nameless.push(row),
            // A sink that cannot tell is no reason to revoke a key whose tag says that it was
            // delivered.
            (Some(Stage::Delivered), None) => {}
            _ => found.ours.push(row),
        }
    }
    for rows in [&mut found.ours, &mut found.nameless] {
        rows.sort_by_key(|row| Reverse(row.key.created_at.known()));
    }
    Ok(found)
}

fn key_name(row: &Row, session: &Session) -> KeyName {
    KeyName {
        base_url: session.admin.origin().to_owned(),
        external_user_id: row.external_user_id.clone().unwrap_or_default(),
        looker_user_id: row.looker_user_id.clone(),
        id: row.key.id.clone(),
        client_id: row.key.client_id.clone(),
        purpose: row.key.purpose.clone().unwrap_or_default(),
        created_at: row.key.created_at.known().unwrap_or_default(),
        job: String::new(),
    }
}

/// The keys to revoke, and why others are left, by client id.
async fn targets<'a>(
    found: &'a Orphans,
    ledger: &dyn Ledger,
    session: &Session,
) -> Result<(Vec<&'a Row>, BTreeMap<String, &'static str>), Error> {
    let mut targets = Vec::new();
    let mut outcomes = BTreeMap::new();
    for row in &found.ours {
        // A running job may be about to deliver it.
        match ledger.pending(row.user()).await? {
            Some(_) => {
                outcomes.insert(row.key.client_id.clone(), "left: a run is unfinished");
            }
            None => targets.push(row),
        }
    }
    for row in &found.nameless {
        if session.settings.sole_minter() {
            targets.push(row);
        } else {
            outcomes.insert(
                row.key.client_id.clone(),
                "left: may belong to someone else",
            );
        }
    }
    Ok((targets, outcomes))
}

async fn ask(targets: &[&Row], session: &Session) -> Result<(), Error> {
    let mut keys = Few::new(NAMED);
    for row in targets {
        keys.add(|| format!("{} of `{}`", row.key.id, row.user()));
    }
    session.ui.status(format!(
        "To be revoked: key {}. Anything that uses it stops working.",
        keys.names()
    ));
    let users: BTreeSet<&str> = targets.iter().map(|row| row.user()).collect();
    let mut losses = Losses::default();
    for user in users {
        losses.add(user, [Loss::Keys]);
    }
    losses.confirm(session).await
}

/// Revoke keys, user by user; returns how many could not be revoked.
async fn revoke(
    targets: Vec<&Row>,
    ledger: &dyn Ledger,
    session: &Session,
    outcomes: &mut BTreeMap<String, &'static str>,
) -> Result<usize, Error> {
    let mut by_user: BTreeMap<&str, Vec<&Row>> = BTreeMap::new();
    for target in targets {
        by_user
            .entry(&target.looker_user_id)
            .or_default()
            .push(target);
    }
    // One user at a time: its right to manage keys is lent once and taken back.
    let mut failed = 0;
    for (user, rows) in by_user {
        let ids: Vec<_> = rows.iter().map(|row| row.key.id.clone()).collect();
        let mut of_user = session.keys.of(user);
        let done = of_user.revoke(&ids).await;
        // Closed even after a failure; otherwise the user keeps the right that was lent for the
        // revocation.
        of_user.close().await?;
        let outcome = match done {
            Ok(_) => "revoked",
            Err(error) => {
                failed += rows.len();
                session.ui.error(&error);
                "failed"
            }
        };
        for row in rows {
            outcomes.insert(row.key.client_id.clone(), outcome);
            if outcome == "revoked" {
                // So that `keys reap` and later runs do not look for it any more.
                ledger.put_key(record(row)).await?;
            }
        }
    }
    Ok(failed)
}

fn record(row: &Row) -> KeyRecord {
    KeyRecord {
        looker_user_id: row.looker_user_id.clone(),
        external_user_id: row.external_user_id.clone().unwrap_or_default(),
        key_id: row.key.id.clone(),
        client_id: row.key.client_id.clone(),
        purpose: row.key.purpose.clone().unwrap_or_default(),
        state: KeyState::Revoked,
        minted_at: row.key.created_at.known().unwrap_or_default(),
        revoke_at: None,
    }
}

fn print(
    found: &Orphans,
    outcomes: &BTreeMap<String, &'static str>,
    ui: &Ui,
    system: &System,
) -> Result<(), Error> {
    let now = system.clock.now();
    let rows: Vec<&Row> = found.ours.iter().chain(&found.nameless).collect();
    let outcome = |row: &Row| outcomes.get(&row.key.client_id).copied();
    let object = |row: &&Row| match outcome(row) {
        Some(outcome) => with(row.json(now), "outcome", json!(outcome)),
        None => row.json(now),
    };
    let cells = |row: &&Row| {
        let mut cells = row.cells(now);
        cells.push(outcome(row).unwrap_or_default().to_owned());
        cells
    };
    let header = [&HEADER[..], &["outcome"]].concat();
    let none = "All keys have been received.";
    ui.list(&rows, object, (&header, cells), none)?;
    if ui.format() == Format::Table && !rows.is_empty() {
        let (ours, nameless) = (found.ours.len(), found.nameless.len());
        ui.status(format!(
            "{ours} of ours that were never received; {nameless} without a tag, which may belong to someone else."
        ));
    }
    Ok(())
}
