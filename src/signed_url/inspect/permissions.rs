//! The permissions an embed user can have.

use crate::permissions::{Concern, Permissions};
use crate::signed_url::inspect::Check;
use crate::signed_url::verify::Query;

/// The name of the check, which is advice.
pub(super) const CHECK: &str = "permissions";

/// The result of the check.
pub(super) fn check(query: Option<&Query>, known: &Permissions) -> Check {
    let problem = problem(query, known);
    Check {
        name: CHECK,
        ok: Some(problem.is_none()),
        detail: match problem {
            Some(Problem { message, .. }) => message,
            None if list(query, "group_ids").is_empty() => {
                "embed users can have all of them".to_owned()
            }
            None => "embed users can have them, and the groups may add more".to_owned(),
        },
    }
}

/// What would leave the user without access.
pub(super) struct Problem {
    pub(super) message: String,
    pub(super) fix: &'static str,
}

/// Permissions that an embed user cannot have, or lacks.
pub(super) fn problem(query: Option<&Query>, known: &Permissions) -> Option<Problem> {
    let permissions = list(query, "permissions");
    let concerns: Vec<Concern> = permissions
        .iter()
        .filter_map(|name| known.judge(name))
        .collect();
    if !concerns.is_empty() {
        return Some(Problem {
            message: messages(&concerns),
            fix: match concerns.iter().any(|concern| concern.refused) {
                true => "leave them out; Looker drops them or refuses the URL",
                false => {
                    "Looker drops permissions that embed users cannot have, or refuses the URL; `--online` asks yours"
                }
            },
        });
    }
    let none = |name| list(query, name).is_empty();
    if (none("permissions") || none("models")) && none("group_ids") {
        return Some(Problem {
            message: "the user reaches no model, so every query is answered with 404".to_owned(),
            fix: "give both permissions and models, or a group that has them",
        });
    }
    let names = permissions.iter().map(String::as_str);
    let advice = known.advice(names, !none("group_ids"));
    (!advice.is_empty()).then(|| Problem {
        message: messages(&advice),
        fix: "give those too, or a group that has them",
    })
}

fn messages(concerns: &[Concern]) -> String {
    let messages: Vec<&str> = concerns
        .iter()
        .map(|concern| concern.message.as_str())
        .collect();
    messages.join("; ")
}

/// A list in the URL with its elements as text; empty if it is not a list.
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
