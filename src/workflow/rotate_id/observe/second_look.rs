//! Checks the lists of a user's items in a second way: by what the user itself sees, and by everyone's items.
//!
//! An incomplete list would silently leave items behind, so items found only in the second way count too. If the search for
//! content is incomplete, the move stops: the trash can only be searched, so its content would be unknown as well.

use std::collections::BTreeSet;

use crate::error::{Error, Kind};
use crate::looker::{Board, Client, Content, ContentKind, Folder, LookerError, User};
use crate::workflow::rotate_id::belongings::{Item, ItemKind, Named};
use crate::workflow::rotate_id::observe::things::{alert_item, board_item, schedule_item};
use crate::workflow::rotate_id::observe::{Viewpoint, named};

/// Everything that a user sees and that can be shared.
#[derive(Debug)]
pub(super) struct Visible {
    folders: Vec<Folder>,
    dashboards: Vec<Content>,
    looks: Vec<Content>,
    boards: Vec<Board>,
}

impl Visible {
    /// The same, by the id of the content metadata.
    pub(super) fn named(self) -> Vec<Named> {
        let folders = self.folders.into_iter();
        let folders = folders.map(|it| (it.content_metadata_id, it.name));
        let content = self.dashboards.into_iter().chain(self.looks);
        let content = content.map(|it| (it.content_metadata_id, it.title));
        let boards = self.boards.into_iter();
        let boards = boards.map(|it| (it.content_metadata_id, it.title));
        let mut seen = BTreeSet::new();
        folders
            .chain(content)
            .chain(boards)
            .filter_map(|(id, name)| Some(named(id?, name)))
            .filter(|thing| seen.insert(thing.id.clone()))
            .collect()
    }

    fn content(&self) -> impl Iterator<Item = (ItemKind, &Content)> {
        let dashboards = self.dashboards.iter().map(|it| (ItemKind::Dashboard, it));
        dashboards.chain(self.looks.iter().map(|it| (ItemKind::Look, it)))
    }

    /// The folders below the personal folder that `items` lacks, parents first.
    fn missing_folders(&self, home: &str, items: &[Item]) -> Vec<Item> {
        let known = items.iter().filter(|item| item.kind == ItemKind::Folder);
        let mut known: BTreeSet<String> = known.map(|item| item.id.clone()).collect();
        known.insert(home.to_owned());
        let mut missing = Vec::new();
        loop {
            let below = |folder: &&Folder| {
                let parent = folder.parent_id.as_ref();
                !known.contains(&folder.id) && parent.is_some_and(|parent| known.contains(parent))
            };
            let Some(folder) = self.folders.iter().find(below) else {
                return missing;
            };
            known.insert(folder.id.clone());
            missing.push(Item {
                at_home: folder.parent_id.as_deref() == Some(home),
                folder: folder.parent_id.clone(),
                ..Item::new(ItemKind::Folder, &folder.id, &folder.name)
            });
        }
    }
}

impl Viewpoint {
    /// Everything that the user can see and that can be shared.
    pub(super) async fn visible(&self, sudo: &Client) -> Result<Visible, LookerError> {
        let (folders, dashboards, looks, boards) = tokio::try_join!(
            // belief: shared-is-visible
            self.ask(|| sudo.folders()),
            self.ask(|| sudo.all_content(ContentKind::Dashboard)),
            self.ask(|| sudo.all_content(ContentKind::Look)),
            self.ask(|| sudo.boards()),
        )?;
        Ok(Visible {
            folders,
            dashboards,
            looks,
            boards,
        })
    }

    /// Add to `items`, found in the first way, what the second way finds in addition.
    ///
    /// # Errors
    /// Looker's search leaves out content of the user.
    pub(super) async fn second_look(
        &self,
        user: &User,
        visible: &Visible,
        items: &mut Vec<Item>,
    ) -> Result<(), Error> {
        self.believe_search(user, visible, items).await?;
        if let Some(home) = &user.personal_folder_id {
            let missing = visible.missing_folders(home, items);
            items.extend(missing);
        }
        let is_owner = |owner: Option<&String>| owner == Some(&user.id);
        let boards = self
            .learnt
            .boards
            .get_or_try_init(|| self.ask(|| self.admin.boards()))
            .await?;
        let boards = boards.iter().chain(&visible.boards);
        let mut more: Vec<Item> = boards
            .filter(|board| is_owner(board.user_id.as_ref()))
            .map(|board| board_item(board.clone()))
            .collect();
        let has = |kind| items.iter().any(|item| item.kind == kind);
        if !has(ItemKind::Schedule) {
            // belief: second-ways-show-the-rest
            let ask = || self.ask(|| self.admin.all_scheduled_plans());
            let all = self.learnt.schedules.get_or_try_init(ask).await?.iter();
            let own = all.filter(|schedule| is_owner(schedule.user_id.as_ref()));
            more.extend(own.cloned().map(schedule_item));
        }
        if !has(ItemKind::Alert) {
            let all = self.all_alerts().await?.iter();
            let own = all.filter(|alert| is_owner(alert.owner_id.as_ref()));
            more.extend(own.filter_map(|alert| alert_item(alert.clone(), &user.id)));
        }
        more.extend(visible.content().filter_map(|(kind, content)| {
            let id = content.content_favorite_id.clone()?;
            let title = match content.title.is_empty() {
                true => format!("{} {}", kind.word(), content.id),
                false => content.title.clone(),
            };
            Some(Item {
                content: content.content_metadata_id.clone(),
                ..Item::new(ItemKind::Favorite, id, title)
            })
        }));
        for item in more {
            if !items.iter().any(|known| known.key() == item.key()) {
                items.push(item);
            }
        }
        Ok(())
    }

    /// Stop if the user sees content of its own that Looker's search leaves out.
    async fn believe_search(
        &self,
        user: &User,
        visible: &Visible,
        items: &mut Vec<Item>,
    ) -> Result<(), Error> {
        let unlisted = |items: &[Item]| {
            let own = visible.content();
            let mut own = own.filter(|(_, content)| content.user_id.as_ref() == Some(&user.id));
            let is_listed = |kind: ItemKind, id: &str| {
                items.iter().any(|item| item.kind == kind && item.id == id)
            };
            own.find(|(kind, content)| !is_listed(*kind, &content.id))
                .map(|(kind, content)| (kind, content.title.clone()))
        };
        if unlisted(items).is_none() {
            return Ok(());
        }
        // It may have been created between the two reads.
        items.retain(|item| !matches!(item.kind, ItemKind::Dashboard | ItemKind::Look));
        items.extend(self.content(user).await?);
        let Some((kind, title)) = unlisted(items) else {
            return Ok(());
        };
        let (id, word) = (user.external_user_id().unwrap_or_default(), kind.word());
        Err(Error::new(
            Kind::Looker,
            format!("Looker's search for the content of `{id}` leaves out the {word} `{title}`, so it may leave out more; nothing was moved"),
        )
        .hint("wait until Looker's search is up to date and try again; if the problem persists, report it to Looker"))
    }
}
