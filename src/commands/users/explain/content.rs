//! The dashboard or look: whether it is there, and the models and permissions that seeing it takes.

use std::collections::BTreeSet;

use crate::commands::users::explain::findings::{Asked, Cause, CauseKind, Findings, names};
use crate::commands::users::explain::person::{Person, grant};
use crate::commands::users::explain::target::Target;
use crate::commands::users::reach::Reach;
use crate::looker::{Client, ContentKind, Shown};

/// The model of System Activity, which no list of models has.
const SYSTEM_ACTIVITY: &str = "system__activity";

/// What the admin sees; `None` if that is nothing, which is said here.
pub(super) async fn read(
    target: &Target,
    admin: &Client,
    findings: &mut Findings,
) -> Option<Shown> {
    let words = target.words();
    match Asked::from(admin.shown(target.kind, &target.id).await) {
        Asked::Got(shown) if shown.deleted => {
            findings.fail(
                "content",
                format!("{words} (`{}`) is in the trash", shown.title),
                Cause::new(
                    CauseKind::ContentDeleted,
                    format!("{words} has been deleted: it is in the trash, where no one sees it"),
                    "restore it in Looker (Admin > Trash), or embed another one",
                ),
            );
            Some(shown)
        }
        Asked::Got(shown) => {
            findings.pass("content", format!("{words}: `{}`", shown.title));
            Some(shown)
        }
        Asked::Refused(why) => {
            findings.fail(
                "content",
                format!("the API key's user does not see {words}: {why}"),
                Cause::new(
                    CauseKind::ContentNotFound,
                    format!("there is no {words} that the API key's user can see"),
                    "check the id, and that this profile is for the Looker that serves it; it may have been deleted for good",
                ),
            );
            None
        }
        Asked::Unclear(why) => {
            findings.unclear("content", why);
            None
        }
    }
}

/// The models that what is shown takes.
pub(super) fn models(target: &Target, shown: &Shown) -> BTreeSet<String> {
    let queries = shown.tiles.iter().filter_map(|tile| tile.query.as_ref());
    let mut models: BTreeSet<String> = queries.map(|query| query.model.clone()).collect();
    models.extend(target.lookml_model().map(str::to_owned));
    models
}

/// The permissions that seeing it takes.
fn permissions(target: &Target) -> &'static [&'static str] {
    // belief: content-takes-permission
    match target.kind {
        ContentKind::Dashboard if target.is_lookml() => &["see_lookml_dashboards"],
        ContentKind::Dashboard => &["see_looks", "see_user_dashboards"],
        ContentKind::Look => &["see_looks"],
    }
}

/// Judge the models and permissions that it takes against the person's.
pub(super) fn judge_grants(
    person: &Person,
    target: &Target,
    (shown, reached): (&Shown, Option<&Asked<Shown>>),
    findings: &mut Findings,
) {
    let Some(reach) = person.reach_or_say(findings) else {
        return;
    };
    let needed = permissions(target);
    let missing = names(reach.lacking(needed));
    match reached {
        // Looker shows it, so the roles are not the whole truth, or the permission does something else.
        Some(Asked::Got(_)) if !missing.is_empty() => findings.unclear(
            "permissions",
            format!(
                "the user's roles lack {missing}, and yet Looker's API shows it {}",
                target.words()
            ),
        ),
        _ => person.judge_permissions(&reach, needed, findings),
    }
    judge_models(person, &reach, &models(target, shown), findings);
}

fn judge_models(
    person: &Person,
    reach: &Reach,
    needed: &BTreeSet<String>,
    findings: &mut Findings,
) {
    let by_role = |model: &String| reach.all_models || reach.models.contains(model);
    let can = |model: &String| match &person.seen {
        Some(seen) => seen.contains(model) || model == SYSTEM_ACTIVITY,
        None => by_role(model),
    };
    let missing: BTreeSet<&String> = needed.iter().filter(|model| !can(model)).collect();
    let Some(first) = missing.first().copied() else {
        let needed = names(needed.iter().map(String::as_str));
        return findings.pass(
            "models",
            match needed.is_empty() {
                true => "none is needed".to_owned(),
                false => format!("{needed} can be queried"),
            },
        );
    };
    let listed = names(missing.iter().map(|model| model.as_str()));
    let id = &person.external_user_id;
    let known = person.models.as_ref();
    let unknown = known
        .is_ok_and(|known| !known.is_empty() && !known.iter().any(|known| known.name == *first));
    let cause = if unknown && first != SYSTEM_ACTIVITY {
        Cause::new(
            CauseKind::ModelUnknown,
            format!("there is no model `{first}`, which the tiles query"),
            "deploy the model, or set it up in Looker (Develop > Projects); or change the tiles",
        )
    } else if person.seen.is_none() {
        let why =
            format!("the roles that Looker shows name no {listed}; not confirmed as the user");
        return findings.unclear("models", why);
    } else if by_role(first) {
        let why =
            format!("the user's roles name {listed}, but Looker does not show it to the user");
        return findings.unclear("models", why);
    } else if reach.without_data.contains(first) {
        Cause::new(
            CauseKind::PermissionMissing,
            format!("`{id}` lacks the permission `access_data` on the model {listed}"),
            grant(id, &format!("--permission access_data --model {first}")),
        )
    } else {
        let flags: Vec<String> = missing
            .iter()
            .map(|model| format!("--model {model}"))
            .collect();
        Cause::new(
            CauseKind::ModelMissing,
            format!("`{id}` cannot query the model {listed}, so tiles of it stay empty"),
            grant(id, &flags.join(" ")),
        )
    };
    findings.fail("models", format!("the user cannot query {listed}"), cause);
}
