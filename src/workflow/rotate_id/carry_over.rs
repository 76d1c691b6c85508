//! The step that gives the new user what a login cannot give: roles and UI state.

use std::collections::BTreeMap;

use serde_json::json;

use crate::error::Error;
use crate::looker::{Client, UserChanges};
use crate::workflow::job_context::JobContext;
use crate::workflow::step::After;

pub(crate) async fn run(work: &mut JobContext) -> Result<After, Error> {
    let (spec, user_id) = (work.rotate_id().clone(), work.user_id());
    let admin = work.cx.admin.clone();
    if !spec.from.roles.is_empty() {
        let wanted = spec.from.roles.iter().map(|role| role.id.clone());
        add_roles(&admin, &user_id, wanted.collect()).await?;
    }
    match &spec.into {
        // A login would replace all its grants, so groups are added one by one.
        Some(into) => {
            for group in spec
                .from
                .groups
                .iter()
                .filter(|group| !into.groups.contains(group))
            {
                admin.add_group_user(&group.id, &user_id).await?;
            }
        }
        None => {
            if let Some(changes) = changes(work) {
                work.user = Some(admin.update_user(&user_id, &changes).await?);
            }
        }
    }
    let moved = BTreeMap::from([
        ("roles".to_owned(), spec.from.roles.len()),
        ("groups".to_owned(), spec.from.groups.len()),
        (
            "attributes".to_owned(),
            spec.user.grants.user_attributes.len(),
        ),
    ]);
    restore(work, moved.clone());
    Ok(After::Next(json!(moved)))
}

/// Add roles to a user. Looker only accepts a whole list, and whether the embed role belongs in it is not documented: so it is
/// left out first, and sent along if it turns out to be gone.
async fn add_roles(admin: &Client, user_id: &str, wanted: Vec<String>) -> Result<(), Error> {
    let has = admin.user_roles(user_id, true).await?;
    let missing: Vec<String> = wanted
        .into_iter()
        .filter(|id| !has.iter().any(|role| role.id == *id))
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    let listed = admin.roles().await?;
    let all: Vec<String> = has.into_iter().map(|role| role.id).collect();
    let handed_out = all
        .iter()
        .filter(|id| listed.iter().any(|role| role.id == **id));
    let roles: Vec<String> = handed_out.chain(&missing).cloned().collect();
    // Read back, not concluded from the answer: the embed role may have vanished without a word.
    admin.set_user_roles(user_id, &roles).await?;
    let left = admin.user_roles(user_id, true).await?;
    let is_left = |id: &String| left.iter().any(|role| role.id == *id);
    if !all.iter().all(is_left) {
        let roles: Vec<String> = all.into_iter().chain(missing).collect();
        admin.set_user_roles(user_id, &roles).await?;
    }
    Ok(())
}

/// Restore the counts of an earlier process.
pub(crate) fn restore(work: &mut JobContext, moved: BTreeMap<String, usize>) {
    work.found.rotated_id().moved.extend(moved);
}

/// Properties of the new user that differ from the old user's.
fn changes(work: &JobContext) -> Option<UserChanges> {
    let (from, user) = (&work.rotate_id().from, work.user.as_ref()?);
    // The personal folder itself cannot be given away; the new user's own takes its place.
    let home = match from.home_folder_id == from.personal_folder_id {
        true => user.personal_folder_id.clone(),
        false => from.home_folder_id.clone(),
    };
    let differs = |wanted: &Option<String>, is: &Option<String>| {
        wanted.clone().filter(|wanted| Some(wanted) != is.as_ref())
    };
    let changes = UserChanges {
        locale: differs(&from.locale, &user.locale),
        home_folder_id: differs(&home, &user.home_folder_id),
        ui_state: from
            .ui_state
            .clone()
            .filter(|state| Some(state) != user.ui_state.as_ref()),
        can_manage_api3_creds: from
            .can_manage_api3_creds
            .filter(|can| *can && user.can_manage_api3_creds != Some(true)),
        ..UserChanges::default()
    };
    let is_empty = changes.locale.is_none()
        && changes.home_folder_id.is_none()
        && changes.ui_state.is_none()
        && changes.can_manage_api3_creds.is_none();
    (!is_empty).then_some(changes)
}
