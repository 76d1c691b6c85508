//! Whether embedding is on, and whether the embed secret signs URLs that Looker accepts.

use reqwest::Method;

use crate::commands::doctor::findings::Findings;
use crate::commands::doctor::{DoctorContext, NOT_SET_UP};
use crate::config::EmbedAccess;
use crate::error::{Error, Kind};
use crate::looker::{Client, LookerError};
use crate::secret::SecretString;
use crate::signed_url::{Algorithm, Login, Signer, nonce};

/// The user in the signed URLs of this check. None of them is opened, so the user is never created.
const NOBODY: &str = "embedctl-doctor";

/// Returns the signer, if there is one: a command that prints the secret runs only once.
pub(super) async fn examine(
    cx: &DoctorContext<'_>,
    admin: &Client,
    findings: &mut Findings,
) -> Result<Option<EmbedAccess>, Error> {
    match admin.setting_embed().await {
        Ok(setting) if setting.embed_enabled == Some(false) => findings.fail(
            "embedding",
            &Error::new(NOT_SET_UP, "embedding is off").hint(
                "turn it on in Looker: Admin > Platform > Embed; it takes a licence for embedding",
            ),
        )?,
        Ok(setting) if setting.embed_enabled.is_none() => {
            findings.skip("embedding", "this Looker does not say whether it is on")?;
        }
        Ok(setting) => {
            let cookieless = match setting.embed_cookieless_v2 {
                Some(true) => "on",
                Some(false) => "off",
                None => "unknown",
            };
            findings.pass(
                "embedding",
                format!("on; cookieless embedding: {cookieless}"),
            )?;
        }
        Err(error) => findings.warn("embedding", Error::from(error), "")?,
    }
    blank_dashboard(cx, admin, findings).await?;
    match cx.settings.embed() {
        Ok(access) => {
            secret(cx, admin, &access, findings).await?;
            Ok(Some(access))
        }
        Err(error) => {
            findings.fail("embed_secret", &error)?;
            Ok(None)
        }
    }
}

/// Whether the dashboard that is fetched to create users exists.
async fn blank_dashboard(
    cx: &DoctorContext<'_>,
    admin: &Client,
    findings: &mut Findings,
) -> Result<(), Error> {
    const CHECK: &str = "blank_dashboard";
    let Some(path) = cx.settings.blank_dashboard() else {
        return findings.pass(CHECK, "none is set, so `/alive` is opened to create users");
    };
    let id = path
        .strip_prefix("/embed/dashboards/")
        .and_then(|rest| rest.split(['/', '?']).next());
    let Some(id) = id.filter(|id| !id.is_empty()) else {
        return findings.pass(CHECK, format!("`{path}` is opened to create users"));
    };
    // Only the id is requested: whether it exists is all that matters.
    let query = [("fields".to_owned(), "id".to_owned())];
    let answer = admin
        .call(
            "dashboard",
            Method::GET,
            &format!("/dashboards/{id}"),
            &query,
            None,
        )
        .await;
    match answer.map(|answer| answer.status) {
        Ok(200) => findings.pass(CHECK, format!("dashboard `{id}` is there")),
        Ok(404) => findings.fail(
            CHECK,
            &Error::new(Kind::NotFound, format!("there is no dashboard `{id}`")).hint(
                "create an empty dashboard and set `blank_dashboard` in the profile to its embed path, \
                 or leave it out",
            ),
        ),
        Ok(status) => findings.warn(CHECK, format!("Looker answered {status} to the question for it"), ""),
        Err(error) => findings.fail(CHECK, &error.into()),
    }
}

/// What can be said about the embed secret without Looker.
pub(super) fn examine_settings(
    cx: &DoctorContext<'_>,
    findings: &mut Findings,
) -> Result<(), Error> {
    match cx.settings.embed() {
        Ok(_) => findings.skip("embed_secret", "it is there, but Looker could not be asked"),
        Err(error) => findings.fail("embed_secret", &error),
    }
}

async fn secret(
    cx: &DoctorContext<'_>,
    admin: &Client,
    access: &EmbedAccess,
    findings: &mut Findings,
) -> Result<(), Error> {
    let algorithm = access.algorithm;
    match judge(cx, admin, access, algorithm).await {
        Ok(Verdict::Accepted) => findings.pass(
            "embed_secret",
            format!("Looker accepts its signatures, with {algorithm}"),
        ),
        Ok(Verdict::Unavailable) => findings.skip(
            "embed_secret",
            "this Looker has no validator for signed URLs; try `--probe`",
        ),
        Ok(Verdict::Refused(reason)) => {
            // The same secret with the other algorithm tells a wrong algorithm from a wrong secret.
            let other = other(algorithm);
            let again = judge(cx, admin, access, other).await?;
            let error = match again {
                Verdict::Accepted => wrong_algorithm(algorithm, other),
                Verdict::Refused(_) | Verdict::Unavailable => refused(&reason),
            };
            findings.fail("embed_secret", &error)
        }
        Err(error) => findings.fail("embed_secret", &error),
    }
}

/// The error if the secret's algorithm is not the one in the settings.
pub(super) fn wrong_algorithm(given: Algorithm, right: Algorithm) -> Error {
    Error::new(
        NOT_SET_UP,
        format!("the embed secret is one for {right}, not for {given}"),
    )
    .hint(format!(
        "pass `--embed-algorithm {right}`, or set `embed_algorithm` in the profile"
    ))
}

fn refused(reason: &str) -> Error {
    let error = Error::new(
        NOT_SET_UP,
        format!("Looker refuses its signatures: {reason}"),
    );
    if reason.contains("host") {
        error.hint("pass `--embed-host` with the host that Looker names")
    } else if reason.contains("time") {
        error.hint("set this machine's clock")
    } else {
        error.hint("copy the embed secret again from Looker: Admin > Platform > Embed")
    }
}

/// What Looker's validator says about a URL that is never opened.
enum Verdict {
    Accepted,
    Refused(String),
    /// Not every Looker has the validator.
    Unavailable,
}

async fn judge(
    cx: &DoctorContext<'_>,
    admin: &Client,
    access: &EmbedAccess,
    algorithm: Algorithm,
) -> Result<Verdict, Error> {
    let url = sign(cx, access, algorithm, &login(cx, NOBODY))?;
    match admin.validate_embed_url(&url).await {
        Ok(None) => Ok(Verdict::Accepted),
        Ok(Some(reason)) => Ok(Verdict::Refused(reason)),
        // An older Looker has no validator.
        Err(LookerError::NotFound { .. } | LookerError::Denied { .. }) => Ok(Verdict::Unavailable),
        Err(error) => Err(error.into()),
    }
}

/// A login as this profile's users get it.
pub(super) fn login(cx: &DoctorContext<'_>, external_user_id: &str) -> Login {
    let grants = cx.settings.grants();
    Login {
        permissions: grants.permissions.clone(),
        models: grants.models.clone(),
        group_ids: grants.group_ids.clone(),
        ..Login::new(external_user_id)
    }
}

pub(super) fn sign(
    cx: &DoctorContext<'_>,
    access: &EmbedAccess,
    algorithm: Algorithm,
    login: &Login,
) -> Result<SecretString, Error> {
    let signer = Signer::new(&access.host, &access.secret, algorithm)?.with_scheme(&access.scheme);
    let nonce = nonce(&cx.system.random).map_err(Error::internal)?;
    let path = cx.settings.creation_path(None);
    let time = cx.system.clock.now().as_second();
    Ok(signer.sign(path, login, &nonce, time)?)
}

/// The other algorithm.
pub(super) const fn other(algorithm: Algorithm) -> Algorithm {
    match algorithm {
        Algorithm::Sha1 => Algorithm::Sha256,
        Algorithm::Sha256 => Algorithm::Sha1,
    }
}
