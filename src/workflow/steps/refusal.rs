//! Finds out why Looker refused a signed URL, since the answer itself only redirects to the login page.

use crate::error::{Error, Kind};
use crate::looker::Landing;
use crate::signed_url::{self, Algorithm, Signer};
use crate::workflow::job_context::JobContext;
use crate::workflow::user_spec::UserSpec;

// belief: url-time-window
/// How far the two clocks may differ, in seconds (from Looker's validator).
const CLOCK_WINDOW: i64 = 300;

/// The error for a refused URL, with the first cause that can be established.
pub(super) async fn explain(work: &JobContext, spec: &UserSpec, landing: &Landing) -> Error {
    let refused = |cause: String| {
        Error::new(Kind::NotAllowed, cause)
            .context(format!(
                "Looker refused the signed URL for `{}`",
                spec.external_user_id
            ))
            .at_operation("signed_url", Some(landing.status))
    };
    if landing.status == 429 {
        return refused("Looker throttled every attempt".to_owned())
            .with_kind(Kind::Unreachable)
            .hint("try again later, or slow down with `--rps`");
    }
    if landing.status >= 500 {
        return refused(format!("Looker answered with status {}", landing.status))
            .with_kind(Kind::Looker)
            .hint("the value of a user attribute may not fit the attribute's type; `embedctl doctor` checks the rest");
    }
    if let Some(seconds) = clock_difference(work, landing) {
        return refused(format!("this machine's clock differs from Looker's by {seconds} seconds; {CLOCK_WINDOW} are allowed"))
            .hint("set the clock, for example with `timedatectl set-ntp true`, and run the same command again");
    }
    if is_embedding_off(work).await {
        return refused("signed embedding is switched off".to_owned()).hint(
            "switch it on under Admin > Embed, or use a Looker whose edition includes embedding",
        );
    }
    match validate(work, spec, work.cx.signer.as_ref()).await {
        Some(Some(reason)) if reason.to_lowercase().contains("signature") => {
            match other_algorithm_fits(work, spec).await {
                Some(other) => refused(reason).hint(format!(
                    "the embed secret is for {other}: pass `--embed-algorithm {other}`"
                )),
                None => refused(reason).hint(SECRET_HINT),
            }
        }
        Some(Some(reason)) => refused(reason)
            .hint("`embedctl doctor` checks each setting that the signature depends on"),
        // The validator is an alpha operation; without it, the secret is the most likely cause.
        Some(None) | None => {
            refused("the redirect went to the login page".to_owned()).hint(SECRET_HINT)
        }
    }
}

const SECRET_HINT: &str = "check the embed secret (`LOOKERSDK_EMBED_SECRET`), its algorithm (`--embed-algorithm`) and the host that Looker sees (`--embed-host`)";

fn clock_difference(work: &JobContext, landing: &Landing) -> Option<i64> {
    let looker = landing.date?;
    let here = work.cx.clock.now();
    let seconds = (here.as_second() - looker.as_second()).abs();
    (seconds > CLOCK_WINDOW).then_some(seconds)
}

async fn is_embedding_off(work: &JobContext) -> bool {
    match work.cx.admin.setting_embed().await {
        Ok(setting) => {
            // belief: embedding-says-if-off
            setting.embed_enabled == Some(false) || setting.sso_auth_enabled == Some(false)
        }
        Err(_) => false,
    }
}

/// What Looker's own validator says about a fresh URL; `None` if it cannot be asked.
async fn validate(
    work: &JobContext,
    spec: &UserSpec,
    signer: Option<&Signer>,
) -> Option<Option<String>> {
    let cx = &work.cx;
    let nonce = signed_url::nonce(&cx.random).ok()?;
    let login = spec.login();
    let url = signer?
        .sign(&spec.target, &login, &nonce, cx.clock.now().as_second())
        .ok()?;
    cx.admin.validate_embed_url(&url).await.ok()
}

async fn other_algorithm_fits(work: &JobContext, spec: &UserSpec) -> Option<Algorithm> {
    // belief: url-algorithm-by-secret
    let other = work.cx.other_signer.as_ref()?;
    let fits = validate(work, spec, Some(other)).await?.is_none();
    fits.then(|| other.algorithm())
}
