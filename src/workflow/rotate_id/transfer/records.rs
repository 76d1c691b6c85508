//! Items that are records of a user and are created anew for another one: content access, follows, favourites.

use crate::looker::{LookerError, Removal};
use crate::workflow::rotate_id::belongings::Item;
use crate::workflow::rotate_id::transfer::{Handed, Transfer, is_refusal};

impl Transfer {
    pub(super) async fn access(&self, item: &Item) -> Result<Handed, LookerError> {
        let content = item.content.as_deref().unwrap_or_default();
        let level = item.level.as_deref().unwrap_or("view");
        let mut may_look_again = true;
        loop {
            let accesses = self.admin.content_accesses(content).await?;
            let of = |user: &str| {
                accesses
                    .iter()
                    .find(|it| it.user_id.as_deref() == Some(user))
            };
            match of(&self.to.id) {
                // `edit` allows all that `view` does.
                Some(has) if has.permission_type == level || has.permission_type == "edit" => {}
                Some(has) => {
                    let to = self.to.id.as_str();
                    self.admin
                        .set_content_access(&has.id, content, level, to)
                        .await?;
                }
                None => {
                    let created = self
                        .admin
                        .create_content_access(content, level, &self.to.id);
                    match created.await {
                        // Reading again shows whether it exists. Once only: a Looker that stays away ends the step.
                        Err(error)
                            if may_look_again
                                && error.took_effect_unknown()
                                && error.is_retryable() =>
                        {
                            may_look_again = false;
                            continue;
                        }
                        created => created?,
                    };
                }
            }
            // The old access is removed last, so that a crash in between leaves one user with access, not none.
            match (
                of(&self.from.id),
                self.own(item).and_then(|own| own.level.as_deref()),
            ) {
                (Some(access), Some(level)) => {
                    let from = self.from.id.as_str();
                    self.admin
                        .set_content_access(&access.id, content, level, from)
                        .await?;
                }
                (Some(access), None) => {
                    self.admin.delete_content_access(&access.id).await?;
                }
                (None, _) => {}
            }
            return Ok(Handed::Over);
        }
    }

    pub(super) async fn follow(&self, item: &Item) -> Result<Handed, LookerError> {
        let Some(to) = &self.to.sudo else {
            return Ok(Handed::Refused(
                "Looker lets a user follow it only for itself".to_owned(),
            ));
        };
        to.follow_alert(&item.id).await?;
        if let Some(from) = self.from.sudo.as_ref().filter(|_| self.own(item).is_none()) {
            from.unfollow_alert(&item.id).await?;
        }
        Ok(Handed::Over)
    }

    pub(super) async fn favorite(&self, item: &Item) -> Result<Handed, LookerError> {
        let content = item.content.as_deref().unwrap_or_default();
        let to = Some(self.to.id.as_str());
        match (self.admin.create_favorite(to, content).await, &self.to.sudo) {
            // Not every release is known to let an admin do this for others.
            // belief: favorites-for-others
            (Err(error), Some(sudo)) if is_refusal(&error) => {
                sudo.create_favorite(None, content).await?;
            }
            (created, _) => {
                created?;
            }
        }
        let Some(record) = self
            .favorites
            .get(content)
            .filter(|_| self.own(item).is_none())
        else {
            return Ok(Handed::Over);
        };
        match (self.admin.delete_favorite(record).await, &self.from.sudo) {
            (Ok(Removal::NotFound), Some(sudo)) => {
                sudo.delete_favorite(record).await?;
            }
            (deleted, _) => {
                deleted?;
            }
        }
        Ok(Handed::Over)
    }
}
