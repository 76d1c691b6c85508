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
use crate::commands::keys_to::SinkArgs;
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

    /// The sink to try, without minting a key; default: the profile's; may be repeated
    #[arg(long, value_name = "SINK")]
    keys_to: Vec<String>,
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
            let cx = DoctorContext {
                settings: &cx.settings,
                system: &cx.system,
                http,
                watch,
                probe: args.probe,
            };
            look_at_looker(&cx, findings).await?;
        }
        Err(error) => findings.fail("connection", &error)?,
    }
    local::examine(cx, &SinkArgs::of(&args.keys_to), findings).await
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
async fn look_at_looker(cx: &DoctorContext<'_>, findings: &mut Findings) -> Result<(), Error> {
    let reached = reach::examine(cx, findings).await?;
    let Ok(access) = cx.settings.looker() else {
        return settings_are_missing(cx, findings);
    };
    findings.pass(
        "settings",
        "base URL, client id and client secret are there",
    )?;
    if !reached {
        for check in ["login", "version", "admin", "embedding", "sudo"] {
            findings.skip(check, "Looker was not reached")?;
        }
        return embed::examine_settings(cx, findings);
    }
    let key = ApiKey {
        client_id: access.client_id,
        client_secret: access.client_secret,
    };
    let admin = Client::new(cx.http.clone(), access.base_url, key);
    let result = examine_api(cx, &admin, findings).await;
    if let Err(error) = admin.logout().await {
        findings.fail("logout", &error.into())?;
    }
    result?;
    rate_limit(cx, findings)
}

/// A single finding for everything that is missing.
fn settings_are_missing(cx: &DoctorContext<'_>, findings: &mut Findings) -> Result<(), Error> {
    match cx.settings.looker_and_embed() {
        Ok(_) => Ok(()),
        Err(error) => findings.fail("settings", &error),
    }
}

async fn examine_api(
    cx: &DoctorContext<'_>,
    admin: &Client,
    findings: &mut Findings,
) -> Result<(), Error> {
    if !account::examine(cx, admin, findings).await? {
        return embed::examine_settings(cx, findings);
    }
    match embed::examine(cx, admin, findings).await? {
        Some(access) if cx.probe => probe::examine(cx, admin, &access, findings).await?,
        None if cx.probe => {}
        _ => probe::tell_kept(cx, admin, findings)?,
    }
    grants::examine(cx, admin, findings).await
}

fn rate_limit(cx: &DoctorContext<'_>, findings: &mut Findings) -> Result<(), Error> {
    let calls = cx.http.calls();
    match cx.watch.throttled() {
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
