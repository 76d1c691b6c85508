//! Lists that Looker gives in pages.

use serde::de::DeserializeOwned;

use crate::looker::call::Call;
use crate::looker::client::Client;
use crate::looker::error::LookerError;
use crate::looker::judge;

/// How many items a page has.
const PAGE: usize = 500;

impl Client {
    /// All items of the list that `call` asks for, page by page; a short page is the last. Where Looker can sort the list,
    /// `call` asks for an order in which nothing changes its place in between.
    pub(super) async fn pages<T: DeserializeOwned>(
        &self,
        call: Call,
    ) -> Result<Vec<T>, LookerError> {
        let mut call = call.query("limit", PAGE.to_string());
        let mut items = Vec::new();
        loop {
            call = call.query("offset", items.len().to_string());
            let page: Vec<T> = judge::decode(call.operation, &self.success(&call).await?)?;
            let is_last = page.len() < PAGE;
            items.extend(page);
            if is_last {
                return Ok(items);
            }
            call.query.pop();
        }
    }
}
