//! Whether Looker accepts what an embed secret signs, found out with a URL that is never opened.

use crate::config::EmbedAccess;
use crate::error::{Error, Kind};
use crate::looker::{Client, LookerError};
use crate::secret::SecretString;
use crate::signed_url::{Algorithm, Login, Signer, nonce};
use crate::system::System;

/// What Looker's validator says.
pub(crate) enum Verdict {
    Accepted,
    /// The secret is right, but for this algorithm.
    OtherAlgorithm(Algorithm),
    /// The signature is right or not: that is in the reason.
    Refused(String),
    /// Not every Looker has the validator.
    Unavailable,
}

/// Ask Looker's validator about a URL for `path` and `login`.
pub(crate) async fn judge(
    admin: &Client,
    access: &EmbedAccess,
    (path, login): (&str, &Login),
    system: &System,
) -> Result<Verdict, Error> {
    let first = judge_one(admin, access, access.algorithm, (path, login), system).await?;
    if !matches!(first, Verdict::Refused(_)) {
        return Ok(first);
    }
    // The same secret with the other algorithm tells a wrong algorithm from a wrong secret.
    let other = access.algorithm.other();
    let again = judge_one(admin, access, other, (path, login), system).await?;
    Ok(match again {
        Verdict::Accepted => Verdict::OtherAlgorithm(other),
        _ => first,
    })
}

async fn judge_one(
    admin: &Client,
    access: &EmbedAccess,
    algorithm: Algorithm,
    (path, login): (&str, &Login),
    system: &System,
) -> Result<Verdict, Error> {
    let url = sign(access, algorithm, (path, login), system)?;
    match admin.validate_embed_url(&url).await {
        Ok(None) => Ok(Verdict::Accepted),
        Ok(Some(reason)) => Ok(Verdict::Refused(reason)),
        // An older Looker has no validator.
        Err(LookerError::NotFound { .. } | LookerError::Denied { .. }) => Ok(Verdict::Unavailable),
        Err(error) => Err(error.into()),
    }
}

pub(crate) fn sign(
    access: &EmbedAccess,
    algorithm: Algorithm,
    (path, login): (&str, &Login),
    system: &System,
) -> Result<SecretString, Error> {
    let signer = Signer::new(&access.host, &access.secret, algorithm)?.with_scheme(&access.scheme);
    let nonce = nonce(&system.random).map_err(Error::internal)?;
    let time = system.clock.now().as_second();
    Ok(signer.sign(path, login, &nonce, time)?)
}

/// The error if the secret's algorithm is not the one in the settings; `kind` says what that means for the command.
pub(crate) fn wrong_algorithm(kind: Kind, given: Algorithm, right: Algorithm) -> Error {
    Error::new(
        kind,
        format!("the embed secret is one for {right}, not for {given}"),
    )
    .hint(format!(
        "pass `--embed-algorithm {right}`, or set `embed_algorithm` in the profile"
    ))
}

/// The error if Looker refuses its signatures.
pub(crate) fn refused(kind: Kind, reason: &str) -> Error {
    let error = Error::new(kind, format!("Looker refuses its signatures: {reason}"));
    if reason.contains("host") {
        error.hint("pass `--embed-host` with the host that Looker names")
    } else if reason.contains("time") {
        error.hint("set this machine's clock")
    } else {
        error.hint("copy the embed secret again from Looker: Admin > Platform > Embed")
    }
}
