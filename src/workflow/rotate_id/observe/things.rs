//! A user's content, schedules, alerts, boards and favourites.

use std::sync::atomic::Ordering::Relaxed;

use crate::error::Error;
use crate::looker::{
    Alert, Board, Client, Content, ContentKind, Favorite, LookerError, ScheduledPlan, User,
};
use crate::workflow::parallel;
use crate::workflow::rotate_id::belongings::{Item, ItemKind};
use crate::workflow::rotate_id::observe::Viewpoint;

impl Viewpoint {
    /// The folders below the personal folder, parents first.
    pub(super) async fn folders(&self, user: &User) -> Result<Vec<Item>, Error> {
        let Some(home) = user.personal_folder_id.clone() else {
            return Ok(Vec::new());
        };
        let (mut found, mut level) = (Vec::new(), vec![home.clone()]);
        // Level by level, since the API lists direct sub-folders only.
        while !level.is_empty() {
            let below = |folder: String| {
                let this = self.clone();
                async move {
                    let children = || this.admin.folder_children(&folder);
                    Ok(this.ask(children).await?)
                }
            };
            let children = parallel::map(level, self.width, None, below, |_| {}).await?;
            let children: Vec<Item> = children
                .into_iter()
                .flatten()
                .map(|folder| Item {
                    at_home: folder.parent_id.as_ref() == Some(&home),
                    folder: folder.parent_id,
                    ..Item::new(ItemKind::Folder, folder.id, folder.name)
                })
                .collect();
            level = children.iter().map(|folder| folder.id.clone()).collect();
            found.extend(children);
        }
        Ok(found)
    }

    /// The dashboards and looks that the user owns, including those in the trash.
    pub(super) async fn content(&self, user: &User) -> Result<Vec<Item>, Error> {
        let (admin, id) = (&self.admin, user.id.as_str());
        let (dashboards, trashed_dashboards, looks, trashed_looks) = tokio::try_join!(
            self.ask(|| admin.content_of(ContentKind::Dashboard, id, false)),
            self.ask(|| admin.content_of(ContentKind::Dashboard, id, true)),
            self.ask(|| admin.content_of(ContentKind::Look, id, false)),
            self.ask(|| admin.content_of(ContentKind::Look, id, true)),
        )?;
        let item = |kind| {
            move |content: Content| Item {
                at_home: content.folder_id.is_some()
                    && content.folder_id == user.personal_folder_id,
                folder: content.folder_id,
                trashed: content.deleted,
                ..Item::new(kind, content.id, content.title)
            }
        };
        let of_user = |content: &Content| is_of(content.user_id.as_ref(), &user.id);
        let dashboards = dashboards.into_iter().chain(trashed_dashboards);
        let dashboards = dashboards.filter(of_user);
        let looks = looks.into_iter().chain(trashed_looks).filter(of_user);
        Ok(dashboards
            .map(item(ItemKind::Dashboard))
            .chain(looks.map(item(ItemKind::Look)))
            .collect())
    }

    /// Others' dashboards and looks directly in the user's personal folder.
    pub(super) async fn lodgers(&self, user: &User) -> Result<Vec<Item>, Error> {
        let Some(home) = user.personal_folder_id.as_deref() else {
            return Ok(Vec::new());
        };
        let (dashboards, looks) = tokio::try_join!(
            self.ask(|| self.admin.content_in(ContentKind::Dashboard, home)),
            self.ask(|| self.admin.content_in(ContentKind::Look, home)),
        )?;
        let item = |kind| {
            move |content: Content| Item {
                folder: content.folder_id,
                at_home: true,
                ..Item::new(kind, content.id, content.title)
            }
        };
        let others = |content: &Content| content.user_id.as_ref() != Some(&user.id);
        let dashboards = dashboards.into_iter().filter(others);
        let looks = looks.into_iter().filter(others);
        Ok(dashboards
            .map(item(ItemKind::Dashboard))
            .chain(looks.map(item(ItemKind::Look)))
            .collect())
    }

    /// The schedules that the search finds for a user; none on a Looker without the search, which is remembered.
    async fn searched_schedules(&self, user_id: &str) -> Result<Vec<ScheduledPlan>, LookerError> {
        let unsearched = &self.learnt.schedules_unsearched;
        if unsearched.load(Relaxed) {
            return Ok(Vec::new());
        }
        let search = || self.admin.searched_scheduled_plans(user_id);
        let found = self.ask(search).await?;
        unsearched.store(found.is_none(), Relaxed);
        Ok(found.unwrap_or_default())
    }

    /// The schedules that the user owns. An empty list is checked by asking as the user, and every list by the search, since
    /// lists may leave out disabled and one-time schedules.
    pub(super) async fn schedules(&self, user: &User, sudo: &Client) -> Result<Vec<Item>, Error> {
        let of_user = |schedule: &ScheduledPlan| is_of(schedule.user_id.as_ref(), &user.id);
        let mut schedules = self.ask(|| self.admin.scheduled_plans(&user.id)).await?;
        schedules.retain(of_user);
        if schedules.is_empty() {
            schedules = self.ask(|| sudo.own_scheduled_plans()).await?;
            schedules.retain(of_user);
        }
        for schedule in self.searched_schedules(&user.id).await? {
            let is_known = schedules.iter().any(|known| known.id == schedule.id);
            if of_user(&schedule) && !is_known {
                schedules.push(schedule);
            }
        }
        Ok(schedules.into_iter().map(schedule_item).collect())
    }

    /// The alerts that the user owns or follows, which Looker shows only to the user itself.
    pub(super) async fn alerts(&self, user: &User, sudo: &Client) -> Result<Vec<Item>, Error> {
        let alerts = self.ask(|| sudo.alerts(false)).await?.into_iter();
        let items = alerts.filter_map(|alert| alert_item(alert, &user.id));
        Ok(items.collect())
    }

    /// The boards that the user owns. Looker searches boards by creator, so an empty list is checked by reading, as the user, all
    /// boards it sees.
    pub(super) async fn boards(&self, user: &User, sudo: &Client) -> Result<Vec<Item>, Error> {
        let of_user = |board: &Board| is_of(board.user_id.as_ref(), &user.id);
        let mut boards = self.ask(|| self.admin.boards_of(&user.id)).await?;
        boards.retain(of_user);
        if boards.is_empty() {
            boards = self.ask(|| sudo.boards()).await?;
            boards.retain(|board| board.user_id.as_ref() == Some(&user.id));
        }
        Ok(boards.into_iter().map(board_item).collect())
    }

    /// The user's favourites. An empty list is checked by asking as the user.
    pub(super) async fn favorites(&self, user: &User, sudo: &Client) -> Result<Vec<Item>, Error> {
        let of_user = |favorite: &Favorite| is_of(favorite.user_id.as_ref(), &user.id);
        let mut favorites = self.ask(|| self.admin.favorites(&user.id)).await?;
        favorites.retain(of_user);
        if favorites.is_empty() {
            favorites = self.ask(|| sudo.favorites(&user.id)).await?;
            favorites.retain(of_user);
        }
        Ok(favorites.into_iter().map(favorite_item).collect())
    }
}

/// Whether an item in a user's list belongs to the user: if a server ignores the filter, others' items must not be moved.
fn is_of(owner: Option<&String>, user_id: &str) -> bool {
    owner.is_none_or(|owner| owner == user_id)
}

pub(super) fn schedule_item(schedule: ScheduledPlan) -> Item {
    Item {
        enabled: Some(schedule.enabled),
        destinations: Some(schedule.destinations),
        ..Item::new(
            ItemKind::Schedule,
            schedule.id,
            schedule.name.unwrap_or_default(),
        )
    }
}

/// An alert that the user owns or follows; `None` if Looker says neither is the case.
pub(super) fn alert_item(alert: Alert, user_id: &str) -> Option<Item> {
    let own = alert.owner_id.as_deref() == Some(user_id);
    // belief: alert-says-followed
    if !own && alert.followed == Some(false) {
        return None;
    }
    let kind = if own {
        ItemKind::Alert
    } else {
        ItemKind::Follow
    };
    Some(Item {
        enabled: own.then_some(!alert.is_disabled),
        private: !alert.is_public,
        ..Item::new(kind, alert.id, alert.title)
    })
}

pub(super) fn board_item(board: Board) -> Item {
    Item::new(ItemKind::Board, board.id, board.title)
}

fn favorite_item(favorite: Favorite) -> Item {
    let of = [
        ("dashboard", &favorite.dashboard_id),
        ("look", &favorite.look_id),
        ("board", &favorite.board_id),
    ];
    let of = of
        .into_iter()
        .find_map(|(word, id)| Some((word, id.as_ref()?)));
    let of = of.map_or_else(String::new, |(word, id)| format!("{word} {id}"));
    let title = favorite.title.clone().unwrap_or(of);
    Item {
        content: favorite.content_metadata_id,
        ..Item::new(ItemKind::Favorite, favorite.id, title)
    }
}
