//! `embedctl doctor`: whether everything that embedctl needs works, and how to fix what does not.

mod account;
mod embed;
mod findings;
mod grants;
mod local;
mod probe;
mod reach;
mod release;
mod watch;

use std::sync::Arc;

use jiff::Timestamp;

use crate::commands::context::CommandContext;
use crate::commands::doctor::findings::Findings;
use crate::commands::doctor::watch::Watch;
use crate::commands::session;
use crate::config::Settings;
use crate::error::{Error, Exit, Kind};
use crate::looker::{ApiKey, Client, Http};
use crate::report::Format;
use crate::system::System;

/// Find out whether everything embedctl needs works, and how to fix what does not
///
/// Nothing is changed at Looker without `--probe`. The exit code is that of the worst thing found.
#[derive(clap::Args, Debug)]
pub(crate) struct DoctorArgs {
    /// Also test, on an embed user that is created for this and deleted again, where Lookers may differ, and keep the results
    #[arg(long)]
    probe: bool,
}

/// Shared by the checks.
struct DoctorContext<'a> {
    settings: &'a Settings,
    system: &'a System,
    http: Http,
    watch: Arc<Watch>,
    probe: bool,
}

pub(crate) async fn run(args: &DoctorArgs, mut cx: CommandContext) -> Result<Exit, Error> {
    if matches!(cx.ui.format(), Format::Env) {
        return Err(cx.ui.no_env_form());
    }
    let emulator;
    (cx.settings, emulator) = session::with_emulator(cx.settings, &cx.system).await?;
    let mut findings = Findings::new(&cx.ui);
    let examined = examine(args, &cx, &mut findings).await;
    if let Some(emulator) = emulator {
        emulator.stop().await;
    }
    examined?;
    findings.conclude()
}

async fn examine(
    args: &DoctorArgs,
    cx: &CommandContext,
    findings: &mut Findings,
) -> Result<(), Error> {
    for warning in cx.settings.warnings() {
        findings.warn("settings", warning, "")?;
    }
    let watch = Arc::new(Watch::new(&cx.ui));
    let http = session::http(&cx.settings, Arc::<Watch>::clone(&watch), &cx.system);
    match http {
        Ok(http) => {
            let patient = DoctorContext {
                settings: &cx.settings,
                system: &cx.system,
                http,
                watch,
                probe: args.probe,
            };
            look_at_looker(&patient, findings).await?;
        }
        Err(error) => findings.fail("connection", &error)?,
    }
    local::examine(cx, findings).await
}

impl DoctorContext<'_> {
    /// The time at Looker, as far as its answers tell.
    fn looker_now(&self) -> Timestamp {
        let offset = self.http.clock_offset().unwrap_or_default();
        let now = self.system.clock.now();
        now.checked_add(offset).unwrap_or(now)
    }
}

/// All checks that need Looker; each goes as far as the ones before it allow.
async fn look_at_looker(patient: &DoctorContext<'_>, findings: &mut Findings) -> Result<(), Error> {
    let reached = reach::examine(patient, findings).await?;
    let Ok(access) = patient.settings.looker() else {
        return settings_are_missing(patient, findings);
    };
    findings.pass(
        "settings",
        "base URL, client id and client secret are there",
    )?;
    if !reached {
        for check in ["login", "version", "admin", "embedding", "sudo"] {
            findings.skip(check, "Looker was not reached")?;
        }
        return embed::examine_settings(patient, findings);
    }
    let key = ApiKey {
        client_id: access.client_id,
        client_secret: access.client_secret,
    };
    let admin = Client::new(patient.http.clone(), access.base_url, key);
    let result = examine_api(patient, &admin, findings).await;
    if let Err(error) = admin.logout().await {
        findings.fail("logout", &error.into())?;
    }
    result?;
    rate_limit(patient, findings)
}

/// A single finding for everything that is missing.
fn settings_are_missing(patient: &DoctorContext<'_>, findings: &mut Findings) -> Result<(), Error> {
    match patient.settings.looker_and_embed() {
        Ok(_) => Ok(()),
        Err(error) => findings.fail("settings", &error),
    }
}

async fn examine_api(
    patient: &DoctorContext<'_>,
    admin: &Client,
    findings: &mut Findings,
) -> Result<(), Error> {
    if !account::examine(patient, admin, findings).await? {
        return embed::examine_settings(patient, findings);
    }
    match embed::examine(patient, admin, findings).await? {
        Some(access) if patient.probe => probe::examine(patient, admin, &access, findings).await?,
        None if patient.probe => {}
        _ => probe::tell_kept(patient, admin, findings)?,
    }
    grants::examine(patient, admin, findings).await
}

fn rate_limit(patient: &DoctorContext<'_>, findings: &mut Findings) -> Result<(), Error> {
    let calls = patient.http.calls();
    match patient.watch.throttled() {
        0 => findings.pass("rate_limit", format!("none of {calls} calls was throttled")),
        count => findings.warn(
            "rate_limit",
            format!("{count} of {calls} calls were throttled"),
            "set `rps` and `concurrency` lower in the profile",
        ),
    }
}

/// The kind of a finding that means: Looker is not set up for this.
const NOT_SET_UP: Kind = Kind::Looker;
