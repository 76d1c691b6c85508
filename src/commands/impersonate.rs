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
    found.ok_or_else(|| {
        Error::new(
            Kind::NotFound,
            format!("there is no embed user `{external_user_id}`"),
        )
        .hint(format!(
            "create it with `embedctl create-user {external_user_id}`, or search for it with `embedctl users list --match`"
        ))
    })
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
