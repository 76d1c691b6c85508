//! Whether the default grants name things that exist.

use std::collections::BTreeSet;

use crate::commands::doctor::findings::Findings;
use crate::commands::doctor::{NOT_SET_UP, Patient};
use crate::error::Error;
use crate::looker::Client;

pub(super) async fn examine(
    patient: &Patient<'_>,
    admin: &Client,
    findings: &mut Findings,
) -> Result<(), Error> {
    let grants = patient.settings.grants();
    permissions(grants.permissions.as_deref(), admin, findings).await?;
    models(grants.models.as_deref(), admin, findings).await?;
    if let Some(wanted) = &grants.group_ids {
        let known = admin
            .groups()
            .await
            .map(|groups| groups.into_iter().map(|group| group.id));
        compare(
            "groups",
            wanted,
            known.map(Iterator::collect).map_err(Error::from),
            findings,
        )?;
    }
    let reachable = [&grants.models, &grants.group_ids];
    if reachable
        .iter()
        .all(|list| list.as_ref().is_none_or(Vec::is_empty))
    {
        findings.warn(
            "reach",
            "the profile's default grants name no model and no group, so a user made with them reaches no data",
            "set `grants.models` or `grants.group_ids` in the profile, or pass `--model` or `--group-id` each time",
        )?;
    }
    Ok(())
}

async fn permissions(
    wanted: Option<&[String]>,
    admin: &Client,
    findings: &mut Findings,
) -> Result<(), Error> {
    let Some(wanted) = wanted else {
        return Ok(());
    };
    let known = admin.permissions().await.map_err(Error::from);
    let known = known.map(|known| known.into_iter().map(|known| known.permission).collect());
    if !compare("permissions", wanted, known, findings)? {
        return Ok(());
    }
    let allowed = admin
        .setting_embed()
        .await
        .ok()
        .and_then(|setting| setting.allowed_permissions());
    let Some(allowed) = allowed else {
        return Ok(());
    };
    for permission in wanted
        .iter()
        .filter(|permission| !allowed.contains(*permission))
    {
        findings.warn(
            "permissions",
            format!("Looker does not allow `{permission}` for embed users"),
            "take it out of `grants.permissions`",
        )?;
    }
    Ok(())
}

async fn models(
    wanted: Option<&[String]>,
    admin: &Client,
    findings: &mut Findings,
) -> Result<(), Error> {
    let Some(wanted) = wanted else {
        return Ok(());
    };
    let known = admin.lookml_models().await.map_err(Error::from);
    let known = known.map(|known| known.into_iter().map(|known| known.name).collect());
    compare("models", wanted, known, findings).map(|_| ())
}

/// Whether everything that is wanted is known.
fn compare(
    check: &str,
    wanted: &[String],
    known: Result<BTreeSet<String>, Error>,
    findings: &mut Findings,
) -> Result<bool, Error> {
    let known = match known {
        Ok(known) => known,
        Err(error) => {
            findings.fail(check, &error)?;
            return Ok(false);
        }
    };
    let missing: Vec<&str> = wanted
        .iter()
        .filter(|name| !known.contains(*name))
        .map(String::as_str)
        .collect();
    if missing.is_empty() {
        findings.pass(
            check,
            format!("Looker knows all of `{}`", wanted.join("`, `")),
        )?;
        return Ok(true);
    }
    let error = Error::new(
        NOT_SET_UP,
        format!("Looker does not know `{}`", missing.join("`, `")),
    );
    let names: Vec<&str> = known.iter().map(String::as_str).take(20).collect();
    findings.fail(
        check,
        &error.hint(format!(
            "change `grants.{}` in the profile; Looker knows `{}`",
            key(check),
            names.join("`, `")
        )),
    )?;
    Ok(false)
}

/// The key of the profile that a check is about.
fn key(check: &str) -> &str {
    match check {
        "groups" => "group_ids",
        other => other,
    }
}
