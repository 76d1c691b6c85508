//! Looks at the users that Looker has: one by one where they are few, else all embed users, page by page.

use std::collections::BTreeMap;

use jiff::Timestamp;
use tokio::task::JoinSet;

use crate::error::Error;
use crate::looker::{Client, LookerError, User, UserSearch};
use crate::plan::observed_user::{FIELDS, ObservedUser};
use crate::plan::refusal::Refusal;
use crate::plan::store::Store;
use crate::workflow::{Finder, UserRef, parallel};

/// How many users a page has.
const PAGE: u64 = 500;

/// The most pages, so that whatever a server does, there is an end.
const MOST: u64 = 100_000;

/// Up to how many users are looked up one by one without a look at how many there are in all.
const FEW: u64 = 10;

/// How far the look at the users is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Looked {
    /// How many have been looked at.
    pub(crate) seen: u64,
    /// How many there are to look at, where that is known.
    pub(crate) total: Option<u64>,
    /// How many requests are under way.
    pub(crate) flying: usize,
}

/// What was seen.
pub(crate) struct Observed {
    /// The users that there are.
    pub(super) store: Store,
    /// Those that could not be looked up, and why.
    pub(super) unseen: BTreeMap<String, Refusal>,
}

impl Observed {
    const fn all(store: Store) -> Self {
        let unseen = BTreeMap::new();
        Self { store, unseen }
    }
}

impl Looked {
    const fn swept(seen: u64, flying: usize) -> Self {
        Self {
            seen,
            total: None,
            flying,
        }
    }
}

/// Observe the users named by `ids`, of which there are `rows`, with `width` calls at a time. `all` asks for those that
/// are not named too. `progress` hears how far it is.
pub(crate) async fn observe(
    finder: &Finder,
    ids: impl Iterator<Item = String>,
    rows: u64,
    (width, all): (usize, bool),
    mut progress: impl FnMut(Looked),
) -> Result<Observed, Error> {
    let mut store = Store::new()?;
    if rows == 0 && !all {
        return Ok(Observed::all(store));
    }
    if rows > FEW || all {
        // A sweep is worth no more pages than there are users to look up.
        let most = if all { u64::MAX } else { rows };
        if sweep(finder.admin(), &mut store, width, most, &mut progress).await? {
            return Ok(Observed::all(store));
        }
        store = Store::new()?;
    }
    let unseen = look_up(finder, ids, &mut store, (width, rows), &mut progress).await?;
    Ok(Observed { store, unseen })
}

/// Read all embed users; false if that would take more than `most` pages. Whether Looker gives fewer users than it was asked
/// for before the end is not known: the end is an empty page.
async fn sweep(
    admin: &Client,
    store: &mut Store,
    width: usize,
    most: u64,
    progress: &mut impl FnMut(Looked),
) -> Result<bool, Error> {
    // The first page goes alone: its size is that of the others.
    let users = page(admin, 0, PAGE).await?;
    let size = users.len() as u64;
    let mut seen = size;
    let first = users.first().map(|user| user.id.clone());
    let mut shows_disabled = keep(store, admin, users)?;
    progress(Looked::swept(seen, 0));
    if size == 0 {
        sweep_disabled(admin, store).await?;
        return Ok(true);
    }
    // Nobody says how many pages there are, so that the more there were, the more are asked for at once. After a short page
    // the next one is probably empty.
    let mut together = 1;
    let mut next = size;
    let mut pages = 1;
    loop {
        if pages >= most {
            return Ok(false);
        }
        if pages > MOST {
            return Err(endless("it has more pages than any list that makes sense").into());
        }
        let mut flying = JoinSet::new();
        for number in 0..together {
            let (admin, first, from) = (admin.clone(), first.clone(), next + number * size);
            flying.spawn(async move { stretch(&admin, from, size, first.as_deref()).await });
        }
        next += together * size;
        pages += together;
        let mut is_over = false;
        while let Some(joined) = flying.join_next().await {
            let users = joined.map_err(Error::internal)??;
            is_over |= (users.len() as u64) < size;
            seen += users.len() as u64;
            shows_disabled |= keep(store, admin, users)?;
            progress(Looked::swept(seen, flying.len()));
        }
        if is_over {
            if !shows_disabled {
                sweep_disabled(admin, store).await?;
            }
            return Ok(true);
        }
        together = pages.min(width.max(1) as u64);
    }
}

/// Read the disabled embed users, which Looker may keep from whoever does not ask for them.
async fn sweep_disabled(admin: &Client, store: &mut Store) -> Result<(), Error> {
    let mut pages = admin.users(UserSearch {
        embed_user: Some(true),
        // belief: search-shows-disabled
        is_disabled: Some(true),
        fields: Some(FIELDS.to_owned()),
        ..UserSearch::default()
    });
    while let Some(users) = pages.next().await? {
        keep(store, admin, users)?;
    }
    Ok(())
}

/// Keep `users`; true if one of them is disabled.
fn keep(store: &mut Store, admin: &Client, users: Vec<User>) -> Result<bool, Error> {
    let any_is_disabled = users.iter().any(|user| user.is_disabled);
    let users = users.into_iter();
    store.keep(users.flat_map(|user| ObservedUser::of(&user, now(admin))))?;
    Ok(any_is_disabled)
}

/// The users from `offset` on, `size` of them, in as many pages as Looker takes for that; fewer at the end of the list.
async fn stretch(
    admin: &Client,
    offset: u64,
    size: u64,
    first: Option<&str>,
) -> Result<Vec<User>, LookerError> {
    let mut users: Vec<User> = Vec::new();
    loop {
        let came = users.len() as u64;
        if came >= size {
            return Ok(users);
        }
        let more = page(admin, offset + came, size - came).await?;
        let Some(next) = more.first() else {
            return Ok(users);
        };
        if first == Some(next.id.as_str()) {
            return Err(endless(
                "it starts again with the same item, whatever the offset",
            ));
        }
        users.extend(more);
    }
}

const fn endless(problem: &'static str) -> LookerError {
    LookerError::Endless {
        operation: "search_users",
        problem,
    }
}

fn now(admin: &Client) -> Timestamp {
    admin.http().clock().now()
}

async fn page(admin: &Client, offset: u64, limit: u64) -> Result<Vec<User>, LookerError> {
    let search = UserSearch {
        embed_user: Some(true),
        fields: Some(FIELDS.to_owned()),
        // belief: search-sorts-by-id
        sorts: Some("id".to_owned()),
        limit: u32::try_from(limit).ok(),
        offset: Some(offset),
        ..UserSearch::default()
    };
    admin.search_users(&search).await
}

/// Look users up one by one; gives those that could not be.
async fn look_up(
    finder: &Finder,
    ids: impl Iterator<Item = String>,
    store: &mut Store,
    (width, rows): (usize, u64),
    progress: &mut impl FnMut(Looked),
) -> Result<BTreeMap<String, Refusal>, Error> {
    let (mut unseen, mut seen) = (BTreeMap::new(), 0);
    let look = |id: String| {
        let (finder, now) = (finder.clone(), now(finder.admin()));
        async move {
            let user = finder.find(UserRef::External(&id)).await;
            let user = user.map(|user| user.and_then(|user| ObservedUser::named(user, &id, now)));
            (user, id)
        }
    };
    parallel::each(ids, width, None, look, |(user, id), flying| {
        match user {
            Ok(user) => store.keep(user)?,
            Err(error) => {
                unseen.insert(id, Refusal::of(error)?);
            }
        }
        seen += 1;
        progress(Looked {
            seen,
            total: Some(rows),
            flying,
        });
        Ok(())
    })
    .await?;
    Ok(unseen)
}
