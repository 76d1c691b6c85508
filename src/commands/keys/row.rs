//! A key in a list: what Looker shows of it, and its standing.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::looker::Api3Key;
use crate::system::duration;
use crate::workflow::{Owner, Stage, Standing};

/// A key, its user, and its standing.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) external_user_id: Option<String>,
    pub(crate) looker_user_id: String,
    pub(crate) key: Api3Key,
    pub(crate) standing: Standing,
}

/// The columns of a table of keys.
pub(crate) const HEADER: [&str; 8] = [
    "user",
    "id",
    "client id",
    "owner",
    "state",
    "age",
    "revoked on",
    "purpose",
];

impl Row {
    /// The key as JSON.
    pub(crate) fn json(&self, now: Timestamp) -> Value {
        let (key, standing) = (&self.key, self.standing);
        let delivered = standing.state.filter(|_| standing.is_ours());
        let delivered = delivered.map(|state| state != Stage::Undelivered);
        json!({
            "external_user_id": self.external_user_id,
            "looker_user_id": self.looker_user_id,
            "key_id": key.id,
            "id": key.id,
            "client_id": key.client_id,
            "owner": standing.owner,
            "state": standing.state,
            "purpose": key.purpose,
            "created_at": key.created_at,
            "due": standing.due,
            "age_seconds": self.age(now).map(|age| age.as_secs()),
            "is_disabled": key.is_disabled,
            "delivered": delivered,
            "revoke_at": standing.due,
        })
    }

    /// The key for a table.
    pub(crate) fn cells(&self, now: Timestamp) -> Vec<String> {
        let (key, standing) = (&self.key, self.standing);
        let due = standing.due.map(|due| duration::from_now(due, now));
        vec![
            self.user().to_owned(),
            key.id.clone(),
            key.client_id.clone(),
            owner(standing.owner).to_owned(),
            standing.state.map_or("", state).to_owned(),
            self.age(now).map(duration::rough).unwrap_or_default(),
            due.unwrap_or_default(),
            key.purpose.clone().unwrap_or_default(),
        ]
    }

    /// The company's id of the user, or Looker's.
    pub(crate) fn user(&self) -> &str {
        let external = self.external_user_id.as_deref();
        external.unwrap_or(&self.looker_user_id)
    }

    fn age(&self, now: Timestamp) -> Option<Duration> {
        let created_at = self.key.created_at.known()?;
        Some(Duration::try_from(now.duration_since(created_at)).unwrap_or_default())
    }
}

/// The word for the owner of a key.
pub(crate) const fn owner(owner: Owner) -> &'static str {
    match owner {
        Owner::Ours => "ours",
        Owner::Foreign => "foreign",
    }
}

const fn state(state: Stage) -> &'static str {
    match state {
        Stage::Delivered => "delivered",
        Stage::Undelivered => "undelivered",
        Stage::Overlap => "overlap",
        Stage::Nameless => "nameless",
    }
}
