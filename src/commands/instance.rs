//! Which Looker it is, and whether a ledger, a run, a key or a plan is for this one: ids mean nothing at another.

use crate::commands::session::Session;
use crate::error::{Error, Kind};
use crate::ledger::{Instance, KeyRecord, KeyState, Ledger, Run};
use crate::looker::Client;

/// How many users of an older ledger are looked at to find out whether this Looker knows their keys.
const ASKED: usize = 5;

/// Whether a Looker knows the living keys of a ledger.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Knows {
    /// It knows at least one.
    Some,
    /// It knows none of them.
    None,
    /// The ledger has none to ask for.
    Nothing,
}

/// Which Looker `client` talks to. Two may be reached at the same address on this machine, one after the other through a
/// tunnel, so it is asked for its own.
pub(crate) async fn instance(client: &Client) -> Result<Instance, Error> {
    // belief: web-address-tells-apart
    let web_url = match client.versions().await {
        Ok(versions) => versions.web_server_url,
        // Whoever may not ask goes by the address alone.
        Err(error) if error.http_status().is_some_and(|status| status < 500) => None,
        Err(error) => return Err(error.into()),
    };
    Ok(Instance {
        origin: client.origin().to_owned(),
        web_url: web_url.map(|url| url.trim_end_matches('/').to_owned()),
    })
}

/// See that the ledger belongs to the Looker of this session; a new one does from now on.
///
/// # Errors
/// [`Kind::Conflict`]: it belongs to another.
pub(crate) async fn belongs(ledger: &dyn Ledger, session: &Session) -> Result<(), Error> {
    // One in memory is as old as this process.
    if session.settings.ledger()?.is_none() {
        return Ok(());
    }
    let here = instance(&session.admin).await?;
    let Some(there) = ledger.instance().await? else {
        if knows_its_keys(ledger, &session.admin).await? == Knows::None {
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
    if there.web_url.is_none() && here.web_url.is_some() {
        ledger.follow(here).await?;
    }
    Ok(())
}

/// Whether these are two Lookers: their addresses differ, or what they say themselves.
pub(crate) fn is_other(there: &Instance, here: &Instance) -> bool {
    let tells = there.web_url.as_ref().zip(here.web_url.as_ref());
    there.origin != here.origin || tells.is_some_and(|(there, here)| there != here)
}

/// See that a run changed the Looker of this session, and no other that the ledger has left since.
///
/// # Errors
/// [`Kind::Conflict`]: it is another's.
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

/// Refuse keys that are recorded for other Lookers, if there are any.
///
/// # Errors
/// [`Kind::Conflict`]: there are; the first is named with both Lookers.
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

/// Whether this Looker knows a key of the ledger, which may not say to whom it belongs.
pub(crate) async fn knows_its_keys(ledger: &dyn Ledger, admin: &Client) -> Result<Knows, Error> {
    let mut records = ledger.keys(None).await?;
    records.retain(|record| record.state != KeyState::Revoked);
    records.reverse();
    for record in records.iter().take(ASKED) {
        let keys = match admin.api3_keys(&record.looker_user_id).await {
            Ok(keys) => keys,
            // Gone, or not for this caller to see: nothing is known of it.
            Err(error) if error.http_status().is_some_and(|status| status < 500) => continue,
            Err(error) => return Err(error.into()),
        };
        if keys.iter().any(|key| key.client_id == record.client_id) {
            return Ok(Knows::Some);
        }
    }
    Ok(match records.is_empty() {
        true => Knows::Nothing,
        false => Knows::None,
    })
}
