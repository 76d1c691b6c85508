//! `embedctl url sign`: print signed embed URLs.

use std::path::PathBuf;

use serde_json::json;

use crate::commands::context::CommandContext;
use crate::commands::grant_args::GrantArgs;
use crate::commands::url::lines::Job;
use crate::commands::url::{batch, embed_path};
use crate::config::Settings;
use crate::error::{Error, Exit};
use crate::report::{Format, Ui};
use crate::signed_url::{Login, Signer, UrlBuffer, UrlError, nonce, refuse_id};

/// Print a signed embed URL
///
/// Whoever has the URL is logged in as the user, once, within five minutes: treat it like a password. Nothing is sent to Looker.
#[derive(clap::Args, Debug)]
pub(crate) struct UrlSignArgs {
    /// The embed path, such as `/embed/dashboards/12`
    #[arg(required_unless_present = "batch")]
    pub(crate) path: Option<String>,

    /// Your own id of the user
    #[arg(
        long,
        value_name = "ID",
        required_unless_present = "batch",
        conflicts_with = "batch"
    )]
    pub(crate) external_user_id: Option<String>,

    /// Sign JSON Lines, one URL per line of FILE, or of standard input for `-`
    ///
    /// The names are those of the URL's parameters, plus `path`, `nonce` and `time`. What a line omits is taken from the flags. A
    /// line that cannot be signed is reported with its number, and the others are signed.
    #[arg(long, value_name = "FILE")]
    pub(crate) batch: Option<PathBuf>,

    /// The origin of the page that embeds Looker, such as `https://app.example.com`
    #[arg(long, value_name = "ORIGIN")]
    pub(crate) embed_domain: Option<String>,

    /// Keep a Looker session that the browser already has
    #[arg(long)]
    pub(crate) no_force_logout_login: bool,

    /// The nonce, instead of a random one
    #[arg(long, conflicts_with = "batch")]
    pub(crate) nonce: Option<String>,

    /// The time of signing, instead of now
    #[arg(long, value_name = "UNIX_SECONDS", allow_negative_numbers = true)]
    pub(crate) time: Option<i64>,

    #[command(flatten)]
    pub(crate) grants: GrantArgs,
}

pub(crate) async fn run(args: &UrlSignArgs, cx: &CommandContext) -> Result<Exit, Error> {
    let signer = signer(&cx.settings)?;
    let user = args.external_user_id.as_deref().unwrap_or_default();
    let given = args.grants.grants(&cx.system)?;
    let login = Login {
        force_logout_login: !args.no_force_logout_login,
        ..given.or(cx.settings.grants()).login(user)
    };
    if let Some(file) = &args.batch {
        let job = Job {
            signer: &signer,
            login: &login,
            path: args.path.as_deref(),
            embed_domain: args.embed_domain.as_deref(),
            time: args.time,
            json: cx.ui.format() != Format::Table,
            clock: cx.system.clock.clone(),
            random: cx.system.random.clone(),
        };
        return batch::run(file, &job, &cx.ui, &cx.system);
    }

    refuse_id(&login.external_user_id).map_err(UrlError::UserId)?;
    let path = args.path.as_deref().unwrap_or_default();
    let path = embed_path(path, args.embed_domain.as_deref())?;
    let nonce = match &args.nonce {
        Some(nonce) => nonce.clone(),
        None => nonce(&cx.system.random).map_err(Error::internal)?,
    };
    let time = args
        .time
        .unwrap_or_else(|| cx.system.clock.now().as_second());
    let mut buffer = UrlBuffer::default();
    print(
        &cx.ui,
        signer.sign_into(&mut buffer, &path, &login, &nonce, time)?,
    )
}

/// The signer for the embed secret in the settings.
pub(super) fn signer(settings: &Settings) -> Result<Signer, Error> {
    if settings.emulator {
        let what = "the local Looker of `--emulator` ends with the command, so the URL could not be opened";
        return Err(Error::usage(what).hint(
            "start `embedctl emulator`, which says how to point embedctl at it, and sign without `--emulator`",
        ));
    }
    let access = settings.embed()?;
    let signer = Signer::new(&access.host, &access.secret, access.algorithm)?;
    Ok(signer.with_scheme(&access.scheme))
}

/// Print one URL in the requested format.
pub(super) fn print(ui: &Ui, url: &str) -> Result<Exit, Error> {
    match ui.format() {
        Format::Table => ui.data(&format!("{url}\n"))?,
        Format::Json | Format::Jsonl => ui.json(&json!({ "url": url }))?,
        Format::Env => ui.env(&[("EMBED_URL", url.to_owned())], Some(url))?,
    }
    Ok(Exit::Done)
}
