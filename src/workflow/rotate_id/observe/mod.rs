//! Reads everything that belongs to an embed user, in parallel; changes nothing.

mod access;
mod asking;
mod follows;
mod second_look;
mod things;

use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex};

use tokio::sync::{OnceCell, Semaphore};

use crate::error::Error;
use crate::looker::{
    Alert, AttributeValue, Board, Client, ContentAccess, EmbedGrants, GrantsUnreadable, Group,
    ListedRoles, LookerError, OwnValueReader, OwnValues, Role, RoleReach, ScheduledPlan, User,
    embed_grants, shown_timezone,
};
use crate::workflow::finder::look_up;
use crate::workflow::job_context::Observer;
use crate::workflow::old_key::OldKey;
use crate::workflow::rotate_id::belongings::{Belongings, Item, ItemKind, Named};
use crate::workflow::rotate_id::observe::asking::Asked;
use crate::workflow::rotate_id::observe::follows::Unlisted;
use crate::workflow::spec::UserRef;

/// A view of Looker: the client to read with, and what has been learned about the instance, which is the same for all users.
#[derive(Clone, Debug)]
pub struct Viewpoint {
    admin: Client,
    width: usize,
    observer: Arc<dyn Observer>,
    own_values: OwnValueReader,
    learnt: Arc<Learnt>,
    /// Bounds the requests in flight, for all clones together.
    turns: Arc<Semaphore>,
    asked: Arc<Asked>,
}

#[derive(Debug, Default)]
struct Learnt {
    groups: OnceCell<Vec<Group>>,
    /// The roles that an admin can assign.
    roles: OnceCell<ListedRoles>,
    /// Whether users can have their own time zone; `None` if Looker does not say.
    timezones: OnceCell<Option<bool>>,
    /// Everyone's boards and schedules, used to check empty lists of one user.
    boards: OnceCell<Vec<Board>>,
    schedules: OnceCell<Vec<ScheduledPlan>>,
    /// Whether Looker cannot search schedules.
    schedules_unsearched: AtomicBool,
    alerts: OnceCell<Vec<Alert>>,
    /// Whether a list has shown a followed alert, and how many were read one by one.
    follows_are_listed: AtomicBool,
    alerts_asked: AtomicUsize,
    /// Content access of the instance, by the id of the content metadata.
    accesses: Mutex<HashMap<String, Arc<[ContentAccess]>>>,
}

/// How far to search for what Looker only shows per item: content access, and followed alerts that no list shows.
#[derive(Clone, Debug)]
pub(super) enum Scope {
    /// Everything that the user can see: what is shared with a user is visible to it.
    Everything,
    /// Only these; what was read of them before does not count.
    These {
        /// Content that may be shared with the user, by the id of its content metadata.
        shared: Vec<Named>,
        /// Alerts, by their ids.
        alerts: Vec<String>,
    },
}

impl Scope {
    /// Nothing beyond what lists show.
    pub(super) const NOTHING: Self = Self::These {
        shared: Vec::new(),
        alerts: Vec::new(),
    };
}

impl Viewpoint {
    /// Read through `admin`, with up to `width` requests in flight.
    pub fn new(admin: Client, width: usize, observer: Arc<dyn Observer>) -> Self {
        Self {
            own_values: OwnValueReader::new(admin.clone()),
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
        self.ask(|| look_up(&self.admin, user)).await
    }

    /// Everything that belongs to `user`, who must be an embed user that can log in: followed alerts, and what the user can see,
    /// are shown only to the user itself.
    pub async fn belongings(&self, user: &User) -> Result<Belongings, Error> {
        self.look(user, Scope::Everything).await
    }

    /// The same, limited to `scope` for what no list shows.
    pub(super) async fn look(&self, user: &User, scope: Scope) -> Result<Belongings, Error> {
        // Counted as one more question until the end, so that the progress never looks complete too early.
        self.expect(1);
        let sudo = self.ask(|| self.admin.login_user(&user.id)).await?;
        let seen = Box::pin(self.see(user, &sudo, scope)).await;
        // Logged out before the result is looked at: a failed read must not leave a token behind.
        self.ask(|| sudo.logout()).await?;
        self.answered();
        seen
    }

    async fn see(&self, user: &User, sudo: &Client, scope: Scope) -> Result<Belongings, Error> {
        let id = user.id.as_str();
        let admin = &self.admin;
        let decides = matches!(scope, Scope::Everything);
        let looker = async {
            tokio::try_join!(
                self.ask(|| admin.attribute_values(id)),
                self.ask(|| admin.user_roles(id, true)),
                self.ask(|| admin.api3_keys(id)),
                self.ask(|| admin.sessions(id)),
                self.ask(|| sudo.lookml_models()),
                self.groups(),
                self.roles(),
            )
        };
        let ((values, direct, keys, sessions, models, groups, listed), (items, follows_unseen)) = tokio::try_join!(
            async { looker.await.map_err(Error::from) },
            self.items(user, sudo, scope)
        )?;
        let lodgers = self.lodgers(user).await?;
        let (own, user_timezone) = self.own(user, &values, decides).await?;
        let models_reached = models.into_iter().map(|model| model.name).collect();
        let reach = RoleReach::of(&user.role_ids, &direct, listed);
        let grants = read_grants(user, &direct, listed, (&reach, &models_reached));
        let grants_unreadable = grants.as_ref().err().map(ToString::to_string);
        let grants = grants.unwrap_or_default();
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
            user_timezone,
            grants_unreadable,
            roles: handed_out(direct, listed, &grants),
            permissions: grants.permissions,
            models: grants.models,
            groups: named_groups(groups, user),
            external_group_id: user.external_group_id().map(str::to_owned),
            attributes: own.values,
            unknown_attributes: own.unknown,
            values,
            permissions_reached: reach.permissions,
            models_reached,
            items,
            lodgers,
            follows_unseen,
            keys: keys.into_iter().map(OldKey::from).collect(),
            sessions: sessions.len(),
            schedules_unsearched: self.learnt.schedules_unsearched.load(Relaxed),
        })
    }

    /// The user's own values and time zone, if something `decides` on them; a mere comparison does without.
    async fn own(
        &self,
        user: &User,
        values: &[AttributeValue],
        decides: bool,
    ) -> Result<(OwnValues, Option<String>), Error> {
        if !decides {
            return Ok((OwnValues::default(), None));
        }
        let own = self.ask(|| self.own_values.own(values, &user.group_ids));
        Ok((own.await?, self.timezone(values).await?))
    }

    /// All groups of the instance, read once.
    async fn groups(&self) -> Result<&[Group], LookerError> {
        let ask = || self.ask(|| self.admin.groups());
        let groups = self.learnt.groups.get_or_try_init(ask);
        Ok(groups.await?.as_slice())
    }

    /// All roles that an admin can assign, read once.
    async fn roles(&self) -> Result<&ListedRoles, LookerError> {
        let ask = || async {
            let roles = self.ask(|| self.admin.roles()).await?.into_iter();
            Ok(roles.map(|role| (role.id.clone(), role)).collect())
        };
        self.learnt.roles.get_or_try_init(ask).await
    }

    /// The time zone of a user with these `values`; none if this instance has no user time zones, because it would refuse a login
    /// that names one.
    async fn timezone(&self, values: &[AttributeValue]) -> Result<Option<String>, Error> {
        let Some(zone) = shown_timezone(values) else {
            return Ok(None);
        };
        let ask = || async {
            let setting = self.ask(|| self.admin.setting_embed()).await?;
            Ok::<_, LookerError>(setting.allow_user_timezones)
        };
        let allowed = self.learnt.timezones.get_or_try_init(ask).await?;
        Ok((*allowed != Some(false)).then(|| zone.to_owned()))
    }

    /// The user's items, and why it may follow more alerts, if so.
    async fn items(
        &self,
        user: &User,
        sudo: &Client,
        scope: Scope,
    ) -> Result<(Vec<Item>, Option<String>), Error> {
        let visible = async {
            match scope {
                Scope::Everything => Ok(Some(self.visible(sudo).await?)),
                Scope::These { .. } => Ok(None),
            }
        };
        let (visible, folders, content, schedules, alerts, boards, favorites) = tokio::try_join!(
            visible,
            self.folders(user),
            self.content(user),
            self.schedules(user, sudo),
            self.alerts(user, sudo),
            self.boards(user, sudo),
            self.favorites(user, sudo),
        )?;
        // Before the unlisted ones are searched: a single listed follow makes that search unnecessary.
        self.learn_of_follows(&alerts);
        let mut items = [folders, content, schedules, alerts, boards, favorites].concat();
        let (things, fresh, unlisted) = match (visible, scope) {
            (Some(visible), _) => {
                let unlisted = self.unlisted_follows(user, sudo, &items).await?;
                self.second_look(user, &visible, &mut items).await?;
                (visible.named(), false, unlisted)
            }
            (None, Scope::These { shared, alerts }) => {
                let is_listed = |id: &String| {
                    let follows = |item: &Item| item.kind == ItemKind::Follow && item.id == *id;
                    items.iter().any(follows)
                };
                let alerts = alerts.into_iter().filter(|id| !is_listed(id)).collect();
                let unlisted = self.ask_follows(user, sudo, alerts).await?;
                (shared, true, unlisted)
            }
            (None, Scope::Everything) => (Vec::new(), false, Unlisted::default()),
        };
        items.extend(unlisted.items);
        items.extend(self.accesses(user, things, fresh).await?);
        items.sort_by_key(|item| item.kind);
        Ok((items, unlisted.unseen))
    }

    /// The alerts of all users, read once.
    async fn all_alerts(&self) -> Result<&[Alert], LookerError> {
        let ask = || self.ask(|| self.admin.alerts(true));
        let alerts = self.learnt.alerts.get_or_try_init(ask);
        Ok(alerts.await?.as_slice())
    }
}

/// The grants of the latest embed login. If no role matches, there are none only if the user cannot reach anything either:
/// a hidden role could grant more than the visible ones explain.
fn read_grants(
    user: &User,
    direct: &[Role],
    listed: &ListedRoles,
    (reach, models): (&RoleReach, &BTreeSet<String>),
) -> Result<EmbedGrants, GrantsUnreadable> {
    match embed_grants(&user.role_ids, direct, listed) {
        Err(GrantsUnreadable::NoRole) if models.is_empty() && reach.models.is_empty() => {
            Ok(EmbedGrants::default())
        }
        grants => grants,
    }
}

/// The roles that an admin assigned to a user: the assignable ones, without the embed role.
fn handed_out(direct: Vec<Role>, listed: &ListedRoles, grants: &EmbedGrants) -> Vec<Named> {
    let direct = direct.into_iter();
    direct
        .filter(|role| listed.contains_key(&role.id) && grants.role_id.as_ref() != Some(&role.id))
        .map(|role| named(role.id, role.name))
        .collect()
}

fn named(id: String, name: String) -> Named {
    Named { id, name }
}

/// The groups of a user that a login can name: without the group of its external group, which the login joins anyway, and
/// without groups that include everyone.
fn named_groups(groups: &[Group], user: &User) -> Vec<Named> {
    let external = user.external_group_id();
    let named = groups
        .iter()
        .filter(|group| user.group_ids.contains(&group.id) && group.is_named_by_login(external));
    named
        .map(|group| self::named(group.id.clone(), group.name.clone()))
        .collect()
}
