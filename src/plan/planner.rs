//! Goes through a manifest, a few hundred users at a time, and decides for each what is to be done.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use tokio::task::JoinSet;

use crate::error::Error;
use crate::ledger::{Job, Ledger};
use crate::plan::decide::{Change, decide, prune, refuse};
use crate::plan::desired::{Defaults, Desired};
use crate::plan::known_grants::KnownGrants;
use crate::plan::observe::Observed;
use crate::plan::observed_user::ObservedUser;
use crate::plan::read_grants::GrantReader;
use crate::plan::refusal::Refusal;
use crate::plan::row::{KnownAttribute, Row, State};
use crate::plan::store::Store;

/// How many users are decided on at a time.
const CHUNK: usize = 500;

/// A user as it is to be, and what is to be done for that.
#[derive(Debug)]
pub(crate) struct Planned {
    /// The user.
    pub(crate) desired: Desired,
    /// What is to be done.
    pub(crate) change: Change,
}

/// The rows of a manifest, or why they cannot be read any further.
pub(crate) type DesiredRows = Box<dyn Iterator<Item = Result<Row, Error>> + Send>;

/// Decides.
pub(crate) struct Planner {
    /// What earlier runs did.
    pub(crate) ledger: Arc<dyn Ledger>,
    /// The users that Looker has.
    pub(crate) store: Store,
    /// Those that could not be looked up, and why.
    pub(crate) unseen: BTreeMap<String, Refusal>,
    /// The users that are wanted.
    pub(crate) rows: DesiredRows,
    /// What holds for those who do not say otherwise.
    pub(crate) defaults: Defaults,
    /// The user attributes there are, by name.
    pub(crate) attributes: BTreeMap<String, KnownAttribute>,
    /// How many calls are made at a time.
    pub(crate) width: usize,
    reader: GrantReader,
}

impl Planner {
    /// A planner of `rows` against `store`.
    pub(crate) fn new(
        (reader, ledger): (GrantReader, Arc<dyn Ledger>),
        (Observed { store, unseen }, rows): (Observed, DesiredRows),
        defaults: Defaults,
        attributes: BTreeMap<String, KnownAttribute>,
        width: usize,
    ) -> Self {
        Self {
            ledger,
            store,
            unseen,
            rows,
            defaults,
            attributes,
            width,
            reader,
        }
    }

    /// The next users; none at the end.
    pub(crate) async fn next(&mut self) -> Result<Vec<Planned>, Error> {
        let desired = self.desired()?;
        let mut seen = Vec::with_capacity(desired.len());
        for user in &desired {
            seen.push(self.store.take(&user.external_user_id)?);
        }
        let granted = self.granted(&desired, &seen).await?;
        let decided = desired.into_iter().zip(seen).zip(granted);
        Ok(decided
            .map(|((desired, seen), granted)| {
                let unseen = self.unseen.get(&desired.external_user_id).cloned();
                let change = match (unseen, granted) {
                    (Some(why), _) | (None, Err(why)) => refuse(&desired, seen.as_ref(), why),
                    (None, Ok(granted)) => {
                        decide(&desired, seen.as_ref(), &granted, &self.attributes)
                    }
                };
                Planned { desired, change }
            })
            .collect())
    }

    /// What is to be done for users that the manifest did not name, up to a chunk of those with ids after `after` that
    /// `owned` says are the company's. Gives the last id that was looked at too; none at the end.
    pub(crate) fn next_unnamed(
        &self,
        after: &str,
        owned: impl Fn(&str) -> bool,
    ) -> Result<Option<(String, Vec<Change>)>, Error> {
        let rest = self.store.rest(after, 500)?;
        let Some(last) = rest.last().map(|seen| seen.external_user_id.clone()) else {
            return Ok(None);
        };
        let owned = rest
            .iter()
            .filter(|seen| !seen.is_disabled && owned(&seen.external_user_id));
        Ok(Some((last, owned.map(prune).collect())))
    }

    fn desired(&mut self) -> Result<Vec<Desired>, Error> {
        let mut desired = Vec::new();
        while desired.len() < CHUNK {
            match self.rows.next() {
                None => break,
                Some(row) => {
                    let user = self.fill(row?);
                    desired.push(user);
                }
            }
        }
        Ok(desired)
    }

    fn fill(&self, row: Row) -> Desired {
        Desired::new(row, &self.defaults)
    }

    /// What each user was last given, or why nobody can tell.
    async fn granted(
        &mut self,
        desired: &[Desired],
        seen: &[Option<ObservedUser>],
    ) -> Result<Vec<Result<KnownGrants, Refusal>>, Error> {
        let existing: Vec<String> = seen
            .iter()
            .flatten()
            .map(|seen| seen.external_user_id.clone())
            .collect();
        let jobs = if existing.is_empty() {
            Vec::new()
        } else {
            self.ledger.newest_done(existing.clone()).await?
        };
        let mut jobs: HashMap<String, Vec<Job>> = existing.into_iter().zip(jobs).collect();
        let mut granted = Vec::with_capacity(seen.len());
        let mut unknown = Vec::new();
        for (at, (desired, seen)) in desired.iter().zip(seen).enumerate() {
            let known = seen.as_ref().map(|seen| {
                let jobs = jobs.remove(&seen.external_user_id).unwrap_or_default();
                KnownGrants::from_ledger(&jobs, seen)
            });
            if let (Some(None), Some(seen), State::Present) = (&known, seen, desired.state) {
                let wanted = desired.grants.user_attributes.keys().cloned();
                unknown.push((at, seen.clone(), wanted.collect()));
            }
            granted.push(Ok(known.flatten().unwrap_or_default()));
        }
        for (at, found) in self.ask(unknown).await? {
            if let Some(place) = granted.get_mut(at) {
                *place = found;
            }
        }
        Ok(granted)
    }

    /// What Looker says of users that the ledger knows nothing of.
    async fn ask(
        &mut self,
        unknown: Vec<(usize, ObservedUser, BTreeSet<String>)>,
    ) -> Result<Vec<(usize, Result<KnownGrants, Refusal>)>, Error> {
        let mut found = Vec::new();
        let mut waiting = unknown.into_iter();
        let mut flying = JoinSet::new();
        loop {
            while flying.len() < self.width.max(1) {
                let Some((at, seen, wanted)) = waiting.next() else {
                    break;
                };
                let reader = self.reader.clone();
                flying.spawn(async move { (at, reader.granted(&seen, &wanted).await) });
            }
            let Some(joined) = flying.join_next().await else {
                return Ok(found);
            };
            let (at, granted) = joined.map_err(Error::internal)?;
            found.push(match granted {
                Ok(granted) => (at, Ok(granted)),
                Err(error) => (at, Err(Refusal::of(error)?)),
            });
        }
    }
}
