//! Reads everything that belongs to an embed user, in parallel; changes nothing.

mod access;
mod asking;
mod things;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use tokio::sync::{OnceCell, Semaphore};

use crate::error::Error;
use crate::looker::{Client, ContentAccess, Group, LookerError, User, embed_grants};
use crate::workflow::rotate_id::belongings::{Belongings, Item, Named};
use crate::workflow::rotate_id::observe::asking::Asked;
use crate::workflow::spec::UserRef;
use crate::workflow::steps::lookup;
use crate::workflow::work::{Observer, OldKey};

/// Where an observer stands: what it looks through, and what it has learnt of the instance, which is the same for all
/// users.
#[derive(Clone, Debug)]
pub struct Viewpoint {
    admin: Client,
    width: usize,
    observer: Arc<dyn Observer>,
    learnt: Arc<Learnt>,
    /// As many requests may be under way at once, whoever looks through this.
    turns: Arc<Semaphore>,
    asked: Arc<Asked>,
}

#[derive(Debug, Default)]
struct Learnt {
    groups: OnceCell<Vec<Group>>,
    /// Who the things of the instance are shared with, by the id of their content metadata.
    accesses: Mutex<HashMap<String, Arc<[ContentAccess]>>>,
}

/// Which things may name the user among those they are shared with.
#[derive(Clone, Debug)]
pub(super) enum Shared {
    /// All that the user can see: whoever is named sees it, and Looker lists accesses by thing only.
    Everything,
    /// These, by the id of their content metadata; what was learnt of them before does not count.
    These(Vec<Named>),
}

impl Viewpoint {
    /// Look through `admin`, `width` requests at a time.
    pub fn new(admin: Client, width: usize, observer: Arc<dyn Observer>) -> Self {
        Self {
            admin,
            width,
            observer,
            learnt: Arc::default(),
            turns: Arc::new(Semaphore::new(width.max(1))),
            asked: Arc::default(),
        }
    }

    /// The user as Looker shows it to the admin.
    pub async fn find(&self, user: UserRef<'_>) -> Result<Option<User>, LookerError> {
        self.ask(|| lookup::user(&self.admin, user)).await
    }

    /// Everything that belongs to `user`, who must be an embed user that can log in: alerts that somebody follows, and
    /// what somebody can see, are told to nobody else.
    pub async fn belongings(&self, user: &User) -> Result<Belongings, Error> {
        self.look(user, Shared::Everything).await
    }

    /// The same, looking for accesses only where `shared` says.
    pub(super) async fn look(&self, user: &User, shared: Shared) -> Result<Belongings, Error> {
        // Until the end there is one more to come, so that nobody thinks that all is seen.
        self.expect(1);
        let sudo = self.ask(|| self.admin.login_user(&user.id)).await?;
        let seen = Box::pin(self.see(user, &sudo, shared)).await;
        self.ask(|| sudo.logout()).await?;
        self.answered();
        seen
    }

    async fn see(&self, user: &User, sudo: &Client, shared: Shared) -> Result<Belongings, Error> {
        let id = user.id.as_str();
        let admin = &self.admin;
        let looker = async {
            tokio::try_join!(
                self.ask(|| admin.own_attribute_values(id)),
                self.ask(|| admin.user_roles(id, true)),
                self.ask(|| admin.api3_keys(id)),
                self.ask(|| admin.sessions(id)),
                self.groups(),
            )
        };
        let ((attributes, roles, keys, sessions, groups), items) = tokio::try_join!(
            async { looker.await.map_err(Error::from) },
            self.items(user, sudo, shared)
        )?;
        let lodgers = self.lodgers(user).await?;
        let (permissions, models) = embed_grants(&roles);
        Ok(Belongings {
            external_user_id: user.external_user_id().unwrap_or_default().to_owned(),
            looker_user_id: user.id.clone(),
            first_name: user.first_name.clone(),
            last_name: user.last_name.clone(),
            locale: user.locale.clone(),
            ui_state: user.ui_state.clone(),
            can_manage_api3_creds: user.can_manage_api3_creds,
            personal_folder_id: user.personal_folder_id.clone(),
            home_folder_id: user.home_folder_id.clone(),
            permissions,
            models,
            roles: roles
                .into_iter()
                .filter(|role| !role.is_embed())
                .map(|role| named(role.id, role.name))
                .collect(),
            groups: named_groups(groups, user),
            external_group_id: user.external_group_id().map(str::to_owned),
            attributes,
            items,
            lodgers,
            keys: keys.into_iter().map(OldKey::from).collect(),
            sessions: sessions.len(),
        })
    }

    /// All groups of the instance, read once.
    async fn groups(&self) -> Result<&[Group], LookerError> {
        let ask = || self.ask(|| self.admin.groups());
        let groups = self.learnt.groups.get_or_try_init(ask);
        Ok(groups.await?.as_slice())
    }

    async fn items(&self, user: &User, sudo: &Client, shared: Shared) -> Result<Vec<Item>, Error> {
        let (folders, content, schedules, alerts, boards, favorites, accesses) = tokio::try_join!(
            self.folders(user),
            self.content(user),
            self.schedules(user),
            self.alerts(user, sudo),
            self.boards(user),
            self.favorites(user),
            self.accesses(user, sudo, shared),
        )?;
        let mut items = [
            folders, content, schedules, alerts, boards, favorites, accesses,
        ]
        .concat();
        items.sort_by_key(|item| item.kind);
        Ok(items)
    }
}

fn named(id: String, name: String) -> Named {
    Named { id, name }
}

/// The groups of a user that a login can name: not that of its external group, which the login makes it join anyway, and
/// not those that everybody is in.
fn named_groups(groups: &[Group], user: &User) -> Vec<Named> {
    let external = user.external_group_id();
    let named = groups.iter().filter(|group| {
        let joined =
            group.external_group_id.is_some() && group.external_group_id.as_deref() == external;
        user.group_ids.contains(&group.id) && !joined && !group.include_by_default
    });
    named
        .map(|group| self::named(group.id.clone(), group.name.clone()))
        .collect()
}
