//! What a signed URL asks of an instance: models, groups, attributes and a time zone that exist there.

use serde_json::Value;

use crate::commands::known::known;
use crate::error::Error;
use crate::looker::Client;
use crate::manifest::Known;
use crate::signed_url::inspect::{Diagnosis, Inspection};

/// Compare an inspected URL with the instance of `admin`.
pub(super) async fn compare(admin: &Client, inspection: &mut Inspection) -> Result<(), Error> {
    let known = known(admin, None).await?;
    for (refused, diagnosis) in differences(&known, inspection) {
        inspection.found(diagnosis, refused);
    }
    Ok(())
}

const ACCEPTS: &str =
    "Looker accepts the URL all the same, and the user lacks it; check the spelling, or create it";

/// What the instance does not have, and whether Looker refuses the URL for it.
fn differences(known: &Known, inspection: &Inspection) -> Vec<(bool, Diagnosis)> {
    let mut found: Vec<(bool, Diagnosis)> = Vec::new();
    for model in texts(inspection, "models") {
        let problem = known.model(&model);
        found.extend(problem.map(|problem| advice("model_unknown", problem, ACCEPTS)));
    }
    for group in texts(inspection, "group_ids") {
        found.extend(group_difference(known, &group));
    }
    let attributes = inspection
        .params
        .get("user_attributes")
        .and_then(Value::as_object);
    for (name, value) in attributes.into_iter().flatten() {
        found.extend(attribute_difference(known, name, value));
    }
    if inspection.params.contains_key("user_timezone") && known.user_timezones == Some(false) {
        found.push(refused(
            "timezones_off",
            "user time zones are switched off on this Looker, and `user_timezone` is sent"
                .to_owned(),
            "leave `user_timezone` out, or switch them on: Admin > General > Localization",
        ));
    }
    found
}

fn advice(name: &'static str, message: String, fix: &str) -> (bool, Diagnosis) {
    let fix = fix.to_owned();
    (false, Diagnosis { name, message, fix })
}

fn refused(name: &'static str, message: String, fix: &str) -> (bool, Diagnosis) {
    let fix = fix.to_owned();
    (true, Diagnosis { name, message, fix })
}

/// A login takes ids only.
fn group_difference(known: &Known, group: &str) -> Option<(bool, Diagnosis)> {
    let groups = known.groups.as_ref()?;
    if groups.contains_key(group) {
        return None;
    }
    Some(match groups.iter().find(|(_, name)| *name == group) {
        Some((id, _)) => {
            let message = format!("`{group}` is the name of a group, and `group_ids` takes ids");
            advice(
                "group_by_name",
                message,
                &format!("sign and send its id, `{id}`"),
            )
        }
        None => advice("group_unknown", known.group(group)?, ACCEPTS),
    })
}

fn attribute_difference(known: &Known, name: &str, value: &Value) -> Option<(bool, Diagnosis)> {
    if let Some(problem) = known.attribute(name) {
        return Some(advice("attribute_unknown", problem, ACCEPTS));
    }
    let wanted = wrong_type(known.kind(name), value)?;
    let message = format!("the user attribute `{name}` cannot be {value}: it takes {wanted}");
    Some(refused(
        "attribute_type",
        message,
        "send a value of its type; Looker answers such a login with 500",
    ))
}

/// The members of a list as text.
fn texts(inspection: &Inspection, name: &str) -> Vec<String> {
    let members = inspection.params.get(name).and_then(Value::as_array);
    let text = |member: &Value| {
        member
            .as_str()
            .map_or_else(|| member.to_string(), str::to_owned)
    };
    members.into_iter().flatten().map(text).collect()
}

/// What an attribute of `kind` takes, if `value` is not that.
fn wrong_type(kind: &str, value: &Value) -> Option<&'static str> {
    let text = value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned);
    let (fits, wanted) = match kind {
        "number" => (text.trim().parse::<f64>().is_ok(), "a number"),
        "yesno" => {
            let known = ["yes", "no", "true", "false"];
            (
                known.contains(&&*text.to_ascii_lowercase()),
                "`yes` or `no`",
            )
        }
        _ => return None,
    };
    // An empty value is none.
    (!fits && !text.is_empty()).then_some(wanted)
}
