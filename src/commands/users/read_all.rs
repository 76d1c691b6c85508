//! Reads all embed users page by page, so that a hundred thousand users need no more memory than one page.

use jiff::Timestamp;

use crate::commands::users::filter::{FilterArgs, Fit};
use crate::commands::users::reach::Roles;
use crate::error::Error;
use crate::looker::{Client, User, UserPages};
use crate::report::{Few, Ui};
use crate::workflow::{Sight, sight};

/// How many users a warning names.
const NAMED: usize = 5;

/// The embed users that pass a filter, page by page.
pub(super) struct Sweep<'a> {
    client: &'a Client,
    filter: &'a FilterArgs,
    pages: UserPages,
    roles: Roles,
    now: Timestamp,
    meant: usize,
    matching: u64,
    time_unknown: Few,
    with_keys: Few,
}

/// Count a user that a filter could not decide on; a few names are enough to recognize who was left out.
fn leave_out(left_out: &mut Few, user: &User) {
    left_out.add(|| format!("`{}`", user.external_user_id().unwrap_or(&user.id)));
}

fn warn(left_out: &Few, why: &str, ui: &Ui) {
    if left_out.count() > 0 {
        ui.warning(format!("left out {}: {why}", left_out.names()));
    }
}

impl<'a> Sweep<'a> {
    pub(super) fn new(client: &'a Client, filter: &'a FilterArgs, now: Timestamp) -> Self {
        Self {
            client,
            filter,
            pages: client.users(filter.search()),
            roles: Roles::default(),
            now,
            meant: 0,
            matching: 0,
            time_unknown: Few::new(NAMED),
            with_keys: Few::new(NAMED),
        }
    }

    /// The selected users of the next page, possibly none; `None` after the last page.
    pub(super) async fn next(&mut self) -> Result<Option<Vec<User>>, Error> {
        let Some(page) = self.pages.next().await? else {
            return Ok(None);
        };
        let mut meant = Vec::new();
        for user in page {
            self.matching += u64::from(self.filter.names(&user));
            let fit = self
                .filter
                .judge(&user, self.client, &mut self.roles, self.now);
            match fit.await? {
                Fit::Meant => meant.push(user),
                Fit::Not => {}
                Fit::TimeUnknown => leave_out(&mut self.time_unknown, &user),
                Fit::HasKeys => leave_out(&mut self.with_keys, &user),
            }
        }
        self.meant += meant.len();
        Ok(Some(meant))
    }

    /// How many of the users that were read match the pattern.
    pub(super) const fn matching(&self) -> u64 {
        self.matching
    }

    /// Report whom the sweep left out, and whether the caller can see all users.
    ///
    /// # Errors
    /// No users were selected, and the caller is not an admin: that says nothing about who exists.
    pub(super) async fn conclude(&self, ui: &Ui) -> Result<(), Error> {
        warn(
            &self.time_unknown,
            "Looker does not say when they last logged in, or not in a form that embedctl can read",
            ui,
        );
        warn(
            &self.with_keys,
            "they have API keys, whose use is no embed login; `--even-with-keys` takes them too",
            ui,
        );
        let strangers = self.pages.strangers();
        if strangers > 0 {
            ui.warning(format!(
                "Looker listed {strangers} users among the embed users whose embed credential it does not show; they are \
                 left out"
            ));
        }
        // A caller who sees only a part must not take it for the whole.
        match sight(self.client).await? {
            Sight::All => Ok(()),
            Sight::Part(error) if self.meant == 0 => Err(error),
            Sight::Part(error) => {
                ui.warning(format!("{error}: there may be more embed users than these"));
                Ok(())
            }
        }
    }
}
