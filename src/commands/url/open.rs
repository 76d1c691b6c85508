//! `embedctl url open`: see in a browser what an embed user sees.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;

use crate::commands::context::CommandContext;
use crate::commands::grant_args::GrantArgs;
use crate::commands::url::{embed_path, sign};
use crate::error::{Error, Exit};
use crate::signed_url::{UrlBuffer, UrlError, nonce, refuse_id};
use crate::system::{System, files};

/// How long to wait for the browser to report that it cannot open the page.
const PATIENCE: Duration = Duration::from_secs(2);

/// Sign an embed URL and open it in the browser: see what the user sees
///
/// Looker lets the user in with the grants given here and in the profile, which replace its own, and ends its other sessions; a
/// user that does not exist is created. The browser is `$BROWSER`, or the desktop's default.
#[derive(clap::Args, Debug)]
pub(crate) struct UrlOpenArgs {
    /// Your own id of the user
    external_user_id: String,

    /// The embed path, such as `/embed/dashboards/12`
    path: String,

    /// Print the URL, and open nothing
    #[arg(long)]
    print: bool,

    #[command(flatten)]
    grants: GrantArgs,
}

pub(crate) async fn run(args: &UrlOpenArgs, cx: &CommandContext) -> Result<Exit, Error> {
    let signer = sign::signer(&cx.settings)?;
    let grants = args.grants.grants().or(cx.settings.grants());
    let login = grants.login(&*args.external_user_id);
    let path = embed_path(&args.path, None)?;
    let nonce = nonce(&cx.system.random).map_err(Error::internal)?;
    let time = cx.system.clock.now().as_second();
    let mut buffer = UrlBuffer::default();
    refuse_id(&login.external_user_id).map_err(UrlError::UserId)?;
    let url = signer.sign_into(&mut buffer, &path, &login, &nonce, time)?;
    if args.print {
        return sign::print(&cx.ui, url);
    }
    cx.ui.warning(format!(
        "the grants of `{}` become the ones given, and its other sessions end",
        args.external_user_id
    ));
    let page = write_page(url, &cx.system)
        .map_err(|error| error.context("cannot write the page that leads to the URL"))?;
    browse(&page, cx).await?;
    cx.ui.status("Opened in the browser.");
    Ok(Exit::Done)
}

/// Write a page that redirects to the URL, readable by this user only. Everyone can read the arguments of a process, so the
/// browser is given the page. It stays until the next one; the URL in it is valid once, for five minutes.
fn write_page(url: &str, system: &System) -> Result<PathBuf, Error> {
    let folder = system
        .xdg_dir("XDG_STATE_HOME", ".local/state")
        .ok_or_else(|| Error::internal("neither `XDG_STATE_HOME` nor `HOME` is set"))?;
    files::make_private_folder(&folder)?;
    let page = folder.join("open.html");
    let url = url.replace('&', "&amp;");
    let text = format!(
        "<!doctype html><meta charset=\"utf-8\"><meta name=\"referrer\" content=\"no-referrer\">\
         <title>embedctl</title><meta http-equiv=\"refresh\" content=\"0; url={url}\">\n"
    );
    files::replace(&page, text.as_bytes())?;
    Ok(page)
}

/// Pass the page to the browser, which may run on after embedctl has ended.
async fn browse(page: &Path, cx: &CommandContext) -> Result<(), Error> {
    let program = cx
        .system
        .var("BROWSER")
        .unwrap_or_else(|| opener().to_owned());
    let cannot = |why: &dyn std::fmt::Display| {
        Error::internal(why)
            .context(format!("cannot open a browser with `{program}`"))
            .hint("set `BROWSER`, or use `--print` and open the URL yourself")
    };
    let mut browser = Command::new(&program)
        .arg(page)
        .current_dir(cx.system.path(""))
        .env_clear()
        .envs(cx.system.child_env(cx.settings.secret_variables()))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| cannot(&error))?;
    tokio::select! {
        ended = browser.wait() => match ended {
            Ok(status) if status.success() => Ok(()),
            Ok(status) => Err(cannot(&status)),
            Err(error) => Err(cannot(&error)),
        },
        () = cx.system.clock.sleep(PATIENCE) => Ok(()),
    }
}

const fn opener() -> &'static str {
    if cfg!(target_os = "macos") {
        "open"
    } else if cfg!(windows) {
        "explorer"
    } else {
        "xdg-open"
    }
}
