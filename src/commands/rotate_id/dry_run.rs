//! Shows what moving people would do, and does nothing.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::commands::json_object::with;
use crate::commands::minter;
use crate::commands::rotate_id::show::tree;
use crate::commands::session::Session;
use crate::error::{Error, Exit};
use crate::report::Format;
use crate::workflow::{ItemKind, RotateIdSpec};

/// Show what would be done, and do nothing.
pub(super) fn dry_run(
    specs: &[RotateIdSpec],
    many: bool,
    session: &Session,
) -> Result<Exit, Error> {
    let keys_by = session.keys.minter().word();
    match session.ui.format() {
        Format::Env => return Err(session.ui.no_env_form()),
        Format::Jsonl | Format::Json => {
            for spec in specs {
                session
                    .ui
                    .json(&with(plan_json(spec), "keys_by", keys_by))?;
            }
        }
        Format::Table => {
            for spec in specs {
                session.ui.data(&tree(spec).to_string())?;
                session.ui.data("\n")?;
            }
            if specs.iter().any(|spec| spec.user.key.is_some()) {
                session.ui.status(minter::sentence(session));
            }
        }
    }
    if many || specs.is_empty() {
        let calls: usize = specs.iter().map(RotateIdSpec::calls).sum();
        let people = match specs.len() {
            1 => "1 person".to_owned(),
            people => format!("{people} people"),
        };
        session.ui.status(format!(
            "{people} would move, with about {calls} calls of the API."
        ));
    }
    Ok(Exit::Done)
}

fn plan_json(spec: &RotateIdSpec) -> Value {
    let would_move: BTreeMap<&str, usize> = ItemKind::ALL
        .into_iter()
        .map(|kind| (kind.plural(), spec.count(kind)))
        .collect();
    let renamed: Vec<Value> = spec
        .clashes()
        .into_iter()
        .map(|(item, name)| json!({ "kind": item.kind, "id": item.id, "from": item.title, "to": name }))
        .collect();
    let attributes: Vec<&String> = spec.user.grants.user_attributes.keys().collect();
    json!({
        "dry_run": true,
        "from": { "external_user_id": spec.from.external_user_id, "looker_user_id": spec.from.looker_user_id },
        "to": {
            "external_user_id": spec.user.external_user_id,
            "looker_user_id": spec.into.as_ref().map(|into| &into.looker_user_id),
        },
        "would_move": would_move,
        "items": spec.from.items,
        "roles": spec.from.roles,
        "groups": spec.from.groups,
        "attributes": attributes,
        "renamed": renamed,
        "not_moved": spec.stays,
        "stuck": spec.stuck,
        "mints_key": spec.user.key.is_some(),
        "revokes_keys": spec.from.keys.iter().map(|key| &key.id).collect::<Vec<_>>(),
        "old": spec.old,
        "calls": spec.calls(),
    })
}
