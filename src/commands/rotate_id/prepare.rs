//! Examines everyone who is to move, and decides what it takes, before anything is done.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::commands::progress::{Latest, UiObserver};
use crate::commands::rotate_id::SharedLedger;
use crate::commands::session::Session;
use crate::error::{Error, Kind};
use crate::looker::{Client, Release, User};
use crate::manifest::Pair;
use crate::report::{Meter, nearest};
use crate::workflow::{
    Found, OldEnd, RotateIdSpec, RotateIdWish, UserRef, Viewpoint, parallel, plan_rotate_id,
};

/// What is requested for every pair besides its ids.
#[derive(Clone, Debug)]
pub(super) struct Wishes {
    pub(super) attributes: BTreeMap<String, String>,
    pub(super) into_existing: bool,
    pub(super) take_unknown: bool,
    pub(super) release: Option<Release>,
    pub(super) old: OldEnd,
    pub(super) no_key: bool,
    pub(super) key_purpose: Option<String>,
    pub(super) target: String,
    pub(super) session_length: Option<u32>,
}

/// The context of the examination.
#[derive(Clone, Debug)]
struct Look {
    viewpoint: Viewpoint,
    ledger: SharedLedger,
    wishes: Arc<Wishes>,
}

/// What it takes to move each of `pairs`, in order, without those who have moved already.
///
/// # Errors
/// Someone cannot move; of many, all of those are reported first.
pub(super) async fn specs(
    pairs: Vec<Pair>,
    wishes: &Wishes,
    ledger: &SharedLedger,
    session: &Session,
) -> Result<Vec<RotateIdSpec>, Error> {
    // A wrong name fails before hundreds of people are examined.
    check_attributes(&pairs, wishes, &session.admin).await?;
    let width = session.settings.concurrency();
    let many = pairs.len() > 1;
    let (ui, clock) = (&session.ui, &session.system.clock);
    let observer = Arc::new(UiObserver::new(ui, Latest::default(), many, clock));
    let look = Look {
        viewpoint: Viewpoint::new(session.admin.clone(), width, observer),
        ledger: Arc::clone(ledger),
        wishes: Arc::new(wishes.clone()),
    };
    let (total, mut specs, mut failed) = (pairs.len(), BTreeMap::new(), 0);
    let meter = many.then(|| Meter::new(ui, clock, "people seen", Some(total as u64)));
    let work = |(place, pair): (usize, Pair)| {
        let look = look.clone();
        async move { (place, look.at(&pair).await, pair) }
    };
    let pairs = pairs.into_iter().enumerate();
    let done = |(place, looked, pair): (usize, Result<Option<RotateIdSpec>, Error>, Pair), _| {
        if let Some(meter) = &meter {
            meter.one(looked.is_err());
        }
        match looked {
            Ok(spec) => {
                // Kept by place, since the answers arrive in any order.
                specs.insert(place, spec);
            }
            Err(error) if total == 1 => return Err(error),
            Err(error) => {
                failed += 1;
                let (line, old) = (pair.line, &pair.old);
                ui.error(&error.context(format!("line {line}: `{old}` cannot move")));
            }
        }
        Ok(())
    };
    parallel::each(pairs, width, Some(&session.system.interrupt), work, done).await?;
    if let Some(meter) = meter {
        meter.end();
    }
    // Nothing is moved unless everyone can move: half a mapping is hard to complete by hand.
    if failed > 0 {
        return Err(Error::usage(format!(
            "{failed} of {total} people cannot move, so nothing was done"
        ))
        .hint("mend those lines or take them out, and run the same command again"));
    }
    Ok(specs.into_values().flatten().collect())
}

/// Refuse attribute names that do not exist: Looker would silently ignore them.
async fn check_attributes(pairs: &[Pair], wishes: &Wishes, admin: &Client) -> Result<(), Error> {
    let given = pairs.iter().flat_map(|pair| pair.attributes.keys());
    let mut given = given.chain(wishes.attributes.keys()).peekable();
    if given.peek().is_none() {
        return Ok(());
    }
    let known = admin.user_attributes().await?;
    let is_known = |name: &&String| known.iter().any(|attribute| attribute.name == **name);
    let Some(name) = given.find(|name| !is_known(name)) else {
        return Ok(());
    };
    let error = Error::usage(format!("Looker has no user attribute `{name}`"));
    let names = known.iter().map(|attribute| attribute.name.as_str());
    Err(match nearest(name, names) {
        Some(near) => error.hint(format!("did you mean `{near}`?")),
        None => error.hint("`embedctl api GET /user_attributes` lists them"),
    })
}

impl Look {
    /// What it takes to move one person; `None` if an earlier run did it.
    async fn at(&self, pair: &Pair) -> Result<Option<RotateIdSpec>, Error> {
        // The same mapping can be repeated after a failure.
        if self.is_done(pair).await? {
            return Ok(None);
        }
        // A run that has begun to move one of the two must be finished first.
        for id in [&pair.old, &pair.new] {
            if let Some(run) = self.ledger.pending(id).await? {
                return Err(pending(id, &run.id.to_string()));
            }
        }
        // Independent of each other, so both are asked at once.
        let (old, new) = tokio::try_join!(
            self.viewpoint.find(UserRef::External(&pair.old)),
            self.viewpoint.find(UserRef::External(&pair.new)),
        )?;
        let old = old.ok_or_else(|| missing(&pair.old))?;
        if old.is_disabled {
            return Err(disabled(&pair.old));
        }
        let from = self.viewpoint.belongings(&old).await?;
        let into = match new {
            Some(new) if !self.wishes.into_existing => return Err(exists(pair, &new)),
            Some(new) if new.is_disabled => return Err(disabled(&pair.new)),
            Some(new) => Some(self.viewpoint.belongings(&new).await?),
            None if self.wishes.into_existing => return Err(missing(&pair.new)),
            None => None,
        };
        plan_rotate_id(from, into, self.wishes.of(pair)).map(Some)
    }

    /// Whether an earlier run has moved exactly this person.
    async fn is_done(&self, pair: &Pair) -> Result<bool, Error> {
        let done = self.ledger.newest_done(vec![pair.new.clone()]).await?;
        let newest = done.into_iter().flatten().next();
        let found = newest.and_then(|job| serde_json::from_value::<Found>(job.outcome).ok());
        let rotated = found.and_then(|found| found.rotated);
        let Some(rotated) = rotated.filter(|rotated| rotated.from.external_user_id == pair.old)
        else {
            return Ok(false);
        };
        let old = self.viewpoint.find(UserRef::External(&pair.old)).await?;
        // A new user may have been created with the old id since.
        Ok(old.is_none_or(|old| rotated.from.looker_user_id == Some(old.id) && old.is_disabled))
    }
}

impl Wishes {
    fn of(&self, pair: &Pair) -> RotateIdWish {
        let own = pair.attributes.clone();
        let bare = crate::signed_url::Login::new(&pair.new).session_length;
        RotateIdWish {
            external_user_id: pair.new.clone(),
            attributes: self.attributes.clone().into_iter().chain(own).collect(),
            take_unknown: self.take_unknown,
            release: self.release,
            old: self.old,
            no_key: self.no_key,
            key_purpose: self.key_purpose.clone(),
            target: self.target.clone(),
            session_length: self.session_length.unwrap_or(bare),
        }
    }
}

fn pending(id: &str, run: &str) -> Error {
    let message = format!("run {run} has begun to work on `{id}` and is unfinished");
    Error::new(Kind::Conflict, message).hint(format!(
        "`embedctl runs resume {run}` continues it; `embedctl runs undo {run}` puts everything back"
    ))
}

fn missing(id: &str) -> Error {
    Error::new(Kind::NotFound, format!("there is no embed user `{id}`"))
        .hint("`embedctl users list` shows the embed users there are")
}

fn disabled(id: &str) -> Error {
    Error::new(
        Kind::Conflict,
        format!(
            "embed user `{id}` is disabled, so what it follows and what was shared with it cannot be seen"
        ),
    )
    .hint(format!("`embedctl users enable {id}` lets it in again"))
}

fn exists(pair: &Pair, new: &User) -> Error {
    let Pair { old, new: id, .. } = pair;
    Error::new(
        Kind::Conflict,
        format!("embed user `{id}` already exists: Looker user {}", new.id),
    )
    .hint(format!(
        "`embedctl rotate-id {old} {id} --into-existing --dry-run` shows what it has and what it would get"
    ))
}
