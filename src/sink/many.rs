//! Several sinks as one: a key is delivered when all of them hold it.

use std::sync::Arc;

use crate::sink::{Answer, Held, Key, KeyName, Sink};

/// Several sinks.
#[derive(Debug)]
pub(super) struct Several(Vec<Arc<dyn Sink>>);

impl Several {
    pub(super) const fn new(sinks: Vec<Arc<dyn Sink>>) -> Self {
        Self(sinks)
    }
}

impl Sink for Several {
    fn name(&self) -> String {
        self.names().join(" and ")
    }

    fn names(&self) -> Vec<String> {
        self.0.iter().flat_map(|sink| sink.names()).collect()
    }

    /// A "no" of one that is not shared says nothing about keys that were minted elsewhere.
    fn is_shared(&self) -> bool {
        self.0.iter().all(|sink| sink.is_shared())
    }

    fn is_for_one_user(&self) -> bool {
        self.0.iter().any(|sink| sink.is_for_one_user())
    }

    fn probe(&self) -> Answer<'_, ()> {
        Box::pin(async {
            for sink in &self.0 {
                sink.probe().await?;
            }
            Ok(())
        })
    }

    fn held<'a>(
        &'a self,
        base_url: &'a str,
        external_user_id: &'a str,
    ) -> Answer<'a, Option<Held>> {
        Box::pin(async move {
            let mut held = None;
            for sink in &self.0 {
                let here = sink.held(base_url, external_user_id).await?;
                held = held.or(here);
            }
            Ok(held)
        })
    }

    fn deliver<'a>(&'a self, key: &'a Key) -> Answer<'a, Option<Held>> {
        Box::pin(async move {
            let mut replaced = None;
            for sink in &self.0 {
                let here = sink.deliver(key).await?;
                replaced = replaced.or(here);
            }
            Ok(replaced)
        })
    }

    /// One that does not hold it is enough for a "no"; all have to say "yes" for a "yes".
    fn holds<'a>(&'a self, key: &'a KeyName) -> Answer<'a, Option<bool>> {
        Box::pin(async move {
            let mut all = Some(true);
            for sink in &self.0 {
                match sink.holds(key).await? {
                    Some(true) => {}
                    Some(false) => return Ok(Some(false)),
                    None => all = None,
                }
            }
            Ok(all)
        })
    }

    fn forget<'a>(&'a self, key: &'a KeyName) -> Answer<'a, ()> {
        Box::pin(async move {
            for sink in &self.0 {
                sink.forget(key).await?;
            }
            Ok(())
        })
    }

    fn close(&self) -> Answer<'_, ()> {
        Box::pin(async {
            for sink in &self.0 {
                sink.close().await?;
            }
            Ok(())
        })
    }
}
