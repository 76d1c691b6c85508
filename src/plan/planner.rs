//! Goes through a manifest, a few hundred users at a time, and decides what to do for each.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use tokio::task::JoinSet;

use crate::error::Error;
use crate::ledger::Ledger;
use crate::looker::User;
use crate::plan::change::Change;
use crate::plan::decide::{decide, prune, refuse};
use crate::plan::desired::Desired;
use crate::plan::known_grants::{KnownGrants, Needs};
use crate::plan::observe::Observed;
use crate::plan::observed_user::ObservedUser;
use crate::plan::read_grants::GrantReader;
use crate::plan::refusal::Refusal;
use crate::plan::row::{KeyWish, Row, Rules};
use crate::plan::store::Store;

/// How many users are decided at a time: enough to keep all connections busy, few enough to keep memory flat.
const CHUNK: usize = 500;

/// A desired user, and what to do for it.
#[derive(Debug)]
pub(crate) struct Planned {
    /// The user.
    pub(crate) desired: Desired,
    /// What to do.
    pub(crate) change: Change,
}

/// The rows of a manifest, or why they cannot be read any further.
pub(crate) type DesiredRows = Box<dyn Iterator<Item = Result<Row, Error>> + Send>;

/// Decides.
pub(crate) struct Planner {
    /// The outcomes of earlier runs.
    ledger: Arc<dyn Ledger>,
    /// Whether Looker is asked for everything, whatever the ledger says.
    refresh: bool,
    /// The users at Looker.
    store: Store,
    /// Those that could not be looked up, and why.
    unseen: BTreeMap<String, Refusal>,
    /// The desired users.
    rows: DesiredRows,
    /// The key policy for rows without one.
    key: KeyWish,
    rules: Rules,
    /// How many calls are sent concurrently.
    width: usize,
    reader: GrantReader,
}

/// Decide on one user, which Looker shows as `user` at `now`.
pub(crate) async fn decide_one(
    desired: Desired,
    user: Option<User>,
    (reader, ledger): (GrantReader, Arc<dyn Ledger>),
    rules: Rules,
    now: Timestamp,
) -> Result<Planned, Error> {
    let mut store = Store::new()?;
    let id = desired.external_user_id.clone();
    store.keep(user.and_then(|user| ObservedUser::named(user, &id, now)))?;
    let seen = Observed {
        store,
        unseen: BTreeMap::new(),
    };
    let rows: DesiredRows = Box::new(std::iter::once(Ok(desired.row())));
    let looker = (reader, ledger, false);
    let mut planner = Planner::new(looker, (seen, rows), KeyWish::None, rules, 1);
    let planned = Box::pin(planner.next()).await?.pop();
    planned.ok_or_else(|| Error::internal("a row has no decision"))
}

/// A row, the user that Looker shows for it, and what is known of its grants.
struct Pair {
    desired: Desired,
    seen: Option<ObservedUser>,
    known: Result<KnownGrants, Refusal>,
}

impl Planner {
    /// A planner of `rows` against what was observed. With `refresh`, the ledger is not asked.
    pub(crate) fn new(
        (reader, ledger, refresh): (GrantReader, Arc<dyn Ledger>, bool),
        (Observed { store, unseen }, rows): (Observed, DesiredRows),
        key: KeyWish,
        rules: Rules,
        width: usize,
    ) -> Self {
        Self {
            ledger,
            refresh,
            store,
            unseen,
            rows,
            key,
            rules,
            width,
            reader,
        }
    }

    /// The next users; empty at the end.
    pub(crate) async fn next(&mut self) -> Result<Vec<Planned>, Error> {
        let mut pairs = self.pairs().await?;
        let missing = |pair: &Pair, known: &KnownGrants| known.missing(&pair.desired);
        // Only what the rows name is read; most manifests name a few fields, and each costs calls.
        Box::pin(self.read(&mut pairs, missing)).await?;
        let mut changes: Vec<Change> = pairs.iter().map(|pair| self.decide(pair)).collect();
        // A login replaces all grants, so a user that needs one is read completely and decided again.
        let mut logins = Vec::new();
        for (at, (pair, change)) in pairs.iter_mut().zip(&changes).enumerate() {
            let is_partial = pair.known.as_ref().is_ok_and(|known| !known.complete);
            if pair.seen.is_some() && change.login.is_some() && is_partial {
                logins.push(at);
            }
        }
        // Sorted by construction, so a binary search finds an index.
        let everything = |at: usize| match logins.binary_search(&at) {
            Ok(_) => Needs::everything(),
            Err(_) => Needs::default(),
        };
        Box::pin(self.read_at(&mut pairs, everything)).await?;
        // The full reading may show further differences, for example a grant that the ledger did not
        // know.
        for at in &logins {
            if let (Some(pair), Some(change)) = (pairs.get(*at), changes.get_mut(*at)) {
                *change = self.decide(pair);
            }
        }
        let planned = pairs.into_iter().zip(changes);
        let planned = planned.map(|(pair, change)| Planned {
            desired: pair.desired,
            change,
        });
        Ok(planned.collect())
    }

    fn decide(&self, pair: &Pair) -> Change {
        let (desired, seen) = (&pair.desired, pair.seen.as_ref());
        let unseen = self.unseen.get(&desired.external_user_id);
        match (unseen, &pair.known) {
            (Some(why), _) | (None, Err(why)) => refuse(desired, seen, why.clone()),
            (None, Ok(known)) => decide(desired, seen, known, &self.rules),
        }
    }

    /// The changes for users that the manifest does not name: up to a chunk of those with ids after `after` that `owned` says are the
    /// company's. Also returns the last id that was examined; `None` at the end.
    pub(crate) fn next_unnamed(
        &self,
        after: &str,
        owned: impl Fn(&str) -> bool,
    ) -> Result<Option<(String, Vec<Change>)>, Error> {
        // The same size as a chunk, for the same reasons.
        let rest = self.store.rest(after, 500)?;
        let Some(last) = rest.last().map(|seen| seen.external_user_id.clone()) else {
            return Ok(None);
        };
        let owned = rest
            .iter()
            .filter(|seen| !seen.is_disabled && owned(&seen.external_user_id));
        Ok(Some((last, owned.map(prune).collect())))
    }

    /// The next rows, with what the observation and the ledger know about their users.
    async fn pairs(&mut self) -> Result<Vec<Pair>, Error> {
        let mut pairs = Vec::new();
        while pairs.len() < CHUNK {
            let Some(row) = self.rows.next() else {
                break;
            };
            let mut desired = Desired::new(row?, self.key);
            // Groups are compared by id, which renaming a group does not change.
            if let Some(groups) = &mut desired.grants.group_ids {
                self.reader.name_by_id(groups).await?;
            }
            // Taken out of the store, so what is left there is what the manifest does not name.
            let seen = self.store.take(&desired.external_user_id)?;
            pairs.push(Pair {
                desired,
                seen,
                known: Ok(KnownGrants::default()),
            });
        }
        let existing: Vec<&mut Pair> = pairs.iter_mut().filter(|it| it.seen.is_some()).collect();
        // With `--refresh`, everything is read from Looker, because the ledger may be wrong about it.
        if existing.is_empty() || self.refresh {
            return Ok(pairs);
        }
        let ids = existing
            .iter()
            .map(|pair| pair.desired.external_user_id.clone());
        let jobs = self.ledger.newest_done(ids.collect()).await?;
        for (pair, jobs) in existing.into_iter().zip(jobs) {
            if let Some(seen) = &pair.seen {
                pair.known = Ok(KnownGrants::from_ledger(&jobs, seen));
            }
        }
        Ok(pairs)
    }

    /// Read what is missing about each existing user.
    async fn read(
        &self,
        pairs: &mut [Pair],
        missing: impl Fn(&Pair, &KnownGrants) -> Needs,
    ) -> Result<(), Error> {
        let needs: Vec<Needs> = pairs
            .iter()
            .map(|pair| match (&pair.seen, &pair.known) {
                (Some(_), Ok(known)) => missing(pair, known),
                _ => Needs::default(),
            })
            .collect();
        let names_groups = |pair: &Pair| pair.desired.grants.group_ids.is_some();
        for pair in pairs.iter_mut() {
            // Groups are on the user that was read already, so comparing them costs no call per user.
            if let (true, Some(seen), Ok(known)) = (names_groups(pair), &pair.seen, &mut pair.known)
            {
                known.grants.group_ids = Some(self.reader.groups_of(seen).await?);
            }
        }
        self.read_at(pairs, |at| needs.get(at).cloned().unwrap_or_default())
            .await
    }

    /// Read what `needs` says about the user at each index, several at a time.
    async fn read_at(
        &self,
        pairs: &mut [Pair],
        needs: impl Fn(usize) -> Needs,
    ) -> Result<(), Error> {
        let waiting = pairs.iter().enumerate().filter_map(|(at, pair)| {
            let (seen, known) = (pair.seen.clone()?, pair.known.clone().ok()?);
            Some((at, needs(at), seen, known))
        });
        let waiting: Vec<_> = waiting
            .filter(|(_, needs, ..)| !needs.is_nothing())
            .collect();
        let mut waiting = waiting.into_iter();
        let mut flying = JoinSet::new();
        loop {
            while flying.len() < self.width.max(1) {
                let Some((at, needs, seen, known)) = waiting.next() else {
                    break;
                };
                let reader = self.reader.clone();
                flying.spawn(async move { (at, reader.read(&seen, known, &needs).await) });
            }
            let Some(joined) = flying.join_next().await else {
                return Ok(());
            };
            let (at, known) = joined.map_err(Error::internal)?;
            // Answers arrive in any order; the index puts each with its row.
            if let Some(pair) = pairs.get_mut(at) {
                pair.known = match known {
                    Ok(known) => Ok(known),
                    Err(error) => Err(Refusal::of(error)?),
                };
            }
        }
    }
}
