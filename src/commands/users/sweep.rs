//! Reads all embed users page by page, so that a hundred thousand of them need no more memory than a page.

use jiff::Timestamp;

use crate::commands::users::filter::FilterArgs;
use crate::commands::users::reach::Roles;
use crate::error::Error;
use crate::looker::{Client, User, UserSearch};

/// How many users are asked for at a time.
const PAGE: u32 = 500;

/// The embed users that a filter lets through, page by page.
pub(super) struct Sweep<'a> {
    client: &'a Client,
    filter: &'a FilterArgs,
    search: Option<UserSearch>,
    roles: Roles,
    now: Timestamp,
}

impl<'a> Sweep<'a> {
    pub(super) fn new(client: &'a Client, filter: &'a FilterArgs, now: Timestamp) -> Self {
        let search = UserSearch {
            sorts: Some("id".to_owned()),
            limit: Some(PAGE),
            offset: Some(0),
            ..filter.search()
        };
        Self {
            client,
            filter,
            search: Some(search),
            roles: Roles::default(),
            now,
        }
    }

    /// The users of the next page that are meant, none of them perhaps; `None` after the last page.
    pub(super) async fn next(&mut self) -> Result<Option<Vec<User>>, Error> {
        let Some(search) = &mut self.search else {
            return Ok(None);
        };
        let page = self.client.search_users(search).await?;
        search.offset = search.offset.map(|offset| offset + u64::from(PAGE));
        if page.len() < PAGE as usize {
            self.search = None;
        }
        let mut meant = Vec::new();
        for user in page {
            let admitted = self
                .filter
                .admits(&user, self.client, &mut self.roles, self.now);
            if admitted.await? {
                meant.push(user);
            }
        }
        Ok(Some(meant))
    }
}
