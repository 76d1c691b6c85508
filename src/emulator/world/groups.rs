//! Groups, and who is in them.

use std::collections::{BTreeSet, HashMap};

use crate::emulator::world::World;
use crate::emulator::world::kinds::ALL_USERS;
use crate::emulator::world::table::{Id, Table};
use crate::emulator::world::users::EmbedCredential;

/// A group.
#[derive(Debug, Default)]
pub(crate) struct Group {
    pub(crate) name: String,
    /// What makes it the group of one customer: made by the first embed login that names it.
    pub(crate) external_group_id: Option<String>,
    pub(crate) can_add_to_content_metadata: bool,
    pub(crate) include_by_default: bool,
    pub(crate) roles: Vec<Id>,
    /// The values its members have for user attributes, unless they have their own.
    pub(crate) attributes: Vec<(Id, String)>,
    /// The folder that the members of an external group share.
    pub(crate) folder: Option<Id>,
    pub(crate) members: BTreeSet<Id>,
    /// The groups in it.
    pub(crate) groups: BTreeSet<Id>,
}

/// All groups.
#[derive(Debug, Default)]
pub(crate) struct Groups {
    pub(crate) table: Table<Group>,
    by_external_id: HashMap<String, Id>,
}

impl Groups {
    /// The group with this id.
    pub(crate) fn at(&self, id: Id) -> Option<&Group> {
        self.table.at(id)
    }

    /// Add a group; returns its id.
    pub(crate) fn add(&mut self, group: Group) -> Id {
        let external = group.external_group_id.clone();
        let id = self.table.insert(group);
        if let Some(external) = external {
            self.by_external_id.insert(external, id);
        }
        id
    }

    /// Put a group at an id, in the place of what is there.
    pub(crate) fn put(&mut self, id: Id, group: Group) -> Result<(), String> {
        if let Some(external) = group.external_group_id.clone() {
            self.by_external_id.insert(external, id);
        }
        self.table.put(id, group)
    }

    /// Put a user in a group.
    pub(crate) fn join(&mut self, group: Id, user: Id) {
        if let Some(group) = self.table.at_mut(group) {
            group.members.insert(user);
        }
    }

    /// Take a user out of a group.
    pub(crate) fn leave(&mut self, group: Id, user: Id) {
        if let Some(group) = self.table.at_mut(group) {
            group.members.remove(&user);
        }
    }

    /// The groups that hold a group.
    pub(crate) fn holding(&self, id: Id) -> impl Iterator<Item = Id> {
        let holds = move |(_, group): &(Id, &Group)| group.groups.contains(&id);
        self.table.iter().filter(holds).map(|(holder, _)| holder)
    }

    /// These groups, and all that hold one of them, however far out.
    pub(crate) fn with_holders(&self, mut groups: Vec<Id>) -> Vec<Id> {
        // Each round adds the groups that hold the ones found before.
        let mut next = 0;
        while let Some(id) = groups.get(next).copied() {
            let holders: Vec<Id> = self.holding(id).collect();
            groups.extend(
                holders
                    .into_iter()
                    .filter(|id| !groups.contains(id))
                    .collect::<Vec<_>>(),
            );
            next += 1;
        }
        groups
    }

    /// Put a group into another one: false if it holds that one.
    pub(crate) fn put_in(&mut self, outer: Id, inner: Id) -> bool {
        // A group that holds itself, over any number of steps, is refused.
        let within = self.with_holders(vec![outer]).contains(&inner);
        let group = self.table.at_mut(outer).filter(|_group| !within);
        group.map(|group| group.groups.insert(inner)).is_some()
    }

    /// Take a group out of another one: false if it is not in it.
    pub(crate) fn take_out(&mut self, outer: Id, inner: Id) -> bool {
        let group = self.table.at_mut(outer);
        group.is_some_and(|group| group.groups.remove(&inner))
    }

    /// Take a group away; its members must have left it.
    pub(crate) fn remove(&mut self, id: Id) {
        // No group may name one that is gone.
        for holder in self.holding(id).collect::<Vec<_>>() {
            self.take_out(holder, id);
        }
        let group = self.table.remove(id);
        if let Some(external) = group.and_then(|group| group.external_group_id) {
            self.by_external_id.remove(&external);
        }
    }

    /// The group with this external id.
    pub(crate) fn by_external_id(&self, external_group_id: &str) -> Option<Id> {
        self.by_external_id.get(external_group_id).copied()
    }
}

impl World {
    /// The group with this external id, made with its folder if there is none yet.
    pub(crate) fn ensure_external_group(&mut self, external_group_id: &str) -> Id {
        if let Some(id) = self.groups.by_external_id(external_group_id) {
            return id;
        }
        let id = self.groups.add(Group {
            name: external_group_id.to_owned(),
            external_group_id: Some(external_group_id.to_owned()),
            can_add_to_content_metadata: true,
            ..Group::default()
        });
        self.give_group_folder(id, external_group_id);
        id
    }

    /// Make the folder that the members of an external group share.
    pub(crate) fn give_group_folder(&mut self, id: Id, external_group_id: &str) {
        let folder = self.make_group_folder(id, external_group_id);
        if let Some(group) = self.groups.table.at_mut(id) {
            group.folder = folder;
        }
    }

    /// Take a user out of a group, whoever put it there.
    pub(crate) fn take_from_group(&mut self, user: Id, group: Id) {
        self.groups.leave(group, user);
        let Some(user) = self.users.at_mut(user) else {
            return;
        };
        user.groups.retain(|known| *known != group);
        // The memberships from the login end as well.
        if let Some(credential) = &mut user.embed {
            let left = credential.groups.iter().copied();
            credential.groups = left.filter(|known| *known != group).collect();
            credential.external_group = credential.external_group.filter(|known| *known != group);
        }
    }

    /// The members of a group.
    pub(crate) fn members_of(&self, id: Id, group: &Group) -> BTreeSet<Id> {
        match id == ALL_USERS && group.include_by_default {
            true => self.users.table.iter().map(|(id, _)| id).collect(),
            false => group.members.clone(),
        }
    }

    /// Take a user out of the groups its last login put it in, unless an administrator did too.
    pub(crate) fn leave_groups(&mut self, user: Id, credential: &EmbedCredential) {
        let kept = self
            .users
            .at(user)
            .map(|user| user.groups.clone())
            .unwrap_or_default();
        let left = credential.groups.iter().chain(&credential.external_group);
        // A group that the user also has otherwise is kept.
        for group in left.filter(|group| !kept.contains(group)) {
            self.groups.leave(*group, user);
        }
    }
}
