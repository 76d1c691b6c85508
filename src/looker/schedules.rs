//! Schedules: deliveries of content that run as their owner, and are deleted with the owner.

use serde::{Deserialize, Serialize};

use crate::looker::call::Call;
use crate::looker::client::Client;
use crate::looker::error::LookerError;
use crate::looker::fields;

/// The fields of a [`ScheduledPlan`]; the destinations' addresses and secrets are left out.
const FIELDS: &str = "id,name,user_id,enabled,dashboard_id,look_id,scheduled_plan_destination(id)";

/// A schedule.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq)]
pub struct ScheduledPlan {
    /// The schedule's id.
    #[serde(deserialize_with = "fields::id")]
    pub id: String,
    /// The schedule's name.
    #[serde(default, deserialize_with = "fields::optional")]
    pub name: Option<String>,
    /// The user it runs as.
    #[serde(default, deserialize_with = "fields::optional")]
    pub user_id: Option<String>,
    /// Whether it is enabled.
    #[serde(default, deserialize_with = "fields::flag")]
    pub enabled: bool,
    /// The dashboard it sends, if any.
    #[serde(default, deserialize_with = "fields::optional")]
    pub dashboard_id: Option<String>,
    /// The look it sends, if any.
    #[serde(default, deserialize_with = "fields::optional")]
    pub look_id: Option<String>,
    /// The number of destinations.
    #[serde(
        default,
        rename = "scheduled_plan_destination",
        deserialize_with = "fields::count"
    )]
    pub destinations: usize,
}

impl Client {
    /// The schedules that a user owns.
    pub async fn scheduled_plans(&self, user_id: &str) -> Result<Vec<ScheduledPlan>, LookerError> {
        // belief: schedules-by-user
        let call = Call::get("all_scheduled_plans", "/scheduled_plans", &[])?
            .query("user_id", user_id)
            .query("fields", FIELDS);
        self.json(call).await
    }

    /// The schedules that a user owns, from the search, which Looker has had since 24.18 and which is described to include
    /// disabled and one-time schedules.
    pub async fn search_scheduled_plans(
        &self,
        user_id: &str,
    ) -> Result<Vec<ScheduledPlan>, LookerError> {
        // belief: schedule-search-shows-disabled
        let call = Call::get("search_scheduled_plans", "/scheduled_plans/search", &[])?
            .query("user_id", user_id)
            .query("sorts", "id")
            .query("fields", FIELDS);
        self.pages(call).await
    }

    /// The same; `None` on a Looker without the search, which is older or refuses it.
    pub async fn searched_scheduled_plans(
        &self,
        user_id: &str,
    ) -> Result<Option<Vec<ScheduledPlan>>, LookerError> {
        match self.search_scheduled_plans(user_id).await {
            // An older Looker reads the path as that of a schedule with the id `search`.
            Err(error) if matches!(error.refused_with(), Some(400 | 403..=405 | 422)) => Ok(None),
            answer => answer.map(Some),
        }
    }

    /// The schedules that this identity owns.
    pub async fn own_scheduled_plans(&self) -> Result<Vec<ScheduledPlan>, LookerError> {
        let call = Call::get("all_scheduled_plans", "/scheduled_plans", &[])?;
        self.json(call.query("fields", FIELDS)).await
    }

    /// The schedules of all users.
    pub async fn all_scheduled_plans(&self) -> Result<Vec<ScheduledPlan>, LookerError> {
        let call = Call::get("all_scheduled_plans", "/scheduled_plans", &[])?
            .query("all_users", "true")
            .query("fields", FIELDS);
        self.json(call).await
    }

    /// The schedule `id`.
    pub async fn scheduled_plan(&self, id: &str) -> Result<ScheduledPlan, LookerError> {
        let template = "/scheduled_plans/{scheduled_plan_id}";
        let call = Call::get("scheduled_plan", template, &[id])?;
        self.json(call.query("fields", FIELDS)).await
    }

    /// Start a schedule that is stopped, and return it as it is then. Nothing else is sent, as for a change of owner.
    pub async fn start_scheduled_plan(&self, id: &str) -> Result<ScheduledPlan, LookerError> {
        #[derive(Serialize)]
        struct Body {
            enabled: bool,
        }

        let template = "/scheduled_plans/{scheduled_plan_id}";
        // belief: schedule-starts-by-patch
        let call = Call::patch("update_scheduled_plan", template, &[id])?;
        let _said: ScheduledPlan = self.json(call.json(&Body { enabled: true })).await?;
        // Read back: an answer may repeat what was sent and was not done.
        self.scheduled_plan(id).await
    }

    /// Give a schedule to another user. Nothing else is sent: destinations in the body would replace the existing ones.
    pub async fn give_scheduled_plan(
        &self,
        id: &str,
        user_id: &str,
    ) -> Result<ScheduledPlan, LookerError> {
        #[derive(Serialize)]
        struct Body<'a> {
            user_id: &'a str,
        }

        let template = "/scheduled_plans/{scheduled_plan_id}";
        // belief: schedule-owner-can-be-written
        let call = Call::patch("update_scheduled_plan", template, &[id])?;
        self.json(call.json(&Body { user_id })).await
    }
}
