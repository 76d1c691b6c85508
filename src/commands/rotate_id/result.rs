//! The result of a change of an `external_user_id`, for people and programs.

use std::iter;

use serde_json::{Value, json};

use crate::commands::json_object::with;
use crate::commands::key_sink;
use crate::commands::rotate_id::show::counted_word;
use crate::error::Error;
use crate::ledger::RunId;
use crate::report::{Format, Ui, error_json};
use crate::workflow::{Found, ItemKind, OldEnd, RotatedId};

/// The start of a result whose key goes to standard output: the secret is printed as soon as it exists, because it cannot be
/// retrieved again; the rest follows when it is known.
pub(crate) fn open(ui: &Ui, base_url: &str, found: &Found, secret: &str) -> Result<(), Error> {
    let Some(key) = &found.key else {
        return Ok(());
    };
    match ui.format() {
        Format::Env => key_sink::print_env(ui, base_url, Some(key), Some(secret)),
        Format::Table => ui.fields(&key_sink::key_rows(key, Some(secret))),
        Format::Json | Format::Jsonl => {
            let key = key_sink::key_json(key, Some(secret));
            ui.data(&format!("{{\"key\":{key}"))
        }
    }
}

/// A key, with many people, as soon as it exists; the rest follows.
pub(crate) fn key_only(found: &Found, secret: &str) -> Value {
    let key = found.key.as_ref();
    json!({
        "type": "key",
        "external_user_id": found.external_user_id,
        "looker_user_id": found.looker_user_id,
        "key": key.map(|key| key_sink::key_json(key, Some(secret))),
    })
}

/// The rest of a result that was started, or all of one that was not.
pub(crate) fn close(
    ui: &Ui,
    run: RunId,
    found: &Found,
    opened: bool,
    error: Option<&Error>,
) -> Result<(), Error> {
    match (ui.format(), opened) {
        (Format::Env, true) => Ok(()),
        (Format::Env, false) => Err(ui.no_env_form()),
        (Format::Table, _) => ui.fields(&rows(found, opened)),
        (Format::Json | Format::Jsonl, _) => {
            let mut result = json(run, found);
            if let Some(error) = error {
                let error = error_json(error);
                result = with(
                    result,
                    "error",
                    error.get("error").cloned().unwrap_or_default(),
                );
            }
            if !opened {
                return ui.json(&result);
            }
            if let Some(result) = result.as_object_mut() {
                result.remove("key");
            }
            let rest = result.to_string();
            ui.data(&format!(",{}\n", rest.strip_prefix('{').unwrap_or(&rest)))
        }
    }
}

/// The columns of many results.
pub(crate) const HEADER: [&str; 6] = ["from", "to", "looker user id", "moved", "not moved", "key"];

/// One of many results.
pub(crate) fn row(found: &Found) -> Vec<String> {
    let rotated = rotated(found);
    let key = found.key.as_ref().map(|key| key.id.clone());
    vec![
        rotated.from.external_user_id.clone(),
        found.external_user_id.clone(),
        found.looker_user_id.clone().unwrap_or_default(),
        moved(&rotated).join(", "),
        rotated.not_moved.len().to_string(),
        key.unwrap_or_default(),
    ]
}

/// One result as JSON, without a secret.
pub(crate) fn json(run: RunId, found: &Found) -> Value {
    let rotated = rotated(found);
    let not_moved = rotated.not_moved.iter().chain(&rotated.refused);
    let not_moved: Vec<Value> = not_moved
        .map(|it| json!({ "kind": it.kind, "id": it.id, "title": it.title, "reason": it.reason }))
        .collect();
    json!({
        "run_id": run,
        "from": rotated.from,
        "to": { "external_user_id": found.external_user_id, "looker_user_id": found.looker_user_id },
        "moved": rotated.moved,
        "renamed": rotated.renamed,
        "not_moved": not_moved,
        "old": rotated.old.map(OldEnd::done),
        "key": found.key.as_ref().map(|key| key_sink::key_json(key, None)),
        "revoked_keys": found.revoked,
        "reconciled": found.reconciled,
        "warnings": found.warnings,
    })
}

fn rotated(found: &Found) -> RotatedId {
    found.rotated.as_deref().cloned().unwrap_or_default()
}

fn rows(found: &Found, key_printed: bool) -> Vec<(&'static str, String)> {
    let rotated = rotated(found);
    let looker = |id: &Option<String>| id.clone().unwrap_or_default();
    let mut rows = vec![
        (
            "from",
            format!(
                "{}, Looker user {}",
                rotated.from.external_user_id,
                looker(&rotated.from.looker_user_id)
            ),
        ),
        (
            "to",
            format!(
                "{}, Looker user {}",
                found.external_user_id,
                looker(&found.looker_user_id)
            ),
        ),
    ];
    let moved = moved(&rotated);
    let labels = ["moved"].into_iter().chain(iter::repeat(""));
    rows.extend(labels.zip(moved));
    rows.extend(rotated.renamed.iter().map(|it| {
        (
            "renamed",
            format!(
                "{} {}: `{}` is `{}` now",
                it.kind.word(),
                it.id,
                it.from,
                it.to
            ),
        )
    }));
    rows.extend(
        rotated
            .not_moved
            .iter()
            .map(|it| ("not moved", it.to_string())),
    );
    rows.extend(
        rotated
            .refused
            .iter()
            .map(|it| ("not moved", it.to_string())),
    );
    if !found.revoked.is_empty() {
        rows.push(("revoked", format!("key {}", found.revoked.join(", "))));
    }
    rows.push((
        "old user",
        rotated.old.map_or("left as it is", OldEnd::done).to_owned(),
    ));
    if let Some(key) = found.key.as_ref().filter(|_| !key_printed) {
        rows.extend(key_sink::key_rows(key, None));
    }
    rows
}

/// What has moved, such as `7 dashboards`, `3 looks`.
fn moved(rotated: &RotatedId) -> Vec<String> {
    let things = ItemKind::ALL.map(ItemKind::plural);
    let words = things.into_iter().chain(["roles", "groups", "attributes"]);
    let counts: Vec<String> = words
        .filter_map(|word| Some((*rotated.moved.get(word)?, word)))
        .filter(|(count, _)| *count > 0)
        .map(|(count, word)| counted_word(count, word))
        .collect();
    match counts.is_empty() {
        true => vec!["nothing, since there was nothing".to_owned()],
        false => counts,
    }
}
