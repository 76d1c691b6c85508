//! Gives one thing of a user to another one, there and back again; each way may be gone twice.

mod records;
mod taken;

use std::collections::HashMap;
use std::sync::Arc;

use crate::error::Error;
use crate::looker::{Client, ContentChanges, ContentKind, FolderChanges, LookerError};
use crate::workflow::persist::persist;
use crate::workflow::rotate_id::belongings::{Item, ItemKind};
use crate::workflow::rotate_id::transfer::taken::{is_in_place, is_taken};

/// The two users of a change of hands, and what is to be known of it.
#[derive(Clone, Debug)]
pub(super) struct Transfer {
    /// Looker, as the admin.
    pub(super) admin: Client,
    /// Whom things come from.
    pub(super) from: Party,
    /// Whom they go to.
    pub(super) to: Party,
    /// The company's id of the old user, after which a thing is called whose own name is taken.
    pub(super) name: String,
    /// The favourites of `from`, by the id of their content metadata.
    pub(super) favorites: Arc<HashMap<String, String>>,
    /// On the way back, what `from` had of its own before things came; `None` on the way there.
    pub(super) own: Option<Arc<[Item]>>,
}

/// One of the two users.
#[derive(Clone, Debug)]
pub(super) struct Party {
    /// Looker's id of it.
    pub(super) id: String,
    /// Its personal folder.
    pub(super) home: Option<String>,
    /// Looker, as this user: needed where nobody can act for somebody else.
    pub(super) sudo: Option<Client>,
}

/// What became of one thing.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Handed {
    /// It is where it should be.
    Over,
    /// So it is, under another name.
    As(String),
    /// It has been deleted since it was seen.
    Gone,
    /// Looker did not let it go.
    Refused(String),
}

impl Transfer {
    /// Give `item`, which was seen in the hands of `from`, to `to`.
    ///
    /// # Errors
    /// What keeps Looker from answering; what Looker refuses is no error.
    pub(super) async fn hand_over(&self, item: &Item) -> Result<Handed, Error> {
        match persist(|| self.try_to_hand_over(item)).await {
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

    /// A folder goes with all that is in it; only one right in the personal folder has to go anywhere.
    async fn folder(&self, item: &Item) -> Result<Handed, LookerError> {
        let mut name = None;
        let mut parent = self.to.home.clone();
        if self.is_on_the_way_back() {
            let now = self.admin.folder(&item.id).await?;
            if now.parent_id != self.from.home && now.parent_id != self.to.home {
                return Ok(Handed::Refused("somebody has moved it since".to_owned()));
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
                return Ok(Handed::Refused(
                    "it belongs to someone else by now".to_owned(),
                ));
            }
            // Where the new owner has put it since, it stays.
            folder = folder.filter(|_| now.folder_id == self.from.home);
            title = self.former_name(item, &now.title);
        }
        let wanted = folder.clone();
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

    /// Looker may take a new owner and say nothing of having ignored it, as it does with what is read-only.
    fn owned(&self, owner: Option<&String>) -> Handed {
        match owner == Some(&self.to.id) {
            true => Handed::Over,
            false => Handed::Refused("Looker left it with its owner".to_owned()),
        }
    }

    const fn is_on_the_way_back(&self) -> bool {
        self.own.is_some()
    }

    /// The same thing among those that `from` had of its own.
    fn own(&self, item: &Item) -> Option<&Item> {
        self.own
            .as_ref()?
            .iter()
            .find(|own| own.key() == item.key())
    }

    /// What a thing was called whose name was changed on the way there.
    fn former_name(&self, item: &Item, name: &str) -> Option<String> {
        let renamed = self.names(&item.title).any(|other| other == name);
        renamed.then(|| item.title.clone())
    }

    /// The names to try where a name is taken, once the name itself has been tried.
    fn names(&self, title: &str) -> impl Iterator<Item = String> {
        (1..=9).map(move |number| other_name(title, &self.name, number))
    }
}

/// What a thing is called where its own name is taken.
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
    Handed::Refused("its name and every other one that was tried is taken there".to_owned())
}

/// Whether Looker refused this one thing, so that the others may be tried.
fn is_refusal(error: &LookerError) -> bool {
    matches!(error.refused_with(), Some(400..=428 | 430..=499))
}
