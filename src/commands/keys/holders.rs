//! The keys of all embed users, for commands that look for keys rather than users.

use std::collections::HashMap;
use std::sync::Arc;

use crate::commands::keys::row::Row;
use crate::commands::keys::users::{Matcher, sweep};
use crate::commands::session::Session;
use crate::error::Error;
use crate::ledger::{KeyRecord, Ledger};
use crate::looker::{Api3Key, User};
use crate::workflow::{Standing, parallel};

/// How many users are checked individually before the keys in a search result are trusted.
const SAMPLE: usize = 3;

/// The keys of all embed users with matching ids, including disabled users.
pub(crate) async fn all_keys(
    matcher: &Matcher,
    ledger: &dyn Ledger,
    session: &Session,
) -> Result<Vec<Row>, Error> {
    let mut users = sweep(&session.admin).await?;
    users.retain(|user| user.external_user_id().is_some_and(|id| matcher.admits(id)));
    let mut records: HashMap<String, Vec<KeyRecord>> = HashMap::new();
    // Read once: one query per user would dominate a list of thousands.
    for record in ledger.keys(None).await? {
        let of = records.entry(record.looker_user_id.clone()).or_default();
        of.push(record);
    }
    // The search result has all keys in one sweep; lists cost a call or more per user.
    if !is_shown_whole(&users, session).await? {
        list_each(&mut users, session).await?;
    }
    let mut rows = Vec::new();
    for user in users {
        let external = user.external_user_id().map(str::to_owned);
        let records = records.get(&user.id).map(Vec::as_slice).unwrap_or_default();
        for key in user.credentials_api3.unwrap_or_default() {
            rows.push(Row {
                external_user_id: external.clone(),
                looker_user_id: user.id.clone(),
                standing: Standing::of(&key, records),
                key,
            });
        }
    }
    Ok(rows)
}

/// Whether the keys in a search result equal those of a key list, by a sample: Looker may omit them, or their purposes, for a
/// caller who may not see them.
async fn is_shown_whole(users: &[User], session: &Session) -> Result<bool, Error> {
    let shown = |user: &User| user.credentials_api3.as_ref().map_or(0, Vec::len);
    let mut sample: Vec<&User> = users.iter().collect();
    // Users with most keys first: an omission shows only with users that have some.
    sample.sort_by_key(|user| std::cmp::Reverse(shown(user)));
    for user in sample.into_iter().take(SAMPLE) {
        let mut keys = session.keys.of(&user.id);
        // Closed before an error is returned, or the user keeps the right that the list needed.
        let listed = keys.list().await;
        keys.close().await?;
        // What decides about a key: its id, and its purpose, which says who created it.
        let known = |key: Api3Key| (key.id, key.purpose);
        let listed: Vec<_> = listed?.into_iter().map(known).collect();
        let shown = user.credentials_api3.clone().unwrap_or_default();
        let shown: Vec<_> = shown.into_iter().map(known).collect();
        if shown.len() != listed.len() || shown.iter().any(|key| !listed.contains(key)) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Read the keys of each user.
async fn list_each(users: &mut [User], session: &Session) -> Result<(), Error> {
    let ids: Vec<_> = users.iter().map(|user| user.id.clone()).collect();
    let ask = |id: String| {
        let mut keys = Arc::clone(&session.keys).of(&id);
        async move {
            let listed = keys.list().await;
            keys.close().await?;
            Ok(listed?)
        }
    };
    let (width, interrupt) = (session.settings.concurrency(), &session.system.interrupt);
    let lists = parallel::map(ids, width, Some(interrupt), ask, |_| {}).await?;
    for (user, keys) in users.iter_mut().zip(lists) {
        user.credentials_api3 = Some(keys);
    }
    Ok(())
}
