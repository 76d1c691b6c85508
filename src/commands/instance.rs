//! Identifies the Looker, and checks that a ledger, a run, a key or a plan belongs to it: ids mean nothing elsewhere.

use crate::commands::session::Session;
use crate::error::{Error, Kind};
use crate::ledger::{Instance, KeyRecord, KeyState, Ledger, Run};
use crate::looker::Client;

/// How many users of an older ledger are checked to find out whether this Looker knows their keys.
const ASKED: usize = 5;

/// Whether a Looker knows the keys of a ledger that are not revoked.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Knows {
    /// It knows at least one.
    Some,
    /// It knows none of them.
    None,
    /// The ledger has none to ask about.
    Nothing,
}

/// Which Looker `client` talks to. Two Lookers may be reached at the same local address one after the other, through a tunnel,
/// so Looker is asked for its own address.
pub(crate) async fn instance(client: &Client) -> Result<Instance, Error> {
    // belief: web-address-tells-apart
    let web_url = match client.versions().await {
        Ok(versions) => versions.web_server_url,
        // A caller who may not ask has only the address to go by.
        Err(error) if error.http_status().is_some_and(|status| status < 500) => None,
        Err(error) => return Err(error.into()),
    };
    Ok(Instance {
        origin: client.origin().to_owned(),
        web_url: web_url.map(|url| url.trim_end_matches('/').to_owned()),
    })
}

/// Verify that the ledger belongs to the Looker of this session; a new ledger is bound to it.
///
/// # Errors
/// [`Kind::Conflict`]: it belongs to another Looker.
pub(crate) async fn belongs(ledger: &dyn Ledger, session: &Session) -> Result<(), Error> {
    // A ledger in memory is only as old as this process.
    if session.settings.ledger()?.is_none() {
        return Ok(());
    }
    let here = instance(&session.admin).await?;
    // A ledger of an older embedctl is not bound yet; its keys tell which Looker it belongs to.
    let Some(there) = ledger.instance().await? else {
        if knows_its_keys(ledger, session).await? == Knows::None {
            return Err(other(
                "another Looker than this one, which does not know its keys",
                &here,
            ));
        }
        return Ok(ledger.bind(here).await?);
    };
    if is_other(&there, &here) {
        return Err(other(&there.to_string(), &here));
    }
    // The address alone was recorded by an embedctl or a caller that could not ask for more.
    if there.web_url.is_none() && here.web_url.is_some() {
        ledger.follow(here).await?;
    }
    Ok(())
}

/// Whether these are two different Lookers: by their addresses, or by what they report.
pub(crate) fn is_other(there: &Instance, here: &Instance) -> bool {
    let tells = there.web_url.as_ref().zip(here.web_url.as_ref());
    // Addresses that are not known on both sides prove nothing.
    there.origin != here.origin || tells.is_some_and(|(there, here)| there != here)
}

/// Verify that a run concerns the Looker of this session, and not one that the ledger was bound to before.
///
/// # Errors
/// [`Kind::Conflict`]: it concerns another Looker.
pub(crate) async fn is_run_of(run: &Run, session: &Session) -> Result<(), Error> {
    let Some(there) = &run.instance else {
        return Ok(());
    };
    let here = instance(&session.admin).await?;
    if !is_other(there, &here) {
        return Ok(());
    }
    let id = run.id;
    Err(elsewhere(&format!("run {id} belongs"), there, &here))
}

/// Refuse to continue if keys are recorded for other Lookers.
///
/// # Errors
/// [`Kind::Conflict`]: there are some; the first is named with both Lookers.
pub(crate) async fn no_key_elsewhere(
    keys: &[(Instance, KeyRecord)],
    session: &Session,
) -> Result<(), Error> {
    let Some((there, first)) = keys.first() else {
        return Ok(());
    };
    let here = instance(&session.admin).await?;
    let (key, user) = (&first.key_id, &first.external_user_id);
    let what = match keys.len() {
        1 => format!("key {key} of `{user}` belongs"),
        count => format!("key {key} of `{user}` (of {count} such keys) belongs"),
    };
    Err(elsewhere(&what, there, &here))
}

fn elsewhere(what: &str, there: &Instance, here: &Instance) -> Error {
    Error::new(
        Kind::Conflict,
        format!("{what} to {there}; the Looker of this profile is {here}"),
    )
    .hint("with the profile of that Looker, `embedctl ledger rebind` leads back to it")
}

fn other(there: &str, here: &Instance) -> Error {
    Error::new(
        Kind::Conflict,
        format!("the ledger belongs to {there}; the Looker of this profile is {here}"),
    )
    .hint(
        "choose the profile of that Looker, or another ledger with `--ledger PATH`; if the Looker has moved to a new \
         address, `embedctl ledger rebind` says so",
    )
}

/// Whether this Looker knows a key of a ledger that may not be bound yet.
pub(crate) async fn knows_its_keys(ledger: &dyn Ledger, session: &Session) -> Result<Knows, Error> {
    let mut records = ledger.keys(None).await?;
    records.retain(|record| record.state != KeyState::Revoked);
    // Youngest first: older keys are more likely to have been revoked by someone.
    records.reverse();
    for record in records.iter().take(ASKED) {
        let keys = match session.admin.api3_keys(&record.looker_user_id).await {
            Ok(keys) => keys,
            // Gone, or hidden from this caller: proves nothing.
            Err(error) if error.http_status().is_some_and(|status| status < 500) => continue,
            Err(error) => return Err(error.into()),
        };
        // The client id is unique across Lookers; ids of users and keys are not.
        if keys.iter().any(|key| key.client_id == record.client_id) {
            return Ok(Knows::Some);
        }
    }
    if records.is_empty() {
        return Ok(Knows::Nothing);
    }
    // To others than an admin, Looker does not show the keys of users.
    session.finder.require_admin().await?;
    Ok(Knows::None)
}
