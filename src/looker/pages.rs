//! Lists that Looker gives in pages.
//!
//! Whether Looker gives fewer items than it was asked for before the end of a list is not known, so a short page ends
//! nothing: the end is an empty one. A server that gives the same page whatever the offset would have no end at all.

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::looker::call::Call;
use crate::looker::client::Client;
use crate::looker::error::LookerError;
use crate::looker::fields;
use crate::looker::response;

/// How many items are asked for at a time.
const PAGE: usize = 500;

/// The most pages of one list, so that whatever a server does, there is an end.
const MOST: usize = 100_000;

/// How far a list has been read, and how to tell that it goes in circles.
#[derive(Clone, Debug, Default)]
pub struct Pager {
    pages: usize,
    items: usize,
    first: Option<String>,
}

impl Pager {
    /// How many items have come, which is the offset of the next page.
    pub const fn offset(&self) -> usize {
        self.items
    }

    /// Take note of a page of `items` whose first one has the id `first`; false at the end of the list.
    ///
    /// # Errors
    /// The list goes in circles, or has more pages than any that makes sense.
    pub fn turn(
        &mut self,
        operation: &'static str,
        items: usize,
        first: Option<&str>,
    ) -> Result<bool, LookerError> {
        let endless = |problem| Err(LookerError::Endless { operation, problem });
        // belief: page-ends-empty
        if items == 0 {
            return Ok(false);
        }
        if self.pages == MOST {
            return endless("it has more pages than any list that makes sense");
        }
        if self.pages > 0 && first.is_some() && self.first.as_deref() == first {
            return endless("it starts again with the same item, whatever the offset");
        }
        if self.pages == 0 {
            self.first = first.map(str::to_owned);
        }
        self.pages += 1;
        self.items += items;
        Ok(true)
    }
}

/// What tells items apart.
#[derive(Deserialize)]
struct Item {
    #[serde(default, deserialize_with = "fields::optional")]
    id: Option<String>,
}

impl Client {
    /// All items of the list that `call` asks for, page by page. If Looker can sort the list, `call` asks for an order in
    /// which nothing changes its place in between.
    pub(super) async fn pages<T: DeserializeOwned>(
        &self,
        call: Call,
    ) -> Result<Vec<T>, LookerError> {
        let mut call = call.query("limit", PAGE.to_string());
        let mut items = Vec::new();
        let mut pager = Pager::default();
        loop {
            // belief: offset-counts-rows
            call = call.query("offset", pager.offset().to_string());
            let answer = self.success(&call).await?;
            let page: Vec<T> = response::decode(call.operation, &answer)?;
            let ids: Vec<Item> = response::decode(call.operation, &answer)?;
            let first = ids.first().and_then(|item| item.id.as_deref());
            if !pager.turn(call.operation, page.len(), first)? {
                return Ok(items);
            }
            items.extend(page);
            call.query.pop();
        }
    }
}
