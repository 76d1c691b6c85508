//! Looks new users up together: those that wait at the same moment share one page of the newest embed users.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicIsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use std::time::Duration;

use tokio::sync::OnceCell;

use crate::looker::{Client, User};
use crate::system::Clock;

/// How many users more may be missed than found before pages are no longer asked for.
const PATIENCE: isize = 10;

/// A page that takes longer holds up more than the calls it spares are worth.
const SLOW: Duration = Duration::from_secs(1);

/// Looks up users that this process has just created. It never says that a user is not there.
#[derive(Debug)]
pub struct Newest {
    admin: Client,
    clock: Clock,
    /// How many users a page asks for.
    limit: u32,
    /// Held by the one page that is asked for, so that more users come together for the next.
    asking: tokio::sync::Mutex<()>,
    /// The page that who comes now shares.
    page: Mutex<Arc<Page>>,
    /// How many users more may be missed than are found.
    credit: AtomicIsize,
    /// Whether each user is looked up by itself from now on.
    is_useless: AtomicBool,
}

#[derive(Debug, Default)]
struct Page {
    /// Whether it was asked for, so that users who come now may not be on it.
    began: Arc<AtomicBool>,
    /// By `external_user_id`.
    users: OnceCell<HashMap<String, User>>,
}

impl Newest {
    /// Asks as `admin`, for `jobs` that may make users at the same time; sends nothing yet.
    pub fn new(admin: Client, clock: Clock, jobs: usize) -> Self {
        /// What one page may cost Looker.
        const MOST: u32 = 500;
        // Others create users too, first of all other processes of the same run.
        let limit = u32::try_from(jobs.saturating_mul(2))
            .unwrap_or(MOST)
            .min(MOST);
        Self {
            admin,
            clock,
            limit,
            asking: tokio::sync::Mutex::default(),
            page: Mutex::default(),
            credit: AtomicIsize::new(PATIENCE),
            is_useless: AtomicBool::new(false),
        }
    }

    /// The embed user `external_user_id`, which exists; `None` if only a look-up of its own can tell.
    pub(crate) async fn find(&self, external_user_id: &str) -> Option<User> {
        if self.is_useless.load(Ordering::Relaxed) {
            return None;
        }
        let page = self.next_page();
        let users = page.users.get_or_init(|| self.ask(&page.began)).await;
        let user = users.get(external_user_id);
        let change = if user.is_some() { 1 } else { -1 };
        // A Looker that sorts otherwise, or shows new users late, costs a few calls more.
        if self.credit.fetch_add(change, Ordering::Relaxed) < 0 {
            self.is_useless.store(true, Ordering::Relaxed);
        }
        user.cloned()
    }

    /// The page that was not asked for yet.
    fn next_page(&self) -> Arc<Page> {
        let mut page = self.page.lock().unwrap_or_else(PoisonError::into_inner);
        if page.began.load(Ordering::Acquire) {
            *page = Arc::default();
        }
        Arc::clone(&page)
    }

    /// The users of a page; none if Looker does not give it, since a look-up of its own tells of that by name.
    async fn ask(&self, began: &Arc<AtomicBool>) -> HashMap<String, User> {
        let _one = self.asking.lock().await;
        let start = self.clock.elapsed();
        let users = self.admin.newest_embed_users(self.limit, began).await;
        if self.clock.elapsed().saturating_sub(start) > SLOW {
            self.is_useless.store(true, Ordering::Relaxed);
        }
        let id = |user: User| Some((user.external_user_id()?.to_owned(), user));
        users
            .unwrap_or_default()
            .into_iter()
            .filter_map(id)
            .collect()
    }
}
