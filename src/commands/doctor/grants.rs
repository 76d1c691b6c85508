//! Whether the default grants name things that exist.

use std::collections::BTreeSet;

use crate::commands::doctor::findings::Findings;
use crate::commands::doctor::{DoctorContext, NOT_SET_UP};
use crate::error::Error;
use crate::looker::Client;
use crate::permissions::Concern;

pub(super) async fn examine(
    cx: &DoctorContext<'_>,
    admin: &Client,
    findings: &mut Findings,
) -> Result<(), Error> {
    let grants = cx.settings.grants();
    let in_groups = grants
        .group_ids
        .as_ref()
        .is_some_and(|groups| !groups.is_empty());
    permissions(grants.permissions.as_deref(), in_groups, admin, findings).await?;
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
            "the profile's default grants name no model and no group, so a user created with them reaches no data",
            "set `grants.models` or `grants.group_ids` in the profile, or pass `--model` or `--group` each time",
        )?;
    }
    Ok(())
}

async fn permissions(
    wanted: Option<&[String]>,
    in_groups: bool,
    admin: &Client,
    findings: &mut Findings,
) -> Result<(), Error> {
    let Some(wanted) = wanted else {
        return Ok(());
    };
    let setting = admin.setting_embed().await.ok();
    let known = admin.embed_permissions(setting.as_ref()).await;
    let names = || wanted.iter().map(String::as_str);
    let concerns: Vec<Concern> = names()
        .filter_map(|name| known.judge(name))
        .chain(known.advice(names(), in_groups))
        .collect();
    if concerns.is_empty() {
        return findings.pass("permissions", "embed users can have all of the profile's");
    }
    let messages: Vec<&str> = concerns.iter().map(|it| it.message.as_str()).collect();
    let (messages, fix) = (
        messages.join("; "),
        "change `grants.permissions` in the profile",
    );
    match concerns.iter().any(|concern| concern.refused) {
        true => findings.fail("permissions", &Error::new(NOT_SET_UP, messages).hint(fix)),
        false => findings.warn("permissions", messages, fix),
    }
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
    compare("models", wanted, known, findings)
}

/// Report whether everything that is wanted is known.
fn compare(
    check: &str,
    wanted: &[String],
    known: Result<BTreeSet<String>, Error>,
    findings: &mut Findings,
) -> Result<(), Error> {
    let known = match known {
        Ok(known) => known,
        Err(error) => {
            return findings.fail(check, &error);
        }
    };
    let missing: Vec<&str> = wanted
        .iter()
        .filter(|name| !known.contains(*name))
        .map(String::as_str)
        .collect();
    if missing.is_empty() {
        return findings.pass(
            check,
            format!("Looker knows all of `{}`", wanted.join("`, `")),
        );
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
    )
}

/// The key of the profile that a check is about.
fn key(check: &str) -> &str {
    match check {
        "groups" => "group_ids",
        other => other,
    }
}
