//! The permissions an embed user can have.

use crate::signed_url::inspect::Check;
use crate::signed_url::permissions::is_for_embed_users;
use crate::signed_url::verify::Query;

/// The name of the check, which is advice.
pub(super) const CHECK: &str = "permissions";

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
    permissions.retain(|permission| !is_for_embed_users(permission));
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
