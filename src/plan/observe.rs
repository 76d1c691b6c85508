//! Reads the users from Looker: individually if they are few, otherwise all embed users, page by page.

use std::collections::BTreeMap;

use jiff::Timestamp;
use tokio::task::JoinSet;

use crate::error::Error;
use crate::looker::{Client, LookerError, User, UserSearch};
use crate::plan::observed_user::{FIELDS, ObservedUser};
use crate::plan::refusal::Refusal;
use crate::plan::store::Store;
use crate::workflow::{Finder, UserRef, parallel};

/// The page size.
const PAGE: u64 = 500;

/// The most pages: a server that never ends must not keep the program forever.
const MOST: u64 = 100_000;

/// Up to how many users are looked up individually without checking how many there are in total.
const FEW: u64 = 10;

/// The progress of reading the users.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Looked {
    /// How many have been read.
    pub(crate) seen: u64,
    /// How many there are to read, if that is known.
    pub(crate) total: Option<u64>,
    /// How many requests are in flight.
    pub(crate) flying: usize,
}

/// The result.
pub(crate) struct Observed {
    /// The existing users.
    pub(super) store: Store,
    /// Those that could not be looked up, and why.
    pub(super) unseen: BTreeMap<String, Refusal>,
    /// Whether the ids of all users were seen, so that it is known which differ only by case.
    pub(super) knows_ids: bool,
}

impl Observed {
    const fn all(store: Store) -> Self {
        Self {
            store,
            unseen: BTreeMap::new(),
            knows_ids: true,
        }
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

/// Observe the users named by `ids`, of which there are `rows`, with up to `width` concurrent calls. `all` asks for users that
/// are not named, too. `progress` is called along the way.
pub(crate) async fn observe(
    finder: &Finder,
    ids: impl Iterator<Item = String>,
    rows: u64,
    (width, all): (usize, bool),
    mut progress: impl FnMut(Looked),
) -> Result<Observed, Error> {
    // Users are kept on disk, not in memory: an instance may have 100,000.
    let mut store = Store::new()?;
    if rows == 0 && !all {
        return Ok(Observed::all(store));
    }
    // A few users are cheaper to look up than any list is to read.
    if rows > FEW || all {
        // A sweep must not take more pages than there are users to look up.
        let most = if all { u64::MAX } else { rows };
        if sweep(finder.admin(), &mut store, width, most, &mut progress).await? {
            return Ok(Observed::all(store));
        }
        // The sweep gave up half-way; the lookups start with an empty store.
        store = Store::new()?;
    }
    let unseen = look_up(finder, ids, &mut store, (width, rows), &mut progress).await?;
    let ids = finder.ids();
    store.note(&ids.listed)?;
    Ok(Observed {
        store,
        unseen,
        knows_ids: ids.are_all,
    })
}

/// Read all embed users; false if that would take more than `most` pages. Looker may return short pages before the end, so only
/// an empty page ends the list.
async fn sweep(
    admin: &Client,
    store: &mut Store,
    width: usize,
    most: u64,
    progress: &mut impl FnMut(Looked),
) -> Result<bool, Error> {
    // The first page is read alone: its size shows the server's limit, which sets the offsets of all others.
    let users = page(admin, 0, PAGE).await?;
    let size = users.len() as u64;
    let mut seen = size;
    // To recognize a server that ignores the offset and sends the first page forever.
    let first = users.first().map(|user| user.id.clone());
    let mut shows_disabled = keep(store, admin, users)?;
    progress(Looked::swept(seen, 0));
    if size == 0 {
        // A list without enabled users may still have disabled ones.
        sweep_disabled(admin, store).await?;
        return Ok(true);
    }
    // The number of pages is unknown, so the more there were, the more are requested at once. After a short page the next one is
    // probably empty.
    let mut together = 1;
    let mut next = size;
    let mut pages = 1;
    loop {
        if pages >= most {
            return Ok(false);
        }
        if pages > MOST {
            return Err(endless("it has more pages than any real list").into());
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
            // A stretch that is not full ended with an empty page, so the list is over.
            is_over |= (users.len() as u64) < size;
            seen += users.len() as u64;
            shows_disabled |= keep(store, admin, users)?;
            progress(Looked::swept(seen, flying.len()));
        }
        if is_over {
            // If one disabled user was listed, disabled users are not omitted here.
            if !shows_disabled {
                sweep_disabled(admin, store).await?;
            }
            return Ok(true);
        }
        // Doubled each time, up to the limit: a short list costs few requests, a long one few rounds.
        together = pages.min(width.max(1) as u64);
    }
}

/// Read the disabled embed users, which Looker may omit unless they are asked for.
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

/// `size` users from `offset` on, in as many pages as Looker needs for that; fewer at the end of the list.
async fn stretch(
    admin: &Client,
    offset: u64,
    size: u64,
    first: Option<&str>,
) -> Result<Vec<User>, LookerError> {
    let mut users: Vec<User> = Vec::new();
    loop {
        let came = users.len() as u64;
        // A server may send fewer users than asked for, whatever its limit.
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

/// Look users up individually; returns those that could not be.
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
        // A failed lookup counts as looked up, so the progress reaches its end.
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
