//! The permissions an embed user can have.

use crate::signed_url::inspect::Check;
use crate::signed_url::verify::Query;

/// The name of the check, which is advice.
pub(super) const CHECK: &str = "permissions";

/// From Looker's Embed SDK, `server/types.ts`, and newer ones seen in Looker's own demo applications.
const ALLOWED: [&str; 26] = [
    "access_data",
    "can_create_forecast",
    "chat_with_explore",
    "clear_cache_refresh",
    "create_alerts",
    "create_custom_fields",
    "create_table_calculations",
    "download_with_limit",
    "download_without_limit",
    "embed_browse_spaces",
    "embed_save_shared_space",
    "explore",
    "save_content",
    "save_dashboards",
    "save_looks",
    "schedule_external_look_emails",
    "schedule_look_emails",
    "see_drill_overlay",
    "see_lookml_dashboards",
    "see_looks",
    "see_sql",
    "see_user_dashboards",
    "send_outgoing_webhook",
    "send_to_integration",
    "send_to_s3",
    "send_to_sftp",
];

/// What is to be said about them.
pub(super) fn check(query: Option<&Query>) -> Check {
    let problem = problem(query);
    Check {
        name: CHECK,
        ok: problem.is_none(),
        detail: match problem {
            Some(Problem { message, .. }) => message,
            None if list(query, "group_ids").is_empty() => {
                "all of them are for embed users".to_owned()
            }
            None => "embed users can have them, and those of the groups".to_owned(),
        },
    }
}

/// What keeps the user from doing anything once it is in.
pub(super) struct Problem {
    pub(super) message: String,
    pub(super) fix: &'static str,
}

/// What an embed user cannot have, or lacks.
pub(super) fn problem(query: Option<&Query>) -> Option<Problem> {
    let foreign = foreign(query);
    if !foreign.is_empty() {
        return Some(Problem {
            message: format!("embed users cannot have `{}`", foreign.join("`, `")),
            fix: "leave them out; Looker drops them or refuses the URL",
        });
    }
    let none = |name| list(query, name).is_empty();
    let lacks = (none("permissions") || none("models")) && none("group_ids");
    lacks.then(|| Problem {
        message: "the user reaches no model, so every query is answered with 404".to_owned(),
        fix: "give both permissions and models, or a group that has them",
    })
}

/// The permissions in the URL that embed users cannot have.
fn foreign(query: Option<&Query>) -> Vec<String> {
    let mut permissions = list(query, "permissions");
    permissions.retain(|permission| !ALLOWED.contains(&permission.as_str()));
    permissions
}

/// A list in the URL, its elements as text; empty where it is not a list.
fn list(query: Option<&Query>, name: &str) -> Vec<String> {
    let text = query
        .and_then(|query| query.value(name))
        .unwrap_or_default();
    let items: Vec<serde_json::Value> = serde_json::from_str(text).unwrap_or_default();
    items
        .iter()
        .map(|item| {
            item.as_str()
                .map_or_else(|| item.to_string(), str::to_owned)
        })
        .collect()
}
