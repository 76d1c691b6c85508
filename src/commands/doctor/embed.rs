//! Whether embedding is on, and whether the embed secret signs URLs that Looker accepts.

use reqwest::Method;

use crate::commands::doctor::findings::{Findings, WEB};
use crate::commands::doctor::{DoctorContext, NOT_SET_UP};
use crate::commands::embed_secret::{self, Verdict};
use crate::config::EmbedAccess;
use crate::error::{Error, Kind};
use crate::looker::Client;
use crate::secret::SecretString;
use crate::signed_url::{Algorithm, Login};

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
        Err(error) => findings.unknown("embedding", error.into())?,
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
    let given = access.algorithm;
    let url = (cx.settings.creation_path(None), NOBODY);
    match embed_secret::judge(admin, access, url, cx.system).await {
        Ok(Verdict::Accepted) => findings.pass(
            "embed_secret",
            format!("Looker accepts its signatures, with {given}"),
        ),
        Ok(Verdict::Unavailable) if findings.has_failed("admin") => {
            findings.follows("embed_secret", "admin")
        }
        Ok(Verdict::Unavailable) => findings.skip(
            "embed_secret",
            "this Looker has no validator for signed URLs; try `--probe`",
        ),
        Ok(Verdict::OtherAlgorithm(right)) => {
            findings.fail("embed_secret", &wrong_algorithm(given, right))
        }
        Ok(Verdict::Refused(reason))
            if embed_secret::is_about_time(&reason) && findings.has_failed("clock") =>
        {
            findings.follows("embed_secret", "clock")
        }
        Ok(Verdict::Refused(reason))
            if embed_secret::is_about_host(&reason) && findings.has_failed(WEB) =>
        {
            findings.follows("embed_secret", WEB)
        }
        Ok(Verdict::Refused(reason)) => {
            let error = embed_secret::refused(NOT_SET_UP, &reason);
            findings.fail("embed_secret", &error)
        }
        Err(error) => findings.fail("embed_secret", &error),
    }
}

/// The error if the secret's algorithm is not the one in the settings.
pub(super) fn wrong_algorithm(given: Algorithm, right: Algorithm) -> Error {
    embed_secret::wrong_algorithm(NOT_SET_UP, given, right)
}

pub(super) fn sign(
    cx: &DoctorContext<'_>,
    access: &EmbedAccess,
    algorithm: Algorithm,
    login: &Login,
) -> Result<SecretString, Error> {
    let url = (cx.settings.creation_path(None), login);
    embed_secret::sign(access, algorithm, url, cx.system)
}
