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

/// Ask Looker's validator about a URL for `path` and a `user` who is never created.
pub(crate) async fn judge(
    admin: &Client,
    access: &EmbedAccess,
    (path, user): (&str, &str),
    system: &System,
) -> Result<Verdict, Error> {
    // Grants that no Looker objects to: a profile without any, or one that misspells a permission, has its own checks, and
    // must not make a good secret look bad.
    let login = Login {
        permissions: Some(vec!["access_data".to_owned(), "see_looks".to_owned()]),
        models: Some(vec!["embedctl".to_owned()]),
        ..Login::new(user)
    };
    let url = (path, &login);
    let first = judge_one(admin, access, access.algorithm, url, system).await?;
    let Verdict::Refused(reason) = &first else {
        return Ok(first);
    };
    if !is_about_signature(reason) {
        return Ok(first);
    }
    // The same secret with the other algorithm tells a wrong algorithm from a wrong secret.
    let other = access.algorithm.other();
    Ok(match judge_one(admin, access, other, url, system).await? {
        Verdict::Accepted => Verdict::OtherAlgorithm(other),
        // Something else is wrong too, but the signature is right.
        Verdict::Refused(reason) if !is_about_signature(&reason) => Verdict::OtherAlgorithm(other),
        _ => first,
    })
}

/// Whether the validator's `reason` says that the signature is wrong.
pub(crate) fn is_about_signature(reason: &str) -> bool {
    reason.to_lowercase().contains("signature")
}

/// Whether it says that the URL is for another host.
pub(crate) fn is_about_host(reason: &str) -> bool {
    reason.contains("Invalid host")
}

/// Whether it says that the clocks differ.
pub(crate) fn is_about_time(reason: &str) -> bool {
    reason.contains("'time' param")
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
    let error = Error::new(kind, format!("Looker refuses what it signs: {reason}"));
    if is_about_signature(reason) {
        error.hint("copy the embed secret again from Looker: Admin > Platform > Embed")
    } else if is_about_host(reason) {
        error.hint("pass `--embed-host` with the host that Looker names")
    } else if is_about_time(reason) {
        error.hint("set this machine's clock")
    } else {
        error.hint("this is not about the secret: leave it as it is, and change what Looker names")
    }
}

#[cfg(test)]
mod tests {
    use super::refused;
    use crate::error::Kind;

    #[test]
    fn only_a_wrong_signature_speaks_against_the_secret() {
        for (reason, hint) in [
            (
                "Embed URI is not valid: 'signature' param failed to authenticate: '...'",
                "copy the embed secret again",
            ),
            (
                "Embed URI is not valid: Invalid host: a.example  (Use b.example instead)",
                "--embed-host",
            ),
            (
                "'time' param is not within 5 minutes of the server's system time",
                "clock",
            ),
            (
                "This request includes 'user_timezone' param and User Time Zones are disabled",
                "not about the secret",
            ),
            ("Missing required parameter: models", "not about the secret"),
            (
                "The permission see_lookz does not exist on this host at this time",
                "not about the secret",
            ),
        ] {
            let error = refused(Kind::NotAllowed, reason);

            let advice = error.advice().unwrap();
            assert!(advice.contains(hint), "{reason}: {advice}");
        }
    }
}
