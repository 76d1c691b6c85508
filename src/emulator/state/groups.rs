//! Groups and user attributes in a document.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::emulator::state::StateError;
use crate::emulator::world::attributes::{Attribute, KINDS};
use crate::emulator::world::groups::Group;
use crate::emulator::world::{Id, World};

/// A user attribute.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AttributeState {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<Id>,
    name: String,
    label: Option<String>,
    #[serde(rename = "type")]
    kind: String,
    default_value: Option<String>,
    #[serde(default)]
    is_system: bool,
    #[serde(default)]
    value_is_hidden: bool,
    #[serde(default)]
    user_can_view: bool,
    #[serde(default)]
    user_can_edit: bool,
}

impl AttributeState {
    /// All user attributes of `world`.
    pub(super) fn all(world: &World) -> impl Iterator<Item = Self> {
        let attributes = world.attributes.0.iter();
        attributes.map(|(id, attribute)| Self {
            id: Some(id),
            name: attribute.name.clone(),
            label: Some(attribute.label.clone()),
            kind: attribute.kind.clone(),
            default_value: attribute.default_value.clone(),
            is_system: attribute.is_system,
            value_is_hidden: attribute.value_is_hidden,
            user_can_view: attribute.user_can_view,
            user_can_edit: attribute.user_can_edit,
        })
    }

    /// Put this attribute into `world`, in the place of one with its id or, without an id, with its name.
    pub(super) fn put(self, world: &mut World) -> Result<(), StateError> {
        if !KINDS.contains(&self.kind.as_str()) {
            return Err(StateError::new(format!(
                "the user attribute `{}` has the unknown type `{}`",
                self.name, self.kind
            )));
        }
        let known = world.attributes.by_name(&self.name).map(|(id, _)| id);
        let id = self.id.or(known);
        let id = id.unwrap_or_else(|| world.attributes.0.next_id());
        let attribute = Attribute {
            label: self.label.unwrap_or_else(|| self.name.clone()),
            name: self.name,
            kind: self.kind,
            default_value: self.default_value,
            is_system: self.is_system,
            value_is_hidden: self.value_is_hidden,
            user_can_view: self.user_can_view,
            user_can_edit: self.user_can_edit,
            hidden_value_domain_whitelist: None,
            group_order: Vec::new(),
        };
        world
            .attributes
            .0
            .put(id, attribute)
            .map_err(StateError::new)
    }
}

/// A group; its members are named where they are, with the users.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct GroupState {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<Id>,
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    external_group_id: Option<String>,
    #[serde(default)]
    include_by_default: bool,
    #[serde(default = "yes")]
    can_add_to_content_metadata: bool,
    #[serde(default)]
    roles: Vec<Id>,
    /// The values its members have for user attributes, by name.
    #[serde(default)]
    user_attributes: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    folder: Option<Id>,
    /// The groups in it.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    groups: BTreeSet<Id>,
}

const fn yes() -> bool {
    true
}

impl GroupState {
    /// All groups of `world`.
    pub(super) fn all(world: &World) -> impl Iterator<Item = Self> {
        world.groups.table.iter().map(|(id, group)| {
            let values = group.attributes.iter().filter_map(|(attribute, value)| {
                let attribute = world.attributes.0.at(*attribute)?;
                Some((attribute.name.clone(), value.clone()))
            });
            Self {
                id: Some(id),
                name: group.name.clone(),
                external_group_id: group.external_group_id.clone(),
                include_by_default: group.include_by_default,
                can_add_to_content_metadata: group.can_add_to_content_metadata,
                roles: group.roles.clone(),
                user_attributes: values.collect(),
                folder: group.folder,
                groups: group.groups.clone(),
            }
        })
    }

    /// Put this group into `world`, in the place of one with its id or, without an id, with its external id.
    pub(super) fn put(self, world: &mut World) -> Result<(), StateError> {
        let mut attributes = Vec::new();
        for (name, value) in self.user_attributes {
            let known = world.attributes.by_name(&name);
            let (id, _) = known.ok_or_else(|| {
                let group = &self.name;
                StateError::new(format!(
                    "the group `{group}` has a value for `{name}`, which is no user attribute"
                ))
            })?;
            attributes.push((id, value));
        }
        let external = self.external_group_id.as_deref();
        let known = external.and_then(|external| world.groups.by_external_id(external));
        let id = self.id.or(known);
        let id = id.unwrap_or_else(|| world.groups.table.next_id());
        // Members belong to users, so the ones already there are kept.
        let before = world.groups.table.remove(id).unwrap_or_default();
        let group = Group {
            name: self.name,
            external_group_id: self.external_group_id.clone(),
            can_add_to_content_metadata: self.can_add_to_content_metadata,
            include_by_default: self.include_by_default,
            roles: self.roles,
            attributes,
            folder: self.folder.or(before.folder),
            members: before.members,
            groups: self.groups,
        };
        let needs_folder = group.folder.is_none();
        world.groups.put(id, group).map_err(StateError::new)?;
        // A group with an external id shares a folder among its members.
        if let Some(external) = self.external_group_id.filter(|_| needs_folder) {
            world.give_group_folder(id, &external);
        }
        Ok(())
    }
}
