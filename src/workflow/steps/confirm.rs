//! Looks the user up again, and checks that exactly this one came into being.

use serde_json::Value;

use crate::error::{Error, Kind};
use crate::looker::User;
use crate::workflow::finder::look_up as find_user;
use crate::workflow::spec::{Grants, UserSpec, Via};
use crate::workflow::step::{After, Before};
use crate::workflow::work::{Outcome, Work};

/// A user that was left alone needs no second look.
pub(crate) fn before(work: &mut Work) -> Before {
    match work.found.outcome {
        Some(Outcome::Unchanged) | None => Before::Skip,
        Some(Outcome::Created | Outcome::Updated) => Before::Read,
    }
}

pub(crate) async fn run(work: &mut Work) -> Result<After, Error> {
    let spec = work
        .spec
        .embed_user()
        .expect("only a job that makes a user has this step")
        .clone();
    let user = find_user(&work.cx.admin, work.spec.user()).await?;
    let Some(user) = user.filter(|user| user.has_external_user_id(&spec.external_user_id)) else {
        return Err(absent(&spec));
    };
    // `create_embed_user` takes no names and no grants.
    if spec.via != Via::EmbedUser {
        for difference in differences(&user, &spec.grants) {
            work.warn(difference);
        }
    }
    work.found.looker_user_id = Some(user.id.clone());
    work.user = Some(user);
    Ok(After::Next(Value::Null))
}

fn absent(spec: &UserSpec) -> Error {
    Error::new(
        Kind::Looker,
        format!(
            "Looker accepted the login, but there is no embed user `{}`",
            spec.external_user_id
        ),
    )
    .hint("look for a near-identical id with `embedctl users list`; run the same command again to retry")
}

/// Where the user is not as the login said.
pub(crate) fn differences(user: &User, grants: &Grants) -> Vec<String> {
    let mut differences = Vec::new();
    // belief: url-names-stay
    let names = [
        ("first name", &grants.first_name, &user.first_name),
        ("last name", &grants.last_name, &user.last_name),
    ];
    for (what, wanted, is) in names {
        if let Some(wanted) = wanted
            .as_ref()
            .filter(|wanted| Some(*wanted) != is.as_ref())
        {
            let is = is.as_deref().unwrap_or_default();
            differences.push(format!("the {what} is `{is}` at Looker, not `{wanted}`"));
        }
    }
    // belief: login-joins-groups
    for group in &grants.group_ids {
        // belief: group-ids-are-all
        if !user.group_ids.contains(group) {
            differences.push(format!(
                "the user is not a member of group {group}; does the group exist?"
            ));
        }
    }
    // belief: external-group-by-login
    if let Some(wanted) = &grants.external_group_id {
        let mut credentials = user.credentials_embed.iter();
        if !credentials.any(|credential| credential.external_group_id.as_ref() == Some(wanted)) {
            differences.push(format!("the user is not in the external group `{wanted}`"));
        }
    }
    differences
}
