//! Kinds of content and folders, and the group that every Looker has.

use serde::{Deserialize, Serialize};

use crate::emulator::world::table::Id;

/// The group that everyone is in, as recorded of every instance.
pub(crate) const ALL_USERS: Id = 1;

/// The two kinds of content that live in folders.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum PieceKind {
    Dashboard,
    Look,
}

/// What a folder is for.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum FolderKind {
    Plain,
    SharedRoot,
    UsersRoot,
    EmbedSharedRoot,
    EmbedUsersRoot,
    Personal,
    Group,
}
