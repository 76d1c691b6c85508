//! Alerts: conditions that Looker watches, for the user who owns them and for those who follow.

use serde::{Deserialize, Serialize};

use crate::looker::call::Call;
use crate::looker::client::{Client, Removal};
use crate::looker::error::LookerError;
use crate::looker::fields;

/// The fields of an [`Alert`]; whom it notifies does not matter.
const FIELDS: &str =
    "id,owner_id,custom_title,field(title),is_disabled,is_public,followed,dashboard_element_id";

/// An alert.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(from = "Shown")]
pub struct Alert {
    /// The alert's id.
    pub id: String,
    /// The user who owns it.
    pub owner_id: Option<String>,
    /// Its custom title, or else the title of the field it watches.
    pub title: String,
    /// Whether it is paused.
    pub is_disabled: bool,
    /// Whether others can see and follow it.
    pub is_public: bool,
    /// Whether the calling user follows it; `None` if Looker does not say.
    pub followed: Option<bool>,
    /// The tile it is on.
    pub dashboard_element_id: Option<String>,
}

/// An alert as Looker shows it.
#[derive(Deserialize)]
struct Shown {
    #[serde(deserialize_with = "fields::id")]
    id: String,
    #[serde(default, deserialize_with = "fields::optional")]
    owner_id: Option<String>,
    #[serde(default, deserialize_with = "fields::optional")]
    custom_title: Option<String>,
    #[serde(default)]
    field: Option<Watched>,
    #[serde(default, deserialize_with = "fields::flag")]
    is_disabled: bool,
    #[serde(default, deserialize_with = "fields::flag")]
    is_public: bool,
    #[serde(default)]
    followed: Option<bool>,
    #[serde(default, deserialize_with = "fields::optional")]
    dashboard_element_id: Option<String>,
}

#[derive(Deserialize)]
struct Watched {
    #[serde(default, deserialize_with = "fields::text")]
    title: String,
}

impl From<Shown> for Alert {
    fn from(shown: Shown) -> Self {
        let watched = shown.field.map(|field| field.title);
        Self {
            id: shown.id,
            owner_id: shown.owner_id,
            title: shown.custom_title.or(watched).unwrap_or_default(),
            is_disabled: shown.is_disabled,
            is_public: shown.is_public,
            followed: shown.followed,
            dashboard_element_id: shown.dashboard_element_id,
        }
    }
}

impl Client {
    /// The alerts that this identity owns or follows; with `all_owners`, those of everyone (admins only).
    pub async fn alerts(&self, all_owners: bool) -> Result<Vec<Alert>, LookerError> {
        // belief: alerts-of-the-caller
        let call = Call::get("search_alerts", "/alerts/search", &[])?
            .query_some("all_owners", all_owners.then_some(true))
            .query("fields", FIELDS);
        self.pages(call).await
    }

    /// The alert `id`.
    pub async fn alert(&self, id: &str) -> Result<Alert, LookerError> {
        self.json(Call::get("get_alert", "/alerts/{alert_id}", &[id])?)
            .await
    }

    /// Give an alert to another user. Only admins may.
    pub async fn give_alert(&self, id: &str, owner_id: &str) -> Result<Alert, LookerError> {
        #[derive(Serialize)]
        struct Body<'a> {
            owner_id: &'a str,
        }

        // belief: alert-owner-can-be-written
        let call = Call::patch("update_alert_field", "/alerts/{alert_id}", &[id])?;
        self.json(call.json(&Body { owner_id })).await
    }

    /// Follow an alert as this identity. The API has no way to follow on another user's behalf.
    pub async fn follow_alert(&self, id: &str) -> Result<(), LookerError> {
        // belief: follow-is-for-oneself
        // Following twice is the same as following once, so a lost answer is simply asked for again.
        let call = Call::post("follow_alert", "/alerts/{alert_id}/follow", &[id])?;
        self.done(call.repeatable()).await
    }

    /// Stop following an alert as this identity.
    pub async fn unfollow_alert(&self, id: &str) -> Result<Removal, LookerError> {
        let template = "/alerts/{alert_id}/follow";
        self.remove(Call::delete("unfollow_alert", template, &[id])?)
            .await
    }
}
