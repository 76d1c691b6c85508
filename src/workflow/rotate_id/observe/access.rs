//! Content access of a user: Looker lists it by content only, so all content is checked, one by one.

use std::sync::{Arc, PoisonError};

use crate::error::Error;
use crate::looker::{ContentAccess, LookerError, User};
use crate::workflow::parallel;
use crate::workflow::rotate_id::belongings::{Item, ItemKind, Named};
use crate::workflow::rotate_id::observe::Viewpoint;

impl Viewpoint {
    /// The items among `things` that are shared with the user by name; `fresh` ignores what was read before.
    pub(super) async fn accesses(
        &self,
        user: &User,
        things: Vec<Named>,
        fresh: bool,
    ) -> Result<Vec<Item>, Error> {
        let this = self.clone();
        self.expect(things.len());
        let look = |thing: Named| {
            let this = this.clone();
            async move {
                let accesses = this.accesses_of(&thing.id, fresh).await?;
                Ok((thing, accesses))
            }
        };
        let looked = parallel::map(things, self.width, None, look, |_| {}).await?;
        let mut items = Vec::new();
        for (thing, accesses) in looked {
            let mine = accesses.iter();
            let mine = mine.filter(|access| access.user_id.as_ref() == Some(&user.id));
            items.extend(mine.map(|access| Item {
                content: Some(thing.id.clone()),
                level: Some(access.permission_type.clone()),
                ..Item::new(ItemKind::ContentAccess, &access.id, &thing.name)
            }));
        }
        Ok(items)
    }

    async fn accesses_of(&self, content: &str, fresh: bool) -> Result<Arc<[ContentAccess]>, Error> {
        let known = || {
            let known = self.learnt.accesses.lock();
            known
                .unwrap_or_else(PoisonError::into_inner)
                .get(content)
                .cloned()
        };
        if let Some(known) = known().filter(|_| !fresh) {
            self.answered();
            return Ok(known);
        }
        let accesses = || self.admin.content_accesses(content);
        let read: Arc<[ContentAccess]> = match self.ask_expected(accesses).await {
            Ok(read) => read.into(),
            // It has been deleted since it was listed.
            Err(LookerError::NotFound { .. }) => Arc::default(),
            Err(error) => return Err(error.into()),
        };
        let learnt = self.learnt.accesses.lock();
        learnt
            .unwrap_or_else(PoisonError::into_inner)
            .insert(content.to_owned(), Arc::clone(&read));
        Ok(read)
    }
}
