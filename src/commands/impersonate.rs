//! Acting as an embed user: gets its token, and logs it out whatever happens.

use crate::commands::session::Session;
use crate::error::{Error, Kind};
use crate::looker::{Client, User};
use crate::report::Ui;
use crate::workflow::UserRef;

/// The embed user with this `external_user_id`, and a client that acts as it. It must be ended with [`end`].
pub(crate) async fn become_user(
    external_user_id: &str,
    session: &Session,
) -> Result<(User, Client), Error> {
    let user = find(external_user_id, session).await?;
    let sudo = session.admin.login_user(&user.id).await?;
    Ok((user, sudo))
}

/// The embed user with this `external_user_id`, which must exist.
pub(crate) async fn find(external_user_id: &str, session: &Session) -> Result<User, Error> {
    let found = session
        .finder
        .find(UserRef::External(external_user_id))
        .await?;
    if let Some(user) = found {
        return Ok(user);
    }
    let error = Error::new(
        Kind::NotFound,
        format!("there is no embed user `{external_user_id}`"),
    );
    Err(match meant(external_user_id, session).await {
        Some(meant) => error.hint(format!(
            "`{external_user_id}` is Looker's id of the embed user `{meant}`; name it by that"
        )),
        None => error.hint(format!(
            "create it with `embedctl create-user {external_user_id}`, or search for it with `embedctl users list --match`"
        )),
    })
}

/// The `external_user_id` of the embed user that has this id at Looker: the one that Looker's own pages show.
async fn meant(looker_user_id: &str, session: &Session) -> Option<String> {
    if !looker_user_id.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let found = session.finder.find(UserRef::Looker(looker_user_id)).await;
    let user = found.ok().flatten()?;
    user.external_user_id().map(str::to_owned)
}

/// Log the client out; a failure is only a warning, because the work is done.
pub(crate) async fn end(sudo: &Client, ui: &Ui) {
    if let Err(error) = sudo.logout().await {
        let who = sudo.identity();
        ui.warning(format!(
            "the access token of {who} could not be logged out: {error}"
        ));
    }
}
