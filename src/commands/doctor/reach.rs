//! Whether Looker can be reached, how fast it answers, and whether its clock and ours agree.

use std::time::Duration;

use url::Url;

use crate::commands::doctor::DoctorContext;
use crate::commands::doctor::findings::{Findings, WEB};
use crate::error::{Error, Kind};
use crate::system::duration;

/// Looker accepts signed URLs whose time is within five minutes of its own (Looker's published validator messages).
const ACCEPTED: i64 = 300;
/// Above this, a clock is not synchronized.
const DRIFT: i64 = 10;
/// A slower answer makes every run slow.
const SLOW: Duration = Duration::from_secs(2);

/// Whether there was an answer.
pub(super) async fn examine(
    cx: &DoctorContext<'_>,
    findings: &mut Findings,
) -> Result<bool, Error> {
    let Some(base_url) = cx.settings.base_url() else {
        return Ok(false);
    };
    if !ask(cx, base_url, "reachable", findings).await? {
        return Ok(false);
    }
    clock(cx, findings)?;
    if let Some(host) = cx.settings.web_host()
        && host != base_url.authority()
        && let Ok(web) = Url::parse(&format!("{}://{host}/", base_url.scheme()))
    {
        ask(cx, &web, WEB, findings).await?;
    }
    Ok(true)
}

/// `/alive` answers without a login, at the API and at the web part.
async fn ask(
    cx: &DoctorContext<'_>,
    origin: &Url,
    check: &str,
    findings: &mut Findings,
) -> Result<bool, Error> {
    let mut url = origin.clone();
    url.set_path("/alive");
    let start = cx.system.clock.elapsed();
    let landing = match cx.http.probe(&url).await {
        Ok(landing) => landing,
        Err(error) => {
            let mut error = Error::from(error);
            if check == WEB {
                let first = error.advice().map(|advice| format!("{advice}; or "));
                let hint = format!(
                    "{}pass `--embed-host` with the host that signed URLs are opened at",
                    first.unwrap_or_default()
                );
                error = error.without_hint().hint(hint);
            }
            findings.fail(check, &error)?;
            return Ok(false);
        }
    };
    let time = cx.system.clock.elapsed() - start;
    let origin = origin.as_str().trim_end_matches('/');
    let route = match cx.settings.proxy() {
        Some(_) => ", through a proxy",
        None => "",
    };
    let (status, took) = (landing.status, duration::measured(time));
    let detail = format!("`{origin}` answered {status} in {took}{route}");
    match landing.status {
        500.. => findings.warn(
            check,
            detail,
            "check whether Looker, or the proxy in front of it, is up",
        )?,
        404 => findings.warn(
            check,
            detail,
            "check that the base URL is that of Looker's API",
        )?,
        _ if time > SLOW => findings.warn(check, detail, "")?,
        _ => findings.pass(check, detail)?,
    }
    Ok(true)
}

fn clock(cx: &DoctorContext<'_>, findings: &mut Findings) -> Result<(), Error> {
    let Some(offset) = cx.http.clock_offset() else {
        return findings.skip("clock", "Looker did not say what time it is");
    };
    let seconds = offset.as_secs().abs();
    let side = if offset.is_negative() {
        "ahead of"
    } else {
        "behind"
    };
    let detail = format!("this machine's clock is {seconds} s {side} Looker's");
    let fix = "keep the clock by NTP, as with `timedatectl set-ntp true`";
    match seconds {
        0 => findings.pass("clock", "this machine's clock and Looker's agree"),
        1..=DRIFT => findings.pass("clock", detail),
        ..ACCEPTED => findings.warn("clock", detail, fix),
        _ => {
            let error = Error::new(
                Kind::Looker,
                format!("{detail}, and signed URLs are refused from {ACCEPTED} s on"),
            );
            findings.fail("clock", &error.hint(fix))
        }
    }
}
