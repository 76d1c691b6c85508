//! Lists that come in pages.
//!
//! Looker may return a short page before the end of a list, so only an empty page ends it. A server that returns the same
//! page for every offset would never end; that is detected.

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::looker::call::Call;
use crate::looker::client::Client;
use crate::looker::error::LookerError;
use crate::looker::fields;
use crate::looker::response;

/// How many items a page asks for.
const PAGE: usize = 500;

/// The most pages of one list: a server that never ends must not keep the program forever.
const MOST: usize = 100_000;

/// How far a list has been read, and how to detect that it repeats.
#[derive(Clone, Debug, Default)]
pub struct Pager {
    pages: usize,
    items: usize,
    first: Option<String>,
}

impl Pager {
    /// How many items have arrived, which is the offset of the next page.
    pub const fn offset(&self) -> usize {
        self.items
    }

    /// Note a page of `items` whose first item has the id `first`; false at the end of the list.
    ///
    /// # Errors
    /// The list repeats, or has more pages than any real list.
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
            return endless("it has more pages than any real list");
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

/// The id of an item, to recognize it.
#[derive(Deserialize)]
struct Item {
    #[serde(default, deserialize_with = "fields::optional")]
    id: Option<String>,
}

impl Client {
    /// All items of the list that `call` asks for, page by page. If Looker can sort the list, `call` must ask for an order
    /// that stays the same between pages.
    pub(super) async fn pages<T: DeserializeOwned>(
        &self,
        call: Call,
    ) -> Result<Vec<T>, LookerError> {
        let mut call = call.query("limit", PAGE.to_string());
        let mut items = Vec::new();
        let mut pager = Pager::default();
        loop {
            // belief: offset-counts-rows
            // belief: pages-need-no-links
            call = call.query("offset", pager.offset().to_string());
            let answer = self.success(&call).await?;
            let page: Vec<T> = response::decode(call.operation, &answer)?;
            let ids: Vec<Item> = response::decode(call.operation, &answer)?;
            let first = ids.first().and_then(|item| item.id.as_deref());
            if !pager.turn(call.operation, page.len(), first)? {
                return Ok(items);
            }
            items.extend(page);
            // Only the offset changes from page to page; it was pushed last.
            call.query.pop();
        }
    }
}
