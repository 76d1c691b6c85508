//! Whether the person can reach the dashboard or look, and who its folder is shared with.

use crate::commands::users::explain::findings::{Asked, Cause, CauseKind, Findings, names};
use crate::commands::users::explain::person::Person;
use crate::commands::users::explain::target::Target;
use crate::looker::{Client, LookerError, Shown};

/// How many folders above a dashboard are looked at.
const DEEPEST: usize = 20;

/// Who something is shared with, itself or by what it is in.
#[derive(Debug, Default)]
struct Sharing {
    users: Vec<String>,
    groups: Vec<String>,
}

/// Judge whether Looker shows it to the person.
pub(super) async fn judge(
    person: &Person,
    target: &Target,
    (shown, reached): (&Shown, Asked<Shown>),
    admin: &Client,
    findings: &mut Findings,
) {
    let words = target.words();
    let why = match reached {
        Asked::Got(_) => {
            return findings.pass("access", format!("Looker shows {words} to the user"));
        }
        Asked::Unclear(why) => return findings.unclear("access", why),
        Asked::Refused(why) => why,
    };
    if target.is_lookml() {
        // No folder decides about it, but a permission on its model, which was judged by itself.
        return match findings.has_cause_of(CauseKind::LookmlPermissionMissing) {
            true => findings.follows("access", why),
            false => findings.unclear(
                "access",
                format!("Looker does not show it to the user: {why}"),
            ),
        };
    }
    let sharing = match &shown.content_metadata_id {
        Some(id) => sharing(id, admin).await.map_err(|error| error.to_string()),
        None => Err("Looker does not say who it is shared with".to_owned()),
    };
    let folder = match &shown.folder {
        Some((id, name)) => format!("the folder `{name}` ({id})"),
        None => format!("the folder of {words}"),
    };
    match sharing {
        Err(unread) => {
            let detail = format!("Looker does not show it to the user; {unread}");
            findings.fail("access", detail, no_access(person, &words, &folder));
        }
        Ok(sharing) => judge_sharing(person, (&words, &folder, &why), &sharing, findings),
    }
}

fn judge_sharing(
    person: &Person,
    (words, folder, why): (&str, &str, &str),
    sharing: &Sharing,
    findings: &mut Findings,
) {
    let own: Vec<&str> = person.own_groups().map(|group| group.id.as_str()).collect();
    let by_group = |id: &String| own.contains(&id.as_str());
    if sharing.users.contains(&person.user.id) || sharing.groups.iter().any(by_group) {
        let detail =
            format!("{folder} is shared with the user, and yet Looker does not show {words} to it");
        return match findings.has_cause_of(CauseKind::PermissionMissing) {
            true => findings.follows("access", format!("{folder} is shared with the user; {why}")),
            false => findings.unclear("access", detail),
        };
    }
    let shared: Vec<&str> = sharing
        .groups
        .iter()
        .map(|id| person.group_name(id))
        .collect();
    let Some(first) = shared.first() else {
        let detail = format!("{folder} is shared neither with the user nor with any group");
        return findings.fail("access", detail, no_access(person, words, folder));
    };
    let id = &person.external_user_id;
    let groups = names(shared.iter().copied());
    let own = person
        .own_groups()
        .filter(|group| !group.include_by_default);
    let own = names(own.map(|group| group.name.as_str()));
    let own = if own.is_empty() {
        "no group".to_owned()
    } else {
        own
    };
    let cause = Cause::new(
        CauseKind::WrongGroup,
        format!("{folder} is shared with {groups}, and `{id}` is in {own}"),
        format!(
            "`embedctl create-user {id} --update --merge --group '{first}'`, and name the group in the signed URLs; or share the folder with a group of the user in Looker (Manage Access)"
        ),
    );
    findings.fail(
        "access",
        format!("{folder} is shared with {groups}; the user is in {own}"),
        cause,
    );
}

fn no_access(person: &Person, words: &str, folder: &str) -> Cause {
    let id = &person.external_user_id;
    Cause::new(
        CauseKind::NoAccess,
        format!("`{id}` has no access to {folder}, so Looker does not show it {words}"),
        "share the folder with the user, or with one of its groups, in Looker (Manage Access)",
    )
}

/// Who something is shared with: itself, and what it is in as far as access is inherited.
async fn sharing(id: &str, admin: &Client) -> Result<Sharing, LookerError> {
    let mut sharing = Sharing::default();
    let mut next = Some(id.to_owned());
    for _ in 0..DEEPEST {
        let Some(id) = next.take() else {
            break;
        };
        let (meta, accesses) =
            tokio::try_join!(admin.content_metadata(&id), admin.content_accesses(&id))?;
        for access in accesses {
            sharing.users.extend(access.user_id);
            sharing.groups.extend(access.group_id);
        }
        // belief: access-is-inherited
        next = meta.parent_id.filter(|_| meta.inherits);
    }
    sharing.groups.sort();
    sharing.groups.dedup();
    sharing.users.sort();
    sharing.users.dedup();
    Ok(sharing)
}
