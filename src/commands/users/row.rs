//! An embed user as a row of a table, of CSV, or as JSON.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::commands::users::filter::last_seen;
use crate::looker::{User, When};
use crate::system::duration;

/// The columns of the table.
pub(super) const TABLE: [&str; 7] = [
    "external user id",
    "looker id",
    "name",
    "state",
    "external group",
    "last seen",
    "keys",
];

/// The columns of CSV.
pub(super) const CSV: [&str; 8] = [
    "external_user_id",
    "looker_user_id",
    "first_name",
    "last_name",
    "state",
    "external_group_id",
    "last_seen",
    "keys",
];

pub(super) fn table(user: &User, now: Timestamp) -> Vec<String> {
    let name = [user.first_name.as_deref(), user.last_name.as_deref()];
    let name: Vec<_> = name.into_iter().flatten().collect();
    vec![
        user.external_user_id().unwrap_or("-").to_owned(),
        user.id.clone(),
        name.join(" "),
        state(user).to_owned(),
        user.external_group_id().unwrap_or_default().to_owned(),
        ago(user, now),
        keys(user).map(|keys| keys.to_string()).unwrap_or_default(),
    ]
}

pub(super) fn csv(user: &User) -> [String; 8] {
    [
        user.external_user_id().unwrap_or_default().to_owned(),
        user.id.clone(),
        user.first_name.clone().unwrap_or_default(),
        user.last_name.clone().unwrap_or_default(),
        state(user).to_owned(),
        user.external_group_id().unwrap_or_default().to_owned(),
        seen(user),
        keys(user).map(|keys| keys.to_string()).unwrap_or_default(),
    ]
    .map(harmless)
}

pub(super) fn json(user: &User) -> Value {
    let credential = user.credentials_embed.first();
    json!({
        "external_user_id": user.external_user_id(),
        "looker_user_id": user.id,
        "first_name": user.first_name,
        "last_name": user.last_name,
        "is_disabled": user.is_disabled,
        "external_group_id": user.external_group_id(),
        "group_ids": user.group_ids,
        "role_ids": user.role_ids,
        "keys": keys(user),
        "created_at": credential.map(|credential| credential.created_at),
        "logged_in_at": credential.map(|credential| credential.logged_in_at),
    })
}

/// How long ago the user was last seen, for people; empty if never.
pub(super) fn ago(user: &User, now: Timestamp) -> String {
    match last_seen(user) {
        When::At(moment) => duration::from_now(moment, now),
        When::Never | When::Unreadable => seen(user),
    }
}

/// When the user was last seen; empty if never.
fn seen(user: &User) -> String {
    match last_seen(user) {
        When::Never => String::new(),
        When::At(moment) => moment.to_string(),
        When::Unreadable => "unreadable".to_owned(),
    }
}

fn keys(user: &User) -> Option<usize> {
    user.credentials_api3.as_ref().map(Vec::len)
}

pub(super) const fn state(user: &User) -> &'static str {
    if user.is_disabled {
        "disabled"
    } else {
        "enabled"
    }
}

/// A CSV field. What a spreadsheet would read as a formula gets a leading `'`, which makes it text there; so does text that already
/// starts with one, so that removing one `'` always restores the original.
fn harmless(field: String) -> String {
    let bare = field.trim_start_matches('\'');
    match bare.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        true => format!("'{field}"),
        false => field,
    }
}
