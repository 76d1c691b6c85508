//! A user as Looker shows it, reduced to what a plan needs.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::looker::User;
use crate::workflow::{Stage, Standing};

/// The fields that [`ObservedUser`] is made from, for a sweep.
pub(crate) const FIELDS: &str =
    "id,first_name,last_name,is_disabled,group_ids,role_ids,credentials_embed,credentials_api3";

/// An embed user as Looker shows it.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub(crate) struct ObservedUser {
    /// Looker's id.
    pub(crate) id: String,
    /// The company's id.
    pub(crate) external_user_id: String,
    /// The first name.
    pub(crate) first_name: Option<String>,
    /// The last name.
    pub(crate) last_name: Option<String>,
    /// Whether it cannot log in.
    pub(crate) is_disabled: bool,
    /// The groups it is in, directly or not.
    pub(crate) group_ids: Vec<String>,
    /// The external group of its latest login.
    pub(crate) external_group_id: Option<String>,
    /// The roles it has, directly or not.
    pub(crate) role_ids: Vec<String>,
    /// Its keys that are neither in overlap nor due, by Looker's id and client id.
    pub(crate) keys: Vec<(String, String)>,
    /// Whether one of its keys is tagged as delivered by embedctl.
    pub(crate) has_our_key: bool,
}

impl ObservedUser {
    /// The user at `now`, under each of its ids as an embed user; empty if it is none.
    pub(crate) fn of(user: &User, now: Timestamp) -> Vec<Self> {
        let ids: BTreeSet<String> = user
            .credentials_embed
            .iter()
            .filter_map(|credential| credential.external_user_id.clone())
            .collect();
        let ids = ids.into_iter();
        ids.filter_map(|id| Self::named(user.clone(), &id, now))
            .collect()
    }

    /// `user` as the embed user `external_user_id`; `None` if it is not that user.
    pub(crate) fn named(user: User, external_user_id: &str, now: Timestamp) -> Option<Self> {
        if !user.has_external_user_id(external_user_id) {
            return None;
        }
        let external_group_id = user.external_group_id().map(str::to_owned);
        // belief: key-list-in-user
        let keys = user.credentials_api3.unwrap_or_default();
        let mut has_our_key = false;
        let mut lasting = Vec::new();
        for key in keys {
            let standing = Standing::of(&key, &[]);
            // belief: key-never-expires
            has_our_key |= standing.serves(now) && !key.is_disabled;
            if standing.state != Some(Stage::Overlap) && !standing.is_due(now) {
                lasting.push((key.id, key.client_id));
            }
        }
        Some(Self {
            id: user.id,
            external_user_id: external_user_id.to_owned(),
            first_name: user.first_name,
            last_name: user.last_name,
            is_disabled: user.is_disabled,
            group_ids: user.group_ids,
            external_group_id,
            role_ids: user.role_ids,
            keys: lasting,
            has_our_key,
        })
    }
}
