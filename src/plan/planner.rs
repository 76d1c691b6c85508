//! Goes through a manifest, a few hundred users at a time, and decides what to do for each.

use std::collections::{BTreeMap, BTreeSet};
use std::iter::repeat_with;
use std::mem;
use std::sync::Arc;

use jiff::Timestamp;

use crate::error::Error;
use crate::ledger::Ledger;
use crate::looker::User;
use crate::plan::change::{Action, Change};
use crate::plan::decide::{decide, prune, refuse, relogin};
use crate::plan::desired::Desired;
use crate::plan::known_grants::{KnownGrants, Needs};
use crate::plan::observe::Observed;
use crate::plan::observed_user::ObservedUser;
use crate::plan::read_grants::GrantReader;
use crate::plan::refusal::Refusal;
use crate::plan::row::{KeyWish, Row, Rules};
use crate::plan::store::Store;
use crate::workflow::parallel;

/// How many users are decided at a time: enough to keep all connections busy, few enough to keep memory flat.
const CHUNK: u32 = 500;

/// A desired user, and what to do for it.
#[derive(Debug)]
pub(crate) struct Planned {
    /// The user.
    pub(crate) desired: Desired,
    /// What to do.
    pub(crate) change: Change,
}

impl Planned {
    /// Whether there is anything to do.
    pub(crate) const fn has_job(&self) -> bool {
        !matches!(self.change.action, Action::Unchanged | Action::Refused)
    }
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
    /// Whether the ids of all users were seen.
    knows_ids: bool,
    /// New ids that differ only by case from a user's, with that one.
    case_variants: Vec<(String, String)>,
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
        knows_ids: false,
    };
    let rows: DesiredRows = Box::new(std::iter::once(Ok(desired.row())));
    let looker = (reader, ledger, false);
    let mut planner = Planner::new(looker, (seen, rows), KeyWish::None, rules, 1);
    let planned = Box::pin(planner.next()).await?.pop();
    planned.ok_or_else(|| Error::internal("a row has no decision"))
}

/// The login for `user`, as by [`relogin`], and the attributes whose values of the user's own Looker hides, so that they are
/// not repeated.
pub(crate) async fn login_of(
    mut desired: Desired,
    user: User,
    reader: &GrantReader,
    rules: &Rules,
    now: Timestamp,
) -> Result<(Change, BTreeSet<String>), Error> {
    if let Some(groups) = &mut desired.grants.group_ids {
        reader.name_by_id(groups).await?;
    }
    let seen = ObservedUser::named(user, &desired.external_user_id, now);
    let seen = seen.ok_or_else(|| Error::internal("the user that was found has another id"))?;
    let needs = Needs::everything();
    let mut known = reader.read(&seen, KnownGrants::default(), &needs).await?;
    let change = relogin(&desired, &seen, &known, rules);
    let named = &desired.grants.user_attributes;
    known.hidden.retain(|name| !named.contains_key(name));
    Ok((change, known.hidden))
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
        (seen, rows): (Observed, DesiredRows),
        key: KeyWish,
        rules: Rules,
        width: usize,
    ) -> Self {
        let Observed {
            store,
            unseen,
            knows_ids,
        } = seen;
        Self {
            ledger,
            refresh,
            store,
            unseen,
            knows_ids,
            case_variants: Vec::new(),
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
        // Only what the rows name is read; most manifests name a few fields, and each costs calls.
        Box::pin(self.read(&mut pairs, |pair, known| known.missing(&pair.desired))).await?;
        // A login replaces all grants, so a user that needs one is read completely before it is decided.
        let everything = |pair: &Pair, known: &KnownGrants| {
            let needs_login = !known.complete && self.decide(pair).login.is_some();
            if needs_login {
                Needs::everything()
            } else {
                Needs::default()
            }
        };
        Box::pin(self.read(&mut pairs, everything)).await?;
        let planned = pairs.into_iter().map(|pair| Planned {
            change: self.decide(&pair),
            desired: pair.desired,
        });
        let planned: Vec<_> = planned.collect();
        for Planned { change, .. } in &planned {
            if change.action == Action::Create {
                let id = &change.external_user_id;
                let variant = self.store.case_variant(id)?;
                let variant = variant.map(|other| (id.clone(), other));
                self.case_variants.extend(variant);
            }
        }
        Ok(planned)
    }

    /// The new ids since the last call that differ only by case from that of a user, which is the other of each two.
    pub(crate) fn take_case_variants(&mut self) -> Vec<(String, String)> {
        mem::take(&mut self.case_variants)
    }

    /// Whether all users were seen from whose ids a new one may differ only by case.
    pub(crate) const fn knows_ids(&self) -> bool {
        self.knows_ids
    }

    /// How many users there are at Looker that `owned` says are the company's; ask before the first row is decided.
    pub(crate) fn count(&self, owned: impl Fn(&str) -> bool) -> Result<u64, Error> {
        let (mut count, mut after) = (0, String::new());
        loop {
            let page = self.store.rest(&after, CHUNK)?;
            let Some(last) = page.last() else {
                return Ok(count);
            };
            let last = last.external_user_id.clone();
            let ids = page.iter().map(|seen| &*seen.external_user_id);
            count += ids.filter(|id| owned(id)).count() as u64;
            after = last;
        }
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
        let rest = self.store.rest(after, CHUNK)?;
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
        while pairs.len() < CHUNK as usize {
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
        let ids = existing
            .iter()
            .map(|pair| pair.desired.external_user_id.clone());
        // With `--refresh`, everything is read from Looker, because the ledger may be wrong about it.
        let jobs = match self.refresh || existing.is_empty() {
            true => Vec::new(),
            false => self.ledger.newest_done(ids.collect()).await?,
        };
        let jobs = jobs.into_iter().chain(repeat_with(Vec::new));
        for (pair, jobs) in existing.into_iter().zip(jobs) {
            let Some(seen) = &pair.seen else {
                continue;
            };
            let mut known = KnownGrants::from_ledger(&jobs, seen);
            // Groups are on the user that was read already, so comparing them costs no call per user.
            if pair.desired.grants.group_ids.is_some() {
                known.grants.group_ids = Some(self.reader.groups_of(seen).await?);
            }
            pair.known = Ok(known);
        }
        Ok(pairs)
    }

    /// Read what `needs` says about each existing user, several at a time.
    async fn read(
        &self,
        pairs: &mut [Pair],
        needs: impl Fn(&Pair, &KnownGrants) -> Needs,
    ) -> Result<(), Error> {
        let mut waiting = Vec::new();
        for (at, pair) in pairs.iter().enumerate() {
            if let (Some(seen), Ok(known)) = (&pair.seen, &pair.known) {
                let needs = needs(pair, known);
                if !needs.is_nothing() {
                    waiting.push((at, needs, seen.clone(), known.clone()));
                }
            }
        }
        let read = |(at, needs, seen, known)| {
            let reader = self.reader.clone();
            async move {
                match reader.read(&seen, known, &needs).await {
                    Ok(known) => Ok((at, Ok(known))),
                    Err(error) => Ok((at, Err(Refusal::of(error)?))),
                }
            }
        };
        for (at, known) in parallel::map(waiting, self.width, None, read, |_| {}).await? {
            if let Some(pair) = pairs.get_mut(at) {
                pair.known = known;
            }
        }
        Ok(())
    }
}
