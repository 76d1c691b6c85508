//! Changes what needs no login: whether the user can log in, its names, and its values of attributes.

use serde_json::json;

use crate::error::Error;
use crate::looker::UserChanges;
use crate::workflow::step::{After, Before};
use crate::workflow::work::{Outcome, Work};

pub(crate) fn before(work: &mut Work) -> Before {
    // A user that has come to be missing is made by the login, which needs no edit.
    if work.user.is_none() {
        return Before::Skip;
    }
    match work.spec.embed_user() {
        Some(spec) => Before::Effect(json!({ "edits": spec.planned })),
        None => Before::Skip,
    }
}

pub(crate) async fn run(work: &mut Work) -> Result<After, Error> {
    let spec = work.spec.embed_user();
    let extra = spec.map(|spec| *spec.planned.clone()).unwrap_or_default();
    let (admin, user_id) = (work.cx.admin.clone(), work.user_id());
    // Every one of these may be repeated, so an answer that was lost is asked for again by the next run.
    let changes = UserChanges {
        // belief: names-by-patch
        first_name: extra.first_name,
        last_name: extra.last_name,
        is_disabled: extra.disabled,
        ..UserChanges::default()
    };
    if changes.first_name.is_some() || changes.last_name.is_some() || changes.is_disabled.is_some()
    {
        admin.update_user(&user_id, &changes).await?;
    }
    for edit in &extra.attributes {
        match &edit.value {
            Some(value) => {
                admin.set_attribute_value(&user_id, &edit.id, value).await?;
            }
            None => {
                admin.delete_attribute_value(&user_id, &edit.id).await?;
            }
        }
    }
    work.found.outcome = Some(Outcome::Updated);
    Ok(After::Next(json!(Outcome::Updated)))
}
