//! Alerts that a user follows but no list shows: only the alert itself, read as the user, reveals that.

use std::sync::atomic::Ordering::Relaxed;

use crate::error::Error;
use crate::looker::{Alert, Client, LookerError, User};
use crate::workflow::parallel;
use crate::workflow::rotate_id::belongings::{Item, ItemKind};
use crate::workflow::rotate_id::observe::Viewpoint;
use crate::workflow::rotate_id::observe::things::alert_item;

/// How many alerts one command reads one by one: all users of a mapping times all alerts would be too many.
const ASKED_AT_MOST: usize = 1_000;

/// The followed alerts that no list shows.
#[derive(Debug, Default)]
pub(super) struct Unlisted {
    pub(super) items: Vec<Item>,
    /// Why there may be more, if so.
    pub(super) unseen: Option<String>,
}

/// Whether the user follows an alert.
enum Answer {
    Follows(Item),
    FollowsNot,
    Unknown,
}

impl Viewpoint {
    /// Remember that Looker's lists do show followed alerts, once one does.
    pub(super) fn learn_of_follows(&self, listed: &[Item]) {
        if listed.iter().any(|item| item.kind == ItemKind::Follow) {
            self.learnt.follows_are_listed.store(true, Relaxed);
        }
    }

    /// The alerts that `user` follows besides those `listed`. Not needed on a Looker whose lists show followed alerts.
    pub(super) async fn unlisted_follows(
        &self,
        user: &User,
        sudo: &Client,
        listed: &[Item],
    ) -> Result<Unlisted, Error> {
        // belief: alerts-of-the-caller
        if self.learnt.follows_are_listed.load(Relaxed) {
            return Ok(Unlisted::default());
        }
        let all = match self.all_alerts().await {
            Ok(all) => all.iter(),
            Err(error) if error.refused_with().is_some() => {
                return Ok(Unlisted::unseen(format!(
                    "Looker does not list the alerts of all users: {error}"
                )));
            }
            Err(error) => return Err(error.into()),
        };
        let is_listed = |alert: &&Alert| {
            let is_it = |item: &Item| item.kind == ItemKind::Alert && item.id == alert.id;
            listed.iter().any(is_it)
        };
        let others: Vec<String> = all
            .filter(|alert| alert.owner_id.as_ref() != Some(&user.id) && !is_listed(alert))
            .map(|alert| alert.id.clone())
            .collect();
        let count = others.len();
        let asked = self.learnt.alerts_asked.fetch_add(count, Relaxed);
        if asked + count > ASKED_AT_MOST {
            self.learnt.alerts_asked.fetch_sub(count, Relaxed);
            return Ok(Unlisted::unseen(format!(
                "other users have {count} alerts, too many to check one by one whether the user follows them"
            )));
        }
        self.ask_follows(user, sudo, others).await
    }

    /// Which of these alerts `user` follows, as Looker tells that user.
    pub(super) async fn ask_follows(
        &self,
        user: &User,
        sudo: &Client,
        alerts: Vec<String>,
    ) -> Result<Unlisted, Error> {
        self.expect(alerts.len());
        let look = |id: String| {
            let (this, sudo, user) = (self.clone(), sudo.clone(), user.id.clone());
            async move {
                match this.ask_expected(|| sudo.alert(&id)).await {
                    Ok(alert) => Ok(answer(alert, &user)),
                    // An alert that the user cannot see is not followed.
                    Err(LookerError::NotFound { .. }) => Ok(Answer::FollowsNot),
                    Err(error) if error.refused_with().is_some() => Ok(Answer::Unknown),
                    Err(error) => Err(error.into()),
                }
            }
        };
        let mut unlisted = Unlisted::default();
        let mut unknown = 0_usize;
        for answer in parallel::map(alerts, self.width, None, look, |_| {}).await? {
            match answer {
                Answer::Follows(item) => unlisted.items.push(item),
                Answer::FollowsNot => {}
                Answer::Unknown => unknown += 1,
            }
        }
        unlisted.unseen = (unknown > 0).then(|| {
            format!(
                "Looker does not say for {unknown} alerts of other users whether the user follows them"
            )
        });
        Ok(unlisted)
    }
}

fn answer(alert: Alert, user_id: &str) -> Answer {
    if alert.followed.is_none() {
        return Answer::Unknown;
    }
    match alert_item(alert, user_id).filter(|item| item.kind == ItemKind::Follow) {
        Some(item) => Answer::Follows(Item {
            unlisted: true,
            ..item
        }),
        None => Answer::FollowsNot,
    }
}

impl Unlisted {
    fn unseen(why: String) -> Self {
        Self {
            items: Vec::new(),
            unseen: Some(why),
        }
    }
}
