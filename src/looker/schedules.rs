//! Schedules: deliveries of content that run as the user who owns them, and are deleted with it.

use serde::Deserialize;

use crate::looker::call::Call;
use crate::looker::client::Client;
use crate::looker::error::LookerError;
use crate::looker::fields;

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
    /// Whether it runs.
    #[serde(default, deserialize_with = "fields::flag")]
    pub enabled: bool,
}

impl Client {
    /// The schedules that a user owns.
    pub async fn scheduled_plans(&self, user_id: &str) -> Result<Vec<ScheduledPlan>, LookerError> {
        let call = Call::get("all_scheduled_plans", "/scheduled_plans", &[])?;
        self.json(call.query("user_id", user_id)).await
    }
}
