//! Looks at the users that Looker has: one by one where they are few, else all embed users, page by page.

use tokio::task::JoinSet;

use crate::error::Error;
use crate::looker::{Client, LookerError, User, UserSearch};
use crate::plan::seen::{FIELDS, Seen};
use crate::plan::store::Store;
use crate::workflow::{UserRef, find_user};

/// How many users a page has.
const PAGE: u64 = 500;

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
    admin: &Client,
    ids: impl Iterator<Item = String>,
    rows: u64,
    (width, all): (usize, bool),
    mut progress: impl FnMut(Looked),
) -> Result<Store, Error> {
    let mut store = Store::new()?;
    if rows == 0 && !all {
        return Ok(store);
    }
    if rows > FEW || all {
        // A sweep is worth no more pages than there are users to look up.
        let most = if all { u64::MAX } else { rows };
        if sweep(admin, &mut store, width, most, &mut progress).await? {
            return Ok(store);
        }
        store = Store::new()?;
    }
    look_up(admin, ids, &mut store, (width, rows), &mut progress).await?;
    Ok(store)
}

/// Read all embed users; false where that would take more than `most` pages.
async fn sweep(
    admin: &Client,
    store: &mut Store,
    width: usize,
    most: u64,
    progress: &mut impl FnMut(Looked),
) -> Result<bool, Error> {
    // The first page goes alone: where it is the last, no other is needed.
    let users = page(admin, 0, PAGE).await?;
    let size = users.len() as u64;
    let mut seen = size;
    store.keep(users.into_iter().filter_map(Seen::of))?;
    progress(Looked::swept(seen, 0));
    // A short page is the last, unless this Looker gives fewer than it was asked for.
    if size < PAGE && (size == 0 || page(admin, size, PAGE).await?.is_empty()) {
        return Ok(true);
    }
    // Nobody says how many pages there are, so that the more there were, the more are asked for at once.
    let mut next = 1;
    loop {
        if next >= most {
            return Ok(false);
        }
        let mut flying = JoinSet::new();
        let together = next.min(width.max(1) as u64);
        for number in next..next + together {
            let admin = admin.clone();
            flying.spawn(async move { page(&admin, number * size, size).await });
        }
        next += together;
        let mut is_last = false;
        while let Some(joined) = flying.join_next().await {
            let users = joined.map_err(Error::internal)??;
            is_last |= (users.len() as u64) < size;
            seen += users.len() as u64;
            store.keep(users.into_iter().filter_map(Seen::of))?;
            progress(Looked::swept(seen, flying.len()));
        }
        if is_last {
            return Ok(true);
        }
    }
}

async fn page(admin: &Client, offset: u64, limit: u64) -> Result<Vec<User>, LookerError> {
    let search = UserSearch {
        embed_user: Some(true),
        fields: Some(FIELDS.to_owned()),
        sorts: Some("id".to_owned()),
        limit: u32::try_from(limit).ok(),
        offset: Some(offset),
        ..UserSearch::default()
    };
    admin.search_users(&search).await
}

async fn look_up(
    admin: &Client,
    mut ids: impl Iterator<Item = String>,
    store: &mut Store,
    (width, rows): (usize, u64),
    progress: &mut impl FnMut(Looked),
) -> Result<(), Error> {
    let mut flying: JoinSet<Result<Option<User>, LookerError>> = JoinSet::new();
    let mut seen = 0;
    loop {
        while flying.len() < width.max(1) {
            let Some(id) = ids.next() else {
                break;
            };
            let admin = admin.clone();
            flying.spawn(async move { find_user(&admin, UserRef::External(&id)).await });
        }
        let Some(joined) = flying.join_next().await else {
            return Ok(());
        };
        let user = joined.map_err(Error::internal)??;
        store.keep(user.and_then(Seen::of))?;
        seen += 1;
        progress(Looked {
            seen,
            total: Some(rows),
            flying: flying.len(),
        });
    }
}
