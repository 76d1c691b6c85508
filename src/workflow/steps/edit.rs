//! Changes what needs no login (state, names, groups and attribute values), and reads it back.

use serde_json::json;

use crate::error::{Error, Kind};
use crate::looker::{AttributeValue, Origin, UnknownValue, User, UserChanges};
use crate::workflow::found::Outcome;
use crate::workflow::job_context::JobContext;
use crate::workflow::step::{After, Before};
use crate::workflow::user_spec::{AttributeEdit, Extra, UserEdits};
use crate::workflow::value_check::compare;

pub(crate) fn before(work: &mut JobContext) -> Before {
    // A user that has gone missing is created by the login, which needs no edits.
    if work.user.is_none() {
        return Before::Skip;
    }
    match work.spec.embed_user() {
        Some(spec) => Before::Effect(json!({ "edits": spec.planned })),
        None => Before::Skip,
    }
}

pub(crate) async fn run(work: &mut JobContext) -> Result<After, Error> {
    let spec = work.spec.embed_user();
    let extra = spec.map(|spec| *spec.planned.clone()).unwrap_or_default();
    let edits = &extra.edits;
    let (admin, user_id) = (work.cx.admin.clone(), work.user_id());
    let values = Values::look(work, &extra).await?;
    // Each of these may be repeated, so after a lost answer the next run simply sends it again.
    let changes = UserChanges {
        // belief: names-by-patch
        first_name: edits.first_name.clone(),
        last_name: edits.last_name.clone(),
        is_disabled: edits.disabled,
        ..UserChanges::default()
    };
    let mut sent = Ok(());
    if edits.of_user() {
        sent = match admin.update_user(&user_id, &changes).await {
            // An answer that leaves open whether it took effect is settled by reading the user.
            Err(error) if !error.took_effect_unknown() => return Err(error.into()),
            sent => sent.map(drop),
        };
    }
    // belief: group-user-by-body
    for group in &edits.join {
        admin.add_group_user(group, &user_id).await?;
    }
    for group in &edits.leave {
        admin.delete_group_user(group, &user_id).await?;
    }
    let mut missed = Vec::new();
    if edits.of_user() || !edits.join.is_empty() || !edits.leave.is_empty() {
        // Read back: Looker accepts fields that it then ignores.
        let user = admin.user(&user_id).await.map_err(|unread| {
            let id = &work.found.external_user_id;
            let what = format!("{unread}; whether the changes to `{id}` took effect is not known");
            Error::from(unread).context(what)
        })?;
        missed.extend(unlike(&user, &changes));
        if !missed.is_empty() {
            sent?;
        }
        missed.extend(misplaced(&user, edits));
        work.user = Some(user);
    }
    missed.extend(values.change(work).await?);
    if !missed.is_empty() {
        return Err(ignored(&work.found.external_user_id, &missed));
    }
    work.found.outcome = Some(Outcome::Updated);
    Ok(After::Next(json!(Outcome::Updated)))
}

/// How the user differs from `changes`.
fn unlike(user: &User, changes: &UserChanges) -> Vec<String> {
    let mut unlike = Vec::new();
    let names = [
        ("first name", &changes.first_name, &user.first_name),
        ("last name", &changes.last_name, &user.last_name),
    ];
    for (what, wanted, is) in names {
        let is = is.as_deref().unwrap_or_default();
        if wanted.as_deref().is_some_and(|wanted| wanted != is) {
            unlike.push(format!("its {what} is still `{is}`"));
        }
    }
    // belief: disable-by-patch
    match changes.is_disabled {
        Some(true) if !user.is_disabled => unlike.push("it is not disabled".to_owned()),
        Some(false) if user.is_disabled => unlike.push("it is still disabled".to_owned()),
        _ => {}
    }
    unlike
}

/// Group memberships that differ from those requested.
fn misplaced(user: &User, edits: &UserEdits) -> Vec<String> {
    let is_in = |group: &&String| user.group_ids.contains(group);
    let join = edits.join.iter().filter(|group| !is_in(group));
    let join = join.map(|group| format!("it is not a member of group {group}"));
    let leave = edits.leave.iter().filter(is_in);
    let leave = leave.map(|group| {
        format!("it is still a member of group {group}, perhaps through another group")
    });
    join.chain(leave).collect()
}

/// The attribute values to set and to delete.
struct Values {
    set: Vec<AttributeEdit>,
    /// The user's own values to delete, as Looker showed them before.
    take: Vec<AttributeValue>,
}

impl Values {
    /// Find out which values to delete: only the user's own; a group's or a default is not this job's to change.
    async fn look(work: &JobContext, extra: &Extra) -> Result<Self, Error> {
        let edits = extra.edits.attributes.iter().cloned();
        let (set, gone): (Vec<_>, Vec<_>) = edits.partition(|edit| edit.value.is_some());
        let mut take = Vec::new();
        if !gone.is_empty() {
            let rows = work.cx.admin.attribute_values(&work.user_id()).await?;
            for row in rows {
                if !gone.iter().any(|edit| edit.id == row.user_attribute_id) {
                    continue;
                }
                match row.origin() {
                    Origin::Elsewhere => {}
                    Origin::Unknown if !extra.take_unknown => return Err(unclear(work, row)),
                    Origin::Own | Origin::Unknown => take.push(row),
                }
            }
        }
        Ok(Self { set, take })
    }

    /// Apply the changes, and return those that are not in effect afterwards.
    async fn change(self, work: &mut JobContext) -> Result<Vec<String>, Error> {
        if self.set.is_empty() && self.take.is_empty() {
            return Ok(Vec::new());
        }
        let (admin, user_id) = (work.cx.admin.clone(), work.user_id());
        for edit in &self.set {
            let value = edit.value.as_deref().unwrap_or_default();
            admin.set_attribute_value(&user_id, &edit.id, value).await?;
        }
        for row in &self.take {
            let id = &row.user_attribute_id;
            admin.delete_attribute_value(&user_id, id).await?;
        }
        let rows = admin.attribute_values(&user_id).await?;
        let find = |id: &str| rows.iter().find(|row| row.user_attribute_id == id);
        let mut missed = Vec::new();
        for edit in &self.set {
            let value = edit.value.as_deref().unwrap_or_default();
            match compare(&edit.name, value, find(&edit.id)) {
                Ok(None) => {}
                Ok(Some(warning)) => work.warn(warning),
                Err(problem) => missed.push(problem),
            }
        }
        for row in &self.take {
            let now = find(&row.user_attribute_id);
            if now.is_some_and(|now| now.origin() == Origin::Own || now == row) {
                missed.push(format!(
                    "it still has a value of its own for `{}`",
                    row.name
                ));
            }
        }
        Ok(missed)
    }
}

fn unclear(work: &JobContext, row: AttributeValue) -> Error {
    let (id, user_id) = (&work.found.external_user_id, work.user_id());
    let value = UnknownValue::from(row);
    Error::new(
        Kind::Incomplete,
        format!("embedctl cannot tell whether the value that `{id}` has for {value} is its own, so it was not deleted; nothing of `{id}` was changed"),
    )
    .hint(format!(
        "look at it with `embedctl api GET /users/{user_id}/attribute_values`; if such values are the users' own, add `--take-unknown`"
    ))
}

fn ignored(id: &str, missed: &[String]) -> Error {
    Error::new(
        Kind::Incomplete,
        format!(
            "Looker accepted the changes to `{id}` but did not apply all of them: {}",
            missed.join("; ")
        ),
    )
    .hint("run the same command again to retry; if the problem persists, change the user on Looker's admin page")
}
