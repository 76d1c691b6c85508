//! Gives one item from one user to another, and back; each direction is safe to repeat.

mod records;
mod taken;

use std::collections::HashMap;
use std::sync::Arc;

use crate::error::Error;
use crate::looker::{Client, ContentChanges, ContentKind, FolderChanges, LookerError};
use crate::workflow::rotate_id::belongings::{Item, ItemKind};
use crate::workflow::rotate_id::transfer::taken::{is_in_place, is_taken};

/// The two users of a transfer, and its context.
#[derive(Clone, Debug)]
pub(super) struct Transfer {
    /// Looker, as the admin.
    pub(super) admin: Client,
    /// The giving user.
    pub(super) from: Party,
    /// The receiving user.
    pub(super) to: Party,
    /// The company's id of the old user, used to rename items whose names are taken.
    pub(super) name: String,
    /// The favourites of `from`, by the id of their content metadata.
    pub(super) favorites: Arc<HashMap<String, String>>,
    /// On the way back, what `from` owned before the move; `None` on the way there.
    pub(super) own: Option<Arc<[Item]>>,
}

/// One of the two users.
#[derive(Clone, Debug)]
pub(super) struct Party {
    /// Looker's id of it.
    pub(super) id: String,
    /// Its personal folder.
    pub(super) home: Option<String>,
    /// Looker as this user: needed if only the user itself can act.
    pub(super) sudo: Option<Client>,
}

/// The result for one item.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Handed {
    /// It is where it should be.
    Over,
    /// The same, under another name.
    As(String),
    /// It has been deleted since it was listed.
    Gone,
    /// Looker refused to move it.
    Refused(String),
}

impl Transfer {
    /// Give `item`, last seen at `from`, to `to`.
    ///
    /// # Errors
    /// Looker does not answer properly; a refusal by Looker is no error.
    pub(super) async fn hand_over(&self, item: &Item) -> Result<Handed, Error> {
        match self
            .admin
            .http()
            .persist(|| self.try_to_hand_over(item))
            .await
        {
            Ok(handed) => Ok(handed),
            Err(LookerError::NotFound { .. }) if item.kind != ItemKind::Follow => Ok(Handed::Gone),
            Err(error) if is_refusal(&error) => Ok(Handed::Refused(error.to_string())),
            Err(error) => Err(error.into()),
        }
    }

    async fn try_to_hand_over(&self, item: &Item) -> Result<Handed, LookerError> {
        match item.kind {
            ItemKind::Folder => self.folder(item).await,
            ItemKind::Dashboard => self.content(ContentKind::Dashboard, item).await,
            ItemKind::Look => self.content(ContentKind::Look, item).await,
            ItemKind::ContentAccess => self.access(item).await,
            ItemKind::Schedule => {
                let given = self.admin.give_scheduled_plan(&item.id, &self.to.id).await;
                given.map(|schedule| self.owned(schedule.user_id.as_ref()))
            }
            ItemKind::Alert => {
                let given = self.admin.give_alert(&item.id, &self.to.id).await;
                given.map(|alert| self.owned(alert.owner_id.as_ref()))
            }
            ItemKind::Follow => self.follow(item).await,
            ItemKind::Board => {
                let given = self.admin.give_board(&item.id, &self.to.id).await;
                given.map(|board| self.owned(board.user_id.as_ref()))
            }
            ItemKind::Favorite => self.favorite(item).await,
        }
    }

    /// Move a folder with everything in it; only those directly in the personal folder need to move.
    async fn folder(&self, item: &Item) -> Result<Handed, LookerError> {
        let mut name = None;
        let mut parent = self.to.home.clone();
        if self.is_on_the_way_back() {
            // Read first: if a person has moved the folder since, an undo must not drag it back.
            let now = self.admin.folder(&item.id).await?;
            if now.parent_id != self.from.home && now.parent_id != self.to.home {
                return Ok(Handed::Refused(
                    "it has been moved elsewhere since".to_owned(),
                ));
            }
            name = self.former_name(item, &now.name);
        }
        for other in self.names(&item.title) {
            let changes = FolderChanges {
                name: name.clone(),
                parent_id: parent.clone(),
            };
            match self.admin.update_folder(&item.id, &changes).await {
                Err(error) if is_taken(&error) => name = Some(other),
                Err(error) if is_in_place(&error) && parent.is_some() => parent = None,
                Err(error) => return Err(error),
                Ok(folder) if folder.parent_id != self.to.home => return Ok(left_in_place()),
                Ok(folder) => return Ok(called(item, folder.name)),
            }
        }
        Ok(all_taken())
    }

    async fn content(&self, kind: ContentKind, item: &Item) -> Result<Handed, LookerError> {
        let mut folder = self.to.home.clone().filter(|_| item.at_home);
        let mut title = None;
        if self.is_on_the_way_back() {
            let now = self.admin.content(kind, &item.id).await?;
            if now.user_id.as_ref() != Some(&self.from.id)
                // belief: read-only-is-ignored
                && now.user_id.as_ref() != Some(&self.to.id)
            {
                return Ok(Handed::Refused("it belongs to someone else now".to_owned()));
            }
            // If the new owner has moved it to another folder, it stays there.
            folder = folder.filter(|_| now.folder_id == self.from.home);
            title = self.former_name(item, &now.title);
        }
        let wanted = folder.clone();
        // Moving again after a lost answer is fine: Looker then says that it already lies there.
        for other in self.names(&item.title) {
            let changes = ContentChanges {
                title: title.clone(),
                user_id: Some(self.to.id.clone()),
                folder_id: folder.clone(),
            };
            match self.admin.change_content(kind, &item.id, &changes).await {
                Err(error) if is_taken(&error) => title = Some(other),
                Err(error) if is_in_place(&error) && folder.is_some() => folder = None,
                Err(error) => return Err(error),
                Ok(content) if content.user_id.as_ref() != Some(&self.to.id) => {
                    return Ok(self.owned(content.user_id.as_ref()));
                }
                Ok(content) if wanted.is_some() && content.folder_id != wanted => {
                    return Ok(left_in_place());
                }
                Ok(content) => return Ok(called(item, content.title)),
            }
        }
        Ok(all_taken())
    }

    /// Looker may silently ignore a new owner, as it does for read-only fields.
    fn owned(&self, owner: Option<&String>) -> Handed {
        match owner == Some(&self.to.id) {
            true => Handed::Over,
            false => Handed::Refused("Looker kept its owner".to_owned()),
        }
    }

    const fn is_on_the_way_back(&self) -> bool {
        self.own.is_some()
    }

    /// The same item among those that `from` owned before.
    fn own(&self, item: &Item) -> Option<&Item> {
        self.own
            .as_ref()?
            .iter()
            .find(|own| own.key() == item.key())
    }

    /// The original title of an item that was renamed on the way there.
    fn former_name(&self, item: &Item, name: &str) -> Option<String> {
        let renamed = self.names(&item.title).any(|other| other == name);
        renamed.then(|| item.title.clone())
    }

    /// The names to try after the original turned out to be taken.
    fn names(&self, title: &str) -> impl Iterator<Item = String> {
        (1..=9).map(move |number| other_name(title, &self.name, number))
    }
}

/// The name of an item whose own name is taken.
pub(super) fn other_name(title: &str, of: &str, number: u32) -> String {
    match number {
        1 => format!("{title} ({of})"),
        _ => format!("{title} ({of} {number})"),
    }
}

fn called(item: &Item, name: String) -> Handed {
    match name == item.title {
        true => Handed::Over,
        false => Handed::As(name),
    }
}

fn left_in_place() -> Handed {
    Handed::Refused("Looker left it in its folder".to_owned())
}

fn all_taken() -> Handed {
    Handed::Refused("its name is taken there, and so are all alternatives".to_owned())
}

/// Whether Looker refused this one item, so that the others can still be tried.
fn is_refusal(error: &LookerError) -> bool {
    matches!(error.refused_with(), Some(400..=428 | 430..=499))
}
